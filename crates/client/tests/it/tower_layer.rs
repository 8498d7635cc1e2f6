//! The authorizer as a layer for tower, over services that the test scripts.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::{Ready, poll_fn, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use credentials_grant::{Error, ErrorKind};
use credentials_grant_test_kit::{Answer, TestServer, gated, settle};
use http::{HeaderMap, Request, Response, Version};
use http_body::{Body, Frame};
use tokio::sync::{Barrier, Semaphore};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::acme::SECOND;
use crate::shop::{Rig, policy, rig, rig_with};

type BoxError = Box<dyn StdError + Send + Sync>;

/// A request's token and body.
type Call = (String, String);

/// An API that takes one token, and notes what comes in. Each clone of it has to get ready anew.
#[derive(Clone, Debug)]
struct Api {
    takes: &'static str,
    calls: Arc<Mutex<Vec<Call>>>,
    readiness: Readiness,
}

/// Is not cloned: a service that is ready says nothing of its clones.
#[derive(Debug, Default)]
struct Readiness(bool);

impl Clone for Readiness {
    fn clone(&self) -> Self {
        Self(false)
    }
}

impl Api {
    fn that_takes(token: &'static str) -> Self {
        Self { takes: token, calls: Arc::default(), readiness: Readiness::default() }
    }

    fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    fn tokens(&self) -> Vec<String> {
        self.calls().into_iter().map(|(token, _)| token).collect()
    }
}

fn token_of(headers: &HeaderMap) -> String {
    headers.get("authorization").map_or_else(String::new, |token| token.to_str().unwrap().to_owned())
}

impl Service<Request<String>> for Api {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.readiness.0 = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        assert!(self.readiness.0, "it was not asked whether it is ready");
        self.readiness.0 = false;
        let token = token_of(request.headers());
        let status = if token == self.takes { 200 } else { 401 };
        self.calls.lock().unwrap().push((token, request.into_body()));
        ready(Ok(Response::builder().status(status).body(String::new()).unwrap()))
    }
}

fn request(body: &str) -> Request<String> {
    Request::post("https://api.example.com/v1?page=2").header("x-mine", "1").body(body.to_owned()).unwrap()
}

fn ours(error: &BoxError) -> &Error {
    error.downcast_ref().unwrap()
}

#[tokio::test]
async fn an_empty_body_is_sent_again_and_another_one_where_it_can_be_copied() {
    let copies = |body: &String| Some(body.clone());
    for (body, status, tokens) in [("", 200, 2), ("the body", 401, 1)] {
        let (api, rig) = (Api::that_takes("Bearer token-2"), rig(policy()).warm().await);
        let answer = rig.authorizer.layer().layer(api.clone()).oneshot(request(body)).await.unwrap();
        assert_eq!((answer.status().as_u16(), rig.server.request_count()), (status, tokens), "{body}");
        assert_ne!(rig.cached().as_deref(), Some("Bearer token-1"), "it is given up in any case");
    }
    for body in ["", "the body"] {
        let (api, rig) = (Api::that_takes("Bearer token-2"), rig(policy()).warm().await);
        let layer = rig.authorizer.layer().with_body_copy(copies);
        assert_eq!(layer.layer(api.clone()).oneshot(request(body)).await.unwrap().status(), 200);
        let call = |token: &str| (token.to_owned(), body.to_owned());
        assert_eq!(api.calls(), [call("Bearer token-1"), call("Bearer token-2")]);
    }
    let (api, rig) = (Api::that_takes("Bearer token-2"), rig(policy()).warm().await);
    let layer = rig.authorizer.layer().with_body_copy(|_: &String| None);
    assert_eq!(layer.layer(api.clone()).oneshot(request("the body")).await.unwrap().status(), 401);
    assert_eq!(api.tokens(), ["Bearer token-1"]);
}

#[tokio::test]
async fn what_is_sent_again_is_the_same_request() {
    let rig = rig(policy()).warm().await;
    let seen: Arc<Mutex<Vec<Request<String>>>> = Arc::default();
    let api = {
        let seen = Arc::clone(&seen);
        service_fn(move |mut request: Request<String>| {
            let token = request.headers_mut().remove("authorization").unwrap();
            seen.lock().unwrap().push(request);
            let status = if token == "Bearer token-2" { 200 } else { 401 };
            ready(Ok::<_, Infallible>(Response::builder().status(status).body(String::new()).unwrap()))
        })
    };
    let mut sent = request("");
    sent.extensions_mut().insert("mine");
    *sent.version_mut() = Version::HTTP_2;
    assert_eq!(rig.authorizer.layer().layer(api).oneshot(sent.clone()).await.unwrap().status(), 200);
    let shown = |request: &Request<String>| {
        let extension = request.extensions().get::<&str>().copied();
        (request.method().clone(), request.uri().clone(), request.version(), request.headers().clone(), extension)
    };
    let seen: Vec<_> = seen.lock().unwrap().iter().map(shown).collect();
    assert_eq!(seen, [shown(&sent), shown(&sent)]);
}

#[tokio::test]
async fn a_second_rejection_is_handed_to_the_caller() {
    let (api, rig) = (Api::that_takes("none"), rig(policy()).warm().await);
    let mut service = rig.authorizer.layer().layer(api.clone());
    for _ in 0..5 {
        assert_eq!(service.ready().await.unwrap().call(request("")).await.unwrap().status(), 401);
    }
    assert_eq!(rig.server.request_count(), 2);
    assert_eq!(api.tokens()[..2], ["Bearer token-1", "Bearer token-2"]);
    assert_eq!(api.tokens().len(), 6);
}

#[tokio::test]
async fn without_a_token_or_to_another_host_the_service_is_not_called() {
    let api = Api::that_takes("none");
    let rig = rig_with(policy(), TestServer::in_turn([Answer::http(401, r#"{"error":"invalid_client"}"#)]));
    let service = ServiceBuilder::new().layer(rig.authorizer.layer()).service(api.clone());
    let error = service.clone().oneshot(request("")).await.unwrap_err();
    assert_eq!(ours(&error).kind(), ErrorKind::CredentialsRefused);
    for url in ["https://evil.example/", "/without/a/host"] {
        let elsewhere = Request::get(url).body(String::new()).unwrap();
        let error = service.clone().oneshot(elsewhere).await.unwrap_err();
        assert_eq!((ours(&error).kind(), ours(&error).provider()), (ErrorKind::Configuration, Some("shop")));
    }
    assert!(api.calls().is_empty());
}

#[tokio::test]
async fn where_no_new_token_can_be_had_the_caller_gets_the_reason_and_not_the_401() {
    let server = TestServer::in_turn([Answer::Token(3600), Answer::http(503, "")]);
    let (api, rig) = (Api::that_takes("none"), rig_with(policy(), server).warm().await);
    let error = rig.authorizer.layer().layer(api.clone()).oneshot(request("")).await.unwrap_err();
    assert_eq!(ours(&error).kind(), ErrorKind::Unavailable);
    assert_eq!(api.tokens(), ["Bearer token-1"]);
}

#[tokio::test]
async fn an_error_of_the_service_is_handed_on() {
    let rig = rig(policy());
    let broken = service_fn(|_: Request<String>| ready(Err::<Response<String>, _>(BoxError::from("broken"))));
    let error = rig.authorizer.layer().layer(broken).oneshot(request("")).await.unwrap_err();
    assert_eq!(error.to_string(), "broken");
}

#[tokio::test]
async fn a_grpc_call_that_is_unauthenticated_is_sent_once_more() {
    let rig = rig(policy()).warm().await;
    let grpc = service_fn(|request: Request<String>| {
        let code = if token_of(request.headers()) == "Bearer token-2" { "0" } else { "16" };
        ready(Ok::<_, Infallible>(Response::builder().header("grpc-status", code).body(String::new()).unwrap()))
    });
    let answer = rig.authorizer.layer().layer(grpc).oneshot(request("")).await.unwrap();
    assert_eq!(answer.headers()["grpc-status"], "0");
}

/// The body of a gRPC response: a message, and how the call ended.
struct GrpcBody(Vec<Frame<Bytes>>);

impl GrpcBody {
    fn ending_with(code: &'static str) -> Self {
        let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), code.parse().unwrap())]);
        Self(vec![Frame::trailers(trailers), Frame::data(Bytes::from_static(b"message"))])
    }
}

impl Body for GrpcBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

/// Calls an API of gRPC that ends each call so, and returns what the caller reads: frames with data, and with trailers.
async fn grpc_call(rig: &Rig, kind: &'static str, code: &'static str) -> (usize, usize) {
    let grpc = service_fn(move |_: Request<String>| {
        let response = Response::builder().header("content-type", kind).body(GrpcBody::ending_with(code));
        ready(Ok::<_, Infallible>(response.unwrap()))
    });
    let mut body = rig.authorizer.layer().layer(grpc).oneshot(request("")).await.unwrap().into_body();
    let mut read = (0, 0);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.unwrap();
        read = (read.0 + usize::from(frame.is_data()), read.1 + usize::from(frame.is_trailers()));
    }
    read
}

#[tokio::test]
async fn a_grpc_call_that_ends_unauthenticated_in_its_trailers_gives_the_token_up() {
    for (kind, code, is_given_up) in [
        ("application/grpc", "16", true),
        ("application/grpc+proto", "16", true),
        ("application/grpc-web+proto", "16", true),
        ("application/grpc", "0", false),
        ("application/grpc", "7", false),
        ("application/json", "16", false),
    ] {
        let rig = rig(policy()).warm().await;
        assert_eq!(grpc_call(&rig, kind, code).await, (1, 1), "{kind} {code}: the body is passed on");
        assert_eq!(rig.cached().is_none(), is_given_up, "{kind} {code}");
    }
}

#[tokio::test]
async fn an_api_that_ends_every_grpc_call_so_does_not_cost_a_token_for_each() {
    let rig = rig(policy()).warm().await;
    for _ in 0..10 {
        grpc_call(&rig, "application/grpc", "16").await;
    }
    assert_eq!(rig.server.request_count(), 2, "the second is kept for a second");
    rig.clock.advance(SECOND);
    grpc_call(&rig, "application/grpc", "16").await;
    grpc_call(&rig, "application/grpc", "0").await;
    grpc_call(&rig, "application/grpc", "16").await;
    assert_eq!((rig.cached(), rig.server.request_count()), (None, 3), "a call that went well ends the pause");
}

#[tokio::test]
async fn many_calls_rejected_at_once_buy_one_new_token() {
    const CALLS: usize = 50;
    let rig = rig(policy()).warm().await;
    let all_there = Arc::new(Barrier::new(CALLS));
    let api = service_fn(move |request: Request<String>| {
        let all_there = Arc::clone(&all_there);
        async move {
            let is_old = token_of(request.headers()) == "Bearer token-1";
            if is_old {
                all_there.wait().await;
            }
            let status = if is_old { 401 } else { 200 };
            Ok::<_, Infallible>(Response::builder().status(status).body(String::new()).unwrap())
        }
    });
    let service = rig.authorizer.layer().layer(api);
    let calls: Vec<_> = (0..CALLS).map(|_| tokio::spawn(service.clone().oneshot(request("")))).collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(rig.server.request_count(), 2);
}

#[tokio::test]
async fn a_caller_who_goes_away_during_the_renewal_leaves_it_to_the_next() {
    let (server, gate) = gated([Answer::Token(3600), Answer::Token(3600)]);
    gate.add_permits(1);
    let (api, rig) = (Api::that_takes("Bearer token-2"), rig_with(policy(), server).warm().await);
    let service = rig.authorizer.layer().layer(api.clone());
    let caller = tokio::spawn(service.clone().oneshot(request("")));
    settle().await;
    assert_eq!(rig.server.request_count(), 2, "the renewal is under way");
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    assert_eq!(service.oneshot(request("")).await.unwrap().status(), 200);
    assert_eq!(api.tokens(), ["Bearer token-1", "Bearer token-2"]);
    assert_eq!(rig.server.request_count(), 2);
}

#[tokio::test]
async fn a_renewal_that_was_in_vain_counts_though_other_calls_were_accepted_meanwhile() {
    let rig = rig(policy()).warm().await;
    // Answers 401 to every token, and to a new one when the gate opens.
    let gate = Arc::new(Semaphore::new(0));
    let locked = {
        let gate = Arc::clone(&gate);
        service_fn(move |request: Request<String>| {
            let gate = Arc::clone(&gate);
            async move {
                if request.headers()["authorization"] != "Bearer token-1" {
                    gate.acquire().await.unwrap().forget();
                }
                Ok::<_, Infallible>(Response::builder().status(401).body(String::new()).unwrap())
            }
        })
    };
    let locked = rig.authorizer.layer().layer(locked);
    let open = rig.authorizer.layer().layer(Api::that_takes("Bearer token-2"));
    let call = tokio::spawn(locked.clone().oneshot(request("")));
    settle().await;
    assert_eq!(open.oneshot(request("")).await.unwrap().status(), 200);
    gate.add_permits(100);
    assert_eq!(call.await.unwrap().unwrap().status(), 401);
    for _ in 0..10 {
        assert_eq!(locked.clone().oneshot(request("")).await.unwrap().status(), 401);
    }
    assert_eq!(rig.server.request_count(), 2);
    rig.clock.advance(SECOND);
    locked.oneshot(request("")).await.unwrap();
    assert_eq!(rig.server.request_count(), 3);
}

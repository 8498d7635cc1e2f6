//! The authorizer as a middleware for reqwest, against a real server.

use credentials_grant::{Error, ErrorKind, ExpiredBody, Policy};
use credentials_grant_client::Authorizer;
use credentials_grant_test_kit::{Answer, TestServer};
use reqwest::{Body, Client, Method, Request, StatusCode, Url};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use wiremock::matchers::{any, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::acme::SECOND;
use crate::shop::{Rig, policy, presentation, rig, rig_with};

/// An API whose answer to a token, or to none, the test decides.
async fn api(answer: impl Fn(Option<&str>) -> ResponseTemplate + Send + Sync + 'static) -> MockServer {
    let server = MockServer::start().await;
    let of = |request: &wiremock::Request| {
        let headers = ["authorization", "x-shop-token"].map(|name| request.headers.get(name));
        headers.into_iter().flatten().next().map(|token| token.to_str().unwrap().to_owned())
    };
    Mock::given(any())
        .respond_with(move |request: &wiremock::Request| answer(of(request).as_deref()))
        .mount(&server)
        .await;
    server
}

/// An API that takes this token and no other.
async fn api_that_takes(token: &'static str) -> MockServer {
    api(move |given| ResponseTemplate::new(if given == Some(token) { 200 } else { 401 })).await
}

fn at(server: &MockServer) -> Policy {
    policy().with_host(server.address().to_string())
}

fn client(authorizer: &Authorizer) -> ClientWithMiddleware {
    ClientBuilder::new(Client::new()).with(authorizer.clone()).build()
}

/// The tokens of the requests that came in.
async fn seen(server: &MockServer) -> Vec<String> {
    let token = |request: &wiremock::Request| {
        let headers = ["authorization", "x-shop-token"].map(|name| request.headers.get(name));
        headers.into_iter().flatten().next().map_or_else(String::new, |token| token.to_str().unwrap().to_owned())
    };
    server.received_requests().await.unwrap().iter().map(token).collect()
}

fn ours(error: &reqwest_middleware::Error) -> &Error {
    match error {
        reqwest_middleware::Error::Middleware(error) => error.downcast_ref().unwrap(),
        reqwest_middleware::Error::Reqwest(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_rejected_token_is_renewed_and_the_same_request_sent_once_more() {
    let server = api_that_takes("Bearer token-2").await;
    let rig = rig(at(&server)).warm().await;
    let call =
        client(&rig.authorizer).post(format!("{}/v1?page=2", server.uri())).header("x-mine", "1").body("the body");
    assert_eq!(call.send().await.unwrap().status(), 200);
    assert_eq!(seen(&server).await, ["Bearer token-1", "Bearer token-2"]);
    let [first, second] = &server.received_requests().await.unwrap()[..] else { panic!("two requests") };
    let shown = |request: &wiremock::Request| {
        let mut headers = request.headers.clone();
        headers.remove("authorization");
        (request.method.clone(), request.url.clone(), headers, request.body.clone())
    };
    assert_eq!(shown(first), shown(second));
    assert_eq!(second.body, b"the body");
    assert_eq!(rig.server.request_count(), 2);
}

#[tokio::test]
async fn a_second_rejection_is_handed_to_the_caller() {
    let server = api_that_takes("none").await;
    let rig = rig(at(&server)).warm().await;
    assert_eq!(client(&rig.authorizer).get(server.uri()).send().await.unwrap().status(), 401);
    assert_eq!(seen(&server).await, ["Bearer token-1", "Bearer token-2"]);
    for _ in 0..10 {
        assert_eq!(client(&rig.authorizer).get(server.uri()).send().await.unwrap().status(), 401);
    }
    assert_eq!(rig.server.request_count(), 2, "not a token for each call");
    assert_eq!(seen(&server).await.len(), 12, "and no second try that is known to fail");
}

#[tokio::test]
async fn a_token_that_was_fetched_for_the_request_is_not_renewed_for_it() {
    let server = api_that_takes("none").await;
    let rig = rig(at(&server));
    assert_eq!(client(&rig.authorizer).get(server.uri()).send().await.unwrap().status(), 401);
    assert_eq!(rig.server.request_count(), 1);
    assert_eq!(seen(&server).await, ["Bearer token-1"]);
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_again_is_not_and_the_next_call_has_a_new_token() {
    let server = api_that_takes("Bearer token-2").await;
    let rig = rig(at(&server)).warm().await;
    let streamed = || {
        let mut request = Request::new(Method::POST, Url::parse(&server.uri()).unwrap());
        *request.body_mut() = Some(Body::wrap("streamed".to_owned()));
        assert!(request.try_clone().is_none());
        request
    };
    let client = client(&rig.authorizer);
    assert_eq!(client.execute(streamed()).await.unwrap().status(), 401);
    assert_eq!(rig.server.request_count(), 1, "no token that nobody needs yet");
    assert_eq!(client.execute(streamed()).await.unwrap().status(), 200);
    assert_eq!(seen(&server).await, ["Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn a_403_and_too_little_scope_are_the_callers() {
    let challenge = r#"Bearer error="insufficient_scope""#;
    for answer in [
        ResponseTemplate::new(403),
        ResponseTemplate::new(401).insert_header("www-authenticate", challenge),
        ResponseTemplate::new(403).insert_header("www-authenticate", challenge),
    ] {
        let server = api(move |_| answer.clone()).await;
        let rig = rig(at(&server)).warm().await;
        assert!(client(&rig.authorizer).get(server.uri()).send().await.unwrap().status().is_client_error());
        assert_eq!(seen(&server).await, ["Bearer token-1"]);
        assert_eq!(rig.cached().unwrap(), "Bearer token-1");
    }
}

#[tokio::test]
async fn a_status_that_means_expired_at_this_vendor_renews_too() {
    let server = api(|given| ResponseTemplate::new(if given == Some("Bearer token-2") { 200 } else { 403 })).await;
    let rig = rig(at(&server).with_expired_status(StatusCode::FORBIDDEN)).warm().await;
    assert_eq!(client(&rig.authorizer).get(server.uri()).send().await.unwrap().status(), 200);
}

/// Some APIs send who comes with an expired token to a page for people to log in at, which is there.
#[tokio::test]
async fn a_redirect_that_means_expired_at_this_vendor_renews_too_and_is_not_followed() {
    let server = MockServer::start().await;
    Mock::given(path("/login")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    let to_login = ResponseTemplate::new(302).insert_header("location", "/login?next=/api");
    Mock::given(header("authorization", "Bearer token-2"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    Mock::given(path("/api")).respond_with(to_login).mount(&server).await;
    let rig = rig(at(&server).with_expired_status(StatusCode::FOUND)).warm().await;
    let client = rig.authorizer.limit_redirects(Client::builder()).build().unwrap();
    let client = ClientBuilder::new(client).with(rig.authorizer.clone()).build();
    let answer = client.get(format!("{}/api", server.uri())).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(seen(&server).await, ["Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn a_request_with_a_token_of_its_own_is_left_alone() {
    let server = api_that_takes("none").await;
    let rig = rig(at(&server));
    let call = client(&rig.authorizer).get(server.uri()).header("authorization", "Bearer mine");
    assert_eq!(call.send().await.unwrap().status(), 401);
    assert_eq!(seen(&server).await, ["Bearer mine"]);
    assert_eq!(rig.server.request_count(), 0);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_the_caller_gets_the_reason() {
    let server = api_that_takes("none").await;
    let rig = rig_with(at(&server), TestServer::in_turn([Answer::http(401, r#"{"error":"invalid_client"}"#)]));
    let error = client(&rig.authorizer).get(server.uri()).send().await.unwrap_err();
    assert_eq!(ours(&error).kind(), ErrorKind::CredentialsRefused);
    assert!(ours(&error).remedy().is_some() && error.to_string().starts_with("shop: "), "{error}");
    assert!(seen(&server).await.is_empty());
}

#[tokio::test]
async fn to_a_host_that_nobody_named_nothing_is_sent() {
    let server = api_that_takes("none").await;
    let rig = rig(policy()).warm().await;
    let error = client(&rig.authorizer).get(server.uri()).send().await.unwrap_err();
    let named = format!("with_host(\"{}\")", server.address());
    assert!(ours(&error).to_string().contains(&named), "{error}");
    assert!(seen(&server).await.is_empty());

    for credentials in ["user:canary", "user", ":canary"] {
        let url = Url::parse(&format!("https://{credentials}@api.example.com/")).unwrap();
        let mut request = Request::new(Method::GET, url);
        let error = rig.authorizer.authorize(&mut request).await.unwrap_err();
        assert!(error.to_string().contains("before an @") && request.headers().is_empty(), "{credentials}: {error}");
    }
}

#[tokio::test]
async fn where_no_new_token_can_be_had_the_caller_gets_the_reason_and_not_the_401() {
    let server = api_that_takes("none").await;
    let issuer = TestServer::in_turn([Answer::Token(3600), Answer::http(503, "")]);
    let rig = rig_with(at(&server), issuer).warm().await;
    let error = client(&rig.authorizer).get(server.uri()).send().await.unwrap_err();
    assert_eq!(ours(&error).kind(), ErrorKind::Unavailable);
    assert_eq!(seen(&server).await, ["Bearer token-1"]);
}

/// An API that redirects every call to another server.
async fn redirecting_to(other: &MockServer) -> MockServer {
    let target = other.uri();
    api(move |_| ResponseTemplate::new(302).insert_header("location", target.clone())).await
}

#[tokio::test]
async fn what_another_host_says_after_a_redirect_means_nothing_for_the_token() {
    let other = api_that_takes("none").await;
    let server = redirecting_to(&other).await;
    let rig = rig(at(&server)).warm().await;
    assert_eq!(client(&rig.authorizer).get(server.uri()).send().await.unwrap().status(), 401);
    assert_eq!(seen(&other).await, [""], "reqwest takes `Authorization` off");
    assert_eq!(rig.cached().unwrap(), "Bearer token-1");
    assert_eq!(rig.server.request_count(), 1);
}

#[tokio::test]
async fn with_limited_redirects_no_token_goes_along_to_a_host_that_nobody_named() {
    let other = api_that_takes("token-1").await;
    let server = redirecting_to(&other).await;
    let strict = |rig: &Rig| {
        let client = rig.authorizer.limit_redirects(Client::builder()).build().unwrap();
        ClientBuilder::new(client).with(rig.authorizer.clone()).build()
    };
    let rig = rig(at(&server).with_presentation(presentation()));
    client(&rig.authorizer).get(server.uri()).send().await.unwrap();
    assert_eq!(seen(&other).await, ["token-1"], "reqwest knows no other header than `Authorization`");

    let answer = strict(&rig).get(server.uri()).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(seen(&other).await.len(), 1);

    let both = crate::shop::rig(at(&server).with_host(other.address().to_string()).with_presentation(presentation()));
    assert_eq!(strict(&both).get(server.uri()).send().await.unwrap().status(), 200);
    assert_eq!(seen(&other).await.len(), 2, "one that is named is followed to");
}

#[tokio::test]
async fn with_limited_redirects_no_host_learns_the_url_that_was_asked_before() {
    let other = api_that_takes("none").await;
    let server = redirecting_to(&other).await;
    let rig = rig(at(&server).with_host(other.address().to_string()));
    let url = format!("{}/v1?key=canary", server.uri());
    let referer = async || {
        let requests = other.received_requests().await.unwrap();
        requests.last().unwrap().headers.get("referer").map(|referer| referer.to_str().unwrap().to_owned())
    };
    client(&rig.authorizer).get(&url).send().await.unwrap();
    assert_eq!(referer().await.as_deref(), Some(url.as_str()), "reqwest's default");

    let limited = rig.authorizer.limit_redirects(Client::builder()).build().unwrap();
    ClientBuilder::new(limited).with(rig.authorizer).build().get(&url).send().await.unwrap();
    assert_eq!(other.received_requests().await.unwrap().len(), 2);
    assert_eq!(referer().await, None);
}

#[tokio::test]
async fn a_host_header_does_not_follow_a_redirect() {
    let other = api_that_takes("none").await;
    let server = redirecting_to(&other).await;
    let rig = rig(at(&server).with_host(other.address().to_string()));
    let limited = rig.authorizer.limit_redirects(Client::builder()).build().unwrap();
    let client = ClientBuilder::new(limited).with(rig.authorizer).build();
    client.get(server.uri()).header("host", server.address().to_string()).send().await.unwrap();
    for server in [server, other] {
        let [request] = &server.received_requests().await.unwrap()[..] else { panic!("one request") };
        assert_eq!(request.headers.get_all("host").iter().collect::<Vec<_>>(), [&*server.address().to_string()]);
    }
}

#[tokio::test]
async fn a_loop_of_redirects_ends() {
    let server = api(|_| ResponseTemplate::new(302).insert_header("location", "/again")).await;
    let rig = rig(at(&server));
    let client = rig.authorizer.limit_redirects(Client::builder()).build().unwrap();
    let client = ClientBuilder::new(client).with(rig.authorizer).build();
    let error = client.get(server.uri()).send().await.unwrap_err();
    assert!(matches!(error, reqwest_middleware::Error::Reqwest(error) if error.is_redirect()));
    assert_eq!(seen(&server).await.len(), 11);
}

#[tokio::test]
async fn a_call_that_rejects_every_token_beside_others_that_do_not_costs_one_for_each_pause() {
    // `/locked` answers 401 to everybody; the other calls take any token.
    let server = MockServer::start().await;
    let locked =
        |request: &wiremock::Request| ResponseTemplate::new(if request.url.path() == "/locked" { 401 } else { 200 });
    Mock::given(any()).respond_with(locked).mount(&server).await;
    let rig = rig(at(&server)).warm().await;
    let client = client(&rig.authorizer);
    for (tokens, pause) in [(2, 1), (3, 2), (4, 4)] {
        for _ in 0..5 {
            assert_eq!(client.get(format!("{}/locked", server.uri())).send().await.unwrap().status(), 401);
            assert_eq!(client.get(server.uri()).send().await.unwrap().status(), 200);
        }
        assert_eq!(rig.server.request_count(), tokens);
        rig.clock.advance(SECOND * pause);
    }
}

#[tokio::test]
async fn a_body_that_was_accepted_is_not_sent_again_for_a_401_behind_a_redirect() {
    let server = MockServer::start().await;
    let booked = ResponseTemplate::new(303).insert_header("location", "/bookings/1");
    Mock::given(method("POST")).respond_with(booked).mount(&server).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let rig = rig(at(&server)).warm().await;
    let booking = client(&rig.authorizer).post(format!("{}/bookings", server.uri())).body("one room");
    assert_eq!(booking.send().await.unwrap().status(), 401);
    let sent = server.received_requests().await.unwrap();
    assert_eq!(sent.iter().filter(|request| request.method == "POST").count(), 1);
}

/// How Marketo says that a token has expired, and an answer that takes this token and no other.
fn by_body(server: &MockServer) -> Policy {
    at(server).with_expired_body(ExpiredBody::new("/errors/0/code", ["601", "602"]).with_status(StatusCode::OK))
}

fn marketo(taken: &'static str, code: &'static str) -> impl Fn(Option<&str>) -> ResponseTemplate {
    move |given| {
        let body = if given == Some(taken) {
            r#"{"success":true,"result":[1]}"#.to_owned()
        } else {
            format!(r#"{{"success":false,"errors":[{{"code":"{code}","message":"Access token expired"}}]}}"#)
        };
        ResponseTemplate::new(200).set_body_raw(body, "application/json;charset=UTF-8")
    }
}

#[tokio::test]
async fn a_token_that_has_expired_by_the_body_of_a_success_is_renewed_once() {
    for code in ["601", "602"] {
        let server = api(marketo("Bearer token-2", code)).await;
        let rig = rig(by_body(&server)).warm().await;
        let response = client(&rig.authorizer).get(format!("{}/v1", server.uri())).send().await.unwrap();
        assert_eq!(response.url().path(), "/v1");
        assert_eq!(response.headers()["content-type"], "application/json;charset=UTF-8");
        assert_eq!(response.text().await.unwrap(), r#"{"success":true,"result":[1]}"#);
        assert_eq!(seen(&server).await, ["Bearer token-1", "Bearer token-2"], "{code}");
    }
}

#[tokio::test]
async fn a_body_that_says_something_else_is_handed_on_as_it_is() {
    let server = api(marketo("Bearer token-2", "610")).await;
    let rig = rig(by_body(&server)).warm().await;
    let response = client(&rig.authorizer).get(format!("{}/v1", server.uri())).send().await.unwrap();
    assert!(response.text().await.unwrap().contains("610"));
    assert_eq!(seen(&server).await, ["Bearer token-1"]);
}

#[tokio::test]
async fn a_token_that_never_satisfies_costs_one_renewal_and_the_last_body_is_handed_on() {
    let server = api(marketo("Bearer none", "602")).await;
    let rig = rig(by_body(&server)).warm().await;
    let response = client(&rig.authorizer).get(format!("{}/v1", server.uri())).send().await.unwrap();
    assert!(response.text().await.unwrap().contains("602"));
    assert_eq!(seen(&server).await, ["Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn a_long_body_arrives_whole_and_no_other_body_is_read() {
    let long = format!(r#"{{"errors":[{{"code":"602"}}],"more":"{}"}}"#, "x".repeat(200 * 1024));
    for (body, kind, status) in [
        (long.clone(), "application/json", 200),
        (r#"{"errors":[{"code":"602"}]}"#.to_owned(), "text/html", 200),
        (r#"{"errors":[{"code":"602"}]}"#.to_owned(), "application/json", 500),
    ] {
        let answer = body.clone();
        let server = api(move |_| ResponseTemplate::new(status).set_body_raw(answer.clone(), kind)).await;
        let rig = rig(by_body(&server)).warm().await;
        let response = client(&rig.authorizer).get(format!("{}/v1", server.uri())).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), body, "{kind} {status}");
        assert_eq!(seen(&server).await, ["Bearer token-1"], "{kind} {status}");
    }
}

#[tokio::test]
async fn a_status_that_the_policy_names_means_expired_and_no_other() {
    for (status, tokens) in [(400, 2), (403, 2), (404, 2), (409, 1)] {
        let server =
            api(move |given| ResponseTemplate::new(if given == Some("Bearer token-2") { 200 } else { status })).await;
        let named = [StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
        let rig = rig(named.into_iter().fold(at(&server), Policy::with_expired_status)).warm().await;
        client(&rig.authorizer).get(format!("{}/v1", server.uri())).send().await.unwrap();
        assert_eq!(seen(&server).await.len(), tokens, "{status}");
    }
}

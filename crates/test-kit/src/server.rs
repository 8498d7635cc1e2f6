//! A server in memory, whose answers the test sets.

use std::collections::VecDeque;
use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use credentials_grant::{Error, HeaderMap, HttpRequest, HttpResponse, Method, Transport, Url, async_trait};

use crate::answer::Answer;

type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Behaviour = dyn Fn(&HttpRequest, usize) -> Pending + Send + Sync;

/// A server in memory, which is a [`Transport`]: it answers as the test says, and records its requests. Clones are the
/// same server.
///
/// ```
/// use credentials_grant::{Error, HttpRequest, Transport as _};
/// use credentials_grant_test_kit::{Acme, Answer, TestServer, response};
/// # use futures_executor::block_on;
///
/// let server = TestServer::new(|request, number| match (request.method().as_str(), number) {
///     ("GET", 1) => response(200, &[], "first").into(),
///     _ => Answer::unreachable(),
/// });
/// let request = HttpRequest::get(&Acme::endpoint());
/// assert_eq!(block_on(server.send(&request))?.body(), b"first");
/// assert!(block_on(server.send(&request)).is_err());
/// assert_eq!(server.take_request_lines(), ["GET https://auth.example.com/token"; 2]);
/// assert_eq!((server.request_count(), server.take_requests().len()), (2, 0));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct TestServer(Arc<Mutex<State>>);

struct State {
    behaviour: Arc<Behaviour>,
    request_count: usize,
    /// Those that the test has not taken yet.
    requests: Vec<ReceivedRequest>,
}

/// A request as a [`TestServer`] received it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// The headers that the provider set.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
    /// Whether a client certificate came with it.
    pub has_certificate: bool,
}

impl TestServer {
    /// Makes a server that answers what this closure returns for a request and its number. The first is number 1.
    pub fn new<A: Into<Answer>>(answer: impl Fn(&HttpRequest, usize) -> A + Send + Sync + 'static) -> Self {
        Self::new_async(move |request, number| ready(answer(request, number).into()))
    }

    /// Makes a server that answers what this closure returns, some time later.
    pub fn new_async<A, F>(answer: impl Fn(&HttpRequest, usize) -> F + Send + Sync + 'static) -> Self
    where
        A: Into<Answer>,
        F: Future<Output = A> + Send + 'static,
    {
        Self::with_behaviour(Arc::new(move |request, number| {
            let answer = answer(request, number);
            Box::pin(async move { answer.await.into() })
        }))
    }

    /// Makes a server that gives these answers in turn, and panics if it is asked once more.
    pub fn in_turn(answers: impl IntoIterator<Item = impl Into<Answer>>) -> Self {
        Self::with_behaviour(in_turn(answers))
    }

    /// Makes a server that must not be asked: it panics.
    pub fn unused() -> Self {
        Self::in_turn([Answer::Panic; 0])
    }

    /// Makes a server that gives this response to every request.
    pub fn always(answer: HttpResponse) -> Self {
        let headers = answer.headers().clone();
        Self::new(move |_, _| HttpResponse::new(answer.status(), headers.clone(), answer.body().to_vec()))
    }

    fn with_behaviour(behaviour: Arc<Behaviour>) -> Self {
        Self(Arc::new(Mutex::new(State { behaviour, request_count: 0, requests: Vec::new() })))
    }

    /// Gives these answers from now on, in turn.
    pub fn then(&self, answers: impl IntoIterator<Item = impl Into<Answer>>) {
        self.state().behaviour = in_turn(answers);
    }

    /// Returns the number of requests so far, those included that have no answer yet.
    pub fn request_count(&self) -> usize {
        self.state().request_count
    }

    /// Returns the requests since the last call.
    pub fn take_requests(&self) -> Vec<ReceivedRequest> {
        std::mem::take(&mut self.state().requests)
    }

    /// Returns the requests since the last call as method and URL: `GET https://auth.example.com/keys`.
    pub fn take_request_lines(&self) -> Vec<String> {
        self.take_requests().iter().map(ReceivedRequest::line).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

fn in_turn(answers: impl IntoIterator<Item = impl Into<Answer>>) -> Arc<Behaviour> {
    let answers: Mutex<VecDeque<Answer>> = Mutex::new(answers.into_iter().map(Into::into).collect());
    Arc::new(move |_, _| {
        let answer = answers.lock().unwrap().pop_front();
        Box::pin(ready(answer.expect("an answer is left")))
    })
}

#[async_trait]
impl Transport for TestServer {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let (behaviour, number) = {
            let mut state = self.state();
            state.request_count += 1;
            state.requests.push(ReceivedRequest::new(request));
            (Arc::clone(&state.behaviour), state.request_count)
        };
        // Without the lock, since the closure may panic or use this server.
        let answer = behaviour(request, number);
        answer.await.outcome(number)
    }
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServer").field("request_count", &self.request_count()).finish_non_exhaustive()
    }
}

impl ReceivedRequest {
    fn new(request: &HttpRequest) -> Self {
        Self {
            method: request.method().clone(),
            url: request.url().clone(),
            headers: request.headers().clone(),
            body: String::from_utf8_lossy(request.body()).into_owned(),
            has_certificate: request.client_certificate().is_some(),
        }
    }

    /// Returns the method and the URL: `GET https://auth.example.com/keys`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.url)
    }
}

//! Credentials that change under a running program.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error, ErrorKind};
use credentials_grant_client::{FallbackCredentials, FunctionCredentials, ManualClock, TokenSource};
use credentials_grant_test_kit::{Answer, TestServer, TokioClock, clock};

use crate::acme::{SECOND, acme, token};

/// Credentials that somebody rotates, and that count how often they were asked for.
#[derive(Clone, Debug, Default)]
struct Rotating {
    secret: Arc<Mutex<&'static str>>,
    asked: Arc<AtomicUsize>,
    rotated_after: Option<usize>,
}

#[async_trait]
impl CredentialsSource for Rotating {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let secret = match self.rotated_after {
            Some(asks) if asked > asks => "rotated",
            _ => *self.secret.lock().unwrap(),
        };
        Ok(ClientCredentials::new("id", secret))
    }
}

fn rotating(credentials: &Rotating, server: &TestServer, clock: &ManualClock) -> TokenSource {
    let builder = TokenSource::builder(acme(), credentials.clone());
    builder.with_transport(server.clone()).with_clock(clock.clone()).build().unwrap()
}

#[tokio::test]
async fn refused_credentials_are_asked_for_once_more_and_tried_if_they_changed() {
    let server = TestServer::in_turn([Answer::http(401, ""), Answer::Token(3600)]);
    let credentials = Rotating { secret: Arc::new(Mutex::new("old")), rotated_after: Some(1), ..Rotating::default() };
    let source = rotating(&credentials, &server, &clock());
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
    assert_eq!(credentials.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn refused_credentials_that_did_not_change_are_not_tried_again() {
    let server = TestServer::in_turn([Answer::http(401, "")]);
    let credentials = Rotating { secret: Arc::new(Mutex::new("wrong")), ..Rotating::default() };
    let source = rotating(&credentials, &server, &clock());
    assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::CredentialsRefused);
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn a_refusal_stands_until_the_credentials_change() {
    let refusals = (0..6).map(|_| Answer::http(401, ""));
    let server = TestServer::in_turn(refusals.chain([Answer::Token(3600)]));
    let clock = clock();
    let credentials = Rotating { secret: Arc::new(Mutex::new("wrong")), ..Rotating::default() };
    let source = rotating(&credentials, &server, &clock);
    for pause in [1, 2, 4, 8, 16] {
        token(&source).await.unwrap_err();
        clock.advance(SECOND * pause);
    }
    token(&source).await.unwrap_err();
    assert_eq!(server.request_count(), 6);

    let asked = credentials.asked.load(Ordering::SeqCst);
    for _ in 0..100 {
        token(&source).await.unwrap_err();
    }
    clock.advance(SECOND);
    for _ in 0..100 {
        token(&source).await.unwrap_err();
    }
    assert_eq!(credentials.asked.load(Ordering::SeqCst) - asked, 1, "they are looked at once a second");
    assert_eq!(server.request_count(), 6, "and not sent");

    *credentials.secret.lock().unwrap() = "right";
    clock.advance(SECOND);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-7", "long before the pause of 32 seconds is over");
}

#[tokio::test]
async fn an_outage_is_no_reason_to_ask_for_the_credentials_again() {
    let server = TestServer::in_turn([Answer::http(503, "")]);
    let credentials = Rotating { secret: Arc::new(Mutex::new("secret")), ..Rotating::default() };
    let source = rotating(&credentials, &server, &clock());
    token(&source).await.unwrap_err();
    assert_eq!(credentials.asked.load(Ordering::SeqCst), 1);
}

fn in_order(credentials: FallbackCredentials, server: &TestServer, clock: &ManualClock) -> TokenSource {
    let builder = TokenSource::builder(acme(), credentials);
    builder.with_transport(server.clone()).with_clock(clock.clone()).build().unwrap()
}

fn with_secret(secret: &str) -> ClientCredentials {
    ClientCredentials::new("id", secret)
}

#[tokio::test]
async fn the_second_secret_is_tried_where_the_first_is_refused_and_stayed_with() {
    let acts =
        [Answer::http(401, ""), Answer::Token(100), Answer::Token(100), Answer::http(401, ""), Answer::Token(100)];
    let (server, clock) = (TestServer::in_turn(acts), clock());
    let source = in_order(FallbackCredentials::new(with_secret("next")).or(with_secret("current")), &server, &clock);
    for served in ["Bearer token-2", "Bearer token-3", "Bearer token-5"] {
        assert_eq!(token(&source).await.unwrap(), served);
        clock.advance(SECOND * 100);
    }
}

#[tokio::test]
async fn each_secret_is_tried_once_and_then_the_refusal_stands() {
    let (server, clock) = (TestServer::in_turn((0..4).map(|_| Answer::http(401, ""))), clock());
    let source = in_order(FallbackCredentials::new(with_secret("next")).or(with_secret("current")), &server, &clock);
    assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::CredentialsRefused);
    assert_eq!(server.request_count(), 2);
    clock.advance(SECOND);
    for _ in 0..10 {
        token(&source).await.unwrap_err();
    }
    assert_eq!(server.request_count(), 2, "it is two refusals by now: the pause is two seconds");
    clock.advance(SECOND);
    token(&source).await.unwrap_err();
    assert_eq!(server.request_count(), 4);
}

#[tokio::test]
async fn a_source_with_nothing_to_give_is_passed_over() {
    let nothing = FunctionCredentials::new("nothing", || async {
        Err(Error::new(ErrorKind::Configuration, "there is no next secret yet"))
    });
    let (server, clock) = (TestServer::in_turn([Answer::Token(100)]), clock());
    let source = in_order(FallbackCredentials::new(nothing.clone()).or(with_secret("current")), &server, &clock);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1");

    let source = in_order(FallbackCredentials::new(nothing.clone()).or(nothing), &server, &clock);
    let error = token(&source).await.unwrap_err();
    assert!(error.to_string().contains("there is no next secret yet"), "{error}");
}

#[tokio::test]
async fn a_source_that_offers_ever_new_credentials_does_not_keep_a_fetch_busy_for_ever() {
    let asked = Arc::new(AtomicUsize::new(0));
    let ever_new = FunctionCredentials::new("ever new", move || {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move { Ok(with_secret(&number.to_string())) }
    });
    let (server, clock) = (TestServer::in_turn((0..100).map(|_| Answer::http(401, ""))), clock());
    let source = in_order(FallbackCredentials::new(ever_new), &server, &clock);
    token(&source).await.unwrap_err();
    assert_eq!(server.request_count(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_never_answers_ends_in_an_error_within_the_timeout() {
    let never = FunctionCredentials::new("vault", || async { std::future::pending().await });
    let builder = TokenSource::builder(acme(), never).with_transport(TestServer::unused()).with_timeout(SECOND * 3);
    let error = token(&builder.build().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}

#[test]
fn what_a_function_holds_is_not_shown() {
    let secret = "a-client-secret".to_owned();
    let credentials = FunctionCredentials::new("vault", move || {
        let credentials = with_secret(&secret);
        async { Ok(credentials) }
    });
    let shown = format!("{credentials:?} {:?}", FallbackCredentials::new(credentials.clone()));
    assert!(shown.contains("vault") && !shown.contains("a-client-secret"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stands_also_if_there_was_no_time_to_find_others() {
    let never = FunctionCredentials::new("vault", || async { std::future::pending().await });
    let server = TestServer::in_turn((0..20).map(|_| Answer::http(401, "")));
    let credentials = FallbackCredentials::new(with_secret("wrong")).or(never);
    let builder = TokenSource::builder(acme(), credentials).with_transport(server.clone());
    let source = builder.with_clock(TokioClock::new()).with_timeout(SECOND).build().unwrap();
    for _ in 0..20 {
        token(&source).await.unwrap_err();
    }
    assert!(server.request_count() <= 5, "{} in 20 seconds", server.request_count());
}

#[tokio::test]
async fn a_correction_of_any_of_the_secrets_is_noticed_within_a_second() {
    for corrected in [0, 1] {
        let secrets = [Arc::new(Mutex::new("one")), Arc::new(Mutex::new("two"))];
        let [first, second] = secrets.clone().map(|secret| {
            FunctionCredentials::new("vault", move || {
                let secret = *secret.lock().unwrap();
                async move { Ok(with_secret(secret)) }
            })
        });
        let server = TestServer::in_turn((0..8).map(|_| Answer::http(401, "")).chain([Answer::Token(3600)]));
        let clock = clock();
        let source = in_order(FallbackCredentials::new(first).or(second), &server, &clock);
        for pause in [2, 8, 32, 1] {
            token(&source).await.unwrap_err();
            clock.advance(SECOND * pause);
        }
        assert_eq!(server.request_count(), 8);
        *secrets[corrected].lock().unwrap() = "right";
        assert_eq!(token(&source).await.unwrap(), "Bearer token-9", "{corrected}");
    }
}

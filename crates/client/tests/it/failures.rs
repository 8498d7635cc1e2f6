//! What a source remembers of failures, and for how long.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error, ErrorKind, Retry};
use credentials_grant_client::{ManualClock, TokenSource};

use crate::acme::{Acme, Act, SECOND, Script, clock, source, token};

#[tokio::test]
async fn an_outage_is_not_remembered_beyond_its_waiters() {
    let script = Script::new([Act::Answer(503, ""), Act::Issue(3600)]);
    let source = source(&script, &clock());
    assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_refusal_is_remembered_for_a_pause_that_doubles() {
    let refusal = || Act::Answer(400, r#"{"error":"invalid_scope"}"#);
    let (script, clock) = (Script::new([refusal(), refusal(), Act::Issue(3600)]), clock());
    let source = source(&script, &clock);
    for (pause, requests) in [(1, 1), (2, 2)] {
        for _ in 0..10 {
            assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::RequestRefused);
        }
        assert_eq!(script.requests(), requests);
        clock.advance(SECOND * pause);
    }
    assert_eq!(token(&source).await.unwrap(), "Bearer token-3");
}

#[tokio::test]
async fn a_server_that_says_how_long_to_wait_is_left_alone_for_that_long() {
    let wait = Error::new(ErrorKind::RateLimited, "slow down").with_retry(Retry::After(SECOND * 120));
    let (script, clock) = (Script::new([Act::Fail(wait), Act::Issue(3600)]), clock());
    let source = source(&script, &clock);
    token(&source).await.unwrap_err();
    clock.advance(SECOND * 20);
    let error = token(&source).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::After(SECOND * 100)));
    assert_eq!(script.requests(), 1);
    clock.advance(SECOND * 100);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

/// Credentials that somebody rotates, and that count how often they were asked for.
#[derive(Clone, Debug, Default)]
struct Rotating {
    secret: Arc<Mutex<&'static str>>,
    asked: Arc<AtomicUsize>,
    rotated_after: Option<usize>,
}

#[async_trait]
impl CredentialsSource for Rotating {
    async fn credentials(&self) -> Result<ClientCredentials, Error> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let secret = match self.rotated_after {
            Some(asks) if asked > asks => "rotated",
            _ => *self.secret.lock().unwrap(),
        };
        Ok(ClientCredentials::new("id", secret))
    }
}

fn rotating(credentials: &Rotating, script: &Arc<Script>, clock: &ManualClock) -> TokenSource {
    let builder = TokenSource::builder(Acme::new(), credentials.clone());
    builder.with_transport(Arc::clone(script)).with_clock(clock.clone()).build().unwrap()
}

#[tokio::test]
async fn refused_credentials_are_asked_for_once_more_and_tried_if_they_changed() {
    let script = Script::new([Act::Answer(401, ""), Act::Issue(3600)]);
    let credentials = Rotating { secret: Arc::new(Mutex::new("old")), rotated_after: Some(1), ..Rotating::default() };
    let source = rotating(&credentials, &script, &clock());
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
    assert_eq!(credentials.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn refused_credentials_that_did_not_change_are_not_tried_again() {
    let script = Script::new([Act::Answer(401, "")]);
    let credentials = Rotating { secret: Arc::new(Mutex::new("wrong")), ..Rotating::default() };
    let source = rotating(&credentials, &script, &clock());
    assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::CredentialsRefused);
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn a_refusal_stands_until_the_credentials_change() {
    let refusals = (0..6).map(|_| Act::Answer(401, ""));
    let script = Script::new(refusals.chain([Act::Issue(3600)]));
    let clock = clock();
    let credentials = Rotating { secret: Arc::new(Mutex::new("wrong")), ..Rotating::default() };
    let source = rotating(&credentials, &script, &clock);
    for pause in [1, 2, 4, 8, 16] {
        token(&source).await.unwrap_err();
        clock.advance(SECOND * pause);
    }
    token(&source).await.unwrap_err();
    assert_eq!(script.requests(), 6);

    let asked = credentials.asked.load(Ordering::SeqCst);
    for _ in 0..100 {
        token(&source).await.unwrap_err();
    }
    clock.advance(SECOND);
    for _ in 0..100 {
        token(&source).await.unwrap_err();
    }
    assert_eq!(credentials.asked.load(Ordering::SeqCst) - asked, 1, "they are looked at once a second");
    assert_eq!(script.requests(), 6, "and not sent");

    *credentials.secret.lock().unwrap() = "right";
    clock.advance(SECOND);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-7", "long before the pause of 32 seconds is over");
}

#[tokio::test]
async fn an_outage_is_no_reason_to_ask_for_the_credentials_again() {
    let script = Script::new([Act::Answer(503, "")]);
    let credentials = Rotating { secret: Arc::new(Mutex::new("secret")), ..Rotating::default() };
    let source = rotating(&credentials, &script, &clock());
    token(&source).await.unwrap_err();
    assert_eq!(credentials.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_fails_after_refusals_of_the_credentials_may_be_the_vendors_block() {
    let gone = || Act::Fail(Error::new(ErrorKind::Unreachable, "gone").with_remedy("check the network"));
    let refusal = || Act::Answer(401, "");
    let (script, clock) = (Script::new([gone(), refusal(), gone(), refusal(), Act::Answer(503, ""), gone()]), clock());
    let source = source(&script, &clock);
    let mut remedies = Vec::new();
    for _ in 0..6 {
        let error = token(&source).await.unwrap_err();
        remedies.push((error.kind(), error.remedy().unwrap().to_owned()));
        clock.advance(SECOND * 60);
    }
    let of = |at: usize| (remedies[at].0, remedies[at].1.as_str());
    assert_eq!(of(0), (ErrorKind::Unreachable, "check the network"), "nothing was refused before");
    assert!(remedies[2].1.contains("may have blocked this address") && remedies[2].1.contains("once"), "{remedies:?}");
    assert_eq!(of(4), (ErrorKind::Unavailable, "try again later"), "who answers has not blocked");
    assert!(remedies[5].1.contains("2 times"), "{remedies:?}");
}

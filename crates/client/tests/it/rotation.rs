//! Credentials that change under a running program.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error, ErrorKind};
use credentials_grant_client::{FallbackCredentials, FunctionCredentials, ManualClock, TokenSource};

use crate::acme::{Acme, Act, SECOND, Script, TokioClock, clock, token};

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

fn in_order(credentials: FallbackCredentials, script: &Arc<Script>, clock: &ManualClock) -> TokenSource {
    let builder = TokenSource::builder(Acme::new(), credentials);
    builder.with_transport(Arc::clone(script)).with_clock(clock.clone()).build().unwrap()
}

fn with_secret(secret: &str) -> ClientCredentials {
    ClientCredentials::new("id", secret)
}

#[tokio::test]
async fn the_second_secret_is_tried_where_the_first_is_refused_and_stayed_with() {
    let acts = [Act::Answer(401, ""), Act::Issue(100), Act::Issue(100), Act::Answer(401, ""), Act::Issue(100)];
    let (script, clock) = (Script::new(acts), clock());
    let source = in_order(FallbackCredentials::new(with_secret("next")).or(with_secret("current")), &script, &clock);
    for served in ["Bearer token-2", "Bearer token-3", "Bearer token-5"] {
        assert_eq!(token(&source).await.unwrap(), served);
        clock.advance(SECOND * 100);
    }
}

#[tokio::test]
async fn each_secret_is_tried_once_and_then_the_refusal_stands() {
    let (script, clock) = (Script::new((0..4).map(|_| Act::Answer(401, ""))), clock());
    let source = in_order(FallbackCredentials::new(with_secret("next")).or(with_secret("current")), &script, &clock);
    assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::CredentialsRefused);
    assert_eq!(script.requests(), 2);
    clock.advance(SECOND);
    for _ in 0..10 {
        token(&source).await.unwrap_err();
    }
    assert_eq!(script.requests(), 2, "it is two refusals by now: the pause is two seconds");
    clock.advance(SECOND);
    token(&source).await.unwrap_err();
    assert_eq!(script.requests(), 4);
}

#[tokio::test]
async fn a_source_with_nothing_to_give_is_passed_over() {
    let nothing = FunctionCredentials::new("nothing", || async {
        Err(Error::new(ErrorKind::Configuration, "there is no next secret yet"))
    });
    let (script, clock) = (Script::new([Act::Issue(100)]), clock());
    let source = in_order(FallbackCredentials::new(nothing.clone()).or(with_secret("current")), &script, &clock);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1");

    let source = in_order(FallbackCredentials::new(nothing.clone()).or(nothing), &script, &clock);
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
    let (script, clock) = (Script::new((0..100).map(|_| Act::Answer(401, ""))), clock());
    let source = in_order(FallbackCredentials::new(ever_new), &script, &clock);
    token(&source).await.unwrap_err();
    assert_eq!(script.requests(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_never_answers_ends_in_an_error_within_the_timeout() {
    let never = FunctionCredentials::new("vault", || async { std::future::pending().await });
    let builder = TokenSource::builder(Acme::new(), never).with_transport(Script::new([])).with_timeout(SECOND * 3);
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
    let script = Script::new((0..20).map(|_| Act::Answer(401, "")));
    let credentials = FallbackCredentials::new(with_secret("wrong")).or(never);
    let builder = TokenSource::builder(Acme::new(), credentials).with_transport(Arc::clone(&script));
    let source = builder.with_clock(TokioClock::new()).with_timeout(SECOND).build().unwrap();
    for _ in 0..20 {
        token(&source).await.unwrap_err();
    }
    assert!(script.requests() <= 5, "{} in 20 seconds", script.requests());
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
        let script = Script::new((0..8).map(|_| Act::Answer(401, "")).chain([Act::Issue(3600)]));
        let clock = clock();
        let source = in_order(FallbackCredentials::new(first).or(second), &script, &clock);
        for pause in [2, 8, 32, 1] {
            token(&source).await.unwrap_err();
            clock.advance(SECOND * pause);
        }
        assert_eq!(script.requests(), 8);
        *secrets[corrected].lock().unwrap() = "right";
        assert_eq!(token(&source).await.unwrap(), "Bearer token-9", "{corrected}");
    }
}

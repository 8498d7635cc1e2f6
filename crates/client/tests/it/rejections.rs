//! What the API's answers do to the token, and how often one is given up.

use std::sync::Arc;

use credentials_grant::{ExpiredBody, HeaderMap, Policy, StatusCode};
use credentials_grant_client::{Authorization, Authorizer, TokenOptions};
use credentials_grant_test_kit::settle;
use http::Request;
use tracing::Level;

use crate::acme::SECOND;
use crate::secrets::Log;
use crate::shop::{Rig, policy, rig};

async fn authorization(authorizer: &Authorizer) -> Authorization {
    let mut request = Request::get("https://api.example.com/").body(()).unwrap();
    authorizer.authorize(&mut request).await.unwrap()
}

fn headers(headers: &[(&'static str, &'static str)]) -> HeaderMap {
    headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

impl Rig {
    /// Says whether the call is worth another try.
    fn answer(&self, authorization: &Authorization, status: u16) -> bool {
        self.authorizer
            .check_response(authorization, StatusCode::from_u16(status).unwrap(), &HeaderMap::new())
            .is_some()
    }

    /// A call that is answered so, and is not sent again.
    async fn call(&self, status: u16) -> bool {
        let authorization = authorization(&self.authorizer).await;
        self.answer(&authorization, status)
    }
}

#[tokio::test]
async fn what_gives_a_token_up() {
    let bearer = |error: &'static str| ("www-authenticate", error);
    for (status, answer, is_given_up) in [
        (401, vec![], true),
        (401, vec![bearer("Bearer")], true),
        (401, vec![bearer(r#"Bearer realm="x", error="invalid_token", error_description="expired""#)], true),
        (401, vec![bearer(r#"Bearer error="invalid_token", error_description="no insufficient_scope""#)], true),
        (401, vec![bearer(r#"Bearer realm="x", error="insufficient_scope", scope="a b""#)], false),
        (401, vec![bearer("Bearer Error = insufficient_scope")], false),
        (401, vec![bearer("Basic"), bearer(r#"Bearer scope="error",error="insufficient_scope""#)], false),
        (401, vec![bearer(r#"DPoP error="use_dpop_nonce""#), ("dpop-nonce", "some-nonce")], false),
        (403, vec![], false),
        (403, vec![bearer(r#"Bearer error="insufficient_scope""#)], false),
        (200, vec![("grpc-status", "16")], true),
        (200, vec![("grpc-status", "7")], false),
        (200, vec![], false),
        (407, vec![], false),
        (500, vec![], false),
    ] {
        let rig = rig(policy()).warm().await;
        let authorization = authorization(&rig.authorizer).await;
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(
            rig.authorizer.check_response(&authorization, status, &headers(&answer)).is_some(),
            is_given_up,
            "{status} {answer:?}"
        );
        assert_eq!(rig.cached().is_none(), is_given_up, "{status} {answer:?}");
    }
}

#[tokio::test]
async fn a_status_of_the_providers_means_expired_too() {
    let rig = rig(policy().with_expired_status(StatusCode::FORBIDDEN)).warm().await;
    let authorization = authorization(&rig.authorizer).await;
    let too_little = headers(&[("www-authenticate", r#"Bearer error="insufficient_scope""#)]);
    assert!(rig.authorizer.check_response(&authorization, StatusCode::FORBIDDEN, &too_little).is_none());
    assert!(rig.answer(&authorization, 403));
    assert!(rig.cached().is_none());
}

#[tokio::test]
async fn a_late_rejection_of_an_old_token_keeps_the_newer_one_and_is_worth_another_try() {
    let rig = rig(policy()).warm().await;
    let (one, other) = (authorization(&rig.authorizer).await, authorization(&rig.authorizer).await);
    assert!(rig.answer(&one, 401));
    rig.source.token().await.unwrap();
    assert!(rig.answer(&other, 401));
    assert_eq!(rig.cached().unwrap(), "Bearer token-2");
    assert_eq!(rig.server.request_count(), 2);
}

#[tokio::test]
async fn a_token_that_was_fetched_for_the_call_is_given_up_and_the_call_not_worth_another_try() {
    let rig = rig(policy());
    assert!(!rig.call(401).await);
    assert!(rig.cached().is_none());
}

#[tokio::test]
async fn an_api_that_rejects_every_token_costs_one_for_each_pause_and_not_for_each_call() {
    let rig = rig(policy());
    for (tokens, pause) in
        [(2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 32), (8, 64), (9, 128), (10, 256), (11, 300), (12, 300)]
    {
        for _ in 0..10 {
            rig.call(401).await;
        }
        assert_eq!(rig.server.request_count(), tokens, "the first was given up at once, and its successor is kept");
        rig.clock.advance((SECOND * pause).saturating_sub(SECOND / 1000));
        rig.source.token().await.unwrap();
        settle().await;
        rig.call(401).await;
        assert_eq!(rig.server.request_count(), tokens, "{pause}");
        rig.clock.advance(SECOND / 1000);
        rig.call(401).await;
    }
}

#[tokio::test]
async fn a_call_that_is_not_rejected_ends_the_pauses() {
    let rig = rig(policy()).warm().await;
    for tokens in 2..20 {
        assert!(rig.call(401).await);
        rig.call(200).await;
        assert_eq!(rig.server.request_count(), tokens);
    }
}

#[tokio::test]
async fn calls_that_mean_nothing_for_the_rejected_one_end_no_pause() {
    // One call of the API rejects every token, and the others take it.
    let rig = rig(policy()).warm().await;
    assert!(rig.call(401).await);
    for _ in 0..10 {
        assert!(!rig.call(401).await, "the token is new");
        rig.call(200).await;
    }
    assert_eq!(rig.server.request_count(), 2);
    rig.clock.advance(SECOND);
    assert!(rig.call(401).await);
    rig.call(401).await;
    rig.call(200).await;
    rig.clock.advance(SECOND);
    assert!(!rig.call(401).await, "the pause has doubled");
    assert_eq!(rig.server.request_count(), 3);
}

#[tokio::test]
async fn a_renewal_for_a_token_that_somebody_else_dropped_counts_as_one_that_was_in_vain() {
    let rig = rig(policy()).warm().await;
    let mut request = Request::get("https://api.example.com/").body(()).unwrap();
    let authorization = rig.authorizer.authorize(&mut request).await.unwrap();
    rig.source.invalidate(&rig.source.token().await.unwrap());
    rig.source.token().await.unwrap();
    let retry = rig.authorizer.check_response(&authorization, StatusCode::UNAUTHORIZED, &HeaderMap::new()).unwrap();
    let authorization = rig.authorizer.authorize_again(&mut request, retry).await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer token-2");
    assert!(!rig.answer(&authorization, 401));
    assert_eq!(rig.cached().unwrap(), "Bearer token-2", "it is not dropped before the first pause is over");
    rig.clock.advance(SECOND);
    rig.call(401).await;
    assert_eq!(rig.cached(), None);
}

#[tokio::test]
async fn a_token_that_was_dropped_is_not_kept_in_memory() {
    let rig = rig(policy()).warm().await;
    assert!(rig.call(401).await);
    let token = Arc::downgrade(&rig.source.token().await.unwrap());
    // It is suspected during the pause, and dropped after it.
    assert!(!rig.call(401).await);
    assert!(token.upgrade().is_some());
    rig.clock.advance(SECOND);
    assert!(rig.call(401).await);
    assert!(token.upgrade().is_none());
}

#[tokio::test]
async fn what_rejected_tokens_cost_is_shared_by_clones() {
    let rig = rig(policy()).warm().await;
    assert!(rig.call(401).await);
    let clone = rig.authorizer.clone();
    rig.source.token().await.unwrap();
    let authorization = authorization(&clone).await;
    assert!(clone.check_response(&authorization, StatusCode::UNAUTHORIZED, &HeaderMap::new()).is_none());
    assert_eq!(rig.cached().unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn the_log_says_who_rejected_what_and_holds_no_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(log.clone()).finish();
    // With a single dispatcher, tracing asks the thread that reaches an event first, which may be another test's, and
    // keeps its answer for all threads.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _guard = tracing::subscriber::set_default(subscriber);
    let rig = rig(policy()).warm().await;
    for _ in 0..3 {
        rig.call(401).await;
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for (level, words) in
        [("DEBUG", "the API rejected the token; fetching a new one"), ("WARN", "no new one is fetched")]
    {
        let line = logged.lines().find(|line| line.contains(words)).expect(words);
        assert!(line.contains(level) && line.contains("shop") && line.contains("401"), "{line}");
    }
    assert!(!logged.contains("token-1") && !logged.contains("a-client-secret"), "{logged}");
}

/// Has a token that was renewed ahead of time, a second ago.
async fn renewed(policy: Policy) -> Rig {
    let rig = rig(policy).warm().await;
    rig.clock.advance(SECOND * 3300);
    rig.source.token().await.unwrap();
    settle().await;
    assert_eq!(rig.cached().unwrap(), "Bearer token-2");
    rig.clock.advance(SECOND);
    rig
}

#[tokio::test(start_paused = true)]
async fn a_new_token_that_the_api_refuses_at_first_does_not_end_the_one_before_it() {
    let rig = renewed(policy()).await;
    let (one, other) = (authorization(&rig.authorizer).await, authorization(&rig.authorizer).await);
    // The API's clock lags behind: both calls are repeated with the token before, and so are those that follow.
    for refused in [one, other] {
        let mut request = Request::get("https://api.example.com/").body(()).unwrap();
        let retry = rig.authorizer.check_response(&refused, StatusCode::UNAUTHORIZED, &HeaderMap::new()).unwrap();
        let authorization = rig.authorizer.authorize_again(&mut request, retry).await.unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer token-1");
        assert!(!rig.answer(&authorization, 200));
    }
    for _ in 0..8 {
        rig.clock.advance(SECOND);
        rig.call(200).await;
        settle().await;
        assert_eq!(rig.cached().unwrap(), "Bearer token-1");
    }
    rig.clock.advance(SECOND);
    rig.call(200).await;
    assert_eq!((rig.cached().unwrap().as_str(), rig.server.request_count()), ("Bearer token-2", 2));
}

#[tokio::test(start_paused = true)]
async fn if_the_token_before_is_refused_too_a_new_one_is_fetched() {
    let rig = renewed(policy()).await;
    assert!(rig.call(401).await);
    assert_eq!(rig.cached().unwrap(), "Bearer token-1");
    rig.clock.advance(SECOND);
    assert!(rig.call(401).await);
    assert_eq!(rig.cached(), None);
    rig.call(200).await;
    assert_eq!((rig.cached().unwrap().as_str(), rig.server.request_count()), ("Bearer token-3", 3));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_used_again_once_the_one_before_it_has_expired_or_lives_too_short() {
    let rig = rig(policy()).warm().await;
    rig.clock.advance(SECOND * 3565);
    rig.source.token().await.unwrap();
    settle().await;
    assert!(rig.call(401).await);
    assert_eq!(rig.cached().unwrap(), "Bearer token-1");
    let longer = TokenOptions::new().with_minimum_lifetime(SECOND * 60);
    assert_eq!(rig.source.token_with(longer).await.unwrap().header_value(), "Bearer token-2");

    let rig = self::rig(policy()).warm().await;
    rig.clock.advance(SECOND * 3565);
    rig.source.token().await.unwrap();
    settle().await;
    assert!(rig.call(401).await);
    rig.clock.advance(SECOND * 6);
    assert_eq!(rig.source.token().await.unwrap().header_value(), "Bearer token-2");
    assert_eq!(rig.server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_later_or_ends_the_one_before_it_or_is_invalidated_by_the_user_is_given_up() {
    let rig = renewed(policy()).await;
    rig.clock.advance(SECOND * 9);
    assert!(rig.call(401).await);
    assert_eq!(rig.cached(), None, "ten seconds after its request");

    let rig = renewed(policy().with_single_token()).await;
    assert!(rig.call(401).await);
    assert_eq!(rig.cached(), None, "the one before is over");

    let rig = renewed(policy()).await;
    rig.source.invalidate(&rig.source.token().await.unwrap());
    assert_eq!(rig.cached(), None);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_replaced_is_dropped_after_some_seconds_and_with_its_source() {
    let rig = rig(policy()).warm().await;
    let before = Arc::downgrade(&rig.source.token().await.unwrap());
    rig.clock.advance(SECOND * 3300);
    rig.source.token().await.unwrap();
    settle().await;
    assert!(before.upgrade().is_some());
    tokio::time::advance(SECOND * 11).await;
    settle().await;
    assert!(before.upgrade().is_none());

    let rig = renewed(policy()).await;
    drop(rig);
    settle().await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test]
async fn a_body_gives_a_token_up_where_the_policy_says_so_and_it_is_not_too_long() {
    const EXPIRED: &[u8] = br#"{"errors":[{"code":"602"}]}"#;
    let json = [("content-type", "application/json")];
    let long = [EXPIRED, &b" ".repeat(64 * 1024)].concat();
    for (status, answer, body, is_needed, is_given_up) in [
        (200, &json[..], EXPIRED, true, true),
        (200, &[("content-type", "application/problem+JSON")], EXPIRED, true, true),
        (200, &json, br#"{"errors":[{"code":"610"}]}"#, true, false),
        (200, &json, b"not json", true, false),
        (200, &json, b"", true, false),
        (200, &json, &long, true, false),
        (200, &[("content-type", "application/json"), ("content-length", "70000")], &long, false, false),
        (200, &[("content-type", "image/png")], b"", false, false),
        (200, &[], b"", false, false),
        (404, &json, EXPIRED, false, false),
        (401, &json, b"", false, true),
    ] {
        let expired = ExpiredBody::new("/errors/0/code", ["602"]).with_status(StatusCode::OK);
        let rig = rig(policy().with_expired_body(expired)).warm().await;
        let authorization = authorization(&rig.authorizer).await;
        let (status, headers) = (StatusCode::from_u16(status).unwrap(), headers(answer));
        assert_eq!(rig.authorizer.needs_body(status, &headers), is_needed, "{status} {answer:?}");
        let retry = rig.authorizer.check_response_with_body(&authorization, status, &headers, body);
        assert_eq!(retry.is_some(), is_given_up, "{status} {answer:?}");
        assert_eq!(rig.cached().is_none(), is_given_up, "{status} {answer:?}");
    }
    let plain = rig(policy()).warm().await;
    assert!(!plain.authorizer.needs_body(StatusCode::OK, &headers(&json)), "no vendor is asked about bodies");
}

#[test]
fn a_program_that_blocks_can_show_the_body_too() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let expired = ExpiredBody::new("code", ["expired"]);
    let rig = runtime.block_on(rig(policy().with_expired_body(expired)).warm());
    let authorizer = credentials_grant_client::blocking::Authorizer::from_async(rig.authorizer.clone()).unwrap();
    let mut request = Request::get("https://api.example.com/").body(()).unwrap();
    let authorization = authorizer.authorize(&mut request).unwrap();
    let headers = headers(&[("content-type", "application/json")]);
    assert!(authorizer.needs_body(StatusCode::OK, &headers));
    let body = br#"{"code":"expired"}"#;
    let retry = authorizer.check_response_with_body(&authorization, StatusCode::OK, &headers, body).unwrap();
    authorizer.authorize_again(&mut request, retry).unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer token-2");
}

//! How long metadata is used, and what happens if it cannot be fetched again.

use std::time::Duration;

use credentials_grant::{ClientCredentials, CredentialsGrant, ErrorKind, RequestContext, RequestSeed, TokenParameters};
use credentials_grant_test_kit::{Answer, TestServer, response};

use crate::server::{Acme, ISSUER, METADATA, OAUTH, OIDC, POST, TOKEN, provider, token};

#[tokio::test]
async fn metadata_is_fetched_once_and_shared_by_clones_for_an_hour() {
    let (provider, server) =
        (provider(), TestServer::in_turn([response(200, &[], METADATA), response(200, &[], TOKEN)]));
    assert_eq!(token(&provider, &server, 0).await.unwrap().header_value(), "Bearer abc");
    assert_eq!(server.take_request_lines(), [OAUTH, POST]);

    server.then([response(200, &[], TOKEN)]);
    token(&provider.clone(), &server, 3599).await.unwrap();
    assert_eq!(server.take_request_lines(), [POST]);

    server.then([response(200, &[], METADATA), response(200, &[], TOKEN)]);
    token(&provider, &server, 3600).await.unwrap();
    assert_eq!(server.take_request_lines(), [OAUTH, POST]);
}

#[tokio::test]
async fn cache_control_says_how_long_metadata_is_fresh_within_limits() {
    let cases = [
        ("max-age=60", 59, 60),
        ("public, MAX-AGE=\"60\", must-revalidate", 59, 60),
        ("max-age=99999999999", 86_399, 86_400),
        ("public", 3599, 3600),
    ];
    for (cache_control, good, old) in cases {
        let read = || response(200, &[("cache-control", cache_control)], METADATA);
        let (provider, server) = (provider(), TestServer::in_turn([read(), response(200, &[], TOKEN)]));
        token(&provider, &server, 0).await.unwrap();
        for (seconds, expected) in [(good, vec![POST]), (old, vec![OAUTH, POST])] {
            server.take_request_lines();
            server.then([response(200, &[], TOKEN)]);
            if expected.len() == 2 {
                server.then([read(), response(200, &[], TOKEN)]);
            }
            token(&provider, &server, seconds).await.unwrap();
            assert_eq!(server.take_request_lines(), expected, "{cache_control} after {seconds} s");
        }
    }
    for cache_control in ["no-store", "no-cache", "max-age=0", "max-age=-1", "max-age=soon"] {
        let read = || response(200, &[("cache-control", cache_control)], METADATA);
        let (provider, server) = (provider(), TestServer::unused());
        for _ in 0..2 {
            server.then([read(), response(200, &[], TOKEN)]);
            token(&provider, &server, 0).await.unwrap();
            assert_eq!(server.take_request_lines(), [OAUTH, POST], "{cache_control}");
        }
    }
}

#[tokio::test]
async fn after_the_clock_was_set_back_metadata_is_stale() {
    let (provider, server) =
        (provider(), TestServer::in_turn([response(200, &[], METADATA), response(200, &[], TOKEN)]));
    token(&provider, &server, 1000).await.unwrap();
    server.take_request_lines();
    server.then([response(200, &[], METADATA), response(200, &[], TOKEN)]);
    token(&provider, &server, 999).await.unwrap();
    assert_eq!(server.take_request_lines(), [OAUTH, POST]);
}

#[tokio::test]
async fn after_a_token_endpoint_is_gone_the_metadata_is_fetched_again() {
    let refusal = r#"{"error":"invalid_request"}"#;
    let gone = [
        response(404, &[], refusal),
        response(405, &[], refusal),
        response(410, &[], refusal),
        response(200, &[], "<html>"),
        response(200, &[], ""),
    ];
    for gone in gone {
        let (provider, server) = (provider(), TestServer::in_turn([response(200, &[], METADATA), gone]));
        token(&provider, &server, 0).await.unwrap_err();
        let moved = METADATA.replace("/t/token", "/t/new");
        server.then([response(200, &[], moved), response(200, &[], TOKEN)]);
        server.take_request_lines();
        token(&provider, &server, 1).await.unwrap();
        assert_eq!(server.take_request_lines(), [OAUTH, "POST https://login.example.com/t/new"]);
    }
}

/// A provider that has fetched the metadata, and its server.
async fn informed() -> (Acme, TestServer) {
    let (provider, server) =
        (provider(), TestServer::in_turn([response(200, &[], METADATA), response(200, &[], TOKEN)]));
    token(&provider, &server, 0).await.unwrap();
    server.take_request_lines();
    (provider, server)
}

#[tokio::test]
async fn a_dead_issuer_costs_one_attempt_a_minute_for_a_day() {
    let (provider, server) = informed().await;
    let looks = [3600, 3660, 3720, 3600 + 86_390];
    for look in looks {
        server.then([Answer::unreachable(), Answer::http(200, TOKEN)]);
        token(&provider, &server, look).await.unwrap();
        assert_eq!(server.take_request_lines(), [OAUTH, POST], "{look}");
        for later in [look, look + 1, (look + 59).min(3600 + 86_399)] {
            server.then([response(200, &[], TOKEN)]);
            token(&provider.clone(), &server, later).await.unwrap();
            assert_eq!(server.take_request_lines(), [POST], "{later}");
        }
    }
    for too_late in [3600 + 86_400, 3600 + 86_401] {
        server.then([Answer::unreachable()]);
        token(&provider, &server, too_late).await.unwrap_err();
        assert_eq!(server.take_request_lines(), [OAUTH]);
    }
}

#[tokio::test]
async fn if_an_issuer_answers_without_metadata_the_old_one_is_used() {
    let cases = [
        (vec![response(503, &[], ""), response(503, &[], "")], 60),
        (vec![response(503, &[], ""), response(404, &[], "")], 60),
        (vec![response(429, &[], "")], 60),
        (vec![response(503, &[("retry-after", "600")], "")], 600),
        (vec![response(429, &[("retry-after", "5")], "")], 60),
        (vec![response(404, &[], ""), response(500, &[], METADATA)], 60),
        (vec![response(404, &[], ""), response(404, &[], "")], 60),
        (vec![response(403, &[], ""), response(200, &[], "<html>")], 60),
        (vec![response(200, &[], ""), response(302, &[("location", "/login")], "")], 60),
    ];
    for (bad, pause) in cases {
        let (provider, server) = informed().await;
        let looks: Vec<_> = [OAUTH, OIDC].into_iter().take(bad.len()).chain([POST]).collect();
        server.then(bad.into_iter().chain([response(200, &[], TOKEN)]));
        token(&provider, &server, 4000).await.unwrap();
        assert_eq!(server.take_request_lines(), looks);

        server.then([response(200, &[], TOKEN)]);
        token(&provider, &server, 4000 + pause - 1).await.unwrap();
        assert_eq!(server.take_request_lines(), [POST]);

        server.then([response(200, &[], METADATA), response(200, &[], TOKEN)]);
        token(&provider, &server, 4000 + pause).await.unwrap();
        assert_eq!(server.take_request_lines(), [OAUTH, POST]);
    }
}

#[tokio::test]
async fn metadata_that_has_been_stale_for_a_day_is_not_used() {
    for (seconds, serves) in [(3600 + 86_399, true), (3600 + 86_400, false)] {
        let (provider, server) = informed().await;
        server.then([response(503, &[], ""), response(503, &[], ""), response(200, &[], TOKEN)]);
        assert_eq!(token(&provider, &server, seconds).await.is_ok(), serves, "{seconds}");
    }
}

#[tokio::test]
async fn an_issuer_whose_metadata_hangs_delays_no_token() {
    let hangs = TestServer::new_async(|request, _| {
        let is_metadata = request.method() == "GET";
        async move {
            if is_metadata {
                std::future::pending::<()>().await;
            }
            Answer::http(200, TOKEN)
        }
    });
    let (provider, _) = informed().await;
    for (seconds, lines) in [(3600, vec![OAUTH, POST]), (3659, vec![POST]), (3600 + 86_399, vec![OAUTH, POST])] {
        token(&provider, &hangs, seconds).await.unwrap();
        assert_eq!(hangs.take_request_lines(), lines, "{seconds}");
    }
}

#[tokio::test]
async fn metadata_is_fetched_again_from_where_it_was_and_then_from_the_other_url() {
    let (provider, server) = (
        provider(),
        TestServer::in_turn([response(404, &[], ""), response(200, &[], METADATA), response(200, &[], TOKEN)]),
    );
    token(&provider, &server, 0).await.unwrap();
    server.take_request_lines();
    server.then([response(200, &[], METADATA), response(200, &[], TOKEN)]);
    token(&provider, &server, 3600).await.unwrap();
    assert_eq!(server.take_request_lines(), [OIDC, POST]);

    let moved = METADATA.replace("/t/token", "/t/new");
    server.then([response(404, &[], ""), response(200, &[], moved), response(200, &[], TOKEN)]);
    token(&provider, &server, 7200).await.unwrap();
    assert_eq!(server.take_request_lines(), [OIDC, OAUTH, POST]);
    server.then([response(200, &[], TOKEN)]);
    token(&provider, &server, 7201).await.unwrap();
    assert_eq!(server.take_request_lines(), ["POST https://login.example.com/t/new"]);
}

#[tokio::test]
async fn while_one_caller_fetches_the_metadata_the_others_use_the_old_one() {
    let (provider, server) = informed().await;
    let (credentials, parameters) = (ClientCredentials::new("id", "canary"), TokenParameters::new());
    let at = |seconds| RequestSeed::new(RequestSeed::fixed().now + Duration::from_secs(seconds), [7; 16]);
    let asking = provider.token_request(&RequestContext::new(&credentials, &parameters, at(3600))).unwrap();
    assert_eq!(asking.dry_run().unwrap().method(), "POST");
    for seconds in [3600, 3659] {
        server.then([response(200, &[], TOKEN)]);
        token(&provider.clone(), &server, seconds).await.unwrap();
        assert_eq!(server.take_request_lines(), [POST]);
    }
    server.then([response(200, &[], METADATA), response(200, &[], TOKEN)]);
    token(&provider, &server, 3660).await.unwrap();
    assert_eq!(server.take_request_lines(), [OAUTH, POST], "nobody has answered the first for a minute");
}

#[tokio::test]
async fn invalid_metadata_is_an_error_each_time_and_the_old_one_is_forgotten() {
    let wrong = [
        METADATA.replacen(ISSUER, "https://evil.example", 1),
        METADATA.replacen("https://login.example.com/t/token", "http://login.example.com/t/token", 1),
        METADATA.replacen("token_endpoint", "jwks_uri", 1),
        "{}".to_owned(),
        "{".to_owned(),
    ];
    for wrong in wrong {
        let (provider, server) = informed().await;
        server.then([response(200, &[], wrong.clone()), response(200, &[], TOKEN)]);
        token(&provider, &server, 3600).await.expect("the token request was sent at the same time");
        assert_eq!(server.take_request_lines(), [OAUTH, POST]);
        for seconds in [3600, 3601] {
            server.then([response(200, &[], wrong.clone())]);
            let error = token(&provider, &server, seconds).await.unwrap_err();
            assert_eq!(
                (error.kind(), server.take_request_lines()),
                (ErrorKind::BadResponse, vec![OAUTH.to_owned()]),
                "{wrong}"
            );
        }
        server.then([Answer::unreachable()]);
        token(&provider, &server, 3602).await.unwrap_err();
        server.then([response(503, &[], ""), response(503, &[], "")]);
        token(&provider, &server, 3603).await.expect_err("what was known is forgotten");
    }
}

#[tokio::test]
async fn metadata_of_a_token_endpoint_that_is_gone_is_not_used_until_it_is_fetched_again() {
    let (provider, server) = informed().await;
    server.then([Answer::unreachable(), Answer::http(200, TOKEN)]);
    token(&provider, &server, 3600).await.unwrap();
    server.then([response(404, &[], "")]);
    token(&provider, &server, 3601).await.unwrap_err();
    server.take_request_lines();
    for dead in [vec![Answer::http(503, ""), Answer::http(503, "")], vec![Answer::unreachable()]] {
        let looks = [OAUTH, OIDC][..dead.len()].to_vec();
        server.then(dead);
        token(&provider, &server, 3602).await.unwrap_err();
        assert_eq!(server.take_request_lines(), looks);
    }
}

#[tokio::test]
async fn after_the_clock_was_set_back_metadata_is_used_for_a_day_from_then() {
    let (provider, server) =
        (provider(), TestServer::in_turn([response(200, &[], METADATA), response(200, &[], TOKEN)]));
    token(&provider, &server, 1_000_000).await.unwrap();
    server.take_request_lines();
    for (seconds, serves) in [(100, true), (100 + 86_399, true), (100 + 86_460, false)] {
        let then = serves.then(|| Answer::http(200, TOKEN));
        server.then([Answer::unreachable()].into_iter().chain(then));
        assert_eq!(token(&provider, &server, seconds).await.is_ok(), serves, "{seconds}");
        assert_eq!(server.take_request_lines(), if serves { vec![OAUTH, POST] } else { vec![OAUTH] });
    }
}

#[tokio::test]
async fn a_refusal_does_not_make_the_metadata_stale() {
    for refusal in
        [response(401, &[], r#"{"error":"invalid_client"}"#), response(503, &[], "<html>"), response(429, &[], "")]
    {
        let (provider, server) = (provider(), TestServer::in_turn([response(200, &[], METADATA), refusal]));
        token(&provider, &server, 0).await.unwrap_err();
        server.then([response(200, &[], TOKEN)]);
        server.take_request_lines();
        token(&provider, &server, 1).await.unwrap();
        assert_eq!(server.take_request_lines(), [POST]);
    }
}

//! Discovery: which requests are sent, how long metadata is used, and what is refused.

#![cfg(test)]

mod age;
mod fetching;
mod methods;
mod server;

use std::time::Duration;

use credentials_grant::{
    ClientCredentials, CredentialsGrant, ErrorKind, RequestContext, RequestSeed, Retry, TokenParameters, fetch_token,
    introspect,
};
use credentials_grant_test_kit::{TestServer, response};

use server::{Acme, ISSUER, METADATA, OAUTH, OIDC, POST, TOKEN, provider, token};

#[tokio::test]
async fn metadata_that_is_not_at_the_url_of_rfc_8414_is_at_that_of_openid_connect() {
    let nothing = [
        response(404, &[], ""),
        response(403, &[], "<Error/>"),
        response(400, &[], "{}"),
        response(200, &[], "<!DOCTYPE html>"),
        response(302, &[("location", "/login")], ""),
    ];
    for nothing in nothing {
        let server = TestServer::in_turn([nothing, response(200, &[], METADATA), response(200, &[], TOKEN)]);
        token(&provider(), &server, 0).await.unwrap();
        assert_eq!(server.take_request_lines(), [OAUTH, OIDC, POST]);
    }
    let nowhere = [
        (response(404, &[], ""), "https://login.example.com/t has no metadata (status 404"),
        (response(200, &[], "<html>"), "is not valid JSON by RFC 8414"),
        (response(302, &[("location", "https://evil.example/?x=1")], ""), "redirect to https://evil.example/"),
    ];
    for (nothing, why) in nowhere {
        let server = TestServer::in_turn([response(404, &[], ""), nothing]);
        let error = token(&provider(), &server, 0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        assert!(
            error.message().contains(why)
                && error.to_string().ends_with("check the issuer, or set the token URL instead"),
            "{error}"
        );
        assert_eq!(server.take_request_lines(), [OAUTH, OIDC]);
    }
}

#[tokio::test]
async fn metadata_is_read_in_every_charset() {
    let utf16 = METADATA.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let end = METADATA.trim_end().len() - 1;
    let broken = [&METADATA.as_bytes()[..end], b",\"service_name\":\"Caf\xe9\"}"].concat();
    let marked = [b"\xef\xbb\xbf", METADATA.as_bytes()].concat();
    for body in [utf16, broken, marked] {
        let server = TestServer::in_turn([response(200, &[], body), response(200, &[], TOKEN)]);
        token(&provider(), &server, 0).await.unwrap();
        assert_eq!(server.take_request_lines(), [OAUTH, POST]);
    }
}

#[tokio::test]
async fn an_unavailable_server_is_asked_again_later_at_the_same_url() {
    let cases = [
        (response(503, &[], ""), ErrorKind::Unavailable, Retry::Soon),
        (response(429, &[("retry-after", "7")], ""), ErrorKind::RateLimited, Retry::After(Duration::from_secs(7))),
    ];
    for (response, kind, retry) in cases {
        let server = TestServer::in_turn([response]);
        let error = token(&provider(), &server, 0).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (kind, retry), "{error}");
        assert_eq!(server.take_request_lines(), [OAUTH]);
    }
}

#[tokio::test]
async fn hostile_metadata_is_refused_and_leads_nowhere() {
    let endpoint = |url: &str| METADATA.replace("https://login.example.com/t/token", url);
    let issuer = |issuer: &str| METADATA.replacen(ISSUER, issuer, 1);
    let huge = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{}"}}"#, "x".repeat(900_000));
    let cases = [
        (issuer("https://evil.example"), "names another issuer"),
        (issuer("https://login.example.com/t/"), "names another issuer"),
        (issuer("https://LOGIN.example.com/t"), "names another issuer"),
        (issuer("https://login.example.com/t?x"), "names another issuer"),
        (issuer("evil\\r\\nforged"), "evil\\r\\nforged"),
        (issuer(&"é".repeat(400_000)), "names another issuer"),
        (METADATA.replacen(&format!("\"{ISSUER}\""), "1", 1), "not valid JSON by RFC 8414"),
        (METADATA.replacen("\"issuer\"", "\"iss\"", 1), "not valid JSON by RFC 8414"),
        (METADATA.replacen("token_endpoint", "jwks_uri", 1), "names no token endpoint"),
        (endpoint("http://login.example.com/t/token"), "cannot be used"),
        (endpoint("http://127.0.0.1/token"), "not https"),
        (endpoint("ftp://login.example.com/"), "cannot be used"),
        (endpoint("https://u:canary@login.example.com/"), "cannot be used"),
        (endpoint("/t/token"), "cannot be used"),
        (endpoint(""), "cannot be used"),
        (METADATA.replace(r#""https://login.example.com/t/token""#, "[]"), "not valid JSON by RFC 8414"),
        (
            METADATA.replacen('{', r#"{"token_endpoint_auth_methods_supported":"none","#, 1),
            "not valid JSON by RFC 8414",
        ),
        (METADATA.replacen('{', r#"{"issuer":"https://login.example.com/t","#, 1), "not valid JSON by RFC 8414"),
        (huge, "cannot be used"),
        ("{".to_owned(), "not valid JSON by RFC 8414"),
        (format!("{{\"a\":{}", "[".repeat(100_000)), "not valid JSON by RFC 8414"),
    ];
    for (body, why) in cases {
        let (provider, server) = (provider(), TestServer::in_turn([response(200, &[], body.clone())]));
        let error = token(&provider, &server, 0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{error}");
        assert!(error.message().contains(why) && error.remedy().is_some(), "{why}: {error}");
        assert!(error.to_string().len() < 2000 && !format!("{error:?}").contains("canary"), "{error:?}");
        assert_eq!(server.take_request_lines(), [OAUTH], "nothing is sent anywhere: {why}");

        // At the other URL it is refused as well.
        let server = TestServer::in_turn([response(404, &[], ""), response(200, &[], body)]);
        assert_eq!(token(&provider, &server, 0).await.unwrap_err().kind(), ErrorKind::BadResponse);
        assert_eq!(server.take_request_lines(), [OAUTH, OIDC]);
    }
}

#[tokio::test]
async fn secrets_that_were_sent_before_are_not_repeated() {
    let credentials = ClientCredentials::new("id", "can ary");
    let seed = RequestSeed::fixed();
    // `id:can%20ary`, `id:can+ary`, `id:can ary`, each once without its padding.
    let echoes = ["can%20ary", "can ary", "aWQ6Y2FuJTIwYXJ5", "aWQ6Y2FuK2FyeQ==", "aWQ6Y2FuIGFyeQ=", "aWQ6Y2FuIGFyeQ"];
    for echo in echoes {
        let metadata = METADATA.replacen(ISSUER, &format!("https://evil.example/{echo}"), 1);
        let server = TestServer::in_turn([response(200, &[], metadata)]);
        let error = fetch_token(&provider(), &credentials, &TokenParameters::new(), &server, seed).await.unwrap_err();
        assert!(error.message().contains("names another issuer, https://evil.example/[redacted]"), "{error}");
        assert!(!format!("{error:?}").contains("FyeQ"), "{error:?}");
    }
    let (token, metadata) = ("canary".into(), METADATA.replacen(ISSUER, "https://evil.example/canary", 1));
    let server = TestServer::in_turn([response(200, &[], metadata)]);
    let error = introspect(&provider(), &credentials, &token, &server, seed).await.unwrap_err();
    assert!(error.message().contains("https://evil.example/[redacted]"), "{error}");
}

#[tokio::test]
async fn invalid_optional_members_do_not_prevent_a_token() {
    let members = [
        r#""introspection_endpoint":"http://evil.example/""#,
        r#""revocation_endpoint":[{}]"#,
        r#""revocation_endpoint_auth_methods_supported":"none""#,
        r#""jwks_uri":"""#,
        r#""mtls_endpoint_aliases":{"token_endpoint":"ftp://evil.example/"}"#,
        r#""mtls_endpoint_aliases":7"#,
        r#""dpop_signing_alg_values_supported":7"#,
    ];
    for member in members {
        let metadata = METADATA.replacen('{', &format!("{{{member},"), 1);
        let server = TestServer::in_turn([response(200, &[], metadata), response(200, &[], TOKEN)]);
        token(&provider(), &server, 0).await.expect(member);
        assert_eq!(server.take_request_lines(), [OAUTH, POST], "{member}");
    }
}

#[tokio::test]
async fn for_an_issuer_on_loopback_a_token_endpoint_may_be_plain_http() {
    let provider = Acme::at("http://127.0.0.1:8080/t");
    let metadata = METADATA.replace("https://login.example.com", "http://127.0.0.1:8080");
    let server = TestServer::in_turn([response(200, &[], metadata), response(200, &[], TOKEN)]);
    token(&provider, &server, 0).await.unwrap();
    assert_eq!(server.take_request_lines().last().unwrap(), "POST http://127.0.0.1:8080/t/token");
}

#[tokio::test]
async fn a_dry_run_is_the_same_whatever_is_known() {
    let (provider, server) =
        (provider(), TestServer::in_turn([response(200, &[], METADATA), response(200, &[], TOKEN)]));
    let (credentials, parameters) = (ClientCredentials::placeholder(), TokenParameters::new().with_scope("a"));
    let dry_run = || {
        let request =
            provider.token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap().dry_run().unwrap();
        (request.url().clone(), request.headers().clone(), request.body().to_vec(), format!("{provider:?}"))
    };
    let before = dry_run();
    token(&provider, &server, 0).await.unwrap();
    assert_eq!(before, dry_run());
    assert!(String::from_utf8(before.2).unwrap().contains("scope=a"), "it has all parameters");
    assert!(!format!("{provider:?}").contains("token"), "{provider:?}");

    let hopeless = TokenParameters::new().with_authorization_details("{}");
    let error = provider.token_request(&RequestContext::dry_run(&credentials, &hopeless)).unwrap_err();
    assert!(error.message().contains("authorization details"), "it is refused before anything is sent: {error}");
}

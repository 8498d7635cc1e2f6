//! Answers without a token (RFC 6749 section 5.2, and what vendors make of it), and what the error shows.

use std::error::Error as _;
use std::time::Duration;

use crate::acme::{answered, credentials};
use credentials_grant::{
    ClientCredentials, CredentialsGrant, Endpoint, Error, ErrorKind, ErrorMapping, RequestContext, RequestSeed,
    ResponseReader, Retry, SecretString, StatusCode, TokenParameters, UnsignedRequest, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer, response};
use futures_executor::block_on;

pub(crate) fn refused(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Error {
    answered(&Acme::new(), &TokenParameters::new(), response(status, headers, body)).unwrap_err()
}

fn refused_to(credentials: &ClientCredentials, server: &TestServer) -> Error {
    block_on(fetch_token(&Acme::new(), credentials, &TokenParameters::new(), server, RequestSeed::fixed())).unwrap_err()
}

fn refused_by(reader: ResponseReader, status: u16, body: &str) -> Error {
    answered(&Acme::new().with_reader(reader), &TokenParameters::new(), response(status, &[], body)).unwrap_err()
}

#[test]
fn the_code_decides_and_then_the_status() {
    use ErrorKind::{BadResponse, CredentialsRefused, RateLimited, RequestRefused, Unavailable};
    let cases = [
        (400, r#"{"error":"invalid_client"}"#, CredentialsRefused),
        (401, r#"{"error":"invalid_client"}"#, CredentialsRefused),
        (402, r#"{"error":"invalid_grant"}"#, RequestRefused),
        (500, r#"{"error":"invalid_client"}"#, CredentialsRefused),
        (400, r#"{"error":"unauthorized_client"}"#, CredentialsRefused),
        (403, r#"{"error":"access_denied"}"#, CredentialsRefused),
        (400, r#"{"error":"invalid_scope"}"#, RequestRefused),
        (401, r#"{"error":"invalid_scope"}"#, RequestRefused),
        (400, r#"{"error":"unsupported_grant_type"}"#, RequestRefused),
        (200, r#"{"error":"unsupported_grant_type"}"#, RequestRefused),
        (200, r#"{"error":"invalid_client"}"#, CredentialsRefused),
        (400, r#"{"error":"vendor_specific"}"#, RequestRefused),
        (503, r#"{"error":"temporarily_unavailable"}"#, Unavailable),
        (400, r#"{"error":"temporarily_unavailable"}"#, Unavailable),
        (200, r#"{"error":"server_error"}"#, Unavailable),
        (401, r#"{"error":"server_error","error_description":"access_denied"}"#, CredentialsRefused),
        (503, r#"{"error":"vendor_specific"}"#, Unavailable),
        (429, r#"{"error":"invalid_client"}"#, RateLimited),
        (429, "Too many requests error", RateLimited),
        (401, "", CredentialsRefused),
        (403, "", CredentialsRefused),
        (401, "not_json", CredentialsRefused),
        (408, "", Unavailable),
        (500, "<html>", Unavailable),
        (502, "<html>", Unavailable),
        (504, "", Unavailable),
        (400, "", BadResponse),
        (400, "null", BadResponse),
        (400, "{}", BadResponse),
        (404, "", BadResponse),
        (404, "<html>", BadResponse),
        (405, "", BadResponse),
        (418, "{}", BadResponse),
        (304, "", BadResponse),
        (200, "<html>", BadResponse),
    ];
    for (status, body, kind) in cases {
        let error = refused(status, &[], body);
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{error}");
        assert_eq!(error.provider(), Some("acme"));
        assert!(error.remedy().is_some(), "{error}");
    }
}

#[test]
fn what_to_expect_of_another_try_follows_from_the_kind_and_the_server() {
    let after = |seconds| Retry::After(Duration::from_secs(seconds));
    assert_eq!(refused(429, &[("retry-after", "120")], "").retry(), after(120));
    assert_eq!(refused(503, &[("retry-after", "7200")], "").retry(), after(3600));
    let dates = [("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")];
    assert_eq!(refused(503, &dates, "").retry(), after(10));
    assert_eq!(refused(429, &[], "").retry(), Retry::Soon);
    assert_eq!(refused(500, &[("retry-after", "tomorrow")], "").retry(), Retry::Soon);
    assert_eq!(refused(400, &[("retry-after", "2")], r#"{"error":"invalid_client"}"#).retry(), Retry::Never);
    assert_eq!(refused(200, &[], "<html>").retry(), Retry::Never);
}

#[test]
fn code_description_uri_and_challenge_are_kept_together() {
    let challenge = "Basic realm=\"token\"";
    let body =
        r#"{"error":"invalid_client","error_description":"no such client","error_uri":"https://acme.example/e"}"#;
    let error = refused(401, &[("www-authenticate", challenge)], body);
    let oauth = error.oauth().unwrap();
    assert_eq!(oauth.code.as_deref(), Some("invalid_client"));
    assert_eq!(oauth.description.as_deref(), Some("no such client"));
    assert_eq!(oauth.uri.as_deref(), Some("https://acme.example/e"));
    assert_eq!(oauth.challenge.as_deref(), Some(challenge));
}

#[test]
fn an_error_is_a_string_an_object_a_list_or_nothing() {
    for (body, code) in [
        (r#"{"error":"invalid_client"}"#, Some("invalid_client")),
        (r#"{"error":{"code":"X","message":"m"}}"#, None),
        (r#"{"error":["X"]}"#, None),
        (r#"{"error":true}"#, None),
        (r#"{"error":"vendor_word","error_description":null}"#, Some("vendor_word")),
    ] {
        let error = refused(200, &[], body);
        assert!(matches!(error.kind(), ErrorKind::RequestRefused | ErrorKind::CredentialsRefused), "{body}: {error}");
        assert_eq!(error.oauth().and_then(|oauth| oauth.code.as_deref()), code, "{body}");
    }
    for body in [r#"{"error":null}"#, r#"{"error":false}"#, "{}"] {
        assert_eq!(refused(200, &[], body).kind(), ErrorKind::BadResponse, "{body}");
    }
}

#[test]
fn errors_are_found_where_the_vendor_has_them() {
    let said = |error: &Error| {
        let oauth = error.oauth().unwrap();
        (oauth.code.clone().unwrap_or_default(), oauth.description.clone().unwrap_or_default())
    };
    let ups = ResponseReader::rfc6749().errors_in("/response/errors/0/code", "/response/errors/0/message");
    let error = refused_by(ups, 401, r#"{"response":{"errors":[{"code":"10401","message":"ClientId is Invalid"}]}}"#);
    assert_eq!(said(&error), ("10401".to_owned(), "ClientId is Invalid".to_owned()));

    let twitch = ResponseReader::rfc6749().errors_in("/none", "message");
    let error = refused_by(twitch, 403, r#"{"status":403,"message":"invalid client secret"}"#);
    assert_eq!(said(&error), (String::new(), "invalid client secret".to_owned()));

    let amadeus = ResponseReader::rfc6749().errors_in("/code", "/title");
    let error = refused_by(amadeus, 401, r#"{"code":38187,"title":"Invalid parameters"}"#);
    assert_eq!(said(&error), ("38187".to_owned(), "Invalid parameters".to_owned()));
}

#[test]
fn a_redirect_is_not_followed_and_its_target_is_named_without_its_query() {
    for status in [301, 302, 303, 307, 308] {
        let error = refused(status, &[("location", "https://sso.example.com/login?state=canary")], "");
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        assert!(error.to_string().contains("https://sso.example.com/login"), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[test]
fn an_error_is_one_line_that_says_who_what_and_what_to_do() {
    let body = r#"{"error":"invalid_client","error_description":"The client\r\ncredentials are invalid"}"#;
    let error = refused(400, &[], body);
    assert_eq!(
        error.to_string(),
        "acme: the server refused the client credentials (400 Bad Request): invalid_client: The client credentials are \
         invalid; check the client id and secret before you try again"
    );
    assert!(error.source().is_none(), "a refusal has no deeper cause");
}

#[test]
fn each_kind_has_its_words_and_its_advice() {
    let cases = [
        (401, "", "the server refused the client credentials (401 Unauthorized)", "check the client id and secret"),
        (
            400,
            r#"{"error":"unauthorized_client"}"#,
            "the server refused the client credentials (400 Bad Request): unauthorized_client",
            "ask the vendor to allow this client the client credentials grant",
        ),
        (
            400,
            r#"{"error":"invalid_scope"}"#,
            "the server refused the request (400 Bad Request): invalid_scope",
            "request scopes that this client may have",
        ),
        (
            400,
            r#"{"error":"invalid_request"}"#,
            "the server refused the request (400 Bad Request): invalid_request",
            "check the settings, scopes and parameters",
        ),
        (
            403,
            r#"{"error":"access_denied","error_description":"Client is not authorized to access the audience"}"#,
            "the server refused the client credentials (403 Forbidden): access_denied: \
             Client is not authorized to access the audience",
            "check at the vendor what this client may have",
        ),
        (
            400,
            r#"{"error":"invalid_client"}"#,
            "the server refused the client credentials (400 Bad Request): invalid_client",
            "check the client id and secret",
        ),
        (
            400,
            r#"{"error":"invalid_target"}"#,
            "the server refused the request (400 Bad Request): invalid_target",
            "check the audience or resource",
        ),
        (
            400,
            r#"{"error":"unsupported_grant_type"}"#,
            "the server refused the request (400 Bad Request): unsupported_grant_type",
            "check that the token URL is the vendor's for client credentials",
        ),
        (
            400,
            r#"{"error":"invalid_grant","error_description":"ip restricted or invalid login hours"}"#,
            "the server refused the request (400 Bad Request): invalid_grant: ip restricted or invalid login hours",
            "the vendor allows this client certain addresses",
        ),
        (
            400,
            r#"{"error":"access_denied","error_description":"AADSTS53003: Access has been blocked"}"#,
            "the server refused the client credentials (400 Bad Request): access_denied: \
             AADSTS53003: Access has been blocked",
            "the vendor allows this client certain addresses",
        ),
        (
            400,
            r#"{"error":"invalid_client","reason":"The account is locked"}"#,
            "the server refused the client credentials (400 Bad Request): invalid_client: \
             The account is locked",
            "check the client id and secret",
        ),
        (429, "", "the server asks for fewer requests (429 Too Many Requests)", "try again later"),
        (503, "", "the server cannot answer now (503 Service Unavailable)", "try again later"),
        (
            404,
            "<html>",
            "the server answered with HTML or XML (404 Not Found)",
            "check that the token URL is the vendor's",
        ),
    ];
    for (status, body, message, remedy) in cases {
        let error = refused(status, &[], body);
        assert_eq!(error.message(), message);
        assert!(error.remedy().is_some_and(|words| words.starts_with(remedy)), "{error}");
    }
}

#[test]
fn a_kind_has_a_name_for_programs() {
    let names = [
        (ErrorKind::BadResponse, "bad_response"),
        (ErrorKind::Configuration, "configuration"),
        (ErrorKind::CredentialsRefused, "credentials_refused"),
        (ErrorKind::InvalidToken, "invalid_token"),
        (ErrorKind::RateLimited, "rate_limited"),
        (ErrorKind::RequestRefused, "request_refused"),
        (ErrorKind::SigningFailed, "signing_failed"),
        (ErrorKind::Unavailable, "unavailable"),
        (ErrorKind::Unreachable, "unreachable"),
    ];
    for (kind, name) in names {
        assert_eq!(kind.name(), name);
    }
}

#[test]
fn a_token_in_an_answer_that_is_no_success_is_no_token() {
    let body = r#"{"access_token":"abc","expires_in":3600}"#;
    assert_eq!(refused(400, &[], body).kind(), ErrorKind::BadResponse);
    assert_eq!(refused(401, &[], body).kind(), ErrorKind::CredentialsRefused);
    assert_eq!(refused(500, &[], body).kind(), ErrorKind::Unavailable);
    let empty = r#"{"access_token":"","error":"invalid_scope"}"#;
    assert_eq!(refused(200, &[], empty).kind(), ErrorKind::RequestRefused, "an empty token does not beat an error");
}

#[test]
fn a_challenge_is_kept_also_if_the_body_holds_no_error() {
    let challenge = "Basic realm=\"token\"";
    for body in ["", "<html>", "{}", "access denied"] {
        let error = refused(401, &[("www-authenticate", challenge)], body);
        let oauth = error.oauth().expect(body);
        assert_eq!((oauth.challenge.as_deref(), oauth.code.as_deref()), (Some(challenge), None), "{body:?}");
    }
    assert!(refused(401, &[], "").oauth().is_none());
}

#[test]
fn what_the_server_says_is_capped() {
    let body = format!(r#"{{"error":"{0}","error_description":"{0}"}}"#, "é".repeat(100_000));
    let error = refused(400, &[], &body);
    assert!(error.to_string().len() < 2000, "{}", error.to_string().len());
    assert!(format!("{error:?}").len() < 4000);
}

#[test]
fn a_secret_that_the_server_echoes_is_taken_out_in_every_form() {
    let credentials = ClientCredentials::new("id", "can\"ary +&%");
    let echoes = [
        r#"can\"ary +&%"#,
        "can%22ary%20%2B%26%25",
        "Basic aWQ6Y2FuJTIyYXJ5JTIwJTJCJTI2JTI1",
        "aWQ6Y2FuJTIyYXJ5JTIwJTJCJTI2JTI1",
        r#"can\\\"ary +&%"#,
        "aWQ6Y2FuJTIyYXJ5JTIwJTJCJTI2JTI1==",
        "can%22ary+%2B%26%25",
        "can&quot;ary +&amp;%",
    ];
    for echo in echoes {
        let body = format!(r#"{{"error":"invalid_client","error_description":"unknown: {echo}"}}"#);
        let server = TestServer::in_turn([response(400, &[], body)]);
        let error = refused_to(&credentials, &server);
        let said = error.oauth().unwrap().description.clone().unwrap();
        assert!(said.starts_with("unknown: ") && said.contains("[redacted]"), "{said}");
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("ary") && !shown.contains("aWQ6Y2Fu"), "{shown}");
        }
    }
}

#[test]
fn a_code_and_a_status_mean_what_the_vendor_means_by_them() {
    let reader = || {
        ResponseReader::rfc6749()
            .with_error_mapping(
                ErrorMapping::for_code("invalid_grant", ErrorKind::CredentialsRefused)
                    .with_message("the integration user's password has expired")
                    .with_remedy("set a new one"),
            )
            .with_error_mapping(ErrorMapping::for_status(StatusCode::PAYMENT_REQUIRED, ErrorKind::CredentialsRefused))
            .with_error_mapping(ErrorMapping::for_status(StatusCode::CONFLICT, ErrorKind::Unavailable))
    };
    let code = refused_by(reader(), 402, r#"{"error":"invalid_grant","error_description":"since Monday"}"#);
    assert_eq!(code.kind(), ErrorKind::CredentialsRefused);
    let words = "acme: the integration user's password has expired (402 Payment Required): invalid_grant: since Monday; set a new one";
    assert_eq!(code.to_string(), words);

    let status = refused_by(reader(), 402, "<html>");
    assert_eq!(status.kind(), ErrorKind::CredentialsRefused);
    assert!(status.to_string().contains("refused the client credentials (402 Payment Required); check"), "{status}");

    let named = refused_by(reader(), 402, r#"{"error":"invalid_scope"}"#);
    assert_eq!(named.kind(), ErrorKind::RequestRefused, "a status speaks where there is no code");
    assert_eq!(refused_by(reader(), 409, "").retry(), Retry::Soon, "what may pass is tried again");
    assert_eq!(refused_by(reader(), 401, "").kind(), ErrorKind::CredentialsRefused, "others mean what they did");
}

#[test]
fn what_was_made_of_a_secret_on_the_way_is_taken_out_too() {
    #[derive(Debug)]
    struct Sabre;
    impl CredentialsGrant for Sabre {
        fn name(&self) -> &'static str {
            "sabre"
        }

        fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
            let header = SecretString::from("Basic b3V0ZXI=");
            context.post(&Acme::endpoint()).redact(&"aW5uZXI=".into()).secret_header("authorization", &header).build()
        }
    }
    let server =
        TestServer::in_turn([response(401, &[], r#"{"error":"x","error_description":"no aW5uZXI= in b3V0ZXI"}"#)]);
    let error = block_on(fetch_token(&Sabre, &credentials(), &TokenParameters::new(), &server, RequestSeed::fixed()))
        .unwrap_err();
    assert!(error.to_string().contains("no [redacted] in [redacted]"), "{error}");
}

#[test]
fn a_secret_in_the_query_or_behind_a_scheme_of_the_vendors_is_taken_out_too() {
    #[derive(Debug)]
    struct Odd;
    impl CredentialsGrant for Odd {
        fn name(&self) -> &'static str {
            "odd"
        }

        fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
            let header = SecretString::from("Token canary-derived");
            let endpoint = Endpoint::from_static("https://auth.example.com/token?code=canaryQuery");
            context.post(&endpoint).secret_header("authorization", &header).build()
        }
    }
    let credentials = ClientCredentials::new("id", "canary-secret").with_secret("key", "canary-key");
    for echo in ["code=canaryQuery", "unknown token canary-derived", "<canary-secret>", "canary-key"] {
        let body = format!(r#"{{"error":"x","error_description":"{echo}"}}"#);
        let server = TestServer::in_turn([response(404, &[("location", "/canaryQuery")], body)]);
        let error = block_on(fetch_token(&Odd, &credentials, &TokenParameters::new(), &server, RequestSeed::fixed()))
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn the_librarys_own_words_survive_a_secret_that_is_one_of_them() {
    let credentials = ClientCredentials::new("id", "secret");
    let server = TestServer::in_turn([response(401, &[], "")]);
    let error = refused_to(&credentials, &server);
    assert!(error.to_string().ends_with("check the client id and secret before you try again"), "{error}");
}

#[test]
fn an_error_of_a_users_own_making_keeps_what_it_is_given() {
    let source = std::io::Error::other("disk full");
    let error = Error::new(ErrorKind::SigningFailed, "the key service is gone")
        .with_provider("acme")
        .with_provider("somebody else")
        .with_status(StatusCode::BAD_GATEWAY)
        .with_source(source);
    assert_eq!(error.to_string(), "acme: the key service is gone");
    assert_eq!(error.source().unwrap().to_string(), "disk full");
    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(credentials().client_id().unwrap(), "CLIENT_ID");
}

#[test]
fn our_own_words_and_registered_codes_stay_as_they_are_whatever_the_secret() {
    let answers = [
        (401, r#"{"error":"invalid_client"}"#),
        (400, r#"{"error":"invalid_scope","error_description":"7"}"#),
        (400, r#"{"error":"unauthorized_client"}"#),
        (429, ""),
        (503, "<html>"),
        (200, r#"{"access_token":"a b"}"#),
        (200, r#"{"access_token":"abc","expires_in":"soon"}"#),
        (200, r#"{"access_token":"abc","token_type":"7"}"#),
        (302, ""),
    ];
    let words =
        "client credentials invalid_client unauthorized scope server the refused 400 response token secret JSON";
    for (status, body) in answers {
        let challenge = r#"DPoP error="invalid_client""#;
        let answer = || response(status, &[("www-authenticate", challenge)], body);
        let expected = refused_to(&ClientCredentials::new("id", "~~~~~~"), &TestServer::in_turn([answer()]));
        for secret in words.split(' ') {
            let error = refused_to(&ClientCredentials::new("id", secret), &TestServer::in_turn([answer()]));
            assert_eq!(error.to_string(), expected.to_string(), "{secret}");
            let code = |error: &Error| error.oauth().and_then(|oauth| oauth.code.clone());
            assert_eq!(code(&error), code(&expected), "{secret}");
        }
        if let Some(oauth) =
            refused_to(&ClientCredentials::new("id", "client"), &TestServer::in_turn([answer()])).oauth()
        {
            assert_eq!(oauth.challenge.as_deref(), Some(challenge));
        }
    }
}

#[test]
fn a_code_that_is_not_registered_is_a_servers_words() {
    let body = r#"{"error":"no_client_canary","error_description":"invalid_client: canary"}"#;
    let error = refused_to(&ClientCredentials::new("id", "canary"), &TestServer::in_turn([response(400, &[], body)]));
    let oauth = error.oauth().unwrap();
    assert_eq!(oauth.code.as_deref(), Some("no_client_[redacted]"));
    assert_eq!(oauth.description.as_deref(), Some("invalid_client: [redacted]"));
}

/// A vendor that fails over what the response to its first request says.
#[derive(Debug)]
struct TwoSteps;

impl CredentialsGrant for TwoSteps {
    fn name(&self) -> &'static str {
        "two-steps"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        if context.credentials().client_id()? == "unset" {
            return Err(Error::new(ErrorKind::Configuration, format!("set the {}", "canary")));
        }
        context.get(&Acme::endpoint()).continues().build()
    }

    fn next_request(
        &self,
        _: &RequestContext<'_>,
        response: &credentials_grant::HttpResponse,
    ) -> Result<UnsignedRequest, Error> {
        let body = String::from_utf8_lossy(response.body()).into_owned();
        Endpoint::parse(&body)?;
        Err(Error::new(ErrorKind::Configuration, format!("there is no {body}")))
    }
}

#[test]
fn a_servers_words_in_an_error_about_settings_are_redacted_too() {
    let credentials = ClientCredentials::new("id", "canary");
    for (said, shown) in [
        ("http://acme.example/canary", "the URL http://acme.example/[redacted] would send secrets unencrypted"),
        ("https://acme.example/canary", "there is no https://acme.example/[redacted]"),
    ] {
        let server = TestServer::in_turn([response(200, &[], said)]);
        let fetched =
            block_on(fetch_token(&TwoSteps, &credentials, &TokenParameters::new(), &server, RequestSeed::fixed()));
        assert_eq!(fetched.unwrap_err().message(), shown);
    }
    let unset = ClientCredentials::new("unset", "canary");
    let fetched =
        block_on(fetch_token(&TwoSteps, &unset, &TokenParameters::new(), &TestServer::unused(), RequestSeed::fixed()));
    assert_eq!(fetched.unwrap_err().message(), "set the canary", "nothing was sent that a server could repeat");
}

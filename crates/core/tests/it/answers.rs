//! Answers with a token, as vendors really send them (RFC 6749 section 5.1, and what they make of it).

use std::sync::Arc;
use std::time::Duration;

use crate::acme::{answered, read};
use credentials_grant::{
    ClientCredentials, CredentialsGrant, ErrorKind, ExposeSecret, IssuanceLimit, Policy, Presentation, RequestSeed,
    ResponseReader, StatusCode, TokenParameters, Value, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer, response};
use futures_executor::block_on;

const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];

#[test]
fn a_plain_answer_is_read_whole() {
    let token = read(r#"{"access_token":"90d6","scope":"user","token_type":"bearer","expires_in":86400}"#).unwrap();
    assert_eq!(token.secret().expose_secret(), "90d6");
    assert_eq!(token.token_type(), Some("bearer"), "as the server sent it");
    assert_eq!(token.header_value(), "Bearer 90d6", "as RFC 6750 writes it");
    assert_eq!(token.scopes(), ["user"]);
    assert!(token.extras().is_empty() && token.refresh_token().is_none());
}

#[test]
fn a_form_is_read_like_json() {
    let body =
        "access_token=90d6&token_type=bearer&scope=user%20admin&expires_in=86400.92&etag=%22afZY%22&untrimmed=++x+";
    for kind in ["application/x-www-form-urlencoded", "text/plain; charset=utf-8", "Application/X-WWW-Form-Urlencoded"]
    {
        let token =
            answered(&Acme::new(), &TokenParameters::new(), response(200, &[("content-type", kind)], body)).unwrap();
        assert_eq!(token.header_value(), "Bearer 90d6");
        assert_eq!(token.scopes(), ["user", "admin"]);
        assert_eq!(token.extra("etag"), Some(&Value::from("\"afZY\"")));
        assert_eq!(token.extra("untrimmed"), Some(&Value::from("  x ")));
    }
}

#[test]
fn text_that_is_no_form_is_not_taken_for_one() {
    for (kind, body) in [
        ("text/plain", "access_token"),
        ("text/plain", "Too many requests\naccess_token=abc"),
        ("text/html", "access_token=abc"),
        ("", "access_token=abc"),
    ] {
        let error = answered(&Acme::new(), &TokenParameters::new(), response(200, &[("content-type", kind)], body))
            .unwrap_err();
        assert!(error.to_string().contains("neither JSON nor a form"), "{kind} {body}: {error}");
    }
}

#[test]
fn json_is_json_whatever_its_content_type_says() {
    let body = r#"{"access_token":"abc","token_type":"Bearer"}"#;
    for kind in ["text/plain", "text/html", "text/javascript", "application/json;charset=UTF-8", "nonsense", ""] {
        let token = answered(&Acme::new(), &TokenParameters::new(), response(200, &[("content-type", kind)], body));
        assert_eq!(token.unwrap().header_value(), "Bearer abc", "{kind}");
    }
}

#[test]
fn a_byte_order_mark_and_white_space_around_json_do_no_harm() {
    for body in ["\u{feff}{\"access_token\":\"abc\"}", "\r\n {\"access_token\":\"abc\"}\n"] {
        assert_eq!(read(body).unwrap().header_value(), "Bearer abc", "{body:?}");
    }
}

#[test]
fn further_members_are_kept_and_never_fatal() {
    let body = r#"{"access_token":"abc","instance_url":"https://eu1.example.com","not-before-policy":0,
        "api_products":["a","b"],"custom":{"name1":"value1"},"id_token":null,"status":"approved"}"#;
    let token = read(body).unwrap();
    assert_eq!(token.extra("instance_url"), Some(&Value::from("https://eu1.example.com")));
    assert_eq!(token.extra("not-before-policy"), Some(&Value::from(0)));
    assert_eq!(token.extra("api_products"), Some(&Value::from(vec!["a", "b"])));
    assert_eq!(token.extras().len(), 6);
    assert_eq!(token.extra("access_token"), None);
}

#[test]
fn the_scope_is_read_from_a_string_an_array_and_nothing() {
    let scopes = |scope: &str| read(format!(r#"{{"access_token":"abc","scope":{scope}}}"#)).unwrap().scopes().to_vec();
    assert_eq!(scopes(r#""a  b""#), ["a", "b"]);
    assert_eq!(scopes(r#"["a","b"]"#), ["a", "b"]);
    for nothing in ["null", r#""""#, "[]", "7", "{}"] {
        assert!(scopes(nothing).is_empty(), "{nothing}");
    }
}

#[test]
fn scopes_that_the_answer_does_not_name_are_those_that_were_asked_for() {
    let parameters = TokenParameters::new().with_scopes(["read", "write"]);
    let granted = |body: &str| answered(&Acme::new(), &parameters, response(200, &[], body)).unwrap().scopes().to_vec();
    assert_eq!(granted(r#"{"access_token":"abc"}"#), ["read", "write"]);
    assert_eq!(granted(r#"{"access_token":"abc","scope":"read"}"#), ["read"], "less was granted");
}

#[test]
fn scopes_that_were_asked_for_and_not_granted_are_declined() {
    let cases = [
        (r#","scope":"a c""#, &["b", "d"][..]),
        (r#","scope":"d c b a""#, &[]),
        (r#","scope":["b","b","x"]"#, &["a", "c", "d"]),
        (r#","scope":"A""#, &["b", "a", "c", "d"]),
        (r#","scope":"""#, &[]),
        (r#","scope":null"#, &[]),
        ("", &[]),
    ];
    let asked = TokenParameters::new().with_scopes(["b", "a", "b", "c", "d"]);
    for (scope, declined) in cases {
        let body = format!(r#"{{"access_token":"abc"{scope}}}"#);
        let token = answered(&Acme::new(), &asked, response(200, &[], &body)).unwrap();
        assert_eq!(token.declined_scopes(), declined, "{scope}");
    }
    let token = read(r#"{"access_token":"abc","scope":"a"}"#).unwrap();
    assert!(token.declined_scopes().is_empty(), "nothing was asked for");
}

#[test]
fn the_age_of_renewal_is_within_the_lifetime() {
    use std::time::Duration;
    for (refresh_in, age) in [
        ("1800", Some(1800)),
        ("\"1800\"", Some(1800)),
        ("0", None),
        ("-5", None),
        ("3600", None),
        ("1e300", None),
        ("{}", None),
        ("null", None),
    ] {
        let token = read(format!(r#"{{"access_token":"abc","expires_in":3600,"refresh_in":{refresh_in}}}"#)).unwrap();
        assert_eq!(token.refresh_in(), age.map(Duration::from_secs), "{refresh_in}");
    }
    assert_eq!(read(r#"{"access_token":"abc","expires_in":3600}"#).unwrap().refresh_in(), None);
}

#[test]
fn the_type_is_bearer_in_any_case_or_absent() {
    for kind in [r#""Bearer""#, r#""bearer""#, r#""BEARER""#, r#""beareR""#, "null", r#""""#] {
        let token = read(format!(r#"{{"access_token":"abc","token_type":{kind}}}"#)).unwrap();
        assert_eq!(token.header_value(), "Bearer abc", "{kind}");
    }
    assert_eq!(read(r#"{"access_token":"abc"}"#).unwrap().token_type(), None, "and that it was absent can be seen");
}

#[test]
fn a_token_of_another_type_is_refused_unless_the_vendor_means_bearer_by_it() {
    let body = r#"{"access_token":"abc","token_type":"Application Access Token"}"#;
    let error = read(body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadResponse);
    assert!(error.to_string().contains("Application Access Token"), "{error}");
    let long = read(format!(r#"{{"access_token":"abc","token_type":"{}"}}"#, "canary".repeat(10))).unwrap_err();
    assert!(!long.to_string().contains("canary"), "what is long names no type: {long}");
    let ebay = Acme::new().with_reader(ResponseReader::rfc6749().any_token_type());
    assert_eq!(
        answered(&ebay, &TokenParameters::new(), response(200, &[], body)).unwrap().header_value(),
        "Bearer abc"
    );
}

#[test]
fn a_refresh_token_is_kept_and_null_is_none() {
    let refresh = |value: &str| {
        let token = read(format!(r#"{{"access_token":"abc","refresh_token":{value}}}"#)).unwrap();
        token.refresh_token().map(|token| token.expose_secret().to_owned())
    };
    assert_eq!(refresh(r#""bar""#).as_deref(), Some("bar"));
    assert_eq!(refresh("null"), None);
}

#[test]
fn a_refresh_token_may_stand_in_another_member() {
    let reader = ResponseReader::rfc6749().token_in("/token/accessToken").refresh_token_in("/token/refreshToken");
    let body = r#"{"token":{"accessToken":"abc","refreshToken":"bar"}}"#;
    let token = answered(&Acme::new().with_reader(reader), &TokenParameters::new(), response(200, &[], body)).unwrap();
    assert_eq!(token.refresh_token().map(ExposeSecret::expose_secret), Some("bar"));
    assert_eq!(token.extra("token"), Some(&serde_json::json!({})), "it is no further member any more");
}

#[test]
fn members_are_found_by_name_and_by_pointer() {
    let toast = ResponseReader::rfc6749()
        .token_in("/token/accessToken")
        .token_type_in("/token/tokenType")
        .scopes_in("/token/scope", ',')
        .expires_in("/token/expiresIn", credentials_grant::ExpiryUnit::Seconds);
    let body = r#"{"token":{"tokenType":"Bearer","scope":"a,b","expiresIn":86400,"accessToken":"abc","idToken":null},"status":"SUCCESS"}"#;
    let token = answered(&Acme::new().with_reader(toast), &TokenParameters::new(), response(200, &[], body)).unwrap();
    assert_eq!(token.header_value(), "Bearer abc");
    assert_eq!(token.scopes(), ["a", "b"]);
    assert_eq!(token.extra("status"), Some(&Value::from("SUCCESS")));
    assert_eq!(token.extra("token"), Some(&serde_json::json!({"idToken": null})), "what is left of it");
}

#[test]
fn a_token_is_presented_as_the_vendor_has_it() {
    let walmart = Presentation::header("WM_SEC.ACCESS_TOKEN").with_extra_header("WM_SVC.NAME", "Walmart Marketplace");
    let acme = Acme::new().with_policy(Policy::new().with_presentation(walmart));
    let token = answered(&acme, &TokenParameters::new(), response(200, &[], r#"{"access_token":"abc"}"#)).unwrap();
    let headers: Vec<_> = token.header_pairs().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers, [("wm_sec.access_token", "abc"), ("wm_svc.name", "Walmart Marketplace")]);
    assert!(token.header_value().is_sensitive());
}

#[test]
fn a_scheme_of_the_vendors_stands_before_the_token_and_the_client_id_beside_it() {
    let presentation =
        Presentation::header("authorization").with_scheme("Zoho-oauthtoken").with_client_id_header("x-api-key");
    let acme = Acme::new().with_policy(Policy::new().with_presentation(presentation));
    let token = answered(&acme, &TokenParameters::new(), response(200, &[], r#"{"access_token":"abc"}"#)).unwrap();
    assert_eq!(token.header_value(), "Zoho-oauthtoken abc");
    let headers: Vec<_> = token.header_pairs().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers, [("authorization", "Zoho-oauthtoken abc"), ("x-api-key", "CLIENT_ID")]);
}

#[test]
fn a_companion_may_be_a_secret_among_the_credentials_and_is_left_out_where_there_is_none() {
    let gateway = Presentation::bearer().with_secret_header("x-gateway-key", "gateway-key");
    let acme = Acme::new().with_policy(Policy::new().with_presentation(gateway));
    let headers = |credentials: ClientCredentials| -> Vec<_> {
        let server = TestServer::in_turn([response(200, &[], r#"{"access_token":"abc"}"#)]);
        let parameters = TokenParameters::new();
        let token = block_on(fetch_token(&acme, &credentials, &parameters, &server, RequestSeed::fixed())).unwrap();
        assert!(token.headers().values().all(credentials_grant::HeaderValue::is_sensitive));
        token.header_pairs().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    };
    let credentials = ClientCredentials::new("id", "secret");
    assert_eq!(headers(credentials.clone()), ["authorization: Bearer abc"]);
    let with_key = credentials.with_secret("gateway-key", "key");
    assert_eq!(headers(with_key), ["authorization: Bearer abc", "x-gateway-key: key"]);
}

#[test]
fn a_policy_says_what_it_was_told() {
    let limit = IssuanceLimit::new(5, Duration::from_secs(86_400));
    let policy = Policy::new()
        .with_host("api.example.com")
        .with_expired_status(StatusCode::FORBIDDEN)
        .with_limit(limit)
        .with_address_blocking();
    let shared: Arc<dyn CredentialsGrant> = Arc::new(Acme::new().with_policy(policy));
    let policy = Arc::clone(&shared).policy();
    assert_eq!(policy.hosts(), ["api.example.com"]);
    assert_eq!(policy.expired_statuses(), [StatusCode::FORBIDDEN]);
    assert_eq!(policy.presentation().header_name(), "authorization");
    assert_eq!(policy.limits(), [limit]);
    assert_eq!((limit.requests(), limit.period()), (5, Duration::from_secs(86_400)));
    assert!(policy.blocks_addresses());
    assert!(!Policy::new().blocks_addresses() && Policy::new().hosts().is_empty());
}

#[test]
fn a_token_beats_error_like_members_beside_it() {
    let body = r#"{"access_token":"abc","status":"approved","code":38187,"error":""}"#;
    assert_eq!(read(body).unwrap().header_value(), "Bearer abc");
}

#[test]
fn a_challenge_beside_a_token_is_no_error() {
    let headers = &[("www-authenticate", "Key realm=\"kong\"")];
    let token = answered(&Acme::new(), &TokenParameters::new(), response(200, headers, r#"{"access_token":"abc"}"#));
    assert!(token.is_ok());
}

#[test]
fn a_token_that_no_header_can_carry_is_refused() {
    let too_long = "a".repeat(64 * 1024 + 1);
    for token in ["a b", "a\\r\\nb", "a\\tb", "\\u0000", "é", "\\ud83d\\ude00", &too_long] {
        let error = read(format!(r#"{{"access_token":"{token}"}}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{error}");
        assert!(error.to_string().contains("no header can carry"), "{error}");
    }
    let with_a_colon = read(r#"{"access_token":"expedia:opaque/token+=="}"#).unwrap();
    assert_eq!(with_a_colon.header_value(), "Bearer expedia:opaque/token+==");
}

#[test]
fn what_is_no_token_is_named() {
    let cases = [
        ("", "an empty body"),
        ("<!DOCTYPE html><p>Bad gateway", "HTML or XML"),
        ("null", "JSON that is not an object"),
        ("[]", "JSON that is not an object"),
        ("{\"", "JSON that is cut off or malformed"),
        ("invalid", "text that is neither JSON nor a form"),
        ("{}", "JSON without an error and without a token"),
        (&format!("[{}]", "[0],".repeat(5_001)), "JSON or a form of more than 10,000 parts"),
        (&format!("access_token=abc{}", "&a=b".repeat(10_001)), "JSON or a form of more than 10,000 parts"),
        (r#"{"access_token":123}"#, "`access_token` is not a string"),
        (r#"{"access_token":null}"#, "JSON without an error and without a token"),
    ];
    for (body, what) in cases {
        let error = read(body).unwrap_err();
        let shown = &body[..body.len().min(80)];
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{shown}: {error}");
        assert!(error.to_string().contains(what), "{shown}: {error}");
    }
    assert!(answered(&Acme::new(), &TokenParameters::new(), response(200, FORM, "token_type=bearer")).is_err());
}

#[test]
fn a_response_that_has_a_member_twice_is_not_read() {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let cases = [
        (200, &[][..], r#"{"access_token":"a","access_token":"a"}"#),
        (200, &[], r#"{"access_token":"a","expires_in":60,"expires_in":6000}"#),
        (200, &[], r#"{"access_token":"a","other":[{"b":1,"\u0062":2}]}"#),
        (400, &[], r#"{"error":"invalid_scope","error":"invalid_scope"}"#),
        (200, &form, "access_token=a&token_type=bearer&access_token=b"),
    ];
    for (status, headers, body) in cases {
        let error = answered(&Acme::new(), &TokenParameters::new(), response(status, headers, body)).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{body}");
        assert!(error.message().contains("twice") && error.remedy().is_some(), "{error}");
    }
    let refused = response(401, &[], r#"{"error":"a","error":"b"}"#);
    let error = answered(&Acme::new(), &TokenParameters::new(), refused).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "the status says it");
}

//! Which client authentication method is chosen.

use credentials_grant::{ClientCredentials, ErrorKind, RequestSeed, TokenParameters, fetch_token};
use credentials_grant_test_kit::{ReceivedRequest, TestServer, response};

use crate::server::{METADATA, OAUTH, TOKEN, provider};

#[tokio::test]
async fn the_method_is_the_best_that_both_sides_support() {
    let secret = || ClientCredentials::new("id", "canary");
    let jwt = || ClientCredentials::without_secret("id").with_assertion("a.b.c");
    let public = || ClientCredentials::without_secret("id");
    let huge = format!(r#"["{}"]"#, "x".repeat(900_000));
    let many = format!("[{}0]", r#""\u001b[2J","#.repeat(90_000)).replace(",0]", "]");
    let cases = [
        (secret(), None, Ok("basic")),
        (secret(), Some(r#"["client_secret_post"]"#), Ok("post")),
        (secret(), Some(r#"["client_secret_jwt","client_secret_post","client_secret_basic"]"#), Ok("basic")),
        (secret(), Some(r#"["private_key_jwt","client_secret_jwt"]"#), Ok("jwt")),
        (secret(), Some(r#"["none"]"#), Err("none for client authentication")),
        (secret(), Some(r#"["aWQ6Y2FuYXJ5","none"]"#), Err("lists none, others for client authentication")),
        (secret(), Some("[]"), Err("nothing for client authentication")),
        (secret(), Some(r#"["tls_client_auth"]"#), Err("tls_client_auth")),
        (secret(), Some(&*huge), Err("nothing for client authentication")),
        (secret(), Some(&*many), Err("lists others for client authentication")),
        (jwt(), Some(r#"["client_secret_basic","private_key_jwt"]"#), Ok("jwt")),
        (jwt(), None, Err("client_secret_basic for client authentication")),
        (secret().with_assertion("a.b.c"), Some(r#"["client_secret_basic","private_key_jwt"]"#), Ok("jwt")),
        (secret().with_assertion("a.b.c"), Some(r#"["client_secret_basic"]"#), Ok("basic")),
        (public(), Some(r#"["none"]"#), Ok("none")),
        (public(), Some(r#"["client_secret_basic"]"#), Err("client_secret_basic")),
    ];
    for (credentials, methods, expected) in cases {
        let methods =
            methods.map_or_else(String::new, |list| format!(r#""token_endpoint_auth_methods_supported":{list},"#));
        let metadata = METADATA.replacen('{', &format!("{{{methods}"), 1);
        let server = TestServer::in_turn([response(200, &[], metadata), response(200, &[], TOKEN)]);
        let seed = RequestSeed::fixed();
        match (fetch_token(&provider(), &credentials, &TokenParameters::new(), &server, seed).await, expected) {
            (Ok(_), Ok(way)) => assert_eq!(authentication(server.take_requests().last().unwrap()), way),
            (Err(error), Err(why)) => {
                assert!(error.kind() == ErrorKind::Configuration && error.message().contains(why), "{error}");
                assert!(error.message().len() < 500, "{error}");
                assert_eq!(server.take_request_lines(), [OAUTH], "nothing is tried: {error}");
            }
            (outcome, expected) => panic!("{expected:?}: {outcome:?}"),
        }
    }
}

/// Returns how the request authenticates the client.
fn authentication(request: &ReceivedRequest) -> &'static str {
    match request.headers.get("authorization") {
        Some(_) => "basic",
        None if request.body.contains("client_secret=") => "post",
        None if request.body.contains("client_assertion=") => "jwt",
        None if request.body.contains("client_id=") => "none",
        None => "nothing",
    }
}

//! Token parameters: scopes, resources and authorization details, and whether the API accepts the tokens.

use credentials_grant_oauth2::{ErrorKind, TokenParameters};
use serde_json::{Value, json};

use crate::clients::with_secret;
use crate::server::{SERVER, source, token_with};

const DETAILS: &str = r#"[{"type":"booking","actions":["read"]}]"#;

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn the_api_accepts_tokens_for_its_resource() {
    for format in ["jwt", "opaque"] {
        let source = source(SERVER.discovered(), with_secret("basic"), SERVER.parameters_for(format));
        let claims = SERVER.claims_seen(&source, &format!("/{format}/parameters")).await.unwrap();
        assert_eq!(claims["client_id"], "basic", "{format}");
        assert_eq!(claims["scope"], "read", "{format}");
        assert_eq!(claims["aud"], format!("{}/{format}", SERVER.api));
        let token = source.token().await.unwrap();
        assert_eq!(token.scopes(), ["read"]);
        assert_eq!(token.unverified_claims::<Value>().is_ok(), format == "jwt");
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn fewer_scopes_than_requested_can_be_granted() {
    let parameters = SERVER.parameters_for("jwt").with_scope("admin");
    let token = token_with(SERVER.discovered(), with_secret("basic"), parameters).await.unwrap();
    assert_eq!(token.scopes(), ["read"]);
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn an_unknown_resource_and_a_second_resource_are_refused() {
    let unknown = TokenParameters::new().with_resource("https://api.example.com");
    let many = SERVER.parameters_for("jwt").with_resource(format!("{}/opaque", SERVER.api));
    for parameters in [unknown, many] {
        let error = token_with(SERVER.discovered(), with_secret("basic"), parameters).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestRefused, "{error}");
        assert_eq!(error.oauth().unwrap().code.as_deref(), Some("invalid_target"), "{error}");
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn authorization_details_are_granted_and_reach_the_api() {
    let details: Value = DETAILS.parse().unwrap();
    for format in ["jwt", "opaque"] {
        let parameters = SERVER.parameters_for(format).with_authorization_details(DETAILS);
        let source = source(SERVER.discovered(), with_secret("detailed"), parameters);
        assert_eq!(source.token().await.unwrap().extra("authorization_details"), Some(&details));
        let claims = SERVER.claims_seen(&source, &format!("/{format}/details")).await.unwrap();
        assert_eq!(claims["authorization_details"], details, "{format}");
    }
    for bad in [json!([{ "type": "payment" }]), json!([{ "type": "booking" }])] {
        let parameters = SERVER.parameters_for("jwt").with_authorization_details(bad.to_string());
        let error = token_with(SERVER.discovered(), with_secret("detailed"), parameters).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestRefused, "{error}");
        assert_eq!(error.oauth().unwrap().code.as_deref(), Some("invalid_authorization_details"), "{error}");
    }
}

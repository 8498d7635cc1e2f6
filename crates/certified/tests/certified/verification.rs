//! Verifies the server's tokens with the keys that it publishes.

use credentials_grant_oauth2::{ErrorKind, ExposeSecret as _, SecretString, TokenParameters};
use credentials_grant_verification::TokenVerifier;
use serde_json::Value;

use crate::clients::with_secret;
use crate::server::{SERVER, token_with, transport};

fn verifier(issuer: &str, audience: &str) -> TokenVerifier {
    let builder = TokenVerifier::builder(issuer.parse().unwrap(), format!("{}/{audience}", SERVER.api));
    builder.with_transport(transport()).build().unwrap()
}

async fn issued(parameters: TokenParameters) -> SecretString {
    token_with(SERVER.discovered(), with_secret("basic"), parameters).await.unwrap().secret().clone()
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_token_is_valid_for_the_api_in_its_audience() {
    let token = issued(SERVER.parameters_for("jwt")).await;
    let claims: Value = verifier(&SERVER.issuer, "jwt").verify(&token).await.unwrap();
    assert_eq!((&claims["client_id"], &claims["scope"]), (&"basic".into(), &"read".into()));
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_token_for_another_api_from_another_issuer_or_with_a_changed_signature_is_refused() {
    let token = issued(SERVER.parameters_for("jwt")).await;
    let (message, signature) = token.expose_secret().rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let changed = SecretString::from(format!("{message}.{first}{}", &signature[1..]));
    let opaque = issued(SERVER.parameters_for("opaque")).await;
    let ours = || verifier(&SERVER.issuer, "jwt");
    let cases = [
        (verifier(&SERVER.issuer, "opaque"), &token, "is not for"),
        (verifier(&SERVER.tenant, "jwt"), &token, "from another issuer"),
        (ours(), &changed, "not signed with the key that it names"),
        (ours(), &opaque, "not a signed JWT"),
    ];
    for (verifier, token, why) in cases {
        let error = verifier.verify::<Value>(token).await.unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidToken && error.message().contains(why), "{why}: {error}");
    }
}

//! Every client authentication method, with unusual ids, secrets and keys.

use std::time::{SystemTime, UNIX_EPOCH};

use credentials_grant_oauth2::{
    ClientAuthentication, ClientCredentials, ErrorKind, KeySigner, OAuth2, SigningAlgorithm,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::json;

use crate::clients::{AWKWARD, SECRET, hmacs, id_for, key_for, signatures, with_secret, with_signer};
use crate::server::{SERVER, token};

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn ids_and_secrets_with_every_allowed_character_are_accepted() {
    for (id, secret) in AWKWARD {
        for method in [
            ClientAuthentication::ClientSecretBasic,
            ClientAuthentication::ClientSecretBasicStrict,
            ClientAuthentication::ClientSecretPost,
        ] {
            let outcome = token(SERVER.with(method), ClientCredentials::new(id, secret)).await;
            outcome.unwrap_or_else(|error| panic!("{method} for {id:?}: {error}"));
        }
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn basic_without_encoding_is_refused_for_special_characters() {
    let (id, secret) = AWKWARD[3];
    let credentials = ClientCredentials::new(id, secret);
    let error = token(SERVER.with(ClientAuthentication::ClientSecretBasicRaw), credentials).await.unwrap_err();
    assert_eq!(error.oauth().unwrap().code.as_deref(), Some("invalid_client"), "{error}");
    token(SERVER.with(ClientAuthentication::ClientSecretBasicRaw), with_secret("basic-raw")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_secret_beyond_what_rfc_6749_appendix_a_allows_is_refused_and_not_shown() {
    let error = token(SERVER.discovered(), ClientCredentials::new("basic", "müller-canary")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestRefused, "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_wrong_secret_is_refused_after_one_request() {
    let credentials = ClientCredentials::new("refused", "canary");
    for method in [ClientAuthentication::ClientSecretBasic, ClientAuthentication::ClientSecretPost] {
        let error = token(SERVER.with(method), credentials.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "{method}: {error}");
        assert_eq!(error.oauth().unwrap().code.as_deref(), Some("invalid_client"), "{method}: {error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    assert_eq!(SERVER.outcomes("refused").await, ["invalid_client"; 2]);
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_secret_signs_with_every_algorithm() {
    let provider = || SERVER.with(ClientAuthentication::PrivateKeyJwt);
    for algorithm in hmacs() {
        let signer = KeySigner::from_secret(SECRET).unwrap().with_algorithm(algorithm).unwrap();
        let credentials = ClientCredentials::without_secret(id_for(algorithm)).with_signer(signer);
        let outcome = token(provider(), credentials).await;
        outcome.unwrap_or_else(|error| panic!("{algorithm}: {error}"));
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn client_secret_jwt_is_accepted_and_a_wrong_secret_is_refused() {
    let (provider, id) = (|| SERVER.with(ClientAuthentication::ClientSecretJwt), id_for(SigningAlgorithm::Hs256));
    token(provider(), with_secret(&id)).await.unwrap();
    let error = token(provider(), ClientCredentials::new(id, SECRET.to_uppercase())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "{error}");
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_key_signs_with_every_algorithm_and_never_the_same_assertion_twice() {
    for algorithm in signatures() {
        for _ in 0..2 {
            let outcome = token(SERVER.discovered(), with_signer(algorithm)).await;
            outcome.unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        }
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn the_audience_of_an_assertion_is_the_issuer_or_the_token_url() {
    let credentials = || with_signer(SigningAlgorithm::Es256);
    let token_url = || OAuth2::at(format!("{}/token", SERVER.issuer).parse().unwrap());
    for provider in [SERVER.discovered(), token_url(), token_url().with_assertion_audience(&SERVER.issuer)] {
        token(provider, credentials()).await.unwrap();
    }
    let error = token(SERVER.discovered().with_assertion_audience("https://evil.example"), credentials()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::CredentialsRefused);
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_key_that_the_server_does_not_know_is_refused() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    let credentials = ClientCredentials::without_secret(id_for(SigningAlgorithm::Es256));
    let credentials = credentials.with_signer(KeySigner::from_pem(key).unwrap());
    let error = token(SERVER.discovered(), credentials).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "{error}");
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn an_assertion_that_was_signed_elsewhere_is_passed_on() {
    let id = id_for(SigningAlgorithm::Es256);
    let expiry = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 60;
    let claims = json!({ "iss": id, "sub": id, "aud": SERVER.issuer, "jti": "from elsewhere", "exp": expiry });
    let key = EncodingKey::from_ec_der(key_for(SigningAlgorithm::Es256).serialized_der());
    let assertion = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &key).unwrap();
    let credentials = ClientCredentials::without_secret(id).with_assertion(assertion);
    token(SERVER.discovered(), credentials.clone()).await.unwrap();
    let error = token(SERVER.discovered(), credentials).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "this server accepts an assertion only once: {error}");
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_public_client_sends_only_its_id() {
    let credentials = ClientCredentials::without_secret("public");
    token(SERVER.with(ClientAuthentication::None), credentials.clone()).await.unwrap();
    token(SERVER.discovered(), credentials).await.unwrap();
    let error = token(SERVER.discovered(), ClientCredentials::without_secret("basic")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "{error}");
}

//! Finds the issuer's metadata, and refuses metadata of another issuer.

use credentials_grant_oauth2::{ClientCredentials, ErrorKind, OAuth2};

use crate::clients::with_secret;
use crate::server::{SERVER, token};

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn an_issuer_is_discovered_at_the_url_of_rfc_8414() {
    let token = token(SERVER.discovered(), with_secret("basic")).await.unwrap();
    assert_eq!(token.token_type(), Some("Bearer"));
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn an_issuer_with_a_path_is_discovered_at_the_url_of_openid_connect() {
    // This server is mounted below the path. The URL of RFC 8414 is outside of it, so it returns 404.
    let tenant = OAuth2::discover(SERVER.tenant.parse().unwrap());
    token(tenant, with_secret("basic")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn an_issuer_whose_metadata_name_another_issuer_gets_no_credentials() {
    let credentials = ClientCredentials::new("misled", "canary");
    let localhost = SERVER.issuer.replace("127.0.0.1", "localhost");
    for issuer in [localhost, format!("{}/", SERVER.issuer), format!("{}/", SERVER.tenant)] {
        let error = token(OAuth2::discover(issuer.parse().unwrap()), credentials.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{issuer}: {error}");
        assert!(error.message().contains("names another issuer, https://127.0.0.1"), "{issuer}: {error}");
    }
    let unknown = format!("{}/tenants/42", SERVER.issuer).parse().unwrap();
    let error = token(OAuth2::discover(unknown), credentials).await.unwrap_err();
    assert!(error.message().contains("has no metadata"), "{error}");
    assert_eq!(SERVER.outcomes("misled").await, [""; 0]);
}

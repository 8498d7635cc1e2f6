//! The names by which settings choose a client authentication method.

use credentials_grant::settings::{Configure, Settings};
use credentials_grant::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, HeaderValue, RequestContext, TokenParameters,
};

use crate::Acme;

/// Checks which values of the setting `auth` a provider accepts: every name and alias of the methods that send the
/// client id and secret, and no other. The closure makes the provider with a method, for [`Acme::endpoint`].
#[track_caller]
pub fn check_client_authentication_names<P: CredentialsGrant + Configure>(
    with_method: impl Fn(ClientAuthentication) -> P,
) {
    let from_settings = |name: &str| {
        let settings = Settings::new().with("token-url", Acme::endpoint().url().as_str());
        P::from_settings(&settings.with("auth", name))
    };
    let basic = ["client_secret_basic", "client-secret-basic", "basic"];
    let raw = ["client_secret_basic_raw", "client-secret-basic-raw", "basic_raw", "basic-raw"];
    let post = ["client_secret_post", "client-secret-post", "post", "body", "POST"];
    for (names, method) in [
        (&basic[..], ClientAuthentication::ClientSecretBasic),
        (&raw, ClientAuthentication::ClientSecretBasicRaw),
        (&post, ClientAuthentication::ClientSecretPost),
    ] {
        let expected = sent(&with_method(method));
        for name in names {
            assert_eq!(sent(&from_settings(name).unwrap()), expected, "{name}");
        }
    }
    for name in ["private_key_jwt", "mtls", "digest"] {
        let Err(error) = from_settings(name) else { panic!("{name} is accepted") };
        let remedy = "use one of client_secret_basic, client_secret_basic_raw, client_secret_post";
        assert!(error.to_string().ends_with(remedy), "{error}");
    }
}

/// Returns where the client id and secret may be in a request.
fn sent(provider: &impl CredentialsGrant) -> (Option<HeaderValue>, Vec<u8>) {
    let (credentials, parameters) = (ClientCredentials::new("id", "a+b"), TokenParameters::new());
    let request = provider.token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap();
    let request = request.dry_run().unwrap();
    (request.headers().get("authorization").cloned(), request.body().to_vec())
}

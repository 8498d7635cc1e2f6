//! How a server is configured by name: by a command, a file or an environment.

use credentials_grant::settings::{Configure, Setting, Settings};
use credentials_grant::{ClientAuthentication, Error, ErrorKind};

use crate::OAuth2;

impl Configure for OAuth2 {
    const NAME: &'static str = "oauth2";
    const TITLE: &'static str = "any OAuth 2.0 server";
    const SETTINGS: &'static [Setting] = &[
        Setting::new("issuer", "the issuer, whose metadata say where the token endpoint is"),
        Setting::new("token-url", "the token URL, instead of `issuer`; plain HTTP for loopback only"),
        Setting::one_of("auth", "how the client authenticates; as the issuer's metadata say unless set", &WAYS),
        Setting::new("assertion-audience", "whom assertions are for: the issuer unless set, or else the token URL"),
        Setting::new("introspection-url", "where to ask about tokens, if the issuer's metadata do not say"),
        Setting::new("revocation-url", "where tokens are taken back, if the issuer's metadata do not say"),
    ];

    fn configure(settings: &Settings) -> Result<Self, Error> {
        settings.at_most_one_of(&["issuer", "token-url"])?;
        let issuer = settings.parse("issuer")?;
        let provider = match (settings.token_url()?, issuer) {
            (Some(url), _) => Self::at(url),
            (None, Some(issuer)) => Self::discover(issuer),
            (None, None) => {
                return Err(Error::new(ErrorKind::Configuration, "neither `issuer` nor `token-url` is set")
                    .with_remedy("set one of them"));
            }
        };
        let provider = match settings.find("auth") {
            None => provider,
            Some("json") => provider.with_client_authentication(ClientAuthentication::ClientSecretPost).with_json(),
            Some("post") => provider.with_client_authentication(ClientAuthentication::ClientSecretPost),
            Some(way) => provider.with_client_authentication(way.parse()?),
        };
        Ok(Self {
            assertion_audience: settings.find("assertion-audience").map(str::to_owned),
            introspection_endpoint: settings.parse("introspection-url")?,
            revocation_endpoint: settings.parse("revocation-url")?,
            ..provider
        })
    }
}

/// How a client may authenticate, as people call it who have read the metadata of servers.
const WAYS: [&str; 9] =
    ["basic", "basic-raw", "basic-strict", "post", "json", "none", "client-secret-jwt", "private-key-jwt", "mtls"];

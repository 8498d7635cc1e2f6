//! How a client proves who it is to the token endpoint (RFC 6749 section 2.3, RFC 7523 section 2.2).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::credentials::ClientCredentials;
use crate::encode::{percent_encode, strictly_encode};
use crate::error::Error;

/// The ways in which a client says who it is, and proves it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// `Authorization: Basic`, id and secret percent-encoded before they are joined, as RFC 6749 section 2.3.1 asks
    /// (`client_secret_basic`). For an id and a secret of letters, digits and `-._~` it equals [`Self::BasicRaw`].
    Basic,
    /// `Authorization: Basic` without percent-encoding, for servers that don't decode.
    BasicRaw,
    /// `Authorization: Basic`, encoded as RFC 6749 Appendix B has it to the letter: `+` for a space, and everything else but
    /// ASCII letters and digits escaped. For servers that decode exactly that.
    BasicStrict,
    /// `client_id` and `client_secret` among the parameters, in a form or in JSON (`client_secret_post`).
    Body,
    /// A JWT signed with the client secret by HS256 (`client_secret_jwt`, OIDC Core section 9). The secret itself
    /// is not sent.
    ClientSecretJwt,
    /// `client_id` among the parameters, and the certificate that TLS shows (`tls_client_auth` and
    /// `self_signed_tls_client_auth`, RFC 8705 section 2).
    Mtls,
    /// `client_id` among the parameters, and no proof: a public client (`none`, RFC 6749 section 2.1).
    None,
    /// A JWT that the credentials hold, or that their [`Signer`](crate::Signer) signs (`private_key_jwt`, RFC 7523 section
    /// 2.2, OIDC Core section 9).
    ///
    /// Its `aud` is the token URL, unless
    /// [`assertion_audience`](crate::TokenRequestBuilder::assertion_audience) says otherwise. It is good for a minute, and
    /// each request gets one of its own.
    PrivateKeyJwt,
}

impl ClientAuthentication {
    /// Every way, in the order in which help lists them.
    pub const ALL: [Self; 8] = [
        Self::Basic,
        Self::BasicRaw,
        Self::BasicStrict,
        Self::Body,
        Self::None,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
        Self::Mtls,
    ];

    /// The way's name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::BasicRaw => "basic-raw",
            Self::BasicStrict => "basic-strict",
            Self::Body => "body",
            Self::ClientSecretJwt => "client-secret-jwt",
            Self::Mtls => "mtls",
            Self::None => "none",
            Self::PrivateKeyJwt => "private-key-jwt",
        }
    }
}

impl FromStr for ClientAuthentication {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|way| way.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::configuration(format!("{name:?} is no way to authenticate a client"))
                .with_remedy(format!("use one of {names}"))
        })
    }
}

impl fmt::Display for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What stands behind `Basic `: base64 of `id:secret`, with `encode` applied to each half.
pub(crate) fn basic(credentials: &ClientCredentials, encode: Encode) -> Result<SecretString, Error> {
    let id = credentials.client_id()?;
    let secret = credentials.client_secret()?.expose_secret();
    let pair = match encode {
        Encode::Percent => format!("{}:{}", percent_encode(id), percent_encode(secret)),
        Encode::Strict => format!("{}:{}", strictly_encode(id), strictly_encode(secret)),
        Encode::Raw if id.contains(':') => {
            return Err(Error::configuration("the client id has a colon, which raw Basic cannot send")
                .with_remedy("authenticate by `basic` or `body`"));
        }
        Encode::Raw => format!("{id}:{secret}"),
    };
    Ok(BASE64_STANDARD.encode(pair).into())
}

/// Every form of it. A server that was sent one may repeat it whenever it is asked for something else.
pub(crate) fn basic_forms(credentials: &ClientCredentials) -> impl Iterator<Item = SecretString> {
    let forms = [Encode::Percent, Encode::Raw, Encode::Strict].map(|encode| basic(credentials, encode).ok());
    let unpadded = |form: SecretString| SecretString::from(form.expose_secret().trim_end_matches('='));
    forms.into_iter().flatten().flat_map(move |form| [unpadded(form.clone()), form])
}

#[derive(Clone, Copy)]
pub(crate) enum Encode {
    Percent,
    Raw,
    Strict,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(id: &str, secret: &str) -> String {
        basic(&ClientCredentials::new(id, secret), Encode::Percent).unwrap().expose_secret().to_owned()
    }

    fn raw(id: &str, secret: &str) -> Result<SecretString, Error> {
        basic(&ClientCredentials::new(id, secret), Encode::Raw)
    }

    #[test]
    fn each_half_is_encoded_before_they_are_joined() {
        assert_eq!(percent("CLIENT_ID??", "CLIENT_SECRET??"), "Q0xJRU5UX0lEJTNGJTNGOkNMSUVOVF9TRUNSRVQlM0YlM0Y=");
    }

    #[test]
    fn unreserved_characters_are_left_alone_so_that_servers_that_do_not_decode_understand() {
        let id = "6e0bfd1c-7f6d-4f2e-9a53-2f3d1d0f4c11";
        assert_eq!(percent(id, "a.b_c~d"), raw(id, "a.b_c~d").unwrap().expose_secret());
    }

    #[test]
    fn any_id_and_secret_survive_the_round_trip() {
        let pairs = [
            ("foo", "bar"),
            ("foo", "very+secret"),
            ("firstname lastname", "bar"),
            ("firstname:lastname", "bar:bar2"),
            ("sören:müller", "bar:bar2"),
            (":/&%%(/(&/) %&%&/%/&", ")(/)(/&  /%/&%$&$$&"),
            ("€", "100% + £"),
        ];
        for (id, secret) in pairs {
            let strict = basic(&ClientCredentials::new(id, secret), Encode::Strict).unwrap();
            for pair in [&percent(id, secret), strict.expose_secret()] {
                let joined = String::from_utf8(BASE64_STANDARD.decode(pair).unwrap()).unwrap();
                // As a form is decoded, which is what Appendix B asks of servers.
                let (first, second) = joined.split_once(':').unwrap();
                let form = format!("{first}&{second}");
                let decoded: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).map(|(half, _)| half).collect();
                assert_eq!(decoded, [id, secret]);
            }
        }
    }

    #[test]
    fn raw_basic_sends_bytes_as_they_are_and_refuses_an_id_with_a_colon() {
        assert_eq!(raw("id", "a+b%").unwrap().expose_secret(), BASE64_STANDARD.encode("id:a+b%"));
        assert!(raw("a:b", "secret").is_err());
    }

    #[test]
    fn empty_credentials_are_refused() {
        assert!(basic(&ClientCredentials::new("", "secret"), Encode::Percent).unwrap_err().message().contains("id"));
        assert!(basic(&ClientCredentials::new("id", ""), Encode::Percent).unwrap_err().message().contains("secret"));
    }
}

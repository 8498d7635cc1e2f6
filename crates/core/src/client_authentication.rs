//! Client authentication (RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705 section 2).

use std::fmt;
use std::iter::once;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::client_credentials::ClientCredentials;
use crate::encode::{concat, percent_encoded, strictly_encoded};
use crate::error::Error;

/// How the client authenticates to the token endpoint: the methods of the OAuth registry (RFC 8414 section 2,
/// `token_endpoint_auth_methods_supported`), and two variants of `client_secret_basic` that some servers need.
///
/// Each has its registered [name](Self::name) and short aliases, which [`FromStr`] reads in any case, with hyphens or
/// underscores:
///
/// ```
/// use credentials_grant::ClientAuthentication;
///
/// assert_eq!("client_secret_post".parse::<ClientAuthentication>()?, ClientAuthentication::ClientSecretPost);
/// assert_eq!("post".parse::<ClientAuthentication>()?, ClientAuthentication::ClientSecretPost);
/// assert_eq!(ClientAuthentication::TlsClientAuth.name(), "tls_client_auth");
/// # Ok::<(), credentials_grant::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// `client_secret_basic`: `Authorization: Basic`, with id and secret percent-encoded before they are joined, as RFC
    /// 6749 section 2.3.1 asks. For an id and a secret of letters, digits and `-._~` it equals
    /// [`ClientSecretBasicRaw`](Self::ClientSecretBasicRaw).
    ClientSecretBasic,
    /// `client_secret_basic` without percent-encoding, for servers that do not decode. Not a registered name:
    /// `client_secret_basic_raw`.
    ClientSecretBasicRaw,
    /// `client_secret_basic` encoded by RFC 6749 Appendix B to the letter: `+` for a space, and everything else except
    /// ASCII letters and digits escaped. Not a registered name: `client_secret_basic_strict`.
    ClientSecretBasicStrict,
    /// `client_secret_jwt`: a JWT signed with the client secret by HS256 (OIDC Core section 9). The secret itself is
    /// not sent.
    ClientSecretJwt,
    /// `client_secret_post`: `client_id` and `client_secret` among the parameters, in a form or in JSON (RFC 6749
    /// section 2.3.1).
    ClientSecretPost,
    /// `none`: only `client_id` among the parameters, for a public client (RFC 6749 section 2.1).
    None,
    /// `private_key_jwt`: a JWT that the credentials' [`Signer`](crate::Signer) signs, or one that they hold (RFC 7523
    /// section 2.2, OIDC Core section 9).
    ///
    /// Its `aud` is the token URL, unless [`assertion_audience`](crate::RequestBuilder::assertion_audience) sets
    /// another. It is valid for a minute, and each request gets a new one.
    PrivateKeyJwt,
    /// `tls_client_auth`: `client_id` among the parameters, and the certificate that TLS presents (RFC 8705 section 2).
    /// The same as `self_signed_tls_client_auth`, which differs at the server only.
    TlsClientAuth,
}

impl ClientAuthentication {
    /// Every method, in the order in which help lists them.
    pub const ALL: [Self; 8] = [
        Self::ClientSecretBasic,
        Self::ClientSecretBasicRaw,
        Self::ClientSecretBasicStrict,
        Self::ClientSecretPost,
        Self::None,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
    ];

    /// Returns the method's name: the registered one, where there is one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretBasicRaw => "client_secret_basic_raw",
            Self::ClientSecretBasicStrict => "client_secret_basic_strict",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
        }
    }

    /// Returns the other names by which [`FromStr`] reads the method.
    #[must_use]
    pub const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::ClientSecretBasic => &["basic"],
            Self::ClientSecretBasicRaw => &["basic_raw"],
            Self::ClientSecretBasicStrict => &["basic_strict"],
            Self::ClientSecretPost => &["post", "body"],
            Self::TlsClientAuth => &["mtls", "self_signed_tls_client_auth"],
            Self::ClientSecretJwt | Self::None | Self::PrivateKeyJwt => &[],
        }
    }
}

impl FromStr for ClientAuthentication {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let normalized = name.trim().to_ascii_lowercase().replace('-', "_");
        let matches = |method: &Self| method.name() == normalized || method.aliases().contains(&normalized.as_str());
        Self::ALL.into_iter().find(matches).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::configuration(format!("{name:?} is not a client authentication method"))
                .with_remedy(format!("use one of {names}"))
        })
    }
}

impl fmt::Display for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns what follows `Basic `: base64 of `id:secret`, with each half encoded.
pub(crate) fn basic(credentials: &ClientCredentials, encode: Encode) -> Result<SecretString, Error> {
    let id = credentials.client_id()?;
    let secret = credentials.client_secret()?.expose_secret();
    let pair = match encode {
        Encode::Percent => concat(percent_encoded(id).chain(once(":")).chain(percent_encoded(secret))),
        Encode::Strict => concat(strictly_encoded(id).chain(once(":")).chain(strictly_encoded(secret))),
        Encode::Raw if id.contains(':') => {
            return Err(Error::configuration("the client id has a colon, which Basic cannot carry without encoding")
                .with_remedy("authenticate by `client_secret_basic` or `client_secret_post`"));
        }
        Encode::Raw => concat([id, ":", secret].into_iter()),
    };
    let pair = SecretString::from(pair);
    Ok(BASE64_STANDARD.encode(pair.expose_secret()).into())
}

/// Returns [`basic`] in every encoding, to redact: a server that received one earlier may echo it.
pub(crate) fn basic_forms(credentials: &ClientCredentials) -> impl Iterator<Item = SecretString> {
    let forms = [Encode::Percent, Encode::Raw, Encode::Strict].map(|encode| basic(credentials, encode).ok());
    let unpadded = |form: SecretString| SecretString::from(form.expose_secret().trim_end_matches('='));
    forms.into_iter().flatten().flat_map(move |form| [unpadded(form.clone()), form])
}

/// Returns what else to try if the server refused this `Authorization` header: Basic in another encoding. `None` if it
/// is not Basic, or if the encodings are the same for these credentials.
pub(crate) fn other_encoding(credentials: &ClientCredentials, authorization: &HeaderValue) -> Option<&'static str> {
    let sent = authorization.as_bytes().strip_prefix(b"Basic ")?;
    // An id with a colon has no raw form.
    let [percent, strict, raw] = [Encode::Percent, Encode::Strict, Encode::Raw].map(|encode| {
        let pair = basic(credentials, encode).ok();
        pair.map(|pair| pair.expose_secret().as_bytes() == sent)
    });
    match (percent? || strict?, raw?) {
        (true, false) => Some(
            "if they are right, the server may not decode the characters in them that `client_secret_basic` \
             percent-encodes: authenticate by `client_secret_basic_raw`",
        ),
        (false, true) => Some(
            "if they are right, the server may decode them, and they have characters for which that matters: \
             authenticate by `client_secret_basic`",
        ),
        _ => None,
    }
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

    #[test]
    fn every_method_is_read_by_its_name_and_its_aliases_in_either_spelling() {
        for method in ClientAuthentication::ALL {
            for name in [&[method.name()], method.aliases()].concat() {
                for spelling in [name.to_owned(), name.replace('_', "-"), name.to_uppercase()] {
                    assert_eq!(spelling.parse::<ClientAuthentication>().unwrap(), method, "{spelling}");
                }
            }
        }
        assert!("digest".parse::<ClientAuthentication>().unwrap_err().to_string().contains("client_secret_post"));
    }

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

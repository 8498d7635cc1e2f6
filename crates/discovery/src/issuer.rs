//! Issuers, and where they publish their metadata.

use std::fmt;
use std::str::FromStr;

use credentials_grant::{Endpoint, Error, ErrorKind, Url};

/// The name of an authorization server: an HTTPS URL without query and fragment (RFC 8414 section 2).
///
/// It must equal the `issuer` in the server's metadata exactly, with the same case and the same slash at the end (RFC
/// 8414 section 3.3).
///
/// ```
/// use credentials_grant_discovery::Issuer;
///
/// let issuer: Issuer = "https://login.example.com/tenants/4711".parse()?;
/// assert_eq!(issuer.as_str(), "https://login.example.com/tenants/4711");
///
/// assert!("login.example.com".parse::<Issuer>().is_err());
/// # Ok::<(), credentials_grant::Error>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Issuer {
    name: String,
    url: Endpoint,
}

impl Issuer {
    /// Returns the issuer as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Returns its URL. No request goes there.
    pub(crate) fn url(&self) -> &Endpoint {
        &self.url
    }

    /// Returns the metadata URL of RFC 8414 section 3.1: well-known segments between host and path.
    pub(crate) fn oauth_metadata(&self) -> Result<Endpoint, Error> {
        self.with_path(|path| format!("/.well-known/oauth-authorization-server{path}"))
    }

    /// Returns the metadata URL of OIDC Discovery section 4: well-known segments behind the path.
    pub(crate) fn oidc_metadata(&self) -> Result<Endpoint, Error> {
        self.with_path(|path| format!("{path}/.well-known/openid-configuration"))
    }

    fn with_path(&self, path: impl FnOnce(&str) -> String) -> Result<Endpoint, Error> {
        let mut url = self.url.url().clone();
        let path = path(url.path().trim_end_matches('/'));
        url.set_path(&path);
        Endpoint::parse(url.as_str())
    }
}

impl FromStr for Issuer {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let name = name.trim();
        let refused = |why: String| {
            Error::new(ErrorKind::Configuration, why)
                .with_remedy("write the issuer as the server names itself, such as https://login.example.com")
        };
        // The text itself is not repeated: it may hold a secret in its user info or query.
        Url::parse(name).map_err(|source| refused(format!("not a valid issuer URL ({source})")))?;
        let url = Endpoint::parse(name).map_err(|error| refused(error.message().to_owned()))?;
        if name.contains(['?', '#']) {
            return Err(refused(format!("the issuer {url} has a query")));
        }
        Ok(Self { name: name.to_owned(), url })
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_standards_define_where_the_metadata_is() {
        let places = [
            ("https://a.example", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"),
            ("https://a.example/", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"),
            // RFC 8414 section 3.1, and OIDC Discovery section 4.1.
            (
                "https://a.example/issuer1",
                "/.well-known/oauth-authorization-server/issuer1",
                "/issuer1/.well-known/openid-configuration",
            ),
            (
                "https://a.example/t/v2.0/",
                "/.well-known/oauth-authorization-server/t/v2.0",
                "/t/v2.0/.well-known/openid-configuration",
            ),
        ];
        for (issuer, oauth, oidc) in places {
            let issuer: Issuer = issuer.parse().unwrap();
            assert_eq!(issuer.oauth_metadata().unwrap().to_string(), format!("https://a.example{oauth}"));
            assert_eq!(issuer.oidc_metadata().unwrap().to_string(), format!("https://a.example{oidc}"));
        }
    }

    #[test]
    fn an_invalid_issuer_is_refused_without_repeating_it() {
        for issuer in ["", "a.example", "https://a.example?x=canary", "https://a.example#canary", "http://a.example"] {
            let error = issuer.parse::<Issuer>().expect_err(issuer);
            assert!(error.kind() == ErrorKind::Configuration && !error.to_string().contains("canary"), "{error}");
        }
        let error = "https://user:canary@a.example".parse::<Issuer>().unwrap_err();
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        assert!("http://127.0.0.1:8080/realms/x".parse::<Issuer>().is_ok(), "loopback");
    }
}

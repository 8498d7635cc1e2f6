//! Issuers, and where their metadata are.

use std::fmt;
use std::str::FromStr;

use credentials_grant::{Endpoint, Error, ErrorKind, Url};

/// The name of an authorization server: an HTTPS URL without query and fragment (RFC 8414 section 2).
///
/// It is compared with the server's own word to the letter (RFC 8414 section 3.3), the slash at its end included.
///
/// ```
/// use credentials_grant_oauth2::{Issuer, OAuth2};
///
/// let issuer: Issuer = "https://login.example.com/tenants/4711".parse()?;
/// let provider = OAuth2::discover(issuer);
/// # Ok::<(), credentials_grant_oauth2::Error>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Issuer {
    name: String,
    url: Endpoint,
}

impl Issuer {
    /// The issuer as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Its URL, to which nothing is sent.
    pub(crate) fn url(&self) -> &Endpoint {
        &self.url
    }

    /// Where RFC 8414 section 3.1 has its metadata: between the host and the path.
    pub(crate) fn oauth_metadata(&self) -> Result<Endpoint, Error> {
        self.with_path(|path| format!("/.well-known/oauth-authorization-server{path}"))
    }

    /// Where OIDC Discovery section 4 has them: behind the path.
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
                .with_remedy("give the issuer as the server names itself, such as https://login.example.com")
        };
        // The text itself is not repeated: it may hold a secret where none should be.
        Url::parse(name).map_err(|source| refused(format!("the issuer is not a URL ({source})")))?;
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
    fn metadata_are_where_the_two_standards_have_them() {
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
    fn what_cannot_be_an_issuer_is_refused() {
        for issuer in ["", "a.example", "https://a.example?x=canary", "https://a.example#canary", "http://a.example"] {
            let error = issuer.parse::<Issuer>().expect_err(issuer);
            assert!(error.kind() == ErrorKind::Configuration && !error.to_string().contains("canary"), "{error}");
        }
        let error = "https://user:canary@a.example".parse::<Issuer>().unwrap_err();
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        assert!("http://127.0.0.1:8080/realms/x".parse::<Issuer>().is_ok(), "loopback");
    }
}

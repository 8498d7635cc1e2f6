//! Where token requests go: a URL that a secret may be sent to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use url::{Host, Url};

use crate::encode::percent_encode;
use crate::error::Error;

/// The URL of a token endpoint (RFC 6749 section 3.2): HTTPS, without user-info and fragment.
///
/// Plain HTTP is for loopback alone (an emulator, a sidecar), or for whoever calls [`insecure`](Self::insecure).
/// It prints without its query, which may hold secrets.
///
/// ```
/// use credentials_grant::TokenEndpoint;
///
/// let endpoint: TokenEndpoint = "https://identity.apaleo.com/connect/token".parse()?;
/// assert_eq!(endpoint.to_string(), "https://identity.apaleo.com/connect/token");
///
/// let refused = "http://identity.apaleo.com/connect/token".parse::<TokenEndpoint>().unwrap_err();
/// assert!(refused.to_string().contains("https"));
/// # Ok::<(), credentials_grant::Error>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct TokenEndpoint(Arc<Url>);

impl TokenEndpoint {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if it is no URL, has user-info or a fragment, or would send
    /// secrets in the clear to another machine.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let endpoint = Self::insecure(url)?;
        if endpoint.0.scheme() == "http" && !is_loopback(&endpoint.0) {
            return Err(Error::configuration(format!("the URL {endpoint} would send the client secret in the clear"))
                .with_remedy("use https (plain http is for loopback only)"));
        }
        Ok(endpoint)
    }

    /// Reads a URL and allows plain HTTP to any host, which sends the client secret in the clear.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), but for the scheme: `http` is allowed as well.
    pub fn insecure(url: &str) -> Result<Self, Error> {
        // The text itself is not repeated: it may hold a secret in its user-info or query.
        let parsed = Url::parse(url.trim()).map_err(|source| {
            Error::configuration(format!("the token URL is not a URL ({source})"))
                .with_remedy("write it out in full, such as https://auth.example.com/oauth2/token")
        })?;
        let endpoint = Self(Arc::new(parsed));
        let url = &endpoint.0;
        let refused = |why: &str, remedy: &'static str| {
            Err(Error::configuration(format!("the URL {endpoint} {why}")).with_remedy(remedy))
        };
        if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
            return refused("is not an https URL with a host", "use an https URL");
        }
        // A URL may have more in its host than a name ever has: whoever wrote a comma there meant something else.
        if matches!(url.host(), Some(Host::Domain(name)) if !name.chars().all(fits_name)) {
            return refused("has a host that is no name", "write it as the vendor's page gives it");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("holds credentials", "give the client id and secret apart from the URL");
        }
        if url.fragment().is_some() {
            return refused("has a fragment", "take the # and what follows out (RFC 6749 section 3.2)");
        }
        Ok(endpoint)
    }

    /// A URL that is written in the source code.
    ///
    /// # Panics
    ///
    /// If [`parse`](Self::parse) refuses it.
    #[must_use]
    pub fn from_static(url: &'static str) -> Self {
        match Self::parse(url) {
            Ok(endpoint) => endpoint,
            Err(error) => panic!("{error}"),
        }
    }

    /// Fills in a template such as `https://{prefix}.auth.{region}.example.com/oauth2/token`.
    ///
    /// What a value may be depends on where it stands:
    /// - `{base}` at the very start is a URL with an optional path, without query and fragment;
    /// - as the whole host, `https://{domain}/token`, a value is a host name with a dot in it;
    /// - within the host, a value is part of one label: letters, digits and hyphens;
    /// - in the path, a value is one segment, which is percent-encoded;
    /// - `{name?}` is a path segment that is left out, with its slash, where its value is empty.
    ///
    /// ```
    /// use credentials_grant::TokenEndpoint;
    ///
    /// let template = "{base}/{tenant?}/oauth/v2/token";
    /// let endpoint = TokenEndpoint::expand(template, &[("base", "https://gw.example.com/eu/"), ("tenant", "")])?;
    /// assert_eq!(endpoint.to_string(), "https://gw.example.com/eu/oauth/v2/token");
    ///
    /// assert!(TokenEndpoint::expand("https://{shop}.example.com/token", &[("shop", "evil.example/")]).is_err());
    /// # Ok::<(), credentials_grant::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the value that does not fit its place, or as
    /// [`parse`](Self::parse).
    pub fn expand(template: &str, values: &[(&str, &str)]) -> Result<Self, Error> {
        let mut url = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| Error::configuration(format!("the URL template {template} has an unclosed brace")))?;
            url.push_str(before);
            let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
            let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.trim());
            rest = after;
            if optional && value.is_empty() {
                rest = rest.strip_prefix('/').unwrap_or(rest);
                continue;
            }
            url.push_str(&placed(&url, name, value, rest)?);
        }
        let made = Self::parse(&(url + rest)).and_then(|endpoint| match endpoint.0.host() {
            Some(Host::Domain(name)) if !name.split('.').all(is_label) => {
                Err(Error::configuration(format!("{name} is no host name")))
            }
            Some(Host::Ipv4(address)) if !template.starts_with('{') => {
                Err(Error::configuration(format!("{address} is an address and no host name")))
            }
            _ => Ok(endpoint),
        });
        made.map_err(|error| {
            let names: Vec<_> = values.iter().map(|(name, _)| format!("`{name}`")).collect();
            Error::configuration(format!("{} give no URL: {}", names.join(" and "), error.message()))
                .with_remedy("set them as the vendor's page gives them")
        })
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for TokenEndpoint {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        Self::parse(url)
    }
}

impl fmt::Display for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_query(&self.0))
    }
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenEndpoint({self})")
    }
}

/// A URL as it may be shown: the origin and the path.
pub(crate) fn without_query(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // Only a URL that cannot have user-info refuses this, and then there is none to hide.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.into()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // Not `*.localhost`: many resolvers ask the network for it.
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A part of a host name (RFC 1123 section 2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
}

/// The value as it stands in the URL between `before` and `after`.
fn placed(before: &str, name: &str, value: &str, after: &str) -> Result<String, Error> {
    let placed = match before.split_once("://") {
        _ if before.is_empty() => return base(name, value),
        Some(("https", "")) if after.starts_with('/') => whole_host(value),
        Some((_, host)) if !host.contains('/') => part_of_label(value),
        _ => segment(value),
    };
    placed.map_err(|why| {
        let shown: String = value.chars().take(80).flat_map(char::escape_default).collect();
        let message = if value.is_empty() {
            format!("the setting `{name}` is missing")
        } else {
            format!("the setting `{name}` ({shown}) {why}")
        };
        Error::configuration(message).with_remedy(format!("set `{name}` as the vendor's page gives it"))
    })
}

/// A URL that others begin with. What is shown of one that has a query is not the query.
fn base(name: &str, value: &str) -> Result<String, Error> {
    let base = TokenEndpoint::parse(value).map_err(|error| {
        Error::configuration(format!("the setting `{name}`: {}", error.message()))
            .with_remedy("use an https URL such as https://api.example.com/v2")
    })?;
    match base.0.query() {
        Some(_) => Err(Error::configuration(format!("the setting `{name}` ({base}) has a query"))
            .with_remedy("take the ? and what follows out")),
        None => Ok(base.0.as_str().trim_end_matches('/').to_owned()),
    }
}

fn whole_host(value: &str) -> Result<String, &'static str> {
    if !value.contains('.') || !value.chars().all(|c| fits_label(c) || c == '.') {
        return Err("is no host name such as auth.example.com");
    }
    Ok(value.to_ascii_lowercase())
}

fn part_of_label(value: &str) -> Result<String, &'static str> {
    if value.is_empty() || value.len() > 63 || !value.chars().all(fits_label) {
        return Err("cannot be part of a host name: letters, digits and hyphens only");
    }
    Ok(value.to_ascii_lowercase())
}

fn segment(value: &str) -> Result<String, &'static str> {
    match value {
        "" | "." | ".." => Err("cannot be a path segment"),
        _ if value.contains(['/', '\\']) => Err("cannot be one path segment: it has a slash"),
        _ if value.contains(char::is_control) => Err("has control characters"),
        _ => Ok(percent_encode(value)),
    }
}

/// What names of hosts are made of; underscores are in use, though RFC 1123 has none.
fn fits_name(c: char) -> bool {
    fits_label(c) || matches!(c, '.' | '_')
}

fn fits_label(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        TokenEndpoint::parse(url).expect_err(url).to_string()
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for url in ["http://127.0.0.1:8080/token", "http://localhost/token", "http://[::1]:1/token"] {
            assert!(TokenEndpoint::parse(url).is_ok(), "{url}");
        }
        for url in [
            "http://x.localhost/",
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://0.0.0.0/",
            "http://10.0.0.1/",
        ] {
            assert!(refusal(url).contains("use https"), "{url}");
        }
        assert!(TokenEndpoint::insecure("http://example.com/token").is_ok());
    }

    #[test]
    fn other_schemes_are_never_accepted() {
        for url in ["ftp://example.com/", "file:///etc/passwd", "data:text/plain,x", "javascript:alert(1)"] {
            assert!(TokenEndpoint::insecure(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for host in ["a,b.example.com", "*.example.com", "a!.example.com", "a&b", "a'b.example.com", "(a).example.com"]
        {
            assert!(refusal(&format!("https://{host}/token")).contains("host that is no name"), "{host}");
        }
        for host in ["my_host.example.com", "bücher.example", "example.com.", "[2001:db8::1]:8443", "203.0.113.7"] {
            assert!(TokenEndpoint::parse(&format!("https://{host}/token")).is_ok(), "{host}");
        }
        let expanded = TokenEndpoint::expand("https://{shop}.example,.com/", &[("shop", "north")]);
        assert!(expanded.unwrap_err().to_string().contains("host that is no name"));
    }

    #[test]
    fn a_url_with_credentials_is_refused_and_not_repeated() {
        let refusal = refusal("https://user:canary@example.com/token?secret=canary");
        assert!(!refusal.contains("canary"), "{refusal}");
        assert!(refusal.contains("example.com"), "{refusal}");
    }

    #[test]
    fn text_that_is_no_url_is_not_repeated() {
        assert!(!refusal("canary").contains("canary"));
    }

    #[test]
    fn a_fragment_is_refused() {
        assert!(refusal("https://example.com/token#x").contains("fragment"));
    }

    #[test]
    fn a_query_is_kept_and_not_shown() {
        let endpoint = TokenEndpoint::parse("https://example.com/token?api=canary").unwrap();
        assert_eq!(endpoint.url().query(), Some("api=canary"));
        assert_eq!(format!("{endpoint} {endpoint:?}").matches("canary").count(), 0);
    }

    #[test]
    fn a_value_stays_in_its_place() {
        let host = |value| TokenEndpoint::expand("https://{shop}.example.com/token", &[("shop", value)]);
        let too_long = "a".repeat(64);
        for hostile in [
            "", "a/b", "a.b", "a@b", "a:1", "a?b", "a#b", "a%2eb", "évil", "a b", "a\r\nb", "-", "-a", "a-", "xn--a",
            &too_long,
        ] {
            let refusal = host(hostile).expect_err(hostile).to_string();
            assert!(refusal.contains("`shop`"), "{refusal}");
        }
        assert_eq!(host("My-Shop").unwrap().to_string(), "https://my-shop.example.com/token");

        let path = |value| TokenEndpoint::expand("https://example.com/{tenant}/token", &[("tenant", value)]);
        for hostile in ["", ".", "..", "a/b", "a\\b", "a\nb"] {
            assert!(path(hostile).is_err(), "{hostile}");
        }
        assert_eq!(path("a?b#c%2fd").unwrap().to_string(), "https://example.com/a%3Fb%23c%252fd/token");
    }

    #[test]
    fn a_whole_host_is_a_name_and_no_address() {
        let host = |value| TokenEndpoint::expand("https://{domain}/token", &[("domain", value)]);
        assert_eq!(host("Auth.Example.com").unwrap().to_string(), "https://auth.example.com/token");
        let long_label = format!("{}.example.com", "a".repeat(64));
        let hostile =
            ["", ".", "..", "example", "a..b", ".a.b", "-a.b", "a.b/c", "a.b:1", "u@a.b", "127.0.0.1", "0x7f.1"];
        for value in hostile.into_iter().chain([long_label.as_str()]) {
            let refusal = host(value).expect_err(value).to_string();
            assert!(refusal.contains("`domain`"), "{refusal}");
        }
    }

    #[test]
    fn a_base_has_no_query() {
        let base = |value| TokenEndpoint::expand("{base}/token", &[("base", value)]);
        assert_eq!(base("https://example.com").unwrap().to_string(), "https://example.com/token");
        assert_eq!(base("https://example.com/v2/").unwrap().to_string(), "https://example.com/v2/token");
        for hostile in ["", "example.com", "https://example.com/?x", "http://example.com", "https://u:p@example.com"] {
            assert!(base(hostile).expect_err(hostile).to_string().contains("`base`"));
        }
        assert!(!base("https://example.com/?key=canary").unwrap_err().to_string().contains("canary"));
    }
}

//! The URL of a server's endpoint, to which secrets may be sent.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use url::{Host, Url};

use crate::encode::percent_encode;
use crate::error::Error;

/// The URL of a server's endpoint, such as its token, introspection or metadata endpoint: HTTPS, without user info and
/// fragment (RFC 6749 section 3.2).
///
/// Plain HTTP is accepted for loopback only (an emulator, a sidecar), or by an explicit [`insecure`](Self::insecure).
/// `Display` and `Debug` leave out the query, which may hold secrets.
///
/// ```
/// use credentials_grant::Endpoint;
///
/// let endpoint: Endpoint = "https://identity.apaleo.com/connect/token".parse()?;
/// assert_eq!(endpoint.to_string(), "https://identity.apaleo.com/connect/token");
///
/// let refused = "http://identity.apaleo.com/connect/token".parse::<Endpoint>().unwrap_err();
/// assert!(refused.to_string().contains("https"));
/// # Ok::<(), credentials_grant::Error>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Endpoint(Arc<Url>);

impl Endpoint {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if it is not a URL, has user info or a fragment, or would
    /// send secrets unencrypted to another machine.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let endpoint = Self::insecure(url)?;
        if endpoint.0.scheme() == "http" && !is_loopback(&endpoint.0) {
            return Err(unusable(&endpoint, "would send secrets unencrypted")
                .with_remedy("use https (plain http is for loopback only)"));
        }
        Ok(endpoint)
    }

    /// Parses a URL, and allows plain HTTP to any host, which sends secrets unencrypted.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), except that `http` is allowed.
    pub fn insecure(url: &str) -> Result<Self, Error> {
        // The text itself is not repeated: it may hold a secret in its user info or query.
        let parsed = Url::parse(url.trim()).map_err(|source| {
            Error::configuration(format!("not a valid URL ({source})"))
                .with_remedy("write it out in full, such as https://auth.example.com/oauth2/token")
        })?;
        let endpoint = Self(Arc::new(parsed));
        let url = &endpoint.0;
        let refused = |why: &str, remedy: &'static str| Err(unusable(&endpoint, why).with_remedy(remedy));
        if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
            return refused("is not an https URL with a host", "use an https URL");
        }
        // URL syntax allows more characters in a host than names have: a comma there is a mistake.
        if matches!(url.host(), Some(Host::Domain(name)) if !name.chars().all(fits_name)) {
            return refused("has an invalid host name", "write it as the vendor's page does");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("holds credentials", "set the client id and secret separately");
        }
        if url.fragment().is_some() {
            return refused("has a fragment", "remove the # and what follows (RFC 6749 section 3.2)");
        }
        Ok(endpoint)
    }

    /// Parses a URL that is a constant of the program.
    ///
    /// # Panics
    ///
    /// If [`parse`](Self::parse) returns an error.
    #[must_use]
    pub fn from_static(url: &'static str) -> Self {
        match Self::parse(url) {
            Ok(endpoint) => endpoint,
            Err(error) => panic!("{error}"),
        }
    }

    /// Fills in a template such as `https://{prefix}.auth.{region}.example.com/oauth2/token`.
    ///
    /// What a value may be depends on its place:
    /// - `{base}` at the very start: a URL with an optional path, without query and fragment;
    /// - the whole host, `https://{domain}/token`: a host name with at least one dot;
    /// - within the host: part of one label, so letters, digits and hyphens;
    /// - in the path: one segment, which is percent-encoded;
    /// - `{name?}` in the path: a segment that is left out, with its slash, if the value is empty.
    ///
    /// ```
    /// use credentials_grant::Endpoint;
    ///
    /// let template = "{base}/{tenant?}/oauth/v2/token";
    /// let endpoint = Endpoint::expand(template, &[("base", "https://gw.example.com/eu/"), ("tenant", "")])?;
    /// assert_eq!(endpoint.to_string(), "https://gw.example.com/eu/oauth/v2/token");
    ///
    /// assert!(Endpoint::expand("https://{shop}.example.com/token", &[("shop", "evil.example/")]).is_err());
    /// # Ok::<(), credentials_grant::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the value that is invalid in its place, or as
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
                Err(Error::configuration(format!("{name} is not a valid host name")))
            }
            Some(Host::Ipv4(address)) if !template.starts_with('{') => {
                Err(Error::configuration(format!("{address} is an address, not a host name")))
            }
            _ => Ok(endpoint),
        });
        made.map_err(|error| {
            let names: Vec<_> = values.iter().map(|(name, _)| format!("`{name}`")).collect();
            Error::configuration(format!("{} do not make a valid URL: {}", names.join(" and "), error.message()))
                .with_remedy("set them as the vendor's page does")
        })
    }

    /// Returns the URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        Self::parse(url)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_query(&self.0))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// Returns the origin and the path of a URL, for logs and errors.
pub(crate) fn without_query(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // This fails only for URLs that cannot have user info.
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

/// Returns the value as it is written into the URL between `before` and `after`.
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
        Error::configuration(message).with_remedy(format!("set `{name}` as the vendor's page does"))
    })
}

/// Returns a URL to put a path behind. Errors do not show its query.
fn base(name: &str, value: &str) -> Result<String, Error> {
    let base = Endpoint::parse(value).map_err(|error| {
        Error::configuration(format!("the setting `{name}`: {}", error.message()))
            .with_remedy("use an https URL such as https://api.example.com/v2")
    })?;
    match base.0.query() {
        Some(_) => Err(Error::configuration(format!("the setting `{name}` ({base}) has a query"))
            .with_remedy("remove the ? and what follows")),
        None => Ok(base.0.as_str().trim_end_matches('/').to_owned()),
    }
}

fn whole_host(value: &str) -> Result<String, &'static str> {
    if !value.contains('.') || !value.chars().all(|c| fits_label(c) || c == '.') {
        return Err("is not a host name such as auth.example.com");
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

/// Characters of host names. Underscores are in use, though RFC 1123 forbids them.
fn fits_name(c: char) -> bool {
    fits_label(c) || matches!(c, '.' | '_')
}

fn fits_label(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

/// Returns the error for a URL that cannot be used. It may be one that a server has sent.
fn unusable(url: &Endpoint, why: &str) -> Error {
    Error::configuration("the URL ").with_server_words(url.to_string()).with_own_words(format!(" {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        Endpoint::parse(url).expect_err(url).to_string()
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for url in ["http://127.0.0.1:8080/token", "http://localhost/token", "http://[::1]:1/token"] {
            assert!(Endpoint::parse(url).is_ok(), "{url}");
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
        assert!(Endpoint::insecure("http://example.com/token").is_ok());
    }

    #[test]
    fn other_schemes_are_never_accepted() {
        for url in ["ftp://example.com/", "file:///etc/passwd", "data:text/plain,x", "javascript:alert(1)"] {
            assert!(Endpoint::insecure(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for host in ["a,b.example.com", "*.example.com", "a!.example.com", "a&b", "a'b.example.com", "(a).example.com"]
        {
            assert!(refusal(&format!("https://{host}/token")).contains("invalid host name"), "{host}");
        }
        for host in ["my_host.example.com", "bücher.example", "example.com.", "[2001:db8::1]:8443", "203.0.113.7"] {
            assert!(Endpoint::parse(&format!("https://{host}/token")).is_ok(), "{host}");
        }
        let expanded = Endpoint::expand("https://{shop}.example,.com/", &[("shop", "north")]);
        assert!(expanded.unwrap_err().to_string().contains("invalid host name"));
    }

    #[test]
    fn a_url_with_credentials_is_refused_and_not_repeated() {
        let refusal = refusal("https://user:canary@example.com/token?secret=canary");
        assert!(!refusal.contains("canary"), "{refusal}");
        assert!(refusal.contains("example.com"), "{refusal}");
    }

    #[test]
    fn text_that_is_not_a_url_is_not_repeated() {
        assert!(!refusal("canary").contains("canary"));
    }

    #[test]
    fn a_fragment_is_refused() {
        assert!(refusal("https://example.com/token#x").contains("fragment"));
    }

    #[test]
    fn a_query_is_kept_and_not_shown() {
        let endpoint = Endpoint::parse("https://example.com/token?api=canary").unwrap();
        assert_eq!(endpoint.url().query(), Some("api=canary"));
        assert_eq!(format!("{endpoint} {endpoint:?}").matches("canary").count(), 0);
    }

    #[test]
    fn a_value_stays_in_its_place() {
        let host = |value| Endpoint::expand("https://{shop}.example.com/token", &[("shop", value)]);
        let too_long = "a".repeat(64);
        for hostile in [
            "", "a/b", "a.b", "a@b", "a:1", "a?b", "a#b", "a%2eb", "évil", "a b", "a\r\nb", "-", "-a", "a-", "xn--a",
            &too_long,
        ] {
            let refusal = host(hostile).expect_err(hostile).to_string();
            assert!(refusal.contains("`shop`"), "{refusal}");
        }
        assert_eq!(host("My-Shop").unwrap().to_string(), "https://my-shop.example.com/token");

        let path = |value| Endpoint::expand("https://example.com/{tenant}/token", &[("tenant", value)]);
        for hostile in ["", ".", "..", "a/b", "a\\b", "a\nb"] {
            assert!(path(hostile).is_err(), "{hostile}");
        }
        assert_eq!(path("a?b#c%2fd").unwrap().to_string(), "https://example.com/a%3Fb%23c%252fd/token");
    }

    #[test]
    fn a_whole_host_is_a_name_and_no_address() {
        let host = |value| Endpoint::expand("https://{domain}/token", &[("domain", value)]);
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
        let base = |value| Endpoint::expand("{base}/token", &[("base", value)]);
        assert_eq!(base("https://example.com").unwrap().to_string(), "https://example.com/token");
        assert_eq!(base("https://example.com/v2/").unwrap().to_string(), "https://example.com/v2/token");
        for hostile in ["", "example.com", "https://example.com/?x", "http://example.com", "https://u:p@example.com"] {
            assert!(base(hostile).expect_err(hostile).to_string().contains("`base`"));
        }
        assert!(!base("https://example.com/?key=canary").unwrap_err().to_string().contains("canary"));
    }
}

//! The proxy that the environment names, read as curl reads it. A variable that cannot be used is an error: to connect
//! without the proxy would show the network what the proxy is to hide.

mod exceptions;

use std::ffi::OsString;
use std::{env, fmt};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use credentials_grant::{Error, ErrorKind};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use reqwest::{Proxy, Url};

use self::exceptions::Exceptions;

/// The variables that name a proxy for HTTPS, in the order in which reqwest looks.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The variables that name the hosts that are reached without it.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

const FORM: &str = "write it as http://USER:PASSWORD@HOST:PORT; in the user and the password, %23 stands for #, %2F for \
                    /, %3F for ?, %40 for @ and %25 for %";

/// The proxy that the environment names for HTTPS: `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` or `all_proxy`, the first
/// that is not empty, except for the hosts in `NO_PROXY` or `no_proxy`.
///
/// [`HttpTransport`](crate::HttpTransport) uses it. `Debug` shows no user and no password.
///
/// ```
/// use credentials_grant_client::EnvironmentProxy;
///
/// if let Some(proxy) = EnvironmentProxy::read()? {
///     println!("{} names {}", proxy.variable(), proxy.url());
/// }
/// # Ok::<(), credentials_grant::Error>(())
/// ```
#[derive(Clone)]
pub struct EnvironmentProxy {
    variable: &'static str,
    /// Without user and password.
    url: Url,
    authorization: Option<HeaderValue>,
    exceptions: Exceptions,
}

impl EnvironmentProxy {
    /// Reads the environment. Returns `None` if it names no proxy.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if a variable is set and cannot be used: its URL is malformed, or it
    /// names a SOCKS proxy. The error names the variable, and shows nothing of its value.
    pub fn read() -> Result<Option<Self>, Error> {
        Self::from_variables(|name| env::var_os(name))
    }

    pub(super) fn from_variables(value: impl Fn(&str) -> Option<OsString>) -> Result<Option<Self>, Error> {
        let first = |names: &[&'static str]| {
            let set = |&name: &&'static str| Some((name, value(name).filter(|value| !value.is_empty())?));
            names.iter().copied().find_map(|name| set(&name))
        };
        let Some((variable, value)) = first(&VARIABLES) else { return Ok(None) };
        let (url, authorization) = parse(variable, &text(variable, value)?)?;
        let exceptions = match first(&EXCEPTIONS) {
            Some((variable, value)) => Exceptions::parse(&text(variable, value)?),
            None => Exceptions::default(),
        };
        Ok(Some(Self { variable, url, authorization, exceptions }))
    }

    /// Returns the variable that names it.
    #[must_use]
    pub fn variable(&self) -> &'static str {
        self.variable
    }

    /// Returns its URL, without user and password.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the header `Proxy-Authorization`, if the variable holds a user. It is marked sensitive.
    #[must_use]
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Returns `true` if a request to this URL goes through it: the URL begins with https, and is not excepted.
    #[must_use]
    pub fn serves(&self, url: &Url) -> bool {
        url.scheme() == "https" && !self.exceptions.contain(url)
    }

    /// Returns the proxy for a client of your own. Turn off reqwest's reading of the environment first, by
    /// [`no_proxy`](reqwest::ClientBuilder::no_proxy): it ignores what it does not understand.
    #[must_use]
    pub fn to_reqwest(&self) -> Proxy {
        let this = self.clone();
        let proxy = Proxy::custom(move |url| this.serves(url).then(|| this.url.clone()));
        self.authorization.iter().cloned().fold(proxy, Proxy::custom_http_auth)
    }

    /// Returns how errors name it: `the proxy proxy.example:8080 (HTTPS_PROXY)`.
    pub(super) fn name(&self) -> String {
        let (host, port) = (self.url.host_str().unwrap_or_default(), self.url.port_or_known_default());
        format!("the proxy {host}:{} ({})", port.unwrap_or_default(), self.variable)
    }
}

impl fmt::Debug for EnvironmentProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentProxy")
            .field("variable", &self.variable)
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

fn text(variable: &str, value: OsString) -> Result<String, Error> {
    value.into_string().map_err(|_| unusable(variable, "is not UTF-8 text", FORM))
}

/// Parses the URL of a proxy, and takes user and password out of it.
fn parse(variable: &str, value: &str) -> Result<(Url, Option<HeaderValue>), Error> {
    let malformed = |what| unusable(variable, what, FORM);
    let value = value.trim_ascii();
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let scheme = scheme.to_ascii_lowercase();
    if scheme.starts_with("socks") {
        let remedy = "name an HTTP proxy, such as http://proxy.example.com:8080";
        return Err(unusable(variable, "names a SOCKS proxy, which is not supported", remedy));
    }
    if scheme != "http" && scheme != "https" {
        return Err(malformed("begins with neither http:// nor https://"));
    }
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // Not the beginning of a password: nothing of it may count as a host.
    if !matches!(rest, "" | "/") {
        return Err(malformed("has more than a host and a port, or an unescaped character in its password"));
    }
    let (login, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, authority),
    };
    let url = Some(host).filter(|host| is_host(host)).and_then(|host| Url::parse(&format!("{scheme}://{host}")).ok());
    // reqwest ignores the proxy if this cannot be parsed.
    let Some(url) = url.filter(|url| url.port() != Some(0) && url.as_str().parse::<Uri>().is_ok()) else {
        return Err(malformed("has an invalid host or port"));
    };
    Ok((url, login.map(|login| basic(variable, login)).transpose()?))
}

/// Returns `true` if there is nothing in it but what a host and a port are made of.
fn is_host(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "-._:[]".contains(c);
    text.chars().all(is_part) && !text.starts_with(':')
}

/// Returns the header for this user and password, which may be escaped.
fn basic(variable: &str, login: &str) -> Result<HeaderValue, Error> {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let login = [user, ":", password].map(|part| percent_decode_str(part).collect::<Vec<u8>>()).concat();
    if login.iter().any(u8::is_ascii_control) {
        return Err(unusable(variable, "has a control character in its user or password", FORM));
    }
    let mut header = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(login)))
        .map_err(|_| unusable(variable, "has an invalid user or password", FORM))?;
    header.set_sensitive(true);
    Ok(header)
}

fn unusable(variable: &str, what: &str, remedy: &'static str) -> Error {
    Error::new(ErrorKind::Configuration, format!("{variable} {what}, so nothing was sent"))
        .with_own_words("")
        .with_remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<EnvironmentProxy>, Error> {
        let value = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).into());
        EnvironmentProxy::from_variables(value)
    }

    fn https_proxy(value: &str) -> EnvironmentProxy {
        read(&[("HTTPS_PROXY", value)]).unwrap_or_else(|error| panic!("{value}: {error}")).unwrap()
    }

    #[test]
    fn a_proxy_is_read_as_curl_reads_it() {
        let cases = [
            ("http://proxy:8080", "http://proxy:8080/", None),
            ("http://proxy:8080/", "http://proxy:8080/", None),
            ("HTTP://Proxy.Example:8080", "http://proxy.example:8080/", None),
            ("proxy:8080", "http://proxy:8080/", None),
            ("proxy", "http://proxy/", None),
            (" http://proxy:8080\n", "http://proxy:8080/", None),
            ("https://proxy:8443", "https://proxy:8443/", None),
            ("http://10.0.0.1:3128", "http://10.0.0.1:3128/", None),
            ("[::1]:3128", "http://[::1]:3128/", None),
            ("http://user:pw@[::1]:3128", "http://[::1]:3128/", Some("user:pw")),
            ("http://user@proxy:8080", "http://proxy:8080/", Some("user:")),
            ("user:pw@proxy:8080", "http://proxy:8080/", Some("user:pw")),
            ("http://corp\\svc:pw@proxy:8080", "http://proxy:8080/", Some("corp\\svc:pw")),
            ("http://corp%5Csvc:p%40ss%23%2f%3F%25@proxy:8080", "http://proxy:8080/", Some("corp\\svc:p@ss#/?%")),
            ("http://svc@corp.example:p@ss:w@rd@proxy:8080", "http://proxy:8080/", Some("svc@corp.example:p@ss:w@rd")),
            ("http://user:100%@proxy:8080", "http://proxy:8080/", Some("user:100%")),
            ("http://user:a b|c^d`e{f}\"g<h>@proxy:8080", "http://proxy:8080/", Some("user:a b|c^d`e{f}\"g<h>")),
            ("http://user:p\u{e4}ss@proxy:8080", "http://proxy:8080/", Some("user:p\u{e4}ss")),
        ];
        for (value, url, login) in cases {
            let proxy = https_proxy(value);
            let header = login.map(|login| format!("Basic {}", BASE64_STANDARD.encode(login)));
            assert_eq!(proxy.url().as_str(), url, "{value}");
            assert_eq!(proxy.authorization().map(|header| header.to_str().unwrap().to_owned()), header, "{value}");
            assert!(proxy.authorization().is_none_or(HeaderValue::is_sensitive), "{value}");
        }
        let latin = https_proxy("http://user:p%E4ss@proxy:8080");
        let header = format!("Basic {}", BASE64_STANDARD.encode(b"user:p\xe4ss"));
        assert_eq!(
            latin.authorization().unwrap().to_str().unwrap(),
            header,
            "bytes that are no UTF-8 stay as they are"
        );
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_an_error_that_names_it_and_shows_nothing_of_it() {
        let cases = [
            ("socks5://canary:canary@canary:1080", "SOCKS"),
            ("socks5h://canary:1080", "SOCKS"),
            ("SOCKS4://canary:1080", "SOCKS"),
            ("ftp://canary:21", "neither"),
            ("canary://proxy:8080", "neither"),
            ("http://user:canary#canary@proxy:8080", "more than a host"),
            ("http://canary#canary@proxy:8080", "more than a host"),
            ("http://user:canary/canary@proxy:8080", "more than a host"),
            ("http://user:8080/canary@proxy:8080", "more than a host"),
            ("http://user:canary?@proxy:8080", "more than a host"),
            ("http://proxy:8080/canary.pac", "more than a host"),
            ("http:/canary:8080", "more than a host"),
            ("http://user:canary", "host or port"),
            ("http://user:canary@", "host or port"),
            ("http://user:canary@proxy:80800", "host or port"),
            ("http://proxy:0", "host or port"),
            ("http://pro xy:8080", "host or port"),
            ("http://canary%41:8080", "host or port"),
            ("http://canary\\proxy:8080", "host or port"),
            ("http://[canary]:8080", "host or port"),
            ("http://:8080", "host or port"),
            ("http://", "host or port"),
            (" ", "host or port"),
            ("http://user:canary\r\nx: y@proxy:8080", "control character"),
            ("http://user:canary%0d%0a@proxy:8080", "control character"),
        ];
        for name in VARIABLES {
            for (value, words) in cases {
                let error = read(&[(name, value)]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Configuration, "{value}");
                let shown = format!("{error} {error:?}");
                assert!(error.message().starts_with(&format!("{name} ")) && shown.contains(words), "{value}: {shown}");
                assert!(error.remedy().is_some() && !shown.contains("canary"), "{value}: {shown}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_text_is_an_error_that_names_it() {
        use std::os::unix::ffi::OsStringExt as _;

        for broken in ["HTTPS_PROXY", "no_proxy"] {
            let bytes = OsString::from_vec(b"http://user:canary\xff@proxy:8080".to_vec());
            let value = |name: &str| match name {
                name if name == broken => Some(bytes.clone()),
                "all_proxy" => Some("http://proxy".into()),
                _ => None,
            };
            let error = EnvironmentProxy::from_variables(value).unwrap_err();
            assert_eq!(error.message(), format!("{broken} is not UTF-8 text, so nothing was sent"));
        }
    }

    #[test]
    fn the_first_variable_that_is_not_empty_counts() {
        let variable = |variables: &[(&str, &str)]| read(variables).unwrap().map(|proxy| proxy.variable());
        let all: Vec<_> = VARIABLES.iter().map(|name| (*name, "http://proxy")).collect();
        for (index, name) in VARIABLES.into_iter().enumerate() {
            assert_eq!(variable(&all[index..]), Some(name));
            let mut others_are_empty = VARIABLES.map(|name| (name, ""));
            others_are_empty[index].1 = "http://proxy";
            assert_eq!(variable(&others_are_empty), Some(name));
        }
        assert_eq!(variable(&[("HTTP_PROXY", "http://proxy"), ("http_proxy", "http://proxy")]), None);
        assert_eq!(variable(&[("HTTPS_PROXY", "http://proxy"), ("ALL_PROXY", "socks5://proxy")]), Some("HTTPS_PROXY"));
        assert_eq!(variable(&VARIABLES.map(|name| (name, ""))), None);
    }

    #[test]
    fn debug_shows_neither_user_nor_password() {
        let shown = format!("{:?}", https_proxy("http://canary:canary@proxy:8080"));
        assert!(shown.contains("http://proxy:8080/") && !shown.contains("canary"), "{shown}");
        assert_eq!(https_proxy("http://canary:canary@proxy").name(), "the proxy proxy:80 (HTTPS_PROXY)");
    }
}

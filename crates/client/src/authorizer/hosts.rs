//! Where a token may be sent: hosts by name, over HTTPS, or over plain HTTP to loopback.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use credentials_grant::{Error, ErrorKind};

/// Where a request goes.
#[expect(unnameable_types, reason = "it is part of a sealed trait")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Destination<'a> {
    pub(crate) scheme: Scheme,
    /// As in the URL: an IPv6 address has its brackets.
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn parse(scheme: &str) -> Option<Self> {
        match scheme {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            _ => None,
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Destination<'_> {
    fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.scheme.default_port())
    }

    /// Returns `true` if a `Host` header with this value (RFC 9110 section 7.2) names this destination.
    pub(crate) fn is_named_by(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            // The colons of an IPv6 address are within brackets.
            Some((name, port)) if !port.ends_with(']') => (name, parse_port(port)),
            _ => (host, Some(self.scheme.default_port())),
        };
        port == Some(self.port()) && name.eq_ignore_ascii_case(self.host)
    }

    pub(crate) fn is_loopback(&self) -> bool {
        let address = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(self.host);
        // Not `*.localhost`: many resolvers ask the network for it.
        self.host.eq_ignore_ascii_case("localhost")
            || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

/// In the form that [`Host::parse`] reads.
impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host)?;
        match self.port() {
            port if port == self.scheme.default_port() => Ok(()),
            port => write!(f, ":{port}"),
        }
    }
}

/// A host that a token may be sent to: `api.apaleo.com`, `*.myshopify.com` or `127.0.0.1:8080`.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    name: Name,
    port: Option<u16>,
}

#[derive(Clone, Debug)]
enum Name {
    This(String),
    /// All that end in this, which starts with a dot.
    Below(String),
}

impl Host {
    pub(crate) fn parse(host: &str) -> Result<Self, Error> {
        let malformed = || {
            Error::new(ErrorKind::Configuration, format!("{host:?} is not a host that a token can be sent to"))
                .with_remedy(
                    "write it as api.example.com, *.example.com or localhost:8080; an internationalized name with xn--",
                )
        };
        let (name, port) = match host.rsplit_once(':') {
            // The colons of an IPv6 address are within brackets.
            Some((name, port)) if !port.ends_with(']') => (name, Some(parse_port(port).ok_or_else(malformed)?)),
            _ => (host, None),
        };
        let name = parse_name(name).ok_or_else(malformed)?;
        Ok(Self { name, port })
    }

    /// Returns `true` if the destination is this host.
    pub(crate) fn matches(&self, destination: Destination<'_>) -> bool {
        let port = self.port.unwrap_or_else(|| destination.scheme.default_port());
        port == destination.port() && self.name.matches(destination.host)
    }
}

impl Name {
    fn matches(&self, host: &str) -> bool {
        match self {
            Self::This(name) => absolute(host).eq_ignore_ascii_case(name),
            Self::Below(end) => {
                let host = absolute(host);
                let parts = host.len().checked_sub(end.len()).and_then(|labels| host.split_at_checked(labels));
                parts.is_some_and(|(labels, rest)| rest.eq_ignore_ascii_case(end) && labels.split('.').all(is_label))
            }
        }
    }
}

/// Returns a name without the dot that may end it: a name with the dot is the same one, looked up as it is, without the
/// search list of the resolver. Clusters write such names to save look-ups.
fn absolute(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn parse_name(name: &str) -> Option<Name> {
    let name = absolute(name);
    if let Some(parent) = name.strip_prefix("*.") {
        // Hosts below an address do not exist, and those below a top-level domain have many owners.
        let (_, last) = parent.rsplit_once('.')?;
        let is_name = parent.split('.').all(is_label) && last.contains(|c: char| c.is_ascii_alphabetic());
        return is_name.then(|| Name::Below(format!(".{parent}")));
    }
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_name = match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => name.split('.').all(is_label),
    };
    is_name.then(|| Name::This(name.to_owned()))
}

fn parse_port(port: &str) -> Option<u16> {
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| is_number && *port != 0)
}

/// A part of a host name (RFC 1123 section 2.1), or of a name of Docker's, which has underscores.
fn is_label(label: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len()) && label.bytes().all(fits) && !label.starts_with('-') && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(host: &str) -> Host {
        Host::parse(host).unwrap()
    }

    fn https(host: &str, port: Option<u16>) -> Destination<'_> {
        Destination { scheme: Scheme::Https, host, port }
    }

    #[test]
    fn a_name_is_that_of_one_host() {
        let apaleo = host("api.apaleo.com");
        for name in ["api.apaleo.com", "API.Apaleo.COM"] {
            assert!(apaleo.matches(https(name, None)), "{name}");
        }
        for name in [
            "api.apaleo.com.evil.example",
            "evil-api.apaleo.com",
            "x.api.apaleo.com",
            "apaleo.com",
            "api.apaleo.com..",
            ".api.apaleo.com",
            "api.apaleo.xn--cm-fmc",
            "api%2eapaleo.com",
            "",
        ] {
            assert!(!apaleo.matches(https(name, None)), "{name}");
        }
    }

    #[test]
    fn a_star_is_one_or_more_whole_labels() {
        let shops = host("*.myshopify.com");
        for name in ["north.myshopify.com", "a.b.MyShopify.com", "xn--caf-dma.myshopify.com"] {
            assert!(shops.matches(https(name, None)), "{name}");
        }
        for name in [
            "myshopify.com",
            ".myshopify.com",
            "a..myshopify.com",
            "-.myshopify.com",
            "evil.example%2f.myshopify.com",
            "evil.example\\.myshopify.com",
            "caf\u{e9}.myshopify.com",
            "\u{e9}myshopify.com",
            "evilmyshopify.com",
            "north.myshopify.com.evil.example",
            "north.myshopify.com..",
            "north.myshopify..com.",
            "",
        ] {
            assert!(!shops.matches(https(name, None)), "{name}");
        }
    }

    #[test]
    fn a_dot_at_the_end_names_the_same_host() {
        for (named, destination) in [
            ("api.apaleo.com", "api.apaleo.com."),
            ("api.apaleo.com.", "api.apaleo.com"),
            ("api.apaleo.com.", "API.apaleo.com."),
            ("*.svc.cluster.local", "orders.shop.svc.cluster.local."),
            ("*.svc.cluster.local.", "orders.shop.svc.cluster.local"),
        ] {
            assert!(host(named).matches(https(destination, None)), "{named} {destination}");
        }
        assert!(host("api.apaleo.com.:8443").matches(https("api.apaleo.com", Some(8443))));
        assert!(!host("apaleo.com.").matches(https("api.apaleo.com.", None)));
    }

    #[test]
    fn a_name_may_have_underscores() {
        assert!(host("shop_api_1:8443").matches(https("shop_api_1", Some(8443))));
        assert!(host("*.my_stack.example").matches(https("orders_v1.my_stack.example", None)));
        assert!(!host("shop_api_1").matches(https("shop-api-1", None)));
        assert!(!host("shop_api").matches(https("x.shop_api", None)));
    }

    #[test]
    fn without_a_port_only_the_schemes_own_is_meant() {
        let (plain, secure) = (host("localhost"), host("localhost:8443"));
        let http = |port| Destination { scheme: Scheme::Http, host: "localhost", port };
        for (destination, by_plain, by_secure) in [
            (https("localhost", None), true, false),
            (https("localhost", Some(443)), true, false),
            (https("localhost", Some(8443)), false, true),
            (https("localhost", Some(80)), false, false),
            (http(None), true, false),
            (http(Some(80)), true, false),
            (http(Some(443)), false, false),
            (http(Some(8443)), false, true),
        ] {
            assert_eq!((plain.matches(destination), secure.matches(destination)), (by_plain, by_secure));
        }
        assert!(host("[::1]:8080").matches(https("[::1]", Some(8080))));
        assert!(host("[::1]").matches(https("[::1]", None)));
        assert!(host("*.example.com:8443").matches(https("a.example.com", Some(8443))));
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for malformed in [
            "",
            " ",
            "*",
            "*.",
            "*.com",
            "*.0.0.1",
            "*.*.example.com",
            "a.*.example.com",
            "*example.com",
            ".",
            ".example.com",
            "example.com..",
            "*.com.",
            "[::1].",
            "a..example.com",
            "https://api.example.com",
            "api.example.com/",
            "api.example.com/v1",
            "user@api.example.com",
            "api.example.com:",
            "api.example.com:0",
            "api.example.com:+1",
            "api.example.com:65536",
            "api.example.com:https",
            "::1",
            "[::1",
            "[localhost]",
            "caf\u{e9}.example.com",
            "api.example.com api.example.org",
        ] {
            let refusal = Host::parse(malformed).expect_err(malformed);
            assert_eq!(refusal.kind(), ErrorKind::Configuration);
            assert!(refusal.to_string().contains(&format!("{malformed:?}")), "{refusal}");
        }
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_that_looks_like_it() {
        let is_loopback = |host| https(host, None).is_loopback();
        for host in ["localhost", "LocalHost", "127.0.0.1", "127.8.8.8", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["x.localhost", "localhost.", "127.0.0.1.example.com", "0.0.0.0", "10.0.0.1", "[::2]", "128.0.0.1"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_host_header_names_the_destination_or_something_else() {
        let ipv6 = Destination { scheme: Scheme::Http, host: "[::1]", port: Some(8080) };
        for (destination, host, is_same) in [
            (https("a.example.com", None), "a.example.com", true),
            (https("a.example.com", None), "A.Example.com:443", true),
            (https("a.example.com", Some(443)), "a.example.com", true),
            (https("a.example.com", Some(8443)), "a.example.com:8443", true),
            (ipv6, "[::1]:8080", true),
            (https("[::1]", None), "[::1]", true),
            (ipv6, "[::1]", false),
            (https("a.example.com", None), "", false),
            (https("a.example.com", None), "evil.example", false),
            (https("a.example.com", None), "a.example.com.", false),
            (https("a.example.com", None), "a.example.com:", false),
            (https("a.example.com", None), "a.example.com:80", false),
            (https("a.example.com", None), "a.example.com:+443", false),
            (https("a.example.com", None), "user@a.example.com", false),
            (https("a.example.com", None), "a.example.com, evil.example", false),
            (https("a.example.com", Some(8443)), "a.example.com", false),
        ] {
            assert_eq!(destination.is_named_by(host), is_same, "{destination} {host:?}");
        }
    }

    #[test]
    fn a_destination_is_shown_as_it_would_be_named() {
        for (destination, shown) in [
            (https("a.example.com", None), "a.example.com"),
            (https("a.example.com", Some(443)), "a.example.com"),
            (https("a.example.com", Some(80)), "a.example.com:80"),
            (Destination { scheme: Scheme::Http, host: "[::1]", port: Some(8080) }, "[::1]:8080"),
        ] {
            assert_eq!(destination.to_string(), shown);
            assert!(host(shown).matches(destination));
        }
    }
}

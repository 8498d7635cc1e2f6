//! The hosts in `NO_PROXY`.

use std::net::IpAddr;

use reqwest::Url;

/// The hosts that are reached without a proxy, in the forms that curl and Go take, and with ports.
///
/// Entries are separated by commas or white space. `*` stands for all hosts; `example.com` and `.example.com` for the
/// host and all below it; `*.example.com` for all below it, as in Go; an IP address for itself, and `10.0.0.0/8` for a
/// network. With a port, an entry is for this port only. Any other entry stands for no host.
#[derive(Clone, Default)]
pub(super) struct Exceptions(Vec<(Hosts, Option<u16>)>);

#[derive(Clone)]
enum Hosts {
    All,
    /// In lower case, without dots at the ends.
    Domain(String),
    /// Likewise, and without the domain itself.
    Below(String),
    /// The addresses that agree in this many leading bits.
    Network(IpAddr, u32),
}

impl Exceptions {
    pub(super) fn parse(text: &str) -> Self {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace());
        Self(entries.filter(|entry| !entry.is_empty()).filter_map(entry).collect())
    }

    pub(super) fn contain(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let port = url.port_or_known_default();
        let host = host.trim_matches(['[', ']']).trim_end_matches('.');
        let address = host.parse().ok();
        let is_for_port = |only: &Option<u16>| only.is_none_or(|only| Some(only) == port);
        self.0.iter().any(|(hosts, only)| is_for_port(only) && hosts.contain(host, address))
    }
}

impl Hosts {
    fn contain(&self, host: &str, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Self::All, _) => true,
            (Self::Domain(domain), None) => {
                host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            (Self::Below(domain), None) => host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.')),
            (Self::Network(network, bits), Some(address)) => agree(*network, address, *bits),
            _ => false,
        }
    }
}

fn entry(text: &str) -> Option<(Hosts, Option<u16>)> {
    if let Some(hosts) = hosts(text) {
        return Some((hosts, None));
    }
    let (host, port) = text.rsplit_once(':')?;
    Some((hosts(host)?, Some(port.parse().ok()?)))
}

fn hosts(text: &str) -> Option<Hosts> {
    if text == "*" {
        return Some(Hosts::All);
    }
    if let Some((network, bits)) = text.split_once('/') {
        let network: IpAddr = network.parse().ok()?;
        let bits = bits.parse().ok().filter(|bits| *bits <= if network.is_ipv4() { 32 } else { 128 })?;
        return Some(Hosts::Network(network, bits));
    }
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(Hosts::Network(address, 128));
    }
    let below = text.strip_prefix("*.");
    let domain = below.or_else(|| text.strip_prefix('.')).unwrap_or(text).trim_end_matches('.');
    // What a URL has in its place.
    let domain = Url::parse(&format!("https://{domain}")).ok()?.host_str()?.to_owned();
    let hosts = if below.is_some() { Hosts::Below(domain) } else { Hosts::Domain(domain) };
    (!text.contains(':')).then_some(hosts)
}

/// Returns `true` if these addresses agree in this many leading bits.
fn agree(one: IpAddr, other: IpAddr, bits: u32) -> bool {
    let (different, length) = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits() ^ other.to_bits()), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits(), 128),
        _ => return false,
    };
    different.checked_shr(length - bits.min(length)).is_none_or(|rest| rest == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_has_the_forms_that_curl_and_go_take_and_may_have_a_port() {
        let cases = [
            ("*", &["a.example", "127.0.0.1", "[::1]"][..], &[][..]),
            ("a.example", &["a.example", "x.a.example", "A.EXAMPLE", "a.example."], &["ba.example", "example"]),
            (".a.example", &["a.example", "x.y.a.example"], &["ba.example", "a.example.com"]),
            ("a.example.", &["a.example"], &["b.example"]),
            ("x, A.Example ,y", &["a.example", "x", "y"], &["z"]),
            ("x a.example\ty", &["a.example", "x", "y"], &["z", "x.a"]),
            ("b\u{fc}cher.example", &["b\u{fc}cher.example", "xn--bcher-kva.example"], &["bucher.example"]),
            ("10.1.2.3", &["10.1.2.3"], &["10.1.2.4", "3.example"]),
            ("10.0.0.0/8", &["10.1.2.3", "10.255.255.255"], &["11.0.0.0", "9.255.255.255", "10.example"]),
            ("10.1.2.3/8", &["10.9.9.9"], &["11.1.2.3"]),
            ("10.1.2.128/25", &["10.1.2.128", "10.1.2.255"], &["10.1.2.127"]),
            ("0.0.0.0/0", &["10.1.2.3"], &["[::1]", "a.example"]),
            ("10.1.2.3/32", &["10.1.2.3"], &["10.1.2.2"]),
            ("10.1.2.3/33", &[], &["10.1.2.3"]),
            ("fd00::/8", &["[fd12::1]"], &["[fe80::1]", "10.1.2.3"]),
            ("::/0", &["[fd12::1]"], &["10.1.2.3"]),
            ("::1", &["[::1]"], &["[::2]"]),
            ("[::1]", &["[::1]"], &["[::2]"]),
            ("a.example:443", &["a.example", "x.a.example"], &["a.example:8443", "b.example"]),
            ("a.example:8443", &["a.example:8443"], &["a.example"]),
            ("10.1.2.3:8443", &["10.1.2.3:8443"], &["10.1.2.3"]),
            ("[::1]:8443", &["[::1]:8443"], &["[::1]"]),
            ("*:8443", &["a.example:8443"], &["a.example"]),
            ("a.example:https", &[], &["a.example"]),
            (
                "*.a.example",
                &["x.a.example", "x.y.a.example", "X.A.Example."],
                &["a.example", "b.example", "xa.example"],
            ),
            ("*.a.example:8443", &["x.a.example:8443"], &["x.a.example", "a.example:8443"]),
            ("x.*.example", &[], &["x.a.example", "a.example"]),
            ("*a.example", &[], &["a.example", "ba.example", "x.a.example"]),
            ("*.", &[], &["a.example"]),
            ("*.10.1.2.3", &[], &["10.1.2.3"]),
            ("https://a.example", &[], &["a.example"]),
            (" ,, ", &[], &["a.example"]),
            (".", &[], &["a.example"]),
        ];
        for (text, inside, outside) in cases {
            let exceptions = Exceptions::parse(text);
            for (hosts, is_inside) in [(inside, true), (outside, false)] {
                for host in hosts {
                    let url = Url::parse(&format!("https://{host}/token")).unwrap();
                    assert_eq!(exceptions.contain(&url), is_inside, "{text:?}: {host}");
                }
            }
        }
    }
}

//! Who may talk to an emulator. It listens on loopback, which every web page that a developer opens can reach too.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderName, StatusCode, header};

use crate::http_response::HttpResponse;
use crate::request::Request;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Checks that the request is for a loopback name or address and this port. Otherwise a web page could point its own
/// name to 127.0.0.1 and read what the emulator responds (DNS rebinding).
pub(crate) fn check_host(request: &Request, address: SocketAddr) -> Result<(), HttpResponse> {
    let mut hosts = request.hosts().peekable();
    if hosts.peek().is_some() && hosts.all(|host| is_loopback(host, address.port())) {
        return Ok(());
    }
    let error = format!("this emulator responds only for loopback names with its own port: use http://{address}");
    Err(HttpResponse::refusal(StatusCode::MISDIRECTED_REQUEST, &error))
}

/// Checks that no web page sent the request: browsers add these headers, and a page cannot remove them.
pub(crate) fn check_no_web_page(request: &Request) -> Result<(), HttpResponse> {
    let from_page = request.has(&header::ORIGIN)
        || request.header(SEC_FETCH_SITE.as_str()).is_some_and(|site| site != "none" && site != "same-origin");
    if from_page {
        let error =
            "a web page sent this request: use a program that sends no `Origin` and no `Sec-Fetch-Site`, such as curl";
        return Err(HttpResponse::refusal(StatusCode::FORBIDDEN, error));
    }
    Ok(())
}

/// Checks that the body is announced as JSON, which a page on another site cannot do without asking (CORS).
pub(crate) fn check_json(request: &Request) -> Result<(), HttpResponse> {
    if request.media_type().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let error = "the body has to be JSON: send the header `content-type: application/json`";
    Err(HttpResponse::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
}

fn is_loopback(host: &str, port: u16) -> bool {
    let (name, sent_port) = match host.rsplit_once(':') {
        // The colons of an IPv6 address are in brackets.
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (host, Some(80)),
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let name = name.to_ascii_lowercase();
    let is_name = name == "localhost" || name.ends_with(".localhost");
    sent_port == Some(port) && (is_name || address.parse().is_ok_and(|address: IpAddr| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_and_addresses_with_the_port_are_ours() {
        for host in
            ["127.0.0.1:8080", "localhost:8080", "LocalHost:8080", "ptv.localhost:8080", "[::1]:8080", "127.0.0.2:8080"]
        {
            assert!(is_loopback(host, 8080), "{host}");
        }
        assert!(is_loopback("localhost", 80) && is_loopback("[::1]", 80));
        for host in [
            "",
            "localhost",
            "localhost:",
            "localhost:80",
            "127.0.0.1",
            "evil.example:8080",
            "localhost.evil.example:8080",
            "evillocalhost:8080",
            "127.0.0.1.evil.example:8080",
            "10.0.0.1:8080",
            "0.0.0.0:8080",
            "[::]:8080",
            "[::1]",
            "user@localhost:8080",
            "localhost:8080:8080",
            "localhost:08080x",
        ] {
            assert!(!is_loopback(host, 8080), "{host}");
        }
    }
}

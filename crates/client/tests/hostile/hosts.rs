//! A request goes to the host that it was meant for, whatever the server or the environment says.

use std::env;
use std::process::{Command, Output};
use std::time::Duration;

use credentials_grant::ErrorKind::BadResponse;
use credentials_grant::Retry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_blocking;

use crate::server::{Server, Then, answered, assert_error, http, meanwhile, parameters, read_request, source};

const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_message_says_where_to() {
    let elsewhere = Server::start().await;
    let target = elsewhere.url("/login");
    let same_host = "/moved?secret=canary";
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        for (location, shown) in
            [(format!("{target}?secret=canary#canary"), target.as_str()), (same_host.to_owned(), "/moved")]
        {
            let answer = http(status, &format!("location: {location}\r\n"), "");
            let error = answered(&answer, Then::HangUp).await.unwrap_err();
            assert_error(&error, BadResponse, &format!("redirect to {shown} ({}", &status[..3]), status);
        }
    }
    elsewhere.is_left_alone().await;
}

#[tokio::test]
async fn a_redirect_to_what_is_no_place_shows_nothing_that_could_mislead() {
    for location in ["", "https://", "https://user:canary@sso.example.com/", "javascript:alert(1)", "//\u{202e}", "\t"]
    {
        let answer = http("302 Found", &format!("location: {location}\r\n"), "");
        let error = answered(&answer, Then::HangUp).await.unwrap_err();
        assert_error(&error, BadResponse, "redirect", location);
    }
}

#[tokio::test]
async fn no_header_leads_the_next_request_elsewhere_or_comes_back_with_it() {
    let (server, elsewhere) = (Server::start().await, Server::start().await);
    let (target, authority) = (elsewhere.url("/"), elsewhere.url("").replace("http://", ""));
    let headers = format!(
        "location: {target}\r\ncontent-location: {target}\r\nrefresh: 0; url={target}\r\nlink: <{target}>; rel=preload\r\n\
         alt-svc: h2=\"{authority}\"; ma=86400, h3=\"{authority}\"\r\nproxy: {target}\r\nproxy-authenticate: Basic\r\n\
         set-cookie: canary=1; path=/\r\nclear-site-data: \"*\"\r\nstrict-transport-security: max-age=9\r\n"
    );
    let mut next = String::new();
    let serving = async {
        let mut socket = server.request().await;
        socket.write_all(&http("200 OK", &headers, r#"{"access_token":"abc"}"#)).await.unwrap();
        next = read_request(&mut socket).await;
        socket.write_all(&http("200 OK", "", r#"{"access_token":"abc"}"#)).await.unwrap();
    };
    let source = source(&server.url("/token"), TIMEOUT).unwrap();
    let asking = async {
        source.invalidate(&source.token().await.unwrap());
        source.token().await.unwrap();
    };
    meanwhile(serving, Box::pin(asking)).await;
    assert!(next.starts_with("POST /token HTTP/1.1\r\n") && !next.contains("cookie"), "{next}");
    elsewhere.is_left_alone().await;
}

/// Not a test of its own: what the others run in an environment of their choosing.
#[tokio::test]
#[ignore = "is run by other tests"]
async fn asks_the_url_that_it_is_given() {
    match parameters(&env::var("TOKEN_URL").unwrap(), TIMEOUT).await {
        Ok(token) => println!("token: {}", token.header_value().to_str().unwrap()),
        Err(error) => {
            assert_error(&error, error.kind(), "", "a proxy that means ill");
            println!("error: {} ({}): {error}", error.kind().name(), error.retry() == Retry::Never);
        }
    }
}

async fn ask_with(url: &str, environment: Vec<(&'static str, String)>) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "hosts::asks_the_url_that_it_is_given", "--nocapture"]);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    command.env("TOKEN_URL", url).envs(environment);
    let Output { status, stdout, stderr } = spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{said}{}", String::from_utf8_lossy(&stderr));
    said
}

#[tokio::test]
async fn loopback_is_asked_without_a_proxy() {
    let proxy = Server::start().await;
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    for not_for in ["", "example.com", "127.0.0.2", "*"] {
        let server = Server::start().await;
        let mut environment: Vec<_> = names.into_iter().map(|name| (name, proxy.url(""))).collect();
        environment.extend([("NO_PROXY", not_for.to_owned()), ("no_proxy", not_for.to_owned())]);
        let serving = async {
            let answer = http("200 OK", "", r#"{"access_token":"abc"}"#);
            server.request().await.write_all(&answer).await.unwrap();
        };
        let url = server.url("/token");
        let said = meanwhile(serving, ask_with(&url, environment)).await;
        assert!(said.contains("token: Bearer abc"), "{said}");
    }
    proxy.is_left_alone().await;
}

#[tokio::test]
async fn a_proxy_of_https_sees_the_name_of_the_host_and_nothing_else() {
    let tls = "unreachable (false): acme: auth.example.com does not speak TLS on this port";
    let refuses =
        "unreachable (false): acme: the proxy HOST (HTTPS_PROXY) does not connect to auth.example.com; ask who";
    let login = "configuration (true): acme: the proxy HOST (HTTPS_PROXY) wants a login; add the user and the password";
    let cases = [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "", refuses),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "", refuses),
        ("HTTP/1.1 302 Found\r\nlocation: https://evil.example/\r\n\r\n", "", refuses),
        ("HTTP/1.1 401 Unauthorized\r\n\r\n", "", refuses),
        ("SSH-2.0-OpenSSH_9.9\r\n", "", refuses),
        ("HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n", "", login),
        ("HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"abc\"}", tls),
    ];
    for ((answer, then, words), by_name) in cases.into_iter().flat_map(|case| [(case, false), (case, true)]) {
        let proxy = Server::start().await;
        let serving = async {
            let mut socket = proxy.connection().await;
            let mut seen = Vec::new();
            while !seen.ends_with(b"\r\n\r\n") {
                assert_ne!(socket.read_buf(&mut seen).await.unwrap(), 0);
            }
            socket.write_all(answer.as_bytes()).await.unwrap();
            if !answer.starts_with("HTTP/1.1 200") {
                socket.shutdown().await.unwrap();
            }
            // What TLS begins with, if anything.
            if socket.read_buf(&mut seen).await.is_ok() {
                let _ = socket.write_all(then.as_bytes()).await;
            }
            let _ = socket.read_to_end(&mut seen).await;
            seen
        };
        let url = "https://auth.example.com/token?secret=canary";
        let address = if by_name { proxy.url("").replace("127.0.0.1", "localhost") } else { proxy.url("") };
        let words = words.replace("HOST", address.strip_prefix("http://").unwrap());
        let (said, seen) = tokio::join!(ask_with(url, vec![("HTTPS_PROXY", address)]), serving);
        assert!(said.contains(&words), "{said}");
        let seen = String::from_utf8_lossy(&seen);
        assert!(seen.starts_with("CONNECT auth.example.com:443 HTTP/1.1\r\n"), "{seen}");
        for secret in ["canary", "aWQ6Y2FuYXJ5", "authorization", "/token", "grant_type"] {
            assert!(!seen.to_ascii_lowercase().contains(&secret.to_ascii_lowercase()), "{seen}");
        }
        proxy.is_left_alone().await;
    }
}

/// The first bytes that a server gets from a client with this environment.
async fn first_bytes(server: &Server, url: &str, environment: Vec<(&'static str, String)>) -> String {
    let serving = async {
        let mut seen = vec![0; 2048];
        let read = server.connection().await.read(&mut seen).await.unwrap();
        seen.truncate(read);
        String::from_utf8_lossy(&seen).into_owned()
    };
    tokio::join!(ask_with(url, environment), serving).1
}

#[tokio::test]
async fn a_proxy_is_found_in_each_form_that_curl_takes_and_gets_its_login() {
    let url = "https://auth.example.com/token";
    for (variable, login, header) in [
        ("HTTPS_PROXY", "http://corp\\svc:p@ss@", Some("Y29ycFxzdmM6cEBzcw==")),
        ("https_proxy", "http://corp%5Csvc:p%40ss@", Some("Y29ycFxzdmM6cEBzcw==")),
        ("ALL_PROXY", "", None),
        ("all_proxy", "user:100%@", Some("dXNlcjoxMDAl")),
    ] {
        let proxy = Server::start().await;
        let address = proxy.url("").replace("http://", login);
        // Set by web servers for programs that they start. reqwest would use no proxy then.
        let environment = vec![(variable, address), ("REQUEST_METHOD", "GET".to_owned())];
        let seen = first_bytes(&proxy, url, environment).await;
        assert!(seen.starts_with("CONNECT auth.example.com:443 HTTP/1.1\r\n"), "{variable}: {seen}");
        let found = seen.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: Basic "));
        let found = found.or_else(|| seen.lines().find_map(|line| line.strip_prefix("proxy-authorization: Basic ")));
        assert_eq!(found, header, "{variable}: {seen}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_an_error_and_nothing_is_sent_without_it() {
    let server = Server::start().await;
    let url = server.url("/token").replace("http://", "https://");
    for (variable, value) in [
        ("HTTPS_PROXY", "http://user:canary#canary@proxy:8080"),
        ("https_proxy", "socks5://proxy:1080"),
        ("ALL_PROXY", "http://proxy:port"),
        ("all_proxy", "proxy.example.com:8080/canary"),
    ] {
        for not_for in ["", "*"] {
            let environment = vec![(variable, value.to_owned()), ("NO_PROXY", not_for.to_owned())];
            let said = ask_with(&url, environment).await;
            assert!(said.contains(&format!("configuration (true): acme: {variable} ")), "{said}");
            assert!(said.contains("so nothing was sent") && !said.contains("canary"), "{said}");
        }
    }
    server.is_left_alone().await;
}

#[tokio::test]
async fn a_host_that_is_excepted_is_reached_without_the_proxy() {
    let proxy = Server::start().await;
    for (not_for, is_direct) in
        [("127.0.0.1", true), ("127.0.0.0/8", true), ("*", true), ("PORT", true), ("127.0.0.1:9", false)]
    {
        let server = Server::start().await;
        let address = server.url("").replace("http://", "");
        let url = format!("https://{address}/token");
        let not_for = not_for.replace("PORT", &address);
        let environment = vec![("HTTPS_PROXY", proxy.url("")), ("no_proxy", not_for.clone())];
        let seen = first_bytes(if is_direct { &server } else { &proxy }, &url, environment).await;
        assert_eq!(seen.starts_with("CONNECT "), !is_direct, "{not_for}: {seen}");
        // TLS begins with this byte.
        assert_eq!(seen.starts_with('\u{16}'), is_direct, "{not_for}: {seen}");
    }
    proxy.is_left_alone().await;
}

//! What is between a run and its server: proxies, certificates and clocks.

#![cfg(test)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::certified::{authority, params, vouched_for_by};
use common::server::{Answering, Server, answer, json, token};
use common::{CANARY, Run, cgrant};
use jiff::{Timestamp, ToSpan};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ALL_VERSIONS, ServerConfig};

/// A command for a client with a secret.
fn oauth2(command: &str, args: &[&str]) -> Command {
    let mut command = cgrant(&[command, "oauth2"]);
    command.args(args).arg("-vv").env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_CLIENT_SECRET", "canary-secret");
    command
}

/// A server over TLS that gives tokens and answers of an API, its URL, and what to trust.
fn server(answers: impl IntoIterator<Item = String>) -> (Answering, String, String) {
    let authority = authority("Acme");
    let server = Server::over_tls(vouched_for_by(&authority, &params("127.0.0.1")));
    let url = server.url();
    (server.answering(answers), url, authority.pem())
}

/// A proxy that answers CONNECT so, and then passes bytes on. It counts the requests.
fn proxy(answer: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap().to_string(), Arc::<AtomicUsize>::default());
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let counted = Arc::clone(&counted);
            thread::spawn(move || tunnel(&client, answer, &counted));
        }
    });
    (address, count)
}

fn tunnel(mut client: &TcpStream, answer: &str, count: &AtomicUsize) -> Option<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        request.extend(byte);
    }
    count.fetch_add(1, Ordering::SeqCst);
    let host = String::from_utf8(request).ok()?.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    client.write_all(answer.as_bytes()).ok()?;
    if !answer.starts_with("HTTP/1.1 200") {
        return client.shutdown(Shutdown::Write).ok();
    }
    let server = TcpStream::connect(host).ok()?;
    thread::scope(|scope| {
        for (mut from, mut to) in [(client, &server), (&server, client)] {
            scope.spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
        }
    });
    Some(())
}

#[test]
fn a_proxy_is_mentioned_whenever_one_is_in_the_way() {
    let (_server, url, pem) = server([token(), token(), token(), json("{}")]);
    let token_url = format!("{url}/token");
    let (address, count) = proxy("HTTP/1.1 200 OK\r\n\r\n");
    for (value, login) in [
        (format!("http://{address}"), "without a login"),
        (format!("corp\\canary:p@canary%23@{address}"), "with a login"),
    ] {
        let mut command = oauth2("doctor", &["--token-url", &token_url]);
        let run = Run::of(command.env("ALL_PROXY", &value).env("OAUTH2_CA", &pem)).succeeded();
        for seen in [
            &format!(" ok       proxy        {address} is in the way, by ALL_PROXY, {login}\n"),
            " dns          127.0.0.1 (the proxy from ALL_PROXY) is an IP address\n",
            " tls          through the proxy: TLS 1.3, certificate for 127.0.0.1",
        ] {
            assert!(run.stdout.contains(seen), "{seen}: {run:?}");
        }
        assert!(!format!("{run:?}").contains(CANARY), "{run:?}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 4);
    let request =
        ["GET", &format!("{url}/v1"), "--host", url.strip_prefix("https://").unwrap(), "--token-url", &token_url];
    let mut command = oauth2("request", &request);
    Run::of(command.env("https_proxy", &address).env("OAUTH2_CA", &pem)).succeeded();
    assert_eq!(count.load(Ordering::SeqCst), 6, "one for the token, and one for the API");
}

#[test]
fn without_a_proxy_none_is_mentioned() {
    let (_server, url, pem) = server([token()]);
    let mut command = oauth2("doctor", &["--token-url", &format!("{url}/token")]);
    command.env("HTTPS_PROXY", "http://127.0.0.1:9").env("NO_PROXY", url.strip_prefix("https://").unwrap());
    let run = Run::of(command.env("OAUTH2_CA", &pem)).succeeded();
    assert!(!run.stdout.contains("proxy"), "{run:?}");
}

#[test]
fn a_proxy_that_refuses_is_named_with_its_variable_and_asked_once() {
    let cases = [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            2,
            "wants a login",
            "USER:PASSWORD",
        ),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", 5, "does not connect to 127.0.0.1", "NO_PROXY"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", 5, "does not connect to 127.0.0.1", "NO_PROXY"),
    ];
    for (answer, code, words, remedy) in cases {
        let (address, count) = proxy(answer);
        let problem = format!("error: oauth2: the proxy {address} (HTTPS_PROXY) {words}\n");
        let args = ["--token-url", "https://127.0.0.1:9/token"];
        let request = ["GET", "https://127.0.0.1:9/v1", "--host", "127.0.0.1:9", args[0], args[1]];
        for (times, command, args) in [(1, "doctor", &args[..]), (2, "token", &args), (3, "request", &request)] {
            let mut command = oauth2(command, args);
            let value = format!("http://user:canary@{address}");
            let run = Run::of(command.env("HTTPS_PROXY", value)).ended(code).says(&problem).says(remedy);
            assert!(!format!("{run:?}").contains(CANARY), "{run:?}");
            assert_eq!(count.load(Ordering::SeqCst), times);
        }
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_an_error_and_shows_nothing_of_its_password() {
    let (server, url, pem) = server([token(), token(), token()]);
    let token_url = format!("{url}/token");
    let host = url.strip_prefix("https://").unwrap();
    for value in ["http://user:canary#canary@127.0.0.1:9", "http://canary#canary@127.0.0.1:9", "socks5h://canary:9"] {
        let args = ["--token-url", &token_url];
        let request = ["GET", &format!("{url}/v1"), "--host", host, args[0], args[1]];
        for (command, args) in [("doctor", &args[..]), ("token", &args), ("request", &request)] {
            let mut command = oauth2(command, args);
            let run = Run::of(command.env("https_proxy", value).env("OAUTH2_CA", &pem)).ended(2);
            let run = run.says("https_proxy ").says("so nothing was sent");
            assert!(!format!("{run:?}").contains(CANARY), "{run:?}");
        }
    }
    assert!(server.requests().is_empty());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = oauth2("doctor", &["--token-url", &token_url]);
    let run = Run::of(command.env("HTTPS_PROXY", format!("http://user:canary@{closed}"))).ended(5);
    let run = run.says("could not connect to 127.0.0.1 (the proxy from HTTPS_PROXY)");
    run.says("nothing listens there: check HTTPS_PROXY");
}

/// A self-signed certificate as `openssl req -x509` makes it, and a server with it.
fn as_openssl_makes_it() -> (String, ServerConfig) {
    let mut params = params("127.0.0.1");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    self_signed(&params)
}

fn self_signed(params: &CertificateParams) -> (String, ServerConfig) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_protocol_versions(ALL_VERSIONS).unwrap().with_no_client_auth();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    (certificate.pem(), config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
}

#[test]
fn a_servers_own_certificate_is_trusted_if_it_is_given_exactly() {
    let (pem, config) = as_openssl_makes_it();
    let server = Server::over_tls(config);
    let url = server.url();
    let server = server.answering([token(), token(), token(), json("{}")]);
    let token_url = format!("{url}/token");
    let args = ["--token-url", &token_url];
    let request = ["GET", &format!("{url}/v1"), "--host", url.strip_prefix("https://").unwrap(), args[0], args[1]];
    for (command, args) in [("doctor", &args[..]), ("token", &args), ("request", &request)] {
        Run::of(oauth2(command, args).env("OAUTH2_CA", &pem)).succeeded();
        let (other, _) = as_openssl_makes_it();
        Run::of(oauth2(command, args).env("OAUTH2_CA", &other)).ended(5).says("is a CA certificate").says("--ca-file");
    }
    assert_eq!(server.request_lines(), ["POST /token", "POST /token", "POST /token", "GET /v1"]);
}

#[test]
fn a_missing_intermediate_certificate_is_named() {
    let (_server, url, _) = server([token()]);
    let other = authority("Other").pem();
    let run = Run::of(oauth2("doctor", &["--token-url", &format!("{url}/token")]).env("OAUTH2_CA", &other)).ended(5);
    let run = run.says("is not signed by a trusted CA, and the server sent no intermediate certificate with it\n");
    run.says("the vendor has to send the intermediate certificates as well").says("or set it with --ca-file");
}

/// An answer of a server whose clock is so many seconds before this machine's.
fn dated(status: &str, seconds: i64, body: &str) -> String {
    let date = (Timestamp::now() + seconds.seconds()).strftime("%a, %d %b %Y %H:%M:%S GMT");
    answer(status, &format!("date: {date}\r\ncontent-type: application/json\r\n"), body)
}

#[test]
fn a_clock_that_is_seconds_off_is_mentioned_where_an_assertion_was_refused() {
    let refusal = |seconds| dated("401 Unauthorized", seconds, r#"{"error":"invalid_client"}"#);
    let words = "seconds ahead of the server's: some servers allow no such difference in signed assertions and proofs";
    for (auth, seconds, says_so) in
        [("client_secret_jwt", -20, true), ("client_secret_jwt", 0, false), ("client_secret_basic", -20, false)]
    {
        let server = Server::new();
        let url = format!("{}/token", server.url());
        let _server = server.answering([refusal(seconds)]);
        let run = Run::of(&mut oauth2("doctor", &["--token-url", &url, "--auth", auth])).ended(3);
        assert_eq!(run.stderr.contains(words), says_so, "{auth} {seconds}: {run:?}");
        assert!(run.stdout.contains(" ok       clock        "), "{run:?}");
    }
}

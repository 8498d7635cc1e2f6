//! `cgrant request`: what it sends and to whom, what it prints, and how it ends.

#![cfg(test)]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use common::certified::{authority, params, vouched_for_by};
use common::server::{Answering, Server, answer, json, token};
use common::{CANARY, Run, Running, api_call, at, cgrant, emulator};
use credentials_grant_emulator::EmulatedVendor;
use serde_json::json;

/// An API of a server that is no vendor of ours, and `cgrant request` for it.
struct Api {
    server: Answering,
    url: String,
}

impl Api {
    /// One that gives a token first, and then answers so.
    fn answering<A: Into<Vec<u8>>>(answer: A) -> Self {
        let server = Server::new();
        let url = server.url();
        Self { server: server.answering([token().into_bytes(), answer.into()]), url }
    }

    fn request(&self, method: &str, args: &[&str]) -> Command {
        let (token_url, url) = (format!("{}/token", self.url), format!("{}/v1/things", self.url));
        let mut command = cgrant(&["request", "oauth2", method, &url, "-vv", "--token-url", &token_url]);
        command.args(["--client-id", "id", "--auth", "none", "--host", self.host()]).args(args);
        command
    }

    fn host(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// The call that it got, behind the request for a token: head and body.
    #[track_caller]
    fn call(&self) -> (String, String) {
        let requests = self.server.requests();
        let [_, call] = &requests[..] else { panic!("{requests:?}") };
        let (head, body) = call.split_once("\r\n\r\n").unwrap();
        (head.to_ascii_lowercase(), body.to_owned())
    }
}

#[test]
fn every_vendors_api_is_called_with_what_it_wants_to_see() {
    for &vendor in EmulatedVendor::ALL {
        let emulator = emulator(vendor);
        let run = Run::of(&mut api_call(&emulator)).succeeded();
        assert!(run.json().is_object(), "{vendor}: {run:?}");
        assert_eq!(emulator.token_requests(), 1, "{vendor}");
    }
}

#[test]
fn header_names_are_written_as_servers_that_distinguish_case_expect_them() {
    let api = Api::answering(json("{}"));
    Run::of(&mut api.request("POST", &["--data", "{}", "-H", "x-one: 1"])).succeeded();
    let requests = api.server.as_written();
    let [token, call] = &requests[..] else { panic!("{requests:?}") };
    for (request, names) in [
        (token, &["Host: ", "Accept: ", "Content-Type: ", "Content-Length: "][..]),
        (call, &["Host: ", "Authorization: Bearer abc", "Content-Type: ", "Content-Length: ", "X-One: 1"]),
    ] {
        for name in names {
            assert!(request.contains(&format!("\r\n{name}")), "{name}: {request}");
        }
    }
}

#[test]
fn a_redirect_to_a_page_to_log_in_at_may_mean_that_the_token_has_expired() {
    let api = Api::answering(answer("302 Found", "location: /login?next=/v1/things\r\n", ""));
    let run = Run::of(&mut api.request("GET", &["--expired-status", "302"]));
    // A token that was fetched for this call is not fetched anew.
    assert_eq!(api.server.request_lines(), ["POST /token", "GET /v1/things"]);
    assert!(run.code != Some(0) && run.stdout.is_empty(), "{run:?}");
}

#[test]
fn the_body_is_printed_as_it_is() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bytes.len());
    let api = Api::answering([head.into_bytes(), bytes.clone()].concat());
    let output = api.request("GET", &[]).output().unwrap();
    assert!(output.status.success() && output.stdout == bytes, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_body_is_printed_as_it_comes() {
    let api = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = api.local_addr().unwrap().to_string();
    let (was_read, goes_on) = channel();
    let serving = thread::spawn(move || {
        let (mut socket, _) = api.accept().unwrap();
        let _ = socket.read(&mut [0; 2048]).unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nfirst\n\r\n").unwrap();
        goes_on.recv().unwrap();
        socket.write_all(b"7\r\nsecond\n\r\n0\r\n\r\n").unwrap();
    });
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let url = format!("http://{host}/");
    let mut running = Running::of(&mut at(&apaleo, "request", &["GET", &url, "--host", &host]));
    assert_eq!(running.prints_a_line().as_deref(), Some("first\n"));
    was_read.send(()).unwrap();
    assert_eq!(running.prints_a_line().as_deref(), Some("second\n"));
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    serving.join().unwrap();
}

#[test]
fn status_and_headers_come_first_where_they_are_asked_for() {
    let api = Api::answering(answer("200 OK", "x-one: 1\r\nx-one: 2\r\n", "body"));
    let run = Run::of(&mut api.request("GET", &["-i"])).succeeded();
    let expected = "HTTP/1.1 200 OK\nconnection: close\nx-one: 1\nx-one: 2\ncontent-length: 4\n\nbody";
    assert_eq!(run.stdout, expected);
}

#[test]
fn programs_get_status_headers_and_body_on_one_line() {
    let api = Api::answering(answer("404 Not Found", "x-one: 1\r\nx-one: 2\r\n", "t\u{e4}xt"));
    let run = Run::of(&mut api.request("GET", &["--output", "json"])).ended(7);
    let headers = json!({"connection": ["close"], "content-length": ["5"], "x-one": ["1", "2"]});
    let expected = json!({"status": 404, "headers": headers, "body": "t\u{e4}xt", "body_encoding": "utf-8"});
    assert_eq!((run.json(), run.stdout.lines().count()), (expected, 1));

    let api = Api::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\x00".as_slice());
    let answer = Run::of(&mut api.request("GET", &["--output", "json"])).succeeded().json();
    assert_eq!((&answer["body"], &answer["body_encoding"]), (&json!("/wA="), &json!("base64")));
}

#[test]
fn an_error_of_the_apis_is_printed_and_the_exit_code_says_what_it_means() {
    let cases = [
        (7, "400 Bad Request", "", "check method and URL"),
        (7, "401 Unauthorized", "", "the API rejected the token"),
        (7, "403 Forbidden", "", "the token does not allow this"),
        (7, "404 Not Found", "", "check method and URL"),
        (4, "429 Too Many Requests", "", "wait, then try again"),
        (4, "429 Too Many Requests", "retry-after: 120\r\n", "try again in 2m, as the server asks"),
        (5, "408 Request Timeout", "", "try again later"),
        (5, "500 Internal Server Error", "", "try again later"),
        (5, "503 Service Unavailable", "retry-after: 1\r\n", "try again in 1s, as the server asks"),
    ];
    for (code, status, headers, words) in cases {
        println!("{status}");
        let api = Api::answering(answer(status, headers, r#"{"error":"its own words"}"#));
        let said = format!("error: oauth2: {} answered {status}\n", api.host());
        let run = Run::of(&mut api.request("GET", &[])).ended(code).says(&said).says(words);
        assert_eq!(run.stdout, r#"{"error":"its own words"}"#);
    }
}

#[test]
fn other_statuses_are_a_success() {
    for status in ["201 Created", "204 No Content", "304 Not Modified"] {
        let api = Api::answering(format!("HTTP/1.1 {status}\r\n\r\n"));
        Run::of(&mut api.request("PUT", &[])).succeeded();
    }
}

#[test]
fn a_host_that_is_not_allowed_gets_nothing_and_costs_no_token() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let url = apaleo.api_call().url;
    let host = format!("--host {}", url.authority());
    Run::of(&mut at(&apaleo, "request", &["GET", url.as_str()])).failed(2).says("nothing was sent").says(&host);
    for elsewhere in [
        "https://api.apaleo.com.evil.example/",
        "https://api.apaleo.com:8443/",
        "http://api.apaleo.com/",
        "https://user:canary@api.apaleo.com/",
    ] {
        Run::of(&mut at(&apaleo, "request", &["GET", elsewhere])).failed(2).says("sent");
    }
    let cognito = emulator(EmulatedVendor::Cognito);
    let args = ["GET", "https://api.example.com/v1"];
    Run::of(&mut at(&cognito, "request", &args)).failed(2).says("nothing was sent").says("--host api.example.com");
    assert_eq!((apaleo.token_requests(), cognito.token_requests()), (0, 0));
}

#[test]
fn no_redirect_takes_the_token_elsewhere() {
    let elsewhere = Server::new();
    let (url, host) = (elsewhere.url(), elsewhere.url().replace("http://", ""));
    let elsewhere = elsewhere.answering([json("{}")]);
    let redirect = |location: &str| answer("307 Temporary Redirect", &format!("location: {location}\r\n"), "");

    let api = Api::answering(redirect(&url));
    let run = Run::of(&mut api.request("POST", &["--data", "{}"])).ended(6);
    run.says(&format!("a redirect to {url}; the token was not sent there")).says(&format!("--host {host}"));
    assert!(elsewhere.requests().is_empty());

    let api = Api::answering(redirect(&url));
    Run::of(&mut api.request("POST", &["--data", "{\"a\":1}", "--host", &host])).succeeded();
    let requests = elsewhere.requests();
    let [followed] = &requests[..] else { panic!("{requests:?}") };
    assert!(followed.ends_with("\r\n\r\n{\"a\":1}"), "{followed}");
}

#[test]
fn a_redirect_tells_another_host_neither_the_first_url_nor_the_secret_headers() {
    let redirect = |location: &str| answer("307 Temporary Redirect", &format!("location: {location}\r\n"), "");
    let secrets = tempfile::NamedTempFile::new().unwrap();
    fs::write(&secrets, "X-Partner-Id: canary\n").unwrap();
    let secrets = format!("@{}", secrets.path().to_str().unwrap());
    let call = |headers: &[&str]| {
        let (first, elsewhere) = (Server::new(), Server::new());
        let (url, elsewhere_url) = (first.url(), elsewhere.url());
        let elsewhere = elsewhere.answering([json("{}")]);
        let answers = [token(), redirect("/v2/things?again=canary"), redirect(&elsewhere_url)];
        let first = first.answering(answers);
        let api = format!("{url}/v1/things?query=canary");
        let hosts = [&url, &elsewhere_url].map(|url| url.replace("http://", ""));
        let mut command = cgrant(&["request", "oauth2", "GET", &api, "--token-url", &url, "--auth", "none"]);
        command.args(["--client-id", "id", "--host", &hosts[0], "--host", &hosts[1], "-H", "X-Plain: 1"]).args(headers);
        (Run::of(&mut command), first.requests(), elsewhere.requests(), hosts)
    };

    let (run, at_first, at_elsewhere, _) = call(&[]);
    run.succeeded();
    let [_, _, again] = &at_first[..] else { panic!("{at_first:?}") };
    let [followed] = &at_elsewhere[..] else { panic!("{at_elsewhere:?}") };
    for request in [again, followed] {
        assert!(!request.to_ascii_lowercase().contains("referer"), "{request}");
    }
    assert!(!followed.contains(CANARY) && followed.to_ascii_lowercase().contains("x-plain: 1"), "{followed}");

    let (run, at_first, at_elsewhere, [first, elsewhere]) = call(&["-H", &secrets]);
    let run = run.ended(6).says(&format!("a redirect to http://{elsewhere}; the secret headers were not sent there"));
    run.says(&format!("headers from a file go to {first} only"));
    let [_, _, again] = &at_first[..] else { panic!("{at_first:?}") };
    assert!(again.to_ascii_lowercase().contains("x-partner-id: canary"), "{again}");
    assert!(at_elsewhere.is_empty(), "{at_elsewhere:?}");
}

#[test]
fn the_vendors_secrets_are_not_taken_on_the_command_line() {
    let resamania = emulator(EmulatedVendor::Resamania);
    let call = resamania.api_call();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, "X-Gravitee-Api-Key: canary\n").unwrap();
    let file = format!("@{}", file.path().to_str().unwrap());
    for (args, words) in [
        (&["-H", "X-Gravitee-Api-Key: canary"][..], "x-gravitee-api-key comes with the token"),
        (&["-H", &file], "x-gravitee-api-key comes with the token"),
        (&["--api-key", "canary"], "there is no --api-key: every user of this machine can read command lines"),
        (&["--param", "password=canary"], "--param: password holds a secret, and every user of this machine"),
        (&["--param", "client_secret=canary"], "use --client-secret-file"),
    ] {
        let mut command = at(&resamania, "request", &["GET", call.url.as_str(), "--host", call.url.authority()]);
        Run::of(command.args(args)).failed(2).says(words);
    }
    assert_eq!(resamania.token_requests(), 0);
}

#[test]
fn a_redirect_to_nowhere_is_no_answer() {
    for location in ["https://", "mailto:a@example.com"] {
        let api = Api::answering(answer("302 Found", &format!("location: {location}\r\n"), ""));
        Run::of(&mut api.request("GET", &[])).ended(6);
    }
}

#[test]
fn a_body_comes_from_the_command_line_a_file_or_standard_input() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, "{\"a\":\n1}\n").unwrap();
    let path = file.path().to_str().unwrap();
    let cases: [(&[&str], &str, &str); 4] = [
        (&["--data", "{}"], "application/json", "{}"),
        (&["--data", "a=b", "-H", "Content-Type: text/x"], "text/x", "a=b"),
        (&["--data-file", path], "application/json", "{\"a\":\n1}\n"),
        (&["--data-file", "-"], "application/json", "from standard input\n"),
    ];
    for (args, content_type, body) in cases {
        let api = Api::answering(json("{}"));
        Run::of_fed(&mut api.request("POST", args), b"from standard input\n").succeeded();
        let (head, sent) = api.call();
        assert!(head.starts_with("post /v1/things http/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-type: {content_type}\r\n")), "{head}");
        assert_eq!(sent, body);
    }
    let api = Api::answering(json("{}"));
    Run::of(&mut api.request("get", &[])).succeeded();
    let (head, body) = api.call();
    assert!(!head.contains("content-type") && body.is_empty(), "{head}");
}

#[test]
fn headers_come_from_the_command_line_and_those_that_are_secret_from_a_file_or_standard_input() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, "X-Key: canary\r\n\nCookie: a=canary\n").unwrap();
    let path = format!("@{}", file.path().to_str().unwrap());
    let api = Api::answering(json("{}"));
    let run = Run::of_fed(&mut api.request("GET", &["-H", &path, "--header", "X-One:1", "-H", "@-"]), b"X-Two: canary");
    assert!(!run.succeeded().stderr.contains(CANARY));
    let (head, _) = api.call();
    for line in ["authorization: bearer abc", "x-key: canary", "cookie: a=canary", "x-one: 1", "x-two: canary"] {
        assert!(head.lines().any(|other| other == line), "{line}: {head}");
    }
}

#[test]
fn what_cannot_be_sent_is_refused_before_a_token_is_asked_for() {
    let api = Api::answering(json("{}"));
    let cases: [(&[&str], &str); 18] = [
        (&["-H", "Host: canary"], "host is computed from the URL"),
        (&["-H", "host:canary"], "host is computed from the URL"),
        (&["-H", "Connection: canary"], "connection belongs to the connection"),
        (
            &["-H", "X-API-Key: canary"],
            "x-api-key holds a secret, and every user of this machine can read command lines",
        ),
        (&["-H", "X-Auth-Token: canary"], "--header @PATH"),
        (&["-H", "canary"], "not of the form 'Name: value'"),
        (&["-H", "a b: canary"], "not of the form 'Name: value'"),
        (&["-H", "Authorization: canary"], "authorization carries the token"),
        (&["-H", "Cookie: canary"], "--header @PATH"),
        (&["-H", "Proxy-Authorization: canary"], "--header @PATH"),
        (&["-H", "Content-Length: 1"], "content-length is computed from the body"),
        (&["-H", "@/no/such/file"], "--header: the file cannot be read"),
        (&["--data", "{}", "--data-file", "x"], "--data-file"),
        (&["--data-file", "/no/such/file"], "--data-file: /no/such/file cannot be read"),
        (&["--data-file", "-", "-H", "@-"], "--header and --data-file cannot share standard input"),
        (&["--host", "https://api.example.com"], "--host: \"https://api.example.com\" is not a host"),
        (&["--include", "--output", "json"], "--include"),
        (&["--output", "header"], "text, json"),
    ];
    for (args, words) in cases {
        println!("{args:?}");
        Run::of(&mut api.request("GET", args)).failed(2).says(words);
    }
    Run::of(&mut api.request("TRACE", &[])).failed(2).says("not a method for APIs");
    for (url, words) in [
        ("api.apaleo.com/canary", "the URL is not valid (relative URL without a base)"),
        ("https://", "the URL is not valid"),
        ("ftp://api.apaleo.com/canary", "does not begin with https://"),
    ] {
        Run::of(&mut cgrant(&["request", "apaleo", "GET", url])).failed(2).says(words);
    }
    Run::of(&mut cgrant(&["request", "apaleo", "GET"])).failed(2).says("<URL>");
    assert!(api.server.requests().is_empty());
}

#[test]
fn a_response_that_breaks_off_is_an_error() {
    let api = Api::answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nthe first half");
    let run = Run::of(&mut api.request("GET", &[])).ended(5);
    assert_eq!(run.says("the connection to").says("broke").stdout, "the first half");
}

#[test]
fn an_api_that_does_not_answer_is_given_up_on() {
    // The system accepts, and nobody ever reads.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let args = ["GET", &format!("http://{host}/"), "--host", &host, "--timeout", "2s"];
    Run::of(&mut at(&apaleo, "request", &args)).failed(5).says("the call took longer than 2s").says("--timeout");
}

#[test]
fn an_api_that_is_not_there_is_told_from_a_token_server_that_is_not() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let api = format!("http://{gone}/");
    let args = ["GET", &api, "--host", &gone];
    let run = Run::of(&mut at(&apaleo, "request", &args)).failed(5);
    run.says(&format!("could not connect to {gone}")).says("help: check the URL");
    let args = ["GET", &api, "--host", &gone, "--token-url", &api];
    Run::of(&mut at(&apaleo, "request", &args)).failed(5).says("help: check the token URL");
}

#[test]
fn a_wrong_secret_is_the_token_servers_refusal() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let url = apaleo.api_call().url;
    let args = ["GET", url.as_str(), "--host", url.authority()];
    let mut command = at(&apaleo, "request", &args);
    Run::of(command.env("APALEO_CLIENT_SECRET", "wrong-canary")).failed(3).says("the server refused");
}

#[test]
fn a_private_authority_vouches_for_the_api_too() {
    let authority = authority("Acme");
    let server = Server::over_tls(vouched_for_by(&authority, &params("127.0.0.1")));
    let url = server.url();
    let host = url.strip_prefix("https://").unwrap().to_owned();
    let _server = server.answering([json(r#"{"a":1}"#)]);
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let command = || at(&apaleo, "request", &["GET", &url, "--host", &host]);
    assert_eq!(Run::of(command().env("APALEO_CA", authority.pem())).succeeded().stdout, r#"{"a":1}"#);
    let run = Run::of(&mut command()).failed(5);
    run.says(&format!("the certificate of {host} is not signed by a trusted CA")).says("--ca-file");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let api = Api::answering(answer("200 OK", "", &"line\n".repeat(100_000)));
    let mut running = Running::of(api.request("GET", &[]).stdin(Stdio::null()));
    running.is_not_read();
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_call_without_a_body_says_how_long_it_is_where_a_body_is_usual() {
    for (method, args, says_so) in [
        ("POST", &[][..], true),
        ("POST", &["--data", ""], true),
        ("PUT", &[], true),
        ("PATCH", &[], true),
        ("GET", &[], false),
        ("DELETE", &[], false),
        ("HEAD", &[], false),
    ] {
        let api = Api::answering("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        Run::of(&mut api.request(method, args)).succeeded();
        let (head, body) = api.call();
        assert_eq!(head.matches("\r\ncontent-length: 0").count(), usize::from(says_so), "{method} {args:?}: {head}");
        assert!(!head.contains("transfer-encoding") && body.is_empty(), "{method}: {head}");
    }
}

#[test]
fn a_line_among_the_headers_of_the_api_that_is_no_header_is_skipped() {
    let api = Api::answering(answer("200 OK", "PHP Warning:  Undefined variable $x\r\nx-one: 1\r\n", "body"));
    let run = Run::of(&mut api.request("GET", &["-i"])).succeeded();
    assert_eq!(run.stdout, "HTTP/1.1 200 OK\nconnection: close\nx-one: 1\ncontent-length: 4\n\nbody");
}

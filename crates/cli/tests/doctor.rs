//! `cgrant doctor`: each step, and the sentence about the first that fails.

#![cfg(test)]

mod common;

use std::net::TcpListener;
use std::process::Command;

use common::certified::{Authority, authority, params, vouched_for_by};
use common::server::{Answering, Server, answer, json};
use common::{CANARY, Run, at, cgrant, emulator};
use credentials_grant_emulator::{EmulatedVendor, Misbehaviour};
use jiff::{Timestamp, ToSpan};
use rcgen::{CertificateParams, date_time_ymd};
use serde_json::{Value, json};

const TOKEN: &str = r#"{"access_token":"canary","token_type":"Bearer","expires_in":3600,"scope":"a b"}"#;

/// `cgrant doctor oauth2` for a client with a secret.
fn doctor(args: &[&str]) -> Command {
    let mut command = cgrant(&["doctor", "oauth2", "-vv"]);
    command.args(args).env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_CLIENT_SECRET", "canary-secret");
    command
}

/// A server at which all is well, and the URL of its tokens.
fn server(answers: impl IntoIterator<Item = String>) -> (Answering, String) {
    let server = Server::new();
    let url = format!("{}/token", server.url());
    (server.answering(answers), url)
}

/// The steps in a report for programs, with what came of each.
fn steps(report: &Value) -> Vec<String> {
    let words = |step: &Value| format!("{} {}", step["step"].as_str().unwrap(), step["outcome"].as_str().unwrap());
    report["steps"].as_array().unwrap().iter().map(words).collect()
}

fn step<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["steps"].as_array().unwrap().iter().find(|step| step["step"] == name).unwrap()
}

impl Run {
    /// Ended so, with one sentence of what is wrong and one of what to do, and a line for each step.
    #[track_caller]
    fn found(self, code: i32, problem: &str, remedy: &str) -> Self {
        let run = self.ended(code).says(problem).says(remedy);
        assert!(!run.stdout.contains(CANARY), "{run:?}");
        let errors = run.stderr.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{run:?}");
        run
    }

    /// The line of the first step that failed.
    #[track_caller]
    fn at(self, step: &str, seen: &str) -> Self {
        let line = self.stdout.lines().find(|line| line.starts_with(" FAILED")).unwrap_or_default();
        assert!(line.split_whitespace().nth(1) == Some(step) && line.contains(seen), "{line:?} in {self:?}");
        self
    }
}

#[test]
fn no_vendor_has_a_problem_and_each_gets_one_token_request() {
    for &vendor in EmulatedVendor::ALL {
        let emulator = emulator(vendor);
        let run = Run::of(&mut at(&emulator, "doctor", &[])).succeeded();
        let steps: Vec<_> = run.stdout.lines().filter_map(|line| line.strip_prefix(' ')).collect();
        let starts = [
            "ok       settings     ",
            "ok       credentials  client-id of 6 characters; client-secret of 13 characters",
            "skipped  dns",
            "ok       tcp",
            "skipped  tls",
            "skipped  discovery",
            "ok       clock",
            "ok       token",
        ];
        assert!(steps.len() == 8 && steps.iter().zip(starts).all(|(step, start)| step.starts_with(start)), "{run:?}");
        assert!(run.stdout.ends_with("\nNo problem found; one token request was made.\n"), "{run:?}");
        assert_eq!(emulator.token_requests(), 1, "{vendor}");
    }
}

#[test]
fn people_see_what_each_step_saw() {
    let authority = authority("Acme Authority");
    let server = Server::over_tls(vouched_for_by(&authority, &params("127.0.0.1")));
    let issuer = server.url();
    let methods = r#"["private_key_jwt","client_secret_basic"]"#;
    let metadata = format!(
        r#"{{"issuer":"{issuer}","token_endpoint":"{issuer}/token","token_endpoint_auth_methods_supported":{methods}}}"#
    );
    let server = server.answering([dated(0, &metadata), json(TOKEN)]);
    let run = Run::of(doctor(&["--issuer", &issuer]).env("OAUTH2_CA", authority.pem())).succeeded();
    for seen in [
        " ok       tls          TLS 1.3, certificate for 127.0.0.1, by Acme Authority, until 4096-01-01, in ",
        " ok       clock        ",
        &format!(
            " ok       discovery    the token endpoint is {issuer}/token; it accepts private_key_jwt, client_secret_basic\n"
        ),
        " ok       token        Bearer, for 1h; scopes a b\n",
    ] {
        assert!(run.stdout.contains(seen), "{seen}: {run:?}");
    }
    assert!(!run.stdout.contains(CANARY) && !run.stderr.contains(CANARY), "{run:?}");
    assert_eq!(server.request_lines(), ["GET /.well-known/oauth-authorization-server", "POST /token"]);
}

#[test]
fn programs_get_the_same_by_name() {
    let authority = authority("Acme Authority");
    let (token_server, issuer_server) = (
        Server::over_tls(vouched_for_by(&authority, &params("127.0.0.1"))),
        Server::over_tls(vouched_for_by(&authority, &params("127.0.0.1"))),
    );
    let (issuer, token_url) = (issuer_server.url(), format!("{}/token", token_server.url()));
    let metadata = format!(r#"{{"issuer":"{issuer}","token_endpoint":"{token_url}"}}"#);
    let _servers = (issuer_server.answering([dated(0, &metadata)]), token_server.answering([json(TOKEN)]));
    let args = ["--issuer", &issuer, "--output", "json"];
    let run = Run::of(doctor(&args).env("OAUTH2_CA", authority.pem())).succeeded();
    let report = run.json();
    assert_eq!((&report["ok"], &report["token_requests"]), (&json!(true), &json!(1)));
    assert_eq!((&report["problem"], &report["remedy"]), (&json!(null), &json!(null)));
    // The token endpoint is elsewhere, and the way there is walked too.
    assert_eq!(
        steps(&report),
        [
            "settings ok",
            "credentials ok",
            "dns skipped",
            "tcp ok",
            "tls ok",
            "clock ok",
            "discovery ok",
            "dns skipped",
            "tcp ok",
            "tls ok",
            "token ok"
        ]
    );
    let tls = step(&report, "tls");
    assert_eq!((&tls["tls_version"], &tls["certificate_names"]), (&json!("TLS 1.3"), &json!(["127.0.0.1"])));
    assert_eq!(tls["certificate_issuer"], "Acme Authority");
    assert!(tls["certificate_expires_at"].as_str().unwrap().parse::<Timestamp>().unwrap() > Timestamp::now());
    assert!((0..=60).contains(&step(&report, "clock")["seconds_ahead"].as_i64().unwrap()), "{report}");
    assert_eq!(step(&report, "discovery")["token_endpoint"], token_url.as_str());
    let token = step(&report, "token");
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(token["scopes"], json!(["a", "b"]));
    assert!(!run.stdout.contains(CANARY), "{run:?}");
}

#[test]
fn a_closed_port() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = Run::of(&mut doctor(&["--token-url", &format!("https://{closed}/token")]));
    let problem = format!("error: oauth2: could not connect to 127.0.0.1, port {}\n", closed.port());
    let run = run.found(5, &problem, "help: nothing listens there: check the URL and its port, and whether the server");
    let run = run.at("tcp", "could not connect to 127.0.0.1");
    let not_reached = ["tls", "discovery", "clock", "token"].map(|step| format!(" skipped  {step:11}  not reached\n"));
    assert!(run.stdout.contains(&not_reached.concat()), "{run:?}");
    assert!(run.stdout.contains("\nProblem found; no token was requested.\n"), "{run:?}");
}

#[test]
fn a_name_that_does_not_resolve() {
    let run = Run::of(&mut doctor(&["--token-url", "https://cgrant.invalid/token"]));
    let run =
        run.found(5, "error: oauth2: the host name cgrant.invalid does not resolve\n", "help: check the spelling");
    run.at("dns", "the host name cgrant.invalid does not resolve");
}

#[test]
fn a_server_that_does_not_answer() {
    // The system accepts, and nobody ever reads.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for (scheme, step, problem) in [
        ("https", "tls", "error: oauth2: could not connect to 127.0.0.1 in time\n"),
        ("http", "token", "error: oauth2: 127.0.0.1 did not answer in time\n"),
    ] {
        let url = format!("{scheme}://{}/", silent.local_addr().unwrap());
        let run = Run::of(&mut doctor(&["--token-url", &url, "--timeout", "300ms"]));
        run.found(5, problem, "help: check the token URL").at(step, "in time");
    }
}

/// What the doctor finds where a server shows this certificate, and the authority is trusted.
fn with_certificate(authority: &Authority, certificate: &CertificateParams, trusted: &Authority) -> Run {
    let server = Server::over_tls(vouched_for_by(authority, certificate));
    let url = format!("{}/token", server.url());
    let server = server.answering([json(TOKEN)]);
    let run = Run::of(doctor(&["--token-url", &url]).env("OAUTH2_CA", trusted.pem()));
    assert!(server.requests().is_empty());
    run
}

#[test]
fn a_certificate_for_another_name() {
    let authority = authority("Acme");
    let run = with_certificate(&authority, &params("login.example.com"), &authority);
    run.found(
        5,
        "error: oauth2: the certificate of 127.0.0.1 is for another name\n",
        "help: check the host in the token URL",
    )
    .at("tls", "certificate for login.example.com, by Acme, until 4096-01-01");
}

#[test]
fn a_certificate_that_has_expired() {
    let authority = authority("Acme");
    let mut certificate = params("127.0.0.1");
    certificate.not_after = date_time_ymd(2020, 1, 1);
    let problem = "error: oauth2: the certificate of 127.0.0.1 has expired, by this machine's clock\n";
    let run = with_certificate(&authority, &certificate, &authority);
    run.found(5, problem, "the vendor has to renew the certificate")
        .at("tls", "certificate for 127.0.0.1, by Acme, expired 2020-01-01");
}

#[test]
fn a_certificate_from_an_unknown_ca() {
    let run = with_certificate(&authority("Stranger"), &params("127.0.0.1"), &authority("Acme"));
    run.found(
        5,
        "error: oauth2: the certificate of 127.0.0.1 is not signed by a trusted CA",
        "or set it with --ca-file",
    )
    .at("tls", "certificate for 127.0.0.1, by Stranger");
}

#[cfg(target_os = "linux")]
#[test]
fn a_variable_that_leads_to_no_ca_certificate() {
    let server = Server::over_tls(vouched_for_by(&authority("Acme"), &params("127.0.0.1")));
    let url = format!("{}/token", server.url());
    let _server = server.answering([json(TOKEN)]);
    let mut command = doctor(&["--token-url", &url]);
    let run = Run::of(command.env("SSL_CERT_FILE", "/nowhere").env("SSL_CERT_DIR", "/nowhere"));
    let problem = "no CA certificate could be read from SSL_CERT_FILE (/nowhere) and SSL_CERT_DIR (/nowhere)";
    run.found(
        2,
        &format!("error: oauth2: {problem}\n"),
        "unset it to use the CA certificates of the system; or set --ca",
    )
    .at("tls", problem);
}

#[test]
fn a_port_that_speaks_no_tls() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let url = apaleo.token_url().as_str().replace("http:", "https:");
    let run = Run::of(&mut at(&apaleo, "doctor", &["--token-url", &url]));
    run.found(5, "127.0.0.1 does not speak TLS on this port", "whether it begins with http or https").at("tls", "");
}

#[test]
fn a_wrong_secret() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let run = Run::of(at(&apaleo, "doctor", &[]).env("APALEO_CLIENT_SECRET", "wrong-canary"));
    let problem = "error: apaleo: the server refused the client credentials (400 Bad Request): invalid_client\n";
    let run = run.found(3, problem, "help: check the client id and secret").at("token", "the server refused");
    assert!(run.stdout.contains("\nProblem found; one token request was made.\n"), "{run:?}");
}

#[test]
fn a_token_url_that_answers_html() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    apaleo.misbehave(Misbehaviour::Html { status: credentials_grant::StatusCode::OK });
    let run = Run::of(&mut at(&apaleo, "doctor", &[]));
    run.found(6, "HTML", "help: check that the token URL is the vendor's").at("token", "HTML");
}

/// An answer of a server whose clock is so many minutes before this machine's.
fn dated(minutes: i64, body: &str) -> String {
    let date = (Timestamp::now() + minutes.minutes()).strftime("%a, %d %b %Y %H:%M:%S GMT");
    answer("200 OK", &format!("date: {date}\r\ncontent-type: application/json\r\n"), body)
}

#[test]
fn a_clock_that_is_ten_minutes_off() {
    for (minutes, words) in [(10, "10 minutes behind"), (-10, "10 minutes ahead of")] {
        let (server, url) = server([dated(minutes, TOKEN)]);
        let run = Run::of(&mut doctor(&["--token-url", &url]));
        let problem = format!("error: oauth2: this machine's clock is {words} the server's\n");
        let run = run.found(1, &problem, "help: set the clock").at("clock", &format!("{words} the server's"));
        // Tokens may be had all the same.
        assert!(run.stdout.contains(" ok       token        Bearer, for 1h"), "{run:?}");
        assert_eq!(server.request_lines(), ["POST /token"]);
    }
}

#[test]
fn a_wrong_clock_goes_before_what_it_leads_to() {
    let refusal = dated(600, r#"{"error":"invalid_client"}"#).replace("200 OK", "401 Unauthorized");
    let (_server, url) = server([refusal]);
    let run = Run::of(&mut doctor(&["--token-url", &url, "--output", "json"])).ended(1);
    let report = run.json();
    assert_eq!(
        (&report["ok"], &report["problem"]),
        (&json!(false), &json!("this machine's clock is 10 hours behind the server's"))
    );
    assert!(report["remedy"].as_str().unwrap().starts_with("set the clock"), "{report}");
    assert_eq!(steps(&report)[6..], ["clock failed", "token failed"]);
    assert!((-36_000..=-35_940).contains(&step(&report, "clock")["seconds_ahead"].as_i64().unwrap()), "{report}");
}

#[test]
fn a_server_without_a_date() {
    let (_server, url) = server([json(TOKEN)]);
    let run = Run::of(&mut doctor(&["--token-url", &url])).succeeded();
    assert!(run.stdout.contains(" skipped  clock        the server's response has no date\n"), "{run:?}");
}

#[test]
fn an_issuer_with_another_name_in_its_metadata() {
    let server = Server::new();
    let issuer = server.url();
    let metadata = r#"{"issuer":"https://other.example.com","token_endpoint":"https://other.example.com/token"}"#;
    let server = server.answering([dated(0, metadata)]);
    let run = Run::of(&mut doctor(&["--issuer", &issuer]));
    let problem = format!("error: oauth2: the metadata of {issuer} name");
    let run = run
        .found(6, &problem, "if that is the server you mean, set ")
        .says(" another issuer, https://other.example.com\n");
    run.at("discovery", " another issuer, https://other.example.com");
    assert_eq!(server.request_lines().len(), 1);
}

#[test]
fn an_issuer_that_supports_none_of_the_clients_credentials() {
    let server = Server::new();
    let issuer = server.url();
    let methods = r#""token_endpoint_auth_methods_supported":["tls_client_auth"]"#;
    let metadata = format!(r#"{{"issuer":"{issuer}","token_endpoint":"{issuer}/t",{methods}}}"#);
    let _server = server.answering([dated(0, &metadata)]);
    let run = Run::of(&mut doctor(&["--issuer", &issuer]));
    let run = run.found(2, "error: oauth2: the server's metadata list", "help: give credentials for one");
    run.says(" tls_client_auth for client authentication, ").at("discovery", "");
}

#[test]
fn without_a_token_request_only_the_time_is_requested() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let run = Run::of(&mut at(&apaleo, "doctor", &["--no-token"])).succeeded();
    assert!(run.stdout.contains(" ok       clock        within a second of the server's\n"), "{run:?}");
    assert!(run.stdout.contains(" skipped  token        skipped because of --no-token\n"), "{run:?}");
    assert!(run.stdout.ends_with("\nNo problem found; no token was requested.\n"), "{run:?}");
    assert_eq!(apaleo.token_requests(), 0);

    let server = Server::new();
    let issuer = server.url();
    let metadata = format!(r#"{{"issuer":"{issuer}","token_endpoint":"{issuer}/token"}}"#);
    let server = server.answering([dated(0, &metadata)]);
    Run::of(&mut doctor(&["--issuer", &issuer, "--no-token"])).succeeded();
    assert_eq!(server.request_lines(), ["GET /.well-known/oauth-authorization-server"]);
}

#[test]
fn a_token_url_that_looks_like_metadata_gets_no_token_request_either() {
    let (server, url) = server([json(TOKEN)]);
    let url = url.replace("/token", "/.well-known/token");
    let run = Run::of(&mut doctor(&["--token-url", &url, "--no-token"])).succeeded();
    assert!(run.stdout.ends_with("\nNo problem found; no token was requested.\n"), "{run:?}");
    assert_eq!(server.request_lines(), ["GET /"]);
}

#[test]
fn a_vendor_that_blocks_addresses_may_have_blocked_this_one() {
    let ptv = emulator(EmulatedVendor::Ptv);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/token");
    let run = Run::of(&mut at(&ptv, "doctor", &["--token-url", &url]));
    run.found(5, "could not connect", "it may have blocked this address");
}

#[test]
fn what_is_wrong_with_the_command_line_is_said_before_anything_is_sent() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    Run::of(at(&apaleo, "doctor", &[]).env_remove("APALEO_CLIENT_SECRET"))
        .failed(2)
        .says("the client secret is missing");
    Run::of(&mut at(&apaleo, "doctor", &["--scope", "a b"])).failed(2).says("scope");
    Run::of(&mut at(&apaleo, "doctor", &["--output", "header"])).failed(2).says("text, json");
    Run::of(&mut cgrant(&["doctor"])).failed(2).says("as in `cgrant doctor apaleo`");
    assert_eq!(apaleo.token_requests(), 0);
}

#[test]
fn a_token_without_a_lifetime() {
    let (_server, url) = server([dated(0, r#"{"access_token":"canary"}"#)]);
    let run = Run::of(&mut doctor(&["--token-url", &url])).succeeded();
    assert!(run.stdout.contains("Bearer, for 5m (assumed: no lifetime in the response)\n"), "{run:?}");
}

#[test]
fn what_looks_wrong_with_the_credentials_is_named_before_the_network_and_after_a_refusal() {
    let run = |secret: &str, args: &[&str]| {
        let refusal = json(r#"{"error":"invalid_client"}"#).replace("200 OK", "401 Unauthorized");
        let (server, url) = server([refusal]);
        let run = Run::of(doctor(&[&["--token-url", &url][..], args].concat()).env("OAUTH2_CLIENT_SECRET", secret));
        assert_eq!(server.requests().len(), 1, "it is sent as it is");
        run
    };
    let looks = "which begins and ends with quotes";
    let said = run("\"canary-secret\"", &[]);
    let line = said.stdout.lines().find(|line| line.contains("credentials")).unwrap_or_default();
    assert!(line.starts_with(" ok       credentials  client-id of 2 characters; client-secret of 15"), "{said:?}");
    assert!(said.stdout.contains(looks), "{said:?}");
    said.found(3, "refused", "the client-secret from OAUTH2_CLIENT_SECRET begins and ends with quotes");
    run("op://vault/canary", &[]).found(3, "refused", "a reference to a secret, and not the secret itself");
    run("${CANARY}", &[]).found(3, "refused", "a template that was not filled in");

    let unsent = run("\"canary-secret\"", &["--no-token"]).succeeded();
    let doubt = "\nThe credentials look wrong: the client-secret from OAUTH2_CLIENT_SECRET begins and ends with quotes. \
                 Otherwise no problem; no token was requested.\n";
    assert!(unsent.stdout.ends_with(doubt), "{unsent:?}");

    let report = run("canary ", &["--output", "json"]).json();
    let looks = &step(&report, "credentials")["credentials"][1];
    assert_eq!(looks["looks"], json!(["begins or ends with a space or line break"]));
    assert_eq!((&looks["source"], &looks["characters"]), (&json!("OAUTH2_CLIENT_SECRET"), &json!(7)));
    // One that looks right is not blamed.
    let said = run("canary-secret", &[]);
    assert!(!said.stderr.contains("OAUTH2_CLIENT_SECRET from"), "{said:?}");
}

//! `--auth`: client authentication by registered names and short forms, the same for every provider.

#![cfg(test)]

mod common;

use std::fs;
use std::process::Command;

use common::server::{Answering, Server, token};
use common::{Run, cgrant};
use rcgen::KeyPair;

/// `--auth` in every spelling of a method, and where the secret must be in the request.
const SECRET_METHODS: [(&[&str], Place); 3] = [
    (&["client_secret_basic", "client-secret-basic", "basic"], Place::Header),
    (&["client_secret_basic_raw", "basic_raw", "basic-raw"], Place::Header),
    (&["client_secret_post", "client-secret-post", "CLIENT_SECRET_POST", "post", "body"], Place::Body),
];

#[derive(Clone, Copy)]
enum Place {
    Header,
    Body,
}

const ACME: &str = r#"
name = "acme"
title = "Acme Rockets"
source = "https://docs.acme.example/authentication"
read = 2026-11-26

[settings.auth]
help = "how the client authenticates"
values = ["client_secret_basic", "client_secret_basic_raw", "client_secret_post"]
default = "client_secret_basic"

[settings.token-url]
help = "the token URL"

[request]
url = "{token-url}"
authentication = "{auth}"
"#;

/// A server that issues one token, and its token URL.
fn server() -> (Answering, String) {
    let server = Server::new();
    let url = format!("{}/token", server.url());
    (server.answering([token()]), url)
}

/// The request for a token by this command, whose client has a secret.
fn request_of(prefix: &str, words: &[&str], auth: &str) -> String {
    let (server, url) = server();
    let mut command = cgrant(&[&["token"], words].concat());
    command.args(["--token-url", &url, "--auth", auth]);
    command.env(format!("{prefix}_CLIENT_ID"), "id").env(format!("{prefix}_CLIENT_SECRET"), "secret");
    Run::of(&mut command).succeeded();
    server.requests().remove(0)
}

#[test]
fn every_provider_with_a_choice_takes_registered_names_and_short_forms() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acme.toml");
    fs::write(&file, ACME).unwrap();
    let file = ["--provider-file", file.to_str().unwrap()];
    let providers: [(&str, &[&str]); 4] =
        [("COGNITO", &["cognito"]), ("OAUTH2", &["oauth2"]), ("PTV", &["ptv"]), ("ACME", &file)];
    for (prefix, words) in providers {
        for (auth, place) in
            SECRET_METHODS.iter().flat_map(|(spellings, place)| spellings.iter().map(move |s| (s, place)))
        {
            let request = request_of(prefix, words, auth);
            let basic = request.contains("authorization: Basic aWQ6c2VjcmV0\r\n");
            let post = request.contains("client_id=id&client_secret=secret");
            let expected = match place {
                Place::Header => (true, false),
                Place::Body => (false, true),
            };
            assert_eq!((basic, post), expected, "{prefix} {auth}: {request}");
        }
    }
}

/// `cgrant token oauth2` with this method and a private key.
fn with_key(auth: &str, url: &str) -> Command {
    let mut command = cgrant(&["token", "oauth2", "--token-url", url, "--auth", auth]);
    command.env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_KEY", KeyPair::generate().unwrap().serialize_pem());
    command
}

#[test]
fn the_other_methods_have_registered_names_and_short_forms_too() {
    for auth in ["private_key_jwt", "private-key-jwt"] {
        let (server, url) = server();
        Run::of(&mut with_key(auth, &url)).succeeded();
        assert!(server.requests()[0].contains("client_assertion="), "{auth}");
    }
    for auth in ["client_secret_jwt", "client-secret-jwt"] {
        let (server, url) = server();
        let mut command = cgrant(&["token", "oauth2", "--token-url", &url, "--auth", auth]);
        Run::of(command.env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_CLIENT_SECRET", "secret".repeat(8))).succeeded();
        assert!(server.requests()[0].contains("client_assertion="), "{auth}");
    }
    for auth in ["none", "NONE"] {
        let (server, url) = server();
        let mut command = cgrant(&["token", "oauth2", "--token-url", &url, "--auth", auth, "--client-id", "id"]);
        Run::of(&mut command).succeeded();
        assert!(server.requests()[0].ends_with("client_id=id"), "{auth}");
    }
    // The certificate is what is missing, so the method is understood.
    for auth in ["tls_client_auth", "self_signed_tls_client_auth", "tls-client-auth", "mtls"] {
        let run = Run::of(&mut with_key(auth, "https://login.example.com/token")).failed(2);
        run.says("the certificate is missing");
    }
}

#[test]
fn a_method_that_a_provider_does_not_support_is_refused_with_the_registered_names_of_the_others() {
    let names = "use one of client_secret_basic, client_secret_basic_raw, client_secret_post";
    for auth in ["private_key_jwt", "mtls", "json", "x"] {
        let args = ["token", "cognito", "--domain", "auth.example.com", "--auth", auth];
        Run::of(&mut cgrant(&args)).failed(2).says("error: cognito: ").says("--auth").says(names);
    }
    for provider in ["apaleo", "octorate", "resamania"] {
        Run::of(&mut cgrant(&["token", provider, "--auth", "post"])).failed(2).says("--auth");
    }
}

#[test]
fn help_lists_the_registered_names_and_mentions_the_short_forms() {
    for (provider, words) in [
        ("cognito", &["client_secret_basic, client_secret_basic_raw, client_secret_post", "short forms: basic, "][..]),
        ("oauth2", &["private_key_jwt", "tls_client_auth", "mtls"]),
    ] {
        let help = Run::of(&mut cgrant(&["token", provider, "--help"])).succeeded().stdout;
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in words {
            assert!(help.contains(words), "{words}: {help}");
        }
    }
}

//! `--provider-file`: a vendor that is described in a file, as if it were one of ours.

#![cfg(test)]

mod common;

use std::fs;
use std::process::Command;

use common::server::{Answering, Server, json, token};
use common::{Run, cgrant, emulator};
use credentials_grant_emulator::EmulatedVendor;
use serde_json::Value;
use tempfile::TempDir;

const ACME: &str = r#"
name = "acme"
title = "Acme Rockets"
source = "https://docs.acme.example/authentication"
read = 2026-11-26

[settings.shop]
help = "the name of your shop"

[settings.gateway-key]
help = "the key of Acme's gateway"
secret = true

[request]
url = "{token-url}"
encoding = "json"
authentication = "custom"
grant-type = "none"
parameters.appId = "{client-id}"
parameters.appSecret = "{client-secret}"
parameters.shop = "{shop}"
headers.X-Gateway-Key = "{gateway-key}"

[settings.token-url]
help = "the token URL"

[response]
token = "/data/token"

[policy]
presentation.header = "X-Acme-Token"
"#;

/// A folder with a vendor's file in it.
struct Folder {
    folder: TempDir,
    path: String,
}

impl Folder {
    fn with(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.toml");
        fs::write(&path, file).unwrap();
        Self { path: path.to_str().unwrap().to_owned(), folder }
    }

    fn cgrant(&self, words: &[&str]) -> Command {
        let words: Vec<_> = words.iter().map(|word| word.replace("FILE", &self.path)).collect();
        cgrant(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The client's secrets, each in its variable.
    fn told(&self, words: &[&str]) -> Command {
        let mut command = self.cgrant(words);
        command.env("ACME_CLIENT_ID", "id").env("ACME_CLIENT_SECRET", "canary").env("ACME_GATEWAY_KEY", "canary-key");
        command
    }
}

fn acme() -> (Answering, String) {
    let server = Server::new();
    let url = format!("{}/token", server.url());
    (server.answering([json(r#"{"data":{"token":"abc"}}"#), token()]), url)
}

#[test]
fn a_vendor_in_a_file_gives_a_token_and_its_settings_are_flags_and_variables() {
    let folder = Folder::with(ACME);
    for words in [&["token", "--provider-file", "FILE"][..], &["-vv", "token", "--provider-file=FILE"]] {
        let (server, url) = acme();
        let mut command = folder.told(words);
        command.args(["--shop", "north", "--token-url", &url, "--output", "header"]);
        let run = Run::of(&mut command).succeeded();
        assert_eq!(run.stdout, "X-Acme-Token: abc\n");
        let requests = server.requests();
        let [request] = &requests[..] else { panic!("{requests:?}") };
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.to_ascii_lowercase().contains("x-gateway-key: canary-key"), "{head}");
        assert_eq!(body, r#"{"appId":"id","appSecret":"canary","shop":"north"}"#);
    }
}

#[test]
fn what_was_taken_from_which_variable_is_said_without_its_value() {
    let folder = Folder::with(ACME);
    let key = folder.folder.path().join("canary-key");
    fs::write(&key, "canary-key").unwrap();
    let run = |words: &[&str], url: &str| {
        let mut command = folder.told(words);
        command.env("ACME_SHOP", "canary-shop").env_remove("ACME_GATEWAY_KEY").env("ACME_GATEWAY_KEY_FILE", &key);
        let run = Run::of(command.args(["--token-url", url])).succeeded();
        assert!(!run.stderr.contains("canary"), "{run:?}");
        run
    };
    let (_server, url) = acme();
    let verbose = run(&["token", "--provider-file", "FILE", "-v"], &url);
    let verbose = verbose.says("using ACME_SHOP for --shop").says("using ACME_CLIENT_ID for --client-id");
    verbose
        .says("using ACME_CLIENT_SECRET for --client-secret-file")
        .says("using ACME_GATEWAY_KEY_FILE for --gateway-key-file");

    let (_server, url) = acme();
    let doctor = run(&["doctor", "--provider-file", "FILE"], &url);
    let line = doctor.stdout.replace("\n                     ", " ");
    let sources = "client-id from ACME_CLIENT_ID, client-secret from ACME_CLIENT_SECRET, gateway-key from \
                   ACME_GATEWAY_KEY_FILE, shop from ACME_SHOP, token-url from --token-url";
    assert!(line.contains(&format!(" ok       settings     {sources}\n")), "{doctor:?}");
    assert!(!doctor.stdout.contains("canary"), "{doctor:?}");

    let (_server, url) = acme();
    let report = run(&["doctor", "--provider-file", "FILE", "--output", "json"], &url).json();
    let expected = serde_json::json!({
        "client-id": "ACME_CLIENT_ID",
        "client-secret": "ACME_CLIENT_SECRET",
        "gateway-key": "ACME_GATEWAY_KEY_FILE",
        "shop": "ACME_SHOP",
        "token-url": "--token-url",
    });
    assert_eq!((&report["steps"][0]["step"], &report["steps"][0]["sources"]), (&"settings".into(), &expected));
}

#[test]
fn a_file_that_would_get_another_programs_variables_is_refused() {
    for (name, variable) in [("github", "GITHUB_TOKEN"), ("aws", "AWS_SECRET_ACCESS_KEY"), ("api", "API_KEY")] {
        let folder = Folder::with(&ACME.replace("name = \"acme\"", &format!("name = \"{name}\"")));
        let mut command = folder.cgrant(&["token", "--provider-file", "FILE"]);
        let run = Run::of(command.env(variable, "canary")).failed(2);
        run.says(&format!("the name `{name}` is reserved")).says("choose another name");
    }
}

#[test]
fn what_is_missing_is_asked_for_by_flag_and_variable() {
    let folder = Folder::with(ACME);
    let run = |words: &[&str]| Run::of(&mut folder.told(words));
    let shop = run(&["token", "--provider-file", "FILE", "--token-url", "http://127.0.0.1:9/"]).failed(2);
    shop.says("acme: the setting --shop or ACME_SHOP is missing");
    let url = run(&["token", "--provider-file", "FILE", "--shop", "north"]).failed(2);
    url.says("--token-url or ACME_TOKEN_URL");
    let words = ["token", "--provider-file", "FILE", "--shop", "north", "--token-url", "http://127.0.0.1:9/"];
    let secret = Run::of(folder.cgrant(&words).env("ACME_CLIENT_ID", "id")).failed(2);
    secret.says("acme: the client secret is missing").says("--client-secret-file PATH").says("ACME_CLIENT_SECRET");
    let exposed = run(&["token", "--provider-file", "FILE", "--gateway-key", "canary"]).failed(2);
    exposed.says("there is no --gateway-key").says("--gateway-key-file");
    let unknown = run(&["token", "--provider-file", "FILE", "--shpo", "north"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("--shop"), "{unknown:?}");
}

#[test]
fn help_lists_what_the_file_has() {
    let folder = Folder::with(ACME);
    let help = Run::of(&mut folder.cgrant(&["token", "--provider-file", "FILE", "--help"])).succeeded().stdout;
    for words in [
        "Acme Rockets",
        "--shop",
        "ACME_SHOP",
        "--gateway-key-file",
        "The key of Acme's gateway",
        "cgrant token --provider-file PATH",
    ] {
        assert!(help.contains(words), "{words}: {help}");
    }
    assert!(!help.contains("--kid"), "it takes no key: {help}");
    let help = Run::of(&mut cgrant(&["token", "--help"])).succeeded().stdout;
    assert!(help.contains("--provider-file <PATH>"), "{help}");
}

#[test]
fn a_file_that_is_wrong_is_refused_with_line_and_column() {
    let folder = Folder::with(&ACME.replace("encoding =", "encodnig ="));
    let run = Run::of(&mut folder.told(&["token", "--provider-file", "FILE"])).failed(2);
    run.says("acme.toml, line 16, column 1").says("unknown key `encodnig`");
    let nowhere = folder.folder.path().join("nowhere.toml");
    let run = Run::of(&mut cgrant(&["token", "--provider-file", nowhere.to_str().unwrap()])).failed(2);
    run.says("cannot be read");
}

#[test]
fn a_wrong_command_line_is_explained() {
    let folder = Folder::with(ACME);
    let run = |words: &[&str]| Run::of(&mut folder.told(words)).failed(2);
    run(&["token", "--provider-file"]).says("--provider-file needs a path");
    run(&["token", "--provider-file", "--shop", "north"]).says("--provider-file needs a path");
    run(&["token", "--provider-file="]).says("--provider-file needs a path");
    run(&["token", "apaleo", "--provider-file", "FILE"]).says("--provider-file and apaleo each name a provider");
    run(&["revoke", "--provider-file", "FILE"]).says("does not support introspection");
    let demo = Run::of(&mut folder.told(&["demo", "--provider-file", "FILE"]));
    assert_eq!(demo.code, Some(2), "{demo:?}");
}

#[test]
fn a_file_may_stand_in_for_one_of_our_own_and_walks_the_whole_trip() {
    let file = r#"
        name = "apaleo"
        title = "apaleo, as a file"
        source = "https://apaleo.dev/guides/start/oauth-connection/simple-client"
        read = 2026-11-26
        request.url = "https://identity.apaleo.com/connect/token"
        request.authentication = "basic"
        policy.hosts = ["api.apaleo.com"]
    "#;
    let (folder, apaleo) = (Folder::with(file), emulator(EmulatedVendor::Apaleo));
    let told = |words: &[&str]| {
        let mut command = folder.cgrant(words);
        command.env("APALEO_TOKEN_URL", apaleo.token_url().as_str());
        command.env("APALEO_CLIENT_ID", apaleo.client_id()).env("APALEO_CLIENT_SECRET", apaleo.client_secret());
        command
    };
    let call = apaleo.api_call();
    let host = call.url.authority().to_owned();
    let words = ["request", "--provider-file", "FILE", "GET", call.url.as_str(), "--host", &host, "--output", "json"];
    let answer = Run::of(&mut told(&words)).succeeded().json();
    assert_eq!(answer["status"], 200, "{answer}");
    let doctor = Run::of(&mut told(&["doctor", "--provider-file", "FILE", "--output", "json"])).succeeded().json();
    assert!(
        doctor["steps"].as_array().is_some_and(|steps| steps.iter().any(|step| step["step"] == "token")),
        "{doctor}"
    );
    assert_ne!(doctor, Value::Null);
}

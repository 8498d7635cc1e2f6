//! What a server sends does not fill the machine's memory.

#![cfg(all(test, target_os = "linux"))]

mod common;

use std::process::{Command, Stdio};

use common::server::{Answering, Server};
use common::{Run, at, emulator, token};
use credentials_grant_emulator::{EmulatedVendor, Misbehaviour};

/// The memory that a run may write to, in KiB.
const MOST: u32 = 64 * 1024;

/// The same command, which may take no more than that.
fn limited(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.env_clear().arg("-c").arg(format!("ulimit -d {MOST}; exec \"$0\" \"$@\""));
    limited.arg(command.get_program()).args(command.get_args());
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited
}

#[test]
fn a_token_is_had_or_refused_within_64_mib() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    Run::of(&mut limited(&token(&apaleo, &[]))).succeeded();
    for misbehaviour in [Misbehaviour::EndlessBody, Misbehaviour::GzipBomb, Misbehaviour::HugeBody] {
        apaleo.misbehave(misbehaviour);
        Run::of(&mut limited(&token(&apaleo, &[]))).failed(6).says("answered with more than 1 MiB");
    }
}

#[test]
fn an_apis_answer_as_json_is_printed_or_refused_within_64_mib() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let limit = 8 * 1024 * 1024;
    let chunks = |body: Vec<u8>| {
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        [head, body].concat()
    };
    // The longest text, in characters of which each takes six as JSON; and the longest that is not text.
    for (body, encoding) in [(vec![b'\x01'; limit], "utf-8"), (vec![b'\xff'; limit], "base64")] {
        let (server, url) = one_answer(chunks(body));
        let args = ["GET", &url, "--host", &url.replace("http://", ""), "--output", "json"];
        let run = Run::of(&mut limited(&at(&apaleo, "request", &args))).succeeded();
        assert_eq!(run.json()["body_encoding"], encoding);
        drop(server);
    }
    // One byte more, announced or not.
    let announced = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", u64::MAX / 2).into_bytes();
    for answer in [chunks(vec![b'x'; limit + 1]), announced] {
        let (server, url) = one_answer(answer);
        let args = ["GET", &url, "--host", &url.replace("http://", ""), "--output", "json"];
        let run = Run::of(&mut limited(&at(&apaleo, "request", &args))).failed(6);
        run.says("answered with more than 8 MiB").says("leave out --output json");
        drop(server);
    }
}

fn one_answer(answer: Vec<u8>) -> (Answering, String) {
    let server = Server::new();
    let url = server.url();
    (server.answering([answer]), url)
}

#[test]
fn an_apis_answer_of_any_length_is_passed_on_within_64_mib() {
    let length = 200 * 1024 * 1024;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let server = Server::new();
    let url = server.url();
    let host = url.strip_prefix("http://").unwrap().to_owned();
    let _server = server.answering([[head.into_bytes(), vec![b'x'; length]].concat()]);
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let mut request = limited(&at(&apaleo, "request", &["GET", &url, "--host", &host]));
    let mut child = request.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let passed_on = std::io::copy(&mut child.stdout.take().unwrap(), &mut std::io::sink()).unwrap();
    assert_eq!((passed_on, child.wait().unwrap().code()), (length as u64, Some(0)));
}

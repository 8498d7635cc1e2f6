//! Tokens that runs on several machines leave for each other in Redis or Valkey.

#![cfg(test)]

mod common;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::Duration;

use common::{Run, cgrant, emulator, token};
use credentials_grant_emulator::EmulatedVendor;
use credentials_grant_test_kit::RedisKind;
use tempfile::{TempDir, tempdir};

const KEYRING: &str = "name KCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkc=\n\
                       seal jI2Oj5CRkpOUlZaXmJmam5ydnp+goaKjpKWmp6ipqqs=\n";

/// A server with a password.
struct Server {
    child: Child,
    port: u16,
    directory: TempDir,
}

impl Server {
    /// Returns `None`, and says so, if there is no such server.
    fn start(kind: RedisKind) -> Option<Self> {
        if !kind.is_there() {
            return None;
        }
        loop {
            let directory = tempdir().unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let child = kind.spawn(directory.path(), port, &["--requirepass", "canary/pass"].map(str::to_owned));
            let mut server = Self { child, port, directory };
            // Somebody else may have got the port meanwhile.
            if server.is_ready() {
                return Some(server);
            }
        }
    }

    fn is_ready(&mut self) -> bool {
        while self.child.try_wait().unwrap().is_none() {
            if TcpStream::connect_timeout(&([127, 0, 0, 1], self.port).into(), Duration::from_secs(1)).is_ok() {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Puts the password and a keyring into files, and names them.
    fn settings<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let [keys, password] = ["keyring", "password"].map(|name| self.directory.path().join(name));
        fs::write(&keys, KEYRING).unwrap();
        fs::write(&password, "canary/pass\n").unwrap();
        command.env("CGRANT_STORE_KEYS_FILE", keys).env("CGRANT_STORE_PASSWORD_FILE", password)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn runs_on_all_machines_share_a_token_through_redis_and_valkey() {
    for server in [RedisKind::Redis, RedisKind::Valkey].into_iter().filter_map(Server::start) {
        let emulator = emulator(EmulatedVendor::Apaleo);
        let whole = server.url().replace("//", "//:canary%2Fpass@");
        let by_variable = Run::of(server.settings(&mut token(&emulator, &[])).env("CGRANT_STORE", whole)).succeeded();
        // The variable of the password is not needed beside a URL that has one.
        let by_flag = Run::of(server.settings(&mut token(&emulator, &["--store", &server.url()]))).succeeded();
        assert_eq!(by_flag.stdout, by_variable.stdout);
        for _ in 0..5 {
            Run::of(server.settings(&mut token(&emulator, &["--store", &server.url()]))).succeeded();
        }
        assert_eq!(emulator.token_requests(), 1);
        for run in [by_variable, by_flag] {
            assert!(!run.stderr.contains("canary"), "{run:?}");
        }
    }
}

#[test]
fn a_redis_that_is_down_or_wants_another_password_costs_no_token() {
    let emulator = emulator(EmulatedVendor::Apaleo);
    let run = |url: &str, password: &str| {
        let mut command = token(&emulator, &["--store", url]);
        Run::of(command.env("CGRANT_STORE_KEYS", KEYRING).env("CGRANT_STORE_PASSWORD", password))
    };
    let nobody =
        format!("redis://127.0.0.1:{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
    run(&nobody, "").succeeded().says("the token store failed; going on without it");
    for server in [RedisKind::Redis, RedisKind::Valkey].into_iter().filter_map(Server::start) {
        run(&server.url(), "canary-wrong").succeeded().says("the token store failed; going on without it");
    }
}

#[test]
fn the_address_of_a_server_without_a_scheme_makes_no_directory() {
    let emulator = emulator(EmulatedVendor::Apaleo);
    for address in ["localhost:6379", "cache.example.com:6379/0", "redis:/localhost", "unix:/run/redis.sock"] {
        let run = Run::of(&mut token(&emulator, &["--store", address])).failed(2);
        run.says("--store looks like the address of a server").says("rediss://user@host:6379");
        let run = Run::of(cgrant(&["store", "path"]).env("CGRANT_STORE", address)).failed(2);
        run.says("CGRANT_STORE looks like the address of a server");
    }
    assert_eq!(emulator.token_requests(), 0);
}

#[test]
fn what_is_wrong_with_the_settings_is_said_before_anything_is_sent() {
    let emulator = emulator(EmulatedVendor::Apaleo);
    let run = |url: &str, keyring: &str| {
        Run::of(token(&emulator, &["--store", url]).env("CGRANT_STORE_KEYS", keyring)).failed(2)
    };
    run("redis://localhost", "")
        .says("--store: a store in Redis needs a keyring")
        .says("cgrant store key --keyring")
        .says("CGRANT_STORE_KEYS_FILE");
    run("redis://:canary@localhost", KEYRING).says("command lines").says("CGRANT_STORE_PASSWORD_FILE");
    run("redis://cache.example.com", KEYRING).says("plain text").says("rediss://");
    run("http://localhost", KEYRING).says("--store: ").says("rediss://user@host:6379/0");
    let mut command = token(&emulator, &[]);
    let command = command.env("CGRANT_STORE", "redis://:canary@cache.example.com").env("CGRANT_STORE_KEYS", KEYRING);
    Run::of(command).failed(2).says("CGRANT_STORE: ");
    assert_eq!(emulator.token_requests(), 0);
    for args in [&["list"][..], &["clear"], &["path"], &["show", "token-"]] {
        let mut command = cgrant(&[&["store"], args].concat());
        Run::of(command.env("CGRANT_STORE", "redis://localhost"))
            .failed(2)
            .says("CGRANT_STORE is a URL")
            .says("redis-cli");
    }
}

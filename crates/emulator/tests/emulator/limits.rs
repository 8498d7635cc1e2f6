use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use credentials_grant_emulator::{EmulatedVendor, Emulator, EmulatorClock, RunningEmulator};

use crate::{http, send, standing_clock, start, token_request};

#[tokio::test]
async fn ptv_throttles_the_fifty_first_request_of_a_second() {
    let clock = standing_clock();
    let ptv = Emulator::new(EmulatedVendor::Ptv).with_clock(clock.clone()).start().unwrap();

    for _ in 0..50 {
        assert_eq!(send(token_request(&ptv)).await.status, 200);
    }
    let throttled = send(token_request(&ptv)).await;
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, None));

    clock.advance(Duration::from_secs(1));
    assert_eq!(send(token_request(&ptv)).await.status, 200);
    assert_eq!((ptv.token_requests(), ptv.tokens_issued()), (52, 51));
}

#[tokio::test]
async fn the_rate_limit_counts_the_last_second() {
    let clock = standing_clock();
    let ptv = Emulator::new(EmulatedVendor::Ptv).with_rate_limit(2).with_clock(clock.clone()).start().unwrap();
    let half = Duration::from_millis(500);

    assert_eq!(send(token_request(&ptv)).await.status, 200);
    clock.advance(half);
    assert_eq!(send(token_request(&ptv)).await.status, 200);
    assert_eq!(send(token_request(&ptv)).await.status, 429);
    clock.advance(half);
    assert_eq!(send(token_request(&ptv)).await.status, 200);
    assert_eq!(send(token_request(&ptv)).await.status, 429);
}

#[tokio::test]
async fn cognito_throttles_the_hundred_and_fifty_first() {
    let cognito = Emulator::new(EmulatedVendor::Cognito).with_clock(standing_clock()).start().unwrap();
    let wrong = http().get(cognito.token_url().clone());

    for _ in 0..150 {
        assert_eq!(send(wrong.try_clone().unwrap()).await.status, 400);
    }
    assert_eq!(send(wrong).await.status, 429);
}

#[tokio::test]
async fn a_rate_limit_can_be_removed() {
    let ptv = Emulator::new(EmulatedVendor::Ptv).without_rate_limit().with_clock(standing_clock()).start().unwrap();

    for _ in 0..60 {
        assert_eq!(send(token_request(&ptv)).await.status, 200);
    }
}

#[test]
fn ptv_blocks_the_address_after_ten_failed_logins_and_only_for_a_minute() {
    let clock = standing_clock();
    let ptv = Emulator::new(EmulatedVendor::Ptv).with_clock(clock.clone()).start().unwrap();
    let mut kept_alive = Connection::open(&ptv);
    let mut idle = Connection::open(&ptv);
    assert_eq!(idle.ask("wrong"), Some(401));
    for _ in 0..9 {
        assert_eq!(kept_alive.ask("wrong"), Some(401));
    }

    assert_eq!(kept_alive.ask(ptv.client_secret()), None);
    assert_eq!(idle.ask(ptv.client_secret()), None);
    assert_eq!(Connection::open(&ptv).ask(ptv.client_secret()), None);
    assert_eq!(ptv.token_requests(), 10);

    clock.advance(Duration::from_secs(59));
    assert_eq!(Connection::open(&ptv).ask(ptv.client_secret()), None);
    clock.advance(Duration::from_secs(1));
    assert_eq!(Connection::open(&ptv).ask(ptv.client_secret()), Some(200));
}

#[test]
fn a_connection_of_a_blocked_address_is_reset_before_a_request() {
    let ptv = blocking_after_two(&standing_clock());
    let mut connection = Connection::open(&ptv);
    assert_eq!((connection.ask("wrong"), connection.ask("wrong")), (Some(401), Some(401)));

    let mut silent = Connection::open(&ptv).stream;
    // Reached only if the server does not reset the connection.
    silent.set_read_timeout(Some(Duration::from_secs(10))).unwrap();

    assert_eq!(silent.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_successful_login_resets_the_count_of_failures() {
    let ptv = blocking_after_two(&standing_clock());
    let mut connection = Connection::open(&ptv);

    for _ in 0..3 {
        assert_eq!(connection.ask("wrong"), Some(401));
        assert_eq!(connection.ask(ptv.client_secret()), Some(200));
    }
}

#[test]
fn the_count_of_failures_starts_again_after_a_block() {
    let clock = standing_clock();
    let ptv = blocking_after_two(&clock);

    for _ in 0..2 {
        let mut connection = Connection::open(&ptv);
        assert_eq!(connection.ask("wrong"), Some(401));
        assert_eq!(connection.ask("wrong"), Some(401));
        assert_eq!(connection.ask("wrong"), None);
        clock.advance(Duration::from_secs(5));
    }
}

#[test]
fn an_address_is_not_blocked_without_the_setting() {
    let unblocked = Emulator::new(EmulatedVendor::Ptv).without_address_block().start().unwrap();

    for (emulator, status) in [(unblocked, 401), (start(EmulatedVendor::Apaleo), 400)] {
        let mut connection = Connection::open(&emulator);
        for _ in 0..20 {
            assert_eq!(connection.ask("wrong"), Some(status));
        }
    }
}

fn blocking_after_two(clock: &EmulatorClock) -> RunningEmulator {
    Emulator::new(EmulatedVendor::Ptv)
        .with_address_block(2, Duration::from_secs(5))
        .with_clock(clock.clone())
        .start()
        .unwrap()
}

/// One connection without an HTTP client, which would open another when this one ends.
struct Connection<'a> {
    emulator: &'a RunningEmulator,
    stream: TcpStream,
}

impl<'a> Connection<'a> {
    fn open(emulator: &'a RunningEmulator) -> Self {
        let port = emulator.token_url().port().unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        Self { emulator, stream }
    }

    /// Returns the status of the response, or `None` if the connection ends without one.
    fn ask(&mut self, secret: &str) -> Option<u16> {
        let id = self.emulator.client_id();
        let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n{body}",
            path = self.emulator.token_url().path(),
            host = self.emulator.token_url().authority(),
            length = body.len(),
        );
        self.stream.write_all(request.as_bytes()).ok()?;
        let mut response = [0; 16 * 1024];
        let read = self.stream.read(&mut response).ok().filter(|read| *read > 0)?;
        let text = std::str::from_utf8(&response[..read]).unwrap();
        Some(text.split(' ').nth(1).unwrap().parse().unwrap())
    }
}

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use credentials_grant_emulator::{EmulatedVendor, Emulator, StartError};

use crate::{call_api, send, start, token_request};

#[tokio::test]
async fn every_vendor_issues_revokes_and_renews_a_token() {
    for vendor in EmulatedVendor::ALL {
        let emulator = start(*vendor);
        let token = send(token_request(&emulator)).await.token();
        assert_eq!(call_api(&emulator, Some(&token)).await.status, 200, "{vendor}");

        emulator.revoke_all();
        assert_eq!(call_api(&emulator, Some(&token)).await.status, 401, "{vendor}");

        let renewed = send(token_request(&emulator)).await.token();
        assert_eq!(call_api(&emulator, Some(&renewed)).await.status, 200, "{vendor}");
        assert_eq!((emulator.token_requests(), emulator.tokens_issued()), (2, 2), "{vendor}");
    }
}

#[tokio::test]
async fn two_tokens_of_one_second_differ() {
    for vendor in EmulatedVendor::ALL {
        let emulator = Emulator::new(*vendor).with_clock(crate::standing_clock()).start().unwrap();
        let tokens = [(); 2].map(|()| token_request(&emulator));
        let [first, second] = tokens.map(send);
        assert_ne!(first.await.token(), second.await.token(), "{vendor}");
    }
}

#[tokio::test]
async fn a_token_of_another_emulator_is_not_accepted() {
    let (one, other) = (start(EmulatedVendor::Apaleo), start(EmulatedVendor::Apaleo));
    let token = send(token_request(&one)).await.token();

    assert_eq!(call_api(&other, Some(&token)).await.status, 401);
}

#[test]
fn dropping_ends_connections_and_frees_the_port() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let port = apaleo.token_url().port().unwrap();
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(connection, "GET /_emulator HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n").unwrap();
    assert!(connection.read(&mut [0; 4096]).unwrap() > 0);

    drop(apaleo);

    assert_eq!(connection.read(&mut [0; 4096]).unwrap(), 0);
    let again = Emulator::new(EmulatedVendor::Apaleo).with_port(port).start().unwrap();
    assert_eq!(again.token_url().port(), Some(port));
}

#[test]
fn a_taken_port_is_named_in_the_error() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();

    let error = Emulator::new(EmulatedVendor::Ptv).with_port(port).start().unwrap_err();

    assert!(matches!(&error, StartError::Port { port: named, .. } if *named == port));
    assert_eq!(
        error.to_string(),
        format!("cannot listen on 127.0.0.1:{port}: choose another port, or 0 for a free one")
    );
}

#[tokio::test]
async fn debug_output_has_no_secret_and_no_token() {
    let settings =
        Emulator::new(EmulatedVendor::Resamania).with_client("123_id", "canary-secret").with_gateway_key("canary-key");
    let printed = format!("{settings:?}");
    let resamania = settings.start().unwrap();
    let token = send(token_request(&resamania)).await.token();

    let misbehaving = resamania.misbehave(credentials_grant_emulator::Misbehaviour::Drop);
    let printed = format!("{printed} {resamania:?} {:?} {misbehaving:?}", resamania.api_call());

    assert!(printed.contains("123_id") && printed.contains("Sensitive"), "{printed}");
    for secret in ["canary", token.as_str()] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn a_vendor_is_parsed_from_and_displayed_as_its_name() {
    for vendor in EmulatedVendor::ALL {
        assert_eq!(vendor.to_string().parse(), Ok(*vendor));
    }
    let unknown = "oracle".parse::<EmulatedVendor>().unwrap_err();
    assert_eq!(unknown.to_string(), "unknown vendor \"oracle\": use one of apaleo, cognito, octorate, ptv, resamania");
}

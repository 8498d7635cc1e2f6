//! A server that is no vendor of ours, found by its issuer.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener};

use common::{Run, cgrant};

#[test]
fn an_issuer_and_credentials_are_all_that_is_needed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let metadata = format!(r#"{{"issuer":"{issuer}","token_endpoint":"{issuer}/token"}}"#);
    let token = r#"{"access_token":"abc","expires_in":3600}"#.to_owned();
    let server = std::thread::spawn(move || {
        [metadata, token].map(|body| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 2048];
            let length = stream.read(&mut request).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).unwrap();
            // What is closed before it was read to its end may be reset, and the answer lost.
            stream.shutdown(Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
            String::from_utf8_lossy(&request[..length]).lines().next().unwrap().to_owned()
        })
    });

    let mut token = cgrant(&["token", "oauth2", "--issuer", &issuer]);
    let run = Run::of(token.env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_CLIENT_SECRET", "secret")).succeeded();
    assert_eq!(run.stdout, "abc\n");
    assert_eq!(
        server.join().unwrap(),
        ["GET /.well-known/oauth-authorization-server HTTP/1.1", "POST /token HTTP/1.1"]
    );
}

//! A server on loopback that is no vendor of ours, over TLS where the test wants it.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Gives each request the next of its answers, and keeps what it was asked. It ends with the test.
pub(crate) struct Server {
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

/// A server that answers.
pub(crate) struct Answering {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), tls: None }
    }

    pub(crate) fn over_tls(config: ServerConfig) -> Self {
        Self { tls: Some(Arc::new(config)), ..Self::new() }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.listener.local_addr().unwrap())
    }

    pub(crate) fn answering<A: Into<Vec<u8>>>(self, answers: impl IntoIterator<Item = A>) -> Answering {
        let Self { listener, tls } = self;
        let address = listener.local_addr().unwrap();
        let answers: Arc<Mutex<VecDeque<Vec<u8>>>> =
            Arc::new(Mutex::new(answers.into_iter().map(Into::into).collect()));
        let (requests, is_over) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let (seen, over) = (Arc::clone(&requests), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (answers, seen, tls) = (Arc::clone(&answers), Arc::clone(&seen), tls.clone());
                thread::spawn(move || serve(socket, tls, &answers, &seen));
            }
        });
        Answering { address, requests, is_over, thread: Some(thread) }
    }
}

impl Answering {
    /// What it was asked so far: the head and the body of each request, with the names of headers in lower case.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.as_written().iter().map(|request| with_lower_case_names(request)).collect()
    }

    /// What it was asked so far, as it was written.
    pub(crate) fn as_written(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The first line of each request, without the version.
    pub(crate) fn request_lines(&self) -> Vec<String> {
        let line = |request: &String| request.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
        self.requests().iter().map(line).collect()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn with_lower_case_names(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let line = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
        None => line.to_owned(),
    };
    [&head.split("\r\n").map(line).collect::<Vec<_>>().join("\r\n"), "\r\n\r\n", body].concat()
}

/// An answer in full.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

pub(crate) fn json(body: &str) -> String {
    answer("200 OK", "content-type: application/json\r\n", body)
}

pub(crate) fn token() -> String {
    json(r#"{"access_token":"abc","token_type":"Bearer","expires_in":3600}"#)
}

fn serve(
    socket: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    answers: &Mutex<VecDeque<Vec<u8>>>,
    seen: &Mutex<Vec<String>>,
) {
    let Some(tls) = tls else { return converse(&mut &socket, &socket, answers, seen) };
    let Ok(plain) = socket.try_clone() else { return };
    let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), socket);
    converse(&mut stream, &plain, answers, seen);
}

fn converse(
    stream: &mut (impl Read + Write),
    socket: &TcpStream,
    answers: &Mutex<VecDeque<Vec<u8>>>,
    seen: &Mutex<Vec<String>>,
) {
    // Who only looks whether somebody is there asks nothing.
    let Some(request) = request(stream) else { return };
    seen.lock().unwrap().push(request);
    let answer = answers.lock().unwrap().pop_front();
    // A client that has seen enough hangs up.
    let _ = answer.map(|answer| stream.write_all(&answer).and_then(|()| stream.flush()));
    // What is closed before it was read to its end may be reset, and the answer lost.
    let _ = socket.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

/// The head and the body of a request, if there is one.
fn request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut part = [0; 2048];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut part) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&part[..read]),
            _ => return None,
        }
    }
}

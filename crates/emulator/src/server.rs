//! The socket. It has a thread and a runtime of its own, so that connections can be dropped below HTTP and all of them
//! end at once.

use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener as StdTcpListener};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::admin;
use crate::caller::check_host;
use crate::delivery::{Body, Delivery, Dropped};
use crate::request::Request;
use crate::service::EmulatorService;
use crate::start_error::StartError;

const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Listens on loopback; port 0 lets the system choose one.
pub(crate) fn listen(port: u16) -> Result<StdTcpListener, StartError> {
    StdTcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|source| StartError::Port { port, source })
}

/// The thread that serves. Dropping it ends every connection and frees the port before `drop` returns.
pub(crate) struct ServerThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ServerThread {
    pub(crate) fn start(listener: StdTcpListener, service: Arc<EmulatorService>) -> Result<Self, StartError> {
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name(format!("{} emulator", service.name))
            .spawn(move || {
                // Ignored results: a closed channel means that the other side has gone, and then nobody waits.
                match start_runtime(listener, service) {
                    Ok(runtime) => {
                        let _ = ready.send(Ok(()));
                        let _ = runtime.block_on(stopped);
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
            })
            .map_err(StartError::Server)?;
        let server_thread = Self { stop: Some(stop), thread: Some(thread) };
        started.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())).map_err(StartError::Server)?;
        Ok(server_thread)
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Ignored result: the thread has already printed its panic.
            let _ = thread.join();
        }
    }
}

fn start_runtime(listener: StdTcpListener, service: Arc<EmulatorService>) -> io::Result<runtime::Runtime> {
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let listener = {
        // `from_std` registers the socket with the runtime that is entered.
        let _guard = runtime.enter();
        TcpListener::from_std(listener)?
    };
    runtime.spawn(accept(listener, service));
    Ok(runtime)
}

async fn accept(listener: TcpListener, service: Arc<EmulatorService>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) if is_blocked(&service, peer.ip()) => reset(&stream),
            Ok((stream, peer)) => drop(tokio::spawn(serve_connection(stream, peer.ip(), service.clone()))),
            // Usually there is no free file descriptor: wait until one may be.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

fn is_blocked(service: &EmulatorService, address: IpAddr) -> bool {
    service.server.limits.is_blocked(address, service.server.now())
}

/// Resets the connection when the stream is dropped, as a firewall does, instead of closing it as a server does.
fn reset(stream: &TcpStream) {
    // Ignored result: if the system refuses, the connection is closed instead.
    let _ = stream.set_zero_linger();
}

async fn serve_connection(stream: TcpStream, source: IpAddr, service: Arc<EmulatorService>) {
    let respond = service_fn(|request| respond(source, request, &service));
    let mut connection = http1::Builder::new();
    // A client that connects and sends nothing must not hold a connection for ever.
    connection.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    // Ignored result: the client closed the connection, or the emulator dropped it on purpose.
    let _ = connection.serve_connection(TokioIo::new(stream), respond).await;
}

async fn respond(
    source: IpAddr,
    request: http::Request<Incoming>,
    service: &EmulatorService,
) -> Result<Response<Body>, Dropped> {
    // Again for every request: the address may be blocked since it opened the connection.
    if is_blocked(service, source) {
        return Err(Dropped);
    }
    let request = Request::read(source, request).await;
    let delivery = if let Err(refusal) = check_host(&request, service.address) {
        Delivery::Whole(refusal)
    } else if request.path().starts_with(admin::PATH) {
        Delivery::Whole(admin::respond(service, &request))
    } else {
        service.respond(&request)
    };
    delivery.response().await
}

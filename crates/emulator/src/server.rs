//! The socket: a thread with its own runtime, so that connections can be dropped below HTTP and all of it ends at once.

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
use crate::authorization_server::AuthorizationServer;
use crate::delivery::{Body, Delivery, Dropped};
use crate::request::Request;
use crate::start_error::StartError;

const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Listens on loopback; the system says which port it became.
pub(crate) fn listen(port: u16) -> Result<StdTcpListener, StartError> {
    StdTcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|source| StartError::Port { port, source })
}

/// The thread that serves. Dropping it ends every connection and frees the port before it returns.
pub(crate) struct ServerThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ServerThread {
    pub(crate) fn start(listener: StdTcpListener, server: Arc<AuthorizationServer>) -> Result<Self, StartError> {
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name(format!("{} emulator", server.settings.vendor))
            .spawn(move || {
                // Neither end of a channel that has been let go needs an answer.
                match start_runtime(listener, server) {
                    Ok(runtime) => {
                        let _ = ready.send(Ok(()));
                        let _ = runtime.block_on(stopped);
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
            })
            .map_err(StartError::Server)?;
        let serving = Self { stop: Some(stop), thread: Some(thread) };
        started.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())).map_err(StartError::Server)?;
        Ok(serving)
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has already been reported by its thread.
            let _ = thread.join();
        }
    }
}

fn start_runtime(listener: StdTcpListener, server: Arc<AuthorizationServer>) -> io::Result<runtime::Runtime> {
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    runtime.spawn(accept(listener, server));
    Ok(runtime)
}

async fn accept(listener: TcpListener, server: Arc<AuthorizationServer>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) if server.limits.blocks(peer.ip(), server.now()) => reset(&stream),
            Ok((stream, peer)) => drop(tokio::spawn(serve_connection(stream, peer.ip(), server.clone()))),
            // Out of file descriptors, as a rule: some may be free again in a moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Ends the connection as a firewall would, not as a server that says goodbye.
fn reset(stream: &TcpStream) {
    // Should the system refuse, the connection is closed all the same.
    let _ = stream.set_zero_linger();
}

async fn serve_connection(stream: TcpStream, source: IpAddr, server: Arc<AuthorizationServer>) {
    let service = service_fn(|request| respond(source, request, &server));
    // An error here is a client that left, or a connection that was dropped on purpose.
    let mut connection = http1::Builder::new();
    // Who connects and says nothing keeps a place that others may need.
    connection.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(
    source: IpAddr,
    request: http::Request<Incoming>,
    server: &AuthorizationServer,
) -> Result<Response<Body>, Dropped> {
    if server.limits.blocks(source, server.now()) {
        return Err(Dropped);
    }
    let request = Request::read(source, request).await;
    let delivery = if request.path().starts_with(admin::PATH) {
        Delivery::Whole(admin::answer(server, &request))
    } else {
        server.answer(&request)
    };
    delivery.response().await
}

//! Calls a gRPC API with tonic: the tower layer puts the token on each call, and renews one that the API rejects.
//!
//! `cargo run -p book-examples --example tonic`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use credentials_grant_apaleo::{Apaleo, Authorizer, ClientCredentials, TokenSource};
use credentials_grant_emulator::{EmulatedVendor, Emulator};
use http_body_util::{BodyExt, Full};
use tonic::body::Body;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::channel::Endpoint;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{BoxError, ServiceBuilder};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let stand_in = Emulator::new(EmulatedVendor::Apaleo).start()?;
    let apaleo = Apaleo::at(stand_in.token_url().as_str().parse()?);
    let source = TokenSource::new(apaleo, ClientCredentials::new(stand_in.client_id(), stand_in.client_secret()))?;
    let api = Arc::new(Api::default());
    let address = api.serve()?;

    let authorizer = Authorizer::builder(source.clone()).with_host(address.to_string()).build()?;
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let origin = endpoint.uri().clone();
    let channel = ServiceBuilder::new()
        // Reads the body of a unary call, so that it can be sent again. Without this and the copy, a call fails if its
        // token is rejected, and the next call has a new token. Leave both out for calls that stream requests.
        .filter_async(read_body)
        .layer(authorizer.layer().with_body_copy(|body: &Full<Bytes>| Some(body.clone())))
        .map_request(|request: http::Request<Full<Bytes>>| request.map(Body::new))
        .service(endpoint.connect_lazy());
    // The origin is where calls go. By its host the layer decides whether they get the token.
    let mut client = HealthClient::with_origin(channel, origin);

    let response = client.check(HealthCheckRequest::default()).await?.into_inner();
    println!("a call: {:?}, token requests so far: {}", response.status(), stand_in.token_requests());
    assert_eq!((stand_in.token_requests(), api.calls()), (1, 1));

    let token = source.token().await?.header_value().to_str()?.to_owned();
    assert!(api.revoked.set(token).is_ok());
    let response = client.check(HealthCheckRequest::default()).await?.into_inner();
    println!(
        "a call after the token was revoked: {:?}, token requests: {}",
        response.status(),
        stand_in.token_requests()
    );
    assert_eq!((stand_in.token_requests(), api.calls()), (2, 3));
    Ok(())
}

async fn read_body(request: http::Request<Body>) -> Result<http::Request<Full<Bytes>>, BoxError> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(http::Request::from_parts(parts, Full::new(body)))
}

/// A gRPC API that accepts any bearer token but the revoked one.
#[derive(Default)]
struct Api {
    calls: AtomicUsize,
    revoked: OnceLock<String>,
}

impl Api {
    fn serve(self: &Arc<Self>) -> Result<SocketAddr, Box<dyn Error>> {
        let api = Arc::clone(self);
        let incoming = TcpIncoming::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = incoming.local_addr()?;
        let (_, health) = tonic_health::server::health_reporter();
        let health = InterceptedService::new(health, move |request: Request<()>| api.admit(request));
        tokio::spawn(Server::builder().add_service(health).serve_with_incoming(incoming));
        Ok(address)
    }

    fn admit(&self, request: Request<()>) -> Result<Request<()>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match request.metadata().get("authorization").and_then(|token| token.to_str().ok()) {
            Some(token)
                if token.starts_with("Bearer ") && self.revoked.get().is_none_or(|revoked| revoked != token) =>
            {
                Ok(request)
            }
            _ => Err(Status::unauthenticated("this call needs a valid token")),
        }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

//! Calls an API with hyper: the tower layer puts the token on each call, and renews one that the API rejects.
//!
//! `cargo run -p book-examples --example tower`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use bytes::Bytes;
use credentials_grant_cognito::{Authorizer, ClientCredentials, Cognito, TokenSource};
use credentials_grant_emulator::{EmulatedVendor, Emulator};
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Service, ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    // An emulator of a user pool and an API. Your program has `Cognito::new("my-prefix", "eu-south-2")?`.
    let stand_in = Emulator::new(EmulatedVendor::Cognito).start()?;
    let cognito = Cognito::at(stand_in.token_url().as_str().parse()?);
    let credentials = ClientCredentials::new(stand_in.client_id(), stand_in.client_secret());
    let check_in = stand_in.api_call();

    // The API behind a user pool is your own, so you name its host.
    let source = TokenSource::new(cognito, credentials)?;
    let authorizer = Authorizer::builder(source).with_host(check_in.url.authority().to_owned()).build()?;
    // A body that can be copied can be sent again with a new token.
    let layer = authorizer.layer().with_body_copy(|body: &Full<Bytes>| Some(body.clone()));
    let mut service = ServiceBuilder::new().layer(layer).service(Client::builder(TokioExecutor::new()).build_http());

    let request = || {
        let body = check_in.body.clone().unwrap_or_default().to_string();
        let request = Request::builder().method(check_in.method.clone()).uri(check_in.url.as_str());
        request.header("content-type", "application/json").body(Full::from(body))
    };

    let response = service.ready().await?.call(request()?).await?;
    println!("a call: {}, token requests so far: {}", response.status(), stand_in.token_requests());
    assert_eq!((response.status().is_success(), stand_in.token_requests()), (true, 1));

    stand_in.revoke_all();
    let response = service.ready().await?.call(request()?).await?;
    println!(
        "a call after the token was revoked: {}, token requests: {}",
        response.status(),
        stand_in.token_requests()
    );
    assert_eq!((response.status().is_success(), stand_in.token_requests()), (true, 2));
    Ok(())
}

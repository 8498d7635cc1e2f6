//! Calls an API with reqwest: the middleware puts the token on each call, and renews one that the API rejects.
//!
//! `cargo run -p book-examples --example reqwest`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use credentials_grant_apaleo::{Apaleo, Authorizer, ClientCredentials, TokenSource};
use credentials_grant_emulator::{EmulatedVendor, Emulator};
use reqwest_middleware::ClientBuilder;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // An emulator of apaleo. Your program has `Apaleo::new()` and `EnvironmentCredentials::with_prefix("APALEO")`.
    let stand_in = Emulator::new(EmulatedVendor::Apaleo).start()?;
    let apaleo = Apaleo::at(stand_in.token_url().as_str().parse()?);
    let credentials = ClientCredentials::new(stand_in.client_id(), stand_in.client_secret());
    let property = stand_in.api_call().url;

    // Without the emulator, the provider knows the host of the API: `Authorizer::new(source)?`.
    let source = TokenSource::new(apaleo, credentials)?;
    let authorizer = Authorizer::builder(source).with_host(property.authority().to_owned()).build()?;
    let client = authorizer.limit_redirects(reqwest::Client::builder()).build()?;
    let client = ClientBuilder::new(client).with(authorizer).build();

    let response = client.get(property.clone()).send().await?;
    println!("a call: {}, token requests so far: {}", response.status(), stand_in.token_requests());
    assert_eq!((response.status().as_u16(), stand_in.token_requests()), (200, 1));

    stand_in.revoke_all();
    let response = client.get(property).send().await?;
    println!(
        "a call after the token was revoked: {}, token requests: {}",
        response.status(),
        stand_in.token_requests()
    );
    assert_eq!((response.status().as_u16(), stand_in.token_requests()), (200, 2));

    let Err(error) = client.get("https://example.org/").send().await else {
        return Err("a host that was not named got a call".into());
    };
    println!("a call to another host: {error}");
    assert!(error.is_middleware());
    Ok(())
}

//! A program without async: gets a token, uses it, has it renewed in the background, and replaces one that was revoked.
//!
//! `cargo run -p book-examples --example blocking`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use credentials_grant_apaleo::{
    AccessToken, Apaleo, ClientCredentials, ExposeSecret, ManualClock, TokenSource, TokenState, blocking,
};
use credentials_grant_emulator::{EmulatedVendor, Emulator, EmulatorClock, RunningEmulator};
use reqwest::StatusCode;
use reqwest::blocking::Client;

fn main() -> Result<(), Box<dyn Error>> {
    // An emulator of the vendor, and clocks that stand still until they are told to move. Your program has neither:
    // there it is `blocking::TokenSource::new(Apaleo::new(), EnvironmentCredentials::with_prefix("APALEO"))?`.
    let (theirs, ours) = (EmulatorClock::manual(SystemTime::now()), ManualClock::at(SystemTime::now()));
    let vendor = Emulator::new(EmulatedVendor::Apaleo).with_clock(theirs.clone()).start()?;
    let apaleo = Apaleo::at(vendor.token_url().as_str().parse()?);
    let credentials = ClientCredentials::new(vendor.client_id(), vendor.client_secret());
    let source = TokenSource::builder(apaleo, credentials).with_clock(ours.clone()).build_blocking()?;

    let first = source.token()?;
    assert_eq!(call(&vendor, &first)?, StatusCode::OK);
    println!("the first token works, token requests: {}", vendor.token_requests());

    let late_in_its_lifetime = Duration::from_secs(3600 * 9 / 10);
    theirs.advance(late_in_its_lifetime);
    ours.advance(late_in_its_lifetime);
    let again = source.token()?;
    assert_eq!(again.headers(), first.headers(), "no caller waits while there is a valid token");
    wait_for_renewal(&source);
    let second = source.token()?;
    assert_ne!(second.headers(), first.headers());
    println!("the source renewed it on its own thread, token requests: {}", vendor.token_requests());

    vendor.revoke(second.secret().expose_secret());
    assert_eq!(call(&vendor, &second)?, StatusCode::UNAUTHORIZED);
    source.invalidate(&second);
    assert_eq!(call(&vendor, &*source.token()?)?, StatusCode::OK);
    println!("after a 401 the source got a new token, token requests: {}", vendor.token_requests());
    assert_eq!(vendor.token_requests(), 3);
    Ok(())
}

fn call(vendor: &RunningEmulator, token: &AccessToken) -> reqwest::Result<StatusCode> {
    let request = Client::new().get(vendor.api_call().url).headers(token.headers());
    Ok(request.send()?.status())
}

fn wait_for_renewal(source: &blocking::TokenSource) {
    let began = Instant::now();
    while source.status().state != TokenState::Fresh {
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", source.status());
        thread::yield_now();
    }
}

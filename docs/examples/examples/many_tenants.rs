//! Three hotels, each with its own Cognito user pool and credentials, and two kinds of token for each.
//!
//! `cargo run -p book-examples --example many_tenants`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use credentials_grant_cognito::{
    AccessToken, ClientCredentials, Cognito, Error, ErrorKind, ExposeSecret, IssuanceLimit, ManualClock,
    TokenParameters, TokenPool, TokenSource,
};
use credentials_grant_emulator::{EmulatedVendor, Emulator, RunningEmulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [alpha, beta, gamma] = &[
        Hotel::open("alpha", "secret-of-alpha")?,
        Hotel::open("beta", "secret-of-beta")?,
        Hotel::open("gamma", "not-the-secret-of-gamma")?,
    ];
    let scopes = ["pms/reservation.checkin", "https://pms.example.com/reservation.read"];
    let both = scopes.map(|scope| TokenParameters::new().with_scope(scope));
    // Your program has `TokenPool::new()?`. Here the clock stands still, so that the counts below are always the same.
    let contract = IssuanceLimit::new(6, Duration::from_secs(24 * 60 * 60));
    let pool = TokenPool::builder().with_limit(contract).with_clock(ManualClock::at(SystemTime::now())).build()?;

    // For each API call, the pool returns the source, and the source returns the token.
    let mut tokens = HashSet::new();
    for _ in 0..100 {
        for parameters in &both {
            for hotel in [alpha, beta] {
                tokens.insert(hotel.token(&pool, parameters).await?.secret().expose_secret().to_owned());
            }
            let error = gamma.token(&pool, parameters).await.err().ok_or("a token for a wrong secret")?;
            assert_eq!(error.kind(), ErrorKind::CredentialsRefused);
        }
    }
    assert_eq!(tokens.len(), 4, "one for each of two hotels and two scopes");
    for (hotel, requests) in [(alpha, 2), (beta, 2), (gamma, 1)] {
        println!("{}: {} token requests for 200 calls", hotel.name, hotel.vendor.token_requests());
        println!("    {}", serde_json::to_string(&hotel.source(&pool, &both[0])?.status())?);
        assert_eq!(hotel.vendor.token_requests(), requests, "one for each scope, and one for a refused secret");
    }

    // All hotels share the limit, and five of six requests are used up.
    alpha.renew(&pool, &both[0]).await?;
    let error = beta.renew(&pool, &both[0]).await.err().ok_or("a request beyond the limit")?;
    println!("beyond the limit: {error}");
    assert_eq!((error.kind(), beta.vendor.token_requests()), (ErrorKind::RateLimited, 2));
    Ok(())
}

struct Hotel {
    name: &'static str,
    vendor: RunningEmulator,
    cognito: Cognito,
    credentials: ClientCredentials,
}

impl Hotel {
    /// Makes a hotel and its emulator. `secret` is what the program takes for its secret.
    fn open(name: &'static str, secret: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let vendor = Emulator::new(EmulatedVendor::Cognito).with_client(name, format!("secret-of-{name}")).start()?;
        let cognito = Cognito::at(vendor.token_url().as_str().parse()?);
        Ok(Self { name, vendor, cognito, credentials: ClientCredentials::new(name, secret) })
    }

    fn source(&self, pool: &TokenPool, parameters: &TokenParameters) -> Result<TokenSource, Error> {
        pool.source(&self.cognito, &self.credentials, parameters)
    }

    async fn token(&self, pool: &TokenPool, parameters: &TokenParameters) -> Result<Arc<AccessToken>, Error> {
        self.source(pool, parameters)?.token().await
    }

    /// Replaces the token in memory.
    async fn renew(&self, pool: &TokenPool, parameters: &TokenParameters) -> Result<Arc<AccessToken>, Error> {
        let source = self.source(pool, parameters)?;
        source.invalidate(&*source.token().await?);
        source.token().await
    }
}

//! A vendor on this machine, and what each step of its trip does and looks at.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use credentials_grant::settings::Settings;
use credentials_grant::{
    AccessToken, ClientCredentials, CredentialsSource, Error, ErrorKind, ExposeSecret, StatusCode,
};
use credentials_grant_client::{FunctionCredentials, ManualClock, TokenSource, TokenState};
use credentials_grant_emulator::{Emulator, EmulatorClock, RunningEmulator, StartError};
use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use super::trip::{Means, TIMEOUT};
use crate::input::{CLIENT_ID, CLIENT_SECRET, TOKEN_URL};
use crate::provider::Provider;

/// How many callers share a flight.
const CALLERS: u32 = 1000;

/// What a step brought and what to say of it, or why it did not do what it should.
pub(super) type Outcome<T = ()> = Result<(T, String), String>;

/// A vendor, as far as this machine has one. Time stands still, but for the renewal.
pub(super) struct Vendor<'a> {
    means: &'a Means,
    provider: &'static Provider,
    pub(super) emulator: RunningEmulator,
    clock: ManualClock,
}

impl<'a> Vendor<'a> {
    pub(super) fn start(
        means: &'a Means,
        provider: &'static Provider,
        emulated: credentials_grant_emulator::EmulatedVendor,
    ) -> Result<Self, StartError> {
        let now = SystemTime::now();
        let emulator = Emulator::new(emulated).with_clock(EmulatorClock::manual(now)).start()?;
        Ok(Self { means, provider, emulator, clock: ManualClock::at(now) })
    }

    pub(super) async fn first_token(&self) -> Outcome<(TokenSource, Arc<AccessToken>)> {
        let source = self.source(self.credentials(self.emulator.client_secret()))?;
        let token = source.token().await.map_err(|error| what_happened(&error))?;
        let life = life(&token);
        Ok(((source, token), format!("a token for {life}, by one request")))
    }

    pub(super) async fn api_call(&self, token: &AccessToken) -> Outcome {
        let call = self.emulator.api_call();
        let status = self.call(token, StatusCode::OK).await?;
        Ok(((), format!("{} {}: {status}", call.method, call.url.path())))
    }

    pub(super) async fn same_call(&self, token: &AccessToken, due: StatusCode) -> Outcome {
        let status = self.call(token, due).await?;
        Ok(((), format!("the same call: {status}")))
    }

    pub(super) async fn cached_call(&self, source: &TokenSource, first: &Arc<AccessToken>) -> Outcome {
        let token = source.token().await.map_err(|error| what_happened(&error))?;
        if !Arc::ptr_eq(&token, first) {
            return Err("another token, where the first was still good".to_owned());
        }
        let status = self.call(&token, StatusCode::OK).await?;
        Ok(((), format!("the same call, with the token from memory: {status}")))
    }

    /// Many callers of a source that has no token yet.
    pub(super) async fn shared_flight(&self) -> Outcome {
        let waiting = Arc::new(Semaphore::new(0));
        let source = self.source(self.credentials_once_all_wait(&waiting))?;
        let callers = (0..CALLERS).map(|_| {
            let (source, waiting) = (source.clone(), Arc::clone(&waiting));
            async move { tokio::join!(source.token(), async { waiting.add_permits(1) }).0 }
        });
        let callers: JoinSet<_> = callers.collect();
        let tokens: Result<Vec<_>, _> = callers.join_all().await.into_iter().collect();
        let tokens = tokens.map_err(|error| what_happened(&error))?;
        if !tokens.iter().all(|token| Arc::ptr_eq(token, &tokens[0])) {
            return Err(format!("several tokens for {CALLERS} callers, where one was due"));
        }
        Ok(((), format!("{CALLERS} callers at once, one request for all")))
    }

    /// The request does not leave before every caller waits for it.
    fn credentials_once_all_wait(&self, waiting: &Arc<Semaphore>) -> impl CredentialsSource + use<> {
        let (waiting, credentials) = (Arc::clone(waiting), self.credentials(self.emulator.client_secret()));
        FunctionCredentials::new("demo", move || {
            let (waiting, credentials) = (Arc::clone(&waiting), credentials.clone());
            async move {
                // Nobody closes it.
                let _ = waiting.acquire_many(CALLERS).await;
                Ok(credentials)
            }
        })
    }

    /// The old token for the caller who comes late in its life, and a new one for those who come later.
    pub(super) async fn renewal(&self, source: &TokenSource, first: &Arc<AccessToken>) -> Outcome<Arc<AccessToken>> {
        self.advance(life_of(first) * 9 / 10);
        let state = source.status().state;
        if state != TokenState::Stale {
            return Err(format!("the token is {state:?} after nine tenths of its life, where Stale was due"));
        }
        let served = source.token().await.map_err(|error| what_happened(&error))?;
        if !Arc::ptr_eq(&served, first) {
            return Err("another token, where the old one was still good".to_owned());
        }
        timeout(TIMEOUT, renewed(source)).await.map_err(|_| format!("nothing was renewed within {TIMEOUT:?}"))??;
        let token = source.token().await.map_err(|error| what_happened(&error))?;
        self.call(&token, StatusCode::OK).await?;
        Ok((token, "the old token at once, renewed in the background".to_owned()))
    }

    pub(super) fn revocation(&self, token: &AccessToken) -> Outcome {
        if self.emulator.revoke(token.secret().expose_secret()) {
            Ok(((), "the vendor takes the new token back".to_owned()))
        } else {
            Err("the vendor does not know the token".to_owned())
        }
    }

    /// What a caller does about a 401.
    pub(super) async fn new_token(&self, source: &TokenSource, refused: &AccessToken) -> Outcome<Arc<AccessToken>> {
        source.invalidate(refused);
        if source.cached().is_some() {
            return Err("the token is still in memory, where it was due to be forgotten".to_owned());
        }
        let token = source.token().await.map_err(|error| what_happened(&error))?;
        let life = life(&token);
        Ok((token, format!("in its place a token for {life}, by one request")))
    }

    pub(super) async fn wrong_secret(&self) -> Outcome {
        let source = self.source(self.credentials("not-the-secret"))?;
        match source.token().await {
            Err(error) if error.kind() == ErrorKind::CredentialsRefused => Ok(((), refusal(&error))),
            Err(error) => Err(format!("not taken for a refusal: {}", what_happened(&error))),
            Ok(_) => Err("a token for a wrong secret".to_owned()),
        }
    }

    /// Calls the vendor's API, which should answer with this status.
    async fn call(&self, token: &AccessToken, due: StatusCode) -> Result<StatusCode, String> {
        let call = self.emulator.api_call();
        let said = format!("{} {}", call.method, call.url.path());
        // The gateway's key is among them, and among the token's companions: let it be the provider that brings it.
        let plain = call.headers.iter().filter(|(_, value)| !value.is_sensitive());
        let headers = plain.chain(token.header_pairs()).map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut request = self.means.api.request(call.method, call.url).headers(headers);
        if let Some(body) = call.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| format!("{said}: {}", error.without_url()))?;
        match response.status() {
            status if status == due => Ok(status),
            status => Err(format!("{said}: {status}, where {due} was due")),
        }
    }

    fn credentials(&self, client_secret: &str) -> ClientCredentials {
        let further = self.provider.at_emulator(&self.emulator).into_iter();
        let further =
            further.filter(|(name, _)| ![CLIENT_ID, CLIENT_SECRET, TOKEN_URL].iter().any(|input| input.name == *name));
        let credentials = ClientCredentials::new(self.emulator.client_id(), client_secret);
        further.fold(credentials, |credentials, (name, value)| credentials.with_secret(name, value))
    }

    fn source(&self, credentials: impl CredentialsSource) -> Result<TokenSource, String> {
        let settings = Settings::new().with(TOKEN_URL.name, self.emulator.token_url().as_str());
        let source = self.provider.build(&settings).and_then(|provider| {
            TokenSource::builder(provider, credentials)
                .with_transport(Arc::clone(&self.means.tokens))
                .with_clock(self.clock.clone())
                .with_timeout(TIMEOUT)
                .build()
        });
        source.map_err(|error| what_happened(&error))
    }

    /// Lets time pass, here and at the vendor's.
    fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.emulator.clock().advance(by);
    }
}

/// Waits until the source has a fresh token, or has failed to get one.
async fn renewed(source: &TokenSource) -> Result<(), String> {
    loop {
        let status = source.status();
        if let Some(error) = status.last_error {
            return Err(what_happened(&error));
        }
        if status.state == TokenState::Fresh {
            return Ok(());
        }
        yield_now().await;
    }
}

fn life_of(token: &AccessToken) -> Duration {
    token.expires_at().duration_since(token.requested_at()).unwrap_or_default()
}

/// How long a token lives, for people.
fn life(token: &AccessToken) -> String {
    let life = SignedDuration::try_from(life_of(token)).unwrap_or(SignedDuration::MAX);
    format!("{life:#}")
}

fn refusal(error: &Error) -> String {
    let code = error.oauth().and_then(|oauth| oauth.code.as_deref()).unwrap_or("no reason given");
    let status = error.status().map(|status| status.to_string()).unwrap_or_default();
    format!("refused: {code} ({status})")
}

fn what_happened(error: &Error) -> String {
    format!("{} ({})", error.message(), error.kind().name())
}

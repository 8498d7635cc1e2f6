//! A provider with its emulator, and what each step of the trip does and checks.

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

use super::http_clients::{HttpClients, TIMEOUT};
use crate::provider::Provider;
use crate::provider::options::{CLIENT_ID, CLIENT_SECRET, TOKEN_URL};

/// How many callers share one request.
const CALLERS: u32 = 1000;

/// What a step returned and how to describe it, or why it failed.
pub(super) type Outcome<T = ()> = Result<(T, String), String>;

/// A provider with its emulator. Time stands still, except in `renewal`.
pub(super) struct EmulatedProvider<'a> {
    clients: &'a HttpClients,
    provider: &'static Provider,
    pub(super) emulator: RunningEmulator,
    clock: ManualClock,
}

impl<'a> EmulatedProvider<'a> {
    pub(super) fn start(
        clients: &'a HttpClients,
        provider: &'static Provider,
        emulated: credentials_grant_emulator::EmulatedVendor,
    ) -> Result<Self, StartError> {
        let now = SystemTime::now();
        let emulator = Emulator::new(emulated).with_clock(EmulatorClock::manual(now)).start()?;
        Ok(Self { clients, provider, emulator, clock: ManualClock::at(now) })
    }

    pub(super) async fn first_token(&self) -> Outcome<(TokenSource, Arc<AccessToken>)> {
        let source = self.source(self.credentials(self.emulator.client_secret()))?;
        let token = source.token().await.map_err(|error| described(&error))?;
        let life = life_in_words(&token);
        Ok(((source, token), format!("a token for {life}, with one request")))
    }

    pub(super) async fn api_call(&self, token: &AccessToken) -> Outcome {
        let call = self.emulator.api_call();
        let status = self.call(token, StatusCode::OK).await?;
        Ok(((), format!("{} {}: {status}", call.method, call.url.path())))
    }

    pub(super) async fn same_call(&self, token: &AccessToken, expected: StatusCode) -> Outcome {
        let status = self.call(token, expected).await?;
        Ok(((), format!("the same call: {status}")))
    }

    pub(super) async fn cached_call(&self, source: &TokenSource, first: &Arc<AccessToken>) -> Outcome {
        let token = source.token().await.map_err(|error| described(&error))?;
        if !Arc::ptr_eq(&token, first) {
            return Err("another token, although the first was still valid".to_owned());
        }
        let status = self.call(&token, StatusCode::OK).await?;
        Ok(((), format!("the same call, with the cached token: {status}")))
    }

    /// Lets many callers ask a source that has no token yet.
    pub(super) async fn shared_flight(&self) -> Outcome {
        let waiting = Arc::new(Semaphore::new(0));
        let source = self.source(self.credentials_once_all_wait(&waiting))?;
        let callers = (0..CALLERS).map(|_| {
            let (source, waiting) = (source.clone(), Arc::clone(&waiting));
            async move { tokio::join!(source.token(), async { waiting.add_permits(1) }).0 }
        });
        let callers: JoinSet<_> = callers.collect();
        let tokens: Result<Vec<_>, _> = callers.join_all().await.into_iter().collect();
        let tokens = tokens.map_err(|error| described(&error))?;
        if !tokens.iter().all(|token| Arc::ptr_eq(token, &tokens[0])) {
            return Err(format!("several tokens for {CALLERS} callers instead of one"));
        }
        Ok(((), format!("{CALLERS} callers at once, one request for all")))
    }

    /// Returns credentials that hold the request back until every caller waits for it.
    fn credentials_once_all_wait(&self, waiting: &Arc<Semaphore>) -> impl CredentialsSource + use<> {
        let (waiting, credentials) = (Arc::clone(waiting), self.credentials(self.emulator.client_secret()));
        FunctionCredentials::new("demo", move || {
            let (waiting, credentials) = (Arc::clone(&waiting), credentials.clone());
            async move {
                // Never fails: the semaphore is never closed.
                let _ = waiting.acquire_many(CALLERS).await;
                Ok(credentials)
            }
        })
    }

    /// Expects the old token at once, late in its life, and a new one after that.
    pub(super) async fn renewal(&self, source: &TokenSource, first: &Arc<AccessToken>) -> Outcome<Arc<AccessToken>> {
        self.advance(lifetime(first) * 9 / 10);
        let state = source.status().state;
        if state != TokenState::Stale {
            return Err(format!("the token is {state:?} after nine tenths of its life instead of Stale"));
        }
        let served = source.token().await.map_err(|error| described(&error))?;
        if !Arc::ptr_eq(&served, first) {
            return Err("another token, although the old one was still valid".to_owned());
        }
        timeout(TIMEOUT, renewed(source)).await.map_err(|_| format!("no renewal within {TIMEOUT:?}"))??;
        let token = source.token().await.map_err(|error| described(&error))?;
        self.call(&token, StatusCode::OK).await?;
        Ok((token, "the old token at once, renewed in the background".to_owned()))
    }

    pub(super) fn revocation(&self, token: &AccessToken) -> Outcome {
        if self.emulator.revoke(token.secret().expose_secret()) {
            Ok(((), "the vendor revokes the new token".to_owned()))
        } else {
            Err("the vendor does not know the token".to_owned())
        }
    }

    /// Does what a caller does after a 401.
    pub(super) async fn new_token(&self, source: &TokenSource, refused: &AccessToken) -> Outcome<Arc<AccessToken>> {
        source.invalidate(refused);
        if source.cached().is_some() {
            return Err("the token is still in the cache after it was invalidated".to_owned());
        }
        let token = source.token().await.map_err(|error| described(&error))?;
        let life = life_in_words(&token);
        Ok((token, format!("a new token for {life}, with one request")))
    }

    pub(super) async fn wrong_secret(&self) -> Outcome {
        let source = self.source(self.credentials("not-the-secret"))?;
        match source.token().await {
            Err(error) if error.kind() == ErrorKind::CredentialsRefused => Ok(((), refusal(&error))),
            Err(error) => Err(format!("not recognized as a refusal: {}", described(&error))),
            Ok(_) => Err("a token for a wrong secret".to_owned()),
        }
    }

    /// Calls the vendor's API, which should answer with this status.
    async fn call(&self, token: &AccessToken, expected: StatusCode) -> Result<StatusCode, String> {
        let call = self.emulator.api_call();
        let called = format!("{} {}", call.method, call.url.path());
        // The gateway's key is among these and among the token's extra headers: only the provider's must count.
        let plain = call.headers.iter().filter(|(_, value)| !value.is_sensitive());
        let headers = plain.chain(token.header_pairs()).map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut request = self.clients.api.request(call.method, call.url).headers(headers);
        if let Some(body) = call.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| format!("{called}: {}", error.without_url()))?;
        match response.status() {
            status if status == expected => Ok(status),
            status => Err(format!("{called}: {status} instead of {expected}")),
        }
    }

    fn credentials(&self, client_secret: &str) -> ClientCredentials {
        let is_common = |name| [CLIENT_ID, CLIENT_SECRET, TOKEN_URL].iter().any(|option| option.name == name);
        let values = self.provider.emulator_values(&self.emulator).into_iter();
        let secrets = values.filter(|(name, _)| !is_common(*name));
        let credentials = ClientCredentials::new(self.emulator.client_id(), client_secret);
        secrets.fold(credentials, |credentials, (name, value)| credentials.with_secret(name, value))
    }

    fn source(&self, credentials: impl CredentialsSource) -> Result<TokenSource, String> {
        let settings = Settings::new().with(TOKEN_URL.name, self.emulator.token_url().as_str());
        let source = self.provider.build(&settings).and_then(|provider| {
            TokenSource::builder(provider, credentials)
                .with_transport(Arc::clone(&self.clients.tokens))
                .with_clock(self.clock.clone())
                .with_timeout(TIMEOUT)
                .build()
        });
        source.map_err(|error| described(&error))
    }

    /// Lets time pass, here and at the emulator.
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
            return Err(described(&error));
        }
        if status.state == TokenState::Fresh {
            return Ok(());
        }
        yield_now().await;
    }
}

fn lifetime(token: &AccessToken) -> Duration {
    token.expires_at().duration_since(token.requested_at()).unwrap_or_default()
}

/// Returns how long a token lives, for people.
fn life_in_words(token: &AccessToken) -> String {
    let life = SignedDuration::try_from(lifetime(token)).unwrap_or(SignedDuration::MAX);
    format!("{life:#}")
}

/// Describes a refusal by the server.
fn refusal(error: &Error) -> String {
    let code = error.oauth().and_then(|oauth| oauth.code.as_deref()).unwrap_or("no error code");
    let status = error.status().map(|status| status.to_string()).unwrap_or_default();
    format!("refused: {code} ({status})")
}

fn described(error: &Error) -> String {
    format!("{} ({})", error.message(), error.kind().name())
}

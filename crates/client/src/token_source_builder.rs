//! How a source is set up, and what is checked before it is.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{
    Ask, Attempt, ClientCredentials, CredentialsGrant, CredentialsSource, Error, ErrorKind, Surroundings, Transport,
};

use crate::clock::{Clock, SystemClock};
use crate::token_source::{Inner, Memory, TokenSource};

/// How long one fetch may take, steps included, unless the builder says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sets up a [`TokenSource`].
#[derive(Debug)]
pub struct TokenSourceBuilder {
    provider: Arc<dyn CredentialsGrant>,
    credentials: Arc<dyn CredentialsSource>,
    ask: Ask,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

impl TokenSourceBuilder {
    pub(crate) fn new(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> Self {
        Self {
            provider: Arc::new(provider),
            credentials: Arc::new(credentials),
            ask: Ask::new(),
            transport: None,
            clock: Arc::new(SystemClock::new()),
            timeout: TIMEOUT,
        }
    }

    /// What each token is asked for.
    #[must_use]
    pub fn with_ask(mut self, ask: Ask) -> Self {
        self.ask = ask;
        self
    }

    /// What carries the requests. An `Arc` of one transport serves any number of sources.
    #[must_use]
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// What is asked for the time.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long one fetch may take, steps included: 30 seconds by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The source. The ask is checked against the provider; nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), naming what does not make a request.
    pub fn build(self) -> Result<TokenSource, Error> {
        let name = self.provider.provider().to_owned();
        self.source().map_err(|error| error.with_provider(name))
    }

    fn source(self) -> Result<TokenSource, Error> {
        let Self { provider, credentials, ask, transport, clock, timeout } = self;
        if timeout.is_zero() {
            return Err(Error::new(ErrorKind::Configuration, "the timeout is zero")
                .with_remedy("allow a few seconds for a token"));
        }
        // What is wrong with the ask is better known now than at midnight.
        let placeholder = ClientCredentials::placeholder();
        provider.token_request(&Attempt::new(&placeholder, &ask, Surroundings::frozen()))?;
        let transport = match transport {
            Some(transport) => transport,
            None => default_transport(timeout)?,
        };
        let memory = Memory::default();
        Ok(TokenSource(Arc::new(Inner { provider, credentials, ask, transport, clock, timeout, memory })))
    }
}

#[cfg(feature = "reqwest")]
fn default_transport(timeout: Duration) -> Result<Arc<dyn Transport>, Error> {
    Ok(Arc::new(crate::HttpTransport::new()?.with_timeout(timeout)))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport(_: Duration) -> Result<Arc<dyn Transport>, Error> {
    Err(Error::new(ErrorKind::Configuration, "there is no transport")
        .with_remedy("give one by `with_transport`, or turn on the feature `reqwest`"))
}

//! A running emulator, as its user holds it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use url::Url;

use crate::authorization_server::AuthorizationServer;
use crate::authorization_server::GATEWAY_KEY;
use crate::clock::EmulatorClock;
use crate::emulator::Emulator;
use crate::lock;
use crate::misbehaviour::Misbehaviour;
use crate::server::{ServerThread, listen};
use crate::start_error::StartError;
use crate::vendor::EmulatedVendor;

/// A vendor on loopback, until this is dropped: then every connection ends and the port is free.
pub struct RunningEmulator {
    server: Arc<AuthorizationServer>,
    _thread: ServerThread,
}

/// The one call of the vendor's API that the emulator serves; add the token and send it.
///
/// The gateway's key, if there is one, is among the headers and marked sensitive.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiCall {
    /// The method.
    pub method: Method,
    /// The URL, on this emulator.
    pub url: Url,
    /// What the call needs beside `Authorization`.
    pub headers: HeaderMap,
    /// The JSON body, if it takes one.
    pub body: Option<Value>,
}

/// A misbehaviour that has begun; see [`RunningEmulator::misbehave`].
#[derive(Debug)]
pub struct Misbehaving<'a> {
    emulator: &'a RunningEmulator,
    misbehaviour: Misbehaviour,
}

impl Emulator {
    /// Starts the server on 127.0.0.1, on a thread of its own: it answers while the caller blocks, with or without a
    /// runtime.
    /// It stops when the [`RunningEmulator`] is dropped.
    ///
    /// # Errors
    ///
    /// [`StartError::Port`] when the port cannot be listened on, [`StartError::SigningKey`] and [`StartError::Server`]
    /// when the system refuses randomness or a thread.
    pub fn start(self) -> Result<RunningEmulator, StartError> {
        RunningEmulator::start(self)
    }
}

impl RunningEmulator {
    pub(crate) fn start(settings: Emulator) -> Result<Self, StartError> {
        let listener = listen(settings.port)?;
        let server = Arc::new(AuthorizationServer::new(settings.vendor.definition(), settings, &listener)?);
        Ok(Self { _thread: ServerThread::start(listener, Arc::clone(&server))?, server })
    }

    /// Who this stands in for.
    #[must_use]
    pub fn vendor(&self) -> EmulatedVendor {
        self.server.settings.vendor
    }

    /// Where tokens are asked for.
    #[must_use]
    pub fn token_url(&self) -> &Url {
        &self.server.token_url
    }

    /// The client that the vendor knows.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.server.settings.client_id
    }

    /// The client's secret.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.server.settings.client_secret
    }

    /// What the gateway wants to see as `X-Gravitee-Api-Key`, if there is a gateway (Resamania).
    #[must_use]
    pub fn gateway_key(&self) -> Option<&str> {
        self.server.settings.gateway_key.as_deref()
    }

    /// The clock that the emulator reads: advance it past a token's lifetime, and the token has expired.
    #[must_use]
    pub fn clock(&self) -> &EmulatorClock {
        &self.server.settings.clock
    }

    /// The one call of the vendor's API that the emulator serves.
    #[must_use]
    pub fn api_call(&self) -> ApiCall {
        let call = &self.server.definition.call;
        let mut url = self.token_url().clone();
        url.set_path(call.path);
        let documented =
            call.headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        ApiCall {
            method: call.method.clone(),
            url,
            headers: documented.chain(self.gateway_key().and_then(gateway_header)).collect(),
            body: (call.body)(),
        }
    }

    /// How many requests reached the token endpoint, whatever they were answered.
    #[must_use]
    pub fn token_requests(&self) -> u64 {
        self.server.token_requests.load(Ordering::Relaxed)
    }

    /// How many access tokens were issued.
    #[must_use]
    pub fn tokens_issued(&self) -> u64 {
        self.server.access_tokens.count()
    }

    /// The `aws_client_metadata` of the last request that was granted with one (Cognito).
    #[must_use]
    pub fn client_metadata(&self) -> Option<Value> {
        lock(&self.server.client_metadata).clone()
    }

    /// Revokes a token: the API answers 401 to it from now on. Says whether the token is one of this emulator's.
    #[expect(clippy::must_use_candidate, reason = "most tests revoke what they know to be there")]
    pub fn revoke(&self, token: &str) -> bool {
        self.server.access_tokens.revoke(token)
    }

    /// Revokes every token issued so far.
    pub fn revoke_all(&self) {
        self.server.access_tokens.revoke_all();
    }

    /// Makes the token endpoint misbehave from now on, in the place of what it did before.
    ///
    /// It goes on until [`behave`](Self::behave), or for so many requests:
    ///
    /// ```
    /// # use credentials_grant_emulator::{Emulator, Misbehaviour, EmulatedVendor};
    /// # let apaleo = Emulator::new(EmulatedVendor::Apaleo).start()?;
    /// apaleo.misbehave(Misbehaviour::Drop).times(2);
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    #[expect(clippy::must_use_candidate, reason = "what it returns is only for limiting it")]
    pub fn misbehave(&self, misbehaviour: Misbehaviour) -> Misbehaving<'_> {
        self.server.misbehaviour.begin(misbehaviour.clone(), None);
        Misbehaving { emulator: self, misbehaviour }
    }

    /// Makes the token endpoint behave again.
    pub fn behave(&self) {
        self.server.misbehaviour.end();
    }
}

impl Misbehaving<'_> {
    /// Only for the next so many requests.
    pub fn times(self, times: u32) {
        let misbehaviour = &self.emulator.server.misbehaviour;
        misbehaviour.begin(self.misbehaviour, Some(times));
    }
}

/// Shows no secret and no token.
impl fmt::Debug for RunningEmulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningEmulator")
            .field("vendor", &self.vendor())
            .field("token_url", &self.token_url().as_str())
            .field("token_requests", &self.token_requests())
            .field("tokens_issued", &self.tokens_issued())
            .finish_non_exhaustive()
    }
}

fn gateway_header(key: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(key).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_static(GATEWAY_KEY), value))
}

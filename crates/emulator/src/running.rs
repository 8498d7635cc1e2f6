//! The handle of a running emulator.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;
use url::Url;

use crate::api_call::ApiCall;
use crate::clock::EmulatorClock;
use crate::lock::lock;
use crate::misbehaviour::Misbehaviour;
use crate::server::{ServerThread, listen};
use crate::service::EmulatorService;
use crate::settings::Settings;
use crate::start_error::StartError;
use crate::vendor::EmulatedVendor;
use crate::vendor_definition::VendorDefinition;

/// A running emulator, which [`Emulator::start`](crate::Emulator::start) returns.
///
/// Dropping it closes every connection and frees the port.
///
/// ```
/// use credentials_grant_emulator::{EmulatedVendor, Emulator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ptv = Emulator::new(EmulatedVendor::Ptv).start()?;
///
/// let request = reqwest::Client::new()
///     .post(ptv.token_url().as_str())
///     .basic_auth(ptv.client_id(), Some(ptv.client_secret()))
///     .form(&[("grant_type", "client_credentials")]);
/// assert_eq!(request.send().await?.status(), 200);
/// assert_eq!((ptv.token_requests(), ptv.tokens_issued()), (1, 1));
/// # Ok(())
/// # }
/// ```
pub struct RunningEmulator {
    vendor: EmulatedVendor,
    service: Arc<EmulatorService>,
    _thread: ServerThread,
}

/// The misbehaviour that [`RunningEmulator::misbehave`] started, so that [`times`](Self::times) can limit it.
///
/// Dropping it changes nothing: the misbehaviour goes on.
///
/// ```
/// use credentials_grant_emulator::{EmulatedVendor, Emulator, Misbehaviour};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let apaleo = Emulator::new(EmulatedVendor::Apaleo).start()?;
/// let status = async || reqwest::get(apaleo.token_url().as_str()).await.map(|response| response.status());
///
/// apaleo.misbehave(Misbehaviour::Unavailable { retry_after: None }).times(2);
/// assert_eq!(status().await?, 503);
/// assert_eq!(status().await?, 503);
/// assert_eq!(status().await?, 400); // apaleo again, which accepts only POST
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Misbehaving<'a> {
    emulator: &'a RunningEmulator,
    misbehaviour: Misbehaviour,
}

impl RunningEmulator {
    pub(crate) fn start(
        vendor: EmulatedVendor,
        definition: &'static VendorDefinition,
        settings: Settings,
        port: u16,
    ) -> Result<Self, StartError> {
        let listener = listen(port)?;
        let address = listener.local_addr().map_err(StartError::Server)?;
        let service = Arc::new(EmulatorService::new(vendor.name(), definition, settings, address)?);
        Ok(Self { vendor, _thread: ServerThread::start(listener, Arc::clone(&service))?, service })
    }

    /// Returns the vendor that this emulator stands in for.
    #[must_use]
    pub fn vendor(&self) -> EmulatedVendor {
        self.vendor
    }

    /// Returns the URL of the token endpoint.
    #[must_use]
    pub fn token_url(&self) -> &Url {
        &self.service.token_url
    }

    /// Returns the id of the client that the emulator knows, of the first if there are several.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.settings().client_id
    }

    /// Returns the client's secret.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.settings().client_secret
    }

    /// Returns the value that the gateway requires as `X-Gravitee-Api-Key` (Resamania), or `None` without a gateway.
    #[must_use]
    pub fn gateway_key(&self) -> Option<&str> {
        self.settings().gateway_key.as_deref()
    }

    /// Returns the emulator's clock, for example to let every token expire.
    ///
    /// ```
    /// use std::time::Duration;
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_lifetime(Duration::from_secs(60)).start()?;
    /// apaleo.clock().advance(Duration::from_secs(60));
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    #[must_use]
    pub fn clock(&self) -> &EmulatorClock {
        &self.settings().clock
    }

    /// Returns the one call of the vendor's API that the emulator serves.
    ///
    /// [`ApiCall`] shows how to send it.
    #[must_use]
    pub fn api_call(&self) -> ApiCall {
        ApiCall::new(&self.service.definition.example_call, self.token_url().clone(), self.gateway_key())
    }

    /// Returns how many requests the token endpoint received, whatever the response was.
    ///
    /// Requests that a blocked address sends are not received.
    #[must_use]
    pub fn token_requests(&self) -> u64 {
        self.service.token_requests.load(Ordering::Relaxed)
    }

    /// Returns how many access tokens the emulator issued.
    #[must_use]
    pub fn tokens_issued(&self) -> u64 {
        self.service.server.access_tokens.count()
    }

    /// Returns the `aws_client_metadata` of the last granted request that had one (Cognito).
    ///
    /// ```
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cognito = Emulator::new(EmulatedVendor::Cognito).start()?;
    /// let request = reqwest::Client::new()
    ///     .post(cognito.token_url().as_str())
    ///     .basic_auth(cognito.client_id(), Some(cognito.client_secret()))
    ///     .form(&[("grant_type", "client_credentials"), ("aws_client_metadata", r#"{"tenant": "7"}"#)]);
    /// request.send().await?;
    ///
    /// assert_eq!(cognito.client_metadata(), Some(serde_json::json!({"tenant": "7"})));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn client_metadata(&self) -> Option<Value> {
        lock(&self.service.server.client_metadata).clone()
    }

    /// Revokes an access token: from now on, the API responds to it with status 401.
    ///
    /// Returns `false` if this emulator did not issue the token.
    ///
    /// ```
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// let apaleo = Emulator::new(EmulatedVendor::Apaleo).start()?;
    /// assert!(!apaleo.revoke("a-token-from-elsewhere"));
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    #[expect(clippy::must_use_candidate, reason = "most tests revoke a token that they know was issued")]
    pub fn revoke(&self, token: &str) -> bool {
        self.service.server.access_tokens.revoke(token)
    }

    /// Revokes every access token that was issued until now.
    pub fn revoke_all(&self) {
        self.service.server.access_tokens.revoke_all();
    }

    /// Makes the token endpoint misbehave from now on; this replaces an earlier misbehaviour.
    ///
    /// It lasts until [`behave`](Self::behave) is called, or for a number of requests:
    ///
    /// ```
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator, Misbehaviour};
    ///
    /// let apaleo = Emulator::new(EmulatedVendor::Apaleo).start()?;
    /// apaleo.misbehave(Misbehaviour::Drop).times(2);
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    #[expect(clippy::must_use_candidate, reason = "what it returns only serves to limit the misbehaviour")]
    pub fn misbehave(&self, misbehaviour: Misbehaviour) -> Misbehaving<'_> {
        self.service.misbehaviour.begin(misbehaviour.clone(), None);
        Misbehaving { emulator: self, misbehaviour }
    }

    /// Makes the token endpoint respond as the vendor does again.
    pub fn behave(&self) {
        self.service.misbehaviour.end();
    }

    fn settings(&self) -> &Settings {
        &self.service.server.settings
    }
}

impl Misbehaving<'_> {
    /// Limits the misbehaviour to the next `times` token requests, counted from this call.
    pub fn times(self, times: u32) {
        self.emulator.service.misbehaviour.begin(self.misbehaviour, Some(times));
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

//! Verifies access tokens, as an API does with each call (RFC 9068).

use std::sync::Arc;

use credentials_grant::{Error, ExposeSecret as _, SecretString, Transport};
use credentials_grant_client::{Clock, HttpTransport, SigningAlgorithm, SystemClock};
use credentials_grant_discovery::Issuer;
use serde::de::DeserializeOwned;

use crate::algorithm;
use crate::expected::Expected;
use crate::issuer_keys::IssuerKeys;
use crate::jwt::{Jwt, refused};
use crate::key_set::Unverified;

/// Verifies JWT access tokens (RFC 9068 section 4): this issuer signed them, for this audience, and they are valid now.
///
/// The issuer's keys are fetched with the first token, and again when they are stale: after as long as their
/// `Cache-Control: max-age` says, between five minutes and a day, or else after an hour. Known keys serve meanwhile,
/// without a wait, and for a day more if the issuer is down or hangs. A token that no known key has signed has them
/// fetched at most once a minute, however many such tokens come: issuers replace keys, under new ids, under old ones or
/// without any. Only these tokens, and those that come before there are keys, wait, for ten seconds at most. Clones
/// share the keys.
///
/// Keys are fetched by a task, so that tokens are verified inside a tokio runtime, one with timers (as that of
/// `#[tokio::main]` is).
///
/// ```no_run
/// use credentials_grant_verification::{Error, SecretString, TokenVerifier};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Claims {
///     client_id: String,
///     scope: String,
/// }
///
/// # async fn example(token: SecretString) -> Result<(), Error> {
/// // Once, for all calls:
/// let verifier = TokenVerifier::new("https://login.acme.example".parse()?, "https://api.example.com")?;
///
/// // For each call, with what follows `Authorization: Bearer`:
/// let claims: Claims = verifier.verify(&token).await?;
/// # Ok(())
/// # }
/// ```
///
/// Not checked: the scopes, which are yours to compare; whether the caller has the key or the certificate that the
/// token is bound to (`cnf`); and whether the token was revoked, which only the issuer knows.
#[derive(Clone, Debug)]
pub struct TokenVerifier {
    expected: Arc<Expected>,
    keys: Arc<IssuerKeys>,
}

/// Builds a [`TokenVerifier`].
///
/// ```
/// use credentials_grant_verification::{Error, HttpTransport, SigningAlgorithm, TokenVerifier};
///
/// # fn example() -> Result<TokenVerifier, Error> {
/// let verifier = TokenVerifier::builder("https://login.acme.example".parse()?, "https://api.example.com")
///     .with_algorithms([SigningAlgorithm::Es256])
///     .with_transport(HttpTransport::new()?)
///     .build()?;
/// # Ok(verifier)
/// # }
/// # assert!(example().is_ok());
/// ```
#[derive(Debug)]
pub struct TokenVerifierBuilder {
    expected: Expected,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
}

impl TokenVerifier {
    /// Creates a verifier for the tokens of this issuer for this audience: the name of your API in the `aud` of its
    /// tokens.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the audience is empty, or the HTTP client cannot be set
    /// up.
    pub fn new(issuer: Issuer, audience: impl Into<String>) -> Result<Self, Error> {
        Self::builder(issuer, audience).build()
    }

    /// Creates a builder, for a transport, a clock, algorithms or tokens that differ from the default.
    pub fn builder(issuer: Issuer, audience: impl Into<String>) -> TokenVerifierBuilder {
        let expected = Expected { issuer, audience: audience.into(), algorithms: algorithm::all(), plain_jwts: false };
        TokenVerifierBuilder { expected, transport: None, clock: Arc::new(SystemClock::new()) }
    }

    /// Verifies a token, and returns its claims. The clocks of issuer and API may be a minute apart.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::ErrorKind::InvalidToken) if the token is refused: answer the call with 401. Any other
    /// kind means that the issuer's keys are not available, and says nothing about the token: answer with 503.
    pub async fn verify<T: DeserializeOwned>(&self, token: &SecretString) -> Result<T, Error> {
        let jwt = Jwt::read(token.expose_secret())?;
        // What costs nothing comes first: a token that has expired is no reason to fetch keys.
        self.expected.check(&jwt, self.keys.now())?;
        let keys = self.keys.current().await?;
        if let Err(unverified) = keys.verify(&jwt) {
            // The issuer may have a new key, under a new id, under that of an old one, or under none.
            let newer = match (self.keys.newer().await, &unverified) {
                (Ok(newer), _) => newer,
                (Err(error), Unverified::UnknownKey) => return Err(error),
                // Known keys have been tried, so it is not the issuer's fault.
                (Err(_), _) => Arc::clone(&keys),
            };
            let verified = if Arc::ptr_eq(&newer, &keys) { Err(unverified) } else { newer.verify(&jwt) };
            verified.map_err(|unverified| unverified.error(&jwt, &self.expected.issuer))?;
        }
        jwt.claims().ok_or_else(|| {
            refused("is valid, but its claims do not fit the type that was asked for")
                .with_remedy("compare them with the vendor's page, and refuse the call that it came with (401)")
        })
    }
}

impl TokenVerifierBuilder {
    /// Sets the transport that fetches the issuer's metadata and keys. By default, an [`HttpTransport`].
    #[must_use]
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Sets the clock. By default, the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the accepted signature algorithms. By default: RS and PS (256 to 512), ES256, ES384 and Ed25519 (`EdDSA`).
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = SigningAlgorithm>) -> Self {
        self.expected.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Accepts tokens that do not say that they are access tokens (`typ` of `JWT`, or none), for issuers that predate
    /// RFC 9068.
    ///
    /// ID tokens of such an issuer look the same. The audience must be one that they never have: not a client id.
    #[must_use]
    pub fn with_plain_jwts(mut self) -> Self {
        self.expected.plain_jwts = true;
        self
    }

    /// Creates the verifier. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the audience is empty, the HTTP client cannot be set up,
    /// or there is no algorithm or one that cannot be verified: HMAC, for which an API would need the issuer's secret,
    /// or ES512.
    pub fn build(self) -> Result<TokenVerifier, Error> {
        let Self { expected, transport, clock } = self;
        expected.check_itself()?;
        let transport = match transport {
            Some(transport) => transport,
            None => Arc::new(HttpTransport::new()?),
        };
        let keys = IssuerKeys::new(expected.issuer.clone(), transport, clock);
        Ok(TokenVerifier { expected: Arc::new(expected), keys: Arc::new(keys) })
    }
}

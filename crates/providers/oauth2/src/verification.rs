//! Verifies the access tokens of an issuer, as an API does to which calls come with them (RFC 9068).

mod jwt;
mod key_set;
mod keys;

use std::sync::Arc;

use credentials_grant::settings::Configure as _;
use credentials_grant::{Error, ExposeSecret as _, SecretString, Transport};
use credentials_grant_client::{Clock, HttpTransport, SigningAlgorithm, SystemClock};
use serde::de::DeserializeOwned;

use self::jwt::{Expected, Jwt};
use self::key_set::{Unverified, verifiable};
use self::keys::Keys;
use crate::issuer::Issuer;

/// Verifies JWT access tokens (RFC 9068 section 4): that this issuer has signed them, for this audience, and for now.
///
/// The issuer's keys are read when the first token comes; again when they are old (after what their `Cache-Control: max-age`
/// says, between five minutes and a day, or else an hour); and for a token that names a key that is not among them: once a
/// minute at the most, however many such tokens come. For a day more, they serve where they cannot be read again. Clones
/// share them.
///
/// ```no_run
/// use credentials_grant_oauth2::{Error, SecretString, TokenVerifier};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Claims {
///     client_id: String,
///     scope: String,
/// }
///
/// # async fn example(token: SecretString) -> Result<(), Error> {
/// // Once for all calls:
/// let verifier = TokenVerifier::of("https://login.acme.example".parse()?, "https://api.example.com")?;
///
/// // For each call, what it has behind `Authorization: Bearer`:
/// let claims: Claims = verifier.verify(&token).await?;
/// # Ok(())
/// # }
/// ```
///
/// What a token allows (its scopes) is for the caller to check, and so is that whoever presents one that is bound to a key
/// or a certificate (`cnf`) has that as well. That a token has been revoked, only the issuer knows.
#[derive(Clone, Debug)]
pub struct TokenVerifier {
    expected: Arc<Expected>,
    keys: Arc<Keys>,
}

/// Sets up a [`TokenVerifier`].
#[derive(Debug)]
pub struct TokenVerifierBuilder {
    expected: Expected,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
}

impl TokenVerifier {
    /// Verifies tokens of this issuer for this audience: the name of the API, as it stands in the tokens' `aud`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the audience is empty, or the HTTP client cannot be set up.
    pub fn of(issuer: Issuer, audience: impl Into<String>) -> Result<Self, Error> {
        Self::builder(issuer, audience).build()
    }

    /// The same, with more to be said.
    pub fn builder(issuer: Issuer, audience: impl Into<String>) -> TokenVerifierBuilder {
        let algorithms =
            SigningAlgorithm::ALL.into_iter().filter(|algorithm| verifiable(*algorithm).is_some()).collect();
        let expected = Expected { issuer, audience: audience.into(), algorithms, plain_jwts: false };
        TokenVerifierBuilder { expected, transport: None, clock: Arc::new(SystemClock::new()) }
    }

    /// The claims of a token, if it is one that may be accepted now. Clocks may be a minute apart.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::ErrorKind::InvalidToken) if it is not: answer the call that it came with by 401. Any other
    /// kind says that the issuer's keys cannot be had, and nothing of the token: answer by 503.
    pub async fn verify<T: DeserializeOwned>(&self, token: &SecretString) -> Result<T, Error> {
        let claims = self.verified(token.expose_secret()).await;
        claims.map_err(|error| error.with_provider(crate::OAuth2::NAME))
    }

    async fn verified<T: DeserializeOwned>(&self, token: &str) -> Result<T, Error> {
        let jwt = Jwt::read(token)?;
        // First what costs nothing: a token that has expired is no reason to look for the key that it was signed with.
        self.expected.check(&jwt, self.keys.now())?;
        let keys = self.keys.current().await?;
        let verified = match keys.verify(&jwt) {
            Err(Unverified::UnknownKey) => self.keys.newer().await?.verify(&jwt),
            verified => verified,
        };
        verified.map_err(|unverified| unverified.of(&self.expected.issuer))?;
        jwt.claims()
    }
}

impl TokenVerifierBuilder {
    /// Fetches the issuer's metadata and keys by this transport.
    #[must_use]
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Asks this clock for the time.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Accepts these algorithms alone, instead of RS, PS (256 to 512), ES256, ES384 and `EdDSA` (Ed25519).
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = SigningAlgorithm>) -> Self {
        self.expected.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Accepts tokens that do not say that they are access tokens (`typ` of `JWT`, or none), for issuers that predate
    /// RFC 9068.
    ///
    /// Such an issuer's ID tokens look the same, so the audience must be one that they never have: not a client's id.
    #[must_use]
    pub fn with_plain_jwts(mut self) -> Self {
        self.expected.plain_jwts = true;
        self
    }

    /// The verifier. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the audience is empty, the HTTP client cannot be set up, or
    /// there is no algorithm, or one that cannot be verified here: HMAC, for which an API would need the issuer's secret, or
    /// ES512.
    pub fn build(self) -> Result<TokenVerifier, Error> {
        let Self { expected, transport, clock } = self;
        expected.check_itself()?;
        let transport = match transport {
            Some(transport) => transport,
            None => Arc::new(HttpTransport::new()?),
        };
        let keys = Keys::of(expected.issuer.clone(), transport, clock);
        Ok(TokenVerifier { expected: Arc::new(expected), keys: Arc::new(keys) })
    }
}

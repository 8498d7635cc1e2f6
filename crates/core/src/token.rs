//! Tokens: what a server issued, and what callers use.

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::attempt::Attempt;
use crate::error::Error;
use crate::policy::Policy;
use crate::proof_key::ProofKey;

/// The life of a token if neither its answer, nor the token itself, nor the provider says how long it lives.
const ASSUMED_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The longest life that is believed: ten years, five times that of the longest-lived token known (Hostaway's).
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The longest token that is taken. Servers refuse headers long before this.
const LONGEST_TOKEN: usize = 64 * 1024;

/// A token ready for use.
///
/// It prints neither the token nor the vendor's further members.
#[derive(Clone)]
pub struct AccessToken {
    issued: IssuedToken,
    requested_at: SystemTime,
    expires_at: SystemTime,
    lifetime_source: LifetimeSource,
    headers: Vec<(HeaderName, HeaderValue)>,
    proof_key: Option<ProofKey>,
}

/// Who said how long a token lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LifetimeSource {
    /// The server's answer.
    Answer,
    /// The `exp` claim of the token itself.
    Token,
    /// The provider's policy.
    Policy,
    /// Nobody: five minutes are assumed, which deserves a warning.
    Assumed,
}

impl AccessToken {
    /// The token itself.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.issued.secret
    }

    /// The value of the header that presents the token, marked sensitive: `Bearer …` for most vendors.
    /// Built once; cloning it copies no bytes.
    #[must_use]
    pub fn authorization(&self) -> &HeaderValue {
        &self.headers[0].1
    }

    /// Every header that an API call needs: the one that presents the token, and the vendor's companions. Where the token is
    /// bound to a key, each call needs a proof beside them: see [`proof_key`](Self::proof_key).
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.headers.iter().map(|(name, value)| (name, value))
    }

    /// The key that the token is bound to, which makes the proofs that API calls need (RFC 9449 section 7).
    #[must_use]
    pub fn proof_key(&self) -> Option<&ProofKey> {
        self.proof_key.as_ref()
    }

    /// The type of the token as the server sent it; `None` if it sent none, which is taken for `Bearer`.
    #[must_use]
    pub fn token_type(&self) -> Option<&str> {
        self.issued.token_type.as_deref()
    }

    /// When the request for this token was sent: its life is counted from here.
    #[must_use]
    pub fn requested_at(&self) -> SystemTime {
        self.requested_at
    }

    /// When the token expires.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Who said so.
    #[must_use]
    pub fn lifetime_source(&self) -> LifetimeSource {
        self.lifetime_source
    }

    /// The scopes granted: what the answer says, else what was asked for (RFC 6749 section 5.1).
    /// Empty if neither names any.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        self.issued.scopes.as_deref().unwrap_or_default()
    }

    /// The refresh token, if the server sent one. RFC 6749 section 4.4.3 advises against it, and nothing here uses it.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&SecretString> {
        self.issued.refresh_token.as_ref()
    }

    /// A further member of the answer, as the vendor sent it.
    #[must_use]
    pub fn extra(&self, member: &str) -> Option<&Value> {
        self.issued.extra.get(member)
    }

    /// Every further member of the answer. The vendor may have put secrets among them.
    #[must_use]
    pub fn extras(&self) -> &Map<String, Value> {
        &self.issued.extra
    }

    /// Reads what the token says of itself, if it is a JWT, **without verifying it**: no signature is checked, no issuer,
    /// audience or time.
    ///
    /// Good for a log line or for finding one's own account; never for deciding what someone may do. For that, verify the
    /// token: `credentials-grant-oauth2` does, with its feature `verification`.
    ///
    /// ```
    /// use credentials_grant::{AccessToken, Error};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Claims {
    ///     client_id: String,
    /// }
    ///
    /// fn who_we_are(token: &AccessToken) -> Result<String, Error> {
    ///     Ok(token.unverified_claims::<Claims>()?.client_id)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BadResponse`](crate::ErrorKind::BadResponse) if the token is no JWT, or its claims are not of this shape.
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let json = unverified_claims(self.issued.secret.expose_secret()).ok_or_else(|| {
            Error::bad_response("the token is no JWT, so it says nothing of itself")
                .with_remedy("ask the server about it, if it can be asked (RFC 7662)")
        })?;
        // What is wrong with them in detail is not repeated: it is the server's text.
        serde_json::from_slice(&json).map_err(|_| {
            Error::bad_response("the claims of the token are not as they were looked for")
                .with_remedy("compare them with the vendor's page")
        })
    }
}

/// What a server issued, as [`read_response`](crate::CredentialsGrant::read_response) found it in the answer.
///
/// Most providers get it from a [`ResponseReader`](crate::ResponseReader).
#[derive(Clone)]
pub struct IssuedToken {
    pub(crate) secret: SecretString,
    pub(crate) token_type: Option<String>,
    pub(crate) lifetime: Option<Lifetime>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) extra: Map<String, Value>,
}

/// How long a token lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lifetime {
    /// From the moment it was asked for.
    For(Duration),
    /// Until a point in time.
    Until(SystemTime),
}

impl IssuedToken {
    /// A token of which nothing else is known.
    pub fn new(secret: impl Into<SecretString>) -> Self {
        Self {
            secret: secret.into(),
            token_type: None,
            lifetime: None,
            scopes: None,
            refresh_token: None,
            extra: Map::new(),
        }
    }

    /// Sets how long the token lives.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Sets the scopes granted.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps a further member of the answer.
    #[must_use]
    pub fn with_extra(mut self, member: impl Into<String>, value: Value) -> Self {
        self.extra.insert(member.into(), value);
        self
    }

    /// Makes the token ready for use.
    pub(crate) fn ready(mut self, attempt: &Attempt<'_>, policy: &Policy) -> Result<AccessToken, Error> {
        let token = self.secret.expose_secret();
        check_token(token)?;
        let proof_key = self.bound_to(attempt.ask().proof_key())?;
        let headers = policy.presentation().headers(token, proof_key, attempt.credentials())?;
        let proof_key = proof_key.cloned();
        let requested_at = attempt.now();
        let (lifetime, lifetime_source) = self.lifetime(policy, requested_at);
        let life = match lifetime {
            Lifetime::For(life) => life,
            Lifetime::Until(end) => end.duration_since(requested_at).unwrap_or_default(),
        };
        if life.is_zero() {
            return Err(Error::bad_response("the server sent a token that has already expired").with_remedy(
                "compare this machine's clock with the server's; if they agree, show the vendor this message",
            ));
        }
        if self.scopes.is_none() && !attempt.ask().scopes().is_empty() {
            self.scopes = Some(attempt.ask().scopes().to_vec());
        }
        if self.extra.is_empty() {
            // A map that once held the answer's members keeps half a kilobyte, which counts where there are many tokens.
            self.extra = Map::new();
        }
        let expires_at = requested_at + life.min(LONGEST_LIFETIME);
        Ok(AccessToken { issued: self, requested_at, expires_at, lifetime_source, headers, proof_key })
    }

    /// The key that the token is bound to, which is the one that was asked for or none: what is taken for bound and is not,
    /// or the other way round, fails at every API call.
    fn bound_to<'a>(&self, asked: Option<&'a ProofKey>) -> Result<Option<&'a ProofKey>, Error> {
        let is_bound = self.token_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("dpop"));
        match asked {
            Some(_) if !is_bound => Err(Error::bad_response("the server sent a token that is not bound to the key")
                .with_remedy("ask the vendor for DPoP (RFC 9449), or ask for a token without a key to bind it to")),
            None if is_bound => {
                Err(Error::bad_response("the server sent a token that is bound to a key, and none was given")
                    .with_remedy("give one: `Ask::with_proof_key`"))
            }
            asked => Ok(asked),
        }
    }

    fn lifetime(&self, policy: &Policy, now: SystemTime) -> (Lifetime, LifetimeSource) {
        let token = || self.lifetime_in_token(now).map(|lifetime| (lifetime, LifetimeSource::Token));
        let policy = || policy.lifetime().map(|life| (Lifetime::For(life), LifetimeSource::Policy));
        self.lifetime
            .map(|lifetime| (lifetime, LifetimeSource::Answer))
            .or_else(token)
            .or_else(policy)
            .unwrap_or((Lifetime::For(ASSUMED_LIFETIME), LifetimeSource::Assumed))
    }

    /// What the token says if it is a JWT: until `exp`, but for no longer than from `iat` to `exp`, should this machine's
    /// clock be slow. A token may have been issued long before it was handed out, so the span alone says too much.
    fn lifetime_in_token(&self, now: SystemTime) -> Option<Lifetime> {
        #[derive(Deserialize)]
        struct Claims {
            exp: f64,
            iat: Option<f64>,
        }
        let claims: Claims = serde_json::from_slice(&unverified_claims(self.secret.expose_secret())?).ok()?;
        let end = at_unix_seconds(claims.exp.max(0.0))?;
        let rest = end.duration_since(now).unwrap_or_default();
        let span = claims.iat.map(|iat| Duration::try_from_secs_f64(claims.exp - iat).unwrap_or_default());
        Some(Lifetime::For(span.map_or(rest, |span| span.min(rest))))
    }
}

/// The point in time, if it is one that a clock can show.
pub(crate) fn at_unix_seconds(seconds: f64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// What can be sent back in one header, which is what a token is for.
fn check_token(token: &str) -> Result<(), Error> {
    let refused = |why: &str| {
        Err(Error::bad_response(format!("the server sent a token {why}, which no header can carry"))
            .with_remedy("show the vendor this message"))
    };
    match token {
        "" => refused("that is empty"),
        _ if token.len() > LONGEST_TOKEN => refused("of more than 64 KiB"),
        // Without a way out at the first byte that does not fit, so that the compiler looks at many at once.
        _ if !token.bytes().fold(true, |fits, byte| fits & byte.is_ascii_graphic()) => {
            refused("with spaces, line breaks or the like in it")
        }
        _ => Ok(()),
    }
}

/// The claims of a JWT as JSON, or whatever stands in their place. No longer than the token, which is bounded.
fn unverified_claims(token: &str) -> Option<Vec<u8>> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    BASE64_URL_SAFE_NO_PAD.decode(claims).ok()
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("issued", &self.issued)
            .field("expires_at", &self.expires_at)
            .field("lifetime_source", &self.lifetime_source)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("token_type", &self.token_type)
            .field("lifetime", &self.lifetime)
            .field("scopes", &self.scopes)
            .field("extra", &self.extra.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

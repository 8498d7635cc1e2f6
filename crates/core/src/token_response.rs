//! The parsed response of a token endpoint.

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::lifetime::Lifetime;

/// A token response (RFC 6749 section 5.1), as [`read_response`](crate::CredentialsGrant::read_response) parsed it.
///
/// Most providers get it from a [`ResponseReader`](crate::ResponseReader). One that parses the body itself makes it
/// from its parts:
///
/// ```
/// use std::time::Duration;
/// use credentials_grant::{Lifetime, TokenResponse};
///
/// let response = TokenResponse::new("token")
///     .with_token_type("DPoP")
///     .with_lifetime(Lifetime::For(Duration::from_secs(3600)))
///     .with_scopes(["reservations.read"]);
/// assert_eq!(response.token_type(), Some("DPoP"));
/// ```
///
/// `Debug` shows neither the tokens nor the values of further members.
#[derive(Clone)]
pub struct TokenResponse {
    secret: SecretString,
    token_type: Option<String>,
    lifetime: Option<Lifetime>,
    scopes: Option<Vec<String>>,
    refresh_token: Option<SecretString>,
    extras: Map<String, Value>,
}

impl TokenResponse {
    /// Creates a response that holds this token and nothing else.
    pub fn new(secret: impl Into<SecretString>) -> Self {
        Self {
            secret: secret.into(),
            token_type: None,
            lifetime: None,
            scopes: None,
            refresh_token: None,
            extras: Map::new(),
        }
    }

    /// Sets the type of the token (`token_type`): `Bearer`, or `DPoP` for a token that is bound to a key.
    #[must_use]
    pub fn with_token_type(mut self, token_type: impl Into<String>) -> Self {
        self.token_type = Some(token_type.into());
        self
    }

    /// Sets how long the token lives (`expires_in`).
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Sets the scopes granted (`scope`).
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the refresh token (`refresh_token`).
    #[must_use]
    pub fn with_refresh_token(mut self, refresh_token: impl Into<SecretString>) -> Self {
        self.refresh_token = Some(refresh_token.into());
        self
    }

    /// Adds a further member of the response.
    #[must_use]
    pub fn with_extra(mut self, member: impl Into<String>, value: Value) -> Self {
        self.extras.insert(member.into(), value);
        self
    }

    /// Replaces all further members of the response.
    #[must_use]
    pub fn with_extras(mut self, extras: Map<String, Value>) -> Self {
        self.extras = extras;
        self
    }

    /// Returns the token itself.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// Returns the type of the token as the server sent it, if it sent one.
    #[must_use]
    pub fn token_type(&self) -> Option<&str> {
        self.token_type.as_deref()
    }

    /// Returns how long the token lives, if the response states it.
    #[must_use]
    pub fn lifetime(&self) -> Option<Lifetime> {
        self.lifetime
    }

    /// Returns the scopes granted, if the response names them.
    #[must_use]
    pub fn scopes(&self) -> Option<&[String]> {
        self.scopes.as_deref()
    }

    /// Returns the refresh token, if there is one.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&SecretString> {
        self.refresh_token.as_ref()
    }

    /// Returns a further member of the response.
    #[must_use]
    pub fn extra(&self, member: &str) -> Option<&Value> {
        self.extras.get(member)
    }

    /// Returns all further members of the response.
    #[must_use]
    pub fn extras(&self) -> &Map<String, Value> {
        &self.extras
    }

    /// Fills in the scopes asked for where the response names none (RFC 6749 section 5.1), and frees what is not
    /// needed.
    pub(crate) fn complete(&mut self, asked: &[String]) {
        if self.scopes.is_none() && !asked.is_empty() {
            self.scopes = Some(asked.to_vec());
        }
        if self.extras.is_empty() {
            // A map that once held the response's members keeps half a kilobyte, which counts where there are many
            // tokens.
            self.extras = Map::new();
        }
    }
}

/// Returns the point in time, if a clock can show it.
pub(crate) fn at_unix_seconds(seconds: f64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// Decodes the claims of a JWT, which may be any bytes. They are no longer than the token, which is bounded.
pub(crate) fn claims_json(token: &str) -> Option<Vec<u8>> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    BASE64_URL_SAFE_NO_PAD.decode(claims).ok()
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret: _, token_type, lifetime, scopes, refresh_token, extras } = self;
        f.debug_struct("TokenResponse")
            .field("token_type", token_type)
            .field("lifetime", lifetime)
            .field("scopes", scopes)
            .field("has_refresh_token", &refresh_token.is_some())
            .field("extras", &extras.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

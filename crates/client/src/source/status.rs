//! The status of a source.

use std::time::Duration;

use credentials_grant::Error;
use serde::{Serialize, Serializer};

use super::failures::Purpose;
use super::shared::Shared;
use super::token_source::TokenSource;
use super::validity::State;

/// The status of a [`TokenSource`](crate::TokenSource), for a health endpoint. It holds no secret.
///
/// ```no_run
/// # fn example(source: &credentials_grant_client::TokenSource) {
/// use credentials_grant_client::TokenState;
///
/// let status = source.status();
/// let healthy = status.last_error.is_none() || matches!(status.state, TokenState::Fresh | TokenState::Stale);
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The provider's name.
    pub provider: String,
    /// What the source has in memory.
    pub state: TokenState,
    /// How long until the token in memory expires. The source stops returning it up to 30 seconds earlier. Serialized
    /// in whole seconds, as `seconds_left`.
    #[serde(rename = "seconds_left", serialize_with = "seconds")]
    pub lifetime_left: Option<Duration>,
    /// Whether the token in memory was taken from a store: another process requested it.
    pub adopted: bool,
    /// Why the last fetch failed; `None` after one that succeeded. Serialized as its message.
    #[serde(serialize_with = "words")]
    pub last_error: Option<Error>,
    /// How long the source sends nothing because of the last error. Serialized in whole seconds, as
    /// `next_attempt_in_seconds`.
    #[serde(rename = "next_attempt_in_seconds", serialize_with = "seconds")]
    pub next_attempt_in: Option<Duration>,
}

/// What a source has in memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenState {
    /// No token: none was requested yet, none was issued, or the last one was invalidated.
    Missing,
    /// A valid token that is not yet due for renewal.
    Fresh,
    /// A valid token that is due for renewal.
    Stale,
    /// An expired token, which is no longer returned.
    Expired,
}

impl TokenSource {
    /// Returns the status, for a health endpoint. Sends nothing.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.0)
    }
}

impl Status {
    fn of(source: &Shared) -> Self {
        let now = source.reading();
        let current = source.current.load();
        let validity = current.as_ref().map(|current| current.validity);
        let adopted = current.as_ref().is_some_and(|current| current.is_adopted);
        drop(current);
        let state = validity.map_or(TokenState::Missing, |validity| match validity.state(now) {
            State::Fresh => TokenState::Fresh,
            State::Stale => TokenState::Stale,
            State::Expired => TokenState::Expired,
        });
        let is_valid = matches!(state, TokenState::Fresh | TokenState::Stale);
        let purpose = if is_valid { Purpose::Renewal } else { Purpose::Caller };
        let failures = source.failures();
        let (last_error, next_attempt_in) = (failures.last().cloned(), failures.pause_left(purpose, now));
        drop(failures);
        Self {
            provider: source.provider.name().to_owned(),
            state,
            lifetime_left: validity.map(|validity| validity.left(now)),
            adopted,
            last_error: last_error.map(|error| source.named(error)),
            next_attempt_in,
        }
    }
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs()).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn words<S: Serializer>(error: &Option<Error>, serializer: S) -> Result<S::Ok, S::Error> {
    error.as_ref().map(ToString::to_string).serialize(serializer)
}

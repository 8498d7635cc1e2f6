//! How a source is doing.

use std::time::Duration;

use credentials_grant::Error;
use serde::{Serialize, Serializer};

use crate::failures::Purpose;
use crate::inner::Inner;
use crate::life::State;
use crate::token_source::TokenSource;

/// How a [`TokenSource`](crate::TokenSource) is doing, for a health endpoint. It holds no secret.
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
    /// The provider.
    pub provider: String,
    /// What is in memory.
    pub state: TokenState,
    /// How long the token in memory lives yet, in whole seconds.
    #[serde(rename = "seconds_left", serialize_with = "seconds")]
    pub left: Option<Duration>,
    /// Why the last request brought no token; `None` once one has.
    #[serde(serialize_with = "words")]
    pub last_error: Option<Error>,
    /// For how long nothing is sent, because of the last error. In whole seconds where it is serialized.
    #[serde(rename = "next_attempt_in_seconds", serialize_with = "seconds")]
    pub next_attempt_in: Option<Duration>,
}

/// What a source has in memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// No token: none was asked for yet, none was issued, or the last one was invalidated.
    Missing,
    /// A token, not yet due for renewal.
    Fresh,
    /// A token that is due for renewal, and good.
    Stale,
    /// A token that is handed out no longer.
    Expired,
}

impl TokenSource {
    /// How the source is doing, for a health endpoint. Sends nothing.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.0)
    }
}

impl Status {
    pub(crate) fn of(source: &Inner) -> Self {
        let now = source.reading();
        let life = source.current.load().as_ref().map(|kept| kept.life);
        let state = life.map_or(TokenState::Missing, |life| match life.state(now) {
            State::Fresh => TokenState::Fresh,
            State::Stale => TokenState::Stale,
            State::Expired => TokenState::Expired,
        });
        let is_good = matches!(state, TokenState::Fresh | TokenState::Stale);
        let purpose = if is_good { Purpose::Renewal } else { Purpose::Caller };
        let failures = source.failures();
        let (last_error, next_attempt_in) = (failures.last().cloned(), failures.pause_left(purpose, now));
        drop(failures);
        Self {
            provider: source.provider.name().to_owned(),
            state,
            left: life.map(|life| life.left(now)),
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

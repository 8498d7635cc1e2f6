//! The token that a source has in memory, with what it knows about its age.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::AccessToken;

use super::validity::Validity;

/// The token that a source has in memory.
pub(crate) struct CurrentToken {
    pub(crate) token: Arc<AccessToken>,
    pub(crate) validity: Validity,
    /// How much of its lifetime was left when it arrived.
    pub(crate) lifetime_on_arrival: Duration,
}

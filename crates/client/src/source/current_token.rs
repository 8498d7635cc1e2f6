//! The token that a source has in memory, with what it knows about its age.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::AccessToken;

use super::validity::Validity;
#[cfg(feature = "store")]
use crate::store::Version;

/// The token that a source has in memory.
pub(crate) struct CurrentToken {
    pub(crate) token: Arc<AccessToken>,
    pub(crate) validity: Validity,
    /// How long a new token lives when it arrives, as far as this one shows.
    pub(crate) lifetime_on_arrival: Duration,
    /// Whether another process requested it.
    pub(crate) is_adopted: bool,
    /// Its version in the store, if it has one.
    #[cfg(feature = "store")]
    pub(crate) version: Option<Version>,
    /// How many tokens the API rejected one after the other, before this one.
    #[cfg(feature = "store")]
    pub(crate) rejections: u32,
}

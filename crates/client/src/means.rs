//! What sources work with, and may share.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{IssuanceLimit, Transport};

use crate::clock::Clock;
use crate::limits::Ledger;

/// What sources work with, and may share.
#[derive(Debug)]
pub(crate) struct Means {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) maximum_lifetime: Duration,
    pub(crate) keep_warm: bool,
    /// Beside those of the providers' policies.
    pub(crate) limits: Vec<IssuanceLimit>,
    pub(crate) ledger: Arc<Ledger>,
}

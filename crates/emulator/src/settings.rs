//! The settings of one emulator, after the vendor's defaults were applied.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::clock::EmulatorClock;
use crate::limits::AddressBlock;

/// What an emulator checks requests against, and what it puts into responses.
///
/// Every field has a setter of the same name in [`Emulator`](crate::Emulator).
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) further_clients: BTreeMap<String, String>,
    pub(crate) client_secret_post: bool,
    pub(crate) gateway_key: Option<String>,
    pub(crate) grant_types: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) deleted_scopes: Vec<String>,
    pub(crate) lifetime: Duration,
    pub(crate) expires_in: Option<Value>,
    pub(crate) refresh_tokens: bool,
    pub(crate) multipart: bool,
    pub(crate) requests_per_second: Option<u32>,
    pub(crate) address_block: Option<AddressBlock>,
    pub(crate) clock: EmulatorClock,
}

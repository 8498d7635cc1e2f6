//! A token source: the current token, its renewal, and the one request for any number of callers.

mod builder;
mod config;
mod current;
mod current_token;
mod failures;
mod fetch;
mod flight;
mod join;
mod keep_warm;
mod limited_transport;
mod limits;
mod operations;
mod predecessor;
mod shared;
mod shared_failures;
mod status;
#[cfg(feature = "store")]
mod store_memory;
#[cfg(feature = "store")]
mod stored_failures;
#[cfg(feature = "store")]
mod stored_token;
#[cfg(feature = "store")]
mod through_store;
mod token_options;
mod token_ref;
mod token_source;
pub(crate) mod validity;
mod warm_task;

pub use builder::TokenSourceBuilder;
pub use status::{Status, TokenState};
pub use token_options::TokenOptions;
pub use token_ref::TokenRef;
pub use token_source::TokenSource;

// What the pool, the authorizer and the metrics build on.
pub(crate) use builder::{check_presentation, dry_run_request};
pub(crate) use config::{Config, ConfigBuilder};
pub(crate) use join::FetchResult;
pub(crate) use shared::Shared;
pub(crate) use validity::State;

#![doc = include_str!("../README.md")]

pub mod blocking;
mod clock;
mod environment;
mod failures;
mod files;
mod flight;
#[cfg(feature = "reqwest")]
mod http_transport;
mod life;
mod token_source;
mod token_source_builder;

pub use clock::{Clock, ManualClock, SystemClock};
pub use environment::EnvironmentCredentials;
pub use files::FileCredentials;
#[cfg(feature = "reqwest")]
pub use http_transport::HttpTransport;
pub use token_source::{CachedToken, TokenSource};
pub use token_source_builder::TokenSourceBuilder;

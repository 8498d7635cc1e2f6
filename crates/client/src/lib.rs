#![doc = include_str!("../README.md")]

mod authorizer;
pub mod blocking;
mod boarding;
mod builder;
mod clock;
mod current;
mod environment;
mod failures;
mod fallback;
mod fetch;
mod files;
mod flight;
mod function;
#[cfg(feature = "reqwest")]
mod http_transport;
mod key;
mod life;
mod limits;
mod metrics;
mod need;
mod pool;
mod status;
mod sync;
mod token_source;
mod warm;

pub use authorizer::{Authorizer, AuthorizerBuilder, OutgoingRequest, Presented};
#[cfg(feature = "tower")]
pub use authorizer::{AuthorizerLayer, AuthorizerService};
pub use builder::{Builder, ForSource, TokenSourceBuilder};
pub use clock::{Clock, ManualClock, SystemClock};
pub use environment::EnvironmentCredentials;
pub use fallback::FallbackCredentials;
pub use files::FileCredentials;
pub use function::FunctionCredentials;
#[cfg(feature = "reqwest")]
pub use http_transport::HttpTransport;
pub use need::Need;
pub use pool::{ForPool, TokenPool, TokenPoolBuilder};
pub use status::{Status, TokenState};
pub use token_source::{CachedToken, TokenSource};

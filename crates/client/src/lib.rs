#![doc = include_str!("../README.md")]

mod assertion_file;
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
mod inner;
mod key;
#[cfg(feature = "signing")]
mod key_signer;
mod life;
mod limits;
mod means;
mod metrics;
mod operations;
mod pool;
mod status;
mod sync;
mod token_options;
mod token_source;
mod warm;

pub use assertion_file::AssertionFile;
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
pub use inner::TokenRef;
#[cfg(feature = "signing")]
pub use key_signer::{KeySigner, SigningAlgorithm};
pub use pool::{ForPool, TokenPool, TokenPoolBuilder};
pub use status::{Status, TokenState};
pub use token_options::TokenOptions;
pub use token_source::TokenSource;

#![doc = include_str!("../README.md")]

mod authorizer;
mod backoff;
pub mod blocking;
mod clock;
mod credentials;
#[cfg(feature = "reqwest")]
mod http_transport;
mod io_threads;
#[cfg(feature = "signing")]
mod key_signer;
mod metrics;
mod pool;
mod provide_token;
mod random;
mod runtime;
mod source;
#[cfg(feature = "store")]
mod store;
mod sync;
mod system_clock;

pub use authorizer::{Authorization, AuthorizationRetry, Authorizer, AuthorizerBuilder, OutgoingRequest};
#[cfg(feature = "tower")]
pub use authorizer::{AuthorizerLayer, AuthorizerService, CheckedBody, CopyBody, EmptyBodies};
pub use clock::{Clock, ManualClock};
pub use credentials::{
    AssertionFileCredentials, EnvironmentCredentials, FallbackCredentials, FileCredentials, FunctionCredentials,
};
#[cfg(feature = "reqwest")]
pub use http_transport::{EnvironmentProxy, HttpTransport};
#[cfg(feature = "signing")]
pub use key_signer::{KeySigner, SigningAlgorithm};
pub use pool::{TokenPool, TokenPoolBuilder};
pub use provide_token::ProvideToken;
pub use source::{Status, TokenOptions, TokenRef, TokenSource, TokenSourceBuilder, TokenState};
#[cfg(feature = "store")]
pub use store::{Claim, Claimant, Keyring, MemoryStore, Record, StoreError, StoreKey, TokenStore, Version};
#[cfg(feature = "file-store")]
pub use store::{FileStore, StoredFile};
pub use system_clock::SystemClock;

/// The HTTP client that [`HttpTransport`] and the middleware are built on, in the version that they need.
#[cfg(any(feature = "reqwest", feature = "reqwest-middleware"))]
pub use reqwest;
/// The crate whose clients the [`Authorizer`] is a middleware of, in the version that it needs.
#[cfg(feature = "reqwest-middleware")]
pub use reqwest_middleware;

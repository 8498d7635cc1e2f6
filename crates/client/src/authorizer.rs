//! Puts tokens on API calls, and reacts to how the API answers.

mod authorize;
#[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
mod broken_uploads;
mod builder;
mod challenge;
#[cfg(feature = "tower")]
mod checked_body;
mod expiry;
mod hosts;
mod outgoing_request;
mod rejections;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
#[cfg(feature = "tower")]
mod tower_layer;

pub use authorize::{Authorization, AuthorizationRetry, Authorizer};
pub use builder::AuthorizerBuilder;
#[cfg(feature = "tower")]
pub use checked_body::CheckedBody;
pub use outgoing_request::OutgoingRequest;
#[cfg(feature = "tower")]
pub use tower_layer::{AuthorizerLayer, AuthorizerService, CopyBody, EmptyBodies};

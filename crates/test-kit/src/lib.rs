//! Test doubles that the tests of this workspace share: a provider, a server in memory, a clock.
//!
//! ```
//! use credentials_grant::{RequestSeed, TokenParameters, fetch_token};
//! use credentials_grant_test_kit::{Acme, Answer, TestServer, credentials};
//! # use futures_executor::block_on;
//!
//! let (acme, server) = (Acme::new(), TestServer::in_turn([Answer::Token(3600)]));
//! let parameters = TokenParameters::new().with_scope("read");
//! let token = block_on(fetch_token(&acme, &credentials(), &parameters, &server, RequestSeed::fixed()))?;
//! assert_eq!(token.header_value(), "Bearer token-1");
//! assert_eq!(server.take_requests()[0].body, "grant_type=client_credentials&scope=read");
//! # Ok::<(), credentials_grant::Error>(())
//! ```

// Only tests use this crate, and tests may panic.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::unwrap_used
)]

mod acme;
mod answer;
mod client_authentication;
mod redis_kind;
#[cfg(feature = "client")]
mod runtime;
mod server;
mod spelling;

pub use acme::Acme;
pub use answer::{Answer, response};
pub use client_authentication::check_client_authentication_names;
use credentials_grant::ClientCredentials;
pub use redis_kind::RedisKind;
#[cfg(feature = "client")]
pub use runtime::{TokioClock, clock, gated, pass, settle};
pub use server::{ReceivedRequest, TestServer};
pub use spelling::Spelling;

/// Returns the credentials of the client `id`, whose secret is `secret`.
pub fn credentials() -> ClientCredentials {
    ClientCredentials::new("id", "secret")
}

//! Token sources, pools and authorizers for programs without an async runtime.
//!
//! All of them share one background runtime, which is started with the first and ends with the last. Credentials and
//! transports that block their thread occupy one of its eight threads. They are cheap to clone, and clones share their
//! tokens.
//!
//! ```no_run
//! # fn example(acme: impl credentials_grant::CredentialsGrant) -> Result<(), credentials_grant::Error> {
//! use credentials_grant_client::{EnvironmentCredentials, blocking::TokenSource};
//!
//! let source = TokenSource::new(acme, EnvironmentCredentials::with_prefix("ACME"))?;
//! let token = source.token()?;
//! # Ok(())
//! # }
//! ```
//!
//! After a `fork`, build them in the child: their threads are in the parent, so in the child all calls fail and say so.
//!
//! In an async program, call them where blocking is allowed, such as in `spawn_blocking`. On a thread of the async
//! runtime they do not panic, but they block it.

mod authorizer;
mod background;
mod token_pool;
mod token_source;

pub use authorizer::Authorizer;
pub use token_pool::TokenPool;
pub use token_source::TokenSource;

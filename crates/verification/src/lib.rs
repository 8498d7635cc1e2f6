#![doc = include_str!("../README.md")]

mod algorithm;
mod expected;
mod issuer_keys;
mod jwt;
mod key_set;
mod token_verifier;

pub use token_verifier::{TokenVerifier, TokenVerifierBuilder};

// What stands in this crate's signatures, so that an API needs no dependency of its own for it.
pub use credentials_grant::{Error, ErrorKind, ExposeSecret, SecretString, Transport};
pub use credentials_grant_client::{Clock, HttpTransport, ManualClock, SigningAlgorithm, SystemClock};
pub use credentials_grant_discovery::Issuer;

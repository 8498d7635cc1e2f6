#![doc = include_str!("../README.md")]

mod cached;
mod client_authentication;
mod discovery;
mod document;
mod endpoint_kind;
mod issuer;
mod metadata;
mod metadata_reader;

pub use cached::Cached;
pub use discovery::Discovery;
pub use document::{Document, FetchError};
pub use endpoint_kind::EndpointKind;
pub use issuer::Issuer;
pub use metadata::Metadata;

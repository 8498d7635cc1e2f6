#![doc = include_str!("../README.md")]

mod ask;
mod assertion;
mod attempt;
mod client_authentication;
mod client_certificate;
mod credentials;
mod encode;
mod endpoint;
mod error;
mod grant;
mod header;
mod introspection;
mod jws;
mod meaning;
mod operation;
mod policy;
mod proof_key;
mod reader;
mod request;
mod request_builder;
mod response;
mod scrub;
mod sealed_request;
mod settings;
mod signer;
mod token;
mod transport;

pub use ask::Ask;
pub use attempt::{Attempt, Surroundings};
pub use client_authentication::ClientAuthentication;
pub use client_certificate::ClientCertificate;
pub use credentials::{ClientCredentials, CredentialsSource};
pub use endpoint::TokenEndpoint;
pub use error::{Error, ErrorKind, OAuthError, Retry};
pub use grant::{CredentialsGrant, grant};
pub use introspection::Introspection;
pub use meaning::Meaning;
pub use operation::{TokenOperation, introspect, revoke};
pub use policy::{IssuanceLimit, Policy, Presentation};
pub use proof_key::ProofKey;
pub use reader::{ExpiryUnit, ResponseReader};
pub use request::TokenRequest;
pub use request_builder::TokenRequestBuilder;
pub use response::TokenResponse;
pub use sealed_request::SealedRequest;
pub use settings::{Configure, Setting, Settings};
pub use signer::Signer;
pub use token::{AccessToken, IssuedToken, Lifetime, LifetimeSource};
pub use transport::Transport;

// What stands in this crate's signatures, so that a provider needs no dependency of its own for it.
pub use async_trait::async_trait;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use secrecy::{ExposeSecret, SecretString};
pub use serde_json::Value;
pub use url::Url;

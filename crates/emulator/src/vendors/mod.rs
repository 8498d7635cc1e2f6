//! The vendors: each file is a [`Script`] and what it says, written from the vendor's documents.

pub(crate) mod apaleo;
pub(crate) mod cognito;
pub(crate) mod octorate;
pub(crate) mod ptv;
pub(crate) mod resamania;

use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::answer::Answer;
use crate::authorization_server::AuthorizationServer;
use crate::limits::AddressBlock;
use crate::request::Request;

/// One vendor: its defaults, and how it answers.
pub(crate) struct Script {
    /// Where the token endpoint is; the first is the one that the vendor documents.
    pub(crate) token_paths: &'static [&'static str],
    pub(crate) client_id: &'static str,
    pub(crate) client_secret: &'static str,
    pub(crate) gateway_key: Option<&'static str>,
    pub(crate) grant_types: &'static [&'static str],
    pub(crate) scopes: &'static [&'static str],
    pub(crate) lifetime: Duration,
    pub(crate) requests_per_second: Option<u32>,
    pub(crate) address_block: Option<AddressBlock>,
    /// The one call of the API that is served.
    pub(crate) call: Call,
    /// Answers at the token endpoint.
    pub(crate) token: Respond,
    /// Answers everywhere else.
    pub(crate) api: Respond,
    /// The vendor's `invalid_client`, with a description.
    pub(crate) refusal: fn(&str) -> Answer,
}

/// A grant or a refusal; both are answers, and a refusal ends the checks.
pub(crate) type Respond = fn(&AuthorizationServer, &Request) -> Result<Answer, Answer>;

/// A call of the vendor's API.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// What it needs beside the token and the gateway's key.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: fn() -> Option<Value>,
}

/// The grant that all vendors have.
pub(crate) const CLIENT_CREDENTIALS: &str = "client_credentials";

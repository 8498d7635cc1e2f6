//! How a vendor is described: its defaults, and the functions that respond as it does.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::authorization_server::AuthorizationServer;
use crate::clock::EmulatorClock;
use crate::http_response::HttpResponse;
use crate::limits::AddressBlock;
use crate::request::Request;
use crate::settings::Settings;

/// One vendor: its defaults, and how it responds.
pub(crate) struct VendorDefinition {
    /// The paths of the token endpoint; the first is the one that the vendor documents.
    pub(crate) token_paths: &'static [&'static str],
    pub(crate) client_id: &'static str,
    pub(crate) client_secret: &'static str,
    pub(crate) gateway_key: Option<&'static str>,
    pub(crate) grant_types: &'static [&'static str],
    pub(crate) scopes: &'static [&'static str],
    pub(crate) lifetime: Duration,
    pub(crate) requests_per_second: Option<u32>,
    pub(crate) address_block: Option<AddressBlock>,
    /// The one call of the vendor's API that the emulator serves.
    pub(crate) example_call: ExampleCall,
    /// Responds at the token endpoint.
    pub(crate) token_endpoint: Handler,
    /// Responds at every other path.
    pub(crate) api: Handler,
    /// Makes the vendor's `invalid_client` response, with this description.
    pub(crate) invalid_client: fn(&str) -> HttpResponse,
}

/// Responds to a request. `Err` is the vendor's refusal, so that a check can end the handler with `?`.
pub(crate) type Handler = fn(&AuthorizationServer, &Request) -> Result<HttpResponse, HttpResponse>;

/// A call of the vendor's API.
pub(crate) struct ExampleCall {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// The headers that the call needs besides the token and the gateway's key.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: fn() -> Option<Value>,
}

/// The grant type that every vendor has.
pub(crate) const CLIENT_CREDENTIALS: &str = "client_credentials";

/// The header that carries the gateway's key (Resamania).
pub(crate) const GATEWAY_KEY: &str = "x-gravitee-api-key";

impl VendorDefinition {
    /// Returns the vendor's defaults, with the system's clock.
    pub(crate) fn settings(&self) -> Settings {
        let owned = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        Settings {
            client_id: self.client_id.to_owned(),
            client_secret: self.client_secret.to_owned(),
            further_clients: BTreeMap::new(),
            client_secret_post: false,
            gateway_key: self.gateway_key.map(str::to_owned),
            grant_types: owned(self.grant_types),
            scopes: owned(self.scopes),
            deleted_scopes: Vec::new(),
            lifetime: self.lifetime,
            expires_in: None,
            refresh_tokens: true,
            multipart: true,
            requests_per_second: self.requests_per_second,
            address_block: self.address_block,
            clock: EmulatorClock::system(),
        }
    }
}

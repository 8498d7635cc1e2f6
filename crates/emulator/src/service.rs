//! One running emulator without its socket: from a request to what is sent back.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use url::Url;

use crate::active_misbehaviour::ActiveMisbehaviour;
use crate::authorization_server::AuthorizationServer;
use crate::delivery::Delivery;
use crate::http_response::HttpResponse;
use crate::misbehave::misbehave;
use crate::request::Request;
use crate::settings::Settings;
use crate::start_error::StartError;
use crate::vendor_definition::VendorDefinition;

/// A vendor's definition, and the state of the emulator that runs it.
pub(crate) struct EmulatorService {
    /// The vendor's name, for people: nothing is decided by it.
    pub(crate) name: &'static str,
    pub(crate) definition: &'static VendorDefinition,
    pub(crate) server: AuthorizationServer,
    /// Where the emulator listens.
    pub(crate) address: SocketAddr,
    pub(crate) token_url: Url,
    pub(crate) token_requests: AtomicU64,
    pub(crate) misbehaviour: ActiveMisbehaviour,
}

impl EmulatorService {
    pub(crate) fn new(
        name: &'static str,
        definition: &'static VendorDefinition,
        settings: Settings,
        address: SocketAddr,
    ) -> Result<Self, StartError> {
        let token_url = Url::parse(&format!("http://{address}{}", definition.token_paths[0]));
        Ok(Self {
            name,
            definition,
            address,
            server: AuthorizationServer::new(settings)?,
            token_url: token_url.map_err(|error| StartError::Server(io::Error::other(error)))?,
            token_requests: AtomicU64::new(0),
            misbehaviour: ActiveMisbehaviour::default(),
        })
    }

    /// Responds as the vendor does, or as the active misbehaviour wants it.
    pub(crate) fn respond(&self, request: &Request) -> Delivery {
        if !self.definition.token_paths.contains(&request.path()) {
            return Delivery::Whole(either((self.definition.api)(&self.server, request)));
        }
        self.token_requests.fetch_add(1, Ordering::Relaxed);
        let respond = || self.token_response(request);
        match self.misbehaviour.next() {
            Some(misbehaviour) => misbehave(misbehaviour, self.definition, &self.server, respond),
            None => Delivery::Whole(respond()),
        }
    }

    fn token_response(&self, request: &Request) -> HttpResponse {
        if !self.server.limits.allow(request.source, self.server.now()) {
            return HttpResponse::empty(StatusCode::TOO_MANY_REQUESTS);
        }
        either((self.definition.token_endpoint)(&self.server, request))
    }
}

/// Returns the response of a handler, whether it granted or refused.
fn either(outcome: Result<HttpResponse, HttpResponse>) -> HttpResponse {
    outcome.unwrap_or_else(|refusal| refusal)
}

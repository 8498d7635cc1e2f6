//! What all vendors' servers have in common: a client they know, tokens they issued, limits they keep.

use std::io;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::emulator::Emulator;
use crate::http_response::HttpResponse;
use crate::issued_tokens::{IssuedTokens, TokenStatus};
use crate::limits::{AddressBlock, Limits};
use crate::misbehaviour::ActiveMisbehaviour;
use crate::request::{Credentials, Request};
use crate::signing::{SigningKey, random_string};
use crate::start_error::StartError;

/// The state of one running emulator.
pub(crate) struct AuthorizationServer {
    pub(crate) settings: Emulator,
    pub(crate) definition: &'static VendorDefinition,
    pub(crate) token_url: Url,
    pub(crate) access_tokens: IssuedTokens,
    pub(crate) limits: Limits,
    pub(crate) misbehaviour: ActiveMisbehaviour,
    pub(crate) token_requests: AtomicU64,
    pub(crate) refresh_tokens: IssuedTokens,
    /// Cognito's `aws_client_metadata`, as last granted.
    pub(crate) client_metadata: Mutex<Option<Value>>,
    pub(crate) key: &'static SigningKey,
}

/// The header that carries the gateway's key (Resamania).
pub(crate) const GATEWAY_KEY: &str = "x-gravitee-api-key";

/// One vendor: its defaults, and how it answers.
pub(crate) struct VendorDefinition {
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
    pub(crate) call: ExampleCall,
    /// Answers at the token endpoint.
    pub(crate) token_endpoint: Handler,
    /// Answers everywhere else.
    pub(crate) api: Handler,
    /// The vendor's `invalid_client`, with a description.
    pub(crate) invalid_client: fn(&str) -> HttpResponse,
}

/// A grant or a refusal; both are answers, and a refusal ends the checks.
pub(crate) type Handler = fn(&AuthorizationServer, &Request) -> Result<HttpResponse, HttpResponse>;

/// A call of the vendor's API.
pub(crate) struct ExampleCall {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// What it needs beside the token and the gateway's key.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: fn() -> Option<Value>,
}

/// The grant that all vendors have.
pub(crate) const CLIENT_CREDENTIALS: &str = "client_credentials";

/// What every signed token says of its time, and what makes it unlike every other.
pub(crate) struct RegisteredClaims {
    /// In seconds of the Unix epoch.
    pub(crate) issued_at: u64,
    /// In seconds of the Unix epoch.
    pub(crate) expires_at: u64,
    pub(crate) id: String,
}

/// Why an API does not serve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BearerError {
    Missing,
    Expired,
    Invalid,
}

impl AuthorizationServer {
    pub(crate) fn new(
        definition: &'static VendorDefinition,
        settings: Emulator,
        listener: &TcpListener,
    ) -> Result<Self, StartError> {
        Ok(Self {
            definition,
            token_url: url(listener, definition.token_paths[0]).map_err(StartError::Server)?,
            access_tokens: IssuedTokens::default(),
            limits: Limits::new(settings.requests_per_second, settings.address_block),
            misbehaviour: ActiveMisbehaviour::default(),
            token_requests: AtomicU64::new(0),
            refresh_tokens: IssuedTokens::default(),
            client_metadata: Mutex::default(),
            key: SigningKey::of_this_process().map_err(|_| StartError::SigningKey)?,
            settings,
        })
    }

    /// What the vendor says to a credentials it does not believe.
    pub(crate) fn invalid_client(&self, description: &str) -> HttpResponse {
        (self.definition.invalid_client)(description)
    }

    /// Client authentication (RFC 6749, section 2.3); a failed one counts against the address.
    pub(crate) fn authenticate(&self, request: &Request, credentials: &Credentials) -> bool {
        let known = credentials.id == self.settings.client_id && credentials.secret == self.settings.client_secret;
        if known {
            self.limits.record_success(request.source);
        } else {
            self.limits.record_failure(request.source, self.now());
        }
        known
    }

    /// Whether the client may use this grant type.
    pub(crate) fn allows(&self, grant_type: &str) -> bool {
        self.settings.grant_types.iter().any(|allowed| allowed == grant_type)
    }

    /// The scopes to grant: those asked for, or all of the client's; `None` if one is not the client's to ask for.
    pub(crate) fn scopes(&self, asked: Option<&str>) -> Option<Vec<String>> {
        let Emulator { scopes, deleted_scopes, .. } = &self.settings;
        let Some(asked) = asked else {
            return Some(scopes.clone());
        };
        let wanted = asked.split_ascii_whitespace().map(str::to_owned).filter(|scope| !deleted_scopes.contains(scope));
        wanted.map(|scope| scopes.contains(&scope).then_some(scope)).collect()
    }

    /// Issues a signed token with the claims that `claims` makes of the registered.
    pub(crate) fn issue_jwt<C: Serialize>(
        &self,
        claims: impl FnOnce(RegisteredClaims) -> C,
    ) -> Result<String, HttpResponse> {
        let issued_at = seconds(self.now());
        let registered = RegisteredClaims {
            issued_at,
            expires_at: issued_at.saturating_add(self.settings.lifetime.as_secs()),
            id: random_string().map_err(|error| HttpResponse::internal_error(&error))?,
        };
        let claims = serde_json::to_vec(&claims(registered)).map_err(|error| HttpResponse::internal_error(&error))?;
        let token = self.key.sign(&claims);
        Ok(self.enter(token.map_err(|error| HttpResponse::internal_error(&error))?))
    }

    /// Issues a token that means nothing to anybody else.
    pub(crate) fn issue_opaque(&self) -> Result<String, HttpResponse> {
        let token = random_string().map_err(|error| HttpResponse::internal_error(&error))?;
        Ok(self.enter(token))
    }

    /// What the answer says as `expires_in`.
    pub(crate) fn expires_in(&self) -> Value {
        match &self.settings.expires_in {
            Some(said) => said.clone(),
            None => self.settings.lifetime.as_secs().into(),
        }
    }

    /// Whether the request carries a token that is good.
    pub(crate) fn check_bearer(&self, request: &Request) -> Result<(), BearerError> {
        let token = request.authorization("Bearer").ok_or(BearerError::Missing)?;
        match self.access_tokens.status(token, self.now()) {
            TokenStatus::Active => Ok(()),
            TokenStatus::Expired => Err(BearerError::Expired),
            TokenStatus::Invalid => Err(BearerError::Invalid),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.settings.clock.now()
    }

    pub(crate) fn token(&self, request: &Request) -> HttpResponse {
        if !self.limits.allow(request.source, self.now()) {
            return HttpResponse::empty(StatusCode::TOO_MANY_REQUESTS);
        }
        merge((self.definition.token_endpoint)(self, request))
    }

    fn enter(&self, token: String) -> String {
        self.access_tokens.insert(token.clone(), self.now(), self.settings.lifetime);
        token
    }
}

/// A grant and a refusal are both answers.
pub(crate) fn merge(answer: Result<HttpResponse, HttpResponse>) -> HttpResponse {
    answer.unwrap_or_else(|refusal| refusal)
}

fn url(listener: &TcpListener, path: &str) -> io::Result<Url> {
    let address = listener.local_addr()?;
    Url::parse(&format!("http://{address}{path}")).map_err(io::Error::other)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

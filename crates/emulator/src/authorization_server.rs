//! What the authorization servers of all vendors share: a client they know, tokens they issued, limits they keep.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;

use crate::http_response::HttpResponse;
use crate::issued_tokens::{IssuedTokens, TokenStatus};
use crate::limits::Limits;
use crate::request::{Credentials, Request};
use crate::settings::Settings;
use crate::signing::{SigningKey, random_string};
use crate::start_error::StartError;

/// The state of an authorization server, and the checks that a vendor's handlers choose from.
pub(crate) struct AuthorizationServer {
    pub(crate) settings: Settings,
    pub(crate) access_tokens: IssuedTokens,
    pub(crate) refresh_tokens: IssuedTokens,
    pub(crate) limits: Limits,
    /// The `aws_client_metadata` of the last request that was granted with one (Cognito).
    pub(crate) client_metadata: Mutex<Option<Value>>,
    pub(crate) key: &'static SigningKey,
}

/// The claims of every signed token (RFC 7519, section 4.1), under the names that a vendor gives them.
pub(crate) struct RegisteredClaims {
    /// In seconds since the Unix epoch.
    pub(crate) issued_at: u64,
    /// In seconds since the Unix epoch.
    pub(crate) expires_at: u64,
    /// Differs for every token, so that no two tokens of one second are equal.
    pub(crate) id: String,
}

/// Why a bearer token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BearerError {
    /// The request has no bearer token.
    Missing,
    Expired,
    /// Never issued, or revoked.
    Invalid,
}

impl AuthorizationServer {
    pub(crate) fn new(settings: Settings) -> Result<Self, StartError> {
        Ok(Self {
            access_tokens: IssuedTokens::default(),
            refresh_tokens: IssuedTokens::default(),
            limits: Limits::new(settings.requests_per_second, settings.address_block),
            client_metadata: Mutex::default(),
            key: SigningKey::of_this_process().map_err(|_| StartError::SigningKey)?,
            settings,
        })
    }

    /// Returns whether the credentials are a client's (RFC 6749, section 2.3).
    ///
    /// A failure counts against the address of the request.
    pub(crate) fn authenticate(&self, request: &Request, credentials: &Credentials) -> bool {
        let Settings { client_id, client_secret, further_clients, .. } = &self.settings;
        let secret =
            further_clients.get(&credentials.id).or_else(|| (credentials.id == *client_id).then_some(client_secret));
        let known = secret == Some(&credentials.secret);
        if known {
            self.limits.record_success(request.source);
        } else {
            self.limits.record_failure(request.source, self.now());
        }
        known
    }

    /// Returns whether the client may use this grant type.
    pub(crate) fn allows(&self, grant_type: &str) -> bool {
        self.settings.grant_types.iter().any(|allowed| allowed == grant_type)
    }

    /// Returns the scopes to grant: the requested ones, or all of the client's if none were requested.
    ///
    /// Returns `None` if the client may not have one of the requested scopes.
    pub(crate) fn scopes(&self, requested: Option<&str>) -> Option<Vec<String>> {
        let Settings { scopes, deleted_scopes, .. } = &self.settings;
        let Some(requested) = requested else {
            return Some(scopes.clone());
        };
        requested
            .split_ascii_whitespace()
            .map(str::to_owned)
            .filter(|scope| !deleted_scopes.contains(scope))
            .map(|scope| scopes.contains(&scope).then_some(scope))
            .collect()
    }

    /// Issues a signed token; `claims` turns the registered claims into all claims of the vendor's token.
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
        let token = self.key.sign(&claims).map_err(|error| HttpResponse::internal_error(&error))?;
        Ok(self.record(token))
    }

    /// Issues a random string as a token.
    pub(crate) fn issue_opaque(&self) -> Result<String, HttpResponse> {
        let token = random_string().map_err(|error| HttpResponse::internal_error(&error))?;
        Ok(self.record(token))
    }

    /// Returns the `expires_in` of a token response.
    pub(crate) fn expires_in(&self) -> Value {
        match &self.settings.expires_in {
            Some(configured) => configured.clone(),
            None => self.settings.lifetime.as_secs().into(),
        }
    }

    /// Checks that the request carries a token that this server issued and that is still valid (RFC 6750).
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

    fn record(&self, token: String) -> String {
        self.access_tokens.insert(&token, self.now(), self.settings.lifetime);
        token
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

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

use crate::answer::Answer;
use crate::emulator::Emulator;
use crate::ledger::{Ledger, Worth};
use crate::limits::{AddressBlock, Limits};
use crate::misbehaviour::Spell;
use crate::request::{Login, Request};
use crate::signing::{SigningKey, random_string};
use crate::start_error::StartError;

/// The state of one running emulator.
pub(crate) struct AuthorizationServer {
    pub(crate) settings: Emulator,
    pub(crate) script: &'static Script,
    pub(crate) token_url: Url,
    pub(crate) ledger: Ledger,
    pub(crate) limits: Limits,
    pub(crate) spell: Spell,
    pub(crate) token_requests: AtomicU64,
    pub(crate) refresh_tokens: Ledger,
    /// Cognito's `aws_client_metadata`, as last granted.
    pub(crate) client_metadata: Mutex<Option<Value>>,
    pub(crate) key: &'static SigningKey,
}

/// The header that carries the gateway's key (Resamania).
pub(crate) const GATEWAY_KEY: &str = "x-gravitee-api-key";

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

/// What every signed token says of its time, and what makes it unlike every other.
pub(crate) struct Stamp {
    /// In seconds of the Unix epoch.
    pub(crate) issued_at: u64,
    /// In seconds of the Unix epoch.
    pub(crate) expires_at: u64,
    pub(crate) id: String,
}

/// Why an API does not serve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    Missing,
    Expired,
    Invalid,
}

impl AuthorizationServer {
    pub(crate) fn new(script: &'static Script, settings: Emulator, listener: &TcpListener) -> Result<Self, StartError> {
        Ok(Self {
            script,
            token_url: url(listener, script.token_paths[0]).map_err(StartError::Server)?,
            ledger: Ledger::default(),
            limits: Limits::new(settings.requests_per_second, settings.address_block),
            spell: Spell::default(),
            token_requests: AtomicU64::new(0),
            refresh_tokens: Ledger::default(),
            client_metadata: Mutex::default(),
            key: SigningKey::of_this_process().map_err(|_| StartError::SigningKey)?,
            settings,
        })
    }

    /// What the vendor says to a login it does not believe.
    pub(crate) fn refuse(&self, description: &str) -> Answer {
        (self.script.refusal)(description)
    }

    /// Client authentication (RFC 6749, section 2.3); a failed one counts against the address.
    pub(crate) fn authenticate(&self, request: &Request, login: &Login) -> bool {
        let known = login.id == self.settings.client_id && login.secret == self.settings.client_secret;
        if known {
            self.limits.logged_in(request.source);
        } else {
            self.limits.failed_to_log_in(request.source, self.now());
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

    /// Issues a signed token with the claims that `claims` makes of the stamp.
    pub(crate) fn issue_jwt<C: Serialize>(&self, claims: impl FnOnce(Stamp) -> C) -> Result<String, Answer> {
        let issued_at = seconds(self.now());
        let stamp = Stamp {
            issued_at,
            expires_at: issued_at.saturating_add(self.settings.lifetime.as_secs()),
            id: random_string().map_err(|error| Answer::fault(&error))?,
        };
        let claims = serde_json::to_vec(&claims(stamp)).map_err(|error| Answer::fault(&error))?;
        let token = self.key.sign(&claims);
        Ok(self.enter(token.map_err(|error| Answer::fault(&error))?))
    }

    /// Issues a token that means nothing to anybody else.
    pub(crate) fn issue_opaque(&self) -> Result<String, Answer> {
        let token = random_string().map_err(|error| Answer::fault(&error))?;
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
    pub(crate) fn check_bearer(&self, request: &Request) -> Result<(), Unauthorized> {
        let token = request.authorization("Bearer").ok_or(Unauthorized::Missing)?;
        match self.ledger.worth(token, self.now()) {
            Worth::Good => Ok(()),
            Worth::Expired => Err(Unauthorized::Expired),
            Worth::Invalid => Err(Unauthorized::Invalid),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.settings.clock.now()
    }

    pub(crate) fn token(&self, request: &Request) -> Answer {
        if !self.limits.admit(request.source, self.now()) {
            return Answer::empty(StatusCode::TOO_MANY_REQUESTS);
        }
        either((self.script.token)(self, request))
    }

    fn enter(&self, token: String) -> String {
        self.ledger.enter(token.clone(), self.now(), self.settings.lifetime);
        token
    }
}

/// A grant and a refusal are both answers.
pub(crate) fn either(answer: Result<Answer, Answer>) -> Answer {
    answer.unwrap_or_else(|refusal| refusal)
}

fn url(listener: &TcpListener, path: &str) -> io::Result<Url> {
    let address = listener.local_addr()?;
    Url::parse(&format!("http://{address}{path}")).map_err(io::Error::other)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

//! What all vendors' servers have in common: a client they know, tokens they issued, limits they keep.

use std::io;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::answer::Answer;
use crate::delivery::Delivery;
use crate::emulator::{Emulator, StartError};
use crate::ledger::{Ledger, Worth};
use crate::limits::Limits;
use crate::misbehaviour::Spell;
use crate::request::{Login, Request};
use crate::signing::{SigningKey, random_string};
use crate::vendors::Script;

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
    pub(crate) fn new(settings: Emulator, listener: &TcpListener) -> Result<Self, StartError> {
        let script = settings.vendor.script();
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

    /// Answers any request but the admin's.
    pub(crate) fn answer(&self, request: &Request) -> Delivery {
        if !self.script.token_paths.contains(&request.path()) {
            return Delivery::Whole(either((self.script.api)(self, request)));
        }
        self.token_requests.fetch_add(1, Ordering::Relaxed);
        match self.spell.next() {
            Some(misbehaviour) => misbehaviour.deliver(self, || self.token(request)),
            None => Delivery::Whole(self.token(request)),
        }
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

    fn token(&self, request: &Request) -> Answer {
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
fn either(answer: Result<Answer, Answer>) -> Answer {
    answer.unwrap_or_else(|refusal| refusal)
}

fn url(listener: &TcpListener, path: &str) -> io::Result<Url> {
    let address = listener.local_addr()?;
    Url::parse(&format!("http://{address}{path}")).map_err(io::Error::other)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

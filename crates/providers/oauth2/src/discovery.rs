//! Discovery (RFC 8414, OIDC Discovery) without input and output: it describes requests, and reads what came back.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use credentials_grant::{
    Attempt, ClientAuthentication, ClientCredentials, Error, ErrorKind, StatusCode, TokenEndpoint, TokenRequest,
    TokenResponse,
};

use crate::issuer::Issuer;
use crate::metadata::Metadata;

/// The ways to authenticate that are chosen by themselves, the first the best, and their names in metadata.
///
/// A signed assertion sends no secret. An assertion signed with the secret does not either, but clients that have a secret
/// are seldom registered for it.
const PREFERENCE: [(ClientAuthentication, &str); 5] = [
    (ClientAuthentication::PrivateKeyJwt, "private_key_jwt"),
    (ClientAuthentication::Basic, "client_secret_basic"),
    (ClientAuthentication::Body, "client_secret_post"),
    (ClientAuthentication::ClientSecretJwt, "client_secret_jwt"),
    (ClientAuthentication::None, "none"),
];

/// A server, as far as it is known.
pub(crate) struct Found {
    pub(crate) token_endpoint: TokenEndpoint,
    pub(crate) issuer: Option<String>,
    /// How it lets clients authenticate, if it says so.
    methods: Option<Vec<String>>,
}

impl Found {
    /// A server of which nothing is known but its token endpoint.
    pub(crate) fn at(token_endpoint: &TokenEndpoint) -> Self {
        Self { token_endpoint: token_endpoint.clone(), issuer: None, methods: None }
    }

    /// The best way to authenticate that both sides can do.
    pub(crate) fn preferred(&self, credentials: &ClientCredentials) -> Result<ClientAuthentication, Error> {
        let is_offered =
            |method| self.methods.as_ref().is_none_or(|methods| methods.iter().any(|other| other == method));
        let ways = PREFERENCE.iter().filter(|(way, _)| can(credentials, *way));
        let mut offered = ways.clone().filter(|(_, method)| is_offered(*method));
        offered.next().map(|(way, _)| *way).ok_or_else(|| {
            let methods: Vec<_> = ways.map(|(_, method)| *method).collect();
            let taken = self.methods.iter().flatten().map(|method| method.escape_default().to_string());
            let taken: Vec<_> = taken.take(10).collect();
            Error::new(
                ErrorKind::Configuration,
                format!(
                    "the server's metadata list {} for client authentication, and the credentials can do {}",
                    if taken.is_empty() { "nothing".to_owned() } else { taken.join(", ") },
                    methods.join(", "),
                ),
            )
            .with_remedy("give credentials for one of the server's methods, or set how the client authenticates")
        })
    }
}

/// Whether the credentials can prove who they are in this way.
fn can(credentials: &ClientCredentials, way: ClientAuthentication) -> bool {
    let has_key = credentials.assertion().is_some() || credentials.signer().is_some();
    match way {
        ClientAuthentication::PrivateKeyJwt => has_key,
        ClientAuthentication::None => !has_key && credentials.client_secret().is_err(),
        _ => credentials.client_secret().is_ok(),
    }
}

/// An issuer, and what is known of it. Clones share that.
#[derive(Clone)]
pub(crate) struct Discovery {
    issuer: Issuer,
    known: Arc<Mutex<Option<Known>>>,
}

struct Known {
    metadata: Metadata,
    read: SystemTime,
}

impl Discovery {
    pub(crate) fn new(issuer: Issuer) -> Self {
        Self { issuer, known: Arc::default() }
    }

    /// The server, if it need not be asked for its metadata. An attempt that is never made finds one that is always the same.
    pub(crate) fn found(&self, attempt: &Attempt<'_>) -> Option<Found> {
        if attempt.is_frozen() {
            return Some(Found { issuer: Some(self.issuer.to_string()), ..Found::at(self.issuer.url()) });
        }
        let known = self.known();
        let Known { metadata, read } = known.as_ref()?;
        // A clock that was set back makes them as doubtful as old ones.
        let age = attempt.now().duration_since(*read).ok()?;
        (age < metadata.lifetime).then(|| self.server(metadata))
    }

    /// Asks for the metadata: first at the place of RFC 8414, then at that of OIDC Discovery.
    pub(crate) fn ask(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
        let place = if attempt.step() == 0 { self.issuer.oauth_metadata() } else { self.issuer.oidc_metadata() };
        attempt.get(&place?).continues().build()
    }

    /// The server, from the answer to [`ask`](Self::ask); nothing if the metadata may be at the other place.
    pub(crate) fn read(&self, attempt: &Attempt<'_>, response: &TokenResponse) -> Result<Option<Found>, Error> {
        if attempt.step() == 1 && Metadata::are_elsewhere(response) {
            return Ok(None);
        }
        let metadata = Metadata::read(&self.issuer, response)?;
        let server = self.server(&metadata);
        *self.known() = Some(Known { metadata, read: attempt.now() });
        Ok(Some(server))
    }

    /// Takes notice of a token endpoint that gave no token: where it is not there, or not one, the metadata have aged, and
    /// the next attempt reads them again.
    pub(crate) fn note(&self, error: &Error) {
        let gone = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::GONE];
        if error.kind() == ErrorKind::BadResponse || error.status().is_some_and(|status| gone.contains(&status)) {
            *self.known() = None;
        }
    }

    fn server(&self, metadata: &Metadata) -> Found {
        Found {
            token_endpoint: metadata.token_endpoint.clone(),
            issuer: Some(self.issuer.to_string()),
            methods: Some(metadata.methods.clone()),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What it has learned is not printed: it is no part of who it is.
impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Discovery").field(&self.issuer).finish()
    }
}

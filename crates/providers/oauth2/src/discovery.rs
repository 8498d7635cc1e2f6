//! Discovery (RFC 8414, OIDC Discovery) without input and output: it describes requests, and reads what came back.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use credentials_grant::{
    ClientAuthentication, ClientCredentials, Endpoint, Error, ErrorKind, HttpResponse, RequestContext, StatusCode,
    TokenParameters, UnsignedRequest,
};

use crate::issuer::Issuer;
use crate::kept::Kept;
use crate::metadata::{Connection, EndpointKind, Metadata, has_come};

/// The ways to authenticate that are chosen by themselves, the first the best, and their names in metadata.
///
/// A signed assertion sends no secret. An assertion signed with the secret does not either, but clients that have a secret
/// are seldom registered for it. A certificate beside a secret or a key may be there to bind tokens to.
const PREFERENCE: [(ClientAuthentication, &str); 7] = [
    (ClientAuthentication::PrivateKeyJwt, "private_key_jwt"),
    (ClientAuthentication::ClientSecretBasic, "client_secret_basic"),
    (ClientAuthentication::ClientSecretPost, "client_secret_post"),
    (ClientAuthentication::ClientSecretJwt, "client_secret_jwt"),
    (ClientAuthentication::TlsClientAuth, "tls_client_auth"),
    (ClientAuthentication::TlsClientAuth, "self_signed_tls_client_auth"),
    (ClientAuthentication::None, "none"),
];

/// What a list in metadata may name, as errors repeat it: client authentication, and signatures (JOSE).
const REGISTERED: &str = "client_secret_basic client_secret_jwt client_secret_post none private_key_jwt \
    self_signed_tls_client_auth tls_client_auth \
    ES256 ES256K ES384 ES512 Ed25519 Ed448 EdDSA ML-DSA-44 PS256 PS384 PS512 RS256 RS384 RS512";

/// A server, as far as it is known.
pub(crate) struct Found {
    pub(crate) issuer: Option<String>,
    known: Knowledge,
}

enum Knowledge {
    /// Where its token endpoint is.
    Endpoint(Endpoint),
    /// What it says of itself.
    Metadata(Arc<Metadata>),
}

impl Found {
    /// A server of which nothing is known but its token endpoint.
    pub(crate) fn at(token_endpoint: &Endpoint) -> Self {
        Self { issuer: None, known: Knowledge::Endpoint(token_endpoint.clone()) }
    }

    /// Where an endpoint is. The error names the issuer, what it lacks, and what to do.
    pub(crate) fn endpoint(&self, endpoint: EndpointKind, connection: Connection) -> Result<Endpoint, Error> {
        match (&self.known, endpoint) {
            (Knowledge::Metadata(metadata), _) => metadata.endpoint(endpoint, connection),
            (Knowledge::Endpoint(token_endpoint), EndpointKind::Token) => Ok(token_endpoint.clone()),
            (Knowledge::Endpoint(_), _) => Err(unknown(endpoint.name())),
        }
    }

    /// How clients may authenticate there, by the names of the IANA registry, if the server says so.
    pub(crate) fn methods(&self, endpoint: EndpointKind) -> Option<&[String]> {
        self.metadata().map(|metadata| metadata.methods(endpoint))
    }

    /// Where the keys are with which the server signs.
    #[cfg_attr(not(feature = "verification"), expect(dead_code, reason = "only verification needs the keys"))]
    pub(crate) fn jwks_uri(&self) -> Result<Endpoint, Error> {
        self.metadata().ok_or_else(|| unknown("JSON Web Key Set"))?.jwks_uri()
    }

    /// What may sign a proof of possession (RFC 9449 section 5.1), if the server says that it takes one.
    fn dpop_algorithms(&self) -> Option<&[String]> {
        self.metadata()?.dpop_algorithms.as_deref()
    }

    /// Refuses a key whose proofs the server says that it does not take.
    pub(crate) fn check_proof_key(&self, parameters: &TokenParameters) -> Result<(), Error> {
        let (Some(key), Some(taken)) = (parameters.proof_key(), self.dpop_algorithms()) else { return Ok(()) };
        let algorithm = key.algorithm();
        if taken.iter().any(|taken| taken == algorithm) {
            return Ok(());
        }
        let message =
            format!("the server's metadata list {} for proofs, and the key signs by {algorithm}", listed(taken));
        Err(Error::new(ErrorKind::Configuration, message).with_remedy("bind tokens to a key that signs so"))
    }

    fn metadata(&self) -> Option<&Metadata> {
        match &self.known {
            Knowledge::Metadata(metadata) => Some(metadata),
            Knowledge::Endpoint(_) => None,
        }
    }

    /// The best way to authenticate that both sides can do.
    pub(crate) fn preferred(
        &self,
        endpoint: EndpointKind,
        credentials: &ClientCredentials,
    ) -> Result<ClientAuthentication, Error> {
        let taken = self.methods(endpoint);
        let is_offered = |method| taken.is_none_or(|methods| methods.iter().any(|other| other == method));
        let ways = PREFERENCE.iter().filter(|(way, _)| can(credentials, *way));
        let mut offered = ways.clone().filter(|(_, method)| is_offered(*method));
        offered.next().map(|(way, _)| *way).ok_or_else(|| {
            let methods: Vec<_> = ways.map(|(_, method)| *method).collect();
            let taken = listed(taken.unwrap_or_default());
            let methods = methods.join(", ");
            let message = format!(
                "the server's metadata list {taken} for client authentication, and the credentials can do {methods}"
            );
            Error::new(ErrorKind::Configuration, message)
                .with_remedy("give credentials for one of the server's methods, or set how the client authenticates")
        })
    }
}

/// A server's names, for a sentence: those that are registered with IANA. Another may be anything, a secret that the server
/// was sent once included.
fn listed(names: &[String]) -> String {
    let is_registered = |name: &&str| REGISTERED.split_whitespace().any(|registered| registered == *name);
    let names = || names.iter().map(String::as_str);
    let others = names().any(|name| !is_registered(&name)).then_some("others");
    let listed: Vec<_> = names().filter(is_registered).take(10).chain(others).collect();
    if listed.is_empty() { "nothing".to_owned() } else { listed.join(", ") }
}

fn unknown(what: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("only the token URL is known, and not the server's {what}"))
        .with_remedy("set its URL, or the issuer, whose metadata name it, instead of the token URL")
}

/// Whether the credentials can prove who they are in this way.
fn can(credentials: &ClientCredentials, way: ClientAuthentication) -> bool {
    let has_key = credentials.assertion().is_some() || credentials.signer().is_some();
    match way {
        ClientAuthentication::PrivateKeyJwt => has_key,
        ClientAuthentication::TlsClientAuth => credentials.certificate().is_some(),
        ClientAuthentication::None => {
            !has_key && credentials.client_secret().is_err() && credentials.certificate().is_none()
        }
        _ => credentials.client_secret().is_ok(),
    }
}

/// An issuer, and what is known of it. Clones share that.
#[derive(Clone)]
pub(crate) struct Discovery {
    issuer: Issuer,
    known: Arc<Mutex<Option<Kept<Arc<Metadata>>>>>,
}

impl Discovery {
    pub(crate) fn new(issuer: Issuer) -> Self {
        Self { issuer, known: Arc::default() }
    }

    /// The server, if it need not be asked for its metadata. An attempt that is never made finds one that is always the same.
    pub(crate) fn found(&self, context: &RequestContext<'_>) -> Option<Found> {
        if context.is_dry_run() {
            return Some(Found { issuer: Some(self.issuer.to_string()), ..Found::at(self.issuer.url()) });
        }
        self.found_at(context.now())
    }

    /// The server, if it need not be asked for its metadata now. If it must, whoever is told so sets out to do it.
    pub(crate) fn found_at(&self, now: SystemTime) -> Option<Found> {
        let mut known = self.known();
        let known = known.as_mut()?;
        if let Some(metadata) = known.current(now) {
            return Some(self.server(metadata));
        }
        // Others who share this go on with what is known, and this one may never get an answer.
        known.asked(now, Duration::ZERO);
        None
    }

    /// Asks for the metadata: first at the place of RFC 8414, then at that of OIDC Discovery.
    pub(crate) fn parameters(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let place = if context.step() == 0 { self.issuer.oauth_metadata() } else { self.issuer.oidc_metadata() };
        context.get(&place?).continues().build()
    }

    /// The server, from the answer to [`parameters`](Self::parameters); nothing if the metadata may be at the other place.
    pub(crate) fn read(&self, context: &RequestContext<'_>, response: &HttpResponse) -> Result<Option<Found>, Error> {
        if context.step() == 1 && Metadata::are_elsewhere(response) {
            return Ok(None);
        }
        self.learn(context.now(), response).map(Some)
    }

    /// The server, from its metadata. Where none have come, those that are known do for a day more. Where wrong ones have,
    /// they do not.
    pub(crate) fn learn(&self, now: SystemTime, response: &HttpResponse) -> Result<Found, Error> {
        let metadata = Metadata::read(&self.issuer, response);
        let mut known = self.known();
        let error = match metadata {
            Ok(metadata) => {
                let (lifetime, metadata) = (metadata.lifetime, Arc::new(metadata));
                let server = self.server(&metadata);
                *known = Some(Kept::new(metadata, now, lifetime));
                return Ok(server);
            }
            Err(error) => error,
        };
        if has_come(response) {
            *known = None;
        }
        let Some(known) = known.as_mut() else { return Err(error) };
        known.asked(now, response.retry_after().unwrap_or_default());
        known.old(now).map(|metadata| self.server(metadata)).ok_or(error)
    }

    /// Takes notice of a token endpoint that gave no token: where it is not there, or not one, the metadata have aged, and
    /// the next attempt reads them again.
    pub(crate) fn note(&self, error: &Error) {
        let gone = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::GONE];
        if error.kind() == ErrorKind::BadResponse || error.status().is_some_and(|status| gone.contains(&status)) {
            *self.known() = None;
        }
    }

    fn server(&self, metadata: &Arc<Metadata>) -> Found {
        Found { issuer: Some(self.issuer.to_string()), known: Knowledge::Metadata(Arc::clone(metadata)) }
    }

    fn known(&self) -> MutexGuard<'_, Option<Kept<Arc<Metadata>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What it has learned is not printed: it is no part of who it is.
impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Discovery").field(&self.issuer).finish()
    }
}

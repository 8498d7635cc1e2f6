//! Discovery (RFC 8414, OIDC Discovery): finds an issuer's metadata and keeps it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use credentials_grant::{
    Endpoint, Error, ErrorKind, HeaderName, HeaderValue, HttpRequest, HttpResponse, RequestContext, StatusCode,
    Transport, UnsignedRequest,
};

use crate::cached::Cached;
use crate::document::{Document, FetchError, is_document, lifetime, unreadable};
use crate::issuer::Issuer;
use crate::metadata::Metadata;
use crate::metadata_reader::{is_elsewhere, read};

/// Finds the metadata of an issuer, and keeps it: for as long as its `Cache-Control: max-age` says, a day at most, or
/// else for an hour. If it cannot be fetched again then, the old one is used for a day more, at one attempt a minute.
///
/// The URL of RFC 8414 is tried first, then that of OIDC Discovery. Metadata that names another issuer, or a token
/// endpoint without TLS, is refused. Clones share what they know.
///
/// A provider that discovers its endpoints has one, and builds its requests from the metadata:
///
/// ```
/// use credentials_grant::{
///     CredentialsGrant, Error, HttpResponse, RequestContext, ResponseReader, TokenResponse, UnsignedRequest,
/// };
/// use credentials_grant_discovery::{Discovery, EndpointKind, Metadata};
///
/// #[derive(Debug)]
/// struct Acme {
///     discovery: Discovery,
/// }
///
/// impl Acme {
///     fn request(context: &RequestContext<'_>, metadata: &Metadata) -> Result<UnsignedRequest, Error> {
///         let credentials = context.credentials();
///         context
///             .post(&metadata.endpoint(EndpointKind::Token, credentials)?)
///             .client_credentials()
///             .client_authentication(metadata.client_authentication(EndpointKind::Token, credentials)?)
///             .scope()
///             .build()
///     }
/// }
///
/// impl CredentialsGrant for Acme {
///     fn name(&self) -> &str {
///         "acme"
///     }
///
///     fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
///         self.discovery.first_request(context, |metadata| Self::request(context, metadata))
///     }
///
///     fn next_request(
///         &self,
///         context: &RequestContext<'_>,
///         response: &HttpResponse,
///     ) -> Result<UnsignedRequest, Error> {
///         self.discovery.next_request(context, response, |metadata| Self::request(context, metadata))
///     }
///
///     fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
///         ResponseReader::rfc6749().read(response).inspect_err(|error| self.discovery.forget_if_gone(error))
///     }
/// }
/// ```
///
/// Other code fetches the metadata with [`metadata`](Self::metadata).
#[derive(Clone)]
pub struct Discovery {
    issuer: Issuer,
    cache: Arc<Mutex<Option<Cached<Metadata>>>>,
}

impl Discovery {
    /// Creates a `Discovery` for this issuer. Nothing is sent before the metadata is needed.
    #[must_use]
    pub fn new(issuer: Issuer) -> Self {
        Self { issuer, cache: Arc::default() }
    }

    /// Returns the issuer.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Returns the first request of a provider: the one that `build` makes from the metadata, or a GET for the metadata
    /// if it must be fetched. Call it in [`token_request`](credentials_grant::CredentialsGrant::token_request) and
    /// [`operation_request`](credentials_grant::CredentialsGrant::operation_request).
    ///
    /// For a dry run, the metadata is always the same, with the issuer as the token URL.
    ///
    /// # Errors
    ///
    /// What `build` returns.
    pub fn first_request(
        &self,
        context: &RequestContext<'_>,
        build: impl FnOnce(&Metadata) -> Result<UnsignedRequest, Error>,
    ) -> Result<UnsignedRequest, Error> {
        if context.is_dry_run() {
            return build(&Metadata::for_dry_run(&self.issuer));
        }
        match self.cached(context.now()) {
            Some(metadata) => build(&metadata),
            None => context.get(&self.issuer.oauth_metadata()?).continues().build(),
        }
    }

    /// Returns the request that follows the response to a GET for the metadata: the one that `build` makes from it, or
    /// a GET from the other URL. Call it in [`next_request`](credentials_grant::CredentialsGrant::next_request).
    ///
    /// # Errors
    ///
    /// Why there is no metadata that can be used, and what `build` returns.
    pub fn next_request(
        &self,
        context: &RequestContext<'_>,
        response: &HttpResponse,
        build: impl FnOnce(&Metadata) -> Result<UnsignedRequest, Error>,
    ) -> Result<UnsignedRequest, Error> {
        if context.step() == 1 && is_elsewhere(response) {
            return context.get(&self.issuer.oidc_metadata()?).continues().build();
        }
        build(&self.keep(context.now(), response)?)
    }

    /// Forgets the metadata if this error says that the token endpoint is gone (404, 405, 410, or no OAuth response),
    /// so that the next request fetches it again. Call it with what
    /// [`read_response`](credentials_grant::CredentialsGrant::read_response) returns.
    pub fn forget_if_gone(&self, error: &Error) {
        let gone = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::GONE];
        if error.kind() == ErrorKind::BadResponse || error.status().is_some_and(|status| gone.contains(&status)) {
            *self.cache() = None;
        }
    }

    /// Returns the metadata, fetched through this transport if that is due.
    ///
    /// ```no_run
    /// use std::time::SystemTime;
    ///
    /// use credentials_grant::{Error, Transport};
    /// use credentials_grant_discovery::Discovery;
    ///
    /// # async fn example(transport: &dyn Transport) -> Result<(), Error> {
    /// let discovery = Discovery::new("https://login.example.com".parse()?);
    /// let metadata = discovery.metadata(transport, SystemTime::now()).await?;
    /// println!("the keys are at {}", metadata.jwks_uri()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`FetchError::Unavailable`] if there is no metadata, and no old one to use; [`FetchError::Invalid`] if there is,
    /// and it is wrong.
    pub async fn metadata(&self, transport: &dyn Transport, now: SystemTime) -> Result<Metadata, FetchError> {
        if let Some(metadata) = self.cached(now) {
            return Ok(metadata);
        }
        match self.fetch(transport).await {
            Ok(response) => self.keep(now, &response),
            // Looking it up has deferred the next fetch, so the old metadata is used meanwhile.
            Err(error) => self.cached(now).ok_or(error),
        }
    }

    /// Fetches the issuer's JSON Web Key Set (RFC 7517), and first the metadata if that is due. The keys are not
    /// cached: wrap what you read from them in a [`Cached`].
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata), for either document.
    pub async fn jwks(&self, transport: &dyn Transport, now: SystemTime) -> Result<Document, FetchError> {
        let jwks_uri = self.metadata(transport, now).await?.jwks_uri().map_err(FetchError::Invalid)?;
        let accept = HeaderValue::from_static("application/json, application/jwk-set+json");
        let request = HttpRequest::get(&jwks_uri).with_header(HeaderName::from_static("accept"), accept);
        let response = transport.send(&request).await.map_err(FetchError::Unavailable)?;
        if is_document(&response) {
            return Ok(Document::of(&response));
        }
        let error = unreadable("JWKS", &self.issuer, &response);
        self.forget_if_gone(&error);
        Err(FetchError::Unavailable(error))
    }

    /// Fetches the metadata from the first of its URLs that has it.
    async fn fetch(&self, transport: &dyn Transport) -> Result<HttpResponse, FetchError> {
        let get = async |url: Result<Endpoint, Error>| {
            let request = HttpRequest::get(&url.map_err(FetchError::Invalid)?);
            transport.send(&request).await.map_err(FetchError::Unavailable)
        };
        let response = get(self.issuer.oauth_metadata()).await?;
        if is_elsewhere(&response) { get(self.issuer.oidc_metadata()).await } else { Ok(response) }
    }

    /// Returns the metadata, unless this caller should fetch it: then the others use the old one meanwhile, as this
    /// caller may never get a response.
    fn cached(&self, now: SystemTime) -> Option<Metadata> {
        let mut cache = self.cache();
        let cached = cache.as_mut()?;
        if let Some(metadata) = cached.current(now) {
            return Some(metadata.clone());
        }
        cached.defer_fetch(now, Duration::ZERO);
        None
    }

    /// Keeps the metadata of a response, and returns it. If none arrived, the old metadata is used for a day more; if
    /// it is wrong, the old metadata is forgotten.
    fn keep(&self, now: SystemTime, response: &HttpResponse) -> Result<Metadata, FetchError> {
        let metadata = read(&self.issuer, response);
        let mut cache = self.cache();
        let error = match metadata {
            Ok(metadata) => {
                *cache = Some(Cached::new(metadata.clone(), now, lifetime(response)));
                return Ok(metadata);
            }
            Err(error) => error,
        };
        if is_document(response) {
            *cache = None;
            return Err(FetchError::Invalid(error));
        }
        let error = FetchError::Unavailable(error);
        let Some(cached) = cache.as_mut() else { return Err(error) };
        cached.defer_fetch(now, response.retry_after().unwrap_or_default());
        cached.usable(now).cloned().ok_or(error)
    }

    fn cache(&self) -> MutexGuard<'_, Option<Cached<Metadata>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hashes the issuer only: what was fetched does not tell one discovery from another.
impl Hash for Discovery {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { issuer, cache: _ } = self;
        issuer.hash(state);
    }
}

/// Shows the issuer only: what was fetched does not tell one discovery from another.
impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Discovery").field(&self.issuer).finish()
    }
}

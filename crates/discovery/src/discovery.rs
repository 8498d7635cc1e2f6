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
use crate::metadata_reader::{is_broken, is_elsewhere, read};

/// Finds the metadata of an issuer, and keeps it: for as long as its `Cache-Control: max-age` says, a day at most, or
/// else for an hour. Then it is fetched again beside the next token request, which is sent to where the old one says
/// and waits for nothing. If it cannot be fetched, the old one is used for a day more, at one attempt a minute.
///
/// The URL of RFC 8414 is tried first, then that of OIDC Discovery; later, the one that had it. Metadata that names
/// another issuer, or a token endpoint without TLS, is refused. Clones share what they know.
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
    cache: Arc<Mutex<Option<Known>>>,
    /// How the first URL failed, while the other one is asked.
    broken: Arc<Mutex<Option<Error>>>,
}

/// Metadata, and where it was.
struct Known {
    metadata: Cached<Metadata>,
    place: Place,
}

/// A URL at which an issuer may have its metadata.
#[derive(Clone, Copy)]
enum Place {
    /// That of RFC 8414.
    OAuth,
    /// That of OIDC Discovery.
    Oidc,
}

impl Discovery {
    /// Creates a `Discovery` for this issuer. Nothing is sent before the metadata is needed.
    #[must_use]
    pub fn new(issuer: Issuer) -> Self {
        Self { issuer, cache: Arc::default(), broken: Arc::default() }
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
        let now = context.now();
        if let Some(metadata) = self.cached(now) {
            return build(&metadata);
        }
        // This caller should fetch it, and need not wait for it.
        match self.known(now) {
            Some((metadata, place)) => self.renewed_beside(build(&metadata)?, now, place),
            None => context.get(&self.url(Place::OAuth)?).continues().build(),
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
        if context.step() > 1 {
            let broken = self.broken().take();
            return match broken.filter(|_| is_elsewhere(response)) {
                // There is nothing here, and what is there is not known.
                Some(error) => Err(error),
                None => build(&self.keep(context.now(), response, Place::Oidc)?),
            };
        }
        if is_broken(response) {
            *self.broken() = read(&self.issuer, response).err();
        }
        if is_elsewhere(response) || is_broken(response) {
            return context.get(&self.url(Place::Oidc)?).continues().build();
        }
        build(&self.keep(context.now(), response, Place::OAuth)?)
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
            Ok((response, place)) => self.keep(now, &response, place),
            // Looking it up has deferred the next fetch, so the old metadata is used meanwhile.
            Err(error) => self.cached(now).ok_or(error),
        }
    }

    /// Returns the metadata that is known, without a request: also after it is stale, for a day more. `None` if it must
    /// be fetched first.
    #[must_use]
    pub fn known_metadata(&self, now: SystemTime) -> Option<Metadata> {
        self.known(now).map(|(metadata, _)| metadata)
    }

    /// Fetches the issuer's JSON Web Key Set (RFC 7517), and first the metadata if that is due. The keys are not
    /// cached: wrap what you read from them in a [`Cached`].
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata), for either document.
    pub async fn jwks(&self, transport: &dyn Transport, now: SystemTime) -> Result<Document, FetchError> {
        self.jwks_of(&self.metadata(transport, now).await?, transport).await
    }

    /// Fetches the JSON Web Key Set from where this metadata says, such as
    /// [what is known](Self::known_metadata) while the metadata itself cannot be fetched.
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata), for the keys.
    pub async fn jwks_of(&self, metadata: &Metadata, transport: &dyn Transport) -> Result<Document, FetchError> {
        let jwks_uri = metadata.jwks_uri().map_err(FetchError::Invalid)?;
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
    async fn fetch(&self, transport: &dyn Transport) -> Result<(HttpResponse, Place), FetchError> {
        let get = async |place| {
            let request = HttpRequest::get(&self.url(place).map_err(FetchError::Invalid)?);
            transport.send(&request).await.map(|response| (response, place)).map_err(FetchError::Unavailable)
        };
        let (response, place) = get(Place::OAuth).await?;
        if is_elsewhere(&response) {
            return get(Place::Oidc).await;
        }
        if !is_broken(&response) {
            return Ok((response, place));
        }
        match get(Place::Oidc).await {
            Ok((other, elsewhere)) if !is_elsewhere(&other) => Ok((other, elsewhere)),
            // There is nothing there, and what is here is not known.
            _ => Ok((response, place)),
        }
    }

    /// Has the metadata fetched again while this request is sent: from where it was, and if it is gone there, from the
    /// other URL.
    fn renewed_beside(
        &self,
        request: UnsignedRequest,
        now: SystemTime,
        place: Place,
    ) -> Result<UnsignedRequest, Error> {
        let (discovery, mut place, mut other) = (self.clone(), place, Some(place.other()));
        Ok(request.with_side_request(HttpRequest::get(&self.url(place)?), move |response| {
            if let Some(next) = other.take().filter(|_| is_elsewhere(response) || is_broken(response)) {
                place = next;
                return discovery.url(next).ok().map(|url| HttpRequest::get(&url));
            }
            // Nobody waits for it: what is wrong with it shows when it is needed.
            let _ = discovery.keep(now, response, place);
            None
        }))
    }

    fn url(&self, place: Place) -> Result<Endpoint, Error> {
        match place {
            Place::OAuth => self.issuer.oauth_metadata(),
            Place::Oidc => self.issuer.oidc_metadata(),
        }
    }

    /// Returns the metadata that may be used, and where it was.
    fn known(&self, now: SystemTime) -> Option<(Metadata, Place)> {
        let mut cache = self.cache();
        let Known { metadata, place } = cache.as_mut()?;
        metadata.usable(now).cloned().map(|metadata| (metadata, *place))
    }

    /// Returns the metadata, unless this caller should fetch it: then the others use the old one meanwhile, as this
    /// caller may never get a response.
    fn cached(&self, now: SystemTime) -> Option<Metadata> {
        let mut cache = self.cache();
        let cached = &mut cache.as_mut()?.metadata;
        if let Some(metadata) = cached.current(now) {
            return Some(metadata.clone());
        }
        cached.defer_fetch(now, Duration::ZERO);
        None
    }

    /// Keeps the metadata of a response, and returns it. If none arrived, the old metadata is used for a day more; if
    /// it is wrong, the old metadata is forgotten.
    fn keep(&self, now: SystemTime, response: &HttpResponse, place: Place) -> Result<Metadata, FetchError> {
        let metadata = read(&self.issuer, response);
        let mut cache = self.cache();
        let error = match metadata {
            Ok(metadata) => {
                let cached = Cached::new(metadata.clone(), now, lifetime(response));
                *cache = Some(Known { metadata: cached, place });
                return Ok(metadata);
            }
            Err(error) => error,
        };
        if is_document(response) {
            *cache = None;
            return Err(FetchError::Invalid(error));
        }
        let error = FetchError::Unavailable(error);
        let Some(Known { metadata: cached, .. }) = cache.as_mut() else { return Err(error) };
        cached.defer_fetch(now, response.retry_after().unwrap_or_default());
        cached.usable(now).cloned().ok_or(error)
    }

    fn broken(&self) -> MutexGuard<'_, Option<Error>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Option<Known>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn other(self) -> Self {
        match self {
            Self::OAuth => Self::Oidc,
            Self::Oidc => Self::OAuth,
        }
    }
}

/// Hashes the issuer only: what was fetched does not tell one discovery from another.
impl Hash for Discovery {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { issuer, cache: _, broken: _ } = self;
        issuer.hash(state);
    }
}

/// Shows the issuer only: what was fetched does not tell one discovery from another.
impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Discovery").field(&self.issuer).finish()
    }
}

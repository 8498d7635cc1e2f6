//! The authorizer: which requests get a token, and which are worth repeating.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{
    AccessToken, Error, ErrorKind, HeaderMap, HeaderName, HeaderValue, Method, ProofKey, RequestSeed, Retry,
    StatusCode, Url,
};
use tokio::time::timeout;

#[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
use super::broken_uploads::BrokenUploads;
use super::challenge::Problem;
use super::expiry::Expiry;
use super::hosts::{Destination, Host, Scheme};
use super::outgoing_request::{OutgoingRequest, check_host_header};
use super::rejections::Rejections;
use crate::clock::Clock;
use crate::provide_token::ProvideToken;
use crate::random::entropy;
use crate::runtime::runtime;
use crate::source::TokenOptions;

/// The header that carries a proof (RFC 9449 section 4.1).
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Puts tokens on calls of a vendor's API. The token goes to the hosts that the provider's policy or the user names,
/// over HTTPS (plain HTTP for loopback only), and nowhere else.
///
/// It is a middleware for reqwest (feature `reqwest-middleware`), a layer for tower (feature `tower`), and on its own
/// authorizes any [`http::Request`]. The middleware and the layer fetch a new token when the API rejects one, and
/// repeat the call once; with any other HTTP client, call [`check_response`](Self::check_response).
///
/// An authorizer is cheap to clone. Clones share what they know about rejected tokens, so make one for each source and
/// clone it.
///
/// ```
/// # use credentials_grant_client::{Authorizer, TokenSource};
/// # fn example(source: TokenSource) -> Result<(), credentials_grant::Error> {
/// let authorizer = Authorizer::new(source.clone())?; // to the hosts that the provider names
/// let authorizer = Authorizer::builder(source).with_host("api.example.com").build()?; // and to one more
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Authorizer(Arc<Inner>);

struct Inner {
    source: Box<dyn ProvideToken>,
    clock: Arc<dyn Clock>,
    hosts: Vec<Host>,
    options: TokenOptions,
    /// The header that presents the token.
    header: HeaderName,
    expiry: Expiry,
    rejections: Rejections,
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    broken_uploads: BrokenUploads,
}

/// What [`Authorizer::authorize`] did to a request: the token that it added, unless it left the request alone.
///
/// [`Authorizer::check_response`] needs it.
#[derive(Debug)]
pub struct Authorization {
    token: Option<Arc<AccessToken>>,
    /// Whether the token was fetched for this very request: then a new one would be no better.
    fetched: bool,
    /// How many renewals in a row, each after a rejection, led to the token.
    renewals: u32,
    /// The URL that the proof is for, without its query, if the token is bound to a key.
    proved: Option<Url>,
    /// Whether the proof was made again for this request, with a nonce that the API had just sent.
    proved_again: bool,
}

/// Tells [`Authorizer::authorize_again`] why a request is repeated: for a new token, or for a new proof.
#[derive(Debug)]
pub struct AuthorizationRetry {
    /// The token that the request carries, whose headers are replaced.
    token: Arc<AccessToken>,
    fetched: bool,
    renewals: u32,
    proved_again: bool,
}

impl Authorization {
    /// A request that was left alone.
    fn none() -> Self {
        Self { token: None, fetched: false, renewals: 0, proved: None, proved_again: false }
    }

    /// Returns the token that was added; `None` if the request had the header already and was left alone.
    #[must_use]
    pub fn token(&self) -> Option<&AccessToken> {
        self.token.as_deref()
    }

    /// Returns `true` if the request carries a proof, which is for its own URL only.
    #[cfg(feature = "reqwest-middleware")]
    pub(super) fn has_proof(&self) -> bool {
        self.proved.is_some()
    }
}

impl Authorizer {
    pub(super) fn with_parts(
        source: Box<dyn ProvideToken>,
        hosts: Vec<Host>,
        options: TokenOptions,
        header: HeaderName,
        expiry: Expiry,
    ) -> Self {
        let clock = source.clock();
        Self(Arc::new(Inner {
            source,
            clock,
            hosts,
            options,
            header,
            expiry,
            rejections: Rejections::default(),
            #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
            broken_uploads: BrokenUploads::default(),
        }))
    }

    /// Adds the token to a request, in the header that the vendor wants it in, with the vendor's extra headers, and
    /// with a proof for this request if the token is bound to a key (RFC 9449 section 7).
    ///
    /// A request that has that header already is left alone. An extra header that is set already stays as it is.
    ///
    /// ```no_run
    /// # use credentials_grant_client::Authorizer;
    /// # async fn example(authorizer: Authorizer) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut request = http::Request::get("https://api.example.com/v1/properties").body(())?;
    /// authorizer.authorize(&mut request).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the token must not go where the request goes, or if a `Host`
    /// header names another host than the URL; otherwise as
    /// [`TokenSource::token_with`](crate::TokenSource::token_with); [`SigningFailed`](ErrorKind::SigningFailed) if the
    /// proof cannot be made within the source's timeout. The request got no token, and must not be sent.
    pub async fn authorize<R: OutgoingRequest>(&self, request: &mut R) -> Result<Authorization, Error> {
        let Inner { source, header, options, clock, .. } = &*self.0;
        if request.headers().contains_key(header) {
            return Ok(Authorization::none());
        }
        let checked = request.destination().and_then(|destination| {
            self.check_destination(destination)?;
            check_host_header(request.headers(), destination)
        });
        checked.map_err(|error| error.with_provider(source.name().to_owned()))?;
        request.remove_host_header();
        let (token, fetched) = if let Some(token) = source.cached(*options) {
            (token, false)
        } else {
            let asked = clock.now();
            let token = source.token(*options).await?;
            // One from a store is older, and may have been revoked.
            let fetched = token.requested_at() >= asked;
            (token, fetched)
        };
        let (proof, proved) = match token.proof_key() {
            Some(key) => {
                // On the heap, so that the futures of calls without a proof are small.
                let proof = Box::pin(self.proof(key, &token, request.method().clone(), request.url()));
                let (proof, url) = proof.await?;
                (Some(proof), Some(url))
            }
            None => (None, None),
        };
        for (name, value) in token.header_pairs() {
            request.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        if let Some(proof) = proof {
            request.headers_mut().insert(DPOP, proof);
        }
        Ok(Authorization { token: Some(token), fetched, proved, ..Authorization::none() })
    }

    /// Records how the API answered, and returns `Some` if the request should be sent once more, authorized by
    /// [`authorize_again`](Self::authorize_again). Call it for every response, also if you cannot repeat the request.
    ///
    /// It returns `Some` if the API rejected the token: by 401, by a status of the provider's
    /// ([`Policy::with_expired_status`](credentials_grant::Policy::with_expired_status)), or by gRPC's
    /// `UNAUTHENTICATED`, for which you pass the trailers in place of the headers, if there are some. That token is
    /// then dropped (except during the pause below), unless a newer one has replaced it already. It returns `None` if
    /// the token was fetched for this very request, and for a challenge about something else, such as
    /// `insufficient_scope` (RFC 6750 section 3.1).
    ///
    /// It does not see the body: where [`needs_body`](Self::needs_body) returns `true`, call
    /// [`check_response_with_body`](Self::check_response_with_body) instead.
    ///
    /// It also returns `Some` if the API wants its nonce in the proof (`use_dpop_nonce`, RFC 9449 section 9). The token
    /// stays.
    ///
    /// An API that rejects every token does not cost one per call: the first is dropped at once, the next after a pause
    /// of one second, doubling to five minutes, until a call is not rejected.
    ///
    /// ```no_run
    /// # use credentials_grant_client::Authorizer;
    /// # async fn example(
    /// #     authorizer: Authorizer,
    /// #     request: http::Request<()>,
    /// #     send: impl AsyncFn(http::Request<()>) -> http::Response<()>,
    /// # ) -> Result<http::Response<()>, credentials_grant::Error> {
    /// let mut attempt = request.clone();
    /// let mut authorization = authorizer.authorize(&mut attempt).await?;
    /// loop {
    ///     let response = send(attempt).await;
    ///     match authorizer.check_response(&authorization, response.status(), response.headers()) {
    ///         None => return Ok(response),
    ///         Some(retry) => {
    ///             attempt = request.clone();
    ///             authorization = authorizer.authorize_again(&mut attempt, retry).await?;
    ///         }
    ///     }
    /// }
    /// # }
    /// ```
    #[expect(clippy::must_use_candidate, reason = "the rejection is recorded even if the request cannot be repeated")]
    pub fn check_response(
        &self,
        authorization: &Authorization,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<AuthorizationRetry> {
        self.check(authorization, status, headers, self.problem(status, headers))
    }

    /// Returns `true` if the body of a response with this status and these headers may say that the token has expired
    /// ([`Policy::with_expired_body`](credentials_grant::Policy::with_expired_body)). Then read it, but no more than 64
    /// KiB of it, and call [`check_response_with_body`](Self::check_response_with_body).
    ///
    /// The middleware for reqwest does so. The layer for tower does not, as it leaves bodies alone.
    ///
    /// ```no_run
    /// # use credentials_grant_client::{Authorization, AuthorizationRetry, Authorizer};
    /// # fn example(
    /// #     authorizer: Authorizer,
    /// #     authorization: Authorization,
    /// #     response: http::Response<Vec<u8>>,
    /// # ) -> Option<AuthorizationRetry> {
    /// let (status, headers) = (response.status(), response.headers());
    /// if authorizer.needs_body(status, headers) {
    ///     authorizer.check_response_with_body(&authorization, status, headers, response.body())
    /// } else {
    ///     authorizer.check_response(&authorization, status, headers)
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn needs_body(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        self.0.expiry.may_be_in_body(status, headers)
    }

    /// Records how the API answered, as [`check_response`](Self::check_response) does, and looks for a body that means
    /// "the token has expired". A body of more than 64 KiB means nothing.
    #[expect(clippy::must_use_candidate, reason = "the rejection is recorded even if the request cannot be repeated")]
    pub fn check_response_with_body(
        &self,
        authorization: &Authorization,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<AuthorizationRetry> {
        let said = || self.0.expiry.is_body(status, body).then(|| Problem::of(headers));
        self.check(authorization, status, headers, self.problem(status, headers).or_else(said))
    }

    fn check(
        &self,
        authorization: &Authorization,
        status: StatusCode,
        headers: &HeaderMap,
        problem: Option<Problem>,
    ) -> Option<AuthorizationRetry> {
        let Inner { source, clock, rejections, .. } = &*self.0;
        let Authorization { token, fetched, renewals, proved, proved_again } = authorization;
        let token = token.as_ref()?;
        #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
        self.0.broken_uploads.answered(token);
        let key = token.proof_key().zip(proved.as_ref());
        let has_nonce = key.is_some_and(|(key, url)| key.note_nonce(url, headers));
        match problem {
            Some(Problem::Token) => {}
            Some(Problem::Nonce) if has_nonce && !proved_again => {
                return Some(AuthorizationRetry {
                    token: Arc::clone(token),
                    fetched: *fetched,
                    renewals: *renewals,
                    proved_again: true,
                });
            }
            _ => {
                rejections.accepted(token);
                return None;
            }
        }
        let (provider, status) = (source.name(), status.as_u16());
        match rejections.rejected(&**source, clock.monotonic(), token, *renewals) {
            Some(renewals) if !fetched => {
                tracing::debug!(provider, status, "the API rejected the token; fetching a new one");
                Some(AuthorizationRetry {
                    token: Arc::clone(token),
                    fetched: true,
                    renewals,
                    proved_again: *proved_again,
                })
            }
            Some(_) => {
                tracing::warn!(provider, status, "the API rejected a token that was fetched for this call");
                None
            }
            None => {
                tracing::warn!(provider, status, "the API keeps rejecting tokens; no new one is fetched for a while");
                None
            }
        }
    }

    /// Authorizes a request that is sent once more, as [`check_response`](Self::check_response) asked for: a copy from
    /// before, or the same request, whose headers are then replaced. A call is repeated at most once for a new token
    /// and once for a new proof.
    ///
    /// # Errors
    ///
    /// As [`authorize`](Self::authorize).
    pub async fn authorize_again<R: OutgoingRequest>(
        &self,
        request: &mut R,
        retry: AuthorizationRetry,
    ) -> Result<Authorization, Error> {
        let AuthorizationRetry { token, fetched, renewals, proved_again } = retry;
        let headers = request.headers_mut();
        for (name, value) in token.header_pairs() {
            if headers.get(name) == Some(value) {
                headers.remove(name);
            }
        }
        if token.proof_key().is_some() {
            headers.remove(DPOP);
        }
        let authorization = self.authorize(request).await?;
        Ok(Authorization { fetched: fetched || authorization.fetched, renewals, proved_again, ..authorization })
    }

    /// Notes that the server closed the connection while the body of a request was on its way. Its answer, if there was
    /// one, is lost: it may have been that the token is rejected, unless it was fetched for this very request.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(super) fn note_broken_upload(&self, authorization: &Authorization) {
        if let Some(token) = authorization.token.as_ref().filter(|_| !authorization.fetched) {
            self.0.broken_uploads.note(token);
        }
    }

    /// Drops the token with which the last upload broke off, unless a call with it was answered meanwhile. Call it
    /// before a request with a body. The pauses are those of rejected tokens.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(super) fn prepare_upload(&self) {
        let Inner { source, clock, rejections, broken_uploads, .. } = &*self.0;
        if let Some(token) = broken_uploads.take() {
            tracing::debug!(provider = source.name(), "the last upload with this token broke off; fetching a new one");
            rejections.rejected(&**source, clock.monotonic(), &token, 0);
        }
    }

    /// Creates the proof for a request with this token. Returns it with the URL that it is for, which has no query.
    async fn proof(
        &self,
        key: &ProofKey,
        token: &AccessToken,
        method: Method,
        url: Result<Url, Error>,
    ) -> Result<(HeaderValue, Url), Error> {
        let Inner { source, clock, .. } = &*self.0;
        let proof = async {
            let (mut url, seed) = (url?, RequestSeed::new(clock.now(), entropy()?));
            url.set_query(None);
            url.set_fragment(None);
            Ok((key.proof(&method, &url, token.secret(), seed).await?, url))
        };
        // A remote key service may never answer. Outside of tokio there is no timer.
        let limit = source.timeout();
        let proof = match runtime() {
            Ok(_) => timeout(limit, proof).await.unwrap_or_else(|_| Err(signing_timed_out(limit))),
            Err(_) => proof.await,
        };
        proof.map_err(|error: Error| error.with_provider(source.name().to_owned()))
    }

    /// Refuses a destination that the token must not be sent to.
    pub(super) fn check_destination(&self, destination: Destination<'_>) -> Result<(), Error> {
        let refused = |message| Error::new(ErrorKind::Configuration, message);
        if !self.0.hosts.iter().any(|host| host.matches(destination)) {
            return Err(refused(format!("the token may not be sent to {destination}, so nothing was sent"))
                .with_remedy(format!("if it is one of the vendor's hosts, add it: `with_host(\"{destination}\")`")));
        }
        if destination.scheme == Scheme::Http && !destination.is_loopback() {
            return Err(refused(format!("the token would go to {destination} unencrypted, so nothing was sent"))
                .with_remedy("use https (plain http is for loopback only)"));
        }
        Ok(())
    }

    /// Returns `true` if the status means that the token has expired.
    #[cfg(feature = "reqwest-middleware")]
    pub(super) fn is_expired_status(&self, status: StatusCode) -> bool {
        self.0.expiry.is_status(status)
    }

    /// Returns what the API objects to, if the response is about authorization.
    fn problem(&self, status: StatusCode, headers: &HeaderMap) -> Option<Problem> {
        let is_expired = self.0.expiry.is_status(status);
        // gRPC answers 200 with UNAUTHENTICATED in the headers, if there are no messages.
        let is_unauthenticated = || headers.get("grpc-status").is_some_and(|code| code == "16");
        (is_expired || is_unauthenticated()).then(|| Problem::of(headers))
    }
}

fn signing_timed_out(waited: Duration) -> Error {
    Error::new(ErrorKind::SigningFailed, format!("the key did not sign within {} s", waited.as_secs()))
        .with_remedy("check the connection to the service that holds it, or allow more time")
        .with_retry(Retry::Soon)
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer")
            .field("source", &self.0.source)
            .field("hosts", &self.0.hosts)
            .finish_non_exhaustive()
    }
}

//! Puts a source's token on calls of the vendor's API, and takes note of how the API answers.

mod challenge;
mod hosts;
mod outgoing_request;
mod rejections;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
#[cfg(feature = "tower")]
mod tower_layer;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{
    AccessToken, Error, ErrorKind, HeaderMap, HeaderName, HeaderValue, Method, ProofKey, RequestSeed, Retry,
    StatusCode, Url,
};
use tokio::time::timeout;

use self::challenge::Complaint;
use self::hosts::{Destination, Host, Scheme};
use self::rejections::Rejections;
use crate::boarding::runtime;
use crate::fetch::entropy;
use crate::token_options::TokenOptions;
use crate::token_source::TokenSource;

pub use self::outgoing_request::OutgoingRequest;
#[cfg(feature = "tower")]
pub use self::tower_layer::{AuthorizerLayer, AuthorizerService};

/// The header that carries a proof (RFC 9449 section 4.1).
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Authorizes calls of a vendor's API: the token goes to the hosts that the provider's policy or the user names, over
/// https (plain http is for loopback only), and nowhere else.
///
/// It is a middleware for reqwest (feature `reqwest-middleware`), a layer for tower (feature `tower`), and by itself
/// authorizes any [`http::Request`].
/// The middleware and the layer renew a token that the API rejects and send the call once more; whoever uses
/// [`authorize`](Self::authorize) does so by [`answered`](Self::answered).
///
/// It is cheap to clone. Clones share what they know of rejected tokens, so make one for a source and clone it.
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
    source: TokenSource,
    hosts: Vec<Host>,
    options: TokenOptions,
    /// The header that presents the token.
    header: HeaderName,
    /// The statuses by which the API says that a token is no longer good.
    expired: Vec<StatusCode>,
    rejections: Rejections,
}

/// What was done to a request: the token that it presents, unless it was left alone.
#[derive(Debug)]
pub struct Presented {
    token: Option<Arc<AccessToken>>,
    /// Whether the token was fetched for this very request: then a new one would be no better.
    fetched: bool,
    /// Which renewal in a row the token came from, if a rejection led to it.
    renewal: u32,
    /// What the proof is for, where the token is bound to a key: without its query, which may hold secrets.
    proved: Option<Url>,
    /// Whether the proof was made anew for this very request, with a nonce that the API had just sent.
    proved_anew: bool,
}

impl Presented {
    /// What was done to a request that is left alone.
    fn nothing() -> Self {
        Self { token: None, fetched: false, renewal: 0, proved: None, proved_anew: false }
    }
}

/// How the same request is worth sending once more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Again {
    /// With a proof that has the nonce which the API has sent.
    WithNewProof,
    /// With a token that comes from this many renewals in a row.
    WithNewToken(u32),
}

impl Authorizer {
    /// Authorizes calls to the hosts that the provider names.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if it names none, as where the host depends on the customer: then
    /// [`builder`](Self::builder) takes it.
    pub fn new(source: TokenSource) -> Result<Self, Error> {
        Self::builder(source).build()
    }

    /// Begins an authorizer that may send the token to more hosts than those that the provider names.
    #[must_use]
    pub fn builder(source: TokenSource) -> AuthorizerBuilder {
        AuthorizerBuilder { source, hosts: Vec::new(), options: TokenOptions::new() }
    }

    /// Puts the token on a request, in the header that the vendor wants it in, with the vendor's companions, and with a
    /// proof for this request where the token is bound to a key (RFC 9449 section 7).
    ///
    /// A request that has that header already is left alone altogether. A companion that the caller has set stays.
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
    /// [`Configuration`](ErrorKind::Configuration) if the token must not go where the request goes, else as
    /// [`TokenSource::token_with`]; [`SigningFailed`](ErrorKind::SigningFailed) if there is no proof, in the time that a fetch
    /// may take. The request is as it was, and is not to be sent.
    pub async fn authorize<R: OutgoingRequest>(&self, request: &mut R) -> Result<Presented, Error> {
        let Inner { source, header, options, .. } = &*self.0;
        if request.headers().contains_key(header) {
            return Ok(Presented::nothing());
        }
        let checked = request.destination().and_then(|destination| self.check(destination));
        checked.map_err(|error| error.with_provider(source.provider().name().to_owned()))?;
        let (token, fetched) = match source.serve(*options) {
            Some(token) => (token, false),
            None => (source.token_with(*options).await?, true),
        };
        let (proof, proved) = match token.proof_key() {
            Some(key) => {
                let (proof, url) = self.proof(key, &token, request.method().clone(), request.url()).await?;
                (Some(proof), Some(url))
            }
            None => (None, None),
        };
        for (name, value) in token.header_pairs() {
            if !request.headers().contains_key(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        if let Some(proof) = proof {
            request.headers_mut().insert(DPOP, proof);
        }
        Ok(Presented { token: Some(token), fetched, proved, ..Presented::nothing() })
    }

    /// The proof for a request with this token, and for which URL it is: without its query, which no proof holds.
    async fn proof(
        &self,
        key: &ProofKey,
        token: &AccessToken,
        method: Method,
        url: Result<Url, Error>,
    ) -> Result<(HeaderValue, Url), Error> {
        let source = &self.0.source;
        let proof = async {
            let (mut url, seed) = (url?, RequestSeed::new(source.clock().now(), entropy()?));
            url.set_query(None);
            url.set_fragment(None);
            Ok((key.proof(&method, &url, token.secret(), seed).await?, url))
        };
        // A key in a service may never answer. Outside of tokio nobody measures time.
        let limit = source.0.means.timeout;
        let proof = match runtime() {
            Ok(_) => timeout(limit, proof).await.unwrap_or_else(|_| Err(unsigned(limit))),
            Err(_) => proof.await,
        };
        proof.map_err(|error: Error| error.with_provider(source.provider().name().to_owned()))
    }

    /// Takes note of how the API answered, and says whether it is worth to authorize the same request anew and to send
    /// it once more.
    ///
    /// It is where the API rejected the token: by 401, by a status of the provider's
    /// ([`Policy::with_expired_status`](credentials_grant::Policy::with_expired_status)) or by gRPC's `UNAUTHENTICATED`.
    /// That token is then given up, unless a newer one has taken its place.
    /// It is not where the token was fetched for this very request, nor for a challenge that speaks of something else,
    /// such as `insufficient_scope` (RFC 6750 section 3.1).
    ///
    /// It is also where the API wants its nonce in the proof (`use_dpop_nonce`, RFC 9449 section 9): the token stays.
    ///
    /// An API that rejects every token does not cost one for each call: the first is given up at once, the next one
    /// after a pause of one second, doubling to five minutes, until a call is not rejected.
    ///
    /// ```no_run
    /// # use credentials_grant_client::Authorizer;
    /// # async fn example(
    /// #     authorizer: Authorizer,
    /// #     request: http::Request<()>,
    /// #     send: impl AsyncFn(http::Request<()>) -> http::Response<()>,
    /// # ) -> Result<(), credentials_grant::Error> {
    /// let mut first = request.clone();
    /// let presented = authorizer.authorize(&mut first).await?;
    /// let mut response = send(first).await;
    /// if authorizer.answered(&presented, response.status(), response.headers()) {
    ///     let mut second = request;
    ///     authorizer.authorize(&mut second).await?;
    ///     response = send(second).await;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[expect(clippy::must_use_candidate, reason = "whoever cannot send the request again still has it noted")]
    pub fn answered(&self, presented: &Presented, status: StatusCode, headers: &HeaderMap) -> bool {
        self.again(presented, status, headers).is_some()
    }

    /// As [`answered`](Self::answered): how to send the request once more.
    fn again(&self, presented: &Presented, status: StatusCode, headers: &HeaderMap) -> Option<Again> {
        let Inner { source, rejections, .. } = &*self.0;
        let token = presented.token.as_ref()?;
        let key = token.proof_key().zip(presented.proved.as_ref());
        let has_nonce = key.is_some_and(|(key, url)| key.note_nonce(url, headers));
        match self.complaint(status, headers) {
            Some(Complaint::Token) => {}
            Some(Complaint::Nonce) if has_nonce && !presented.proved_anew => return Some(Again::WithNewProof),
            _ => {
                rejections.accepted(token);
                return None;
            }
        }
        let (provider, status) = (source.provider().name(), status.as_u16());
        match rejections.rejected(source, token, presented.renewal) {
            Some(renewal) if !presented.fetched => {
                tracing::debug!(provider, status, "the API rejected the token, which is given up");
                Some(Again::WithNewToken(renewal))
            }
            Some(_) => {
                tracing::warn!(provider, status, "the API rejected a token that was fetched for this call");
                None
            }
            None => {
                tracing::warn!(
                    provider,
                    status,
                    "the API rejected the token again, so no new one is fetched for a while"
                );
                None
            }
        }
    }

    /// Authorizes a request once more, of which this was presented before. A new token and a new proof are each worth one try.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    async fn authorize_again<R: OutgoingRequest>(
        &self,
        request: &mut R,
        before: &Presented,
        again: Again,
    ) -> Result<Presented, Error> {
        let presented = self.authorize(request).await?;
        Ok(match again {
            Again::WithNewProof => {
                let fetched = before.fetched || presented.fetched;
                Presented { fetched, renewal: before.renewal, proved_anew: true, ..presented }
            }
            Again::WithNewToken(renewal) => {
                Presented { fetched: true, renewal, proved_anew: before.proved_anew, ..presented }
            }
        })
    }

    /// Refuses a destination to which the token must not go.
    fn check(&self, destination: Destination<'_>) -> Result<(), Error> {
        let refused = |message| Error::new(ErrorKind::Configuration, message);
        if !self.0.hosts.iter().any(|host| host.admits(destination)) {
            return Err(refused(format!("the token is not for {destination}, so nothing was sent"))
                .with_remedy(format!("if it is one of the vendor's hosts, name it: `with_host(\"{destination}\")`")));
        }
        if destination.scheme == Scheme::Http && !destination.is_loopback() {
            return Err(refused(format!("the token would go to {destination} in the clear, so nothing was sent"))
                .with_remedy("use https (plain http is for loopback only)"));
        }
        Ok(())
    }

    /// What the API has against the request, if it is about who sends it.
    fn complaint(&self, status: StatusCode, headers: &HeaderMap) -> Option<Complaint> {
        let is_expired = status == StatusCode::UNAUTHORIZED || self.0.expired.contains(&status);
        // gRPC answers 200, and says UNAUTHENTICATED in the headers of an answer that has no messages.
        let is_unauthenticated = || headers.get("grpc-status").is_some_and(|code| code == "16");
        (is_expired || is_unauthenticated()).then(|| Complaint::of(headers))
    }
}

fn unsigned(waited: Duration) -> Error {
    Error::new(ErrorKind::SigningFailed, format!("the key did not sign within {} s", waited.as_secs()))
        .with_remedy("check the way to the service that holds it, or allow more time")
        .with_retry(Retry::Soon)
}

/// Sets up an [`Authorizer`].
#[derive(Debug)]
pub struct AuthorizerBuilder {
    source: TokenSource,
    hosts: Vec<Cow<'static, str>>,
    options: TokenOptions,
}

impl AuthorizerBuilder {
    /// What each call needs of its token: to have it in time, say, with what fails for a passing reason tried again.
    #[must_use]
    pub fn with_options(mut self, options: TokenOptions) -> Self {
        self.options = options;
        self
    }

    /// Lets the token go to this host as well.
    ///
    /// A host is one by name, `api.example.com`, or all below one, `*.example.com`, which does not mean
    /// `example.com`. Without a port, it is the scheme's own; with one, `localhost:8080`, that one.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<Cow<'static, str>>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// The authorizer.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if no host is known, or one is malformed.
    pub fn build(self) -> Result<Authorizer, Error> {
        let name = self.source.provider().name().to_owned();
        self.authorizer().map_err(|error| error.with_provider(name))
    }

    fn authorizer(self) -> Result<Authorizer, Error> {
        let Self { source, hosts, options } = self;
        let policy = source.provider().policy();
        let hosts: Vec<_> =
            policy.hosts().iter().chain(&hosts).map(|host| Host::parse(host)).collect::<Result<_, _>>()?;
        if hosts.is_empty() {
            return Err(Error::new(ErrorKind::Configuration, "no host is known that the token may go to")
                .with_remedy("name that of the API: `Authorizer::builder(source).with_host(\"api.example.com\")`"));
        }
        let header = policy.presentation().header_name();
        let header = HeaderName::try_from(header).map_err(|_| {
            Error::new(ErrorKind::Configuration, format!("{header:?} is not a valid header name"))
                .with_remedy("correct the presentation in the provider's policy")
        })?;
        let expired = policy.expired_statuses().to_vec();
        Ok(Authorizer(Arc::new(Inner { source, hosts, options, header, expired, rejections: Rejections::default() })))
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer")
            .field("source", &self.0.source)
            .field("hosts", &self.0.hosts)
            .finish_non_exhaustive()
    }
}

//! A token ready for use.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::client_credentials::ClientCredentials;
use crate::error::{Error, ResponseProblem, Retry};
use crate::lifetime::{Lifetime, LifetimeSource, lifetime, time_of_server};
use crate::policy::Policy;
use crate::proof_key::ProofKey;
use crate::request_context::RequestContext;
use crate::response_reader::number;
use crate::token_parameters::TokenParameters;
use crate::token_response::{TokenResponse, claims_json};

/// The longest token that is accepted. Servers refuse headers long before this.
const LONGEST_TOKEN: usize = 64 * 1024;

/// An access token that is ready to go on API calls.
///
/// [`headers`](Self::headers) returns every header that a call needs, whatever the vendor calls them:
///
/// ```no_run
/// # async fn example(http: reqwest::Client, token: credentials_grant::AccessToken) -> reqwest::Result<()> {
/// let call = http.get("https://api.example.com/v1/properties").headers(token.headers());
/// let properties = call.send().await?;
/// # Ok(())
/// # }
/// # mod reqwest {
/// #     pub type Result<T> = std::result::Result<T, ()>;
/// #     pub struct Client;
/// #     pub struct Call;
/// #     impl Client { pub fn get(&self, _: &str) -> Call { Call } }
/// #     impl Call {
/// #         pub fn headers(self, _: credentials_grant::HeaderMap) -> Self { self }
/// #         pub async fn send(self) -> Result<()> { Ok(()) }
/// #     }
/// # }
/// ```
///
/// `Debug` shows neither the token nor the values of the vendor's extra members.
#[derive(Clone)]
pub struct AccessToken {
    response: TokenResponse,
    requested_at: SystemTime,
    expires_at: SystemTime,
    lifetime_source: LifetimeSource,
    declined_scopes: Vec<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    proof_key: Option<ProofKey>,
}

impl AccessToken {
    /// Creates an access token from its parts, as [`fetch_token`](crate::fetch_token) does from a server's response.
    ///
    /// For tests, for stores that keep tokens, and for flows of your own. `requested_at` is when the request for the
    /// token was sent: a [`Lifetime::For`] is counted from then. The policy says which headers present the token, and
    /// the credentials fill in those that need them.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use credentials_grant::{AccessToken, ClientCredentials, Lifetime, Policy, TokenParameters, TokenResponse};
    ///
    /// let response = TokenResponse::new("a token").with_lifetime(Lifetime::For(Duration::from_secs(3600)));
    /// # let response = TokenResponse::new("token").with_lifetime(Lifetime::For(Duration::from_secs(3600)));
    /// let token = AccessToken::new(
    ///     response,
    ///     &TokenParameters::new(),
    ///     &Policy::new(),
    ///     &ClientCredentials::new("my-service", "secret"),
    ///     SystemTime::now(),
    /// )?;
    /// assert_eq!(token.headers()["authorization"], "Bearer token");
    /// # Ok::<(), credentials_grant::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BadResponse`](crate::ErrorKind::BadResponse) if the token had expired when it was requested (a lifetime of
    /// zero, or one that ended before `requested_at`), if no header can carry it (it has spaces, or more than 64 KiB),
    /// or if it is bound to a key and `parameters` names none, or the other way round.
    pub fn new(
        response: TokenResponse,
        parameters: &TokenParameters,
        policy: &Policy,
        credentials: &ClientCredentials,
        requested_at: SystemTime,
    ) -> Result<Self, Error> {
        Self::at(response, parameters, policy, credentials, Moment { requested_at, by_server: requested_at })
    }

    fn at(
        mut response: TokenResponse,
        parameters: &TokenParameters,
        policy: &Policy,
        credentials: &ClientCredentials,
        Moment { requested_at, by_server }: Moment,
    ) -> Result<Self, Error> {
        let token = response.secret().expose_secret();
        check_token(token)?;
        let proof_key = bound_to(&response, parameters.proof_key())?;
        let headers = policy.presentation().headers(token, proof_key, credentials)?;
        let proof_key = proof_key.cloned();
        let (length, lifetime_source) = lifetime(&response, policy, by_server);
        if length.is_zero() {
            return Err(expired(response.lifetime()));
        }
        let declined_scopes = declined(response.scopes(), parameters.scopes());
        response.complete(parameters.scopes());
        let expires_at = requested_at.checked_add(length).unwrap_or(requested_at);
        Ok(Self { response, requested_at, expires_at, lifetime_source, declined_scopes, headers, proof_key })
    }

    /// Creates the token that answers the request of this context, of a server whose clock showed this time.
    pub(crate) fn from_response(
        response: TokenResponse,
        context: &RequestContext<'_>,
        policy: &Policy,
        server_time: Option<SystemTime>,
    ) -> Result<Self, Error> {
        let requested_at = context.now();
        let moment = Moment { requested_at, by_server: time_of_server(requested_at, server_time) };
        Self::at(response, context.parameters(), policy, context.credentials(), moment)
    }

    /// Sets when the token expires at the latest: it ends then, or when it did before if that is earlier. For a token
    /// that a server sends again, with a lifetime that is not believed.
    #[must_use]
    pub fn with_latest_end(mut self, end: SystemTime) -> Self {
        self.expires_at = self.expires_at.min(end);
        self
    }

    /// Returns the token itself.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        self.response.secret()
    }

    /// Returns every header that an API call needs: the one that presents the token (`Authorization: Bearer …` for most
    /// vendors, a header of their own for some), and those that the vendor wants in addition. Their values are
    /// marked sensitive.
    ///
    /// Each call builds a new map. A token that is [bound to a key](Self::proof_key) needs a proof in addition to
    /// these headers, a new one for each call: use the client crate's `Authorizer`.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        self.header_pairs().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Returns the same headers as [`headers`](Self::headers), one by one and without an allocation.
    pub fn header_pairs(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.headers.iter().map(|(name, value)| (name, value))
    }

    /// Returns the name of the header that presents the token: `authorization` for most vendors.
    #[must_use]
    pub fn header_name(&self) -> &HeaderName {
        &self.headers[0].0
    }

    /// Returns the value of the header that presents the token: `Bearer …` for most vendors, and the bare token for
    /// those with a header of their own.
    ///
    /// It belongs in the header [`header_name`](Self::header_name) and in no other, and some vendors want further
    /// headers as well; [`headers`](Self::headers) has them all. It is built once, and cloning it copies no bytes.
    #[must_use]
    pub fn header_value(&self) -> &HeaderValue {
        &self.headers[0].1
    }

    /// Returns the key that the token is bound to, which makes the proofs that API calls need (RFC 9449 section 7).
    #[must_use]
    pub fn proof_key(&self) -> Option<&ProofKey> {
        self.proof_key.as_ref()
    }

    /// Returns the type of the token as the server sent it; `None` if it sent none, which means `Bearer`.
    #[must_use]
    pub fn token_type(&self) -> Option<&str> {
        self.response.token_type()
    }

    /// Returns when the request for this token was sent. Its lifetime is counted from then.
    #[must_use]
    pub fn requested_at(&self) -> SystemTime {
        self.requested_at
    }

    /// Returns when the token expires, by this machine's clock: when the response says so, or the `exp` of the token
    /// itself if that is earlier. The margin and the maximum lifetime of a source are not applied.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Returns where [`expires_at`](Self::expires_at) comes from.
    #[must_use]
    pub fn lifetime_source(&self) -> LifetimeSource {
        self.lifetime_source
    }

    /// Returns what is wrong with the lifetime in the response, if something is, to be logged as a warning: there is
    /// none, so that five minutes are assumed, or it cannot be meant (more than ten years, and no moment around now).
    #[must_use]
    pub fn lifetime_warning(&self) -> Option<&'static str> {
        match self.response.lifetime() {
            Some(stated)
                if self.lifetime_source != LifetimeSource::Response && stated.length(self.requested_at).is_none() =>
            {
                Some("unusable lifetime in the response: neither up to ten years nor a moment around now")
            }
            None if self.lifetime_source == LifetimeSource::Assumed => Some("no lifetime in the response"),
            _ => None,
        }
    }

    /// Returns the scopes granted: those of the response, or else those asked for (RFC 6749 section 5.1).
    /// Empty if neither names any.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        self.response.scopes().unwrap_or_default()
    }

    /// Returns the scopes that were asked for and not granted, in the order in which they were asked for. A server may
    /// grant fewer than asked for, and then has to say which (RFC 6749 section 3.3): if the response names none, all
    /// are granted.
    ///
    /// Some vendors name scopes differently in the response, or send something else there. So this is for a log line
    /// or a check that you made for one vendor.
    #[must_use]
    pub fn declined_scopes(&self) -> &[String] {
        &self.declined_scopes
    }

    /// Returns the age at which the vendor wants the token to be renewed (`refresh_in`, in seconds), which Entra sends
    /// for tokens that live long. `None` if there is no such age within the token's lifetime.
    #[must_use]
    pub fn refresh_in(&self) -> Option<Duration> {
        let seconds = number(self.extra("refresh_in")?)?;
        let age = Duration::try_from_secs_f64(seconds).ok().filter(|age| !age.is_zero())?;
        Some(age).filter(|age| self.requested_at.checked_add(*age).is_some_and(|at| at < self.expires_at))
    }

    /// Returns the refresh token, if the server sent one. RFC 6749 section 4.4.3 advises against it, and this library
    /// does not use it.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&SecretString> {
        self.response.refresh_token()
    }

    /// Returns a further member of the response, as the vendor sent it.
    #[must_use]
    pub fn extra(&self, member: &str) -> Option<&Value> {
        self.response.extra(member)
    }

    /// Returns every further member of the response. The vendor may have put secrets among them.
    #[must_use]
    pub fn extras(&self) -> &Map<String, Value> {
        self.response.extras()
    }

    /// Reads the claims of a token that is a JWT, **without verifying it**: neither signature, issuer, audience nor
    /// expiry is checked.
    ///
    /// Use it for a log line or to find your own account, never to decide what a caller may do. To verify a token, use
    /// `credentials-grant-verification`.
    ///
    /// ```
    /// use credentials_grant::{AccessToken, Error};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Claims {
    ///     client_id: String,
    /// }
    ///
    /// fn client_id(token: &AccessToken) -> Result<String, Error> {
    ///     Ok(token.unverified_claims::<Claims>()?.client_id)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BadResponse`](crate::ErrorKind::BadResponse) if the token is not a JWT, or its claims do not have this shape.
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let json = claims_json(self.secret().expose_secret()).ok_or_else(|| {
            Error::bad_response("the token is not a JWT, so it has no claims to read")
                .with_remedy("ask the server about it by introspection, if it offers that (RFC 7662)")
        })?;
        // What exactly is wrong is not repeated: it is the server's text.
        serde_json::from_slice(&json).map_err(|_| {
            Error::bad_response("the claims of the token do not have the expected shape")
                .with_remedy("compare them with the vendor's page")
        })
    }
}

/// Returns the scopes that are not among those granted, each once.
fn declined(granted: Option<&[String]>, asked: &[String]) -> Vec<String> {
    let Some(granted) = granted else { return Vec::new() };
    let mut declined = Vec::new();
    for scope in asked {
        if !granted.contains(scope) && !declined.contains(scope) {
            declined.push(scope.clone());
        }
    }
    declined
}

/// When a token was requested, by this machine's clock and by the server's.
struct Moment {
    requested_at: SystemTime,
    by_server: SystemTime,
}

/// Returns the error of a token that is over: by the number of seconds that the server sent, or by a clock.
fn expired(stated: Option<Lifetime>) -> Error {
    let error = Error::bad_response("the server sent a token that has already expired")
        .with_response_problem(ResponseProblem::ExpiredToken);
    match stated {
        // A server that repeats a token until it is over sends another one a moment later.
        Some(Lifetime::For(Duration::ZERO)) => error
            .with_remedy(
                "try again in a moment; if every response states a lifetime of 0, show the vendor this message",
            )
            .with_retry(Retry::Soon),
        _ => error
            .with_remedy("compare this machine's clock with the server's; if they agree, show the vendor this message"),
    }
}

/// Returns the key that the token is bound to. A token that is taken for bound and is not, or the other way round,
/// fails at every API call, so a mismatch is an error here.
fn bound_to<'a>(response: &TokenResponse, asked: Option<&'a ProofKey>) -> Result<Option<&'a ProofKey>, Error> {
    let is_bound = response.token_type().is_some_and(|kind| kind.eq_ignore_ascii_case("dpop"));
    match asked {
        Some(_) if !is_bound => Err(Error::bad_response("the server sent a token that is not bound to the key")
            .with_response_problem(ResponseProblem::UnusableToken)
            .with_remedy("ask the vendor for DPoP (RFC 9449), or request a token without a proof key")),
        None if is_bound => {
            Err(Error::bad_response("the server sent a token that is bound to a key, and no proof key was given")
                .with_response_problem(ResponseProblem::UnusableToken)
                .with_remedy("give one: `TokenParameters::with_proof_key`"))
        }
        asked => Ok(asked),
    }
}

/// Refuses what no header can carry, since that is how a token is used.
fn check_token(token: &str) -> Result<(), Error> {
    let refused = |why: &str| {
        Err(Error::bad_response(format!("the server sent a token {why}, which no header can carry"))
            .with_remedy("show the vendor this message")
            .with_response_problem(ResponseProblem::UnusableToken))
    };
    match token {
        "" => refused("that is empty"),
        _ if token.len() > LONGEST_TOKEN => refused("of more than 64 KiB"),
        // No early exit at the first byte that does not fit, so that the compiler checks many bytes at once.
        _ if !token.bytes().fold(true, |fits, byte| fits & byte.is_ascii_graphic()) => {
            refused("with spaces, line breaks or other characters outside visible ASCII")
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("response", &self.response)
            .field("expires_at", &self.expires_at)
            .field("lifetime_source", &self.lifetime_source)
            .finish_non_exhaustive()
    }
}

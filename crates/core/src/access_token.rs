//! A token ready for use.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::client_credentials::ClientCredentials;
use crate::error::Error;
use crate::policy::Policy;
use crate::proof_key::ProofKey;
use crate::request_context::RequestContext;
use crate::token_parameters::TokenParameters;
use crate::token_response::{Lifetime, TokenResponse, claims_json};

/// The lifetime of a token if neither the response, nor the token itself, nor the provider states one.
const ASSUMED_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The longest lifetime that is believed: ten years, five times that of the longest-lived token known (Hostaway's).
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

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
    headers: Vec<(HeaderName, HeaderValue)>,
    proof_key: Option<ProofKey>,
}

/// Where a token's lifetime comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LifetimeSource {
    /// The server's response (`expires_in`, or what the vendor sends in its place).
    Response,
    /// The `exp` claim of the token itself.
    Token,
    /// The provider's policy.
    Policy,
    /// Nothing states it: five minutes are assumed, which deserves a warning.
    Assumed,
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
        mut response: TokenResponse,
        parameters: &TokenParameters,
        policy: &Policy,
        credentials: &ClientCredentials,
        requested_at: SystemTime,
    ) -> Result<Self, Error> {
        let token = response.secret().expose_secret();
        check_token(token)?;
        let proof_key = bound_to(&response, parameters.proof_key())?;
        let headers = policy.presentation().headers(token, proof_key, credentials)?;
        let proof_key = proof_key.cloned();
        let (lifetime, lifetime_source) = lifetime(&response, policy, requested_at);
        let length = match lifetime {
            Lifetime::For(length) => length,
            Lifetime::Until(end) => end.duration_since(requested_at).unwrap_or_default(),
        };
        if length.is_zero() {
            return Err(Error::bad_response("the server sent a token that has already expired").with_remedy(
                "compare this machine's clock with the server's; if they agree, show the vendor this message",
            ));
        }
        response.complete(parameters.scopes());
        let expires_at = requested_at.checked_add(length.min(LONGEST_LIFETIME)).unwrap_or(requested_at);
        Ok(Self { response, requested_at, expires_at, lifetime_source, headers, proof_key })
    }

    /// Creates the token that answers the request of this context.
    pub(crate) fn from_response(
        response: TokenResponse,
        context: &RequestContext<'_>,
        policy: &Policy,
    ) -> Result<Self, Error> {
        Self::new(response, context.parameters(), policy, context.credentials(), context.now())
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

    /// Returns when the token expires, as stated by the server. The margin and the maximum lifetime of a source are not
    /// applied.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Returns where [`expires_at`](Self::expires_at) comes from.
    #[must_use]
    pub fn lifetime_source(&self) -> LifetimeSource {
        self.lifetime_source
    }

    /// Returns the scopes granted: those of the response, or else those asked for (RFC 6749 section 5.1).
    /// Empty if neither names any.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        self.response.scopes().unwrap_or_default()
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

/// Returns the key that the token is bound to. A token that is taken for bound and is not, or the other way round,
/// fails at every API call, so a mismatch is an error here.
fn bound_to<'a>(response: &TokenResponse, asked: Option<&'a ProofKey>) -> Result<Option<&'a ProofKey>, Error> {
    let is_bound = response.token_type().is_some_and(|kind| kind.eq_ignore_ascii_case("dpop"));
    match asked {
        Some(_) if !is_bound => Err(Error::bad_response("the server sent a token that is not bound to the key")
            .with_remedy("ask the vendor for DPoP (RFC 9449), or request a token without a proof key")),
        None if is_bound => {
            Err(Error::bad_response("the server sent a token that is bound to a key, and no proof key was given")
                .with_remedy("give one: `TokenParameters::with_proof_key`"))
        }
        asked => Ok(asked),
    }
}

fn lifetime(response: &TokenResponse, policy: &Policy, now: SystemTime) -> (Lifetime, LifetimeSource) {
    let token = || response.lifetime_in_token(now).map(|lifetime| (lifetime, LifetimeSource::Token));
    let policy = || policy.lifetime().map(|length| (Lifetime::For(length), LifetimeSource::Policy));
    response
        .lifetime()
        .map(|lifetime| (lifetime, LifetimeSource::Response))
        .or_else(token)
        .or_else(policy)
        .unwrap_or((Lifetime::For(ASSUMED_LIFETIME), LifetimeSource::Assumed))
}

/// Refuses what no header can carry, since that is how a token is used.
fn check_token(token: &str) -> Result<(), Error> {
    let refused = |why: &str| {
        Err(Error::bad_response(format!("the server sent a token {why}, which no header can carry"))
            .with_remedy("show the vendor this message"))
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

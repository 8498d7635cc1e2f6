//! The trait that a vendor implements, and the trip from credentials to a token.

use std::fmt::Debug;
use std::sync::Arc;

use secrecy::SecretString;

use crate::ask::Ask;
use crate::attempt::Attempt;
use crate::client_authentication::basic_forms;
use crate::credentials::ClientCredentials;
use crate::error::{Error, ErrorKind};
use crate::policy::Policy;
use crate::proof_key::DPOP;
use crate::reader::ResponseReader;
use crate::request::TokenRequest;
use crate::response::TokenResponse;
use crate::sealed_request::SealedRequest;
use crate::surroundings::Surroundings;
use crate::token::{AccessToken, IssuedToken};
use crate::token_operation::TokenOperation;
use crate::transport::Transport;

/// The most requests that one token may take.
const MOST_STEPS: usize = 4;

/// A vendor: what to send, and what came back.
///
/// It holds settings and no secret, so one value serves every client of the vendor's; secrets come in with each
/// [`Attempt`]. A vendor that keeps to RFC 6749 writes [`provider`](Self::provider) and
/// [`token_request`](Self::token_request):
///
/// ```
/// use credentials_grant::{Attempt, ClientAuthentication, CredentialsGrant, Error, TokenEndpoint, TokenRequest};
///
/// #[derive(Debug)]
/// struct Acme {
///     token_endpoint: TokenEndpoint,
/// }
///
/// impl CredentialsGrant for Acme {
///     fn provider(&self) -> &str {
///         "acme"
///     }
///
///     fn token_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
///         attempt
///             .post(&self.token_endpoint)
///             .client_credentials()
///             .client_authentication(ClientAuthentication::Basic)
///             .scope()
///             .build()
///     }
/// }
/// ```
pub trait CredentialsGrant: Debug + Send + Sync + 'static {
    /// The vendor's name in errors, logs and settings: `apaleo`.
    fn provider(&self) -> &str;

    /// What to send. Everything it may use is in the attempt.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the request cannot be written.
    fn token_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error>;

    /// What came back. By default, RFC 6749 section 5 as vendors really send it.
    ///
    /// An error may repeat the server's words at length, secrets that it echoes included: [`grant`] scrubs and caps them.
    ///
    /// # Errors
    ///
    /// What the server said, if it sent no token that can be used.
    fn read_response(&self, response: &TokenResponse) -> Result<IssuedToken, Error> {
        ResponseReader::rfc6749().read(response)
    }

    /// The next step, for a vendor that needs several: asked with the answer to a request that
    /// [`continues`](crate::TokenRequestBuilder::continues).
    ///
    /// # Errors
    ///
    /// What the server said, or [`Configuration`](ErrorKind::Configuration) if the request cannot be written.
    fn next_request(&self, attempt: &Attempt<'_>, response: &TokenResponse) -> Result<TokenRequest, Error> {
        let _ = (attempt, response);
        Err(Error::configuration("the provider announces a further request and describes none")
            .with_remedy("implement `CredentialsGrant::next_request` for it"))
    }

    /// What to send to ask about a token that has been issued, or to have it taken back: the attempt's
    /// [operation](Attempt::operation) says which. By default, nothing can be.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the vendor has no way to do that, or the request cannot be written.
    fn operation_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
        let what = match attempt.operation() {
            Some(TokenOperation::Introspection(_)) => "ask about a token",
            Some(TokenOperation::Revocation(_)) | None => "take a token back",
        };
        Err(Error::configuration(format!("this provider knows no way to {what}"))
            .with_remedy("ask the vendor for its URL, and use `credentials-grant-oauth2` with it"))
    }

    /// What a runtime must know: how the token is presented, its hosts, lifetime and limits.
    fn policy(&self) -> Policy {
        Policy::new()
    }
}

impl<T: CredentialsGrant + ?Sized> CredentialsGrant for Arc<T> {
    fn provider(&self) -> &str {
        (**self).provider()
    }

    fn token_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
        (**self).token_request(attempt)
    }

    fn read_response(&self, response: &TokenResponse) -> Result<IssuedToken, Error> {
        (**self).read_response(response)
    }

    fn next_request(&self, attempt: &Attempt<'_>, response: &TokenResponse) -> Result<TokenRequest, Error> {
        (**self).next_request(attempt, response)
    }

    fn operation_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
        (**self).operation_request(attempt)
    }

    fn policy(&self) -> Policy {
        (**self).policy()
    }
}

/// Gets one token: writes the request, sends it, reads the answer, and goes on while the vendor needs further steps.
///
/// It keeps no token and repeats nothing, but for a proof that wants the server's nonce (RFC 9449 section 8): that request is
/// made anew, once. Whoever wants tokens kept and renewed uses the client crate's `TokenSource`.
///
/// # Errors
///
/// As [`ErrorKind`] has them, each naming the provider. Whatever the server echoed is scrubbed of the secrets sent.
pub async fn grant(
    provider: &dyn CredentialsGrant,
    credentials: &ClientCredentials,
    ask: &Ask,
    transport: &dyn Transport,
    surroundings: Surroundings,
) -> Result<AccessToken, Error> {
    let attempt = Attempt::new(credentials, ask, surroundings);
    let trip = Trip::new(provider, attempt, transport);
    trip.answered(|response| provider.read_response(response)?.ready(&attempt, &provider.policy())).await
}

/// An attempt on its way: its requests, one after the other, to the last answer.
pub(crate) struct Trip<'a> {
    provider: &'a dyn CredentialsGrant,
    attempt: Attempt<'a>,
    transport: &'a dyn Transport,
    /// What was sent that is secret, which must not come back in an error's words.
    sent: Vec<SecretString>,
}

impl<'a> Trip<'a> {
    pub(crate) fn new(provider: &'a dyn CredentialsGrant, attempt: Attempt<'a>, transport: &'a dyn Transport) -> Self {
        Self { provider, attempt, transport, sent: Vec::new() }
    }

    /// Makes the trip, and reads the last answer.
    pub(crate) async fn answered<T>(
        mut self,
        read: impl FnOnce(&TokenResponse) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let outcome = self.run().await.and_then(|response| read(&response));
        outcome.map_err(|error| {
            let error = error.scrubbed(&self.secrets().collect());
            error.with_provider(self.provider.provider().to_owned())
        })
    }

    /// What must not come back in an error's words: what was sent, and what the server knows from other trips.
    fn secrets(&self) -> impl Iterator<Item = SecretString> {
        let credentials = self.attempt.credentials();
        let token = self.attempt.operation().map(TokenOperation::token);
        let known = credentials.all_secrets().chain(token).cloned();
        known.chain(basic_forms(credentials)).chain(self.sent.iter().cloned())
    }

    async fn run(&mut self) -> Result<TokenResponse, Error> {
        let mut answer = None;
        let mut has_nonce = false;
        for _ in 0..MOST_STEPS {
            let request = self.request(answer.as_ref())?;
            let continues = request.continues;
            let mut sealed = request.seal().await?;
            self.sent.append(&mut sealed.secrets);
            let response = self.transport.send(&sealed).await?;
            if self.wants_nonce(&sealed, &response) && !has_nonce {
                has_nonce = true;
                self.attempt = self.attempt.again();
            } else if continues {
                answer = Some(response);
                self.attempt = self.attempt.next_step();
            } else {
                return Ok(response);
            }
        }
        Err(Error::new(ErrorKind::BadResponse, format!("no token after {MOST_STEPS} requests"))
            .with_remedy("show the vendor this message"))
    }

    fn request(&self, answer: Option<&TokenResponse>) -> Result<TokenRequest, Error> {
        match answer {
            Some(answer) => self.provider.next_request(&self.attempt, answer),
            None if self.attempt.operation().is_some() => self.provider.operation_request(&self.attempt),
            None => self.provider.token_request(&self.attempt),
        }
    }

    /// Keeps the nonce that came with an answer, and says whether the same request with that nonce in its proof is what the
    /// server wants (RFC 9449 section 8).
    fn wants_nonce(&self, request: &SealedRequest, response: &TokenResponse) -> bool {
        let Some(key) = self.attempt.ask().proof_key().filter(|_| request.headers().contains_key(DPOP)) else {
            return false;
        };
        key.note_nonce(request.url(), response.headers())
            && !response.status().is_success()
            && ResponseReader::rfc6749().read_error(response).oauth().and_then(|said| said.code.as_deref())
                == Some("use_dpop_nonce")
    }
}

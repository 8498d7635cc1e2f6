//! The trait that a vendor implements, and the trip from credentials to a token.

use std::fmt::Debug;
use std::sync::Arc;

use secrecy::SecretString;

use crate::ask::Ask;
use crate::attempt::{Attempt, Surroundings};
use crate::credentials::ClientCredentials;
use crate::error::{Error, ErrorKind};
use crate::policy::Policy;
use crate::reader::ResponseReader;
use crate::request::TokenRequest;
use crate::response::TokenResponse;
use crate::scrub::Scrubber;
use crate::token::{AccessToken, IssuedToken};
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

    fn policy(&self) -> Policy {
        (**self).policy()
    }
}

/// Gets one token: writes the request, sends it, reads the answer, and goes on while the vendor needs further steps.
///
/// It keeps nothing and repeats nothing; whoever wants tokens kept and renewed uses the client crate's `TokenSource`.
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
    let mut sent = Vec::new();
    let token = trip(provider, attempt, transport, &mut sent).await;
    token.map_err(|error| {
        let scrubber: Scrubber = credentials.all_secrets().cloned().chain(sent).collect();
        error.scrubbed(&scrubber).with_provider(provider.provider().to_owned())
    })
}

/// Also gives what was sent that is secret, which must not come back in an error's words.
async fn trip(
    provider: &dyn CredentialsGrant,
    mut attempt: Attempt<'_>,
    transport: &dyn Transport,
    sent: &mut Vec<SecretString>,
) -> Result<AccessToken, Error> {
    let mut request = provider.token_request(&attempt)?;
    for _ in 0..MOST_STEPS {
        let continues = request.continues;
        let mut sealed = request.seal().await?;
        sent.append(&mut sealed.secrets);
        let response = transport.send(&sealed).await?;
        if !continues {
            return provider.read_response(&response)?.ready(&attempt, &provider.policy());
        }
        attempt = attempt.next_step();
        request = provider.next_request(&attempt, &response)?;
    }
    Err(Error::new(ErrorKind::BadResponse, format!("no token after {MOST_STEPS} requests"))
        .with_remedy("show the vendor this message"))
}

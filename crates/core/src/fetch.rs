//! From credentials to a token: the requests, one after the other, to the last answer.

use std::future::poll_fn;
use std::pin::pin;

use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use secrecy::SecretString;

use crate::access_token::AccessToken;
use crate::client_authentication::{basic_forms, other_encoding};
use crate::client_credentials::ClientCredentials;
use crate::credentials_grant::CredentialsGrant;
use crate::error::{Error, ErrorKind};
use crate::http_request::HttpRequest;
use crate::http_response::HttpResponse;
use crate::proof_key::DPOP;
use crate::request_context::RequestContext;
use crate::request_seed::RequestSeed;
use crate::response_reader::ResponseReader;
use crate::token_operation::TokenOperation;
use crate::token_parameters::TokenParameters;
use crate::transport::Transport;
use crate::unsigned_request::{MOST_REQUESTS, UnsignedRequest};

/// Fetches one token: builds the request, sends it and reads the response, and sends further requests if the vendor
/// requires them.
///
/// It caches nothing and retries nothing, with one exception: a request whose DPoP proof needs the server's nonce is
/// rebuilt and sent again, once (RFC 9449 section 8). To have tokens cached and renewed, use the client crate's
/// `TokenSource`.
///
/// # Errors
///
/// Any [`ErrorKind`] except `InvalidToken`; each error names the provider. Secrets that were sent are redacted from
/// what the server echoed.
pub async fn fetch_token(
    provider: &dyn CredentialsGrant,
    credentials: &ClientCredentials,
    parameters: &TokenParameters,
    transport: &dyn Transport,
    seed: RequestSeed,
) -> Result<AccessToken, Error> {
    let context = RequestContext::new(credentials, parameters, seed);
    let exchange = Exchange::new(provider, context, transport);
    exchange
        .run(|response| {
            let read = provider.read_response(response)?;
            AccessToken::from_response(read, &context, &provider.policy(), response.server_time())
        })
        .await
}

/// The requests and responses that lead to one result.
pub(crate) struct Exchange<'a> {
    provider: &'a dyn CredentialsGrant,
    context: RequestContext<'a>,
    transport: &'a dyn Transport,
    /// The secrets that were sent, to redact from errors.
    sent: Vec<SecretString>,
    /// The `Authorization` header of the last request.
    authorization: Option<HeaderValue>,
    /// Whether a server may have said something.
    has_sent: bool,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(
        provider: &'a dyn CredentialsGrant,
        context: RequestContext<'a>,
        transport: &'a dyn Transport,
    ) -> Self {
        Self { provider, context, transport, sent: Vec::new(), authorization: None, has_sent: false }
    }

    /// Sends the requests, and reads the last response.
    pub(crate) async fn run<T>(mut self, read: impl FnOnce(&HttpResponse) -> Result<T, Error>) -> Result<T, Error> {
        let outcome = self.last_response().await.and_then(|response| read(&response));
        outcome.map_err(|error| {
            // An error about settings, before anything is sent, holds no server's words.
            let error = match error.kind() {
                ErrorKind::Configuration if !self.has_sent => error,
                _ => self.with_other_encoding(error.redacted(&self.secrets().collect())),
            };
            error.with_provider(self.provider.name().to_owned())
        })
    }

    /// Adds to a refusal of the credentials that Basic in another encoding may be accepted.
    fn with_other_encoding(&self, error: Error) -> Error {
        let code = error.oauth().and_then(|oauth| oauth.code.as_deref());
        let is_about_credentials = match code {
            None | Some("invalid_client") => true,
            // Keycloak's code for a wrong secret. With another status it is about the grant.
            Some("unauthorized_client") => error.status() == Some(StatusCode::UNAUTHORIZED),
            Some(_) => false,
        };
        let refused = self.authorization.as_ref().filter(|_| {
            is_about_credentials && error.kind() == ErrorKind::CredentialsRefused && self.context.operation().is_none()
        });
        match refused.and_then(|header| other_encoding(self.context.credentials(), header)) {
            None => error,
            Some(other) => {
                let remedy = error.remedy().map(|remedy| format!("{remedy}; {other}"));
                error.with_own_remedy(remedy.unwrap_or_else(|| other.to_owned()))
            }
        }
    }

    /// Returns what to redact from errors: what was sent, and what the server may know from earlier requests.
    fn secrets(&self) -> impl Iterator<Item = SecretString> {
        let credentials = self.context.credentials();
        let token = self.context.operation().map(TokenOperation::token);
        let known = credentials.all_secrets().chain(token).cloned();
        known.chain(basic_forms(credentials)).chain(self.sent.iter().cloned())
    }

    async fn last_response(&mut self) -> Result<HttpResponse, Error> {
        let mut previous = None;
        let mut has_nonce = false;
        for _ in 0..MOST_REQUESTS {
            let mut unsigned = self.request(previous.as_ref())?;
            let continues = unsigned.continues;
            let side_request = unsigned.side_request.take();
            let mut request = unsigned.sign().await?;
            self.sent.append(&mut request.secrets);
            self.authorization = request.headers().get(AUTHORIZATION).cloned();
            self.has_sent = true;
            let response = self.transport.send(&request);
            let mut response = match side_request {
                Some(side_request) => beside(side_request.run(self.transport), response).await?,
                None => response.await?,
            };
            response.set_requested_at(self.context.now());
            if self.wants_nonce(&request, &response) && !has_nonce {
                has_nonce = true;
                self.context = self.context.again();
            } else if continues {
                previous = Some(response);
                self.context = self.context.next_step();
            } else {
                return Ok(response);
            }
        }
        Err(Error::bad_response(format!("no token after {MOST_REQUESTS} requests"))
            .with_remedy("show the vendor this message"))
    }

    fn request(&self, previous: Option<&HttpResponse>) -> Result<UnsignedRequest, Error> {
        match previous {
            Some(response) => self.provider.next_request(&self.context, response),
            None if self.context.operation().is_some() => self.provider.operation_request(&self.context),
            None => self.provider.token_request(&self.context),
        }
    }

    /// Keeps the nonce that came with a response. Returns `true` if the server wants the same request with that nonce
    /// in its proof (RFC 9449 section 8).
    fn wants_nonce(&self, request: &HttpRequest, response: &HttpResponse) -> bool {
        let Some(key) = self.context.parameters().proof_key().filter(|_| request.headers().contains_key(DPOP)) else {
            return false;
        };
        key.note_nonce(request.url(), response.headers())
            && !response.status().is_success()
            && ResponseReader::rfc6749().read_error(response).oauth().and_then(|oauth| oauth.code.as_deref())
                == Some("use_dpop_nonce")
    }
}

/// Waits for `main`, and runs `side` meanwhile.
async fn beside<T>(side: impl Future<Output = ()>, main: impl Future<Output = T>) -> T {
    let (mut side, mut main) = (pin!(side), pin!(main));
    let mut runs = true;
    poll_fn(|context| {
        runs = runs && side.as_mut().poll(context).is_pending();
        main.as_mut().poll(context)
    })
    .await
}

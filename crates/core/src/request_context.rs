//! What a provider builds a request from: who asks, for what, and when.

use std::time::SystemTime;

use crate::client_credentials::ClientCredentials;
use crate::request_seed::{RequestSeed, uuid};
use crate::token_operation::TokenOperation;
use crate::token_parameters::TokenParameters;

/// Everything that a provider may use to build a request: the credentials, the token parameters, the time and an id.
///
/// A retry has a context of its own, so that a request id, an assertion or a proof is never used twice.
///
/// ```
/// use credentials_grant::{ClientCredentials, RequestContext, TokenParameters};
///
/// let (credentials, parameters) = (ClientCredentials::new("id", "secret"), TokenParameters::new().with_scope("read"));
/// let context = RequestContext::dry_run(&credentials, &parameters);
/// assert_eq!(context.parameters().scopes(), ["read"]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    credentials: &'a ClientCredentials,
    parameters: &'a TokenParameters,
    operation: Option<TokenOperation<'a>>,
    seed: RequestSeed,
    step: u8,
    /// How many requests were sent before this one, including those that were answered by a demand for a nonce.
    sent: u8,
    dry_run: bool,
}

impl<'a> RequestContext<'a> {
    /// Creates the context of the first request for a token.
    #[must_use]
    pub fn new(credentials: &'a ClientCredentials, parameters: &'a TokenParameters, seed: RequestSeed) -> Self {
        Self { credentials, parameters, operation: None, seed, step: 0, sent: 0, dry_run: false }
    }

    /// Creates the context of a request that is compared or hashed by
    /// [`UnsignedRequest::dry_run`](crate::UnsignedRequest::dry_run), and never sent. It is the same every time.
    #[must_use]
    pub fn dry_run(credentials: &'a ClientCredentials, parameters: &'a TokenParameters) -> Self {
        Self { dry_run: true, ..Self::new(credentials, parameters, RequestSeed::fixed()) }
    }

    /// Creates the context of an operation on a token that has been issued.
    pub(crate) fn for_operation(
        operation: TokenOperation<'a>,
        credentials: &'a ClientCredentials,
        parameters: &'a TokenParameters,
        seed: RequestSeed,
    ) -> Self {
        Self { operation: Some(operation), ..Self::new(credentials, parameters, seed) }
    }

    /// Returns the context of the request that follows the response to this one.
    pub(crate) fn next_step(self) -> Self {
        Self { step: self.step + 1, ..self.again() }
    }

    /// Returns the context of the same request once more, with a fresh id.
    pub(crate) fn again(self) -> Self {
        Self { sent: self.sent + 1, ..self }
    }

    /// Returns the client's credentials.
    #[must_use]
    pub fn credentials(&self) -> &'a ClientCredentials {
        self.credentials
    }

    /// Returns what the token is requested for.
    #[must_use]
    pub fn parameters(&self) -> &'a TokenParameters {
        self.parameters
    }

    /// Returns the operation on an issued token that [`operation_request`](crate::CredentialsGrant::operation_request)
    /// must build; `None` for a request for a new token.
    #[must_use]
    pub fn operation(&self) -> Option<TokenOperation<'a>> {
        self.operation
    }

    /// Returns the time at which the request is sent.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.seed.now
    }

    /// Returns how many requests of this exchange were answered: 0 in
    /// [`token_request`](crate::CredentialsGrant::token_request), 1 or more in
    /// [`next_request`](crate::CredentialsGrant::next_request).
    #[must_use]
    pub fn step(&self) -> u8 {
        self.step
    }

    /// Returns `true` for a dry run: the request is hashed or compared, never sent.
    ///
    /// Ignore cached state such as discovery results then. If the provider usually sends several requests, return the
    /// last one, so that all parameters are checked.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Returns a UUID that no other request has, for vendors that want one in each request.
    #[must_use]
    pub fn request_id(&self) -> String {
        uuid(self.entropy())
    }

    /// Returns the seed of the request's proof, whose id differs from the request's.
    pub(crate) fn proof_seed(&self) -> RequestSeed {
        let mut entropy = self.entropy();
        entropy[0] ^= 1;
        RequestSeed { entropy, ..self.seed }
    }

    /// Returns bytes that no other request has.
    fn entropy(&self) -> [u8; 16] {
        let mut entropy = self.seed.entropy;
        entropy[15] = entropy[15].wrapping_add(self.sent);
        entropy
    }
}

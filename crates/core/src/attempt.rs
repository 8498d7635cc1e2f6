//! One attempt at a token: who, what and when, as values.

use std::time::SystemTime;

use crate::ask::Ask;
use crate::credentials::ClientCredentials;
use crate::surroundings::{Surroundings, uuid};
use crate::token_operation::TokenOperation;

/// Everything a provider may use to write a request.
///
/// A retry makes a new attempt, so that whatever must be fresh (a request id, an assertion, a proof) is.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    credentials: &'a ClientCredentials,
    ask: &'a Ask,
    operation: Option<TokenOperation<'a>>,
    surroundings: Surroundings,
    step: u8,
    /// How many requests were made before this one, those that were answered by a call for a nonce included.
    sent: u8,
    frozen: bool,
}

impl<'a> Attempt<'a> {
    /// An attempt by this client, for this ask, here and now.
    #[must_use]
    pub fn new(credentials: &'a ClientCredentials, ask: &'a Ask, surroundings: Surroundings) -> Self {
        Self { credentials, ask, operation: None, surroundings, step: 0, sent: 0, frozen: false }
    }

    /// An attempt that is never made: its request is compared, hashed or tried out by
    /// [`TokenRequest::frozen`](crate::TokenRequest::frozen), and is the same today and tomorrow.
    #[must_use]
    pub fn frozen(credentials: &'a ClientCredentials, ask: &'a Ask) -> Self {
        Self { frozen: true, ..Self::new(credentials, ask, Surroundings::frozen()) }
    }

    /// An attempt at something else than a new token.
    pub(crate) fn at(
        operation: TokenOperation<'a>,
        credentials: &'a ClientCredentials,
        ask: &'a Ask,
        surroundings: Surroundings,
    ) -> Self {
        Self { operation: Some(operation), ..Self::new(credentials, ask, surroundings) }
    }

    /// This attempt after the answer to its request.
    pub(crate) fn next_step(self) -> Self {
        Self { step: self.step + 1, ..self.again() }
    }

    /// This attempt with the same step to be done again: whatever must be fresh is.
    pub(crate) fn again(self) -> Self {
        Self { sent: self.sent + 1, ..self }
    }

    /// Who asks.
    #[must_use]
    pub fn credentials(&self) -> &'a ClientCredentials {
        self.credentials
    }

    /// What is asked for.
    #[must_use]
    pub fn ask(&self) -> &'a Ask {
        self.ask
    }

    /// What is to be done with a token that there is already, if it is not about a new one:
    /// [`operation_request`](crate::CredentialsGrant::operation_request) is asked with it.
    #[must_use]
    pub fn operation(&self) -> Option<TokenOperation<'a>> {
        self.operation
    }

    /// The time at which the request is sent.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.surroundings.now
    }

    /// How many of its requests were answered: more than none in [`next_request`](crate::CredentialsGrant::next_request).
    #[must_use]
    pub fn step(&self) -> u8 {
        self.step
    }

    /// Whether it is never made. What a provider learned since it was built must not show in what it writes then; and if it
    /// writes the last request of its trip at once, the whole ask is tried out.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// A UUID that no other request has, for vendors that want each to have one.
    #[must_use]
    pub fn request_id(&self) -> String {
        uuid(self.entropy())
    }

    /// The clock and the chance of the request's proof, whose id is another than the request's.
    pub(crate) fn of_proof(&self) -> Surroundings {
        let mut entropy = self.entropy();
        entropy[0] ^= 1;
        Surroundings { entropy, ..self.surroundings }
    }

    /// That of no other request.
    fn entropy(&self) -> [u8; 16] {
        let mut entropy = self.surroundings.entropy;
        entropy[15] = entropy[15].wrapping_add(self.sent);
        entropy
    }
}

//! How an API says that the token has expired.

use credentials_grant::{ExpiredBody, HeaderMap, Policy, StatusCode};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

/// The longest body that is read to find out what it says. An error is shorter.
pub(crate) const LONGEST_BODY: usize = 64 * 1024;

/// What a policy says about responses to expired tokens, beside 401.
#[derive(Debug)]
pub(crate) struct Expiry {
    statuses: Vec<StatusCode>,
    bodies: Vec<ExpiredBody>,
}

impl Expiry {
    pub(crate) fn of(policy: &Policy) -> Self {
        Self { statuses: policy.expired_statuses().to_vec(), bodies: policy.expired_bodies().to_vec() }
    }

    /// Returns `true` if the status means that the token has expired.
    pub(crate) fn is_status(&self, status: StatusCode) -> bool {
        status == StatusCode::UNAUTHORIZED || self.statuses.contains(&status)
    }

    /// Returns `true` if the body means that the token has expired.
    pub(crate) fn is_body(&self, status: StatusCode, body: &[u8]) -> bool {
        body.len() <= LONGEST_BODY && self.bodies.iter().any(|expired| expired.matches(status, body))
    }

    /// Returns `true` if a response with this status and these headers may have such a body: JSON that is not too long.
    pub(crate) fn may_be_in_body(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        self.bodies.iter().any(|body| body.may_have(status))
            && text(CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
            && text(CONTENT_LENGTH)
                .and_then(|length| length.parse().ok())
                .is_none_or(|length: usize| length <= LONGEST_BODY)
    }
}

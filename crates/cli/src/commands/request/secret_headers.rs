//! Secret headers, which a redirect must not take to another host.

use reqwest::Url;

/// Whether the request has headers that only the host of its URL may see.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum SecretHeaders {
    None,
    Some,
}

impl SecretHeaders {
    /// Returns `true` if a redirect from the first URL may take the headers along.
    pub(super) fn may_go_to(self, url: &Url, first: &Url) -> bool {
        self == Self::None || url.origin() == first.origin()
    }
}

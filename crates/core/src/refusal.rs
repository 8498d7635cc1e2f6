//! What a refusal means, and what to do about it.

use http::StatusCode;

use crate::error::{Error, ErrorKind, OAuthError};

/// What to do about a page in the place of a refusal.
pub(crate) const CHECK_FIREWALL: &str = "the answer is a page: if a firewall or bot protection in front of the server \
                                         sent it, ask the vendor to let this machine's address in; otherwise check the \
                                         client id and secret before you try again";

/// Returns the kind of a failure: by the error code, or else by the status.
///
/// The codes of RFC 6749 keep their meaning with any status; for another code, the status decides.
pub(crate) fn kind(status: StatusCode, said: Option<&OAuthError>) -> ErrorKind {
    if status == StatusCode::TOO_MANY_REQUESTS {
        return ErrorKind::RateLimited;
    }
    match said.and_then(|said| said.code.as_deref()) {
        Some("invalid_client" | "unauthorized_client" | "access_denied") => return ErrorKind::CredentialsRefused,
        Some(
            "invalid_request"
            | "invalid_grant"
            | "invalid_scope"
            | "invalid_target"
            | "unsupported_grant_type"
            | "unsupported_token_type"
            | "invalid_dpop_proof"
            | "use_dpop_nonce",
        ) => return ErrorKind::RequestRefused,
        Some("temporarily_unavailable") => return ErrorKind::Unavailable,
        // ServiceNow sends this for a wrong secret, with status 401.
        Some("server_error") if !status.is_client_error() => return ErrorKind::Unavailable,
        _ => {}
    }
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::CredentialsRefused,
        StatusCode::REQUEST_TIMEOUT => ErrorKind::Unavailable,
        _ if status.is_server_error() => ErrorKind::Unavailable,
        _ if said.is_some() => ErrorKind::RequestRefused,
        _ => ErrorKind::BadResponse,
    }
}

/// Returns what happened, in words; `None` for a response that can only be described by its format.
pub(crate) fn what(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::CredentialsRefused => Some("the server refused the client credentials"),
        ErrorKind::RateLimited => Some("the server asks for fewer requests"),
        ErrorKind::RequestRefused => Some("the server refused the request"),
        ErrorKind::Unavailable => Some("the server cannot answer now"),
        _ => None,
    }
}

/// Returns an error that says what happened, with the status, and then what the server says, which may be long enough
/// to be cut off.
pub(crate) fn error_with(kind: ErrorKind, what: String, said: Option<&OAuthError>) -> Error {
    let words = said.map(|said| [said.code.as_deref(), said.description.as_deref()]).into_iter().flatten().flatten();
    let error = Error::new(kind, what).with_own_words("");
    words.fold(error, |error, words| error.with_own_words(": ").with_server_words(words))
}

/// Returns what to do next: by what the server says, and then by the kind.
pub(crate) fn remedy_for(kind: ErrorKind, said: Option<&OAuthError>) -> &'static str {
    if said.is_some_and(is_about_addresses) {
        return "the vendor allows this client certain addresses or networks only: add this machine's there";
    }
    match (kind, said.and_then(|said| said.code.as_deref())) {
        (_, Some("unauthorized_client")) => "ask the vendor to allow this client the client credentials grant",
        // Auth0 and Okta know the client by then.
        (ErrorKind::CredentialsRefused, Some("access_denied")) => {
            "check at the vendor what this client may have: this grant, this audience, these scopes"
        }
        (_, Some("invalid_scope")) => "request scopes that this client may have, or none to get its default",
        (_, Some("invalid_target")) => "check the audience or resource, and at the vendor that this client may have it",
        (_, Some("unsupported_grant_type")) => {
            "check that the token URL is the vendor's for client credentials, and at the vendor that it offers them"
        }
        (_, Some("invalid_dpop_proof")) => {
            "compare this machine's clock with the server's, and the key with what the server accepts"
        }
        (ErrorKind::CredentialsRefused, _) => "check the client id and secret before you try again",
        (ErrorKind::RateLimited | ErrorKind::Unavailable, _) => "try again later",
        (ErrorKind::RequestRefused, _) => "check the settings, scopes and parameters against the vendor's page",
        _ => "check that the token URL is the vendor's",
    }
}

/// Returns `true` if the server refuses the address that the request came from: Entra by Conditional Access, Okta by a
/// network zone, Salesforce by the addresses of a profile.
fn is_about_addresses(said: &OAuthError) -> bool {
    let Some(description) = said.description.as_deref().map(str::to_ascii_lowercase) else { return false };
    ["aadsts53003", "network zone", "ip restricted", "ip address", "ip range"]
        .iter()
        .any(|words| description.contains(words))
}

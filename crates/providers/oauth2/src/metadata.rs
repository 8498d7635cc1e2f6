//! What a server says of itself (RFC 8414 section 2), as far as it matters here.

use std::time::Duration;

use credentials_grant::{Error, ErrorKind, ResponseReader, StatusCode, TokenEndpoint, TokenResponse};
use serde::Deserialize;

use crate::issuer::Issuer;

/// For how long metadata are believed that say nothing of it.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// For how long they are believed at most.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How many methods of client authentication are read. The registry of IANA has ten.
const MOST_METHODS: usize = 50;

/// How long the name of one may be, which goes into errors.
const LONGEST_METHOD: usize = 60;

const REMEDY: &str = "check the issuer, or set the token URL instead";

/// A server's metadata, checked.
#[derive(Clone)]
pub(crate) struct Metadata {
    pub(crate) token_endpoint: TokenEndpoint,
    /// How clients may authenticate, by the names of the IANA registry.
    pub(crate) methods: Vec<String>,
    pub(crate) lifetime: Duration,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    token_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Reads the answer of an issuer.
    pub(crate) fn read(issuer: &Issuer, response: &TokenResponse) -> Result<Self, Error> {
        let bad =
            |what: String| Error::new(ErrorKind::BadResponse, what).with_status(response.status()).with_remedy(REMEDY);
        if response.status() != StatusCode::OK {
            return Err(failure(issuer, response));
        }
        // What is wrong with it in detail is not repeated: it is the server's text.
        let document: Document = serde_json::from_slice(response.body())
            .map_err(|_| bad(format!("the metadata of {issuer} are not as RFC 8414 section 2 has them")))?;
        if document.issuer != issuer.as_str() {
            let named = shown(&document.issuer);
            return Err(bad(format!("the metadata of {issuer} name another issuer, {named}"))
                .with_remedy("if that is the server you mean, set it as the issuer, to the letter"));
        }
        let Some(token_endpoint) = document.token_endpoint else {
            return Err(bad(format!("the metadata of {issuer} name no token endpoint")));
        };
        let token_endpoint = TokenEndpoint::parse(&token_endpoint)
            .map_err(|error| bad(format!("the token endpoint of {issuer} cannot be used: {}", error.message())))?;
        // Loopback is for whoever tries things out on one machine, and not for whoever a server sends there.
        if token_endpoint.url().scheme() == "http" && issuer.url().url().scheme() == "https" {
            return Err(bad(format!("the token endpoint of {issuer} is {token_endpoint}, which is not https")));
        }
        let basic = || vec!["client_secret_basic".to_owned()];
        let mut methods = document.token_endpoint_auth_methods_supported.unwrap_or_else(basic);
        methods.retain(|method| method.len() <= LONGEST_METHOD);
        methods.truncate(MOST_METHODS);
        Ok(Self { token_endpoint, methods, lifetime: lifetime(response) })
    }

    /// Whether an answer says that there are no metadata at this place. For whatever is not there, some servers have a page,
    /// and others lead to one.
    pub(crate) fn are_elsewhere(response: &TokenResponse) -> bool {
        let status = response.status();
        let is_page = status == StatusCode::OK && !response.body().trim_ascii_start().starts_with(b"{");
        is_page || status.is_redirection() || is_not_there(status)
    }
}

fn is_not_there(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Why there are no metadata.
fn failure(issuer: &Issuer, response: &TokenResponse) -> Error {
    let status = response.status();
    if is_not_there(status) {
        return Error::new(ErrorKind::BadResponse, format!("there are no metadata of {issuer} (status {status})"))
            .with_status(status)
            .with_remedy(REMEDY);
    }
    let error = ResponseReader::rfc6749().read_error(response);
    if error.kind() == ErrorKind::BadResponse { error.with_remedy(REMEDY) } else { error }
}

/// For how long the answer may be kept: its `Cache-Control` (RFC 9111 section 5.2.2), within reason.
fn lifetime(response: &TokenResponse) -> Duration {
    let values = response.headers().get_all("cache-control").into_iter().filter_map(|value| value.to_str().ok());
    let directives = values.flat_map(|value| value.split(',')).map(|directive| directive.trim().to_ascii_lowercase());
    let mut lifetime = LIFETIME;
    for directive in directives {
        match directive.split_once('=').map_or((&*directive, ""), |(name, value)| (name, value.trim_matches('"'))) {
            ("no-cache" | "no-store", _) => return Duration::ZERO,
            ("max-age", seconds) => lifetime = seconds.parse().map_or(Duration::ZERO, Duration::from_secs),
            _ => {}
        }
    }
    lifetime.min(LONGEST_LIFETIME)
}

/// A server's word on one line, and not too much of it.
fn shown(word: &str) -> String {
    word.chars().take(200).flat_map(char::escape_default).collect()
}

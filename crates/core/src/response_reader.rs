//! Reads responses: in which members a vendor sends the token, its lifetime, its scopes and its errors.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use crate::access_token::LONGEST_LIFETIME;
use crate::error::{Error, ErrorKind, OAuthError, Retry};
use crate::error_mapping::ErrorMapping;
use crate::http_response::{Body, HttpResponse};
use crate::redact::one_line;
use crate::token_response::{Lifetime, TokenResponse, at_unix_seconds};

/// Reads the response of a token endpoint, by RFC 6749 section 5 and with the differences that vendors have.
///
/// A member is given by its name, or by a JSON pointer (RFC 6901) that starts with a slash: `/data/token`.
///
/// ```
/// use credentials_grant::{ResponseReader, HttpResponse};
/// use http::{HeaderMap, StatusCode};
///
/// let octotable = ResponseReader::rfc6749().token_type_in("type").errors_in("/error/code", "/error/message");
/// let body = br#"{"access_token":"abc","expires_in":1440,"type":"Bearer"}"#;
/// let token = octotable.read(&HttpResponse::new(StatusCode::OK, HeaderMap::new(), body.to_vec()))?;
/// # Ok::<(), credentials_grant::Error>(())
/// ```
#[derive(Clone, Debug, Hash)]
pub struct ResponseReader {
    token: Member,
    token_type: Member,
    any_token_type: bool,
    lifetime: LifetimeMember,
    scopes: Member,
    scope_separator: char,
    refresh_token: Member,
    errors: Vec<(Member, Member)>,
    error_mappings: Vec<ErrorMapping>,
}

/// The unit of an expiry.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ExpiryUnit {
    /// Seconds, as in RFC 6749 section 5.1.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Minutes.
    Minutes,
}

impl FromStr for ExpiryUnit {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "seconds" => Ok(Self::Seconds),
            "milliseconds" => Ok(Self::Milliseconds),
            "minutes" => Ok(Self::Minutes),
            _ => Err(Error::configuration(format!("{name:?} is not a unit of time"))
                .with_remedy("use seconds, milliseconds or minutes")),
        }
    }
}

type Member = Cow<'static, str>;

#[derive(Clone, Debug, Hash)]
enum LifetimeMember {
    For(Member, ExpiryUnit),
    Until(Member, ExpiryUnit),
}

impl ResponseReader {
    /// Reads the members of RFC 6749: `access_token`, `token_type`, `expires_in` in seconds, `scope`, `refresh_token`,
    /// `error` and `error_description`.
    #[must_use]
    pub fn rfc6749() -> Self {
        Self {
            token: Member::Borrowed("access_token"),
            token_type: Member::Borrowed("token_type"),
            any_token_type: false,
            lifetime: LifetimeMember::For(Member::Borrowed("expires_in"), ExpiryUnit::Seconds),
            scopes: Member::Borrowed("scope"),
            scope_separator: ' ',
            refresh_token: Member::Borrowed("refresh_token"),
            errors: vec![(Member::Borrowed("error"), Member::Borrowed("error_description"))],
            error_mappings: Vec::new(),
        }
    }

    /// Reads the token from another member.
    #[must_use]
    pub fn token_in(mut self, member: impl Into<Cow<'static, str>>) -> Self {
        self.token = member.into();
        self
    }

    /// Reads the type of the token from another member.
    #[must_use]
    pub fn token_type_in(mut self, member: impl Into<Cow<'static, str>>) -> Self {
        self.token_type = member.into();
        self
    }

    /// Accepts any type of token, for vendors that mean `Bearer` by another word.
    #[must_use]
    pub fn any_token_type(mut self) -> Self {
        self.any_token_type = true;
        self
    }

    /// Reads the lifetime of the token from another member, or in another unit.
    #[must_use]
    pub fn expires_in(mut self, member: impl Into<Cow<'static, str>>, unit: ExpiryUnit) -> Self {
        self.lifetime = LifetimeMember::For(member.into(), unit);
        self
    }

    /// Reads when the token expires from a member: RFC 3339, or seconds since 1970.
    #[must_use]
    pub fn expires_at(self, member: impl Into<Cow<'static, str>>) -> Self {
        self.expires_at_in(member, ExpiryUnit::Seconds)
    }

    /// Reads when the token expires from a member: RFC 3339, or a number of these units since 1970.
    ///
    /// ```
    /// use credentials_grant::{ExpiryUnit, ResponseReader};
    ///
    /// let reader = ResponseReader::rfc6749().expires_at_in("expires", ExpiryUnit::Milliseconds);
    /// ```
    #[must_use]
    pub fn expires_at_in(mut self, member: impl Into<Cow<'static, str>>, unit: ExpiryUnit) -> Self {
        self.lifetime = LifetimeMember::Until(member.into(), unit);
        self
    }

    /// Reads the scopes from another member, separated by another character than a space.
    #[must_use]
    pub fn scopes_in(mut self, member: impl Into<Cow<'static, str>>, separator: char) -> Self {
        self.scopes = member.into();
        self.scope_separator = separator;
        self
    }

    /// Reads the refresh token from another member.
    #[must_use]
    pub fn refresh_token_in(mut self, member: impl Into<Cow<'static, str>>) -> Self {
        self.refresh_token = member.into();
        self
    }

    /// Reads errors from these members too: a code, and a description. Of several such pairs, the last is tried first,
    /// and those of RFC 6749 last.
    #[must_use]
    pub fn errors_in(mut self, code: impl Into<Cow<'static, str>>, description: impl Into<Cow<'static, str>>) -> Self {
        self.errors.push((code.into(), description.into()));
        self
    }

    /// Maps an error code or a status of this vendor to a kind of error. The first mapping that matches is used.
    #[must_use]
    pub fn with_error_mapping(mut self, mapping: ErrorMapping) -> Self {
        self.error_mappings.push(mapping);
        self
    }

    /// Reads a token. If the response holds one, error-like members beside it are ignored.
    ///
    /// # Errors
    ///
    /// The result of [`read_error`](Self::read_error) if the status is not 2xx or there is no token, or
    /// [`BadResponse`](ErrorKind::BadResponse) if it holds one that cannot be used.
    pub fn read(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        let members = match response.members() {
            Body::Members(members) if response.status().is_success() => members,
            _ => return Err(self.read_error(response)),
        };
        let mut answer = Value::Object(members);
        match take(&mut answer, &self.token) {
            Some(Value::String(token)) if !token.is_empty() => self.token_response(token, answer),
            None | Some(Value::Null | Value::String(_)) => Err(self.read_error(response)),
            Some(_) => Err(bad_member(&self.token, "is not a string")),
        }
        .map_err(|error| error.with_status(response.status()))
    }

    /// Reads a response without a token, and returns the error that says why.
    #[must_use]
    pub fn read_error(&self, response: &HttpResponse) -> Error {
        let status = response.status();
        if response.is_redirect() {
            let redirect = Error::bad_response("the server answered with a redirect");
            let redirect = match response.location() {
                Some(location) => redirect.with_own_words(" to ").with_server_words(location),
                None => redirect,
            };
            return redirect
                .with_own_words(format!(" ({status}), which is not followed"))
                .with_remedy("if that is the vendor's token endpoint now, set it as the token URL")
                .with_status(status);
        }
        let (members, body) = match response.members() {
            Body::Members(members) => (Value::Object(members), "JSON without an error and without a token"),
            Body::Other(kind) => (Value::Null, kind),
        };
        let said = self.said(&members);
        let code = said.as_ref().and_then(|said| said.code.as_deref());
        let mapping = self.error_mappings.iter().find(|mapping| mapping.matches(status, code));
        let kind = mapping.map_or_else(|| kind(status, said.as_ref()), |mapping| mapping.kind);
        let error = match mapping.and_then(|mapping| mapping.message.as_deref()).or(what(kind)) {
            Some(what) => error_with(kind, format!("{what} ({status})"), said.as_ref()),
            None => Error::new(kind, format!("the server answered with {body} ({status})")).with_own_words(""),
        };
        let remedy = mapping.and_then(|mapping| mapping.remedy.clone());
        let remedy = remedy.unwrap_or_else(|| remedy_for(kind, said.as_ref()).into());
        let mut error = error.with_own_remedy(remedy).with_status(status);
        if let (Retry::Soon, Some(wait)) = (error.retry(), response.retry_after()) {
            error = error.with_retry(Retry::After(wait));
        }
        let challenge = response.challenge().map(one_line);
        if said.is_some() || challenge.is_some() {
            error = error.with_oauth(OAuthError { challenge, ..said.unwrap_or_default() });
        }
        error
    }

    fn token_response(&self, token: String, mut answer: Value) -> Result<TokenResponse, Error> {
        let mut response = TokenResponse::new(token);
        if let Some(token_type) = text(take(&mut answer, &self.token_type)) {
            self.check_type(&token_type)?;
            response = response.with_token_type(token_type);
        }
        let lifetime = match &self.lifetime {
            LifetimeMember::For(member, unit) => lifetime_for(take(&mut answer, member).as_ref(), member, *unit)?,
            LifetimeMember::Until(member, unit) => lifetime_until(take(&mut answer, member).as_ref(), member, *unit)?,
        };
        if let Some(lifetime) = lifetime {
            response = response.with_lifetime(lifetime);
        }
        if let Some(scopes) = scopes(take(&mut answer, &self.scopes), self.scope_separator) {
            response = response.with_scopes(scopes);
        }
        if let Some(refresh_token) = text(take(&mut answer, &self.refresh_token)) {
            response = response.with_refresh_token(refresh_token);
        }
        match answer {
            Value::Object(extras) => Ok(response.with_extras(extras)),
            _ => Ok(response),
        }
    }

    /// Refuses a token of a type that is not known (RFC 6749 section 7.1), unless this vendor's type does not matter.
    fn check_type(&self, token_type: &str) -> Result<(), Error> {
        if self.any_token_type || ["bearer", "dpop"].iter().any(|known| token_type.eq_ignore_ascii_case(known)) {
            return Ok(());
        }
        let error = Error::bad_response("the server sent a token");
        // A long text is not the name of a type: it may be the token itself.
        let named = match token_type.len() {
            ..=40 => error.with_own_words(" of the type `").with_server_words(token_type).with_own_words("`"),
            _ => error,
        };
        Err(named
            .with_own_words(" that is not a bearer token")
            .with_remedy("ask the vendor how such a token is presented"))
    }

    /// Returns the error that the members hold, from the first place that has one.
    fn said(&self, members: &Value) -> Option<OAuthError> {
        self.errors.iter().rev().find_map(|(code, description)| {
            let word = |member: &str| find(members, member).and_then(word);
            let said = OAuthError {
                code: word(code),
                description: word(description),
                uri: word("error_uri"),
                challenge: None,
            };
            let present =
                |member: &str| !matches!(find(members, member), None | Some(Value::Null | Value::Bool(false)));
            (said.code.is_some() || said.description.is_some() || present(code)).then_some(said)
        })
    }
}

/// Returns the kind of a failure: by the error code, or else by the status.
///
/// The codes of RFC 6749 keep their meaning with any status; for another code, the status decides.
fn kind(status: StatusCode, said: Option<&OAuthError>) -> ErrorKind {
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
fn what(kind: ErrorKind) -> Option<&'static str> {
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
fn error_with(kind: ErrorKind, what: String, said: Option<&OAuthError>) -> Error {
    let words = said.map(|said| [said.code.as_deref(), said.description.as_deref()]).into_iter().flatten().flatten();
    let error = Error::new(kind, what).with_own_words("");
    words.fold(error, |error, words| error.with_own_words(": ").with_server_words(words))
}

fn remedy_for(kind: ErrorKind, said: Option<&OAuthError>) -> &'static str {
    match (kind, said.and_then(|said| said.code.as_deref())) {
        (_, Some("unauthorized_client")) => "ask the vendor to allow this client the client credentials grant",
        (_, Some("invalid_scope")) => "request scopes that this client may have, or none to get its default",
        (_, Some("invalid_dpop_proof")) => {
            "compare this machine's clock with the server's, and the key with what the server accepts"
        }
        (ErrorKind::CredentialsRefused, _) => "check the client id and secret before you try again",
        (ErrorKind::RateLimited | ErrorKind::Unavailable, _) => "try again later",
        (ErrorKind::RequestRefused, _) => "check the settings, scopes and parameters against the vendor's page",
        _ => "check that the token URL is the vendor's",
    }
}

fn bad_member(member: &str, why: &str) -> Error {
    Error::bad_response(format!("the server's answer cannot be used: `{member}` {why}"))
        .with_remedy("check that the token URL is the vendor's")
}

impl ExpiryUnit {
    fn seconds(self, count: f64) -> f64 {
        match self {
            Self::Seconds => count,
            Self::Milliseconds => count / 1000.0,
            Self::Minutes => count * 60.0,
        }
    }
}

fn lifetime_for(value: Option<&Value>, member: &str, unit: ExpiryUnit) -> Result<Option<Lifetime>, Error> {
    let count = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(value) => number(value).ok_or_else(|| bad_member(member, "is not a number"))?,
    };
    let seconds = unit.seconds(count);
    match seconds {
        // Some vendors send 0 for "never expires" and some for "not stated"; neither is a lifetime.
        0.0 => Ok(None),
        _ if seconds < 0.0 => Err(bad_member(member, "is negative: the token has already expired")),
        _ => Ok(Some(Lifetime::For(Duration::from_secs_f64(seconds.min(LONGEST_LIFETIME.as_secs_f64()))))),
    }
}

fn lifetime_until(value: Option<&Value>, member: &str, unit: ExpiryUnit) -> Result<Option<Lifetime>, Error> {
    let since_1970 = |count| at_unix_seconds(unit.seconds(count));
    let end = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(value) => number(value).and_then(since_1970).or_else(|| rfc3339(value.as_str()?)),
    };
    let end = end.ok_or_else(|| bad_member(member, "is neither an RFC 3339 date nor a time since 1970"))?;
    Ok(Some(Lifetime::Until(end)))
}

fn rfc3339(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok().map(SystemTime::from)
}

fn scopes(value: Option<Value>, separator: char) -> Option<Vec<String>> {
    let scopes: Vec<_> = match value? {
        Value::String(text) => text.split(separator).map(str::trim).map(str::to_owned).collect(),
        Value::Array(values) => values.into_iter().filter_map(|value| text(Some(value))).collect(),
        _ => return None,
    };
    let scopes: Vec<_> = scopes.into_iter().filter(|scope| !scope.is_empty()).collect();
    (!scopes.is_empty()).then_some(scopes)
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// Returns a code or a description. Some vendors number their codes.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(one_line(text)).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn find<'a>(members: &'a Value, member: &str) -> Option<&'a Value> {
    if member.starts_with('/') { members.pointer(member) } else { members.get(member) }
}

/// Removes a member, so that the vendor's extra members are left.
fn take(members: &mut Value, member: &str) -> Option<Value> {
    match member.strip_prefix('/').and_then(|_| member.rsplit_once('/')) {
        None => members.as_object_mut()?.remove(member),
        Some((parent, name)) => members.pointer_mut(parent)?.as_object_mut()?.remove(name),
    }
}

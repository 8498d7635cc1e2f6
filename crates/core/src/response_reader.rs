//! Reads responses: in which members a vendor sends the token, its lifetime, its scopes and its errors.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::Value;

use crate::error::{Error, ErrorKind, OAuthError, ResponseProblem, Retry};
use crate::error_mapping::ErrorMapping;
use crate::http_response::{Body, HttpResponse, http_date};
use crate::lifetime::{LONGEST_LIFETIME, Lifetime};
use crate::redact::one_line;
use crate::refusal::{CHECK_FIREWALL, error_with, kind, remedy_for, what};
use crate::token_response::{TokenResponse, at_unix_seconds};

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
    zero_is_unstated: bool,
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

/// The most members of an error that are kept.
const MOST_EXTRAS: usize = 16;

/// The end of a token that no clock can show. It is not believed, as no lifetime of more than ten years is.
const NEVER: Lifetime = Lifetime::For(Duration::MAX);

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
            zero_is_unstated: false,
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

    /// Reads a lifetime of 0 as none, for vendors that send it where others send no lifetime. By default, a token whose
    /// lifetime is 0 has expired: a server that repeats a token until it is over says so in the last second.
    #[must_use]
    pub fn zero_is_unstated(mut self) -> Self {
        self.zero_is_unstated = true;
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
            let redirect = Error::bad_response("the server answered with a redirect")
                .with_response_problem(ResponseProblem::Redirect);
            let redirect = match response.location() {
                Some(location) => redirect.with_own_words(" to ").with_server_words(location),
                None => redirect,
            };
            return redirect
                .with_own_words(format!(" ({status}), which is not followed"))
                .with_remedy("if that is the vendor's token endpoint now, set it as the token URL")
                .with_status(status);
        }
        let (members, problem, body) = match response.members() {
            Body::Members(members) => {
                (Value::Object(members), ResponseProblem::NoToken, "JSON without an error and without a token")
            }
            Body::Other(problem, body) => (Value::Null, problem, body),
        };
        let said = self.said(&members);
        let code = said.as_ref().and_then(|said| said.code.as_deref());
        let mapping = self.error_mappings.iter().find(|mapping| mapping.matches(status, code));
        let kind = mapping.map_or_else(|| kind(status, said.as_ref()), |mapping| mapping.kind);
        let error = match mapping.and_then(|mapping| mapping.message.as_deref()).or(what(kind)) {
            Some(what) => error_with(kind, format!("{what} ({status})"), said.as_ref()),
            None => Error::new(kind, format!("the server answered with {body} ({status})")).with_own_words(""),
        };
        let error = match kind {
            ErrorKind::BadResponse => error.with_response_problem(problem),
            _ => error,
        };
        let remedy = mapping.and_then(|mapping| mapping.remedy.clone());
        let remedy = remedy.unwrap_or_else(|| match (mapping, kind, &said) {
            (None, ErrorKind::CredentialsRefused, None) if problem == ResponseProblem::Html => CHECK_FIREWALL.into(),
            _ => remedy_for(kind, said.as_ref()).into(),
        });
        let mut error = error.with_own_remedy(remedy).with_status(status);
        // A proxy that restarts sends this; it is no refusal.
        if status.is_success() && error.response_problem() == Some(ResponseProblem::EmptyBody) {
            error = error.with_retry(Retry::Soon);
        }
        let limited = || response.until_rate_limit_resets().filter(|_| kind == ErrorKind::RateLimited);
        if let (Retry::Soon, Some(wait)) = (error.retry(), response.retry_after().or_else(limited)) {
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
            LifetimeMember::For(member, unit) => {
                let value = take(&mut answer, member);
                let value = value.filter(|value| !(self.zero_is_unstated && number(value) == Some(0.0)));
                lifetime_for(value.as_ref(), member, *unit)?
            }
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
            .with_response_problem(ResponseProblem::UnusableToken)
            .with_remedy("ask the vendor how such a token is presented"))
    }

    /// Returns the error that the members hold, from the first place that has one.
    fn said(&self, members: &Value) -> Option<OAuthError> {
        self.errors.iter().rev().find_map(|(code, description)| {
            let word = |member: &str| find(members, member).and_then(word);
            let code_said = word(code);
            // Zoom says why in `reason`, others in `message`.
            let elsewhere = || ["reason", "message"].into_iter().find_map(word).filter(|_| code_said.is_some());
            let said = OAuthError {
                description: word(description).or_else(elsewhere),
                uri: word("error_uri"),
                challenge: None,
                extras: extras(members, [code, description, "error_uri"]),
                code: code_said,
            };
            let present =
                |member: &str| !matches!(find(members, member), None | Some(Value::Null | Value::Bool(false)));
            (said.code.is_some() || said.description.is_some() || present(code)).then_some(said)
        })
    }
}

fn bad_member(member: &str, why: &str) -> Error {
    Error::bad_response(format!("the server's answer cannot be used: `{member}` {why}"))
        .with_response_problem(ResponseProblem::UnusableToken)
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
    let Some(value) = value.filter(|value| !is_unstated(value)) else { return Ok(None) };
    let Some(count) = number(value) else {
        return date(value).map(Some).ok_or_else(|| bad_member(member, "is not a number"));
    };
    // A moment in place of a number of minutes: it is one in any unit, and a lifetime in none.
    let seconds = match unit {
        ExpiryUnit::Minutes if count > LONGEST_LIFETIME.as_secs_f64() => count,
        _ => unit.seconds(count),
    };
    Ok(Some(Lifetime::For(duration(seconds))))
}

fn lifetime_until(value: Option<&Value>, member: &str, unit: ExpiryUnit) -> Result<Option<Lifetime>, Error> {
    let Some(value) = value.filter(|value| !is_unstated(value)) else { return Ok(None) };
    let end = match number(value) {
        // What no clock can show is no end.
        Some(count) => at_unix_seconds(unit.seconds(count)).map_or(NEVER, Lifetime::Until),
        None => date(value).ok_or_else(|| bad_member(member, "is neither a date nor a time since 1970"))?,
    };
    Ok(Some(end))
}

fn is_unstated(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Returns as many seconds, or the nearest that a duration can be.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// Reads a date as RFC 3339 or HTTP has it.
fn date(value: &Value) -> Option<Lifetime> {
    let text = value.as_str()?.trim();
    // The last day there is, at .NET, which is more than a timestamp of ours can hold.
    if text.starts_with("9999-12-31T") {
        return Some(NEVER);
    }
    rfc3339(text).or_else(|| http_date(text)).map(Lifetime::Until)
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

pub(crate) fn number(value: &Value) -> Option<f64> {
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

/// Returns the members of an error beside these: not too many, and each as text.
fn extras(members: &Value, known: [&str; 3]) -> BTreeMap<String, String> {
    let members = members.as_object().into_iter().flatten();
    let extras = members.filter(|(name, value)| !value.is_null() && !known.contains(&name.as_str()));
    let text = |value: &Value| word(value).unwrap_or_else(|| value.to_string());
    extras.take(MOST_EXTRAS).map(|(name, value)| (one_line(name), one_line(&text(value)))).collect()
}

/// Returns a code or a description. Some vendors number their codes.
pub(crate) fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(one_line(text)).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(crate) fn find<'a>(members: &'a Value, member: &str) -> Option<&'a Value> {
    if member.starts_with('/') { members.pointer(member) } else { members.get(member) }
}

/// Removes a member, so that the vendor's extra members are left.
fn take(members: &mut Value, member: &str) -> Option<Value> {
    match member.strip_prefix('/').and_then(|_| member.rsplit_once('/')) {
        None => members.as_object_mut()?.remove(member),
        Some((parent, name)) => members.pointer_mut(parent)?.as_object_mut()?.remove(name),
    }
}

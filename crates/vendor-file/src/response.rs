//! Answers as a file describes them.

use credentials_grant::{Error, ErrorKind, ErrorMapping, ExpiryUnit, ResponseReader, StatusCode};
use toml::Spanned;

use crate::choice::{Choice, Place};
use crate::format::{self, ErrorMembers, Kind};
use crate::given::Given;
use crate::names::{Names, words};
use crate::problem::Problem;

/// How answers are read, but for the unit of the expiry, which a setting may decide.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    reader: ResponseReader,
    expiry: Expiry,
    unit: Option<Choice>,
}

#[derive(Clone, Debug)]
enum Expiry {
    In(String),
    At(String),
}

impl Plan {
    pub(crate) fn read(raw: format::Response, names: &Names) -> Result<Self, Problem> {
        let expiry = match (raw.expires_in, raw.expires_at) {
            (Some(_), Some(at)) => {
                let message = "`expires-in` and `expires-at` contradict each other";
                return Err(Problem::new(&at.span(), message, "keep the one whose member the vendor sends"));
            }
            (None, Some(at)) => Expiry::At(member(at)?),
            (Some(member_in), None) => Expiry::In(member(member_in)?),
            (None, None) => Expiry::In("expires_in".to_owned()),
        };
        let unit = raw.expiry_unit.map(|unit| Choice::read(unit, Place::Word, names)).transpose()?;
        if let Some(unit) = &unit {
            for (at, word) in unit.words(names)? {
                word.parse::<ExpiryUnit>().map_err(|_| {
                    Problem::new(&at, "this is not a unit of time", "use seconds, milliseconds or minutes")
                })?;
            }
        }
        let mut reader = ResponseReader::rfc6749();
        if let Some(token) = raw.token {
            reader = reader.token_in(member(token)?);
        }
        if let Some(token_type) = raw.token_type {
            reader = reader.token_type_in(member(token_type)?);
        }
        if raw.any_token_type {
            reader = reader.any_token_type();
        }
        if let Some(refresh_token) = raw.refresh_token {
            reader = reader.refresh_token_in(member(refresh_token)?);
        }
        let separator = raw.scope_separator.as_ref().map(one_character).transpose()?;
        let scopes = raw.scopes.map(member).transpose()?;
        if scopes.is_some() || separator.is_some() {
            reader = reader.scopes_in(scopes.unwrap_or_else(|| "scope".to_owned()), separator.unwrap_or(' '));
        }
        // The reader looks at the last first, and a reader of the file at the first.
        for ErrorMembers { code, description } in raw.errors.into_iter().rev() {
            reader = reader.errors_in(member(code)?, member(description)?);
        }
        for meaning in raw.meanings {
            reader = reader.with_error_mapping(read_meaning(meaning)?);
        }
        Ok(Self { reader, expiry, unit })
    }

    pub(crate) fn reader(&self, given: &Given<'_>) -> Result<ResponseReader, Error> {
        let unit = match &self.unit {
            Some(unit) => unit.word(given)?.parse()?,
            None => ExpiryUnit::Seconds,
        };
        let reader = self.reader.clone();
        Ok(match &self.expiry {
            Expiry::In(member) => reader.expires_in(member.clone(), unit),
            Expiry::At(member) => reader.expires_at_in(member.clone(), unit),
        })
    }
}

/// The name of a member, or a pointer to it.
fn member(name: Spanned<String>) -> Result<String, Problem> {
    if matches!(name.get_ref().as_str(), "" | "/") {
        let message = "what stands here names no member of an answer";
        return Err(Problem::new(&name.span(), message, "write its name, or a JSON pointer such as /data/token"));
    }
    Ok(name.into_inner())
}

fn one_character(text: &Spanned<String>) -> Result<char, Problem> {
    let mut chars = text.get_ref().chars();
    match (chars.next(), chars.next()) {
        (Some(separator), None) => Ok(separator),
        _ => {
            Err(Problem::new(&text.span(), "a separator is one character", "write a comma, or whatever the vendor has"))
        }
    }
}

fn read_meaning(raw: Spanned<format::ErrorMapping>) -> Result<ErrorMapping, Problem> {
    let at = raw.span();
    let format::ErrorMapping { status, code, kind, message, remedy } = raw.into_inner();
    let kind = match kind {
        Kind::BadResponse => ErrorKind::BadResponse,
        Kind::CredentialsRefused => ErrorKind::CredentialsRefused,
        Kind::RateLimited => ErrorKind::RateLimited,
        Kind::RequestRefused => ErrorKind::RequestRefused,
        Kind::Unavailable => ErrorKind::Unavailable,
    };
    let mut meaning = match (status, code) {
        (None, Some(code)) => ErrorMapping::for_code(words(code, "code")?, kind),
        (Some(status), None) => ErrorMapping::for_status(read_status(&status)?, kind),
        _ => return Err(Problem::new(&at, "a meaning is that of a status or that of a code", "write one of the two")),
    };
    if let Some(message) = message {
        meaning = meaning.with_message(words(message, "message")?);
    }
    if let Some(remedy) = remedy {
        meaning = meaning.with_remedy(words(remedy, "remedy")?);
    }
    Ok(meaning)
}

/// A status that an answer without a token, or an API call, can have.
pub(crate) fn read_status(status: &Spanned<u16>) -> Result<StatusCode, Problem> {
    match StatusCode::from_u16(*status.get_ref()) {
        Ok(code) if (200..600).contains(status.get_ref()) => Ok(code),
        _ => Err(Problem::new(&status.span(), "this is no status of an answer", "write one from 200 to 599")),
    }
}

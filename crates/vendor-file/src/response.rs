//! How the token endpoint's responses are read, as a file describes it.

use credentials_grant::{Error, ErrorKind, ErrorMapping, ExpiryUnit, ResponseReader};
use toml::Spanned;

use crate::checks::read_status;
use crate::conditional_text::{ConditionalText, Destination};
use crate::declared_settings::{DeclaredSettings, one_line};
use crate::format::{ErrorMappingTable, ErrorMembersTable, MappedKind, ResponseTable};
use crate::problem::Problem;
use crate::setting_values::SettingValues;

/// The description of responses. Only the unit of the expiry can depend on a setting.
#[derive(Clone, Debug)]
pub(crate) struct ResponseDescription {
    reader: ResponseReader,
    expiry: ExpiryMember,
    expiry_unit: Option<ConditionalText>,
}

/// The member with the lifetime of the token, or with its end.
#[derive(Clone, Debug)]
enum ExpiryMember {
    In(String),
    At(String),
}

impl ResponseDescription {
    pub(crate) fn read(table: ResponseTable, settings: &DeclaredSettings) -> Result<Self, Problem> {
        let expiry = read_expiry(table.expires_in, table.expires_at)?;
        let read_unit = |unit| ConditionalText::read(unit, Destination::Keyword, settings);
        let expiry_unit = table.expiry_unit.map(read_unit).transpose()?;
        if let Some(unit) = &expiry_unit {
            for (at, keyword) in unit.keywords(settings)? {
                keyword.parse::<ExpiryUnit>().map_err(|_| {
                    Problem::new(&at, "this is not a unit of time", "use seconds, milliseconds or minutes")
                })?;
            }
        }
        let mut reader = ResponseReader::rfc6749();
        if let Some(token) = table.token {
            reader = reader.token_in(read_member(token)?);
        }
        if let Some(token_type) = table.token_type {
            reader = reader.token_type_in(read_member(token_type)?);
        }
        if table.any_token_type {
            reader = reader.any_token_type();
        }
        if table.zero_is_unstated {
            reader = reader.zero_is_unstated();
        }
        if let Some(refresh_token) = table.refresh_token {
            reader = reader.refresh_token_in(read_member(refresh_token)?);
        }
        let separator = table.scope_separator.as_ref().map(read_character).transpose()?;
        let scopes = table.scopes.map(read_member).transpose()?;
        if scopes.is_some() || separator.is_some() {
            reader = reader.scopes_in(scopes.unwrap_or_else(|| "scope".to_owned()), separator.unwrap_or(' '));
        }
        // `ResponseReader` tries the last members first; a file lists them in the order in which they are tried.
        for ErrorMembersTable { code, description } in table.error_members.into_iter().rev() {
            reader = reader.errors_in(read_member(code)?, read_member(description)?);
        }
        for mapping in table.error_mappings {
            reader = reader.with_error_mapping(read_error_mapping(mapping)?);
        }
        Ok(Self { reader, expiry, expiry_unit })
    }

    /// Returns the reader for these settings.
    pub(crate) fn resolve(&self, values: &SettingValues<'_>) -> Result<ResponseReader, Error> {
        let unit = match &self.expiry_unit {
            Some(unit) => unit.keyword(values)?.parse()?,
            None => ExpiryUnit::Seconds,
        };
        let reader = self.reader.clone();
        Ok(match &self.expiry {
            ExpiryMember::In(member) => reader.expires_in(member.clone(), unit),
            ExpiryMember::At(member) => reader.expires_at_in(member.clone(), unit),
        })
    }
}

fn read_expiry(
    expires_in: Option<Spanned<String>>,
    expires_at: Option<Spanned<String>>,
) -> Result<ExpiryMember, Problem> {
    match (expires_in, expires_at) {
        (Some(_), Some(at)) => {
            let message = "`expires-in` and `expires-at` contradict each other";
            Err(Problem::new(&at.span(), message, "keep the one that the vendor sends"))
        }
        (None, Some(at)) => read_member(at).map(ExpiryMember::At),
        (Some(lifetime), None) => read_member(lifetime).map(ExpiryMember::In),
        (None, None) => Ok(ExpiryMember::In("expires_in".to_owned())),
    }
}

/// Reads the name of a member, or a JSON pointer to it.
pub(crate) fn read_member(name: Spanned<String>) -> Result<String, Problem> {
    if matches!(name.get_ref().as_str(), "" | "/") {
        let message = "this does not name a member of a response";
        return Err(Problem::new(&name.span(), message, "write its name, or a JSON pointer such as /data/token"));
    }
    Ok(name.into_inner())
}

fn read_character(text: &Spanned<String>) -> Result<char, Problem> {
    let mut chars = text.get_ref().chars();
    match (chars.next(), chars.next()) {
        (Some(separator), None) => Ok(separator),
        _ => Err(Problem::new(
            &text.span(),
            "the separator in a response must be one character",
            "write the character, such as a comma",
        )),
    }
}

fn read_error_mapping(table: Spanned<ErrorMappingTable>) -> Result<ErrorMapping, Problem> {
    let at = table.span();
    let ErrorMappingTable { status, code, kind, message, remedy } = table.into_inner();
    let kind = match kind {
        MappedKind::BadResponse => ErrorKind::BadResponse,
        MappedKind::CredentialsRefused => ErrorKind::CredentialsRefused,
        MappedKind::RateLimited => ErrorKind::RateLimited,
        MappedKind::RequestRefused => ErrorKind::RequestRefused,
        MappedKind::Unavailable => ErrorKind::Unavailable,
    };
    let mut mapping = match (status, code) {
        (None, Some(code)) => ErrorMapping::for_code(one_line(code, "code")?, kind),
        (Some(status), None) => ErrorMapping::for_status(read_status(&status)?, kind),
        _ => return Err(Problem::new(&at, "an error mapping needs a `status` or a `code`", "write one of the two")),
    };
    if let Some(message) = message {
        mapping = mapping.with_message(one_line(message, "message")?);
    }
    if let Some(remedy) = remedy {
        mapping = mapping.with_remedy(one_line(remedy, "remedy")?);
    }
    Ok(mapping)
}

//! What the runtime must know about a vendor, as a file describes it.

use std::collections::HashSet;
use std::time::Duration;

use credentials_grant::{
    Endpoint, Error, ErrorKind, ExpiredBody, HeaderValue, IssuanceLimit, Policy, Presentation, StatusCode,
};
use jiff::SignedDuration;
use toml::Spanned;

use crate::checks::{check_header_value, check_no_secret, duplicate_header, read_header_name, read_status};
use crate::conditional_text::{Alternative, ConditionalText, Destination};
use crate::declared_settings::{CLIENT_ID, DeclaredSettings, TOKEN_HOST};
use crate::format::{AlternativeValue, ExpiredBodyTable, LimitTable, PolicyTable, PresentationTable};
use crate::problem::Problem;
use crate::response::read_member;
use crate::setting_values::SettingValues;

/// The description of a policy. Hosts and extra headers can depend on settings.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "as in `Policy`")]
pub(crate) struct PolicyDescription {
    hosts: Vec<Alternative>,
    presentation: Presentation,
    extra_headers: Vec<(String, ConditionalText)>,
    lifetime: Option<Duration>,
    limits: Vec<IssuanceLimit>,
    expired_statuses: Vec<StatusCode>,
    expired_bodies: Vec<ExpiredBody>,
    blocks_addresses: bool,
    single_token: bool,
    billed_tokens: bool,
    extended_tokens: bool,
}

impl PolicyDescription {
    pub(crate) fn read(table: PolicyTable, settings: &DeclaredSettings) -> Result<Self, Problem> {
        let hosts = table.hosts.into_iter().map(|host| read_host(host, settings)).collect::<Result<_, _>>()?;
        let (presentation, extra_headers) = match table.presentation {
            Some(presentation) => read_presentation(presentation, settings)?,
            None => (Presentation::bearer(), Vec::new()),
        };
        let statuses = table.expired_statuses.iter().map(read_status);
        Ok(Self {
            hosts,
            presentation,
            extra_headers,
            lifetime: table.lifetime.as_ref().map(read_duration).transpose()?,
            limits: table.limits.iter().map(read_limit).collect::<Result<_, _>>()?,
            expired_statuses: statuses.collect::<Result<_, _>>()?,
            expired_bodies: table.expired_bodies.into_iter().map(read_expired_body).collect::<Result<_, _>>()?,
            blocks_addresses: table.blocks_addresses,
            single_token: table.single_token,
            billed_tokens: table.billed_tokens,
            extended_tokens: table.extended_tokens,
        })
    }

    /// Returns the policy for these settings and tokens from this endpoint.
    pub(crate) fn resolve(&self, values: &SettingValues<'_>, endpoint: &Endpoint) -> Result<Policy, Error> {
        let mut presentation = self.presentation.clone();
        for (header, text) in &self.extra_headers {
            presentation = with_extra_header(presentation, header, text, values)?;
        }
        let mut policy = Policy::new().with_presentation(presentation);
        for host in self.hosts.iter().filter(|host| host.applies(values)) {
            policy = match resolve_host(host, values, endpoint)? {
                Some(host) => policy.with_host(host),
                None => policy,
            };
        }
        if let Some(lifetime) = self.lifetime {
            policy = policy.with_lifetime(lifetime);
        }
        if self.blocks_addresses {
            policy = policy.with_address_blocking();
        }
        if self.single_token {
            policy = policy.with_single_token();
        }
        if self.billed_tokens {
            policy = policy.with_billed_tokens();
        }
        if self.extended_tokens {
            policy = policy.with_extended_tokens();
        }
        policy = self.expired_bodies.iter().cloned().fold(policy, Policy::with_expired_body);
        policy = self.limits.iter().fold(policy, |policy, limit| policy.with_limit(*limit));
        Ok(self.expired_statuses.iter().fold(policy, |policy, status| policy.with_expired_status(*status)))
    }

    /// Returns the names of the secrets that API calls need. Without them a token could not be used, so none is
    /// requested.
    pub(crate) fn required_secrets(&self, values: &SettingValues<'_>) -> Vec<String> {
        let applying = self.extra_headers.iter().filter_map(|(_, text)| text.choose(values));
        let names = applying.filter_map(|alternative| alternative.template.single_variable());
        names.filter(|name| values.is_secret(name) && !values.is_optional(name)).map(str::to_owned).collect()
    }
}

fn read_presentation(
    table: PresentationTable,
    settings: &DeclaredSettings,
) -> Result<(Presentation, Vec<(String, ConditionalText)>), Problem> {
    let mut presentation = match table.header {
        Some(header) => read_header_name(&header).map(|_| Presentation::header(header.into_inner()))?,
        None => Presentation::bearer(),
    };
    if let Some(scheme) = table.scheme {
        if scheme.get_ref().is_empty() || !scheme.get_ref().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Problem::new(&scheme.span(), "a scheme is one word", "write it without spaces"));
        }
        presentation = presentation.with_scheme(scheme.into_inner());
    }
    let mut in_file_order: Vec<_> = table.extra_headers.into_iter().collect();
    in_file_order.sort_by_key(|(name, _)| name.span().start);
    let mut known = HashSet::from([presentation.header_name().to_ascii_lowercase()]);
    let mut extra_headers = Vec::new();
    for (name, value) in in_file_order {
        if !known.insert(read_header_name(&name)?.as_str().to_owned()) {
            return Err(duplicate_header(&name));
        }
        let text = ConditionalText::read(value, Destination::ExtraHeader, settings)?;
        check_no_secret(name.get_ref(), &text, settings)?;
        check_header_value(&text)?;
        extra_headers.push((name.into_inner(), text));
    }
    Ok((presentation, extra_headers))
}

fn with_extra_header(
    presentation: Presentation,
    header: &str,
    text: &ConditionalText,
    values: &SettingValues<'_>,
) -> Result<Presentation, Error> {
    let header = header.to_owned();
    match text.choose(values).and_then(|alternative| alternative.template.single_variable()) {
        Some(CLIENT_ID) => return Ok(presentation.with_client_id_header(header)),
        Some(name) if values.is_secret(name) => return Ok(presentation.with_secret_header(header, name.to_owned())),
        _ => {}
    }
    match text.resolve(values)?.and_then(|resolved| resolved.plain()) {
        None => Ok(presentation),
        Some(value) if HeaderValue::from_str(&value).is_ok() => Ok(presentation.with_extra_header(header, value)),
        Some(_) => {
            Err(Error::new(ErrorKind::Configuration, format!("the value of the header {header} is not a valid one"))
                .with_remedy("look for line breaks and control characters in the settings"))
        }
    }
}

fn read_host(value: Spanned<AlternativeValue>, settings: &DeclaredSettings) -> Result<Alternative, Problem> {
    let at = value.span();
    let host = Alternative::read(value, &at, Destination::Host, settings)?;
    if host.template.single_variable() == Some(TOKEN_HOST) {
        return Ok(host);
    }
    // Tried out with sample values: a single variable is a whole host, any other is a part of one.
    let sample = if host.template.single_variable().is_some() { "a.example" } else { "a" };
    let variables = host.template.variables().into_iter().map(|variable| variable.name.as_str());
    let values: Vec<_> = variables.map(|name| (name, settings.default_of(name).unwrap_or(sample))).collect();
    match expand_host(&host.text, &values) {
        Some(_) => Ok(host),
        None => Err(Problem::new(
            &at,
            "this is not a valid host",
            "write one such as api.example.com, or *.example.com for every host below it",
        )),
    }
}

/// Returns the host for these settings, or `None` if it has an optional setting that is not set.
fn resolve_host(host: &Alternative, values: &SettingValues<'_>, endpoint: &Endpoint) -> Result<Option<String>, Error> {
    if host.template.single_variable() == Some(TOKEN_HOST) {
        return Ok(Some(endpoint.url().authority().to_owned()));
    }
    let mut pairs = Vec::new();
    for variable in host.template.variables() {
        match values.require(&variable.name)? {
            Some(value) => pairs.push((variable.name.as_str(), value)),
            None => return Ok(None),
        }
    }
    let names: Vec<_> = pairs.iter().map(|(name, _)| format!("`{name}`")).collect();
    expand_host(&host.text, &pairs).map(Some).ok_or_else(|| {
        Error::new(ErrorKind::Configuration, format!("the setting {} does not make a valid host", names.join(" and ")))
            .with_remedy("set it to a host such as api.example.com, without https:// and without a path")
    })
}

/// Expands a host, or a wildcard such as `*.example.com`. Returns `None` unless the result is a host and nothing else:
/// no path, no query, and a wildcard not below a top-level domain.
fn expand_host(template: &str, values: &[(&str, &str)]) -> Option<String> {
    let (wildcard, name) = template.strip_prefix("*.").map_or(("", template), |name| ("*.", name));
    let endpoint = Endpoint::expand(&format!("https://{name}/"), values).ok()?;
    let url = endpoint.url();
    let host = url.host_str()?;
    let is_host = url.path() == "/" && url.query().is_none() && (wildcard.is_empty() || host.contains('.'));
    is_host.then(|| format!("{wildcard}{}", url.authority()))
}

fn read_expired_body(table: ExpiredBodyTable) -> Result<ExpiredBody, Problem> {
    let ExpiredBodyTable { member, values, status } = table;
    if values.get_ref().is_empty() || values.get_ref().iter().any(String::is_empty) {
        let message = "this needs the values that mean that the token has expired";
        return Err(Problem::new(&values.span(), message, "write them as texts, such as [\"601\", \"602\"]"));
    }
    let body = ExpiredBody::new(read_member(member)?, values.into_inner());
    Ok(match &status {
        Some(status) => body.with_status(read_status(status)?),
        None => body,
    })
}

fn read_limit(table: &LimitTable) -> Result<IssuanceLimit, Problem> {
    if *table.requests.get_ref() == 0 {
        return Err(Problem::new(
            &table.requests.span(),
            "a limit of 0 allows no request",
            "write how many requests are allowed",
        ));
    }
    let limit = IssuanceLimit::new(*table.requests.get_ref(), read_duration(&table.period)?);
    Ok(if table.per_client { limit.per_client() } else { limit })
}

fn read_duration(text: &Spanned<String>) -> Result<Duration, Problem> {
    let duration = text.get_ref().parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| {
        Problem::new(&text.span(), "this is not a duration above zero", "write one such as 900s, 15m, 24h or 1h 30m")
    })
}

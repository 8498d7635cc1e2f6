//! What a runtime must know, as a file describes it.

use std::collections::HashSet;
use std::time::Duration;

use credentials_grant::{Endpoint, Error, ErrorKind, HeaderValue, IssuanceLimit, Policy, Presentation, StatusCode};
use jiff::SignedDuration;
use toml::Spanned;

use crate::choice::{Alternative, Choice, Place};
use crate::format::{self, Limit};
use crate::given::Given;
use crate::names::{CLIENT_ID, Names, TOKEN_HOST};
use crate::problem::Problem;
use crate::request::{check_header_values, check_holds_no_secret, header_twice, read_header_name};

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    hosts: Vec<Alternative>,
    presentation: Presentation,
    companions: Vec<(String, Choice)>,
    lifetime: Option<Duration>,
    limits: Vec<IssuanceLimit>,
    expired_statuses: Vec<StatusCode>,
    blocks_addresses: bool,
}

impl Plan {
    pub(crate) fn read(raw: format::Policy, names: &Names) -> Result<Self, Problem> {
        let hosts = raw.hosts.into_iter().map(|host| read_host(host, names)).collect::<Result<_, _>>()?;
        let (presentation, companions) = match raw.presentation {
            Some(presentation) => read_presentation(presentation, names)?,
            None => (Presentation::bearer(), Vec::new()),
        };
        let statuses = raw.expired_statuses.iter().map(crate::response::read_status);
        Ok(Self {
            hosts,
            presentation,
            companions,
            lifetime: raw.lifetime.as_ref().map(read_duration).transpose()?,
            limits: raw.limits.iter().map(read_limit).collect::<Result<_, _>>()?,
            expired_statuses: statuses.collect::<Result<_, _>>()?,
            blocks_addresses: raw.blocks_addresses,
        })
    }

    /// The policy for tokens from this endpoint.
    pub(crate) fn policy(&self, given: &Given<'_>, endpoint: &Endpoint) -> Result<Policy, Error> {
        let mut presentation = self.presentation.clone();
        for (header, choice) in &self.companions {
            presentation = with_extra_header(presentation, header, choice, given)?;
        }
        let mut policy = Policy::new().with_presentation(presentation);
        for host in self.hosts.iter().filter(|host| host.applies(given)) {
            policy = match settle_host(host, given, endpoint)? {
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
        policy = self.limits.iter().fold(policy, |policy, limit| policy.with_limit(*limit));
        Ok(self.expired_statuses.iter().fold(policy, |policy, status| policy.with_expired_status(*status)))
    }
}

impl Plan {
    /// The secrets without which no API call could be made, and a token would be of no use.
    pub(crate) fn required_secrets(&self, given: &Given<'_>) -> Vec<String> {
        let applying = self.companions.iter().filter_map(|(_, choice)| choice.choose(given));
        let names = applying.filter_map(|alternative| alternative.template.lone_variable());
        names.filter(|name| given.is_secret(name) && !given.is_optional(name)).map(str::to_owned).collect()
    }
}

fn read_presentation(
    raw: format::Presentation,
    names: &Names,
) -> Result<(Presentation, Vec<(String, Choice)>), Problem> {
    let mut presentation = match raw.header {
        Some(header) => read_header_name(&header).map(|_| Presentation::header(header.into_inner()))?,
        None => Presentation::bearer(),
    };
    if let Some(scheme) = raw.scheme {
        if scheme.get_ref().is_empty() || !scheme.get_ref().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Problem::new(&scheme.span(), "a scheme is one word", "write it without a space behind it"));
        }
        presentation = presentation.with_scheme(scheme.into_inner());
    }
    let mut written: Vec<_> = raw.companions.into_iter().collect();
    written.sort_by_key(|(name, _)| name.span().start);
    let mut known = HashSet::from([presentation.header_name().to_ascii_lowercase()]);
    let mut companions = Vec::new();
    for (name, value) in written {
        if !known.insert(read_header_name(&name)?.as_str().to_owned()) {
            return Err(header_twice(&name));
        }
        let choice = Choice::read(value, Place::Companion, names)?;
        check_holds_no_secret(name.get_ref(), &choice)?;
        check_header_values(&choice)?;
        companions.push((name.into_inner(), choice));
    }
    Ok((presentation, companions))
}

fn with_extra_header(
    presentation: Presentation,
    header: &str,
    choice: &Choice,
    given: &Given<'_>,
) -> Result<Presentation, Error> {
    let header = header.to_owned();
    match choice.choose(given).and_then(|alternative| alternative.template.lone_variable()) {
        Some(CLIENT_ID) => return Ok(presentation.with_client_id_header(header)),
        Some(name) if given.is_secret(name) => return Ok(presentation.with_secret_header(header, name.to_owned())),
        _ => {}
    }
    match choice.fill(given)?.and_then(|filled| filled.plain()) {
        None => Ok(presentation),
        Some(value) if HeaderValue::from_str(&value).is_ok() => Ok(presentation.with_extra_header(header, value)),
        Some(_) => {
            Err(Error::new(ErrorKind::Configuration, format!("the value for the header {header} fits no header"))
                .with_remedy("look for line breaks and control characters in the settings"))
        }
    }
}

fn read_host(raw: Spanned<format::Alternative>, names: &Names) -> Result<Alternative, Problem> {
    let at = raw.span();
    let host = Alternative::read(raw, &at, Place::Host, names)?;
    if host.template.lone_variable() == Some(TOKEN_HOST) {
        return Ok(host);
    }
    let variables = host.template.variables();
    let is_whole = host.template.lone_variable().is_some();
    let sample = if is_whole { "a.example" } else { "a" };
    let values: Vec<_> =
        variables.iter().map(|used| (used.name.as_str(), names.default_of(&used.name).unwrap_or(sample))).collect();
    match expand_host(&host.text, &values) {
        Some(_) => Ok(host),
        None => Err(Problem::new(
            &at,
            "this is no host whose API could take the token",
            "write one such as api.example.com, or *.example.com for all below it",
        )),
    }
}

/// The host for these settings; nothing where an optional one is not set.
fn settle_host(host: &Alternative, given: &Given<'_>, endpoint: &Endpoint) -> Result<Option<String>, Error> {
    if host.template.lone_variable() == Some(TOKEN_HOST) {
        return Ok(Some(endpoint.url().authority().to_owned()));
    }
    let mut values = Vec::new();
    for used in host.template.variables() {
        match given.require(&used.name)? {
            Some(value) => values.push((used.name.as_str(), value)),
            None => return Ok(None),
        }
    }
    let names: Vec<_> = values.iter().map(|(name, _)| format!("`{name}`")).collect();
    expand_host(&host.text, &values).map(Some).ok_or_else(|| {
        Error::new(ErrorKind::Configuration, format!("the setting {} makes no host", names.join(" and ")))
            .with_remedy("set it to a host such as api.example.com, without https:// and without a path")
    })
}

/// A host by name, or all below one; by itself, with what is behind it on a URL left to nobody.
fn expand_host(template: &str, values: &[(&str, &str)]) -> Option<String> {
    let (below, name) = template.strip_prefix("*.").map_or(("", template), |name| ("*.", name));
    let endpoint = Endpoint::expand(&format!("https://{name}/"), values).ok()?;
    let url = endpoint.url();
    let host = url.host_str()?;
    let is_host = url.path() == "/" && url.query().is_none() && (below.is_empty() || host.contains('.'));
    is_host.then(|| format!("{below}{}", url.authority()))
}

fn read_limit(raw: &Limit) -> Result<IssuanceLimit, Problem> {
    if *raw.requests.get_ref() == 0 {
        return Err(Problem::new(
            &raw.requests.span(),
            "a limit of none allows nothing",
            "write how many there may be",
        ));
    }
    let limit = IssuanceLimit::new(*raw.requests.get_ref(), read_duration(&raw.period)?);
    Ok(if raw.per_client { limit.per_client() } else { limit })
}

fn read_duration(text: &Spanned<String>) -> Result<Duration, Problem> {
    let duration = text.get_ref().parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| {
        Problem::new(&text.span(), "this is no length of time above zero", "write one such as 900s, 15m, 24h or 1h 30m")
    })
}

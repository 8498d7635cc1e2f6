//! The token request as a file describes it, and as settings decide it.

use std::collections::HashSet;
use std::ops::Range;

use credentials_grant::{ClientAuthentication, Endpoint, Error, ErrorKind, HeaderName, HeaderValue, TokenParameters};
use toml::Spanned;

use crate::choice::{Alternative, Choice, Place};
use crate::format::{self, Encoding, Method, Named, Taken};
use crate::given::Given;
use crate::names::{CLIENT_ID, CLIENT_SECRET, Names, TOKEN_URL};
use crate::problem::{Problem, shown};
use crate::secrets::{is_name_of_secret, is_secret};
use crate::template::Filled;
use crate::url::read_url;

/// The word for what is not there: no grant type.
const NONE: &str = "none";
/// The word for credentials that parameters and headers place.
const BY_HAND: &str = "by-hand";
const GRANT_TYPE: &str = "grant_type";

/// Headers that belong to the connection, and are no file's to write.
const OF_THE_CONNECTION: [&str; 6] = ["connection", "content-length", "host", "te", "trailer", "transfer-encoding"];

/// A request, as the file has it.
#[derive(Clone)]
pub(crate) struct Plan {
    url: Choice,
    pub(crate) method: Method,
    pub(crate) encoding: Encoding,
    /// How clients may prove who they are, by the settings; nothing stands for credentials that are placed by hand.
    pub(crate) ways: Vec<Option<ClientAuthentication>>,
    /// In the order of the file, which is that of the parameters.
    parts: Vec<Planned>,
}

/// A part of it, and where it stands.
#[derive(Clone)]
struct Planned {
    at: Range<usize>,
    what: What,
}

#[derive(Clone)]
enum What {
    Authentication(Choice),
    AssertionAudience(Choice),
    GrantType(Choice),
    Parameter(String, Choice),
    Header(String, Choice),
    /// What no setting changes.
    Fixed(Part),
}

/// A part of the request that waits for nothing but an attempt.
#[derive(Clone)]
pub(crate) enum Part {
    Authentication(ClientAuthentication),
    AssertionAudience(String),
    Parameter(String, Filled),
    Header(String, Filled),
    Scope { name: String, separator: String, taken: Taken },
    Audience(Taken),
    Resources(Taken),
    AuthorizationDetails(Taken),
}

impl Plan {
    pub(crate) fn read(raw: format::Request, names: &Names) -> Result<Self, Problem> {
        check_contradictions(&raw)?;
        let method = raw.method.as_ref().map(|method| *method.get_ref()).unwrap_or_default();
        let unless_said = if method == Method::Get { Encoding::Query } else { Encoding::Form };
        let encoding = raw.encoding.as_ref().map_or(unless_said, |encoding| *encoding.get_ref());
        let url = read_url(raw.url, names)?;
        let authentication = raw.authentication.span();
        let way = Choice::read(raw.authentication, Place::Word, names)?;
        let ways = way.words(names)?.into_iter().map(read_way).collect::<Result<Vec<_>, _>>()?;

        let mut parts = vec![Planned { at: authentication.clone(), what: What::Authentication(way) }];
        parts.extend(
            raw.assertion_audience.map(|audience| read_assertion_audience(audience, &ways, names)).transpose()?,
        );
        parts.push(read_grant_type(raw.grant_type, names)?);
        parts.extend(read_scope(raw.scope, raw.scope_name, raw.scope_separator)?);
        parts.extend(read_taken(raw.audience, Part::Audience));
        parts.extend(read_taken(raw.resources, Part::Resources));
        parts.extend(read_taken(raw.authorization_details, Part::AuthorizationDetails));
        parts.extend(read_parameters(raw.parameters, names)?);
        parts.extend(read_headers(raw.headers, names)?);
        parts.sort_by_key(|part| part.at.start);
        let plan = Self { url, method, encoding, ways, parts };
        plan.check_client(&authentication, &plan.ways)?;
        plan.check_nothing_is_written_twice(&plan.ways)?;
        Ok(plan)
    }

    /// Where the request goes, unless the settings say it by `token-url`.
    pub(crate) fn endpoint(&self, given: &Given<'_>) -> Result<Endpoint, Error> {
        let Some(Alternative { text, template, .. }) = self.url.choose(given) else {
            return Err(Error::new(ErrorKind::Configuration, "the file has no URL for these settings"));
        };
        if template.lone_variable() == Some(TOKEN_URL) {
            let help = given.help(TOKEN_URL).unwrap_or_default();
            return Err(Error::new(ErrorKind::Configuration, format!("the setting `{TOKEN_URL}` is missing"))
                .with_remedy(format!("set `{TOKEN_URL}`: {help}")));
        }
        let names = template.variables().into_iter().map(|used| used.name.as_str());
        let values: Vec<_> = names.map(|name| (name, given.value(name).unwrap_or_default())).collect();
        Endpoint::expand(text, &values)
    }

    /// The parts, as the settings decide them.
    pub(crate) fn parts(&self, given: &Given<'_>) -> Result<Vec<Part>, Error> {
        self.parts.iter().map(|part| part.settle(given)).filter_map(Result::transpose).collect()
    }

    /// An ask with which this request can be tried out.
    pub(crate) fn least_ask(&self) -> TokenParameters {
        let required = self.parts.iter().filter_map(|part| match &part.what {
            What::Fixed(part) => Some(part),
            _ => None,
        });
        required.fold(TokenParameters::new(), |parameters, part| match part {
            Part::Scope { taken: Taken::Required, .. } => parameters.with_scope("scope"),
            Part::Audience(Taken::Required) => parameters.with_audience("audience"),
            Part::Resources(Taken::Required) => parameters.with_resource("https://resource.invalid"),
            Part::AuthorizationDetails(Taken::Required) => parameters.with_authorization_details(r#"[{"type":"any"}]"#),
            _ => parameters,
        })
    }

    /// Something must say who the client is.
    fn check_client(&self, at: &Range<usize>, ways: &[Option<ClientAuthentication>]) -> Result<(), Problem> {
        let says = |part: &Planned| match &part.what {
            What::Parameter(_, choice) | What::Header(_, choice) => {
                choice.uses(CLIENT_ID) || choice.uses(CLIENT_SECRET)
            }
            _ => false,
        };
        if ways.iter().all(Option::is_some) || self.parts.iter().any(says) {
            return Ok(());
        }
        let remedy = format!("write {{{CLIENT_ID}}} and {{{CLIENT_SECRET}}} where the vendor wants them");
        Err(Problem::new(at, "nothing in the request says who the client is", remedy))
    }

    fn check_nothing_is_written_twice(&self, ways: &[Option<ClientAuthentication>]) -> Result<(), Problem> {
        let by_ways = ways.iter().flatten().flat_map(|way| written_by(*way)).copied();
        let by_parts = self.parts.iter().filter_map(|part| match &part.what {
            What::GrantType(choice) if choice.0.iter().all(|alternative| alternative.text == NONE) => None,
            What::GrantType(_) => Some(GRANT_TYPE),
            What::Fixed(Part::Parameter(name, _) | Part::Scope { name, .. }) => Some(name.as_str()),
            What::Fixed(Part::Audience(_)) => Some("audience"),
            What::Fixed(Part::Resources(_)) => Some("resource"),
            What::Fixed(Part::AuthorizationDetails(_)) => Some("authorization_details"),
            _ => None,
        });
        let written: Vec<_> = by_ways.chain(by_parts).collect();
        let is_basic = ways.iter().flatten().any(|way| is_basic(*way));
        let twice = self.parts.iter().find_map(|part| match &part.what {
            What::Parameter(name, _) if written.contains(&name.as_str()) => Some((&part.at, name)),
            What::Header(name, _) if is_basic && name.eq_ignore_ascii_case("authorization") => Some((&part.at, name)),
            _ => None,
        });
        match twice {
            None => Ok(()),
            Some((at, name)) => Err(Problem::new(
                at,
                format!("`{}` is written by another key of [request] as well", shown(name)),
                "take one of them out, or let the other be \"none\" or \"by-hand\"",
            )),
        }
    }
}

impl Planned {
    fn fixed(at: Range<usize>, part: Part) -> Self {
        Self { at, what: What::Fixed(part) }
    }

    fn settle(&self, given: &Given<'_>) -> Result<Option<Part>, Error> {
        Ok(match &self.what {
            What::Authentication(choice) => match choice.word(given)?.as_str() {
                BY_HAND => None,
                way => Some(Part::Authentication(way.parse()?)),
            },
            What::AssertionAudience(choice) => Some(Part::AssertionAudience(choice.word(given)?)),
            What::GrantType(choice) => match choice.word(given)? {
                none if none == NONE => None,
                grant_type => Some(Part::Parameter(GRANT_TYPE.to_owned(), Filled::constant(grant_type))),
            },
            What::Parameter(name, choice) => choice.fill(given)?.map(|value| Part::Parameter(name.clone(), value)),
            What::Header(name, choice) => choice.fill(given)?.map(|value| Part::Header(name.clone(), value)),
            What::Fixed(part) => Some(part.clone()),
        })
    }
}

fn check_contradictions(raw: &format::Request) -> Result<(), Problem> {
    let is_get = raw.method.as_ref().is_some_and(|method| *method.get_ref() == Method::Get);
    let Some(encoding) = &raw.encoding else { return Ok(()) };
    if is_get && *encoding.get_ref() != Encoding::Query {
        return Err(Problem::new(
            &encoding.span(),
            "a GET has no body",
            "take it out: the parameters go into the query",
        ));
    }
    let details = raw.authorization_details.as_ref().filter(|details| *details.get_ref() != Taken::None);
    if let Some(details) = details.filter(|_| *encoding.get_ref() == Encoding::Json) {
        let message = "authorization details cannot be sent as JSON";
        return Err(Problem::new(&details.span(), message, "take it out"));
    }
    Ok(())
}

fn read_way((at, word): (Range<usize>, String)) -> Result<Option<ClientAuthentication>, Problem> {
    if word == BY_HAND {
        return Ok(None);
    }
    word.parse().map(Some).map_err(|_| {
        let names = ClientAuthentication::ALL.map(ClientAuthentication::name).join(", ");
        Problem::new(&at, "this is not a client authentication method", format!("use one of {names}, {BY_HAND}"))
    })
}

fn read_assertion_audience(
    audience: Spanned<format::Choice>,
    ways: &[Option<ClientAuthentication>],
    names: &Names,
) -> Result<Planned, Problem> {
    let at = audience.span();
    if !ways.iter().flatten().any(|way| sends_assertion(*way)) {
        return Err(Problem::new(&at, "no assertion is sent that could have an audience", "take it out"));
    }
    Ok(Planned { at, what: What::AssertionAudience(Choice::read(audience, Place::Word, names)?) })
}

fn read_grant_type(raw: Option<Spanned<format::Choice>>, names: &Names) -> Result<Planned, Problem> {
    let Some(grant_type) = raw else {
        // What the file does not say comes first.
        let usual = Part::Parameter(GRANT_TYPE.to_owned(), Filled::constant("client_credentials"));
        return Ok(Planned::fixed(0..0, usual));
    };
    let at = grant_type.span();
    Ok(Planned { at, what: What::GrantType(Choice::read(grant_type, Place::Word, names)?) })
}

/// What may or must be asked for; nothing if the vendor does not take it, as if nothing is said.
fn read_taken(raw: Option<Spanned<Taken>>, part: fn(Taken) -> Part) -> Option<Planned> {
    let taken = raw.filter(|taken| *taken.get_ref() != Taken::None)?;
    Some(Planned::fixed(taken.span(), part(*taken.get_ref())))
}

fn read_scope(
    taken: Option<Spanned<Taken>>,
    name: Option<Spanned<String>>,
    separator: Option<Spanned<String>>,
) -> Result<Option<Planned>, Problem> {
    let is_none = taken.as_ref().is_some_and(|taken| *taken.get_ref() == Taken::None);
    if let (true, Some(more)) = (is_none, name.as_ref().or(separator.as_ref())) {
        let message = "`scope = \"none\"` says that no scope is taken";
        return Err(Problem::new(&more.span(), message, "take one of the two out"));
    }
    if is_none {
        return Ok(None);
    }
    if let Some(empty) = [&name, &separator].into_iter().flatten().find(|text| text.get_ref().is_empty()) {
        return Err(Problem::new(&empty.span(), "what stands here is empty", "write it, or take the key out"));
    }
    // Where nothing is said, scopes may be asked for, and go to the end.
    let (at, taken) = taken.map_or((usize::MAX..usize::MAX, Taken::Optional), |taken| (taken.span(), *taken.get_ref()));
    let name = name.map_or_else(|| "scope".to_owned(), Spanned::into_inner);
    let separator = separator.map_or_else(|| " ".to_owned(), Spanned::into_inner);
    Ok(Some(Planned::fixed(at, Part::Scope { name, separator, taken })))
}

fn read_parameters(raw: Named<Spanned<format::Choice>>, names: &Names) -> Result<Vec<Planned>, Problem> {
    let read = raw.into_iter().map(|(name, value)| {
        let at = name.span();
        if name.get_ref().is_empty() {
            return Err(Problem::new(&at, "a parameter has no name", "give it the vendor's"));
        }
        let choice = Choice::read(value, Place::Request, names)?;
        check_holds_no_secret(name.get_ref(), &choice)?;
        Ok(Planned { at, what: What::Parameter(name.into_inner(), choice) })
    });
    read.collect()
}

fn read_headers(raw: Named<Spanned<format::Choice>>, names: &Names) -> Result<Vec<Planned>, Problem> {
    let mut headers: Vec<Planned> = Vec::new();
    let mut known = HashSet::new();
    for (name, value) in raw {
        let at = name.span();
        if !known.insert(read_header_name(&name)?) {
            return Err(header_twice(&name));
        }
        let choice = Choice::read(value, Place::Request, names)?;
        check_holds_no_secret(name.get_ref(), &choice)?;
        check_header_values(&choice)?;
        headers.push(Planned { at, what: What::Header(name.into_inner(), choice) });
    }
    Ok(headers)
}

/// A name that a file may give to a header.
pub(crate) fn read_header_name(name: &Spanned<String>) -> Result<HeaderName, Problem> {
    match HeaderName::try_from(name.get_ref()) {
        Ok(header) if !OF_THE_CONNECTION.contains(&header.as_str()) => Ok(header),
        Ok(_) => Err(Problem::new(&name.span(), "this header belongs to the connection", "leave it out")),
        Err(_) => {
            let message = format!("`{}` is not a valid header name", shown(name.get_ref()));
            Err(Problem::new(&name.span(), message, "take letters, digits and hyphens"))
        }
    }
}

pub(crate) fn header_twice(name: &Spanned<String>) -> Problem {
    let message = format!("the header `{}` is written twice", shown(name.get_ref()));
    Problem::new(&name.span(), message, "write it once: capital letters make no difference")
}

/// What a header is to carry whatever the settings are.
pub(crate) fn check_header_values(choice: &Choice) -> Result<(), Problem> {
    let bad = choice.0.iter().find(|alternative| HeaderValue::from_str(&alternative.text).is_err());
    match bad {
        None => Ok(()),
        Some(bad) => Err(Problem::new(&bad.at, "no header can carry this text", "take line breaks and the like out")),
    }
}

/// No secret may stand in a file.
pub(crate) fn check_holds_no_secret(name: &str, choice: &Choice) -> Result<(), Problem> {
    let is_written_out = |alternative: &&Alternative| {
        is_secret(&alternative.text) || (is_name_of_secret(name) && alternative.template.is_constant())
    };
    match choice.0.iter().find(is_written_out) {
        None => Ok(()),
        Some(alternative) => Err(Problem::new(
            &alternative.at,
            format!("here seems to stand a secret, for `{}`, and a file holds none", shown(name)),
            "write {client-secret}, or declare a setting with `secret = true` and write its name in braces",
        )),
    }
}

fn sends_assertion(way: ClientAuthentication) -> bool {
    matches!(way, ClientAuthentication::ClientSecretJwt | ClientAuthentication::PrivateKeyJwt)
}

fn is_basic(way: ClientAuthentication) -> bool {
    matches!(
        way,
        ClientAuthentication::ClientSecretBasic
            | ClientAuthentication::ClientSecretBasicRaw
            | ClientAuthentication::ClientSecretBasicStrict
    )
}

/// The parameters that a way to authenticate writes.
fn written_by(way: ClientAuthentication) -> &'static [&'static str] {
    match way {
        ClientAuthentication::ClientSecretPost => &["client_id", "client_secret"],
        ClientAuthentication::TlsClientAuth | ClientAuthentication::None => &["client_id"],
        way if sends_assertion(way) => &["client_id", "client_assertion_type", "client_assertion"],
        _ => &[],
    }
}

//! The token request as a file describes it, and with the settings filled in.

use std::collections::HashSet;
use std::ops::Range;

use credentials_grant::{
    ClientAuthentication, Endpoint, Error, ErrorKind, RequestBuilder, RequestContext, TokenParameters,
};
use toml::Spanned;

use crate::checks::{check_header_value, check_no_secret, duplicate_header, read_header_name};
use crate::conditional_text::{Alternative, ConditionalText, Destination};
use crate::declared_settings::{CLIENT_ID, CLIENT_SECRET, DeclaredSettings, TOKEN_URL};
use crate::format::{Encoding, Method, Named, Presence, RequestTable, TextValue};
use crate::problem::{Problem, printable};
use crate::setting_values::SettingValues;
use crate::template::ResolvedTemplate;
use crate::url::read_url;

/// The `grant-type` of a vendor that has none.
const NO_GRANT_TYPE: &str = "none";
/// The `authentication` of a vendor whose credentials go into parameters or headers of its own.
const CUSTOM: &str = "custom";
const GRANT_TYPE: &str = "grant_type";

/// The description of a request.
#[derive(Clone)]
pub(crate) struct RequestDescription {
    url: ConditionalText,
    pub(crate) method: Method,
    pub(crate) encoding: Encoding,
    /// The client authentication methods that the settings can select; `None` stands for `custom`.
    pub(crate) methods: Vec<Option<ClientAuthentication>>,
    /// In the order of the file, which is that of the parameters.
    parts: Vec<DescribedPart>,
}

/// A part of the request, and its position in the file.
#[derive(Clone)]
struct DescribedPart {
    at: Range<usize>,
    content: PartContent,
}

#[derive(Clone)]
enum PartContent {
    AssertionAudience(ConditionalText),
    Authentication(ConditionalText),
    /// Does not depend on settings.
    Fixed(RequestPart),
    GrantType(ConditionalText),
    Header(String, ConditionalText),
    Parameter(String, ConditionalText),
}

/// A part of the request with the settings filled in.
#[derive(Clone, Hash)]
pub(crate) enum RequestPart {
    AssertionAudience(String),
    Audience(Presence),
    Authentication(ClientAuthentication),
    AuthorizationDetails(Presence),
    Header(String, ResolvedTemplate),
    Parameter(String, ResolvedTemplate),
    Resource(Presence),
    Scope { parameter: String, separator: String, presence: Presence },
}

impl RequestDescription {
    pub(crate) fn read(table: RequestTable, settings: &DeclaredSettings) -> Result<Self, Problem> {
        check_contradictions(&table)?;
        let method = table.method.as_ref().map(|method| *method.get_ref()).unwrap_or_default();
        let default_encoding = if method == Method::Get { Encoding::Query } else { Encoding::Form };
        let encoding = table.encoding.as_ref().map_or(default_encoding, |encoding| *encoding.get_ref());
        let query_at = table.encoding.as_ref().map(Spanned::span).or_else(|| table.method.as_ref().map(Spanned::span));
        let url = read_url(table.url, settings)?;
        let at = table.authentication.span();
        let authentication = ConditionalText::read(table.authentication, Destination::Keyword, settings)?;
        let methods = authentication.keywords(settings)?.into_iter().map(read_method).collect::<Result<Vec<_>, _>>()?;

        let mut parts = vec![DescribedPart { at: at.clone(), content: PartContent::Authentication(authentication) }];
        let assertion_audience = table.assertion_audience;
        parts.extend(
            assertion_audience.map(|audience| read_assertion_audience(audience, &methods, settings)).transpose()?,
        );
        parts.push(read_grant_type(table.grant_type, settings)?);
        parts.extend(read_scope(table.scope, table.scope_parameter, table.scope_separator)?);
        parts.extend(read_presence(table.audience, RequestPart::Audience));
        parts.extend(read_presence(table.resource, RequestPart::Resource));
        parts.extend(read_presence(table.authorization_details, RequestPart::AuthorizationDetails));
        parts.extend(read_parameters(table.parameters, settings)?);
        parts.extend(read_headers(table.headers, settings)?);
        parts.sort_by_key(|part| part.at.start);
        let request = Self { url, method, encoding, methods, parts };
        request.check_identifies_client(&at)?;
        request.check_no_duplicates()?;
        request.check_secrets_in_url(table.secrets_in_url, &query_at.unwrap_or(at), settings)?;
        Ok(request)
    }

    /// Returns the token URL for these settings, where `token-url` is not set.
    pub(crate) fn endpoint(&self, values: &SettingValues<'_>) -> Result<Endpoint, Error> {
        let Some(Alternative { text, template, .. }) = self.url.choose(values) else {
            return Err(Error::new(ErrorKind::Configuration, "the file has no URL for these settings")
                .with_remedy("end its list of URLs with one that has no `when`"));
        };
        if template.single_variable() == Some(TOKEN_URL) {
            let help = values.help(TOKEN_URL).unwrap_or_default();
            return Err(Error::new(ErrorKind::Configuration, format!("the setting `{TOKEN_URL}` is missing"))
                .with_remedy(format!("set `{TOKEN_URL}`: {help}")));
        }
        let names = template.variables().into_iter().map(|variable| variable.name.as_str());
        let values: Vec<_> = names.map(|name| (name, values.value(name).unwrap_or_default())).collect();
        Endpoint::expand(text, &values)
    }

    /// Returns the parts for these settings.
    pub(crate) fn resolve(&self, values: &SettingValues<'_>) -> Result<Vec<RequestPart>, Error> {
        self.parts.iter().map(|part| part.resolve(values)).filter_map(Result::transpose).collect()
    }

    /// Returns token parameters with which this request can be tried out: those that are required.
    pub(crate) fn required_parameters(&self) -> TokenParameters {
        let parts = self.parts.iter().filter_map(|part| match &part.content {
            PartContent::Fixed(part) => Some(part),
            _ => None,
        });
        parts.fold(TokenParameters::new(), |parameters, part| match part {
            RequestPart::Scope { presence: Presence::Required, .. } => parameters.with_scope("scope"),
            RequestPart::Audience(Presence::Required) => parameters.with_audience("audience"),
            RequestPart::Resource(Presence::Required) => parameters.with_resource("https://resource.invalid"),
            RequestPart::AuthorizationDetails(Presence::Required) => {
                parameters.with_authorization_details(r#"[{"type":"any"}]"#)
            }
            _ => parameters,
        })
    }

    /// Checks that the request identifies the client, whatever the settings are.
    fn check_identifies_client(&self, at: &Range<usize>) -> Result<(), Problem> {
        let identifies = |part: &DescribedPart| match &part.content {
            PartContent::Parameter(_, text) | PartContent::Header(_, text) => {
                text.uses(CLIENT_ID) || text.uses(CLIENT_SECRET)
            }
            _ => false,
        };
        if self.methods.iter().all(Option::is_some) || self.parts.iter().any(identifies) {
            return Ok(());
        }
        let remedy = format!("write {{{CLIENT_ID}}} and {{{CLIENT_SECRET}}} where the vendor wants them");
        Err(Problem::new(at, "the request does not identify the client", remedy))
    }

    /// Checks that the file says so if the request puts a secret into the URL, and only then.
    fn check_secrets_in_url(
        &self,
        allowed: Option<Spanned<bool>>,
        at: &Range<usize>,
        settings: &DeclaredSettings,
    ) -> Result<(), Problem> {
        let is_secret = |part: &DescribedPart| match &part.content {
            PartContent::Parameter(_, text) => text.0.iter().any(|alternative| alternative.has_secret(settings)),
            _ => false,
        };
        let has_secret = self.methods.iter().flatten().any(|method| sends_secret_parameter(*method))
            || self.parts.iter().any(is_secret);
        let puts_secret = self.encoding == Encoding::Query && has_secret;
        match allowed.filter(|allowed| *allowed.get_ref()) {
            None if puts_secret => Err(Problem::new(
                at,
                "the request puts a secret into the URL, which servers and proxies write to their logs",
                "send it in the body or in a header; if the vendor takes it nowhere else, add `secrets-in-url = true`",
            )),
            Some(allowed) if !puts_secret => Err(Problem::new(
                &allowed.span(),
                "this request puts no secret into the URL",
                "remove `secrets-in-url`",
            )),
            _ => Ok(()),
        }
    }

    fn check_no_duplicates(&self) -> Result<(), Problem> {
        let by_methods = self.methods.iter().flatten().flat_map(|method| parameters_of(*method)).copied();
        let by_keys = self.parts.iter().filter_map(|part| match &part.content {
            PartContent::GrantType(text) if text.0.iter().all(|alternative| alternative.text == NO_GRANT_TYPE) => None,
            PartContent::GrantType(_) => Some(GRANT_TYPE),
            PartContent::Fixed(RequestPart::Parameter(name, _) | RequestPart::Scope { parameter: name, .. }) => {
                Some(name.as_str())
            }
            PartContent::Fixed(RequestPart::Audience(_)) => Some("audience"),
            PartContent::Fixed(RequestPart::Resource(_)) => Some("resource"),
            PartContent::Fixed(RequestPart::AuthorizationDetails(_)) => Some("authorization_details"),
            _ => None,
        });
        let written: Vec<_> = by_methods.chain(by_keys).collect();
        let is_basic = self.methods.iter().flatten().any(|method| is_basic(*method));
        let duplicate = self.parts.iter().find_map(|part| match &part.content {
            PartContent::Parameter(name, _) if written.contains(&name.as_str()) => Some((&part.at, name)),
            PartContent::Header(name, _) if is_basic && name.eq_ignore_ascii_case("authorization") => {
                Some((&part.at, name))
            }
            _ => None,
        });
        match duplicate {
            None => Ok(()),
            Some((at, name)) => Err(Problem::new(
                at,
                format!("another key of [request] writes `{}` as well", printable(name)),
                "remove one of them, or set the other to \"none\" or \"custom\"",
            )),
        }
    }
}

impl DescribedPart {
    fn fixed(at: Range<usize>, part: RequestPart) -> Self {
        Self { at, content: PartContent::Fixed(part) }
    }

    fn resolve(&self, values: &SettingValues<'_>) -> Result<Option<RequestPart>, Error> {
        Ok(match &self.content {
            PartContent::Authentication(text) => match text.keyword(values)?.as_str() {
                CUSTOM => None,
                method => Some(RequestPart::Authentication(method.parse()?)),
            },
            PartContent::AssertionAudience(text) => Some(RequestPart::AssertionAudience(text.keyword(values)?)),
            PartContent::GrantType(text) => match text.keyword(values)? {
                none if none == NO_GRANT_TYPE => None,
                value => Some(RequestPart::Parameter(GRANT_TYPE.to_owned(), ResolvedTemplate::constant(value))),
            },
            PartContent::Parameter(name, text) => {
                text.resolve(values)?.map(|value| RequestPart::Parameter(name.clone(), value))
            }
            PartContent::Header(name, text) => {
                text.resolve(values)?.map(|value| RequestPart::Header(name.clone(), value))
            }
            PartContent::Fixed(part) => Some(part.clone()),
        })
    }
}

impl RequestPart {
    /// Adds the part to a request.
    pub(crate) fn add_to<'a>(
        &self,
        request: RequestBuilder<'a>,
        context: &RequestContext<'a>,
    ) -> Result<RequestBuilder<'a>, Error> {
        let parameters = context.parameters();
        Ok(match self {
            Self::Authentication(method) => request.client_authentication(*method),
            Self::AssertionAudience(audience) => request.assertion_audience(audience),
            Self::Parameter(name, template) => match template.render(context)? {
                None => request,
                Some(rendered) if rendered.is_secret => {
                    let request = rendered.encoded_secrets.iter().fold(request, RequestBuilder::redact);
                    request.secret_parameter(name.clone(), &rendered.text.into())
                }
                Some(rendered) => request.parameter(name.clone(), rendered.text),
            },
            Self::Header(name, template) => match template.render(context)? {
                None => request,
                Some(rendered) if rendered.is_secret => {
                    let request = rendered.encoded_secrets.iter().fold(request, RequestBuilder::redact);
                    request.secret_header(name, &rendered.text.into())
                }
                Some(rendered) => request.header(name, &rendered.text),
            },
            Self::Scope { parameter, separator, presence } => {
                check_present(*presence, "a scope", parameters.scopes().len())?;
                request.scope_in(parameter.clone(), separator)
            }
            Self::Audience(presence) => {
                check_present(*presence, "an audience", parameters.audience().iter().len())?;
                request.audience()
            }
            Self::Resource(presence) => {
                check_present(*presence, "a resource", parameters.resources().len())?;
                request.resources()
            }
            Self::AuthorizationDetails(presence) => {
                let count = parameters.authorization_details().iter().len();
                check_present(*presence, "authorization details", count)?;
                request.authorization_details()
            }
        })
    }
}

/// Refuses token parameters that lack what this vendor requires.
fn check_present(presence: Presence, what: &str, count: usize) -> Result<(), Error> {
    if presence == Presence::Required && count == 0 {
        return Err(Error::new(ErrorKind::Configuration, format!("this vendor requires {what}"))
            .with_remedy(format!("ask for {what} that the vendor's page names")));
    }
    Ok(())
}

fn check_contradictions(table: &RequestTable) -> Result<(), Problem> {
    let is_get = table.method.as_ref().is_some_and(|method| *method.get_ref() == Method::Get);
    let Some(encoding) = &table.encoding else { return Ok(()) };
    if is_get && *encoding.get_ref() != Encoding::Query {
        return Err(Problem::new(
            &encoding.span(),
            "a GET has no body",
            "remove `encoding`: the parameters go into the query",
        ));
    }
    let details = table.authorization_details.as_ref().filter(|details| *details.get_ref() != Presence::None);
    if let Some(details) = details.filter(|_| *encoding.get_ref() == Encoding::Json) {
        let message = "authorization details cannot be sent as JSON";
        return Err(Problem::new(&details.span(), message, "remove `authorization-details`"));
    }
    Ok(())
}

fn read_method((at, keyword): (Range<usize>, String)) -> Result<Option<ClientAuthentication>, Problem> {
    if keyword == CUSTOM {
        return Ok(None);
    }
    keyword.parse().map(Some).map_err(|_| {
        let names = ClientAuthentication::ALL.map(ClientAuthentication::name).join(", ");
        Problem::new(&at, "this is not a client authentication method", format!("use one of {names}, {CUSTOM}"))
    })
}

fn read_assertion_audience(
    audience: Spanned<TextValue>,
    methods: &[Option<ClientAuthentication>],
    settings: &DeclaredSettings,
) -> Result<DescribedPart, Problem> {
    let at = audience.span();
    if !methods.iter().flatten().any(|method| sends_assertion(*method)) {
        return Err(Problem::new(&at, "no assertion is sent that could have an audience", "remove it"));
    }
    let text = ConditionalText::read(audience, Destination::Keyword, settings)?;
    Ok(DescribedPart { at, content: PartContent::AssertionAudience(text) })
}

fn read_grant_type(
    grant_type: Option<Spanned<TextValue>>,
    settings: &DeclaredSettings,
) -> Result<DescribedPart, Problem> {
    let Some(grant_type) = grant_type else {
        // The default goes first.
        let default = RequestPart::Parameter(GRANT_TYPE.to_owned(), ResolvedTemplate::constant("client_credentials"));
        return Ok(DescribedPart::fixed(0..0, default));
    };
    let at = grant_type.span();
    let text = ConditionalText::read(grant_type, Destination::Keyword, settings)?;
    Ok(DescribedPart { at, content: PartContent::GrantType(text) })
}

/// Reads whether callers may or must set something. `none` is the default and makes no part.
fn read_presence(presence: Option<Spanned<Presence>>, part: fn(Presence) -> RequestPart) -> Option<DescribedPart> {
    let presence = presence.filter(|presence| *presence.get_ref() != Presence::None)?;
    Some(DescribedPart::fixed(presence.span(), part(*presence.get_ref())))
}

fn read_scope(
    presence: Option<Spanned<Presence>>,
    parameter: Option<Spanned<String>>,
    separator: Option<Spanned<String>>,
) -> Result<Option<DescribedPart>, Problem> {
    let is_none = presence.as_ref().is_some_and(|presence| *presence.get_ref() == Presence::None);
    if let (true, Some(more)) = (is_none, parameter.as_ref().or(separator.as_ref())) {
        let message = "this contradicts `scope = \"none\"`";
        return Err(Problem::new(&more.span(), message, "remove one of the two"));
    }
    if is_none {
        return Ok(None);
    }
    if let Some(empty) = [&parameter, &separator].into_iter().flatten().find(|text| text.get_ref().is_empty()) {
        return Err(Problem::new(&empty.span(), "this value is empty", "write a value, or remove the key"));
    }
    // By default scopes are optional and go last.
    let (at, presence) = presence
        .map_or((usize::MAX..usize::MAX, Presence::Optional), |presence| (presence.span(), *presence.get_ref()));
    let parameter = parameter.map_or_else(|| "scope".to_owned(), Spanned::into_inner);
    let separator = separator.map_or_else(|| " ".to_owned(), Spanned::into_inner);
    Ok(Some(DescribedPart::fixed(at, RequestPart::Scope { parameter, separator, presence })))
}

fn read_parameters(
    table: Named<Spanned<TextValue>>,
    settings: &DeclaredSettings,
) -> Result<Vec<DescribedPart>, Problem> {
    let read = table.into_iter().map(|(name, value)| {
        let at = name.span();
        if name.get_ref().is_empty() {
            return Err(Problem::new(&at, "the name of a parameter is empty", "write the name that the vendor uses"));
        }
        let text = ConditionalText::read(value, Destination::Request, settings)?;
        check_no_secret(name.get_ref(), &text, settings)?;
        Ok(DescribedPart { at, content: PartContent::Parameter(name.into_inner(), text) })
    });
    read.collect()
}

fn read_headers(table: Named<Spanned<TextValue>>, settings: &DeclaredSettings) -> Result<Vec<DescribedPart>, Problem> {
    let mut headers: Vec<DescribedPart> = Vec::new();
    let mut known = HashSet::new();
    for (name, value) in table {
        let at = name.span();
        if !known.insert(read_header_name(&name)?) {
            return Err(duplicate_header(&name));
        }
        let text = ConditionalText::read(value, Destination::Request, settings)?;
        check_no_secret(name.get_ref(), &text, settings)?;
        check_header_value(&text)?;
        headers.push(DescribedPart { at, content: PartContent::Header(name.into_inner(), text) });
    }
    Ok(headers)
}

fn sends_assertion(method: ClientAuthentication) -> bool {
    matches!(method, ClientAuthentication::ClientSecretJwt | ClientAuthentication::PrivateKeyJwt)
}

/// Returns `true` for a method that sends the secret, or an assertion made with it, as a parameter.
fn sends_secret_parameter(method: ClientAuthentication) -> bool {
    method == ClientAuthentication::ClientSecretPost || sends_assertion(method)
}

fn is_basic(method: ClientAuthentication) -> bool {
    matches!(
        method,
        ClientAuthentication::ClientSecretBasic
            | ClientAuthentication::ClientSecretBasicRaw
            | ClientAuthentication::ClientSecretBasicStrict
    )
}

/// Returns the parameters that a client authentication method writes.
fn parameters_of(method: ClientAuthentication) -> &'static [&'static str] {
    match method {
        ClientAuthentication::ClientSecretPost => &["client_id", "client_secret"],
        ClientAuthentication::TlsClientAuth | ClientAuthentication::None => &["client_id"],
        method if sends_assertion(method) => &["client_id", "client_assertion_type", "client_assertion"],
        _ => &[],
    }
}

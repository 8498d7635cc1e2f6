//! What a server says of itself (RFC 8414 section 2), as far as it matters here.

use std::time::Duration;

use credentials_grant::{ClientCredentials, Endpoint, Error, ErrorKind, HttpResponse, ResponseReader, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::issuer::Issuer;

/// For how long metadata are believed that say nothing of it.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// For how long they are believed at most.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How many names a list may have. IANA's registry of client authentication has ten.
const MOST_NAMES: usize = 50;

/// How long one may be, which goes into errors.
const LONGEST_NAME: usize = 60;

/// How long a URL in them may be: what servers take as a request line (RFC 9110 section 4.1).
const LONGEST_URL: usize = 8000;

/// What the `jwks_uri` leads to, as errors call it.
const KEYS: &str = "JSON Web Key Set";

const REMEDY: &str = "check the issuer, or set the token URL instead";

/// What metadata name the URLs of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EndpointKind {
    /// RFC 7662.
    Introspection,
    /// RFC 7009.
    Revocation,
    Token,
}

/// How a client comes to an endpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Connection {
    /// As everybody does.
    Plain,
    /// With a certificate, and so at the alias where there is one (RFC 8705 section 5).
    WithCertificate,
}

/// A server's metadata. What a token needs is checked; what else they name is refused when it is needed.
pub(crate) struct Metadata {
    issuer: String,
    endpoints: Places,
    /// For clients that show a certificate.
    aliases: Places,
    jwks_uri: Place,
    methods: Vec<String>,
    introspection_methods: Option<Vec<String>>,
    revocation_methods: Option<Vec<String>>,
    /// What signs a proof of possession (RFC 9449 section 5.1), if the server takes one.
    pub(crate) dpop_algorithms: Option<Vec<String>>,
    pub(crate) lifetime: Duration,
}

/// A URL that may be named, and may be one that cannot be used.
type Place = Option<Result<Endpoint, Error>>;

struct Places {
    introspection: Place,
    revocation: Place,
    token: Place,
}

/// Nothing optional spoils the whole: it is looked at apart.
#[derive(Deserialize)]
struct Document<'a> {
    issuer: String,
    token_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(borrow)]
    introspection_endpoint: Option<&'a RawValue>,
    #[serde(borrow)]
    introspection_endpoint_auth_methods_supported: Option<&'a RawValue>,
    #[serde(borrow)]
    revocation_endpoint: Option<&'a RawValue>,
    #[serde(borrow)]
    revocation_endpoint_auth_methods_supported: Option<&'a RawValue>,
    #[serde(borrow)]
    jwks_uri: Option<&'a RawValue>,
    #[serde(borrow)]
    mtls_endpoint_aliases: Option<&'a RawValue>,
    #[serde(borrow)]
    dpop_signing_alg_values_supported: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Aliases<'a> {
    #[serde(borrow, rename = "introspection_endpoint")]
    introspection: Option<&'a RawValue>,
    #[serde(borrow, rename = "revocation_endpoint")]
    revocation: Option<&'a RawValue>,
    #[serde(borrow, rename = "token_endpoint")]
    token: Option<&'a RawValue>,
}

impl Metadata {
    /// Reads the answer of an issuer.
    pub(crate) fn read(issuer: &Issuer, response: &HttpResponse) -> Result<Self, Error> {
        let bad =
            |what: String| Error::new(ErrorKind::BadResponse, what).with_status(response.status()).with_remedy(REMEDY);
        if response.status() != StatusCode::OK {
            let error = unreadable("metadata", issuer, response);
            return Err(if error.kind() == ErrorKind::BadResponse { error.with_remedy(REMEDY) } else { error });
        }
        // What is wrong with it in detail is not repeated: it is the server's text.
        let document: Document<'_> = serde_json::from_slice(response.body())
            .map_err(|_| bad(format!("the metadata of {issuer} are not as RFC 8414 section 2 has them")))?;
        if document.issuer != issuer.as_str() {
            let named = shown(&document.issuer);
            return Err(bad(format!("the metadata of {issuer} name another issuer, {named}"))
                .with_remedy("if that is the server you mean, set it as the issuer, to the letter"));
        }
        let Some(token_endpoint) = &document.token_endpoint else {
            return Err(bad(format!("the metadata of {issuer} name no token endpoint")));
        };
        let token_endpoint = place(issuer, "token endpoint", token_endpoint)
            .map_err(|error| error.with_status(response.status()).with_remedy(REMEDY))?;
        let basic = || vec!["client_secret_basic".to_owned()];
        Ok(Self {
            issuer: issuer.to_string(),
            endpoints: Places {
                introspection: optional(issuer, EndpointKind::Introspection.name(), document.introspection_endpoint),
                revocation: optional(issuer, EndpointKind::Revocation.name(), document.revocation_endpoint),
                token: Some(Ok(token_endpoint)),
            },
            aliases: aliases(issuer, document.mtls_endpoint_aliases),
            jwks_uri: optional(issuer, KEYS, document.jwks_uri),
            methods: names(document.token_endpoint_auth_methods_supported.unwrap_or_else(basic)),
            introspection_methods: optional_names(document.introspection_endpoint_auth_methods_supported),
            revocation_methods: optional_names(document.revocation_endpoint_auth_methods_supported),
            dpop_algorithms: optional_names(document.dpop_signing_alg_values_supported),
            lifetime: lifetime(response),
        })
    }

    /// Where an endpoint is, if the metadata name one that can be used.
    pub(crate) fn endpoint(&self, endpoint: EndpointKind, connection: Connection) -> Result<Endpoint, Error> {
        let alias = match connection {
            Connection::Plain => &None,
            Connection::WithCertificate => self.aliases.of(endpoint),
        };
        let place = alias.as_ref().or(self.endpoints.of(endpoint).as_ref());
        place.cloned().unwrap_or_else(|| Err(self.lacking(endpoint.name())))
    }

    /// Where the keys are with which the server signs.
    pub(crate) fn jwks_uri(&self) -> Result<Endpoint, Error> {
        self.jwks_uri.clone().unwrap_or_else(|| Err(self.lacking(KEYS)))
    }

    /// How clients may authenticate there, by the names of the IANA registry: as at the token endpoint, unless the server
    /// says so of another. (To the letter of RFC 8414, that would be Basic for revocation, and unknown for introspection.)
    pub(crate) fn methods(&self, endpoint: EndpointKind) -> &[String] {
        let own = match endpoint {
            EndpointKind::Introspection => &self.introspection_methods,
            EndpointKind::Revocation => &self.revocation_methods,
            EndpointKind::Token => &None,
        };
        own.as_ref().unwrap_or(&self.methods)
    }

    fn lacking(&self, what: &str) -> Error {
        Error::new(ErrorKind::Configuration, format!("the metadata of {} name no {what}", self.issuer))
            .with_remedy("ask the vendor whether the server has one, or do without it")
    }

    /// Whether an answer says that there are no metadata at this place. For whatever is not there, some servers have a page,
    /// and others lead to one.
    pub(crate) fn are_elsewhere(response: &HttpResponse) -> bool {
        let status = response.status();
        let is_page = status == StatusCode::OK && !has_come(response);
        is_page || status.is_redirection() || is_not_there(status)
    }
}

impl EndpointKind {
    /// As errors call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Introspection => "introspection endpoint",
            Self::Revocation => "revocation endpoint",
            Self::Token => "token endpoint",
        }
    }
}

impl Connection {
    /// That of a client with these credentials: whatever proves who it is, its tokens may be bound to the certificate.
    pub(crate) fn of(credentials: &ClientCredentials) -> Self {
        match credentials.certificate() {
            Some(_) => Self::WithCertificate,
            None => Self::Plain,
        }
    }
}

impl Places {
    fn of(&self, endpoint: EndpointKind) -> &Place {
        match endpoint {
            EndpointKind::Introspection => &self.introspection,
            EndpointKind::Revocation => &self.revocation,
            EndpointKind::Token => &self.token,
        }
    }
}

/// The endpoints for clients that show a certificate. Where they are no object, nobody can say which are meant.
fn aliases(issuer: &Issuer, document: Option<&RawValue>) -> Places {
    let text = document.map_or("{}", RawValue::get);
    let aliases = serde_json::from_str(text).unwrap_or(Aliases {
        introspection: document,
        revocation: document,
        token: document,
    });
    Places {
        introspection: optional(issuer, "introspection endpoint for mutual TLS", aliases.introspection),
        revocation: optional(issuer, "revocation endpoint for mutual TLS", aliases.revocation),
        token: optional(issuer, "token endpoint for mutual TLS", aliases.token),
    }
}

fn optional(issuer: &Issuer, what: &str, url: Option<&RawValue>) -> Place {
    let url = url?;
    Some(match serde_json::from_str::<String>(url.get()) {
        Ok(url) => place(issuer, what, &url),
        Err(_) => Err(unusable(format!("the {what} of {issuer} cannot be used: it is no text"))),
    })
}

/// A URL of the server's, to which requests with secrets may go.
fn place(issuer: &Issuer, what: &str, url: &str) -> Result<Endpoint, Error> {
    if url.len() > LONGEST_URL {
        return Err(unusable(format!("the {what} of {issuer} cannot be used: its URL is longer than 8,000 bytes")));
    }
    let place = Endpoint::parse(url)
        .map_err(|error| unusable(format!("the {what} of {issuer} cannot be used: {}", shown(error.message()))))?;
    // Loopback is for whoever tries things out on one machine, and not for whoever a server sends there.
    if place.url().scheme() == "http" && issuer.url().url().scheme() == "https" {
        return Err(unusable(format!("the {what} of {issuer} is {}, which is not https", shown(&place.to_string()))));
    }
    Ok(place)
}

fn unusable(what: String) -> Error {
    Error::new(ErrorKind::BadResponse, what).with_remedy("show the vendor this message: its metadata are wrong")
}

/// A list that may be missing. One that is none says nothing.
fn optional_names(list: Option<&RawValue>) -> Option<Vec<String>> {
    serde_json::from_str(list?.get()).ok().map(names)
}

/// A list of names of IANA's, and not too much of it.
fn names(mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| name.len() <= LONGEST_NAME);
    names.truncate(MOST_NAMES);
    names
}

fn is_not_there(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Why an answer holds no such thing of this issuer.
pub(crate) fn unreadable(what: &str, issuer: &Issuer, response: &HttpResponse) -> Error {
    let status = response.status();
    if is_not_there(status) {
        return Error::new(ErrorKind::BadResponse, format!("{issuer} has no {what} (status {status})"))
            .with_status(status)
            .with_remedy("check the issuer");
    }
    let error = ResponseReader::rfc6749().read_error(response);
    let message = format!("the {what} of {issuer} cannot be read: {}", shown(error.message()));
    let remedy = if error.kind() == ErrorKind::BadResponse { "check the issuer" } else { "try again later" };
    Error::new(error.kind(), message).with_status(status).with_retry(error.retry()).with_remedy(remedy)
}

/// Whether an answer holds a JSON object, good or wrong.
pub(crate) fn has_come(response: &HttpResponse) -> bool {
    response.status() == StatusCode::OK && response.body().trim_ascii_start().starts_with(b"{")
}

/// For how long the answer may be kept: its `Cache-Control` (RFC 9111 section 5.2.2), within reason.
pub(crate) fn lifetime(response: &HttpResponse) -> Duration {
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
pub(crate) fn shown(word: &str) -> String {
    word.chars().flat_map(char::escape_default).take(200).collect()
}

#[cfg(test)]
mod tests {
    use credentials_grant::HeaderMap;

    use super::*;

    const ISSUER: &str = "https://a.example";

    /// Metadata that name a token endpoint, and these members.
    fn with(members: &str) -> Result<Metadata, Error> {
        let body = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"https://a.example/token"{members}}}"#);
        Metadata::read(&ISSUER.parse()?, &HttpResponse::new(StatusCode::OK, HeaderMap::new(), body.into_bytes()))
    }

    fn shown_place(place: Result<Endpoint, Error>) -> String {
        place.map_or_else(|error| error.to_string(), |place| place.url().to_string())
    }

    #[test]
    fn endpoints_are_where_the_metadata_say() {
        let metadata = with(
            r#","introspection_endpoint":"https://b.example/look","revocation_endpoint":"https://a.example/revoke?x",
            "jwks_uri":"https://a.example/keys","mtls_endpoint_aliases":
            {"token_endpoint":"https://mtls.example/token","revocation_endpoint":null,"device_endpoint":1}"#,
        )
        .unwrap();
        let at = |endpoint, connection| shown_place(metadata.endpoint(endpoint, connection));
        assert_eq!(at(EndpointKind::Token, Connection::Plain), "https://a.example/token");
        assert_eq!(at(EndpointKind::Token, Connection::WithCertificate), "https://mtls.example/token");
        for connection in [Connection::Plain, Connection::WithCertificate] {
            assert_eq!(at(EndpointKind::Introspection, connection), "https://b.example/look");
            assert_eq!(at(EndpointKind::Revocation, connection), "https://a.example/revoke?x");
        }
        assert_eq!(shown_place(metadata.jwks_uri()), "https://a.example/keys");
    }

    #[test]
    fn what_the_metadata_do_not_name_is_an_error_that_says_so() {
        let metadata = with("").unwrap();
        let cases = [
            (metadata.endpoint(EndpointKind::Introspection, Connection::Plain), "no introspection endpoint"),
            (metadata.endpoint(EndpointKind::Revocation, Connection::WithCertificate), "no revocation endpoint"),
            (metadata.jwks_uri(), "no JSON Web Key Set"),
        ];
        for (place, lacking) in cases {
            let error = place.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert_eq!(error.message(), format!("the metadata of {ISSUER} name {lacking}"));
            assert!(error.remedy().is_some(), "{error}");
        }
        let token = metadata.endpoint(EndpointKind::Token, Connection::WithCertificate);
        assert_eq!(shown_place(token), "https://a.example/token", "there is no alias for it");
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_when_it_is_needed_and_not_before() {
        let long = format!(r#""https://a.example/{}""#, "x".repeat(8000));
        let cases = [
            (r#""http://a.example/""#, "would send the client secret in the clear"),
            (r#""http://127.0.0.1/""#, "which is not https"),
            (r#""https://u:canary@a.example/""#, "holds credentials"),
            (r#""/relative""#, "not a URL"),
            (r#""""#, "not a URL"),
            ("7", "no text"),
            (r#"["https://a.example/"]"#, "no text"),
            (&*long, "longer than 8,000 bytes"),
        ];
        for (url, why) in cases {
            let metadata = with(&format!(
                r#","introspection_endpoint":{url},"revocation_endpoint":{url},"jwks_uri":{url},
                "mtls_endpoint_aliases":{{"token_endpoint":{url}}}"#
            ))
            .unwrap();
            let refused = [
                (metadata.endpoint(EndpointKind::Introspection, Connection::Plain), "introspection endpoint"),
                (metadata.endpoint(EndpointKind::Revocation, Connection::WithCertificate), "revocation endpoint"),
                (metadata.endpoint(EndpointKind::Token, Connection::WithCertificate), "token endpoint for mutual TLS"),
                (metadata.jwks_uri(), "JSON Web Key Set"),
            ];
            for (place, what) in refused {
                let error = place.expect_err(url);
                assert_eq!(error.kind(), ErrorKind::BadResponse);
                let is_named = error.message().starts_with(&format!("the {what} of {ISSUER} "));
                assert!(is_named && error.message().contains(why), "{why}: {error}");
                assert!(error.message().len() < 400 && !format!("{error:?}").contains("canary"), "{error:?}");
            }
            assert!(metadata.endpoint(EndpointKind::Token, Connection::Plain).is_ok(), "{url}");
        }
    }

    #[test]
    fn aliases_that_are_no_object_are_refused_when_a_certificate_is_shown() {
        for aliases in ["[]", "7", r#"{"token_endpoint":"https://a.example/","token_endpoint":"https://b.example/"}"#] {
            let metadata = with(&format!(r#","mtls_endpoint_aliases":{aliases}"#)).unwrap();
            assert!(metadata.endpoint(EndpointKind::Token, Connection::Plain).is_ok(), "{aliases}");
            metadata.endpoint(EndpointKind::Token, Connection::WithCertificate).expect_err(aliases);
        }
    }

    #[test]
    fn methods_are_those_of_the_token_endpoint_unless_the_metadata_list_others() {
        let methods = |members: &str, endpoint| with(members).unwrap().methods(endpoint).join(" ");
        let token = r#","token_endpoint_auth_methods_supported":["private_key_jwt"]"#;
        let others = format!(r#"{token},"introspection_endpoint_auth_methods_supported":["none"]"#);
        let bad = format!(r#"{token},"introspection_endpoint_auth_methods_supported":"none""#);
        assert_eq!(methods("", EndpointKind::Revocation), "client_secret_basic");
        assert_eq!(methods(token, EndpointKind::Revocation), "private_key_jwt");
        assert_eq!(methods(&others, EndpointKind::Introspection), "none");
        assert_eq!(methods(&others, EndpointKind::Token), "private_key_jwt");
        assert_eq!(methods(&bad, EndpointKind::Introspection), "private_key_jwt");
    }

    #[test]
    fn lists_are_bounded() {
        let many = format!(r#"["{}"{}]"#, "x".repeat(61), r#","ES256""#.repeat(100));
        let metadata = with(&format!(r#","dpop_signing_alg_values_supported":{many}"#)).unwrap();
        assert_eq!(metadata.dpop_algorithms.unwrap(), vec!["ES256"; MOST_NAMES]);
        assert_eq!(with("").unwrap().dpop_algorithms, None);
        assert_eq!(with(r#","dpop_signing_alg_values_supported":{}"#).unwrap().dpop_algorithms, None);
    }
}

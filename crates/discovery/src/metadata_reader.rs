//! Reads the metadata that an issuer publishes, and trusts none of it unchecked.

use credentials_grant::{Endpoint, Error, ErrorKind, HttpResponse, StatusCode, has_repeated_member};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::document::{is_absent, is_document, shown, unreadable};
use crate::endpoint_kind::EndpointKind;
use crate::issuer::Issuer;
use crate::metadata::{Endpoints, Members, Metadata, OptionalUrl};

/// How many names of a list are kept. The IANA registry of client authentication methods has ten.
const MOST_NAMES: usize = 50;

/// The longest name that is kept: it may go into errors.
const LONGEST_NAME: usize = 60;

/// The longest URL that is used: what servers accept as a request line (RFC 9110 section 4.1).
const LONGEST_URL: usize = 8000;

const REMEDY: &str = "check the issuer, or set the token URL instead";

/// Optional members are parsed apart, so that one that is wrong does not spoil the rest.
#[derive(Deserialize)]
struct Json<'a> {
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

/// Reads the response of an issuer's metadata URL.
pub(crate) fn read(issuer: &Issuer, response: &HttpResponse) -> Result<Metadata, Error> {
    let bad = |what: String| {
        let error = Error::new(ErrorKind::BadResponse, what).with_own_words("");
        error.with_status(response.status()).with_remedy(REMEDY)
    };
    if response.status() != StatusCode::OK {
        let error = unreadable("metadata", issuer, response);
        return Err(if error.kind() == ErrorKind::BadResponse { error.with_remedy(REMEDY) } else { error });
    }
    // The parser's error is not repeated: it quotes the server's text.
    let text = response.text();
    let json: Json<'_> = serde_json::from_str(&text)
        .map_err(|_| bad(format!("the metadata of {issuer} is not valid JSON by RFC 8414 section 2")))?;
    if has_repeated_member(text.as_bytes()) {
        return Err(bad(format!("the metadata of {issuer} states something twice")));
    }
    if json.issuer != issuer.as_str() {
        let error = bad(format!("the metadata of {issuer} names another issuer, "));
        return Err(error
            .with_server_words(shown(&json.issuer))
            .with_remedy("if that is the server you mean, set the issuer to exactly this"));
    }
    let Some(token_url) = &json.token_endpoint else {
        return Err(bad(format!("the metadata of {issuer} names no token endpoint")));
    };
    let token_url = url(issuer, "token endpoint", token_url)
        .map_err(|error| error.with_status(response.status()).with_remedy(REMEDY))?;
    let basic = || vec!["client_secret_basic".to_owned()];
    let named = |kind: EndpointKind, member| optional_url(issuer, &kind.to_string(), member);
    let members = Members {
        endpoints: Endpoints {
            introspection: named(EndpointKind::Introspection, json.introspection_endpoint),
            revocation: named(EndpointKind::Revocation, json.revocation_endpoint),
            token: Some(Ok(token_url.clone())),
        },
        mtls_aliases: mtls_aliases(issuer, json.mtls_endpoint_aliases),
        jwks_uri: optional_url(issuer, "JWKS URL", json.jwks_uri),
        methods: names(json.token_endpoint_auth_methods_supported.unwrap_or_else(basic)),
        introspection_methods: optional_names(json.introspection_endpoint_auth_methods_supported),
        revocation_methods: optional_names(json.revocation_endpoint_auth_methods_supported),
        dpop_algorithms: optional_names(json.dpop_signing_alg_values_supported),
    };
    Ok(Metadata::published(issuer.clone(), token_url, members))
}

/// Returns `true` if a response says that there is no metadata at this URL. For URLs that do not exist, some servers
/// have a page, and others redirect to one.
pub(crate) fn is_elsewhere(response: &HttpResponse) -> bool {
    let status = response.status();
    let is_page = status == StatusCode::OK && !is_document(response);
    is_page || status.is_redirection() || is_absent(status)
}

/// Reads the endpoints for clients with a certificate. If they are not an object, none of them can be used.
fn mtls_aliases(issuer: &Issuer, member: Option<&RawValue>) -> Endpoints {
    let text = member.map_or("{}", RawValue::get);
    let what = |kind: EndpointKind| format!("{kind} for mutual TLS");
    let Ok(aliases) = serde_json::from_str::<Aliases<'_>>(text) else {
        let refused = |kind| Some(Err(unusable(issuer, &what(kind), "the aliases are not an object")));
        return Endpoints {
            introspection: refused(EndpointKind::Introspection),
            revocation: refused(EndpointKind::Revocation),
            token: refused(EndpointKind::Token),
        };
    };
    let named = |kind, member| optional_url(issuer, &what(kind), member);
    Endpoints {
        introspection: named(EndpointKind::Introspection, aliases.introspection),
        revocation: named(EndpointKind::Revocation, aliases.revocation),
        token: named(EndpointKind::Token, aliases.token),
    }
}

fn optional_url(issuer: &Issuer, what: &str, member: Option<&RawValue>) -> OptionalUrl {
    let member = member?;
    Some(match serde_json::from_str::<String>(member.get()) {
        Ok(text) => url(issuer, what, &text),
        Err(_) => Err(unusable(issuer, what, "it is not a string")),
    })
}

/// Reads a URL to which requests with secrets may go.
fn url(issuer: &Issuer, what: &str, url: &str) -> Result<Endpoint, Error> {
    if url.len() > LONGEST_URL {
        return Err(unusable(issuer, what, "its URL is longer than 8,000 bytes"));
    }
    let endpoint =
        Endpoint::parse(url).map_err(|error| unusable(issuer, what, "").with_server_words(shown(error.message())))?;
    // `Endpoint` accepts plain HTTP to loopback for trials on one machine, and no remote server may send us there.
    if endpoint.url().scheme() == "http" && issuer.url().url().scheme() == "https" {
        let error = unusable(issuer, what, "").with_server_words(shown(&endpoint.to_string()));
        return Err(error.with_own_words(" is not https"));
    }
    Ok(endpoint)
}

fn unusable(issuer: &Issuer, what: &str, why: &str) -> Error {
    Error::new(ErrorKind::BadResponse, format!("the {what} of {issuer} cannot be used: {why}"))
        .with_own_words("")
        .with_remedy("show the vendor this message: its metadata is wrong")
}

/// Reads a list that may be missing. Anything else than a list of strings counts as missing.
fn optional_names(member: Option<&RawValue>) -> Option<Vec<String>> {
    serde_json::from_str(member?.get()).ok().map(names)
}

/// Drops what is too long, or too much, to be a list of registered names.
fn names(mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| name.len() <= LONGEST_NAME);
    names.truncate(MOST_NAMES);
    names
}

#[cfg(test)]
mod tests {
    use credentials_grant::{ClientCertificate, ClientCredentials, HeaderMap};

    use super::*;

    const ISSUER: &str = "https://a.example";

    /// Metadata with a token endpoint and these members.
    fn with(members: &str) -> Result<Metadata, Error> {
        let body = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"https://a.example/token"{members}}}"#);
        read(&ISSUER.parse()?, &HttpResponse::new(StatusCode::OK, HeaderMap::new(), body.into_bytes()))
    }

    fn shown_url(url: Result<Endpoint, Error>) -> String {
        url.map_or_else(|error| error.to_string(), |url| url.url().to_string())
    }

    fn secret() -> ClientCredentials {
        ClientCredentials::new("id", "secret")
    }

    fn with_certificate() -> ClientCredentials {
        secret().with_certificate(ClientCertificate::from_pem("a certificate"))
    }

    #[test]
    fn endpoints_are_where_the_metadata_says() {
        let metadata = with(
            r#","introspection_endpoint":"https://b.example/look","revocation_endpoint":"https://a.example/revoke?x",
            "jwks_uri":"https://a.example/keys","mtls_endpoint_aliases":
            {"token_endpoint":"https://mtls.example/token","revocation_endpoint":null,"device_endpoint":1}"#,
        )
        .unwrap();
        let at = |endpoint, credentials: ClientCredentials| shown_url(metadata.endpoint(endpoint, &credentials));
        assert_eq!(at(EndpointKind::Token, secret()), "https://a.example/token");
        assert_eq!(at(EndpointKind::Token, with_certificate()), "https://mtls.example/token");
        for credentials in [secret(), with_certificate()] {
            assert_eq!(at(EndpointKind::Introspection, credentials.clone()), "https://b.example/look");
            assert_eq!(at(EndpointKind::Revocation, credentials), "https://a.example/revoke?x");
        }
        assert_eq!(shown_url(metadata.jwks_uri()), "https://a.example/keys");
    }

    #[test]
    fn an_endpoint_that_the_metadata_does_not_name_is_an_error_that_says_so() {
        let metadata = with("").unwrap();
        let cases = [
            (metadata.endpoint(EndpointKind::Introspection, &secret()), "no introspection endpoint"),
            (metadata.endpoint(EndpointKind::Revocation, &with_certificate()), "no revocation endpoint"),
            (metadata.jwks_uri(), "no JWKS URL"),
        ];
        for (place, missing) in cases {
            let error = place.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert_eq!(error.message(), format!("the metadata of {ISSUER} names {missing}"));
            assert!(error.remedy().is_some(), "{error}");
        }
        let token = metadata.endpoint(EndpointKind::Token, &with_certificate());
        assert_eq!(shown_url(token), "https://a.example/token", "there is no alias for it");
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_when_it_is_needed_and_not_before() {
        let long = format!(r#""https://a.example/{}""#, "x".repeat(8000));
        let cases = [
            (r#""http://a.example/""#, "would send secrets unencrypted"),
            (r#""http://127.0.0.1/""#, "is not https"),
            (r#""https://u:canary@a.example/""#, "holds credentials"),
            (r#""/relative""#, "not a valid URL"),
            (r#""""#, "not a valid URL"),
            ("7", "it is not a string"),
            (r#"["https://a.example/"]"#, "it is not a string"),
            (&*long, "longer than 8,000 bytes"),
        ];
        for (url, why) in cases {
            let metadata = with(&format!(
                r#","introspection_endpoint":{url},"revocation_endpoint":{url},"jwks_uri":{url},
                "mtls_endpoint_aliases":{{"token_endpoint":{url}}}"#
            ))
            .unwrap();
            let refused = [
                (metadata.endpoint(EndpointKind::Introspection, &secret()), "introspection endpoint"),
                (metadata.endpoint(EndpointKind::Revocation, &with_certificate()), "revocation endpoint"),
                (metadata.endpoint(EndpointKind::Token, &with_certificate()), "token endpoint for mutual TLS"),
                (metadata.jwks_uri(), "JWKS URL"),
            ];
            for (place, what) in refused {
                let error = place.expect_err(url);
                assert_eq!(error.kind(), ErrorKind::BadResponse);
                let is_named = error.message().starts_with(&format!("the {what} of {ISSUER} cannot be used: "));
                assert!(is_named && error.message().contains(why), "{why}: {error}");
                assert!(error.message().len() < 400 && !format!("{error:?}").contains("canary"), "{error:?}");
            }
            assert!(metadata.endpoint(EndpointKind::Token, &secret()).is_ok(), "{url}");
        }
    }

    #[test]
    fn aliases_that_are_not_an_object_are_refused_when_a_certificate_is_shown() {
        for aliases in ["[]", "7", r#""https://a.example/token""#] {
            let metadata = with(&format!(r#","mtls_endpoint_aliases":{aliases}"#)).unwrap();
            assert!(metadata.endpoint(EndpointKind::Token, &secret()).is_ok(), "{aliases}");
            metadata.endpoint(EndpointKind::Token, &with_certificate()).expect_err(aliases);
        }
    }

    #[test]
    fn metadata_that_states_something_twice_is_refused() {
        let twice = [
            r#","jwks_uri":"https://a.example/keys","jwks_uri":"https://a.example/keys""#,
            r#","mtls_endpoint_aliases":{"token_endpoint":"https://a.example/","token_endpoint":"https://b.example/"}"#,
            r#","other":1,"\u006fther":1"#,
            r#","other":[{"a":1,"a":2}]"#,
            r#","issuer":"https://a.example""#,
        ];
        for twice in twice {
            let error = with(twice).map(|_| ()).expect_err(twice);
            assert_eq!(error.kind(), ErrorKind::BadResponse);
            assert!(error.message().contains("twice") || error.message().contains("not valid JSON"), "{error}");
        }
    }

    #[test]
    fn methods_are_those_of_the_token_endpoint_unless_the_metadata_lists_others() {
        let methods = |members: &str, endpoint| with(members).unwrap().methods(endpoint).unwrap().join(" ");
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
        assert_eq!(metadata.dpop_algorithms().unwrap(), vec!["ES256"; MOST_NAMES]);
        assert_eq!(with("").unwrap().dpop_algorithms(), None);
        assert_eq!(with(r#","dpop_signing_alg_values_supported":{}"#).unwrap().dpop_algorithms(), None);
    }
}

//! Token requests: what goes where, and what is refused before anything is sent.

use crate::acme::{credentials, received};
use credentials_grant::{
    ClientAuthentication, ClientCertificate, ClientCredentials, CredentialsGrant, Endpoint, Error, ErrorKind,
    ExpiryUnit, HttpRequest, HttpResponse, RequestBuilder, RequestContext, RequestSeed, ResponseReader, SecretString,
    TokenParameters, UnsignedRequest, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer, response};
use futures_executor::block_on;

/// Describes a request, and lays it out.
fn sealed(
    parameters: &TokenParameters,
    describe: impl FnOnce(RequestBuilder<'_>) -> RequestBuilder<'_>,
) -> Result<HttpRequest, Error> {
    let credentials = credentials();
    let context = RequestContext::new(&credentials, parameters, RequestSeed::fixed());
    describe(context.post(&Acme::endpoint())).build()?.dry_run()
}

fn body(request: &HttpRequest) -> &str {
    std::str::from_utf8(request.body()).unwrap()
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn a_form_with_basic_is_what_rfc_6749_asks_for() {
    let parameters = TokenParameters::new().with_scopes(["scope1", "scope2"]).with_audience("audience1");
    let request = sealed(&parameters, |request| {
        request.client_authentication(ClientAuthentication::ClientSecretBasic).client_credentials().scope().audience()
    });
    let request = request.unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(header(&request, "authorization"), Some("Basic Q0xJRU5UX0lEOkNMSUVOVF9TRUNSRVQ="));
    assert_eq!(header(&request, "content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(header(&request, "accept"), Some("application/json"));
    assert_eq!(body(&request), "grant_type=client_credentials&scope=scope1%20scope2&audience=audience1");
}

#[test]
fn credentials_in_the_body_leave_no_authorization_header() {
    let request = sealed(&TokenParameters::new(), |request| {
        request.client_credentials().client_authentication(ClientAuthentication::ClientSecretPost)
    });
    let request = request.unwrap();
    assert_eq!(header(&request, "authorization"), None);
    assert_eq!(body(&request), "grant_type=client_credentials&client_id=CLIENT_ID&client_secret=CLIENT_SECRET");
}

#[test]
fn without_scopes_there_is_no_scope_parameter() {
    let request =
        sealed(&TokenParameters::new(), |request| request.client_credentials().scope().audience().resources());
    assert_eq!(body(&request.unwrap()), "grant_type=client_credentials");
}

#[test]
fn resources_are_repeated_in_their_order() {
    let parameters = TokenParameters::new().with_resource("urn:b").with_resource("urn:a");
    let request = sealed(&parameters, |request| request.client_credentials().resources());
    assert_eq!(body(&request.unwrap()), "grant_type=client_credentials&resource=urn%3Ab&resource=urn%3Aa");
}

#[test]
fn json_keeps_the_order_in_which_it_was_described() {
    let request = sealed(&TokenParameters::new(), |request| {
        request.json().parameter("z", "1\"").parameter("a", "é").grant_type("g")
    });
    let request = request.unwrap();
    assert_eq!(body(&request), r#"{"z":"1\"","a":"é","grant_type":"g"}"#);
    assert_eq!(header(&request, "content-type"), Some("application/json"));
}

#[test]
fn a_query_keeps_what_the_url_has_and_leaves_the_body_empty() {
    let endpoint = Endpoint::from_static("https://auth.example.com/token?api=v2");
    let (credentials, parameters) = (credentials(), TokenParameters::new());
    let context = RequestContext::new(&credentials, &parameters, RequestSeed::fixed());
    for request in [context.get(&endpoint), context.post(&endpoint).query()] {
        let request = request.client_credentials().build().unwrap().dry_run().unwrap();
        assert_eq!(request.url().query(), Some("api=v2&grant_type=client_credentials"));
        assert!(request.body().is_empty() && header(&request, "content-type").is_none());
        assert_eq!(request.shown_url(), "https://auth.example.com/token");
    }
}

#[test]
fn a_request_without_parameters_has_no_body_and_no_type_of_it() {
    let secret = SecretString::from("s");
    let request = sealed(&TokenParameters::new(), |request| {
        request.header("client_id", "i").secret_header("client_secret", &secret)
    });
    let request = request.unwrap();
    assert!(request.body().is_empty() && header(&request, "content-type").is_none());
    assert_eq!(header(&request, "client_secret"), Some("s"));
}

#[test]
fn a_header_set_by_hand_replaces_and_never_doubles() {
    let request = sealed(&TokenParameters::new(), |request| {
        request
            .client_credentials()
            .header("accept", "application/xml")
            .header("Accept", "text/xml")
            .header("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
    });
    let request = request.unwrap();
    assert_eq!(request.headers().get_all("accept").iter().count(), 1);
    assert_eq!(header(&request, "accept"), Some("text/xml"));
    assert_eq!(header(&request, "content-type"), Some("application/x-www-form-urlencoded;charset=UTF-8"));
}

#[test]
fn scopes_are_separated_as_the_vendor_has_it() {
    let parameters = TokenParameters::new().with_scopes(["a", "b"]);
    let request = sealed(&parameters, |request| request.scope_separated_by(","));
    assert_eq!(body(&request.unwrap()), "scope=a%2Cb");
    let request = sealed(&parameters, |request| request.scope_in("scopes", " "));
    assert_eq!(body(&request.unwrap()), "scopes=a%20b");
}

#[test]
fn further_parameters_go_to_the_end_and_contradict_nothing() {
    let with = |name: &str, value: &str| {
        let parameters = TokenParameters::new().with_extra_parameter(name, value);
        sealed(&parameters, |request| request.client_credentials().parameter("tenant", "1"))
    };
    assert_eq!(body(&with("x", "a b").unwrap()), "grant_type=client_credentials&tenant=1&x=a%20b");
    assert_eq!(body(&with("tenant", "1").unwrap()), "grant_type=client_credentials&tenant=1", "the same, said twice");
    for (name, value) in
        [("tenant", "2"), ("grant_type", "x"), ("client_id", "x"), ("client_secret", "x"), ("scope", "x"), ("", "x")]
    {
        let error = with(name, value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{name}");
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
    }
    let twice = TokenParameters::new().with_extra_parameter("x", "1").with_extra_parameter("x", "2");
    assert!(sealed(&twice, |request| request.grant_type("g")).is_err());
}

#[test]
fn an_ask_that_the_vendor_does_not_take_is_refused_and_named() {
    let asks = [
        (TokenParameters::new().with_scope("a"), "scope"),
        (TokenParameters::new().with_audience("a"), "audience"),
        (TokenParameters::new().with_resource("a"), "resource"),
    ];
    for (parameters, what) in asks {
        let error = sealed(&parameters, |request| request.grant_type("g")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn a_certificate_goes_along_with_whatever_proves_who_the_client_is() {
    let certificate = ClientCertificate::from_pem("canary");
    let credentials = ClientCredentials::new("id", "secret").with_certificate(certificate.clone());
    let parameters = TokenParameters::new();
    let dry_run = |way| {
        let request =
            RequestContext::dry_run(&credentials, &parameters).post(&Acme::endpoint()).client_authentication(way);
        request.build().unwrap().dry_run().unwrap()
    };
    let by_certificate = dry_run(ClientAuthentication::TlsClientAuth);
    assert_eq!(by_certificate.body(), b"client_id=id");
    for request in [by_certificate, dry_run(ClientAuthentication::ClientSecretBasic)] {
        assert_eq!(request.client_certificate(), Some(&certificate));
        assert!(!format!("{request:?} {credentials:?}").contains("canary"), "{request:?} {credentials:?}");
    }
    let unauthenticated =
        RequestContext::dry_run(&credentials, &parameters).get(&Acme::endpoint()).build().unwrap().dry_run().unwrap();
    assert_eq!(unauthenticated.client_certificate(), None, "whoever asks for metadata need not say who it is");
}

#[test]
fn what_cannot_be_written_is_refused_by_name_and_without_its_value() {
    let canary = SecretString::from("canary\r\nforged: header");
    let error = sealed(&TokenParameters::new(), |request| request.secret_header("x-app-key", &canary)).unwrap_err();
    assert!(error.to_string().contains("x-app-key") && !format!("{error:?}").contains("canary"), "{error}");
    assert!(sealed(&TokenParameters::new(), |request| request.header("no name", "x")).is_err());

    let empty = ClientCredentials::new("id", "");
    let parameters = TokenParameters::new();
    let context = RequestContext::new(&empty, &parameters, RequestSeed::fixed());
    let by_secret = |way: &ClientAuthentication| {
        use ClientAuthentication::{None, PrivateKeyJwt, TlsClientAuth};
        !matches!(way, TlsClientAuth | None | PrivateKeyJwt)
    };
    for way in ClientAuthentication::ALL.into_iter().filter(by_secret) {
        let error = context.post(&Acme::endpoint()).client_authentication(way).build().unwrap_err();
        assert!(error.to_string().contains("client secret is empty"), "{way}: {error}");
    }
}

#[test]
fn no_parameter_stands_twice_but_a_forms_resource() {
    let error = sealed(&TokenParameters::new(), |request| request.parameter("a", "1").parameter("a", "1")).unwrap_err();
    assert!(error.to_string().contains("\"a\""), "{error}");
    let parameters = TokenParameters::new().with_resource("urn:a").with_resource("urn:b");
    let error = sealed(&parameters, |request| request.json().resources()).unwrap_err();
    assert!(error.to_string().contains("\"resource\""), "{error}");
}

#[test]
fn authorization_details_go_into_a_form_or_are_refused() {
    let parameters = TokenParameters::new().with_authorization_details(r#"[{"type":"a"}]"#);
    let request = sealed(&parameters, |request| request.grant_type("g").authorization_details()).unwrap();
    assert_eq!(body(&request), "grant_type=g&authorization_details=%5B%7B%22type%22%3A%22a%22%7D%5D");
    for request in
        [sealed(&parameters, |request| request), sealed(&parameters, |request| request.json().authorization_details())]
    {
        let error = request.unwrap_err();
        assert!(error.message().replace('_', " ").contains("authorization details"), "{error}");
    }
}

#[test]
fn settings_name_authentication_methods_and_units_and_nothing_else() {
    for (method, name) in ClientAuthentication::ALL.into_iter().zip([
        "client_secret_basic",
        "client_secret_basic_raw",
        "client_secret_basic_strict",
        "client_secret_post",
        "none",
        "client_secret_jwt",
        "private_key_jwt",
        "tls_client_auth",
    ]) {
        assert_eq!((method.to_string().as_str(), name.parse::<ClientAuthentication>().unwrap()), (name, method));
    }
    let refusal = "digest".parse::<ClientAuthentication>().unwrap_err().to_string();
    assert!(refusal.contains("client_secret_basic, client_secret_basic_raw"), "{refusal}");
    let units = [
        ("seconds", ExpiryUnit::Seconds),
        ("milliseconds", ExpiryUnit::Milliseconds),
        ("minutes", ExpiryUnit::Minutes),
    ];
    for (name, unit) in units {
        assert_eq!(name.parse::<ExpiryUnit>().unwrap(), unit);
    }
    assert!("hours".parse::<ExpiryUnit>().unwrap_err().to_string().contains("seconds, milliseconds or minutes"));
}

#[test]
fn what_is_printed_names_the_parts_and_no_secret() {
    let secret = SecretString::from("canary");
    let credentials = ClientCredentials::new("id", "canary").with_secret("key", "canary");
    let parameters = TokenParameters::new();
    let context = RequestContext::new(&credentials, &parameters, RequestSeed::fixed());
    let endpoint = Endpoint::from_static("https://auth.example.com/token?key=canary");
    let builder = context
        .post(&endpoint)
        .client_authentication(ClientAuthentication::ClientSecretPost)
        .secret_header("x-key", &secret);
    let shown = format!("{credentials:?} {builder:?}");
    let request = builder.build().unwrap();
    let shown = format!("{shown} {request:?}");
    let shown = format!("{shown} {:?}", request.dry_run().unwrap());
    for word in ["id", "key", "client_secret", "x-key", "https://auth.example.com/token", "Sensitive"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(!shown.contains("canary"), "{shown}");
    let response = response(200, &[("set-cookie", "canary")], "canary");
    let shown = format!("{response:?}");
    assert!(shown.contains("set-cookie") && shown.contains("[6 bytes]") && !shown.contains("canary"), "{shown}");
}

#[test]
fn an_attempt_has_a_request_id_of_its_own() {
    let (credentials, parameters) = (credentials(), TokenParameters::new());
    let id = |entropy| {
        RequestContext::new(&credentials, &parameters, RequestSeed::new(RequestSeed::fixed().now, entropy)).request_id()
    };
    assert_eq!(id([0; 16]), "00000000-0000-4000-8000-000000000000");
    assert_ne!(id([1; 16]), id([2; 16]));
}

#[test]
fn the_same_provider_writes_the_same_request_twice() {
    let (credentials, parameters) = (credentials(), TokenParameters::new().with_scope("a"));
    let context = RequestContext::new(&credentials, &parameters, RequestSeed::fixed());
    let acme = Acme::new();
    let request = || acme.token_request(&context).unwrap().dry_run().unwrap();
    assert_eq!(request().body(), request().body());
    assert_eq!(request().headers(), request().headers());
}

/// A vendor whose token takes several requests, or never comes.
#[derive(Debug)]
struct Steps {
    endless: bool,
}

impl CredentialsGrant for Steps {
    fn name(&self) -> &'static str {
        "steps"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context.post(&Acme::endpoint()).parameter("step", "1").continues().build()
    }

    fn next_request(&self, context: &RequestContext<'_>, response: &HttpResponse) -> Result<UnsignedRequest, Error> {
        if !response.status().is_success() {
            return Err(ResponseReader::rfc6749().read_error(response));
        }
        let next = context.post(&Acme::endpoint()).parameter("step", "2").scope();
        if self.endless { next.continues().build() } else { next.build() }
    }
}

fn walk(provider: &Steps, server: &TestServer) -> Result<String, Error> {
    let parameters = TokenParameters::new().with_scope("a");
    let token = block_on(fetch_token(provider, &credentials(), &parameters, server, RequestSeed::fixed()))?;
    Ok(token.header_value().to_str().unwrap().to_owned())
}

#[test]
fn a_vendor_may_need_several_requests() {
    let server = TestServer::in_turn([response(200, &[], "{}"), response(200, &[], r#"{"access_token":"abc"}"#)]);
    assert_eq!(walk(&Steps { endless: false }, &server).unwrap(), "Bearer abc");
    let asked = received(&server);
    assert_eq!(
        asked,
        ["POST https://auth.example.com/token step=1", "POST https://auth.example.com/token step=2&scope=a"]
    );
}

#[test]
fn a_refusal_of_the_first_request_ends_the_trip() {
    let server = TestServer::in_turn([response(401, &[], r#"{"error":"invalid_client"}"#)]);
    let error = walk(&Steps { endless: false }, &server).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::CredentialsRefused, Some("steps")));
}

#[test]
fn a_trip_without_end_ends_after_four_requests() {
    let server = TestServer::in_turn((0..4).map(|_| response(200, &[], "{}")));
    let error = walk(&Steps { endless: true }, &server).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadResponse);
    assert_eq!(server.request_count(), 4);
}

#[test]
fn the_client_id_is_a_parameter_if_asked_and_never_twice() {
    use ClientAuthentication::{ClientSecretBasic, ClientSecretBasicRaw, ClientSecretBasicStrict};

    let (credentials, parameters) = (ClientCredentials::new("my id", "secret"), TokenParameters::new().with_scope("a"));
    let context = RequestContext::dry_run(&credentials, &parameters);
    for method in [ClientSecretBasic, ClientSecretBasicRaw, ClientSecretBasicStrict] {
        // Wherever it is called.
        let before = context.post(&Acme::endpoint()).client_id_parameter().client_credentials();
        let before = before.client_authentication(method).scope().build().unwrap().dry_run().unwrap();
        let after = context.post(&Acme::endpoint()).client_credentials().client_authentication(method);
        let after = after.scope().client_id_parameter().build().unwrap().dry_run().unwrap();
        for request in [before, after] {
            assert!(request.headers().contains_key("authorization"));
            assert_eq!(request.body(), b"grant_type=client_credentials&scope=a&client_id=my%20id");
        }
    }
    for method in [ClientAuthentication::ClientSecretPost, ClientAuthentication::None] {
        let with = |request: RequestBuilder<'_>| {
            let request = request.client_authentication(method).scope().build().unwrap();
            request.dry_run().unwrap().body().to_vec()
        };
        let plain = with(context.post(&Acme::endpoint()));
        assert_eq!(with(context.post(&Acme::endpoint()).client_id_parameter()), plain, "{method}");
    }
    let nobody = ClientCredentials::new("", "secret");
    let context = RequestContext::dry_run(&nobody, &parameters);
    let error = context.post(&Acme::endpoint()).client_id_parameter().scope().build().unwrap_err();
    assert!(error.to_string().contains("the client id is empty"), "{error}");
}

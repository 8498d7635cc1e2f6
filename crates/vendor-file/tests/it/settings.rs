//! Providers built from a file: what settings do, and which are refused.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials_grant_test_kit::{TestServer, response};
use credentials_grant_vendor_file::settings::Settings;
use credentials_grant_vendor_file::{
    AccessToken, ClientAuthentication, ClientCredentials, CredentialsGrant, Error, ErrorKind, ExposeSecret,
    HttpRequest, HttpResponse, LifetimeSource, RequestContext, RequestSeed, StatusCode, TokenParameters, VendorFile,
    fetch_token,
};

/// Returns a file with these tables and the keys that every file has.
fn file(tables: &str) -> VendorFile {
    let text = format!("name = \"acme\"\ntitle = \"Acme\"\nsource = \"this test\"\nread = 2026-11-26\n{tables}");
    VendorFile::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn with(settings: &[(&str, &str)]) -> Settings {
    settings.iter().fold(Settings::new(), |settings, (name, value)| settings.with(*name, *value))
}

fn sealed_for(tables: &str, settings: &[(&str, &str)], parameters: &TokenParameters) -> Result<HttpRequest, Error> {
    let credentials = ClientCredentials::new("id", "canary").with_secret("key", "canary-key");
    file(tables).provider(&with(settings))?.token_request(&RequestContext::dry_run(&credentials, parameters))?.dry_run()
}

fn body(tables: &str, settings: &[(&str, &str)], parameters: &TokenParameters) -> String {
    let request = sealed_for(tables, settings, parameters).unwrap_or_else(|error| panic!("{error}\n{tables}"));
    String::from_utf8(request.body().to_vec()).unwrap()
}

fn refusal(tables: &str, settings: &[(&str, &str)], parameters: &TokenParameters) -> String {
    let error = sealed_for(tables, settings, parameters).expect_err(tables);
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.remedy().is_some() && !error.to_string().contains('\n'), "{error}");
    error.to_string()
}

const BASIC: &str = "[request]\nurl = \"https://auth.example.com/token\"\nauthentication = \"client_secret_basic\"\n";

#[test]
fn the_defaults_are_those_of_rfc_6749() {
    let parameters = TokenParameters::new().with_scopes(["a", "b"]).with_extra_parameter("further", "1");
    let request = sealed_for(BASIC, &[], &parameters).unwrap();
    assert_eq!((request.method().as_str(), request.url().as_str()), ("POST", "https://auth.example.com/token"));
    assert_eq!(request.body(), b"grant_type=client_credentials&scope=a%20b&further=1");
    assert_eq!(request.headers()["authorization"], "Basic aWQ6Y2FuYXJ5");
    let policy = file(BASIC).provider(&Settings::new()).unwrap().policy();
    assert!(policy.hosts().is_empty() && policy.limits().is_empty() && policy.lifetime().is_none());
}

#[test]
fn parameters_go_out_in_the_order_of_the_file() {
    let order = |lines: &[&str]| {
        let tables = format!("[request]\nurl = \"https://a.example/\"\n{}\n", lines.join("\n"));
        body(&tables, &[], &TokenParameters::new().with_scope("s").with_audience("a"))
    };
    let lines = [
        "authentication = \"none\"",
        "parameters.b = \"1\"",
        "scope = \"optional\"",
        "grant-type = \"g\"",
        "audience = \"optional\"",
        "parameters.a = \"2\"",
    ];
    assert_eq!(order(&lines), "client_id=id&b=1&scope=s&grant_type=g&audience=a&a=2");
    let mut backwards = lines;
    backwards.reverse();
    assert_eq!(order(&backwards), "a=2&audience=a&grant_type=g&scope=s&b=1&client_id=id");
}

#[test]
fn the_client_id_may_be_a_parameter_beside_basic() {
    for (method, header) in [
        ("client_secret_basic", "Basic aWQ6YSUyQmI="),
        ("client_secret_basic_raw", "Basic aWQ6YSti"),
        ("client_secret_basic_strict", "Basic aWQ6YSUyQmI="),
    ] {
        let tables =
            format!("{}parameters.client_id = \"{{client-id}}\"\n", BASIC.replace("client_secret_basic", method));
        let (credentials, parameters) = (ClientCredentials::new("id", "a+b"), TokenParameters::new());
        let provider = file(&tables).provider(&Settings::new()).unwrap();
        let request = provider.token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap();
        let request = request.dry_run().unwrap();
        assert_eq!(request.headers()["authorization"], header);
        assert_eq!(request.body(), b"grant_type=client_credentials&client_id=id");
    }
}

#[test]
fn a_parameter_whose_optional_value_is_not_set_is_left_out() {
    let tables = "[settings.tenant]\nhelp = \"x\"\noptional = true\n[settings.key]\nhelp = \"x\"\nsecret = true\noptional = true\n\
        [request]\nurl = \"https://a.example/{tenant?}/token\"\nauthentication = \"none\"\nparameters.tenant = \"t-{tenant}\"\n\
        headers.X-Key = \"{base64({key})}\"\n";
    let request = sealed_for(tables, &[("tenant", "7")], &TokenParameters::new()).unwrap();
    assert_eq!(request.url().path(), "/7/token");
    assert_eq!(request.body(), b"grant_type=client_credentials&client_id=id&tenant=t-7");
    assert_eq!(request.headers()["x-key"], "Y2FuYXJ5LWtleQ==");
    assert!(request.headers()["x-key"].is_sensitive());

    let request = sealed_for(tables, &[("tenant", " ")], &TokenParameters::new()).unwrap();
    assert_eq!((request.url().path(), request.body()), ("/token", &b"grant_type=client_credentials&client_id=id"[..]));
    let (credentials, parameters) = (ClientCredentials::without_secret("id"), TokenParameters::new());
    let vendor = file(tables).provider(&Settings::new()).unwrap();
    let without = vendor.token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap().dry_run().unwrap();
    assert!(!without.headers().contains_key("x-key"));
}

#[test]
fn a_missing_secret_is_named() {
    let tables = "[settings.gateway-key]\nhelp = \"x\"\nsecret = true\n[request]\nurl = \"https://a.example/\"\nauthentication = \"none\"\n\
        headers.X-Key = \"{gateway-key}\"\n";
    let (credentials, parameters) = (ClientCredentials::without_secret("id"), TokenParameters::new());
    let vendor = file(tables).provider(&Settings::new()).expect("secrets are not checked yet");
    let error = vendor.token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap_err();
    assert!(error.to_string().starts_with("the credentials lack the secret `gateway-key`; add the secret"), "{error}");
    let calls_alone = tables.replace("headers.X-Key", "[policy]\npresentation.extra-headers.X-Key");
    let vendor = file(&calls_alone).provider(&Settings::new()).unwrap();
    let error = vendor.token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap_err();
    assert!(
        error.message().contains("lack the secret `gateway-key`"),
        "no token is requested that no call could use: {error}"
    );

    let set = refusal(tables, &[("gateway-key", "canary")], &TokenParameters::new());
    assert!(set.contains("`gateway-key` is a secret, not a setting") && !set.contains("canary"), "{set}");
}

#[test]
fn token_parameters_are_required_optional_or_refused() {
    let asking = |lines: &str| format!("{BASIC}{lines}\n");
    let cases = [
        ("scope = \"required\"", "a scope", TokenParameters::new().with_scope("x"), "scope=x"),
        ("audience = \"required\"", "an audience", TokenParameters::new().with_audience("x"), "audience=x"),
        ("resource = \"required\"", "a resource", TokenParameters::new().with_resource("x"), "resource=x"),
        (
            "authorization-details = \"required\"",
            "authorization details",
            TokenParameters::new().with_authorization_details(r#"[{"type":"x"}]"#),
            "authorization_details=%5B%7B%22type%22%3A%22x%22%7D%5D",
        ),
    ];
    for (line, what, parameters, parameter) in cases {
        assert_eq!(body(&asking(line), &[], &parameters), format!("grant_type=client_credentials&{parameter}"));
        let without = refusal(&asking(line), &[], &TokenParameters::new());
        assert!(without.contains(&format!("this vendor requires {what}")), "{without}");
        let optional = line.replace("required", "optional");
        assert_eq!(body(&asking(&optional), &[], &TokenParameters::new()), "grant_type=client_credentials");
        let none = line.replace("required", "none");
        assert!(refusal(&asking(&none), &[], &parameters).contains("this provider does not support the parameter"));
    }
    let comma = asking("scope-separator = \",\"\nscope-parameter = \"scopes\"");
    assert_eq!(
        body(&comma, &[], &TokenParameters::new().with_scopes(["a", "b"])),
        "grant_type=client_credentials&scopes=a%2Cb"
    );
}

#[test]
fn parameters_go_into_json_a_query_or_headers_as_the_file_says() {
    let custom = |encoding: &str| {
        format!(
            "[request]\nurl = \"https://a.example/login?v=1\"\n{encoding}\nauthentication = \"custom\"\ngrant-type = \"none\"\nscope = \"none\"\n\
             parameters.clientId = \"{{client-id}}\"\nparameters.clientSecret = \"{{client-secret}}\"\n"
        )
    };
    assert_eq!(
        body(&custom("encoding = \"json\""), &[], &TokenParameters::new()),
        r#"{"clientId":"id","clientSecret":"canary"}"#
    );
    for encoding in ["encoding = \"query\"", "method = \"GET\"", "method = \"GET\"\nencoding = \"query\""] {
        let encoding = format!("{encoding}\nsecrets-in-url = true");
        let request = sealed_for(&custom(&encoding), &[], &TokenParameters::new()).unwrap();
        assert_eq!(request.url().query(), Some("v=1&clientId=id&clientSecret=canary"));
        assert_eq!(request.method() == "GET", encoding.contains("GET"));
        assert!(request.body().is_empty() && !format!("{request:?}").contains("canary"));
    }
    let headers = custom("").replace("parameters.", "headers.");
    let request = sealed_for(&headers, &[], &TokenParameters::new()).unwrap();
    assert!(request.body().is_empty() && !request.headers().contains_key("content-type"));
    assert_eq!(request.headers()["clientsecret"], "canary");
    assert!(!format!("{request:?}").contains("canary"));
}

#[test]
fn assertions_are_signed_for_the_audience_that_the_file_names() {
    let tables = "[settings.tenant]\nhelp = \"x\"\n[request]\nurl = \"https://{tenant}.example.com/token\"\n\
        authentication = \"client_secret_jwt\"\nassertion-audience = \"https://{tenant}.example.com/\"\n";
    let body = body(tables, &[("tenant", "north")], &TokenParameters::new());
    let claims = body.split('.').nth(1).unwrap();
    let claims = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert!(claims.contains(r#""aud":"https://north.example.com/""#), "{claims}");
}

#[test]
fn every_name_and_alias_of_a_client_authentication_method_is_accepted() {
    let listed = "[settings.auth]\nhelp = \"x\"\nvalues = [\"basic\", \"POST\", \"client-secret-jwt\", \"none\"]\ndefault = \"basic\"\n";
    let chosen = format!(
        "{listed}[request]\nurl = [{{ when = {{ auth = \"body\" }}, use = \"https://post.example.com/\" }}, \"https://a.example.com/\"]\n\
         authentication = \"{{auth}}\"\n"
    );
    let chosen = file(&chosen);
    let names = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "none"];
    assert!(chosen.settings()[0].values().eq(names));
    assert_eq!(chosen.settings()[0].help(), "x: client_secret_basic unless set");
    let default = chosen.provider(&Settings::new()).unwrap();
    assert_eq!(default.client_authentication(), Some(ClientAuthentication::ClientSecretBasic));

    for method in ClientAuthentication::ALL {
        for name in spellings(method) {
            let literal = format!("[request]\nurl = \"https://a.example/\"\nauthentication = {name:?}\n");
            let literal = file(&literal).provider(&Settings::new()).unwrap();
            assert_eq!(literal.client_authentication(), Some(method), "{name}");

            let provider = chosen.provider(&with(&[("auth", &name)]));
            if !names.contains(&method.name()) {
                let error = provider.unwrap_err();
                assert!(error.to_string().contains("use one of client_secret_basic, client_secret_post"), "{error}");
                continue;
            }
            let provider = provider.unwrap();
            assert_eq!(provider.client_authentication(), Some(method), "{name}");
            // The condition `auth = "body"` holds for every alias of its method.
            let is_post = method == ClientAuthentication::ClientSecretPost;
            assert_eq!(format!("{provider:?}").contains("post.example.com"), is_post, "{name}");
        }
    }
}

/// Returns the method's name and aliases, in every spelling.
fn spellings(method: ClientAuthentication) -> Vec<String> {
    let names = [&[method.name()], method.aliases()].concat();
    names.into_iter().flat_map(|name| [name.to_owned(), name.replace('_', "-"), name.to_uppercase()]).collect()
}

#[test]
fn settings_are_checked_by_name_value_and_effect() {
    let tables = "exclusive = [[\"club\", \"member\"]]\n[settings.shop]\nhelp = \"x\"\n[settings.server]\nhelp = \"x\"\nvalues = [\"live\", \"test\"]\n\
        default = \"live\"\n[settings.club]\nhelp = \"x\"\noptional = true\n[settings.member]\nhelp = \"x\"\noptional = true\n\
        [request]\nurl = [{ when = { server = \"test\" }, use = \"https://test.example.com/\" }, \"https://{shop}.example.com/\"]\n\
        authentication = \"client_secret_post\"\nparameters.club = \"{club}\"\nparameters.member = \"{member}\"\n";
    let says = |settings: &[(&str, &str)], words: &str| {
        let refusal = refusal(tables, settings, &TokenParameters::new());
        assert!(refusal.starts_with("acme: ") && refusal.contains(words), "{refusal}");
    };
    says(&[], "the setting `shop` is missing; set `shop`");
    says(&[("shpo", "north")], "there is no setting `shpo`; use shop, server, club, member, token-url");
    says(&[("server", "tset")], "the setting `server` cannot be \"tset\"; use one of live, test");
    says(&[("shop", "evil.example/")], "the setting `shop` (evil.example/) cannot be part of a host name");
    says(&[("shop", "a"), ("club", "1"), ("member", "2")], "the settings `club` and `member` contradict each other");
    says(
        &[("shop", "a"), ("server", "test")],
        "the setting `shop` has no effect beside the others that are set; remove",
    );
    says(
        &[("shop", "a"), ("token-url", "https://b.example/")],
        "the settings `shop` and `token-url` contradict each other",
    );
    says(&[("token-url", "http://b.example/")], "the setting `token-url`: the URL http://b.example/ would send");
    assert!(sealed_for(tables, &[("server", "test")], &TokenParameters::new()).is_ok());
    assert!(sealed_for(tables, &[("token-url", "http://127.0.0.1:8080/token")], &TokenParameters::new()).is_ok());
}

#[test]
fn an_invalid_header_value_is_refused_before_anything_is_sent() {
    let tables = format!("[settings.tenant]\nhelp = \"x\"\n{BASIC}headers.X-Tenant = \"{{tenant}}\"\n");
    let refused = refusal(&tables, &[("tenant", "canary\r\nx: y")], &TokenParameters::new());
    assert!(
        refused.contains("x-tenant has characters that no header can carry")
            || refused.contains("X-Tenant has characters"),
        "{refused}"
    );
    assert!(!refused.contains("canary"), "{refused}");
    let extra_header = format!(
        "[settings.tenant]\nhelp = \"x\"\n{BASIC}[policy]\npresentation.extra-headers.X-Tenant = \"{{tenant}}\"\n"
    );
    let refused = refusal(&extra_header, &[("tenant", "canary\n"), ("tenant", "canary\ny")], &TokenParameters::new());
    assert!(refused.contains("X-Tenant") && !refused.contains("canary"), "{refused}");
}

#[test]
fn a_policy_is_read_from_the_file() {
    let tables = format!(
        "[settings.shop]\nhelp = \"x\"\n[settings.server]\nhelp = \"x\"\nvalues = [\"live\", \"test\"]\ndefault = \"live\"\n\
         [settings.area]\nhelp = \"x\"\noptional = true\n{BASIC}[policy]\n\
         hosts = [\"{{shop}}.example.com\", \"*.{{shop}}.example.net\", \"{{token-host}}\", \"{{area}}.example.org\", \
         {{ when = {{ server = \"test\" }}, use = \"test.example.com\" }}]\n\
         lifetime = \"1h\"\nlimits = [{{ requests = 5, period = \"24h\", per-client = true }}, {{ requests = 50, period = \"1s\" }}]\n\
         expired-statuses = [403]\nblocks-addresses = true\nextended-tokens = true\n\
         expired-bodies = [{{ member = \"/code\", values = [\"601\"] }}]\n"
    );
    let policy = |settings: &[(&str, &str)]| file(&tables).provider(&with(settings)).map(|vendor| vendor.policy());
    let live = policy(&[("shop", "North")]).unwrap();
    assert_eq!(live.hosts(), ["north.example.com", "*.north.example.net", "auth.example.com"]);
    assert_eq!(live.lifetime(), Some(Duration::from_secs(3600)));
    let limits: Vec<_> =
        live.limits().iter().map(|limit| (limit.requests(), limit.period().as_secs(), limit.is_per_client())).collect();
    assert_eq!(limits, [(5, 86_400, true), (50, 1, false)]);
    assert_eq!(live.expired_statuses(), [StatusCode::FORBIDDEN]);
    assert_eq!(live.expired_bodies().len(), 1);
    assert!(live.expired_bodies()[0].matches(StatusCode::IM_A_TEAPOT, br#"{"code":601}"#));
    assert!(live.blocks_addresses() && live.extends_tokens());
    let settings = [("shop", "north"), ("server", "test"), ("area", "eu"), ("token-url", "http://127.0.0.1:8080/t")];
    let test = policy(&settings).unwrap();
    assert_eq!(
        test.hosts(),
        ["north.example.com", "*.north.example.net", "127.0.0.1:8080", "eu.example.org", "test.example.com"]
    );
    for hostile in ["evil.example/", "a@b", "a:1", "*", "", "a b"] {
        let error = policy(&[("shop", hostile)]).unwrap_err().to_string();
        assert!(error.contains("`shop`"), "{error}");
    }
}

async fn fetch(tables: &str, settings: &[(&str, &str)], response: HttpResponse) -> Result<AccessToken, Error> {
    let vendor = file(tables).provider(&with(settings)).unwrap_or_else(|error| panic!("{error}"));
    let credentials = ClientCredentials::new("id", "canary").with_secret("key", "canary-key");
    let server = TestServer::in_turn([response]);
    fetch_token(&vendor, &credentials, &TokenParameters::new(), &server, RequestSeed::fixed()).await
}

#[tokio::test]
async fn a_response_is_read_from_the_members_that_the_file_names() {
    let tables = format!(
        "[settings.key]\nhelp = \"x\"\nsecret = true\n[settings.unit]\nhelp = \"x\"\nvalues = [\"seconds\", \"milliseconds\"]\ndefault = \"milliseconds\"\n\
         {BASIC}[response]\ntoken = \"/data/jwt\"\ntoken-type = \"/data/kind\"\nany-token-type = true\nexpires-at = \"/data/until\"\nexpiry-unit = \"{{unit}}\"\n\
         scopes = \"/data/rights\"\nscope-separator = \",\"\nrefresh-token = \"/data/again\"\n\
         [policy.presentation]\nheader = \"X-Auth\"\nscheme = \"Token\"\nextra-headers.X-Id = \"{{client-id}}\"\nextra-headers.X-Key = \"{{key}}\"\nextra-headers.X-Fixed = \"1\"\n"
    );
    let body = r#"{"data":{"jwt":"abc","kind":"Session","until":1767229200000,"rights":"a,b","again":"r"},"more":1}"#;
    let token = fetch(&tables, &[], response(200, &[], body)).await.unwrap();
    assert_eq!(token.expires_at(), RequestSeed::fixed().now + Duration::from_secs(3600));
    assert_eq!(token.lifetime_source(), LifetimeSource::Response);
    assert_eq!((token.token_type(), token.scopes()), (Some("Session"), &["a".to_owned(), "b".to_owned()][..]));
    assert_eq!(token.refresh_token().map(ExposeSecret::expose_secret), Some("r"));
    let headers: Vec<_> =
        token.header_pairs().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    assert_eq!(headers, ["x-auth: Token abc", "x-id: id", "x-key: canary-key", "x-fixed: 1"]);
    assert!(token.extra("more").is_some());
    let seconds = body.replace("1767229200000", "1767229200");
    let token = fetch(&tables, &[("unit", "seconds")], response(200, &[], seconds)).await.unwrap();
    assert_eq!(token.expires_at(), RequestSeed::fixed().now + Duration::from_secs(3600));
}

#[tokio::test]
async fn an_error_is_read_from_the_members_that_the_file_names_in_order() {
    let tables = format!(
        "{BASIC}[response]\nerror-members = [{{ code = \"/errors/0/code\", description = \"/errors/0/message\" }}, {{ code = \"status\", description = \"message\" }}]\n\
         [[response.error-mappings]]\ncode = \"LOGIN.LOCKED\"\nkind = \"rate_limited\"\nremedy = \"wait for ten minutes\"\n\
         [[response.error-mappings]]\nstatus = 402\nkind = \"credentials_refused\"\nmessage = \"the contract has ended\"\n"
    );
    let cases = [
        (
            400,
            r#"{"errors":[{"code":"A","message":"a"}],"status":1,"error":"invalid_client"}"#,
            ErrorKind::RequestRefused,
            "A: a",
        ),
        (400, r#"{"status":1,"message":"m","error":"invalid_client"}"#, ErrorKind::RequestRefused, "1: m"),
        (400, r#"{"error":"invalid_client"}"#, ErrorKind::CredentialsRefused, "invalid_client"),
        (400, r#"{"errors":[{"code":"LOGIN.LOCKED"}]}"#, ErrorKind::RateLimited, "LOGIN.LOCKED; wait for ten minutes"),
        (
            402,
            "",
            ErrorKind::CredentialsRefused,
            "acme: the contract has ended (402 Payment Required); check the client id",
        ),
    ];
    for (status, body, kind, words) in cases {
        let error = fetch(&tables, &[], response(status, &[], body)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_secret_that_the_server_repeats_is_redacted_in_every_form() {
    let tables = "[request]\nurl = \"https://a.example/\"\nauthentication = \"custom\"\nparameters.code = \"{base64({client-id}:{base64({client-secret})})}\"\n";
    // base64 of `canary`, and of `id:` with that.
    for echo in ["Y2FuYXJ5", "aWQ6WTJGdVlYSjU=", "canary"] {
        let body = format!(r#"{{"error":"x","error_description":"unknown: {echo}"}}"#);
        let error = fetch(tables, &[], response(400, &[], body)).await.unwrap_err();
        assert!(error.to_string().contains("unknown: [redacted]"), "{error}");
    }
}

#[test]
fn debug_shows_no_value_of_a_setting() {
    let tables = format!("[settings.email]\nhelp = \"whose token\"\n{BASIC}parameters.email = \"{{email}}\"\n");
    let acme = file(&tables);
    let vendor = acme.provider(&with(&[("email", "canary@example.com")])).unwrap();
    for shown in [format!("{acme:?}"), format!("{vendor:?}"), format!("{:#?}", vendor.clone())] {
        assert!(shown.contains("acme") && !shown.contains("canary"), "{shown}");
    }
    assert_eq!(
        format!("{vendor:?}"),
        "FileProvider { name: \"acme\", token_endpoint: Endpoint(https://auth.example.com/token), .. }"
    );
    let _: std::sync::Arc<dyn CredentialsGrant> = std::sync::Arc::new(vendor);
}

#[test]
fn settings_are_listed_for_the_help_of_a_command() {
    let tables = format!(
        "[settings.b]\nhelp = \"the second\"\nvalues = [\"x\", \"y\"]\ndefault = \"x\"\n[settings.a]\nhelp = \"the first\"\noptional = true\n\
         [settings.c]\nhelp = \"the key\"\nsecret = true\n{BASIC}parameters.p = \"{{a}}{{b}}\"\nheaders.X-C = \"{{c}}\"\n"
    );
    let acme = file(&tables);
    let listed: Vec<_> = acme
        .settings()
        .iter()
        .map(|setting| (setting.name(), setting.help(), setting.values().count(), setting.is_secret()))
        .collect();
    assert_eq!(
        listed,
        [
            ("b", "the second: x unless set", 2, false),
            ("a", "the first; optional", 0, false),
            ("c", "the key", 0, true)
        ]
    );
}

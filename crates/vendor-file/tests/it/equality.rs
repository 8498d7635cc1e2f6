//! The vendors that also have a crate, as files: they send the same bytes and read responses in the same way.

use std::time::Duration;

use credentials_grant_apaleo::Apaleo;
use credentials_grant_cognito::Cognito;
use credentials_grant_conformance::{Expected, Subject};
use credentials_grant_octorate::Octorate;
use credentials_grant_ptv::Ptv;
use credentials_grant_resamania::{Grant, Resamania};
use credentials_grant_vendor_file::settings::{Configure, Settings};
use credentials_grant_vendor_file::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, Endpoint, Error, ErrorKind, FileProvider, HeaderMap,
    HeaderName, HeaderValue, HttpRequest, HttpResponse, RequestContext, StatusCode, TokenParameters, VendorFile,
};

fn file(text: &str) -> VendorFile {
    VendorFile::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn build(text: &str, settings: &[(&str, &str)]) -> FileProvider {
    provider(text, settings).unwrap_or_else(|error| panic!("{error}"))
}

fn provider(text: &str, settings: &[(&str, &str)]) -> Result<FileProvider, Error> {
    file(text).provider(&with(settings))
}

fn with(settings: &[(&str, &str)]) -> Settings {
    settings.iter().fold(Settings::new(), |settings, (name, value)| settings.with(*name, *value))
}

/// Builds the provider with another token endpoint.
fn at(text: &'static str) -> impl Fn(Endpoint) -> FileProvider {
    move |endpoint| build(text, &[("token-url", endpoint.url().as_str())])
}

/// The client authentication methods of Cognito and PTV.
const METHODS: [ClientAuthentication; 3] = [
    ClientAuthentication::ClientSecretBasic,
    ClientAuthentication::ClientSecretBasicRaw,
    ClientAuthentication::ClientSecretPost,
];

/// Returns every name and alias of these methods, with hyphens and with underscores.
fn spellings(methods: [ClientAuthentication; 3]) -> Vec<String> {
    let names = methods.iter().flat_map(|method| [&[method.name()], method.aliases()].concat());
    names.flat_map(|name| [name.to_owned(), name.replace('_', "-")]).collect()
}

/// Includes a fixture of the vendor's crate.
macro_rules! fixture {
    ($vendor:literal, $name:literal) => {
        include_str!(concat!("../../../providers/", $vendor, "/fixtures/", $name, ".http"))
    };
}

mod apaleo {
    use super::*;

    const FILE: &str = include_str!("files/apaleo.toml");

    fn subject() -> Subject {
        let expected = Expected::new("eyJhbGci............6XUKmNJyyNRA", Duration::from_secs(3600))
            .with_token_type("Bearer")
            .with_scopes(&[
                "availability.read",
                "companies.read",
                "identity:account-users.manage",
                "identity:account-users.read",
                "offers.read",
                "reservations.manage",
                "reservations.read",
            ]);
        Subject::new(build(FILE, &[]), at(FILE))
            .with_request(fixture!("apaleo", "request"))
            .with_token(fixture!("apaleo", "token"), expected)
            .with_refusal(fixture!("apaleo", "refusal"), ErrorKind::CredentialsRefused)
    }

    credentials_grant_conformance::tests!(subject);

    #[test]
    fn the_file_equals_the_crate() {
        let credentials = ClientCredentials::new("SDXE-SP-SIMPLEAPP", "a+secret %");
        same(&Apaleo::new(), &build(FILE, &[]), &credentials);
        let raw = Apaleo::new().with_client_authentication(ClientAuthentication::ClientSecretBasicRaw);
        same(&raw, &build(FILE, &[("auth", "basic-raw")]), &credentials);
        same_settings::<Apaleo>(FILE, &[]);
    }
}

mod cognito {
    use super::*;

    const FILE: &str = include_str!("files/cognito.toml");
    const PMS: [(&str, &str); 2] = [("prefix", "cps-poc-api-access"), ("region", "eu-south-2")];

    fn subject() -> Subject {
        let expected = Expected::new("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...", Duration::from_secs(3600));
        let pms = |name, value| build(FILE, &[PMS[0], PMS[1], (name, value)]);
        Subject::new(build(FILE, &PMS), at(FILE))
            .with_credentials(ClientCredentials::new("YOUR_CLIENT_ID", "YOUR_CLIENT_SECRET"), &[])
            .with_request(fixture!("cognito", "request"))
            .with_variant_request("auth", pms("auth", "body"), fixture!("cognito", "request-body"))
            .with_variant_request(
                "client-metadata",
                pms("client-metadata", r#"{"hotel":"MUC"}"#),
                fixture!("cognito", "request-metadata"),
            )
            .with_variant("prefix", build(FILE, &[("prefix", "another"), PMS[1]]))
            .with_variant("region", build(FILE, &[PMS[0], ("region", "us-gov-west-1")]))
            .with_variant("domain", build(FILE, &[("domain", "auth.example.com")]))
            .with_token(fixture!("cognito", "token"), expected.with_token_type("Bearer"))
            .with_refusal(fixture!("cognito", "refusal"), ErrorKind::CredentialsRefused)
            .with_url_setting("prefix", |prefix| provider(FILE, &[("prefix", prefix), PMS[1]]))
            .with_url_setting("region", |region| provider(FILE, &[PMS[0], ("region", region)]))
            .with_url_setting("domain", |domain| match domain.trim() {
                // An empty value counts as not set, so the prefix and the region make the URL.
                "" => provider(FILE, &PMS),
                domain => provider(FILE, &[("domain", domain)]),
            })
    }

    credentials_grant_conformance::tests!(subject);

    #[test]
    fn the_file_equals_the_crate() {
        let credentials = ClientCredentials::new("id", "a+secret %");
        for region in ["eu-south-2", "us-gov-west-1", "cn-north-1", " EU-SOUTH-2 ", "US-Gov-West-1"] {
            let settings = [("prefix", "my-pool"), ("region", region)];
            same(&Cognito::new("my-pool", region).unwrap(), &build(FILE, &settings), &credentials);
        }
        let own = Cognito::at_custom_domain("Auth.Example.com".parse().unwrap());
        same(&own, &build(FILE, &[("domain", "Auth.Example.com")]), &credentials);
        same_settings::<Cognito>(FILE, &["client-metadata"]);
        for auth in spellings(METHODS) {
            let settings = [PMS[0], PMS[1], ("auth", &*auth)];
            same(&Cognito::from_settings(&with(&settings)).unwrap(), &build(FILE, &settings), &credentials);
        }
    }

    #[test]
    fn settings_that_shape_the_url_in_two_ways_are_refused_as_the_crate_refuses_them() {
        for contradiction in [
            [("domain", "auth.example.com"), ("prefix", "my-pool")],
            [("domain", "auth.example.com"), ("region", "eu-south-2")],
            [("token-url", "https://auth.example.com/"), ("prefix", "my-pool")],
            [("token-url", "https://auth.example.com/"), ("domain", "auth.example.com")],
        ] {
            assert!(Cognito::from_settings(&with(&contradiction)).is_err());
            let error = provider(FILE, &contradiction).unwrap_err();
            assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("cognito")));
            let is_named = contradiction.iter().any(|(name, _)| error.message().contains(&format!("`{name}`")));
            assert!(is_named, "{error}");
        }
        for incomplete in [&[][..], &[("prefix", "my-pool")], &[("region", "eu-south-2")]] {
            let ours = Cognito::from_settings(&with(incomplete)).unwrap_err();
            assert_eq!(provider(FILE, incomplete).unwrap_err().message(), ours.message());
        }
    }
}

mod octorate {
    use super::*;

    const FILE: &str = include_str!("files/octorate.toml");

    fn subject() -> Subject {
        let expected = Expected::new("YOUR_ACCESS_TOKEN", Duration::from_secs(1440)).with_token_type("Bearer");
        Subject::new(build(FILE, &[]), at(FILE))
            .with_credentials(ClientCredentials::new("<your_client_id>", "<your_client_secret>"), &[])
            .with_request(fixture!("octorate", "request"))
            .with_variant("base-url", build(FILE, &[("base-url", "https://api.octotable.com/api/v2")]))
            .with_token(fixture!("octorate", "token"), expected)
            .with_refusal(fixture!("octorate", "refusal"), ErrorKind::CredentialsRefused)
            .with_url_setting("base-url", |base_url| provider(FILE, &[("base-url", base_url)]))
    }

    credentials_grant_conformance::tests!(subject);

    #[test]
    fn the_file_equals_the_crate() {
        let credentials = ClientCredentials::new("id", "a \"secret\"");
        for settings in [
            &[][..],
            &[("base-url", "https://api.octotable.com/api/v2/")],
            &[("expiry-unit", "minutes"), ("api-host", "api.example.com")],
            &[("token-url", "http://127.0.0.1:8080/token")],
        ] {
            same(&Octorate::from_settings(&with(settings)).unwrap(), &build(FILE, settings), &credentials);
        }
        for wrong in [("expiry-unit", "hours"), ("api-host", "https://a.b"), ("base-url", "x"), ("unit", "x")] {
            assert!(Octorate::from_settings(&with(&[wrong])).is_err());
            let error = provider(FILE, &[wrong]).unwrap_err();
            assert!(error.message().contains(&format!("`{}`", wrong.0)), "{error}");
        }
        same_settings::<Octorate>(FILE, &[]);
    }
}

mod ptv {
    use super::*;

    const FILE: &str = include_str!("files/ptv.toml");
    const TOKEN_URL: (&str, &str) =
        ("token-url", "https://auth.conundra.eu/auth/realms/prod/protocol/openid-connect/token");

    fn subject() -> Subject {
        let expected = Expected::new("ey...", Duration::from_secs(300)).with_token_type("Bearer");
        Subject::new(build(FILE, &[TOKEN_URL]), at(FILE))
            .with_request(fixture!("ptv", "request"))
            .with_variant_request("auth", build(FILE, &[TOKEN_URL, ("auth", "body")]), fixture!("ptv", "request-body"))
            .with_token(fixture!("ptv", "token"), expected)
            .with_refusal(fixture!("ptv", "refusal"), ErrorKind::CredentialsRefused)
            .with_refusal(fixture!("ptv", "throttled"), ErrorKind::RateLimited)
    }

    credentials_grant_conformance::tests!(subject);

    #[test]
    fn the_file_equals_the_crate() {
        let credentials = ClientCredentials::new("id", "a+secret %");
        for auth in spellings(METHODS) {
            let settings = [TOKEN_URL, ("auth", &*auth)];
            same(&Ptv::from_settings(&with(&settings)).unwrap(), &build(FILE, &settings), &credentials);
        }
        let error = provider(FILE, &[]).unwrap_err();
        assert_eq!(error.message(), Ptv::from_settings(&Settings::new()).unwrap_err().message());
        assert!(error.to_string().contains("which the page of your PTV API names"), "{error}");
        same_settings::<Ptv>(FILE, &[]);
    }
}

mod resamania {
    use super::*;

    const FILE: &str = include_str!("files/resamania.toml");
    const STAGING: (&str, &str) = ("base-url", Resamania::STAGING);
    const DEMO: (&str, &str) = ("client-token", "demoapi");

    fn subject() -> Subject {
        let demo = |name, value| build(FILE, &[STAGING, DEMO, (name, value)]);
        let credentials =
            Resamania::credentials("123_xxxxxxxxxxxxxxxxx", "******", "00000000-0000-0000-0000-000000000000");
        let expected = Expected::new("{access_token}", Duration::from_secs(3600)).with_token_type("bearer");
        Subject::new(build(FILE, &[STAGING, DEMO]), at(FILE))
            .with_credentials(credentials, &["api-key"])
            .with_request(fixture!("resamania", "request"))
            .with_variant_request(
                "client-token",
                build(FILE, &[STAGING]),
                fixture!("resamania", "request-without-client-token"),
            )
            .with_variant_request("club", demo("club", "/demoapi/clubs/1234"), fixture!("resamania", "request-club"))
            .with_variant_request(
                "contact",
                demo("contact", "member@example.com"),
                fixture!("resamania", "request-contact"),
            )
            .with_token(fixture!("resamania", "token"), expected)
            .with_refusal(fixture!("resamania", "refusal"), ErrorKind::CredentialsRefused)
            .with_refusal(fixture!("resamania", "refusal-without-description"), ErrorKind::RequestRefused)
            .with_refusal(fixture!("resamania", "refusal-gateway"), ErrorKind::CredentialsRefused)
            .with_url_setting("base-url", |base_url| provider(FILE, &[("base-url", base_url), DEMO]))
            .with_url_setting("client-token", |token| provider(FILE, &[STAGING, ("client-token", token)]))
    }

    credentials_grant_conformance::tests!(subject);

    #[test]
    fn the_file_equals_the_crate() {
        let without_key = ClientCredentials::new("1_abc", "a+secret %");
        for credentials in [without_key.clone(), without_key.with_secret("api-key", "gateway-key")] {
            for settings in [&[STAGING][..], &[STAGING, DEMO], &[("token-url", "https://gw.example.com:8443/token")]] {
                same(&Resamania::from_settings(&with(settings)).unwrap(), &build(FILE, settings), &credentials);
            }
            let club = Grant::Club("/demoapi/clubs/1234".to_owned());
            let ours = Resamania::new(STAGING.1, None).unwrap().with_grant(club);
            same(&ours, &build(FILE, &[STAGING, ("club", "/demoapi/clubs/1234")]), &credentials);
        }
        let both = [STAGING, ("club", "/demoapi/clubs/1"), ("contact", "member@example.com")];
        let ours = Resamania::from_settings(&with(&both)).unwrap_err();
        assert_eq!(provider(FILE, &both).unwrap_err().to_string(), ours.to_string());
        same_settings::<Resamania>(FILE, &[]);
    }

    #[test]
    fn a_members_address_is_not_printed() {
        let contact = build(FILE, &[STAGING, ("contact", "member@example.com")]);
        assert!(!format!("{contact:?} {contact:#?}").contains("member"), "{contact:?}");
    }
}

/// Asserts that both send the same bytes, read every response to the same result, and have the same policy.
fn same(ours: &dyn CredentialsGrant, theirs: &FileProvider, credentials: &ClientCredentials) {
    assert_eq!(theirs.name(), ours.name());
    let parameters = [
        TokenParameters::new(),
        TokenParameters::new().with_scopes(["a.b", "c:d"]),
        TokenParameters::new().with_extra_parameter("further", "é&="),
        TokenParameters::new().with_audience("https://api.example.com"),
    ];
    for parameters in parameters {
        let context = RequestContext::dry_run(credentials, &parameters);
        let request = |provider: &dyn CredentialsGrant| provider.token_request(&context)?.dry_run();
        match (request(ours), request(theirs)) {
            (Ok(ours), Ok(theirs)) => assert_eq!(shown(&theirs), shown(&ours), "{parameters:?}"),
            (Err(ours), Err(theirs)) => assert_eq!(theirs.to_string(), ours.to_string(), "{parameters:?}"),
            (ours, theirs) => panic!("{parameters:?}: {ours:?} and {theirs:?}"),
        }
    }
    for (status, body) in responses() {
        let response = || {
            let status = StatusCode::from_u16(status).unwrap();
            HttpResponse::new(status, HeaderMap::new(), body.as_bytes().to_vec())
        };
        let outcome = |provider: &dyn CredentialsGrant| match provider.read_response(&response()) {
            Ok(issued) => format!("{issued:?}"),
            Err(error) => format!("{error} {:?} {:?} {:?}", error.kind(), error.retry(), error.oauth()),
        };
        assert_eq!(outcome(theirs), outcome(ours), "{status} {body}");
    }
    assert_eq!(format!("{:?}", theirs.policy()), format!("{:?}", ours.policy()));
}

/// Returns the request as text, with a mark on headers that are never printed.
fn shown(request: &HttpRequest) -> String {
    let header = |name: &HeaderName, value: &HeaderValue| {
        let secret = if value.is_sensitive() { " (secret)" } else { "" };
        format!("{name}{secret}: {}", String::from_utf8_lossy(value.as_bytes()))
    };
    let mut headers: Vec<_> = request.headers().iter().map(|(name, value)| header(name, value)).collect();
    headers.sort();
    let body = String::from_utf8_lossy(request.body());
    format!("{} {}\n{}\n\n{body}", request.method(), request.url(), headers.join("\n"))
}

fn responses() -> Vec<(u16, &'static str)> {
    let bodies = [
        "",
        "<html>",
        "{}",
        r#"{"access_token":"abc","token_type":"bearer","type":"Bearer","expires_in":60,"scope":"a b","refresh_token":"r"}"#,
        r#"{"access_token":"abc","token_type":"Mac","type":"Mac"}"#,
        r#"{"access_token":"abc","expires_in":"soon"}"#,
        r#"{"error":"invalid_client"}"#,
        r#"{"error":"invalid_grant","error_description":null}"#,
        r#"{"error":{"code":"UNAUTHORIZED","message":"no","class_name":"X"},"success":false}"#,
        r#"{"message":"Unauthorized","http_status_code":401}"#,
        r#"{"error_description":"no code"}"#,
    ];
    [200, 302, 400, 401, 403, 429, 500].into_iter().flat_map(|status| bodies.map(|body| (status, body))).collect()
}

/// Asserts that the file has the crate's settings and these besides.
fn same_settings<P: Configure>(text: &str, besides: &[&str]) {
    let file = file(text);
    assert_eq!((file.name(), file.title()), (P::NAME, P::TITLE));
    let own: Vec<_> = file.settings().iter().filter(|setting| !besides.contains(&setting.name())).collect();
    let facts = |setting: &credentials_grant_vendor_file::settings::Setting| {
        let values: Vec<_> = setting.values().map(str::to_owned).collect();
        (setting.name().to_owned(), values, setting.is_secret())
    };
    let theirs: Vec<_> = own.into_iter().map(facts).collect();
    assert_eq!(theirs, P::SETTINGS.iter().map(facts).collect::<Vec<_>>());
}

//! The files in `docs/vendors`: each passes the checks that every provider must pass.

use std::time::Duration;

use credentials_grant_conformance::{Expected, Subject};
use credentials_grant_vendor_file::settings::Settings;
use credentials_grant_vendor_file::{
    ClientCredentials, CredentialsGrant, Endpoint, Error, ErrorKind, FileProvider, RequestContext, StatusCode,
    TokenParameters, VendorFile,
};

fn build(text: &str, settings: &[(&str, &str)]) -> FileProvider {
    provider(text, settings).unwrap_or_else(|error| panic!("{error}"))
}

fn provider(text: &str, settings: &[(&str, &str)]) -> Result<FileProvider, Error> {
    let given = settings.iter().fold(Settings::new(), |given, (name, value)| given.with(*name, *value));
    VendorFile::parse(text)?.provider(&given)
}

/// Builds the provider with another token endpoint and these settings.
fn at(text: &'static str, settings: &'static [(&str, &str)]) -> impl Fn(Endpoint) -> FileProvider {
    move |endpoint| build(text, &[settings, &[("token-url", endpoint.url().as_str())]].concat())
}

/// Includes a file of `docs/vendors`.
macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../../../docs/vendors/", $name, ".toml"))
    };
}

/// Includes a fixture of a vendor.
macro_rules! fixture {
    ($vendor:literal, $name:literal) => {
        include_str!(concat!("../../../../docs/vendors/fixtures/", $vendor, "/", $name, ".http"))
    };
}

mod adobe {
    use super::*;

    const FILE: &str = file!("adobe");

    fn subject() -> Subject {
        let expected = Expected::new("{ACCESS_TOKEN}", Duration::from_secs(86_399)).with_token_type("bearer");
        Subject::new(build(FILE, &[]), at(FILE, &[]))
            .with_parameters(TokenParameters::new().with_scopes(["openid", "AdobeID", "firefly_api"]))
            .with_request(fixture!("adobe", "request"))
            .with_token(fixture!("adobe", "token"), expected.with_scopes(&["openid", "AdobeID", "firefly_api"]))
            .with_refusal(fixture!("adobe", "refusal"), ErrorKind::CredentialsRefused)
    }

    credentials_grant_conformance::tests!(subject);
}

mod fedex {
    use super::*;

    const FILE: &str = file!("fedex");

    fn subject() -> Subject {
        let credentials = ClientCredentials::new("yourClientId", "YourClientSecret")
            .with_secret("child-key", "yourChildKey")
            .with_secret("child-secret", "YourChildSecret");
        let expected = Expected::new("eyJhbGciOiJSUzI1NiJ9", Duration::from_secs(3599)).with_token_type("bearer");
        Subject::new(build(FILE, &[]), at(FILE, &[]))
            .with_credentials(credentials, &["child-key", "child-secret"])
            .with_request(fixture!("fedex", "request"))
            .with_variant_request(
                "customer",
                build(FILE, &[("customer", "parent-child")]),
                fixture!("fedex", "request-parent-child"),
            )
            .with_variant("environment", build(FILE, &[("environment", "sandbox")]))
            .with_token(fixture!("fedex", "token"), expected.with_scopes(&["CXS"]))
            .with_refusal(fixture!("fedex", "refusal"), ErrorKind::CredentialsRefused)
    }

    credentials_grant_conformance::tests!(subject);

    #[test]
    fn a_customer_who_ships_for_others_needs_the_child_key() {
        let compatible = build(FILE, &[("customer", "compatible")]);
        let (credentials, parameters) = (ClientCredentials::new("id", "secret"), TokenParameters::new());
        let error = compatible.token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap_err();
        assert!(error.message().contains("lack the secret `child-key`"), "{error}");
    }
}

mod guesty {
    use super::*;

    const FILE: &str = file!("guesty");

    fn subject() -> Subject {
        let expected = Expected::new("token_body", Duration::from_secs(86_400)).with_token_type("Bearer");
        Subject::new(build(FILE, &[]), at(FILE, &[]))
            .with_request(fixture!("guesty", "request"))
            .with_token(fixture!("guesty", "token"), expected.with_scopes(&["open-api"]))
            .with_refusal(fixture!("guesty", "refusal"), ErrorKind::CredentialsRefused)
            .with_refusal(fixture!("guesty", "throttled"), ErrorKind::RateLimited)
    }

    credentials_grant_conformance::tests!(subject);

    #[test]
    fn a_client_gets_five_tokens_a_day() {
        let policy = build(FILE, &[]).policy();
        let [limit] = policy.limits() else { panic!("{policy:?}") };
        assert_eq!((limit.requests(), limit.period(), limit.is_per_client()), (5, Duration::from_secs(86_400), true));
    }
}

mod marketo {
    use super::*;

    const FILE: &str = file!("marketo");
    const INSTANCE: (&str, &str) = ("identity-url", "https://064-CCJ-768.mktorest.com/identity");

    fn subject() -> Subject {
        let token = "cdf01657-110d-4155-99a7-f986b2ff13a0:int";
        let expected = Expected::new(token, Duration::from_secs(3599)).with_token_type("bearer");
        Subject::new(build(FILE, &[INSTANCE]), at(FILE, &[]))
            .with_secrets_in_query()
            .with_request(fixture!("marketo", "request"))
            .with_token(fixture!("marketo", "token"), expected.with_scopes(&["apis@acmeinc.com"]))
            .with_refusal(fixture!("marketo", "refusal"), ErrorKind::CredentialsRefused)
            .with_variant("identity-url", build(FILE, &[(INSTANCE.0, "https://another.mktorest.com/identity")]))
            .with_url_setting("identity-url", |url| provider(FILE, &[(INSTANCE.0, url)]))
    }

    credentials_grant_conformance::tests!(subject);

    #[test]
    fn an_expired_token_is_told_by_the_body_of_a_success() {
        let policy = build(FILE, &[INSTANCE]).policy();
        let [expired] = policy.expired_bodies() else { panic!("{policy:?}") };
        let body = |code: &str| {
            format!(r#"{{"requestId":"a#1","success":false,"errors":[{{"code":"{code}","message":"Access token"}}]}}"#)
        };
        for (code, is_expired) in [("601", true), ("602", true), ("600", false), ("606", false)] {
            assert_eq!(expired.matches(StatusCode::OK, body(code).as_bytes()), is_expired, "{code}");
        }
    }
}

mod sabre {
    use super::*;

    const FILE: &str = file!("sabre");

    fn subject() -> Subject {
        let expected = Expected::new("T1RLAQ", Duration::from_secs(604_800)).with_token_type("bearer");
        Subject::new(build(FILE, &[]), at(FILE, &[]))
            .with_credentials(ClientCredentials::new("V1:userid:group:domain", "12345"), &[])
            .with_request(fixture!("sabre", "request"))
            .with_variant("environment", build(FILE, &[("environment", "certification")]))
            .with_token(fixture!("sabre", "token"), expected)
            .with_refusal(fixture!("sabre", "refusal"), ErrorKind::CredentialsRefused)
    }

    credentials_grant_conformance::tests!(subject);
}

mod shopify {
    use super::*;

    const FILE: &str = file!("shopify");
    const NORTH: &[(&str, &str)] = &[("shop", "north")];

    fn subject() -> Subject {
        let expected = Expected::new("shpat_xxxxx", Duration::from_secs(86_399))
            .with_header("x-shopify-access-token", "shpat_xxxxx");
        Subject::new(build(FILE, NORTH), at(FILE, NORTH))
            .with_request(fixture!("shopify", "request"))
            .with_variant("shop", build(FILE, &[("shop", "south")]))
            .with_token(fixture!("shopify", "token"), expected.with_scopes(&["read_products", "write_products"]))
            .with_refusal(fixture!("shopify", "refusal"), ErrorKind::CredentialsRefused)
            .with_url_setting("shop", |shop| provider(FILE, &[("shop", shop)]))
    }

    credentials_grant_conformance::tests!(subject);

    #[test]
    fn the_token_goes_to_the_shop_in_a_header_of_its_own() {
        let policy = build(FILE, NORTH).policy();
        assert_eq!(policy.hosts(), ["north.myshopify.com"]);
        assert_eq!(policy.presentation().header_name(), "X-Shopify-Access-Token");
    }
}

mod toast {
    use super::*;

    const FILE: &str = file!("toast");
    const HOST: &[(&str, &str)] = &[("api-host", "ws-api.toasttab.com")];

    fn subject() -> Subject {
        let expected = Expected::new("eyJhbGciOiJSUzI1NiJ9", Duration::from_secs(86_400)).with_token_type("Bearer");
        Subject::new(build(FILE, HOST), at(FILE, HOST))
            .with_request(fixture!("toast", "request"))
            .with_variant("api-host", build(FILE, &[("api-host", "ws-sandbox-api.eng.toasttab.com")]))
            .with_token(fixture!("toast", "token"), expected)
            .with_refusal(fixture!("toast", "refusal"), ErrorKind::CredentialsRefused)
            .with_url_setting("api-host", |host| provider(FILE, &[("api-host", host)]))
    }

    credentials_grant_conformance::tests!(subject);
}

mod ups {
    use super::*;

    const FILE: &str = file!("ups");

    fn subject() -> Subject {
        let expected = Expected::new("eyJraWQiOiJ1cHMifQ", Duration::from_secs(14_399)).with_token_type("Bearer");
        Subject::new(build(FILE, &[]), at(FILE, &[]))
            .with_request(fixture!("ups", "request"))
            .with_variant_request(
                "merchant-id",
                build(FILE, &[("merchant-id", "123456")]),
                fixture!("ups", "request-merchant"),
            )
            .with_variant("environment", build(FILE, &[("environment", "test")]))
            .with_token(fixture!("ups", "token"), expected)
            .with_refusal(fixture!("ups", "refusal"), ErrorKind::CredentialsRefused)
    }

    credentials_grant_conformance::tests!(subject);
}

mod vipps {
    use super::*;

    const FILE: &str = file!("vipps");

    fn subject() -> Subject {
        let credentials = ClientCredentials::new("yourClientId", "YourClientSecret")
            .with_secret("subscription-key", "0f14ebcab0ec4b29ae0cb90d91b4a84a");
        let expected = Expected::new("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1Ni", Duration::from_secs(86_398));
        Subject::new(build(FILE, &[]), at(FILE, &[]))
            .with_credentials(credentials, &["subscription-key"])
            .with_request(fixture!("vipps", "request"))
            .with_variant_request(
                "merchant-serial-number",
                build(FILE, &[("merchant-serial-number", "123456")]),
                fixture!("vipps", "request-merchant"),
            )
            .with_variant("environment", build(FILE, &[("environment", "test")]))
            .with_token(fixture!("vipps", "token"), expected.with_token_type("Bearer"))
            .with_refusal(fixture!("vipps", "refusal"), ErrorKind::CredentialsRefused)
    }

    credentials_grant_conformance::tests!(subject);
}

mod walmart {
    use super::*;

    const FILE: &str = file!("walmart");

    fn subject() -> Subject {
        let token = "eyJraWQiOiIzZjVhYTFmNS1hYWE5LTQzM";
        let expected = Expected::new(token, Duration::from_secs(900))
            .with_token_type("Bearer")
            .with_header("WM_SEC.ACCESS_TOKEN", token);
        Subject::new(build(FILE, &[]), at(FILE, &[]))
            .with_request(fixture!("walmart", "request"))
            .with_variant("environment", build(FILE, &[("environment", "sandbox")]))
            .with_token(fixture!("walmart", "token"), expected)
            .with_refusal(fixture!("walmart", "refusal"), ErrorKind::CredentialsRefused)
    }

    credentials_grant_conformance::tests!(subject);

    #[test]
    fn the_token_has_a_header_of_its_own_and_the_api_the_token_endpoints_host() {
        let policy = build(FILE, &[("environment", "sandbox")]).policy();
        assert_eq!(policy.hosts(), ["sandbox.walmartapis.com"]);
        assert_eq!(policy.presentation().header_name(), "WM_SEC.ACCESS_TOKEN");
    }
}

//! A pool never takes two vendors for one: each setting of a provider, and each key of a vendor file, makes a source of
//! its own.

use credentials_grant_apaleo::Apaleo;
use credentials_grant_cognito::Cognito;
use credentials_grant_oauth2::OAuth2;
use credentials_grant_octorate::Octorate;
use credentials_grant_ptv::Ptv;
use credentials_grant_resamania::{Grant, Resamania};
use credentials_grant_test_kit::TestServer;
use credentials_grant_vendor_file::settings::{Configure, Setting, Settings};
use credentials_grant_vendor_file::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, Endpoint, FileProvider, TokenParameters, TokenPool,
    VendorFile,
};

use crate::changed_file::file;

/// Two values for each setting, neither of which is the default.
const VALUES: [(&str, [&str; 2]); 24] = [
    ("api-host", ["api.one.example", "api.two.example"]),
    ("assertion-audience", ["https://one.example", "https://two.example"]),
    ("auth", ["client_secret_basic_strict", "client_secret_post"]),
    ("base-url", ["https://one.example/api", "https://two.example/api"]),
    ("client-id-parameter", ["always", "always"]),
    ("client-token", ["one", "two"]),
    ("club", ["/one/clubs/1", "/one/clubs/2"]),
    ("contact", ["one@example.com", "two@example.com"]),
    ("domain", ["auth.one.example", "auth.two.example"]),
    ("encoding", ["json", "json"]),
    ("expired-member", ["/code", "/code"]),
    ("expired-status", ["403", "403"]),
    ("expired-values", ["601", "601"]),
    ("expiry-unit", ["minutes", "minutes"]),
    ("introspection-url", ["https://one.example/introspect", "https://two.example/introspect"]),
    ("issuer", ["https://one.example", "https://two.example"]),
    ("prefix", ["one", "two"]),
    ("region", ["eu-south-1", "eu-south-2"]),
    ("revocation-url", ["https://one.example/revoke", "https://two.example/revoke"]),
    ("same-token", ["extended", "extended"]),
    ("token-url", ["https://one.example/token", "https://two.example/token"]),
    // Two of the same URL, but for the query, which no `Debug` shows.
    ("token-url", ["https://one.example/token?tenant=1", "https://one.example/token?tenant=2"]),
    ("token-url", ["http://127.0.0.1/token", "http://127.0.0.1:81/token"]),
    ("zero-lifetime", ["unstated", "unstated"]),
];

fn pool() -> TokenPool {
    TokenPool::builder().with_capacity(100_000).with_transport(TestServer::unused()).build().unwrap()
}

fn look_up(pool: &TokenPool, provider: &(impl CredentialsGrant + Clone)) {
    let credentials = ClientCredentials::new("id", "secret").with_secret("gateway-key", "key");
    pool.source(provider, &credentials, &TokenParameters::new()).unwrap();
}

/// Asserts that each of these providers has a source of its own, and gets it again.
#[track_caller]
fn assert_told_apart<P: CredentialsGrant + Clone>(make: impl Fn() -> Vec<P>) {
    let pool = pool();
    for (index, provider) in make().iter().enumerate() {
        look_up(&pool, provider);
        assert_eq!(pool.len(), index + 1, "this provider shares the source of another: {provider:?}");
    }
    let sources = pool.len();
    for provider in make() {
        look_up(&pool, &provider);
    }
    assert_eq!(pool.len(), sources, "equal settings share a source");
}

/// Returns a provider for every combination of its settings that is valid: each setting is missing, or has one of two
/// values.
fn every_combination<P: Configure>() -> Vec<P> {
    let own = P::SETTINGS.iter().filter(|setting| !setting.is_secret()).map(Setting::name);
    let names = own.filter(|name| *name != "token-url").chain(["token-url"]);
    let mut combinations = vec![Settings::new()];
    for name in names {
        let mut values: Vec<_> = VALUES.iter().filter(|(known, _)| *known == name).flat_map(|(_, both)| both).collect();
        values.dedup();
        assert!(!values.is_empty(), "`VALUES` has none for `{name}`");
        let with_each = |settings: &Settings| values.iter().map(|value| settings.clone().with(name, **value)).collect();
        let with: Vec<Settings> = combinations.iter().flat_map(|settings| -> Vec<_> { with_each(settings) }).collect();
        combinations.extend(with);
    }
    combinations.iter().filter_map(|settings| P::configure(settings).ok()).collect()
}

#[test]
fn every_combination_of_a_providers_settings_has_a_source_of_its_own() {
    assert_told_apart(every_combination::<Apaleo>);
    assert_told_apart(every_combination::<Cognito>);
    assert_told_apart(every_combination::<OAuth2>);
    assert_told_apart(every_combination::<Octorate>);
    assert_told_apart(every_combination::<Ptv>);
    assert_told_apart(every_combination::<Resamania>);
}

#[test]
fn what_only_code_can_set_makes_a_source_of_its_own() {
    let url = || Endpoint::from_static("https://one.example/token");
    assert_told_apart(|| {
        let one = || Cognito::at(url());
        vec![
            one(),
            one().with_client_metadata("hotel", "MUC"),
            one().with_client_metadata("hotel", "BER"),
            one().with_client_metadata("ho", "telMUC"),
            one().with_client_metadata("hotel", "MUC").with_client_metadata("room", "1"),
        ]
    });
    assert_told_apart(|| {
        [
            Grant::Application,
            Grant::Club("1".to_owned()),
            Grant::Contact("1".to_owned()),
            Grant::Contact("2".to_owned()),
        ]
        .map(|grant| Resamania::at(url()).with_grant(grant))
        .to_vec()
    });
    assert_told_apart(|| {
        let methods = ClientAuthentication::ALL.map(|method| OAuth2::at(url()).with_client_authentication(method));
        [OAuth2::at(url()), OAuth2::discover("https://one.example/token".parse().unwrap())]
            .into_iter()
            .chain(methods)
            .collect()
    });
}

#[test]
fn every_token_parameter_makes_a_source_of_its_own() {
    let none = TokenParameters::new;
    let asked = [
        none(),
        none().with_scope("one"),
        none().with_scope("two"),
        none().with_scopes(["one", "two"]),
        none().with_scopes(["two", "one"]),
        none().with_audience("one"),
        none().with_audience("two"),
        none().with_resource("https://one.example"),
        none().with_resource("https://two.example"),
        none().with_authorization_details(r#"[{"type":"one"}]"#),
        none().with_authorization_details(r#"[{"type":"two"}]"#),
        none().with_extra_parameter("one", "1"),
        none().with_extra_parameter("one", "2"),
        none().with_extra_parameter("on", "e1"),
        none().with_extra_parameter("one", "1").with_extra_parameter("two", "2"),
    ];
    let (pool, credentials) = (pool(), ClientCredentials::new("id", "secret"));
    for _ in 0..2 {
        for parameters in &asked {
            let server = OAuth2::at(Endpoint::from_static("https://one.example/token"));
            pool.source(&server, &credentials, parameters).unwrap();
        }
    }
    assert_eq!(pool.len(), asked.len());
}

#[test]
fn vendors_with_the_same_url_and_client_have_sources_of_their_own() {
    let (pool, url) = (pool(), Endpoint::from_static("https://one.example/token"));
    look_up(&pool, &Apaleo::at(url.clone()));
    look_up(&pool, &Cognito::at(url.clone()));
    look_up(&pool, &OAuth2::at(url.clone()).with_client_authentication(ClientAuthentication::ClientSecretBasic));
    look_up(&pool, &Octorate::at(url.clone()));
    look_up(&pool, &Ptv::at(url.clone()));
    look_up(&pool, &Resamania::at(url));
    assert_eq!(pool.len(), 6);
}

/// Changes to the file, each of which alone changes the request, how the response is read, or the policy.
const CHANGES: [(&str, &str); 58] = [
    ("", ""),
    ("\"acme\"", "\"another\""),
    // The request.
    ("https://{shop}.{server}.acme.example/token", "https://{shop}.{server}.acme.example/tokens"),
    ("https://{shop}.{server}.acme.example/token", "https://{server}.{shop}.acme.example/token"),
    ("# request", "encoding = \"json\""),
    ("client_secret_post", "client_secret_basic"),
    ("client_secret_post\"", "client_secret_basic\"\nencoding = \"query\""),
    ("client_secret_post\"", "client_secret_basic\"\nmethod = \"GET\""),
    ("client_secret_post", "client_secret_basic_raw"),
    ("client_secret_post", "client_secret_basic_strict"),
    ("client_secret_post", "client_secret_jwt"),
    ("client_secret_post\"", "client_secret_jwt\"\nassertion-audience = \"https://one.example\""),
    ("client_secret_post\"", "client_secret_jwt\"\nassertion-audience = \"https://two.example\""),
    ("# request", "grant-type = \"none\""),
    ("# request", "grant-type = \"password\""),
    ("# request", "scope = \"none\""),
    ("# request", "scope-parameter = \"scp\""),
    ("# request", "scope-separator = \",\""),
    ("# request", "audience = \"optional\""),
    ("# request", "resource = \"optional\""),
    ("# request", "authorization-details = \"optional\""),
    ("# request", "parameters.one = \"1\""),
    ("# request", "parameters.one = \"{client-secret}\""),
    ("# request", "parameters.one = \"{base64({client-secret})}\""),
    ("# request", "parameters.one = \"{request-id}\""),
    ("# request", "headers.One = \"1\""),
    ("# request", "headers.One = \"{client-id}\""),
    ("headers.X-Gateway-Key", "headers.X-Other-Key"),
    // The response.
    ("# response", "token = \"/data/token\""),
    ("# response", "token = \"id_token\""),
    ("# response", "token-type = \"type\""),
    ("# response", "any-token-type = true"),
    ("# response", "expires-in = \"ttl\""),
    ("# response", "expires-at = \"ttl\""),
    ("# response", "expiry-unit = \"minutes\""),
    ("# response", "expiry-unit = \"milliseconds\""),
    ("# response", "expires-at = \"ttl\"\nexpiry-unit = \"milliseconds\""),
    ("# response", "scopes = \"granted\""),
    ("# response", "scope-separator = \",\""),
    ("# response", "refresh-token = \"another\""),
    ("# response", "error-members = [{ code = \"/code\", description = \"/text\" }]"),
    ("# response", "error-mappings = [{ status = 403, kind = \"unavailable\" }]"),
    ("# response", "error-mappings = [{ status = 403, kind = \"rate_limited\" }]"),
    ("# response", "error-mappings = [{ code = \"403\", kind = \"rate_limited\" }]"),
    // The policy.
    ("# policy", "hosts = [\"api.acme.example\"]"),
    ("# policy", "hosts = [\"{token-host}\"]"),
    ("# policy", "presentation.header = \"X-Token\""),
    ("# policy", "presentation.scheme = \"Token\""),
    ("# policy", "presentation.extra-headers.X-Gateway-Key = \"{gateway-key}\""),
    ("# policy", "lifetime = \"1h\""),
    ("# policy", "limits = [{ requests = 5, period = \"24h\" }]"),
    ("# policy", "limits = [{ requests = 5, period = \"24h\", per-client = true }]"),
    ("# policy", "expired-statuses = [403]"),
    ("# policy", "expired-bodies = [{ member = \"/code\", values = [\"601\"] }]"),
    ("# policy", "expired-bodies = [{ member = \"/code\", values = [\"602\"] }]"),
    ("# policy", "extended-tokens = true"),
    ("# response", "zero-is-unstated = true"),
    ("# policy", "blocks-addresses = true"),
];

fn provider(change: (&str, &str), settings: &[(&str, &str)]) -> FileProvider {
    let text = file(&[change]);
    let settings = settings.iter().fold(Settings::new(), |settings, (name, value)| settings.with(*name, *value));
    VendorFile::parse(&text).and_then(|file| file.provider(&settings)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn every_key_of_a_file_that_matters_makes_a_source_of_its_own() {
    assert_told_apart(|| CHANGES.map(|change| provider(change, &[("shop", "north")])).to_vec());
}

#[test]
fn every_setting_of_a_file_makes_a_source_of_its_own() {
    assert_told_apart(|| {
        [
            vec![("shop", "north")],
            vec![("shop", "south")],
            vec![("shop", "north"), ("server", "test")],
            vec![("shop", "north"), ("tenant", "1")],
            vec![("shop", "north"), ("tenant", "2")],
            vec![("token-url", "https://one.example/token")],
        ]
        .map(|settings| provider(("", ""), &settings))
        .to_vec()
    });
}

#[test]
fn two_copies_of_a_file_share_a_source_though_one_says_more_about_its_author() {
    let pool = pool();
    for title in ["Acme Rockets", "Acme"] {
        look_up(&pool, &provider(("Acme Rockets", title), &[("shop", "north")]));
    }
    assert_eq!(pool.len(), 1);
}

//! Sources for many.

use std::hash::Hasher;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use credentials_grant::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, CredentialsSource, Endpoint, Error, ErrorKind,
    ErrorMapping, ExpiryUnit, IssuanceLimit, Policy, Presentation, RequestContext, ResponseReader, StatusCode,
    TokenParameters, UnsignedRequest,
};
use credentials_grant_client::{
    Authorizer, EnvironmentCredentials, FallbackCredentials, FileCredentials, FunctionCredentials, ManualClock,
    TokenPool, TokenPoolBuilder, TokenSource,
};
use credentials_grant_test_kit::{Acme, Answer, TestServer, clock, gated, settle};

use crate::acme::{SECOND, token};

fn builder(server: &TestServer, clock: &ManualClock) -> TokenPoolBuilder {
    TokenPool::builder().with_transport(server.clone()).with_clock(clock.clone())
}

fn acme() -> Arc<dyn CredentialsGrant> {
    Arc::new(crate::acme::acme())
}

fn hotel(number: usize) -> ClientCredentials {
    ClientCredentials::new(format!("hotel-{number}"), "a-client-secret")
}

fn same(one: &TokenSource, other: &TokenSource) -> bool {
    let shared = one.cached().unwrap().to_arc();
    other.cached().is_some_and(|cached| Arc::ptr_eq(&cached.to_arc(), &shared))
}

#[tokio::test]
async fn whoever_asks_the_same_shares_a_token_and_whoever_asks_anything_else_does_not() {
    let server = TestServer::in_turn((0..100).map(|_| Answer::Token(3600)));
    let pool = builder(&server, &clock()).build().unwrap();
    let elsewhere = |url| Arc::new(Acme::new().with_endpoint(Endpoint::from_static(url))) as Arc<dyn CredentialsGrant>;
    let secret = |secret: &str| ClientCredentials::new("hotel-1", secret);
    let sources = || {
        [
            pool.source(&acme(), &hotel(1), &TokenParameters::new()),
            pool.source(&acme(), &hotel(2), &TokenParameters::new()),
            pool.source(&acme(), &secret("another"), &TokenParameters::new()),
            pool.source(&acme(), &secret("a-client-secret").with_secret("key", "1"), &TokenParameters::new()),
            pool.source(&acme(), &secret("a-client-secret").with_secret("key", "2"), &TokenParameters::new()),
            pool.source(&elsewhere("https://auth.example.com/other"), &hotel(1), &TokenParameters::new()),
            pool.source(&elsewhere("https://auth.example.com/token?tenant=1"), &hotel(1), &TokenParameters::new()),
            pool.source(&elsewhere("https://auth.example.com/token?tenant=2"), &hotel(1), &TokenParameters::new()),
            pool.source(&acme(), &hotel(1), &TokenParameters::new().with_scope("read")),
            pool.source(&acme(), &hotel(1), &TokenParameters::new().with_scopes(["read", "write"])),
            pool.source(&acme(), &EnvironmentCredentials::with_prefix("HOTEL"), &TokenParameters::new()),
            pool.source(
                &acme(),
                &EnvironmentCredentials::with_prefix("HOTEL").with_secret("key"),
                &TokenParameters::new(),
            ),
            pool.source(&acme(), &FileCredentials::new("hotel-1", "/run/secrets/1"), &TokenParameters::new()),
            pool.source(&acme(), &FileCredentials::new("hotel-1", "/run/secrets/2"), &TokenParameters::new()),
            pool.source(&acme(), &FunctionCredentials::new("one", || async { Ok(hotel(1)) }), &TokenParameters::new()),
            pool.source(&acme(), &FunctionCredentials::new("two", || async { Ok(hotel(1)) }), &TokenParameters::new()),
            pool.source(&acme(), &FallbackCredentials::new(hotel(1)).or(hotel(2)), &TokenParameters::new()),
            pool.source(&acme(), &FallbackCredentials::new(hotel(2)).or(hotel(1)), &TokenParameters::new()),
        ]
        .map(Result::unwrap)
    };
    let first = sources();
    assert_eq!(pool.len(), first.len(), "each has a source of its own");
    sources();
    assert_eq!(pool.len(), first.len(), "and gets it again");

    token(&first[0]).await.unwrap();
    assert!(same(&first[0], &sources()[0]));
    assert!(sources()[1..].iter().all(|source| source.cached().is_none()));
}

#[test]
fn whatever_is_read_otherwise_or_allowed_otherwise_has_a_source_of_its_own() {
    let reader = ResponseReader::rfc6749;
    let mapping = |kind| reader().with_error_mapping(ErrorMapping::for_code("code", kind));
    let readers = [
        reader(),
        reader().token_in("id_token"),
        reader().token_type_in("type"),
        reader().any_token_type(),
        reader().expires_in("expires_in", ExpiryUnit::Minutes),
        reader().expires_in("ttl", ExpiryUnit::Seconds),
        reader().expires_at("expires_in"),
        reader().expires_at_in("expires_in", ExpiryUnit::Milliseconds),
        reader().scopes_in("scopes", ' '),
        reader().scopes_in("scope", ','),
        reader().refresh_token_in("another"),
        reader().errors_in("code", "text"),
        mapping(ErrorKind::Unavailable),
        mapping(ErrorKind::RateLimited),
        reader().with_error_mapping(ErrorMapping::for_status(StatusCode::FORBIDDEN, ErrorKind::RateLimited)),
    ];
    let bearer = || Policy::new();
    let presented = |presentation| Policy::new().with_presentation(presentation);
    let limit = IssuanceLimit::new(5, SECOND);
    let policies = [
        bearer().with_host("one.example"),
        bearer().with_host("two.example"),
        bearer().with_lifetime(SECOND),
        bearer().with_lifetime(SECOND * 2),
        bearer().with_expired_status(StatusCode::FORBIDDEN),
        bearer().with_address_blocking(),
        bearer().with_limit(limit),
        bearer().with_limit(limit.per_client()),
        bearer().with_limit(IssuanceLimit::new(5, SECOND * 2)),
        bearer().with_limit(IssuanceLimit::new(6, SECOND)),
        presented(Presentation::header("X-Token")),
        presented(Presentation::bearer().with_scheme("Token")),
        presented(Presentation::bearer().with_extra_header("X-One", "1")),
        presented(Presentation::bearer().with_extra_header("X-One", "2")),
        presented(Presentation::bearer().with_secret_header("X-One", "1")),
        presented(Presentation::bearer().with_client_id_header("X-One")),
    ];
    let basic = |method| Acme::new().with_client_authentication(method);
    let requests = [
        basic(ClientAuthentication::ClientSecretBasicRaw),
        basic(ClientAuthentication::ClientSecretBasicStrict),
        basic(ClientAuthentication::ClientSecretPost),
        Acme::new().with_dpop(),
        Acme::new().with_name("another"),
    ];
    let providers = readers.map(|reader| Acme::new().with_reader(reader)).into_iter().chain(requests);
    let providers = providers.chain(policies.map(|policy| Acme::new().with_policy(policy)));
    let providers: Vec<_> = providers.collect();

    let pool = builder(&TestServer::unused(), &clock()).build().unwrap();
    for (others, provider) in providers.iter().enumerate() {
        pool.source(provider, &hotel(1), &TokenParameters::new()).unwrap();
        assert_eq!(pool.len(), others + 1, "shares the source of another: {provider:?}");
    }
    for provider in &providers {
        pool.source(&Arc::new(provider.clone()), &hotel(1), &TokenParameters::new()).unwrap();
    }
    assert_eq!(pool.len(), providers.len(), "each gets its source again");
}

/// A provider that writes its bytes as they are, or does not say what it is.
#[derive(Clone, Debug)]
struct Raw(Option<&'static str>);

impl CredentialsGrant for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context.post(&Acme::endpoint()).client_credentials().build()
    }

    fn identify(&self, state: &mut dyn Hasher) -> bool {
        self.0.is_some_and(|bytes| {
            state.write(bytes.as_bytes());
            true
        })
    }
}

#[async_trait]
impl CredentialsSource for Raw {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        Ok(hotel(1))
    }

    fn identify(&self, state: &mut dyn Hasher) -> bool {
        CredentialsGrant::identify(self, state)
    }
}

#[test]
fn the_end_of_a_providers_identity_does_not_pass_for_the_start_of_the_credentials() {
    let pool = builder(&TestServer::unused(), &clock()).build().unwrap();
    let whole = "provider, then credentials";
    for split in 0..=whole.len() {
        let (provider, credentials) = whole.split_at(split);
        pool.source(&Raw(Some(provider)), &Raw(Some(credentials)), &TokenParameters::new()).unwrap();
    }
    assert_eq!(pool.len(), whole.len() + 1);
}

#[test]
fn a_provider_that_cannot_be_told_apart_is_refused() {
    let pool = builder(&TestServer::unused(), &clock()).build().unwrap();
    let error = pool.source(&Arc::new(Raw(None)), &hotel(1), &TokenParameters::new()).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("raw")));
    assert!(error.to_string().contains("`CredentialsGrant::identify`"), "{error}");
}

#[test]
fn a_parameter_makes_a_source_of_its_own_and_an_ask_that_acme_cannot_honour_makes_none() {
    let pool = builder(&TestServer::unused(), &clock()).build().unwrap();
    for tenant in ["1", "2", "1"] {
        pool.source(&acme(), &hotel(1), &TokenParameters::new().with_extra_parameter("tenant", tenant)).unwrap();
    }
    assert_eq!(pool.len(), 2);
    let error = pool.source(&acme(), &hotel(1), &TokenParameters::new().with_audience("another")).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("acme")));
    assert_eq!(pool.len(), 2);
}

#[test]
fn credentials_that_cannot_be_told_apart_are_refused() {
    #[derive(Clone, Debug)]
    struct Vault;
    #[async_trait]
    impl CredentialsSource for Vault {
        async fn load(&self) -> Result<ClientCredentials, Error> {
            Ok(hotel(1))
        }
    }
    let pool = builder(&TestServer::unused(), &clock()).build().unwrap();
    for refused in [
        pool.source(&acme(), &Vault, &TokenParameters::new()),
        pool.source(&acme(), &Arc::new(Vault), &TokenParameters::new()),
        // The name of the tenant is missing, for every tenant.
        pool.source(&acme(), &FunctionCredentials::new("", || async { Ok(hotel(1)) }), &TokenParameters::new()),
        pool.source(&acme(), &FunctionCredentials::new(" ", || async { Ok(hotel(1)) }), &TokenParameters::new()),
    ] {
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("acme")));
        assert!(error.to_string().contains("identify"), "{error}");
    }
    assert!(pool.source(&acme(), &FallbackCredentials::new(hotel(1)).or(Vault), &TokenParameters::new()).is_err());
}

#[tokio::test]
async fn each_source_asks_for_its_own_scopes_whoever_came_before() {
    let server = TestServer::in_turn((0..4).map(|_| Answer::Token(3600)));
    let pool = builder(&server, &clock()).build().unwrap();
    assert!(pool.is_empty());
    let scopes = ["read", "read", "write", "read"];
    for (number, scope) in scopes.iter().enumerate() {
        let parameters = TokenParameters::new().with_scope(*scope);
        token(&pool.source(&acme(), &hotel(number), &parameters).unwrap()).await.unwrap();
    }
    let sent: Vec<_> = server.take_requests().into_iter().map(|request| request.body).collect();
    assert_eq!(sent, scopes.map(|scope| format!("grant_type=client_credentials&scope={scope}")));
    assert!(!pool.is_empty());
}

#[tokio::test]
async fn five_thousand_tenants_buy_one_token_each() {
    let server = TestServer::in_turn((0..5000).map(|_| Answer::Token(3600)));
    let pool = builder(&server, &clock()).build().unwrap();
    for _ in 0..2 {
        for tenant in 0..5000 {
            token(&pool.source(&acme(), &hotel(tenant), &TokenParameters::new()).unwrap()).await.unwrap();
        }
    }
    assert_eq!(server.request_count(), 5000);
}

#[tokio::test]
async fn one_tenants_slow_server_delays_no_other() {
    let (server, gate) = gated([Answer::Token(3600), Answer::Token(3600)]);
    let pool = builder(&server, &clock()).build().unwrap();
    let slow = pool.source(&acme(), &hotel(1), &TokenParameters::new()).unwrap();
    let waiting = tokio::spawn(async move { token(&slow).await });
    settle().await;
    let quick = pool.source(&acme(), &hotel(2), &TokenParameters::new()).unwrap();
    let quick = tokio::spawn(async move { token(&quick).await });
    settle().await;
    assert_eq!(server.request_count(), 2, "both requests are in flight at once");
    gate.add_permits(2);
    waiting.await.unwrap().unwrap();
    quick.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_full_pool_drops_the_one_that_was_not_asked_for_the_longest() {
    let server = TestServer::in_turn((0..4).map(|_| Answer::Token(3600)));
    let pool = builder(&server, &clock()).with_capacity(2).build().unwrap();
    let mut tokens = Vec::new();
    for number in [1, 2, 1, 3, 1, 2] {
        tokens.push(token(&pool.source(&acme(), &hotel(number), &TokenParameters::new()).unwrap()).await.unwrap());
    }
    assert_eq!(tokens, [1, 2, 1, 3, 1, 4].map(|number| format!("Bearer token-{number}")));
    assert_eq!(pool.len(), 2);
}

#[tokio::test]
async fn a_full_pool_keeps_the_sources_that_somebody_holds_and_shrinks_when_they_are_let_go() {
    let server = TestServer::in_turn((0..2000).map(|_| Answer::Token(3600)));
    let pool = builder(&server, &clock()).with_capacity(1000).build().unwrap();
    let source = |number| pool.source(&acme(), &hotel(number), &TokenParameters::new()).unwrap();
    let mut held = Vec::new();
    for number in 0..1500 {
        token(&source(number)).await.unwrap();
        held.push(Authorizer::builder(source(number)).with_host("api.example.com").build().unwrap());
    }
    for number in 0..1500 {
        token(&source(number)).await.unwrap();
    }
    assert_eq!((server.request_count(), pool.len()), (1500, 1500), "one token for each of 1500 tenants");

    held.truncate(500);
    for _ in 0..1500 {
        source(0);
    }
    assert_eq!(pool.len(), 1000, "it shrinks, a few sources at a time");
    for number in 0..500 {
        token(&source(number)).await.unwrap();
    }
    assert_eq!(server.request_count(), 1500, "those that are held are still there");
}

#[tokio::test]
async fn a_source_that_is_fetching_a_token_is_not_dropped() {
    let (server, gate) = gated([Answer::Token(3600), Answer::Token(3600)]);
    let pool = builder(&server, &clock()).with_capacity(1).with_idle(SECOND).build().unwrap();
    let source = |number| pool.source(&acme(), &hotel(number), &TokenParameters::new()).unwrap();
    let busy = source(1);
    let caller = tokio::spawn(async move { token(&busy).await });
    settle().await;
    caller.abort();
    settle().await;
    for number in 2..5 {
        source(number);
    }
    gate.add_permits(2);
    assert_eq!(token(&source(1)).await.unwrap(), "Bearer token-1");
    assert_eq!(server.request_count(), 1, "the first caller's request serves the second");
}

#[tokio::test]
async fn a_lookup_drops_a_few_sources_only() {
    let clock = clock();
    let pool = builder(&TestServer::unused(), &clock).with_idle(SECOND).build().unwrap();
    let source = |number| pool.source(&acme(), &hotel(number), &TokenParameters::new()).unwrap();
    (0..100).for_each(|number| drop(source(number)));
    clock.advance(SECOND);
    let lengths = iter::repeat_with(|| {
        source(99);
        pool.len()
    });
    let lengths: Vec<_> = lengths.take(30).collect();
    assert_eq!(lengths[..3], [96, 92, 88]);
    assert_eq!(lengths.last(), Some(&1), "in the end, all others are gone");
}

#[tokio::test]
async fn idle_sources_are_dropped_and_those_that_somebody_holds_are_not() {
    let server = TestServer::in_turn((0..4).map(|_| Answer::Token(7200)));
    let clock = clock();
    let pool = builder(&server, &clock).with_idle(SECOND * 600).build().unwrap();
    let source = |number| pool.source(&acme(), &hotel(number), &TokenParameters::new()).unwrap();
    let held = source(1);
    token(&held).await.unwrap();
    token(&source(2)).await.unwrap();
    clock.advance(SECOND * 600);
    source(3);
    assert_eq!(pool.len(), 2, "the second is gone");
    assert_eq!(token(&source(1)).await.unwrap(), "Bearer token-1");
    assert_eq!(token(&source(2)).await.unwrap(), "Bearer token-3");
}

#[test]
fn a_pool_that_keeps_nothing_is_refused() {
    let clock = clock();
    for builder in [
        builder(&TestServer::unused(), &clock).with_capacity(0),
        builder(&TestServer::unused(), &clock).with_idle(Duration::ZERO),
        builder(&TestServer::unused(), &clock).with_timeout(Duration::ZERO),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::Configuration);
    }
}

#[test]
fn debug_shows_no_secret() {
    let pool = builder(&TestServer::unused(), &clock()).build().unwrap();
    pool.source(&acme(), &hotel(1), &TokenParameters::new()).unwrap();
    let shown = format!("{pool:?}");
    assert!(shown.contains('1') && !shown.contains("a-client-secret"), "{shown}");
}

//! To whom a token goes, and in which headers.

use credentials_grant::{Error, ErrorKind, Policy};
use credentials_grant_client::{Authorizer, AuthorizerBuilder};
use credentials_grant_test_kit::{Answer, TestServer, clock};
use http::Request;

use crate::shop::{policy, presentation, rig, rig_with, source};

fn get(url: &str) -> Request<()> {
    Request::get(url).body(()).unwrap()
}

#[tokio::test]
async fn the_token_goes_to_the_hosts_that_are_named() {
    let rig = rig(policy().with_host("*.myshop.example"));
    let authorizer = Authorizer::builder(rig.source.clone())
        .with_host("other.example:8443")
        .with_host("127.0.0.1:8080")
        .with_host("localhost")
        .build()
        .unwrap();
    for url in [
        "https://api.example.com/v1?secret=x",
        "https://API.Example.com:443/",
        "https://api.example.com./",
        "https://north.myshop.example./",
        "https://north.myshop.example/",
        "https://other.example:8443/",
        "http://127.0.0.1:8080/",
        "https://127.0.0.1:8080/",
        "http://localhost/",
    ] {
        let mut request = get(url);
        authorizer.authorize(&mut request).await.expect(url);
        assert_eq!(request.headers()["authorization"], "Bearer token-1", "{url}");
    }
    assert_eq!(rig.server.request_count(), 1);
}

#[tokio::test]
async fn the_token_goes_to_nobody_else_and_none_is_bought() {
    let rig = rig(policy().with_host("*.myshop.example").with_host("localhost:8080"));
    for (url, why) in [
        ("https://evil.example/", "with_host(\"evil.example\")"),
        ("https://api.example.com.evil.example/", "with_host(\"api.example.com.evil.example\")"),
        ("https://example.com./", "with_host(\"example.com.\")"),
        ("https://api.example.com:8443/", "with_host(\"api.example.com:8443\")"),
        ("https://myshop.example/", "with_host(\"myshop.example\")"),
        ("https://evilmyshop.example/", "with_host(\"evilmyshop.example\")"),
        ("https://xn--pi-7lc.example.com/", "with_host(\"xn--pi-7lc.example.com\")"),
        ("http://localhost/", "with_host(\"localhost\")"),
        ("https://api.example.com@evil.example/", "before an @"),
        ("https://api.example.com:443@evil.example/", "before an @"),
        ("https://user:canary@api.example.com/", "before an @"),
        ("https://@api.example.com/", "before an @"),
        ("http://api.example.com/", "unencrypted"),
        ("http://north.myshop.example/", "unencrypted"),
        ("ftp://api.example.com/", "http or https"),
        ("/v1/properties", "has no host"),
    ] {
        let mut request = get(url);
        let error = rig.authorizer.authorize(&mut request).await.expect_err(url);
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("shop")));
        assert!(error.to_string().contains(why) && !error.to_string().contains("canary"), "{error}");
        assert!(request.headers().is_empty(), "{url}");
    }
    assert_eq!(rig.server.request_count(), 0);
}

#[test]
fn an_authorizer_that_knows_no_host_or_a_malformed_one_is_refused() {
    let source = |policy| source(policy, &TestServer::unused(), &clock());
    let refusal = |builder: AuthorizerBuilder| {
        let error = builder.build().unwrap_err();
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("shop")));
        error.to_string()
    };
    assert!(refusal(Authorizer::builder(source(Policy::new()))).contains("with_host(\"api.example.com\")"));
    assert!(
        refusal(Authorizer::builder(source(policy())).with_host("https://x.example")).contains("\"https://x.example\"")
    );
    assert!(refusal(Authorizer::builder(source(policy().with_host("*")))).contains("\"*\""));
    assert!(Authorizer::builder(source(Policy::new())).with_host("x.example").build().is_ok());
}

#[tokio::test]
async fn the_token_goes_into_the_vendors_header_with_its_companions() {
    let rig = rig(policy().with_presentation(presentation()));
    let mut request = get("https://api.example.com/");
    rig.authorizer.authorize(&mut request).await.unwrap();
    let headers = request.headers();
    assert_eq!(headers.len(), 3);
    for (name, value) in [("x-shop-token", "token-1"), ("x-plan", "basic"), ("x-key", "a-key")] {
        assert_eq!(headers[name], value);
        assert!(headers[name].is_sensitive(), "{name}");
    }
}

#[tokio::test]
async fn a_companion_that_the_caller_has_set_stays() {
    let rig = rig(policy().with_presentation(presentation()));
    let mut request = get("https://api.example.com/");
    request.headers_mut().insert("x-plan", "gold".parse().unwrap());
    rig.authorizer.authorize(&mut request).await.unwrap();
    assert_eq!(request.headers().get_all("x-plan").iter().collect::<Vec<_>>(), ["gold"]);
    assert_eq!(request.headers()["x-shop-token"], "token-1");
}

#[tokio::test]
async fn a_request_that_has_the_header_is_left_alone_wherever_it_goes() {
    let rig = rig(policy().with_presentation(presentation()));
    for url in ["https://api.example.com/", "http://evil.example/"] {
        let mut request = get(url);
        request.headers_mut().insert("x-shop-token", "mine".parse().unwrap());
        let authorization = rig.authorizer.authorize(&mut request).await.unwrap();
        assert_eq!(request.headers().len(), 1);
        assert_eq!(request.headers()["x-shop-token"], "mine");
        assert!(
            rig.authorizer
                .check_response(&authorization, http::StatusCode::UNAUTHORIZED, &http::HeaderMap::new())
                .is_none()
        );
    }
    assert_eq!(rig.server.request_count(), 0);
}

#[tokio::test]
async fn another_authorization_is_no_reason_to_hold_back_a_token_that_goes_elsewhere() {
    let rig = rig(policy().with_presentation(presentation()));
    let mut request = get("https://api.example.com/");
    request.headers_mut().insert("authorization", "Basic eDp5".parse().unwrap());
    rig.authorizer.authorize(&mut request).await.unwrap();
    assert_eq!(request.headers()["authorization"], "Basic eDp5");
    assert_eq!(request.headers()["x-shop-token"], "token-1");
}

#[tokio::test]
async fn without_a_token_the_error_of_its_source_says_why() {
    let rig = rig_with(policy(), TestServer::in_turn([Answer::http(401, r#"{"error":"invalid_client"}"#)]));
    let mut request = get("https://api.example.com/");
    let error: Error = rig.authorizer.authorize(&mut request).await.unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::CredentialsRefused, Some("shop")));
    assert!(error.remedy().is_some());
    assert!(request.headers().is_empty());
}

#[test]
fn an_authorizer_can_be_shared_and_authorizes_on_any_thread() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    fn sent<T: Send>(_: T) {}
    let rig = rig(policy());
    shared(&rig.authorizer);
    sent(rig.authorizer.authorize(&mut get("/")));
}

#[test]
fn it_shows_where_tokens_go_and_no_secret() {
    let shown = format!("{:?}", rig(policy()).authorizer);
    assert!(shown.contains("api.example.com") && !shown.contains("a-client-secret"), "{shown}");
}

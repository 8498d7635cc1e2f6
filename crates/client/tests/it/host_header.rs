//! A `Host` header leads no request elsewhere than its URL does, whichever way it is authorized.

use credentials_grant::{Error, ErrorKind, HeaderName, HeaderValue};
use credentials_grant_client::blocking;
use http::header::HOST;
use http::{HeaderMap, Request};

use crate::shop::{Rig, policy, rig};

const URL: &str = "https://api.example.com/v1";

/// `Host` headers that do not belong to [`URL`].
const OTHERS: [&[&str]; 8] = [
    &["evil.example"],
    &["api.example.com", "evil.example"],
    &["evil.example", "api.example.com"],
    &["api.example.com", "api.example.com"],
    &["api.example.com:8443"],
    &["api.example.com."],
    &["user@api.example.com"],
    &[""],
];

fn with_hosts(hosts: &[&'static str]) -> Request<String> {
    let mut request = Request::get(URL).body(String::new()).unwrap();
    *request.headers_mut() = headers(hosts);
    request
}

fn headers(hosts: &[&'static str]) -> HeaderMap {
    hosts.iter().map(|host| (HOST, HeaderValue::from_static(host))).collect()
}

#[track_caller]
fn assert_refused(rig: &Rig, headers: &HeaderMap, error: &Error) {
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("shop")));
    assert!(error.to_string().contains("`Host` header") && !error.to_string().contains("evil"), "{error}");
    assert!(!headers.contains_key("authorization"));
    assert_eq!(rig.server.request_count(), 0, "no token is bought for it");
}

#[tokio::test]
async fn by_hand_a_request_for_another_host_gets_no_token() {
    let rig = rig(policy());
    for hosts in OTHERS {
        let mut request = with_hosts(hosts);
        let error = rig.authorizer.authorize(&mut request).await.unwrap_err();
        assert_refused(&rig, request.headers(), &error);
        let (mut parts, _) = request.into_parts();
        let error = rig.authorizer.authorize(&mut parts).await.unwrap_err();
        assert_refused(&rig, &parts.headers, &error);
    }
}

#[tokio::test]
async fn the_host_of_the_url_and_what_only_tells_of_proxies_are_fine() {
    let rig = rig(policy());
    for host in ["api.example.com", "API.Example.com", "api.example.com:443"] {
        let mut request = with_hosts(&[host]);
        request.headers_mut().insert("forwarded", HeaderValue::from_static("host=evil.example"));
        rig.authorizer.authorize(&mut request).await.unwrap();
        assert_eq!(request.headers()["host"], host, "clients that do not set it themselves need it");
        assert_eq!(request.headers()["authorization"], "Bearer token-1");
    }
}

#[tokio::test]
async fn a_request_that_is_authorized_again_is_checked_again() {
    let rig = rig(policy()).warm().await;
    let mut request = with_hosts(&[]);
    let authorization = rig.authorizer.authorize(&mut request).await.unwrap();
    let retry =
        rig.authorizer.check_response(&authorization, http::StatusCode::UNAUTHORIZED, &HeaderMap::new()).unwrap();
    request.headers_mut().insert(HOST, HeaderValue::from_static("evil.example"));
    let error = rig.authorizer.authorize_again(&mut request, retry).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!request.headers().contains_key("authorization"));
}

#[test]
fn no_header_name_can_stand_for_the_pseudo_header_of_http_2() {
    for name in [":authority", ":path", ":scheme"] {
        assert!(HeaderName::from_bytes(name.as_bytes()).is_err(), "{name}");
    }
}

#[test]
fn in_a_blocking_program_a_request_for_another_host_gets_no_token() {
    let rig = rig(policy());
    let authorizer = blocking::Authorizer::from_async(rig.authorizer.clone()).unwrap();
    for hosts in OTHERS {
        let mut request = with_hosts(hosts);
        let error = authorizer.authorize(&mut request).unwrap_err();
        assert_refused(&rig, request.headers(), &error);
    }
    let mut request = with_hosts(&["api.example.com"]);
    authorizer.authorize(&mut request).unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer token-1");
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn the_layer_does_not_call_its_service_with_a_request_for_another_host() {
    use std::convert::Infallible;

    use tower::{Layer as _, ServiceExt as _, service_fn};

    let rig = rig(policy());
    let service =
        service_fn(async |_: Request<String>| -> Result<http::Response<String>, Infallible> { panic!("it is called") });
    for hosts in OTHERS {
        let error = rig.authorizer.layer().layer(service).oneshot(with_hosts(hosts)).await.unwrap_err();
        assert_refused(&rig, &HeaderMap::new(), error.downcast_ref().unwrap());
    }
}

#[cfg(feature = "reqwest-middleware")]
#[tokio::test]
async fn the_middleware_sends_no_request_for_another_host() {
    use reqwest_middleware::ClientBuilder;

    let rig = rig(policy());
    let client = ClientBuilder::new(reqwest::Client::new()).with(rig.authorizer.clone()).build();
    for hosts in OTHERS {
        let error = client.get(URL).headers(headers(hosts)).send().await.unwrap_err();
        let reqwest_middleware::Error::Middleware(error) = error else { panic!("it was sent") };
        assert_refused(&rig, &HeaderMap::new(), error.downcast_ref().unwrap());

        let mut request = reqwest::Request::new(reqwest::Method::GET, URL.parse().unwrap());
        *request.headers_mut() = headers(hosts);
        let error = rig.authorizer.authorize(&mut request).await.unwrap_err();
        assert_refused(&rig, request.headers(), &error);
    }
}

//! A provider outside `crates/providers` passes the same checks.

#![cfg(test)]

use std::time::Duration;

use book_examples::walmart::Walmart;
use credentials_grant::{Endpoint, ErrorKind};
use credentials_grant_conformance::{Expected, Subject};

fn walmart() -> Subject {
    let expected = Expected::new("eyJraWQiOiIzZjVhYTFmNS1hYWE5LTQzM", Duration::from_secs(900))
        .with_token_type("Bearer")
        .with_header("WM_SEC.ACCESS_TOKEN", "eyJraWQiOiIzZjVhYTFmNS1hYWE5LTQzM");
    Subject::new(Walmart::at(Endpoint::from_static("https://marketplace.walmartapis.com/v3/token")), Walmart::at)
        .with_request(include_str!("../fixtures/walmart/request.http"))
        .with_token(include_str!("../fixtures/walmart/token.http"), expected)
        .with_refusal(include_str!("../fixtures/walmart/refusal.http"), ErrorKind::CredentialsRefused)
}

credentials_grant_conformance::tests!(walmart);

#[test]
fn the_book_shows_this_provider() {
    let page = include_str!("../../add-a-provider.md");
    let provider = include_str!("../src/walmart.rs");
    let shown = provider.split_once("\n\n").map(|(_, code)| code.trim_end()).unwrap();
    assert!(page.contains(shown), "docs/add-a-provider.md shows another provider than docs/examples/src/walmart.rs");
}

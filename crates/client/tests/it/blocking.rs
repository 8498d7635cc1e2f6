//! Tokens without an async runtime.

use credentials_grant::ErrorKind;
use credentials_grant_client::blocking::TokenSource;

use crate::acme::{Act, Script, builder, clock};

#[test]
fn a_program_without_a_runtime_gets_a_token_and_keeps_it() {
    let script = Script::new([Act::Issue(3600)]);
    let source = TokenSource::from_builder(builder(&script, &clock())).unwrap();
    for _ in 0..2 {
        assert_eq!(source.token().unwrap().authorization(), "Bearer token-1");
    }
    assert_eq!(script.requests(), 1);
}

#[test]
fn a_complaint_about_the_token_makes_the_next_call_fetch() {
    let script = Script::new([Act::Issue(3600), Act::Issue(3600)]);
    let source = TokenSource::from_builder(builder(&script, &clock())).unwrap();
    source.invalidate(&source.token().unwrap());
    assert_eq!(source.token().unwrap().authorization(), "Bearer token-2");
}

#[tokio::test]
async fn in_async_code_the_error_says_what_to_use_and_dropping_does_no_harm() {
    let source = TokenSource::from_builder(builder(&Script::new([]), &clock())).unwrap();
    let error = source.token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("async `TokenSource`"), "{error}");
    drop(source);
}

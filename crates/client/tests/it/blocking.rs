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
async fn in_an_async_program_it_works_where_blocking_is_allowed_and_dropping_it_does_no_harm() {
    let script = Script::new([Act::Issue(3600)]);
    let source = TokenSource::from_builder(builder(&script, &clock())).unwrap();
    let blocking = move || source.token().map(|token| (token.authorization().clone(), source));
    let (authorization, source) = tokio::task::spawn_blocking(blocking).await.unwrap().unwrap();
    assert_eq!(authorization, "Bearer token-1");
    drop(source);
}

#[test]
fn a_failure_is_told_as_it_is() {
    let script = Script::new([Act::Answer(401, "")]);
    let source = TokenSource::from_builder(builder(&script, &clock())).unwrap();
    assert_eq!(source.token().unwrap_err().kind(), ErrorKind::CredentialsRefused);
}

//! Credentials that prove who they are by an assertion.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};

use credentials_grant::{CredentialsSource as _, ErrorKind, ExposeSecret as _};
use credentials_grant_client::AssertionFileCredentials;

#[tokio::test]
async fn an_assertion_is_read_anew_each_time_because_platforms_replace_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let source = AssertionFileCredentials::new("my-service", &path);
    for jwt in ["one.jwt.canary", "another.jwt.canary"] {
        fs::write(&path, format!("{jwt}\n")).unwrap();
        let credentials = source.load().await.unwrap();
        assert_eq!(credentials.client_id().unwrap(), "my-service");
        assert_eq!(credentials.assertion().unwrap().expose_secret(), jwt);
        assert!(!format!("{source:?} {credentials:?}").contains("canary"));
    }
    fs::remove_file(&path).unwrap();
    let error = source.load().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Unavailable && error.message().contains("token"), "it was there: {error}");
}

#[test]
fn a_client_and_its_file_tell_one_source_from_another() {
    let identity = |client, path| {
        let mut hasher = DefaultHasher::new();
        assert!(AssertionFileCredentials::new(client, path).identify(&mut hasher));
        hasher.finish()
    };
    assert_eq!(identity("a", "/x"), identity("a", "/x"));
    assert!(identity("a", "/x") != identity("b", "/x") && identity("a", "/x") != identity("a", "/y"));
}

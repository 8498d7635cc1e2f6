//! Credentials from files and from the environment.

use std::fs;
use std::path::Path;
use std::process::Command;

use credentials_grant::{CredentialsSource, Error, ErrorKind, ExposeSecret};
use credentials_grant_client::{EnvironmentCredentials, FileCredentials};

async fn read(path: &Path) -> Result<String, Error> {
    let credentials = FileCredentials::new("id", path).load().await?;
    Ok(credentials.client_secret()?.expose_secret().to_owned())
}

#[tokio::test]
async fn a_line_break_at_the_end_of_a_file_is_not_part_of_the_secret() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (text, secret) in [
        ("secret", "secret"),
        ("secret\n", "secret"),
        ("secret\r\n", "secret"),
        ("\u{feff}secret\r\n", "secret"),
        (" s e \n", " s e "),
    ] {
        fs::write(file.path(), text).unwrap();
        assert_eq!(read(file.path()).await.unwrap(), secret, "{text:?}");
    }
}

#[tokio::test]
async fn a_rotated_file_is_read_anew() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let source = FileCredentials::new("id", file.path()).with_secret_file("api-key", file.path());
    for secret in ["first", "second"] {
        fs::write(file.path(), secret).unwrap();
        let credentials = source.load().await.unwrap();
        assert_eq!(credentials.client_secret().unwrap().expose_secret(), secret);
        assert_eq!(credentials.secret("api-key").unwrap().expose_secret(), secret);
    }
}

#[tokio::test]
async fn a_file_that_holds_no_secret_is_refused_by_name_and_without_its_content() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("empty"), "\n").unwrap();
    fs::write(path("binary"), b"canary\xff").unwrap();
    fs::write(path("large"), "canary".repeat(100_000)).unwrap();
    let cases = [
        ("missing", "cannot be read"),
        (".", "cannot be read"),
        ("empty", "is empty"),
        ("binary", "is not UTF-8"),
        ("large", "larger than 64 KiB"),
    ];
    for (name, why) in cases {
        let error = read(&path(name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{name}");
        assert!(error.to_string().contains(why) && error.to_string().contains(name), "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_without_an_end_is_refused_all_the_same() {
    let error = read(Path::new("/dev/zero")).await.unwrap_err();
    assert!(error.to_string().contains("larger than 64 KiB"), "{error}");
}

#[tokio::test]
async fn a_file_of_64_kib_is_still_taken() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "x".repeat(64 * 1024)).unwrap();
    assert_eq!(read(file.path()).await.unwrap().len(), 64 * 1024);
    fs::write(file.path(), "x".repeat(64 * 1024 + 1)).unwrap();
    assert!(read(file.path()).await.is_err());
}

/// Whether this program is the child of [`variables_are_read_and_a_line_break_at_their_end_is_not`].
const IS_CHILD: &str = "CREDENTIALS_GRANT_TEST_IS_CHILD";

#[test]
fn variables_are_read_and_a_line_break_at_their_end_is_not() {
    let this_test = "credentials::the_child_reads_its_variables";
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", this_test])
        .env(IS_CHILD, "yes")
        .env("ACME_CLIENT_ID", "id")
        .env("ACME_CLIENT_SECRET", "secret\r\n")
        .env("ACME_API_KEY", "key")
        .env("ACME_UNUSED", "")
        .status();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn the_child_reads_its_variables() {
    if std::env::var_os(IS_CHILD).is_none() {
        return;
    }
    let source = EnvironmentCredentials::with_prefix("ACME").with_secret("api-key").with_secret("unused");
    let credentials = source.load().await.unwrap();
    assert_eq!(credentials.client_id().unwrap(), "id");
    assert_eq!(credentials.client_secret().unwrap().expose_secret(), "secret");
    assert_eq!(credentials.secret("api-key").map(ExposeSecret::expose_secret), Some("key"));
    assert!(credentials.secret("unused").is_none(), "an empty variable is not set");
}

#[tokio::test]
async fn a_variable_that_is_not_set_is_named() {
    let source = EnvironmentCredentials::with_prefix("CREDENTIALS_GRANT_TEST_UNSET").with_secret("api-key");
    let error = source.load().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("CREDENTIALS_GRANT_TEST_UNSET_CLIENT_ID"), "{error}");
}

//! Credentials from files and from the environment.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
#[cfg(unix)]
use std::time::{Duration, SystemTime};

use credentials_grant::{ClientCredentials, CredentialsSource, Error, ErrorKind, ExposeSecret, Retry};
use credentials_grant_client::{
    AssertionFileCredentials, EnvironmentCredentials, FileCredentials, FunctionCredentials, TokenSource,
};
use credentials_grant_test_kit::{Answer, TestServer};
use futures_util::future::join_all;
use futures_util::poll;
use tokio::runtime::Builder;

use crate::acme::{acme, token};

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

/// As Kubernetes does it: the file leads through a link that is replaced, the directory behind it is removed, and size
/// and time may be the same.
#[cfg(unix)]
#[tokio::test]
async fn a_file_behind_a_link_that_is_replaced_is_read_anew() {
    use std::os::unix::fs::symlink;

    let volume = tempfile::tempdir().unwrap();
    let at = |name: &str| volume.path().join(name);
    symlink("..data/client-secret", at("client-secret")).unwrap();
    let source = FileCredentials::new("id", at("client-secret"));
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let generations = ["first", "later", "third"].map(|secret| (format!("..{secret}"), secret));
    for (number, (directory, secret)) in generations.iter().enumerate() {
        fs::create_dir(at(directory)).unwrap();
        let file = at(directory).join("client-secret");
        fs::write(&file, format!("{secret}\n")).unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        symlink(directory, at("..new")).unwrap();
        fs::rename(at("..new"), at("..data")).unwrap();
        if let Some((before, _)) = number.checked_sub(1).map(|before| &generations[before]) {
            fs::remove_dir_all(at(before)).unwrap();
        }
        let credentials = source.load().await.unwrap();
        assert_eq!(credentials.client_secret().unwrap().expose_secret(), *secret);
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

#[tokio::test]
async fn a_file_that_was_usable_before_may_be_usable_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let files = FileCredentials::new("id", &path).with_secret_file("api-key", &path);
    let sources: [Box<dyn CredentialsSource>; 2] =
        [Box::new(files), Box::new(AssertionFileCredentials::new("id", &path))];
    for source in sources {
        let _ = fs::remove_file(&path);
        let error = source.load().await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Configuration, Retry::Never), "it never was there");
        for half_replaced in [None, Some(&b""[..]), Some(b"canary\xff")] {
            fs::write(&path, "secret").unwrap();
            source.load().await.unwrap();
            fs::remove_file(&path).unwrap();
            let _ = half_replaced.map(|bytes| fs::write(&path, bytes).unwrap());
            let error = source.load().await.unwrap_err();
            assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Soon), "{half_replaced:?}");
            assert!(error.to_string().ends_with("if it is not being replaced, restore it"), "{error}");
        }
    }
}

#[cfg(unix)]
#[test]
fn too_many_open_files_are_a_reason_to_try_again() {
    let this_test = "credentials::the_child_opens_too_many_files";
    let limited = "ulimit -n 100 && exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", limited]).arg(std::env::current_exe().unwrap()).args(["--exact", this_test]);
    assert!(shell.env(IS_CHILD, "yes").status().unwrap().success());
}

#[cfg(unix)]
#[tokio::test]
async fn the_child_opens_too_many_files() {
    if std::env::var_os(IS_CHILD).is_none() {
        return;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "secret").unwrap();
    let open: Vec<_> = (0..100).map_while(|_| fs::File::open(file.path()).ok()).collect();
    let error = read(file.path()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Soon), "{error}");
    assert!(error.to_string().contains("Too many open files"), "{error}");
    drop(open);
    assert_eq!(read(file.path()).await.unwrap(), "secret");
}

#[test]
fn a_file_is_read_though_every_thread_for_blocking_work_is_taken() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "secret").unwrap();
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (done, hanging) = mpsc::channel::<()>();
    let hanging = runtime.spawn_blocking(move || hanging.recv());
    assert_eq!(runtime.block_on(read(file.path())).unwrap(), "secret");
    assert!(!hanging.is_finished());
    drop(done);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_hangs_delays_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let (pipe, file) = (directory.path().join("pipe"), directory.path().join("file"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(&file, "secret").unwrap();
    let mut hanging = Box::pin(join_all((0..1000).map(|_| read(&pipe))));
    assert!(poll!(&mut hanging).is_pending());
    assert_eq!(read(&file).await.unwrap(), "secret");
    // Writing blocks until a reader has opened the pipe. All 1000 calls share that one reader.
    fs::write(&pipe, "late").unwrap();
    assert!(hanging.await.into_iter().all(|secret| secret.unwrap() == "late"));
}

/// The id and the secret that the files hold.
async fn read_pair(source: &FileCredentials) -> Result<(String, String), Error> {
    let credentials = source.load().await?;
    Ok((credentials.client_id()?.to_owned(), credentials.client_secret()?.expose_secret().to_owned()))
}

#[tokio::test]
async fn a_client_id_in_a_file_rotates_together_with_the_secret() {
    let directory = tempfile::tempdir().unwrap();
    let (id, secret) = (directory.path().join("id"), directory.path().join("secret"));
    let source = FileCredentials::from_files(&id, &secret).with_secret_file("api-key", &secret);
    for number in ["1", "2"] {
        fs::write(&id, format!("\u{feff}id-{number}\r\n")).unwrap();
        fs::write(&secret, format!("secret-{number}\n")).unwrap();
        assert_eq!(read_pair(&source).await.unwrap(), (format!("id-{number}"), format!("secret-{number}")));
    }
    for (content, why) in [(&b""[..], "is empty"), (b"\xff", "is not UTF-8")] {
        fs::write(&id, content).unwrap();
        let fresh = FileCredentials::from_files(&id, &secret);
        let error = read_pair(&fresh).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().starts_with("the client id file ") && error.message().ends_with(why), "{error}");
        assert_eq!(error.remedy(), Some("use a file that holds the client id and nothing else"));
    }
    fs::remove_file(&id).unwrap();
    let error = read_pair(&source).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Soon), "it was there before: {error}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_id_of_one_pair_never_meets_the_secret_of_another() {
    let directory = tempfile::tempdir().unwrap();
    let (id, secret) = (directory.path().join("id"), directory.path().join("secret"));
    for pipe in [&id, &secret] {
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    let source = FileCredentials::from_files(&id, &secret);
    // Each write waits for the reader, so this is what the files hold whenever they are read.
    let rotation = thread::spawn(move || {
        for (path, text) in [(&id, "id-1"), (&secret, "secret-2"), (&id, "id-2"), (&secret, "secret-2")] {
            fs::write(path, text).unwrap();
        }
        for (path, text) in [(&id, "id-2"), (&secret, "secret-2")] {
            fs::write(path, text).unwrap();
        }
    });
    assert_eq!(read_pair(&source).await.unwrap(), ("id-2".to_owned(), "secret-2".to_owned()));
    rotation.join().unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn files_that_never_stand_still_are_a_reason_to_try_again() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    // Each reading finds another id.
    let source = FileCredentials::from_files("/proc/sys/kernel/random/uuid", &secret);
    let error = read_pair(&source).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Soon), "{error}");
}

/// A rotation that writes one file after the other, at the worst moment: the pair is refused, and then complete.
#[tokio::test]
async fn a_refusal_has_both_files_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let (id, secret) = (directory.path().join("id"), directory.path().join("secret"));
    fs::write(&id, "id-2").unwrap();
    fs::write(&secret, "secret-1").unwrap();
    let source = FileCredentials::from_files(&id, &secret);
    let server = TestServer::new(move |request, number| {
        if number == 1 {
            fs::write(&secret, "secret-2").unwrap();
            return Answer::http(401, "");
        }
        let sent = request.headers()["authorization"].to_str().unwrap();
        assert_eq!(sent, "Basic aWQtMjpzZWNyZXQtMg==", "id-2:secret-2");
        Answer::Token(3600)
    });
    let source = TokenSource::builder(acme(), source).with_transport(server.clone()).build().unwrap();
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
    assert_eq!(server.request_count(), 2);
}

#[test]
fn a_client_id_in_a_file_is_not_taken_for_one_that_is_known() {
    let identity = |source: FileCredentials| {
        let mut hasher = DefaultHasher::new();
        assert!(source.identify(&mut hasher));
        hasher.finish()
    };
    let from_files = |id| identity(FileCredentials::from_files(id, "/secret"));
    assert_eq!(from_files("/id"), from_files("/id"));
    assert_ne!(from_files("/id"), from_files("/other"));
    assert_ne!(from_files("/id"), identity(FileCredentials::new("/id", "/secret")));
}

/// Is set where this program is the child of one of its own tests.
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

#[test]
fn a_function_without_a_name_cannot_be_told_from_others() {
    for (name, can_be_told) in [("", false), (" \t", false), ("vault: hotels/4711", true)] {
        let source = FunctionCredentials::new(name, || async { Ok(ClientCredentials::new("id", "secret")) });
        assert_eq!(source.identify(&mut DefaultHasher::new()), can_be_told, "{name:?}");
    }
}

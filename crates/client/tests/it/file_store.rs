//! Tokens that the processes of one user share through files.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use credentials_grant_client::{FileStore, ManualClock, Record, StoreKey, TokenSource, TokenStore as _, Version};
use credentials_grant_test_kit::{Answer, TestServer};
use tempfile::tempdir;

use crate::acme::{SECOND, on_clock, token};

fn clock() -> ManualClock {
    ManualClock::at(SystemTime::now())
}

fn source(server: &TestServer, directory: &Path, clock: &ManualClock) -> TokenSource {
    let store = FileStore::at(directory).with_clock(clock.clone());
    on_clock(server, clock.clone()).with_store(store).build().unwrap()
}

fn server() -> TestServer {
    TestServer::new(|_, _| Answer::Token(3600))
}

/// Returns the only file with this extension.
fn file(directory: &Path, extension: &str) -> std::path::PathBuf {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

#[tokio::test]
async fn a_process_finds_the_token_that_an_earlier_one_left_until_it_expires() {
    let (server, home, clock) = (server(), tempdir().unwrap(), clock());
    let directory = home.path().join("cache/cgrant");
    for _ in 0..10 {
        assert_eq!(token(&source(&server, &directory, &clock)).await.unwrap(), "Bearer token-1");
        clock.advance(SECOND * 300);
    }
    clock.advance(SECOND * 600);
    assert_eq!(token(&source(&server, &directory, &clock)).await.unwrap(), "Bearer token-2");
    assert_eq!(server.request_count(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_user_can_read_what_is_stored_and_it_holds_no_secret() {
    use std::os::unix::fs::PermissionsExt as _;

    let (server, home) = (server(), tempdir().unwrap());
    let directory = home.path().join("cgrant");
    token(&source(&server, &directory, &clock())).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
        let contents = [path.as_os_str().as_encoded_bytes(), &fs::read(&path).unwrap()].concat();
        for secret in ["a-client-secret", "token-1", "auth.example.com"] {
            assert!(!contents.windows(secret.len()).any(|window| window == secret.as_bytes()), "{path:?}: {secret}");
        }
    }
}

/// Asks twice, and returns how many requests that took.
async fn requests(directory: &Path) -> usize {
    let (server, clock) = (server(), clock());
    for _ in 0..2 {
        token(&source(&server, directory, &clock)).await.unwrap();
    }
    server.request_count()
}

#[tokio::test]
async fn without_a_directory_to_trust_each_process_requests_its_own_token_and_no_call_fails() {
    let home = tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    assert_eq!(requests(&path("good")).await, 1);

    fs::write(path("file"), "").unwrap();
    assert_eq!(requests(&path("file")).await, 2, "a file");
    assert_eq!(requests(&path("file/below")).await, 2, "below a file");
    assert_eq!(fs::read(path("file")).unwrap(), b"");
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_others_could_have_prepared_is_not_used() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let home = tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    fs::create_dir(path("target")).unwrap();
    symlink(path("target"), path("link")).unwrap();
    symlink(path("nowhere"), path("dangling")).unwrap();
    for mode in [0o777, 0o770, 0o722, 0o720] {
        fs::create_dir(path(&format!("{mode:o}"))).unwrap();
        fs::set_permissions(path(&format!("{mode:o}")), fs::Permissions::from_mode(mode)).unwrap();
    }
    for odd in ["link", "dangling", "777", "770", "722", "720"] {
        assert_eq!(requests(&path(odd)).await, 2, "{odd}");
    }
    assert_eq!(fs::read_dir(path("target")).unwrap().count(), 0, "nothing is written through a link");
    assert!(!path("nowhere").exists());
    fs::create_dir(path("755")).unwrap();
    fs::set_permissions(path("755"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(requests(&path("755")).await, 1, "others may look: the files are for the user only");
}

#[tokio::test]
async fn a_file_that_is_damaged_cut_short_or_full_of_garbage_is_replaced() {
    let home = tempdir().unwrap();
    let (server, clock) = (server(), clock());
    let mut requests = 0;
    let mut check = async |damage: &dyn Fn(&Path)| {
        requests += 1;
        token(&source(&server, home.path(), &clock)).await.unwrap();
        damage(&file(home.path(), "record"));
        requests += 1;
        let expected = format!("Bearer token-{requests}");
        for _ in 0..2 {
            assert_eq!(token(&source(&server, home.path(), &clock)).await.unwrap(), expected);
        }
        fs::remove_file(file(home.path(), "record")).unwrap();
    };
    check(&|path| fs::write(path, "").unwrap()).await;
    check(&|path| fs::write(path, [0xff; 3000]).unwrap()).await;
    check(&|path| fs::write(path, "{}\n").unwrap()).await;
    check(&|path| fs::remove_file(path).and_then(|()| fs::write(path, "token")).unwrap()).await;
    for cut in [1, 10, 50, 200] {
        check(&|path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() - cut]).unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn records_are_listed_and_removed() {
    let home = tempdir().unwrap();
    let store = FileStore::at(home.path().join("cgrant"));
    assert_eq!(store.list().unwrap(), []);
    assert_eq!(store.clear().unwrap(), 0);
    assert!(!store.directory().exists(), "looking makes no directory");
    for number in 1..=3 {
        let record =
            Record { version: Version::from_bytes([number; 16]), value: vec![number; 9], lifetime: SECOND * 60 };
        assert!(store.write(&StoreKey::new(format!("token-{number}")), None, &record).await.unwrap());
    }
    let listed = store.list().unwrap();
    let names: Vec<_> = listed.iter().map(|file| (file.key.as_str(), file.size)).collect();
    assert_eq!(names, [("token-1", 9), ("token-2", 9), ("token-3", 9)]);
    assert!(listed.iter().all(|file| file.lifetime > SECOND * 30 && file.lifetime <= SECOND * 60));
    assert_eq!(store.clear().unwrap(), 3);
    assert_eq!(store.list().unwrap(), []);
}

#[tokio::test]
async fn what_ended_a_day_ago_is_removed_once_a_day() {
    let (home, clock) = (tempdir().unwrap(), clock());
    let store = FileStore::at(home.path()).with_clock(clock.clone());
    let count = |extension: &str| {
        let entries = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|found| found == extension)).count()
    };
    let write = async |number: u8, lifetime: Duration| {
        let record = Record { version: Version::from_bytes([number; 16]), value: vec![number], lifetime };
        let key = StoreKey::new(format!("token-{number}"));
        let claimant = credentials_grant_client::Claimant::from_bytes([number; 16]);
        store.claim(&key, None, claimant, SECOND).await.unwrap();
        assert!(store.write(&key, None, &record).await.unwrap());
        store.release(&key, claimant).await.unwrap();
    };
    let hour = SECOND * 3600;
    write(1, hour).await;
    write(2, hour * 48).await;
    clock.advance(hour * 20);
    write(3, hour).await;
    assert_eq!((count("record"), count("claim")), (3, 3));
    clock.advance(hour * 6);
    write(4, hour).await;
    assert_eq!((count("record"), count("claim")), (3, 3), "the first one has gone");
}

#[tokio::test]
async fn a_wall_clock_that_is_set_back_makes_no_stored_token_live_longer_than_at_first() {
    let (server, home, clock) = (server(), tempdir().unwrap(), clock());
    token(&source(&server, home.path(), &clock)).await.unwrap();
    clock.set(SystemTime::now() - SECOND * 3600 * 24 * 365);
    let store = FileStore::at(home.path()).with_clock(clock);
    assert!(store.list().unwrap().iter().all(|file| file.lifetime <= SECOND * 3600));
}

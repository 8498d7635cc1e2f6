//! The stores of the client pass the checks.

#![cfg(test)]

mod memory {
    use credentials_grant_client::MemoryStore;
    use credentials_grant_conformance::{StoreSubject, store_tests};

    fn memory() -> StoreSubject {
        StoreSubject::new(MemoryStore::new())
    }

    store_tests!(memory);
}

mod files {
    use std::sync::Arc;

    use credentials_grant_client::FileStore;
    use credentials_grant_conformance::{StoreSubject, store_tests};

    fn files() -> StoreSubject {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let store = FileStore::at(directory.path().join("cgrant"));
        // The directory is removed with the subject.
        StoreSubject::new(store).with_passing(move |time| {
            let directory = Arc::clone(&directory);
            async move {
                credentials_grant_test_kit::pass(time).await;
                drop(directory);
            }
        })
    }

    store_tests!(files);
}

/// Each call comes from another process, as far as the store can tell.
mod processes {
    use std::sync::Arc;
    use std::time::Duration;

    use credentials_grant::async_trait;
    use credentials_grant_client::{
        Claim, Claimant, FileStore, Keyring, Record, StoreError, StoreKey, TokenStore, Version,
    };
    use credentials_grant_conformance::{StoreSubject, store_tests};
    use tempfile::TempDir;

    /// Opens the directory anew for each call, except that a claim lives as long as its process.
    #[derive(Debug)]
    struct ManyProcesses {
        directory: Arc<TempDir>,
        claimants: Vec<FileStore>,
    }

    impl ManyProcesses {
        fn any(&self) -> FileStore {
            FileStore::at(self.directory.path())
        }

        fn of(&self, claimant: Claimant) -> &FileStore {
            &self.claimants[usize::from(claimant.as_bytes()[0]) % self.claimants.len()]
        }
    }

    #[async_trait]
    impl TokenStore for ManyProcesses {
        fn keyring(&self) -> Option<&Keyring> {
            None
        }

        async fn read(&self, key: &StoreKey) -> Result<Option<Record>, StoreError> {
            self.any().read(key).await
        }

        async fn claim(
            &self,
            key: &StoreKey,
            seen: Option<Version>,
            claimant: Claimant,
            window: Duration,
        ) -> Result<Claim, StoreError> {
            self.of(claimant).claim(key, seen, claimant, window).await
        }

        async fn write(&self, key: &StoreKey, seen: Option<Version>, record: &Record) -> Result<bool, StoreError> {
            self.any().write(key, seen, record).await
        }

        async fn release(&self, key: &StoreKey, claimant: Claimant) -> Result<(), StoreError> {
            self.of(claimant).release(key, claimant).await
        }

        async fn remove(&self, key: &StoreKey, version: Version) -> Result<bool, StoreError> {
            self.any().remove(key, version).await
        }
    }

    fn processes() -> StoreSubject {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let claimants = (0..20).map(|_| FileStore::at(directory.path())).collect();
        StoreSubject::new(ManyProcesses { directory, claimants })
    }

    store_tests!(processes);
}

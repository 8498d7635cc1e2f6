//! The checks that every store must pass.

use std::sync::Arc;

use credentials_grant_conformance::StoreSubject;
use credentials_grant_test_kit::pass;
use tokio::runtime::Builder;

use crate::machine::store;
use crate::server::{Kind, Server};

fn subject(kind: Kind) -> Option<StoreSubject> {
    if !kind.is_there() {
        return None;
    }
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let server = Arc::new(runtime.block_on(Server::start(kind)));
    // The server is stopped with the subject.
    Some(StoreSubject::new(store(&server.url())).with_passing(move |time| {
        let server = Arc::clone(&server);
        async move {
            pass(time).await;
            drop(server);
        }
    }))
}

mod redis_server {
    fn store() -> Option<credentials_grant_conformance::StoreSubject> {
        super::subject(crate::server::Kind::Redis)
    }

    credentials_grant_conformance::store_tests!(store);
}

mod valkey_server {
    fn store() -> Option<credentials_grant_conformance::StoreSubject> {
        super::subject(crate::server::Kind::Valkey)
    }

    credentials_grant_conformance::store_tests!(store);
}

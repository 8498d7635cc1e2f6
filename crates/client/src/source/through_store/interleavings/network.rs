//! The network between machines, store and vendor: each call stops in it, until the explorer lets it go on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use credentials_grant::{Error, ErrorKind, HttpRequest, HttpResponse, Transport};
use credentials_grant_test_kit::response;
use tokio::sync::oneshot;

use crate::store::{Claim, Claimant, Keyring, MemoryStore, Record, StoreError, StoreKey, TokenStore, Version};

/// A call of the store.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Read(StoreKey),
    Claim { key: StoreKey, seen: Option<Version>, claimant: Claimant, window: Duration },
    Write { key: StoreKey, seen: Option<Version>, record: Record },
    Release { key: StoreKey, claimant: Claimant },
    Remove { key: StoreKey, version: Version },
}

impl Command {
    pub(super) fn key(&self) -> &StoreKey {
        let (Self::Read(key)
        | Self::Claim { key, .. }
        | Self::Write { key, .. }
        | Self::Release { key, .. }
        | Self::Remove { key, .. }) = self;
        key
    }

    /// Returns `true` if it is about tokens, and not about failures.
    pub(super) fn is_about_tokens(&self) -> bool {
        self.key().as_str().starts_with("token-")
    }

    /// Lets the store do it.
    pub(super) async fn run(&self, store: &MemoryStore) -> Result<Reply, StoreError> {
        Ok(match self {
            Self::Read(key) => Reply::Read(store.read(key).await?),
            Self::Claim { key, seen, claimant, window } => {
                Reply::Claim(store.claim(key, *seen, *claimant, *window).await?)
            }
            Self::Write { key, seen, record } => Reply::Done(store.write(key, *seen, record).await?),
            Self::Release { key, claimant } => store.release(key, *claimant).await.map(|()| Reply::Done(true))?,
            Self::Remove { key, version } => Reply::Done(store.remove(key, *version).await?),
        })
    }
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Store(Command),
    TokenRequest,
}

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Read(Option<Record>),
    Claim(Claim),
    Done(bool),
    /// The token of this number, with this lifetime in seconds.
    Token(usize, u64),
    /// The vendor is unavailable.
    NoToken,
}

/// A call on its way.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) number: usize,
    /// Which machine sent it.
    pub(super) from: usize,
    pub(super) what: What,
    pub(super) sent: Duration,
    /// What came of it, if it arrived.
    pub(super) reply: Option<Reply>,
    /// Whether it is slower than the others.
    pub(super) is_delayed: bool,
    /// Whether its sender was stopped meanwhile.
    pub(super) sender_was_stopped: bool,
    answer: oneshot::Sender<Result<Reply, StoreError>>,
}

impl Message {
    /// Returns `true` if nobody waits for the answer any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.answer.is_closed()
    }

    pub(super) fn answer(self, reply: Result<Reply, StoreError>) {
        // The caller may have gone away.
        let _ = self.answer.send(reply);
    }
}

/// What the machines sent and the explorer has not seen yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox(Arc<Mutex<Vec<Sent>>>);

/// Who sent what, and where the answer goes.
type Sent = (usize, What, oneshot::Sender<Result<Reply, StoreError>>);

impl Outbox {
    /// Returns the messages, with numbers from `next` on.
    pub(super) fn take(&self, mut next: usize, now: Duration) -> Vec<Message> {
        let sent = std::mem::take(&mut *self.0.lock().unwrap());
        let message = |(from, what, answer)| {
            next += 1;
            let number = next - 1;
            Message { number, from, what, sent: now, reply: None, is_delayed: false, sender_was_stopped: false, answer }
        };
        sent.into_iter().map(message).collect()
    }
}

/// The end of the network at one machine.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) machine: usize,
    pub(super) keyring: Keyring,
    pub(super) outbox: Outbox,
}

impl Wire {
    async fn ask(&self, what: What) -> Result<Reply, StoreError> {
        let (answer, reply) = oneshot::channel();
        self.outbox.0.lock().unwrap().push((self.machine, what, answer));
        match reply.await {
            Ok(reply) => reply,
            // It was lost.
            Err(_) => std::future::pending().await,
        }
    }

    async fn done(&self, command: Command) -> Result<bool, StoreError> {
        match self.ask(What::Store(command)).await? {
            Reply::Done(done) => Ok(done),
            reply => Err(format!("{reply:?}").into()),
        }
    }
}

#[async_trait]
impl TokenStore for Wire {
    fn keyring(&self) -> Option<&Keyring> {
        Some(&self.keyring)
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Record>, StoreError> {
        match self.ask(What::Store(Command::Read(key.clone()))).await? {
            Reply::Read(record) => Ok(record),
            reply => Err(format!("{reply:?}").into()),
        }
    }

    async fn claim(
        &self,
        key: &StoreKey,
        seen: Option<Version>,
        claimant: Claimant,
        window: Duration,
    ) -> Result<Claim, StoreError> {
        match self.ask(What::Store(Command::Claim { key: key.clone(), seen, claimant, window })).await? {
            Reply::Claim(claim) => Ok(claim),
            reply => Err(format!("{reply:?}").into()),
        }
    }

    async fn write(&self, key: &StoreKey, seen: Option<Version>, record: &Record) -> Result<bool, StoreError> {
        self.done(Command::Write { key: key.clone(), seen, record: record.clone() }).await
    }

    async fn release(&self, key: &StoreKey, claimant: Claimant) -> Result<(), StoreError> {
        self.done(Command::Release { key: key.clone(), claimant }).await.map(drop)
    }

    async fn remove(&self, key: &StoreKey, version: Version) -> Result<bool, StoreError> {
        self.done(Command::Remove { key: key.clone(), version }).await
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Error> {
        match self.ask(What::TokenRequest).await {
            Ok(Reply::Token(number, seconds)) => {
                Ok(response(200, &[], format!(r#"{{"access_token":"t{number}","expires_in":{seconds}}}"#)))
            }
            Ok(_) => Ok(response(503, &[], "")),
            Err(error) => Err(Error::new(ErrorKind::Unreachable, error.to_string())),
        }
    }
}

//! Runs I/O that blocks its thread (looking up host names, reading files) on threads of its own, once for each key at a
//! time.
//!
//! tokio runs such I/O on a pool that the whole program shares. A name server or a file system that hangs would occupy
//! one of its threads for each call, until none is left for anybody else.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use futures_util::FutureExt;
use futures_util::future::Shared;
use lru::LruCache;
use tokio::sync::oneshot::{self, Receiver, Sender};

/// The most threads in each lane. Each is there only while it has something to do.
pub(crate) const MOST_THREADS: usize = 64;

/// How many keys are remembered as those that answer. A key takes some hundred bytes.
const MOST_KEYS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// What everyone who waits for a call gets.
pub(crate) type Outcome<T> = Result<T, Arc<io::Error>>;

/// Runs one kind of I/O. All who ask for the same key meanwhile share one call, so that a key that hangs occupies one
/// thread, however many wait for it.
///
/// There are two lanes, each with threads of its own: one for keys whose last call succeeded while somebody still
/// waited for it, and one for all others. So any number of keys that hang, which make a queue in the second lane, do
/// not delay those that work. If nobody waits any more when a call's turn comes, it is not made.
pub(crate) struct IoThreads<K, T>(Arc<Inner<K, T>>);

type Run<K, T> = dyn Fn(&K) -> io::Result<T> + Send + Sync;

struct Inner<K, T> {
    run: Box<Run<K, T>>,
    state: Mutex<State<K, T>>,
}

struct State<K, T> {
    /// The calls in progress, and those that wait for a thread.
    calls: HashMap<K, Shared<Receiver<Outcome<T>>>>,
    /// The keys whose last call succeeded in time.
    answering: LruCache<K, ()>,
    answering_lane: Lane<K, T>,
    other_lane: Lane<K, T>,
}

struct Lane<K, T> {
    threads: usize,
    waiting: VecDeque<(K, Sender<Outcome<T>>)>,
}

#[derive(Clone, Copy)]
enum LaneName {
    Answering,
    Other,
}

impl<K, T> IoThreads<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Creates the threads' common state. No thread is started before there is something to do.
    pub(crate) fn new(run: impl Fn(&K) -> io::Result<T> + Send + Sync + 'static) -> Self {
        let state = State {
            calls: HashMap::new(),
            answering: LruCache::new(MOST_KEYS),
            answering_lane: Lane::new(),
            other_lane: Lane::new(),
        };
        Self(Arc::new(Inner { run: Box::new(run), state: Mutex::new(state) }))
    }

    /// Joins the call for this key, or makes one, and waits for its outcome.
    pub(crate) async fn call(&self, key: K) -> Outcome<T> {
        let outcome = self.join(key);
        outcome.await.unwrap_or_else(|_| Err(Arc::new(io::Error::other("the call was given up"))))
    }

    fn join(&self, key: K) -> Shared<Receiver<Outcome<T>>> {
        let mut state = self.0.state();
        if let Some(call) = state.calls.get(&key) {
            return call.clone();
        }
        let (sender, outcome) = oneshot::channel();
        let outcome = outcome.shared();
        state.calls.insert(key.clone(), outcome.clone());
        let name = if state.answering.pop(&key).is_some() { LaneName::Answering } else { LaneName::Other };
        let lane = state.lane(name);
        lane.waiting.push_back((key, sender));
        if lane.threads < MOST_THREADS {
            lane.threads += 1;
            drop(state);
            self.start_thread(name);
        }
        outcome
    }

    fn start_thread(&self, lane: LaneName) {
        let inner = Arc::clone(&self.0);
        let thread = thread::Builder::new().name("credentials-io".to_owned());
        if let Err(error) = thread.spawn(move || inner.work(lane)) {
            self.0.no_thread(lane, error);
        }
    }
}

impl<K, T> Lane<K, T> {
    fn new() -> Self {
        Self { threads: 0, waiting: VecDeque::new() }
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Inner<K, T> {
    /// Makes the calls of a lane until there are none left.
    fn work(&self, lane: LaneName) {
        while let Some((key, sender)) = self.next(lane) {
            let outcome = catch_unwind(AssertUnwindSafe(|| (self.run)(&key)));
            let outcome = outcome.unwrap_or_else(|_| Err(io::Error::other("the call panicked"))).map_err(Arc::new);
            let mut state = self.state();
            if state.is_waited_for(&key) && outcome.is_ok() {
                state.answering.put(key.clone(), ());
            }
            // Before the outcome is sent, so that a caller that gets it and asks again starts a new call.
            state.calls.remove(&key);
            drop(state);
            let _ = sender.send(outcome);
        }
    }

    /// Returns the lane's next call that still has a waiter. If there is none, counts the thread as ended.
    fn next(&self, lane: LaneName) -> Option<(K, Sender<Outcome<T>>)> {
        let mut state = self.state();
        while let Some((key, sender)) = state.lane(lane).waiting.pop_front() {
            if state.is_waited_for(&key) {
                return Some((key, sender));
            }
            state.calls.remove(&key);
        }
        state.lane(lane).threads -= 1;
        None
    }

    /// Records that a thread could not be started. If the lane has no other, its calls fail.
    fn no_thread(&self, lane: LaneName, error: io::Error) {
        let mut state = self.state();
        let lane = state.lane(lane);
        lane.threads -= 1;
        if lane.threads > 0 {
            return;
        }
        let waiting = std::mem::take(&mut lane.waiting);
        for (key, _) in &waiting {
            state.calls.remove(key);
        }
        drop(state);
        let error = Arc::new(error);
        for (_, sender) in waiting {
            let _ = sender.send(Err(Arc::clone(&error)));
        }
    }

    fn state(&self) -> MutexGuard<'_, State<K, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, T: Clone> State<K, T> {
    fn lane(&mut self, name: LaneName) -> &mut Lane<K, T> {
        match name {
            LaneName::Answering => &mut self.answering_lane,
            LaneName::Other => &mut self.other_lane,
        }
    }

    /// Returns `true` if anybody but this state holds the call.
    fn is_waited_for(&self, key: &K) -> bool {
        self.calls.get(key).and_then(Shared::strong_count).is_some_and(|holders| holders > 1)
    }
}

impl<K, T> Clone for IoThreads<K, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, T> fmt::Debug for IoThreads<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoThreads").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Condvar;

    use futures_util::future::join_all;
    use futures_util::poll;

    use super::*;

    /// I/O that hangs for some keys until the test lets it go on.
    #[derive(Default)]
    struct Hanging {
        is_open: Mutex<bool>,
        opened: Condvar,
        calls: Mutex<HashMap<String, usize>>,
        called: Condvar,
    }

    impl Hanging {
        fn threads() -> (Arc<Self>, IoThreads<String, String>) {
            let hanging = Arc::new(Self::default());
            let run = Arc::clone(&hanging);
            (hanging, IoThreads::new(move |key: &String| run.run(key)))
        }

        fn run(&self, key: &str) -> io::Result<String> {
            *self.calls.lock().unwrap().entry(key.to_owned()).or_default() += 1;
            self.called.notify_all();
            if key.starts_with("hangs") {
                drop(self.opened.wait_while(self.is_open.lock().unwrap(), |is_open| !*is_open).unwrap());
            }
            match key.strip_prefix("fails ") {
                Some("by panic") => panic!("as the test asked"),
                Some(why) => Err(io::Error::other(why.to_owned())),
                None => Ok(key.to_uppercase()),
            }
        }

        fn open(&self) {
            *self.is_open.lock().unwrap() = true;
            self.opened.notify_all();
        }

        fn calls(&self) -> usize {
            self.calls.lock().unwrap().values().sum()
        }

        fn wait_for_calls(&self, count: usize) {
            drop(self.called.wait_while(self.calls.lock().unwrap(), |calls| calls.values().sum::<usize>() < count));
        }
    }

    fn hung(number: usize) -> String {
        format!("hangs {number}")
    }

    #[tokio::test]
    async fn all_who_ask_for_a_key_at_once_share_one_call_and_the_next_gets_a_new_one() {
        let (io, threads) = Hanging::threads();
        let mut waiting = Box::pin(join_all((0..1000).map(|_| threads.call("hangs".to_owned()))));
        assert!(poll!(&mut waiting).is_pending());
        io.open();
        assert!(waiting.await.into_iter().all(|outcome| outcome.unwrap() == "HANGS"));
        assert_eq!(io.calls(), 1);
        threads.call("hangs".to_owned()).await.unwrap();
        assert_eq!(io.calls(), 2);
    }

    #[tokio::test]
    async fn ten_thousand_keys_that_hang_take_a_bounded_number_of_threads_and_do_not_delay_those_that_answer() {
        let (io, threads) = Hanging::threads();
        threads.call("works".to_owned()).await.unwrap();
        let mut waiting = Box::pin(join_all((0..10_000).map(|number| threads.call(hung(number)))));
        assert!(poll!(&mut waiting).is_pending());
        io.wait_for_calls(1 + MOST_THREADS);
        for _ in 0..3 {
            assert_eq!(threads.call("works".to_owned()).await.unwrap(), "WORKS");
        }
        assert_eq!(io.calls(), 4 + MOST_THREADS, "the others wait for a thread");
        assert_eq!(threads.0.state().other_lane.threads, MOST_THREADS);
        io.open();
        assert_eq!(waiting.await.len(), 10_000);
        assert_eq!(io.calls(), 10_004, "each had its turn");
    }

    #[tokio::test]
    async fn a_call_that_nobody_waits_for_any_more_is_not_made() {
        let (io, threads) = Hanging::threads();
        let mut waiting = Box::pin(join_all((0..10_000).map(|number| threads.call(hung(number)))));
        assert!(poll!(&mut waiting).is_pending());
        io.wait_for_calls(MOST_THREADS);
        drop(waiting);
        let mut last = Box::pin(threads.call("works".to_owned()));
        assert!(poll!(&mut last).is_pending());
        io.open();
        assert_eq!(last.await.unwrap(), "WORKS");
        assert_eq!(io.calls(), MOST_THREADS + 1);
        assert!(threads.0.state().answering.contains("works"));
        assert_eq!(threads.0.state().answering.len(), 1, "what answered too late does not count as answering");
    }

    #[tokio::test]
    async fn a_key_that_hangs_after_it_answered_keeps_one_thread_of_the_lane_and_then_counts_as_one_that_hangs() {
        let (io, threads) = Hanging::threads();
        io.open();
        threads.call("hangs".to_owned()).await.unwrap();
        *io.is_open.lock().unwrap() = false;
        let mut waiting = Box::pin(threads.call("hangs".to_owned()));
        assert!(poll!(&mut waiting).is_pending());
        assert_eq!(threads.0.state().answering_lane.threads, 1);
        assert!(!threads.0.state().answering.contains("hangs"));
        io.open();
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_failure_and_a_panic_reach_those_who_wait_and_end_the_call() {
        let (_, threads) = Hanging::threads();
        for _ in 0..2 * MOST_THREADS {
            assert_eq!(threads.call("fails by itself".to_owned()).await.unwrap_err().to_string(), "by itself");
            let panicked = threads.call("fails by panic".to_owned()).await.unwrap_err();
            assert_eq!(panicked.to_string(), "the call panicked");
        }
        assert!(threads.0.state().answering.is_empty() && threads.0.state().calls.is_empty());
    }

    #[tokio::test]
    async fn where_no_thread_can_be_started_those_who_wait_learn_it() {
        let (io, threads) = Hanging::threads();
        let outcome = {
            // As `join` leaves it before it starts the thread.
            let mut state = threads.0.state();
            let (sender, outcome) = oneshot::channel();
            let outcome = outcome.shared();
            state.calls.insert("works".to_owned(), outcome.clone());
            state.other_lane.waiting.push_back(("works".to_owned(), sender));
            state.other_lane.threads = 2;
            outcome
        };
        threads.0.no_thread(LaneName::Other, io::ErrorKind::WouldBlock.into());
        assert!(outcome.peek().is_none() && threads.0.state().calls.contains_key("works"), "the other thread makes it");
        threads.0.no_thread(LaneName::Other, io::ErrorKind::WouldBlock.into());
        assert_eq!(outcome.await.unwrap().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(threads.call("works".to_owned()).await.unwrap(), "WORKS", "the next call has another chance");
        assert_eq!(io.calls(), 1);
    }
}

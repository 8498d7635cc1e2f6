//! The machines of a fleet: each a source with a store and a connection of its own, and a caller who asks for its
//! token.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use credentials_grant::{ClientCredentials, StatusCode};
use credentials_grant_client::{Authorizer, Keyring, TokenSource};
use credentials_grant_redis::RedisStore;
use http::Request;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::standard::Standard;
use crate::tally::{Counts, Tally};
use crate::vendor::{FETCH, Vendor};

/// How often the caller of a machine asks for its token.
const EVERY: Duration = Duration::from_millis(250);

/// The host of the vendor's API.
const API: &str = "api.example.com";

/// Where machines share their tokens: the URL of a server, and the keys that all of them have.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    url: String,
    keyring: Keyring,
}

/// The machines that have one vendor, and one store or none.
#[derive(Debug)]
pub(crate) struct Fleet {
    machines: Vec<TokenSource>,
    pub(crate) vendor: Vendor,
    is_sharing: bool,
    tally: Arc<Tally>,
    /// The callers. They end with the fleet.
    callers: JoinSet<()>,
}

/// How the API answered the calls of all machines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ApiCalls {
    pub(crate) accepted: usize,
    /// Those of them that were made twice.
    pub(crate) repeated: usize,
    pub(crate) longest: Duration,
}

impl Place {
    pub(crate) fn new(url: String) -> Result<Self> {
        Ok(Self { url, keyring: Keyring::parse(&Keyring::generate()?)? })
    }
}

/// Makes one machine.
pub(crate) fn machine(vendor: &Vendor, place: Option<&Place>) -> Result<TokenSource> {
    let provider = Standard::new(&Url::parse("https://vendor.example.com/token")?)?;
    let builder = TokenSource::builder(provider, ClientCredentials::new("fleet", "a-client-secret"));
    let builder = builder.with_transport(vendor.clone());
    Ok(match place {
        Some(Place { url, keyring }) => builder.with_store(RedisStore::new(url, keyring.clone())?).build()?,
        None => builder.build()?,
    })
}

impl Fleet {
    pub(crate) fn new(machines: u32, vendor: Vendor, place: Option<&Place>) -> Result<Self> {
        let machines = (0..machines).map(|_| machine(&vendor, place)).collect::<Result<_>>()?;
        Ok(Self { machines, vendor, is_sharing: place.is_some(), tally: Arc::default(), callers: JoinSet::new() })
    }

    /// Returns the number of machines.
    pub(crate) fn len(&self) -> usize {
        self.machines.len()
    }

    /// Has all machines ask for their tokens at the same moment. Returns what they noticed.
    pub(crate) async fn ask_at_once(&self) -> Result<Counts> {
        let (mut calls, barrier) = (JoinSet::new(), Arc::new(Barrier::new(self.len())));
        for source in self.machines.clone() {
            let (barrier, tally) = (Arc::clone(&barrier), Arc::clone(&self.tally));
            calls.spawn(async move {
                barrier.wait().await;
                call(&source, &tally).await;
            });
        }
        while let Some(done) = calls.join_next().await {
            done?;
        }
        Ok(self.noticed())
    }

    /// Has the machines ask for their tokens one after the other, so that all have the same one if they share it.
    pub(crate) async fn ask_in_turn(&self) -> Result<Counts> {
        for (number, source) in self.machines.iter().enumerate() {
            if number == 0 || self.is_sharing {
                call(source, &self.tally).await;
            } else {
                // Each waits for the vendor.
                let (source, tally) = (source.clone(), Arc::clone(&self.tally));
                tokio::spawn(async move { call(&source, &tally).await });
            }
        }
        sleep(FETCH * 2).await;
        Ok(self.noticed())
    }

    /// Has the caller of each machine ask for its token several times a second from now on.
    pub(crate) fn keep_asking(&mut self) {
        for source in self.machines.clone() {
            let tally = Arc::clone(&self.tally);
            self.callers.spawn(async move {
                sleep(EVERY.mul_f64(fastrand::f64())).await;
                loop {
                    call(&source, &tally).await;
                    sleep(EVERY).await;
                }
            });
        }
    }

    /// Returns what the callers noticed since this was asked last.
    pub(crate) fn noticed(&self) -> Counts {
        self.tally.take()
    }

    /// Has all machines call the API at the same moment.
    pub(crate) async fn call_api_at_once(&self) -> Result<ApiCalls> {
        let (mut calls, barrier) = (JoinSet::new(), Arc::new(Barrier::new(self.len())));
        for source in self.machines.clone() {
            let (barrier, vendor) = (Arc::clone(&barrier), self.vendor.clone());
            let authorizer = Authorizer::builder(source).with_host(API).build()?;
            calls.spawn(async move {
                barrier.wait().await;
                let began = Instant::now();
                anyhow::Ok((call_api(&authorizer, &vendor).await?, began.elapsed()))
            });
        }
        let mut seen = ApiCalls::default();
        while let Some(done) = calls.join_next().await {
            let ((status, is_repeated), took) = done??;
            seen.accepted += usize::from(status == StatusCode::OK);
            seen.repeated += usize::from(status == StatusCode::OK && is_repeated);
            seen.longest = seen.longest.max(took);
        }
        Ok(seen)
    }
}

/// Asks for the token once.
async fn call(source: &TokenSource, tally: &Tally) {
    let (mut had_token, mut is_first_poll, mut waited) = (source.cached().is_some(), true, false);
    let began = Instant::now();
    let mut answer = pin!(source.token());
    let answer = poll_fn(|context| {
        let polled = answer.as_mut().poll(context);
        if std::mem::take(&mut is_first_poll) && polled.is_pending() {
            waited = true;
            // It may have expired between the first look and the call.
            had_token &= source.cached().is_some();
        }
        polled
    })
    .await;
    if waited {
        tally.answered_after(began.elapsed(), had_token);
    } else {
        tally.answered_at_once();
    }
    if let Err(error) = answer {
        tally.failed(&error);
    }
}

/// Calls the API once, and once more if the authorizer says so. Returns the last status, and whether there were two.
async fn call_api(authorizer: &Authorizer, vendor: &Vendor) -> Result<(StatusCode, bool)> {
    let mut request = Request::get(format!("https://{API}/orders")).body(())?;
    let authorization = authorizer.authorize(&mut request).await?;
    let status = vendor.api(request.headers());
    let Some(retry) = authorizer.check_response(&authorization, status, &http::HeaderMap::new()) else {
        return Ok((status, false));
    };
    let authorization = authorizer.authorize_again(&mut request, retry).await?;
    let status = vendor.api(request.headers());
    authorizer.check_response(&authorization, status, &http::HeaderMap::new());
    Ok((status, true))
}

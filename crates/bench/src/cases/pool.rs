//! A pool of 100 000 tenants: its memory per tenant in addition to the token, and the time of a lookup compared with a
//! pool of 100 tenants, and with a `HashMap`.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use allocation_counter::measure;
use anyhow::Result;
use credentials_grant::{
    ClientCredentials, Error, HeaderMap, HttpRequest, HttpResponse, StatusCode, TokenParameters, Transport, async_trait,
};
use credentials_grant_client::TokenPool;
use tokio::runtime::Builder;
use url::Url;

use crate::Bench;
use crate::measure::{median, time_on_core};
use crate::report::{Goals, table, times, title};
use crate::standard::Standard;

const MANY: u32 = 100_000;
const FEW: u32 = 100;
/// The most bytes that a tenant may need in addition to its token.
const MOST_BYTES: i64 = 1024;
/// The most time that a lookup among many tenants may take, as a multiple of one among few.
const MOST_SLOWDOWN: f64 = 2.0;
/// The most time that a lookup may take, as a multiple of one in a `HashMap` of the same size.
const MOST_TO_A_MAP: f64 = 10.0;
/// The lookups of one batch. A small number, so that the machine interrupts few batches.
const LOOKUPS: u32 = 100;
/// The distance between two lookups. It is coprime to the number of tenants, so that all of them are visited.
const STEP: usize = 48_271;

pub(crate) fn run(bench: &Bench, goals: &mut Goals) -> Result<()> {
    title(format!("A pool of {MANY} tenants"));
    let (long, short) = (1024, 512);
    let (many, with_long) = Tenants::weighed(MANY, long)?;
    let (_, with_short) = Tenants::weighed(MANY, short)?;
    let (few, _) = Tenants::weighed(FEW, long)?;

    let (many_plain, few_plain) = (plain(MANY), plain(FEW));
    let mut lookups = [const { Vec::new() }; 4];
    for round in 0..bench.either(3000, 300) {
        lookups[0].push(few.nanoseconds_of_a_lookup(round)?);
        lookups[1].push(many.nanoseconds_of_a_lookup(round)?);
        lookups[2].push(nanoseconds_of_a_plain_lookup(&few_plain, round));
        lookups[3].push(nanoseconds_of_a_plain_lookup(&many_plain, round));
    }
    let [among_few, among_many, plain_among_few, plain_among_many] = lookups.map(median);

    // The memory that grows with the token's length belongs to the token, even if there are several copies.
    let tenants = i64::from(MANY);
    let per_byte = (with_long - with_short) / tenants / (long - short);
    let beside = with_long / tenants - per_byte * long;
    let slowdown = among_many / among_few;
    let rows = [
        ("a tenant in total, with a token of 1 KiB", format!("{} B", with_long / tenants)),
        ("copies of the token", per_byte.to_string()),
        ("without the token", format!("{beside} B")),
        ("a lookup among 100", format!("{among_few:.0} ns")),
        ("a lookup among 100 000", format!("{among_many:.0} ns")),
        ("for comparison, a HashMap of Arcs: a lookup among 100", format!("{plain_among_few:.0} ns")),
        (
            "a HashMap of Arcs: a lookup among 100 000, which are not in the processor's caches",
            format!("{plain_among_many:.0} ns"),
        ),
    ];
    table(&["", "figure"], rows.map(|(what, figure)| vec![what.to_owned(), figure]));
    let goal = format!("a tenant needs at most {MOST_BYTES} B in addition to the token");
    goals.check(beside <= MOST_BYTES, goal, format!("{beside} B"));
    let goal = format!("a lookup takes at most {MOST_SLOWDOWN} times as long as one among {FEW}");
    goals.check(slowdown <= MOST_SLOWDOWN, goal, times(slowdown));
    for (tenants, own, plain) in [(FEW, among_few, plain_among_few), (MANY, among_many, plain_among_many)] {
        let goal = format!("a lookup among {tenants} takes at most {MOST_TO_A_MAP} times as long as in a HashMap");
        goals.check(own <= MOST_TO_A_MAP * plain, goal, times(own / plain));
    }
    Ok(())
}

/// A pool in which each tenant has its token.
struct Tenants {
    pool: TokenPool,
    provider: Standard,
    credentials: Vec<ClientCredentials>,
}

impl Tenants {
    /// Fills a pool with tenants that have tokens of this length. Returns it with the bytes that it has allocated.
    ///
    /// The overhead of the allocator and the callers' own credentials are not counted.
    fn weighed(tenants: u32, token_length: i64) -> Result<(Self, i64)> {
        let pool = TokenPool::builder().with_capacity(tenants as usize).with_transport(Canned::new(token_length)?);
        let provider = Standard::new(&Url::parse("https://auth.example.com/token")?)?;
        let secret = |tenant| ClientCredentials::new(format!("tenant-{tenant:06}"), "a-client-secret");
        let filled = Self { pool: pool.build()?, provider, credentials: (0..tenants).map(secret).collect() };
        // Allocations are counted per thread, so everything runs on this one.
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let mut outcome = Ok(());
        let counted = measure(|| outcome = runtime.block_on(filled.fetch_all()));
        outcome?;
        Ok((filled, counted.bytes_current))
    }

    async fn fetch_all(&self) -> Result<()> {
        for credentials in &self.credentials {
            self.pool.source(&self.provider, credentials, &TokenParameters::new())?.token().await?;
        }
        Ok(())
    }

    /// Measures lookups of tenants that were not looked up for a long time, with credentials that the caller cloned.
    fn nanoseconds_of_a_lookup(&self, round: u32) -> Result<f64> {
        let tenants: Vec<_> =
            far_apart(round, self.credentials.len()).map(|tenant| self.credentials[tenant].clone()).collect();
        let parameters = TokenParameters::new();
        let start = time_on_core();
        for credentials in &tenants {
            black_box(self.pool.source(&self.provider, credentials, &parameters)?);
        }
        Ok((time_on_core() - start) * 1e9 / f64::from(LOOKUPS))
    }
}

/// Returns the tenants of one batch, each far away from the one before.
fn far_apart(round: u32, tenants: usize) -> impl Iterator<Item = usize> {
    let lookups = round * LOOKUPS..(round + 1) * LOOKUPS;
    lookups.map(move |lookup| lookup as usize * STEP % tenants)
}

/// Returns the simplest possible pool.
fn plain(tenants: u32) -> HashMap<usize, Arc<[u8; 1024]>> {
    (0..tenants as usize).map(|tenant| (tenant, Arc::new([0; 1024]))).collect()
}

fn nanoseconds_of_a_plain_lookup(tenants: &HashMap<usize, Arc<[u8; 1024]>>, round: u32) -> f64 {
    let start = time_on_core();
    for tenant in far_apart(round, tenants.len()) {
        black_box(tenants.get(&tenant).cloned());
    }
    (time_on_core() - start) * 1e9 / f64::from(LOOKUPS)
}

/// A transport that returns the same token to all callers, without delay.
#[derive(Debug)]
struct Canned(Vec<u8>);

impl Canned {
    fn new(token_length: i64) -> Result<Self> {
        let token = "x".repeat(token_length.try_into()?);
        Ok(Self(format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":86400}}"#).into_bytes()))
    }
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::new(StatusCode::OK, HeaderMap::new(), self.0.clone()))
    }
}

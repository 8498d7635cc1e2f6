//! A pool of 100 000 tenants: what it weighs per tenant beside the token itself, and what a lookup costs beside one
//! among a hundred.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use allocation_counter::measure;
use anyhow::Result;
use credentials_grant::{
    TokenParameters, ClientCredentials, Error, HeaderMap, HttpRequest, StatusCode, HttpResponse, Transport, async_trait,
};
use credentials_grant_client::TokenPool;
use tokio::runtime::Builder;
use url::Url;

use crate::Bench;
use crate::measure::{median, time_on_core};
use crate::peers::ours::Standard;
use crate::report::{Goals, table, times, title};

const MANY: u32 = 100_000;
const FEW: u32 = 100;
/// The bytes that a tenant may cost beside its token.
const MOST_BYTES: i64 = 1024;
/// How much slower a lookup among many may be.
const MOST_SLOWDOWN: f64 = 2.0;
/// The lookups of one stretch, so few that the machine does something else in the middle of few stretches.
const LOOKUPS: u32 = 100;
/// Shares no factor with the number of tenants, so that steps of it come to all of them, far from one another.
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

    // What grows with the token is the token, however often it is held.
    let tenants = i64::from(MANY);
    let per_byte = (with_long - with_short) / tenants / (long - short);
    let beside = with_long / tenants - per_byte * long;
    let slowdown = among_many / among_few;
    let rows = [
        ("a tenant in all, with a token of 1 KiB", format!("{} B", with_long / tenants)),
        ("the token is held", format!("{per_byte} times")),
        ("beside the token", format!("{beside} B")),
        ("a lookup among 100", format!("{among_few:.0} ns")),
        ("a lookup among 100 000", format!("{among_many:.0} ns")),
        ("for comparison, a HashMap of Arcs: among 100", format!("{plain_among_few:.0} ns")),
        ("among 100 000, which are not in the processor's caches", format!("{plain_among_many:.0} ns")),
    ];
    table(&["", "each"], rows.map(|(what, figure)| vec![what.to_owned(), figure]));
    let goal = format!("a tenant costs at most {MOST_BYTES} B beside the token");
    goals.check(beside <= MOST_BYTES, goal, format!("{beside} B"));
    let goal = format!("a lookup is no slower than {MOST_SLOWDOWN} times one among {FEW}");
    goals.check(slowdown <= MOST_SLOWDOWN, goal, times(slowdown));
    Ok(())
}

/// A pool in which each tenant has its token.
struct Tenants {
    pool: TokenPool,
    provider: Standard,
    credentials: Vec<ClientCredentials>,
}

impl Tenants {
    /// So many tenants with tokens of this length, and the bytes that the pool has taken for them. What the allocator
    /// adds is not counted, nor are the callers' own credentials.
    fn weighed(tenants: u32, token_length: i64) -> Result<(Self, i64)> {
        let pool = TokenPool::builder().with_capacity(tenants as usize).with_transport(Canned::new(token_length)?);
        let provider = Standard::new(&Url::parse("https://auth.example.com/token")?)?;
        let secret = |tenant| ClientCredentials::new(format!("tenant-{tenant:06}"), "a-client-secret");
        let filled = Self { pool: pool.build()?, provider, credentials: (0..tenants).map(secret).collect() };
        // Allocations are counted by thread, so everything happens on this one.
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

    /// Looks up tenants that were not looked up for a long time. Their credentials come fresh from the caller.
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

/// The tenants of one stretch, each far from the one before.
fn far_apart(round: u32, tenants: usize) -> impl Iterator<Item = usize> {
    let lookups = round * LOOKUPS..(round + 1) * LOOKUPS;
    lookups.map(move |lookup| lookup as usize * STEP % tenants)
}

/// What a pool is at the very least.
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

/// Answers at once, with the same token for all.
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

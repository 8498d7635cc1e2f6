//! What the server has issued to whom, and whether the client kept its promises by this account.
//!
//! It reads no clock, so that its tests can tell it what happened when.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::promises::{Findings, Promise};

/// How long a response or a request may be on its way.
const TRAVEL: Duration = Duration::from_secs(1);

/// How much earlier than the server the client may count the end of a pause.
const CLOCK_STEP: Duration = Duration::from_millis(50);

/// The part of a token's life after which the client may renew it.
const EARLIEST_RENEWAL: f64 = 0.8;

/// The part of a token's life in which the client must return it. The rest is its margin.
const SERVED: f64 = 0.95;

/// How many tokens of a tenant are valid at once, at most, if none is rejected.
const USUAL_TOKENS: usize = 4;

/// The length of a token, about that of a JWT with a few claims and an RSA signature.
const TOKEN_LENGTH: usize = 1024;

/// The server's account of tenants and their tokens.
#[derive(Debug)]
pub(crate) struct Book {
    tenants: Vec<Mutex<Tenant>>,
    /// The number of tenants whose source is never dropped. The others follow.
    regulars: u32,
    /// After which the client gives up on a request.
    timeout: Duration,
    pause: Mutex<Option<Pause>>,
    findings: Arc<Findings>,
    requests: AtomicU64,
    tokens: AtomicU64,
}

#[derive(Debug)]
struct Tenant {
    requests: u64,
    /// The request that is not answered yet: its number, and when it arrived.
    open: Option<(u64, Instant)>,
    /// Without those that expired before the last request, the oldest first.
    tokens: VecDeque<Issued>,
    pause: Option<Pause>,
}

/// A token.
#[derive(Debug)]
struct Issued {
    /// The number of the request that it answered.
    number: u64,
    /// When that request arrived. The client counts the life from when it sent it.
    requested: Instant,
    /// When the life ends, counted from the response.
    end: Instant,
    life: Duration,
    /// From when on the client certainly holds it.
    held_from: Option<Instant>,
    /// Whether somebody has told the client that the API rejects it.
    rejection: Rejection,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rejection {
    None,
    Begun,
    Ended(Instant),
}

/// A pause that the server has asked for.
#[derive(Clone, Copy, Debug)]
struct Pause {
    from: Instant,
    until: Instant,
}

/// A request that the server answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) tenant: u32,
    number: u64,
    arrived: Instant,
}

/// A call for a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) tenant: u32,
    pub(crate) began: Instant,
}

impl Book {
    /// Opens the account of this many tenants.
    pub(crate) fn new(regulars: u32, visitors: u32, timeout: Duration, findings: Arc<Findings>) -> Self {
        Self {
            tenants: (0..regulars + visitors).map(|_| Mutex::new(Tenant::new())).collect(),
            regulars,
            timeout,
            pause: Mutex::default(),
            findings,
            requests: AtomicU64::default(),
            tokens: AtomicU64::default(),
        }
    }

    /// Returns the number of requests and of tokens.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.tokens.load(Ordering::Relaxed))
    }

    /// Records that a request has arrived. Returns `None` if there is no such tenant.
    pub(crate) fn arrived(&self, number_of_tenant: u32, now: Instant) -> Option<Request> {
        let mut tenant = self.tenant(number_of_tenant)?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let says = |promise, what: &str| self.findings.broken(promise, || format!("tenant {number_of_tenant} {what}"));
        // The client has given up on an older one, even if the server does not know it yet.
        if tenant.open.is_some_and(|(_, arrived)| now + TRAVEL / 2 < arrived + self.timeout) {
            says(Promise::SendsOneRequestAtOnce, "sent a request before the one before was answered");
        }
        if let Some(pause) = [*lock(&self.pause), tenant.pause].into_iter().flatten().find(|pause| pause.excludes(now))
        {
            let [since, left] = [now - pause.from, pause.until - now].map(|time| time.as_secs_f64());
            let what = format!("sent a request {since:.1} s into a pause, and {left:.1} s before its end");
            says(Promise::KeepsPauses, &what);
        }
        let is_regular = number_of_tenant < self.regulars;
        if let Some(issued) = tenant.held(now).filter(|issued| is_regular && issued.is_young(now)) {
            let (age, life) = ((now - issued.requested).as_secs_f64(), issued.life.as_secs_f64());
            says(
                Promise::SendsNoNeedlessRequest,
                &format!("sent a request when its token was {age:.1} s old, of {life:.0} s"),
            );
        }
        tenant.requests += 1;
        let number = tenant.requests;
        tenant.open = Some((number, now));
        Some(Request { tenant: number_of_tenant, number, arrived: now })
    }

    /// Records a token with this lifetime, and returns it. The client may not get it.
    pub(crate) fn issued(&self, request: Request, life: Duration, now: Instant) -> String {
        self.tokens.fetch_add(1, Ordering::Relaxed);
        if let Some(mut tenant) = self.tenant(request.tenant) {
            tenant.tokens.retain(|issued| now <= issued.end);
            let Request { number, arrived: requested, .. } = request;
            let (end, rejection) = (now + life, Rejection::None);
            tenant.tokens.push_back(Issued { number, requested, end, life, held_from: None, rejection });
        }
        format!("{:x<TOKEN_LENGTH$}", format!("{}.{}.", request.tenant, request.number))
    }

    /// Records that a request ends now, before the last byte of its response is sent.
    pub(crate) fn ended(&self, request: Request) {
        if let Some(mut tenant) = self.tenant(request.tenant)
            && tenant.open.is_some_and(|(number, _)| number == request.number)
        {
            tenant.open = None;
        }
    }

    /// Records that a whole token response was sent. If it was sent early enough, the client gets it.
    pub(crate) fn sent(&self, request: Request, now: Instant) {
        if now - request.arrived < self.timeout / 2
            && let Some(mut tenant) = self.tenant(request.tenant)
            && let Some(issued) = tenant.issued(request.number)
        {
            issued.is_held_from(now + TRAVEL);
        }
    }

    /// Records that the server asks this tenant for a pause.
    pub(crate) fn paused(&self, request: Request, length: Duration, now: Instant) {
        if let Some(mut tenant) = self.tenant(request.tenant) {
            Pause::extend(&mut tenant.pause, length, now);
        }
    }

    /// Records that the server asks everyone for a pause.
    pub(crate) fn paused_all(&self, length: Duration, now: Instant) {
        Pause::extend(&mut lock(&self.pause), length, now);
    }

    /// Checks the token that a call got, now.
    pub(crate) fn served(&self, call: Call, token: &str, now: Instant) {
        let Some((owner, number)) = read(token).filter(|(owner, _)| *owner == call.tenant) else {
            let what = || format!("tenant {} got the token {:.20}", call.tenant, token);
            return self.findings.broken(Promise::KeepsTenantsApart, what);
        };
        let Some(mut tenant) = self.tenant(owner) else { return };
        let expired = |what: &dyn Fn() -> String| self.findings.broken(Promise::ServesNoExpiredToken, what);
        let Some(issued) = tenant.issued(number) else {
            return expired(&|| format!("tenant {owner} got a token that had expired before its last request"));
        };
        issued.is_held_from(now);
        if now >= issued.end {
            let late = (now - issued.end).as_secs_f64();
            expired(&|| format!("tenant {owner} got a token that had expired {late:.3} s before"));
        }
        if let Rejection::Ended(at) = issued.rejection
            && call.began > at
        {
            let what = || format!("tenant {owner} got a token {:.3} s after its rejection", (now - at).as_secs_f64());
            self.findings.broken(Promise::ServesNoRejectedToken, what);
        }
    }

    /// Checks a call that failed: its tenant must not have had a valid token when it began.
    pub(crate) fn failed(&self, call: Call, why: &str) {
        if call.tenant < self.regulars
            && let Some(tenant) = self.tenant(call.tenant)
            && let Some(issued) = tenant.held(call.began).filter(|issued| issued.is_served(call.began))
        {
            let left = (issued.end - call.began).as_secs_f64();
            let what = || format!("tenant {}, with a token for another {left:.1} s: {why}", call.tenant);
            self.findings.broken(Promise::ServesValidTokens, what);
        }
    }

    /// Records that the API rejects a token, while `invalidate` tells the client.
    pub(crate) fn rejected(&self, token: &str, invalidate: impl FnOnce() -> Instant) {
        let set = |rejection| {
            if let Some((owner, number)) = read(token)
                && let Some(mut tenant) = self.tenant(owner)
                && let Some(issued) = tenant.issued(number)
            {
                issued.rejection = rejection;
            }
        };
        // From here on the tenant may need another token; and only afterwards must it not get this one.
        set(Rejection::Begun);
        set(Rejection::Ended(invalidate()));
    }

    fn tenant(&self, number: u32) -> Option<MutexGuard<'_, Tenant>> {
        self.tenants.get(number as usize).map(lock)
    }
}

impl Tenant {
    fn new() -> Self {
        // Enough from the start for nearly all tenants, because the memory of the process is watched.
        Self { requests: 0, open: None, tokens: VecDeque::with_capacity(USUAL_TOKENS), pause: None }
    }

    /// Returns the newest token that the client certainly holds.
    fn held(&self, now: Instant) -> Option<&Issued> {
        // Not an older one: the client drops it for a newer one, even if that is rejected.
        let newest = self.tokens.iter().rev().find(|issued| issued.held_from.is_some_and(|from| from <= now));
        newest.filter(|issued| issued.rejection == Rejection::None)
    }

    fn issued(&mut self, number: u64) -> Option<&mut Issued> {
        self.tokens.iter_mut().rev().find(|issued| issued.number == number)
    }
}

impl Issued {
    fn is_held_from(&mut self, from: Instant) {
        self.held_from = Some(self.held_from.map_or(from, |earlier| earlier.min(from)));
    }

    /// Returns `true` if there is no reason to renew the token yet.
    fn is_young(&self, now: Instant) -> bool {
        now + TRAVEL < self.requested + self.life.mul_f64(EARLIEST_RENEWAL)
    }

    /// Returns `true` if the client must return the token.
    fn is_served(&self, now: Instant) -> bool {
        now + TRAVEL < self.requested + self.life.mul_f64(SERVED)
    }
}

impl Pause {
    fn extend(pause: &mut Option<Self>, length: Duration, now: Instant) {
        let from = pause.filter(|pause| !pause.is_over(now)).map_or(now, |pause| pause.from);
        *pause = Some(Self { from, until: now + length });
    }

    /// Returns `true` if the client may count the pause as over.
    fn is_over(self, now: Instant) -> bool {
        self.until <= now + CLOCK_STEP
    }

    /// Returns `true` if no request may arrive now. Those that were on their way are excused.
    fn excludes(self, now: Instant) -> bool {
        self.from + TRAVEL < now && !self.is_over(now)
    }
}

/// Returns the tenant and the number of the request that a token names.
fn read(token: &str) -> Option<(u32, u64)> {
    let (tenant, rest) = token.split_once('.')?;
    Some((tenant.parse().ok()?, rest.split_once('.')?.0.parse().ok()?))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

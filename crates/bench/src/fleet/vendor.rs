//! The vendor: a token endpoint, as a transport in the process, and an API that takes its tokens.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use credentials_grant::{Error, HeaderMap, HttpRequest, HttpResponse, StatusCode, Transport, async_trait};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How long the vendor takes to answer.
pub(crate) const FETCH: Duration = Duration::from_millis(300);

/// The length of a token, about that of a JWT with a few claims and an RSA signature.
const TOKEN_LENGTH: usize = 1024;

/// A vendor that records when each request arrives. Clones are the same vendor.
#[derive(Clone, Debug)]
pub(crate) struct Vendor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    answers: Answers,
    arrivals: watch::Sender<Vec<Instant>>,
    /// The number of the last token that the API rejects.
    rejected: AtomicUsize,
}

/// What the vendor answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answers {
    /// A token with this lifetime.
    Tokens(Duration),
    /// The same, but the first request is never answered.
    TokensAfterTheFirst(Duration),
    /// That the credentials are wrong.
    Refusals,
}

impl Vendor {
    pub(crate) fn new(answers: Answers) -> Self {
        let (arrivals, _) = watch::channel(Vec::new());
        Self(Arc::new(Inner { answers, arrivals, rejected: AtomicUsize::new(0) }))
    }

    /// Returns the number of requests that have arrived.
    pub(crate) fn requests(&self) -> usize {
        self.0.arrivals.borrow().len()
    }

    /// Returns when each request arrived.
    pub(crate) fn arrivals(&self) -> Vec<Instant> {
        self.0.arrivals.borrow().clone()
    }

    /// Waits until more than this many requests have arrived.
    pub(crate) async fn more_than(&self, requests: usize) -> Result<()> {
        self.0.arrivals.subscribe().wait_for(|arrivals| arrivals.len() > requests).await?;
        Ok(())
    }

    /// Has the API reject all tokens that were issued until now.
    pub(crate) fn reject_all(&self) {
        self.0.rejected.store(self.requests(), Ordering::SeqCst);
    }

    /// Answers a call of the API.
    pub(crate) fn api(&self, headers: &HeaderMap) -> StatusCode {
        let is_accepted = number(headers).is_some_and(|number| number > self.0.rejected.load(Ordering::SeqCst));
        if is_accepted { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
    }
}

#[async_trait]
impl Transport for Vendor {
    async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Error> {
        let mut number = 0;
        self.0.arrivals.send_modify(|arrivals| {
            arrivals.push(Instant::now());
            number = arrivals.len();
        });
        if matches!(self.0.answers, Answers::TokensAfterTheFirst(_)) && number == 1 {
            return pending().await;
        }
        sleep(FETCH).await;
        let (status, body) = match self.0.answers {
            Answers::Tokens(life) | Answers::TokensAfterTheFirst(life) => {
                let (token, seconds) = (token(number), life.as_secs());
                let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}"#);
                (StatusCode::OK, body)
            }
            Answers::Refusals => (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_client"}"#.to_owned()),
        };
        Ok(HttpResponse::new(status, HeaderMap::new(), body.into_bytes()))
    }
}

/// Returns a token that contains its number.
fn token(number: usize) -> String {
    format!("{:x<TOKEN_LENGTH$}", format!("{number}."))
}

/// Returns the number of the token in these headers.
fn number(headers: &HeaderMap) -> Option<usize> {
    let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?;
    token.split_once('.')?.0.parse().ok()
}

/// Returns how many requests arrived in each lifetime of a token. Requests that are less than half a life after the
/// first of a lifetime belong to the same one.
pub(crate) fn in_each_lifetime(arrivals: &[Instant], life: Duration) -> Vec<usize> {
    let mut lifetimes: Vec<(Instant, usize)> = Vec::new();
    for &arrival in arrivals {
        match lifetimes.last_mut() {
            Some((first, requests)) if arrival.saturating_duration_since(*first) < life / 2 => *requests += 1,
            _ => lifetimes.push((arrival, 1)),
        }
    }
    lifetimes.into_iter().map(|(_, requests)| requests).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn requests_are_counted_in_each_lifetime() {
        let start = Instant::now();
        let arrivals = [0, 1, 8, 16, 17, 20].map(|seconds| start + SECOND * seconds);
        assert_eq!(in_each_lifetime(&arrivals, SECOND * 10), [2, 1, 3]);
        assert_eq!(in_each_lifetime(&[], SECOND * 10), [0; 0]);
    }

    #[test]
    fn the_api_rejects_the_tokens_that_were_issued_before() -> Result<()> {
        let vendor = Vendor::new(Answers::Tokens(SECOND * 10));
        let headers = |number| -> Result<HeaderMap> {
            Ok(HeaderMap::from_iter([("authorization".parse()?, format!("Bearer {}", token(number)).parse()?)]))
        };
        assert_eq!(vendor.api(&headers(1)?), StatusCode::OK);
        vendor.0.arrivals.send_modify(|arrivals| arrivals.push(Instant::now()));
        vendor.reject_all();
        assert_eq!(vendor.api(&headers(1)?), StatusCode::UNAUTHORIZED);
        assert_eq!(vendor.api(&headers(2)?), StatusCode::OK);
        assert_eq!(vendor.api(&HeaderMap::new()), StatusCode::UNAUTHORIZED);
        Ok(())
    }
}

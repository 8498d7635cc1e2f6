//! How many requests a source sends that keeps to its rules, derived from the rules and from how the last request
//! ended.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::vendor::{Act, Book, LIFE, SECOND};

/// What follows from the past, told by the vendor's book.
///
/// | what there is | when a request is due |
/// |---|---|
/// | a request under way | not |
/// | a pause that the vendor named | when it is over |
/// | a refusal of the secret | after 1 s, doubling; or within 1 s of the source's having another |
/// | a good token | once, at a point between 80 % and 90 % of its life; after a failure, after 1 s, doubling |
/// | no good token | at once |
#[derive(Debug, Default)]
pub(crate) struct Expected {
    requests: usize,
    /// How many the burst that was last may lead to.
    due: Option<RangeInclusive<usize>>,
    /// The failures since the last token.
    failures: u32,
    failed: Duration,
    pause: Option<Duration>,
    /// The number of the secret that was refused, and when it was last compared with the source's.
    refused: Option<(usize, Duration)>,
}

impl Expected {
    /// Compares what came of the last burst.
    pub(crate) fn compare(&mut self, book: &Book, now: Duration) {
        let came = book.requests - self.requests;
        self.requests = book.requests;
        if let Some(due) = &self.due {
            assert!(due.contains(&came), "{came} requests, and not {due:?}, before {now:?}");
        }
    }

    /// Derives what may come of a burst now.
    pub(crate) fn derive(&mut self, book: &mut Book, now: Duration) {
        for (at, act) in std::mem::take(&mut book.ended) {
            self.learn(at, act, book.secret);
        }
        let due = self.due(book, now);
        self.due = Some(due);
    }

    fn learn(&mut self, at: Duration, act: Act, secret: usize) {
        self.failures += 1;
        self.failed = at;
        self.pause = None;
        match act {
            Act::Issue => *self = Self { requests: self.requests, ..Self::default() },
            Act::Refuse => self.refused = Some((secret, at)),
            Act::Throttle(wait) => self.pause = Some(wait),
            Act::Unreachable | Act::Unavailable => {}
        }
    }

    fn due(&mut self, book: &Book, now: Duration) -> RangeInclusive<usize> {
        const NONE: RangeInclusive<usize> = 0..=0;
        const ONE: RangeInclusive<usize> = 1..=1;
        if book.is_under_way {
            return NONE;
        }
        let doubling = SECOND * 2u32.pow(self.failures.saturating_sub(1).min(9));
        let pause = self.pause.unwrap_or(doubling.min(SECOND * 300));
        let is_over = now >= self.failed + pause;
        match (book.good_token(now), self.failures) {
            (_, 1..) if self.pause.is_some() => {
                if is_over {
                    ONE
                } else {
                    NONE
                }
            }
            (_, 1..) if self.refused.is_some() => {
                if is_over || self.finds_another(book, now) {
                    ONE
                } else {
                    NONE
                }
            }
            (Some(_), 1..) => {
                if is_over {
                    ONE
                } else {
                    NONE
                }
            }
            (Some(token), 0) => match now.saturating_sub(token.requested) {
                age if age < LIFE * 8 / 10 => NONE,
                age if age < LIFE * 9 / 10 => 0..=1,
                _ => ONE,
            },
            (None, _) => ONE,
        }
    }

    /// Whether the source is asked now, and has a secret that was not refused.
    fn finds_another(&mut self, book: &Book, now: Duration) -> bool {
        match &mut self.refused {
            Some((refused, looked)) if now >= *looked + SECOND => {
                *looked = now;
                book.secret != *refused
            }
            _ => false,
        }
    }
}

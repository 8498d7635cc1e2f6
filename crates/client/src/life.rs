//! How a token ages: fresh, stale, expired, counted from the moment it was asked for.
//!
//! | state | from | what a caller gets |
//! |---|---|---|
//! | fresh | 0 | the token, at once |
//! | stale | a point between 80 % and 90 % of its life, drawn once for each token | the token, at once; one renewal starts |
//! | expired | its life less 30 seconds, or less a twentieth of a short one (10 ms at least) | waits for a new one |
//!
//! Both clocks are asked, and the one that has moved further is believed: a machine that slept has stopped its monotonic
//! clock, and a wall clock that is set back would keep a token for ever.

use std::time::{Duration, SystemTime};

use crate::clock::Clock;

/// The longest time before its end at which a token is no longer handed out: it still has to reach the vendor's API.
const LONGEST_MARGIN: Duration = Duration::from_secs(30);

/// The shortest such time: as far as a coarse clock may lag behind.
const SHORTEST_MARGIN: Duration = Duration::from_millis(10);

/// What both clocks show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) wall: SystemTime,
    monotonic: Duration,
}

impl Reading {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic() }
    }

    /// How much time has passed since then, by the clock that has moved further.
    pub(crate) fn since(self, then: Self) -> Duration {
        let wall = self.wall.duration_since(then.wall).unwrap_or_default();
        wall.max(self.monotonic.saturating_sub(then.monotonic))
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Fresh,
    Stale,
    Expired,
}

/// The life of one token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    began: Reading,
    length: Duration,
    stale: Duration,
    expired: Duration,
}

impl Life {
    /// A life of this length. `chance` draws the point at which the token is stale.
    pub(crate) fn new(began: Reading, length: Duration, chance: u8) -> Self {
        let stale = length / 10 * 8 + length / 10 * u32::from(chance) / 256;
        let expired = length.saturating_sub((length / 20).clamp(SHORTEST_MARGIN, LONGEST_MARGIN));
        Self { began, length, stale, expired }
    }

    /// How long the token lives in all.
    pub(crate) fn length(&self) -> Duration {
        self.length
    }

    /// Whether it began later than another.
    pub(crate) fn began_after(&self, other: &Self) -> bool {
        self.began.monotonic > other.began.monotonic
    }

    /// How much of it is left.
    pub(crate) fn left(&self, now: Reading) -> Duration {
        self.length.saturating_sub(now.since(self.began))
    }

    /// How long until it is stale.
    pub(crate) fn until_stale(&self, now: Reading) -> Duration {
        self.stale.saturating_sub(now.since(self.began))
    }

    pub(crate) fn state(&self, now: Reading) -> State {
        match now.since(self.began) {
            age if age >= self.expired => State::Expired,
            age if age >= self.stale => State::Stale,
            _ => State::Fresh,
        }
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(wall: Duration, monotonic: Duration) -> Reading {
        Reading { wall: SystemTime::UNIX_EPOCH + HOUR * 1000 + wall, monotonic }
    }

    fn state_at(life: Life, age: Duration) -> State {
        life.state(at(age, age))
    }

    #[test]
    fn a_token_is_stale_from_a_point_between_80_and_90_percent_of_its_life() {
        for chance in 0..=u8::MAX {
            let life = Life::new(at(Duration::ZERO, Duration::ZERO), HOUR, chance);
            let just_before = (HOUR * 8 / 10).saturating_sub(Duration::from_nanos(1));
            assert_eq!(state_at(life, just_before), State::Fresh, "{chance}");
            assert_eq!(state_at(life, HOUR * 9 / 10), State::Stale, "{chance}");
        }
        let drawn = |chance| Life::new(at(Duration::ZERO, Duration::ZERO), HOUR, chance).stale;
        assert!(drawn(0) < drawn(1) && drawn(1) < drawn(255), "it is drawn");
    }

    #[test]
    fn a_token_is_expired_30_seconds_or_a_twentieth_of_its_life_before_its_end() {
        for (seconds, margin) in [(3600, 30.0), (600, 30.0), (100, 5.0), (2, 0.1)] {
            let length = Duration::from_secs(seconds);
            let life = Life::new(at(Duration::ZERO, Duration::ZERO), length, 255);
            let end = length.saturating_sub(Duration::from_secs_f64(margin));
            assert_eq!(state_at(life, end.saturating_sub(Duration::from_nanos(1))), State::Stale, "{seconds}");
            assert_eq!(state_at(life, end), State::Expired, "{seconds}");
        }
    }

    #[test]
    fn a_life_of_nothing_or_next_to_nothing_ends_at_once_and_a_long_one_overflows_nothing() {
        let began = at(Duration::ZERO, Duration::ZERO);
        assert_eq!(state_at(Life::new(began, Duration::ZERO, 255), Duration::ZERO), State::Expired);
        assert_eq!(state_at(Life::new(began, Duration::from_nanos(1), 255), Duration::from_nanos(1)), State::Expired);
        assert_eq!(state_at(Life::new(began, Duration::from_secs(u64::MAX / 256), 255), HOUR), State::Fresh);
    }

    #[test]
    fn a_machine_that_slept_serves_no_expired_token() {
        let life = Life::new(at(Duration::ZERO, Duration::ZERO), HOUR, 0);
        assert_eq!(life.state(at(HOUR * 8, Duration::from_secs(1))), State::Expired);
    }

    #[test]
    fn a_wall_clock_that_is_set_back_makes_no_token_younger() {
        let life = Life::new(at(Duration::ZERO, Duration::ZERO), HOUR, 0);
        let yesterday = Reading { wall: SystemTime::UNIX_EPOCH, monotonic: HOUR };
        assert_eq!(life.state(yesterday), State::Expired);
        assert_eq!(life.state(Reading { monotonic: Duration::from_secs(1), ..yesterday }), State::Fresh);
    }
}

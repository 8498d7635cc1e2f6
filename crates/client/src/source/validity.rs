//! When a token is fresh, stale and expired, counted from the moment it was requested.
//!
//! | state | from | what a caller gets |
//! |---|---|---|
//! | fresh | 0 | the token, at once |
//! | stale | a random point between 80 % and 90 % of its lifetime | the token, at once; one renewal starts |
//! | expired | 30 seconds before its end, or a twentieth of a short lifetime (at least 10 ms) | waits for a new one |
//!
//! Two clocks are read, and the one that has advanced further counts: a monotonic clock may stand still while the
//! machine sleeps, and a wall clock that is set back would keep a token for ever. The system's clock sees to it that
//! both together do no harm (`system_clock/elapsed.rs`).

use std::time::{Duration, SystemTime};

use crate::clock::Clock;

/// The longest margin before its end in which a token is no longer returned: it still has to reach the vendor's API.
const LONGEST_MARGIN: Duration = Duration::from_secs(30);

/// The shortest margin: as far as a coarse clock may lag behind.
const SHORTEST_MARGIN: Duration = Duration::from_millis(10);

/// A reading of both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) wall: SystemTime,
    monotonic: Duration,
}

impl Reading {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        let (wall, monotonic) = clock.read();
        Self { wall, monotonic }
    }

    /// Returns the time since an earlier reading, by the clock that has advanced further.
    pub(crate) fn since(self, then: Self) -> Duration {
        let wall = self.wall.duration_since(then.wall).unwrap_or_default();
        wall.max(self.monotonic.saturating_sub(then.monotonic))
    }

    /// Returns what is left now of a pause that began at this reading, unless it is over.
    pub(crate) fn left_of(self, pause: Duration, now: Self) -> Option<Duration> {
        pause.checked_sub(now.since(self)).filter(|left| !left.is_zero())
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Fresh,
    Stale,
    Expired,
}

/// When tokens are renewed, as the user of the source wants it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RenewalPlan {
    /// The part of the lifetime from which on, and until which, a token becomes stale: from 0 to 1.
    pub(crate) window: Option<(f64, f64)>,
    /// How long before its end a token is no longer returned.
    pub(crate) margin: Option<Duration>,
}

impl RenewalPlan {
    /// Returns the age at which a token is stale.
    fn stale(self, lifetime: Duration, jitter: u8) -> Duration {
        match self.window {
            None => lifetime / 10 * 8 + lifetime / 10 * u32::from(jitter) / 256,
            Some((start, end)) => lifetime.mul_f64(start + (end - start) * f64::from(jitter) / 256.0),
        }
    }

    /// Returns the age at which a token is expired.
    fn expired(self, lifetime: Duration) -> Duration {
        let margin = match self.margin {
            None => (lifetime / 20).clamp(SHORTEST_MARGIN, LONGEST_MARGIN),
            Some(margin) => margin.min(lifetime / 2).max(SHORTEST_MARGIN),
        };
        lifetime.saturating_sub(margin)
    }
}

/// When one token was requested, and when it is stale and expired.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity {
    began: Reading,
    lifetime: Duration,
    stale: Duration,
    expired: Duration,
}

impl Validity {
    /// A token requested at this time, with this lifetime. `jitter` is random, and decides when the token is stale.
    #[cfg(test)]
    pub(crate) fn new(began: Reading, lifetime: Duration, jitter: u8) -> Self {
        Self::planned(began, lifetime, jitter, RenewalPlan::default(), None)
    }

    /// A token that is stale as the plan says, or at the age that the vendor states.
    pub(crate) fn planned(
        began: Reading,
        lifetime: Duration,
        jitter: u8,
        plan: RenewalPlan,
        refresh_in: Option<Duration>,
    ) -> Self {
        // A much earlier age would cost one request after the other.
        let stated = refresh_in.filter(|age| *age < lifetime && *age >= lifetime / 20);
        let stale = stated.unwrap_or_else(|| plan.stale(lifetime, jitter));
        Self { began, lifetime, stale, expired: plan.expired(lifetime) }
    }

    /// Returns how long ago the token was requested: by the wall clock until it came here, and since then by the clock
    /// that is never set.
    pub(crate) fn age(&self, requested_at: SystemTime, now: Reading) -> Duration {
        let before = self.began.wall.duration_since(requested_at).unwrap_or_default();
        before + now.monotonic.saturating_sub(self.began.monotonic)
    }

    /// Takes from it the age that the token had when it was restored.
    #[cfg(feature = "store")]
    pub(crate) fn aged(self, age: Duration) -> Self {
        let Self { began, lifetime, stale, expired } = self;
        let left = |moment: Duration| moment.saturating_sub(age);
        Self { began, lifetime: left(lifetime), stale: left(stale), expired: left(expired) }
    }

    /// Returns the time until the token is expired.
    #[cfg(feature = "store")]
    pub(crate) fn until_expired(&self, now: Reading) -> Duration {
        self.expired.saturating_sub(now.since(self.began))
    }

    /// Returns how long before its end the token is expired.
    #[cfg(feature = "store")]
    pub(crate) fn margin(&self) -> Duration {
        self.lifetime.saturating_sub(self.expired)
    }

    /// Returns the whole lifetime.
    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns `true` if this token was requested later than the other.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        self.began.monotonic > other.began.monotonic
    }

    /// Returns the remaining lifetime.
    pub(crate) fn left(&self, now: Reading) -> Duration {
        self.lifetime.saturating_sub(now.since(self.began))
    }

    /// Returns the time until the token is stale.
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

    fn state_at(validity: Validity, age: Duration) -> State {
        validity.state(at(age, age))
    }

    #[test]
    fn a_token_is_stale_from_a_point_between_80_and_90_percent_of_its_life() {
        for jitter in 0..=u8::MAX {
            let validity = Validity::new(at(Duration::ZERO, Duration::ZERO), HOUR, jitter);
            let just_before = (HOUR * 8 / 10).saturating_sub(Duration::from_nanos(1));
            assert_eq!(state_at(validity, just_before), State::Fresh, "{jitter}");
            assert_eq!(state_at(validity, HOUR * 9 / 10), State::Stale, "{jitter}");
        }
        let validity = Validity::new(at(Duration::ZERO, Duration::ZERO), HOUR, 0);
        assert_eq!(validity.lifetime(), HOUR);
        assert_eq!(validity.until_stale(at(HOUR / 2, HOUR / 2)), HOUR * 3 / 10);
        assert_eq!(validity.until_stale(at(HOUR, HOUR)), Duration::ZERO);
        let drawn = |jitter| Validity::new(at(Duration::ZERO, Duration::ZERO), HOUR, jitter).stale;
        assert!(drawn(0) < drawn(1) && drawn(1) < drawn(255), "it is drawn");
    }

    #[test]
    fn a_token_is_expired_30_seconds_or_a_twentieth_of_its_life_before_its_end() {
        for (seconds, margin) in [(3600, 30.0), (600, 30.0), (100, 5.0), (2, 0.1)] {
            let length = Duration::from_secs(seconds);
            let validity = Validity::new(at(Duration::ZERO, Duration::ZERO), length, 255);
            let end = length.saturating_sub(Duration::from_secs_f64(margin));
            assert_eq!(state_at(validity, end.saturating_sub(Duration::from_nanos(1))), State::Stale, "{seconds}");
            assert_eq!(state_at(validity, end), State::Expired, "{seconds}");
        }
    }

    #[test]
    fn a_life_of_nothing_or_next_to_nothing_ends_at_once_and_a_long_one_overflows_nothing() {
        let began = at(Duration::ZERO, Duration::ZERO);
        assert_eq!(state_at(Validity::new(began, Duration::ZERO, 255), Duration::ZERO), State::Expired);
        assert_eq!(
            state_at(Validity::new(began, Duration::from_nanos(1), 255), Duration::from_nanos(1)),
            State::Expired
        );
        assert_eq!(state_at(Validity::new(began, Duration::from_secs(u64::MAX / 256), 255), HOUR), State::Fresh);
    }

    #[test]
    fn a_plan_moves_the_window_and_the_margin() {
        let began = at(Duration::ZERO, Duration::ZERO);
        let plan = RenewalPlan { window: Some((0.5, 0.6)), margin: Some(HOUR / 10) };
        for jitter in 0..=u8::MAX {
            let validity = Validity::planned(began, HOUR, jitter, plan, None);
            assert!((HOUR / 2..HOUR * 6 / 10).contains(&validity.until_stale(began)), "{jitter}");
            assert_eq!(state_at(validity, (HOUR * 9 / 10).saturating_sub(Duration::from_nanos(1))), State::Stale);
            assert_eq!(state_at(validity, HOUR * 9 / 10), State::Expired);
        }
        let short = Validity::planned(began, HOUR / 100, 0, plan, None);
        assert_eq!(
            state_at(short, (HOUR / 200).saturating_sub(Duration::from_nanos(1))),
            State::Fresh,
            "half of a short lifetime is left"
        );
        assert_eq!(state_at(short, HOUR / 200), State::Expired);
    }

    #[test]
    fn the_age_that_the_vendor_states_comes_before_the_plan() {
        let began = at(Duration::ZERO, Duration::ZERO);
        let until_stale = |age| Validity::planned(began, HOUR, 0, RenewalPlan::default(), age).until_stale(began);
        assert_eq!(until_stale(Some(HOUR / 2)), HOUR / 2);
        for unusable in [None, Some(HOUR), Some(HOUR * 2), Some(Duration::from_secs(1))] {
            assert_eq!(until_stale(unusable), HOUR / 10 * 8, "{unusable:?}");
        }
    }

    #[test]
    fn a_machine_that_slept_serves_no_expired_token() {
        let validity = Validity::new(at(Duration::ZERO, Duration::ZERO), HOUR, 0);
        assert_eq!(validity.state(at(HOUR * 8, Duration::from_secs(1))), State::Expired);
    }

    #[test]
    fn a_wall_clock_that_is_set_back_makes_no_token_younger() {
        let validity = Validity::new(at(Duration::ZERO, Duration::ZERO), HOUR, 0);
        let yesterday = Reading { wall: SystemTime::UNIX_EPOCH, monotonic: HOUR };
        assert_eq!(validity.state(yesterday), State::Expired);
        assert_eq!(validity.state(Reading { monotonic: Duration::from_secs(1), ..yesterday }), State::Fresh);
    }
}

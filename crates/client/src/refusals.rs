//! Remembers refusals, so that credentials that were refused are not sent over and over.
//!
//! Some vendors block the address of whoever keeps failing (PTV: "continuous failed login attempts from the same IP").

use std::time::{Duration, SystemTime};

use credentials_grant::{Error, ErrorKind};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The refusals since the last token.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    count: u32,
    of_credentials: u32,
    last: Option<(Error, SystemTime)>,
}

impl Refusals {
    /// The refusal that still stands at this time.
    pub(crate) fn standing(&self, now: SystemTime) -> Option<Error> {
        let (error, refused_at) = self.last.as_ref()?;
        // A clock that jumped back must not make a pause longer than it is.
        let passed = now.duration_since(*refused_at).unwrap_or(LONGEST_PAUSE);
        (passed < self.pause()).then(|| error.clone())
    }

    /// How many of them were of the credentials, and not of what was asked for.
    pub(crate) fn of_credentials(&self) -> u32 {
        self.of_credentials
    }

    /// Takes notice of how a request ended.
    pub(crate) fn note<T>(&mut self, outcome: &Result<T, Error>, now: SystemTime) {
        match outcome {
            Ok(_) => *self = Self::default(),
            Err(error) if matches!(error.kind(), ErrorKind::CredentialsRefused | ErrorKind::RequestRefused) => {
                self.count = self.count.saturating_add(1);
                self.of_credentials += u32::from(error.kind() == ErrorKind::CredentialsRefused);
                self.last = Some((error.clone(), now));
            }
            Err(_) => {}
        }
    }

    /// One second, doubling to five minutes.
    fn pause(&self) -> Duration {
        let doubled = 2u32.saturating_pow(self.count.saturating_sub(1));
        FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused_times(count: u32, at: SystemTime) -> Refusals {
        let refusal: Result<(), _> = Err(Error::new(ErrorKind::CredentialsRefused, "refused"));
        let mut refusals = Refusals::default();
        (0..count).for_each(|_| refusals.note(&refusal, at));
        refusals
    }

    #[test]
    fn a_refusal_stands_for_a_second_doubling_to_five_minutes() {
        let now = SystemTime::UNIX_EPOCH;
        for (count, seconds) in [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (40, 300)] {
            let refusals = refused_times(count, now);
            let almost = now + Duration::from_secs(seconds) - Duration::from_millis(1);
            assert!(refusals.standing(almost).is_some(), "{count}");
            assert!(refusals.standing(now + Duration::from_secs(seconds)).is_none(), "{count}");
        }
    }

    #[test]
    fn a_clock_that_jumps_back_makes_no_pause_longer() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert!(refused_times(1, now).standing(SystemTime::UNIX_EPOCH).is_none());
    }

    #[test]
    fn a_token_ends_the_memory_and_an_outage_does_not() {
        let now = SystemTime::UNIX_EPOCH;
        let mut refusals = refused_times(3, now);
        refusals.note(&Err::<(), _>(Error::new(ErrorKind::Unreachable, "gone")), now);
        assert_eq!(refusals.of_credentials(), 3);
        refusals.note(&Err::<(), _>(Error::new(ErrorKind::RequestRefused, "no such scope")), now);
        assert_eq!(refusals.of_credentials(), 3);
        refusals.note(&Ok(()), now);
        assert_eq!(refusals.of_credentials(), 0);
        assert!(refusals.standing(now).is_none());
    }
}

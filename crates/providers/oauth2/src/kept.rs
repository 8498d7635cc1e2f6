//! What a server said of itself: good for a time, and of use a while longer where the server cannot be asked again.

use std::time::{Duration, SystemTime};

/// For how long something old is used where it cannot be read again.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// For how long it is used, once somebody has set out to read it again, until the next one does.
const PAUSE: Duration = Duration::from_secs(60);

/// Something that was read, and when.
pub(crate) struct Kept<T> {
    value: T,
    read: SystemTime,
    /// For how long it is good.
    lifetime: Duration,
    /// When somebody last set out to read it again, and for how long nobody else need.
    asked: Option<(SystemTime, Duration)>,
}

impl<T> Kept<T> {
    pub(crate) fn new(value: T, read: SystemTime, lifetime: Duration) -> Self {
        Self { value, read, lifetime, asked: None }
    }

    /// What was read, if it need not be read again now: it is good, or somebody is about to read it or has just failed to.
    pub(crate) fn current(&mut self, now: SystemTime) -> Option<&T> {
        let is_asked = self.is_asked(now);
        let age = self.age(now);
        (age < self.lifetime || is_asked && age < self.lifetime + GRACE).then_some(&self.value)
    }

    /// What was read, for whoever could not read it again.
    pub(crate) fn old(&mut self, now: SystemTime) -> Option<&T> {
        (self.age(now) < self.lifetime + GRACE).then_some(&self.value)
    }

    /// Whether it may be read again before its time.
    #[cfg(feature = "verification")]
    pub(crate) fn may_be_asked(&mut self, now: SystemTime) -> bool {
        !self.is_asked(now) && self.age(now) >= PAUSE
    }

    #[cfg(feature = "verification")]
    pub(crate) fn value(&self) -> &T {
        &self.value
    }

    /// Takes notice that somebody sets out to read it again, or has failed to: nobody else need for a minute, or for as
    /// long as the server asks to be left alone.
    pub(crate) fn asked(&mut self, now: SystemTime, pause: Duration) {
        self.asked = Some((now, pause.max(PAUSE)));
    }

    fn is_asked(&self, now: SystemTime) -> bool {
        self.asked.is_some_and(|(asked, pause)| now.duration_since(asked).is_ok_and(|past| past < pause))
    }

    /// A clock that was set back says nothing of its age. It is as doubtful as something that is no longer good, as of now.
    fn age(&mut self, now: SystemTime) -> Duration {
        now.duration_since(self.read).unwrap_or_else(|_| {
            self.read = now.checked_sub(self.lifetime).unwrap_or(now);
            self.lifetime
        })
    }
}

//! A record as a file: a line of JSON that says how long it lives, and its sealed value.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::store::record::{Record, Version};

/// A record in a file.
pub(super) struct RecordFile {
    header: Header,
    value: Vec<u8>,
}

/// Two clocks say when it ends, since either alone can mislead: the wall clock may be set back, and the clock of the
/// machine starts anew when that is started.
#[derive(Deserialize, Serialize)]
struct Header {
    version: [u8; 16],
    /// How long it lived when it was written, in milliseconds.
    lifetime: u64,
    /// When it ends, in milliseconds since 1970.
    ends: u64,
    /// Which start of the machine it was, and when it ends, in milliseconds since then.
    boot: Option<(String, u64)>,
}

impl RecordFile {
    pub(super) fn new(record: &Record, now: SystemTime, boot: Option<(String, Duration)>) -> Self {
        let ends = since_1970(now).saturating_add(record.lifetime);
        let header = Header {
            version: *record.version.as_bytes(),
            lifetime: milliseconds(record.lifetime),
            ends: milliseconds(ends),
            boot: boot.map(|(id, now)| (id, milliseconds(now.saturating_add(record.lifetime)))),
        };
        Self { header, value: record.value.clone() }
    }

    /// Reads a file. `None` if it is no record.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|&byte| byte == b'\n')?;
        let header = serde_json::from_slice(&bytes[..end]).ok()?;
        Some(Self { header, value: bytes[end + 1..].to_vec() })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Numbers and a string: writing them to memory cannot fail.
        let mut bytes = serde_json::to_vec(&self.header).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend(&self.value);
        bytes
    }

    /// Returns how much longer it lives: the least that a clock says.
    pub(super) fn left(&self, now: SystemTime, boot: Option<(String, Duration)>) -> Duration {
        let left = |ends: u64, now: Duration| Duration::from_millis(ends).saturating_sub(now);
        let by_wall = left(self.header.ends, since_1970(now)).min(self.lifetime());
        let by_boot = match (&self.header.boot, boot) {
            (Some((then, ends)), Some((id, now))) if *then == id => left(*ends, now),
            _ => Duration::MAX,
        };
        by_wall.min(by_boot)
    }

    /// Returns `true` if it had ended by then, as far as the wall clock shows.
    pub(super) fn ended_before(&self, then: SystemTime) -> bool {
        self.header.ends < milliseconds(since_1970(then))
    }

    /// Returns how long it lived when it was written.
    pub(super) fn lifetime(&self) -> Duration {
        Duration::from_millis(self.header.lifetime)
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.value
    }

    pub(super) fn into_record(self, lifetime: Duration) -> Record {
        Record { version: Version::from_bytes(self.header.version), value: self.value, lifetime }
    }
}

/// Returns which start of the machine this is, and how long ago it was, sleep included. `None` where no clock knows.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn boot() -> Option<(String, Duration)> {
    use rustix::time::{ClockId, clock_gettime};

    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some((id.trim().to_owned(), Duration::try_from(clock_gettime(ClockId::Boottime)).ok()?))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn boot() -> Option<(String, Duration)> {
    None
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + HOUR * 1000 + Duration::from_secs(seconds)
    }

    fn boot(id: &str, seconds: u64) -> (String, Duration) {
        (id.to_owned(), Duration::from_secs(seconds))
    }

    fn file() -> RecordFile {
        let record = Record { version: Version::from_bytes([7; 16]), value: b"sealed\nvalue".to_vec(), lifetime: HOUR };
        RecordFile::parse(&RecordFile::new(&record, at(0), Some(boot("a", 100))).to_bytes()).unwrap()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let record = file().into_record(HOUR);
        assert_eq!((record.version, record.value.as_slice()), (Version::from_bytes([7; 16]), &b"sealed\nvalue"[..]));
    }

    #[test]
    fn a_record_lives_as_long_as_both_clocks_say() {
        let left = |now, boot| file().left(now, boot).as_secs();
        assert_eq!(left(at(600), Some(boot("a", 700))), 3000);
        assert_eq!(left(at(600), Some(boot("a", 1000))), 2700, "the wall clock was set back");
        assert_eq!(left(at(600), Some(boot("b", 5))), 3000, "the machine was started since");
        assert_eq!(left(at(600), None), 3000);
        assert_eq!(left(SystemTime::UNIX_EPOCH, None), 3600, "never longer than at first");
        assert_eq!(left(at(0), Some(boot("a", 3700))), 0);
        assert_eq!(left(at(3600), Some(boot("a", 100))), 0);
    }

    #[test]
    fn what_is_no_record_is_not_read_as_one() {
        let whole = file().to_bytes();
        let header = whole.iter().position(|&byte| byte == b'\n').unwrap();
        for length in 0..=header {
            assert!(RecordFile::parse(&whole[..length]).is_none(), "{length}");
        }
        for garbage in [&b""[..], b"\n", b"{}\n", b"null\nvalue", b"\0\0\0\0\n", &[0xff; 100]] {
            assert!(RecordFile::parse(garbage).is_none(), "{garbage:?}");
        }
    }
}

//! Compares this machine's clock with a server's.

use std::time::{Duration, SystemTime};

use credentials_grant::HeaderMap;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{AGE, DATE};
use serde_json::json;

use super::report::Step;
use crate::error::CommandError;
use crate::exit::Exit;

/// How far the clocks may differ before something breaks: a signed assertion is valid for a minute.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// How far this machine's clock is ahead of the server's, or behind it, in whole seconds.
#[derive(Debug, PartialEq)]
enum Skew {
    None,
    Ahead(Duration),
    Behind(Duration),
}

/// What a comparison of the clocks found.
pub(super) struct Comparison {
    pub(super) outcome: Result<Step, (Step, CommandError)>,
    /// What this may mean for signed assertions, if the clocks differ at all.
    pub(super) advice: Option<String>,
}

/// Compares the clocks, by a response to a request that was sent and answered at these times. Returns `None` if the
/// response has no date.
pub(super) fn compare(headers: &HeaderMap, sent: SystemTime, answered: SystemTime) -> Option<Comparison> {
    let skew = skew(date(headers)?, sent, answered);
    let (seconds, words) = match &skew {
        Skew::None => (0, "within a second of the server's".to_owned()),
        Skew::Ahead(by) => (seconds(*by), format!("{} ahead of the server's", in_words(*by))),
        Skew::Behind(by) => (-seconds(*by), format!("{} behind the server's", in_words(*by))),
    };
    let step = Step::new("clock").with_detail(&words).with("seconds_ahead", json!(seconds));
    if seconds.unsigned_abs() <= MAX_SKEW.as_secs() {
        let advice = (seconds != 0).then(|| {
            format!(
                "this machine's clock is {words}: some servers allow no such difference in signed assertions and \
                 proofs, so set it (timedatectl set-ntp true)"
            )
        });
        return Some(Comparison { outcome: Ok(step), advice });
    }
    let error = CommandError::new(Exit::Failed, format!("this machine's clock is {words}")).with_remedy(
        "set the clock (timedatectl set-ntp true): certificates and signed assertions depend on it; if it is right, the \
         vendor's is wrong",
    );
    Some(Comparison { outcome: Err((step, error)), advice: None })
}

/// Returns the server's time when it answered. A response from a cache has its age (RFC 9111 section 5.1).
fn date(headers: &HeaderMap) -> Option<SystemTime> {
    let text = |name| headers.get(name)?.to_str().ok();
    let date = DateTimeParser::new().parse_timestamp(text(DATE)?).ok()?;
    let age = text(AGE).and_then(|age| age.trim().parse().ok()).map_or(Duration::ZERO, Duration::from_secs);
    SystemTime::from(date).checked_add(age)
}

/// Returns how far the clocks differ. A date counts whole seconds, so it means any time within one.
fn skew(date: SystemTime, sent: SystemTime, answered: SystemTime) -> Skew {
    // A date at the end of time is later than any other by itself.
    let latest = date.checked_add(Duration::from_secs(1)).unwrap_or(date);
    match (sent.duration_since(latest), date.duration_since(answered)) {
        (Ok(ahead), _) if ahead.as_secs() > 0 => Skew::Ahead(ahead),
        (_, Ok(behind)) if behind.as_secs() > 0 => Skew::Behind(behind),
        _ => Skew::None,
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// Returns a duration as people say it: `10 minutes`.
fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => ((seconds + 30) / 60, "minute"),
        7200..172_800 => ((seconds + 1800) / 3600, "hour"),
        _ => (seconds.saturating_add(43_200) / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use credentials_grant::HeaderValue;

    use super::*;

    fn at(seconds: f64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn the_time_that_a_response_takes_is_not_skew() {
        let date = at(1000.0);
        for (sent, answered) in [(1000.2, 1000.3), (990.0, 1000.0), (1001.5, 1003.0), (998.5, 999.5)] {
            assert_eq!(skew(date, at(sent), at(answered)), Skew::None, "{sent} {answered}");
        }
        assert_eq!(skew(date, at(1601.0), at(1602.0)), Skew::Ahead(Duration::from_secs(600)));
        assert_eq!(skew(date, at(399.0), at(400.0)), Skew::Behind(Duration::from_secs(600)));
    }

    #[test]
    fn a_cached_response_is_older_than_its_date() {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(date(&headers), Some(at(784_111_777.0)));
        headers.insert(AGE, HeaderValue::from_static("600"));
        assert_eq!(date(&headers), Some(at(784_112_377.0)));
        headers.insert(DATE, HeaderValue::from_static("today"));
        assert_eq!(date(&headers), None);
    }

    #[test]
    fn no_age_and_no_date_overflows() {
        for date in ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            let last = i64::MAX.unsigned_abs();
            for age in (0..64).map(|bit| u64::MAX >> bit).chain([last - 253_402_300_799, last]) {
                for age in [age.saturating_sub(1), age, age.saturating_add(1)] {
                    let mut headers = HeaderMap::new();
                    headers.insert(DATE, HeaderValue::from_static(date));
                    headers.insert(AGE, age.into());
                    let compared = compare(&headers, at(1000.0), at(1001.0));
                    assert!(compared.is_none_or(|compared| compared.outcome.is_err() || age <= 1061), "{date} {age}");
                }
            }
        }
        for seconds in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!in_words(Duration::from_secs(seconds)).is_empty());
        }
    }

    #[test]
    fn durations_are_written_as_people_say_them() {
        for (seconds, words) in [
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (599, "10 minutes"),
            (7199, "120 minutes"),
            (7200, "2 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}

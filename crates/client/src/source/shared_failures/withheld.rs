//! The errors of requests that are not sent, because of an earlier failure.

use std::time::Duration;

use credentials_grant::{Error, ErrorKind, Retry};
use jiff::SignedDuration;

/// A failure that prevents a request, and for how much longer.
#[derive(Debug)]
pub(crate) struct Withheld {
    pub(crate) error: Error,
    pub(crate) left: Duration,
}

/// The client's own failure, with the time left.
pub(super) fn again(error: &Error, left: Duration) -> Withheld {
    let error = error.clone();
    let error = match (error.kind(), error.retry()) {
        (_, Retry::After(_)) => error.with_retry(Retry::After(left)),
        (ErrorKind::CredentialsRefused, _) => error.with_remedy(format!(
            "correct the client id and secret, or wait: they are sent again in {} at the earliest",
            in_words(left)
        )),
        _ => error,
    };
    Withheld { error, left }
}

/// Returns `3m 45s`, rounded up to a second.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let time = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    format!("{time:#}")
}

/// What a server said to one client is not repeated to another.
pub(super) fn told_another(kind: ErrorKind, left: Duration) -> Withheld {
    let error = Error::new(kind, "the server asked for a pause when a token was requested for another client")
        .with_remedy("wait: `Retry-After` is obeyed for all clients of this host")
        .with_retry(Retry::After(left));
    Withheld { error, left }
}

pub(super) fn refused_another(left: Duration) -> Withheld {
    let what = "the server refused other credentials, and this vendor blocks addresses after several refusals";
    let error = Error::new(ErrorKind::RateLimited, what)
        .with_remedy("wait, and correct or remove the other credentials if they are still in use")
        .with_retry(Retry::After(left));
    Withheld { error, left }
}

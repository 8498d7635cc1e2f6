//! Exit codes: a contract that scripts rely on.

use std::fmt::Write as _;
use std::process::ExitCode;

use credentials_grant::ErrorKind;

/// How a run ended. The numbers are a contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    RateLimited = 4,
    Unavailable = 5,
    BadResponse = 6,
    ApiError = 7,
    Inactive = 8,
}

impl Exit {
    const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::RateLimited,
        Self::Unavailable,
        Self::BadResponse,
        Self::ApiError,
        Self::Inactive,
    ];

    /// Returns what the code means, with the line breaks and indentation that [`table`] needs.
    fn meaning(self) -> &'static str {
        match self {
            Self::Done => "success",
            Self::Failed => "a step of the demo failed, or this machine did (a full disk, a wrong clock)",
            Self::Usage => "usage or configuration error: nothing was sent",
            Self::Refused => {
                "refused by the token server: an OAuth error in any form and with any status,\n   \
                 or a 401 or 403 even without a body"
            }
            Self::RateLimited => "rate limited (429) by the token server or the API",
            Self::Unavailable => {
                "token server or API unreachable or temporarily unavailable: connection, TLS,\n   \
                 timeout, 408, 5xx"
            }
            Self::BadResponse => {
                "unusable response: a redirect, HTML, no token in it, a token that no header can\n   \
                 hold, more than 1 MiB (8 MiB for request --output json)"
            }
            Self::ApiError => "the API answered with another error (401, 404 …): its body is on standard output",
            Self::Inactive => "the introspected token is not active",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Configuration | ErrorKind::SigningFailed => Self::Usage,
            ErrorKind::CredentialsRefused | ErrorKind::RequestRefused => Self::Refused,
            ErrorKind::RateLimited => Self::RateLimited,
            ErrorKind::Unavailable | ErrorKind::Unreachable => Self::Unavailable,
            ErrorKind::BadResponse => Self::BadResponse,
            _ => Self::Failed,
        }
    }
}

/// Returns the exit codes with their meanings, one after the other.
pub(crate) fn table() -> String {
    Exit::ALL.into_iter().fold(String::new(), |mut table, exit| {
        let _ = writeln!(table, "{}  {}", exit as u8, exit.meaning());
        table
    })
}

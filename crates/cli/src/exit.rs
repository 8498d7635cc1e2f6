//! How a run ends: the exit codes that scripts rely on, and what is said on standard error.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use credentials_grant::{Error, ErrorKind, Retry};
use jiff::SignedDuration;

/// How a run ended. The numbers are a contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    Throttled = 4,
    Unavailable = 5,
    Unusable = 6,
    CallFailed = 7,
    Inactive = 8,
}

impl Exit {
    const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::Throttled,
        Self::Unavailable,
        Self::Unusable,
        Self::CallFailed,
        Self::Inactive,
    ];

    /// What it stands for, ready for [`table`].
    fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "a step of the demo went wrong, or this machine did (a full disk, a wrong clock)",
            Self::Usage => "usage or configuration: nothing was sent",
            Self::Refused => {
                "refused by the token server: an OAuth error in whatever form and status,\n   \
                 a 401 or 403 even without a body"
            }
            Self::Throttled => "throttled (429), by the token server or the API",
            Self::Unavailable => {
                "unreachable or temporarily unavailable, either of them: connect, TLS, timeout,\n   408, 5xx"
            }
            Self::Unusable => {
                "an answer that cannot be used: a redirect, HTML, no token in it,\n   \
                 a token that no header can carry, more than 1 MiB"
            }
            Self::Inactive => "the token that was asked about is not active",
            Self::CallFailed => {
                "the API answered a request with another error (401, 404 …): its body is on\n   standard output"
            }
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
            ErrorKind::RateLimited => Self::Throttled,
            ErrorKind::Unavailable | ErrorKind::Unreachable => Self::Unavailable,
            ErrorKind::BadResponse => Self::Unusable,
            _ => Self::Failed,
        }
    }
}

/// The exit codes and what they stand for.
pub(crate) fn table() -> String {
    Exit::ALL.into_iter().fold(String::new(), |mut table, exit| {
        let _ = writeln!(table, "{}  {}", exit as u8, exit.meaning());
        table
    })
}

/// Why a run ended without doing what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    provider: Option<String>,
    message: String,
    remedy: Option<String>,
    cause: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, provider: None, message: message.into(), remedy: None, cause: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn with_provider(mut self, provider: &str) -> Self {
        self.provider = Some(provider.to_owned());
        self
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    pub(crate) fn with_cause(mut self, cause: &(dyn StdError + 'static)) -> Self {
        self.cause = Some(deepest(cause).to_string());
        self
    }

    /// Adds to what is said of what to do.
    pub(crate) fn with_further_remedy(mut self, further: &str) -> Self {
        self.remedy = Some(self.remedy.map_or_else(|| further.to_owned(), |remedy| format!("{remedy}; {further}")));
        self
    }

    /// Says first what it is about.
    pub(crate) fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Puts message and remedy in other words.
    pub(crate) fn in_words(mut self, words: impl Fn(&str) -> String) -> Self {
        self.message = words(&self.message);
        self.remedy = self.remedy.as_deref().map(words);
        self
    }

    /// What happened.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do.
    pub(crate) fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// Says on standard error what happened and what to do.
    pub(crate) fn report(&self) -> Exit {
        let provider = self.provider.as_ref().map(|provider| format!("{provider}: ")).unwrap_or_default();
        let cause = self.cause.as_ref().filter(|cause| !self.message.contains(*cause));
        let lines = [
            ("error", AnsiColor::Red, Some(provider + &self.message)),
            ("cause", AnsiColor::Yellow, cause.cloned()),
            ("help", AnsiColor::Green, self.remedy.clone()),
        ];
        let mut stderr = anstream::stderr().lock();
        for (label, colour, text) in lines {
            let style = Style::new().bold().fg_color(Some(colour.into()));
            if let Some(text) = text {
                // Nobody is left to be told if this fails.
                let _ = writeln!(stderr, "{style}{label}:{style:#} {}", one_line(&text));
            }
        }
        self.exit
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let remedy = match error.retry() {
            Retry::After(wait) if wait.as_secs() > 0 => {
                let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
                Some(format!("try again in {wait:#}, as the server asks"))
            }
            _ => error.remedy().map(str::to_owned),
        };
        Self {
            exit: error.kind().into(),
            provider: error.provider().map(str::to_owned),
            message: error.message().to_owned(),
            remedy,
            cause: error.source().map(|source| deepest(source).to_string()),
        }
    }
}

/// Says something on standard error that is worth knowing, and no failure.
pub(crate) fn note(text: &str) {
    let style = Style::new().bold();
    // Nobody is left to be told if this fails.
    let _ = writeln!(anstream::stderr(), "{style}note:{style:#} {}", one_line(text));
}

fn deepest<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    error.source().map_or(error, deepest)
}

/// The characters that turn the direction of text, and thereby what a reader takes it for.
const DIRECTIONS: [char; 9] =
    ['\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'];

/// What somebody else wrote must neither add lines, nor move the cursor, nor turn around.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        if c.is_control() || DIRECTIONS.contains(&c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    })
}

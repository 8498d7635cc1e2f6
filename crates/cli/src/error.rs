//! Why a run failed, as standard error reports it.

use std::error::Error as StdError;
use std::io::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use credentials_grant::{Error, Retry, StatusCode};
use jiff::SignedDuration;

use crate::exit::Exit;
use crate::text::one_line;

/// Why a run did not do what it was asked, what to do about it, and the exit code.
#[derive(Debug)]
pub(crate) struct CommandError {
    exit: Exit,
    provider: Option<String>,
    message: String,
    remedy: Option<String>,
    cause: Option<String>,
}

impl CommandError {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, provider: None, message: message.into(), remedy: None, cause: None }
    }

    /// Makes an error about the command line or the configuration.
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

    /// Appends to the remedy.
    pub(crate) fn with_further_remedy(mut self, further: &str) -> Self {
        self.remedy = Some(self.remedy.map_or_else(|| further.to_owned(), |remedy| format!("{remedy}; {further}")));
        self
    }

    /// Puts what the error is about before the message: `--ca-file: …`.
    pub(crate) fn about(mut self, subject: &str) -> Self {
        self.message = format!("{subject}: {}", self.message);
        self
    }

    /// Rewrites message and remedy.
    pub(crate) fn reworded(mut self, reword: impl Fn(&str) -> String) -> Self {
        self.message = reword(&self.message);
        self.remedy = self.remedy.as_deref().map(reword);
        self
    }

    /// Returns what happened.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns what to do.
    pub(crate) fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// Prints the error on standard error, one line each for what happened, its cause and what to do.
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
                // If standard error is closed, there is nowhere left to report it.
                let _ = writeln!(stderr, "{style}{label}:{style:#} {}", one_line(&text));
            }
        }
        self.exit
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let remedy = error.remedy().map(str::to_owned);
        let remedy = match error.retry() {
            Retry::After(wait) if wait.as_secs() > 0 => Some(later(wait, error.status(), remedy)),
            _ => remedy,
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

/// Says when to try again, and whose wish that is: without a status, no server has answered this request.
fn later(wait: Duration, status: Option<StatusCode>, remedy: Option<String>) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let wait = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    match remedy {
        Some(remedy) if status.is_none() => {
            let remedy =
                ["wait: ", "wait, and "].into_iter().find_map(|start| remedy.strip_prefix(start)).unwrap_or(&remedy);
            format!("try again in {wait:#}; {remedy}")
        }
        _ => format!("try again in {wait:#}, as the server asks"),
    }
}

fn deepest<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    error.source().map_or(error, deepest)
}

#[cfg(test)]
mod tests {
    use credentials_grant::ErrorKind;

    use super::*;

    #[test]
    fn a_pause_is_what_the_server_asks_for_only_if_it_answered() {
        let error = Error::new(ErrorKind::RateLimited, "the limit is used up")
            .with_remedy("wait, and share one source")
            .with_retry(Retry::After(Duration::from_millis(1_959)));
        assert_eq!(CommandError::from(error.clone()).remedy(), Some("try again in 2s; share one source"));
        let answered = error.with_status(StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(CommandError::from(answered).remedy(), Some("try again in 2s, as the server asks"));
    }
}

//! The outcome of each step: printed as it happens for people, and at the end for programs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use comfy_table::{ColumnConstraint, Width};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{self, with_coloured_mark};
use crate::text::one_line;

/// The steps that need the network, in the order in which those that were not reached are listed.
const STEPS: [&str; 6] = ["dns", "tcp", "tls", "discovery", "clock", "token"];

/// One step. The members are a contract.
#[derive(Serialize)]
pub(super) struct Step {
    #[serde(rename = "step")]
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    outcome: Outcome,
    /// What the step found, for people.
    detail: String,
    /// The same for programs. The names depend on the step.
    #[serde(flatten)]
    facts: Map<String, Value>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    Failed,
    Skipped,
}

impl Step {
    /// Makes a step that succeeded.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, host: None, outcome: Outcome::Ok, detail: String::new(), facts: Map::new() }
    }

    pub(super) fn with_host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// Sets what the step found. Part of it may come from a server.
    pub(super) fn with_detail(mut self, detail: impl AsRef<str>) -> Self {
        self.detail = one_line(detail.as_ref());
        self
    }

    pub(super) fn with(mut self, fact: &str, value: Value) -> Self {
        self.facts.insert(fact.to_owned(), value);
        self
    }

    fn line(&self) -> String {
        let mut table = output::table();
        table.add_row([self.outcome.mark(), self.name, &self.detail]);
        // One space on either side. Fixed, because each line is printed by itself.
        for (column, width) in table.column_iter_mut().zip([9, 13]) {
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
        table.lines().map(|line| with_coloured_mark(line.trim_end()) + "\n").collect()
    }
}

impl Outcome {
    fn mark(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "FAILED",
            Self::Skipped => "skipped",
        }
    }
}

/// The steps so far, and the error of the first that failed.
pub(super) struct Report {
    provider: &'static str,
    prints: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    steps: Vec<Step>,
    first_error: Option<CommandError>,
    /// What looks wrong, and was not tried.
    doubts: Vec<String>,
}

/// The report as JSON. The members are a contract.
#[derive(Serialize)]
struct Answer<'a> {
    provider: &'a str,
    ok: bool,
    token_requests: u32,
    steps: &'a [Step],
    /// The error of the first step that failed.
    problem: Option<&'a str>,
    remedy: Option<&'a str>,
}

impl Report {
    pub(super) fn new(provider: &'static str) -> Self {
        Self { provider, prints: false, state: Mutex::default() }
    }

    /// Makes a report that prints each step when it is done.
    pub(super) fn printing(provider: &'static str) -> Self {
        Self { prints: true, ..Self::new(provider) }
    }

    pub(super) fn add(&self, step: Step) {
        let printed = if self.prints { output::print(&step.line()) } else { Ok(()) };
        let mut state = self.state();
        state.steps.push(step);
        if let Err(error) = printed {
            state.first_error.get_or_insert(error);
        }
    }

    pub(super) fn skip(&self, step: &'static str, why: &str) {
        self.add(Step { outcome: Outcome::Skipped, ..Step::new(step).with_detail(why) });
    }

    /// Adds a step that failed. Without a detail of its own, it shows the error.
    pub(super) fn fail(&self, step: Step, error: CommandError) {
        let step = if step.detail.is_empty() { step.with_detail(error.message()) } else { step };
        self.state().first_error.get_or_insert(error.with_provider(self.provider));
        self.add(Step { outcome: Outcome::Failed, ..step });
    }

    /// Adds what looks wrong with the credentials, if they were not sent.
    pub(super) fn doubt(&self, doubts: Vec<String>) {
        self.state().doubts.extend(doubts);
    }

    /// Ends the report. Returns the error of the first step that failed.
    pub(super) fn end(&self, token_requests: u32) -> Result<Exit, CommandError> {
        for step in STEPS {
            if !self.state().steps.iter().any(|other| other.name == step) {
                self.skip(step, "not reached");
            }
        }
        let State { steps, first_error, doubts } = std::mem::take(&mut *self.state());
        let requests = match token_requests {
            0 => "no token was requested".to_owned(),
            1 => "one token request was made".to_owned(),
            more => format!("{more} token requests were made"),
        };
        if !self.prints {
            let (problem, remedy) =
                (first_error.as_ref().map(CommandError::message), first_error.as_ref().and_then(CommandError::remedy));
            let ok = first_error.is_none();
            output::print_json(&Answer {
                provider: self.provider,
                ok,
                token_requests,
                steps: &steps,
                problem,
                remedy,
            })?;
        } else if first_error.is_none() && doubts.is_empty() {
            output::print(&format_args!("\nNo problem found; {requests}.\n"))?;
        } else if first_error.is_none() {
            let doubts = doubts.join("; ");
            output::print(&format_args!(
                "\nThe credentials look wrong: {doubts}. Otherwise no problem; {requests}.\n"
            ))?;
        } else {
            output::print(&format_args!("\nProblem found; {requests}.\n\n"))?;
        }
        first_error.map_or(Ok(Exit::Done), Err)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

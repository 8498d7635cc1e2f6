//! What came of each step, for people as it happens and for programs at the end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use comfy_table::{ColumnConstraint, Width};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::exit::{Exit, Failure, one_line};
use crate::output::{self, marked};

/// The steps, in the order in which they are walked.
const STEPS: [&str; 6] = ["dns", "tcp", "tls", "clock", "discovery", "token"];

/// One step. The members are a contract.
#[derive(Serialize)]
pub(super) struct Step {
    #[serde(rename = "step")]
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    outcome: Outcome,
    /// What was seen, for people.
    detail: String,
    /// The same for programs, by step.
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
    /// A step that went well.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, host: None, outcome: Outcome::Ok, detail: String::new(), facts: Map::new() }
    }

    pub(super) fn with_host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// What was seen. A server may have written it.
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
        // With the space on either side, so that the lines are aligned though each is printed by itself.
        for (column, width) in table.column_iter_mut().zip([9, 11]) {
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
        table.lines().map(|line| marked(line.trim_end()) + "\n").collect()
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

/// What came of the steps so far, and the first failure among them.
pub(super) struct Report {
    provider: &'static str,
    prints: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    steps: Vec<Step>,
    failure: Option<Failure>,
}

/// What programs get. The members are a contract.
#[derive(Serialize)]
struct Answer<'a> {
    provider: &'a str,
    ok: bool,
    token_requests: u32,
    steps: &'a [Step],
    /// What is wrong with the first step that failed.
    problem: Option<&'a str>,
    remedy: Option<&'a str>,
}

impl Report {
    pub(super) fn new(provider: &'static str) -> Self {
        Self { provider, prints: false, state: Mutex::default() }
    }

    /// One that prints each step when it is done.
    pub(super) fn printing(provider: &'static str) -> Self {
        Self { prints: true, ..Self::new(provider) }
    }

    pub(super) fn add(&self, step: Step) {
        let printed = if self.prints { output::print(&step.line()) } else { Ok(()) };
        let mut state = self.state();
        state.steps.push(step);
        if let Err(failure) = printed {
            state.failure.get_or_insert(failure);
        }
    }

    pub(super) fn skip(&self, step: &'static str, why: &str) {
        self.add(Step { outcome: Outcome::Skipped, ..Step::new(step).with_detail(why) });
    }

    /// A step that failed. What it saw stays; without that, the failure is what is to be seen.
    pub(super) fn fail(&self, step: Step, failure: Failure) {
        let step = if step.detail.is_empty() { step.with_detail(failure.message()) } else { step };
        self.state().failure.get_or_insert(failure.with_provider(self.provider));
        self.add(Step { outcome: Outcome::Failed, ..step });
    }

    /// Says how it ended, with what is wrong in one sentence.
    pub(super) fn end(&self, token_requests: u32, for_programs: bool) -> Result<Exit, Failure> {
        for step in STEPS {
            if !self.state().steps.iter().any(|other| other.name == step) {
                self.skip(step, "not reached");
            }
        }
        let State { steps, failure } = std::mem::take(&mut *self.state());
        let asked = match token_requests {
            0 => "no token was asked for".to_owned(),
            1 => "one token request was made".to_owned(),
            more => format!("{more} token requests were made"),
        };
        if for_programs {
            let (problem, remedy) =
                (failure.as_ref().map(Failure::message), failure.as_ref().and_then(Failure::remedy));
            let ok = failure.is_none();
            output::print_json(&Answer {
                provider: self.provider,
                ok,
                token_requests,
                steps: &steps,
                problem,
                remedy,
            })?;
        } else if failure.is_none() {
            output::print(&format_args!("\nNothing is wrong; {asked}.\n"))?;
        } else {
            output::print(&format_args!("\nSomething is wrong; {asked}.\n\n"))?;
        }
        failure.map_or(Ok(Exit::Done), Err)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

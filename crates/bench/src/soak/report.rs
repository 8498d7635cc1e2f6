//! Prints the progress and the result.
#![expect(clippy::print_stdout, reason = "the program reports to the terminal")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use crate::callers::Totals;
use crate::conductor::{Course, Sample};
use crate::process::Memory;
use crate::promises::{Findings, Promise};
use crate::recovery::Failures;
use crate::script::{Fault, Script};

/// The most by which memory may grow between the end of the first round and that of the last, in percent. Allocated
/// memory differs with what happens to be in progress. Resident memory has gaps in addition, which the allocator leaves
/// after a burst of connections, so only the first of the two limits shows a small leak.
const ALLOCATED_GROWTH: u64 = 5;
const RESIDENT_GROWTH: u64 = 50;

/// What happened in a run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) script: Script,
    pub(crate) findings: Arc<Findings>,
    pub(crate) longest_recovery: Duration,
    pub(crate) totals: Totals,
    /// The requests and the tokens that the server counted.
    pub(crate) requests: (u64, u64),
    pub(crate) failures: Vec<Failures>,
    pub(crate) course: Course,
    pub(crate) tasks_left: usize,
}

/// Prints what is about to happen.
pub(crate) fn start(command: &str, script: &Script) {
    let [fault, recovery] = [script.fault_length, script.recovery_length].map(|length| length.as_secs_f64());
    println!("{command}\n");
    println!(
        "Rounds: {}, of {} faults. Each lasts {fault:.1} s, and {recovery:.1} s follow to recover.\n",
        script.rounds,
        script.faults.len(),
    );
}

/// Prints one line about the time since the line before.
pub(crate) fn progress(fault: Option<Fault>, sample: Sample, now: Totals, before: Totals, every: Duration) {
    let per_second = |now: u64, before: u64| (now - before) / every.as_secs().max(1);
    println!(
        "{:>5} s  {:<17}  {:>6} calls/s  {:>5} failed/s  {:>9} allocated  {:>7} resident  {:>5} tasks",
        sample.at.as_secs(),
        fault.map_or_else(|| "-".to_owned(), Fault::name),
        per_second(now.calls(), before.calls()),
        per_second(now.failed, before.failed),
        mebibytes(sample.memory.allocated),
        sample.memory.resident.map_or_else(|| "?".to_owned(), mebibytes),
        sample.tasks,
    );
}

impl Report {
    /// Judges what is measured in the end, and prints everything.
    pub(crate) fn print(&mut self) {
        self.judge_memory();
        self.print_faults();
        self.print_figures();
        self.print_promises();
    }

    /// Says which promises were broken and how to repeat that. Returns 1 if there are any.
    pub(crate) fn conclude(&self, command: &str) -> ExitCode {
        let broken = self.broken();
        if broken.is_empty() {
            println!("\nAll promises that were judged are kept.");
            return ExitCode::SUCCESS;
        }
        println!("\nThe client broke what it promises: {}. Repeat it with `{command}`.", broken.join("; "));
        ExitCode::FAILURE
    }

    /// Returns the promises that were broken, in words.
    fn broken(&self) -> Vec<&'static str> {
        let broken = Promise::ALL.into_iter().filter(|promise| self.findings.against(*promise).times > 0);
        broken.map(Promise::words).collect()
    }

    fn judge_memory(&self) {
        let Some((first, last)) = self.memory() else { return };
        let judge = |what: &str, first: u64, last: u64, growth: u64| {
            if last > first + first * growth / 100 {
                let what = || format!("{what} memory grew from {} to {}", mebibytes(first), mebibytes(last));
                self.findings.broken(Promise::NeedsNoMoreMemory, what);
            }
        };
        judge("allocated", first.allocated, last.allocated, ALLOCATED_GROWTH);
        if let Some((first, last)) = first.resident.zip(last.resident) {
            judge("resident", first, last, RESIDENT_GROWTH);
        }
    }

    /// Returns the memory after the first round and after the last, if there are several.
    fn memory(&self) -> Option<(Memory, Memory)> {
        match &self.course.samples[..] {
            [first, .., last] => Some((first.memory, last.memory)),
            _ => None,
        }
    }

    fn print_faults(&self) {
        let rows = self.script.faults.iter().zip(&self.failures).map(|(fault, failures)| {
            let last = failures.last.as_secs_f64();
            let last = if failures.after == 0 { "-".to_owned() } else { format!("{last:.1} s") };
            vec![fault.name(), failures.during.to_string(), failures.after.to_string(), last]
        });
        let rows: Vec<_> = rows.collect();
        table(&["fault", "calls failed meanwhile", "calls failed afterwards", "the last of them after"], rows);
    }

    fn print_figures(&self) {
        let Self { totals, requests, course, .. } = self;
        let mut rows = vec![
            ("calls".to_owned(), totals.calls().to_string()),
            ("calls that got a token".to_owned(), totals.served.to_string()),
            ("calls that failed, because there was none".to_owned(), totals.failed.to_string()),
            ("callers that went away".to_owned(), totals.gone.to_string()),
            ("token requests".to_owned(), requests.0.to_string()),
            ("tokens issued".to_owned(), requests.1.to_string()),
            ("requests for each token, outside of faults".to_owned(), ratio(course.undisturbed)),
        ];
        for (round, sample) in (1..).zip(&course.samples) {
            let (at, Memory { allocated, resident }) = (sample.at.as_secs(), sample.memory);
            rows.push((format!("memory allocated after round {round} ({at} s)"), mebibytes(allocated)));
            rows.extend(resident.map(|bytes| (format!("memory resident after round {round}"), mebibytes(bytes))));
            rows.push((format!("tasks after round {round}"), sample.tasks.to_string()));
        }
        table(&["", "figure"], rows.into_iter().map(|(what, figure)| vec![what, figure]));
    }

    fn print_promises(&self) {
        let mut examples = Vec::new();
        let rows: Vec<_> = Promise::ALL
            .into_iter()
            .map(|promise| {
                let broken = self.findings.against(promise);
                let verdict = match broken.times {
                    0 if promise == Promise::NeedsNoMoreMemory && self.memory().is_none() => "not judged",
                    0 => "kept",
                    _ => "BROKEN",
                };
                examples.extend(broken.examples.into_iter().map(|example| format!("{}: {example}", promise.words())));
                vec![promise.words().to_owned(), self.figure(promise, broken.times), verdict.to_owned()]
            })
            .collect();
        table(&["promise", "figure", ""], rows);
        for example in examples {
            println!("- BROKEN: {example}");
        }
    }

    fn figure(&self, promise: Promise, times: u64) -> String {
        let Self { totals, requests, .. } = self;
        match promise {
            Promise::ServesValidTokens => format!("{times} of {} failed calls", totals.failed),
            Promise::ServesNoExpiredToken | Promise::ServesNoRejectedToken | Promise::KeepsTenantsApart => {
                format!("{times} of {} tokens", totals.served)
            }
            Promise::AnswersInTime => format!("{times} of {} calls", totals.calls()),
            Promise::SendsOneRequestAtOnce | Promise::SendsNoNeedlessRequest | Promise::KeepsPauses => {
                format!("{times} of {} requests", requests.0)
            }
            Promise::Recovers => {
                let last = self.failures.iter().map(|failures| failures.last).max().unwrap_or_default();
                let (last, longest) = (last.as_secs_f64(), self.longest_recovery.as_secs_f64());
                format!("the last failure after {last:.1} s, of {longest:.1} s")
            }
            Promise::NeedsNoMoreMemory => self.memory().map_or_else(
                || "needs two rounds".to_owned(),
                |(first, last)| format!("{}, then {}", mebibytes(first.allocated), mebibytes(last.allocated)),
            ),
            Promise::LeavesNoTask => format!("{} tasks", self.tasks_left),
        }
    }
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes / 1024 * 10 / 1024;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// Formats the ratio of two counts.
fn ratio((of, to): (u64, u64)) -> String {
    // In thousandths, because a count does not fit into a float.
    (of * 1000).checked_div(to).map_or_else(|| "-".to_owned(), |ratio| format!("{}.{:03}", ratio / 1000, ratio % 1000))
}

fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("\n{table}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run with this memory, allocated and resident, after each round.
    fn report(memory: &[(u64, u64)]) -> Report {
        let sample = |(allocated, resident): &(u64, u64)| {
            let memory = Memory { allocated: *allocated, resident: Some(*resident) };
            Sample { at: Duration::ZERO, memory, tasks: 0 }
        };
        Report {
            script: Script::new(Duration::from_mins(10), vec![Fault::Hang]),
            findings: Arc::new(Findings::new()),
            longest_recovery: Duration::ZERO,
            totals: Totals { served: 0, failed: 0, gone: 0 },
            requests: (0, 0),
            failures: Vec::new(),
            course: Course { samples: memory.iter().map(sample).collect(), undisturbed: (0, 0) },
            tasks_left: 0,
        }
    }

    #[test]
    fn memory_that_grows_is_found() {
        for (memory, is_broken) in [
            (&[][..], false),
            (&[(1000, 1000)], false),
            (&[(1000, 1000), (5000, 5000), (1050, 1500)], false),
            (&[(1000, 1000), (1051, 1500)], true),
            (&[(1000, 1000), (1050, 1501)], true),
            (&[(1000, 1000), (500, 500)], false),
        ] {
            let report = report(memory);
            report.judge_memory();
            assert_eq!(report.broken().len(), usize::from(is_broken), "{memory:?}");
        }
    }

    #[test]
    fn memory_is_shown_in_tenths() {
        assert_eq!([0, 1 << 20, 1_600_000].map(mebibytes), ["0.0 MiB", "1.0 MiB", "1.5 MiB"]);
    }

    #[test]
    fn every_promise_that_was_broken_is_named() {
        for promise in Promise::ALL {
            let report = report(&[]);
            report.findings.broken(promise, String::new);
            assert_eq!(report.broken(), [promise.words()]);
        }
    }

    #[test]
    fn a_ratio_has_three_decimals() {
        assert_eq!([(2, 2), (1005, 1000), (1, 0)].map(ratio), ["1.000", "1.005", "-"]);
    }
}

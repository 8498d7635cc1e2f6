//! Explores what can happen: every schedule with a few deviations from what is expected, and random ones with many.

use std::fmt::Write as _;

use super::world::{Choice, Scenario, World};
use crate::random::repeatable;

/// More steps than any run has.
const MOST_STEPS: usize = 2000;

/// At which steps something else happens than what is expected, and which of the choices.
type Deviations = Vec<(usize, usize)>;

/// What became of one run.
pub(super) struct Run {
    pub(super) violation: Option<String>,
    /// How many choices there were at each step.
    choices: Vec<usize>,
    deviations: Deviations,
}

/// Runs a scenario. `decide` returns which of the choices is taken.
fn run(
    scenario: &'static Scenario,
    seed: u64,
    mut decide: impl FnMut(usize, &[Choice]) -> usize,
    mut watch: impl FnMut(Choice, &World),
) -> Run {
    repeatable::seed(seed);
    let mut world = World::new(scenario);
    let mut run = Run { violation: None, choices: Vec::new(), deviations: Vec::new() };
    loop {
        let (step, choices) = (run.choices.len(), world.choices());
        if choices.is_empty() {
            world.end();
        } else {
            assert!(step < MOST_STEPS, "{}: it does not end", scenario.name);
            let taken = decide(step, &choices);
            run.choices.push(choices.len());
            if taken > 0 {
                run.deviations.push((step, taken));
            }
            world.take(choices[taken]);
            watch(choices[taken], &world);
        }
        run.violation = world.truth.violation.take();
        if run.violation.is_some() || choices.is_empty() {
            return run;
        }
    }
}

/// Runs one schedule.
fn run_with(scenario: &'static Scenario, seed: u64, deviations: &[(usize, usize)]) -> Run {
    run(scenario, seed, |step, choices| choice_at(deviations, step).min(choices.len() - 1), |_, _| {})
}

fn choice_at(deviations: &[(usize, usize)], step: usize) -> usize {
    deviations.iter().find(|(at, _)| *at == step).map_or(0, |(_, choice)| *choice)
}

/// Runs one schedule, and returns what happened in each step. A violation is the last of them.
pub(super) fn replay(scenario: &'static Scenario, seed: u64, deviations: &[(usize, usize)]) -> Vec<String> {
    let mut steps = Vec::new();
    let decide = |step, choices: &[Choice]| choice_at(deviations, step).min(choices.len() - 1);
    let run = run(scenario, seed, decide, |choice, world| steps.push(format!("{choice:?}: {}", world.describe())));
    steps.extend(run.violation);
    steps
}

/// Runs every schedule of at most `most` deviations, or of those with the most deviations one in `share`. Returns how
/// many it ran.
pub(super) fn exhaust(scenario: &'static Scenario, most: usize, share: usize) -> usize {
    let mut search = Search { scenario, share, runs: 0, seen: 0 };
    search.extend(&mut Deviations::new(), most);
    search.runs
}

struct Search {
    scenario: &'static Scenario,
    share: usize,
    runs: usize,
    /// How many schedules there were with the most deviations.
    seen: usize,
}

impl Search {
    /// Runs what begins with these deviations, and has this many more at most.
    fn extend(&mut self, deviations: &mut Deviations, more: usize) {
        if more == 0 {
            self.seen += 1;
            if !self.seen.is_multiple_of(self.share) {
                return;
            }
        }
        self.runs += 1;
        let outcome = run_with(self.scenario, 0, deviations);
        assert_holds(self.scenario, 0, &outcome);
        let first = deviations.last().map_or(0, |(step, _)| step + 1);
        for (step, choices) in outcome.choices.iter().enumerate().skip(first).filter(|_| more > 0) {
            for choice in 1..*choices {
                deviations.push((step, choice));
                self.extend(deviations, more - 1);
                deviations.pop();
            }
        }
    }
}

/// Runs random schedules, one for each seed.
pub(super) fn sample(scenario: &'static Scenario, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut random = fastrand(seed);
        let decide = |_: usize, choices: &[Choice]| match random() % 4 {
            0 => usize::try_from(random()).unwrap() % choices.len(),
            _ => 0,
        };
        let outcome = run(scenario, seed, decide, |_, _| {});
        assert_holds(scenario, seed, &outcome);
    }
}

/// Fails with the shortest schedule that violates an invariant, as a test can replay it.
fn assert_holds(scenario: &'static Scenario, seed: u64, run: &Run) {
    if run.violation.is_none() {
        return;
    }
    let mut deviations = run.deviations.clone();
    let mut at = 0;
    while at < deviations.len() {
        let mut fewer = deviations.clone();
        fewer.remove(at);
        if run_with(scenario, seed, &fewer).violation.is_some() {
            deviations = fewer;
        } else {
            at += 1;
        }
    }
    let steps = replay(scenario, seed, &deviations).iter().fold(String::new(), |mut text, step| {
        let _ = write!(text, "\n  {step}");
        text
    });
    panic!("`{}`, seed {seed}, deviations {deviations:?}:{steps}", scenario.name);
}

/// Returns a generator of random numbers (xorshift*).
fn fastrand(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }
}

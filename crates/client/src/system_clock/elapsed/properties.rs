//! What holds for every sequence of steps that a machine's clocks make.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::Elapsed;

const MILLISECOND: u64 = 1_000_000;
const HOUR: u64 = 3600 * 1000 * MILLISECOND;
const SLACK: u64 = 20 * MILLISECOND;

/// What happens to a machine's clocks, in nanoseconds.
#[derive(Clone, Copy, Debug)]
enum Move {
    Pass(u64),
    /// Time passes, and the running clock stands still.
    Sleep(u64),
    /// Time passes, and only the wall clock shows it afterwards, as when a virtual machine is paused.
    Pause(u64),
    SetForth(u64),
    SetBack(u64),
}

/// A machine, and the time that has truly passed on it.
#[derive(Clone, Copy, Debug)]
struct Machine {
    passed: u64,
    wall: u64,
    running: u64,
    asleep: u64,
    /// By how much the wall clock was set forth in all.
    set_forth: u64,
}

impl Machine {
    fn new() -> Self {
        Self { passed: 0, wall: 100_000 * HOUR, running: 5 * HOUR, asleep: 2 * HOUR, set_forth: 0 }
    }

    fn go(&mut self, step: Move) {
        match step {
            Move::Pass(time) => {
                self.running += time;
                self.passed += time;
                self.wall += time;
            }
            Move::Sleep(time) => {
                self.asleep += time;
                self.passed += time;
                self.wall += time;
            }
            Move::Pause(time) => {
                self.passed += time;
                self.wall += time;
            }
            Move::SetForth(time) => {
                self.set_forth += time;
                self.wall += time;
            }
            Move::SetBack(time) => self.wall -= time,
        }
    }

    /// Returns the elapsed time, on a system with a clock that goes on while it sleeps, or on one without.
    fn read(&self, elapsed: &Elapsed, knows_sleep: bool) -> u64 {
        let asleep = if knows_sleep { self.asleep } else { 0 };
        let of = Duration::from_nanos;
        let (wall, passed) = elapsed.read(|| of(self.wall), || of(self.running), || of(asleep));
        assert_eq!(wall, of(self.wall));
        u64::try_from(passed.as_nanos()).unwrap()
    }
}

fn elapsed() -> Elapsed {
    Elapsed::new(Duration::from_nanos(SLACK))
}

/// Steps of every length that stands out from the ticks, to hours.
fn moves(kinds: &'static [fn(u64) -> Move]) -> impl Strategy<Value = Vec<Move>> {
    let time = prop_oneof![3 * SLACK..10_000 * MILLISECOND, 3 * SLACK..10 * HOUR];
    prop::collection::vec((prop::sample::select(kinds), time).prop_map(|(kind, time)| kind(time)), 1..30)
}

proptest! {
    // The same cases in each run.
    #![proptest_config(ProptestConfig {
        cases: 3000, failure_persistence: None, rng_seed: RngSeed::Fixed(8693), ..ProptestConfig::default()
    })]

    #[test]
    fn read_after_each_step_no_sleep_or_pause_is_missed_though_the_wall_clock_is_set(
        steps in moves(&[Move::Pass, Move::Sleep, Move::Pause, Move::SetForth, Move::SetBack]),
        knows_sleep in any::<bool>(),
    ) {
        let (elapsed, mut machine) = (elapsed(), Machine::new());
        let began = machine.read(&elapsed, knows_sleep);
        let mut before = began;
        for step in steps {
            machine.go(step);
            let now = machine.read(&elapsed, knows_sleep);
            prop_assert!(now >= before, "it never goes back");
            // Twice, since the wall clock may lag by the slack unnoticed before it leads by as much.
            prop_assert!(now - began + 2 * SLACK >= machine.passed, "{} of {}", now - began, machine.passed);
            prop_assert!(now - began <= machine.passed + machine.set_forth + 2 * SLACK, "it counts nothing twice");
            before = now;
        }
    }

    #[test]
    fn read_only_at_the_end_no_sleep_is_missed_where_a_clock_goes_on_meanwhile(
        steps in moves(&[Move::Pass, Move::Sleep, Move::SetForth, Move::SetBack]),
    ) {
        let (elapsed, mut machine) = (elapsed(), Machine::new());
        let began = machine.read(&elapsed, true);
        for step in steps {
            machine.go(step);
        }
        // A set-back that hides the sleep to the tick goes unseen until the next step.
        machine.go(Move::SetBack(1000 * HOUR));
        let passed = machine.read(&elapsed, true) - began;
        prop_assert!(passed + SLACK >= machine.passed, "{passed} of {}", machine.passed);
    }
}

#[test]
fn a_machine_whose_clock_is_set_back_an_hour_and_that_then_sleeps_has_slept() {
    for knows_sleep in [true, false] {
        let (elapsed, mut machine) = (elapsed(), Machine::new());
        let began = machine.read(&elapsed, knows_sleep);
        machine.go(Move::SetBack(HOUR));
        machine.read(&elapsed, knows_sleep);
        machine.go(Move::Sleep(2 * HOUR));
        assert_eq!(machine.read(&elapsed, knows_sleep) - began, 2 * HOUR, "{knows_sleep}");
    }
}

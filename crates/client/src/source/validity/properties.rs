//! What holds for every life, whatever happens to the machine's clocks.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{Reading, State, Validity};

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLISECOND;
const YEAR: u64 = 365 * 24 * 3600 * SECOND;

/// As far as two readings of a coarse clock may be off, and what is lost in rounding.
const SLACK: u64 = 11 * MILLISECOND;

/// What happens to a machine's clocks, in nanoseconds.
#[derive(Clone, Copy, Debug)]
enum Move {
    Pass(u64),
    /// Time passes, and the monotonic clock stands still.
    Sleep(u64),
    SetForth(u64),
    SetBack(u64),
}

/// A machine, and how old the token that it asked for truly is, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Machine {
    age: u64,
    wall: u64,
    monotonic: u64,
    /// The clocks show the last full one.
    tick: u64,
}

impl Machine {
    /// Creates the move, and says what is true then, and what is shown.
    fn go(&mut self, step: Move) -> (u64, Reading) {
        let (age, monotonic) = match step {
            Move::Pass(time) => (time, time),
            Move::Sleep(time) => (time, 0),
            Move::SetForth(_) | Move::SetBack(_) => (0, 0),
        };
        self.age += age;
        self.monotonic += monotonic;
        match step {
            Move::Pass(time) | Move::Sleep(time) | Move::SetForth(time) => self.wall += time,
            Move::SetBack(time) => self.wall = self.wall.saturating_sub(time),
        }
        (self.age, self.reading())
    }

    fn reading(&self) -> Reading {
        let shown = |time| Duration::from_nanos(time - time % self.tick);
        Reading { wall: SystemTime::UNIX_EPOCH + shown(self.wall), monotonic: shown(self.monotonic) }
    }
}

/// A machine, often at the very moment of a tick, when the clocks are right and can but fall behind.
fn machine() -> impl Strategy<Value = Machine> {
    let tick = prop::sample::select(&[1, 4, 10]).prop_map(|tick| tick * MILLISECOND);
    let phase = || prop_oneof![Just(0), 0..10 * MILLISECOND];
    (tick, phase(), phase()).prop_map(|(tick, wall, monotonic)| {
        let begin = 20 * YEAR - 20 * YEAR % tick;
        Machine { age: 0, wall: begin + wall, monotonic: begin + monotonic, tick }
    })
}

/// From nothing to ten years, of every magnitude.
fn length() -> impl Strategy<Value = u64> {
    prop_oneof![0..SECOND / 5, 0..1000 * SECOND, 0..10_000 * SECOND, 0..10 * YEAR]
}

/// Moves that in all take about as long as the token lives.
fn moves(length: u64, kinds: &'static [fn(u64) -> Move]) -> impl Strategy<Value = Vec<Move>> {
    let time = prop_oneof![0..=length / 4, 0..=length.min(20 * MILLISECOND)];
    prop::collection::vec((prop::sample::select(kinds), time).prop_map(|(kind, time)| kind(time)), 1..20)
}

/// A token's length and life, and its true age and what the clocks show after each move; the last place is its end.
type Story = (u64, Validity, Vec<(u64, Reading)>);

fn story(kinds: &'static [fn(u64) -> Move]) -> impl Strategy<Value = Story> {
    let beginning = length().prop_flat_map(move |length| (Just(length), moves(length, kinds)));
    (beginning, machine(), any::<u8>()).prop_map(|((length, moves), mut machine, chance)| {
        let life = Validity::new(machine.reading(), Duration::from_nanos(length), chance);
        let mut places: Vec<_> = moves.into_iter().map(|step| machine.go(step)).collect();
        if machine.age < length {
            places.push(machine.go(Move::Pass(length - machine.age)));
        }
        (length, life, places)
    })
}

/// The machine may sleep, or its clock be set back: of the sleep of a machine whose clock is set back, no clock tells.
fn any_story() -> impl Strategy<Value = Story> {
    prop_oneof![story(&[Move::Pass, Move::Sleep, Move::SetForth]), story(&[Move::Pass, Move::SetBack, Move::SetForth])]
}

/// No clock is ahead.
fn true_story() -> impl Strategy<Value = Story> {
    prop_oneof![story(&[Move::Pass, Move::Sleep]), story(&[Move::Pass, Move::SetBack])]
}

/// How long before its end a token is no longer handed out.
fn margin(length: u64) -> u64 {
    match length {
        0..=200_000_000 => 10 * MILLISECOND,
        200_000_001..600_000_000_000 => length / 20,
        _ => 30 * SECOND,
    }
}

proptest! {
    // The same cases in each run.
    #![proptest_config(ProptestConfig {
        cases: 2000, failure_persistence: None, rng_seed: RngSeed::Fixed(6749), ..ProptestConfig::default()
    })]

    #[test]
    fn no_token_is_good_after_its_end((length, life, places) in any_story()) {
        for (age, now) in places {
            prop_assert!(age < length || life.state(now) == State::Expired, "{age} of {length} ns");
        }
    }

    #[test]
    fn a_token_is_stale_and_expired_when_the_table_says((length, life, places) in true_story()) {
        let end = length.saturating_sub(margin(length));
        for (age, now) in places {
            let state = life.state(now);
            if age + SLACK < length / 10 * 8 && age + SLACK < end {
                prop_assert_eq!(state, State::Fresh);
            }
            if age >= length / 10 * 9 + SLACK {
                prop_assert_ne!(state, State::Fresh);
            }
            prop_assert!(age + SLACK >= end || state != State::Expired, "{age} of {length} ns");
            prop_assert!(age < end + SLACK || state == State::Expired, "{age} of {length} ns");
        }
    }

    #[test]
    fn a_token_grows_no_younger_while_time_passes(
        (_, life, places) in story(&[Move::Pass, Move::Sleep, Move::SetForth]),
    ) {
        let ages = places.into_iter().map(|(_, now)| (life.state(now) as u8, life.left(now), life.until_stale(now)));
        let ages: Vec<_> = ages.collect();
        for pair in ages.windows(2) {
            let ((state, left, until_stale), (next, next_left, next_until_stale)) = (pair[0], pair[1]);
            prop_assert!(state <= next && left >= next_left && until_stale >= next_until_stale, "{pair:?}");
        }
    }
}

//! Three machines that share a store, in every order of events within bounds, and in many random ones beyond them.
//!
//! This is the real code: three sources, each on a runtime of its own, and a store in memory. Every call of the store
//! and of the vendor stops in the network until the explorer lets it go on, and time passes only when it says so.
//! Machines are stopped and go on later, die and start anew, or lose their connection; messages arrive late or never;
//! the store loses records, claims, or its last changes.
//!
//! | | invariant |
//! |---|---|
//! | I1 | A caller with a valid token waits for no store. |
//! | I2 | No token is handed out beyond its end. |
//! | I3 | A store that is down makes no more requests than there were without it, and no failures. |
//! | I4 | No key's token is served under another key. |
//! | I5 | While nobody fails: one request for each key, lifetime, and window that the request takes. |
//! | I6 | A late complaint removes no newer token, and nobody gets again what he complained of. |
//!
//! A run is determined by its scenario, its seed, and its deviations: the steps at which something else happens than
//! what is expected, each with the number of the choice. A failure prints them, and every step. Set
//! `CGRANT_EXPLORE=10` to explore ten times as much.

mod explorer;
mod machine;
mod network;
mod truth;
mod world;

use explorer::{exhaust, replay, sample};
use machine::Link;
use world::{Scenario, Work};

const SAME: [&str; 3] = ["a", "a", "a"];

/// Three machines start at once, renew their token, and find it expired.
static LIFE: Scenario = Scenario {
    name: "life",
    clients: SAME,
    skews: [0; 3],
    lifetime: 600,
    link: Link::Up,
    stops_all_calls: false,
    workload: &[Work::CallAll, Work::Pass(545), Work::CallAll, Work::Pass(5), Work::Pass(585), Work::CallAll],
};

/// The API rejects a token, and each machine hears of it at another time.
static REJECTED: Scenario = Scenario {
    name: "rejected",
    workload: &[
        Work::CallAll,
        Work::Complain(0),
        Work::Call(0),
        Work::Complain(1),
        Work::CallAll,
        Work::Complain(2),
        Work::CallAll,
        Work::Complain(1),
        Work::Call(1),
    ],
    ..LIFE
};

/// Tokens live so shortly that a late writing could outlive them.
static SHORT: Scenario = Scenario {
    name: "short",
    lifetime: 60,
    workload: &[
        Work::Call(0),
        Work::Call(1),
        Work::Pass(54),
        Work::Pass(2),
        Work::Pass(2),
        Work::Pass(2),
        Work::Pass(2),
    ],
    ..LIFE
};

/// Two clients, one of them on two machines whose calendars differ.
static CLIENTS: Scenario = Scenario {
    name: "clients",
    clients: ["a", "b", "a"],
    skews: [0, 0, 240],
    workload: &[Work::CallAll, Work::Pass(300), Work::Complain(0), Work::CallAll],
    ..LIFE
};

/// There is a store, but it is down.
static REFUSED: Scenario = Scenario { name: "refused", link: Link::Refused, ..LIFE };
static SILENT: Scenario = Scenario { name: "silent", link: Link::Silent, ..LIFE };

/// As the others, and what the machines tell each other of failures is late or lost as well.
static EVERY_CALL: Scenario = Scenario {
    name: "every call",
    stops_all_calls: true,
    workload: &[Work::CallAll, Work::Pass(545), Work::CallAll],
    ..LIFE
};

static ALL: [&Scenario; 7] = [&LIFE, &REFUSED, &SILENT, &REJECTED, &SHORT, &CLIENTS, &EVERY_CALL];

/// How many times as much to explore.
fn scale() -> u64 {
    std::env::var("CGRANT_EXPLORE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1).max(1)
}

/// Explores every schedule of one deviation, and a share of those of two.
fn explore(scenarios: &[&'static Scenario], at_least: usize) {
    let share = usize::try_from(2000 / scale().min(2000)).unwrap();
    let explored: usize = scenarios.iter().map(|scenario| exhaust(scenario, 2, share)).sum();
    println!("{explored} schedules");
    assert!(explored >= at_least, "only {explored} schedules were explored");
}

#[test]
fn the_invariants_hold_whatever_goes_wrong_in_the_life_of_a_token() {
    explore(&[&LIFE, &REFUSED, &SILENT], 1200);
}

#[test]
fn the_invariants_hold_whatever_goes_wrong_beside_complaints_short_tokens_and_other_clients() {
    explore(&[&REJECTED, &SHORT, &CLIENTS, &EVERY_CALL], 1500);
}

#[test]
fn the_invariants_hold_if_much_goes_wrong_at_random() {
    for scenario in ALL {
        sample(scenario, 0..30 * scale());
    }
}

#[test]
fn a_schedule_can_be_repeated() {
    let deviations = [(3, 7), (9, 12), (20, 4)];
    for scenario in ALL {
        for seed in 0..10 {
            assert_eq!(replay(scenario, seed, &deviations), replay(scenario, seed, &deviations), "{}", scenario.name);
        }
    }
}

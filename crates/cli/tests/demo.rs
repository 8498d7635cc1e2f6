//! `cgrant demo`.

mod common;

use common::{Run, cgrant};
use serde_json::json;

/// Each step, and how many token requests the vendor has had after it.
const STEPS: [(&str, u64); 10] = [
    ("token", 1),
    ("api-call", 1),
    ("cached-call", 1),
    ("shared-flight", 2),
    ("renewal", 3),
    ("revocation", 3),
    ("401", 3),
    ("new-token", 4),
    ("success", 4),
    ("wrong-secret", 5),
];

#[test]
fn every_vendor_takes_every_step_with_no_more_token_requests_than_it_needs() {
    let report = Run::of(&mut cgrant(&["demo", "--output", "json"])).succeeded().json();
    assert_eq!(report["ok"], true);
    let vendors = report["vendors"].as_array().unwrap();
    let names: Vec<_> = vendors.iter().map(|vendor| vendor["provider"].as_str().unwrap()).collect();
    assert_eq!(names, ["apaleo", "cognito", "octorate", "ptv", "resamania"]);
    for vendor in vendors {
        assert_eq!(vendor["token_requests"], 4, "{vendor}");
        let steps = vendor["steps"].as_array().unwrap();
        let taken: Vec<_> =
            steps.iter().map(|step| json!([step["step"], step["token_requests"], step["ok"]])).collect();
        assert_eq!(taken, STEPS.map(|(step, requests)| json!([step, requests, true])), "{vendor}");
    }
}

#[test]
fn people_get_a_line_for_each_vendor_and_step_that_fits_a_terminal() {
    let run = Run::of(&mut cgrant(&["demo"])).succeeded();
    let done = run.stdout.lines().filter(|line| line.starts_with(" ok ")).count();
    assert_eq!(done, 5 * STEPS.len(), "{}", run.stdout);
    assert!(run.stdout.lines().all(|line| line.len() <= 80), "{}", run.stdout);
    assert!(run.stdout.contains("\ncognito  Amazon Cognito\n"), "each vendor has its title: {}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "colours are for terminals: {}", run.stdout);
    assert!(run.stdout.ends_with("5 vendors, every step passed.\n"), "{}", run.stdout);
    assert_eq!(run.stderr, "");
}

//! `cgrant demo`.

mod common;

use common::{Run, cgrant};
use serde_json::json;

const STEPS: [&str; 8] =
    ["token", "api-call", "cached-call", "revocation", "401", "new-token", "success", "wrong-secret"];

#[test]
fn every_vendor_takes_every_step() {
    let report = Run::of(&mut cgrant(&["demo", "--output", "json"])).succeeded().json();
    assert_eq!(report["ok"], true);
    let vendors = report["vendors"].as_array().unwrap();
    let names: Vec<_> = vendors.iter().map(|vendor| vendor["provider"].as_str().unwrap()).collect();
    assert_eq!(names, ["apaleo", "cognito", "octorate", "ptv", "resamania"]);
    for vendor in vendors {
        assert_eq!(vendor["token_requests"], 2, "{vendor}");
        let steps = vendor["steps"].as_array().unwrap();
        let taken: Vec<_> = steps.iter().map(|step| (step["step"].clone(), step["ok"].clone())).collect();
        assert_eq!(taken, STEPS.map(|step| (json!(step), json!(true))), "{vendor}");
    }
}

#[test]
fn people_get_a_line_for_each_vendor_and_step() {
    let run = Run::of(&mut cgrant(&["demo"])).succeeded();
    let done = run.stdout.lines().filter(|line| line.starts_with(" ok ")).count();
    assert_eq!(done, 5 * STEPS.len(), "{}", run.stdout);
    assert!(run.stdout.ends_with("5 vendors, every step did what it should.\n"), "{}", run.stdout);
    assert_eq!(run.stderr, "");
}

//! Checks vendor files: each has fixtures, a test that uses them, and a row in the list of vendors.

use super::finding::finding;
use crate::checkout::Checkout;

const VENDORS: &str = "docs/vendors/";
const TESTS: &str = "crates/vendor-file/tests/it/vendors.rs";
const FIXTURES: [&str; 3] = ["refusal", "request", "token"];

/// Every vendor file is tested against fixtures from the vendor's page, and is listed.
pub(super) fn are_tested_and_listed(checkout: &Checkout) -> Vec<String> {
    let vendors = checkout.files().filter_map(|(path, _)| path.strip_prefix(VENDORS)?.strip_suffix(".toml"));
    vendors.flat_map(|vendor| vendor_findings(checkout, vendor)).collect()
}

fn vendor_findings(checkout: &Checkout, vendor: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for fixture in FIXTURES {
        let path = format!("{VENDORS}fixtures/{vendor}/{fixture}.http");
        if !checkout.has(&path) {
            findings.push(finding(path, "is missing", "write it by hand from the vendor's page"));
        }
    }
    if !checkout.text(TESTS).contains(&format!("file!(\"{vendor}\")")) {
        findings.push(finding(TESTS, format!("does not test {vendor}"), "add a module for it"));
    }
    let list = format!("{VENDORS}README.md");
    if !checkout.text(&list).lines().any(|line| line.starts_with(&format!("| [`{vendor}`]"))) {
        findings.push(finding(list, format!("no table has a row for {vendor}"), "add one"));
    }
    findings
}

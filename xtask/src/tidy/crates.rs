//! Crates: what a registry shows of them, and the lints they share.

use toml::Value;

use super::finding::finding;
use crate::checkout::Checkout;

const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Every member says what it is, and keeps to the workspace's lints.
pub(super) fn describe_themselves(checkout: &Checkout) -> Vec<String> {
    checkout.members().iter().flat_map(|folder| member_findings(checkout, folder)).collect()
}

fn member_findings(checkout: &Checkout, folder: &str) -> Vec<String> {
    let path = format!("{folder}/Cargo.toml");
    let manifest = checkout.manifest(&path);
    let package = |key: &str| manifest.get("package")?.get(key);
    let described = package("description").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    let shares_lints = manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()) == Some(true);

    let mut findings = Vec::new();
    if !described {
        findings.push(finding(&path, "has no description", "say in one line what the crate is"));
    }
    if !shares_lints {
        findings.push(finding(&path, "has lints of its own", "write `workspace = true` under `[lints]`"));
    }
    findings
}

/// A package is read without its repository, so it brings its page and its licences with it.
pub(super) fn bring_readme_and_licences(checkout: &Checkout) -> Vec<String> {
    checkout.published().flat_map(|folder| package_findings(checkout, &folder)).collect()
}

fn package_findings(checkout: &Checkout, folder: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let readme = format!("{folder}/README.md");
    if !checkout.has(&readme) {
        findings.push(finding(readme, "is missing", "write the page that the registry shows"));
    }
    for licence in LICENCES {
        let path = format!("{folder}/{licence}");
        // A copy and not a link, which a checkout on Windows would turn into a file with the link's text.
        if checkout.text(&path) != checkout.text(licence) {
            let remedy = format!("copy it: cp {licence} {path}");
            findings.push(finding(path, "is not the licence that the repository has", &remedy));
        }
    }
    findings
}

//! Checks crates: the description, the README, the licences and the lints.

use toml::Value;

use super::finding::finding;
use crate::checkout::Checkout;

const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Every member has a description and uses the workspace's lints.
pub(super) fn have_a_description_and_shared_lints(checkout: &Checkout) -> Vec<String> {
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
        findings.push(finding(&path, "has no description", "describe the crate in one line"));
    }
    if !shares_lints {
        findings.push(finding(&path, "does not use the workspace's lints", "write `workspace = true` under `[lints]`"));
    }
    findings
}

/// A published package has its own README and licences, because users get it without the repository.
pub(super) fn have_a_readme_and_licences(checkout: &Checkout) -> Vec<String> {
    checkout.published().flat_map(|folder| package_findings(checkout, &folder)).collect()
}

fn package_findings(checkout: &Checkout, folder: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let readme = format!("{folder}/README.md");
    if !checkout.has(&readme) {
        findings.push(finding(readme, "is missing", "write it; crates.io shows it as the crate's page"));
    }
    for licence in LICENCES {
        let path = format!("{folder}/{licence}");
        // A copy rather than a symbolic link: on Windows, git checks a link out as a text file with the link's target.
        if checkout.text(&path) != checkout.text(licence) {
            let remedy = format!("copy it: cp {licence} {path}");
            findings.push(finding(path, "is missing, or differs from the licence in the root folder", &remedy));
        }
    }
    findings
}

//! Crates: what a registry shows of them, and the lints they share.

use toml::Value;

use super::finding::finding;
use crate::checkout::Checkout;

/// Every member says what it is, keeps to the workspace's lints and, if it is published, has a page to show.
pub(super) fn describe_themselves(checkout: &Checkout) -> Vec<String> {
    checkout.members().iter().flat_map(|folder| member_findings(checkout, folder)).collect()
}

fn member_findings(checkout: &Checkout, folder: &str) -> Vec<String> {
    let path = format!("{folder}/Cargo.toml");
    let manifest = checkout.manifest(&path);
    let package = |key: &str| manifest.get("package")?.get(key);
    let described = package("description").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    let published = package("publish").and_then(Value::as_bool) != Some(false);
    let shares_lints = manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()) == Some(true);

    let mut findings = Vec::new();
    if !described {
        findings.push(finding(&path, "has no description", "say in one line what the crate is"));
    }
    if !shares_lints {
        findings.push(finding(&path, "has lints of its own", "write `workspace = true` under `[lints]`"));
    }
    let readme = format!("{folder}/README.md");
    if published && !checkout.has(&readme) {
        findings.push(finding(readme, "is missing", "write the page that the registry shows"));
    }
    findings
}

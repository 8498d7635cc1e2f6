//! Checks features: they are the same in every provider, and docs.rs shows them.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::finding::finding;
use crate::checkout::{Checkout, PROVIDERS};
use crate::new_provider::TEMPLATE;

/// The features that may enable more in one provider than in the others: provider and feature.
const ADDITIONS: &[(&str, &str)] = &[
    // Servers that require `private_key_jwt` need a client that signs with keys in memory.
    ("oauth2", "client"),
];

const AS_IN_TEMPLATE: &str = "write it as in xtask/templates/provider/Cargo.toml";

/// All providers have the same features, so that a user of one knows those of all.
pub(super) fn are_the_same_in_every_provider(checkout: &Checkout) -> Vec<String> {
    let template = template();
    checkout.providers().into_iter().flat_map(|provider| provider_findings(checkout, provider, &template)).collect()
}

/// Returns the manifest of a new provider.
fn template() -> Table {
    let manifest = TEMPLATE.iter().find(|(path, _)| *path == "Cargo.toml");
    manifest.and_then(|(_, text)| text.parse().ok()).unwrap_or_default()
}

fn provider_findings(checkout: &Checkout, provider: &str, template: &Table) -> Vec<String> {
    let path = format!("{PROVIDERS}{provider}/Cargo.toml");
    if !checkout.has(&path) {
        // Another rule reports the missing manifest.
        return Vec::new();
    }
    let manifest = checkout.manifest(&path);
    let (found, expected) = (section(&manifest, "features"), section(template, "features"));
    let names: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let features = names
        .into_iter()
        .filter_map(|name| feature_finding(&path, provider, name, found.get(name), expected.get(name)));
    let (found, expected) = (section(&manifest, "dependencies"), section(template, "dependencies"));
    let dependencies = expected.iter().filter(|(name, shared)| found.get(*name) != Some(shared));
    let dependencies = dependencies.map(|(name, _)| {
        finding(&path, format!("the dependency {name} differs from the other providers'"), AS_IN_TEMPLATE)
    });
    features.chain(dependencies).collect()
}

fn feature_finding(
    path: &str,
    provider: &str,
    name: &str,
    found: Option<&Value>,
    expected: Option<&Value>,
) -> Option<String> {
    let may_enable_more = ADDITIONS.contains(&(provider, name));
    match (found, expected) {
        (None, Some(_)) => Some(finding(path, format!("has no feature {name}"), AS_IN_TEMPLATE)),
        (Some(_), None) => {
            let remedy = "remove it, or add it to every provider and to the template";
            Some(finding(path, format!("has the feature {name}, which other providers do not have"), remedy))
        }
        (Some(found), Some(expected)) if found != expected && !(may_enable_more && is_within(expected, found)) => {
            let wrong = format!("the feature {name} enables something else than in other providers");
            Some(finding(path, wrong, AS_IN_TEMPLATE))
        }
        _ => None,
    }
}

/// Returns `true` if the feature `all` enables everything that `some` enables.
fn is_within(some: &Value, all: &Value) -> bool {
    let (Some(some), Some(all)) = (some.as_array(), all.as_array()) else { return false };
    some.iter().all(|feature| all.contains(feature))
}

/// docs.rs builds published crates with all features, so that their items are shown.
pub(super) fn are_shown_by_docs_rs(checkout: &Checkout) -> Vec<String> {
    let manifests = checkout.published().map(|folder| format!("{folder}/Cargo.toml"));
    let hiding = manifests.filter(|path| {
        let manifest = checkout.manifest(path);
        let metadata = manifest.get("package").and_then(|package| package.get("metadata"));
        let shows_all = metadata.and_then(|metadata| metadata.get("docs")?.get("rs")?.get("all-features")?.as_bool());
        manifest.contains_key("features") && shows_all != Some(true)
    });
    let remedy = "write `all-features = true` under `[package.metadata.docs.rs]`";
    hiding.map(|path| finding(path, "docs.rs does not show its features", remedy)).collect()
}

fn section(manifest: &Table, name: &str) -> Table {
    manifest.get(name).and_then(Value::as_table).cloned().unwrap_or_default()
}

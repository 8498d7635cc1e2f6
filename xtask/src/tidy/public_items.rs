//! Public items: each documented, and each in the list of its crate.

use super::finding::finding;
use crate::checkout::Checkout;
use crate::public_api::{LISTS, Library, libraries};

const WRITE_THE_LIST: &str = "run cargo xtask public-api";

/// A public item is documented. A change of the public items is a change of a list, so that a diff shows it.
pub(super) fn are_documented_and_listed(checkout: &Checkout) -> Vec<String> {
    // A source that cannot be parsed is found by another rule.
    let libraries = libraries(checkout).unwrap_or_default();
    let mut findings = Vec::new();
    for library in &libraries {
        findings.extend(undocumented(library));
        findings.extend(list_finding(checkout, library));
    }
    let lists = checkout.files().map(|(path, _)| path).filter(|path| path.starts_with(LISTS));
    let stray = lists.filter(|path| !libraries.iter().any(|library| library.list_path() == *path));
    findings.extend(stray.map(|path| finding(path, "lists no library that is published", WRITE_THE_LIST)));
    findings
}

fn undocumented(library: &Library) -> impl Iterator<Item = String> {
    let items = library.items.iter().filter(|item| !item.is_documented);
    items
        .map(|item| finding(&item.file, format!("{} has no doc comment", item.path), "say above it what it is or does"))
}

fn list_finding(checkout: &Checkout, library: &Library) -> Option<String> {
    let path = library.list_path();
    if !checkout.has(&path) {
        return Some(finding(path, "is missing", WRITE_THE_LIST));
    }
    let (listed, actual) = (checkout.text(&path), library.list());
    if listed == actual {
        return None;
    }
    let new = actual.lines().find(|line| !listed.lines().any(|other| other == *line));
    let gone = listed.lines().find(|line| !actual.lines().any(|other| other == *line));
    let wrong = match (new, gone) {
        (Some(new), _) => format!("does not have `{new}`"),
        (None, Some(gone)) => format!("has `{gone}`, which is not public any more"),
        (None, None) => "is not sorted as it should be".to_owned(),
    };
    Some(finding(path, wrong, WRITE_THE_LIST))
}

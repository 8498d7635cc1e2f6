//! Checks public items: each has a doc comment, and the list of its crate is up to date.

use super::finding::finding;
use crate::checkout::Checkout;
use crate::public_api::{LISTS, Library, libraries};

const WRITE_THE_LIST: &str = "run cargo xtask public-api";

/// Every public item has a doc comment and is in the list of its crate, so that a diff shows changes of the API.
pub(super) fn are_documented_and_listed(checkout: &Checkout) -> Vec<String> {
    // Another rule reports a source that cannot be parsed.
    let libraries = libraries(checkout).unwrap_or_default();
    let mut findings = Vec::new();
    for library in &libraries {
        findings.extend(undocumented(library));
        findings.extend(list_finding(checkout, library));
    }
    let lists = checkout.files().map(|(path, _)| path).filter(|path| path.starts_with(LISTS));
    let stray = lists.filter(|path| !libraries.iter().any(|library| library.list_path() == *path));
    findings.extend(stray.map(|path| finding(path, "belongs to no published library", WRITE_THE_LIST)));
    findings
}

fn undocumented(library: &Library) -> impl Iterator<Item = String> {
    let items = library.items.iter().filter(|item| !item.is_documented);
    items.map(|item| match item.path.strip_suffix('!') {
        Some(_) => finding(
            &item.file,
            format!("the macro {} hides methods from the list", item.path),
            "write them out in the `impl` block",
        ),
        None => finding(&item.file, format!("{} has no doc comment", item.path), "write one"),
    })
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
        (Some(new), _) => format!("does not list `{new}`"),
        (None, Some(gone)) => format!("lists `{gone}`, which is no longer public"),
        (None, None) => "is not sorted, or lists an item twice".to_owned(),
    };
    Some(finding(path, wrong, WRITE_THE_LIST))
}

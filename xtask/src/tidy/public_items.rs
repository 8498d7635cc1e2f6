//! Public items: each documented, and each in the list of its crate.

use super::finding::finding;
use crate::checkout::Checkout;
use crate::public_api::{LISTS, Library, libraries};

const WRITE_THE_LIST: &str = "run cargo xtask public-api";

/// A public item that is not documented is of no use to those who cannot guess what it does.
pub(super) fn are_documented(checkout: &Checkout) -> Vec<String> {
    let items = read(checkout).into_iter().flat_map(|library| library.items);
    let undocumented = items.filter(|item| !item.is_documented);
    let findings = undocumented
        .map(|item| finding(item.file, format!("{} has no doc comment", item.path), "say above it what it is or does"));
    findings.collect()
}

/// A change of the public items is a change of a list, so that whoever reads the diff sees it.
pub(super) fn are_listed(checkout: &Checkout) -> Vec<String> {
    let libraries = read(checkout);
    let mut findings: Vec<_> = libraries.iter().filter_map(|library| list_finding(checkout, library)).collect();
    let lists = checkout.files().map(|(path, _)| path).filter(|path| path.starts_with(LISTS));
    let stray = lists.filter(|path| !libraries.iter().any(|library| library.list_path() == *path));
    findings.extend(stray.map(|path| finding(path, "lists no library that is published", WRITE_THE_LIST)));
    findings
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

/// Nothing where a source cannot be parsed, which another rule finds.
fn read(checkout: &Checkout) -> Vec<Library> {
    libraries(checkout).unwrap_or_default()
}

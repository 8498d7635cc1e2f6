//! Checks the decisions, and that no file names a path of one machine.

use std::collections::BTreeMap;

use super::finding::{finding, numbered_lines};
use crate::checkout::Checkout;

const DECISIONS: &str = "docs/decisions/";
const MAX_LINES: usize = 40;

/// A decision fits on one page, and has a unique number by which others can cite it.
pub(super) fn decisions_are_short_and_numbered_once(checkout: &Checkout) -> Vec<String> {
    let mut findings = Vec::new();
    let mut numbered = BTreeMap::new();
    for (path, text) in checkout.files() {
        let Some(name) = path.strip_prefix(DECISIONS).filter(|name| *name != "README.md") else { continue };
        match number(name) {
            None => {
                let remedy = "rename it to NNNN-title.md, with the next free number";
                findings.push(finding(path, "has no number", remedy));
            }
            Some(number) => {
                if let Some(first) = numbered.insert(number, name) {
                    findings.push(finding(path, format!("has the same number as {first}"), "use the next free number"));
                }
            }
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            findings.push(finding(path, format!("has {lines} lines, the limit is {MAX_LINES}"), "shorten it"));
        }
    }
    findings
}

/// Returns `0007` for `0007-title.md`.
fn number(name: &str) -> Option<&str> {
    let (number, title) = name.strip_suffix(".md")?.split_once('-')?;
    let is_number = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !title.is_empty()).then_some(number)
}

/// No file contains an absolute path of the machine on which it was written.
pub(super) fn name_no_path_of_one_machine(checkout: &Checkout) -> Vec<String> {
    let lines = checkout.files().flat_map(numbered_lines);
    let naming = lines.filter(|(_, line)| ["farm", "root", "work"].iter().any(|folder| has_path_in(line, folder)));
    let wrong = "contains an absolute path of one machine";
    naming.map(|(place, _)| finding(place, wrong, "write it relative to the repository's root")).collect()
}

/// Returns `true` if `line` contains an absolute path below `/{folder}/`.
fn has_path_in(line: &str, folder: &str) -> bool {
    let inside_a_longer_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let folder = format!("/{folder}/");
    line.match_indices(&folder).any(|(place, _)| !line[..place].ends_with(inside_a_longer_path))
}

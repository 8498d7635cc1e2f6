//! Decisions that stay readable, and paths that hold on any machine.

use std::collections::BTreeMap;

use super::finding::{finding, numbered_lines};
use crate::checkout::Checkout;

const DECISIONS: &str = "docs/decisions/";
const MOST_LINES: usize = 40;

/// A decision is one page with a number of its own, so that it can be cited by number.
pub(super) fn decisions_are_short_and_numbered_once(checkout: &Checkout) -> Vec<String> {
    let mut findings = Vec::new();
    let mut numbered = BTreeMap::new();
    for (path, text) in checkout.files() {
        let Some(name) = path.strip_prefix(DECISIONS).filter(|name| *name != "README.md") else { continue };
        match number(name) {
            None => findings.push(finding(path, "has no number", "name it NNNN-title.md, with the next number")),
            Some(number) => {
                if let Some(first) = numbered.insert(number, name) {
                    findings.push(finding(path, format!("has the number of {first}"), "take the next one"));
                }
            }
        }
        let lines = text.lines().count();
        if lines > MOST_LINES {
            findings.push(finding(path, format!("has {lines} lines, more than {MOST_LINES}"), "cut it"));
        }
    }
    findings
}

/// `0007` of `0007-title.md`.
fn number(name: &str) -> Option<&str> {
    let (number, title) = name.strip_suffix(".md")?.split_once('-')?;
    let is_number = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !title.is_empty()).then_some(number)
}

/// A path of the machine where somebody worked means nothing on any other.
pub(super) fn nothing_names_one_machine(checkout: &Checkout) -> Vec<String> {
    let lines = checkout.files().flat_map(numbered_lines);
    let naming = lines.filter(|(_, line)| ["farm", "root", "work"].iter().any(|folder| has_path_in(line, folder)));
    naming.map(|(place, _)| finding(place, "names a path of one machine", "name it from the root here")).collect()
}

/// Whether `line` has an absolute path in that folder of the file system's root.
fn has_path_in(line: &str, folder: &str) -> bool {
    let inside_a_longer_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let folder = format!("/{folder}/");
    line.match_indices(&folder).any(|(place, _)| !line[..place].ends_with(inside_a_longer_path))
}

//! Provider crates: the same files everywhere, fixtures with their sources, a place in the tables.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil::Date};

use super::finding::{finding, has_extension, numbered_lines};
use crate::checkout::{Checkout, PROVIDERS};
use crate::new_provider::{TEMPLATE, TO_FILL_IN};

/// Whoever knows one provider finds their way in all of them. A vendor may need more fixtures, and nothing else.
pub(super) fn hold_the_same_files(checkout: &Checkout) -> Vec<String> {
    let paths = checkout
        .providers()
        .into_iter()
        .flat_map(|provider| TEMPLATE.iter().map(move |(file, _)| format!("{PROVIDERS}{provider}/{file}")));
    let missing = paths
        .filter(|path| !checkout.has(path))
        .map(|path| finding(path, "is missing", "add it, as every provider holds the same files"));
    let stray = checkout
        .files()
        .filter(|(path, _)| is_stray(path))
        .map(|(path, _)| finding(path, "is in no other provider", "move what it holds into a file that all have"));
    missing.chain(stray).collect()
}

fn is_stray(path: &str) -> bool {
    let file = path.strip_prefix(PROVIDERS).and_then(|path| path.split_once('/'));
    file.is_some_and(|(_, file)| !TEMPLATE.iter().any(|(path, _)| *path == file) && !is_fixture(path))
}

fn is_fixture(path: &str) -> bool {
    path.contains("/fixtures/") && has_extension(path, "http")
}

/// A provider says what its author found out, and nothing of what the template asks for.
pub(super) fn are_filled_in(checkout: &Checkout) -> Vec<String> {
    let files = checkout.files().filter(|(path, _)| path.starts_with(PROVIDERS));
    let lines = files.flat_map(numbered_lines).filter(|(_, line)| line.contains(TO_FILL_IN));
    lines.map(|(place, _)| finding(place, "is still the template's", "write what it asks for")).collect()
}

/// A fixture is worth something as long as it can be compared with the page that it was written from.
pub(super) fn name_the_source_of_each_fixture(checkout: &Checkout) -> Vec<String> {
    let fixtures = checkout.files().filter(|(path, _)| is_fixture(path));
    fixtures.flat_map(|(path, text)| heading_findings(path, text)).collect()
}

fn heading_findings(path: &str, fixture: &str) -> Vec<String> {
    let mut lines = fixture.lines();
    let source = lines.next().and_then(|line| line.strip_prefix("# source: ")).map(str::trim);
    let read = lines.next().and_then(|line| line.strip_prefix("# read: ")).map(str::trim);

    let mut findings = Vec::new();
    if source.is_none_or(str::is_empty) {
        let remedy = "write `# source: ` and the page's address or the document's name";
        findings.push(finding(path, "line 1 names no source", remedy));
    }
    if !read.is_some_and(is_date_up_to_today) {
        let remedy = "write `# read: YYYY-MM-DD`, the day on which you read the source";
        findings.push(finding(path, "line 2 holds no date up to today", remedy));
    }
    findings
}

fn is_date_up_to_today(text: &str) -> bool {
    // Today begins first where clocks are fourteen hours ahead of UTC.
    let latest = TimeZone::UTC.to_datetime(Timestamp::now() + 14.hours()).date();
    text.parse::<Date>().is_ok_and(|date| date <= latest && date.to_string() == text)
}

/// A provider that stands in no list is built by nobody and found by nobody.
pub(super) fn are_named_where_readers_look(checkout: &Checkout) -> Vec<String> {
    let members = checkout.members();
    let mut findings = Vec::new();
    for provider in checkout.providers() {
        let folder = format!("{PROVIDERS}{provider}");
        if !members.contains(&folder) {
            findings.push(finding("Cargo.toml", format!("{folder} is no member"), "add it to `members`"));
        }
        let places =
            [("README.md", format!("`credentials-grant-{provider}`")), ("docs/quirks.md", format!("`{provider}`"))];
        for (table, name) in places {
            if !has_row_naming(checkout.text(table), &name) {
                findings.push(finding(table, format!("no table names {provider}"), "add the vendor's row"));
            }
        }
    }
    findings
}

/// Whether a row of a table has this name as code: as a word, it may stand there as an example of something.
fn has_row_naming(document: &str, name: &str) -> bool {
    document.lines().any(|line| line.starts_with('|') && line.contains(name))
}

//! Checks provider crates: the same files everywhere, fixtures with their sources, entries in the tables and the book.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil::Date};

use super::finding::{finding, has_extension, numbered_lines};
use crate::checkout::{Checkout, PROVIDERS};
use crate::markdown::Markdown;
use crate::new_provider::{PLACEHOLDER, TEMPLATE, page_path};

const BOOK: &str = "docs/";
const PAGES: &str = "docs/SUMMARY.md";

/// All providers have the same files, so that a reader of one knows all. Only fixtures may be added.
pub(super) fn have_the_same_files(checkout: &Checkout) -> Vec<String> {
    let paths = checkout
        .providers()
        .into_iter()
        .flat_map(|provider| TEMPLATE.iter().map(move |(file, _)| format!("{PROVIDERS}{provider}/{file}")));
    let missing = paths
        .filter(|path| !checkout.has(path))
        .map(|path| finding(path, "is missing", "add it, because all providers have the same files"));
    let stray = checkout
        .files()
        .filter(|(path, _)| is_stray(path))
        .map(|(path, _)| finding(path, "exists in no other provider", "move its content into a file that all have"));
    missing.chain(stray).collect()
}

fn is_stray(path: &str) -> bool {
    let file = path.strip_prefix(PROVIDERS).and_then(|path| path.split_once('/'));
    file.is_some_and(|(_, file)| !TEMPLATE.iter().any(|(path, _)| *path == file) && !is_fixture(path))
}

fn is_fixture(path: &str) -> bool {
    path.contains("/fixtures/") && has_extension(path, "http")
}

/// No placeholder of the template is left in a provider.
pub(super) fn have_no_placeholders(checkout: &Checkout) -> Vec<String> {
    let files = checkout.files().filter(|(path, _)| path.starts_with(PROVIDERS));
    let lines = files.flat_map(numbered_lines).filter(|(_, line)| line.contains(PLACEHOLDER));
    let wrong = format!("still contains the placeholder {PLACEHOLDER}");
    lines.map(|(place, _)| finding(place, &wrong, "replace it by what it asks for")).collect()
}

/// Each fixture names its source and a date, so that it can be compared with the vendor's page.
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
        let remedy = "write `# source: ` and the page's URL or the document's name";
        findings.push(finding(path, "line 1 names no source", remedy));
    }
    if !read.is_some_and(is_date_up_to_today) {
        let remedy = "write `# read: YYYY-MM-DD`, the day on which you read the source";
        findings.push(finding(path, "line 2 has no date, or one in the future", remedy));
    }
    findings
}

fn is_date_up_to_today(text: &str) -> bool {
    // The earliest time zone is fourteen hours ahead of UTC.
    let latest = TimeZone::UTC.to_datetime(Timestamp::now() + 14.hours()).date();
    text.parse::<Date>().is_ok_and(|date| date <= latest && date.to_string() == text)
}

/// Every provider is a workspace member. Otherwise cargo does not build it.
pub(super) fn are_members(checkout: &Checkout) -> Vec<String> {
    let members = checkout.members();
    let folders = checkout.providers().into_iter().map(|provider| format!("{PROVIDERS}{provider}"));
    let others = folders.filter(|folder| !members.contains(folder));
    others
        .map(|folder| finding("Cargo.toml", format!("{folder} is not a workspace member"), "add it to `members`"))
        .collect()
}

/// Every provider has a row in the README and in the quirk table, where users look for their vendor.
pub(super) fn are_in_the_tables(checkout: &Checkout) -> Vec<String> {
    let mut findings = Vec::new();
    for provider in checkout.providers() {
        let rows =
            [("README.md", format!("`credentials-grant-{provider}`")), ("docs/quirks.md", format!("`{provider}`"))];
        for (table, name) in rows {
            if !has_row_naming(checkout.text(table), &name) {
                findings.push(finding(table, format!("no table has a row for {provider}"), "add one"));
            }
        }
    }
    findings
}

/// Every provider has a page in the book, which includes its README.
pub(super) fn are_in_the_book(checkout: &Checkout) -> Vec<String> {
    let summary = Markdown::parse(checkout.text(PAGES));
    let mut findings = Vec::new();
    for provider in checkout.providers() {
        let page = page_path(provider);
        let readme = format!("{PROVIDERS}{provider}/README.md");
        let includes = Markdown::parse(checkout.text(&page)).includes;
        if !includes.iter().any(|included| included.trim_start_matches("../") == readme) {
            let remedy = "copy the page of another provider, and change the name";
            findings.push(finding(&page, format!("does not include {readme}"), remedy));
        }
        let target = page.trim_start_matches(BOOK);
        if !summary.links.iter().any(|link| link.target == target) {
            findings.push(finding(PAGES, format!("does not list {target}"), "add it to the vendors"));
        }
    }
    findings
}

/// Returns `true` if a table row contains this name as code. A plain word could be an example of something else.
fn has_row_naming(document: &str, name: &str) -> bool {
    document.lines().any(|line| line.starts_with('|') && line.contains(name))
}

//! Checks the links in Markdown files, for each place where the file is read: the repository, the book and crates.io.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{finding, has_extension};
use crate::checkout::Checkout;
use crate::markdown::{Link, Markdown};

/// The folder of the book, and its list of pages.
const BOOK: &str = "docs/";
const PAGES: &str = "docs/SUMMARY.md";

/// In the repository, a relative link points to an existing file or folder, and to an existing heading.
pub(super) fn are_not_broken(checkout: &Checkout) -> Vec<String> {
    let files = markdown_files(checkout);
    let mut findings = Vec::new();
    for (path, file) in &files {
        for link in &file.links {
            let Some((target, anchor)) = link.relative() else { continue };
            let found = resolved(path, target);
            if !exists(checkout, &found) {
                findings.push(link_finding(path, link, "which does not exist", "correct the link"));
            } else if !anchor.is_empty() && !has_anchor(&files, &found, anchor) {
                findings.push(link_finding(path, link, "but there is no such heading", "correct the link"));
            }
        }
    }
    findings
}

/// In the book, a relative link points to a page that the book lists, or to a file that mdBook copies.
///
/// The links of an included file are resolved from the page that includes it.
pub(super) fn of_the_book_stay_in_the_book(checkout: &Checkout) -> Vec<String> {
    let files = markdown_files(checkout);
    let Some(list) = files.get(PAGES) else { return Vec::new() };
    let pages = list.links.iter().filter_map(Link::relative).map(|(target, _)| resolved(PAGES, target));
    let book = Book { checkout, pages: pages.collect() };
    let mut findings = Vec::new();
    for page in &book.pages {
        let Some(file) = files.get(page.as_str()) else { continue };
        findings.extend(file.links.iter().filter_map(|link| book.finding(page, page, link)));
        for included in &file.includes {
            let path = resolved(page, included);
            let Some(file) = files.get(path.as_str()) else {
                findings.push(finding(page, format!("includes {included}, which does not exist"), "correct the path"));
                continue;
            };
            findings.extend(file.links.iter().filter_map(|link| book.finding(page, &path, link)));
        }
    }
    findings
}

struct Book<'a> {
    checkout: &'a Checkout,
    pages: BTreeSet<String>,
}

impl Book<'_> {
    /// Checks a link that is written in `file` and shown on `page`.
    fn finding(&self, page: &str, file: &str, link: &Link) -> Option<String> {
        let (target, _) = link.relative()?;
        let found = resolved(page, target);
        if self.pages.contains(&found) {
            // mdBook renames README.md to index.html without changing the links.
            let folder = target.strip_suffix("README.md")?;
            let remedy = format!("link to its folder: {}", if folder.is_empty() { "./" } else { folder });
            return Some(link_finding(file, link, "which mdBook renames to index.html", &remedy));
        }
        let is_folder_of_a_page = self.pages.contains(&format!("{found}/README.md"));
        // mdBook copies all files of its folder except Markdown.
        let is_copied = found.starts_with(BOOK) && self.checkout.has(&found) && !has_extension(&found, "md");
        let remedy = "use a full URL, or list the page in docs/SUMMARY.md";
        (!is_folder_of_a_page && !is_copied).then(|| link_finding(file, link, "which is not in the book", remedy))
    }
}

/// A published README has only full URLs, because crates.io and docs.rs show it without the repository.
pub(super) fn of_packages_are_full_urls(checkout: &Checkout) -> Vec<String> {
    let mut findings = Vec::new();
    for folder in checkout.published() {
        let path = format!("{folder}/README.md");
        for link in Markdown::parse(checkout.text(&path)).links {
            if link.relative().is_some_and(|(target, _)| !target.is_empty()) {
                let wrong = "which does not work on crates.io";
                findings.push(link_finding(&path, &link, wrong, "use a full URL, or write the name without a link"));
            }
        }
    }
    findings
}

fn link_finding(path: &str, link: &Link, wrong: &str, remedy: &str) -> String {
    finding(format!("{path}:{}", link.line), format!("links to {}, {wrong}", link.target), remedy)
}

fn markdown_files(checkout: &Checkout) -> BTreeMap<&str, Markdown> {
    let files = checkout.files().filter(|(path, _)| has_extension(path, "md"));
    files.map(|(path, text)| (path, Markdown::parse(text))).collect()
}

/// Resolves a link's target to a path from the root. An empty target is the file itself.
fn resolved(file: &str, target: &str) -> String {
    if target.is_empty() {
        return file.to_owned();
    }
    let mut parts: Vec<_> = file.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_some() => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn exists(checkout: &Checkout, path: &str) -> bool {
    let folder = format!("{path}/");
    path.is_empty() || checkout.has(path) || checkout.files().any(|(file, _)| file.starts_with(&folder))
}

/// Returns `true` if a file has this heading, or includes a file that has it.
///
/// In other files than Markdown, an anchor is a line (`#L1`), which we do not check.
fn has_anchor(files: &BTreeMap<&str, Markdown>, path: &str, anchor: &str) -> bool {
    let Some(file) = files.get(path) else { return !has_extension(path, "md") };
    let included = file.includes.iter().filter_map(|included| files.get(resolved(path, included).as_str()));
    [file].into_iter().chain(included).any(|file| file.anchors.contains(anchor))
}

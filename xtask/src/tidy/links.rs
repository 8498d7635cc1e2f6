//! Links in Markdown files: each leads somewhere, wherever the file is read.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{finding, has_extension};
use crate::checkout::Checkout;
use crate::markdown::{Link, Markdown};

/// The folder of the book, and its list of pages.
const BOOK: &str = "docs/";
const PAGES: &str = "docs/SUMMARY.md";

/// In the repository, a link leads to a file or folder of it, and to a heading that the file has.
pub(super) fn lead_somewhere(checkout: &Checkout) -> Vec<String> {
    let files = markdown_files(checkout);
    let mut findings = Vec::new();
    for (path, file) in &files {
        for link in &file.links {
            let Some((target, anchor)) = link.relative() else { continue };
            let found = resolved(path, target);
            if !exists(checkout, &found) {
                findings.push(link_finding(path, link, "which does not exist", "correct it"));
            } else if !anchor.is_empty() && !has_anchor(&files, &found, anchor) {
                findings.push(link_finding(path, link, "a heading that does not exist", "name one that does"));
            }
        }
    }
    findings
}

/// In the book, a link leads to a page that the book lists, or to an address.
///
/// What a page includes is read where the page stands, so its links are judged from there.
pub(super) fn of_the_book_stay_in_it(checkout: &Checkout) -> Vec<String> {
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
                findings.push(finding(page, format!("includes {included}, which does not exist"), "correct it"));
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
    /// What is wrong with a link that is written in `file` and read on `page`.
    fn finding(&self, page: &str, file: &str, link: &Link) -> Option<String> {
        let (target, _) = link.relative()?;
        let found = resolved(page, target);
        if self.pages.contains(&found) {
            // mdBook makes index.html of it, and does not tell the links.
            let folder = target.strip_suffix("README.md")?;
            let remedy = format!("link to its folder: {}", if folder.is_empty() { "./" } else { folder });
            return Some(link_finding(file, link, "which the book calls index.html", &remedy));
        }
        let is_folder_of_a_page = self.pages.contains(&format!("{found}/README.md"));
        // mdBook copies all files of its folder but Markdown.
        let is_copied = found.starts_with(BOOK) && self.checkout.has(&found) && !has_extension(&found, "md");
        let remedy = "link to an address, or list the page in docs/SUMMARY.md";
        (!is_folder_of_a_page && !is_copied).then(|| link_finding(file, link, "which is not in the book", remedy))
    }
}

/// On a registry and on docs.rs, a crate's page stands alone.
pub(super) fn of_packages_are_addresses(checkout: &Checkout) -> Vec<String> {
    let mut findings = Vec::new();
    for folder in checkout.published() {
        let path = format!("{folder}/README.md");
        for link in Markdown::read(checkout.text(&path)).links {
            if link.relative().is_some_and(|(target, _)| !target.is_empty()) {
                let wrong = "which is not there where a registry shows this page";
                findings.push(link_finding(&path, &link, wrong, "link to an address, or only name it"));
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
    files.map(|(path, text)| (path, Markdown::read(text))).collect()
}

/// The path from the root of what a file links to; the file's own where the target is empty.
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

/// Whether a file has that heading, or includes a file that has it. What is not Markdown has lines, and no headings.
fn has_anchor(files: &BTreeMap<&str, Markdown>, path: &str, anchor: &str) -> bool {
    let Some(file) = files.get(path) else { return !has_extension(path, "md") };
    let included = file.includes.iter().filter_map(|included| files.get(resolved(path, included).as_str()));
    [file].into_iter().chain(included).any(|file| file.anchors.contains(anchor))
}

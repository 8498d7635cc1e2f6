//! A Markdown file, as far as its links go.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// What a Markdown file links to, and what in it can be linked to.
#[derive(Debug, Default)]
pub(crate) struct Markdown {
    /// Links and images, in their order.
    pub(crate) links: Vec<Link>,
    /// The names of its headings in addresses: `what-it-does` of `## What it does`.
    pub(crate) anchors: BTreeSet<String>,
    /// The files that mdBook puts in: `{{#include ../README.md}}`.
    pub(crate) includes: Vec<String>,
}

/// A link or an image.
#[derive(Debug, PartialEq)]
pub(crate) struct Link {
    /// The line on which it begins.
    pub(crate) line: usize,
    /// Where it leads, as it is written.
    pub(crate) target: String,
}

impl Link {
    /// Where a link that is relative to its file leads: a path, and the name of a heading. Both may be empty.
    /// `None` for an address.
    pub(crate) fn relative(&self) -> Option<(&str, &str)> {
        let scheme = self.target.split_once(':').map_or("", |(scheme, _)| scheme);
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if !scheme.is_empty() && scheme.chars().all(is_scheme) && !self.target.contains("::") {
            return None;
        }
        Some(self.target.split_once('#').unwrap_or((&self.target, "")))
    }
}

impl Markdown {
    pub(crate) fn read(text: &str) -> Self {
        let mut markdown = Self { includes: includes(text), ..Self::default() };
        let mut headings = BTreeMap::new();
        let mut heading: Option<String> = None;
        for (event, Range { start, .. }) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    let line = 1 + text[..start].matches('\n').count();
                    markdown.links.push(Link { line, target: dest_url.into_string() });
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(part) | Event::Code(part) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&part);
                    }
                }
                Event::End(TagEnd::Heading(_)) => {
                    let anchor = anchor(&heading.take().unwrap_or_default());
                    // The second heading of that name is `name-1`.
                    let count = headings.entry(anchor.clone()).or_insert(0_usize);
                    markdown.anchors.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
                    *count += 1;
                }
                _ => {}
            }
        }
        markdown
    }
}

/// The name of a heading in addresses, on GitHub as well as in mdBook.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.collect::<String>().to_lowercase()
}

/// The Markdown files that mdBook puts in, whole or in part.
fn includes(text: &str) -> Vec<String> {
    let files = text.split("{{#include ").skip(1).filter_map(|rest| rest.split_once("}}"));
    let files = files.filter_map(|(file, _)| file.split(':').next()).map(str::trim);
    files
        .filter(|file| Path::new(file).extension().is_some_and(|extension| extension == "md"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_with_their_lines() {
        let text = "# A\n\n| a | b |\n|---|---|\n| [x](x.md) | `[no](no.md)` |\n\n```\n[no](no.md)\n```\n\n\
                    ![p](p.png) and <https://acme.example> and\n[the\ny][y].\n\n[y]: ../y.md#part\n";
        let links: Vec<_> = Markdown::read(text).links.into_iter().map(|link| (link.line, link.target)).collect();
        let expected = [(5, "x.md"), (11, "p.png"), (11, "https://acme.example"), (12, "../y.md#part")];
        assert_eq!(links, expected.map(|(line, target)| (line, target.to_owned())));
    }

    #[test]
    fn an_address_is_not_relative() {
        let relative = |target: &str| {
            let link = Link { line: 1, target: target.to_owned() };
            link.relative().map(|(path, anchor)| (path.to_owned(), anchor.to_owned()))
        };
        for address in ["https://acme.example/a#b", "mailto:security@acme.example"] {
            assert_eq!(relative(address), None, "{address}");
        }
        for (target, path, anchor) in
            [("../a.md#b", "../a.md", "b"), ("#b", "", "b"), ("a/", "a/", ""), ("crate::A", "crate::A", "")]
        {
            assert_eq!(relative(target), Some((path.to_owned(), anchor.to_owned())), "{target}");
        }
    }

    #[test]
    fn headings_have_the_names_that_addresses_use() {
        let text =
            "# A `head`ing, with (marks) & more: v1.2_x\n\n## Same\n\n## Same\n\nÜber ä!\n-------\n\n```\n# no\n```\n";
        let anchors: Vec<_> = Markdown::read(text).anchors.into_iter().collect();
        assert_eq!(anchors, ["a-heading-with-marks--more-v12_x", "same", "same-1", "über-ä"]);
    }

    #[test]
    fn the_markdown_files_that_are_put_in_are_found() {
        let text = "{{#include ../a/README.md}}\n{{#include b.md:part}}\n{{#include c.rs}}\n";
        assert_eq!(Markdown::read(text).includes, ["../a/README.md", "b.md"]);
    }
}

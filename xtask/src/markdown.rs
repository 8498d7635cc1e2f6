//! The links, headings and includes of a Markdown file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The links of a Markdown file, and the anchors that others can link to.
#[derive(Debug, Default)]
pub(crate) struct Markdown {
    /// Links and images, in the order of the file.
    pub(crate) links: Vec<Link>,
    /// The anchors of its headings: `what-it-does` for `## What it does`.
    pub(crate) anchors: BTreeSet<String>,
    /// The Markdown files that mdBook includes: `{{#include ../README.md}}`.
    pub(crate) includes: Vec<String>,
}

/// A link or an image.
#[derive(Debug, PartialEq)]
pub(crate) struct Link {
    /// The line on which the link starts.
    pub(crate) line: usize,
    /// The target as written in the file.
    pub(crate) target: String,
}

impl Link {
    /// Returns the path and the anchor of a relative link. Both may be empty.
    ///
    /// Returns `None` for a full URL.
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
    pub(crate) fn parse(text: &str) -> Self {
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
                    // The second heading with the same text gets the anchor `name-1`.
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

/// Returns the anchor of a heading, which is the same on GitHub and in mdBook.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.collect::<String>().to_lowercase()
}

/// Returns the Markdown files that mdBook includes, completely or in part.
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
        let links: Vec<_> = Markdown::parse(text).links.into_iter().map(|link| (link.line, link.target)).collect();
        let expected = [(5, "x.md"), (11, "p.png"), (11, "https://acme.example"), (12, "../y.md#part")];
        assert_eq!(links, expected.map(|(line, target)| (line, target.to_owned())));
    }

    #[test]
    fn a_full_url_is_not_relative() {
        let relative = |target: &str| {
            let link = Link { line: 1, target: target.to_owned() };
            link.relative().map(|(path, anchor)| (path.to_owned(), anchor.to_owned()))
        };
        for url in ["https://acme.example/a#b", "mailto:security@acme.example"] {
            assert_eq!(relative(url), None, "{url}");
        }
        for (target, path, anchor) in
            [("../a.md#b", "../a.md", "b"), ("#b", "", "b"), ("a/", "a/", ""), ("crate::A", "crate::A", "")]
        {
            assert_eq!(relative(target), Some((path.to_owned(), anchor.to_owned())), "{target}");
        }
    }

    #[test]
    fn headings_have_the_anchors_that_links_use() {
        let text =
            "# A `head`ing, with (marks) & more: v1.2_x\n\n## Same\n\n## Same\n\nÜber ä!\n-------\n\n```\n# no\n```\n";
        let anchors: Vec<_> = Markdown::parse(text).anchors.into_iter().collect();
        assert_eq!(anchors, ["a-heading-with-marks--more-v12_x", "same", "same-1", "über-ä"]);
    }

    #[test]
    fn included_markdown_files_are_found() {
        let text = "{{#include ../a/README.md}}\n{{#include b.md:part}}\n{{#include c.rs}}\n";
        assert_eq!(Markdown::parse(text).includes, ["../a/README.md", "b.md"]);
    }
}

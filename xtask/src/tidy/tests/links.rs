//! Broken links in the repository, in the book and on crates.io.

use super::{found_with, found_with_all};

#[test]
fn a_link_to_a_file_that_does_not_exist_is_found() {
    let found = found_with("SECURITY.md", "# Security\n\nSee [one](docs/gone.md)\nand [two](../quirks.md).\n");
    let expected = [
        "SECURITY.md:3: links to docs/gone.md, which does not exist; correct the link",
        "SECURITY.md:4: links to ../quirks.md, which does not exist; correct the link",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_link_to_a_file_a_folder_a_url_or_a_heading_passes() {
    let text = "# Security\n\n[a](docs/quirks.md), [b](docs), [c](./docs/../docs/vendors/), [d](https://acme.example),\n\
                [e](#security), [f](docs/decisions/README.md#decisions), [g](LICENSE-MIT#L1).\n";
    assert_eq!(found_with("SECURITY.md", text), [""; 0]);
}

#[test]
fn a_link_to_a_heading_that_does_not_exist_is_found() {
    let found = found_with("SECURITY.md", "# Security\n\n[a](#secure), [b](docs/decisions/README.md#choices)\n");
    let expected = [
        "SECURITY.md:3: links to #secure, but there is no such heading; correct the link",
        "SECURITY.md:3: links to docs/decisions/README.md#choices, but there is no such heading; correct the link",
    ];
    assert_eq!(found, expected);
}

/// Returns the findings in a small book in which the page about testing has this text.
fn found_in_book(text: &str) -> Vec<String> {
    found_with_all(&[
        ("docs/SUMMARY.md", "- [Testing](testing.md)\n- [Acme](providers/acme.md)\n- [Vendors](vendors/README.md)\n"),
        ("docs/testing.md", text),
        ("docs/unlisted.md", "# Unlisted\n"),
        ("docs/examples/examples/tower.rs", ""),
    ])
}

#[test]
fn a_link_that_leaves_the_book_is_found() {
    let finding = |target| {
        format!(
            "docs/testing.md:3: links to {target}, which is not in the book; use a full URL, or list the page in \
             docs/SUMMARY.md"
        )
    };
    for target in ["../SECURITY.md", "../README.md", "../crates/core", "unlisted.md", "examples", "vendors/gone.toml"] {
        let text = format!("# Testing\n\nSee [it]({target}).\n");
        let found = found_in_book(&text);
        assert!(found.contains(&finding(target)), "{target}: {found:?}");
    }
}

#[test]
fn a_link_that_stays_in_the_book_passes() {
    let text = "# Testing\n\n[a](vendors/), [b](vendors), [c](vendors/zeta.toml), [d](examples/examples/tower.rs),\n\
                [e](#testing), [f](testing.md#testing), [g](https://acme.example/README.md)\n";
    assert_eq!(found_in_book(text), [""; 0]);
}

#[test]
fn a_link_to_a_page_that_the_book_renames_is_found() {
    let finding = "docs/testing.md:1: links to vendors/README.md, which mdBook renames to index.html; \
                   link to its folder: vendors/";
    assert_eq!(found_in_book("[a](vendors/README.md)\n"), [finding]);
}

#[test]
fn links_of_an_included_file_are_resolved_from_the_page_that_includes_it() {
    let found_with_included = |text| {
        found_with_all(&[
            ("docs/SUMMARY.md", "- [Acme](providers/acme.md)\n- [Tasks](tasks/xtask.md)\n"),
            ("docs/tasks/xtask.md", "{{#include ../../xtask/README.md}}\n"),
            ("xtask/README.md", text),
            ("SECURITY.md", "See [it](docs/tasks/xtask.md#tasks).\n"),
        ])
    };
    assert_eq!(found_with_included("# Tasks\n\n[a](https://acme.example), [b](#tasks)\n"), [""; 0]);
    let finding = "xtask/README.md:3: links to Cargo.toml, which is not in the book; use a full URL, or list the page \
                   in docs/SUMMARY.md";
    assert_eq!(found_with_included("# Tasks\n\n[a](Cargo.toml)\n"), [finding]);
}

#[test]
fn a_page_that_includes_a_missing_file_is_found() {
    let finding = "docs/testing.md: includes gone.md, which does not exist; correct the path";
    assert_eq!(found_in_book("{{#include gone.md}}\n"), [finding]);
}

#[test]
fn a_relative_link_in_a_published_readme_is_found() {
    let path = "crates/core/README.md";
    let finding = |target| {
        format!(
            "{path}:3: links to {target}, which does not work on crates.io; use a full URL, or write the name without \
             a link"
        )
    };
    let text = "# core\n\n[a](../../docs/quirks.md), [b](#core), [c](https://acme.example)\n";
    assert_eq!(found_with(path, text), [finding("../../docs/quirks.md")]);
}

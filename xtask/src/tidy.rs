//! Checks the conventions that no compiler checks, such as the files of a provider, the sources of fixtures and links.
//!
//! A rule reads the [`Checkout`] and returns its findings. To add a rule, write it and add it to [`RULES`].

mod crate_count;
mod crates;
mod cycles;
mod docs;
mod features;
mod finding;
mod imports;
mod links;
mod providers;
mod public_items;
mod sources;
#[cfg(test)]
mod tests;
mod vendors;

use std::path::Path;

use anyhow::{Result, bail};

use crate::checkout::Checkout;

type Rule = fn(&Checkout) -> Vec<String>;

const RULES: &[Rule] = &[
    providers::have_the_same_files,
    providers::have_no_placeholders,
    providers::name_the_source_of_each_fixture,
    providers::are_members,
    providers::are_in_the_tables,
    providers::are_in_the_book,
    crates::have_a_description_and_shared_lints,
    crates::have_a_readme_and_licences,
    features::are_the_same_in_every_provider,
    features::are_shown_by_docs_rs,
    imports::have_no_cycles,
    public_items::are_documented_and_listed,
    sources::are_short,
    sources::are_finished,
    sources::have_comments_that_fit,
    sources::do_not_sleep_in_tests,
    docs::decisions_are_short_and_numbered_once,
    docs::name_no_path_of_one_machine,
    links::are_not_broken,
    links::of_the_book_stay_in_the_book,
    links::of_packages_are_full_urls,
    vendors::are_tested_and_listed,
];

/// Prints every finding, and fails if there are any.
pub(crate) fn run(root: &Path) -> Result<()> {
    let checkout = Checkout::read(root)?;
    let mut findings = findings(&checkout);
    findings.extend(crate_count::is_stated(&checkout, &crate_count::tree(root)?));
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("tidy: 1 finding"),
        count => bail!("tidy: {count} findings"),
    }
}

/// Returns the findings of all rules.
pub(crate) fn findings(checkout: &Checkout) -> Vec<String> {
    RULES.iter().flat_map(|rule| rule(checkout)).collect()
}

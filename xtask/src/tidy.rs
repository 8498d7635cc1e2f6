//! The conventions that no compiler checks: same files in every provider, sourced fixtures, sizes, manifests.
//!
//! A rule looks at the [`Checkout`] and returns what it finds; to add one, write it and name it in [`RULES`].

mod circles;
mod crates;
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
mod weight;

use std::path::Path;

use anyhow::{Result, bail};

use crate::checkout::Checkout;

type Rule = fn(&Checkout) -> Vec<String>;

const RULES: &[Rule] = &[
    providers::hold_the_same_files,
    providers::are_filled_in,
    providers::name_the_source_of_each_fixture,
    providers::are_named_where_readers_look,
    crates::describe_themselves,
    crates::bring_readme_and_licences,
    features::are_the_same_in_every_provider,
    features::are_shown_by_docs_rs,
    imports::run_one_way,
    public_items::are_documented_and_listed,
    sources::are_short,
    sources::are_finished,
    sources::have_comments_that_fit,
    sources::do_not_sleep_in_tests,
    docs::decisions_are_short_and_numbered_once,
    docs::nothing_names_one_machine,
    links::lead_somewhere,
    links::of_the_book_stay_in_it,
    links::of_packages_are_addresses,
    vendors::are_tested_and_listed,
];

/// Prints every finding; fails if there is one.
pub(crate) fn run(root: &Path) -> Result<()> {
    let checkout = Checkout::read(root)?;
    let mut findings = findings(&checkout);
    findings.extend(weight::is_stated(&checkout, &weight::tree(root)?));
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("tidy: 1 finding"),
        count => bail!("tidy: {count} findings"),
    }
}

/// What every rule finds.
pub(crate) fn findings(checkout: &Checkout) -> Vec<String> {
    RULES.iter().flat_map(|rule| rule(checkout)).collect()
}

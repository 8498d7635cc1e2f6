//! Checks that the README states correctly how many crates a user compiles.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::finding::finding;
use crate::checkout::Checkout;

/// The tree of one vendor with its default features, on one platform, so that the count is the same on every machine.
const TREE: &str = "tree --locked --package credentials-grant-apaleo --edges normal --no-dedupe --prefix depth \
    --target x86_64-unknown-linux-gnu";

/// Returns the tree of the crates that a user of one vendor compiles. Each line starts with its depth:
/// `2reqwest v0.13.5`.
pub(super) fn tree(root: &Path) -> Result<String> {
    let tree = Command::new("cargo").args(TREE.split_whitespace()).current_dir(root).stderr(Stdio::inherit()).output();
    let tree = tree.context("cannot run cargo")?;
    ensure!(tree.status.success(), "cargo {TREE}: {}", tree.status);
    Ok(String::from_utf8_lossy(&tree.stdout).into_owned())
}

/// The README states how many crates more than reqwest alone one vendor compiles.
pub(super) fn is_stated(checkout: &Checkout, tree: &str) -> Vec<String> {
    let count = more_than_reqwest(tree);
    let words: Vec<_> = checkout.text("README.md").split_whitespace().collect();
    let stated = format!("compiles {count} crates more than reqwest alone");
    if words.join(" ").contains(&stated) {
        return Vec::new();
    }
    let remedy = "correct the number there, or find the crate that is new: cargo tree -p credentials-grant-apaleo \
                  -e normal";
    vec![finding("README.md", format!("does not say that one vendor {stated}"), remedy)]
}

/// Counts the crates of the tree that reqwest does not depend on, including our own.
fn more_than_reqwest(tree: &str) -> usize {
    let (mut all, mut below) = (BTreeSet::new(), BTreeSet::new());
    // The depth of reqwest while we are in its subtree.
    let mut reqwest = None;
    for line in tree.lines() {
        let (depth, package) = line.split_at(line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len()));
        let depth: usize = depth.parse().unwrap_or(0);
        // The first two words are the name and version, the rest is the package's source.
        let package: Vec<_> = package.split_whitespace().take(2).collect();
        if reqwest.is_some_and(|reqwest| depth <= reqwest) {
            reqwest = None;
        }
        if package.first() == Some(&"reqwest") {
            reqwest = Some(depth);
        }
        if reqwest.is_some() {
            below.insert(package.clone());
        }
        all.insert(package);
    }
    all.difference(&below).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
0credentials-grant-acme v0.1.0 (/src/acme)
1credentials-grant v0.1.0 (/src/core)
2bytes v1.10.0
2serde v1.0.0
1credentials-grant-client v0.1.0 (/src/client)
2reqwest v0.13.5
3bytes v1.10.0
4itoa v1.0.0
3hyper v1.7.0
2tokio v1.47.0
3bytes v0.9.0
2hyper v1.7.0
";

    fn found(readme: &str) -> Vec<String> {
        is_stated(&[("README.md", readme)].into_iter().collect(), SMALL)
    }

    #[test]
    fn dependencies_of_reqwest_are_not_counted() {
        // Our three crates, serde, tokio, and a version of bytes that reqwest does not use.
        assert_eq!(more_than_reqwest(SMALL), 6);
        assert_eq!(more_than_reqwest(""), 0);
    }

    #[test]
    fn a_readme_with_the_right_number_passes() {
        assert_eq!(found("One vendor compiles 6 crates\nmore than reqwest alone."), [""; 0]);
    }

    #[test]
    fn a_readme_with_another_number_or_none_is_found() {
        let finding = "README.md: does not say that one vendor compiles 6 crates more than reqwest alone; correct the \
                       number there, or find the crate that is new: cargo tree -p credentials-grant-apaleo -e normal";
        for readme in ["", "One vendor compiles 5 crates more than reqwest alone.", "compiles 66 crates more than us"] {
            assert_eq!(found(readme), [finding], "{readme}");
        }
    }
}

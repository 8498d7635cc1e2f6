//! The public items of each published library, one a line, in lists that the repository holds.
//!
//! A change of what users can name or call then shows as a change of a list, which `cargo xtask tidy` compares with
//! the source. The lists are read from the source and not from the compiler, so that this takes a second, needs no
//! nightly toolchain, and sees what is behind features and for other platforms. The price: what a macro generates is
//! not listed, nor what the compiler derives by itself, such as `Send`.

mod exports;
mod impls;
mod item_lines;
mod line;
mod print;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use self::exports::Exports;
use self::impls::Impls;
pub(crate) use self::line::PublicItem;
use crate::checkout::Checkout;
use crate::modules::Tree;

/// Where the lists stand.
pub(crate) const LISTS: &str = "docs/public-api/";

/// What a published library shows to its users.
pub(crate) struct Library {
    /// The name of its package.
    pub(crate) package: String,
    /// Its public items, sorted.
    pub(crate) items: Vec<PublicItem>,
}

impl Library {
    /// Where its list stands.
    pub(crate) fn list_path(&self) -> String {
        format!("{LISTS}{}.txt", self.package)
    }

    /// Its list: a line for each public item.
    pub(crate) fn list(&self) -> String {
        let lines: Vec<_> = self.items.iter().map(|item| item.line.as_str()).collect();
        lines.join("\n") + "\n"
    }
}

/// Writes the list of each published library, and removes those of libraries that are gone.
pub(crate) fn run(root: &Path) -> Result<()> {
    let checkout = Checkout::read(root)?;
    let libraries = libraries(&checkout)?;
    for path in checkout.files().map(|(path, _)| path).filter(|path| path.starts_with(LISTS)) {
        if !libraries.iter().any(|library| library.list_path() == path) {
            fs::remove_file(root.join(path)).with_context(|| format!("{path} cannot be removed"))?;
        }
    }
    fs::create_dir_all(root.join(LISTS)).with_context(|| format!("{LISTS} cannot be made"))?;
    for library in &libraries {
        let path = library.list_path();
        fs::write(root.join(&path), library.list()).with_context(|| format!("{path} cannot be written"))?;
        println!("{path}: {} public items", library.items.len());
    }
    Ok(())
}

/// The published members that have a library, as their sources show them.
pub(crate) fn libraries(checkout: &Checkout) -> Result<Vec<Library>> {
    let folders = checkout.published().filter(|folder| checkout.has(&format!("{folder}/src/lib.rs")));
    folders.map(|folder| library(checkout, &folder)).collect()
}

fn library(checkout: &Checkout, folder: &str) -> Result<Library> {
    let package = checkout.package_name(folder);
    let tree = Tree::read(checkout, &format!("{folder}/src/lib.rs"))?;
    let exports = Exports::of(&tree, &package.replace('-', "_"));
    let impls = Impls::of(&tree, &exports);
    let mut items: Vec<_> = exports.all().iter().flat_map(|export| item_lines::of(&tree, export, &impls)).collect();
    items.sort();
    items.dedup();
    Ok(Library { package, items })
}

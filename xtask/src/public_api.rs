//! Lists the public items of each published library in `docs/public-api`, one item per line.
//!
//! A change of the public API then appears in the diff as a change of a list, and `cargo xtask tidy` compares the lists
//! with the source. They are made from the source rather than by the compiler: that takes a second, needs no nightly
//! toolchain, and includes all features and platforms. In return, the lists miss items that a macro generates, and
//! auto traits such as `Send`.

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

/// The folder of the lists.
pub(crate) const LISTS: &str = "docs/public-api/";

/// A published library.
pub(crate) struct Library {
    /// The name of its package.
    pub(crate) package: String,
    /// Its public items, sorted.
    pub(crate) items: Vec<PublicItem>,
}

impl Library {
    /// Returns the path of its list.
    pub(crate) fn list_path(&self) -> String {
        format!("{LISTS}{}.txt", self.package)
    }

    /// Returns its list, with a line for each public item.
    pub(crate) fn list(&self) -> String {
        let lines: Vec<_> = self.items.iter().map(|item| item.line.as_str()).collect();
        lines.join("\n") + "\n"
    }
}

/// Writes the list of each published library, and removes the lists of libraries that no longer exist.
pub(crate) fn run(root: &Path) -> Result<()> {
    let checkout = Checkout::read(root)?;
    let libraries = libraries(&checkout)?;
    for path in checkout.files().map(|(path, _)| path).filter(|path| path.starts_with(LISTS)) {
        if !libraries.iter().any(|library| library.list_path() == path) {
            fs::remove_file(root.join(path)).with_context(|| format!("cannot remove {path}"))?;
        }
    }
    fs::create_dir_all(root.join(LISTS)).with_context(|| format!("cannot create {LISTS}"))?;
    for library in &libraries {
        let path = library.list_path();
        fs::write(root.join(&path), library.list()).with_context(|| format!("cannot write {path}"))?;
        println!("{path}: {} public items", library.items.len());
    }
    Ok(())
}

/// Returns the libraries of the published members.
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

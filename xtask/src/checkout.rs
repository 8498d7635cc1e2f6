//! The repository as the checks see it: path and text of every file that git tracks or would track.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::{fs, str};

use anyhow::{Context, Result, ensure};
use syn::File;
use toml::Table;

/// The folder of the provider crates.
pub(crate) const PROVIDERS: &str = "crates/providers/";
/// The folder of the book's examples.
const EXAMPLES: &str = "docs/examples/examples/";
/// The templates of `cargo xtask new-provider`. They are unfinished on purpose, so the checks skip them.
const TEMPLATES: &str = "xtask/templates/";

/// A repository's files.
pub(crate) struct Checkout {
    texts: BTreeMap<String, String>,
    /// The Rust files parsed so far. Parsing is slow, and several rules need the same file.
    parsed: RefCell<BTreeMap<String, Rc<File>>>,
}

impl Checkout {
    /// Reads the working copy at `root`: tracked files, and new files that are not ignored.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("cannot run git")?;
        ensure!(listing.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listing.stderr).trim());
        let listing = str::from_utf8(&listing.stdout).context("a file name is not UTF-8")?;

        let paths = listing.split_terminator('\0').filter(|path| !path.starts_with(TEMPLATES));
        // Git still lists a deleted file until the deletion is staged.
        let paths = paths.filter(|path| root.join(path).is_file());
        let texts = paths.map(|path| {
            let bytes = fs::read(root.join(path)).with_context(|| format!("cannot read {path}"))?;
            Ok((path.to_owned(), String::from_utf8_lossy(&bytes).into_owned()))
        });
        Ok(Self { texts: texts.collect::<Result<_>>()?, parsed: RefCell::default() })
    }

    /// Returns every file: its path from the root, and its text.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Returns the text of a file, or an empty string if the file does not exist.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// Returns `true` if the file exists.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.texts.contains_key(path)
    }

    /// Returns a parsed Rust file.
    pub(crate) fn rust(&self, path: &str) -> Result<Rc<File>> {
        let known = self.parsed.borrow().get(path).cloned();
        if let Some(file) = known {
            return Ok(file);
        }
        let file = syn::parse_file(self.text(path)).with_context(|| format!("cannot parse {path}"))?;
        let file = Rc::new(file);
        self.parsed.borrow_mut().insert(path.to_owned(), Rc::clone(&file));
        Ok(file)
    }

    /// Returns a manifest as a table.
    ///
    /// The table is empty if the manifest is invalid. Cargo reports that itself, before it runs us.
    pub(crate) fn manifest(&self, path: &str) -> Table {
        self.text(path).parse().unwrap_or_default()
    }

    /// Returns the folders of the workspace's members.
    pub(crate) fn members(&self) -> Vec<String> {
        members(&self.manifest("Cargo.toml"))
    }

    /// Returns the folders of the members that are published.
    pub(crate) fn published(&self) -> impl Iterator<Item = String> {
        self.members().into_iter().filter(|folder| self.is_published(folder))
    }

    /// Returns the package names of the members that are not published.
    pub(crate) fn unpublished(&self) -> impl Iterator<Item = String> {
        let folders = self.members().into_iter().filter(|folder| !self.is_published(folder));
        folders.map(|folder| self.package_name(&folder))
    }

    fn is_published(&self, folder: &str) -> bool {
        let manifest = self.manifest(&format!("{folder}/Cargo.toml"));
        let publish = manifest.get("package").and_then(|package| package.get("publish")?.as_bool());
        publish != Some(false)
    }

    /// Returns the name of the package in `folder`, or `folder` if its manifest has no name.
    pub(crate) fn package_name(&self, folder: &str) -> String {
        let manifest = self.manifest(&format!("{folder}/Cargo.toml"));
        manifest.get("package").and_then(|package| package.get("name")?.as_str()).unwrap_or(folder).to_owned()
    }

    /// Returns the names of the folders under `crates/providers`, whether or not they are members.
    pub(crate) fn providers(&self) -> Vec<&str> {
        let below = self.files().filter_map(|(path, _)| path.strip_prefix(PROVIDERS)?.split_once('/'));
        let mut providers: Vec<_> = below.map(|(provider, _)| provider).collect();
        providers.dedup();
        providers
    }

    /// Returns the names of the book's examples.
    pub(crate) fn examples(&self) -> impl Iterator<Item = &str> {
        let files = self.files().filter_map(|(path, _)| path.strip_prefix(EXAMPLES)?.strip_suffix(".rs"));
        files.filter(|name| !name.contains('/'))
    }
}

/// Returns the folders that a root manifest lists as workspace members.
pub(crate) fn members(manifest: &Table) -> Vec<String> {
    let members = manifest.get("workspace").and_then(|workspace| workspace.get("members")?.as_array());
    members.into_iter().flatten().filter_map(|member| member.as_str()).map(str::to_owned).collect()
}

#[cfg(test)]
impl<'a> FromIterator<(&'a str, &'a str)> for Checkout {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(files: T) -> Self {
        let texts = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        Self { texts, parsed: RefCell::default() }
    }
}

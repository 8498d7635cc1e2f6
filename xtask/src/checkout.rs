//! The repository as its checks see it: every file that git tracks or would track, by path, with its text.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::{fs, str};

use anyhow::{Context, Result, ensure};
use syn::File;
use toml::Table;

/// Where the provider crates stand.
pub(crate) const PROVIDERS: &str = "crates/providers/";
/// Where the book's examples stand.
const EXAMPLES: &str = "docs/examples/examples/";
/// What a new provider is made from. It is unfinished by nature, so no check looks at it.
const TEMPLATES: &str = "xtask/templates/";

/// A repository's files.
pub(crate) struct Checkout {
    texts: BTreeMap<String, String>,
    /// The Rust files that were asked for. To parse one takes long, and more than one rule asks for it.
    parsed: RefCell<BTreeMap<String, Rc<File>>>,
}

impl Checkout {
    /// Reads the working copy at `root`: what is tracked, and what is new and not ignored.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("git cannot be started")?;
        ensure!(listing.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listing.stderr).trim());
        let listing = str::from_utf8(&listing.stdout).context("a file name is not UTF-8")?;

        let paths = listing.split_terminator('\0').filter(|path| !path.starts_with(TEMPLATES));
        // Git goes on listing what was deleted and not yet staged.
        let paths = paths.filter(|path| root.join(path).is_file());
        let texts = paths.map(|path| {
            let bytes = fs::read(root.join(path)).with_context(|| format!("{path} cannot be read"))?;
            Ok((path.to_owned(), String::from_utf8_lossy(&bytes).into_owned()))
        });
        Ok(Self { texts: texts.collect::<Result<_>>()?, parsed: RefCell::default() })
    }

    /// Every file: its path from the root, and its text.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// A file's text; empty where there is no such file.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.texts.contains_key(path)
    }

    /// A Rust file, parsed.
    pub(crate) fn rust(&self, path: &str) -> Result<Rc<File>> {
        let known = self.parsed.borrow().get(path).cloned();
        if let Some(file) = known {
            return Ok(file);
        }
        let file = syn::parse_file(self.text(path)).with_context(|| format!("{path} cannot be parsed"))?;
        let file = Rc::new(file);
        self.parsed.borrow_mut().insert(path.to_owned(), Rc::clone(&file));
        Ok(file)
    }

    /// A manifest as a table.
    /// Empty where it cannot be read: cargo has read it before us, or this would not run.
    pub(crate) fn manifest(&self, path: &str) -> Table {
        self.text(path).parse().unwrap_or_default()
    }

    /// The folders that the root manifest names as the workspace's members.
    pub(crate) fn members(&self) -> Vec<String> {
        members(&self.manifest("Cargo.toml"))
    }

    /// The folders of those members that are published.
    pub(crate) fn published(&self) -> impl Iterator<Item = String> {
        self.members().into_iter().filter(|folder| self.is_published(folder))
    }

    /// The names of those members that are not published.
    pub(crate) fn unpublished(&self) -> impl Iterator<Item = String> {
        let folders = self.members().into_iter().filter(|folder| !self.is_published(folder));
        folders.map(|folder| self.package_name(&folder))
    }

    fn is_published(&self, folder: &str) -> bool {
        let manifest = self.manifest(&format!("{folder}/Cargo.toml"));
        let publish = manifest.get("package").and_then(|package| package.get("publish")?.as_bool());
        publish != Some(false)
    }

    /// The name of the package in a folder; the folder's own where its manifest has none.
    pub(crate) fn package_name(&self, folder: &str) -> String {
        let manifest = self.manifest(&format!("{folder}/Cargo.toml"));
        manifest.get("package").and_then(|package| package.get("name")?.as_str()).unwrap_or(folder).to_owned()
    }

    /// The folders under `crates/providers`, members or not.
    pub(crate) fn providers(&self) -> Vec<&str> {
        let below = self.files().filter_map(|(path, _)| path.strip_prefix(PROVIDERS)?.split_once('/'));
        let mut providers: Vec<_> = below.map(|(provider, _)| provider).collect();
        providers.dedup();
        providers
    }

    /// The book's examples: the files of their folder, by name.
    pub(crate) fn examples(&self) -> impl Iterator<Item = &str> {
        let files = self.files().filter_map(|(path, _)| path.strip_prefix(EXAMPLES)?.strip_suffix(".rs"));
        files.filter(|name| !name.contains('/'))
    }
}

/// The folders that a root manifest names as the workspace's members.
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

//! Creates a new provider: a crate that compiles, and whose tests fail until the author fills in the fixtures.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use toml::Table;

use crate::checkout::{self, PROVIDERS};

/// The files of every provider. [`with_name`] inserts the vendor's name. [`PLACEHOLDER`] marks what the author writes.
pub(crate) const TEMPLATE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../templates/provider/Cargo.toml")),
    ("LICENSE-APACHE", include_str!("../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_str!("../../LICENSE-MIT")),
    ("README.md", include_str!("../templates/provider/README.md")),
    ("fixtures/refusal.http", include_str!("../templates/provider/fixtures/refusal.http")),
    ("fixtures/request.http", include_str!("../templates/provider/fixtures/request.http")),
    ("fixtures/token.http", include_str!("../templates/provider/fixtures/token.http")),
    ("src/lib.rs", include_str!("../templates/provider/src/lib.rs")),
    ("tests/conformance.rs", include_str!("../templates/provider/tests/conformance.rs")),
    ("tests/wire.rs", include_str!("../templates/provider/tests/wire.rs")),
];

/// The provider's page in the book. It includes the README.
const PAGE: &str = include_str!("../templates/book/page.md");

/// Marks the places of the template where the author has to write something.
pub(crate) const PLACEHOLDER: &str = "FILL IN";

/// Returns the path of a provider's page in the book.
pub(crate) fn page_path(provider: &str) -> String {
    format!("docs/providers/{provider}.md")
}

/// Creates the provider and prints the next steps.
pub(crate) fn run(root: &Path, name: &str) -> Result<()> {
    create(root, name)?;
    let package = format!("credentials-grant-{name}");
    // The name changes the order of imports and the length of lines.
    let formatted = Command::new("cargo").args(["fmt", "--package", &package]).current_dir(root).status();
    ensure!(
        formatted.is_ok_and(|status| status.success()),
        "{PROVIDERS}{name} was created but not formatted; run cargo fmt --package {package}"
    );
    println!("{}", next_steps(name));
    Ok(())
}

/// Writes the provider's folder and its page in the book, and adds it to the root manifest.
fn create(root: &Path, name: &str) -> Result<()> {
    let manifest_path = root.join("Cargo.toml");
    let manifest = fs::read_to_string(&manifest_path).context("cannot read the root Cargo.toml")?;
    let folder = root.join(PROVIDERS).join(name);
    let workspace: Table = manifest.parse()?;
    check_name(name, &workspace)?;
    let page = page_path(name);
    ensure!(!folder.exists(), "{PROVIDERS}{name} already exists; choose another name, or remove it first");
    ensure!(!root.join(&page).exists(), "{page} already exists; choose another name, or remove it first");

    let manifest = with_provider(&manifest, name, version(&workspace)?)?;
    for (path, template) in TEMPLATE {
        write(&folder.join(path), &with_name(template, name))?;
    }
    write(&root.join(&page), &with_name(PAGE, name))?;
    write(&manifest_path, &manifest)
}

/// Rust's keywords. They cannot name a provider, because the template's tests name a function after it.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

fn check_name(name: &str, workspace: &Table) -> Result<()> {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.split('-').all(is_word) {
        bail!("invalid provider name {name:?}; use lower-case letters, digits and single hyphens: acme-hotels");
    }
    if KEYWORDS.contains(&name) {
        bail!("{name} is a Rust keyword; choose another name, such as {name}-api");
    }
    let members = checkout::members(workspace);
    if let Some(member) = members.iter().find(|member| member.ends_with(&format!("/{name}"))) {
        bail!("{member} already has this name; choose another one");
    }
    Ok(())
}

/// Returns the root manifest with the provider added to the members and the shared dependencies.
///
/// Inserts two lines of text rather than serializing the manifest, which would lose its comments and layout.
fn with_provider(manifest: &str, name: &str, version: &str) -> Result<String> {
    let folder = format!("{PROVIDERS}{name}");
    let member = format!("    \"{folder}\",");
    let dependency = format!("credentials-grant-{name} = {{ path = \"{folder}\", version = \"{version}\" }}");

    let mut lines: Vec<&str> = manifest.lines().collect();
    insert_sorted(&mut lines, &member, |line| line.trim_start().starts_with(&format!("\"{PROVIDERS}")))?;
    insert_sorted(&mut lines, &dependency, |line| line.contains(&format!("= {{ path = \"{PROVIDERS}")))?;
    Ok(lines.join("\n") + "\n")
}

/// Inserts `line` in alphabetical order among the similar lines.
fn insert_sorted<'a>(lines: &mut Vec<&'a str>, line: &'a str, is_similar: impl Fn(&str) -> bool) -> Result<()> {
    let similar = || lines.iter().enumerate().filter(|(_, other)| is_similar(other));
    let position = match similar().find(|(_, other)| **other > line) {
        Some((greater, _)) => greater,
        None => 1 + similar().last().context("the root Cargo.toml has no line like those of other providers")?.0,
    };
    lines.insert(position, line);
    Ok(())
}

/// Returns the workspace's version, which all crates share.
fn version(workspace: &Table) -> Result<&str> {
    let package = workspace.get("workspace").and_then(|workspace| workspace.get("package"));
    let version = package.and_then(|package| package.get("version")?.as_str());
    version.context("the root Cargo.toml has no version under [workspace.package]")
}

/// Replaces `{{name}}` by `acme-hotels`, `{{module}}` by `acme_hotels`, `{{NAME}}` by `ACME_HOTELS` and `{{Type}}` by
/// `AcmeHotels`.
fn with_name(template: &str, name: &str) -> String {
    let module = name.replace('-', "_");
    let capitalized = |word: &str| word[..1].to_uppercase() + &word[1..];
    let type_name: String = name.split('-').map(capitalized).collect();
    template
        .replace("{{name}}", name)
        .replace("{{module}}", &module)
        .replace("{{NAME}}", &module.to_uppercase())
        .replace("{{Type}}", &type_name)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn next_steps(name: &str) -> String {
    format!(
        "\
Created {PROVIDERS}{name} and {}.
The crate compiles. Its tests fail until you fill in what the vendor does:

  1. in fixtures/, write the request and the responses by hand from the vendor's page, with its URL and the date
  2. in src/lib.rs, describe the request until the tests pass: cargo test -p credentials-grant-{name}
  3. in tests/, add a test for each difference of this vendor
  4. in README.md, explain how to use it; the book shows this file as the vendor's page
  5. add that page to the vendors in docs/SUMMARY.md
  6. add a row for the vendor to the root's README.md and to docs/quirks.md
  7. write the list of public items: cargo xtask public-api
  8. for cgrant, write an emulator of the vendor in crates/emulator/src/vendors, and add the vendor to
     crates/cli/Cargo.toml and crates/cli/src/registry.rs

To see what is still missing, run cargo xtask tidy. For details, read docs/add-a-provider.md.",
        page_path(name)
    )
}

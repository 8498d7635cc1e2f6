//! A new provider: a folder that compiles, whose tests fail until its fixtures are written from the vendor's page.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use toml::Table;

use crate::checkout::{self, PROVIDERS};

/// The files of every provider. The vendor's name goes where [`filled_in`] says, and what is the author's to write is
/// marked by [`TO_FILL_IN`].
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

/// What stands in the template where the author has to write something.
pub(crate) const TO_FILL_IN: &str = "FILL IN";

/// Makes the provider and says what is left to do.
pub(crate) fn run(root: &Path, name: &str) -> Result<()> {
    create(root, name)?;
    let package = format!("credentials-grant-{name}");
    // A name changes the order of imports and the length of lines.
    let formatted = Command::new("cargo").args(["fmt", "--package", &package]).current_dir(root).status();
    ensure!(formatted.is_ok_and(|status| status.success()), "{PROVIDERS}{name} is there, and not formatted");
    println!("{}", next_steps(name));
    Ok(())
}

/// Writes the provider's folder, and names it in the root manifest.
fn create(root: &Path, name: &str) -> Result<()> {
    let manifest_path = root.join("Cargo.toml");
    let manifest = fs::read_to_string(&manifest_path).context("the root Cargo.toml cannot be read")?;
    let folder = root.join(PROVIDERS).join(name);
    let workspace: Table = manifest.parse()?;
    check_name(name, &workspace)?;
    ensure!(!folder.exists(), "{PROVIDERS}{name} is there already");

    let manifest = with_provider(&manifest, name, version(&workspace)?)?;
    for (path, template) in TEMPLATE {
        write(&folder.join(path), &filled_in(template, name))?;
    }
    write(&manifest_path, &manifest)
}

/// The words that cannot name a function, as the template's tests name one after the provider.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

fn check_name(name: &str, workspace: &Table) -> Result<()> {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.split('-').all(is_word) {
        bail!("{name:?} cannot name a provider; take lower-case letters, digits and single hyphens: acme-hotels");
    }
    if KEYWORDS.contains(&name) {
        bail!("{name} is a word of Rust's; take another, such as {name}-api");
    }
    let members = checkout::members(workspace);
    if let Some(member) = members.iter().find(|member| member.ends_with(&format!("/{name}"))) {
        bail!("{name} is the name of {member} already; take another");
    }
    Ok(())
}

/// The root manifest with the provider among the members and among the shared dependencies.
/// Only two lines come in, so that everything else stays as it was written.
fn with_provider(manifest: &str, name: &str, version: &str) -> Result<String> {
    let folder = format!("{PROVIDERS}{name}");
    let member = format!("    \"{folder}\",");
    let dependency = format!("credentials-grant-{name} = {{ path = \"{folder}\", version = \"{version}\" }}");

    let mut lines: Vec<&str> = manifest.lines().collect();
    insert_sorted(&mut lines, &member, |line| line.trim_start().starts_with(&format!("\"{PROVIDERS}")))?;
    insert_sorted(&mut lines, &dependency, |line| line.contains(&format!("= {{ path = \"{PROVIDERS}")))?;
    Ok(lines.join("\n") + "\n")
}

/// Puts `line` in its place among the lines like it.
fn insert_sorted<'a>(lines: &mut Vec<&'a str>, line: &'a str, is_like_it: impl Fn(&str) -> bool) -> Result<()> {
    let alike = || lines.iter().enumerate().filter(|(_, other)| is_like_it(other));
    let place = match alike().find(|(_, other)| **other > line) {
        Some((greater, _)) => greater,
        None => 1 + alike().last().context("the root Cargo.toml names no other provider in the usual form")?.0,
    };
    lines.insert(place, line);
    Ok(())
}

/// All crates are released under the workspace's one version.
fn version(workspace: &Table) -> Result<&str> {
    let package = workspace.get("workspace").and_then(|workspace| workspace.get("package"));
    let version = package.and_then(|package| package.get("version")?.as_str());
    version.context("the root Cargo.toml names no version under [workspace.package]")
}

/// The template with `acme-hotels` for `{{name}}`, and that name as it is written elsewhere in Rust.
fn filled_in(template: &str, name: &str) -> String {
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
    written.with_context(|| format!("{} cannot be written", path.display()))
}

fn next_steps(name: &str) -> String {
    format!(
        "\
{PROVIDERS}{name} is there. It compiles, and its tests fail until it speaks as the vendor does:

  1. in fixtures/, write by hand what goes over the wire, from the vendor's page, with its address and the date
  2. in src/lib.rs, describe that, until its tests pass: cargo test -p credentials-grant-{name}
  3. in tests/, hold it to what this vendor does differently; in its README.md, tell a newcomer how to use it
  4. list its public items: cargo xtask public-api
  5. in the root's README.md and in docs/quirks.md, add the vendor's row
  6. for cgrant, write a stand-in in crates/emulator/src/vendors, and add both to crates/cli/src/registry.rs

cargo xtask tidy says what is still missing. The long form: docs/add-a-provider.md"
    )
}

//! A new provider in a small repository of its own.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::{TEMPLATE, TO_FILL_IN, create};
use crate::checkout::Checkout;
use crate::tidy;

const MANIFEST: &str = r#"[workspace]
members = [
    "crates/core",
    "crates/providers/acme",
    "crates/providers/zeta",
]

[workspace.package]
version = "0.3.0"

[workspace.dependencies]
credentials-grant = { path = "crates/core", version = "0.3.0" }

# In the order of the alphabet.
credentials-grant-acme = { path = "crates/providers/acme", version = "0.3.0" }
credentials-grant-zeta = { path = "crates/providers/zeta", version = "0.3.0" }

serde = "1"
"#;

fn repository() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("Cargo.toml"), MANIFEST).unwrap();
    for (licence, text) in TEMPLATE.iter().filter(|(path, _)| path.starts_with("LICENSE-")) {
        fs::write(root.path().join(licence), text).unwrap();
    }
    root
}

fn manifest_with(name: &str) -> String {
    let root = repository();
    create(root.path(), name).unwrap();
    fs::read_to_string(root.path().join("Cargo.toml")).unwrap()
}

fn refusal(name: &str) -> String {
    let root = repository();
    let error = create(root.path(), name).unwrap_err().to_string();
    assert_eq!(fs::read_to_string(root.path().join("Cargo.toml")).unwrap(), MANIFEST);
    assert!(!root.path().join("crates").exists(), "{name} left files behind");
    error
}

#[test]
fn the_folder_holds_every_file_with_the_vendors_name_in_it() {
    let root = repository();
    create(root.path(), "lodge-keeper").unwrap();
    let folder = root.path().join("crates/providers/lodge-keeper");
    for (path, _) in TEMPLATE {
        let text = fs::read_to_string(folder.join(path)).unwrap();
        assert!(!text.contains("{{"), "{path} holds a marker: {text}");
    }
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"credentials-grant-lodge-keeper\""), "{manifest}");
    let source = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    assert!(source.contains("pub struct LodgeKeeper"), "{source}");
}

#[test]
fn the_manifest_names_it_in_its_place_and_is_otherwise_as_it_was() {
    let member = "    \"crates/providers/lodge-keeper\",\n";
    let dependency =
        "credentials-grant-lodge-keeper = { path = \"crates/providers/lodge-keeper\", version = \"0.3.0\" }\n";
    let manifest = manifest_with("lodge-keeper");
    assert!(manifest.contains(&format!("acme\",\n{member}    \"crates/providers/zeta\"")), "{manifest}");
    assert!(manifest.contains(&format!("}}\n{dependency}credentials-grant-zeta")), "{manifest}");
    assert_eq!(manifest.replace(member, "").replace(dependency, ""), MANIFEST);
}

#[test]
fn the_first_and_the_last_of_the_alphabet_find_their_places_too() {
    let manifest = manifest_with("aardvark");
    assert!(manifest.contains("core\",\n    \"crates/providers/aardvark\",\n"), "{manifest}");
    assert!(manifest.contains("alphabet.\ncredentials-grant-aardvark = "), "{manifest}");
    let manifest = manifest_with("zoo");
    assert!(manifest.contains("zeta\",\n    \"crates/providers/zoo\",\n]"), "{manifest}");
    assert!(manifest.contains("}\ncredentials-grant-zoo = "), "{manifest}");
}

#[test]
fn a_name_that_is_none_is_refused_and_nothing_is_written() {
    for name in ["", "Acme", "acme_hotels", "acme--hotels", "-acme", "acme-", "4acme", "../acme", "acmé"] {
        let expected =
            format!("{name:?} cannot name a provider; take lower-case letters, digits and single hyphens: acme-hotels");
        assert_eq!(refusal(name), expected);
    }
}

#[test]
fn a_name_that_is_taken_is_refused_and_nothing_is_written() {
    assert_eq!(refusal("acme"), "acme is the name of crates/providers/acme already; take another");
    assert_eq!(refusal("core"), "core is the name of crates/core already; take another");
}

#[test]
fn a_folder_that_is_there_is_not_written_over() {
    let root = repository();
    fs::create_dir_all(root.path().join("crates/providers/lodge")).unwrap();
    let error = create(root.path(), "lodge").unwrap_err().to_string();
    assert_eq!(error, "crates/providers/lodge is there already");
}

#[test]
fn tidy_asks_for_every_thing_that_the_author_has_to_write() {
    let root = repository();
    create(root.path(), "lodge").unwrap();
    let initialized = Command::new("git").args(["init", "--quiet"]).current_dir(root.path()).status().unwrap();
    assert!(initialized.success());

    let folder = "crates/providers/lodge";
    let mut expected = Vec::new();
    for (path, text) in TEMPLATE {
        for (number, _) in (1..).zip(text.lines()).filter(|(_, line)| line.contains(TO_FILL_IN)) {
            expected.push(format!("{folder}/{path}:{number}: is still the template's"));
        }
    }
    for fixture in ["refusal", "request", "token"] {
        expected.push(format!("{folder}/fixtures/{fixture}.http: line 2 holds no date up to today"));
    }
    expected.extend(["README.md", "docs/quirks.md"].map(|table| format!("{table}: no table names lodge")));
    expected.push("docs/public-api/credentials-grant-lodge.txt: is missing".to_owned());

    let findings = tidy::findings(&Checkout::read(root.path()).unwrap());
    let findings = findings.iter().filter(|finding| finding.contains("lodge"));
    let without_remedies: Vec<_> = findings.filter_map(|finding| finding.split("; ").next()).collect();
    assert_eq!(without_remedies, expected);
}

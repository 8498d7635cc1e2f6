//! Creates providers in small temporary repositories.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{PLACEHOLDER, TEMPLATE, create, next_steps};
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

# In alphabetical order.
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
    for folder in ["crates", "docs"] {
        assert!(!root.path().join(folder).exists(), "{name} left files in {folder}");
    }
    error
}

#[test]
fn every_file_of_the_template_is_written_with_the_vendors_name() {
    let root = repository();
    create(root.path(), "lodge-keeper").unwrap();
    let folder = root.path().join("crates/providers/lodge-keeper");
    for (path, _) in TEMPLATE {
        let text = fs::read_to_string(folder.join(path)).unwrap();
        assert!(!text.contains("{{"), "{path} contains a marker: {text}");
    }
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"credentials-grant-lodge-keeper\""), "{manifest}");
    let source = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    assert!(source.contains("pub struct LodgeKeeper"), "{source}");
}

#[test]
fn the_page_in_the_book_includes_the_readme() {
    let root = repository();
    create(root.path(), "lodge-keeper").unwrap();
    let page = fs::read_to_string(root.path().join("docs/providers/lodge-keeper.md")).unwrap();
    assert!(page.starts_with("{{#include ../../crates/providers/lodge-keeper/README.md}}\n"), "{page}");
    assert_eq!(page.matches("lodge-keeper/README.md").count(), 2, "{page}");
}

#[test]
fn the_manifest_lists_the_provider_in_order_and_is_otherwise_unchanged() {
    let member = "    \"crates/providers/lodge-keeper\",\n";
    let dependency =
        "credentials-grant-lodge-keeper = { path = \"crates/providers/lodge-keeper\", version = \"0.3.0\" }\n";
    let manifest = manifest_with("lodge-keeper");
    assert!(manifest.contains(&format!("acme\",\n{member}    \"crates/providers/zeta\"")), "{manifest}");
    assert!(manifest.contains(&format!("}}\n{dependency}credentials-grant-zeta")), "{manifest}");
    assert_eq!(manifest.replace(member, "").replace(dependency, ""), MANIFEST);
}

#[test]
fn names_before_and_after_all_others_are_inserted_in_order() {
    let manifest = manifest_with("aardvark");
    assert!(manifest.contains("core\",\n    \"crates/providers/aardvark\",\n"), "{manifest}");
    assert!(manifest.contains("order.\ncredentials-grant-aardvark = "), "{manifest}");
    let manifest = manifest_with("zoo");
    assert!(manifest.contains("zeta\",\n    \"crates/providers/zoo\",\n]"), "{manifest}");
    assert!(manifest.contains("}\ncredentials-grant-zoo = "), "{manifest}");
}

#[test]
fn an_invalid_name_is_refused_and_nothing_is_written() {
    for name in ["", "Acme", "acme_hotels", "acme--hotels", "-acme", "acme-", "4acme", "../acme", "acmé"] {
        let expected =
            format!("invalid provider name {name:?}; use lower-case letters, digits and single hyphens: acme-hotels");
        assert_eq!(refusal(name), expected);
    }
}

#[test]
fn a_name_that_is_taken_is_refused_and_nothing_is_written() {
    assert_eq!(refusal("acme"), "crates/providers/acme already has this name; choose another one");
    assert_eq!(refusal("core"), "crates/core already has this name; choose another one");
}

#[test]
fn an_existing_folder_is_not_overwritten() {
    let root = repository();
    fs::create_dir_all(root.path().join("crates/providers/lodge")).unwrap();
    let error = create(root.path(), "lodge").unwrap_err().to_string();
    assert_eq!(error, "crates/providers/lodge already exists; choose another name, or remove it first");
}

#[test]
fn an_existing_page_of_the_book_is_not_overwritten() {
    let root = repository();
    let page = root.path().join("docs/providers/lodge.md");
    fs::create_dir_all(page.parent().unwrap()).unwrap();
    fs::write(&page, "# Lodge\n").unwrap();
    let error = create(root.path(), "lodge").unwrap_err().to_string();
    assert_eq!(error, "docs/providers/lodge.md already exists; choose another name, or remove it first");
    assert_eq!(fs::read_to_string(&page).unwrap(), "# Lodge\n");
    assert!(!root.path().join("crates").exists());
}

#[test]
fn the_next_steps_name_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let steps = next_steps("lodge");
    for path in [
        "README.md",
        "crates/cli/Cargo.toml",
        "crates/cli/src/registry.rs",
        "crates/emulator/src/vendors",
        "docs/SUMMARY.md",
        "docs/add-a-provider.md",
        "docs/quirks.md",
    ] {
        assert!(steps.contains(path), "{path} is not named: {steps}");
        assert!(root.join(path).exists(), "{path} does not exist");
    }
}

#[test]
fn tidy_reports_everything_that_the_author_has_to_write() {
    let root = repository();
    create(root.path(), "lodge").unwrap();
    let initialized = Command::new("git").args(["init", "--quiet"]).current_dir(root.path()).status().unwrap();
    assert!(initialized.success());

    let folder = "crates/providers/lodge";
    let mut expected = Vec::new();
    for (path, text) in TEMPLATE {
        for (number, _) in (1..).zip(text.lines()).filter(|(_, line)| line.contains(PLACEHOLDER)) {
            expected.push(format!("{folder}/{path}:{number}: still contains the placeholder FILL IN"));
        }
    }
    for fixture in ["refusal", "request", "token"] {
        expected.push(format!("{folder}/fixtures/{fixture}.http: line 2 has no date, or one in the future"));
    }
    expected.extend(["README.md", "docs/quirks.md"].map(|table| format!("{table}: no table has a row for lodge")));
    expected.push("docs/SUMMARY.md: does not list providers/lodge.md".to_owned());
    expected.push("docs/public-api/credentials-grant-lodge.txt: is missing".to_owned());

    let findings = tidy::findings(&Checkout::read(root.path()).unwrap());
    let findings = findings.iter().filter(|finding| finding.contains("lodge"));
    let without_remedies: Vec<_> = findings.filter_map(|finding| finding.split("; ").next()).collect();
    assert_eq!(without_remedies, expected);
}

//! For each rule: silence where all is well, one finding where one thing is broken.

use super::findings;

/// A small repository in which nothing is to be found.
const WHOLE: &[(&str, &str)] = &[
    ("Cargo.toml", "[workspace]\nmembers = ['crates/core', 'crates/providers/acme', 'xtask']\n"),
    ("README.md", "# Tokens\n\n| crate | vendor |\n|---|---|\n| `credentials-grant-acme` | Acme |\n"),
    ("crates/core/Cargo.toml", MANIFEST),
    ("crates/core/README.md", "# core\n"),
    ("crates/providers/acme/Cargo.toml", MANIFEST),
    ("crates/providers/acme/README.md", "# acme\n"),
    ("crates/providers/acme/fixtures/refusal.http", FIXTURE),
    ("crates/providers/acme/fixtures/request.http", FIXTURE),
    ("crates/providers/acme/fixtures/token-of-a-club.http", FIXTURE),
    ("crates/providers/acme/fixtures/token.http", FIXTURE),
    ("crates/providers/acme/src/lib.rs", "//! Acme.\n"),
    ("crates/providers/acme/tests/conformance.rs", "//! Acme.\n"),
    ("crates/providers/acme/tests/wire.rs", "//! Acme.\n"),
    ("docs/decisions/0001-one-error.md", "# One error\n"),
    ("docs/decisions/README.md", "# Decisions\n"),
    ("crates/vendor-file/tests/it/vendors.rs", "const FILE: &str = file!(\"zeta\");\n"),
    ("docs/quirks.md", "| dimension | vendor |\n|---|---|\n| Basic | `acme` |\n"),
    ("docs/vendors/README.md", "| [`zeta`](zeta.toml) | Zeta |\n"),
    ("docs/vendors/fixtures/zeta/refusal.http", FIXTURE),
    ("docs/vendors/fixtures/zeta/request.http", FIXTURE),
    ("docs/vendors/fixtures/zeta/token.http", FIXTURE),
    ("docs/vendors/zeta.toml", "name = 'zeta'\n"),
    ("xtask/Cargo.toml", "package = { description = 'Tasks', publish = false }\nlints.workspace = true\n"),
];
const MANIFEST: &str = "[package]\ndescription = 'What it is'\n[lints]\nworkspace = true\n";
const FIXTURE: &str = "# source: https://acme.example/docs\n# read: 2026-01-31\nPOST https://acme.example/token\n";

/// What is found in [`WHOLE`] with one file written anew, or added.
fn found_with(path: &str, text: &str) -> Vec<String> {
    findings(&all_but(path).chain([(path, text)]).collect())
}

fn found_without(path: &str) -> Vec<String> {
    findings(&all_but(path).collect())
}

fn all_but(path: &str) -> impl Iterator<Item = (&str, &str)> {
    WHOLE.iter().copied().filter(move |(other, _)| *other != path)
}

#[test]
fn a_whole_repository_has_no_findings() {
    assert_eq!(findings(&WHOLE.iter().copied().collect()), [""; 0]);
}

#[test]
fn a_provider_without_a_file_that_all_have_is_found() {
    let path = "crates/providers/acme/tests/wire.rs";
    assert_eq!(found_without(path), [format!("{path}: is missing; add it, as every provider holds the same files")]);
}

#[test]
fn a_file_that_no_other_provider_has_is_found() {
    let path = "crates/providers/acme/src/helpers.rs";
    let finding = format!("{path}: is in no other provider; move what it holds into a file that all have");
    assert_eq!(found_with(path, ""), [finding]);
    let path = "crates/providers/oauth2/src/helpers.rs";
    assert!(found_with(path, "").iter().any(|finding| finding.starts_with(path)), "no provider is an exception");
}

#[test]
fn what_the_template_asks_for_is_found_until_it_is_written() {
    let finding = "crates/providers/acme/README.md:2: is still the template's; write what it asks for";
    assert_eq!(found_with("crates/providers/acme/README.md", "# acme\nFILL IN: what it is\n"), [finding]);
    assert_eq!(found_with("docs/add-a-provider.md", "Write what is marked by FILL IN.\n"), [""; 0]);
}

#[test]
fn a_fixture_without_a_source_is_found() {
    let path = "crates/providers/acme/fixtures/token.http";
    let finding =
        format!("{path}: line 1 names no source; write `# source: ` and the page's address or the document's name");
    for first_line in ["# source: ", "# from memory"] {
        assert_eq!(
            found_with(path, &format!("{first_line}\n# read: 2026-01-31\n")),
            [finding.as_str()],
            "{first_line}"
        );
    }
}

#[test]
fn a_fixture_whose_date_is_missing_impossible_or_still_to_come_is_found() {
    let path = "crates/providers/acme/fixtures/token.http";
    let finding = format!(
        "{path}: line 2 holds no date up to today; write `# read: YYYY-MM-DD`, the day on which you read the source"
    );
    for date in ["", "YYYY-MM-DD", "2026-02-30", "2026-1-31", "2026-01-31T10:00", "9999-01-01"] {
        let fixture = format!("# source: https://acme.example/docs\n# read: {date}\n");
        assert_eq!(found_with(path, &fixture), [finding.as_str()], "{date}");
    }
}

#[test]
fn a_provider_that_is_no_member_is_found() {
    let manifest = "[workspace]\nmembers = ['crates/core', 'xtask']\n";
    let finding = "Cargo.toml: crates/providers/acme is no member; add it to `members`";
    assert_eq!(found_with("Cargo.toml", manifest), [finding]);
}

#[test]
fn a_provider_that_a_table_does_not_name_is_found() {
    for table in ["README.md", "docs/quirks.md"] {
        let finding = format!("{table}: no table names acme; add the vendor's row");
        for text in ["", "acme\n", "| acme, as an example |\n", "| `credentials-grant-acmes` |\n"] {
            assert_eq!(found_with(table, text), [finding.as_str()], "{text}");
        }
    }
}

#[test]
fn a_crate_without_a_description_is_found() {
    let finding = "crates/core/Cargo.toml: has no description; say in one line what the crate is";
    for description in ["", "description = ' '\n"] {
        let manifest = format!("[package]\n{description}[lints]\nworkspace = true\n");
        assert_eq!(found_with("crates/core/Cargo.toml", &manifest), [finding]);
    }
}

#[test]
fn a_crate_without_the_shared_lints_is_found() {
    let finding = "crates/core/Cargo.toml: has lints of its own; write `workspace = true` under `[lints]`";
    assert_eq!(found_with("crates/core/Cargo.toml", "[package]\ndescription = 'What it is'\n"), [finding]);
}

#[test]
fn a_published_crate_without_a_readme_is_found() {
    let finding = "crates/core/README.md: is missing; write the page that the registry shows";
    assert_eq!(found_without("crates/core/README.md"), [finding]);
}

#[test]
fn a_long_source_is_found() {
    let finding = "crates/core/src/lib.rs: has 501 lines, more than 500; split it by what its parts are for";
    assert_eq!(found_with("crates/core/src/lib.rs", &"\n".repeat(501)), [finding]);
    assert_eq!(found_with("crates/core/src/lib.rs", &"\n".repeat(500)), [""; 0]);
}

#[test]
fn a_provider_that_has_grown_is_found() {
    let path = "crates/providers/acme/src/lib.rs";
    let finding = format!("{path}: has 221 lines, more than 220; move what another vendor could need into core");
    assert_eq!(found_with(path, &"\n".repeat(221)), [finding]);
    assert_eq!(found_with(path, &"\n".repeat(220)), [""; 0]);
}

#[test]
fn what_is_left_unfinished_is_found() {
    for mark in ["todo", "unimplemented"] {
        let source = format!("fn token() {{\n    {mark}!()\n}}\n");
        let finding = "crates/core/src/lib.rs:2: is left unfinished; finish it or take it out";
        assert_eq!(found_with("crates/core/src/lib.rs", &source), [finding]);
    }
}

#[test]
fn a_test_that_sleeps_is_found() {
    let source = format!("thread::{}(second);\n", "sleep");
    for path in ["crates/core/tests/grant.rs", "crates/core/src/grant/tests.rs"] {
        let finding = format!("{path}:1: a test sleeps; give the test a clock of its own");
        assert_eq!(found_with(path, &source), [finding]);
    }
    assert_eq!(found_with("crates/core/src/grant.rs", &source), [""; 0]);
}

#[test]
fn a_decision_that_fills_more_than_a_page_is_found() {
    let path = "docs/decisions/0002-two-clocks.md";
    assert_eq!(found_with(path, &"\n".repeat(41)), [format!("{path}: has 41 lines, more than 40; cut it")]);
    assert_eq!(found_with(path, &"\n".repeat(40)), [""; 0]);
}

#[test]
fn two_decisions_with_one_number_are_found() {
    let path = "docs/decisions/0001-two-clocks.md";
    let finding = format!("{path}: has the number of 0001-one-error.md; take the next one");
    assert_eq!(found_with(path, ""), [finding]);
}

#[test]
fn a_decision_without_a_number_is_found() {
    for name in ["two-clocks.md", "2-two-clocks.md", "0002-.md", "0002-two-clocks.txt"] {
        let path = format!("docs/decisions/{name}");
        let finding = format!("{path}: has no number; name it NNNN-title.md, with the next number");
        assert_eq!(found_with(&path, ""), [finding]);
    }
}

#[test]
fn a_path_of_one_machine_is_found() {
    for folder in ["farm", "root", "work"] {
        let finding = "docs/quick-start.md:2: names a path of one machine; name it from the root here";
        assert_eq!(found_with("docs/quick-start.md", &format!("Go to\n`/{folder}/main`.\n")), [finding]);
        let part_of_a_path = format!("https://acme.example/{folder}/main ../{folder}/main\n");
        assert_eq!(found_with("docs/quick-start.md", &part_of_a_path), [""; 0]);
    }
}

#[test]
fn a_vendor_file_that_is_not_tested_or_listed_is_found() {
    let found = found_with("docs/vendors/eta.toml", "name = 'eta'\n");
    let expected = [
        "docs/vendors/fixtures/eta/refusal.http: is missing; write it by hand from the vendor's page",
        "docs/vendors/fixtures/eta/request.http: is missing; write it by hand from the vendor's page",
        "docs/vendors/fixtures/eta/token.http: is missing; write it by hand from the vendor's page",
        "crates/vendor-file/tests/it/vendors.rs: does not test eta; add a module for it",
        "docs/vendors/README.md: no table names eta; add the vendor's row",
    ];
    assert_eq!(found, expected);
}

//! Checks each rule: no finding in a correct repository, one finding for one mistake.

mod imports;
mod links;

use super::findings;

/// A small repository without findings.
const CORRECT: &[(&str, &str)] = &[
    ("Cargo.toml", "[workspace]\nmembers = ['crates/core', 'crates/providers/acme', 'xtask']\n"),
    ("README.md", "# Tokens\n\n| crate | vendor |\n|---|---|\n| `credentials-grant-acme` | Acme |\n"),
    ("LICENSE-APACHE", "Apache\n"),
    ("LICENSE-MIT", "MIT\n"),
    ("crates/core/Cargo.toml", MANIFEST),
    ("crates/core/LICENSE-APACHE", "Apache\n"),
    ("crates/core/LICENSE-MIT", "MIT\n"),
    ("crates/core/README.md", "# core\n"),
    ("crates/core/src/lib.rs", "//! Core.\n"),
    ("crates/providers/acme/Cargo.toml", PROVIDER),
    ("crates/providers/acme/LICENSE-APACHE", "Apache\n"),
    ("crates/providers/acme/LICENSE-MIT", "MIT\n"),
    ("crates/providers/acme/README.md", "# acme\n"),
    ("crates/providers/acme/fixtures/refusal.http", FIXTURE),
    ("crates/providers/acme/fixtures/request.http", FIXTURE),
    ("crates/providers/acme/fixtures/token-of-a-club.http", FIXTURE),
    ("crates/providers/acme/fixtures/token.http", FIXTURE),
    ("crates/providers/acme/src/lib.rs", "//! Acme.\n"),
    ("crates/providers/acme/tests/conformance.rs", "//! Acme.\n"),
    ("crates/providers/acme/tests/wire.rs", "//! Acme.\n"),
    ("docs/SUMMARY.md", "- [Acme](providers/acme.md)\n"),
    ("docs/decisions/0001-one-error.md", "# One error\n"),
    ("docs/decisions/README.md", "# Decisions\n"),
    ("crates/vendor-file/tests/it/vendors.rs", "const FILE: &str = file!(\"zeta\");\n"),
    ("docs/providers/acme.md", "{{#include ../../crates/providers/acme/README.md}}\n"),
    ("docs/public-api/core.txt", "core [mod]\n"),
    ("docs/public-api/credentials-grant-{{name}}.txt", "credentials_grant_{{name}} [mod]\n"),
    ("docs/quirks.md", "| dimension | vendor |\n|---|---|\n| Basic | `acme` |\n"),
    ("docs/vendors/README.md", "| [`zeta`](zeta.toml) | Zeta |\n"),
    ("docs/vendors/fixtures/zeta/refusal.http", FIXTURE),
    ("docs/vendors/fixtures/zeta/request.http", FIXTURE),
    ("docs/vendors/fixtures/zeta/token.http", FIXTURE),
    ("docs/vendors/zeta.toml", "name = 'zeta'\n"),
    ("xtask/Cargo.toml", "package = { description = 'Tasks', publish = false }\nlints.workspace = true\n"),
];
const MANIFEST: &str = "[package]\nname = 'core'\ndescription = 'What it is'\n[lints]\nworkspace = true\n";
const PROVIDER: &str = include_str!("../../templates/provider/Cargo.toml");
const FIXTURE: &str = "# source: https://acme.example/docs\n# read: 2026-01-31\nPOST https://acme.example/token\n";

/// Returns the findings in [`CORRECT`] with one file replaced or added.
fn found_with(path: &str, text: &str) -> Vec<String> {
    findings(&all_but(path).chain([(path, text)]).collect())
}

/// Returns the findings in [`CORRECT`] with these files replaced or added.
fn found_with_all(files: &[(&str, &str)]) -> Vec<String> {
    let others = CORRECT.iter().filter(|(path, _)| !files.iter().any(|(other, _)| other == path));
    findings(&others.chain(files).copied().collect())
}

/// Returns the findings in [`CORRECT`] without one file.
fn found_without(path: &str) -> Vec<String> {
    findings(&all_but(path).collect())
}

fn all_but(path: &str) -> impl Iterator<Item = (&str, &str)> {
    CORRECT.iter().copied().filter(move |(other, _)| *other != path)
}

#[test]
fn a_correct_repository_has_no_findings() {
    assert_eq!(findings(&CORRECT.iter().copied().collect()), [""; 0]);
}

#[test]
fn a_provider_without_a_file_that_all_have_is_found() {
    let path = "crates/providers/acme/tests/wire.rs";
    assert_eq!(found_without(path), [format!("{path}: is missing; add it, because all providers have the same files")]);
}

#[test]
fn a_file_that_no_other_provider_has_is_found() {
    let path = "crates/providers/acme/src/helpers.rs";
    let finding = format!("{path}: exists in no other provider; move its content into a file that all have");
    assert_eq!(found_with(path, ""), [finding]);
    let path = "crates/providers/oauth2/src/helpers.rs";
    assert!(found_with(path, "").iter().any(|finding| finding.starts_with(path)), "no provider is an exception");
}

#[test]
fn a_placeholder_of_the_template_is_found() {
    let finding = "crates/providers/acme/README.md:2: still contains the placeholder FILL IN; replace it by what it \
                   asks for";
    assert_eq!(found_with("crates/providers/acme/README.md", "# acme\nFILL IN: what it is\n"), [finding]);
    assert_eq!(found_with("docs/add-a-provider.md", "Replace FILL IN.\n"), [""; 0]);
}

#[test]
fn a_fixture_without_a_source_is_found() {
    let path = "crates/providers/acme/fixtures/token.http";
    let finding =
        format!("{path}: line 1 names no source; write `# source: ` and the page's URL or the document's name");
    for first_line in ["# source: ", "# from memory"] {
        assert_eq!(
            found_with(path, &format!("{first_line}\n# read: 2026-01-31\n")),
            [finding.as_str()],
            "{first_line}"
        );
    }
}

#[test]
fn a_fixture_whose_date_is_missing_invalid_or_in_the_future_is_found() {
    let path = "crates/providers/acme/fixtures/token.http";
    let finding = format!(
        "{path}: line 2 has no date, or one in the future; write `# read: YYYY-MM-DD`, the day on which you read the \
         source"
    );
    for date in ["", "YYYY-MM-DD", "2026-02-30", "2026-1-31", "2026-01-31T10:00", "9999-01-01"] {
        let fixture = format!("# source: https://acme.example/docs\n# read: {date}\n");
        assert_eq!(found_with(path, &fixture), [finding.as_str()], "{date}");
    }
}

#[test]
fn a_provider_that_is_not_a_member_is_found() {
    let manifest = "[workspace]\nmembers = ['crates/core', 'xtask']\n";
    let found = found_with("Cargo.toml", manifest);
    let expected = [
        "Cargo.toml: crates/providers/acme is not a workspace member; add it to `members`",
        "docs/public-api/credentials-grant-{{name}}.txt: belongs to no published library; run cargo xtask public-api",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_provider_without_a_row_in_a_table_is_found() {
    for table in ["README.md", "docs/quirks.md"] {
        let finding = format!("{table}: no table has a row for acme; add one");
        for text in ["", "acme\n", "| acme, as an example |\n", "| `credentials-grant-acmes` |\n"] {
            assert_eq!(found_with(table, text), [finding.as_str()], "{text}");
        }
    }
}

#[test]
fn a_provider_without_a_page_in_the_book_is_found() {
    let not_included = "docs/providers/acme.md: does not include crates/providers/acme/README.md; copy the page of \
                        another provider, and change the name";
    let broken = "docs/SUMMARY.md:1: links to providers/acme.md, which does not exist; correct the link";
    assert_eq!(found_without("docs/providers/acme.md"), [not_included, broken]);
    assert_eq!(found_with("docs/providers/acme.md", "# Acme\n"), [not_included]);
    let other = "{{#include ../../crates/core/README.md}}\n";
    assert_eq!(found_with("docs/providers/acme.md", other), [not_included]);

    let not_listed = "docs/SUMMARY.md: does not list providers/acme.md; add it to the vendors";
    assert_eq!(found_without("docs/SUMMARY.md"), [not_listed]);
    for summary in ["", "- Acme, providers/acme.md\n", "- [Acme](providers/acmes.md)\n"] {
        assert!(found_with("docs/SUMMARY.md", summary).contains(&not_listed.to_owned()), "{summary}");
    }
}

#[test]
fn a_crate_without_a_description_is_found() {
    let finding = "crates/core/Cargo.toml: has no description; describe the crate in one line";
    for description in ["", "description = ' '\n"] {
        let manifest = format!("[package]\nname = 'core'\n{description}[lints]\nworkspace = true\n");
        assert_eq!(found_with("crates/core/Cargo.toml", &manifest), [finding]);
    }
}

#[test]
fn a_crate_without_the_shared_lints_is_found() {
    let finding =
        "crates/core/Cargo.toml: does not use the workspace's lints; write `workspace = true` under `[lints]`";
    assert_eq!(
        found_with("crates/core/Cargo.toml", "[package]\nname = 'core'\ndescription = 'What it is'\n"),
        [finding]
    );
}

#[test]
fn a_published_crate_without_a_readme_is_found() {
    let finding = "crates/core/README.md: is missing; write it; crates.io shows it as the crate's page";
    assert_eq!(found_without("crates/core/README.md"), [finding]);
}

#[test]
fn a_published_crate_without_the_licences_is_found() {
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        let path = format!("crates/core/{licence}");
        let finding =
            format!("{path}: is missing, or differs from the licence in the root folder; copy it: cp {licence} {path}");
        assert_eq!(found_without(&path), [finding.as_str()]);
        assert_eq!(found_with(&path, "Another licence\n"), [finding.as_str()]);
    }
    // A crate that is not published needs no README, no licences and no list of public items.
    let private = "[package]\ndescription = 'What it is'\npublish = false\n[lints]\nworkspace = true\n";
    let gone =
        ["crates/core/LICENSE-APACHE", "crates/core/LICENSE-MIT", "crates/core/README.md", "docs/public-api/core.txt"];
    let left = CORRECT.iter().copied().filter(|(path, _)| !gone.contains(path));
    let left = left.map(|(path, text)| (path, if path == "crates/core/Cargo.toml" { private } else { text }));
    assert_eq!(findings(&left.collect()), [""; 0]);
}

/// Returns the findings for a provider's manifest in which `text` is replaced by `new_text`.
fn found_with_manifest(provider: &str, text: &str, new_text: &str) -> Vec<String> {
    let path = format!("crates/providers/{provider}/Cargo.toml");
    assert!(PROVIDER.contains(text), "{text}");
    let found = found_with(&path, &PROVIDER.replace(text, new_text)).into_iter();
    // A provider that is not in the correct repository has no other files, which other findings report.
    found.filter_map(|finding| finding.strip_prefix(&format!("{path}: ")).map(str::to_owned)).collect()
}

#[test]
fn a_provider_without_a_feature_that_all_have_is_found() {
    let metrics = "metrics = [\"client\", \"credentials-grant-client/metrics\"]\n";
    let finding = "has no feature metrics; write it as in xtask/templates/provider/Cargo.toml";
    for provider in ["acme", "oauth2"] {
        assert_eq!(found_with_manifest(provider, metrics, ""), [finding], "{provider}");
    }
}

#[test]
fn a_provider_with_a_feature_of_its_own_is_found() {
    let finding = "has the feature fast, which other providers do not have; \
                   remove it, or add it to every provider and to the template";
    let default = "default = [\"client\"]\n";
    for provider in ["acme", "oauth2"] {
        assert_eq!(found_with_manifest(provider, default, &format!("{default}fast = []\n")), [finding], "{provider}");
    }
}

#[test]
fn a_feature_that_enables_something_else_is_found() {
    let finding = |name| {
        format!(
            "the feature {name} enables something else than in other providers; \
             write it as in xtask/templates/provider/Cargo.toml"
        )
    };
    let tower = "tower = [\"client\", \"credentials-grant-client/tower\"]";
    assert_eq!(found_with_manifest("acme", tower, "tower = [\"client\"]"), [finding("tower")]);
    assert_eq!(found_with_manifest("acme", "default = [\"client\"]", "default = []"), [finding("default")]);

    let client = "client = [\"dep:credentials-grant-client\"]";
    let with_keys = "client = [\"dep:credentials-grant-client\", \"credentials-grant-client?/signing\"]";
    assert_eq!(found_with_manifest("acme", client, with_keys), [finding("client")]);
    assert_eq!(found_with_manifest("oauth2", client, with_keys), [""; 0]);
    assert_eq!(found_with_manifest("oauth2", client, "client = []"), [finding("client")]);
}

#[test]
fn a_provider_with_another_shared_dependency_is_found() {
    let client = "credentials-grant-client = { workspace = true, optional = true }\n";
    let finding = "the dependency credentials-grant-client differs from the other providers'; \
                   write it as in xtask/templates/provider/Cargo.toml";
    for other in ["", "credentials-grant-client.workspace = true\n"] {
        assert_eq!(found_with_manifest("acme", client, other), [finding], "{other}");
    }
    assert_eq!(found_with_manifest("acme", client, &format!("{client}serde.workspace = true\n")), [""; 0]);
}

#[test]
fn features_that_docs_rs_does_not_show_are_found() {
    let finding = "docs.rs does not show its features; write `all-features = true` under `[package.metadata.docs.rs]`";
    for other in ["", "all-features = false\n"] {
        assert_eq!(found_with_manifest("acme", "all-features = true\n", other), [finding], "{other}");
    }
    let found = found_with("crates/core/Cargo.toml", &format!("{MANIFEST}[features]\nfast = []\n"));
    assert_eq!(found, [format!("crates/core/Cargo.toml: {finding}")]);
}

#[test]
fn a_public_item_without_a_doc_comment_is_found() {
    let found = found_with_all(&[
        ("crates/core/src/lib.rs", "//! Core.\nmod token;\npub use token::Token;\n"),
        ("crates/core/src/token.rs", "pub struct Token;\n"),
        ("docs/public-api/core.txt", "core [mod]\ncore::Token [unit struct]\n"),
    ]);
    let finding = "crates/core/src/token.rs: core::Token has no doc comment; write one";
    assert_eq!(found, [finding]);
}

#[test]
fn a_macro_that_hides_public_methods_is_found() {
    let found = found_with_all(&[
        (
            "crates/core/src/lib.rs",
            "//! Core.\n\n/// A token.\npub struct Token;\n\nimpl Token {\n    setters!();\n}\n",
        ),
        ("docs/public-api/core.txt", "core [mod]\ncore::Token [unit struct]\ncore::Token::setters!\n"),
    ]);
    let finding = "crates/core/src/lib.rs: the macro core::Token::setters! hides methods from the list; \
                   write them out in the `impl` block";
    assert_eq!(found, [finding]);
}

#[test]
fn a_list_with_a_missing_or_an_old_item_is_found() {
    let list = "docs/public-api/core.txt";
    let source = "//! Core.\n\n/// A token.\npub struct Token;\n";
    let finding = |wrong: &str| format!("docs/public-api/core.txt: {wrong}; run cargo xtask public-api");
    let not_listed = finding("does not list `core::Token [unit struct]`");
    assert_eq!(found_with("crates/core/src/lib.rs", source), [not_listed]);
    let gone = finding("lists `core::Token [unit struct]`, which is no longer public");
    assert_eq!(found_with(list, "core [mod]\ncore::Token [unit struct]\n"), [gone]);
    assert_eq!(found_with(list, "core [mod]\ncore [mod]\n"), [finding("is not sorted, or lists an item twice")]);
    assert_eq!(found_without(list), [finding("is missing")]);
    let stray = "docs/public-api/old.txt: belongs to no published library; run cargo xtask public-api";
    assert_eq!(found_with("docs/public-api/old.txt", "old [mod]\n"), [stray]);
}

#[test]
fn a_comment_line_that_is_too_long_is_found() {
    let path = "crates/core/src/grant.rs";
    let finding = format!("{path}:1: a comment line has more than 120 characters; wrap it");
    for mark in ["//", "///", "//!", "    //"] {
        let fits = format!("{mark} é{}", " x".repeat((118 - mark.len()) / 2));
        assert_eq!(found_with(path, &fits), [""; 0], "{fits}");
        assert_eq!(found_with(path, &format!("{fits}yz")), [finding.as_str()], "{fits}");
    }
    assert_eq!(found_with(path, &format!("/// <https://acme.example/{}>", "x".repeat(120))), [""; 0]);
    assert_eq!(found_with(path, &format!("const TEXT: &str = \"{}\"", " x".repeat(60))), [""; 0]);
}

#[test]
fn a_long_source_is_found() {
    let finding = "crates/core/src/grant.rs: has 501 lines, the limit is 500; split it by topic";
    assert_eq!(found_with("crates/core/src/grant.rs", &"\n".repeat(501)), [finding]);
    assert_eq!(found_with("crates/core/src/grant.rs", &"\n".repeat(500)), [""; 0]);
}

#[test]
fn a_provider_that_is_too_long_is_found() {
    let path = "crates/providers/acme/src/lib.rs";
    let finding = format!("{path}: has 221 lines, the limit is 220; move what other vendors could use into core");
    let lines = |count| format!("//! Acme.{}", "\n".repeat(count));
    assert_eq!(found_with(path, &lines(221)), [finding]);
    assert_eq!(found_with(path, &lines(220)), [""; 0]);
}

#[test]
fn unfinished_code_is_found() {
    for mark in ["todo", "unimplemented"] {
        let source = format!("fn token() {{\n    {mark}!()\n}}\n");
        let finding = "crates/core/src/grant.rs:2: contains unfinished code; finish it or remove it";
        assert_eq!(found_with("crates/core/src/grant.rs", &source), [finding]);
    }
}

#[test]
fn a_test_that_sleeps_is_found() {
    let source = format!("thread::{}(second);\n", "sleep");
    for path in ["crates/core/tests/grant.rs", "crates/core/src/grant/tests.rs"] {
        let finding = format!("{path}:1: a test sleeps; use a clock that the test moves");
        assert_eq!(found_with(path, &source), [finding]);
    }
    assert_eq!(found_with("crates/core/src/grant.rs", &source), [""; 0]);
}

#[test]
fn a_decision_that_is_longer_than_a_page_is_found() {
    let path = "docs/decisions/0002-two-clocks.md";
    assert_eq!(found_with(path, &"\n".repeat(41)), [format!("{path}: has 41 lines, the limit is 40; shorten it")]);
    assert_eq!(found_with(path, &"\n".repeat(40)), [""; 0]);
}

#[test]
fn two_decisions_with_one_number_are_found() {
    let path = "docs/decisions/0001-two-clocks.md";
    let finding = format!("{path}: has the same number as 0001-one-error.md; use the next free number");
    assert_eq!(found_with(path, ""), [finding]);
}

#[test]
fn a_decision_without_a_number_is_found() {
    for name in ["two-clocks.md", "2-two-clocks.md", "0002-.md", "0002-two-clocks.txt"] {
        let path = format!("docs/decisions/{name}");
        let finding = format!("{path}: has no number; rename it to NNNN-title.md, with the next free number");
        assert_eq!(found_with(&path, ""), [finding]);
    }
}

#[test]
fn a_path_of_one_machine_is_found() {
    for folder in ["farm", "root", "work"] {
        let finding = "docs/quick-start.md:2: contains an absolute path of one machine; write it relative to the \
                       repository's root";
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
        "docs/vendors/README.md: no table has a row for eta; add one",
    ];
    assert_eq!(found, expected);
}

//! Import cycles, and imports that only look like a cycle.

use super::found_with_all;

/// Returns the findings in a crate with these files in `src`.
fn found_in(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(file, text)| (format!("xtask/src/{file}"), *text)).collect();
    found_with_all(&files.iter().map(|(path, text)| (path.as_str(), *text)).collect::<Vec<_>>())
}

/// Returns the finding for a cycle in that crate.
fn cycle(path: &str) -> String {
    format!("xtask/src: import cycle: {path}; move what they share into a file of its own")
}

#[test]
fn two_files_that_import_each_other_are_found() {
    let found = found_in(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "use crate::b::B;\npub struct A(B);\n"),
        ("b.rs", "use crate::a::A;\npub struct B(Vec<A>);\n"),
    ]);
    assert_eq!(found, [cycle("a.rs -> b.rs -> a.rs")]);
}

#[test]
fn a_cycle_of_paths_without_a_use_is_found() {
    for body in ["crate::b::b()", "super::b::b()", "self::super::b::b()", "assert!(crate::b::b())"] {
        let a = format!("pub fn a() {{\n    {body}\n}}\n");
        let b = "pub fn b() -> bool {\n    std::mem::drop::<crate::a::A>;\n    true\n}\n";
        let found = found_in(&[("main.rs", "mod a;\nmod b;\n"), ("a.rs", &a), ("b.rs", b)]);
        assert_eq!(found, [cycle("a.rs -> b.rs -> a.rs")], "{body}");
    }
}

#[test]
fn a_child_and_a_parent_that_import_each_other_are_found() {
    let found = found_in(&[
        ("lib.rs", "mod a;\n"),
        ("a.rs", "mod b;\nuse self::b::B;\npub(crate) const SIZE: usize = 1;\n"),
        ("a/b.rs", "use super::SIZE;\npub struct B([u8; SIZE]);\n"),
    ]);
    assert_eq!(found, [cycle("a.rs -> a/b.rs -> a.rs")]);
}

#[test]
fn a_call_to_a_child_is_an_import() {
    let found = found_in(&[
        ("lib.rs", "mod a;\n"),
        ("a/mod.rs", "mod b;\nfn a() {\n    b::b();\n}\nfn shared() {}\n"),
        ("a/b.rs", "pub(super) fn b() {\n    use super::shared;\n    shared();\n}\n"),
    ]);
    assert_eq!(found, [cycle("a/b.rs -> a/mod.rs -> a/b.rs")]);
}

#[test]
fn a_cycle_through_a_re_export_names_the_file_that_defines_the_item() {
    let found = found_in(&[
        ("lib.rs", "mod a;\nmod b;\npub use a::A as Renamed;\npub use b::*;\n"),
        ("a.rs", "use crate::B;\npub struct A(B);\n"),
        ("b.rs", "use crate::Renamed;\npub struct B(Vec<Renamed>);\n"),
    ]);
    assert_eq!(found, [cycle("a.rs -> b.rs -> a.rs")]);
}

#[test]
fn a_cycle_through_the_root_is_found() {
    let found =
        found_in(&[("lib.rs", "mod a;\npub use a::A;\nfn lock() {}\n"), ("a.rs", "use crate::lock;\npub struct A;\n")]);
    assert_eq!(found, [cycle("a.rs -> lib.rs -> a.rs")]);
}

#[test]
fn a_glob_and_a_name_that_a_macro_generates_are_imports() {
    for import in ["use super::*;", "use super::made;"] {
        let found = found_in(&[("lib.rs", "mod a;\nuse a::A;\nmake!(made);\n"), ("a.rs", import)]);
        assert_eq!(found, [cycle("a.rs -> lib.rs -> a.rs")], "{import}");
    }
}

#[test]
fn a_large_cycle_is_found_once_by_its_shortest_path() {
    let found = found_in(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n"),
        ("a.rs", "use crate::b::B;\npub struct A;\n"),
        ("b.rs", "use crate::c::C;\npub struct B;\n"),
        ("c.rs", "use crate::a::A;\nuse crate::d::D;\npub struct C;\n"),
        ("d.rs", "use crate::c::C;\npub struct D;\n"),
    ]);
    let expected = "c.rs -> d.rs -> c.rs (and 2 more files)";
    assert_eq!(found, [cycle(expected)]);
}

#[test]
fn two_cycles_are_found_separately() {
    let found = found_in(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n"),
        ("a.rs", "use crate::b::B;\npub struct A;\n"),
        ("b.rs", "use crate::a::A;\npub struct B;\n"),
        ("c.rs", "use crate::a::A;\nuse crate::d::D;\npub struct C;\n"),
        ("d.rs", "use crate::c::C;\npub struct D;\n"),
    ]);
    let expected = ["a.rs -> b.rs -> a.rs", "c.rs -> d.rs -> c.rs"];
    assert_eq!(found, expected.map(cycle));
}

#[test]
fn imports_of_tests_make_no_cycle() {
    for b in [
        "pub struct B;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
        "pub struct B;\n#[cfg(test)]\nuse crate::a::A;\n",
        "pub struct B;\n#[cfg(test)]\nimpl From<crate::a::A> for B {}\n",
        "pub struct B;\nimpl B {\n    #[cfg(test)]\n    fn of(_: crate::a::A) {}\n}\n",
        "pub struct B;\n#[cfg(test)]\nmod tests;\n",
    ] {
        let found = found_in(&[
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "use crate::b::B;\npub struct A(B);\n"),
            ("b.rs", b),
            ("b/tests.rs", "use crate::a::A;\n"),
        ]);
        assert_eq!(found, [""; 0], "{b}");
    }
}

#[test]
fn links_in_doc_comments_make_no_cycle() {
    let found = found_in(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "use crate::b::B;\npub struct A(B);\n"),
        ("b.rs", "//! Goes into [`A`](crate::a::A).\n\n/// See [`crate::a::A`].\npub(in crate::b) struct B;\n"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn modules_and_re_exports_of_other_crates_make_no_cycle() {
    let found = found_in(&[
        // A parent declares its children, and re-exports items that others define.
        ("lib.rs", "mod a;\npub mod metrics;\npub use a::A;\npub use other::*;\npub use other::Error;\n"),
        ("a.rs", "mod b;\nuse std::fmt::Debug;\npub use b::B;\npub struct A;\n"),
        // The file that re-exports an item of a sibling or another crate does not define it.
        ("a/b.rs", "use super::Debug;\nuse crate::{Error, Token, metrics};\npub struct B(metrics::Count);\n"),
        // A crate and a module have the same name.
        ("metrics.rs", "use ::metrics::counter;\nuse metrics::gauge;\npub struct Count;\n"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn importing_a_module_is_not_an_import_of_all_its_items() {
    let found = found_in(&[
        ("lib.rs", "mod vendors;\n"),
        ("vendors/mod.rs", "mod acme;\nmod shared;\nuse acme::ACME;\n"),
        ("vendors/acme.rs", "use crate::vendors;\npub const ACME: vendors::shared::Vendor = 1;\n"),
        ("vendors/shared.rs", "pub type Vendor = u8;\n"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_source_that_cannot_be_parsed_is_found() {
    let found = found_in(&[("lib.rs", "mod a;\n"), ("a.rs", "fn a( {\n")]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("xtask/src/lib.rs: cannot parse xtask/src/a.rs: "), "{found:?}");
}

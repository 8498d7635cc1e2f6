//! Circles of imports, made by hand, and what looks like one.

use super::found_with_all;

/// What is found in a crate of these files, which stand in its `src`.
fn found_in(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(file, text)| (format!("xtask/src/{file}"), *text)).collect();
    found_with_all(&files.iter().map(|(path, text)| (path.as_str(), *text)).collect::<Vec<_>>())
}

/// The finding for a circle in that crate.
fn circle(way: &str) -> String {
    format!("xtask/src: {way}; move what they share into a file of its own")
}

#[test]
fn two_files_that_import_each_other_are_found() {
    let found = found_in(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "use crate::b::B;\npub struct A(B);\n"),
        ("b.rs", "use crate::a::A;\npub struct B(Vec<A>);\n"),
    ]);
    assert_eq!(found, [circle("a.rs -> b.rs -> a.rs import each other in a circle")]);
}

#[test]
fn a_circle_of_paths_without_a_use_is_found() {
    for body in ["crate::b::b()", "super::b::b()", "self::super::b::b()", "assert!(crate::b::b())"] {
        let a = format!("pub fn a() {{\n    {body}\n}}\n");
        let b = "pub fn b() -> bool {\n    std::mem::drop::<crate::a::A>;\n    true\n}\n";
        let found = found_in(&[("main.rs", "mod a;\nmod b;\n"), ("a.rs", &a), ("b.rs", b)]);
        assert_eq!(found, [circle("a.rs -> b.rs -> a.rs import each other in a circle")], "{body}");
    }
}

#[test]
fn a_child_and_a_parent_that_import_each_other_are_found() {
    let found = found_in(&[
        ("lib.rs", "mod a;\n"),
        ("a.rs", "mod b;\nuse self::b::B;\npub(crate) const SIZE: usize = 1;\n"),
        ("a/b.rs", "use super::SIZE;\npub struct B([u8; SIZE]);\n"),
    ]);
    assert_eq!(found, [circle("a.rs -> a/b.rs -> a.rs import each other in a circle")]);
}

#[test]
fn a_call_to_a_child_is_an_import() {
    let found = found_in(&[
        ("lib.rs", "mod a;\n"),
        ("a/mod.rs", "mod b;\nfn a() {\n    b::b();\n}\nfn shared() {}\n"),
        ("a/b.rs", "pub(super) fn b() {\n    use super::shared;\n    shared();\n}\n"),
    ]);
    assert_eq!(found, [circle("a/b.rs -> a/mod.rs -> a/b.rs import each other in a circle")]);
}

#[test]
fn a_circle_through_a_re_export_names_the_file_that_defines_what_is_imported() {
    let found = found_in(&[
        ("lib.rs", "mod a;\nmod b;\npub use a::A as Renamed;\npub use b::*;\n"),
        ("a.rs", "use crate::B;\npub struct A(B);\n"),
        ("b.rs", "use crate::Renamed;\npub struct B(Vec<Renamed>);\n"),
    ]);
    assert_eq!(found, [circle("a.rs -> b.rs -> a.rs import each other in a circle")]);
}

#[test]
fn a_circle_through_the_root_is_found() {
    let found =
        found_in(&[("lib.rs", "mod a;\npub use a::A;\nfn lock() {}\n"), ("a.rs", "use crate::lock;\npub struct A;\n")]);
    assert_eq!(found, [circle("a.rs -> lib.rs -> a.rs import each other in a circle")]);
}

#[test]
fn a_glob_and_a_name_that_a_macro_makes_are_imports() {
    for import in ["use super::*;", "use super::made;"] {
        let found = found_in(&[("lib.rs", "mod a;\nuse a::A;\nmake!(made);\n"), ("a.rs", import)]);
        assert_eq!(found, [circle("a.rs -> lib.rs -> a.rs import each other in a circle")], "{import}");
    }
}

#[test]
fn a_wide_circle_is_found_once_by_its_shortest_way() {
    let found = found_in(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n"),
        ("a.rs", "use crate::b::B;\npub struct A;\n"),
        ("b.rs", "use crate::c::C;\npub struct B;\n"),
        ("c.rs", "use crate::a::A;\nuse crate::d::D;\npub struct C;\n"),
        ("d.rs", "use crate::c::C;\npub struct D;\n"),
    ]);
    let expected = "c.rs -> d.rs -> c.rs import each other in a circle (and 2 more with them)";
    assert_eq!(found, [circle(expected)]);
}

#[test]
fn two_circles_are_found_apart() {
    let found = found_in(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n"),
        ("a.rs", "use crate::b::B;\npub struct A;\n"),
        ("b.rs", "use crate::a::A;\npub struct B;\n"),
        ("c.rs", "use crate::a::A;\nuse crate::d::D;\npub struct C;\n"),
        ("d.rs", "use crate::c::C;\npub struct D;\n"),
    ]);
    let expected = ["a.rs -> b.rs -> a.rs", "c.rs -> d.rs -> c.rs"];
    assert_eq!(found, expected.map(|way| circle(&format!("{way} import each other in a circle"))));
}

#[test]
fn what_only_tests_import_makes_no_circle() {
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
fn links_of_doc_comments_make_no_circle() {
    let found = found_in(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "use crate::b::B;\npub struct A(B);\n"),
        ("b.rs", "//! Goes into [`A`](crate::a::A).\n\n/// See [`crate::a::A`].\npub(in crate::b) struct B;\n"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn modules_and_what_others_bring_in_make_no_circle() {
    let found = found_in(&[
        // A parent declares its children, and hands on what others define.
        ("lib.rs", "mod a;\npub mod metrics;\npub use a::A;\npub use other::*;\npub use other::Error;\n"),
        ("a.rs", "mod b;\nuse std::fmt::Debug;\npub use b::B;\npub struct A;\n"),
        // What a sibling's or another crate's name stands for is not in the file that hands it on.
        ("a/b.rs", "use super::Debug;\nuse crate::{Error, Token, metrics};\npub struct B(metrics::Count);\n"),
        // A crate has the name of a module.
        ("metrics.rs", "use ::metrics::counter;\nuse metrics::gauge;\npub struct Count;\n"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_namespace_is_no_import_of_all_that_stands_in_it() {
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
    assert!(found[0].starts_with("xtask/src/lib.rs: xtask/src/a.rs cannot be parsed: "), "{found:?}");
}

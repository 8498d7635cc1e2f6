//! Files as text: where a mistake is, what is no TOML, keys and types.

use std::fs;

use credentials_grant_vendor_file::VendorFile;

use crate::spoiled::{assert_refused, assert_taken, file, refused};

#[test]
fn a_file_without_a_mistake_is_taken() {
    assert_taken(&[]);
}

#[test]
fn the_place_is_that_of_the_mistake() {
    let place = |changes: &[(&str, &str)]| {
        let error = refused(&file(changes)).to_string();
        error.split_once(": ").unwrap().0.replace("the vendor file, ", "")
    };
    assert_eq!(place(&[("title", "titel")]), "line 2, column 1");
    assert_eq!(place(&[("\"body\"", "\"boddy\"")]), "line 26, column 18");
    assert_eq!(place(&[("{tenant}", "{tenent}")]), "line 27, column 21");
    assert_eq!(place(&[("# request", "scope = 1")]), "line 29, column 9");
    assert_eq!(place(&[("optional = true", "optional = \"yes\"")]), "line 17, column 12");
    assert_eq!(place(&[("# policy", "limits = [{ requests = 0, period = \"1s\" }]")]), "line 35, column 24");
    let url = "url = [\n  { when = { server = \"tset\" }, use = \"https://a.example/\" },\n  \"https://{shop}.{server}.a.example/\",\n]";
    assert_eq!(place(&[("url = \"https://{shop}.{server}.acme.example/token\"", url)]), "line 26, column 23");
    assert_eq!(place(&[("name = \"acme\"", "name = \"acme")]), "line 1, column 13");
}

#[test]
fn what_is_no_toml_and_what_is_too_large_is_refused() {
    assert_refused(
        &[("read = 2026-11-26", "read = ")],
        "this is no TOML: string values must be quoted, expected literal string; correct what stands there",
    );
    assert!(refused("").to_string().contains("`name` is missing; add `name`"));
    let large = format!("{}#{}", file(&[]), "x".repeat(64 * 1024));
    assert_eq!(
        refused(&large).to_string(),
        "the vendor file is larger than 64 KiB; describe one vendor in it, and no more"
    );
    let deep = format!("x = {}", "[".repeat(60_000));
    assert!(refused(&deep).to_string().contains("no TOML"));
}

#[test]
fn keys_that_there_are_not_and_keys_that_are_missing_are_named() {
    assert_refused(
        &[("# top", "settigns = 1")],
        "there is no `settigns` here; use one of `name`, `title`, `source`, `read`, `settings`, `exclusive`, `request`, \
         `response`, `policy`",
    );
    assert_refused(
        &[("values = [\"live\", \"test\"]", "value = \"live\"")],
        "there is no `value` here; use one of `help`, `values`, `default`, `optional`, `secret`",
    );
    assert_refused(&[("authentication = \"body\"\n", "")], "`authentication` is missing; add `authentication`");
    assert_refused(&[("help = \"the tenant\"\n", "")], "`help` is missing; add `help`");
    let wrong_key = [("# policy", "hosts = [{ when = { server = \"test\" }, then = \"a.example\" }]")];
    assert_refused(&wrong_key, "there is no `then` here; use `when` or `use`");
}

#[test]
fn values_of_another_type_are_refused_and_never_repeated() {
    let string = "something else must stand here; write a string";
    assert_refused(&[("title = \"Acme Rockets\"", "title = 4711")], string);
    let boolean = "something else must stand here; write a boolean";
    assert_refused(&[("optional = true", "optional = \"canary, expected canary\"")], boolean);
    let method = "something else must stand here; write `POST` or `GET`";
    assert_refused(&[("# request", "method = \"canary\"")], method);
    let choice = "something else must stand here; write a text, or a list of alternatives such as \
                  { when = { setting = \"value\" }, use = \"text\" }";
    assert_refused(&[("authentication = \"body\"", "authentication = 4711")], choice);
    for value in ["4711", "47.11", "true", "2026-11-26", "{ canary = 1 }", "[\"canary\"]", "\"canary\""] {
        for line in ["scope", "encoding", "audience", "headers", "parameters.a.b", "url"] {
            let error = refused(&file(&[("# request", &format!("{line} = {value}"))])).to_string();
            assert!(!error.contains("4711") && !error.contains("47.11"), "{error}");
        }
    }
}

#[test]
fn a_name_and_a_day_are_what_they_are_called() {
    let name =
        "this cannot name a vendor; take lower-case letters, digits and single hyphens, 40 at the most: acme-hotels";
    for bad in ["", "Acme", "acme hotels", "acme_hotels", "-", "é"] {
        assert_refused(&[("\"acme\"", &format!("{bad:?}"))], name);
    }
    let day = "this is no day; write the day on which you read the source: read = 2026-11-26";
    assert_refused(&[("2026-11-26", "2026-11-26T10:00:00")], day);
    assert_refused(&[("2026-11-26", "10:00:00")], day);
    assert!(refused(&file(&[("2026-11-26", "2026-02-31")])).to_string().contains("line 4, column "));
    assert_refused(
        &[("Acme Rockets", " ")],
        "the title is empty or has line breaks in it; write the title on one line",
    );
    let forged = [("\"the tenant\"", "\"the tenant\\nerror: forged\"")];
    assert_refused(&forged, "the help is empty or has line breaks in it; write the help on one line");
}

#[test]
fn a_file_is_read_from_its_path_and_named_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let good = VendorFile::read(at("acme.toml", file(&[]).as_bytes())).unwrap();
    assert_eq!((good.name(), good.title()), ("acme", "Acme Rockets"));
    assert_eq!((good.source(), good.read_on()), ("https://docs.acme.example", "2026-11-26"));

    let says = |path: std::path::PathBuf, words: &str| {
        let error = VendorFile::read(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the vendor file {}", path.display())) && error.contains(words), "{error}");
    };
    says(at("empty.toml", b""), "empty.toml, line 1, column 1: `name` is missing");
    says(at("large.toml", "é".repeat(64 * 1024).as_bytes()), "large.toml is larger than 64 KiB");
    says(
        at("latin.toml", b"title = \"\xe9\""),
        "latin.toml cannot be read (it is not UTF-8 text); give the path of a TOML file",
    );
    says(folder.path().join("none.toml"), "cannot be read (");
    says(folder.path().to_owned(), "cannot be read (");
}

const PAGE: &str = include_str!("../../../../docs/vendor-files.md");

#[test]
fn the_book_shows_the_file_that_the_examples_read() {
    assert!(PAGE.contains(include_str!("../../acme.toml").trim_end()), "docs/vendor-files.md shows another acme.toml");
}

#[test]
fn the_book_lists_every_key() {
    let tables = [
        ("# top", "unknown = 1"),
        ("# settings", "[settings.x]\nunknown = 1"),
        ("# request", "unknown = 1"),
        ("# response", "unknown = 1"),
        ("# response", "errors = [{ unknown = 1 }]"),
        ("# response", "meanings = [{ unknown = 1 }]"),
        ("# policy", "unknown = 1"),
        ("# policy", "limits = [{ unknown = 1 }]"),
        ("# policy", "presentation.unknown = 1"),
        ("# policy", "hosts = [{ unknown = 1 }]"),
    ];
    for change in tables {
        let error = refused(&file(&[change]));
        let known: Vec<_> = error.remedy().unwrap().split('`').skip(1).step_by(2).collect();
        assert!(known.len() >= 2, "{error}");
        for key in known {
            assert!(PAGE.contains(key), "docs/vendor-files.md does not list `{key}`");
        }
    }
}

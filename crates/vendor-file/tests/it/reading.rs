//! Parsing: the position of a mistake, invalid TOML, keys and types.

use std::fs;

use credentials_grant_vendor_file::VendorFile;

use crate::changed_file::{assert_accepted, assert_refused, file, refused};

#[test]
fn a_file_without_a_mistake_is_accepted() {
    assert_accepted(&[]);
}

#[test]
fn an_error_names_the_position_of_the_mistake() {
    let position = |changes: &[(&str, &str)]| {
        let error = refused(&file(changes)).to_string();
        error.split_once(": ").unwrap().0.replace("the vendor file, ", "")
    };
    assert_eq!(position(&[("title", "titel")]), "line 2, column 1");
    assert_eq!(position(&[("\"client_secret_post\"", "\"boddy\"")]), "line 26, column 18");
    assert_eq!(position(&[("{tenant}", "{tenent}")]), "line 27, column 21");
    assert_eq!(position(&[("# request", "scope = 1")]), "line 29, column 9");
    assert_eq!(position(&[("optional = true", "optional = \"yes\"")]), "line 17, column 12");
    assert_eq!(position(&[("# policy", "limits = [{ requests = 0, period = \"1s\" }]")]), "line 35, column 24");
    let url = "url = [\n  { when = { server = \"tset\" }, use = \"https://a.example/\" },\n  \"https://{shop}.{server}.a.example/\",\n]";
    assert_eq!(position(&[("url = \"https://{shop}.{server}.acme.example/token\"", url)]), "line 26, column 23");
    assert_eq!(position(&[("name = \"acme\"", "name = \"acme")]), "line 1, column 13");
}

#[test]
fn invalid_toml_and_a_file_that_is_too_large_are_refused() {
    assert_refused(
        &[("read = 2026-11-26", "read = ")],
        "invalid TOML: string values must be quoted, expected literal string; correct the syntax",
    );
    assert!(refused("").to_string().contains("`name` is missing; add `name`"));
    let large = format!("{}#{}", file(&[]), "x".repeat(64 * 1024));
    assert_eq!(refused(&large).to_string(), "the vendor file is larger than 64 KiB; describe one vendor per file");
    let deep = format!("x = {}", "[".repeat(60_000));
    assert!(refused(&deep).to_string().contains("invalid TOML"));
}

#[test]
fn unknown_and_missing_keys_are_named() {
    assert_refused(
        &[("# top", "settigns = 1")],
        "unknown key `settigns`; use one of `name`, `title`, `source`, `read`, `settings`, `exclusive`, `request`, \
         `response`, `policy`",
    );
    assert_refused(
        &[("values = [\"live\", \"test\"]", "value = \"live\"")],
        "unknown key `value`; use one of `help`, `values`, `default`, `optional`, `secret`",
    );
    assert_refused(
        &[("authentication = \"client_secret_post\"\n", "")],
        "`authentication` is missing; add `authentication`",
    );
    assert_refused(&[("help = \"the tenant\"\n", "")], "`help` is missing; add `help`");
    let wrong_key = [("# policy", "hosts = [{ when = { server = \"test\" }, then = \"a.example\" }]")];
    assert_refused(&wrong_key, "unknown key `then`; use `when` or `use`");
}

#[test]
fn values_of_the_wrong_type_are_refused_and_never_repeated() {
    let string = "this value has the wrong type; write a string";
    assert_refused(&[("title = \"Acme Rockets\"", "title = 4711")], string);
    let boolean = "this value has the wrong type; write a boolean";
    assert_refused(&[("optional = true", "optional = \"canary, expected canary\"")], boolean);
    let method = "this value has the wrong type; write `POST` or `GET`";
    assert_refused(&[("# request", "method = \"canary\"")], method);
    let choice = "this value has the wrong type; write a text, or a list of alternatives such as \
                  { when = { setting = \"value\" }, use = \"text\" }";
    assert_refused(&[("authentication = \"client_secret_post\"", "authentication = 4711")], choice);
    for value in ["4711", "47.11", "true", "2026-11-26", "{ canary = 1 }", "[\"canary\"]", "\"canary\""] {
        for line in ["scope", "encoding", "audience", "headers", "parameters.a.b", "url"] {
            let error = refused(&file(&[("# request", &format!("{line} = {value}"))])).to_string();
            assert!(!error.contains("4711") && !error.contains("47.11"), "{error}");
        }
    }
}

#[test]
fn an_invalid_name_or_date_is_refused() {
    let name = "this is not a valid name; use at most 40 lower-case letters, digits and single hyphens: acme-hotels";
    for bad in ["", "Acme", "acme hotels", "acme_hotels", "-", "é"] {
        assert_refused(&[("\"acme\"", &format!("{bad:?}"))], name);
    }
    let day = "this is not a date; write the day on which you read the source: read = 2026-11-26";
    assert_refused(&[("2026-11-26", "2026-11-26T10:00:00")], day);
    assert_refused(&[("2026-11-26", "10:00:00")], day);
    assert!(refused(&file(&[("2026-11-26", "2026-02-31")])).to_string().contains("line 4, column "));
    assert_refused(
        &[("Acme Rockets", " ")],
        "the title is empty, or has line breaks or control characters; write the title on one line",
    );
    let forged = [("\"the tenant\"", "\"the tenant\\nerror: forged\"")];
    assert_refused(&forged, "the help is empty, or has line breaks or control characters; write the help on one line");
}

#[test]
fn a_file_is_read_from_its_path_and_errors_name_it() {
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
        ("# response", "error-members = [{ unknown = 1 }]"),
        ("# response", "error-mappings = [{ unknown = 1 }]"),
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

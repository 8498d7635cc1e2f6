//! A complete file for tests to change, and assertions on what comes of it.

use credentials_grant_vendor_file::{Error, ErrorKind, VendorFile};

/// Returns the file with these changes. Comments mark where more can be added to each table.
pub(crate) fn file(changes: &[(&str, &str)]) -> String {
    const COMPLETE: &str = r#"name = "acme"
title = "Acme Rockets"
source = "https://docs.acme.example"
read = 2026-11-26
# top

[settings.shop]
help = "the name of the shop"

[settings.server]
help = "which server"
values = ["live", "test"]
default = "live"

[settings.tenant]
help = "the tenant"
optional = true

[settings.gateway-key]
help = "the gateway's key"
secret = true
# settings

[request]
url = "https://{shop}.{server}.acme.example/token"
authentication = "client_secret_post"
parameters.tenant = "{tenant}"
headers.X-Gateway-Key = "{gateway-key}"
# request

[response]
# response

[policy]
# policy
"#;
    changes.iter().fold(COMPLETE.to_owned(), |text, (what, with)| {
        assert!(text.contains(what), "{what}");
        text.replacen(what, with, 1)
    })
}

#[track_caller]
pub(crate) fn refused(text: &str) -> Error {
    let error = VendorFile::parse(text).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.remedy().is_some(), "{error}");
    assert!(!error.to_string().contains(char::is_control), "{error}");
    error
}

/// Asserts that the file with these changes is refused with this text, after `line L, column C: `.
#[track_caller]
pub(crate) fn assert_refused(changes: &[(&str, &str)], words: &str) {
    let error = refused(&file(changes)).to_string();
    let text = error.strip_prefix("the vendor file, line ").and_then(|rest| rest.split_once(": ")).unwrap().1;
    assert_eq!(text, words, "{error}");
}

#[track_caller]
pub(crate) fn assert_accepted(changes: &[(&str, &str)]) {
    let text = file(changes);
    if let Err(error) = VendorFile::parse(&text) {
        panic!("{error}\n{text}");
    }
}

//! Lists of small libraries.

use super::{Library, libraries};
use crate::checkout::Checkout;

/// Returns the library with these files in `src`.
fn library(files: &[(&str, &str)]) -> Library {
    let manifests = [
        ("Cargo.toml", "[workspace]\nmembers = ['crates/acme', 'xtask']\n"),
        ("crates/acme/Cargo.toml", "[package]\nname = 'acme-tokens'\n"),
        ("xtask/Cargo.toml", "[package]\nname = 'xtask'\npublish = false\n"),
        ("xtask/src/lib.rs", "pub struct Task;\n"),
    ];
    let files: Vec<_> = files.iter().map(|(file, text)| (format!("crates/acme/src/{file}"), *text)).collect();
    let files = files.iter().map(|(path, text)| (path.as_str(), *text));
    let checkout: Checkout = manifests.into_iter().chain(files).collect();
    let mut libraries = libraries(&checkout).unwrap();
    assert_eq!(libraries.len(), 1);
    libraries.remove(0)
}

/// Returns the lines of a library with one file, without the line of the crate itself.
fn lines(source: &str) -> Vec<String> {
    lines_of(&library(&[("lib.rs", source)]))
}

fn lines_of(library: &Library) -> Vec<String> {
    let list = library.list();
    let mut lines = list.lines();
    assert_eq!(lines.next(), Some("acme_tokens [mod]"));
    lines.map(str::to_owned).collect()
}

#[test]
fn only_published_libraries_have_a_list() {
    let library = library(&[("lib.rs", "//! Tokens.\n")]);
    assert_eq!(library.list_path(), "docs/public-api/acme-tokens.txt");
    assert_eq!(library.list(), "acme_tokens [mod]\n");
}

#[test]
fn a_type_is_listed_with_its_public_fields() {
    let source = "
        #[derive(Clone, std::fmt::Debug)]
        pub struct Token<'a, T: Debug> where T: 'a {
            pub scopes: Vec<&'a str>,
            pub(crate) kept: T,
            secret: String,
        }
        pub struct Pair(pub u8, u8);
        pub struct Marker;
        struct Private { pub field: u8 }
    ";
    let expected = [
        "acme_tokens::Marker [unit struct]",
        "acme_tokens::Pair [struct]",
        "acme_tokens::Pair.0: u8",
        "acme_tokens::Token: impl Clone",
        "acme_tokens::Token: impl Debug",
        "acme_tokens::Token<'a, T: Debug> where T: 'a [struct]",
        "acme_tokens::Token.scopes: Vec<&'a str>",
    ];
    assert_eq!(lines(source), expected);
}

#[test]
fn an_enum_is_listed_with_its_variants() {
    let source = "
        #[non_exhaustive]
        pub enum Kind {
            Refused,
            RateLimited(Duration, Option<u16>),
            #[non_exhaustive]
            Unreachable { host: String },
        }
    ";
    let expected = [
        "acme_tokens::Kind [non_exhaustive] [enum]",
        "acme_tokens::Kind::RateLimited(Duration, Option<u16>)",
        "acme_tokens::Kind::Refused",
        "acme_tokens::Kind::Unreachable [non_exhaustive]",
        "acme_tokens::Kind::Unreachable.host: String",
    ];
    assert_eq!(lines(source), expected);
}

#[test]
fn a_trait_is_listed_with_its_items_and_implementations() {
    let source = "
        pub trait Transport: Debug + Send {
            type Body: AsRef<[u8]>;
            const NAME: &'static str;
            async fn send(&self, request: Request) -> Result<Self::Body, Error>;
            fn proxy(&self) -> Option<&str> { None }
        }
        impl<T: Transport + ?Sized> Transport for std::sync::Arc<T> {}
        trait Sealed {}
        pub struct Fixed;
        impl Transport for Fixed {}
        impl Sealed for Fixed {}
        impl Sealed for u8 {}
        impl<'a> From<&'a str> for Fixed {}
    ";
    let expected = [
        "acme_tokens::Fixed [unit struct]",
        "acme_tokens::Fixed: impl Transport",
        "acme_tokens::Fixed: impl<'a> From<&'a str>",
        "acme_tokens::Transport: Debug + Send [trait]",
        "acme_tokens::Transport: impl<T: Transport + ?Sized> Transport for std::sync::Arc<T>",
        "acme_tokens::Transport::Body: AsRef<[u8]> [associated type]",
        "acme_tokens::Transport::NAME: &'static str [const]",
        "acme_tokens::Transport::proxy(&self) -> Option<&str> [provided]",
        "acme_tokens::Transport::send(&self, request: Request) -> Result<Self::Body, Error> [async]",
    ];
    assert_eq!(lines(source), expected);
}

#[test]
fn a_signature_is_one_line_however_long_it_is() {
    let source = "
        pub const LIMIT: usize = 3;
        pub static NAME: &str = \"acme\";
        pub type Outcome<T> = Result<T, Error>;
        pub async fn fetch_token_with_every_option<P, T>(mut provider: P, transport: &T, credentials: ClientCredentials,
            options: TokenOptions<'_>, map: impl Fn(&str, (u8, u8)) -> [u8; 2]) -> Result<TokenResponse, Error>
        where P: CredentialsGrant + Clone + Send + Sync + 'static, T: Transport<Error = std::io::Error> + ?Sized {}
        pub const fn limit() -> usize { 3 }
        pub fn n(fn_name: fn(u8) -> u8) {}
    ";
    let expected = [
        "acme_tokens::LIMIT: usize [const]",
        "acme_tokens::NAME: &str [static]",
        "acme_tokens::Outcome<T> = Result<T, Error> [type]",
        "acme_tokens::fetch_token_with_every_option<P, T>(provider: P, transport: &T, credentials: ClientCredentials, \
         options: TokenOptions<'_>, map: impl Fn(&str, (u8, u8)) -> [u8; 2]) -> Result<TokenResponse, Error> \
         where P: CredentialsGrant + Clone + Send + Sync + 'static, T: Transport<Error = std::io::Error> + ?Sized [async]",
        "acme_tokens::limit() -> usize [const]",
        "acme_tokens::n(fn_name: fn(u8) -> u8)",
    ];
    assert_eq!(lines(source), expected);
}

#[test]
fn methods_are_listed_with_their_type_wherever_they_are_defined() {
    let library = library(&[
        ("lib.rs", "mod builder;\nmod more;\npub use builder::Builder;\n"),
        (
            "builder.rs",
            "pub struct Builder<T>(T);\nimpl<T> Builder<T> {\n    pub fn with(mut self) -> Self {}\n    fn own() {}\n}\n",
        ),
        (
            "more.rs",
            "use crate::Builder as B;\nimpl B<u8> {\n    pub const SIZE: u8 = 1;\n    pub(crate) fn own() {}\n}\nimpl Drop for B<u8> {}\n",
        ),
    ]);
    let expected = [
        "acme_tokens::Builder: impl Drop for B<u8>",
        "acme_tokens::Builder<T> [struct]",
        "acme_tokens::Builder::with(self) -> Self",
        "acme_tokens::Builder<u8>::SIZE: u8 [const]",
    ];
    assert_eq!(lines_of(&library), expected);
}

#[test]
fn items_are_listed_by_their_public_paths() {
    let library = library(&[
        (
            "lib.rs",
            "mod inner;\npub mod open;\npub use inner::{Shared, hidden_name as shown, Gone as _};\npub use inner::deep::*;\n\
             pub use http::HeaderMap;\npub use other::*;\npub use http as re_exported;\n",
        ),
        (
            "inner.rs",
            "pub mod deep;\npub struct Shared;\npub fn hidden_name() {}\npub trait Gone {}\npub struct Unreachable;\n",
        ),
        ("inner/deep.rs", "pub fn deep() {}\nfn private() {}\n"),
        ("open.rs", "pub use crate::Shared;\npub(crate) fn private() {}\n#[doc(hidden)]\npub fn hidden() {}\n"),
    ]);
    let expected = [
        "acme_tokens::* = other::* [re-export]",
        "acme_tokens::HeaderMap = http::HeaderMap [re-export]",
        "acme_tokens::Shared [unit struct]",
        "acme_tokens::deep()",
        "acme_tokens::open [mod]",
        "acme_tokens::open::Shared [unit struct]",
        "acme_tokens::re_exported = http [re-export]",
        "acme_tokens::shown()",
    ];
    assert_eq!(lines_of(&library), expected);
}

#[test]
fn an_item_that_needs_a_feature_is_marked() {
    let library = library(&[
        (
            "lib.rs",
            "#[cfg(feature = \"signing\")]\nmod keys;\n#[cfg(feature = \"signing\")]\npub use keys::Key;\n\
             #[cfg(any(unix, feature = \"files\"))]\npub use std::fs::File;\n#[cfg(test)]\npub fn only_in_tests() {}\n",
        ),
        (
            "keys.rs",
            "pub struct Key;\nimpl Key {\n    #[cfg(feature = \"jwk\")]\n    pub fn jwk(&self) {}\n}\n\
             #[cfg(feature = \"jwk\")]\nimpl Debug for Key {}\n",
        ),
    ]);
    let expected = [
        "acme_tokens::File = std::fs::File [re-export] [any(unix, feature = \"files\")]",
        "acme_tokens::Key [unit struct] [feature = \"signing\"]",
        "acme_tokens::Key: impl Debug [feature = \"jwk\"] [feature = \"signing\"]",
        "acme_tokens::Key::jwk(&self) [feature = \"jwk\"] [feature = \"signing\"]",
    ];
    assert_eq!(lines_of(&library), expected);
}

#[test]
fn an_exported_macro_belongs_to_the_crates_root() {
    let library = library(&[
        ("lib.rs", "mod checks;\n"),
        ("checks.rs", "#[macro_export]\nmacro_rules! tests { () => {} }\nmacro_rules! private { () => {} }\n"),
    ]);
    assert_eq!(lines_of(&library), ["acme_tokens::tests! [macro]"]);
}

#[test]
fn items_without_a_doc_comment_are_marked() {
    let undocumented = |source: &str| -> Vec<String> {
        let items = library(&[("lib.rs", source)]).items.into_iter();
        items.filter(|item| !item.is_documented).map(|item| item.path).collect()
    };
    let source = "
        pub struct Token { pub scope: u8 }
        impl Token { pub fn new() -> Self {} }
        impl Clone for Token {}
        #[derive(Debug)]
        pub enum Kind { Refused }
        pub trait Clock { fn now(&self); }
        pub fn fetch() {}
        pub mod open {}
        pub struct Pair(pub u8);
        pub use http::HeaderMap;
    ";
    let expected = [
        "acme_tokens",
        "acme_tokens::Clock",
        "acme_tokens::Clock::now",
        "acme_tokens::Kind",
        "acme_tokens::Kind::Refused",
        "acme_tokens::Pair",
        "acme_tokens::Token",
        "acme_tokens::Token.scope",
        "acme_tokens::Token::new",
        "acme_tokens::fetch",
        "acme_tokens::open",
    ];
    assert_eq!(undocumented(source), expected);
    let documented = source.replace("pub ", "/** It is documented. */ pub ").replace("fn now", "/** Now. */ fn now");
    let documented = documented.replace("Refused", "/** Refused. */ Refused");
    assert_eq!(undocumented(&format!("#![doc = include_str!(\"../README.md\")]\n{documented}")), [""; 0]);
}

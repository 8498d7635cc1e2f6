//! The step before the network: where id and secrets come from, and what looks wrong with them. None is shown.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use credentials_grant::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;

use super::report::Step;
use crate::invocation::TokenClient;
use crate::provider::options::{CLIENT_ID, CLIENT_SECRET};

/// One value that the vendor gave out. The members are a contract.
#[derive(Serialize)]
pub(super) struct Credential {
    name: &'static str,
    source: String,
    characters: usize,
    /// What looks wrong with it. It is sent as it is all the same.
    looks: Vec<&'static str>,
}

/// Looks at the client's id and secrets.
pub(super) fn examine(client: &TokenClient) -> Vec<Credential> {
    let id = client.credentials.client_id().unwrap_or_default();
    let further = client.provider.extra_secrets().filter_map(|option| {
        let secret = client.credentials.secret(option.name)?;
        Some((option.name, secret.expose_secret(), ""))
    });
    let secret = client.credentials.client_secret().ok().map(SecretString::expose_secret);
    let own = [Some((CLIENT_ID.name, id, "")), secret.map(|secret| (CLIENT_SECRET.name, secret, id))];
    let known = own.into_iter().flatten().chain(further).filter(|(_, value, _)| !value.is_empty());
    let credential = |(name, value, id): (&'static str, &str, &str)| Credential {
        name,
        source: client.sources.get(name).cloned().unwrap_or_default(),
        characters: value.chars().count(),
        looks: oddities(value, id),
    };
    known.map(credential).collect()
}

/// Describes the credentials without showing them.
pub(super) fn step(credentials: &[Credential]) -> Step {
    let words = |Credential { name, characters, looks, .. }: &Credential| {
        let which = if looks.is_empty() { "" } else { ", which " };
        format!("{name} of {characters} characters{which}{}", looks.join(" and "))
    };
    let words: Vec<_> = credentials.iter().map(words).collect();
    Step::new("credentials").with_detail(words.join("; ")).with("credentials", json!(credentials))
}

/// Returns what to look at once the server has refused the credentials.
pub(super) fn advice(credentials: &[Credential]) -> Vec<String> {
    let odd = credentials.iter().flat_map(|credential| credential.looks.iter().map(move |what| (credential, what)));
    odd.map(|(Credential { name, source, .. }, what)| format!("the {name} from {source} {what}")).collect()
}

/// Returns what looks wrong with a value. `id` is the client id, beside a client secret.
fn oddities(value: &str, id: &str) -> Vec<&'static str> {
    let is_wrapped = |[start, end]: [&str; 2]| value.len() > 1 && value.starts_with(start) && value.ends_with(end);
    let is_quoted = [["\"", "\""], ["'", "'"], ["`", "`"], ["“", "”"]].into_iter().any(is_wrapped);
    let is_padded = value.trim() != value;
    let is_path = ["/", "./", "~/", "../"].iter().any(|start| value.starts_with(start)) && Path::new(value).exists();
    let is_template = ["${", "$(", "{{", "%{"].iter().any(|mark| value.contains(mark))
        || [["<", ">"], ["[", "]"], ["%", "%"], ["$", ""]].into_iter().any(is_wrapped);
    let references =
        ["op://", "vault:", "ref+", "secret://", "awssm://", "arn:aws:secretsmanager:", "projects/", "keyvault://"];
    let is_reference = references.iter().any(|start| value.starts_with(start));
    let has_scheme = ["Bearer ", "Basic "]
        .iter()
        .any(|scheme| value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let is_invisible = |character: char| {
        character.is_control() || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{a0}')
    };
    let inner = value.trim();
    // Both are made of visible ASCII (RFC 6749 appendix A). Word processors and chats write other dashes and quotes.
    let is_foreign =
        inner.trim_matches(['“', '”']).chars().any(|character| !character.is_ascii() && !is_invisible(character));
    let placeholders = ["changeme", "change-me", "change_me", "todo", "your-client-secret", "your_client_secret"];
    let is_placeholder = placeholders.iter().any(|placeholder| inner.eq_ignore_ascii_case(placeholder))
        || (inner.len() > 2 && inner.chars().all(|character| matches!(character, 'x' | 'X' | '*' | '.')));
    [
        (is_quoted, "begins and ends with quotes"),
        (is_padded, "begins or ends with a space or line break"),
        (is_path, "is the path of a file"),
        (is_template, "looks like a template that was not filled in"),
        (is_reference, "looks like a reference to a secret, and not the secret itself"),
        (has_scheme, "begins with the name of an authentication scheme"),
        (inner.chars().any(is_invisible), "has characters in it that cannot be seen"),
        (is_foreign, "has characters beyond ASCII, such as another kind of dash or quote"),
        (!id.is_empty() && inner == id, "is the same as the client id"),
        (is_placeholder, "looks like a placeholder"),
        (is_pair(inner, id), "reads as base64 of `id:secret`"),
    ]
    .into_iter()
    .filter_map(|(is_so, what)| is_so.then_some(what))
    .collect()
}

/// Returns `true` for base64 of an id and a secret, as it stands in `Authorization`.
fn is_pair(value: &str, id: &str) -> bool {
    let value = value.strip_prefix("Basic ").unwrap_or(value);
    let Some(decoded) = BASE64_STANDARD.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return false;
    };
    let Some((first, second)) = decoded.split_once(':') else { return false };
    let is_text = |text: &str| !text.is_empty() && text.chars().all(|character| character.is_ascii_graphic());
    (!id.is_empty() && first == id) || (is_text(first) && is_text(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_wrong_is_named_and_what_looks_right_is_not() {
        let pair = BASE64_STANDARD.encode("client:s3cr3t");
        for (value, looks) in [
            ("\"s3cr3t\"", "begins and ends with quotes"),
            ("'s3cr3t'", "begins and ends with quotes"),
            ("“s3cr3t”", "begins and ends with quotes"),
            (" s3cr3t", "begins or ends with a space or line break"),
            ("s3cr3t\n", "begins or ends with a space or line break"),
            ("/etc/passwd", "is the path of a file"),
            ("${ACME_SECRET}", "looks like a template that was not filled in"),
            ("{{ .Values.secret }}", "looks like a template that was not filled in"),
            ("%ACME_SECRET%", "looks like a template that was not filled in"),
            ("$ACME_SECRET", "looks like a template that was not filled in"),
            ("<your secret>", "looks like a template that was not filled in"),
            ("op://vault/acme/secret", "looks like a reference to a secret, and not the secret itself"),
            ("vault:secret/acme#secret", "looks like a reference to a secret, and not the secret itself"),
            ("bearer s3cr3t", "begins with the name of an authentication scheme"),
            ("s3cr\u{200b}3t", "has characters in it that cannot be seen"),
            ("s3cr\n3t", "has characters in it that cannot be seen"),
            ("s3cr–3t", "has characters beyond ASCII, such as another kind of dash or quote"),
            ("s3cr’3t", "has characters beyond ASCII, such as another kind of dash or quote"),
            ("“s3cr—3t”", "has characters beyond ASCII, such as another kind of dash or quote"),
            ("ѕ3cr3t", "has characters beyond ASCII, such as another kind of dash or quote"),
            ("client", "is the same as the client id"),
            ("CHANGEME", "looks like a placeholder"),
            ("xxxxxxxx", "looks like a placeholder"),
            (&pair, "reads as base64 of `id:secret`"),
        ] {
            assert!(oddities(value, "client").contains(&looks), "{value:?}: {:?}", oddities(value, "client"));
        }
        let usual = [
            "s3cr3t",
            "p",
            "a b",
            "x/y+z==",
            "/no/such/file",
            "{\"a\":1}",
            "10%",
            "$",
            "c2VjcmV0",
            "ex:ample",
            "\"",
            "a$b",
            "%20",
            "Basically",
        ];
        for value in usual {
            assert_eq!(oddities(value, "client"), Vec::<&str>::new(), "{value:?}");
        }
        assert_eq!(oddities("client", ""), Vec::<&str>::new(), "an id is like itself");
        assert_eq!(oddities("“s3cr3t”", ""), ["begins and ends with quotes"]);
        assert_eq!(oddities("s3cr\u{a0}3t", ""), ["has characters in it that cannot be seen"]);
    }
}

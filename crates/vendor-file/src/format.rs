//! The TOML of a vendor file: its tables and keys with their positions. Only types are checked here.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;
use toml::value::Datetime;

/// A table whose keys the author chooses. It is sorted by key; the positions tell the order in the file.
pub(crate) type Named<T> = BTreeMap<Spanned<String>, T>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct Document {
    pub(crate) name: Spanned<String>,
    pub(crate) title: Spanned<String>,
    pub(crate) source: Spanned<String>,
    pub(crate) read: Spanned<Datetime>,
    #[serde(default)]
    pub(crate) settings: Named<SettingTable>,
    #[serde(default)]
    pub(crate) exclusive: Vec<Spanned<Vec<String>>>,
    pub(crate) request: RequestTable,
    #[serde(default)]
    pub(crate) response: ResponseTable,
    #[serde(default)]
    pub(crate) policy: PolicyTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct SettingTable {
    pub(crate) help: Spanned<String>,
    #[serde(default)]
    pub(crate) values: Vec<Spanned<String>>,
    pub(crate) default: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) optional: bool,
    #[serde(default)]
    pub(crate) secret: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct RequestTable {
    pub(crate) url: Spanned<TextValue>,
    pub(crate) method: Option<Spanned<Method>>,
    pub(crate) encoding: Option<Spanned<Encoding>>,
    pub(crate) secrets_in_url: Option<Spanned<bool>>,
    pub(crate) authentication: Spanned<TextValue>,
    pub(crate) assertion_audience: Option<Spanned<TextValue>>,
    pub(crate) grant_type: Option<Spanned<TextValue>>,
    pub(crate) scope: Option<Spanned<Presence>>,
    pub(crate) scope_parameter: Option<Spanned<String>>,
    pub(crate) scope_separator: Option<Spanned<String>>,
    pub(crate) audience: Option<Spanned<Presence>>,
    pub(crate) resource: Option<Spanned<Presence>>,
    pub(crate) authorization_details: Option<Spanned<Presence>>,
    #[serde(default)]
    pub(crate) parameters: Named<Spanned<TextValue>>,
    #[serde(default)]
    pub(crate) headers: Named<Spanned<TextValue>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    #[default]
    Post,
    Get,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    Form,
    Json,
    Query,
}

/// Whether the caller's token parameters may or must have something.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Presence {
    None,
    Optional,
    Required,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct ResponseTable {
    pub(crate) token: Option<Spanned<String>>,
    pub(crate) token_type: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) any_token_type: bool,
    pub(crate) expires_in: Option<Spanned<String>>,
    pub(crate) expires_at: Option<Spanned<String>>,
    pub(crate) expiry_unit: Option<Spanned<TextValue>>,
    #[serde(default)]
    pub(crate) zero_is_unstated: bool,
    pub(crate) scopes: Option<Spanned<String>>,
    pub(crate) scope_separator: Option<Spanned<String>>,
    pub(crate) refresh_token: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) error_members: Vec<ErrorMembersTable>,
    #[serde(default)]
    pub(crate) error_mappings: Vec<Spanned<ErrorMappingTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table with `code` and `description`")]
pub(crate) struct ErrorMembersTable {
    pub(crate) code: Spanned<String>,
    pub(crate) description: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct ErrorMappingTable {
    pub(crate) status: Option<Spanned<u16>>,
    pub(crate) code: Option<Spanned<String>>,
    pub(crate) kind: MappedKind,
    pub(crate) message: Option<Spanned<String>>,
    pub(crate) remedy: Option<Spanned<String>>,
}

/// The kinds of error that a response can be mapped to.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MappedKind {
    BadResponse,
    CredentialsRefused,
    RateLimited,
    RequestRefused,
    Unavailable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
#[expect(clippy::struct_excessive_bools, reason = "as in `Policy`")]
pub(crate) struct PolicyTable {
    #[serde(default)]
    pub(crate) hosts: Vec<Spanned<AlternativeValue>>,
    pub(crate) presentation: Option<PresentationTable>,
    pub(crate) lifetime: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) limits: Vec<LimitTable>,
    #[serde(default)]
    pub(crate) expired_statuses: Vec<Spanned<u16>>,
    #[serde(default)]
    pub(crate) expired_bodies: Vec<ExpiredBodyTable>,
    #[serde(default)]
    pub(crate) blocks_addresses: bool,
    #[serde(default)]
    pub(crate) single_token: bool,
    #[serde(default)]
    pub(crate) billed_tokens: bool,
    #[serde(default)]
    pub(crate) extended_tokens: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table with `member` and `values`")]
pub(crate) struct ExpiredBodyTable {
    pub(crate) member: Spanned<String>,
    pub(crate) values: Spanned<Vec<String>>,
    pub(crate) status: Option<Spanned<u16>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct PresentationTable {
    pub(crate) header: Option<Spanned<String>>,
    pub(crate) scheme: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) extra_headers: Named<Spanned<TextValue>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table with `requests` and `period`")]
pub(crate) struct LimitTable {
    pub(crate) requests: Spanned<u32>,
    pub(crate) period: Spanned<String>,
    #[serde(default)]
    pub(crate) per_client: bool,
}

/// A text, or a list of alternatives.
#[derive(Debug)]
pub(crate) struct TextValue(pub(crate) Vec<Spanned<AlternativeValue>>);

impl<'de> Deserialize<'de> for TextValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrList;
        impl<'de> Visitor<'de> for TextOrList {
            type Value = TextValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a text, or a list of alternatives such as { when = { setting = \"value\" }, use = \"text\" }",
                )
            }

            fn visit_str<E>(self, text: &str) -> Result<TextValue, E> {
                // An empty position stands for that of the whole value, which is not known here.
                Ok(TextValue(vec![Spanned::new(0..0, AlternativeValue::unconditional(text))]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<TextValue, A::Error> {
                let mut alternatives = Vec::new();
                while let Some(alternative) = list.next_element()? {
                    alternatives.push(alternative);
                }
                Ok(TextValue(alternatives))
            }
        }
        deserializer.deserialize_any(TextOrList)
    }
}

/// A text, with the values that settings must have for it to apply.
#[derive(Debug)]
pub(crate) struct AlternativeValue {
    pub(crate) when: Named<Spanned<String>>,
    pub(crate) text: String,
}

impl AlternativeValue {
    fn unconditional(text: &str) -> Self {
        Self { when: Named::new(), text: text.to_owned() }
    }
}

impl<'de> Deserialize<'de> for AlternativeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, expecting = "a table with `when` and `use`")]
        struct Conditional {
            when: Named<Spanned<String>>,
            r#use: String,
        }

        struct TextOrConditional;
        impl<'de> Visitor<'de> for TextOrConditional {
            type Value = AlternativeValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a table with `when` and `use`")
            }

            fn visit_str<E>(self, text: &str) -> Result<AlternativeValue, E> {
                Ok(AlternativeValue::unconditional(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<AlternativeValue, A::Error> {
                let Conditional { when, r#use } = Conditional::deserialize(MapAccessDeserializer::new(table))?;
                Ok(AlternativeValue { when, text: r#use })
            }
        }
        deserializer.deserialize_any(TextOrConditional)
    }
}

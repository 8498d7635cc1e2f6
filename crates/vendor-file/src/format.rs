//! The file as it is written: its tables and keys, each with its place, and nothing checked but types.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;
use toml::value::Datetime;

/// Names in the order of the alphabet; their places tell the order in which they were written.
pub(crate) type Named<T> = BTreeMap<Spanned<String>, T>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct Document {
    pub(crate) name: Spanned<String>,
    pub(crate) title: Spanned<String>,
    pub(crate) source: Spanned<String>,
    pub(crate) read: Spanned<Datetime>,
    #[serde(default)]
    pub(crate) settings: Named<Setting>,
    #[serde(default)]
    pub(crate) exclusive: Vec<Spanned<Vec<String>>>,
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) response: Response,
    #[serde(default)]
    pub(crate) policy: Policy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct Setting {
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
pub(crate) struct Request {
    pub(crate) url: Spanned<Choice>,
    pub(crate) method: Option<Spanned<Method>>,
    pub(crate) encoding: Option<Spanned<Encoding>>,
    pub(crate) authentication: Spanned<Choice>,
    pub(crate) assertion_audience: Option<Spanned<Choice>>,
    pub(crate) grant_type: Option<Spanned<Choice>>,
    pub(crate) scope: Option<Spanned<Taken>>,
    pub(crate) scope_name: Option<Spanned<String>>,
    pub(crate) scope_separator: Option<Spanned<String>>,
    pub(crate) audience: Option<Spanned<Taken>>,
    pub(crate) resources: Option<Spanned<Taken>>,
    pub(crate) authorization_details: Option<Spanned<Taken>>,
    #[serde(default)]
    pub(crate) parameters: Named<Spanned<Choice>>,
    #[serde(default)]
    pub(crate) headers: Named<Spanned<Choice>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    #[default]
    Post,
    Get,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    Form,
    Json,
    Query,
}

/// Whether something may be asked for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Taken {
    None,
    Optional,
    Required,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct Response {
    pub(crate) token: Option<Spanned<String>>,
    pub(crate) token_type: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) any_token_type: bool,
    pub(crate) expires_in: Option<Spanned<String>>,
    pub(crate) expires_at: Option<Spanned<String>>,
    pub(crate) expiry_unit: Option<Spanned<Choice>>,
    pub(crate) scopes: Option<Spanned<String>>,
    pub(crate) scope_separator: Option<Spanned<String>>,
    pub(crate) refresh_token: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) errors: Vec<ErrorMembers>,
    #[serde(default)]
    pub(crate) meanings: Vec<Spanned<ErrorMapping>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table with `code` and `description`")]
pub(crate) struct ErrorMembers {
    pub(crate) code: Spanned<String>,
    pub(crate) description: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct ErrorMapping {
    pub(crate) status: Option<Spanned<u16>>,
    pub(crate) code: Option<Spanned<String>>,
    pub(crate) kind: Kind,
    pub(crate) message: Option<Spanned<String>>,
    pub(crate) remedy: Option<Spanned<String>>,
}

/// The kinds of failure that an answer can be, by their names for programs.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    BadResponse,
    CredentialsRefused,
    RateLimited,
    RequestRefused,
    Unavailable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct Policy {
    #[serde(default)]
    pub(crate) hosts: Vec<Spanned<Alternative>>,
    pub(crate) presentation: Option<Presentation>,
    pub(crate) lifetime: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) limits: Vec<Limit>,
    #[serde(default)]
    pub(crate) expired_statuses: Vec<Spanned<u16>>,
    #[serde(default)]
    pub(crate) blocks_addresses: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(crate) struct Presentation {
    pub(crate) header: Option<Spanned<String>>,
    pub(crate) scheme: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) companions: Named<Spanned<Choice>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table with `requests` and `period`")]
pub(crate) struct Limit {
    pub(crate) requests: Spanned<u32>,
    pub(crate) period: Spanned<String>,
    #[serde(default)]
    pub(crate) per_client: bool,
}

/// A text, or several of which the first that applies is taken.
#[derive(Debug)]
pub(crate) struct Choice(pub(crate) Vec<Spanned<Alternative>>);

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Alternatives;
        impl<'de> Visitor<'de> for Alternatives {
            type Value = Choice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a text, or a list of alternatives such as { when = { setting = \"value\" }, use = \"text\" }",
                )
            }

            fn visit_str<E>(self, text: &str) -> Result<Choice, E> {
                // Its place is that of the choice.
                Ok(Choice(vec![Spanned::new(0..0, Alternative::always(text))]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Choice, A::Error> {
                let mut alternatives = Vec::new();
                while let Some(alternative) = list.next_element()? {
                    alternatives.push(alternative);
                }
                Ok(Choice(alternatives))
            }
        }
        deserializer.deserialize_any(Alternatives)
    }
}

/// A text that applies always, or when settings have these values.
#[derive(Debug)]
pub(crate) struct Alternative {
    pub(crate) when: Named<Spanned<String>>,
    pub(crate) text: String,
}

impl Alternative {
    fn always(text: &str) -> Self {
        Self { when: Named::new(), text: text.to_owned() }
    }
}

impl<'de> Deserialize<'de> for Alternative {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, expecting = "a table with `when` and `use`")]
        struct Guarded {
            when: Named<Spanned<String>>,
            r#use: String,
        }

        struct TextOrGuarded;
        impl<'de> Visitor<'de> for TextOrGuarded {
            type Value = Alternative;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a table with `when` and `use`")
            }

            fn visit_str<E>(self, text: &str) -> Result<Alternative, E> {
                Ok(Alternative::always(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Alternative, A::Error> {
                let Guarded { when, r#use } = Guarded::deserialize(MapAccessDeserializer::new(table))?;
                Ok(Alternative { when, text: r#use })
            }
        }
        deserializer.deserialize_any(TextOrGuarded)
    }
}

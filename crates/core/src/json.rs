//! JSON that states something twice, and JSON that does not.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Returns `true` if an object in this JSON, at any depth, has two members of one name.
///
/// Of two such members, some parsers keep the first and some the last (RFC 8259 section 4), so two programs that read
/// the same text may read different things. Names are compared after their escapes are decoded. Returns `false` for a
/// text that is not JSON.
///
/// ```
/// use credentials_grant::has_repeated_member;
///
/// assert!(has_repeated_member(br#"{"aud":"a","\u0061ud":"b"}"#));
/// assert!(has_repeated_member(br#"[{"act":{"sub":"a","sub":"a"}}]"#));
/// assert!(!has_repeated_member(br#"{"sub":"a","act":{"sub":"b"}}"#));
/// ```
#[must_use]
pub fn has_repeated_member(json: &[u8]) -> bool {
    let mut is_repeated = false;
    // The error is either ours, or that of a text that is not JSON.
    let _ = Unique(&mut is_repeated).deserialize(&mut serde_json::Deserializer::from_slice(json));
    is_repeated
}

/// Returns the members of a JSON object if no two have one name, and none is an object or an array: then nothing else
/// in it can be said twice. Most token responses are such objects, and this reads them in one pass.
pub(crate) fn flat_object(json: &[u8]) -> Option<Map<String, Value>> {
    let FlatObject(members) = serde_json::from_slice(json).ok()?;
    Some(members)
}

struct FlatObject(Map<String, Value>);

impl<'de> Deserialize<'de> for FlatObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FlatVisitor)
    }
}

struct FlatVisitor;

impl<'de> Visitor<'de> for FlatVisitor {
    type Value = FlatObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<FlatObject, A::Error> {
        let mut flat = Map::new();
        while let Some((name, value)) = members.next_entry()? {
            if matches!(value, Value::Object(_) | Value::Array(_)) || flat.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is nested or repeated"));
            }
        }
        Ok(FlatObject(flat))
    }
}

/// Reads any value, and notes whether a member is repeated in it.
struct Unique<'a>(&'a mut bool);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                *self.0 = true;
                return Err(A::Error::custom("a member is repeated"));
            }
            members.next_value_seed(Unique(self.0))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(Unique(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_member_is_found_wherever_it_stands() {
        let repeated = [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":[true,null,1.5,-1,"x"],"\u0061":2}"#,
            r#"{"a":{"b":[{"c":1,"c":2}]}}"#,
            r#"[[{"":1,"":2}]]"#,
            r#"{"a":1,"a":"#,
        ];
        for json in repeated {
            assert!(has_repeated_member(json.as_bytes()), "{json}");
        }
        let deep = "[".repeat(10_000);
        for json in [r#"{"a":{"a":{"a":1}},"A":2}"#, r#"[{"a":1},{"a":2}]"#, "7", "", "{", "<a a a>", &deep] {
            assert!(!has_repeated_member(json.as_bytes()), "{json}");
        }
    }

    #[test]
    fn an_object_is_flat_if_nothing_in_it_can_be_said_twice() {
        for json in ["{}", r#"{"a":1,"A":"x","b":null,"c":true,"d":-1.5e300,"e":18446744073709551615}"#] {
            let members = flat_object(json.as_bytes()).expect(json);
            assert_eq!(Value::Object(members), json.parse::<Value>().unwrap());
        }
        let others = [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{}}"#,
            r#"{"a":[]}"#,
            r#"{"a":1}{}"#,
            r#"{"a":1"#,
            "[]",
            "7",
            "",
        ];
        for json in others {
            assert!(flat_object(json.as_bytes()).is_none(), "{json}");
        }
    }
}

//! JSON that states something twice.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

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
}

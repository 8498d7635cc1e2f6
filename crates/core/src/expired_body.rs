//! Bodies by which an API says that the token has expired.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::Value;

use crate::charset::decode;
use crate::response_reader::{find, word};

/// A body of an API's response that means "the token has expired": JSON with a member that has one of some values.
///
/// Some APIs say so with the status 200, or with one that has other meanings too.
///
/// ```
/// use credentials_grant::{ExpiredBody, Policy, StatusCode};
///
/// // Marketo: 601 is an invalid token, 602 an expired one.
/// let marketo = ExpiredBody::new("/errors/0/code", ["601", "602"]).with_status(StatusCode::OK);
/// assert!(marketo.matches(StatusCode::OK, br#"{"success":false,"errors":[{"code":"602"}]}"#));
/// let policy = Policy::new().with_expired_body(marketo);
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ExpiredBody {
    status: Option<StatusCode>,
    member: Cow<'static, str>,
    values: Vec<Cow<'static, str>>,
}

impl ExpiredBody {
    /// Creates the description of a body whose member has one of these values: texts, or numbers as texts. The member
    /// is given by its name, or by a JSON pointer (RFC 6901) that starts with a slash.
    pub fn new<V: Into<Cow<'static, str>>>(
        member: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self { status: None, member: member.into(), values: values.into_iter().map(Into::into).collect() }
    }

    /// Sets the status that the response has. By default, it may have any.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Returns `true` if a response with this status may have such a body.
    #[must_use]
    pub fn may_have(&self, status: StatusCode) -> bool {
        self.status.is_none_or(|expected| expected == status)
    }

    /// Returns `true` if a response with this status and body says that the token has expired.
    #[must_use]
    pub fn matches(&self, status: StatusCode, body: &[u8]) -> bool {
        let said = || {
            let json: Value = serde_json::from_str(&decode(body, None)).ok()?;
            word(find(&json, &self.member)?)
        };
        self.may_have(status) && said().is_some_and(|said| self.values.iter().any(|value| *value == said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_means_expired_by_a_member_and_its_values() {
        let body = ExpiredBody::new("/errors/0/code", ["601", "token_expired"]);
        for said in [
            r#"{"errors":[{"code":"601"}]}"#,
            r#"{"errors":[{"code":601}]}"#,
            r#"{"errors":[{"code":"token_expired"}]}"#,
        ] {
            assert!(body.matches(StatusCode::OK, said.as_bytes()), "{said}");
            assert!(body.matches(StatusCode::NOT_FOUND, said.as_bytes()), "{said}");
            assert!(
                !body.clone().with_status(StatusCode::NOT_FOUND).matches(StatusCode::OK, said.as_bytes()),
                "{said}"
            );
        }
        let others = [
            r#"{"errors":[{"code":"6010"}]}"#,
            r#"{"errors":[{"code":"610"},{"code":"601"}]}"#,
            r#"{"errors":[{"code":["601"]}]}"#,
            r#"{"errors":"601"}"#,
            r#"{"code":"601"}"#,
            "[601]",
            "601",
            "{",
            "<p>601</p>",
            "",
        ];
        for other in others {
            assert!(!body.matches(StatusCode::OK, other.as_bytes()), "{other}");
        }
        assert!(ExpiredBody::new("fault", ["x"]).matches(StatusCode::OK, br#"{"fault":"x"}"#), "a name is no pointer");
    }
}

//! What an API says in its challenges (RFC 9110 section 11.6.1): whether it is the token that it does not like.

use credentials_grant::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use http_auth::{ChallengeRef, parse_challenges};

/// What an API that does not let a request in has against it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Complaint {
    /// The proof lacks the API's nonce (RFC 9449 section 9).
    Nonce,
    /// Something that neither a nonce nor another token of the same kind would help: what the token may do (RFC 6750 section
    /// 3.1), or what is wrong with the proof (RFC 9449 section 7.1).
    Other,
    /// The token, as long as nothing else is said.
    Token,
}

impl Complaint {
    /// What these challenges say. What is no challenge says nothing.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenges = values.filter_map(|value| parse_challenges(value).ok()).flatten();
        let complaints: Vec<_> = challenges.map(|challenge| Self::in_challenge(&challenge)).collect();
        // Servers that take tokens of both kinds send a challenge for each.
        [Self::Nonce, Self::Other].into_iter().find(|said| complaints.contains(said)).unwrap_or(Self::Token)
    }

    fn in_challenge(challenge: &ChallengeRef<'_>) -> Self {
        let error = challenge.params.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case("error"));
        match error.map(|(_, value)| value.to_unescaped()).as_deref() {
            Some("use_dpop_nonce") => Self::Nonce,
            Some("insufficient_scope" | "invalid_dpop_proof") => Self::Other,
            _ => Self::Token,
        }
    }
}

#[cfg(test)]
mod tests {
    use credentials_grant::HeaderValue;

    use super::*;

    fn complaint(challenges: &[&str]) -> Complaint {
        let values = challenges.iter().map(|challenge| HeaderValue::from_bytes(challenge.as_bytes()).unwrap());
        Complaint::of(&values.map(|value| (WWW_AUTHENTICATE, value)).collect())
    }

    #[test]
    fn a_challenge_is_read_as_rfc_9110_has_it() {
        for (challenge, says) in [
            (r#"Bearer error="insufficient_scope""#, Complaint::Other),
            (r#"bearer ERROR = "insufficient_scope" , realm=x"#, Complaint::Other),
            ("Bearer error=insufficient_scope", Complaint::Other),
            (r#"Bearer error="insufficient\_scope""#, Complaint::Other),
            (r#", Basic realm="a, b", Bearer realm="x",error="insufficient_scope""#, Complaint::Other),
            (
                r#"Newauth realm="apps", type=1, title="Login to \"apps\"", DPoP error="use_dpop_nonce""#,
                Complaint::Nonce,
            ),
            (r#"DPoP error="invalid_dpop_proof", algs="ES256 PS256""#, Complaint::Other),
            ("Negotiate, DPoP error=use_dpop_nonce", Complaint::Nonce),
            (r#"Bearer error="invalid_token", error="insufficient_scope""#, Complaint::Other),
            (r#"Bearer error="insufficient_scope", error="invalid_token""#, Complaint::Token),
        ] {
            assert_eq!(complaint(&[challenge]), says, "{challenge}");
        }
    }

    #[test]
    fn what_is_said_elsewhere_than_in_an_error_says_nothing() {
        for challenge in [
            "Bearer",
            "Basic",
            r#"Bearer realm="error=insufficient_scope""#,
            r#"Bearer error_description="error=use_dpop_nonce""#,
            r#"Bearer error="insufficient_scope_""#,
            r#"Bearer error="Insufficient_Scope""#,
            "insufficient_scope",
            r#"error="insufficient_scope""#,
            r#"Bearer error="insufficient_scope"#,
            r#"Bearer error="ok", ???"#,
            "Scheme, realm=\"foo\"",
            "",
            ",,,",
            "Bearer \u{e9}",
        ] {
            assert_eq!(complaint(&[challenge]), Complaint::Token, "{challenge}");
        }
        assert_eq!(complaint(&[]), Complaint::Token);
    }

    #[test]
    fn of_several_challenges_the_one_that_can_be_met_counts() {
        let (nonce, scope) = (r#"DPoP error="use_dpop_nonce""#, r#"Bearer error="insufficient_scope""#);
        assert_eq!(complaint(&[scope, nonce]), Complaint::Nonce);
        assert_eq!(complaint(&["Basic", scope]), Complaint::Other);
        assert_eq!(complaint(&["\"malformed", nonce]), Complaint::Nonce);
    }
}

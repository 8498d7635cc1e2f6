//! Reads challenges (RFC 9110 section 11.6.1): whether the API objects to the token or to something else.

use credentials_grant::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use http_auth::{ChallengeRef, parse_challenges};

/// What an API objects to in a request that it refuses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Problem {
    /// The proof lacks the API's nonce (RFC 9449 section 9).
    Nonce,
    /// Something that neither a nonce nor a new token would fix: missing scopes (RFC 6750 section 3.1), or an invalid
    /// proof (RFC 9449 section 7.1).
    Other,
    /// The token, unless the API says otherwise.
    Token,
}

impl Problem {
    /// Reads the challenges of a response. Values that are not challenges are ignored.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenges = values.filter_map(|value| parse_challenges(value).ok()).flatten();
        let problems: Vec<_> = challenges.map(|challenge| Self::in_challenge(&challenge)).collect();
        // Servers that accept both Bearer and DPoP tokens send a challenge for each.
        [Self::Nonce, Self::Other].into_iter().find(|said| problems.contains(said)).unwrap_or(Self::Token)
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

    fn problem(challenges: &[&str]) -> Problem {
        let values = challenges.iter().map(|challenge| HeaderValue::from_bytes(challenge.as_bytes()).unwrap());
        Problem::of(&values.map(|value| (WWW_AUTHENTICATE, value)).collect())
    }

    #[test]
    fn a_challenge_is_read_as_rfc_9110_has_it() {
        for (challenge, says) in [
            (r#"Bearer error="insufficient_scope""#, Problem::Other),
            (r#"bearer ERROR = "insufficient_scope" , realm=x"#, Problem::Other),
            ("Bearer error=insufficient_scope", Problem::Other),
            (r#"Bearer error="insufficient\_scope""#, Problem::Other),
            (r#", Basic realm="a, b", Bearer realm="x",error="insufficient_scope""#, Problem::Other),
            (r#"Newauth realm="apps", type=1, title="Login to \"apps\"", DPoP error="use_dpop_nonce""#, Problem::Nonce),
            (r#"DPoP error="invalid_dpop_proof", algs="ES256 PS256""#, Problem::Other),
            ("Negotiate, DPoP error=use_dpop_nonce", Problem::Nonce),
            (r#"Bearer error="invalid_token", error="insufficient_scope""#, Problem::Other),
            (r#"Bearer error="insufficient_scope", error="invalid_token""#, Problem::Token),
        ] {
            assert_eq!(problem(&[challenge]), says, "{challenge}");
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
            assert_eq!(problem(&[challenge]), Problem::Token, "{challenge}");
        }
        assert_eq!(problem(&[]), Problem::Token);
    }

    #[test]
    fn of_several_challenges_the_one_that_can_be_met_counts() {
        let (nonce, scope) = (r#"DPoP error="use_dpop_nonce""#, r#"Bearer error="insufficient_scope""#);
        assert_eq!(problem(&[scope, nonce]), Problem::Nonce);
        assert_eq!(problem(&["Basic", scope]), Problem::Other);
        assert_eq!(problem(&["\"malformed", nonce]), Problem::Nonce);
    }
}

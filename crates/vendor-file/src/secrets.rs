//! Detects secrets in a file, which must not hold any.

/// How names of secrets end, without the characters between their words.
const ENDINGS: [&str; 14] = [
    "accesskey",
    "apikey",
    "appkey",
    "assertion",
    "authorization",
    "credential",
    "credentials",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "subscriptionkey",
];

/// Returns `true` if something with this name is a secret: `client_secret`, `X-API-Key`, `Authorization`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let joined: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let joined = joined.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| joined.ends_with(ending))
}

/// Returns `true` if this text is a secret whatever its name: a PEM key or a JSON Web Token.
pub(crate) fn contains_secret(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_'));
    text.contains("-----BEGIN ") || words.any(is_jwt)
}

/// Returns `true` for three parts, of which the first is the base64 of `{"…`.
fn is_jwt(word: &str) -> bool {
    const SHORTEST_HEADER: usize = 16;
    let header = word.split('.').next().unwrap_or_default();
    header.starts_with("eyJ") && header.len() >= SHORTEST_HEADER && word.matches('.').count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_detected_by_its_name_however_its_words_are_joined() {
        for name in
            ["client_secret", "clientSecret", "Client-Secret", "X-API-Key", "ocp-apim-subscription-key", "PASSWORD"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["client_id", "grant_type", "token_format", "secret_version", "keyboard", ""] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_key_and_a_token_are_detected_by_their_form() {
        assert!(contains_secret("-----BEGIN PRIVATE KEY-----"));
        assert!(contains_secret("Bearer eyJhbGciOiJub25lIn0.e30.c2ln"));
        assert!(
            !contains_secret("TOAST_MACHINE_CLIENT")
                && !contains_secret("https://eyJ.example.com")
                && !contains_secret("")
        );
    }
}

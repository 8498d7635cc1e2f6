//! Names of headers and parameters whose values are secrets wherever they are used. On the command line, every user of
//! a machine could read them.

use std::time::SystemTime;

use credentials_grant::{AccessToken, ClientCredentials, CredentialsGrant, HeaderName, TokenParameters, TokenResponse};

/// How names of secrets end, without the characters between their words.
const ENDINGS: [&str; 17] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "appkey",
    "assertion",
    "authorization",
    "authtoken",
    "cookie",
    "credential",
    "credentials",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "subscriptionkey",
];

/// Returns `true` if something with this name is a secret: `client_secret`, `X-API-Key`, `Authorization`.
pub(super) fn is_secret_name(name: &str) -> bool {
    let joined: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let joined = joined.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| joined.ends_with(ending))
}

/// Returns the headers that come with the vendor's token: its own, and those for further secrets and the client id.
pub(super) fn headers_of_token(grant: &dyn CredentialsGrant) -> Vec<HeaderName> {
    let (response, parameters) = (TokenResponse::new("placeholder"), TokenParameters::new());
    let credentials = ClientCredentials::placeholder();
    let token = AccessToken::new(response, &parameters, &grant.policy(), &credentials, SystemTime::UNIX_EPOCH);
    // A token that cannot be presented is an error later on, where it is explained.
    token.map(|token| token.header_pairs().map(|(name, _)| name.clone()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_detected_by_its_name_however_its_words_are_joined() {
        for name in
            ["client_secret", "clientSecret", "X-API-Key", "Ocp-Apim-Subscription-Key", "Set-Cookie", "X-Auth-Token"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in
            ["Idempotency-Key", "X-CSRF-Token", "client_id", "secret_version", "X-Request-Id", "aws_client_metadata"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}

//! The client authentication method that is used if none is set.

use credentials_grant::{ClientAuthentication, ClientCredentials, Error, ErrorKind};

/// The methods, the best first, and their names in metadata.
///
/// A signed assertion sends no secret. An assertion signed with the secret sends none either, but clients that have a
/// secret are seldom registered for it. A certificate beside a secret or a key may be there to bind tokens to it.
const PREFERENCE: [(ClientAuthentication, &str); 7] = [
    (ClientAuthentication::PrivateKeyJwt, "private_key_jwt"),
    (ClientAuthentication::ClientSecretBasic, "client_secret_basic"),
    (ClientAuthentication::ClientSecretPost, "client_secret_post"),
    (ClientAuthentication::ClientSecretJwt, "client_secret_jwt"),
    (ClientAuthentication::TlsClientAuth, "tls_client_auth"),
    (ClientAuthentication::TlsClientAuth, "self_signed_tls_client_auth"),
    (ClientAuthentication::None, "none"),
];

/// The names of the IANA registries that lists in metadata may have, for client authentication and signatures (JOSE).
const REGISTERED: &str = "client_secret_basic client_secret_jwt client_secret_post none private_key_jwt \
    self_signed_tls_client_auth tls_client_auth \
    ES256 ES256K ES384 ES512 Ed25519 Ed448 EdDSA ML-DSA-44 PS256 PS384 PS512 RS256 RS384 RS512";

/// Returns the best method that the credentials support and the server accepts. Without a list, it accepts every
/// method.
pub(crate) fn preferred(
    accepted: Option<&[String]>,
    credentials: &ClientCredentials,
) -> Result<ClientAuthentication, Error> {
    let is_accepted = |name| accepted.is_none_or(|accepted| accepted.iter().any(|other| other == name));
    let supported = PREFERENCE.iter().filter(|(method, _)| supports(credentials, *method));
    let mut common = supported.clone().filter(|(_, name)| is_accepted(*name));
    common.next().map(|(method, _)| *method).ok_or_else(|| {
        let supported: Vec<_> = supported.map(|(_, name)| *name).collect();
        let (accepted, supported) = (listed(accepted.unwrap_or_default()), supported.join(", "));
        let message = format!(
            "the server's metadata lists {accepted} for client authentication, but the credentials are for {supported}"
        );
        Error::new(ErrorKind::Configuration, message)
            .with_own_words("")
            .with_remedy("give credentials for one of the server's methods, or set the client authentication method")
    })
}

/// Returns the names of a list in metadata for an error. Only registered names are repeated: any other may be anything,
/// such as a secret that the server has received before.
pub(crate) fn listed(names: &[String]) -> String {
    let is_registered = |name: &&str| REGISTERED.split_whitespace().any(|registered| registered == *name);
    let names = || names.iter().map(String::as_str);
    let others = names().any(|name| !is_registered(&name)).then_some("others");
    let listed: Vec<_> = names().filter(is_registered).take(10).chain(others).collect();
    if listed.is_empty() { "nothing".to_owned() } else { listed.join(", ") }
}

fn supports(credentials: &ClientCredentials, method: ClientAuthentication) -> bool {
    let has_key = credentials.assertion().is_some() || credentials.signer().is_some();
    match method {
        ClientAuthentication::PrivateKeyJwt => has_key,
        ClientAuthentication::TlsClientAuth => credentials.certificate().is_some(),
        ClientAuthentication::None => {
            !has_key && credentials.client_secret().is_err() && credentials.certificate().is_none()
        }
        _ => credentials.client_secret().is_ok(),
    }
}

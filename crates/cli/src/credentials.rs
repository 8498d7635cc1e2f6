//! Who asks, and how they prove it.

use credentials_grant::{ClientCredentials, Error, ExposeSecret};
use credentials_grant_client::{KeySigner, SigningAlgorithm};

use crate::exit::Failure;
use crate::given::Given;
use crate::input::{ALGORITHM, ASSERTION, CERTIFICATE, CLIENT_ID, CLIENT_SECRET, Input, KEY, KEY_ID, KEYS};
use crate::registry::Proof;

/// The credentials, from what was given. Says what is missing from them, and which flags contradict each other.
///
/// An environment is made for more than one command, so a variable that this one has no use for is left alone.
pub(crate) fn read(given: &Given<'_>) -> Result<ClientCredentials, Failure> {
    let proof = proof(given)?;
    let client_id = given.word(&CLIENT_ID)?.ok_or_else(|| missing(given, &CLIENT_ID))?;
    check(given, proof)?;
    let content = |input: &Input| if is_for(proof, input) { given.content(input) } else { Ok(None) };
    let mut credentials = match content(&CLIENT_SECRET)? {
        Some(secret) => ClientCredentials::new(client_id, secret),
        None => ClientCredentials::without_secret(client_id),
    };
    if is_for(proof, &KEY) && given.has(&KEY) {
        credentials = credentials.with_signer(signer(given)?);
    }
    if let Some(assertion) = content(&ASSERTION)? {
        credentials = credentials.with_assertion(assertion);
    }
    for input in given.provider.further_secrets() {
        if let Some(secret) = given.content(&input)? {
            credentials = credentials.with_secret(input.name, secret);
        }
    }
    Ok(credentials)
}

/// By what the client is to prove who it is; nothing if that is for the server's metadata to say.
fn proof(given: &Given<'_>) -> Result<Option<Proof>, Failure> {
    let Some(proof) = given.provider.proof else { return Ok(Some(Proof::Secret)) };
    let Some(auth) = given.provider.auth() else { return Ok(None) };
    Ok(given.word(&auth)?.as_deref().map(proof))
}

/// Whether a proof takes this; one that is not known yet takes all there is.
fn is_for(proof: Option<Proof>, input: &Input) -> bool {
    match proof {
        None => true,
        Some(Proof::Key) => KEYS.iter().any(|key| key.name == input.name),
        Some(Proof::Nothing) => false,
        Some(Proof::Secret) => input.name == CLIENT_SECRET.name,
    }
}

/// Refuses what is missing, and flags that do not go together.
fn check(given: &Given<'_>, proof: Option<Proof>) -> Result<(), Failure> {
    let idle = KEYS.iter().chain([&CLIENT_SECRET]).find(|input| given.has_flag(input) && !is_for(proof, input));
    if let Some((idle, auth)) = idle.zip(given.provider.auth()) {
        let way = given.word(&auth)?.unwrap_or_default();
        return Err(contradiction(given, &idle.flag(), &format!("{} {way}", given.as_written(&auth))));
    }
    let has = |input: &Input| is_for(proof, input) && given.has(input);
    let (secret, key, assertion) = (has(&CLIENT_SECRET), has(&KEY), has(&ASSERTION));
    if key && assertion {
        return Err(contradiction(given, &given.as_written(&KEY), &given.as_written(&ASSERTION)));
    }
    if let Some(about_key) = [CERTIFICATE, KEY_ID, ALGORITHM].iter().find(|input| given.has_flag(input) && !key) {
        let message = format!("{} is about a key, and there is none", about_key.flag());
        return Err(given.usage(message, format!("give {}", given.could_write(&KEY))));
    }
    match proof {
        Some(Proof::Secret) if !secret => Err(missing(given, &CLIENT_SECRET)),
        Some(Proof::Key) if !key && !assertion => Err(given.usage(
            "the key is missing",
            format!("give {}; or a JWT of your platform's, by {}", given.could_write(&KEY), ASSERTION.flag()),
        )),
        None if !secret && !key && !assertion => Err(given.usage(
            "nothing proves who the client is",
            format!(
                "give {}, {} or {} PATH; a public client needs --auth none",
                given.could_write(&CLIENT_SECRET),
                KEY.flag(),
                ASSERTION.flag()
            ),
        )),
        _ => Ok(()),
    }
}

/// What signs with the key that was given.
fn signer(given: &Given<'_>) -> Result<KeySigner, Failure> {
    let refused =
        |input: Input| move |error: Error| given.of_provider(given.explain(error).about(&given.as_written(&input)));
    let key = given.content(&KEY)?.unwrap_or_default();
    let is_json = key.expose_secret().trim_start().starts_with('{');
    let mut signer = if is_json { KeySigner::from_jwk(key) } else { KeySigner::from_pem(key) }.map_err(refused(KEY))?;
    if let Some(name) = given.word(&ALGORITHM)? {
        let signing_by = |algorithm: SigningAlgorithm| signer.with_algorithm(algorithm);
        signer = name.parse().and_then(signing_by).map_err(refused(ALGORITHM))?;
    }
    if let Some(key_id) = given.word(&KEY_ID)? {
        signer = signer.with_key_id(key_id);
    }
    if let Some(pem) = given.content(&CERTIFICATE)? {
        signer = signer.with_certificate(pem.expose_secret()).map_err(refused(CERTIFICATE))?;
    }
    Ok(signer)
}

fn missing(given: &Given<'_>, input: &Input) -> Failure {
    let message = format!("the {} is missing", input.name.replace('-', " "));
    given.usage(message, format!("give {}", given.could_write(input)))
}

fn contradiction(given: &Given<'_>, one: &str, other: &str) -> Failure {
    given.usage(format!("{one} and {other} contradict each other"), "leave one of them out")
}

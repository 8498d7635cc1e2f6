//! Who asks, and how they prove it.

use credentials_grant::{ClientCertificate, ClientCredentials, Error, ExposeSecret, SecretString};
use credentials_grant_client::{KeySigner, SigningAlgorithm};
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

use crate::exit::Failure;
use crate::given::Given;
use crate::input::{ALGORITHM, ASSERTION, CERTIFICATE, CLIENT_ID, CLIENT_SECRET, Input, KEY, KEY_ID, KEYS};
use crate::provider::Proof;

/// The credentials for this proof, from what was given. Says what is missing from them, and which flags contradict each other.
///
/// An environment is made for more than one command, so a variable that this one has no use for is left alone.
pub(crate) fn read(given: &Given<'_>, proof: Option<Proof>) -> Result<ClientCredentials, Failure> {
    let client_id = given.word(&CLIENT_ID)?.ok_or_else(|| given.missing(&CLIENT_ID))?;
    check(given, proof)?;
    let content = |input: &Input| if is_for(given, proof, input) { given.content(input) } else { Ok(None) };
    let mut credentials = match content(&CLIENT_SECRET)? {
        Some(secret) => ClientCredentials::new(client_id, secret),
        None => ClientCredentials::without_secret(client_id),
    };
    if shows_certificate(given, proof) {
        credentials = credentials.with_certificate(certificate(given)?);
    } else if is_for(given, proof, &KEY) && given.has(&KEY) {
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

/// Whether a proof takes this; one that is not known yet takes all there is.
fn is_for(given: &Given<'_>, proof: Option<Proof>, input: &Input) -> bool {
    let is_one_of = |inputs: &[Input]| inputs.iter().any(|other| other.name == input.name);
    match proof {
        None => true,
        Some(Proof::Certificate) => is_one_of(&[CERTIFICATE, KEY]),
        Some(Proof::Key) => is_one_of(&KEYS),
        Some(Proof::Nothing) => false,
        Some(Proof::Secret) if shows_certificate(given, proof) => is_one_of(&[CLIENT_SECRET, CERTIFICATE, KEY]),
        Some(Proof::Secret) => is_one_of(&[CLIENT_SECRET]),
    }
}

/// Whether a certificate is shown in TLS: to prove who the client is or, beside a secret, to bind its tokens. Beside a key it
/// is what assertions name the key by.
fn shows_certificate(given: &Given<'_>, proof: Option<Proof>) -> bool {
    match proof {
        Some(Proof::Certificate) => true,
        Some(Proof::Secret) => given.provider.takes_keys && given.has(&CERTIFICATE),
        Some(Proof::Key | Proof::Nothing) | None => false,
    }
}

/// Refuses what is missing, and flags that do not go together.
fn check(given: &Given<'_>, proof: Option<Proof>) -> Result<(), Failure> {
    let idle = KEYS.iter().chain([&CLIENT_SECRET]).find(|input| given.has_flag(input) && !is_for(given, proof, input));
    if let Some((idle, auth)) = idle.zip(given.provider.auth()) {
        let way = given.word(&auth)?.unwrap_or_default();
        return Err(contradiction(given, &idle.flag(), &format!("{} {way}", given.as_written(&auth))));
    }
    let has = |input: &Input| is_for(given, proof, input) && given.has(input);
    let (secret, key, assertion) = (has(&CLIENT_SECRET), has(&KEY), has(&ASSERTION));
    if key && assertion {
        return Err(contradiction(given, &given.as_written(&KEY), &given.as_written(&ASSERTION)));
    }
    let about_key = [CERTIFICATE, KEY_ID, ALGORITHM];
    let mut about_key = about_key.iter().filter(|_| !shows_certificate(given, proof));
    if let Some(about_key) = about_key.find(|input| given.has_flag(input) && !key) {
        let message = format!("{} is about a key, and there is none", about_key.flag());
        return Err(given.usage(message, format!("give {}", given.could_write(&KEY))));
    }
    match proof {
        Some(Proof::Certificate) if !given.has(&CERTIFICATE) => Err(given.missing(&CERTIFICATE)),
        Some(Proof::Secret) if !secret => Err(given.missing(&CLIENT_SECRET)),
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
    let mut signer = signing_key(given.content(&KEY)?.unwrap_or_default()).map_err(refused(KEY))?;
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

/// A private key, as PEM or a JSON Web Key.
pub(crate) fn signing_key(key: SecretString) -> Result<KeySigner, Error> {
    let is_json = key.expose_secret().trim_start().starts_with('{');
    if is_json { KeySigner::from_jwk(key) } else { KeySigner::from_pem(key) }
}

/// The certificate to show in TLS with its key, which may be in the same file. What is wrong with them is known before
/// anything is sent.
fn certificate(given: &Given<'_>) -> Result<ClientCertificate, Failure> {
    let [certificate, key] = [CERTIFICATE, KEY].map(|input| given.content(&input));
    let (certificate, key) = (certificate?.unwrap_or_default(), key?);
    let refused = |input: Input, why: &str, remedy: &str| {
        Err(given.usage(format!("{}: {why}", given.as_written(&input)), remedy.to_owned()))
    };
    let parts = [Some(&certificate), key.as_ref()].into_iter().flatten().map(ExposeSecret::expose_secret);
    let pem = SecretString::from(parts.collect::<Vec<_>>().join("\n"));
    let text = pem.expose_secret().as_bytes();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text).flatten().collect();
    if chain.is_empty() {
        return refused(CERTIFICATE, "there is no certificate in it", "give it in PEM");
    }
    let Ok(private_key) = PrivateKeyDer::from_pem_slice(text) else {
        return match key {
            Some(_) => refused(KEY, "there is no private key in it", "give it in PEM, without a passphrase"),
            None => refused(CERTIFICATE, "there is no private key in it", "give the key, by --key-file PATH"),
        };
    };
    match CertifiedKey::from_der(chain, private_key, &default_provider()) {
        Ok(_) => Ok(ClientCertificate::from_pem(pem)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            refused(CERTIFICATE, "the private key is that of another certificate", "give the two that belong together")
        }
        Err(_) => {
            refused(CERTIFICATE, "certificate or key cannot be used", "give both in PEM, as the vendor knows them")
        }
    }
}

fn contradiction(given: &Given<'_>, one: &str, other: &str) -> Failure {
    given.usage(format!("{one} and {other} contradict each other"), "leave one of them out")
}

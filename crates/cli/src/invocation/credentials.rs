//! The client's credentials.

use credentials_grant::{ClientCertificate, ClientCredentials, Error, ExposeSecret, SecretString};
use credentials_grant_client::{KeySigner, SigningAlgorithm};
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::credential_options::CredentialOptions;
use crate::error::CommandError;
use crate::provider::option::ProviderOption;
use crate::provider::options::{
    ALGORITHM, ASSERTION, CERTIFICATE, CLIENT_ID, CLIENT_ID_FILE, CLIENT_SECRET, KEY, KEY_ID,
};
use crate::settings::resolved_options::ResolvedOptions;

/// How often files that change while they are read are read anew.
const MOST_READS: usize = 5;

/// Reads the credentials: files, standard input and variables.
pub(super) fn read(
    options: &ResolvedOptions,
    credentials: &CredentialOptions,
) -> Result<ClientCredentials, CommandError> {
    check_client_id(options)?;
    credentials.check(options)?;
    let content = |option: &ProviderOption| {
        if credentials.takes(options, option) { options.content(option) } else { Ok(None) }
    };
    let (client_id, secret) = id_and_secret(options, || content(&CLIENT_SECRET))?;
    let mut read = match secret {
        Some(secret) => ClientCredentials::new(client_id, secret),
        None => ClientCredentials::without_secret(client_id),
    };
    if credentials.presents_certificate(options) {
        read = read.with_certificate(certificate(options)?);
    } else if credentials.takes(options, &KEY) && options.has(&KEY) {
        read = read.with_signer(signer(options)?);
    }
    if let Some(assertion) = content(&ASSERTION)? {
        read = read.with_assertion(assertion);
    }
    with_extra_secrets(read, options)
}

/// Checks that the client id is set, in one place.
fn check_client_id(options: &ResolvedOptions) -> Result<(), CommandError> {
    match [CLIENT_ID, CLIENT_ID_FILE].map(|option| options.has(&option)) {
        [false, false] => Err(options.missing(&CLIENT_ID)),
        [true, true]
            if !options.overrides(&CLIENT_ID, &CLIENT_ID_FILE) && !options.overrides(&CLIENT_ID_FILE, &CLIENT_ID) =>
        {
            Err(options.contradiction(&options.written(&CLIENT_ID), &options.written(&CLIENT_ID_FILE)))
        }
        _ => Ok(()),
    }
}

/// Returns the client id, if one is set.
fn client_id(options: &ResolvedOptions) -> Result<Option<String>, CommandError> {
    if options.has(&CLIENT_ID_FILE) && !options.overrides(&CLIENT_ID, &CLIENT_ID_FILE) {
        let id = options.content(&CLIENT_ID_FILE)?;
        return Ok(id.map(|id| id.expose_secret().trim().to_owned()));
    }
    options.text(&CLIENT_ID)
}

/// Reads the id and the secret. Files that are replaced together are read until two readings in a row are equal, so
/// that the id of one pair does not meet the secret of another.
fn id_and_secret(
    options: &ResolvedOptions,
    secret: impl Fn() -> Result<Option<SecretString>, CommandError>,
) -> Result<(String, Option<SecretString>), CommandError> {
    let read = || -> Result<_, CommandError> {
        let id = client_id(options)?.ok_or_else(|| options.missing(&CLIENT_ID))?;
        Ok((id, secret()?))
    };
    let mut pair = read()?;
    if ![CLIENT_ID_FILE, CLIENT_SECRET].iter().all(|option| options.is_in_file(option)) {
        return Ok(pair);
    }
    for _ in 1..MOST_READS {
        let again = read()?;
        let [one, other] = [&again, &pair].map(|(id, secret)| (id, secret.as_ref().map(ExposeSecret::expose_secret)));
        if one == other {
            return Ok(pair);
        }
        pair = again;
    }
    Err(options.usage(
        "the files with the client id and the client secret change while they are read",
        "try again when they have been replaced",
    ))
}

/// Reads what an API call with a token at hand needs: the certificate that the token may be bound to, and the secrets
/// whose headers come with the token.
pub(super) fn read_beside_token(
    options: &ResolvedOptions,
    credentials: &CredentialOptions,
) -> Result<ClientCredentials, CommandError> {
    let mut read = ClientCredentials::without_secret(client_id(options)?.unwrap_or_default());
    if credentials.presents_certificate(options) && options.has(&CERTIFICATE) {
        read = read.with_certificate(certificate(options)?);
    }
    with_extra_secrets(read, options)
}

fn with_extra_secrets(
    credentials: ClientCredentials,
    options: &ResolvedOptions,
) -> Result<ClientCredentials, CommandError> {
    options.provider.extra_secrets().try_fold(credentials, |credentials, option| {
        Ok(match options.content(&option)? {
            Some(secret) => credentials.with_secret(option.name, secret),
            None => credentials,
        })
    })
}

/// Makes the signer of assertions from the private key.
fn signer(options: &ResolvedOptions) -> Result<KeySigner, CommandError> {
    let refused = |option: ProviderOption| {
        move |error: Error| {
            let error = options.names().explain(error).about(&options.written(&option));
            error.with_provider(options.provider.name)
        }
    };
    let mut signer = KeySigner::from_text(options.content(&KEY)?.unwrap_or_default()).map_err(refused(KEY))?;
    if let Some(name) = options.text(&ALGORITHM)? {
        let signing_with = |algorithm: SigningAlgorithm| signer.with_algorithm(algorithm);
        signer = name.parse().and_then(signing_with).map_err(refused(ALGORITHM))?;
    }
    if let Some(key_id) = options.text(&KEY_ID)? {
        signer = signer.with_key_id(key_id);
    }
    if let Some(pem) = options.content(&CERTIFICATE)? {
        signer = signer.with_certificate(pem.expose_secret()).map_err(refused(CERTIFICATE))?;
    }
    Ok(signer)
}

/// Reads the certificate that TLS presents and its key, which may be in the same file. Checks both, so that nothing is
/// sent if they are wrong.
fn certificate(options: &ResolvedOptions) -> Result<ClientCertificate, CommandError> {
    let [certificate, key] = [CERTIFICATE, KEY].map(|option| options.content(&option));
    let (certificate, key) = (certificate?.unwrap_or_default(), key?);
    let refused = |option: ProviderOption, why: &str, remedy: &str| {
        Err(options.usage(format!("{}: {why}", options.written(&option)), remedy.to_owned()))
    };
    let parts = [Some(&certificate), key.as_ref()].into_iter().flatten().map(ExposeSecret::expose_secret);
    let pem = SecretString::from(parts.collect::<Vec<_>>().join("\n"));
    let text = pem.expose_secret().as_bytes();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text).flatten().collect();
    if chain.is_empty() {
        return refused(CERTIFICATE, "no certificate found", "use PEM");
    }
    let Ok(private_key) = PrivateKeyDer::from_pem_slice(text) else {
        return match key {
            Some(_) => refused(KEY, "no private key found", "use PEM without a passphrase"),
            None => refused(CERTIFICATE, "no private key found", "add the key to the file, or set --key-file PATH"),
        };
    };
    match CertifiedKey::from_der(chain, private_key, &default_provider()) {
        Ok(_) => Ok(ClientCertificate::from_pem(pem)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            refused(CERTIFICATE, "the private key belongs to another certificate", "use a certificate and its own key")
        }
        Err(_) => {
            refused(CERTIFICATE, "certificate or key cannot be used", "use PEM for both, as registered with the vendor")
        }
    }
}

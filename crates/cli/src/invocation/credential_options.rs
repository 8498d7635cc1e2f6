//! Which credential options count, and whether they fit together.

use crate::error::CommandError;
use crate::provider::CredentialKind;
use crate::provider::option::ProviderOption;
use crate::provider::options::{ALGORITHM, ASSERTION, AUTH, CERTIFICATE, CLIENT_SECRET, KEY, KEY_ID, KEY_OPTIONS};
use crate::settings::resolved_options::ResolvedOptions;

/// The options that can prove who the client is by themselves.
const PROOFS: [ProviderOption; 3] = [CLIENT_SECRET, KEY, ASSERTION];

/// The credential options for one kind of client authentication.
///
/// Environments are made for more than one command, so variables that this kind does not take are ignored. Flags are
/// errors.
pub(super) struct CredentialOptions {
    /// `None` if the server's metadata decide: then everything that is set counts.
    kind: Option<CredentialKind>,
}

impl CredentialOptions {
    /// Finds the kind of credentials from the settings. Drops what flags override: a method in a variable, and other
    /// credentials in variables.
    pub(super) fn choose(options: &mut ResolvedOptions) -> Result<Self, CommandError> {
        let mut credentials = Self::of_settings(options)?;
        if let Some((unused, auth)) = credentials.unused_flag(options).zip(options.option(AUTH))
            && options.overrides(&unused, &auth)
        {
            options.drop_overridden(&auth, &unused);
            credentials = Self::of_settings(options)?;
        }
        if !credentials.presents_certificate(options) {
            for (option, by) in PROOFS.iter().flat_map(|option| PROOFS.iter().map(move |by| (option, by))) {
                if credentials.takes(options, by) && options.overrides(by, option) {
                    options.drop_overridden(option, by);
                }
            }
        }
        Ok(credentials)
    }

    fn of_settings(options: &ResolvedOptions) -> Result<Self, CommandError> {
        Ok(Self { kind: (options.provider.credential_kind)(&options.settings()?) })
    }

    /// Returns `true` if this kind of authentication takes the option.
    pub(super) fn takes(&self, options: &ResolvedOptions, option: &ProviderOption) -> bool {
        let is_one_of = |others: &[ProviderOption]| others.iter().any(|other| other.name == option.name);
        match self.kind {
            None => true,
            Some(CredentialKind::Certificate) => is_one_of(&[CERTIFICATE, KEY]),
            Some(CredentialKind::Key) => is_one_of(&KEY_OPTIONS),
            Some(CredentialKind::None) => false,
            Some(CredentialKind::Secret) if self.presents_certificate(options) => {
                is_one_of(&[CLIENT_SECRET, CERTIFICATE, KEY])
            }
            Some(CredentialKind::Secret) => is_one_of(&[CLIENT_SECRET]),
        }
    }

    /// Returns `true` if TLS presents the certificate: to authenticate the client or, beside a secret, to bind its
    /// tokens. Beside a key, the certificate names the key in assertions.
    pub(super) fn presents_certificate(&self, options: &ResolvedOptions) -> bool {
        match self.kind {
            Some(CredentialKind::Certificate) => true,
            Some(CredentialKind::Secret) => options.provider.takes_keys && options.has(&CERTIFICATE),
            Some(CredentialKind::Key | CredentialKind::None) | None => false,
        }
    }

    /// Checks that nothing is missing, and that no flags contradict each other.
    pub(super) fn check(&self, options: &ResolvedOptions) -> Result<(), CommandError> {
        if let Some((unused, auth)) = self.unused_flag(options).zip(options.option(AUTH)) {
            let method = options.text(&auth)?.unwrap_or_default();
            return Err(options.contradiction(&unused.flag(), &format!("{} {method}", options.written(&auth))));
        }
        let has = |option: &ProviderOption| self.takes(options, option) && options.has(option);
        let (secret, key, assertion) = (has(&CLIENT_SECRET), has(&KEY), has(&ASSERTION));
        if key && assertion {
            return Err(options.contradiction(&options.written(&KEY), &options.written(&ASSERTION)));
        }
        let about_key = [CERTIFICATE, KEY_ID, ALGORITHM];
        let mut about_key = about_key.iter().filter(|_| !self.presents_certificate(options));
        if let Some(about_key) = about_key.find(|option| options.has_flag(option) && !key) {
            let message = format!("{} needs a private key, and none is set", about_key.flag());
            return Err(options.usage(message, format!("set {}", options.ways_to_set(&KEY))));
        }
        match self.kind {
            Some(CredentialKind::Certificate) if !options.has(&CERTIFICATE) => Err(options.missing(&CERTIFICATE)),
            Some(CredentialKind::Secret) if !secret => Err(options.missing(&CLIENT_SECRET)),
            Some(CredentialKind::Key) if !key && !assertion => Err(options.usage(
                "the key is missing",
                format!("set {}; or {} PATH, a JWT of your platform", options.ways_to_set(&KEY), ASSERTION.flag()),
            )),
            None if !secret && !key && !assertion => Err(options.usage(
                "the client has no credentials",
                format!(
                    "set {}, {} or {} PATH; for a public client set --auth none",
                    options.ways_to_set(&CLIENT_SECRET),
                    KEY.flag(),
                    ASSERTION.flag()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Returns a credential option that is set by a flag and not taken.
    fn unused_flag(&self, options: &ResolvedOptions) -> Option<ProviderOption> {
        let credentials = KEY_OPTIONS.iter().chain([&CLIENT_SECRET]);
        credentials.copied().find(|option| options.has_flag(option) && !self.takes(options, option))
    }
}

//! A provider as the command sees it: its name, its options, and how to build it.

pub(crate) mod file;
pub(crate) mod option;
pub(crate) mod options;

use std::sync::Arc;

use credentials_grant::settings::{Configure, Setting, Settings};
use credentials_grant::{ClientAuthentication, CredentialsGrant, Error};
use credentials_grant_emulator::{EmulatedVendor, RunningEmulator};
use credentials_grant_vendor_file::VendorFile;

use self::option::ProviderOption;
use self::options::{AUTH, CA_CERTIFICATES, CLIENT_ID, CLIENT_ID_FILE, CLIENT_SECRET, KEY_OPTIONS, TOKEN_URL};

/// The kind of credentials that client authentication takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CredentialKind {
    /// A certificate that TLS presents.
    Certificate,
    /// A private key that signs assertions, or an assertion that the platform has signed.
    Key,
    /// Nothing but the client id: a public client.
    None,
    /// A client secret.
    Secret,
}

impl CredentialKind {
    /// Returns the kind that this method takes.
    pub(crate) fn of(method: ClientAuthentication) -> Self {
        match method {
            ClientAuthentication::TlsClientAuth => Self::Certificate,
            ClientAuthentication::PrivateKeyJwt => Self::Key,
            ClientAuthentication::None => Self::None,
            _ => Self::Secret,
        }
    }
}

/// A provider that the command can build from settings.
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) emulator: Option<EmulatedVendor>,
    /// Flags that make a plausible command, for help.
    pub(crate) example: &'static str,
    settings: &'static [Setting],
    build: fn(&Settings) -> Result<Arc<dyn CredentialsGrant>, Error>,
    /// The kind of credentials that these settings ask for; `None` if the server's metadata decide.
    pub(crate) credential_kind: fn(&Settings) -> Option<CredentialKind>,
    /// Whether clients can authenticate with a key or a certificate.
    pub(crate) takes_keys: bool,
    /// Whether its tokens can be bound to a key.
    pub(crate) binds_tokens: bool,
    /// Whether it supports introspection and revocation.
    pub(crate) has_token_operations: bool,
    /// The option for the secret of the emulator's gateway, if it has one.
    gateway_key: Option<&'static str>,
}

impl Provider {
    /// Makes the provider of a vendor file.
    pub(crate) fn from_file(
        file: &'static VendorFile,
        build: fn(&Settings) -> Result<Arc<dyn CredentialsGrant>, Error>,
        credential_kind: fn(&Settings) -> Option<CredentialKind>,
    ) -> Self {
        let takes_key =
            |method| matches!(CredentialKind::of(method), CredentialKind::Certificate | CredentialKind::Key);
        Self {
            name: file.name(),
            title: file.title(),
            emulator: None,
            example: "",
            settings: file.settings(),
            build,
            credential_kind,
            takes_keys: file.client_authentications().any(takes_key),
            binds_tokens: false,
            has_token_operations: false,
            gateway_key: None,
        }
    }

    pub(crate) const fn new<P: Configure>() -> Self {
        Self {
            name: P::NAME,
            title: P::TITLE,
            emulator: None,
            example: "",
            settings: P::SETTINGS,
            build: |settings| Ok(Arc::new(P::from_settings(settings)?)),
            credential_kind: |_| Some(CredentialKind::Secret),
            takes_keys: false,
            binds_tokens: false,
            has_token_operations: false,
            gateway_key: None,
        }
    }

    pub(crate) const fn with_emulator(mut self, vendor: EmulatedVendor) -> Self {
        self.emulator = Some(vendor);
        self
    }

    pub(crate) const fn with_example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    /// Lets clients authenticate with keys and certificates: with what the setting `auth` says, or else the metadata.
    pub(crate) const fn with_keys(mut self) -> Self {
        self.credential_kind =
            |settings| Some(settings.find(AUTH)?.parse().map_or(CredentialKind::Secret, CredentialKind::of));
        self.takes_keys = true;
        self
    }

    pub(crate) const fn with_bound_tokens(mut self) -> Self {
        self.binds_tokens = true;
        self
    }

    pub(crate) const fn with_token_operations(mut self) -> Self {
        self.has_token_operations = true;
        self
    }

    pub(crate) const fn with_gateway_key(mut self, name: &'static str) -> Self {
        self.gateway_key = Some(name);
        self
    }

    /// Returns its options for credentials, settings and the connection. What every provider needs comes first.
    pub(crate) fn options(&self) -> impl Iterator<Item = ProviderOption> {
        let keys: &[ProviderOption] = if self.takes_keys { &KEY_OPTIONS } else { &[] };
        let common = |option: ProviderOption| (!self.is_own(option.name)).then_some(option);
        let credentials = [CLIENT_ID, CLIENT_ID_FILE, CLIENT_SECRET].into_iter().chain(keys.iter().copied());
        let settings = self.settings.iter().map(ProviderOption::from);
        credentials.chain(settings).chain(common(TOKEN_URL)).chain([CA_CERTIFICATES])
    }

    /// Returns one of its settings as an option.
    pub(crate) fn setting(&self, name: &str) -> Option<ProviderOption> {
        self.settings.iter().find(|setting| setting.name() == name).map(ProviderOption::from)
    }

    /// Returns the options for the secrets that it needs beside the client's credentials.
    pub(crate) fn extra_secrets(&self) -> impl Iterator<Item = ProviderOption> {
        self.settings.iter().filter(|setting| setting.is_secret()).map(ProviderOption::from)
    }

    /// Returns `true` if it has a setting of its own by this name.
    pub(crate) fn is_own(&self, name: &str) -> bool {
        self.setting(name).is_some()
    }

    /// Returns a host of its API, if there is one that does not depend on the settings.
    pub(crate) fn api_host(&self) -> Option<String> {
        let policy = self.build(&Settings::new()).ok()?.policy();
        policy.hosts().iter().find(|host| !host.starts_with('*')).map(ToString::to_string)
    }

    pub(crate) fn build(&self, settings: &Settings) -> Result<Arc<dyn CredentialsGrant>, Error> {
        (self.build)(settings)
    }

    /// Returns the environment variable of an option: `APALEO_CLIENT_ID`.
    pub(crate) fn variable(&self, option: &str) -> String {
        format!("{}_{option}", self.name).to_ascii_uppercase().replace('-', "_")
    }

    /// Returns the environment variable for the path of a file that holds the value: `APALEO_CLIENT_SECRET_FILE`.
    pub(crate) fn path_variable(&self, option: &str) -> String {
        self.variable(option) + "_FILE"
    }

    /// Returns the values that reach this emulator, by the names of the options.
    pub(crate) fn emulator_values(&self, emulator: &RunningEmulator) -> Vec<(&'static str, String)> {
        let gateway_key = self.gateway_key.zip(emulator.gateway_key());
        [
            (TOKEN_URL.name, emulator.token_url().as_str()),
            (CLIENT_ID.name, emulator.client_id()),
            (CLIENT_SECRET.name, emulator.client_secret()),
        ]
        .into_iter()
        .chain(gateway_key)
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
    }
}

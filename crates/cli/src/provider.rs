//! A provider, as the command needs it, and what can be said of it.

use std::sync::Arc;

use credentials_grant::settings::{Configure, Setting, Settings};
use credentials_grant::{ClientAuthentication, CredentialsGrant, Error};
use credentials_grant_emulator::{EmulatedVendor, RunningEmulator};
use credentials_grant_vendor_file::VendorFile;

use crate::input::{AUTHORITIES, CLIENT_ID, CLIENT_SECRET, Input, KEYS, TOKEN_URL};

/// By what a client proves who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Proof {
    /// The certificate that it shows in TLS.
    Certificate,
    /// What it signs with a private key, or a platform has signed for it.
    Key,
    /// Nothing: a public client.
    Nothing,
    Secret,
}

/// A provider, as the command needs it.
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) emulator: Option<EmulatedVendor>,
    /// Flags that make a plausible command, for help.
    pub(crate) example: &'static str,
    settings: &'static [Setting],
    build: fn(&Settings) -> Result<Arc<dyn CredentialsGrant>, Error>,
    /// By what the client is to prove who it is; nothing if that is for the server's metadata to say.
    pub(crate) proof: fn(&Settings) -> Option<Proof>,
    /// Whether that may be something else than a secret.
    pub(crate) takes_keys: bool,
    /// Whether its tokens can be bound to a key.
    pub(crate) binds_tokens: bool,
    /// Whether it can be asked about tokens, and told to take them back.
    pub(crate) has_operations: bool,
    /// The secret that the emulator's gateway asks for, if it has one.
    gateway_key: Option<&'static str>,
}

impl Provider {
    /// The vendor that a file describes.
    pub(crate) fn described(
        file: &'static VendorFile,
        build: fn(&Settings) -> Result<Arc<dyn CredentialsGrant>, Error>,
        proof: fn(&Settings) -> Option<Proof>,
    ) -> Self {
        let by_key = |way| matches!(way, ClientAuthentication::TlsClientAuth | ClientAuthentication::PrivateKeyJwt);
        Self {
            name: file.name(),
            title: file.title(),
            emulator: None,
            example: "",
            settings: file.settings(),
            build,
            proof,
            takes_keys: file.client_authentications().any(by_key),
            binds_tokens: false,
            has_operations: false,
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
            proof: |_| Some(Proof::Secret),
            takes_keys: false,
            binds_tokens: false,
            has_operations: false,
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

    pub(crate) const fn with_proofs(mut self, proof: fn(&Settings) -> Option<Proof>) -> Self {
        self.proof = proof;
        self.takes_keys = true;
        self
    }

    pub(crate) const fn with_bound_tokens(mut self) -> Self {
        self.binds_tokens = true;
        self
    }

    pub(crate) const fn with_operations(mut self) -> Self {
        self.has_operations = true;
        self
    }

    pub(crate) const fn with_gateway_key(mut self, name: &'static str) -> Self {
        self.gateway_key = Some(name);
        self
    }

    /// Everything that can be said of it, what all providers need first.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = Input> {
        let keys: &[Input] = if self.takes_keys { &KEYS } else { &[] };
        let common = |input: Input| (!self.is_own(input.name)).then_some(input);
        let credentials = [CLIENT_ID, CLIENT_SECRET].into_iter().chain(keys.iter().copied());
        credentials.chain(self.settings.iter().map(Input::from)).chain(common(TOKEN_URL)).chain([AUTHORITIES])
    }

    /// Its setting for how clients authenticate, if that can be set.
    pub(crate) fn auth(&self) -> Option<Input> {
        self.settings.iter().find(|setting| setting.name() == "auth").map(Input::from)
    }

    /// The secrets that it wants beside the client's.
    pub(crate) fn further_secrets(&self) -> impl Iterator<Item = Input> {
        self.settings.iter().filter(|setting| setting.is_secret()).map(Input::from)
    }

    /// Whether this provider has a word of its own for what has this name.
    pub(crate) fn is_own(&self, name: &str) -> bool {
        self.settings.iter().any(|own| own.name() == name)
    }

    /// A host whose API takes the token, if there is one that does not depend on the settings.
    pub(crate) fn api_host(&self) -> Option<String> {
        let policy = self.build(&Settings::new()).ok()?.policy();
        policy.hosts().iter().find(|host| !host.starts_with('*')).map(ToString::to_string)
    }

    pub(crate) fn build(&self, settings: &Settings) -> Result<Arc<dyn CredentialsGrant>, Error> {
        (self.build)(settings)
    }

    /// The environment variable of an input: `APALEO_CLIENT_ID`.
    pub(crate) fn variable(&self, input: &str) -> String {
        format!("{}_{input}", self.name).to_ascii_uppercase().replace('-', "_")
    }

    /// The environment variable for the path of a file that holds it: `APALEO_CLIENT_SECRET_FILE`.
    pub(crate) fn path_variable(&self, input: &str) -> String {
        self.variable(input) + "_FILE"
    }

    /// What an emulator of this provider wants to be told, by the names of the inputs.
    pub(crate) fn at_emulator(&self, emulator: &RunningEmulator) -> Vec<(&'static str, String)> {
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

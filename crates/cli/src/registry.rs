//! The providers that the command knows. A new one is a dependency in `Cargo.toml` and an entry here.

use std::sync::Arc;

use credentials_grant::{Configure, CredentialsGrant, Error, Setting, Settings};
use credentials_grant_apaleo::Apaleo;
use credentials_grant_cognito::Cognito;
use credentials_grant_emulator::{RunningEmulator, Vendor};
use credentials_grant_oauth2::OAuth2;
use credentials_grant_octorate::Octorate;
use credentials_grant_ptv::Ptv;
use credentials_grant_resamania::Resamania;

/// Every provider, in the order of their names.
pub(crate) static PROVIDERS: &[Provider] = &[
    Provider::new::<Apaleo>().with_emulator(Vendor::Apaleo).with_example("--scope reservations.read"),
    Provider::new::<Cognito>().with_emulator(Vendor::Cognito).with_example("--prefix my-pool --region eu-south-2"),
    Provider::new::<OAuth2>().with_example("--issuer https://login.example.com"),
    Provider::new::<Octorate>().with_emulator(Vendor::Octorate),
    Provider::new::<Ptv>().with_emulator(Vendor::Ptv).with_example("--token-url https://auth.example.com/oauth2/token"),
    Provider::new::<Resamania>()
        .with_emulator(Vendor::Resamania)
        .with_example("--base-url https://gateway.example.com/resa2-staging --client-token demoapi")
        .with_gateway_key("api-key"),
];

/// Every provider that has a stand-in, and whose that is.
pub(crate) fn emulated() -> impl Iterator<Item = (&'static Provider, Vendor)> {
    PROVIDERS.iter().filter_map(|provider| Some((provider, provider.emulator?)))
}

/// What every provider needs to know. The names are those of the flags and environment variables.
pub(crate) static COMMON: &[Setting] = &[
    Setting::new(CLIENT_ID, "the client id"),
    Setting::secret(CLIENT_SECRET, "the client secret"),
    Setting::new(TOKEN_URL, "the token URL, if not the vendor's own; plain HTTP for loopback only"),
];

pub(crate) const CLIENT_ID: &str = "client-id";
pub(crate) const CLIENT_SECRET: &str = "client-secret";
pub(crate) const TOKEN_URL: &str = "token-url";

/// A provider, as the command needs it.
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    emulator: Option<Vendor>,
    /// Flags that make a plausible command, for help.
    pub(crate) example: &'static str,
    settings: &'static [Setting],
    build: fn(&Settings) -> Result<Arc<dyn CredentialsGrant>, Error>,
    /// The secret that the emulator's gateway asks for, if it has one.
    gateway_key: Option<&'static str>,
}

impl Provider {
    const fn new<P: Configure>() -> Self {
        Self {
            name: P::NAME,
            title: P::TITLE,
            emulator: None,
            example: "",
            settings: P::SETTINGS,
            build: |settings| Ok(Arc::new(P::from_settings(settings)?)),
            gateway_key: None,
        }
    }

    const fn with_emulator(mut self, vendor: Vendor) -> Self {
        self.emulator = Some(vendor);
        self
    }

    const fn with_example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    const fn with_gateway_key(mut self, name: &'static str) -> Self {
        self.gateway_key = Some(name);
        self
    }

    /// The provider of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        PROVIDERS.iter().find(|provider| provider.name == name)
    }

    /// Every setting, what all providers need first.
    pub(crate) fn settings(&self) -> impl Iterator<Item = &'static Setting> {
        COMMON.iter().filter(|common| !self.is_own(common)).chain(self.settings)
    }

    /// Whether this provider has a word of its own for this setting.
    pub(crate) fn is_own(&self, setting: &Setting) -> bool {
        self.settings.iter().any(|own| own.name == setting.name)
    }

    pub(crate) fn build(&self, settings: &Settings) -> Result<Arc<dyn CredentialsGrant>, Error> {
        (self.build)(settings)
    }

    /// The environment variable of a setting: `APALEO_CLIENT_ID`.
    pub(crate) fn variable(&self, setting: &str) -> String {
        format!("{}_{setting}", self.name).to_ascii_uppercase().replace('-', "_")
    }

    /// What an emulator of this provider wants to be told, by the names of the settings.
    pub(crate) fn at_emulator(&self, emulator: &RunningEmulator) -> Vec<(&'static str, String)> {
        let gateway_key = self.gateway_key.zip(emulator.gateway_key());
        [
            (TOKEN_URL, emulator.token_url().as_str()),
            (CLIENT_ID, emulator.client_id()),
            (CLIENT_SECRET, emulator.client_secret()),
        ]
        .into_iter()
        .chain(gateway_key)
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
    }
}

/// The flag of a setting. No flag takes a secret itself: command lines are seen by everyone on the machine.
pub(crate) fn flag(setting: &Setting) -> String {
    format!("--{}{}", setting.name, if setting.secret { "-file" } else { "" })
}

/// The names, for a sentence.
pub(crate) fn names() -> String {
    let names: Vec<_> = PROVIDERS.iter().map(|provider| provider.name).collect();
    names.join(", ")
}

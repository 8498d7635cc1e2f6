//! Settings by name, so that a command, a file or an environment can configure a provider that it does not know.

use std::collections::BTreeMap;
use std::fmt;

use crate::endpoint::TokenEndpoint;
use crate::error::Error;
use crate::grant::CredentialsGrant;

/// A provider that can be built from settings by name.
///
/// ```
/// use credentials_grant::{Configure, Error, Setting, Settings, TokenEndpoint};
/// # use credentials_grant::{Attempt, ClientAuthentication, CredentialsGrant, TokenRequest};
///
/// #[derive(Debug)]
/// struct Acme {
///     token_endpoint: TokenEndpoint,
/// }
/// # impl CredentialsGrant for Acme {
/// #     fn provider(&self) -> &str { "acme" }
/// #     fn token_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
/// #         attempt.post(&self.token_endpoint).client_credentials().client_authentication(ClientAuthentication::Basic).build()
/// #     }
/// # }
///
/// impl Configure for Acme {
///     const NAME: &'static str = "acme";
///     const TITLE: &'static str = "Acme Rockets";
///     const SETTINGS: &'static [Setting] = &[Setting::new("shop", "the name of the shop")];
///
///     fn configure(settings: &Settings) -> Result<Self, Error> {
///         let token_endpoint = match settings.token_url()? {
///             Some(url) => url,
///             None => TokenEndpoint::expand("https://{shop}.example.com/token", &[("shop", settings.require("shop")?)])?,
///         };
///         Ok(Self { token_endpoint })
///     }
/// }
///
/// let acme = Acme::from_settings(&Settings::new().with("shop", "north"))?;
/// assert!(Acme::from_settings(&Settings::new().with("shpo", "north")).is_err(), "a name that does not exist");
/// # Ok::<(), Error>(())
/// ```
pub trait Configure: CredentialsGrant + Sized {
    /// The provider's name in commands and in the names of environment variables: `apaleo`.
    const NAME: &'static str;

    /// The vendor's name as people write it.
    const TITLE: &'static str;

    /// The settings that there are. Every provider has `token-url`; one without a usual place says here what it is.
    const SETTINGS: &'static [Setting];

    /// Builds the provider from settings whose names are known to be right.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the setting that is missing, malformed or
    /// contradicts another.
    fn configure(settings: &Settings) -> Result<Self, Error>;

    /// Builds the provider from settings.
    ///
    /// # Errors
    ///
    /// As [`configure`](Self::configure), and for a setting that this provider does not have.
    fn from_settings(settings: &Settings) -> Result<Self, Error> {
        let checked = settings.0.iter().try_for_each(|(name, value)| check(name, value, Self::SETTINGS));
        checked.and_then(|()| Self::configure(settings)).map_err(|error| error.with_provider(Self::NAME))
    }
}

/// The setting that every provider has: where its token endpoint is, if not where the vendor has it.
const TOKEN_URL: &str = "token-url";

/// One setting of a provider.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Setting {
    /// The name, in lower case with hyphens.
    pub name: &'static str,
    /// What it is, in a few words, lower-case.
    pub help: &'static str,
    /// The values there are, if they can be listed.
    pub values: &'static [&'static str],
    /// Whether it is a secret: then it is part of the credentials, under this name, and never among the
    /// [`Settings`].
    pub secret: bool,
}

impl Setting {
    /// A setting that takes a text.
    #[must_use]
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, values: &[], secret: false }
    }

    /// A setting that takes one of these values.
    #[must_use]
    pub const fn one_of(name: &'static str, help: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, help, values, secret: false }
    }

    /// A secret beside the client secret, which goes into the credentials.
    #[must_use]
    pub const fn secret(name: &'static str, help: &'static str) -> Self {
        Self { name, help, values: &[], secret: true }
    }
}

/// Values of settings, by name. A value that is empty counts as not set.
///
/// It prints names only: a URL may hold more than it should.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// No settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a value.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// A value, if it is set.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// A value that must be set.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the setting.
    pub fn require(&self, name: &str) -> Result<&str, Error> {
        self.find(name).ok_or_else(|| {
            Error::configuration(format!("the setting `{name}` is missing")).with_remedy(format!("set `{name}`"))
        })
    }

    /// A value, read as a type of its own.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the setting.
    pub fn parse<T: std::str::FromStr<Err = Error>>(&self, name: &str) -> Result<Option<T>, Error> {
        let parsed = self.find(name).map(str::parse).transpose();
        parsed.map_err(|error: Error| {
            let remedy = error.remedy().map(str::to_owned).unwrap_or_default();
            Error::configuration(format!("the setting `{name}`: {}", error.message())).with_remedy(remedy)
        })
    }

    /// The token URL that every provider can be pointed to.
    ///
    /// # Errors
    ///
    /// As [`TokenEndpoint::parse`].
    pub fn token_url(&self) -> Result<Option<TokenEndpoint>, Error> {
        self.parse(TOKEN_URL)
    }

    /// Refuses settings that contradict each other: at most one of these may be set.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming both.
    pub fn at_most_one_of(&self, names: &[&str]) -> Result<(), Error> {
        let mut set = names.iter().filter(|name| self.find(name).is_some());
        match (set.next(), set.next()) {
            (Some(one), Some(other)) => {
                Err(Error::configuration(format!("the settings `{one}` and `{other}` contradict each other"))
                    .with_remedy("set one of them"))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Settings").field(&self.0.keys().collect::<Vec<_>>()).finish()
    }
}

fn check(name: &str, value: &str, settings: &[Setting]) -> Result<(), Error> {
    match settings.iter().find(|setting| setting.name == name) {
        _ if name == TOKEN_URL => Ok(()),
        Some(setting) if setting.secret => Err(Error::configuration(format!("`{name}` is a secret and no setting"))
            .with_remedy("put it among the credentials, by `ClientCredentials::with_secret`")),
        Some(Setting { values: [], .. }) => Ok(()),
        Some(Setting { values, .. }) if value.trim().is_empty() || values.contains(&value.trim()) => Ok(()),
        Some(Setting { values, .. }) => {
            Err(Error::configuration(format!("the setting `{name}` cannot be {:?}", value.trim()))
                .with_remedy(format!("use one of {}", values.join(", "))))
        }
        None => Err(Error::configuration(format!("there is no setting `{name}`"))
            .with_remedy(format!("use {}", names(settings)))),
    }
}

fn names(settings: &[Setting]) -> String {
    let own = settings.iter().filter(|setting| !setting.secret && setting.name != TOKEN_URL);
    own.map(|setting| setting.name).chain([TOKEN_URL]).collect::<Vec<_>>().join(", ")
}

//! Settings by name, so that a command, a file or the environment can configure any provider.
//!
//! A program that names its provider in its source code does not need this module.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::client_authentication::ClientAuthentication;
use crate::credentials_grant::CredentialsGrant;
use crate::endpoint::Endpoint;
use crate::error::Error;

/// A provider that can be built from settings by name.
///
/// ```
/// use credentials_grant::settings::{Configure, Setting, Settings};
/// use credentials_grant::{Endpoint, Error};
/// # use credentials_grant::{RequestContext, ClientAuthentication, CredentialsGrant, UnsignedRequest};
///
/// #[derive(Debug)]
/// struct Acme {
///     token_endpoint: Endpoint,
/// }
/// # impl CredentialsGrant for Acme {
/// #     fn name(&self) -> &str { "acme" }
/// #     fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
/// #         let method = ClientAuthentication::ClientSecretBasic;
/// #         context.post(&self.token_endpoint).client_credentials().client_authentication(method).build()
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
///             None => Endpoint::expand("https://{shop}.example.com/token", &[("shop", settings.require("shop")?)])?,
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

    /// The settings. Every provider has `token-url` beside these; list it here to give it a help text of its own.
    const SETTINGS: &'static [Setting];

    /// Builds the provider from settings whose names have been checked.
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
    /// As [`configure`](Self::configure), and if this provider has no setting of that name.
    fn from_settings(settings: &Settings) -> Result<Self, Error> {
        let checked = settings.check(Self::SETTINGS);
        checked.and_then(|()| Self::configure(settings)).map_err(|error| error.with_provider(Self::NAME))
    }
}

/// The setting that every provider has: the token URL to use in place of the vendor's.
const TOKEN_URL: &str = "token-url";

/// One setting of a provider.
///
/// Its parts are constants, or known only at run time.
///
/// ```
/// use credentials_grant::settings::Setting;
///
/// const REGION: Setting = Setting::new("region", "the region of the user pool");
///
/// let from_a_file = Setting::dynamic("environment", "which of the vendor's servers").with_values(["live", "test"]);
/// assert_eq!(from_a_file.values().collect::<Vec<_>>(), ["live", "test"]);
/// # assert_eq!(REGION.name(), "region");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting {
    name: Cow<'static, str>,
    help: Cow<'static, str>,
    listed: &'static [&'static str],
    values: Vec<String>,
    methods: Cow<'static, [ClientAuthentication]>,
    secret: bool,
}

impl Setting {
    /// Creates a setting that takes any text. The name is in lower case with hyphens; the help describes it in a few
    /// words.
    #[must_use]
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self::of_parts(name, help, &[], &[], false)
    }

    /// Creates a setting that takes one of these values.
    #[must_use]
    pub const fn one_of(name: &'static str, help: &'static str, values: &'static [&'static str]) -> Self {
        Self::of_parts(name, help, values, &[], false)
    }

    /// Creates a setting that takes one of these client authentication methods. [`values`](Self::values) lists their
    /// names; [`Settings::check`] also accepts their aliases, in every spelling that [`ClientAuthentication`] reads.
    ///
    /// Read it with [`Settings::parse`]:
    ///
    /// ```
    /// use credentials_grant::ClientAuthentication::{self, ClientSecretBasic, ClientSecretPost};
    /// use credentials_grant::settings::{Setting, Settings};
    ///
    /// const METHODS: &[ClientAuthentication] = &[ClientSecretBasic, ClientSecretPost];
    /// const AUTH: Setting = Setting::client_authentication("auth", "how the client authenticates", METHODS);
    /// assert_eq!(AUTH.values().collect::<Vec<_>>(), ["client_secret_basic", "client_secret_post"]);
    ///
    /// let settings = Settings::new().with("auth", "post");
    /// settings.check(&[AUTH])?;
    /// assert_eq!(settings.parse("auth")?, Some(ClientSecretPost));
    /// # Ok::<(), credentials_grant::Error>(())
    /// ```
    #[must_use]
    pub const fn client_authentication(
        name: &'static str,
        help: &'static str,
        methods: &'static [ClientAuthentication],
    ) -> Self {
        Self::of_parts(name, help, &[], methods, false)
    }

    /// Creates a setting for a secret beside the client secret. It becomes part of the credentials.
    #[must_use]
    pub const fn secret(name: &'static str, help: &'static str) -> Self {
        Self::of_parts(name, help, &[], &[], true)
    }

    // Update syntax would drop what it replaces, which a constant cannot.
    const fn of_parts(
        name: &'static str,
        help: &'static str,
        listed: &'static [&'static str],
        methods: &'static [ClientAuthentication],
        secret: bool,
    ) -> Self {
        let (name, help, methods) = (Cow::Borrowed(name), Cow::Borrowed(help), Cow::Borrowed(methods));
        Self { name, help, listed, values: Vec::new(), methods, secret }
    }

    /// Creates a setting that takes any text, with a name and help known at run time.
    #[must_use]
    pub fn dynamic(name: impl Into<String>, help: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), help: Cow::Owned(help.into()), ..Self::new("", "") }
    }

    /// Restricts the setting to these values.
    #[must_use]
    pub fn with_values<V: Into<String>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.values.extend(values.into_iter().map(Into::into));
        self
    }

    /// Restricts the setting to these client authentication methods, as
    /// [`client_authentication`](Self::client_authentication) does.
    #[must_use]
    pub fn with_client_authentications(mut self, methods: impl IntoIterator<Item = ClientAuthentication>) -> Self {
        self.methods.to_mut().extend(methods);
        self
    }

    /// Creates the setting a secret, which becomes part of the credentials.
    #[must_use]
    pub fn into_secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Returns the name, in lower case with hyphens.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the help: a few words in lower case.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.help
    }

    /// Returns the values it takes. Empty if it takes any text.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        let methods = self.methods.iter().map(|method| method.name());
        self.listed.iter().copied().chain(self.values.iter().map(String::as_str)).chain(methods)
    }

    /// Returns `true` if it takes this value.
    fn takes(&self, value: &str) -> bool {
        let mut values = self.values().peekable();
        values.peek().is_none()
            || values.any(|listed| listed == value)
            || value.parse().is_ok_and(|method| self.methods.contains(&method))
    }

    /// Returns `true` for a secret: it is part of the credentials, under this name, and never among the [`Settings`].
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret
    }
}

/// The values of settings, by name. An empty value counts as not set.
///
/// `Debug` shows names only: a URL may hold a secret.
///
/// ```
/// use credentials_grant::settings::Settings;
///
/// let settings = Settings::new().with("region", "eu-central-1").with("prefix", "");
/// assert_eq!(settings.find("region"), Some("eu-central-1"));
/// assert_eq!(settings.find("prefix"), None);
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Creates empty settings.
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

    /// Returns a value, if it is set.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Returns a value that must be set.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the setting.
    pub fn require(&self, name: &str) -> Result<&str, Error> {
        self.find(name).ok_or_else(|| {
            Error::configuration(format!("the setting `{name}` is missing")).with_remedy(format!("set `{name}`"))
        })
    }

    /// Parses a value, if it is set.
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

    /// Returns the token URL to use in place of the vendor's, if it is set.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::parse`].
    pub fn token_url(&self) -> Result<Option<Endpoint>, Error> {
        self.parse(TOKEN_URL)
    }

    /// Checks these values against a provider's settings. An unknown name, a value that is not listed, and a secret are
    /// errors. `token-url` is a setting of every provider.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the setting.
    pub fn check(&self, settings: &[Setting]) -> Result<(), Error> {
        self.0.iter().try_for_each(|(name, value)| check(name, value.trim(), settings))
    }

    /// Checks that at most one of these settings is set.
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
    if name == TOKEN_URL {
        return Ok(());
    }
    let Some(setting) = settings.iter().find(|setting| setting.name == name) else {
        return Err(Error::configuration(format!("there is no setting `{}`", name.escape_debug()))
            .with_remedy(format!("use {}", names(settings))));
    };
    if setting.secret {
        return Err(Error::configuration(format!("`{name}` is a secret, not a setting"))
            .with_remedy("add it to the credentials: `ClientCredentials::with_secret`"));
    }
    if value.is_empty() || setting.takes(value) {
        return Ok(());
    }
    let values: Vec<_> = setting.values().collect();
    Err(Error::configuration(format!("the setting `{name}` cannot be {value:?}"))
        .with_remedy(format!("use one of {}", values.join(", "))))
}

fn names(settings: &[Setting]) -> String {
    let own = settings.iter().filter(|setting| !setting.secret && setting.name != TOKEN_URL);
    own.map(Setting::name).chain([TOKEN_URL]).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_known_at_run_time_are_checked_like_those_in_the_source_code() {
        let written = [
            Setting::one_of("environment", "which server", &["live", "test"]),
            Setting::secret("api-key", "the gateway's key"),
        ];
        let dynamic = [
            Setting::dynamic("environment".to_owned(), "which server").with_values(["live", "test"]),
            Setting::dynamic("api-key", "the gateway's key".to_owned()).into_secret(),
        ];
        for settings in [&written, &dynamic] {
            let refusal = |name, value| Settings::new().with(name, value).check(settings).unwrap_err().to_string();
            assert!(Settings::new().with("environment", " live ").with("token-url", "x").check(settings).is_ok());
            assert_eq!(refusal("environment", "l"), "the setting `environment` cannot be \"l\"; use one of live, test");
            assert_eq!(refusal("enviroment", "live"), "there is no setting `enviroment`; use environment, token-url");
            assert!(
                refusal("api-key", "k").starts_with("`api-key` is a secret, not a setting; add it to the credentials")
            );
            assert!(!refusal("a\nb", "").contains('\n'), "an error is one line");
        }
    }
    #[test]
    fn a_client_authentication_method_is_set_by_its_name_or_an_alias() {
        use ClientAuthentication::{ClientSecretBasic, ClientSecretPost};

        let written =
            [Setting::client_authentication("auth", "how to authenticate", &[ClientSecretBasic, ClientSecretPost])];
        let dynamic = [Setting::dynamic("auth", "how to authenticate")
            .with_client_authentications([ClientSecretBasic, ClientSecretPost])];
        assert_eq!(written, dynamic);
        for settings in [&written, &dynamic] {
            for value in ["client_secret_post", "client-secret-post", "post", "body", "BODY", " post ", ""] {
                assert!(Settings::new().with("auth", value).check(settings).is_ok(), "{value}");
            }
            for value in ["private_key_jwt", "basic_raw", "digest"] {
                let refusal = Settings::new().with("auth", value).check(settings).unwrap_err();
                assert_eq!(
                    refusal.to_string(),
                    format!(
                        "the setting `auth` cannot be {value:?}; use one of client_secret_basic, client_secret_post"
                    )
                );
            }
        }
    }
}

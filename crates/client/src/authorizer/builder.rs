//! Builds authorizers.

use std::borrow::Cow;

use credentials_grant::{Error, ErrorKind, HeaderName};

use super::authorize::Authorizer;
use super::expiry::Expiry;
use super::hosts::Host;
use crate::provide_token::ProvideToken;
use crate::source::TokenOptions;

/// Builds an [`Authorizer`].
///
/// ```
/// # use credentials_grant_client::{Authorizer, TokenSource};
/// # fn example(source: TokenSource) -> Result<(), credentials_grant::Error> {
/// use std::time::Duration;
/// use credentials_grant_client::TokenOptions;
///
/// let authorizer = Authorizer::builder(source)
///     .with_host("*.example.com")
///     .with_options(TokenOptions::new().with_deadline(Duration::from_secs(20)))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AuthorizerBuilder {
    source: Box<dyn ProvideToken>,
    hosts: Vec<Cow<'static, str>>,
    options: TokenOptions,
}

impl Authorizer {
    /// Creates an authorizer for the hosts that the provider names.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the provider names none, because the host depends on the
    /// customer: then add it with [`builder`](Self::builder).
    pub fn new(source: impl ProvideToken) -> Result<Self, Error> {
        Self::builder(source).build()
    }

    /// Returns a builder, to add hosts to those that the provider names.
    #[must_use]
    pub fn builder(source: impl ProvideToken) -> AuthorizerBuilder {
        AuthorizerBuilder { source: Box::new(source), hosts: Vec::new(), options: TokenOptions::new() }
    }
}

impl AuthorizerBuilder {
    /// Sets the options for the token of each call, such as a deadline within which failures are retried.
    #[must_use]
    pub fn with_options(mut self, options: TokenOptions) -> Self {
        self.options = options;
        self
    }

    /// Adds a host that the token may be sent to.
    ///
    /// `api.example.com` is one host; `*.example.com` is every host below `example.com`, but not `example.com` itself.
    /// Without a port, the scheme's default port is meant; `localhost:8080` names one.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<Cow<'static, str>>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Builds the authorizer.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if there is no host, or one is malformed.
    pub fn build(self) -> Result<Authorizer, Error> {
        let name = self.source.name().to_owned();
        self.authorizer().map_err(|error| error.with_provider(name))
    }

    fn authorizer(self) -> Result<Authorizer, Error> {
        let Self { source, hosts, options } = self;
        let policy = source.policy();
        let hosts: Vec<_> =
            policy.hosts().iter().chain(&hosts).map(|host| Host::parse(host)).collect::<Result<_, _>>()?;
        if hosts.is_empty() {
            return Err(Error::new(ErrorKind::Configuration, "there is no host that the token may be sent to")
                .with_remedy("add the API's: `Authorizer::builder(source).with_host(\"api.example.com\")`"));
        }
        let header = policy.presentation().header_name();
        let header = HeaderName::try_from(header).map_err(|_| {
            Error::new(ErrorKind::Configuration, format!("{header:?} is not a valid header name"))
                .with_remedy("correct the presentation in the provider's policy")
        })?;
        Ok(Authorizer::with_parts(source, hosts, options, header, Expiry::of(&policy)))
    }
}

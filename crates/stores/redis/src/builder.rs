//! Builds a store.

use std::time::Duration;

use credentials_grant::{ClientCertificate, Error, ErrorKind, ExposeSecret, SecretString};
use credentials_grant_client::Keyring;
use rustls::RootCertStore;

use crate::connector::Connector;
use crate::lookups::Lookups;
use crate::redis_store::RedisStore;
use crate::target::{Address, Target};
use crate::tls::{self, Tls};

/// What the names of all keys begin with, unless set.
const PREFIX: &str = "cg1:";

/// How long a caller without a token waits for an answer, unless set.
const PATIENCE: Duration = Duration::from_millis(500);

/// The longest prefix.
const MOST_PREFIX: usize = 64;

/// Builds a [`RedisStore`].
#[derive(Clone, Debug)]
pub struct RedisStoreBuilder {
    nodes: Vec<SecretString>,
    sentinels: Vec<SecretString>,
    password: Option<SecretString>,
    keyring: Keyring,
    prefix: String,
    patience: Duration,
    roots: Option<RootCertStore>,
    certificate: Option<ClientCertificate>,
    allows_plain_text: bool,
}

impl RedisStore {
    /// Creates the store at this URL: `rediss://user:password@host:6379/0`, of which only the host is required. User
    /// and password are percent-encoded. Without TLS (`redis://`), the host must be this machine. The path of a Unix
    /// socket is written as `unix:///run/redis.sock`.
    ///
    /// Nothing is connected yet. All machines that share the store have the same keyring.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the URL is wrong, or leads to another machine without TLS.
    pub fn new(url: impl Into<String>, keyring: Keyring) -> Result<Self, Error> {
        Self::builder(url, keyring).build()
    }

    /// Starts to build a store, with other settings than [`new`](Self::new).
    ///
    /// ```
    /// use credentials_grant_client::Keyring;
    /// use credentials_grant_redis::RedisStore;
    ///
    /// let keyring = Keyring::parse(&Keyring::generate()?)?;
    /// let store = RedisStore::builder("rediss://orders:password@primary-1", keyring)
    ///     .with_sentinel("rediss://sentinel-1.example.com:26379")
    ///     .with_sentinel("rediss://sentinel-2.example.com:26379")
    ///     .with_prefix("orders:cg1:")
    ///     .build()?;
    /// # Ok::<(), credentials_grant::Error>(())
    /// ```
    pub fn builder(url: impl Into<String>, keyring: Keyring) -> RedisStoreBuilder {
        RedisStoreBuilder {
            nodes: vec![url.into().into()],
            sentinels: Vec::new(),
            password: None,
            keyring,
            prefix: PREFIX.to_owned(),
            patience: PATIENCE,
            roots: None,
            certificate: None,
            allows_plain_text: false,
        }
    }
}

impl RedisStoreBuilder {
    /// Sets the password of the servers, instead of the one in their URLs. That of a Sentinel is in its URL.
    ///
    /// ```
    /// use credentials_grant_client::Keyring;
    /// use credentials_grant_redis::RedisStore;
    ///
    /// # let [keyring, password] = [Keyring::generate()?, "from a file".to_owned().into()];
    /// # let keyring = Keyring::parse(&keyring)?;
    /// let store = RedisStore::builder("rediss://orders@cache.example.com", keyring).with_password(password).build()?;
    /// # Ok::<(), credentials_grant::Error>(())
    /// ```
    #[must_use]
    pub fn with_password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// Sets what the names of all keys begin with: `cg1:` unless set. Machines that share their tokens have the same.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long a caller without a token waits for an answer of the store before it goes on without it: half a
    /// second unless set, which is long for a server in the same region.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Adds the URL of another node of the same cluster, to be asked if the first one cannot be reached.
    ///
    /// One node is enough to find all others; a cluster needs no other setting.
    #[must_use]
    pub fn with_cluster_node(mut self, url: impl Into<String>) -> Self {
        self.nodes.push(url.into().into());
        self
    }

    /// Adds the URL of a Sentinel, which knows where the primary is. The host of the store's URL is the primary's name
    /// then, such as `rediss://user:password@mymaster`, and its port counts for nothing.
    #[must_use]
    pub fn with_sentinel(mut self, url: impl Into<String>) -> Self {
        self.sentinels.push(url.into().into());
        self
    }

    /// Sets the CA certificates (PEM, one or more) to trust **instead of** the system's.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if there is no certificate in it, or an invalid one.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, Error> {
        self.roots = Some(tls::roots(pem)?);
        Ok(self)
    }

    /// Sets the certificate that the servers ask for: they do unless `tls-auth-clients` is off.
    #[must_use]
    pub fn with_client_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Allows connections without TLS to other machines. Whoever can read the network sees the password, and can change
    /// what is stored. The tokens stay sealed.
    #[must_use]
    pub fn allow_plain_text(mut self) -> Self {
        self.allows_plain_text = true;
        self
    }

    /// Builds the store. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if a URL is wrong, if one leads to another machine without TLS, if
    /// the prefix has other characters than letters, digits and `.:/_-`, or if the client certificate cannot be used.
    pub fn build(self) -> Result<RedisStore, Error> {
        let is_allowed = |character: char| character.is_ascii_alphanumeric() || ".:/_-".contains(character);
        if self.prefix.len() > MOST_PREFIX || !self.prefix.chars().all(is_allowed) {
            return Err(Error::new(ErrorKind::Configuration, "the prefix of the Redis store cannot be used")
                .with_remedy("use 64 letters, digits and `.:/_-` at the most"));
        }
        let parse = |url: &SecretString| Target::parse(url.expose_secret());
        let mut nodes = self.nodes.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        if let Some(password) = &self.password {
            for node in &mut nodes {
                node.login = node.login.clone().set_password(password.expose_secret());
            }
        }
        let sentinels = self.sentinels.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        // Behind a Sentinel, the first host is no host.
        let named = if sentinels.is_empty() { &nodes } else { &sentinels };
        let is_behind_sentinel = !sentinels.is_empty();
        if is_behind_sentinel && (nodes.len() > 1 || matches!(nodes[0].address, Address::Unix(_))) {
            return Err(Error::new(ErrorKind::Configuration, "a Redis store behind Sentinels has one primary")
                .with_remedy("write its name as the host of the URL, and add no cluster nodes"));
        }
        let is_plain = |target: &&Target| !target.is_tls && !target.address.is_local();
        if !self.allows_plain_text
            && let Some(target) = named.iter().find(is_plain)
        {
            let message = format!("the Redis store at {} would be sent its password in plain text", target.address);
            return Err(Error::new(ErrorKind::Configuration, message)
                .with_remedy("use a URL that begins with `rediss://`, or allow it by `allow_plain_text`"));
        }
        let tls = Tls::new(self.roots, self.certificate)?;
        let lookups = Lookups::new();
        let connector = Connector { nodes, sentinels, tls, lookups, allows_plain_text: self.allows_plain_text };
        Ok(RedisStore::connecting_by(connector, self.keyring, self.prefix, self.patience))
    }
}

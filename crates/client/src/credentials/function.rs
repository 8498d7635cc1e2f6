//! Credentials from an async function.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error};

/// Calls an async function whenever a token is fetched: for a vault, a key service, or a database of tenants.
///
/// The time it takes counts towards the timeout of the fetch.
///
/// ```
/// use credentials_grant_client::FunctionCredentials;
/// # use credentials_grant::{ClientCredentials, Error};
/// # async fn read_from_vault(path: &str) -> Result<String, Error> { Ok(path.to_owned()) }
///
/// let apaleo = FunctionCredentials::new("vault: hotels/4711", || async {
///     Ok(ClientCredentials::new("SDXE-SP-SIMPLEAPP", read_from_vault("hotels/4711").await?))
/// });
/// ```
#[derive(Clone)]
pub struct FunctionCredentials<F> {
    name: Cow<'static, str>,
    function: F,
}

impl<F, C> FunctionCredentials<F>
where
    F: Fn() -> C + Send + Sync + 'static,
    C: Future<Output = Result<ClientCredentials, Error>> + Send,
{
    /// Creates a source from a function. The name tells it from others: in a pool, two sources of one name **share
    /// their tokens**, so include the tenant. A pool refuses an empty name. The name is shown in logs, so put no secret
    /// into it.
    pub fn new(name: impl Into<Cow<'static, str>>, function: F) -> Self {
        Self { name: name.into(), function }
    }
}

#[async_trait]
impl<F, C> CredentialsSource for FunctionCredentials<F>
where
    F: Fn() -> C + Send + Sync + 'static,
    C: Future<Output = Result<ClientCredentials, Error>> + Send,
{
    async fn load(&self) -> Result<ClientCredentials, Error> {
        (self.function)().await
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        ("function", &self.name).hash(&mut state);
        // An empty name is a tenant's name that is missing, and then it is missing for every tenant.
        !self.name.trim().is_empty()
    }
}

impl<F> fmt::Debug for FunctionCredentials<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionCredentials").field("name", &self.name).finish_non_exhaustive()
    }
}

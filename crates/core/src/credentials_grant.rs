//! The trait that a vendor implements.

use std::fmt::Debug;
use std::hash::Hasher;
use std::sync::Arc;

use crate::error::Error;
use crate::http_response::HttpResponse;
use crate::policy::Policy;
use crate::request_context::RequestContext;
use crate::response_reader::ResponseReader;
use crate::token_operation::TokenOperation;
use crate::token_response::TokenResponse;
use crate::unsigned_request::UnsignedRequest;

/// A vendor: which request fetches a token, and how to read the response.
///
/// It holds settings and no secrets, so one value serves any number of clients; credentials come with each
/// [`RequestContext`]. It does no I/O, so every method is synchronous. A vendor that keeps to RFC 6749 needs
/// [`name`](Self::name) and [`token_request`](Self::token_request):
///
/// ```
/// use credentials_grant::{RequestContext, ClientAuthentication, CredentialsGrant, Error, Endpoint, UnsignedRequest};
///
/// #[derive(Debug)]
/// struct Acme {
///     token_endpoint: Endpoint,
/// }
///
/// impl CredentialsGrant for Acme {
///     fn name(&self) -> &str {
///         "acme"
///     }
///
///     fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
///         context
///             .post(&self.token_endpoint)
///             .client_credentials()
///             .client_authentication(ClientAuthentication::ClientSecretBasic)
///             .scope()
///             .build()
///     }
/// }
/// ```
pub trait CredentialsGrant: Debug + Send + Sync + 'static {
    /// Returns the provider's name, as errors, logs and settings show it: `apaleo`.
    fn name(&self) -> &str;

    /// Builds the token request. Everything it may use is in the context.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the request cannot be built.
    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error>;

    /// Reads the response. By default, [`ResponseReader::rfc6749`] does.
    ///
    /// An error may repeat the server's words, including secrets that it echoes and at any length:
    /// [`fetch_token`](crate::fetch_token) redacts and shortens them.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no usable token, with the server's words if it sent any.
    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        ResponseReader::rfc6749().read(response)
    }

    /// Builds the next request, for a vendor that needs several. It is called with the response to a request that
    /// [`continues`](crate::RequestBuilder::continues).
    ///
    /// # Errors
    ///
    /// Returns an error if the vendor refused, or [`Configuration`](crate::ErrorKind::Configuration) if the request
    /// cannot be built.
    fn next_request(&self, context: &RequestContext<'_>, response: &HttpResponse) -> Result<UnsignedRequest, Error> {
        let _ = (context, response);
        Err(Error::configuration("the provider announces a further request, but does not build one")
            .with_remedy("implement `CredentialsGrant::next_request`"))
    }

    /// Builds a request to introspect or revoke an issued token; the context's [operation](RequestContext::operation)
    /// says which. By default, the provider supports neither.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the vendor does not support the operation, or the request
    /// cannot be built.
    fn operation_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let what = match context.operation() {
            Some(TokenOperation::Introspection(_)) => "introspection",
            Some(TokenOperation::Revocation(_)) | None => "revocation",
        };
        Err(Error::configuration(format!("this provider does not support {what}"))
            .with_remedy("ask the vendor for its endpoint's URL, and use `credentials-grant-oauth2` with it"))
    }

    /// Returns what the runtime must know about the vendor: how tokens are presented, hosts, lifetime and limits. It is
    /// called for each token request, and must return the same each time.
    fn policy(&self) -> Policy {
        Policy::new()
    }

    /// Hashes every setting of the provider, for the keys of a token pool: all that shapes its requests, how it reads
    /// responses, and its policy. Returns `false` if the provider cannot be told from others, which is the default; a
    /// pool refuses such a provider.
    ///
    /// Two providers of the same [`name`](Self::name) that hash the same **share their tokens** in a pool, so derive
    /// `Hash` rather than list the fields:
    ///
    /// ```
    /// use std::hash::{Hash, Hasher};
    /// # use credentials_grant::{RequestContext, CredentialsGrant, Error, Endpoint, UnsignedRequest};
    ///
    /// #[derive(Debug, Hash)]
    /// struct Acme {
    ///     token_endpoint: Endpoint,
    /// }
    ///
    /// impl CredentialsGrant for Acme {
    /// #   fn name(&self) -> &str {
    /// #       "acme"
    /// #   }
    /// #   fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
    /// #       context.post(&self.token_endpoint).client_credentials().build()
    /// #   }
    ///     // …
    ///     fn identify(&self, mut state: &mut dyn Hasher) -> bool {
    ///         self.hash(&mut state);
    ///         true
    ///     }
    /// }
    /// ```
    ///
    /// A provider that learns something while it runs, such as an issuer's metadata, must hash the same all the time.
    fn identify(&self, state: &mut dyn Hasher) -> bool {
        let _ = state;
        false
    }
}

impl<T: CredentialsGrant + ?Sized> CredentialsGrant for Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        (**self).token_request(context)
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        (**self).read_response(response)
    }

    fn next_request(&self, context: &RequestContext<'_>, response: &HttpResponse) -> Result<UnsignedRequest, Error> {
        (**self).next_request(context, response)
    }

    fn operation_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        (**self).operation_request(context)
    }

    fn policy(&self) -> Policy {
        (**self).policy()
    }

    fn identify(&self, state: &mut dyn Hasher) -> bool {
        (**self).identify(state)
    }
}

//! The request types that can be authorized.

use credentials_grant::{Error, ErrorKind, HeaderMap, Method, Url};
use http::Uri;
use http::header::HOST;

use super::hosts::{Destination, Scheme};

/// A request that an [`Authorizer`](crate::Authorizer) can authorize: an [`http::Request`] or its parts and, with the
/// feature `reqwest-middleware`, reqwest's own.
pub trait OutgoingRequest: Sealed {}

#[expect(unnameable_types, reason = "it seals `OutgoingRequest`")]
pub trait Sealed {
    /// Returns where the request goes.
    fn destination(&self) -> Result<Destination<'_>, Error>;
    fn method(&self) -> &Method;
    fn url(&self) -> Result<Url, Error>;
    fn headers(&self) -> &HeaderMap;
    fn headers_mut(&mut self) -> &mut HeaderMap;

    /// Removes the `Host` header, for a client that would keep it after a redirect to another host.
    fn remove_host_header(&mut self) {}
}

impl<B> OutgoingRequest for http::Request<B> {}

impl<B> Sealed for http::Request<B> {
    fn destination(&self) -> Result<Destination<'_>, Error> {
        of_uri(self.uri())
    }

    fn method(&self) -> &Method {
        self.method()
    }

    fn url(&self) -> Result<Url, Error> {
        url_of(self.uri())
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }
}

impl OutgoingRequest for http::request::Parts {}

impl Sealed for http::request::Parts {
    fn destination(&self) -> Result<Destination<'_>, Error> {
        of_uri(&self.uri)
    }

    fn method(&self) -> &Method {
        &self.method
    }

    fn url(&self) -> Result<Url, Error> {
        url_of(&self.uri)
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }
}

#[cfg(feature = "reqwest-middleware")]
impl OutgoingRequest for reqwest::Request {}

#[cfg(feature = "reqwest-middleware")]
impl Sealed for reqwest::Request {
    fn destination(&self) -> Result<Destination<'_>, Error> {
        of_url(self.url())
    }

    fn method(&self) -> &Method {
        self.method()
    }

    fn url(&self) -> Result<Url, Error> {
        Ok(self.url().clone())
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn remove_host_header(&mut self) {
        // Without one, reqwest sets it from the URL.
        self.headers_mut().remove(HOST);
    }
}

fn of_uri(uri: &Uri) -> Result<Destination<'_>, Error> {
    let authority = uri
        .authority()
        .ok_or_else(|| invalid("has no host").with_remedy("set its full URL (for a client of tonic: `with_origin`)"))?;
    if authority.as_str().contains('@') {
        return Err(user_info());
    }
    let scheme = uri.scheme_str().and_then(Scheme::parse).ok_or_else(not_http)?;
    Ok(Destination { scheme, host: authority.host(), port: authority.port_u16() })
}

fn url_of(uri: &Uri) -> Result<Url, Error> {
    // The URL is not shown: its query may hold secrets.
    Url::parse(&uri.to_string()).map_err(|source| invalid("has no URL").with_source(source))
}

#[cfg(feature = "reqwest-middleware")]
pub(super) fn of_url(url: &Url) -> Result<Destination<'_>, Error> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(user_info());
    }
    let scheme = Scheme::parse(url.scheme()).ok_or_else(not_http)?;
    Ok(Destination { scheme, host: url.host_str().unwrap_or_default(), port: url.port() })
}

/// Refuses a `Host` header that names another host than the URL.
pub(super) fn check_host_header(headers: &HeaderMap, destination: Destination<'_>) -> Result<(), Error> {
    let mut hosts = headers.get_all(HOST).iter();
    // Without the header, the HTTP client sets it. Of two, servers may read either.
    let is_same = hosts.next().is_none_or(|host| host.to_str().is_ok_and(|host| destination.is_named_by(host)));
    if is_same && hosts.next().is_none() {
        return Ok(());
    }
    Err(invalid("has a `Host` header that differs from its URL, or two")
        .with_remedy("remove the header: the HTTP client sets it from the URL"))
}

fn user_info() -> Error {
    invalid("has credentials in its URL, before an @").with_remedy("remove them: the token authorizes the request")
}

fn not_http() -> Error {
    invalid("is not for http or https").with_remedy("use https")
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("the request {why}, so it got no token and was not sent"))
}

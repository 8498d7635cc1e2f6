//! The authorizer as a middleware for reqwest.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::Extensions;
use http_body::Frame;
use reqwest::{Body, ClientBuilder, Request, Response, ResponseBuilderExt as _, Url, redirect};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::authorize::{Authorization, AuthorizationRetry, Authorizer};
use super::expiry::LONGEST_BODY;
use super::outgoing_request::of_url;

/// The number that reqwest follows by default.
const MOST_REDIRECTS: usize = 10;

/// Authorizes each request. If the API rejects the token, the request is sent once more with a new token, and if the
/// API wants a nonce, with a new proof, provided that its body can be cloned (`Request::try_clone`).
///
/// If the API closes the connection while a body is on its way, as some do to reject a token, the request is not sent
/// again, but the next one with a body gets a new token, unless a call with the old one was answered meanwhile.
///
/// For a vendor that says in a body that the token has expired, the first 64 KiB of a response are kept in memory
/// until they are checked, if it is JSON.
///
/// An error of this library is an [`Error::Middleware`], and can be downcast to [`credentials_grant::Error`].
#[async_trait]
impl Middleware for Authorizer {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let asked = request.url().clone();
        let is_upload = request.body().is_some_and(|body| body.as_bytes().is_none_or(|bytes| !bytes.is_empty()));
        if is_upload {
            self.prepare_upload();
        }
        let mut copy = request.try_clone();
        let mut authorization = self.authorize(&mut request).await.map_err(Error::middleware)?;
        loop {
            let outcome = next.clone().run(request, extensions).await;
            if is_upload && outcome.as_ref().is_err_and(is_broken) {
                self.note_broken_upload(&authorization);
            }
            let response = outcome?;
            let (response, retry) = self.checked(&asked, &authorization, response).await?;
            let Some(retry) = retry else {
                return Ok(response);
            };
            // After a redirect, the response belongs to another request; this one may have taken effect.
            let Some(spare) = copy.filter(|_| is_response_to(&asked, &response)) else {
                return Ok(response);
            };
            // The body is not read: it may be long, and if it is short it has arrived already, so the connection is
            // reused.
            drop(response);
            (copy, request) = (spare.try_clone(), spare);
            authorization = self.authorize_again(&mut request, retry).await.map_err(Error::middleware)?;
        }
    }
}

/// Returns `true` if the server closed the connection before it answered.
fn is_broken(error: &Error) -> bool {
    matches!(error, Error::Reqwest(error) if error.is_request() && !error.is_connect() && !error.is_timeout())
}

/// Returns the response as it was, and the beginning of its body: all of it, unless that is too long.
async fn with_body_read(mut response: Response) -> Result<(Response, Bytes)> {
    let mut read = BytesMut::new();
    while read.len() <= LONGEST_BODY {
        match response.chunk().await? {
            Some(part) => read.extend_from_slice(&part),
            None => break,
        }
    }
    let (read, url) = (read.freeze(), response.url().clone());
    let (parts, rest) = http::Response::<Body>::from(response).into_parts();
    let body = Body::wrap(Resumed { read: Some(read.clone()), rest });
    // The URL is no part of an `http::Response`.
    let mut whole = http::Response::builder().url(url).body(body).map_err(Error::middleware)?;
    (*whole.status_mut(), *whole.version_mut(), *whole.headers_mut()) = (parts.status, parts.version, parts.headers);
    whole.extensions_mut().extend(parts.extensions);
    Ok((whole.into(), read))
}

/// A body of which the beginning was read.
struct Resumed {
    read: Option<Bytes>,
    rest: Body,
}

impl http_body::Body for Resumed {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, reqwest::Error>>> {
        match self.read.take() {
            Some(read) => Poll::Ready(Some(Ok(Frame::data(read)))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }
}

/// Returns `true` if this is the response to the request that was sent, with no redirect in between.
fn is_response_to(asked: &Url, response: &Response) -> bool {
    let answering = response.url();
    is_same_host(asked, answering)
        && (asked.scheme(), asked.path(), asked.query()) == (answering.scheme(), answering.path(), answering.query())
}

fn is_same_host(one: &Url, other: &Url) -> bool {
    one.host_str() == other.host_str() && one.port_or_known_default() == other.port_or_known_default()
}

impl Authorizer {
    /// Checks a response, if it came from the host that was asked. When reqwest follows a redirect to another host, it
    /// removes `Authorization`, so that host's status says nothing about the token. Nor does any redirect's, if the
    /// token is bound to a key: the proof is for the URL that was asked.
    async fn checked(
        &self,
        asked: &Url,
        authorization: &Authorization,
        response: Response,
    ) -> Result<(Response, Option<AuthorizationRetry>)> {
        let counts = if authorization.has_proof() {
            is_response_to(asked, &response)
        } else {
            is_same_host(asked, response.url())
        };
        let (status, headers) = (response.status(), response.headers());
        if !counts {
            return Ok((response, None));
        }
        if authorization.token().is_none() || !self.needs_body(status, headers) {
            let retry = self.check_response(authorization, status, headers);
            return Ok((response, retry));
        }
        let headers = headers.clone();
        let (response, body) = with_body_read(response).await?;
        Ok((response, self.check_response_with_body(authorization, status, &headers, &body)))
    }

    /// Sets how a reqwest client follows redirects: up to ten, to hosts that the token may be sent to, without
    /// `Referer`. Any other redirect is returned to the caller, and so is one whose status means that the token has
    /// expired ([`Policy::with_expired_status`](credentials_grant::Policy::with_expired_status)).
    ///
    /// reqwest follows redirects itself, below every middleware. To another host it removes `Authorization`, cookies
    /// and proxy headers, but no others, even if they are marked sensitive. So a vendor's own token header, and secret
    /// headers that you set yourself, would be sent to any host that the API redirects to. Here they are sent only to
    /// hosts that may have the token. `Referer`, which reqwest sends by default, would tell the next host the whole URL
    /// of the call, with its query.
    ///
    /// ```
    /// # use credentials_grant_client::Authorizer;
    /// # fn example(authorizer: Authorizer) -> reqwest::Result<()> {
    /// let client = authorizer.limit_redirects(reqwest::Client::builder()).build()?;
    /// let client = reqwest_middleware::ClientBuilder::new(client).with(authorizer).build();
    /// # Ok(())
    /// # }
    /// ```
    pub fn limit_redirects(&self, client: ClientBuilder) -> ClientBuilder {
        client.redirect(self.redirect_policy()).referer(false)
    }

    /// Returns the redirect policy of [`limit_redirects`](Self::limit_redirects), to combine it with a policy of your
    /// own. It cannot turn `Referer` off: call [`referer(false)`](ClientBuilder::referer) as well.
    #[must_use]
    pub fn redirect_policy(&self) -> redirect::Policy {
        let authorizer = self.clone();
        redirect::Policy::custom(move |context| {
            if context.previous().len() > MOST_REDIRECTS {
                context.error("too many redirects")
            } else if authorizer.is_expired_status(context.status()) {
                // Behind it is a page for people to log in at, whose answer says nothing of the token.
                context.stop()
            } else if of_url(context.url()).is_ok_and(|destination| authorizer.check_destination(destination).is_ok()) {
                context.follow()
            } else {
                context.stop()
            }
        })
    }
}

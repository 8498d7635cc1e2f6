//! The authorizer as a middleware for reqwest.

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response, Url, redirect};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::outgoing_request::of_url;
use super::{Again, Authorizer, Presented};

/// As many as reqwest follows by itself.
const MOST_REDIRECTS: usize = 10;

/// Authorizes each request. One whose token the API rejects is sent once more with a new token, and one whose proof lacks the
/// API's nonce with a new proof, if its body can be sent again (`Request::try_clone`).
///
/// An error of ours comes as [`Error::Middleware`], and can be downcast to [`credentials_grant::Error`].
#[async_trait]
impl Middleware for Authorizer {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let asked = request.url().clone();
        let mut copy = request.try_clone();
        let mut presented = self.authorize(&mut request).await.map_err(Error::middleware)?;
        loop {
            let response = next.clone().run(request, extensions).await?;
            let again = self.note(&asked, &presented, &response);
            // What came after a redirect answers another request than this one, which may have done its work.
            let (Some(again), Some(spare), true) = (again, copy, is_answer_to(&asked, &response)) else {
                return Ok(response);
            };
            // Not read to its end: nobody knows how long it is, and a short one is there already, so its connection lives.
            drop(response);
            (copy, request) = (spare.try_clone(), spare);
            presented = self.authorize_again(&mut request, &presented, again).await.map_err(Error::middleware)?;
        }
    }
}

/// Whether the request that was asked is the one that is answered: no redirect has been followed.
fn is_answer_to(asked: &Url, response: &Response) -> bool {
    let answering = response.url();
    is_same_host(asked, answering)
        && (asked.scheme(), asked.path(), asked.query()) == (answering.scheme(), answering.path(), answering.query())
}

fn is_same_host(one: &Url, other: &Url) -> bool {
    one.host_str() == other.host_str() && one.port_or_known_default() == other.port_or_known_default()
}

impl Authorizer {
    /// Takes note of an answer, if it is of the host that was asked. Where reqwest has followed a redirect to another one,
    /// it has taken `Authorization` off, and what that host says means nothing for the token. Nor does what is said behind
    /// any redirect, if the token is bound to a key: the proof is for the URL that was asked.
    fn note(&self, asked: &Url, presented: &Presented, response: &Response) -> Option<Again> {
        let counts = match presented.proved {
            Some(_) => is_answer_to(asked, response),
            None => is_same_host(asked, response.url()),
        };
        counts.then(|| self.again(presented, response.status(), response.headers()))?
    }

    /// What reqwest should do with redirects: follow them to hosts that may have the token, ten at the most, and hand any
    /// other to the caller as it is.
    ///
    /// reqwest follows redirects by itself, below every middleware, and to another host it takes no header off but
    /// `Authorization` and those of cookies and proxies. For a vendor that has its token in a header of its own, this is
    /// what keeps the token from going along.
    ///
    /// ```
    /// # use credentials_grant_client::Authorizer;
    /// # fn example(authorizer: Authorizer) -> reqwest::Result<()> {
    /// let client = reqwest::Client::builder().redirect(authorizer.redirect_policy()).build()?;
    /// let client = reqwest_middleware::ClientBuilder::new(client).with(authorizer).build();
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn redirect_policy(&self) -> redirect::Policy {
        let authorizer = self.clone();
        redirect::Policy::custom(move |context| {
            if context.previous().len() > MOST_REDIRECTS {
                context.error("too many redirects")
            } else if of_url(context.url()).is_ok_and(|destination| authorizer.check(destination).is_ok()) {
                context.follow()
            } else {
                context.stop()
            }
        })
    }
}

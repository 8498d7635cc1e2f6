//! A vendor out of a file, with its settings.

use std::fmt;
use std::sync::Arc;

use credentials_grant::{
    ClientAuthentication, CredentialsGrant, Endpoint, Error, ErrorKind, HttpResponse, Policy, RequestBuilder,
    RequestContext, ResponseReader, TokenResponse, UnsignedRequest,
};

use crate::format::{Encoding, Method, Taken};
use crate::request::Part;
use crate::template::missing;

/// A vendor that a file describes: what to send, and what came back.
///
/// [`VendorFile::provider`](crate::VendorFile::provider) makes one. It holds settings and no secret, prints no value of a
/// setting but what stands in the URL, and is cheap to clone.
#[derive(Clone)]
pub struct Vendor(Arc<Settled>);

/// Everything that waits for nothing but an attempt.
pub(crate) struct Settled {
    pub(crate) name: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    pub(crate) encoding: Encoding,
    pub(crate) parts: Vec<Part>,
    /// What API calls need besides the token: without it, there is no use in asking for one.
    pub(crate) required_secrets: Vec<String>,
    pub(crate) reader: ResponseReader,
    pub(crate) policy: Policy,
}

impl Vendor {
    pub(crate) fn new(settled: Settled) -> Self {
        Self(Arc::new(settled))
    }

    /// How the client proves who it is; nothing where parameters or headers hold its credentials by hand.
    #[must_use]
    pub fn client_authentication(&self) -> Option<ClientAuthentication> {
        self.0.parts.iter().find_map(|part| match part {
            Part::Authentication(way) => Some(*way),
            _ => None,
        })
    }

    /// Whether the client secret goes into its requests by hand.
    #[must_use]
    pub fn places_client_secret(&self) -> bool {
        self.0.parts.iter().any(|part| match part {
            Part::Parameter(_, value) | Part::Header(_, value) => value.uses_client_secret(),
            _ => false,
        })
    }
}

impl CredentialsGrant for Vendor {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let lacks = |name: &&String| context.credentials().secret(name).is_none();
        if let Some(name) = self.0.required_secrets.iter().find(lacks) {
            return Err(missing(name));
        }
        let request = match self.0.method {
            Method::Get => context.get(&self.0.endpoint),
            Method::Post => context.post(&self.0.endpoint),
        };
        let request = match self.0.encoding {
            Encoding::Form => request,
            Encoding::Json => request.json(),
            Encoding::Query => request.query(),
        };
        self.0.parts.iter().try_fold(request, |request, part| part.add_to(request, context))?.build()
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        self.0.reader.read(response)
    }

    fn policy(&self) -> Policy {
        self.0.policy.clone()
    }
}

impl Part {
    fn add_to<'a>(
        &self,
        request: RequestBuilder<'a>,
        context: &RequestContext<'a>,
    ) -> Result<RequestBuilder<'a>, Error> {
        let parameters = context.parameters();
        Ok(match self {
            Self::Authentication(way) => request.client_authentication(*way),
            Self::AssertionAudience(audience) => request.assertion_audience(audience),
            Self::Parameter(name, value) => match value.write(context)? {
                None => request,
                Some(written) if written.is_secret => {
                    let request = written.made.iter().fold(request, RequestBuilder::redact);
                    request.secret_parameter(name.clone(), &written.text.into())
                }
                Some(written) => request.parameter(name.clone(), written.text),
            },
            Self::Header(name, value) => match value.write(context)? {
                None => request,
                Some(written) if written.is_secret => {
                    let request = written.made.iter().fold(request, RequestBuilder::redact);
                    request.secret_header(name, &written.text.into())
                }
                Some(written) => request.header(name, &written.text),
            },
            Self::Scope { name, separator, taken } => {
                demand(*taken, "a scope", parameters.scopes().len())?;
                request.scope_in(name.clone(), separator)
            }
            Self::Audience(taken) => {
                demand(*taken, "an audience", parameters.audience().iter().len())?;
                request.audience()
            }
            Self::Resources(taken) => {
                demand(*taken, "a resource", parameters.resources().len())?;
                request.resources()
            }
            Self::AuthorizationDetails(taken) => {
                demand(*taken, "authorization details", parameters.authorization_details().iter().len())?;
                request.authorization_details()
            }
        })
    }
}

/// Refuses an ask without what this vendor must be asked for.
fn demand(taken: Taken, what: &str, asked: usize) -> Result<(), Error> {
    if taken == Taken::Required && asked == 0 {
        return Err(Error::new(ErrorKind::Configuration, format!("this vendor must be asked for {what}"))
            .with_remedy(format!("ask for {what}, as the vendor's page names it")));
    }
    Ok(())
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settled { name, endpoint, .. } = &*self.0;
        f.debug_struct("Vendor").field("name", name).field("token_endpoint", endpoint).finish_non_exhaustive()
    }
}

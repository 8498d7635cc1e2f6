//! The Walmart Marketplace: a provider for another vendor, in about thirty lines.

use credentials_grant::{
    ClientAuthentication, CredentialsGrant, Endpoint, Error, Policy, Presentation, RequestContext, UnsignedRequest,
};

/// The Walmart Marketplace.
#[derive(Debug)]
pub struct Walmart {
    token_endpoint: Endpoint,
}

impl Walmart {
    /// Makes the provider with `https://marketplace.walmartapis.com/v3/token`, or the sandbox's token endpoint.
    #[must_use]
    pub fn at(token_endpoint: Endpoint) -> Self {
        Self { token_endpoint }
    }
}

impl CredentialsGrant for Walmart {
    fn name(&self) -> &'static str {
        "walmart"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context
            .post(&self.token_endpoint)
            .client_authentication(ClientAuthentication::ClientSecretBasic)
            .header("WM_SVC.NAME", "Walmart Marketplace")
            .header("WM_QOS.CORRELATION_ID", &context.request_id())
            .client_credentials()
            .build()
    }

    fn policy(&self) -> Policy {
        let presentation =
            Presentation::header("WM_SEC.ACCESS_TOKEN").with_extra_header("WM_SVC.NAME", "Walmart Marketplace");
        Policy::new().with_presentation(presentation).with_host("marketplace.walmartapis.com")
    }
}

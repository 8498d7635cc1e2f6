//! The Walmart Marketplace: a vendor of one's own, in about thirty lines.

use credentials_grant::{
    ClientAuthentication, CredentialsGrant, Endpoint, Error, Policy, Presentation, RequestContext, UnsignedRequest,
};

/// Every call says who calls, and the token goes into a header of its own.
#[derive(Debug)]
pub struct Walmart {
    /// `https://marketplace.walmartapis.com/v3/token`, or the sandbox's.
    pub token_endpoint: Endpoint,
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

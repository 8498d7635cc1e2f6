//! The Walmart Marketplace: a vendor of one's own, in about thirty lines.

use credentials_grant::{
    Attempt, ClientAuthentication, CredentialsGrant, Error, Policy, Presentation, TokenEndpoint, TokenRequest,
};

/// Every call says who calls, and the token goes into a header of its own.
#[derive(Debug)]
pub struct Walmart {
    /// `https://marketplace.walmartapis.com/v3/token`, or the sandbox's.
    pub token_endpoint: TokenEndpoint,
}

impl CredentialsGrant for Walmart {
    fn provider(&self) -> &'static str {
        "walmart"
    }

    fn token_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
        attempt
            .post(&self.token_endpoint)
            .client_authentication(ClientAuthentication::Basic)
            .header("WM_SVC.NAME", "Walmart Marketplace")
            .header("WM_QOS.CORRELATION_ID", &attempt.request_id())
            .client_credentials()
            .build()
    }

    fn policy(&self) -> Policy {
        let presentation =
            Presentation::header("WM_SEC.ACCESS_TOKEN").with_companion("WM_SVC.NAME", "Walmart Marketplace");
        Policy::new().with_presentation(presentation).with_host("marketplace.walmartapis.com")
    }
}

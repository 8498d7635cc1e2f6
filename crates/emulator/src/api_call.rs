//! The call of the vendor's API that an emulator serves.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use url::Url;

use crate::vendor_definition::{ExampleCall, GATEWAY_KEY};

/// The one call of the vendor's API that an emulator serves: add the access token and send it.
///
/// If there is a gateway, its key is among the headers and marked as
/// [sensitive](HeaderValue::set_sensitive), so it does not appear in debug output.
///
/// ```
/// use credentials_grant_emulator::{EmulatedVendor, Emulator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cognito = Emulator::new(EmulatedVendor::Cognito).start()?;
/// let call = cognito.api_call();
///
/// let request = reqwest::Client::new().request(call.method, call.url).headers(call.headers);
/// let request = match call.body {
///     Some(body) => request.json(&body),
///     None => request,
/// };
/// assert_eq!(request.bearer_auth("a-token-from-elsewhere").send().await?.status(), 401);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiCall {
    /// The method.
    pub method: Method,
    /// The URL on this emulator.
    pub url: Url,
    /// The headers that the call needs besides `Authorization`.
    pub headers: HeaderMap,
    /// The JSON body, if the call has one.
    pub body: Option<Value>,
}

impl ApiCall {
    /// Returns the call at the host of `url`.
    pub(crate) fn new(example: &ExampleCall, mut url: Url, gateway_key: Option<&str>) -> Self {
        url.set_path(example.path);
        let documented = example
            .headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Self {
            method: example.method.clone(),
            url,
            headers: documented.chain(gateway_key.and_then(gateway_header)).collect(),
            body: (example.body)(),
        }
    }
}

fn gateway_header(key: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(key).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_static(GATEWAY_KEY), value))
}

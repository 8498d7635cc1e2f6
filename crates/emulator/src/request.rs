//! A request, and the parts that vendors read from it.

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Method, Uri, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// One request, whose body was read to the end.
pub(crate) struct Request {
    pub(crate) source: IpAddr,
    pub(crate) method: Method,
    pub(crate) body: Bytes,
    uri: Uri,
    headers: HeaderMap,
}

/// The parameters of a form, a query or a multipart body.
#[derive(Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// The client credentials of a request, from the header or the body (RFC 6749, section 2.3.1).
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Request {
    /// Reads the request. A body that is larger than 1 MiB or incomplete counts as empty.
    pub(crate) async fn read(source: IpAddr, request: http::Request<Incoming>) -> Self {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, 1024 * 1024).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => Bytes::new(),
        };
        Self { source, method: head.method, body, uri: head.uri, headers: head.headers }
    }

    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    /// Returns every host that the request is for: in its header, and in a URL that a proxy would get. One that is not
    /// text is empty.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
        headers.chain(self.uri.authority().map(Authority::as_str))
    }

    pub(crate) fn has(&self, name: &HeaderName) -> bool {
        self.headers.contains_key(name)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the content type without its parameters.
    pub(crate) fn media_type(&self) -> &str {
        let sent = self.header("content-type").unwrap_or_default();
        sent.split(';').next().unwrap_or_default().trim()
    }

    pub(crate) fn query(&self) -> Parameters {
        Parameters::decode(self.uri.query().unwrap_or_default().as_bytes())
    }

    /// Returns the parameters of the body, if it is a form.
    pub(crate) fn form(&self) -> Option<Parameters> {
        let form = self.media_type().eq_ignore_ascii_case(FORM);
        form.then(|| Parameters::decode(&self.body))
    }

    /// Returns the parameters of the body, if it is valid multipart.
    pub(crate) fn multipart(&self) -> Option<Parameters> {
        let boundary = multer::parse_boundary(self.header("content-type")?).ok()?;
        // The whole body is in memory, so reading its parts never waits.
        parts(self.body.clone(), boundary).now_or_never()?.ok()
    }

    /// Returns the body, if it is valid JSON with the content type of JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        let json = self.media_type().eq_ignore_ascii_case("application/json");
        json.then(|| serde_json::from_slice(&self.body).ok())?
    }

    /// Returns what follows this scheme in the `Authorization` header.
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (sent, rest) = self.header("authorization")?.split_once(' ')?;
        sent.eq_ignore_ascii_case(scheme).then(|| rest.trim())
    }

    /// Returns the credentials of HTTP Basic (RFC 7617), without percent-decoding them.
    pub(crate) fn basic(&self) -> Option<Credentials> {
        let decoded = BASE64_STANDARD.decode(self.authorization("Basic")?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some(Credentials { id: id.to_owned(), secret: secret.to_owned() })
    }
}

impl Credentials {
    /// Decodes both parts like a form, as RFC 6749, section 2.3.1, asks of a server that reads HTTP Basic. A `%` that
    /// begins no escape stays as it is.
    pub(crate) fn form_decoded(&self) -> Option<Self> {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
            Some(decoded.into_owned())
        };
        Some(Self { id: decode(&self.id)?, secret: decode(&self.secret)? })
    }

    /// Returns `true` if each `%` begins an escape.
    pub(crate) fn has_valid_escapes(&self) -> bool {
        let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
        [&self.id, &self.secret].iter().all(|text| text.split('%').skip(1).all(is_escape))
    }
}

impl Parameters {
    /// Returns the first value of that name. An empty value counts as absent, as it does at the vendors.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(other, _)| other == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns `client_id` and `client_secret`; the secret is empty if it is missing.
    pub(crate) fn credentials(&self) -> Option<Credentials> {
        Some(Credentials {
            id: self.value("client_id")?.to_owned(),
            secret: self.value("client_secret").unwrap_or_default().to_owned(),
        })
    }

    fn decode(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

async fn parts(body: Bytes, boundary: String) -> multer::Result<Parameters> {
    let body = stream::once(async { Ok::<_, multer::Error>(body) });
    let mut multipart = multer::Multipart::new(body, boundary);
    let mut parameters = Vec::new();
    while let Some(field) = multipart.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        parameters.push((name, field.text().await?));
    }
    Ok(Parameters(parameters))
}

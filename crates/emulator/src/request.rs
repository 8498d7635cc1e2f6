//! A request as the vendors look at it.

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::{HeaderMap, Method, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::Value;

/// One request, its body read to the end.
pub(crate) struct Request {
    pub(crate) source: IpAddr,
    pub(crate) method: Method,
    pub(crate) body: Bytes,
    uri: Uri,
    headers: HeaderMap,
}

/// Parameters of a form, a query or a multipart body.
#[derive(Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// An identifier and a secret, in merge place.
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Request {
    /// Reads the request; a body that is too large or breaks off counts as empty.
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

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The content type as sent, without its parameters.
    pub(crate) fn media_type(&self) -> &str {
        let sent = self.header("content-type").unwrap_or_default();
        sent.split(';').next().unwrap_or_default().trim()
    }

    pub(crate) fn query(&self) -> Parameters {
        Parameters::decode(self.uri.query().unwrap_or_default().as_bytes())
    }

    /// The body, if it is a form.
    pub(crate) fn form(&self) -> Option<Parameters> {
        let form = self.media_type().eq_ignore_ascii_case(FORM);
        form.then(|| Parameters::decode(&self.body))
    }

    /// The body, if it is multipart and can be read.
    pub(crate) fn multipart(&self) -> Option<Parameters> {
        let boundary = multer::parse_boundary(self.header("content-type")?).ok()?;
        // The whole body is here, so reading its parts never waits.
        parts(self.body.clone(), boundary).now_or_never()?.ok()
    }

    /// The body, if it is JSON and says so.
    pub(crate) fn json(&self) -> Option<Value> {
        let json = self.media_type().eq_ignore_ascii_case("application/json");
        json.then(|| serde_json::from_slice(&self.body).ok())?
    }

    /// What stands in the `Authorization` header behind this scheme.
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (sent, rest) = self.header("authorization")?.split_once(' ')?;
        sent.eq_ignore_ascii_case(scheme).then(|| rest.trim())
    }

    /// HTTP Basic (RFC 7617), as it stands there: nothing is percent-decoded.
    pub(crate) fn basic(&self) -> Option<Credentials> {
        let decoded = BASE64_STANDARD.decode(self.authorization("Basic")?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some(Credentials { id: id.to_owned(), secret: secret.to_owned() })
    }
}

impl Parameters {
    /// The first value of that name, unless it is empty, which vendors take for absent.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(other, _)| other == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// `client_id` and `client_secret`; the latter may be missing.
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

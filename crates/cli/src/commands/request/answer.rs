//! Prints the API's response, and turns its status into an exit code.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use credentials_grant::{Error, ErrorKind, HeaderMap, HttpResponse, Retry, StatusCode};
use credentials_grant_client::HttpTransport;
use reqwest::header::LOCATION;
use reqwest::{Response, Url};
use serde::Serialize;

use super::secret_headers::SecretHeaders;
use super::url_authority::authority;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::invocation::TokenClient;
use crate::output;
use crate::text::TerminalText;

const MIB: usize = 1024 * 1024;

/// The largest body that `--output json` prints.
const LARGEST_JSON_BODY: usize = 8 * MIB;

/// What is printed of a response.
#[derive(Clone, Copy)]
pub(super) enum PrintedParts {
    /// The body as it arrives.
    Body,
    /// Status and headers, then the body as it arrives.
    HeadAndBody,
    /// All of it, as one line of JSON.
    Json,
}

/// Prints a response. An error status is an error once the body is printed.
pub(super) async fn print(
    client: &TokenClient,
    mut response: Response,
    parts: PrintedParts,
    secret_headers: SecretHeaders,
) -> Result<Exit, CommandError> {
    let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
    match parts {
        PrintedParts::Json => {
            let body = bounded_body(client, &mut response, &url).await?;
            output::print_json(&Answer::new(status, &headers, body))?;
        }
        PrintedParts::HeadAndBody => {
            let head = head(&response);
            if io::stdout().is_terminal() {
                output::write_part(TerminalText::default().part(&head).as_bytes())?;
            } else {
                output::write_part(&head)?;
            }
            stream(client, &mut response, &url).await?;
        }
        PrintedParts::Body => stream(client, &mut response, &url).await?,
    }
    exit(client, &HttpResponse::new(status, headers, Vec::new()), &url, secret_headers)
}

/// Reads the whole body, which must fit into memory: JSON says at its beginning how the body is written.
async fn bounded_body(client: &TokenClient, response: &mut Response, url: &Url) -> Result<Vec<u8>, CommandError> {
    let too_large = || {
        CommandError::new(
            Exit::BadResponse,
            format!("{} answered with more than {} MiB", authority(url), LARGEST_JSON_BODY / MIB),
        )
        .with_remedy("leave out --output json: without it, a body of any length is printed as it arrives")
        .with_provider(client.provider.name)
    };
    if response.content_length().is_some_and(|length| length > LARGEST_JSON_BODY as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| broken(client, error, url))? {
        if part.len() > LARGEST_JSON_BODY - body.len() {
            return Err(too_large());
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// Prints the body as it arrives, until it ends or the reader closes the pipe.
async fn stream(client: &TokenClient, response: &mut Response, url: &Url) -> Result<(), CommandError> {
    let is_terminal = io::stdout().is_terminal();
    let mut terminal = TerminalText::default();
    let mut last = b'\n';
    while let Some(part) = response.chunk().await.map_err(|error| broken(client, error, url))? {
        last = part.last().copied().unwrap_or(last);
        let has_reader =
            if is_terminal { output::write_part(terminal.part(&part).as_bytes())? } else { output::write_part(&part)? };
        if !has_reader {
            return Ok(());
        }
    }
    // So that the shell's prompt starts on a line of its own.
    if last != b'\n' && is_terminal {
        output::write_part(format!("{}\n", terminal.end()).as_bytes())?;
    }
    Ok(())
}

/// Converts an error of the exchange with the API, or of a body that breaks off.
pub(super) fn broken(client: &TokenClient, error: reqwest::Error, url: &Url) -> CommandError {
    let host = authority(error.url().unwrap_or(url));
    if error.is_redirect() {
        let message = format!("{host} redirected more than ten times in a row");
        return CommandError::new(Exit::BadResponse, message)
            .with_remedy("check the URL")
            .with_provider(client.provider.name);
    }
    let is_timeout = error.is_timeout() && !error.is_connect();
    let error = client.explain_api(HttpTransport::explain(error, &host)).with_provider(client.provider.name);
    if is_timeout { error.with_further_remedy("or set a longer --timeout") } else { error }
}

/// Returns status and headers, one per line, and an empty line.
fn head(response: &Response) -> Vec<u8> {
    let mut head = format!("{:?} {}\n", response.version(), response.status()).into_bytes();
    for (name, value) in response.headers() {
        head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
    }
    head.push(b'\n');
    head
}

/// The response as JSON. The members are a contract.
#[derive(Serialize)]
struct Answer {
    status: u16,
    /// By lower-case names. A header that is repeated has several values.
    headers: BTreeMap<String, Vec<String>>,
    body: String,
    /// How `body` is written: `utf-8`, or `base64` if it is not text.
    body_encoding: &'static str,
}

impl Answer {
    fn new(status: StatusCode, headers: &HeaderMap, body: Vec<u8>) -> Self {
        let text =
            |name| headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let headers = headers.keys().map(|name| (name.to_string(), text(name).collect())).collect();
        let (body, body_encoding) = match String::from_utf8(body) {
            Ok(text) => (text, "utf-8"),
            Err(error) => (BASE64_STANDARD.encode(error.as_bytes()), "base64"),
        };
        Self { status: status.as_u16(), headers, body, body_encoding }
    }
}

/// Returns how the run ends.
fn exit(
    client: &TokenClient,
    answer: &HttpResponse,
    url: &Url,
    secret_headers: SecretHeaders,
) -> Result<Exit, CommandError> {
    let (status, host) = (answer.status(), authority(url));
    let answered = format!("{host} answered {status}");
    let temporary = |kind, remedy| {
        let retry = answer.retry_after().map_or(Retry::Soon, Retry::After);
        CommandError::from(Error::new(kind, answered.clone()).with_remedy(remedy).with_retry(retry).with_status(status))
    };
    let permanent = |remedy| CommandError::new(Exit::ApiError, answered.clone()).with_remedy(remedy);
    let error = match status.as_u16() {
        429 => temporary(ErrorKind::RateLimited, "wait, then try again"),
        408 | 500.. => temporary(ErrorKind::Unavailable, "try again later"),
        401 => permanent("the API rejected the token: see why with --include; check scopes and audience"),
        403 => permanent("the token does not allow this: see why with --include; check scopes and audience"),
        400.. => permanent("check method and URL; the body may say more"),
        301 | 302 | 303 | 307 | 308 if answer.headers().contains_key(LOCATION) => {
            redirected(&answered, answer, url, secret_headers)
        }
        _ => return Ok(Exit::Done),
    };
    Err(error.with_provider(client.provider.name))
}

/// Makes the error for a redirect that was not followed, because the token or the secret headers must not go there.
fn redirected(answered: &str, answer: &HttpResponse, url: &Url, secret_headers: SecretHeaders) -> CommandError {
    let location = answer.headers().get(LOCATION).and_then(|location| url.join(location.to_str().ok()?).ok());
    let Some(elsewhere) = location.filter(Url::has_host) else {
        return CommandError::new(Exit::BadResponse, format!("{answered}, a redirect without a valid URL"))
            .with_remedy("check the URL");
    };
    let host = authority(&elsewhere);
    // All redirects so far stayed at the first host, if there are such headers.
    if !secret_headers.may_go_to(&elsewhere, url) {
        let first = authority(url);
        return CommandError::new(
            Exit::BadResponse,
            format!(
                "{answered}, a redirect to {}://{host}; the secret headers were not sent there",
                elsewhere.scheme()
            ),
        )
        .with_remedy(format!(
            "check the URL; headers from a file go to {first} only: if {host} may have them, request it"
        ));
    }
    let remedy = format!("check the URL; if {host} is one of the vendor's hosts, add --host {host}");
    CommandError::new(
        Exit::BadResponse,
        format!("{answered}, a redirect to {}://{host}; the token was not sent there", elsewhere.scheme()),
    )
    .with_remedy(remedy)
}

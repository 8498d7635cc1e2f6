//! What the API answered: the body as it comes, or all of it as JSON, and how the run ends.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use credentials_grant::{Error, ErrorKind, HeaderMap, HttpResponse, Retry, StatusCode};
use reqwest::header::LOCATION;
use reqwest::{Response, Url};
use serde::Serialize;

use super::outgoing::authority;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::source::Call;

/// Prints the answer, and says what the status means.
pub(super) async fn print(call: &Call<'_>, mut response: Response) -> Result<Exit, Failure> {
    let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
    if output::form(call.matches) == "json" {
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| super::broken(call, error, &url))? {
            body.extend_from_slice(&part);
        }
        output::print_json(&Answer::new(status, &headers, body))?;
    } else {
        if call.matches.get_flag("include") {
            output::pass_on(&head(&response))?;
        }
        pass_on(call, &mut response, &url).await?;
    }
    meaning(call, &HttpResponse::new(status, headers, Vec::new()), &url)
}

/// The body as it comes, until nobody reads on.
async fn pass_on(call: &Call<'_>, response: &mut Response, url: &Url) -> Result<(), Failure> {
    let mut last = b'\n';
    while let Some(part) = response.chunk().await.map_err(|error| super::broken(call, error, url))? {
        last = part.last().copied().unwrap_or(last);
        if !output::pass_on(&part)? {
            return Ok(());
        }
    }
    // What a shell prints next begins a line of its own.
    if last != b'\n' && io::stdout().is_terminal() {
        output::pass_on(b"\n")?;
    }
    Ok(())
}

/// Status and headers, a line each, and an empty line.
fn head(response: &Response) -> Vec<u8> {
    let mut head = format!("{:?} {}\n", response.version(), response.status()).into_bytes();
    for (name, value) in response.headers() {
        head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
    }
    head.push(b'\n');
    head
}

/// What programs get. The members are a contract.
#[derive(Serialize)]
struct Answer {
    status: u16,
    /// By their names in lower case; one that stands more than once has as many values.
    headers: BTreeMap<String, Vec<String>>,
    body: String,
    /// What `body` is: the text itself, or the bytes in base64 where they are no text.
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

/// How the run ends. Whatever the status, the body has been printed.
fn meaning(call: &Call<'_>, answer: &HttpResponse, url: &Url) -> Result<Exit, Failure> {
    let (status, host) = (answer.status(), authority(url));
    let said = format!("{host} answered {status}");
    let passing = |kind, remedy| {
        let retry = answer.retry_after().map_or(Retry::Soon, Retry::After);
        Failure::from(Error::new(kind, said.clone()).with_remedy(remedy).with_retry(retry))
    };
    let lasting = |remedy| Failure::new(Exit::CallFailed, said.clone()).with_remedy(remedy);
    let failure = match status.as_u16() {
        429 => passing(ErrorKind::RateLimited, "wait, then try again"),
        408 | 500.. => passing(ErrorKind::Unavailable, "try again later"),
        401 => lasting("the API does not take the token: --include shows why; check the scopes and the audience"),
        403 => lasting("the token may not do this: --include shows why; check the scopes and the audience"),
        400.. => lasting("check method and URL; the body may say more"),
        301 | 302 | 303 | 307 | 308 if answer.headers().contains_key(LOCATION) => redirected(&said, answer, url),
        _ => return Ok(Exit::Done),
    };
    Err(failure.with_provider(call.provider.name))
}

/// A redirect that was not followed, because the token must not go where it leads.
fn redirected(said: &str, answer: &HttpResponse, url: &Url) -> Failure {
    let location = answer.headers().get(LOCATION).and_then(|location| url.join(location.to_str().ok()?).ok());
    let Some(elsewhere) = location.filter(Url::has_host) else {
        return Failure::new(Exit::Unusable, format!("{said}, which leads nowhere")).with_remedy("check the URL");
    };
    let host = authority(&elsewhere);
    let remedy = format!("check the URL; if {host} is one of the vendor's hosts, name it: --host {host}");
    Failure::new(
        Exit::Unusable,
        format!("{said}, which leads to {}://{host}; the token was not sent there", elsewhere.scheme()),
    )
    .with_remedy(remedy)
}

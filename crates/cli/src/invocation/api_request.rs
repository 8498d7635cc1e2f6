//! The request to the API: method, URL, headers and body.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ArgMatches;
use credentials_grant::{ExposeSecret, HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use reqwest::{Request, Url};

use super::secret_names::{headers_of_token, is_secret_name};
use super::token_settings::TokenSettings;
use crate::error::CommandError;
use crate::provider::Provider;
use crate::provider::option::FileContent;
use crate::settings::content;

/// Headers that follow from the body, the URL or the connection. With another `Host`, the server that gets the token
/// could take it for a request to another.
const COMPUTED_HEADERS: [(HeaderName, &str); 7] = [
    (CONNECTION, "belongs to the connection"),
    (CONTENT_LENGTH, "is computed from the body"),
    (HOST, "is computed from the URL"),
    (TE, "belongs to the connection"),
    (TRAILER, "belongs to the connection"),
    (TRANSFER_ENCODING, "is computed from the body"),
    (UPGRADE, "belongs to the connection"),
];

/// A request to an API, without its token.
pub(crate) struct ApiRequest {
    pub(crate) url: Url,
    provider: &'static Provider,
    method: Method,
    headers: HeaderMap,
    body: Body,
}

enum Body {
    None,
    Text(String),
    File(PathBuf),
}

impl ApiRequest {
    /// Reads the flags, and the files of headers. The body is not read yet.
    pub(super) fn read(matches: &ArgMatches, settings: &TokenSettings) -> Result<Self, CommandError> {
        let options = &settings.options;
        let text = |name| matches.get_one::<String>(name);
        let body = match (text("data"), matches.get_one::<PathBuf>("data-file")) {
            (Some(text), _) => Body::Text(text.clone()),
            (None, Some(path)) => Body::File(path.clone()),
            (None, None) => Body::None,
        };
        let url = url(text("url").map_or("", String::as_str))
            .map_err(|why| options.usage(why, "write it in full, such as https://api.example.com/v1/things"))?;
        let lines: Vec<_> = matches.get_many::<String>("header").into_iter().flatten().collect();
        let mut stdin_readers = vec!["--header"; lines.iter().filter(|line| line.as_str() == "@-").count()];
        if matches!(&body, Body::File(path) if content::is_stdin(path)) {
            stdin_readers.push("--data-file");
        }
        options.check_stdin(&stdin_readers)?;
        let mut headers = HeaderMap::new();
        for line in lines {
            add_header(&mut headers, line, settings)?;
        }
        if !matches!(body, Body::None) {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        let method = matches.get_one("method").cloned().unwrap_or(Method::GET);
        Ok(Self { url, provider: options.provider, method, headers, body })
    }

    /// Returns `true` if there are headers from a file or from standard input, whose values are taken for secret.
    pub(crate) fn has_secret_headers(&self) -> bool {
        self.headers.values().any(HeaderValue::is_sensitive)
    }

    /// Reads the body into memory and returns the request.
    pub(crate) fn into_request(self) -> Result<Request, CommandError> {
        let mut request = Request::new(self.method, self.url);
        *request.headers_mut() = self.headers;
        let body = match self.body {
            Body::None => Vec::new(),
            Body::Text(text) => text.into_bytes(),
            Body::File(path) => read_body(&path).map_err(|error| unreadable(self.provider, &path, &error))?,
        };
        if !body.is_empty() {
            *request.body_mut() = Some(body.into());
        } else if [Method::POST, Method::PUT, Method::PATCH].contains(request.method()) {
            // RFC 9110 section 8.6. hyper leaves it out, and strict servers answer 411.
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(request)
    }
}

/// Parses the URL. One that is not valid is not shown: it may hold a secret.
fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("the URL is not valid ({error})"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("the URL does not begin with https://".to_owned()),
    }
}

/// Adds a header, or those in a file.
fn add_header(headers: &mut HeaderMap, header: &str, settings: &TokenSettings) -> Result<(), CommandError> {
    let options = &settings.options;
    let Some(path) = header.strip_prefix('@') else {
        let (name, value) = parse_header(header, settings)?;
        if is_secret_name(name.as_str()) {
            return Err(options.usage(
                format!("--header: {name} holds a secret, and every user of this machine can read command lines"),
                "put the line in a file and use --header @PATH, or --header @- for standard input",
            ));
        }
        headers.append(name, value);
        return Ok(());
    };
    let lines = content::read("--header", Path::new(path), FileContent::Headers)
        .map_err(|error| error.with_provider(options.provider.name))?;
    for line in lines.expose_secret().lines().filter(|line| !line.trim().is_empty()) {
        let (name, mut value) = parse_header(line, settings)?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(())
}

/// Parses a header. One that is not valid is not shown: it may hold a secret.
fn parse_header(header: &str, settings: &TokenSettings) -> Result<(HeaderName, HeaderValue), CommandError> {
    let options = &settings.options;
    let malformed = || options.usage("--header is not of the form 'Name: value'", "write --header 'Name: value'");
    let (name, value) = header.split_once(':').ok_or_else(malformed)?;
    let name = HeaderName::from_str(name.trim()).map_err(|_| malformed())?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| malformed())?;
    if name.as_str().eq_ignore_ascii_case(settings.grant.policy().presentation().header_name()) {
        return Err(options.usage(format!("--header: {name} carries the token"), "remove it"));
    }
    if headers_of_token(&*settings.grant).contains(&name) {
        let remedy = "remove it, and set its value as --help says";
        return Err(options.usage(format!("--header: {name} comes with the token"), remedy));
    }
    if let Some((_, why)) = COMPUTED_HEADERS.iter().find(|(computed, _)| *computed == name) {
        return Err(options.usage(format!("--header: {name} {why}"), "remove it"));
    }
    Ok((name, value))
}

fn read_body(path: &Path) -> io::Result<Vec<u8>> {
    if !content::is_stdin(path) {
        return fs::read(path);
    }
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        let _ = writeln!(anstream::stderr(), "Type the body, then press Ctrl-D on an empty line:");
    }
    let mut body = Vec::new();
    stdin.read_to_end(&mut body)?;
    Ok(body)
}

fn unreadable(provider: &Provider, path: &Path, error: &io::Error) -> CommandError {
    CommandError::usage(format!("--data-file: {} cannot be read", path.display()))
        .with_remedy("give --data-file a file, or - for standard input")
        .with_provider(provider.name)
        .with_cause(error)
}

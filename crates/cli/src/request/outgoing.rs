//! What is sent: method, URL, headers and body.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Arg, ArgAction, value_parser};
use credentials_grant::{ExposeSecret, HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use reqwest::{Request, Url};

use crate::exit::Failure;
use crate::file;
use crate::input::Form;
use crate::source::Call;

/// What holds a secret wherever it is used.
const SECRET: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

/// What follows from the body.
const OF_BODY: [HeaderName; 2] = [CONTENT_LENGTH, TRANSFER_ENCODING];

pub(super) fn args() -> [Arg; 5] {
    let (data, file) = (Arg::new("data").long("data"), Arg::new("data-file").long("data-file"));
    let header = Arg::new("header").short('H').long("header").action(ArgAction::Append);
    [
        Arg::new("method").value_name("METHOD").required(true).value_parser(method).help("GET, POST, PUT …"),
        Arg::new("url").value_name("URL").required(true).help("The URL in full"),
        data.value_name("TEXT").help("The body, as JSON unless a header says otherwise; no place for secrets"),
        file.value_name("PATH")
            .value_parser(value_parser!(PathBuf))
            .conflicts_with("data")
            .help("The body: a file, or - for standard input"),
        header.value_name("HEADER").help(
            "A header, as 'Name: value'; those that hold secrets come as @PATH, each on a line of a file, or @- for \
             standard input; may be repeated",
        ),
    ]
}

/// A request without its token.
pub(super) struct Outgoing {
    method: Method,
    pub(super) url: Url,
    headers: HeaderMap,
    body: Body,
}

enum Body {
    None,
    Text(String),
    File(PathBuf),
}

impl Outgoing {
    /// What the command line says. The body is not read yet.
    pub(super) fn new(call: &Call<'_>) -> Result<Self, Failure> {
        let one = |name| call.matches.get_one::<String>(name);
        let body = match (one("data"), call.matches.get_one::<PathBuf>("data-file")) {
            (Some(text), _) => Body::Text(text.clone()),
            (None, Some(path)) => Body::File(path.clone()),
            (None, None) => Body::None,
        };
        let method = call.matches.get_one("method").cloned().unwrap_or(Method::GET);
        let url = url(one("url").map_or("", String::as_str))
            .map_err(|why| call.usage(why, "give it in full, as in https://api.example.com/v1/things"))?;
        let given: Vec<_> = call.matches.get_many::<String>("header").into_iter().flatten().collect();
        let mut readers = vec!["--header"; given.iter().filter(|header| header.as_str() == "@-").count()];
        if matches!(&body, Body::File(path) if file::is_stdin(path)) {
            readers.push("--data-file");
        }
        call.check_stdin(&readers)?;
        let mut headers = HeaderMap::new();
        for header in given {
            add(&mut headers, header, call)?;
        }
        if !matches!(body, Body::None) {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        Ok(Self { method, url, headers, body })
    }

    /// The request, its body read into memory.
    pub(super) fn request(self, call: &Call<'_>) -> Result<Request, Failure> {
        let mut request = Request::new(self.method, self.url);
        *request.headers_mut() = self.headers;
        *request.body_mut() = match self.body {
            Body::None => None,
            Body::Text(text) => Some(text.into()),
            Body::File(path) => Some(read(&path).map_err(|error| unreadable(call, &path, &error))?.into()),
        };
        Ok(request)
    }
}

/// Host and port as `--host` would name them.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn method(text: &str) -> Result<Method, &'static str> {
    let method = Method::from_str(&text.to_ascii_uppercase()).map_err(|_| "give a method, such as GET or POST")?;
    match method {
        // The one is for proxies, and the other answers with the token.
        Method::CONNECT | Method::TRACE => Err("this is no method of an API; use GET, POST, PUT, PATCH or DELETE"),
        method => Ok(method),
    }
}

/// What cannot be read is not repeated: it may hold a secret.
fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("the URL cannot be read ({error})"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("the URL does not begin with https://".to_owned()),
    }
}

/// Adds a header, or those that stand in a file.
fn add(headers: &mut HeaderMap, header: &str, call: &Call<'_>) -> Result<(), Failure> {
    let Some(path) = header.strip_prefix('@') else {
        let (name, value) = parse(header, call)?;
        if SECRET.contains(&name) {
            return Err(call.usage(
                format!("--header: {name} holds a secret, and everyone on the machine can read a command line"),
                "put the line into a file and give --header @PATH, or --header @- for standard input",
            ));
        }
        headers.append(name, value);
        return Ok(());
    };
    let lines = file::read("--header", Path::new(path), Form::Headers)
        .map_err(|failure| failure.with_provider(call.provider.name))?;
    for line in lines.expose_secret().lines().filter(|line| !line.trim().is_empty()) {
        let (name, mut value) = parse(line, call)?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(())
}

/// Name and value. What cannot be read is not repeated: it may hold a secret.
fn parse(header: &str, call: &Call<'_>) -> Result<(HeaderName, HeaderValue), Failure> {
    let malformed = || call.usage("a --header is not of the form 'Name: value'", "write --header 'Name: value'");
    let (name, value) = header.split_once(':').ok_or_else(malformed)?;
    let name = HeaderName::from_str(name.trim()).map_err(|_| malformed())?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| malformed())?;
    if name.as_str().eq_ignore_ascii_case(call.grant.policy().presentation().header_name()) {
        return Err(call.usage(format!("--header: {name} is where the token goes"), "leave it out"));
    }
    if OF_BODY.contains(&name) {
        return Err(call.usage(format!("--header: {name} follows from the body"), "leave it out"));
    }
    Ok((name, value))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !file::is_stdin(path) {
        return fs::read(path);
    }
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        let _ = writeln!(anstream::stderr(), "Type the body, then press Ctrl-D on a line of its own:");
    }
    let mut body = Vec::new();
    stdin.read_to_end(&mut body)?;
    Ok(body)
}

fn unreadable(call: &Call<'_>, path: &Path, error: &io::Error) -> Failure {
    let message = format!("--data-file: {} cannot be read", path.display());
    call.usage(message, "give --data-file a file, or - for standard input").with_cause(error)
}

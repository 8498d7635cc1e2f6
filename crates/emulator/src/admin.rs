//! The emulator's own interface, for whoever has no handle: people on a terminal, tests in other languages.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::http_response::HttpResponse;
use crate::misbehaviour::Misbehaviour;
use crate::request::Request;

/// What all paths of the admin begin with; no vendor's does.
pub(crate) const PATH: &str = "/_emulator";

pub(crate) fn answer(server: &AuthorizationServer, request: &Request) -> HttpResponse {
    let done = match (&request.method, &request.path()[PATH.len()..]) {
        (&Method::GET, "") => Ok(()),
        (&Method::GET, "/jwks") => return HttpResponse::json(StatusCode::OK, &server.key.public()),
        (&Method::POST, "/advance") => advance(server, request),
        (&Method::POST, "/misbehave") => misbehave(server, request),
        (&Method::POST, "/revoke") => revoke(server, request),
        _ => Err(refuse(StatusCode::NOT_FOUND, PATHS)),
    };
    match done {
        Ok(()) => status(server),
        Err(refusal) => refusal,
    }
}

const PATHS: &str = "the emulator has GET /_emulator, GET /_emulator/jwks, POST /_emulator/advance, \
    POST /_emulator/misbehave and POST /_emulator/revoke";

#[derive(Serialize)]
struct Status<'a> {
    vendor: &'a str,
    token_url: &'a str,
    token_requests: u64,
    tokens_issued: u64,
    misbehaviour: Option<MisbehaviourStatus>,
}

#[derive(Serialize)]
struct MisbehaviourStatus {
    #[serde(flatten)]
    misbehaviour: Misbehaviour,
    times_left: Option<u32>,
}

fn status(server: &AuthorizationServer) -> HttpResponse {
    let standing = server.misbehaviour.current();
    let status = Status {
        vendor: server.settings.vendor.name(),
        token_url: server.token_url.as_str(),
        token_requests: server.token_requests.load(Ordering::Relaxed),
        tokens_issued: server.access_tokens.count(),
        misbehaviour: standing.map(|(misbehaviour, times_left)| MisbehaviourStatus { misbehaviour, times_left }),
    };
    HttpResponse::json(StatusCode::OK, &status)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u32,
}

fn advance(server: &AuthorizationServer, request: &Request) -> Result<(), HttpResponse> {
    let Advance { seconds } = read(request, r#"{"seconds": 3600}"#)?;
    let by = Duration::from_secs(seconds.into());
    server.settings.clock.advance(by);
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    token: Option<String>,
}

fn revoke(server: &AuthorizationServer, request: &Request) -> Result<(), HttpResponse> {
    let Revoke { token } = read(request, r#"{"token": "…"}, or {} for every token"#)?;
    match token {
        None => server.access_tokens.revoke_all(),
        Some(token) if server.access_tokens.revoke(&token) => {}
        Some(_) => {
            let why = "this emulator issued no such token: send one of its own, or {} for every token";
            return Err(refuse(StatusCode::NOT_FOUND, why));
        }
    }
    Ok(())
}

fn misbehave(server: &AuthorizationServer, request: &Request) -> Result<(), HttpResponse> {
    let example = r#"{"kind": "throttle", "times": 2}, or {"kind": "none"}"#;
    let mut order: serde_json::Map<String, Value> = read(request, example)?;
    let times = match order.remove("times") {
        Some(times) => from_json(times, example)?,
        None => None,
    };
    if order.get("kind").is_some_and(|kind| kind == "none") {
        check_members(&order, &json!({"kind": "none"}), example)?;
        server.misbehaviour.end();
    } else {
        let misbehaviour: Misbehaviour = from_json(order.clone().into(), example)?;
        check_members(&order, &json!(misbehaviour), example)?;
        if !misbehaviour.fits_into_headers() {
            let why = format!("retry_after cannot stand in a header; send for example {example}");
            return Err(refuse(StatusCode::BAD_REQUEST, &why));
        }
        server.misbehaviour.begin(misbehaviour, times);
    }
    Ok(())
}

/// Refuses members that mean nothing, which serde lets pass in kinds without fields: a misspelt `times` is for ever.
fn check_members(
    order: &serde_json::Map<String, Value>,
    understood: &Value,
    example: &str,
) -> Result<(), HttpResponse> {
    match order.iter().find(|(name, value)| understood.get(name).is_none() && !value.is_null()) {
        None => Ok(()),
        Some((name, _)) => {
            let why = format!("there is no member {name:?} in this kind; send for example {example}");
            Err(refuse(StatusCode::BAD_REQUEST, &why))
        }
    }
}

/// Reads the body as JSON whatever its content type, since `curl -d` calls everything a form.
fn read<T: DeserializeOwned>(request: &Request, example: &str) -> Result<T, HttpResponse> {
    serde_json::from_slice(&request.body).map_err(|error| unreadable(&error, example))
}

fn from_json<T: DeserializeOwned>(value: Value, example: &str) -> Result<T, HttpResponse> {
    serde_json::from_value(value).map_err(|error| unreadable(&error, example))
}

fn unreadable(error: &serde_json::Error, example: &str) -> HttpResponse {
    refuse(StatusCode::BAD_REQUEST, &format!("{error}; send for example {example}"))
}

#[derive(Serialize)]
struct ErrorResponse<'a> {
    error: &'a str,
}

fn refuse(status: StatusCode, error: &str) -> HttpResponse {
    HttpResponse::json(status, &ErrorResponse { error })
}

//! The emulator's own interface over HTTP, for shells and for tests in other languages.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::caller::{check_json, check_no_web_page};
use crate::http_response::HttpResponse;
use crate::misbehaviour::Misbehaviour;
use crate::request::Request;
use crate::service::EmulatorService;

/// The beginning of every path of the admin interface. No vendor has such a path.
pub(crate) const PATH: &str = "/_emulator";

/// Responds to a request whose path begins with [`PATH`].
pub(crate) fn respond(service: &EmulatorService, request: &Request) -> HttpResponse {
    if let Err(refusal) = check_no_web_page(request) {
        return refusal;
    }
    let outcome = match (&request.method, &request.path()[PATH.len()..]) {
        (&Method::GET, "") => Ok(()),
        (&Method::GET, "/jwks") => return HttpResponse::json(StatusCode::OK, &service.server.key.public()),
        (&Method::POST, "/advance") => advance(service, request),
        (&Method::POST, "/misbehave") => misbehave(service, request),
        (&Method::POST, "/revoke") => revoke(service, request),
        _ => Err(HttpResponse::refusal(StatusCode::NOT_FOUND, UNKNOWN)),
    };
    match outcome {
        Ok(()) => status(service),
        Err(response) => response,
    }
}

const UNKNOWN: &str = "unknown path or method: use GET /_emulator, GET /_emulator/jwks, POST /_emulator/advance, \
    POST /_emulator/misbehave or POST /_emulator/revoke";

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

fn status(service: &EmulatorService) -> HttpResponse {
    let active = service.misbehaviour.current();
    let status = Status {
        vendor: service.name,
        token_url: service.token_url.as_str(),
        token_requests: service.token_requests.load(Ordering::Relaxed),
        tokens_issued: service.server.access_tokens.count(),
        misbehaviour: active.map(|(misbehaviour, times_left)| MisbehaviourStatus { misbehaviour, times_left }),
    };
    HttpResponse::json(StatusCode::OK, &status)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u32,
}

fn advance(service: &EmulatorService, request: &Request) -> Result<(), HttpResponse> {
    let Advance { seconds } = read(request, r#"{"seconds": 3600}"#)?;
    service.server.settings.clock.advance(Duration::from_secs(seconds.into()));
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    token: Option<String>,
}

fn revoke(service: &EmulatorService, request: &Request) -> Result<(), HttpResponse> {
    let Revoke { token } = read(request, r#"{"token": "…"}, or {} for every token"#)?;
    match token {
        None => service.server.access_tokens.revoke_all(),
        Some(token) if service.server.access_tokens.revoke(&token) => {}
        Some(_) => {
            let error = "this emulator did not issue that token: send one that it issued, or {} for every token";
            return Err(HttpResponse::refusal(StatusCode::NOT_FOUND, error));
        }
    }
    Ok(())
}

fn misbehave(service: &EmulatorService, request: &Request) -> Result<(), HttpResponse> {
    let example = r#"{"kind": "throttle", "times": 2}, or {"kind": "none"}"#;
    let mut members: serde_json::Map<String, Value> = read(request, example)?;
    let times = match members.remove("times") {
        Some(times) => from_json(times, example)?,
        None => None,
    };
    if members.get("kind").is_some_and(|kind| kind == "none") {
        check_members(&members, &json!({"kind": "none"}), example)?;
        service.misbehaviour.end();
    } else {
        let misbehaviour: Misbehaviour = from_json(members.clone().into(), example)?;
        check_members(&members, &json!(misbehaviour), example)?;
        if !misbehaviour.has_valid_headers() {
            let error = format!("retry_after is not a valid header value; send for example {example}");
            return Err(HttpResponse::refusal(StatusCode::BAD_REQUEST, &error));
        }
        service.misbehaviour.begin(misbehaviour, times);
    }
    Ok(())
}

/// Refuses unknown members, which serde ignores in kinds without fields: a misspelt `times` would mean "for ever".
fn check_members(members: &serde_json::Map<String, Value>, known: &Value, example: &str) -> Result<(), HttpResponse> {
    match members.iter().find(|(name, value)| known.get(name).is_none() && !value.is_null()) {
        None => Ok(()),
        Some((name, _)) => {
            let error = format!("unknown member {name:?} for this kind; send for example {example}");
            Err(HttpResponse::refusal(StatusCode::BAD_REQUEST, &error))
        }
    }
}

/// Reads the body as JSON.
fn read<T: DeserializeOwned>(request: &Request, example: &str) -> Result<T, HttpResponse> {
    check_json(request)?;
    serde_json::from_slice(&request.body).map_err(|error| invalid_body(&error, example))
}

fn from_json<T: DeserializeOwned>(value: Value, example: &str) -> Result<T, HttpResponse> {
    serde_json::from_value(value).map_err(|error| invalid_body(&error, example))
}

fn invalid_body(error: &serde_json::Error, example: &str) -> HttpResponse {
    HttpResponse::refusal(StatusCode::BAD_REQUEST, &format!("{error}; send for example {example}"))
}

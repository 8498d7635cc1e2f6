//! apaleo, from <https://apaleo.dev/guides/oauth-connection/simple-client> (read 2026).
//!
//! The page says what is asked and answered.
//! The path `/connect/token` and the order of the members are those of `IdentityServer`, so the checks and refusals are
//! those of `IdentityServer4` (source at 5e40bd18, read 2026): 400 for everything, even for a wrong secret.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

use crate::answer::Answer;
use crate::authorization_server::{AuthorizationServer, Unauthorized};
use crate::authorization_server::{CLIENT_CREDENTIALS, Call, Script};
use crate::request::{Login, Parameters, Request};

pub(crate) static SCRIPT: Script = Script {
    token_paths: &["/connect/token"],
    client_id: "SDXE-SP-SIMPLEAPP",
    client_secret: "apaleoEmulatorSecretGXvZFmps1Zm7",
    gateway_key: None,
    grant_types: &[CLIENT_CREDENTIALS],
    scopes: &[
        "availability.read",
        "companies.read",
        "identity:account-users.manage",
        "identity:account-users.read",
        "offers.read",
        "reservations.manage",
        "reservations.read",
    ],
    lifetime: Duration::from_secs(3600),
    requests_per_second: None,
    address_block: None,
    call: Call { method: Method::GET, path: "/inventory/v1/properties/MUC", headers: &[], body: || None },
    token,
    api,
    refusal,
};

fn token(server: &AuthorizationServer, request: &Request) -> Result<Answer, Answer> {
    let form =
        (request.method == Method::POST).then(|| request.form()).flatten().ok_or_else(|| refuse("invalid_request"))?;
    let login = login(request, &form).ok_or_else(|| refuse("invalid_client"))?;
    if !server.authenticate(request, &login) {
        return Err(refuse("invalid_client"));
    }
    match form.value("grant_type") {
        Some(CLIENT_CREDENTIALS) if server.allows(CLIENT_CREDENTIALS) => {}
        Some(CLIENT_CREDENTIALS | "authorization_code" | "password" | "refresh_token") => {
            return Err(refuse("unauthorized_client"));
        }
        _ => return Err(refuse("unsupported_grant_type")),
    }
    let asked = form.value("scope").filter(|scope| !scope.trim().is_empty());
    let scopes = Some(asked)
        .filter(|asked| asked.is_none_or(|asked| asked.len() <= 300))
        .and_then(|asked| server.scopes(asked))
        .ok_or_else(|| refuse("invalid_scope"))?;
    grant(server, &login.id, &scopes)
}

/// Basic first, then the form; the first that brings a secret is the one that counts, right or wrong.
fn login(request: &Request, form: &Parameters) -> Option<Login> {
    request
        .basic()
        .and_then(decoded)
        .filter(complete)
        .or_else(|| form.login().filter(complete))
        .filter(|login| login.id.len() <= 100 && login.secret.len() <= 100)
}

fn complete(login: &Login) -> bool {
    !login.id.is_empty() && !login.secret.is_empty()
}

/// RFC 6749, section 2.3.1: both halves were form-encoded before they became Basic.
fn decoded(login: Login) -> Option<Login> {
    let decode = |text: String| {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
        Some(decoded.into_owned())
    };
    Some(Login { id: decode(login.id)?, secret: decode(login.secret)? })
}

#[derive(Serialize)]
struct Granted<'a> {
    access_token: &'a str,
    expires_in: Value,
    token_type: &'a str,
    scope: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    nbf: u64,
    exp: u64,
    iss: &'a str,
    aud: [&'a str; 4],
    client_id: &'a str,
    account_code: &'a str,
    scope: &'a [String],
    /// Not in the page's example; without it two tokens of one second would be the same token.
    jti: String,
}

fn grant(server: &AuthorizationServer, client_id: &str, scopes: &[String]) -> Result<Answer, Answer> {
    let token = server.issue_jwt(|stamp| Claims {
        nbf: stamp.issued_at,
        exp: stamp.expires_at,
        iss: "https://identity.apaleo.com",
        aud: ["api", "identity_server", "notifications", "apaleo"],
        client_id,
        // In the page's example, the account's code is what the client id begins with.
        account_code: client_id.split('-').next().unwrap_or_default(),
        scope: scopes,
        jti: stamp.id,
    })?;
    let granted = Granted {
        access_token: &token,
        expires_in: server.expires_in(),
        token_type: "Bearer",
        scope: scopes.join(" "),
    };
    Ok(json(StatusCode::OK, &granted).with_token(token))
}

#[derive(Serialize)]
struct Refusal<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'a str>,
}

fn refuse(error: &str) -> Answer {
    let refusal = Refusal { error, error_description: None };
    json(StatusCode::BAD_REQUEST, &refusal)
}

fn refusal(description: &str) -> Answer {
    let refusal = Refusal { error: "invalid_client", error_description: Some(description) };
    json(StatusCode::BAD_REQUEST, &refusal)
}

fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    Answer::json(status, body)
        .with_content_type("application/json; charset=UTF-8")
        .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache, max-age=0"))
        .with_header(header::PRAGMA, HeaderValue::from_static("no-cache"))
}

/// The property of the page's example.
fn api(server: &AuthorizationServer, request: &Request) -> Result<Answer, Answer> {
    let property = request.path().strip_prefix("/inventory/v1/properties/").filter(|_| request.method == Method::GET);
    let property = property.ok_or_else(|| Answer::empty(StatusCode::NOT_FOUND))?;
    server.check_bearer(request).map_err(challenge)?;
    match property {
        "MUC" => Ok(Answer::empty(StatusCode::OK)
            .with_body("application/json; charset=utf-8", include_str!("apaleo_property.json"))),
        _ => Err(Answer::empty(StatusCode::NOT_FOUND)),
    }
}

/// ASP.NET's bearer challenge, which has no body.
fn challenge(why: Unauthorized) -> Answer {
    let challenge = match why {
        Unauthorized::Missing => "Bearer",
        Unauthorized::Expired | Unauthorized::Invalid => "Bearer error=\"invalid_token\"",
    };
    Answer::empty(StatusCode::UNAUTHORIZED).with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

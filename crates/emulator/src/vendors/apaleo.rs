//! apaleo.
//!
//! Requests and responses are those of <https://apaleo.dev/guides/oauth-connection/simple-client> (read 2026-11-21).
//! The path `/connect/token` and the order of the members are those of `IdentityServer`, so the checks and errors are
//! those of `IdentityServer4` (source at 5e40bd18, read 2026-11-21).
//! Every error has status 400, a wrong secret included.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use crate::authorization_server::{AuthorizationServer, BearerError};
use crate::http_response::HttpResponse;
use crate::request::{Credentials, Parameters, Request};
use crate::vendor_definition::{CLIENT_CREDENTIALS, ExampleCall, VendorDefinition};

pub(crate) static DEFINITION: VendorDefinition = VendorDefinition {
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
    example_call: ExampleCall {
        method: Method::GET,
        path: "/inventory/v1/properties/MUC",
        headers: &[],
        body: || None,
    },
    token_endpoint,
    api,
    invalid_client,
};

fn token_endpoint(server: &AuthorizationServer, request: &Request) -> Result<HttpResponse, HttpResponse> {
    let form = (request.method == Method::POST)
        .then(|| request.form())
        .flatten()
        .ok_or_else(|| error_response("invalid_request"))?;
    let credentials = credentials(server, request, &form).ok_or_else(|| error_response("invalid_client"))?;
    if !server.authenticate(request, &credentials) {
        return Err(error_response("invalid_client"));
    }
    match form.value("grant_type") {
        Some(CLIENT_CREDENTIALS) if server.allows(CLIENT_CREDENTIALS) => {}
        Some(CLIENT_CREDENTIALS | "authorization_code" | "password" | "refresh_token") => {
            return Err(error_response("unauthorized_client"));
        }
        _ => return Err(error_response("unsupported_grant_type")),
    }
    let requested = form.value("scope").filter(|scope| !scope.trim().is_empty());
    let scopes = Some(requested)
        .filter(|requested| requested.is_none_or(|requested| requested.len() <= 300))
        .and_then(|requested| server.scopes(requested))
        .ok_or_else(|| error_response("invalid_scope"))?;
    token_response(server, &credentials.id, &scopes)
}

/// Returns the credentials of HTTP Basic, which the page requires. `IdentityServer` reads those of the form if Basic
/// has no secret. They are not compared yet.
fn credentials(server: &AuthorizationServer, request: &Request, form: &Parameters) -> Option<Credentials> {
    let of_form = || server.settings.client_secret_post.then(|| form.credentials())?.filter(complete);
    request
        .basic()
        .and_then(|basic| basic.form_decoded())
        .filter(complete)
        .or_else(of_form)
        .filter(|credentials| [&credentials.id, &credentials.secret].iter().all(|text| length(text) <= 100))
}

/// Returns the length as .NET counts it.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

fn complete(credentials: &Credentials) -> bool {
    !credentials.id.is_empty() && !credentials.secret.is_empty()
}

#[derive(Serialize)]
struct TokenResponse<'a> {
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
    /// Not in the page's example, but without it two tokens of one second would be equal.
    jti: String,
}

fn token_response(
    server: &AuthorizationServer,
    client_id: &str,
    scopes: &[String],
) -> Result<HttpResponse, HttpResponse> {
    let token = server.issue_jwt(|registered| Claims {
        nbf: registered.issued_at,
        exp: registered.expires_at,
        iss: "https://identity.apaleo.com",
        aud: ["api", "identity_server", "notifications", "apaleo"],
        client_id,
        // In the page's example, the client id begins with the account's code.
        account_code: client_id.split('-').next().unwrap_or_default(),
        scope: scopes,
        jti: registered.id,
    })?;
    let body = TokenResponse {
        access_token: &token,
        expires_in: server.expires_in(),
        token_type: "Bearer",
        scope: scopes.join(" "),
    };
    Ok(json(StatusCode::OK, &body).with_token(token))
}

#[derive(Serialize)]
struct ErrorResponse<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'a str>,
}

fn error_response(error: &str) -> HttpResponse {
    let body = ErrorResponse { error, error_description: None };
    json(StatusCode::BAD_REQUEST, &body)
}

fn invalid_client(description: &str) -> HttpResponse {
    let body = ErrorResponse { error: "invalid_client", error_description: Some(description) };
    json(StatusCode::BAD_REQUEST, &body)
}

fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::json(status, body)
        .with_content_type("application/json; charset=UTF-8")
        .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache, max-age=0"))
        .with_header(header::PRAGMA, HeaderValue::from_static("no-cache"))
}

/// Responds with the property of the page's example.
fn api(server: &AuthorizationServer, request: &Request) -> Result<HttpResponse, HttpResponse> {
    let property = request.path().strip_prefix("/inventory/v1/properties/").filter(|_| request.method == Method::GET);
    let property = property.ok_or_else(|| HttpResponse::empty(StatusCode::NOT_FOUND))?;
    server.check_bearer(request).map_err(challenge)?;
    match property {
        "MUC" => Ok(HttpResponse::empty(StatusCode::OK)
            .with_body("application/json; charset=utf-8", include_str!("apaleo_property.json"))),
        _ => Err(HttpResponse::empty(StatusCode::NOT_FOUND)),
    }
}

/// Returns the response of ASP.NET to a bearer token that it does not accept; it has no body.
fn challenge(error: BearerError) -> HttpResponse {
    let challenge = match error {
        BearerError::Missing => "Bearer",
        BearerError::Expired | BearerError::Invalid => "Bearer error=\"invalid_token\"",
    };
    HttpResponse::empty(StatusCode::UNAUTHORIZED)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

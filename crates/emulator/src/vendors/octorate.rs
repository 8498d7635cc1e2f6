//! Octotable by Octorate.
//!
//! The token request and response are those of
//! <https://octotable-1.gitbook.io/octotable-api/authentication/quickstart> (read 2026-11-21), the errors those of
//! <https://octotable-1.gitbook.io/octotable-api/getting-started-with-reservations/error-manual/overview>
//! (read 2026-11-21).
//! The pages do not say that the token endpoint sends its errors in the same form: we assume that the whole API does.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::http_response::HttpResponse;
use crate::request::{Credentials, Request};
use crate::vendor_definition::{CLIENT_CREDENTIALS, ExampleCall, VendorDefinition};

pub(crate) static DEFINITION: VendorDefinition = VendorDefinition {
    token_paths: &["/octotable-pms/api/v2/oauth2/token"],
    client_id: "octotable-emulator-client",
    client_secret: "octotable-emulator-secret",
    gateway_key: None,
    grant_types: &[CLIENT_CREDENTIALS],
    scopes: &[],
    lifetime: Duration::from_secs(1440),
    requests_per_second: None,
    address_block: None,
    example_call: ExampleCall { method: Method::GET, path: "/api/v2/", headers: &[], body: || None },
    token_endpoint,
    api,
    invalid_client: unauthorized,
};

fn token_endpoint(server: &AuthorizationServer, request: &Request) -> Result<HttpResponse, HttpResponse> {
    if request.method != Method::POST {
        return Err(not_found());
    }
    let body = request
        .json()
        .filter(Value::is_object)
        .ok_or_else(|| bad_request("The request body must be a JSON object."))?;
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    let grant_type = text("grant_type").ok_or_else(|| bad_request("grant_type is required."))?;
    if grant_type != CLIENT_CREDENTIALS {
        return Err(bad_request("grant_type must be client_credentials."));
    }
    let credentials = Credentials {
        id: text("client_id").ok_or_else(|| bad_request("client_id is required."))?.to_owned(),
        secret: text("client_secret").ok_or_else(|| bad_request("client_secret is required."))?.to_owned(),
    };
    if !server.authenticate(request, &credentials) {
        return Err(unauthorized("The client credentials are invalid."));
    }
    if !server.allows(CLIENT_CREDENTIALS) {
        return Err(forbidden());
    }
    token_response(server)
}

#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    expires_in: Value,
    #[serde(rename = "type")]
    kind: &'a str,
}

fn token_response(server: &AuthorizationServer) -> Result<HttpResponse, HttpResponse> {
    let token = server.issue_opaque()?;
    let body = TokenResponse { access_token: &token, expires_in: server.expires_in(), kind: "Bearer" };
    Ok(HttpResponse::json(StatusCode::OK, &body).with_token(token))
}

/// The page's example calls `https://api.octotable.com/api/v2/`. Its «base resource URL» is
/// `https://api.octorate.com/octotable-pms/api/v2`.
const API_PATHS: [&str; 4] = ["/api/v2/", "/api/v2", "/octotable-pms/api/v2/", "/octotable-pms/api/v2"];

/// Responds to the call of the page's example, at both of the page's base URLs. The page does not show the response.
fn api(server: &AuthorizationServer, request: &Request) -> Result<HttpResponse, HttpResponse> {
    if request.method != Method::GET || !API_PATHS.contains(&request.path()) {
        return Err(not_found());
    }
    server.check_bearer(request).map_err(|_| unauthorized("The access token is missing or invalid."))?;
    Ok(HttpResponse::json(StatusCode::OK, &json!({"success": true})))
}

fn bad_request(message: &str) -> HttpResponse {
    envelope(StatusCode::BAD_REQUEST, "BAD_REQUEST", message, "BadRequestException")
}

fn unauthorized(message: &str) -> HttpResponse {
    envelope(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message, "UnauthorizedException")
}

fn forbidden() -> HttpResponse {
    let message = "The client may not use this grant.";
    envelope(StatusCode::FORBIDDEN, "FORBIDDEN", message, "ForbiddenException")
}

/// Returns the one error that the error manual shows.
fn not_found() -> HttpResponse {
    let message = "The specified resource does not exist.";
    envelope(StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND", message, "ResourceNotFoundException")
}

#[derive(Serialize)]
struct Envelope<'a> {
    success: bool,
    error: ErrorDetail<'a>,
}

#[derive(Serialize)]
struct ErrorDetail<'a> {
    code: &'a str,
    message: &'a str,
    class_name: &'a str,
}

fn envelope(status: StatusCode, code: &str, message: &str, class_name: &str) -> HttpResponse {
    let error = ErrorDetail { code, message, class_name };
    HttpResponse::json(status, &Envelope { success: false, error })
}

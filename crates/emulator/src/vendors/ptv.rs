//! PTV Logistics, formerly Conundra.
//!
//! Client authentication and limits are those of <https://developer.conundra.eu/developer-portal/authentication>
//! (read 2026-11-21).
//! The page refers to each API for the token URL and shows no response. An earlier version of it has both, and they are
//! Keycloak's.
//! No version shows an error, so the errors are those of RFC 6749, section 5.2.
//! No version names a path of the API, so we chose one.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, BearerError};
use crate::http_response::HttpResponse;
use crate::limits::AddressBlock;
use crate::request::{Credentials, Parameters, Request};
use crate::vendor_definition::{CLIENT_CREDENTIALS, ExampleCall, VendorDefinition};

pub(crate) static DEFINITION: VendorDefinition = VendorDefinition {
    token_paths: &["/auth/realms/prod/protocol/openid-connect/token"],
    client_id: "ptv-emulator-client",
    client_secret: "ptv-emulator-secret",
    gateway_key: None,
    grant_types: &[CLIENT_CREDENTIALS],
    scopes: &[],
    lifetime: Duration::from_secs(300),
    requests_per_second: Some(50),
    // The page says "continuous" and "temporarily"; we chose the numbers.
    address_block: Some(AddressBlock { failed_logins: 10, duration: Duration::from_secs(60) }),
    example_call: ExampleCall { method: Method::GET, path: ROUTES, headers: &[], body: || None },
    token_endpoint,
    api,
    invalid_client,
};

fn token_endpoint(server: &AuthorizationServer, request: &Request) -> Result<HttpResponse, HttpResponse> {
    if request.method != Method::POST {
        let response = error_response(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "use POST");
        return Err(response.with_header(header::ALLOW, HeaderValue::from_static("POST")));
    }
    let form = form(server, request).ok_or_else(|| bad_request("invalid_request", "the body is not a form"))?;
    let grant_type = form.value("grant_type").ok_or_else(|| bad_request("invalid_request", "grant_type is missing"))?;
    let credentials = basic(request)
        .or_else(|| form.credentials())
        .filter(|credentials| server.authenticate(request, credentials))
        .ok_or_else(|| invalid_client("the client credentials are invalid"))?;
    if grant_type != CLIENT_CREDENTIALS {
        return Err(bad_request("unsupported_grant_type", "use client_credentials"));
    }
    if !server.allows(CLIENT_CREDENTIALS) {
        return Err(bad_request("unauthorized_client", "the client may not use this grant"));
    }
    let scopes = server
        .scopes(form.value("scope"))
        .ok_or_else(|| bad_request("invalid_scope", "the client may not have this scope"))?;
    token_response(server, &credentials.id, &scopes.join(" "))
}

/// Reads the credentials of HTTP Basic and decodes them like a form, as Keycloak does, which refuses invalid escapes
/// (`BasicAuthHelper.RFC6749`, source at 110a6242, read 2026-11-29). Credentials that are not encoded are understood as
/// well, unless they have a `%` or a `+`.
fn basic(request: &Request) -> Option<Credentials> {
    request.basic().filter(Credentials::has_valid_escapes).and_then(|basic| basic.form_decoded())
}

/// Reads the form, which is multipart in the page's example (curl's `--form`).
fn form(server: &AuthorizationServer, request: &Request) -> Option<Parameters> {
    let multipart = || server.settings.multipart.then(|| request.multipart())?;
    request.form().or_else(multipart)
}

/// The members of the example in the earlier version of the page.
#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    expires_in: Value,
    #[serde(rename = "not-before-policy")]
    not_before_policy: u64,
    refresh_expires_in: u64,
    scope: &'a str,
    token_type: &'a str,
}

/// The example shows only the beginning of a JWT, so the claims are those of a Keycloak token.
#[derive(Serialize)]
struct Claims<'a> {
    exp: u64,
    iat: u64,
    jti: String,
    iss: &'a str,
    typ: &'a str,
    azp: &'a str,
    scope: &'a str,
}

fn token_response(server: &AuthorizationServer, client_id: &str, scope: &str) -> Result<HttpResponse, HttpResponse> {
    let token = server.issue_jwt(|registered| Claims {
        exp: registered.expires_at,
        iat: registered.issued_at,
        jti: registered.id,
        iss: "https://auth.conundra.eu/auth/realms/prod",
        typ: "Bearer",
        azp: client_id,
        scope,
    })?;
    let body = TokenResponse {
        access_token: &token,
        expires_in: server.expires_in(),
        not_before_policy: 0,
        refresh_expires_in: 0,
        scope,
        token_type: "Bearer",
    };
    Ok(json(StatusCode::OK, &body).with_token(token))
}

fn bad_request(error: &str, description: &str) -> HttpResponse {
    error_response(StatusCode::BAD_REQUEST, error, description)
}

fn invalid_client(description: &str) -> HttpResponse {
    error_response(StatusCode::UNAUTHORIZED, "invalid_client", description)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"ptv\""))
}

fn error_response(status: StatusCode, error: &str, description: &str) -> HttpResponse {
    json(status, &json!({"error": error, "error_description": description}))
}

fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::json(status, body)
        .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .with_header(header::PRAGMA, HeaderValue::from_static("no-cache"))
}

const ROUTES: &str = "/api/v1/routes";

/// Responds with a list of routes. The page says only "the API".
fn api(server: &AuthorizationServer, request: &Request) -> Result<HttpResponse, HttpResponse> {
    if request.method != Method::GET || request.path() != ROUTES {
        return Err(HttpResponse::empty(StatusCode::NOT_FOUND));
    }
    server.check_bearer(request).map_err(challenge)?;
    Ok(HttpResponse::json(StatusCode::OK, &json!({"routes": [{"id": "R1", "stops": 12}]})))
}

/// Returns the response of RFC 6750, section 3, to a bearer token that is not accepted.
fn challenge(error: BearerError) -> HttpResponse {
    let challenge = match error {
        BearerError::Missing => "Bearer",
        BearerError::Expired | BearerError::Invalid => "Bearer error=\"invalid_token\"",
    };
    HttpResponse::empty(StatusCode::UNAUTHORIZED)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

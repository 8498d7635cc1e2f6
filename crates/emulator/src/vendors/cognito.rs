//! Amazon Cognito in front of a hotel's property management system.
//!
//! From the hotel system's guide to its client credentials flow (read 2026-11-21), and from Amazon's pages on the
//! [token endpoint](https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html), on
//! [scopes](https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html)
//! and on [quotas](https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html) (all read
//! 2026-11-21).
//! Every error has status 400 and the single member `error`, a wrong secret included.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::http_response::HttpResponse;
use crate::lock::lock;
use crate::request::{Credentials, FORM, Parameters, Request};
use crate::vendor_definition::{CLIENT_CREDENTIALS, ExampleCall, VendorDefinition};

pub(crate) static DEFINITION: VendorDefinition = VendorDefinition {
    token_paths: &["/oauth2/token"],
    client_id: "7emulatorclient0000cognito",
    client_secret: "cognitoemulatorsecret00000000000000000000000000000",
    gateway_key: None,
    grant_types: &[CLIENT_CREDENTIALS],
    scopes: &["pms/reservation.checkin", "https://pms.example.com/reservation.read"],
    lifetime: Duration::from_secs(3600),
    // Amazon's quota is per account and region; here it is per address.
    requests_per_second: Some(150),
    address_block: None,
    example_call: ExampleCall {
        method: Method::POST,
        path: CHECK_IN,
        headers: &[],
        body: || Some(json!({"hotelConfirmationNumber": "value1", "hotelNumber": "value2"})),
    },
    token_endpoint,
    api,
    invalid_client,
};

fn token_endpoint(server: &AuthorizationServer, request: &Request) -> Result<HttpResponse, HttpResponse> {
    let form = form(request).ok_or_else(|| error_response("invalid_request"))?;
    match form.value("grant_type") {
        Some(CLIENT_CREDENTIALS | "authorization_code" | "refresh_token") => {}
        Some(_) => return Err(error_response("unsupported_grant_type")),
        None => return Err(error_response("invalid_request")),
    }
    let credentials = credentials(request, &form)?;
    if !server.authenticate(request, &credentials) {
        return Err(error_response("invalid_client"));
    }
    if form.value("grant_type") != Some(CLIENT_CREDENTIALS) || !server.allows(CLIENT_CREDENTIALS) {
        return Err(error_response("unauthorized_client"));
    }
    let scopes = server.scopes(form.value("scope")).ok_or_else(|| error_response("invalid_scope"))?;
    if let Some(metadata) = client_metadata(&form)? {
        *lock(&server.client_metadata) = Some(metadata);
    }
    token_response(server, &credentials.id, &scopes.join(" "))
}

/// Returns the form if its content type is exactly the documented one, without a charset.
fn form(request: &Request) -> Option<Parameters> {
    let exact = request.header("content-type") == Some(FORM);
    (request.method == Method::POST && exact).then(|| request.form()).flatten()
}

/// Returns the credentials of the header or the body, which must not name different clients.
///
/// The page joins id and secret without encoding them («`Base64Encode(client_id:client_secret)`»). No page says that
/// the server decodes them. Amazon allows letters, digits, `_` and `+`, so only a `+` makes a difference.
fn credentials(request: &Request, form: &Parameters) -> Result<Credentials, HttpResponse> {
    match (request.basic(), form.credentials()) {
        (Some(basic), Some(post)) if basic.id != post.id => Err(error_response("invalid_request")),
        (Some(basic), _) => Ok(basic),
        (None, Some(post)) => Ok(post),
        (None, None) => Err(error_response("invalid_client")),
    }
}

/// Returns the JSON object that is meant for the Lambda function that may change the token before it is issued.
fn client_metadata(form: &Parameters) -> Result<Option<Value>, HttpResponse> {
    let Some(text) = form.value("aws_client_metadata") else {
        return Ok(None);
    };
    serde_json::from_str(text).ok().filter(Value::is_object).map(Some).ok_or_else(|| error_response("invalid_request"))
}

#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: Value,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    token_use: &'a str,
    scope: &'a str,
    auth_time: u64,
    iss: &'a str,
    exp: u64,
    iat: u64,
    version: u8,
    jti: String,
    client_id: &'a str,
}

fn token_response(server: &AuthorizationServer, client_id: &str, scope: &str) -> Result<HttpResponse, HttpResponse> {
    let token = server.issue_jwt(|registered| Claims {
        sub: client_id,
        token_use: "access",
        scope,
        auth_time: registered.issued_at,
        iss: "https://cognito-idp.eu-south-2.amazonaws.com/eu-south-2_Emulator1",
        exp: registered.expires_at,
        iat: registered.issued_at,
        version: 2,
        jti: registered.id,
        client_id,
    })?;
    let body = TokenResponse { access_token: &token, token_type: "Bearer", expires_in: server.expires_in() };
    Ok(HttpResponse::json(StatusCode::OK, &body).with_token(token))
}

fn error_response(error: &str) -> HttpResponse {
    bad_request(&json!({ "error": error }))
}

/// Adds `error_description`, which the documents do not mention and some deployments reportedly send.
fn invalid_client(description: &str) -> HttpResponse {
    bad_request(&json!({"error": "invalid_client", "error_description": description}))
}

fn bad_request(body: &Value) -> HttpResponse {
    HttpResponse::json(StatusCode::BAD_REQUEST, body).with_content_type("application/json;charset=UTF-8")
}

const CHECK_IN: &str = "/default/api/v1/reservation/checkin";

/// Responds to the check-in of the guide's example. Amazon's API gateway in front of it checks the token.
fn api(server: &AuthorizationServer, request: &Request) -> Result<HttpResponse, HttpResponse> {
    if request.method != Method::POST || request.path() != CHECK_IN {
        return Err(message(StatusCode::NOT_FOUND, "Not Found"));
    }
    server.check_bearer(request).map_err(|_| message(StatusCode::UNAUTHORIZED, "Unauthorized"))?;
    let reservation = request.json().unwrap_or_default();
    let [confirmation, hotel] = ["hotelConfirmationNumber", "hotelNumber"]
        .map(|name| reservation[name].as_str().filter(|text| !text.is_empty()));
    match (confirmation, hotel) {
        (Some(_), Some(_)) => Ok(message(StatusCode::OK, "checked in")),
        _ => Err(message(StatusCode::BAD_REQUEST, "hotelConfirmationNumber and hotelNumber are required")),
    }
}

fn message(status: StatusCode, text: &str) -> HttpResponse {
    HttpResponse::json(status, &json!({ "message": text }))
}

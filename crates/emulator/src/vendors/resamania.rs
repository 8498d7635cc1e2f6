//! Resamania by Stadline, now Xplor.
//!
//! From <https://doc.resamania.com/en/auth/client-credentials.html>, the pages next to it on the club and contact
//! grants, <https://doc.resamania.com/en/general/frequently-asked-questions.html> and the vendor's collection
//! <https://github.com/stadline/resamania2-partners> at 70679a0 (all read 2026-11-21).
//! The path `/oauth/v2/token`, the form of the client ids and the `http://` grant types are those of
//! `FOSOAuthServerBundle`, so the checks, their order and the errors are those of its library,
//! `FriendsOfSymfony/oauth2-php` (546f869, read 2026-11-21).
//! The gateway in front of it is Gravitee.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, BearerError};
use crate::http_response::HttpResponse;
use crate::issued_tokens::TokenStatus;
use crate::request::{Credentials, Parameters, Request};
use crate::signing::random_string;
use crate::vendor_definition::{CLIENT_CREDENTIALS, ExampleCall, GATEWAY_KEY, VendorDefinition};

pub(crate) static DEFINITION: VendorDefinition = VendorDefinition {
    token_paths: &["/resa2-staging/demoapi/oauth/v2/token", "/resa2-staging/oauth/v2/token"],
    client_id: "123_4emulator5client6of7resamania",
    client_secret: "resamaniaemulatorsecret8of9resamania",
    gateway_key: Some("00000000-e301-4a70-8000-000000000000"),
    grant_types: &[CLIENT_CREDENTIALS, CLUB, CONTACT, REFRESH],
    scopes: &["clubs.read", "contacts.read"],
    lifetime: Duration::from_secs(3600),
    requests_per_second: None,
    address_block: None,
    example_call: ExampleCall {
        method: Method::GET,
        path: "/resa2-staging/demoapi/clubs/1210",
        headers: &[(USER_CLUB, "/demoapi/clubs/1210")],
        body: || None,
    },
    token_endpoint,
    api,
    invalid_client,
};

/// The header that names the club of an API call, as an IRI.
const USER_CLUB: &str = "x-user-club-id";

const CLUB: &str = "http://clubclientcredentials";
const CONTACT: &str = "http://contactclientcredentials";
const REFRESH: &str = "refresh_token";

fn token_endpoint(server: &AuthorizationServer, request: &Request) -> Result<HttpResponse, HttpResponse> {
    pass_gateway(server, request)?;
    let input = input(request);
    let grant_type = input
        .value("grant_type")
        .filter(|grant_type| well_formed(grant_type))
        .ok_or_else(|| error_response("invalid_request", Some("Invalid grant_type parameter or parameter missing")))?;
    let credentials = credentials(request, &input)
        .ok_or_else(|| error_response("invalid_client", Some("Client id was not found in the headers or body")))?;
    if !server.authenticate(request, &credentials) {
        return Err(invalid_client("The client credentials are invalid"));
    }
    if !server.allows(grant_type) {
        let description = "The grant type is unauthorized for this client_id";
        return Err(error_response("unauthorized_client", Some(description)));
    }
    let subject = subject(server, grant_type, &input, &credentials)?;
    let scopes = server
        .scopes(input.value("scope"))
        .ok_or_else(|| error_response("invalid_scope", Some("An unsupported scope was requested.")))?;
    if let (REFRESH, Some(used)) = (grant_type, input.value("refresh_token")) {
        server.refresh_tokens.revoke(used);
    }
    token_response(server, &credentials.id, subject, &scopes.join(" "))
}

/// Checks the gateway's key. Gravitee responds with its own 401 before the request reaches OAuth.
fn pass_gateway(server: &AuthorizationServer, request: &Request) -> Result<(), HttpResponse> {
    match server.settings.gateway_key.as_deref() {
        Some(key) if request.header(GATEWAY_KEY) != Some(key) => {
            let body = json!({"message": "Unauthorized", "http_status_code": 401});
            Err(HttpResponse::json(StatusCode::UNAUTHORIZED, &body))
        }
        _ => Ok(()),
    }
}

/// Returns the parameters: of the body for POST, in either encoding, and of the query for other methods.
fn input(request: &Request) -> Parameters {
    if request.method != Method::POST {
        return request.query();
    }
    request.form().or_else(|| request.multipart()).unwrap_or_default()
}

/// Returns whether the grant type matches the library's `GRANT_TYPE_REGEXP`.
fn well_formed(grant_type: &str) -> bool {
    let named = [CLIENT_CREDENTIALS, "authorization_code", "password", REFRESH, "token"];
    let addressed = ["http://", "https://", "urn:"];
    named.contains(&grant_type)
        || addressed.iter().any(|scheme| grant_type.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

fn credentials(request: &Request, input: &Parameters) -> Option<Credentials> {
    let basic = request.basic().filter(|credentials| !credentials.id.is_empty());
    basic.or_else(|| input.credentials())
}

/// Returns the subject of the token: a club or a contact, or `None` for the application alone.
fn subject(
    server: &AuthorizationServer,
    grant_type: &str,
    input: &Parameters,
    credentials: &Credentials,
) -> Result<Option<String>, HttpResponse> {
    let subject = match grant_type {
        CLUB => input.value("clubId").filter(|iri| is_club(iri)),
        CONTACT => input.value("email").filter(|email| email.contains('@')),
        REFRESH => return check_refresh_token(server, input).map(|()| None),
        _ if credentials.secret.is_empty() => {
            let description = "The client_secret is mandatory for the \"client_credentials\" grant type";
            return Err(error_response("invalid_client", Some(description)));
        }
        _ => return Ok(None),
    };
    match subject {
        Some(subject) => Ok(Some(subject.to_owned())),
        None => Err(error_response("invalid_grant", None)),
    }
}

/// Returns whether this is the IRI of a club, such as `/demoapi/clubs/1210`.
fn is_club(iri: &str) -> bool {
    iri.strip_prefix("/demoapi/clubs/").is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Checks the refresh token. It can be used once, because the response has a new one.
fn check_refresh_token(server: &AuthorizationServer, input: &Parameters) -> Result<(), HttpResponse> {
    let token = input
        .value("refresh_token")
        .ok_or_else(|| error_response("invalid_request", Some("No \"refresh_token\" parameter found")))?;
    match server.refresh_tokens.status(token, server.now()) {
        TokenStatus::Active => Ok(()),
        TokenStatus::Expired => Err(error_response("invalid_grant", Some("Refresh token has expired"))),
        TokenStatus::Invalid => Err(error_response("invalid_grant", Some("Invalid refresh token"))),
    }
}

#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    expires_in: Value,
    token_type: &'a str,
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// The pages say only that the token is a JWT, so we chose the claims.
#[derive(Serialize)]
struct Claims<'a> {
    iat: u64,
    exp: u64,
    jti: String,
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    scope: &'a str,
}

fn token_response(
    server: &AuthorizationServer,
    client_id: &str,
    subject: Option<String>,
    scope: &str,
) -> Result<HttpResponse, HttpResponse> {
    let token = server.issue_jwt(|registered| Claims {
        iat: registered.issued_at,
        exp: registered.expires_at,
        jti: registered.id,
        client_id,
        sub: subject,
        scope,
    })?;
    let body = TokenResponse {
        access_token: &token,
        expires_in: server.expires_in(),
        token_type: "bearer",
        scope: Some(scope).filter(|scope| !scope.is_empty()),
        refresh_token: refresh_token(server)?,
    };
    Ok(json(StatusCode::OK, &body).with_token(token))
}

/// Issues a refresh token that is valid for fourteen days, the library's default.
fn refresh_token(server: &AuthorizationServer) -> Result<Option<String>, HttpResponse> {
    if !server.settings.refresh_tokens {
        return Ok(None);
    }
    let token = random_string().map_err(|error| HttpResponse::internal_error(&error))?;
    let fortnight = Duration::from_secs(14 * 24 * 60 * 60);
    server.refresh_tokens.insert(&token, server.now(), fortnight);
    Ok(Some(token))
}

#[derive(Serialize)]
struct ErrorResponse<'a> {
    error: &'a str,
    error_description: Option<&'a str>,
}

/// Returns an error, which always has both members; the description may be null.
fn error_response(error: &str, error_description: Option<&str>) -> HttpResponse {
    let body = ErrorResponse { error, error_description };
    json(StatusCode::BAD_REQUEST, &body)
}

fn invalid_client(description: &str) -> HttpResponse {
    error_response("invalid_client", Some(description))
}

fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::json(status, body)
        .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .with_header(header::PRAGMA, HeaderValue::from_static("no-cache"))
}

/// Responds with a club, which no page shows.
/// The frequently asked questions say that a 404 usually means a header that is missing or not an IRI.
fn api(server: &AuthorizationServer, request: &Request) -> Result<HttpResponse, HttpResponse> {
    pass_gateway(server, request)?;
    let not_found = || HttpResponse::json(StatusCode::NOT_FOUND, &json!({"message": "Item not found"}));
    if request.method != Method::GET || request.path() != "/resa2-staging/demoapi/clubs/1210" {
        return Err(not_found());
    }
    server.check_bearer(request).map_err(challenge)?;
    request.header(USER_CLUB).filter(|iri| is_club(iri)).ok_or_else(not_found)?;
    Ok(HttpResponse::json(StatusCode::OK, &json!({"@id": "/demoapi/clubs/1210", "name": "Demo"})))
}

/// Returns the bundle's 401, whose challenge and body have the same content.
fn challenge(error: BearerError) -> HttpResponse {
    let (error, description) = match error {
        BearerError::Missing => ("access_denied", "OAuth2 authentication required"),
        BearerError::Expired => ("invalid_grant", "The access token provided has expired."),
        BearerError::Invalid => ("invalid_grant", "The access token provided is invalid."),
    };
    let challenge = format!(r#"Bearer realm="Service", error="{error}", error_description="{description}""#);
    let body = json!({"error": error, "error_description": description});
    HttpResponse::json(StatusCode::UNAUTHORIZED, &body).with_header_text(header::WWW_AUTHENTICATE, &challenge)
}

//! Resamania by Stadline, now Xplor.
//!
//! From <https://doc.resamania.com/en/auth/client-credentials.html>, its neighbours on the club and contact grants,
//! <https://doc.resamania.com/en/general/frequently-asked-questions.html> and the vendor's collection
//! <https://github.com/stadline/resamania2-partners> at 70679a0 (all read 2026).
//! The path `/oauth/v2/token`, the form of the client ids and the `http://` grants are those of `FOSOAuthServerBundle`:
//! the checks, their order and the refusals are those of its library, `FriendsOfSymfony/oauth2-php` (546f869, read 2026).
//! The gateway before it is Gravitee.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, BearerError};
use crate::authorization_server::{CLIENT_CREDENTIALS, ExampleCall, GATEWAY_KEY, VendorDefinition};
use crate::http_response::HttpResponse;
use crate::issued_tokens::TokenStatus;
use crate::request::{Credentials, Parameters, Request};
use crate::signing::random_string;

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
    call: ExampleCall {
        method: Method::GET,
        path: "/resa2-staging/demoapi/clubs/1210",
        headers: &[(USER_CLUB, "/demoapi/clubs/1210")],
        body: || None,
    },
    token_endpoint,
    api,
    invalid_client,
};

/// The gateway's header; every call needs it, the one for a token too.

/// Which club a call of the API is about, as an IRI.
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
        let why = "The grant type is unauthorized for this client_id";
        return Err(error_response("unauthorized_client", Some(why)));
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

/// Gravitee's own 401, before OAuth has been asked.
fn pass_gateway(server: &AuthorizationServer, request: &Request) -> Result<(), HttpResponse> {
    match server.settings.gateway_key.as_deref() {
        Some(key) if request.header(GATEWAY_KEY) != Some(key) => {
            let body = json!({"message": "Unauthorized", "http_status_code": 401});
            Err(HttpResponse::json(StatusCode::UNAUTHORIZED, &body))
        }
        _ => Ok(()),
    }
}

/// The body of a POST, in either encoding; the query of everything else.
fn input(request: &Request) -> Parameters {
    if request.method != Method::POST {
        return request.query();
    }
    request.form().or_else(|| request.multipart()).unwrap_or_default()
}

/// `GRANT_TYPE_REGEXP` of the library.
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

/// Whom the token stands for, beside the application: nobody, a club or a contact.
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
            let why = "The client_secret is mandatory for the \"client_credentials\" grant type";
            return Err(error_response("invalid_client", Some(why)));
        }
        _ => return Ok(None),
    };
    match subject {
        Some(subject) => Ok(Some(subject.to_owned())),
        None => Err(error_response("invalid_grant", None)),
    }
}

/// The club's IRI, as in `/demoapi/clubs/1210`.
fn is_club(iri: &str) -> bool {
    iri.strip_prefix("/demoapi/clubs/").is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A refresh token is good once: the new one takes its place.
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

/// The pages call the token a JWT and say no more of it: the claims are ours.
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

/// Good for fourteen days, as the library has by default.
fn refresh_token(server: &AuthorizationServer) -> Result<Option<String>, HttpResponse> {
    if !server.settings.refresh_tokens {
        return Ok(None);
    }
    let token = random_string().map_err(|error| HttpResponse::internal_error(&error))?;
    let fortnight = Duration::from_secs(14 * 24 * 60 * 60);
    server.refresh_tokens.insert(token.clone(), server.now(), fortnight);
    Ok(Some(token))
}

#[derive(Serialize)]
struct ErrorResponse<'a> {
    error: &'a str,
    error_description: Option<&'a str>,
}

/// Both members always; the description may be null.
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

/// A club, which no page shows.
/// The questions often asked say that a 404 is, as a rule, a header that is missing or names no IRI.
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

/// The bundle's 401: the challenge and the body say the same.
fn challenge(why: BearerError) -> HttpResponse {
    let (error, description) = match why {
        BearerError::Missing => ("access_denied", "OAuth2 authentication required"),
        BearerError::Expired => ("invalid_grant", "The access token provided has expired."),
        BearerError::Invalid => ("invalid_grant", "The access token provided is invalid."),
    };
    let challenge = format!(r#"Bearer realm="Service", error="{error}", error_description="{description}""#);
    let body = json!({"error": error, "error_description": description});
    HttpResponse::json(StatusCode::UNAUTHORIZED, &body).with_header_text(header::WWW_AUTHENTICATE, &challenge)
}

//! `cgrant token`: prints an access token.

use std::fmt::Write as _;
use std::time::SystemTime;

use credentials_grant::{AccessToken, ExposeSecret, ProofKey, Value};
use credentials_grant_client::TokenOptions;
use jiff::Timestamp;
use serde::Serialize;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::invocation::TokenInvocation;
use crate::output::{self, OutputFormat, note};
use crate::provider::Provider;
use crate::runtime::block_on;
use crate::text::quoted;

pub(super) fn run(invocation: &TokenInvocation) -> Result<Exit, CommandError> {
    let TokenInvocation { client, format } = invocation;
    let tokens = client.tokens()?;
    let token = block_on(tokens.token(TokenOptions::new()))?.map_err(|error| client.explain(error))?;
    match format {
        OutputFormat::Json => output::print_json(&Answer::new(client.provider, &token))?,
        OutputFormat::Header => drop(output::write_part(headers(&token).as_bytes())?),
        OutputFormat::Env => drop(output::write_part(variables(client.provider, &token).as_bytes())?),
        OutputFormat::Text => drop(output::write_part(format!("{}\n", token.secret().expose_secret()).as_bytes())?),
    }
    if client.has_temporary_key {
        note("this token is bound to a key that no longer exists; to use the token, keep its key: --dpop-key-file");
    }
    Ok(Exit::Done)
}

/// The answer as JSON. The members are a contract.
#[derive(Serialize)]
struct Answer<'a> {
    provider: &'a str,
    access_token: &'a str,
    token_type: &'a str,
    expires_at: String,
    expires_in: u64,
    scopes: &'a [String],
    /// The thumbprint of the key that the token is bound to (RFC 9449 section 6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    jkt: Option<&'a str>,
    extra: &'a serde_json::Map<String, Value>,
}

impl<'a> Answer<'a> {
    fn new(provider: &'a Provider, token: &'a AccessToken) -> Self {
        Self {
            provider: provider.name,
            access_token: token.secret().expose_secret(),
            // A vendor that sends no type means bearer.
            token_type: token.token_type().unwrap_or("Bearer"),
            expires_at: expires_at(token),
            expires_in: token.expires_at().duration_since(SystemTime::now()).unwrap_or_default().as_secs(),
            scopes: token.scopes(),
            jkt: token.proof_key().map(ProofKey::thumbprint),
            extra: token.extras(),
        }
    }
}

/// Returns the headers of an API call, one per line.
fn headers(token: &AccessToken) -> String {
    token.header_pairs().fold(String::new(), |mut lines, (name, value)| {
        let name: Vec<_> = name.as_str().split('-').map(capitalized).collect();
        let _ = writeln!(lines, "{}: {}", name.join("-"), String::from_utf8_lossy(value.as_bytes()));
        lines
    })
}

/// Returns assignments that a shell can evaluate.
fn variables(provider: &Provider, token: &AccessToken) -> String {
    let values = [("access-token", token.secret().expose_secret()), ("access-token-expires-at", &expires_at(token))];
    values.into_iter().fold(String::new(), |mut lines, (name, value)| {
        let _ = writeln!(lines, "{}={}", provider.variable(name), quoted(value));
        lines
    })
}

/// Returns the end of the token's life: RFC 3339 in UTC, to the second.
fn expires_at(token: &AccessToken) -> String {
    let whole = token.expires_at().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let timestamp = i64::try_from(whole).ok().and_then(|whole| Timestamp::from_second(whole).ok());
    timestamp.unwrap_or(Timestamp::MAX).to_string()
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_ascii_uppercase() + rest
}

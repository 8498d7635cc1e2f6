//! A token as a store keeps it: written by one process, restored by another.

use std::time::{Duration, SystemTime};

use credentials_grant::{
    AccessToken, ClientCredentials, ExposeSecret, Lifetime, LifetimeSource, Policy, TokenParameters, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::validity::{Reading, RenewalPlan, Validity};

/// How far the clocks of two machines may differ before a token counts as one from the past that somebody put back.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// What is sealed. Refresh tokens, keys and the headers of the policy are not: each process has its own.
#[derive(Deserialize, Serialize)]
struct Contents<Text, Texts, Members> {
    token: Text,
    #[serde(rename = "type")]
    token_type: Option<Text>,
    scopes: Texts,
    extras: Members,
    /// The lifetime that counts from the request, in milliseconds.
    lifetime: u64,
    /// The lifetime that the response stated, in milliseconds.
    stated: Option<u64>,
    /// How many tokens the API rejected one after the other, before this one.
    #[serde(default)]
    rejections: u32,
    /// When the token expires, by the clock of the machine that requested it: milliseconds since 1970.
    expires: u64,
}

/// Writes a token that lives this long from its request.
pub(super) fn write(token: &AccessToken, lifetime: Duration, rejections: u32) -> Zeroizing<Vec<u8>> {
    let stated = token.expires_at().duration_since(token.requested_at()).unwrap_or_default();
    let contents = Contents {
        token: token.secret().expose_secret(),
        token_type: token.token_type(),
        scopes: token.scopes(),
        extras: token.extras(),
        lifetime: milliseconds(lifetime),
        rejections,
        stated: (token.lifetime_source() == LifetimeSource::Response).then(|| milliseconds(stated)),
        expires: milliseconds(token.expires_at().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()),
    };
    // JSON of strings, numbers and JSON: writing it to memory cannot fail.
    let mut length = Length(0);
    let _ = serde_json::to_writer(&mut length, &contents);
    // Room for all of it and for the tag of the seal, since a vector that grows leaves copies behind.
    let mut json = Zeroizing::new(Vec::with_capacity(length.0 + 16));
    let _ = serde_json::to_writer(&mut *json, &contents);
    json
}

/// Restores a token of which this much is left, as if it had been fetched here. `None` if it is none, or if it expired
/// in the past.
pub(super) fn restore(json: &[u8], left: Duration, now: Reading, for_whom: &ForWhom<'_>) -> Option<Restored> {
    let contents: Contents<String, Vec<String>, Map<String, Value>> = serde_json::from_slice(json).ok()?;
    let expires = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(contents.expires))?;
    // Nothing seals what the store says of the lifetime.
    let left = left.min(expires.checked_add(TOLERANCE)?.duration_since(now.wall).ok()?);
    let lifetime = Duration::from_millis(contents.lifetime);
    let age = lifetime.saturating_sub(left);
    let mut response = TokenResponse::new(contents.token).with_scopes(contents.scopes).with_extras(contents.extras);
    if let Some(token_type) = contents.token_type {
        response = response.with_token_type(token_type);
    }
    if let Some(stated) = contents.stated {
        response = response.with_lifetime(Lifetime::For(Duration::from_millis(stated)));
    }
    let ForWhom { credentials, parameters, policy, maximum_lifetime, jitter, plan } = *for_whom;
    let requested_at = now.wall.checked_sub(age)?;
    let token = AccessToken::new(response, parameters, policy, credentials, requested_at).ok()?;
    let lifetime = lifetime.min(maximum_lifetime);
    let rejections = contents.rejections;
    let validity = Validity::planned(now, lifetime, jitter, plan, token.refresh_in()).aged(age);
    Some(Restored { token, lifetime, rejections, validity })
}

/// Who restores a token, and how long it may be used.
#[derive(Clone, Copy)]
pub(super) struct ForWhom<'a> {
    pub(super) credentials: &'a ClientCredentials,
    pub(super) parameters: &'a TokenParameters,
    pub(super) policy: &'a Policy,
    pub(super) maximum_lifetime: Duration,
    pub(super) jitter: u8,
    pub(super) plan: RenewalPlan,
}

pub(super) struct Restored {
    pub(super) token: AccessToken,
    /// Its whole lifetime.
    pub(super) lifetime: Duration,
    pub(super) rejections: u32,
    pub(super) validity: Validity,
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

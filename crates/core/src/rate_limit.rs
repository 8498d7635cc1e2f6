//! When a rate limit resets, from the headers that vendors send in place of `Retry-After`.

use http::HeaderMap;

/// Returns when the limits reset, as numbers of seconds or as moments, or `None` if another limit was reached: some
/// requests are left of this one.
///
/// `X-Rate-Limit-Reset` (Okta) and `X-RateLimit-Reset` (Auth0, GitHub) hold a moment or a number of seconds, and so
/// does `RateLimit-Reset` of draft-ietf-httpapi-ratelimit-headers, whose later versions have `RateLimit`. Okta sends
/// its header twice, for two limits.
pub(crate) fn resets(headers: &HeaderMap) -> Option<impl Iterator<Item = f64>> {
    let of = |names: [&'static str; 3]| names.into_iter().flat_map(|name| values(headers, name));
    let structured = |names: [&'static str; 2]| {
        let members = values(headers, "ratelimit").flat_map(|text| text.split([';', ',']));
        let pairs = members.filter_map(|member| member.split_once('='));
        pairs.filter(move |(name, _)| names.contains(&name.trim())).map(|(_, value)| value)
    };
    let left = of(["x-rate-limit-remaining", "x-ratelimit-remaining", "ratelimit-remaining"]);
    if left.chain(structured(["r", "remaining"])).filter_map(number).any(|left| left > 0.0) {
        return None;
    }
    let resets = of(["x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset"]);
    Some(resets.chain(structured(["t", "reset"])).filter_map(number))
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

//! The host and port of a URL.

use reqwest::Url;

/// Returns host and port as `--host` takes them.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

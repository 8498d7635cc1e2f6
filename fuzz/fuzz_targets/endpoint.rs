//! Reads arbitrary URLs, and fills in templates: what is ours with any values, and any template. A line each.

#![no_main]

use credentials_grant::{Endpoint, ErrorKind, Url};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let mut lines = input.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (a, b, c) = (line(), line(), line());
    let values = [("a", a), ("b", b), ("c", c)];
    if let Some(url) = accepted(Endpoint::parse(a)) {
        assert!(url.host_str().is_some());
    }
    accepted(Endpoint::expand(c, &values));

    if let Some(url) = accepted(Endpoint::expand("https://{a}-auth.{b}.example.com/v1/{c}/token", &values)) {
        assert_eq!((url.scheme(), url.port(), url.query()), ("https", None, None), "{url}");
        let host = url.host_str().expect("it has a host");
        assert!(host.ends_with(".example.com") && host.split('.').count() == 4, "{url}");
        assert_eq!(url.path_segments().map(Iterator::count), Some(3), "{url}");
        assert!(url.path().starts_with("/v1/") && url.path().ends_with("/token"), "{url}");
    }
    if let Some(url) = accepted(Endpoint::expand("https://{a}/token", &values)) {
        assert_eq!((url.scheme(), url.port(), url.query()), ("https", None, None), "{url}");
        assert!(url.domain().is_some_and(|host| host.eq_ignore_ascii_case(a.trim())), "{url}");
        assert_eq!(url.path(), "/token");
    }
    if let Some(url) = accepted(Endpoint::expand("{a}/{b?}/oauth/{c}", &values)) {
        let base = Url::parse(a.trim()).expect("it was taken for a URL");
        assert_eq!((url.host(), url.port(), url.query()), (base.host(), base.port(), None), "{url}");
        let depth = |url: &Url| url.path().trim_end_matches('/').matches('/').count();
        let optional = usize::from(!b.trim().is_empty());
        assert_eq!(depth(&url), depth(&base) + optional + 2, "{url}");
    }
});

/// The URL, which may have a secret sent to it.
fn accepted(endpoint: Result<Endpoint, credentials_grant::Error>) -> Option<Url> {
    match endpoint {
        Ok(endpoint) => {
            let url = endpoint.url().clone();
            let is_loopback = matches!(url.host_str(), Some("localhost" | "[::1]"))
                || url.host_str().is_some_and(|host| host.starts_with("127."));
            assert!(url.scheme() == "https" || (url.scheme() == "http" && is_loopback), "{url}");
            assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
            assert!(!endpoint.to_string().contains('?'), "{endpoint}");
            Some(url)
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Configuration);
            None
        }
    }
}

//! What several targets read from their input.

use credentials_grant::{HeaderMap, HeaderName, HeaderValue, HttpResponse, StatusCode};

/// Reads a response: a status, headers, an empty line, and the body. Returns `None` if the input is not like that.
pub fn response(input: &[u8]) -> Option<HttpResponse> {
    let end = input.windows(2).position(|bytes| bytes == b"\n\n")?;
    let mut lines = input[..end].split(|&byte| byte == b'\n');
    let status = StatusCode::from_bytes(lines.next()?).ok()?;
    let headers: HeaderMap = lines.filter_map(header).collect();
    Some(HttpResponse::new(status, headers, input[end + 2..].to_vec()))
}

/// Reads a header: `name: value`.
pub fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((HeaderName::from_bytes(&line[..colon]).ok()?, value))
}

//! Reads requests from what a connection has received.

use std::io;

/// Returns the position at which the first request ends, and its `Authorization` header. Returns `None` if the request
/// is not complete.
pub(crate) fn first(received: &[u8]) -> io::Result<Option<(usize, Option<&str>)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = request.parse(received) else { return Ok(None) };
    let header = |name: &str| {
        let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| str::from_utf8(header.value))
    };
    // An API call has no body and no length.
    let length = header("content-length").map_or(Some(0), |length| length.ok()?.parse::<usize>().ok());
    let length = length.ok_or_else(|| io::Error::other("the content-length is not a number"))?;
    let authorization = header("authorization").and_then(Result::ok);
    Ok((received.len() >= head + length).then_some((head + length, authorization)))
}

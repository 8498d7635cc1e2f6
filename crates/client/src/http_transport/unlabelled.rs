//! Bodies that are compressed with gzip and do not say so.
//!
//! Some proxies take the header away and leave the body as it was, and some servers have another spelling for it.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use zeroize::Zeroizing;

/// How gzip begins (RFC 1952). Neither JSON nor a form nor a page does.
const GZIP: &[u8] = b"\x1f\x8b";

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unreadable {
    Broken,
    TooLarge,
}

/// Returns the decompressed body, or `None` for a body that is to be read as it is.
pub(super) fn decompressed(
    headers: &HeaderMap,
    body: &[u8],
    largest: usize,
) -> Option<Result<Zeroizing<Vec<u8>>, Unreadable>> {
    // A body that is compressed twice is nothing that a proxy has made of a token response.
    let is_simple = |encodings: &[u8]| !encodings.contains(&b',');
    let is_unlabelled = headers.get(CONTENT_ENCODING).is_none_or(|encodings| is_simple(encodings.as_bytes()));
    (is_unlabelled && body.starts_with(GZIP)).then(|| decompress(body, largest))
}

fn decompress(body: &[u8], largest: usize) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    // With room for everything: a vector that grows leaves copies of the token behind.
    let mut text = Zeroizing::new(Vec::with_capacity(largest + 1));
    let limit = u64::try_from(largest).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(body).take(limit).read_to_end(&mut text);
    match read {
        Ok(length) if length > largest => Err(Unreadable::TooLarge),
        Ok(_) => Ok(text),
        Err(_) => Err(Unreadable::Broken),
    }
}

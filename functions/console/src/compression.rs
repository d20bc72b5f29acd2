//! Brotli for the few texts that are made here; the app's files are compressed when they are built.

use std::io::{self, Read as _, Write as _};

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};

/// Half of what the best quality would still save costs ten times its time.
const QUALITY: u32 = 5;
/// The window, as a power of two: a page fits, and small ones need not pay for more memory than that.
const WINDOW: u32 = 18;
const BUFFER: usize = 4096;

/// Whether the caller takes brotli (RFC 9110, 12.5.3). A wildcard is not taken for a yes: who knows brotli names it.
pub fn accepts_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
            let weight = weight.trim().to_ascii_lowercase();
            let refused = weight.strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok()) == Some(0.0);
            name.trim().eq_ignore_ascii_case("br") && !refused
        })
}

/// The bytes, compressed. Writing to memory does not fail.
pub fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), BUFFER, QUALITY, WINDOW);
    let _ = writer.write_all(bytes);
    writer.into_inner()
}

/// The bytes before they were compressed.
///
/// # Errors
/// When they are no brotli.
pub fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    brotli::Decompressor::new(bytes, BUFFER).read_to_end(&mut plain)?;
    Ok(plain)
}

/// An answer of compressed bytes.
pub fn encoded(body: Body) -> Response {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_taken_by_those_who_name_it() {
        for (value, expected) in [
            ("gzip, deflate, br, zstd", true),
            ("BR", true),
            ("br;q=0.1", true),
            ("gzip,br ; q=1.0", true),
            ("br;q=0", false),
            ("br; q=0.000", false),
            ("gzip", false),
            ("*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(accepts_brotli(&headers), expected, "{value}");
        }
        assert!(!accepts_brotli(&HeaderMap::new()));
    }
}

//! Files of the console's build, as they lie in its folder.

use std::path::Path;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use rapport_http::Problem;
use tower_http::services::ServeDir;

use crate::compression;

/// For a file whose name carries a digest of what is in it.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const LONGEST_PATH: usize = 200;
/// No file of the build is larger, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// A file, in a compressed form that lies beside it where the caller takes that. In an archive for the cloud some lie there in that
/// form alone: for the few who take none it is unpacked.
pub async fn file(folder: &Path, request: Request) -> Response {
    let path = request.uri().path();
    if !is_plain(path) {
        return Problem::not_found().into_response();
    }
    let cache = if path.starts_with("/assets/") && is_hashed(path) {
        FOREVER
    } else {
        AN_HOUR
    };
    let packed = as_brotli(&request);
    let mut answer = served(folder, request).await;
    if answer.status() == StatusCode::NOT_FOUND {
        answer = unpacked(served(folder, packed).await).await;
    }
    if answer.status() == StatusCode::NOT_FOUND {
        return Problem::not_found().into_response();
    }
    let found = !answer.status().is_client_error() && !answer.status().is_server_error();
    let headers = answer.headers_mut();
    if found {
        headers.insert(header::CACHE_CONTROL, cache);
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    answer
}

async fn served(folder: &Path, request: Request) -> Response {
    let mut files = ServeDir::new(folder)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip();
    match files.try_call(request).await {
        Ok(found) => found.map(Body::new),
        Err(error) => Problem::internal(format!("a file of the console: {error}")).into_response(),
    }
}

/// The same request of somebody who takes brotli, for the whole file.
fn as_brotli(request: &Request) -> Request {
    let mut packed = Request::new(Body::empty());
    *packed.method_mut() = request.method().clone();
    *packed.uri_mut() = request.uri().clone();
    packed
        .headers_mut()
        .insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br"));
    packed
}

/// An answer as it was before brotli. One that is not compressed stays.
async fn unpacked(packed: Response) -> Response {
    let (mut head, body) = packed.into_parts();
    if head.headers.remove(header::CONTENT_ENCODING).is_none() {
        return Response::from_parts(head, body);
    }
    head.headers.remove(header::CONTENT_LENGTH);
    let bytes = axum::body::to_bytes(body, LARGEST).await.map_err(std::io::Error::other);
    let plain = match bytes {
        // A HEAD has no body.
        Ok(bytes) if bytes.is_empty() => Ok(Vec::new()),
        bytes => bytes.and_then(|bytes| compression::unpacked(&bytes)),
    };
    match plain {
        Ok(plain) => Response::from_parts(head, plain.into()),
        Err(error) => Problem::internal(format!("a file of the console: {error}")).into_response(),
    }
}

/// Whether a path is made of names that a build gives: no way up, nothing hidden, nothing encoded.
fn is_plain(path: &str) -> bool {
    let plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    path.len() <= LONGEST_PATH && path.strip_prefix('/').is_some_and(|path| path.split('/').all(plain))
}

/// Whether a file's name ends as the build's do: a dash and eight characters of a digest. Icons keep their plain names.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default().as_bytes();
    let Some((stem, digest)) = stem.split_last_chunk::<8>() else {
        return false;
    };
    let is_mixed = digest
        .iter()
        .any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    stem.ends_with(b"-") && is_mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_digest_are_told_from_plain_ones() {
        for (path, expected) in [
            ("assets/index-BmN3xK_2.js", true),
            ("assets/List-D-x4_aBq.js.map", true),
            ("assets/inter-latin-wght-normal-Dx4kXJAl.woff2", true),
            ("assets/icon.svg", false),
            ("assets/icon-maskable.svg", false),
            ("assets/BmN3xK_2.js", false),
            ("assets/", false),
        ] {
            assert_eq!(is_hashed(path), expected, "{path}");
        }
    }
}

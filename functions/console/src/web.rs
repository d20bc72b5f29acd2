//! The console's app, from the folder that the build of `functions/console/web` leaves: one page for every path that is the
//! app's own, and the hashed files that this page names.
//!
//! The folder is read with each request, since in the cloud it does not change and beside a developer it may at any time.

use std::path::Path;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use rapport_http::Problem;
use tower_http::services::ServeDir;

use crate::{Folder, compression};

/// Where `index.html` wants the nonce.
const PLACEHOLDER: &str = "__NONCE__";
/// First parts of paths that are other functions' or other pages': a browser that asks there for what is not, is told so.
const NOT_THE_APPS: [&str; 7] = ["v1", "s", "hooks", "docs", "openapi.json", "health", ".well-known"];
/// What may lie beside `index.html`: its icons and what robots and browsers look for. Not pages: these need their policy.
const BESIDE: [&str; 6] = ["svg", "png", "ico", "webmanifest", "txt", "woff2"];
/// For a file whose name carries a digest of what is in it.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const LONGEST_PATH: usize = 200;
/// No file of the build is larger, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), \
    fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), \
    payment=(), picture-in-picture=(), publickey-credentials-create=(), publickey-credentials-get=(), \
    screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()";

/// `/`: the app, or the start page where none is built.
pub async fn root(State(folder): State<Folder>, headers: HeaderMap) -> Response {
    let page = match &folder {
        Some(folder) => page(folder, &headers).await,
        None => None,
    };
    page.unwrap_or_else(crate::start_page)
}

/// Every path that no route knows: a file of the app, or the app itself for a browser that opens one of its addresses.
pub async fn otherwise(State(folder): State<Folder>, request: Request) -> Response {
    let Some(folder) = &folder else {
        return Problem::not_found().into_response();
    };
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return Problem::not_found().into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if first == "assets" {
        let cache = if is_hashed(path) { FOREVER } else { AN_HOUR };
        return file(folder, request, cache).await;
    }
    if NOT_THE_APPS.contains(&first) {
        return Problem::not_found().into_response();
    }
    if path == first
        && let Some((_, extension)) = path.rsplit_once('.')
        && BESIDE.contains(&extension)
    {
        return file(folder, request, AN_HOUR).await;
    }
    let page = if takes_pages(request.headers()) {
        page(folder, request.headers()).await
    } else {
        None
    };
    page.unwrap_or_else(|| Problem::not_found().into_response())
}

/// Whether it is a browser that opens an address, and no program that mistook one.
fn takes_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/html"))
}

/// A file, in a compressed form that lies beside it where the caller takes that. In an archive for the cloud some lie there in that
/// form alone: for the few who take none it is unpacked.
async fn file(folder: &Path, request: Request, cache: HeaderValue) -> Response {
    if !is_plain(request.uri().path()) {
        return Problem::not_found().into_response();
    }
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

/// The app's page with a nonce of its own; `None` when no app is built.
async fn page(folder: &Path, headers: &HeaderMap) -> Option<Response> {
    let text = tokio::fs::read_to_string(folder.join("index.html")).await;
    let text = text
        .inspect_err(|error| {
            if error.kind() != std::io::ErrorKind::NotFound {
                tracing::warn!(%error, "the console's page cannot be read");
            }
        })
        .ok()?;
    let nonce = URL_SAFE_NO_PAD.encode(rand::random::<u128>().to_be_bytes());
    let text = text.replace(PLACEHOLDER, &nonce);
    let mut response = if compression::accepts_brotli(headers) {
        compression::encoded(compression::brotli(text.as_bytes()).into())
    } else {
        Response::new(text.into())
    };
    let headers = response.headers_mut();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).ok()?);
    for (name, value) in [
        (header::CONTENT_TYPE, crate::HTML),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept, accept-encoding"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("permissions-policy", HeaderValue::from_static(PERMISSIONS));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    Some(response)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

//! The console's app, from the folder that the build of `functions/console/web` leaves: one page for every path that is the
//! app's own, and the hashed files that this page names.
//!
//! The folder is read with each request, since in the cloud it does not change and beside a developer it may at any time.

use std::path::Path;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method, header};
use rapport_http::Problem;

use crate::{Folder, compression, files};

/// Where `index.html` wants the nonce.
const PLACEHOLDER: &str = "__NONCE__";
/// First parts of paths that are other functions' or other pages': a browser that asks there for what is not, is told so.
const NOT_THE_APPS: [&str; 7] = ["v1", "s", "hooks", "docs", "openapi.json", "health", ".well-known"];
/// What may lie beside `index.html`: its icons and what robots and browsers look for. Not pages: these need their policy.
const BESIDE: [&str; 6] = ["svg", "png", "ico", "webmanifest", "txt", "woff2"];
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
        return files::file(folder, request).await;
    }
    if NOT_THE_APPS.contains(&first) {
        return Problem::not_found().into_response();
    }
    if path == first
        && let Some((_, extension)) = path.rsplit_once('.')
        && BESIDE.contains(&extension)
    {
        return files::file(folder, request).await;
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

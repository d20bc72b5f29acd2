//! What a browser or a monitor asks for: the console, the documentation, the OpenAPI document, health. And the answer to
//! every path that no function knows.

mod compression;
mod docs;
mod files;
mod web;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, header};
use rapport_http::{Api, Doc, respond};
use rapport_runtime::{Config, Function};
use serde_json::json;

/// The OpenAPI document of all functions; `cargo xtask openapi` writes it, a test holds it to the routers.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// The folder of the built console, where one is built. Nothing else is needed here.
type Folder = Option<Arc<Path>>;

/// The routes.
#[must_use]
pub fn api(config: &Config) -> Api<Folder> {
    let page = |summary: &str| Doc::new(summary).answers_type(200, "text/html");
    Api::new(config.console_folder.as_deref().map(Arc::from))
        .open(Method::GET, "/", page("The start page"), web::root)
        .open(
            Method::GET,
            "/docs",
            page("The documentation, for people"),
            async |headers: HeaderMap| {
                static BROTLI: LazyLock<Vec<u8>> = LazyLock::new(|| compression::brotli(docs::page().as_bytes()));
                page_of_ours(with_cache(text(&headers, HTML, docs::page(), &BROTLI)))
            },
        )
        .open(
            Method::GET,
            "/openapi.json",
            Doc::new("The documentation, for programs: OpenAPI 3.1").answers_type(200, "application/json"),
            async |headers: HeaderMap| {
                static BROTLI: LazyLock<Vec<u8>> = LazyLock::new(|| compression::brotli(OPENAPI.as_bytes()));
                with_cache(text(&headers, "application/json", OPENAPI, &BROTLI))
            },
        )
        .open(
            Method::GET,
            "/health",
            Doc::new("Whether the service answers").answers_schema(
                200,
                &json!({"type": "object", "properties": {"status": {"const": "ok"}}}),
            ),
            || async { respond::json(http::StatusCode::OK, &json!({"status": "ok"})) },
        )
        .otherwise(web::otherwise)
}

/// The router.
pub fn router(config: &Config) -> Router {
    api(config).into_router()
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Pages(router)
}

const HTML: &str = "text/html; charset=utf-8";

/// What `/` shows where no console is built. It may be built the next moment, so nobody keeps the page.
fn start_page() -> Response {
    let mut response = Response::new(include_str!("start.html").into());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(HTML));
    page_of_ours(response)
}

/// A text that stays as long as the process: as it is, or the compressed form that was made at the first demand.
fn text(headers: &HeaderMap, kind: &'static str, plain: &'static str, brotli: &'static LazyLock<Vec<u8>>) -> Response {
    let mut response = if compression::accepts_brotli(headers) {
        compression::encoded(brotli.as_slice().into())
    } else {
        Response::new(plain.into())
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// A page with nothing from elsewhere and no scripts.
fn page_of_ours(mut response: Response) -> Response {
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    );
    response
}

fn with_cache(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

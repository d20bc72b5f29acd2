//! What a browser or a monitor asks for: the start page, the documentation, the OpenAPI document, health. And the answer
//! to every path that no function knows.

mod docs;

use axum::Router;
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use rapport_http::{Access, Api, Doc, respond};
use rapport_runtime::{App, Function};
use serde_json::json;

/// The OpenAPI document of all functions; `cargo xtask openapi` writes it, a test holds it to the routers.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let page = |summary: &str| Doc::new(summary).answers_type(200, "text/html");
    Api::new(app)
        .route(Method::GET, "/", Access::Public, page("The start page"), || async {
            html(START.to_owned())
        })
        .route(
            Method::GET,
            "/docs",
            Access::Public,
            page("The documentation, for people"),
            || async { html(docs::page().to_owned()) },
        )
        .route(
            Method::GET,
            "/openapi.json",
            Access::Public,
            Doc::new("The documentation, for programs: OpenAPI 3.1").answers_type(200, "application/json"),
            || async { with_cache(respond::json_text(StatusCode::OK, OPENAPI.to_owned())) },
        )
        .route(
            Method::GET,
            "/health",
            Access::Public,
            Doc::new("Whether the service answers").answers_schema(
                200,
                &json!({"type": "object", "properties": {"status": {"const": "ok"}}}),
            ),
            || async { respond::json(StatusCode::OK, &json!({"status": "ok"})) },
        )
}

/// The router.
pub fn router(app: App) -> Router {
    api(app).into_router()
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Http(router)
}

const START: &str = include_str!("start.html");

/// A page of ours: nothing from elsewhere, no scripts.
fn html(page: String) -> Response {
    let mut response = Response::new(page.into());
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    );
    with_cache(response)
}

fn with_cache(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

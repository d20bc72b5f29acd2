//! `GET /.well-known/jwks.json`.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use rapport_http::respond;
use rapport_runtime::App;

pub async fn jwks(State(app): State<App>) -> Response {
    let mut response = respond::json(StatusCode::OK, &app.tokens.jwks());
    // Two keys are served during a rotation, so that a copy five minutes old is good enough.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

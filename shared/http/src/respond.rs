//! Answers.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use rapport_store::idempotency::Answer;
use serde::Serialize;

/// A JSON answer made of a text that is JSON already.
#[must_use]
pub fn json_text(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A JSON answer.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    json_text(status, serde_json::to_string(body).unwrap_or_default())
}

/// A record: its JSON, its version as `ETag`, and where it lies when it is new.
#[must_use]
pub fn record(status: StatusCode, doc: String, version: u64, location: Option<String>) -> Response {
    let mut response = json_text(status, doc);
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag(version));
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        headers.insert(header::LOCATION, location);
    }
    response
}

/// A version as an entity tag.
#[must_use]
pub fn etag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// No content.
#[must_use]
pub fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// The first answer of a request that came again.
#[must_use]
pub fn replay(answer: Answer) -> Response {
    let mut response = json_text(
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK),
        answer.body,
    );
    let headers = response.headers_mut();
    for (name, value) in [(header::LOCATION, answer.location), (header::ETAG, answer.etag)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

/// A page of a list: rows that are JSON already, and the cursor of the next page with its `Link`.
#[must_use]
pub fn page<'a>(rows: impl Iterator<Item = &'a str>, next: Option<(String, String)>) -> Response {
    let mut body = String::from("{\"data\":[");
    for (n, row) in rows.enumerate() {
        if n > 0 {
            body.push(',');
        }
        body.push_str(row);
    }
    body.push_str("],\"has_more\":");
    let mut link = None;
    match next {
        None => body.push_str("false}"),
        Some((cursor, url)) => {
            body.push_str("true,\"next_cursor\":\"");
            body.push_str(&cursor);
            body.push_str("\"}");
            link = HeaderValue::from_str(&format!("<{url}>; rel=\"next\"")).ok();
        }
    }
    let mut response = json_text(StatusCode::OK, body);
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

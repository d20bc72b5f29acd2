//! Answers as the gateway takes them.

use axum::response::Response;
use futures::FutureExt as _;
use http_body_util::BodyExt as _;
use lambda_http::{Body, IntoResponse};

/// An answer whose body goes as text where it is text in UTF-8, as all that is written here is, and as base64 otherwise. `lambda_http` by
/// itself goes by the type that an answer names, for which it brings the tables of forty encodings.
pub(crate) struct Answer(pub(crate) Response);

impl IntoResponse for Answer {
    fn into_response(self) -> std::pin::Pin<Box<dyn Future<Output = http::Response<Body>> + Send>> {
        async {
            let (mut parts, body) = self.0.into_parts();
            let body = match body.collect().await {
                Ok(bytes) => match String::from_utf8(bytes.to_bytes().into()) {
                    Ok(text) => Body::Text(text),
                    Err(bytes) => Body::Binary(bytes.into_bytes()),
                },
                // Bodies are in memory, but for files, whose length was named by then: half of one is worse than none.
                Err(_) => {
                    parts.status = http::StatusCode::INTERNAL_SERVER_ERROR;
                    parts.headers.clear();
                    Body::Empty
                }
            };
            http::Response::from_parts(parts, body)
        }
        .boxed()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    async fn sent(body: impl Into<axum::body::Body>) -> Body {
        Answer(Response::new(body.into())).into_response().await.into_body()
    }

    #[tokio::test]
    async fn text_goes_as_it_is_and_the_rest_as_bytes() {
        assert_eq!(sent("李 é\u{feff}").await, Body::Text("李 é\u{feff}".to_owned()));
        assert_eq!(sent("").await, Body::Text(String::new()));
        let png = b"\x89PNG\r\n\x1a\n".to_vec();
        assert_eq!(sent(png.clone()).await, Body::Binary(png));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_answer() {
        let parts = [Ok("half"), Err(std::io::Error::other("gone"))];
        let body = axum::body::Body::from_stream(futures::stream::iter(parts));
        let mut response = Response::new(body);
        response.headers_mut().insert("content-length", 8.into());
        let answer = Answer(response).into_response().await;
        assert_eq!(answer.status(), 500);
        assert!(answer.headers().is_empty() && *answer.body() == Body::Empty);
    }
}

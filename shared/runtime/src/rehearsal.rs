//! What a function that is called by HTTP does once before it is called. While it starts it has a whole processor, in a request a share
//! of one: what a first request would be the first to do is done before there is one.

use axum::Router;
use futures::future::join;
use lambda_http::{IntoResponse as _, Service as _};

use crate::App;
use crate::answer::Answer;

/// A request that nobody has sent, as the gateway hands them over, for what is not there.
const REQUEST: &str = r#"{
  "version": "2.0", "routeKey": "$default", "rawPath": "/rehearsal", "rawQueryString": "", "isBase64Encoded": false,
  "headers": {"accept": "application/json", "host": "localhost"},
  "requestContext": {
    "accountId": "-", "apiId": "-", "domainName": "localhost", "domainPrefix": "-", "requestId": "-", "routeKey": "$default",
    "stage": "$default", "time": "01/Jan/1970:00:00:00 +0000", "timeEpoch": 0,
    "http": {"method": "GET", "path": "/rehearsal", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "-"}
  }
}"#;

/// Makes as many connections to the tables as a request may need, checks a token that is none, and answers a request that nobody has
/// sent. What comes of each does not matter; nothing is read that is a tenant's, and nothing written.
pub(crate) async fn rehearse(app: &App, router: &Router, at_once: usize) {
    app.tokens.rehearse(app.clock.now());
    let answered = async {
        if let Ok(request) = lambda_http::request::from_str(REQUEST)
            && let Ok(response) = router.clone().call(request).await
        {
            Answer(response).into_response().await;
        }
    };
    join(app.store.prime(at_once), answered).await;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rehearsed_is_a_request_of_the_gateway() {
        let request = lambda_http::request::from_str(REQUEST).unwrap();
        assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/rehearsal"));
    }
}

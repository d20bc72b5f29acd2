//! The caller's network address, for counting attempts.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use lambda_http::request::RequestContext;

/// The address that a request came from, as far as it tells callers apart: an IPv6 network of 64 bits counts as one,
/// since a single customer has that many. `None` for loopback: behind a proxy on the same machine all callers share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(pub Option<String>);

impl Address {
    fn of(text: &str) -> Self {
        Self(match text.parse() {
            Err(_) => None,
            Ok(IpAddr::V4(address)) => Some(address)
                .filter(|address| !address.is_loopback())
                .map(|a| a.to_string()),
            Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(address) => return Self::of(&address.to_string()),
                None if address.is_loopback() => None,
                None => {
                    let [a, b, c, d, ..] = address.segments();
                    Some(format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"))
                }
            },
        })
    }

    /// The address, when there is one.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // What the gateway saw, not what a header claims.
        let source = parts
            .extensions
            .get::<RequestContext>()
            .and_then(|context| match context {
                RequestContext::ApiGatewayV2(context) => context.http.source_ip.clone(),
                _ => None,
            });
        Ok(source.map_or(Self(None), |source| Self::of(&source)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;

    #[test]
    fn addresses_tell_callers_apart() {
        for (text, known) in [
            ("203.0.113.7", Some("203.0.113.7")),
            ("127.0.0.1", None),
            ("::1", None),
            ("::ffff:127.0.0.1", None),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::/64")),
            ("", None),
            ("unknown", None),
        ] {
            assert_eq!(Address::of(text).as_deref(), known, "{text}");
        }
    }

    #[test]
    fn whoever_calls_is_whom_the_gateway_saw() {
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some("203.0.113.7".to_owned());
        let request = http::Request::builder()
            .header("x-forwarded-for", "198.51.100.1")
            .body(());
        let (mut parts, ()) = request.unwrap_or_default().into_parts();
        let seen = |parts: &mut Parts| block_on(Address::from_request_parts(parts, &())).map(|address| address.0);
        assert_eq!(seen(&mut parts), Ok(None));
        parts.extensions.insert(RequestContext::ApiGatewayV2(context));
        assert_eq!(seen(&mut parts), Ok(Some("203.0.113.7".to_owned())));
    }
}

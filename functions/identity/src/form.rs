//! Bodies that may be JSON or a form: what OAuth clients and pages without script send.

use axum::extract::{FromRequest, Request};
use http::header;
use rapport_http::problem::Code;
use rapport_http::{Problem, body};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A body of a type, from JSON or from `application/x-www-form-urlencoded`.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let essence = kind
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let value = if essence == "application/x-www-form-urlencoded" {
            pairs(&body::read(request.into_body()).await?)?
        } else {
            body::value(request).await?.0
        };
        Ok(Form(rapport_domain::record::shape(value)?))
    }
}

/// A form's fields as a JSON object of texts; empty ones count as absent.
fn pairs(bytes: &[u8]) -> Result<Value, Problem> {
    let malformed = |detail: &str| Problem::new(Code::Malformed).detail(detail);
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(bytes).map_err(|_| malformed("the form cannot be read"))?;
    let mut map = Map::new();
    for (name, value) in pairs {
        if !value.is_empty() && map.insert(name, value.into()).is_some() {
            return Err(malformed("a field comes twice"));
        }
    }
    Ok(Value::Object(map))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms() {
        assert_eq!(pairs(b"a=1+2&b=%E6%9D%8E&c=").unwrap(), json!({"a": "1 2", "b": "李"}));
        assert!(pairs(b"a=1&a=2").is_err());
        assert_eq!(pairs(b"").unwrap(), json!({}));
    }
}

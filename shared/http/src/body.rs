//! Bodies and the headers that govern a write.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::caller::Caller;
use crate::problem::{Code, Problem};

/// A body may be this long, in bytes.
pub const MOST_BYTES: usize = 1024 * 1024;

/// Reads a body of at most a mebibyte.
///
/// # Errors
/// `413` when it is longer, `400` when it breaks off.
pub async fn read(body: axum::body::Body) -> Result<Vec<u8>, Problem> {
    read_at_most(body, MOST_BYTES, "a body has at most 1 MiB").await
}

/// Reads a body of at most so many bytes; the words tell what to do with a longer one.
///
/// # Errors
/// `413` when it is longer, `400` when it breaks off.
pub async fn read_at_most(body: axum::body::Body, most: usize, words: &str) -> Result<Vec<u8>, Problem> {
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(Problem::new(Code::TooLarge).detail(words))
        }
        Err(_) => Err(Problem::new(Code::Malformed).detail("the body broke off")),
    }
}

/// The body's bytes as they came, for signatures.
pub struct RawBody(pub Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request.into_body()).await.map(RawBody)
    }
}

/// A JSON body of any shape.
///
/// # Errors
/// `415`, `413`, `400`.
pub async fn value(request: Request) -> Result<(Value, Vec<u8>), Problem> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(essence.as_str(), "application/json" | "application/merge-patch+json") {
        return Err(Problem::new(Code::UnsupportedMediaType).detail("send Content-Type: application/json"));
    }
    let bytes = read(request.into_body()).await?;
    let value = parse(&bytes)?;
    Ok((value, bytes))
}

/// Reads JSON.
///
/// # Errors
/// `400` saying where it breaks.
pub fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(Problem::new(Code::Malformed).detail("the body is not UTF-8"));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::new(Code::Malformed).detail(format!("the body is not JSON: {error}")))
}

/// A JSON body of a type; what does not fit is named by JSON pointers, `422`.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (value, _) = value(request).await?;
        Ok(Json(rapport_domain::record::shape(value)?))
    }
}

/// The version that `If-Match` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(text) = parts
            .headers
            .get(header::IF_MATCH)
            .and_then(|value| value.to_str().ok())
        else {
            return Ok(IfMatch(None));
        };
        match text.trim() {
            "*" => Ok(IfMatch(None)),
            tag => version(tag).map(|version| IfMatch(Some(version))).ok_or_else(|| {
                Problem::new(Code::Malformed).detail("If-Match takes one ETag as it was given, such as \"3\"")
            }),
        }
    }
}

/// The versions that `If-None-Match` names.
#[derive(Clone, Debug, Default)]
pub struct IfNoneMatch(pub Vec<u64>);

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = parts
            .headers
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Ok(Self(
            text.split(',')
                .filter_map(|tag| version(tag.trim().trim_start_matches("W/")))
                .collect(),
        ))
    }
}

fn version(tag: &str) -> Option<u64> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// An idempotency key and what makes the request itself, before its body is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    key: Option<String>,
    method: Method,
    path: String,
}

impl IdempotencyKey {
    /// Reads the header.
    ///
    /// # Errors
    /// `400` when it is empty, too long or not printable.
    pub fn read(headers: &HeaderMap, method: &Method, path: &str, caller: &Caller) -> Result<Self, Problem> {
        let nothing = Self {
            key: None,
            method: method.clone(),
            path: path.to_owned(),
        };
        let Some(value) = headers.get("idempotency-key") else {
            return Ok(nothing);
        };
        let malformed = || Problem::new(Code::Malformed).detail("an Idempotency-Key has 1 to 255 printable characters");
        let text = value.to_str().map_err(|_| malformed())?.trim();
        // The draft standard writes a quoted string; bare keys are as common.
        let text = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        if text.is_empty() || text.len() > 255 || text.contains('\t') {
            return Err(malformed());
        }
        // Two callers of one tenant that happen on the same key do not see each other's answers.
        Ok(Self {
            key: Some(format!("{}#{text}", caller.actor.id)),
            ..nothing
        })
    }

    /// The key for a write to a table, given the body. `part` tells the inputs of a batch apart.
    #[must_use]
    pub fn of(
        &self,
        table: rapport_store::Table,
        body: &[u8],
        part: Option<usize>,
    ) -> Option<rapport_store::idempotency::Idempotency> {
        let key = self.key.as_ref()?;
        let mut digest = Sha256::new();
        digest.update(self.method.as_str());
        digest.update([0]);
        digest.update(&self.path);
        digest.update([0]);
        digest.update(body);
        let fingerprint = digest
            .finalize()
            .iter()
            .fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"));
        let key = part.map_or_else(|| key.clone(), |part| format!("{key}#{part}"));
        Some(rapport_store::idempotency::Idempotency {
            key,
            fingerprint,
            table,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        Self::read(&parts.headers, &parts.method, parts.uri.path(), &caller)
    }
}

/// The raw query of the request.
pub struct RawQuery(pub String);

impl<S: Send + Sync> FromRequestParts<S> for RawQuery {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}

//! Answers to requests that were refused or failed: RFC 9457 problems with codes from one closed list.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use rapport_domain::Invalid;
use rapport_store::StoreError;
use serde_json::{Value, json};

/// Where the codes are explained.
const TYPES: &str = "https://rapport.example/problems/";

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $status:ident, $title:literal;)*) => {
        /// What went wrong, for programs. The list is closed: clients may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[doc = $doc])* $name,)* }
        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];
            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Code::$name => $code,)* } }
            /// The status it comes with.
            #[must_use]
            pub const fn status(self) -> StatusCode { match self { $(Code::$name => StatusCode::$status,)* } }
            /// The sentence it comes with.
            #[must_use]
            pub const fn title(self) -> &'static str { match self { $(Code::$name => $title,)* } }
            /// What it means and what to do.
            #[must_use]
            pub const fn explanation(self) -> &'static str { match self { $(Code::$name => concat!($($doc),*),)* } }
        }
    };
}

codes! {
    /// The body is not JSON, not UTF-8, or a parameter cannot be read. Mend the request.
    Malformed = "malformed", BAD_REQUEST, "The request cannot be read";
    /// A query parameter is not known here. The detail lists those that are.
    UnknownParameter = "unknown_parameter", BAD_REQUEST, "The request has an unknown parameter";
    /// The cursor was not issued for this list with these filters.
    CursorInvalid = "cursor_invalid", BAD_REQUEST, "The cursor is not valid";
    /// There is no token or key, or it is not valid, expired or revoked.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "The request is not authenticated";
    /// The plan of the firm allows no more of this: limit says of what, how much is allowed and used, and which plan has more.
    PlanLimit = "plan_limit", PAYMENT_REQUIRED, "The plan's limit is reached";
    /// The caller is known but lacks the permission that the detail names.
    Forbidden = "forbidden", FORBIDDEN, "The caller may not do this";
    /// The operator of the service has suspended the firm's account: everything can be read and exported, nothing changed.
    AccountSuspended = "account_suspended", FORBIDDEN, "The account is suspended";
    /// The firm's account is closed: everything can be read and exported until it is erased; its owner can open it again.
    AccountClosed = "account_closed", FORBIDDEN, "The account is closed";
    /// There is no such thing.
    NotFound = "not_found", NOT_FOUND, "There is no such thing";
    /// The thing is there but not for this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    /// A value that only one record may hold is held by another, or the present state forbids it.
    Conflict = "conflict", CONFLICT, "The request conflicts with what is there";
    /// The record looks like others: see candidates. Send Rapport-Allow-Duplicate: true to create it anyway.
    DuplicateSuspected = "duplicate_suspected", CONFLICT, "The record looks like an existing one";
    /// The record changed while the request ran, several times in a row. Try again.
    Contention = "contention", CONFLICT, "The record is being changed by others";
    /// A request with the same idempotency key is still running.
    InFlight = "in_flight", CONFLICT, "A request with this idempotency key is running";
    /// The record has another version than If-Match says: see current.
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "The record has changed";
    /// The body is larger than is allowed here.
    TooLarge = "too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body must be JSON (or what the operation names).
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body has an unsupported type";
    /// One or more fields are wrong: see errors.
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, "The request is not valid";
    /// The idempotency key was used for another request.
    KeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The idempotency key was used for another request";
    /// Too many requests or attempts: wait as Retry-After says. Where a plan limits them, limit says more.
    TooMany = "too_many_requests", TOO_MANY_REQUESTS, "Too many requests";
    /// A fault of ours. Tell us the request id.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong on our side";
    /// The store or a queue is down. Nothing was done: try again as Retry-After says.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service is unavailable for a moment";
}

/// A problem on its way to the caller. What is for the log only never leaves.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    /// A more particular word than the code, where the rules have one: `already_converted`.
    particular: Option<String>,
    detail: Option<String>,
    members: Vec<(&'static str, Value)>,
    headers: Vec<(header::HeaderName, String)>,
    internal: Option<String>,
}

impl Problem {
    /// A problem with a code.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            particular: None,
            detail: None,
            members: Vec::new(),
            headers: Vec::new(),
            internal: None,
        }
    }

    /// With a sentence for people.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With a more particular code than the general one.
    #[must_use]
    pub fn particular(mut self, code: impl Into<String>) -> Self {
        self.particular = Some(code.into());
        self
    }

    /// With a member more.
    #[must_use]
    pub fn member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A thing that is not there, or is another tenant's.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::new(Code::NotFound)
    }

    /// A fault of ours; the text goes to the log only.
    pub fn internal(text: impl Into<String>) -> Self {
        Self {
            internal: Some(text.into()),
            ..Self::new(Code::Internal)
        }
    }

    /// The store or a queue does not answer; the text goes to the log only.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self {
            internal: Some(text.into()),
            ..Self::new(Code::Unavailable)
        }
        .header(header::RETRY_AFTER, "2")
    }

    /// Its code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What is for the log.
    #[must_use]
    pub fn log(&self) -> Option<&str> {
        self.internal.as_deref()
    }

    /// The problem as JSON, without what belongs to the request.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let code = self.code.as_str();
        let mut value = json!({
            "type": format!("{TYPES}{code}"),
            "title": self.code.title(),
            "status": self.code.status().as_u16(),
            "code": self.particular.as_deref().unwrap_or(code),
        });
        if let Some(detail) = &self.detail {
            value["detail"] = detail.clone().into();
        }
        for (name, member) in &self.members {
            value[*name] = member.clone();
        }
        value
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let count = invalid.problems.len();
        let detail = if count == 1 {
            invalid.problems[0].detail.clone()
        } else {
            format!("{count} fields are wrong")
        };
        let errors = serde_json::to_value(&invalid.problems).unwrap_or_default();
        Self::new(Code::ValidationFailed)
            .detail(detail)
            .member("errors", errors)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing => Self::not_found(),
            StoreError::Stale(current) => {
                let current = current.and_then(|doc| serde_json::from_str::<Value>(&doc).ok());
                let problem = Self::new(Code::PreconditionFailed).detail("the record has another version by now");
                match current {
                    Some(current) => problem.member("current", current),
                    None => problem,
                }
            }
            StoreError::Taken { scope, holder } => {
                let problem = Self::new(Code::Conflict)
                    .detail(format!("another record holds this {scope}"))
                    .member("scope", scope);
                match holder {
                    Some(holder) => problem.member("holder", holder),
                    None => problem,
                }
            }
            StoreError::Duplicate(candidates) => {
                let candidates: Vec<Value> = candidates
                    .into_iter()
                    .map(|(id, score)| json!({"id": id.to_string(), "score": (f64::from(score) * 100.0).round() / 100.0}))
                    .collect();
                Self::new(Code::DuplicateSuspected)
                    .detail("send Rapport-Allow-Duplicate: true to create it anyway")
                    .member("candidates", candidates)
            }
            StoreError::KeyReused => Self::new(Code::KeyReused),
            StoreError::Answered(_) => Self::internal("a kept answer was not replayed"),
            StoreError::Invalid(invalid) => invalid.into(),
            StoreError::Conflict { code, detail } => Self::new(Code::Conflict).particular(code).detail(detail),
            StoreError::Full(reached) => crate::metering::limited(Self::new(Code::PlanLimit), reached),
            StoreError::Raced => Self::new(Code::Contention),
            StoreError::Unavailable(text) => Self::unavailable(text),
            StoreError::Internal(text) => Self::internal(text),
        }
    }
}

impl From<rapport_queue::QueueError> for Problem {
    fn from(error: rapport_queue::QueueError) -> Self {
        match error {
            rapport_queue::QueueError::NotMine(_) => Self::internal(error.to_string()),
            rapport_queue::QueueError::Unavailable(_) => Self::unavailable(error.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() = self.code.status();
        if self.code == Code::Unauthenticated {
            let challenge = HeaderValue::from_static("Bearer realm=\"rapport\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name.clone(), value);
            }
        }
        // The envelope writes the body: it knows the request's id and path.
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}

//! What can go wrong in the store, without HTTP and without DynamoDB's words.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use rapport_domain::plan::Reached;
use rapport_domain::{Invalid, RecordId};

/// Why the store refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such record, or it is another tenant's: nobody can tell.
    #[error("there is no such record")]
    Missing,
    /// The record has another version than the caller said; the current record as JSON when known.
    #[error("the record has changed")]
    Stale(Option<String>),
    /// A value that only one record may hold is held by another.
    #[error("{scope} is taken")]
    Taken {
        /// Of what: `email`, `external.shopify`, …
        scope: String,
        /// The record that holds it, when known.
        holder: Option<String>,
    },
    /// The record looks like others: their ids and how sure that is, 0 to 1.
    #[error("the record looks like an existing one")]
    Duplicate(Vec<(RecordId, f32)>),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The idempotency key's first request was answered: here is the answer.
    #[error("the request was answered before")]
    Answered(Box<crate::idempotency::Answer>),
    /// The input breaks rules.
    #[error("the input is not valid: {0}")]
    Invalid(#[from] Invalid),
    /// A rule forbids it in the record's present state.
    #[error("{detail}")]
    Conflict {
        /// A stable word.
        code: &'static str,
        /// A sentence.
        detail: String,
    },
    /// The plan allows no more of these.
    #[error("{0}")]
    Full(Reached),
    /// Something this needed was made by somebody else meanwhile: planned again it will be found.
    #[error("others were faster")]
    Raced,
    /// The store is down or throttles; nothing was done.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours.
    #[error("internal: {0}")]
    Internal(String),
}

impl StoreError {
    /// A rule that forbids.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            detail: detail.into(),
        }
    }

    /// Whether the same call may succeed a moment later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Stale(_) | Self::Raced)
    }
}

impl<E: ProvideErrorMetadata + std::fmt::Debug, R: std::fmt::Debug> From<SdkError<E, R>> for StoreError {
    fn from(error: SdkError<E, R>) -> Self {
        let SdkError::ServiceError(service) = &error else {
            return Self::Unavailable(format!("{error}"));
        };
        let code = service.err().code().unwrap_or_default();
        match code {
            "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "InternalServerError"
            | "ServiceUnavailable"
            | "TransactionInProgressException"
            | "TransactionConflictException"
            | "LimitExceededException" => Self::Unavailable(code.to_owned()),
            _ => Self::Internal(format!("{code}: {}", service.err().message().unwrap_or_default())),
        }
    }
}

//! What can go wrong, once: each code with its shape name, its query-protocol code and its HTTP status.
//! Turning an error into bytes is `wire`'s work.

/// The kinds of failure, named after the shapes of the SQS service model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the protocol's own
pub enum Code {
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidAttributeName,
    InvalidAttributeValue,
    InvalidBatchEntryId,
    InvalidMessageContents,
    InvalidParameterValue,
    MessageNotInflight,
    MissingParameter,
    PurgeQueueInProgress,
    QueueDoesNotExist,
    QueueNameExists,
    ReceiptHandleIsInvalid,
    ResourceNotFound,
    Serialization,
    ServiceUnavailable,
    TooManyEntriesInBatchRequest,
    UnknownOperation,
    UnsupportedOperation,
}

impl Code {
    /// The `__type` of the JSON answer, the value of the header `x-amzn-query-error` in which SDKs find the code and whose
    /// fault it is, and the HTTP status.
    #[must_use]
    pub fn wire(self) -> (&'static str, &'static str, u16) {
        match self {
            Code::BatchEntryIdsNotDistinct => (
                "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct;Sender",
                400,
            ),
            Code::BatchRequestTooLong => (
                "com.amazonaws.sqs#BatchRequestTooLong",
                "AWS.SimpleQueueService.BatchRequestTooLong;Sender",
                400,
            ),
            Code::EmptyBatchRequest => (
                "com.amazonaws.sqs#EmptyBatchRequest",
                "AWS.SimpleQueueService.EmptyBatchRequest;Sender",
                400,
            ),
            Code::InvalidAttributeName => (
                "com.amazonaws.sqs#InvalidAttributeName",
                "InvalidAttributeName;Sender",
                400,
            ),
            Code::InvalidAttributeValue => (
                "com.amazonaws.sqs#InvalidAttributeValue",
                "InvalidAttributeValue;Sender",
                400,
            ),
            Code::InvalidBatchEntryId => (
                "com.amazonaws.sqs#InvalidBatchEntryId",
                "AWS.SimpleQueueService.InvalidBatchEntryId;Sender",
                400,
            ),
            Code::InvalidMessageContents => (
                "com.amazonaws.sqs#InvalidMessageContents",
                "InvalidMessageContents;Sender",
                400,
            ),
            Code::InvalidParameterValue => (
                "com.amazon.coral.service#InvalidParameterValueException",
                "InvalidParameterValue;Sender",
                400,
            ),
            Code::MessageNotInflight => (
                "com.amazonaws.sqs#MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight;Sender",
                400,
            ),
            Code::MissingParameter => (
                "com.amazon.coral.service#MissingRequiredParameterException",
                "MissingParameter;Sender",
                400,
            ),
            Code::PurgeQueueInProgress => (
                "com.amazonaws.sqs#PurgeQueueInProgress",
                "AWS.SimpleQueueService.PurgeQueueInProgress;Sender",
                403,
            ),
            Code::QueueDoesNotExist => (
                "com.amazonaws.sqs#QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue;Sender",
                400,
            ),
            Code::QueueNameExists => ("com.amazonaws.sqs#QueueNameExists", "QueueAlreadyExists;Sender", 400),
            Code::ReceiptHandleIsInvalid => (
                "com.amazonaws.sqs#ReceiptHandleIsInvalid",
                "ReceiptHandleIsInvalid;Sender",
                400,
            ),
            Code::ResourceNotFound => (
                "com.amazonaws.sqs#ResourceNotFoundException",
                "ResourceNotFoundException;Sender",
                404,
            ),
            Code::Serialization => (
                "com.amazon.coral.service#SerializationException",
                "MalformedInput;Sender",
                400,
            ),
            Code::ServiceUnavailable => (
                "com.amazon.coral.service#ServiceUnavailableException",
                "ServiceUnavailable;Receiver",
                503,
            ),
            Code::TooManyEntriesInBatchRequest => (
                "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest;Sender",
                400,
            ),
            Code::UnknownOperation => (
                "com.amazon.coral.service#UnknownOperationException",
                "InvalidAction;Sender",
                400,
            ),
            Code::UnsupportedOperation => (
                "com.amazonaws.sqs#UnsupportedOperation",
                "AWS.SimpleQueueService.UnsupportedOperation;Sender",
                400,
            ),
        }
    }
}

impl Code {
    /// The code as SDKs and batch answers give it, such as `AWS.SimpleQueueService.NonExistentQueue`.
    #[must_use]
    pub fn query_code(self) -> &'static str {
        let (_, header, _) = self.wire();
        header.split(';').next().unwrap_or(header)
    }
}

/// A refused or failed call. Its text is meant for the caller and holds nothing of the inside.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    code: Code,
    message: String,
}

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidParameterValue, message)
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(
            Code::MissingParameter,
            format!("The request must contain the parameter {parameter}."),
        )
    }

    pub(crate) fn no_queue() -> Self {
        Self::new(Code::QueueDoesNotExist, "The specified queue does not exist.")
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(
            Code::ServiceUnavailable,
            "The queues cannot be read or written at the moment.",
        )
    }

    /// True when the caller was wrong, false when the store failed.
    #[must_use]
    pub fn is_sender_fault(&self) -> bool {
        !self.is_unavailable()
    }

    /// Which kind of failure this is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// True when the queue named does not exist.
    #[must_use]
    pub fn is_no_queue(&self) -> bool {
        self.code == Code::QueueDoesNotExist
    }

    /// True when the store failed: nothing was done, and the same call may succeed later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.code == Code::ServiceUnavailable
    }
}

impl From<rusqlite::Error> for Error {
    fn from(cause: rusqlite::Error) -> Self {
        // The text may quote a path but never a message's body: statements are constant and values are bound.
        tracing::error!(error = %cause, "the queue store failed");
        Error::unavailable()
    }
}

/// `value` as a whole number within `low..=high`, or the refusal SQS gives.
pub(crate) fn bounded(name: &str, value: i64, low: u32, high: u32) -> Result<u32, Error> {
    match u32::try_from(value) {
        Ok(given) if (low..=high).contains(&given) => Ok(given),
        _ => Err(Error::parameter(format!(
            "Value {value} for parameter {name} is invalid. Reason: {name} must be >= {low} and <= {high}."
        ))),
    }
}

//! A queue's attributes, their bounds, and what the service reports of a queue. Storing them is `engine`'s work.

use std::collections::BTreeMap;

use crate::error::{Code, Error};
use crate::message::MAXIMUM_MESSAGE_BYTES;

/// The attributes of a queue. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// How long a received message stays hidden: 0 to 43,200, by default 30.
    pub visibility_timeout: u32,
    /// How long a new message stays hidden: 0 to 900, by default 0.
    pub delay: u32,
    /// How long a message is kept: 60 to 1,209,600, by default 345,600 (4 days).
    pub retention: u32,
    /// How long a receive waits for a message unless it says so itself: 0 to 20, by default 0.
    pub receive_wait: u32,
    /// The longest message in bytes, attributes included: 1,024 to 1,048,576, by default the latter.
    pub maximum_message_bytes: u32,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            visibility_timeout: 30,
            delay: 0,
            retention: 345_600,
            receive_wait: 0,
            maximum_message_bytes: MAXIMUM_MESSAGE_BYTES,
            redrive: None,
        }
    }
}

/// The dead-letter rule of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The name of the dead-letter queue, which must exist.
    pub dead_letter_queue: String,
    /// A message received this often and still there is moved by the next receive: 1 to 1,000.
    pub max_receive_count: u32,
}

impl Attributes {
    /// Refuses values out of bounds (`InvalidAttributeValue`).
    pub(crate) fn check(&self) -> Result<(), Error> {
        let bounds = [
            ("VisibilityTimeout", self.visibility_timeout, 0, 43_200),
            ("DelaySeconds", self.delay, 0, 900),
            ("MessageRetentionPeriod", self.retention, 60, 1_209_600),
            ("ReceiveMessageWaitTimeSeconds", self.receive_wait, 0, 20),
            (
                "MaximumMessageSize",
                self.maximum_message_bytes,
                1_024,
                MAXIMUM_MESSAGE_BYTES,
            ),
        ];
        for (name, value, low, high) in bounds {
            if !(low..=high).contains(&value) {
                return Err(invalid(name));
            }
        }
        match &self.redrive {
            Some(redrive) if !(1..=1_000).contains(&redrive.max_receive_count) => Err(Error::parameter(format!(
                "Value {} for parameter maxReceiveCount is invalid. Reason: must be between 1 and 1000.",
                redrive.max_receive_count
            ))),
            _ => Ok(()),
        }
    }
}

pub(crate) fn invalid(name: &str) -> Error {
    Error::new(
        Code::InvalidAttributeValue,
        format!("Invalid value for the parameter {name}."),
    )
}

/// Refuses a name that is not 1 to 80 letters, digits, `-` or `_`.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let right = (1..=80).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if right {
        Ok(())
    } else {
        Err(Error::parameter(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ))
    }
}

/// What the service knows of a queue.
#[derive(Debug, Clone)]
pub struct QueueInfo {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// Attributes that are kept and given back but have no effect here, such as `KmsMasterKeyId`.
    pub kept: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Messages that a receive would give now.
    pub visible: u64,
    /// Messages received and not yet deleted nor visible again.
    pub in_flight: u64,
    /// Messages not yet visible for the first time.
    pub delayed: u64,
    /// When the oldest message was sent, milliseconds since 1970.
    pub oldest_sent_ms: Option<i64>,
    /// When it was created, milliseconds since 1970.
    pub created_ms: i64,
    /// When its attributes last changed, milliseconds since 1970.
    pub modified_ms: i64,
}

/// How a message move task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveTaskStatus {
    /// Every message that was visible has been moved.
    Completed,
    /// Some messages could not be moved, since the queue they came from is not known or gone.
    Failed,
}

impl MoveTaskStatus {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// A finished move of messages out of a dead-letter queue.
#[derive(Debug, Clone)]
pub struct MoveTask {
    /// Identifies the task.
    pub handle: String,
    /// The dead-letter queue's name.
    pub source: String,
    /// The queue they were moved to; none when each went back to where it came from.
    pub destination: Option<String>,
    /// How it ended.
    pub status: MoveTaskStatus,
    /// How many messages were moved.
    pub moved: u64,
    /// How many messages were there to be moved.
    pub to_move: u64,
    /// When it started, milliseconds since 1970.
    pub started_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, right) in [
            ("a", true),
            ("Segment-scores_1", true),
            (&"x".repeat(80), true),
            (&"x".repeat(81), false),
            ("", false),
            ("a b", false),
            ("a.fifo", false),
            ("队列", false),
        ] {
            assert_eq!(check_name(name).is_ok(), right, "{name}");
        }
    }

    #[test]
    fn bounds() {
        let right = Attributes::default();
        assert!(right.check().is_ok());
        for wrong in [
            Attributes {
                visibility_timeout: 43_201,
                ..right.clone()
            },
            Attributes {
                delay: 901,
                ..right.clone()
            },
            Attributes {
                retention: 59,
                ..right.clone()
            },
            Attributes {
                receive_wait: 21,
                ..right.clone()
            },
            Attributes {
                maximum_message_bytes: 1_023,
                ..right.clone()
            },
            Attributes {
                maximum_message_bytes: MAXIMUM_MESSAGE_BYTES + 1,
                ..right.clone()
            },
            Attributes {
                redrive: Some(Redrive {
                    dead_letter_queue: "d".into(),
                    max_receive_count: 0,
                }),
                ..right
            },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}

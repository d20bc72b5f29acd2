//! Messages: what is sent and received, which contents are allowed, and the MD5 digests SDKs verify.
//! No storage and no JSON protocol here.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, bounded};

/// The longest message and the longest batch in bytes, attributes included: 1 MiB.
pub const MAXIMUM_MESSAGE_BYTES: u32 = 1_048_576;

const MAXIMUM_DELAY_SECONDS: u32 = 900;
const MAXIMUM_ATTRIBUTES: usize = 10;

/// The value of a message attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeData {
    /// Of the types `String` and `Number`.
    Text(String),
    /// Of the type `Binary`.
    Binary(Vec<u8>),
}

/// A message attribute: its type (`String`, `Number`, `Binary`, each with an optional `.label`) and value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeValue {
    /// `String`, `Number` or `Binary`, with an optional label after a dot.
    pub data_type: String,
    /// The value.
    pub data: AttributeData,
}

impl AttributeValue {
    /// A `String` attribute.
    #[must_use]
    pub fn text(value: impl Into<String>) -> Self {
        Self {
            data_type: "String".into(),
            data: AttributeData::Text(value.into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.data {
            AttributeData::Text(text) => text.as_bytes(),
            AttributeData::Binary(bytes) => bytes,
        }
    }

    fn check(&self, name: &str) -> Result<(), Error> {
        if self.data_type.is_empty() || self.bytes().is_empty() {
            return Err(Error::parameter(format!(
                "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{}'.",
                self.data_type
            )));
        }
        let kind = self.data_type.split('.').next().unwrap_or_default();
        match (&self.data, kind) {
            (AttributeData::Text(_), "String") | (AttributeData::Binary(_), "Binary") => {}
            (AttributeData::Text(text), "Number") => {
                if text.trim().parse::<f64>().is_err() {
                    return Err(Error::parameter(format!(
                        "Can't cast the value of message (user) attribute '{name}' to a number."
                    )));
                }
            }
            (_, "String" | "Number" | "Binary") => {
                return Err(Error::parameter(format!(
                    "The message attribute '{name}' with type '{kind}' must use field '{}'.",
                    if kind == "Binary" { "Binary" } else { "String" }
                )));
            }
            _ => {
                return Err(Error::parameter(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
                )));
            }
        }
        match &self.data {
            AttributeData::Text(text) => check_characters(text, "message attribute"),
            AttributeData::Binary(_) => Ok(()),
        }
    }
}

/// A message to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The body, 1 byte to 1 MiB of characters XML allows.
    pub body: String,
    /// Seconds until it becomes visible, 0 to 900; by default the queue's.
    pub delay: Option<u32>,
    /// At most ten attributes.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// The `AWSTraceHeader` system attribute.
    pub trace_header: Option<String>,
    /// The group the message belongs to (for fair queues: the tenant), at most 128 characters.
    pub group_id: Option<String>,
}

impl Outgoing {
    /// A message with this body and nothing else.
    #[must_use]
    pub fn new(body: impl Into<String>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// Bytes that count against the limits: body, and names, types and values of the attributes.
    pub(crate) fn bytes(&self) -> usize {
        let attributes: usize = self
            .attributes
            .iter()
            .map(|(name, value)| name.len() + value.data_type.len() + value.bytes().len())
            .sum();
        self.body.len() + attributes
    }

    /// Everything that can be checked and computed without the queue.
    pub(crate) fn prepare(self) -> Result<Prepared, Error> {
        if self.body.is_empty() {
            return Err(Error::missing("MessageBody"));
        }
        check_characters(&self.body, "message body")?;
        if let Some(delay) = self.delay {
            bounded("DelaySeconds", i64::from(delay), 0, MAXIMUM_DELAY_SECONDS)?;
        }
        if self.attributes.len() > MAXIMUM_ATTRIBUTES {
            return Err(Error::parameter(format!(
                "Number of message attributes [{}] exceeds the allowed maximum [{MAXIMUM_ATTRIBUTES}].",
                self.attributes.len()
            )));
        }
        for (name, value) in &self.attributes {
            check_attribute_name(name)?;
            value.check(name)?;
        }
        if let Some(group) = &self.group_id {
            let right = (1..=128).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_graphic());
            if !right {
                return Err(Error::parameter(
                    "The specified MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
                ));
            }
        }
        let sent = Sent {
            message_id: uuid::Uuid::new_v4().to_string(),
            md5_of_body: md5_of(self.body.as_bytes()),
            md5_of_attributes: md5_of_attributes(&self.attributes),
            md5_of_system_attributes: self.trace_header.as_ref().and_then(|header| {
                md5_of_attributes(&BTreeMap::from([(
                    "AWSTraceHeader".into(),
                    AttributeValue::text(header.as_str()),
                )]))
            }),
        };
        Ok(Prepared {
            bytes: self.bytes(),
            outgoing: self,
            sent,
        })
    }
}

/// A checked message with its digests.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub outgoing: Outgoing,
    pub sent: Sent,
    pub bytes: usize,
}

/// The receipt of a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The new message's id.
    pub message_id: String,
    /// Hexadecimal MD5 of the body.
    pub md5_of_body: String,
    /// Hexadecimal MD5 of the attributes, if there are any.
    pub md5_of_attributes: Option<String>,
    /// Hexadecimal MD5 of the system attributes, if there are any.
    pub md5_of_system_attributes: Option<String>,
}

/// A received message. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The message's id, the same at each receive.
    pub message_id: String,
    /// Names this receive in later calls; new each time.
    pub receipt_handle: String,
    /// The body.
    pub body: String,
    /// Hexadecimal MD5 of the body.
    pub md5_of_body: String,
    /// All its attributes.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// The `AWSTraceHeader` system attribute.
    pub trace_header: Option<String>,
    /// The group it was sent with.
    pub group_id: Option<String>,
    /// When it was sent.
    pub sent_ms: i64,
    /// How often it has been received, this time included.
    pub receive_count: u32,
    /// When it was first received.
    pub first_receive_ms: i64,
    /// The name of the queue it was moved here from, in a dead-letter queue.
    pub dead_letter_source: Option<String>,
}

/// One entry of a batch that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchFailure {
    /// The entry's id.
    pub id: String,
    /// Why.
    pub code: Code,
    /// Why, in words.
    pub message: String,
}

/// What became of a batch: each entry is in exactly one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchOutcome<T> {
    /// Entries done, by id.
    pub successful: Vec<(String, T)>,
    /// Entries refused.
    pub failed: Vec<BatchFailure>,
}

impl<T> BatchOutcome<T> {
    pub(crate) fn new() -> Self {
        Self {
            successful: Vec::new(),
            failed: Vec::new(),
        }
    }

    pub(crate) fn refuse(&mut self, id: String, why: &Error) {
        self.failed.push(BatchFailure {
            id,
            code: why.code(),
            message: why.to_string(),
        });
    }
}

/// The rules every batch obeys: one to ten entries, well-formed ids, each once.
pub(crate) fn check_batch<'a>(kind: &str, ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), Error> {
    match ids.len() {
        0 => Err(Error::new(
            Code::EmptyBatchRequest,
            format!("There should be at least one {kind}BatchRequestEntry in the request."),
        )),
        1..=10 => {
            let mut seen = Vec::with_capacity(10);
            for id in ids {
                let right = (1..=80).contains(&id.len())
                    && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                if !right {
                    return Err(Error::new(
                        Code::InvalidBatchEntryId,
                        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
                    ));
                }
                if seen.contains(&id) {
                    return Err(Error::new(Code::BatchEntryIdsNotDistinct, format!("Id {id} repeated.")));
                }
                seen.push(id);
            }
            Ok(())
        }
        many => Err(Error::new(
            Code::TooManyEntriesInBatchRequest,
            format!("Maximum number of entries per request are 10. You have sent {many}."),
        )),
    }
}

/// Names: letters, digits, `_`, `-`, `.`; not reserved, no period at an end or twice in a row, at most 256 long.
fn check_attribute_name(name: &str) -> Result<(), Error> {
    let lower = name.to_ascii_lowercase();
    let right = (1..=256).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.");
    if right {
        Ok(())
    } else {
        Err(Error::parameter(format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters."
        )))
    }
}

/// The characters of XML 1.0: `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`.
fn check_characters(text: &str, place: &str) -> Result<(), Error> {
    let wrong =
        |c: &char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    match text.chars().find(wrong) {
        None => Ok(()),
        Some(character) => Err(Error::new(
            Code::InvalidMessageContents,
            format!(
                "Invalid binary character '#x{:X}' was found in the {place}, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
                u32::from(character)
            ),
        )),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
            text
        })
}

fn md5_of(bytes: &[u8]) -> String {
    hexadecimal(&Md5::digest(bytes))
}

/// MD5 over the attributes in order of name, each as name, type, transport type and value, lengths as four bytes first
/// ("Calculating the MD5 message digest for message attributes", Amazon SQS Developer Guide).
pub(crate) fn md5_of_attributes(attributes: &BTreeMap<String, AttributeValue>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    let mut part = |bytes: &[u8], transport: Option<u8>| {
        digest.update(transport.as_slice());
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(bytes);
    };
    for (name, value) in attributes {
        part(name.as_bytes(), None);
        part(value.data_type.as_bytes(), None);
        let transport = match value.data {
            AttributeData::Text(_) => 1,
            AttributeData::Binary(_) => 2,
        };
        part(value.bytes(), Some(transport));
    }
    Some(hexadecimal(&digest.finalize()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn contents() {
        for (body, right) in [
            ("hello", true),
            ("tab\tline\r\nnext", true),
            ("中文 🚀", true),
            ("\u{fffd}", true),
            ("", false),
            ("\u{0}", false),
            ("bell\u{7}", false),
            ("\u{1f}", false),
            ("\u{fffe}", false),
            ("\u{ffff}", false),
        ] {
            assert_eq!(Outgoing::new(body).prepare().is_ok(), right, "{body:?}");
        }
    }

    #[test]
    fn attribute_names() {
        for (name, right) in [
            ("tenant", true),
            ("a.b-c_9", true),
            ("", false),
            (".a", false),
            ("a.", false),
            ("a..b", false),
            ("AWS.x", false),
            ("amazon.x", false),
            ("a b", false),
        ] {
            assert_eq!(check_attribute_name(name).is_ok(), right, "{name}");
        }
    }

    #[test]
    fn attribute_values() {
        let text = |t: &str| AttributeData::Text(t.into());
        for (data_type, data, right) in [
            ("String", text("x"), true),
            ("String.label", text("x"), true),
            ("Number", text("-1.5e3"), true),
            ("Binary", AttributeData::Binary(vec![0, 255]), true),
            ("Number", text("many"), false),
            ("String", text(""), false),
            ("Binary", text("x"), false),
            ("String", AttributeData::Binary(vec![1]), false),
            ("Colour", text("red"), false),
            ("", text("x"), false),
        ] {
            let value = AttributeValue {
                data_type: data_type.into(),
                data,
            };
            assert_eq!(value.check("a").is_ok(), right, "{value:?}");
        }
    }

    #[test]
    fn batches() {
        let ten: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        let ten: Vec<&str> = ten.iter().map(String::as_str).collect();
        for (ids, wrong) in [
            (&ten[..10], None),
            (&ten[..11], Some(Code::TooManyEntriesInBatchRequest)),
            (&[][..], Some(Code::EmptyBatchRequest)),
            (&["a", "a"][..], Some(Code::BatchEntryIdsNotDistinct)),
            (&["a b"][..], Some(Code::InvalidBatchEntryId)),
        ] {
            assert_eq!(
                check_batch("SendMessage", ids.iter().copied()).err().map(|e| e.code()),
                wrong
            );
        }
    }

    #[test]
    fn digest_of_body() {
        assert_eq!(
            Outgoing::new("hello").prepare().unwrap().sent.md5_of_body,
            "5d41402abc4b2a76b9719d911017c592"
        );
    }
}

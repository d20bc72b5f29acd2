//! The AWS JSON 1.0 protocol: an `X-Amz-Target` and a JSON body in, a JSON answer out. It reads and writes; every rule
//! about queues and messages lives behind [`Queues`].

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::engine::Existing;
use crate::error::{Code, Error, bounded};
use crate::message::{AttributeData, AttributeValue, BatchOutcome, Outgoing, Received, Sent, md5_of_attributes};
use crate::queue::{Attributes, QueueInfo, Redrive, invalid};
use crate::queues::{Queues, Receive};

/// The content type of every answer.
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// An answer of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// The header `x-amzn-query-error` of a refusal. The AWS SDKs take the error's code from it, so that a connector
    /// should pass it on: without it they do not recognise `QueueDoesNotExist` and its like.
    pub query_error: Option<&'static str>,
    /// The JSON body.
    pub body: Vec<u8>,
}

impl Queues {
    /// Answers one call of the JSON protocol; `target` is the header `X-Amz-Target`, such as `AmazonSQS.SendMessage`.
    /// Every failure is an answer too. A receive that waits takes up to 20 s.
    pub async fn answer(&self, target: &str, body: &[u8]) -> Answer {
        self.answer_under(target, body, None).await
    }

    /// [`Queues::answer`] without the error header: status, content type and body.
    pub async fn handle(&self, target: &str, body: &[u8]) -> (u16, &'static str, Vec<u8>) {
        let Answer {
            status,
            content_type,
            body,
            ..
        } = self.answer(target, body).await;
        (status, content_type, body)
    }

    /// [`Queues::answer`] with queue URLs under `base`, the address the caller used.
    pub(crate) async fn answer_under(&self, target: &str, body: &[u8], base: Option<&str>) -> Answer {
        let base = base.unwrap_or(&self.options().base_url).to_owned();
        let (status, query_error, value) = match self.dispatch(target, body, &base).await {
            Ok(value) => (200, None, value),
            Err(error) => {
                let (kind, header, status) = error.code().wire();
                (
                    status,
                    Some(header),
                    json!({"__type": kind, "message": error.to_string()}),
                )
            }
        };
        let body = match value {
            // An operation without result has an empty body, as the service model says.
            Value::Null => Vec::new(),
            value => value.to_string().into_bytes(),
        };
        Answer {
            status,
            content_type: CONTENT_TYPE,
            query_error,
            body,
        }
    }

    async fn dispatch(&self, target: &str, body: &[u8], base: &str) -> Result<Value, Error> {
        let operation = target.strip_prefix("AmazonSQS.").unwrap_or_default();
        match operation {
            "SendMessage" => self.wire_send(read(body)?).await,
            "SendMessageBatch" => self.wire_send_batch(read(body)?).await,
            "ReceiveMessage" => self.wire_receive(read(body)?).await,
            "DeleteMessage" => self.wire_delete(read(body)?).await,
            "DeleteMessageBatch" => self.wire_delete_batch(read(body)?).await,
            "ChangeMessageVisibility" => self.wire_change_visibility(read(body)?).await,
            "ChangeMessageVisibilityBatch" => self.wire_change_visibility_batch(read(body)?).await,
            "CreateQueue" => self.wire_create_queue(read(body)?, base).await,
            "DeleteQueue" => {
                self.delete_queue(&read::<QueueUrl>(body)?.name()?).await?;
                Ok(Value::Null)
            }
            "PurgeQueue" => {
                self.purge(&read::<QueueUrl>(body)?.name()?).await?;
                Ok(Value::Null)
            }
            "GetQueueUrl" => {
                let name = read::<QueueName>(body)?
                    .queue_name
                    .ok_or_else(|| Error::missing("QueueName"))?;
                self.exists(&name)?;
                Ok(json!({"QueueUrl": self.url_under(base, &name)}))
            }
            "ListQueues" => self.wire_list(read(body)?, base).await,
            "ListDeadLetterSourceQueues" => {
                let names = self.dead_letter_sources(&read::<QueueUrl>(body)?.name()?).await?;
                let urls: Vec<String> = names.iter().map(|name| self.url_under(base, name)).collect();
                Ok(json!({"queueUrls": urls}))
            }
            "GetQueueAttributes" => self.wire_attributes(read(body)?).await,
            "SetQueueAttributes" => self.wire_set_attributes(read(body)?).await,
            "ListQueueTags" => {
                let tags = self.info(&read::<QueueUrl>(body)?.name()?, false).await?.tags;
                Ok(json!({"Tags": tags}))
            }
            "TagQueue" => self.wire_tag(read(body)?).await,
            "UntagQueue" => self.wire_untag(read(body)?).await,
            "StartMessageMoveTask" => self.wire_start_move(read(body)?).await,
            "ListMessageMoveTasks" => self.wire_list_moves(read(body)?).await,
            "AddPermission" | "RemovePermission" | "CancelMessageMoveTask" => Err(Error::new(
                Code::UnsupportedOperation,
                format!("{operation} is not supported by this service."),
            )),
            _ => Err(Error::new(Code::UnknownOperation, "The operation is not known.")),
        }
    }

    async fn wire_send(&self, request: SendMessage) -> Result<Value, Error> {
        let queue = queue_of(request.queue_url.as_deref())?;
        self.exists(&queue)?;
        let sent = self.send(&queue, request.message.outgoing()?).await?;
        Ok(Value::Object(sent_fields(&sent)))
    }

    async fn wire_send_batch(&self, request: Batch<SendEntry>) -> Result<Value, Error> {
        let (queue, entries) = request.parts()?;
        let entries = entries
            .into_iter()
            .map(|entry| Ok((entry.id.ok_or_else(|| Error::missing("Id"))?, entry.message.outgoing())))
            .collect::<Result<_, Error>>()?;
        let outcome = self.send_entries(&queue, entries).await?;
        Ok(outcome_fields(outcome, |sent| sent_fields(&sent)))
    }

    async fn wire_receive(&self, request: ReceiveMessage) -> Result<Value, Error> {
        let queue = queue_of(request.queue_url.as_deref())?;
        self.exists(&queue)?;
        let most = request.max_number_of_messages.unwrap_or(1);
        let receive = Receive {
            // A number that is no `u32` is out of bounds too, and 0 is refused as such.
            most: u32::try_from(most).unwrap_or(0),
            wait: request
                .wait_time_seconds
                .map(|s| bounded("WaitTimeSeconds", s, 0, 20))
                .transpose()?,
            visibility_timeout: visibility(request.visibility_timeout)?,
        };
        let messages = self.receive(&queue, receive).await?;
        if messages.is_empty() {
            return Ok(json!({}));
        }
        let mut system = request.message_system_attribute_names.unwrap_or_default();
        system.extend(request.attribute_names.unwrap_or_default());
        let wanted = request.message_attribute_names.unwrap_or_default();
        let messages: Vec<Value> = messages
            .into_iter()
            .map(|message| self.received_fields(message, &system, &wanted))
            .collect();
        Ok(json!({"Messages": messages}))
    }

    fn received_fields(&self, message: Received, system: &[String], wanted: &[String]) -> Value {
        let asked = |name: &str| system.iter().any(|s| s == "All" || s == name);
        let mut attributes = Map::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|_| asked(name)) {
                attributes.insert(name.to_owned(), Value::String(value));
            }
        };
        put("SenderId", Some(self.options().account.clone()));
        put("SentTimestamp", Some(message.sent_ms.to_string()));
        put("ApproximateReceiveCount", Some(message.receive_count.to_string()));
        put(
            "ApproximateFirstReceiveTimestamp",
            Some(message.first_receive_ms.to_string()),
        );
        put("MessageGroupId", message.group_id);
        put("AWSTraceHeader", message.trace_header);
        put(
            "DeadLetterQueueSourceArn",
            message.dead_letter_source.map(|name| self.arn(&name)),
        );

        let chosen: BTreeMap<String, AttributeValue> = message
            .attributes
            .into_iter()
            .filter(|(name, _)| wanted.iter().any(|w| selects(w, name)))
            .collect();
        let mut fields = Map::new();
        fields.insert("MessageId".into(), message.message_id.into());
        fields.insert("ReceiptHandle".into(), message.receipt_handle.into());
        fields.insert("MD5OfBody".into(), message.md5_of_body.into());
        fields.insert("Body".into(), message.body.into());
        if !attributes.is_empty() {
            fields.insert("Attributes".into(), attributes.into());
        }
        if let Some(digest) = md5_of_attributes(&chosen) {
            let chosen: Map<String, Value> = chosen
                .into_iter()
                .map(|(name, value)| (name, attribute_fields(&value)))
                .collect();
            fields.insert("MD5OfMessageAttributes".into(), digest.into());
            fields.insert("MessageAttributes".into(), chosen.into());
        }
        Value::Object(fields)
    }

    async fn wire_delete(&self, request: ReceiptRequest) -> Result<Value, Error> {
        let queue = queue_of(request.queue_url.as_deref())?;
        self.exists(&queue)?;
        self.delete(
            &queue,
            &request.receipt_handle.ok_or_else(|| Error::missing("ReceiptHandle"))?,
        )
        .await?;
        Ok(Value::Null)
    }

    async fn wire_delete_batch(&self, request: Batch<ReceiptEntry>) -> Result<Value, Error> {
        let (queue, entries) = request.parts()?;
        let entries = entries
            .into_iter()
            .map(|entry| {
                let id = entry.id.ok_or_else(|| Error::missing("Id"))?;
                Ok((id, entry.receipt_handle.ok_or_else(|| Error::missing("ReceiptHandle"))?))
            })
            .collect::<Result<_, Error>>()?;
        let outcome = self.delete_batch(&queue, entries).await?;
        Ok(outcome_fields(outcome, |()| Map::new()))
    }

    async fn wire_change_visibility(&self, request: ReceiptRequest) -> Result<Value, Error> {
        let queue = queue_of(request.queue_url.as_deref())?;
        self.exists(&queue)?;
        let handle = request.receipt_handle.ok_or_else(|| Error::missing("ReceiptHandle"))?;
        let seconds = visibility(request.visibility_timeout)?.ok_or_else(|| Error::missing("VisibilityTimeout"))?;
        self.change_visibility(&queue, &handle, seconds).await?;
        Ok(Value::Null)
    }

    async fn wire_change_visibility_batch(&self, request: Batch<ReceiptEntry>) -> Result<Value, Error> {
        let (queue, entries) = request.parts()?;
        let entries = entries
            .into_iter()
            .map(|entry| {
                let id = entry.id.ok_or_else(|| Error::missing("Id"))?;
                let handle = entry.receipt_handle.ok_or_else(|| Error::missing("ReceiptHandle"))?;
                let seconds = visibility(entry.visibility_timeout)
                    .and_then(|seconds| seconds.ok_or_else(|| Error::missing("VisibilityTimeout")));
                Ok((id, seconds.map(|seconds| (handle, seconds))))
            })
            .collect::<Result<_, Error>>()?;
        let outcome = self.change_visibility_entries(&queue, entries).await?;
        Ok(outcome_fields(outcome, |()| Map::new()))
    }

    async fn wire_create_queue(&self, request: CreateQueue, base: &str) -> Result<Value, Error> {
        let name = request.queue_name.ok_or_else(|| Error::missing("QueueName"))?;
        let given = request.attributes.unwrap_or_default();
        let (mut attributes, mut kept) = (Attributes::default(), BTreeMap::new());
        take_attributes(&given, &mut attributes, &mut kept)?;
        let named = given.into_keys().collect();
        let tags = request.tags.unwrap_or_default();
        self.make(&name, attributes, kept, tags, named, Existing::Refuse)
            .await?;
        Ok(json!({"QueueUrl": self.url_under(base, &name)}))
    }

    async fn wire_list(&self, request: ListQueues, base: &str) -> Result<Value, Error> {
        let limit = match request.max_results {
            None => None,
            Some(limit) => usize::try_from(bounded("MaxResults", limit, 1, 1_000)?).ok(),
        };
        let after = match request.next_token {
            None => None,
            Some(token) => {
                let name = STANDARD
                    .decode(&token)
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok());
                Some(name.ok_or_else(|| Error::parameter("Invalid or expired next token."))?)
            }
        };
        let prefix = request.queue_name_prefix.unwrap_or_default();
        let page = limit.unwrap_or(1_000);
        let mut names = self.list_page(&prefix, after, page + 1).await?;
        let more = names.len() > page;
        names.truncate(page);
        let mut fields = Map::new();
        if !names.is_empty() {
            let urls: Vec<String> = names.iter().map(|name| self.url_under(base, name)).collect();
            fields.insert("QueueUrls".into(), urls.into());
        }
        // Only a caller who asked for pages is told of the next one.
        if let (true, Some(_), Some(last)) = (more, limit, names.last()) {
            fields.insert("NextToken".into(), STANDARD.encode(last).into());
        }
        Ok(Value::Object(fields))
    }

    async fn wire_attributes(&self, request: GetQueueAttributes) -> Result<Value, Error> {
        let queue = queue_of(request.queue_url.as_deref())?;
        let names = request.attribute_names.unwrap_or_default();
        self.exists(&queue)?;
        for name in &names {
            if name != "All" && !READABLE.contains(&name.as_str()) {
                return Err(unknown_attribute(name));
            }
        }
        let all = names.iter().any(|name| name == "All");
        let counted = all || names.iter().any(|name| name.starts_with("Approximate"));
        let info = self.info(&queue, counted).await?;
        let fields: Map<String, Value> = self
            .attribute_strings(&info)
            .into_iter()
            .filter(|(name, _)| all || names.contains(name))
            .map(|(name, value)| (name, Value::String(value)))
            .collect();
        Ok(if fields.is_empty() {
            json!({})
        } else {
            json!({"Attributes": fields})
        })
    }

    fn attribute_strings(&self, info: &QueueInfo) -> BTreeMap<String, String> {
        let attributes = &info.attributes;
        let mut strings = BTreeMap::from([("SqsManagedSseEnabled".to_owned(), "true".to_owned())]);
        strings.extend(info.kept.clone());
        let figures = [
            ("ApproximateNumberOfMessages", info.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", info.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", info.delayed.to_string()),
            ("CreatedTimestamp", (info.created_ms / 1000).to_string()),
            ("LastModifiedTimestamp", (info.modified_ms / 1000).to_string()),
            ("DelaySeconds", attributes.delay.to_string()),
            ("MaximumMessageSize", attributes.maximum_message_bytes.to_string()),
            ("MessageRetentionPeriod", attributes.retention.to_string()),
            ("ReceiveMessageWaitTimeSeconds", attributes.receive_wait.to_string()),
            ("VisibilityTimeout", attributes.visibility_timeout.to_string()),
            ("QueueArn", self.arn(&info.name)),
        ];
        strings.extend(figures.map(|(name, value)| (name.to_owned(), value)));
        // Not of SQS, which has it as a metric; only whoever asks for all attributes gets it.
        if let Some(oldest) = info.oldest_sent_ms {
            strings.insert("OldestSentTimestamp".into(), oldest.to_string());
        }
        if let Some(redrive) = &attributes.redrive {
            let policy = json!({
                "deadLetterTargetArn": self.arn(&redrive.dead_letter_queue),
                "maxReceiveCount": redrive.max_receive_count,
            });
            strings.insert("RedrivePolicy".into(), policy.to_string());
        }
        strings
    }

    async fn wire_set_attributes(&self, request: SetQueueAttributes) -> Result<Value, Error> {
        let queue = queue_of(request.queue_url.as_deref())?;
        self.exists(&queue)?;
        let given = request.attributes.ok_or_else(|| Error::missing("Attributes"))?;
        self.change(&queue, move |attributes, kept, _| {
            take_attributes(&given, attributes, kept)
        })
        .await?;
        Ok(Value::Null)
    }

    async fn wire_tag(&self, request: TagQueue) -> Result<Value, Error> {
        let queue = queue_of(request.queue_url.as_deref())?;
        self.exists(&queue)?;
        let given = request
            .tags
            .filter(|tags| !tags.is_empty())
            .ok_or_else(|| Error::missing("Tags"))?;
        self.change(&queue, move |_, _, tags| {
            tags.extend(given);
            if tags.len() > 50 {
                return Err(Error::parameter("Too many tags added for the queue."));
            }
            Ok(())
        })
        .await?;
        Ok(Value::Null)
    }

    async fn wire_untag(&self, request: UntagQueue) -> Result<Value, Error> {
        let queue = queue_of(request.queue_url.as_deref())?;
        self.exists(&queue)?;
        let keys = request
            .tag_keys
            .filter(|keys| !keys.is_empty())
            .ok_or_else(|| Error::parameter("Tag keys must be between 1 and 128 characters in length."))?;
        self.change(&queue, move |_, _, tags| {
            tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })
        .await?;
        Ok(Value::Null)
    }

    async fn wire_start_move(&self, request: StartMove) -> Result<Value, Error> {
        let source = name_of_arn(&request.source_arn.ok_or_else(|| Error::missing("SourceArn"))?);
        let destination = request.destination_arn.as_deref().map(name_of_arn);
        if let Some(rate) = request.max_number_of_messages_per_second {
            // The move is one transaction; a rate has nothing to slow down.
            bounded("MaxNumberOfMessagesPerSecond", rate, 1, 500)?;
        }
        let task = self.start_message_move_task(&source, destination.as_deref()).await?;
        Ok(json!({"TaskHandle": task.handle}))
    }

    async fn wire_list_moves(&self, request: ListMoves) -> Result<Value, Error> {
        let source = name_of_arn(&request.source_arn.ok_or_else(|| Error::missing("SourceArn"))?);
        let most = bounded("MaxResults", request.max_results.unwrap_or(1), 1, 10)?;
        let tasks = self.list_message_move_tasks(&source, most).await?;
        let results: Vec<Value> = tasks
            .into_iter()
            .map(|task| {
                let mut fields = Map::new();
                fields.insert("SourceArn".into(), self.arn(&task.source).into());
                if let Some(destination) = &task.destination {
                    fields.insert("DestinationArn".into(), self.arn(destination).into());
                }
                fields.insert("Status".into(), task.status.word().into());
                if task.moved < task.to_move {
                    fields.insert("FailureReason".into(), "CouldNotDetermineMessageSource".into());
                }
                fields.insert("ApproximateNumberOfMessagesMoved".into(), task.moved.into());
                fields.insert("ApproximateNumberOfMessagesToMove".into(), task.to_move.into());
                fields.insert("StartedTimestamp".into(), task.started_ms.into());
                Value::Object(fields)
            })
            .collect();
        Ok(json!({"Results": results}))
    }
}

/// Attributes a caller may ask for by name.
const READABLE: [&str; 21] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "ContentBasedDeduplication",
    "CreatedTimestamp",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];

fn unknown_attribute(name: &str) -> Error {
    Error::new(Code::InvalidAttributeName, format!("Unknown Attribute {name}."))
}

/// Takes over the attributes given as strings, the way the protocol has them.
fn take_attributes(
    given: &BTreeMap<String, String>,
    attributes: &mut Attributes,
    kept: &mut BTreeMap<String, String>,
) -> Result<(), Error> {
    for (name, value) in given {
        let number = || value.trim().parse::<u32>().map_err(|_| invalid(name));
        match name.as_str() {
            "VisibilityTimeout" => attributes.visibility_timeout = number()?,
            "DelaySeconds" => attributes.delay = number()?,
            "MessageRetentionPeriod" => attributes.retention = number()?,
            "ReceiveMessageWaitTimeSeconds" => attributes.receive_wait = number()?,
            "MaximumMessageSize" => attributes.maximum_message_bytes = number()?,
            "RedrivePolicy" => attributes.redrive = redrive_policy(value)?,
            "FifoQueue" | "ContentBasedDeduplication" | "DeduplicationScope" | "FifoThroughputLimit" => {
                if value != "false" {
                    return Err(Error::new(
                        Code::UnsupportedOperation,
                        "FIFO queues are not supported by this service.",
                    ));
                }
            }
            "KmsMasterKeyId"
            | "KmsDataKeyReusePeriodSeconds"
            | "Policy"
            | "RedriveAllowPolicy"
            | "SqsManagedSseEnabled" => {
                if value.is_empty() {
                    kept.remove(name);
                } else {
                    kept.insert(name.clone(), value.clone());
                }
            }
            _ => return Err(unknown_attribute(name)),
        }
    }
    attributes.check()
}

fn redrive_policy(text: &str) -> Result<Option<Redrive>, Error> {
    let wrong = |reason: &str| {
        Error::parameter(format!(
            "Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"
        ))
    };
    if text.trim().is_empty() {
        return Ok(None);
    }
    let policy: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| wrong("Redrive policy is not a valid JSON map."))?;
    if policy.is_empty() {
        return Ok(None);
    }
    let target = policy
        .get("deadLetterTargetArn")
        .and_then(Value::as_str)
        .ok_or_else(|| wrong("Redrive policy does not contain mandatory attribute: deadLetterTargetArn."))?;
    let count = policy
        .get("maxReceiveCount")
        .ok_or_else(|| wrong("Redrive policy does not contain mandatory attribute: maxReceiveCount."))?;
    // Templates and SDKs write it as a number or as a string.
    let count = count
        .as_u64()
        .or_else(|| count.as_str()?.trim().parse().ok())
        .and_then(|n| u32::try_from(n).ok());
    let max_receive_count = count.ok_or_else(|| wrong("Invalid value for maxReceiveCount."))?;
    Ok(Some(Redrive {
        dead_letter_queue: name_of_arn(target),
        max_receive_count,
    }))
}

fn name_of_arn(arn: &str) -> String {
    arn.rsplit(':').next().unwrap_or(arn).to_owned()
}

/// The queue's name: the last part of its URL, or the name itself, which SQS takes too.
fn queue_of(url: Option<&str>) -> Result<String, Error> {
    let url = url.ok_or_else(|| Error::missing("QueueUrl"))?;
    Ok(url.rsplit('/').next().unwrap_or(url).to_owned())
}

fn visibility(seconds: Option<i64>) -> Result<Option<u32>, Error> {
    seconds
        .map(|seconds| bounded("VisibilityTimeout", seconds, 0, 43_200))
        .transpose()
}

/// Whether an attribute name of a receive (`All`, `.*`, `prefix.*` or a name) selects this attribute.
fn selects(wanted: &str, name: &str) -> bool {
    wanted == "All" || wanted == name || wanted.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Error> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|_| {
        Error::new(
            Code::Serialization,
            "The request body is not the JSON this operation takes.",
        )
    })
}

fn attribute_fields(value: &AttributeValue) -> Value {
    match &value.data {
        AttributeData::Text(text) => json!({"DataType": value.data_type, "StringValue": text}),
        AttributeData::Binary(bytes) => json!({"DataType": value.data_type, "BinaryValue": STANDARD.encode(bytes)}),
    }
}

fn sent_fields(sent: &Sent) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("MessageId".into(), sent.message_id.as_str().into());
    fields.insert("MD5OfMessageBody".into(), sent.md5_of_body.as_str().into());
    if let Some(digest) = &sent.md5_of_attributes {
        fields.insert("MD5OfMessageAttributes".into(), digest.as_str().into());
    }
    if let Some(digest) = &sent.md5_of_system_attributes {
        fields.insert("MD5OfMessageSystemAttributes".into(), digest.as_str().into());
    }
    fields
}

fn outcome_fields<T>(outcome: BatchOutcome<T>, fields: impl Fn(T) -> Map<String, Value>) -> Value {
    let successful: Vec<Value> = outcome
        .successful
        .into_iter()
        .map(|(id, done)| {
            let mut fields = fields(done);
            fields.insert("Id".into(), id.into());
            Value::Object(fields)
        })
        .collect();
    let failed: Vec<Value> = outcome
        .failed
        .into_iter()
        .map(|failure| {
            json!({
                "Id": failure.id,
                "SenderFault": failure.code != Code::ServiceUnavailable,
                "Code": failure.code.query_code(),
                "Message": failure.message,
            })
        })
        .collect();
    // Both members are required by the service model, empty or not.
    json!({"Successful": successful, "Failed": failed})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrl {
    queue_url: Option<String>,
}

impl QueueUrl {
    fn name(&self) -> Result<String, Error> {
        queue_of(self.queue_url.as_deref())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueName {
    queue_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateQueue {
    queue_name: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
    // The one member that the service model spells in lower case.
    #[serde(rename = "tags", alias = "Tags")]
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListQueues {
    queue_name_prefix: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueAttributes {
    queue_url: Option<String>,
    attribute_names: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetQueueAttributes {
    queue_url: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagQueue {
    queue_url: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UntagQueue {
    queue_url: Option<String>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartMove {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListMoves {
    source_arn: Option<String>,
    max_results: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveMessage {
    queue_url: Option<String>,
    attribute_names: Option<Vec<String>>,
    message_system_attribute_names: Option<Vec<String>>,
    message_attribute_names: Option<Vec<String>>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiptRequest {
    queue_url: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiptEntry {
    id: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<E> {
    queue_url: Option<String>,
    entries: Option<Vec<E>>,
}

impl<E> Batch<E> {
    fn parts(self) -> Result<(String, Vec<E>), Error> {
        Ok((queue_of(self.queue_url.as_deref())?, self.entries.unwrap_or_default()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: Option<String>,
    #[serde(flatten)]
    message: MessageIn,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEntry {
    id: Option<String>,
    #[serde(flatten)]
    message: MessageIn,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MessageIn {
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    message_attributes: Option<BTreeMap<String, AttributeIn>>,
    message_system_attributes: Option<BTreeMap<String, AttributeIn>>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeIn {
    data_type: Option<String>,
    string_value: Option<String>,
    binary_value: Option<String>,
}

impl AttributeIn {
    fn value(self, name: &str) -> Result<AttributeValue, Error> {
        let data = match (self.string_value, self.binary_value) {
            (Some(text), None) => AttributeData::Text(text),
            (None, Some(text)) => AttributeData::Binary(
                STANDARD
                    .decode(text)
                    .map_err(|_| Error::new(Code::Serialization, "BinaryValue is not base64."))?,
            ),
            // Neither is an empty value, which the message's own check refuses in the right words.
            (None, None) => AttributeData::Text(String::new()),
            (Some(_), Some(_)) => {
                return Err(Error::parameter(format!(
                    "The message attribute '{name}' must contain only one of StringValue and BinaryValue."
                )));
            }
        };
        Ok(AttributeValue {
            data_type: self.data_type.unwrap_or_default(),
            data,
        })
    }
}

impl MessageIn {
    fn outgoing(self) -> Result<Outgoing, Error> {
        if self.message_deduplication_id.is_some() {
            return Err(Error::parameter(
                "Value for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type.",
            ));
        }
        let mut attributes = BTreeMap::new();
        for (name, value) in self.message_attributes.unwrap_or_default() {
            let value = value.value(&name)?;
            attributes.insert(name, value);
        }
        let mut trace_header = None;
        for (name, value) in self.message_system_attributes.unwrap_or_default() {
            match (name.as_str(), value.value(&name)?) {
                (
                    "AWSTraceHeader",
                    AttributeValue {
                        data_type,
                        data: AttributeData::Text(text),
                    },
                ) if data_type == "String" && !text.is_empty() => {
                    trace_header = Some(text);
                }
                _ => {
                    return Err(Error::parameter(format!(
                        "Message system attribute name '{name}' is invalid. Only AWSTraceHeader of type String is supported."
                    )));
                }
            }
        }
        Ok(Outgoing {
            body: self.message_body.ok_or_else(|| Error::missing("MessageBody"))?,
            delay: self
                .delay_seconds
                .map(|seconds| bounded("DelaySeconds", seconds, 0, 900))
                .transpose()?,
            attributes,
            trace_header,
            group_id: self.message_group_id,
        })
    }
}

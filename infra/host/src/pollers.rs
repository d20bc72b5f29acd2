//! What calls functions without a caller: queues and clocks. A batch is taken, handed over, and what succeeded is
//! deleted; what failed shows again after its visibility timeout. At least once, and nothing is deduplicated.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage, SqsMessageAttribute};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use rapport_sqs::{AttributeData, Outgoing, Queues, Receive, Received};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::engine::{Engine, REGION};
use crate::invoke::Invoker;
use crate::schedule::{Schedule, Time};
use crate::template::ACCOUNT;

/// Sends a body to a queue by name.
pub(crate) type DeadLetters = Arc<dyn Fn(String, String) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Dead letters go to these queues.
pub(crate) fn dead_letters(queues: Queues) -> DeadLetters {
    Arc::new(move |queue, body| {
        let queues = queues.clone();
        Box::pin(async move {
            let sent = queues.send(&queue, Outgoing::new(body)).await;
            sent.map(drop).map_err(|error| error.to_string())
        })
    })
}

/// One function's reading of one queue.
pub(crate) struct QueuePoller {
    pub(crate) queues: Queues,
    pub(crate) queue: String,
    pub(crate) batch_size: u32,
    pub(crate) window: u32,
    pub(crate) partial: bool,
    pub(crate) concurrency: u32,
    pub(crate) invoker: Invoker,
    pub(crate) work: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl QueuePoller {
    /// Takes messages until stopped.
    pub(crate) async fn run(self) {
        let places = Arc::new(Semaphore::new(self.concurrency as usize));
        let this = Arc::new(self);
        loop {
            let place = tokio::select! {
                place = Arc::clone(&places).acquire_owned() => place,
                () = this.stop.cancelled() => return,
            };
            // The semaphore is never closed.
            let Ok(place) = place else { return };
            let batch = tokio::select! {
                batch = this.receive() => batch,
                () = this.stop.cancelled() => return,
            };
            match batch {
                Ok(batch) if batch.is_empty() => {}
                Ok(batch) => {
                    let this_call = Arc::clone(&this);
                    this.work.spawn(async move {
                        this_call.handle(batch).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::error!(queue = this.queue, %error, "the queue could not be read");
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_secs(1)) => {}
                        () = this.stop.cancelled() => return,
                    }
                }
            }
        }
    }

    async fn receive(&self) -> Result<Vec<Received>, rapport_sqs::Error> {
        let ask = |most: u32, wait: u32| Receive {
            most: most.clamp(1, 10),
            wait: Some(wait.min(20)),
            visibility_timeout: None,
        };
        let mut batch = self.queues.receive(&self.queue, ask(self.batch_size, 20)).await?;
        if batch.is_empty() {
            return Ok(batch);
        }
        let until = tokio::time::Instant::now() + Duration::from_secs(u64::from(self.window));
        while batch.len() < self.batch_size as usize {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            let wait = u32::try_from(left.as_secs()).unwrap_or(0);
            let most = self.batch_size - u32::try_from(batch.len()).unwrap_or(self.batch_size);
            // Batches above ten are gathered; without a window, from what is there at once.
            if self.batch_size <= 10 && self.window == 0 {
                break;
            }
            match self.queues.receive(&self.queue, ask(most, wait)).await {
                Ok(more) if more.is_empty() && left.as_secs() == 0 => break,
                Ok(more) => batch.extend(more),
                // What was taken is handled; the next receive tells of the trouble.
                Err(_) => break,
            }
        }
        Ok(batch)
    }

    async fn handle(&self, batch: Vec<Received>) {
        let handles: Vec<(String, String)> = batch
            .iter()
            .map(|message| (message.message_id.clone(), message.receipt_handle.clone()))
            .collect();
        let mut event = SqsEvent::default();
        event.records = batch.into_iter().map(|message| record(message, &self.queue)).collect();
        let failures = match self.invoker.queue(event).await {
            Ok(failures) if !self.partial && !failures.is_empty() => {
                tracing::warn!(
                    function = self.invoker.name(),
                    "failures are named, but the template does not ask for them"
                );
                Vec::new()
            }
            Ok(failures) => failures,
            Err(error) => {
                tracing::warn!(function = self.invoker.name(), queue = self.queue, %error, "a batch of messages failed");
                return;
            }
        };
        let known = |id: &String| handles.iter().any(|(message, _)| message == id);
        if !failures.iter().all(known) {
            // An id nobody gave out fails the whole batch, as in the cloud.
            tracing::warn!(function = self.invoker.name(), "an unknown message was named as failed");
            return;
        }
        let done: Vec<(String, String)> = handles
            .into_iter()
            .filter(|(message, _)| !failures.contains(message))
            .collect();
        for ten in done.chunks(10) {
            let entries: Vec<(String, String)> = ten
                .iter()
                .enumerate()
                .map(|(index, (_, handle))| (index.to_string(), handle.clone()))
                .collect();
            match self.queues.delete_batch(&self.queue, entries).await {
                Ok(outcome) if outcome.failed.is_empty() => {}
                Ok(_) => tracing::warn!(queue = self.queue, "messages that are done come again"),
                Err(error) => {
                    tracing::warn!(queue = self.queue, %error, "messages that are done come again");
                }
            }
        }
    }
}

/// A message as Lambda hands it to a function.
fn record(message: Received, queue: &str) -> SqsMessage {
    let mut record = SqsMessage::default();
    let mut attributes = HashMap::from([
        ("ApproximateReceiveCount".to_owned(), message.receive_count.to_string()),
        (
            "ApproximateFirstReceiveTimestamp".to_owned(),
            message.first_receive_ms.to_string(),
        ),
        ("SentTimestamp".to_owned(), message.sent_ms.to_string()),
        ("SenderId".to_owned(), ACCOUNT.to_owned()),
    ]);
    for (name, value) in [
        ("MessageGroupId", message.group_id),
        ("AWSTraceHeader", message.trace_header),
        ("DeadLetterQueueSourceArn", message.dead_letter_source),
    ] {
        if let Some(value) = value {
            attributes.insert(name.to_owned(), value);
        }
    }
    record.message_id = Some(message.message_id);
    record.receipt_handle = Some(message.receipt_handle);
    record.body = Some(message.body);
    record.attributes = attributes;
    record.message_attributes = message
        .attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name, attribute(value)?)))
        .collect();
    record.event_source_arn = Some(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"));
    record.event_source = Some("aws:sqs".to_owned());
    record.aws_region = Some(REGION.to_owned());
    record
}

fn attribute(value: rapport_sqs::AttributeValue) -> Option<SqsMessageAttribute> {
    let value = match value.data {
        AttributeData::Text(text) => serde_json::json!({"stringValue": text, "dataType": value.data_type}),
        AttributeData::Binary(bytes) => {
            serde_json::json!({"binaryValue": STANDARD.encode(bytes), "dataType": value.data_type})
        }
    };
    serde_json::from_value(value).ok()
}

/// Runs a function at its times until stopped, the first of which is counted from this call. A run that takes longer
/// than the pause delays the next.
pub(crate) fn run_schedule(
    invoker: Invoker,
    times: Schedule,
    time: Time,
    input: Option<String>,
    stop: CancellationToken,
) -> BoxFuture<'static, ()> {
    let mut next = times.after(time.now());
    Box::pin(async move {
        while let Some(due) = next {
            let due = tokio::select! {
                due = time.reach(due, &times) => due,
                () = stop.cancelled() => return,
            };
            let event = input.clone().unwrap_or_else(|| {
                serde_json::json!({
                    "version": "0",
                    "id": format!("{:032x}", rand::random::<u128>()),
                    "detail-type": "Scheduled Event",
                    "source": "aws.scheduler",
                    "account": ACCOUNT,
                    "time": due.to_string(),
                    "region": REGION,
                    "resources": [],
                    "detail": "{}",
                })
                .to_string()
            });
            if let Err(error) = invoker.schedule(event).await {
                tracing::error!(function = invoker.name(), %error, "a scheduled run failed");
            }
            next = times.after(time.now());
        }
    })
}

/// Deletes expired items each minute.
pub(crate) async fn sweep(engine: Arc<Engine>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = engine.sweep_expired().await {
            tracing::error!(%error, "expired items could not be deleted");
        }
    }
}

//! The only crate that names SQS: the messages, sending them, and taking a batch apart so that one failure spoils no other.
//!
//! A message is a versioned enum variant that carries ids, not rows; whoever handles one reads what is there now. Every
//! message may come twice, late and out of order.

pub mod batch;
pub mod dead;
pub mod forward;
pub mod message;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::future::try_join_all;
use jiff::Timestamp;
use rapport_domain::TenantId;

pub use batch::{batch, each};
pub use forward::Made;
pub use message::{Envelope, Message, Queue};

/// SQS delays a message by at most this; what is due later waits in the timers table.
pub const MOST_DELAY_SECONDS: i64 = 900;

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// This function was not given the queue.
    #[error("{0} is not set: this function may not send to the queue")]
    NotMine(&'static str),
    /// The queue does not answer or refuses.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
}

/// The queues: a client and their addresses.
#[derive(Clone)]
pub struct Queues {
    client: Client,
    urls: Arc<BTreeMap<Queue, String>>,
    dead_letters: Arc<BTreeMap<String, String>>,
}

impl Queues {
    /// Reads `QUEUE_SEGMENT_SCORES`, … A function is given only the queues it sends to; and `DEAD_LETTERS_SEGMENT_SCORES`, …,
    /// which only the operator's is given.
    pub fn new(client: Client, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let urls = Queue::ALL
            .iter()
            .filter_map(|&queue| Some((queue, lookup(queue.variable())?)))
            .collect();
        let dead_letters = dead::names()
            .filter_map(|name| Some((name.clone(), lookup(&dead::variable(&name))?)))
            .collect();
        Self {
            client,
            urls: Arc::new(urls),
            dead_letters: Arc::new(dead_letters),
        }
    }

    /// The address of a queue.
    ///
    /// # Errors
    /// [`QueueError::NotMine`] when this function was not given it.
    pub fn url(&self, queue: Queue) -> Result<&str, QueueError> {
        self.urls
            .get(&queue)
            .map(String::as_str)
            .ok_or(QueueError::NotMine(queue.variable()))
    }

    /// Whether this function was given the queue.
    #[must_use]
    pub fn has(&self, queue: Queue) -> bool {
        self.urls.contains_key(&queue)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends one message.
    ///
    /// # Errors
    /// When it was not accepted for sure.
    pub async fn send(&self, queue: Queue, envelope: &Envelope) -> Result<(), QueueError> {
        self.send_all(queue, std::slice::from_ref(envelope)).await
    }

    /// Sends one message that is to arrive at a moment at most 15 minutes away; a later one arrives after 15 minutes.
    ///
    /// # Errors
    /// When it was not accepted for sure.
    pub async fn send_at(
        &self,
        queue: Queue,
        envelope: &Envelope,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let wait = due.as_millisecond() - now.as_millisecond();
        let delay = ((wait + 999) / 1_000).clamp(0, MOST_DELAY_SECONDS);
        self.send_delayed(queue, std::slice::from_ref(envelope), i32::try_from(delay).unwrap_or(0))
            .await
    }

    /// Sends messages, ten a call. Fair between tenants: each is in its tenant's group.
    ///
    /// # Errors
    /// When one of them was not accepted for sure; others may have been.
    pub async fn send_all(&self, queue: Queue, envelopes: &[Envelope]) -> Result<(), QueueError> {
        self.send_delayed(queue, envelopes, 0).await
    }

    async fn send_delayed(&self, queue: Queue, envelopes: &[Envelope], delay: i32) -> Result<(), QueueError> {
        let url = self.url(queue)?;
        let unavailable = |error: String| QueueError::Unavailable(error);
        try_join_all(envelopes.chunks(10).map(|chunk| async move {
            let entries = chunk
                .iter()
                .enumerate()
                .map(|(n, envelope)| {
                    SendMessageBatchRequestEntry::builder()
                        .id(n.to_string())
                        .message_body(envelope.to_json())
                        .message_group_id(envelope.tenant.to_string())
                        .set_delay_seconds((delay > 0).then_some(delay))
                        .build()
                        .map_err(|error| unavailable(error.to_string()))
                })
                .collect::<Result<Vec<_>, _>>()?;
            let answer = self
                .client
                .send_message_batch()
                .queue_url(url)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(|error| unavailable(format!("{}", aws_sdk_sqs::error::DisplayErrorContext(error))))?;
            match answer.failed().first() {
                None => Ok(()),
                Some(failed) => Err(unavailable(failed.code().to_owned())),
            }
        }))
        .await
        .map(|_: Vec<()>| ())
    }
}

/// A message of a tenant.
#[must_use]
pub fn envelope(tenant: TenantId, message: Message) -> Envelope {
    Envelope { tenant, message }
}

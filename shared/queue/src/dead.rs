//! What rests in the queues: how many messages, since when, and those that were given up, which can be looked at, sent
//! back to where they came from, or done away with.
//!
//! A message carries ids and no customer's data; all the same nothing of a body is shown but its type and the ids in it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message as Received,
    MessageSystemAttributeName as Attribute, QueueAttributeName,
};
use jiff::Timestamp;
use rapport_domain::{RecordId, TenantId};
use serde_json::Value;

use crate::{Envelope, Queue, QueueError, Queues};

/// Changes that no event could be made of: they come from the tables' streams and not from a queue.
pub const CHANGE_EVENTS: &str = "change_events";
/// So many dead letters are looked at in one go.
pub const MOST: usize = 200;
/// For so many seconds nobody else sees them meanwhile.
const HELD_SECONDS: i32 = 30;

/// The words of all that has dead letters: the queues, and [`CHANGE_EVENTS`].
pub fn names() -> impl Iterator<Item = String> {
    let queues = Queue::ALL.iter().map(|queue| queue.word());
    queues.chain([CHANGE_EVENTS.to_owned()])
}

/// The variable of the environment that holds the address of a queue's dead letters.
#[must_use]
pub fn variable(name: &str) -> String {
    format!("DEAD_LETTERS_{}", name.to_ascii_uppercase())
}

/// The queue for a word; `None` for [`CHANGE_EVENTS`] and words that are none.
#[must_use]
pub fn queue_of(name: &str) -> Option<Queue> {
    Queue::ALL.iter().copied().find(|queue| queue.word() == name)
}

/// How full a queue is. About right: the queue itself does not know better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that can be received now.
    pub waiting: u64,
    /// Messages that somebody works on.
    pub in_flight: u64,
    /// Messages that are not to be received yet.
    pub delayed: u64,
    /// When the oldest message was sent, where the queue tells. SQS does not: there it is a metric with an alarm.
    pub oldest: Option<Timestamp>,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id: the same that the log of its failures has.
    pub id: String,
    /// What kind of message it is; `None` when it is none of ours.
    pub kind: Option<String>,
    /// Whose it is.
    pub tenant: Option<TenantId>,
    /// The ids it names, by the names it has for them.
    pub ids: BTreeMap<String, RecordId>,
    /// When it was first sent.
    pub sent_at: Option<Timestamp>,
    /// When somebody first tried it.
    pub tried_at: Option<Timestamp>,
    /// How often it was received, looks at it among the dead letters included.
    pub receives: u32,
}

/// How sending all dead letters of a queue back stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// `running`, `completed`, `failed` …
    pub status: String,
    /// So many went back.
    pub moved: u64,
    /// So many were to go.
    pub to_move: u64,
}

/// What is done with dead letters that are named one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Sent to a queue, then deleted: whoever handles one bears that it comes twice.
    Replayed(Queue),
    /// Deleted.
    Discarded,
}

/// What all say of a queue that does not do what it is asked.
fn failed<E: std::error::Error>(error: E) -> QueueError {
    QueueError::Unavailable(DisplayErrorContext(error).to_string())
}

fn moment(message: &Received, name: &Attribute) -> Option<Timestamp> {
    let millis = message.attributes.as_ref()?.get(name)?.parse().ok()?;
    Timestamp::from_millisecond(millis).ok()
}

fn letter(message: &Received) -> DeadLetter {
    let body = message.body().unwrap_or_default();
    let ours: Option<Envelope> = serde_json::from_str(body).ok();
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    let ids = value.as_object().into_iter().flatten();
    let ids = ids.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.parse().ok()?)));
    let receives = message.attributes.as_ref();
    let receives = receives.and_then(|all| all.get(&Attribute::ApproximateReceiveCount)?.parse().ok());
    DeadLetter {
        id: message.message_id().unwrap_or_default().to_owned(),
        kind: ours.as_ref().and(value["type"].as_str()).map(str::to_owned),
        tenant: ours.as_ref().map(|envelope| envelope.tenant),
        ids: if ours.is_some() {
            ids.filter(|(name, _)| name != "tenant").collect()
        } else {
            BTreeMap::new()
        },
        sent_at: moment(message, &Attribute::SentTimestamp),
        tried_at: moment(message, &Attribute::ApproximateFirstReceiveTimestamp),
        receives: receives.unwrap_or(0),
    }
}

impl Queues {
    /// The address of a queue's dead letters.
    ///
    /// # Errors
    /// [`QueueError::NotMine`] when this function was not given it.
    fn dead_letters_url(&self, name: &str) -> Result<&str, QueueError> {
        let url = self.dead_letters.get(name);
        url.map(String::as_str).ok_or(QueueError::NotMine("DEAD_LETTERS_…"))
    }

    /// How full a queue is.
    ///
    /// # Errors
    /// When the queue does not answer.
    pub async fn depth(&self, queue: Queue) -> Result<Depth, QueueError> {
        self.depth_at(self.url(queue)?).await
    }

    /// How many dead letters a queue has.
    ///
    /// # Errors
    /// When the queue does not answer.
    pub async fn dead_letters_depth(&self, name: &str) -> Result<Depth, QueueError> {
        self.depth_at(self.dead_letters_url(name)?).await
    }

    async fn depth_at(&self, url: &str) -> Result<Depth, QueueError> {
        let request = self.client().get_queue_attributes().queue_url(url);
        let answer = request.attribute_names(QueueAttributeName::All).send().await;
        let attributes = answer.map_err(failed)?.attributes.unwrap_or_default();
        let number = |name: QueueAttributeName| attributes.get(&name).and_then(|text| text.parse::<i64>().ok());
        let count = |name| number(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let oldest = number(QueueAttributeName::from("OldestSentTimestamp"));
        Ok(Depth {
            waiting: count(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
            delayed: count(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
            oldest: oldest.and_then(|millis| Timestamp::from_millisecond(millis).ok()),
        })
    }

    /// A queue's dead letters, [`MOST`] at most, and whether there are more.
    ///
    /// # Errors
    /// When the queue does not answer.
    pub async fn dead_letters(&self, name: &str) -> Result<(Vec<DeadLetter>, bool), QueueError> {
        let url = self.dead_letters_url(name)?;
        let (held, more) = self.hold(url).await?;
        self.let_go(url, &held).await?;
        let mut letters: Vec<DeadLetter> = held.iter().map(letter).collect();
        letters.sort_by(|a, b| (a.sent_at, &a.id).cmp(&(b.sent_at, &b.id)));
        Ok((letters, more))
    }

    /// Does something with the dead letters of these ids, or with all that can be looked at in one go; gives the ids of
    /// those it was done with. One that is gone already is not among them.
    ///
    /// # Errors
    /// When a queue does not answer: it was done with some, perhaps, and what is left can be asked for again.
    pub async fn settle_dead_letters(
        &self,
        name: &str,
        ids: Option<&BTreeSet<String>>,
        fate: Fate,
    ) -> Result<Vec<String>, QueueError> {
        let url = self.dead_letters_url(name)?;
        let (held, _) = self.hold(url).await?;
        let (named, others): (Vec<_>, Vec<_>) = held
            .into_iter()
            .partition(|message| ids.is_none_or(|ids| message.message_id().is_some_and(|id| ids.contains(id))));
        self.let_go(url, &others).await?;
        if let Fate::Replayed(queue) = fate {
            for message in &named {
                self.send_again(queue, message).await?;
            }
        }
        self.delete(url, &named).await?;
        Ok(named.into_iter().filter_map(|message| message.message_id).collect())
    }

    /// Has the queue itself send all dead letters back to where they came from. Asked again while it does so, or when
    /// there are none, it does nothing more.
    ///
    /// # Errors
    /// When the queue does not answer.
    pub async fn replay_all(&self, name: &str) -> Result<Move, QueueError> {
        let url = self.dead_letters_url(name)?;
        let request = self.client().get_queue_attributes().queue_url(url);
        let answer = request.attribute_names(QueueAttributeName::QueueArn).send().await;
        let arn = answer
            .map_err(failed)?
            .attributes
            .and_then(|mut all| all.remove(&QueueAttributeName::QueueArn))
            .ok_or_else(|| QueueError::Unavailable("a queue without a name".to_owned()))?;
        if let Some(running) = self.last_move(&arn).await?
            && running.status == "running"
        {
            return Ok(running);
        }
        let start = self.client().start_message_move_task().source_arn(&arn);
        start.send().await.map_err(failed)?;
        let begun = self.last_move(&arn).await?;
        begun.ok_or_else(|| QueueError::Unavailable("a move that was begun is not known".to_owned()))
    }

    async fn last_move(&self, arn: &str) -> Result<Option<Move>, QueueError> {
        let request = self.client().list_message_move_tasks().source_arn(arn);
        let answer = request.max_results(1).send().await.map_err(failed)?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(answer.results().first().map(|task| Move {
            status: task.status().unwrap_or_default().to_ascii_lowercase(),
            moved: count(task.approximate_number_of_messages_moved()),
            to_move: count(task.approximate_number_of_messages_to_move().unwrap_or(0)),
        }))
    }

    /// Takes the messages of a queue so that nobody else has them for a while, and tells whether there are more.
    async fn hold(&self, url: &str) -> Result<(Vec<Received>, bool), QueueError> {
        let expected = usize::try_from(self.depth_at(url).await?.waiting).unwrap_or(usize::MAX);
        let mut held: BTreeMap<String, Received> = BTreeMap::new();
        while held.len() < expected.min(MOST) {
            let request = self.client().receive_message().queue_url(url);
            let request = request.max_number_of_messages(10).visibility_timeout(HELD_SECONDS);
            let request = request
                .message_system_attribute_names(Attribute::All)
                .wait_time_seconds(1);
            let messages = request.send().await.map_err(failed)?.messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            let named = messages.into_iter();
            held.extend(named.map(|message| (message.message_id.clone().unwrap_or_default(), message)));
        }
        Ok((held.into_values().collect(), expected > MOST))
    }

    async fn let_go(&self, url: &str, held: &[Received]) -> Result<(), QueueError> {
        for chunk in held.chunks(10) {
            let entries = chunk.iter().enumerate().map(|(n, message)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(n.to_string());
                let entry = entry.set_receipt_handle(message.receipt_handle.clone());
                entry.visibility_timeout(0).build().map_err(failed)
            });
            let request = self.client().change_message_visibility_batch().queue_url(url);
            let request = request.set_entries(Some(entries.collect::<Result<_, _>>()?));
            // One that could not be let go is seen again by itself.
            request.send().await.map_err(failed)?;
        }
        Ok(())
    }

    async fn delete(&self, url: &str, held: &[Received]) -> Result<(), QueueError> {
        for chunk in held.chunks(10) {
            let entries = chunk.iter().enumerate().map(|(n, message)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
                let entry = entry.set_receipt_handle(message.receipt_handle.clone());
                entry.build().map_err(failed)
            });
            let request = self.client().delete_message_batch().queue_url(url);
            let request = request.set_entries(Some(entries.collect::<Result<_, _>>()?));
            let answer = request.send().await.map_err(failed)?;
            if let Some(entry) = answer.failed().first() {
                return Err(QueueError::Unavailable(entry.code().to_owned()));
            }
        }
        Ok(())
    }

    async fn send_again(&self, queue: Queue, message: &Received) -> Result<(), QueueError> {
        let group = message.attributes.as_ref();
        let group = group.and_then(|all| all.get(&Attribute::MessageGroupId));
        let request = self.client().send_message().queue_url(self.url(queue)?);
        let request = request.set_message_body(message.body.clone());
        let request = request.set_message_group_id(group.cloned());
        request.send().await.map_err(failed).map(drop)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Message, envelope};
    use rapport_domain::Prefix;

    #[test]
    fn a_dead_letter_shows_ids_and_no_other_word_of_its_body() {
        let (tenant, job) = (TenantId::new(), RecordId::new(Prefix::Job));
        let ours = envelope(tenant, Message::ScoresWriteV1 { job, page: 1, pages: 2 });
        let known = |body: String| letter(&Received::builder().message_id("m").body(body).build());
        let shown = known(ours.to_json());
        assert_eq!(shown.kind.as_deref(), Some("scores_write_v1"));
        assert_eq!(shown.tenant, Some(tenant));
        assert_eq!(shown.ids, BTreeMap::from([("job".to_owned(), job)]));
        for body in [
            r#"{"type":"Ann Smith","tenant":"x"}"#.to_owned(),
            "Ann Smith".to_owned(),
            format!(r#"{{"Ann Smith":"{job}"}}"#),
        ] {
            assert!(!format!("{:?}", known(body.clone())).contains("Ann"), "{body}");
        }
    }

    #[test]
    fn every_queue_has_dead_letters_of_its_name() {
        for &queue in Queue::ALL {
            assert_eq!(queue_of(&queue.word()), Some(queue));
        }
        assert_eq!(variable("score_runs"), "DEAD_LETTERS_SCORE_RUNS");
        assert_eq!(queue_of(CHANGE_EVENTS), None);
        assert_eq!(names().count(), Queue::ALL.len() + 1);
    }
}

//! Sending on messages whose bodies were made earlier: timers that are due.

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::{MOST_DELAY_SECONDS, Queue, QueueError, Queues};

/// A message made earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The group it is fair within: the tenant's id.
    pub group: String,
    /// The body, as it was made.
    pub body: String,
    /// When it is to arrive; in the past is at once.
    pub due: Timestamp,
}

/// For how many seconds a queue is to hold back what is due at `due`: never too early, at most what a queue can.
#[must_use]
pub fn delay_seconds(due: Timestamp, now: Timestamp) -> i32 {
    let wait = due.as_millisecond().saturating_sub(now.as_millisecond());
    let seconds = wait.saturating_add(999).div_euclid(1_000).clamp(0, MOST_DELAY_SECONDS);
    i32::try_from(seconds).unwrap_or(0)
}

impl Queues {
    /// Sends messages made earlier, ten a call, each with the delay that is left until it is due. The bodies are not
    /// looked at: one that its worker cannot read ends among the dead letters, where it can be seen.
    ///
    /// # Errors
    /// When one of them was not accepted for sure; others may have been.
    pub async fn forward(&self, queue: Queue, messages: &[Made], now: Timestamp) -> Result<(), QueueError> {
        let url = self.url(queue)?;
        let unavailable = |error: String| QueueError::Unavailable(error);
        try_join_all(messages.chunks(10).map(|chunk| async move {
            let entries = chunk
                .iter()
                .enumerate()
                .map(|(n, message)| {
                    let delay = delay_seconds(message.due, now);
                    SendMessageBatchRequestEntry::builder()
                        .id(n.to_string())
                        .message_body(&message.body)
                        .message_group_id(&message.group)
                        .set_delay_seconds((delay > 0).then_some(delay))
                        .build()
                        .map_err(|error| unavailable(error.to_string()))
                })
                .collect::<Result<Vec<_>, _>>()?;
            let request = self
                .client()
                .send_message_batch()
                .queue_url(url)
                .set_entries(Some(entries));
            let answer = request
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_too_short_and_never_too_long() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        for (due, expected) in [
            ("2026-11-21T00:00:00Z", 0),
            ("2026-11-22T00:00:00Z", 0),
            ("2026-11-22T00:00:00.001Z", 1),
            ("2026-11-22T00:00:01Z", 1),
            ("2026-11-22T00:15:00Z", 900),
            ("2026-11-22T00:15:01Z", 900),
            ("9999-01-01T00:00:00Z", 900),
        ] {
            assert_eq!(delay_seconds(due.parse().unwrap(), now), expected, "{due}");
        }
    }
}

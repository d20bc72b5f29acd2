//! Messages for later: by the queue's own delay up to 15 minutes ahead, else by the table of timers.

use jiff::{SignedDuration, Timestamp};
use rapport_queue::{Envelope, MOST_DELAY_SECONDS, Queue};
use rapport_store::Timer;
use sha2::{Digest as _, Sha256};

use crate::{App, BoxError};

/// Sends a message that is to arrive at `due` or soon after, at least once. What is due in the past goes at once.
///
/// Needs the queue for the near and the table of timers for the far future.
///
/// # Errors
/// When the queue or the store does not answer: then the message is not sent for sure.
pub async fn schedule(app: &App, queue: Queue, envelope: &Envelope, due: Timestamp) -> Result<(), BoxError> {
    let now = app.clock.now();
    if due <= now + SignedDuration::from_secs(MOST_DELAY_SECONDS) {
        app.queues.send_at(queue, envelope, due, now).await?;
    } else {
        app.store.set_timer(&timer(queue, envelope, due)).await?;
    }
    Ok(())
}

/// The timer that sends a message: for setting it in the same transaction as what it is about
/// ([`rapport_store::Write::timer`]). The same message for the same moment is the same timer.
#[must_use]
pub fn timer(queue: Queue, envelope: &Envelope, due: Timestamp) -> Timer {
    let body = envelope.to_json();
    let digest = Sha256::digest(body.as_bytes());
    let digest = digest[..16]
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Timer {
        id: format!("{}#{digest}", envelope.tenant),
        due,
        queue: word(queue),
        envelope: body,
    }
}

/// The word for a queue in a timer: `ticket_deadlines`.
#[must_use]
pub fn word(queue: Queue) -> String {
    match serde_json::to_value(queue) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The queue for a word.
#[must_use]
pub fn queue_of(word: &str) -> Option<Queue> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::{Prefix, RecordId, TenantId};
    use rapport_queue::{Message, envelope};

    #[test]
    fn every_queue_has_a_word_and_comes_back_from_it() {
        for &queue in Queue::ALL {
            assert!(!word(queue).is_empty());
            assert_eq!(queue_of(&word(queue)), Some(queue));
        }
        assert_eq!(queue_of("no_such_queue"), None);
    }

    #[test]
    fn the_same_message_for_the_same_moment_is_the_same_timer() {
        let (tenant, due) = (TenantId::new(), "2026-11-22T00:00:00Z".parse().unwrap());
        let survey = || Message::SurveyDueV1 {
            invitation: RecordId::derived(Prefix::SurveyInvitation, due, "a"),
        };
        let one = timer(Queue::SatisfactionSurveys, &envelope(tenant, survey()), due);
        assert_eq!(one, timer(Queue::SatisfactionSurveys, &envelope(tenant, survey()), due));
        assert_ne!(
            one.id,
            timer(Queue::SatisfactionSurveys, &envelope(TenantId::new(), survey()), due).id
        );
        assert_eq!(serde_json::from_str::<Envelope>(&one.envelope).unwrap().tenant, tenant);
    }
}

//! Deadlines of tickets that passed: looks at the ticket as it is now, notes the broken promise and escalates.
//!
//! A deadline that moved, a promise that was kept, a ticket that waits, is resolved or gone: nothing is written. The
//! events `ticket.breached` and `ticket.escalated` arise from the change itself.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use rapport_domain::Actor;
use rapport_domain::ticket::SlaClock;
use rapport_queue::{Envelope, Message, batch};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::{Accept, StoreError};

/// The function, called with messages of the queue of deadlines.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of messages.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    batch(event, |envelope| passed(&app, envelope)).await
}

async fn passed(app: &App, envelope: Envelope) -> Result<(), BoxError> {
    let Envelope { tenant, message } = envelope;
    let Message::TicketDueV1 { ticket, clock, due } = message else {
        return Err("a message of another kind".into());
    };
    let clock = clock_of(&clock).ok_or("a deadline of an unknown clock")?;
    let now = app.clock.now();
    // Comes again after its visibility timeout.
    if now < due {
        return Err("the deadline lies ahead".into());
    }
    let rules = match app.store.rules(tenant, now).await {
        Ok(rules) => rules,
        Err(StoreError::Missing) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    // The same message may come twice: the second finds the ticket marked already and changes nothing.
    let request = format!("{ticket}#{}#{due}", clock.as_str());
    let cx = Accept::new(tenant, Actor::worker("ticket-deadlines", &request), rules);
    app.store.breach_ticket(&cx, ticket, clock, due).await?;
    Ok(())
}

fn clock_of(word: &str) -> Option<SlaClock> {
    [SlaClock::FirstResponse, SlaClock::Resolution]
        .into_iter()
        .find(|clock| clock.as_str() == word)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::{Prefix, RecordId, TenantId};
    use rapport_queue::Queue;
    use rapport_runtime::schedule::queue_of;
    use rapport_store::ticket::deadline;

    #[test]
    fn the_message_that_the_store_writes_is_the_one_that_is_read() {
        let (tenant, id) = (TenantId::new(), RecordId::new(Prefix::Ticket));
        let moment = "2026-11-23T14:00:00.250Z".parse().unwrap();
        for word in SlaClock::WORDS {
            let clock = clock_of(word).unwrap();
            let timer = deadline(tenant, id, clock, moment);
            assert_eq!(queue_of(&timer.queue), Some(Queue::TicketDeadlines));
            let expected = Envelope {
                tenant,
                message: Message::TicketDueV1 {
                    ticket: id,
                    clock: (*word).to_owned(),
                    due: moment,
                },
            };
            assert_eq!(serde_json::from_str::<Envelope>(&timer.envelope).unwrap(), expected);
        }
        assert_eq!(clock_of("other"), None);
    }
}

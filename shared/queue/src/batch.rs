//! Taking a batch apart: each message is parsed alone, runs in a span of its own, may fail or panic alone, and the ids
//! of those that failed go back so that only they come again.

use std::panic::AssertUnwindSafe;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{FutureExt as _, future::join_all};
use tracing::Instrument as _;

use crate::Envelope;

/// What a handler fails with: logged, and the message comes again.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Runs a handler over each message of a batch, side by side.
pub async fn batch<F, R>(event: SqsEvent, handler: F) -> SqsBatchResponse
where
    F: Fn(Envelope) -> R + Sync,
    R: Future<Output = Result<(), BoxError>> + Send,
{
    let results = join_all(event.records.iter().map(|message| one(message, &handler))).await;
    failures(&event.records, results)
}

/// Runs a handler over each message of a batch, one after the other, in their order.
pub async fn each<F, R>(event: SqsEvent, handler: F) -> SqsBatchResponse
where
    F: Fn(Envelope) -> R + Sync,
    R: Future<Output = Result<(), BoxError>> + Send,
{
    let mut results = Vec::with_capacity(event.records.len());
    for message in &event.records {
        results.push(one(message, &handler).await);
    }
    failures(&event.records, results)
}

async fn one<F, R>(message: &SqsMessage, handler: &F) -> bool
where
    F: Fn(Envelope) -> R + Sync,
    R: Future<Output = Result<(), BoxError>> + Send,
{
    let id = message.message_id.as_deref().unwrap_or_default();
    let envelope: Envelope = match serde_json::from_str(message.body.as_deref().unwrap_or_default()) {
        Ok(envelope) => envelope,
        // Not deleted: after some receives it rests in the dead-letter queue, where somebody can look at it.
        Err(error) => {
            tracing::error!(message = id, %error, "a message cannot be read");
            return false;
        }
    };
    let span = tracing::info_span!("message", id, tenant = %envelope.tenant);
    async {
        match AssertUnwindSafe(async { handler(envelope).await }).catch_unwind().await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&*error), "a message failed");
                false
            }
            Err(_) => {
                tracing::error!("a message's handler panicked");
                false
            }
        }
    }
    .instrument(span)
    .await
}

fn failures(records: &[SqsMessage], results: Vec<bool>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = records
        .iter()
        .zip(results)
        .filter(|(_, ok)| !ok)
        .map(|(message, _)| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            failure
        })
        .collect();
    response
}

/// An error and what caused it, in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Message, envelope};
    use rapport_domain::{Prefix, RecordId, TenantId};

    #[tokio::test]
    async fn one_bad_message_spoils_no_other() {
        let good = envelope(
            TenantId::new(),
            Message::SurveyDueV1 {
                invitation: RecordId::new(Prefix::SurveyInvitation),
            },
        );
        let bodies = [good.to_json(), "{".to_owned(), good.to_json(), good.to_json()];
        let mut event = SqsEvent::default();
        event.records = bodies
            .into_iter()
            .enumerate()
            .map(|(n, body)| {
                let mut message = SqsMessage::default();
                message.message_id = Some(n.to_string());
                message.body = Some(body);
                message
            })
            .collect();
        let calls = std::sync::atomic::AtomicU32::new(0);
        let response = each(event, |_| {
            let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async move {
                match call {
                    0 => Ok(()),
                    1 => Err("no".into()),
                    _ => panic!("a handler's fault"),
                }
            }
        })
        .await;
        let failed: Vec<_> = response
            .batch_item_failures
            .iter()
            .map(|failure| failure.item_identifier.as_str())
            .collect();
        assert_eq!(failed, ["1", "2", "3"]);
    }
}

//! Turns the changes of the record tables into events: appends one entry a change to the log, then tells the queues whose
//! workers care. What is an event of what is decided by `rapport_domain::event`; this only carries.
//!
//! Everything here may happen twice: entries have the same key again, and whoever is told looks at what is there now.

mod read;
mod route;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use rapport_domain::TenantId;
use rapport_queue::batch::chain;
use rapport_queue::{Envelope, Message, Queue, envelope};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::{Item, Store, text_of};

use read::Change;

/// How many changes are appended and told of at a time.
const CHUNK: usize = 100;

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Stream(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of changes in its order. Should one fail, it and all after it come again.
pub async fn handle(app: App, event: Event) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    for records in event.records.chunks(CHUNK) {
        if let Err((index, error)) = chunk(&app, records).await {
            tracing::warn!(error = %chain(&*error), "changes could not be told of");
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = records
                .get(index)
                .and_then(|record| record.change.sequence_number.clone());
            response.batch_item_failures.push(failure);
            break;
        }
    }
    response
}

/// Handles some changes together; the index says from which on they were not done.
async fn chunk(app: &App, records: &[EventRecord]) -> Result<(), (usize, BoxError)> {
    let mut changes: Vec<Change> = Vec::with_capacity(records.len());
    let mut unreadable = None;
    for (index, record) in records.iter().enumerate() {
        match read::change(record) {
            Ok(Some(change)) => changes.push(change),
            Ok(None) => {}
            // What lies before it is done all the same; it then comes first and is set aside by the stream's own rules.
            Err(error) => {
                unreadable = Some((index, error.into()));
                break;
            }
        }
    }
    tell(app, &changes).await.map_err(|error| (0, error))?;
    unreadable.map_or(Ok(()), Err)
}

async fn tell(app: &App, changes: &[Change]) -> Result<(), BoxError> {
    if changes.is_empty() {
        return Ok(());
    }
    // The feed is sorted by this: nothing may be appended before what its readers have read.
    let now = app.clock.rising();
    // A batch write refuses the same key twice: of a change that came twice the last stands for both. And each tenant's entries are
    // written with the tenant's own credentials.
    let mut entries: BTreeMap<TenantId, HashMap<(String, String), Item>> = BTreeMap::new();
    for change in changes.iter().filter(|change| !change.quiet) {
        let item = Store::entry_item(change.tenant, &change.entry, now)?;
        let key = |name| text_of(&item, name).unwrap_or_default().to_owned();
        let key = (key("pk"), key("sk"));
        entries.entry(change.tenant).or_default().insert(key, item);
    }
    let appends = entries
        .into_values()
        .map(|items| app.store.append_entries(items.into_values().collect()));
    futures::future::try_join_all(appends).await?;
    let tenants: BTreeSet<TenantId> = changes.iter().map(|change| change.tenant).collect();
    let lookups = tenants
        .into_iter()
        .map(|tenant| async move { Ok::<_, BoxError>((tenant, patterns(app, tenant).await?)) });
    let wanted: BTreeMap<TenantId, Vec<String>> = futures::future::try_join_all(lookups).await?.into_iter().collect();
    let mut messages: BTreeMap<Queue, Vec<Envelope>> = BTreeMap::new();
    let mut counted: BTreeSet<(TenantId, &str)> = BTreeSet::new();
    for Change { tenant, entry, quiet } in changes {
        let patterns = wanted.get(tenant).map_or(&[][..], Vec::as_slice);
        for queue in route::queues(&entry.noun, &entry.types, patterns) {
            if *quiet && route::is_for_news(queue, &entry.noun) {
                continue;
            }
            // A kind is counted as a whole: one message stands for all of its records here.
            if queue == Queue::UsageCounts && !counted.insert((*tenant, &entry.noun)) {
                continue;
            }
            let message = Message::ChangedV1 {
                noun: entry.noun.clone(),
                subject: entry.subject.clone(),
                version: entry.version,
                types: entry.types.clone(),
            };
            messages.entry(queue).or_default().push(envelope(*tenant, message));
        }
    }
    let sends = messages
        .iter()
        .map(|(queue, envelopes)| app.queues.send_all(*queue, envelopes));
    futures::future::try_join_all(sends).await?;
    Ok(())
}

/// What the tenant's enabled endpoints want to be told of. Not remembered between batches: an endpoint made a moment ago is
/// to hear of what follows at once.
async fn patterns(app: &App, tenant: TenantId) -> Result<Vec<String>, BoxError> {
    let endpoints = app.store.endpoints(tenant).await?;
    let enabled = endpoints.into_iter().filter(|endpoint| endpoint.body.enabled);
    let all = |types: Vec<String>| if types.is_empty() { vec!["*".to_owned()] } else { types };
    Ok(enabled.flat_map(|endpoint| all(endpoint.body.event_types)).collect())
}

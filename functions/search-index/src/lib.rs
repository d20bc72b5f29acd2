//! Keeps the words by which records are found: takes messages about changed records, reads the records as they are now,
//! and writes what changed in their words. A batch is read and written together, since a word costs little and a call much.

mod rebuild;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures::FutureExt as _;
use rapport_domain::TenantId;
use rapport_domain::search::{NOUNS, entry};
use rapport_queue::{Envelope, Message};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::page::Row;
use rapport_store::search::ToIndex;
use rapport_store::{Key, Table};

/// The function, called with messages of the queue of records to index.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// A record that changed: its noun and id.
type Subject = (String, String);

/// What a batch says of one record: the newest version told of, and which messages told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    version: u64,
    messages: Vec<usize>,
}

/// Handles a batch of messages; the ids of those that failed go back.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    let (tenants, rebuilds, mut failed) = sort(&event);
    for (n, message) in rebuilds {
        let work = AssertUnwindSafe(rebuild::run(&app, message)).catch_unwind().await;
        match work {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => {
                tracing::warn!(error = %rapport_queue::batch::chain(&*error), "words were not made anew");
            }
            Err(_) => tracing::error!("making words anew panicked"),
        }
        failed.insert(n);
    }
    for (tenant, told) in tenants {
        let work = AssertUnwindSafe(index(&app, tenant, &told)).catch_unwind().await;
        let unindexed: BTreeSet<Subject> = match work {
            Ok(Ok(unindexed)) => unindexed,
            Ok(Err(error)) => {
                tracing::warn!(%tenant, error = %rapport_queue::batch::chain(&*error), "records were not indexed");
                told.keys().cloned().collect()
            }
            Err(_) => {
                tracing::error!(%tenant, "indexing panicked");
                told.keys().cloned().collect()
            }
        };
        failed.extend(
            unindexed
                .iter()
                .filter_map(|subject| told.get(subject))
                .flat_map(|told| told.messages.iter().copied()),
        );
    }
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed
        .into_iter()
        .filter_map(|n| event.records.get(n))
        .map(|message| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            failure
        })
        .collect();
    response
}

/// The messages of a batch: what they tell by tenant and record, those that ask for all words anew, and those that cannot
/// be read.
type Sorted = (
    BTreeMap<TenantId, BTreeMap<Subject, Told>>,
    Vec<(usize, Envelope)>,
    BTreeSet<usize>,
);

fn sort(event: &SqsEvent) -> Sorted {
    let mut tenants: BTreeMap<TenantId, BTreeMap<Subject, Told>> = BTreeMap::new();
    let (mut rebuilds, mut failed) = (Vec::new(), BTreeSet::new());
    for (n, message) in event.records.iter().enumerate() {
        let body = message.body.as_deref().unwrap_or_default();
        match serde_json::from_str::<Envelope>(body) {
            Ok(Envelope {
                tenant,
                message: Message::ChangedV1 {
                    noun, subject, version, ..
                },
            }) => {
                let told = tenants.entry(tenant).or_default().entry((noun, subject)).or_default();
                told.version = told.version.max(version);
                told.messages.push(n);
            }
            Ok(
                message @ Envelope {
                    message: Message::SearchRebuildV1 { .. },
                    ..
                },
            ) => rebuilds.push((n, message)),
            // Not deleted: after some receives it rests in the dead-letter queue, where somebody can look at it.
            _ => {
                tracing::error!(message = message.message_id.as_deref(), "a message cannot be read");
                failed.insert(n);
            }
        }
    }
    (tenants, rebuilds, failed)
}

/// The table that records of a noun lie in; `None` for those that are not searched.
fn table(noun: &str) -> Option<Table> {
    match noun {
        "lead" => Some(Table::Leads),
        "contact" | "company" => Some(Table::Contacts),
        "order" | "product" => Some(Table::Orders),
        "ticket" => Some(Table::Tickets),
        _ => None,
    }
}

/// Indexes a tenant's records; those that were not come back.
async fn index(app: &App, tenant: TenantId, told: &BTreeMap<Subject, Told>) -> Result<BTreeSet<Subject>, BoxError> {
    let mut tables: BTreeMap<Table, Vec<Key>> = BTreeMap::new();
    let searched = || told.iter().filter(|((noun, _), _)| NOUNS.contains(&noun.as_str()));
    for ((noun, id), _) in searched() {
        if let Some(table) = table(noun) {
            tables
                .entry(table)
                .or_default()
                .push(Key::new(tenant, noun, id.clone()));
        }
    }
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for (table, keys) in tables {
        let items = app.store.get_items(table, &keys, true).await?;
        rows.extend(items.iter().filter_map(Row::read).map(|row| (row.id.clone(), row)));
    }
    let records: Vec<(Subject, ToIndex)> = searched()
        .map(|(subject, told)| Ok((subject.clone(), to_index(subject, told.version, rows.get(&subject.1))?)))
        .collect::<Result<_, BoxError>>()?;
    let list: Vec<ToIndex> = records.iter().map(|(_, record)| record.clone()).collect();
    let results = app.store.index_records(tenant, &list, app.clock.now()).await;
    let mut unindexed = BTreeSet::new();
    for ((subject, _), result) in records.into_iter().zip(results) {
        if let Err(error) = result {
            tracing::warn!(%tenant, id = subject.1, %error, "a record was not indexed");
            unindexed.insert(subject);
        }
    }
    Ok(unindexed)
}

/// What is to be indexed of a record as it is now; nothing when it is gone.
fn to_index((noun, id): &Subject, told: u64, row: Option<&Row>) -> Result<ToIndex, BoxError> {
    let entry = match row {
        Some(row) if !row.gone => entry(noun, &serde_json::from_str(&row.doc)?),
        _ => None,
    };
    let version = row.map_or(told, |row| row.version);
    Ok(ToIndex {
        noun: noun.clone(),
        id: id.clone(),
        version,
        entry,
        fresh: version == 1,
        again: false,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use aws_lambda_events::sqs::SqsMessage;
    use rapport_queue::envelope;

    fn changed(tenant: TenantId, subject: &str, version: u64) -> String {
        let message = Message::ChangedV1 {
            noun: "contact".to_owned(),
            subject: subject.to_owned(),
            version,
            types: vec!["contact.updated".to_owned()],
        };
        envelope(tenant, message).to_json()
    }

    #[test]
    fn messages_of_one_record_are_one_task_and_bad_ones_fail_alone() {
        let (a, b) = (TenantId::new(), TenantId::new());
        let bodies = [
            changed(a, "con_1", 2),
            "{".to_owned(),
            changed(a, "con_1", 3),
            changed(b, "con_1", 1),
            envelope(
                b,
                Message::SearchRebuildV1 {
                    noun: "contact".to_owned(),
                    after: None,
                },
            )
            .to_json(),
        ];
        let mut event = SqsEvent::default();
        event.records = bodies
            .into_iter()
            .map(|body| {
                let mut message = SqsMessage::default();
                message.body = Some(body);
                message
            })
            .collect();
        let (tenants, rebuilds, failed) = sort(&event);
        assert_eq!(failed, BTreeSet::from([1]));
        assert_eq!(rebuilds.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [4]);
        let subject = ("contact".to_owned(), "con_1".to_owned());
        assert_eq!(
            tenants[&a][&subject],
            Told {
                version: 3,
                messages: vec![0, 2]
            }
        );
        assert_eq!(
            tenants[&b][&subject],
            Told {
                version: 1,
                messages: vec![3]
            }
        );
    }

    #[test]
    fn a_record_is_indexed_as_it_is_and_not_at_all_once_gone() {
        let subject = ("contact".to_owned(), "con_1".to_owned());
        let row = |version, gone| Row {
            id: "con_1".to_owned(),
            version,
            doc: r#"{"name":"Ann"}"#.to_owned(),
            gone,
        };
        for (row, version, found) in [
            (Some(row(5, false)), 5, true),
            (Some(row(5, true)), 5, false),
            (None, 2, false),
        ] {
            let record = to_index(&subject, 2, row.as_ref()).unwrap();
            assert_eq!((record.version, record.entry.is_some()), (version, found));
        }
    }

    #[test]
    fn every_kind_that_is_searched_has_a_table() {
        assert!(NOUNS.iter().all(|noun| table(noun).is_some()));
    }
}

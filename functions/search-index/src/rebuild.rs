//! The words of all records of a noun anew, a page at a time: for an index that lost some.

use rapport_domain::search::NOUNS;
use rapport_queue::{Envelope, Message, Queue, envelope};
use rapport_runtime::{App, BoxError};
use rapport_store::page::{Position, Query, Row};
use rapport_store::search::ToIndex;

/// Records of one message.
const PAGE: usize = 50;

/// Indexes one page anew and asks for the next.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn run(app: &App, message: Envelope) -> Result<(), BoxError> {
    let Envelope {
        tenant,
        message: Message::SearchRebuildV1 { noun, after },
    } = message
    else {
        return Ok(());
    };
    let known = NOUNS.contains(&noun.as_str());
    let Some(table) = crate::table(&noun).filter(|_| known) else {
        return Ok(());
    };
    let query = Query {
        partition: noun.clone(),
        consistent: true,
        ..Query::default()
    };
    let position = after.map(Position::after);
    let page = app.store.query(tenant, table, &query, PAGE, position.as_ref()).await?;
    let records: Vec<ToIndex> = page
        .items
        .iter()
        .filter_map(Row::read)
        .map(|row| {
            let subject = (noun.clone(), row.id.clone());
            let record = crate::to_index(&subject, row.version, Some(&row))?;
            Ok(ToIndex {
                fresh: false,
                again: true,
                ..record
            })
        })
        .collect::<Result<_, BoxError>>()?;
    let results = app.store.index_records(tenant, &records, app.clock.now()).await;
    for (record, result) in records.iter().zip(results) {
        result.map_err(|error| format!("{}: {error}", record.id))?;
    }
    let Some(next) = page.next else { return Ok(()) };
    let message = Message::SearchRebuildV1 {
        noun,
        after: Some(next.sk),
    };
    Ok(app.queues.send(Queue::SearchIndex, &envelope(tenant, message)).await?)
}

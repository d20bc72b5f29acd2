//! Everything anew: a page of records, or of what was noted, at a time.

use std::collections::BTreeSet;

use rapport_domain::TenantId;
use rapport_queue::{Message, Queue, envelope};
use rapport_reporting::fact::{NOUNS, family_of, id_of};
use rapport_runtime::{App, BoxError};
use rapport_store::StoreError;
use rapport_store::page::{Position, Query, Row, record_keys};
use rapport_store::report::Filing;

use crate::facts;

/// Records of one message.
const PAGE: usize = 200;

/// Notes one page anew and asks for the next: first all records, then what was noted of records that are gone.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn run(app: &App, tenant: TenantId, noun: &str, gone: bool, after: Option<String>) -> Result<(), BoxError> {
    let Some(noun) = NOUNS.into_iter().find(|known| *known == noun) else {
        return Ok(());
    };
    let next = if gone {
        look_for_gone(app, tenant, noun, after.as_deref()).await?
    } else {
        note_again(app, tenant, noun, after).await?
    };
    let message = match (next, gone) {
        (Some(after), gone) => Message::FactsRebuildV1 {
            noun: noun.to_owned(),
            gone,
            after: Some(after),
        },
        (None, false) => Message::FactsRebuildV1 {
            noun: noun.to_owned(),
            gone: true,
            after: None,
        },
        (None, true) => return Ok(()),
    };
    Ok(app.queues.send(Queue::ReportSheets, &envelope(tenant, message)).await?)
}

async fn note_again(
    app: &App,
    tenant: TenantId,
    noun: &'static str,
    after: Option<String>,
) -> Result<Option<String>, BoxError> {
    let zone = match app.store.tenant_rules(tenant).await {
        Err(StoreError::Missing) => return Ok(None),
        other => other?.settings.zone(),
    };
    let query = Query {
        partition: noun.to_owned(),
        consistent: true,
        ..Query::default()
    };
    let position = after.map(Position::after);
    let page = app
        .store
        .query(tenant, facts::table(noun), &query, PAGE, position.as_ref())
        .await?;
    let rows: Vec<Row> = page.items.iter().filter_map(Row::read).collect();
    let failed = facts::file(app, tenant, noun, &rows, &zone, true).await?;
    if let Some((id, error)) = failed.into_iter().next() {
        return Err(format!("{id} could not be noted: {error}").into());
    }
    Ok(page.next.map(|next| next.sk))
}

/// Takes out what was noted of records that were removed for good.
async fn look_for_gone(
    app: &App,
    tenant: TenantId,
    noun: &'static str,
    after: Option<&str>,
) -> Result<Option<String>, BoxError> {
    let summed = family_of(noun).is_some_and(rapport_reporting::cells::Family::has_sheets);
    let (filed, next) = app.store.filed_page(tenant, noun, after, PAGE).await?;
    let ids: Vec<String> = filed.iter().map(|(id, _)| id.clone()).collect();
    let items = app
        .store
        .get_items(facts::table(noun), &record_keys(tenant, noun, &ids), true)
        .await?;
    let here: BTreeSet<String> = items.iter().filter_map(Row::read).map(|row| row.id).collect();
    let gone: Vec<Filing> = filed
        .into_iter()
        .filter(|(id, _)| !here.contains(id))
        .filter_map(|(id, version)| {
            Some(Filing {
                noun,
                id: id_of(noun, &id)?,
                version,
                fact: None,
                summed,
            })
        })
        .collect();
    let mut sheets = BTreeSet::new();
    for result in app.store.file_facts(tenant, &gone, true).await? {
        sheets.extend(result?);
    }
    crate::due(app, tenant, sheets).await?;
    Ok(next)
}

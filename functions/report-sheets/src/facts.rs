//! Changed records → facts. A record is read as it is now, whatever version the message speaks of.

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::sqs::SqsEvent;
use jiff::tz::TimeZone;
use rapport_domain::TenantId;
use rapport_queue::{Envelope, Message};
use rapport_reporting::fact::{Fact, NOUNS, Version, family_of, id_of};
use rapport_reporting::stock::MOST_LEVELS;
use rapport_runtime::{App, BoxError};
use rapport_store::page::{Row, record_keys};
use rapport_store::report::{Filing, Place};
use rapport_store::{StoreError, Table};

use crate::Outcomes;

/// The table that records of a noun lie in.
#[must_use]
pub fn table(noun: &str) -> Table {
    match noun {
        "order" | "product" => Table::Orders,
        "ticket" => Table::Tickets,
        _ => Table::Contacts,
    }
}

/// Notes what the changed records of a batch add now.
pub async fn settle(app: &App, event: &SqsEvent) -> Outcomes {
    let mut tenants: BTreeMap<TenantId, BTreeSet<(&'static str, String)>> = BTreeMap::new();
    let mut outcomes = Outcomes::new();
    for message in &event.records {
        let body = message.body.as_deref().unwrap_or_default();
        if let Ok(Envelope { tenant, message }) = serde_json::from_str(body)
            && let Message::ChangedV1 { noun, subject, .. } = message
        {
            match NOUNS.into_iter().find(|known| *known == noun) {
                Some(noun) => {
                    tenants.entry(tenant).or_default().insert((noun, subject));
                }
                // Some other noun's change: nothing that is reported.
                None => {
                    outcomes.insert((tenant, subject), None);
                }
            }
        }
    }
    for (tenant, records) in tenants {
        let all = || records.iter().map(|(_, id)| id.clone());
        let failed = match settle_tenant(app, tenant, &records).await {
            Ok(failed) => failed,
            Err(error) => all().map(|id| (id, error.to_string())).collect(),
        };
        for id in all() {
            let error = failed.get(&id).cloned();
            outcomes.insert((tenant, id), error);
        }
    }
    outcomes
}

/// Notes what records of one tenant add; those that could not be noted, and why.
async fn settle_tenant(
    app: &App,
    tenant: TenantId,
    records: &BTreeSet<(&'static str, String)>,
) -> Result<BTreeMap<String, String>, BoxError> {
    let zone = match app.store.tenant_rules(tenant).await {
        // Nobody is left to be reported to.
        Err(StoreError::Missing) => return Ok(BTreeMap::new()),
        other => other?.settings.zone(),
    };
    let mut failed = BTreeMap::new();
    for noun in NOUNS {
        let ids: Vec<String> = records
            .iter()
            .filter(|(known, _)| *known == noun)
            .map(|(_, id)| id.clone())
            .collect();
        if ids.is_empty() {
            continue;
        }
        let items = app
            .store
            .get_items(table(noun), &record_keys(tenant, noun, &ids), true)
            .await?;
        let rows: Vec<Row> = items.iter().filter_map(Row::read).collect();
        failed.extend(file(app, tenant, noun, &rows, &zone, false).await?);
    }
    Ok(failed)
}

/// Notes what records of one noun add, and has the sums of their sheets made anew; those that could not be noted, and why.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn file(
    app: &App,
    tenant: TenantId,
    noun: &'static str,
    rows: &[Row],
    zone: &TimeZone,
    again: bool,
) -> Result<BTreeMap<String, String>, BoxError> {
    let mut failed = BTreeMap::new();
    let mut filings = Vec::with_capacity(rows.len());
    for row in rows {
        match filing(app, tenant, noun, row, zone).await {
            Ok(filing) => filings.push(filing),
            Err(error) => {
                failed.insert(row.id.clone(), error.to_string());
            }
        }
    }
    let mut sheets = BTreeSet::new();
    let results = app.store.file_facts(tenant, &filings, again).await?;
    for (filing, result) in filings.iter().zip(results) {
        match result {
            Ok(touched) => sheets.extend(touched),
            Err(error) => {
                failed.insert(filing.id.to_string(), error.to_string());
            }
        }
    }
    crate::due(app, tenant, sheets).await?;
    Ok(failed)
}

/// What is to be noted of a record; one that is deleted or merged away adds nothing.
async fn filing(
    app: &App,
    tenant: TenantId,
    noun: &'static str,
    row: &Row,
    zone: &TimeZone,
) -> Result<Filing, BoxError> {
    let family = family_of(noun).ok_or("records of this noun add nothing")?;
    let id = id_of(noun, &row.id).ok_or("a record's id is none of its noun")?;
    let fact = if row.gone {
        None
    } else {
        let versions = if noun == "product" {
            versions(app, tenant, &row.id).await?
        } else {
            Vec::new()
        };
        Fact::of(noun, &row.doc, &versions, zone)?
    };
    let fact = fact
        .map(|fact| {
            let (sheet, bucket) = fact.place();
            let place = Place {
                family: family.word().to_owned(),
                sheet,
                bucket,
            };
            serde_json::to_string(&fact).map(|doc| (place, doc))
        })
        .transpose()?;
    Ok(Filing {
        noun,
        id,
        version: row.version,
        fact,
        summed: family.has_sheets(),
    })
}

/// The versions of a product: its stock then.
async fn versions(app: &App, tenant: TenantId, product: &str) -> Result<Vec<Version>, StoreError> {
    let history = app.store.history(tenant, product, MOST_LEVELS, None).await?;
    Ok(history
        .entries
        .into_iter()
        .map(|found| Version {
            at: found.entry.time,
            product: found.entry.data,
        })
        .collect())
}

//! Rows that are scored customers.

use jiff::civil::Date;
use rapport_domain::score::Score;
use rapport_domain::settings::Settings;
use rapport_http::{Caller, Problem};
use rapport_reporting::report::composition::class_of;
use rapport_reporting::report::started_stopped::{started_on, stopped_on};
use rapport_runtime::App;
use rapport_store::page::{Position, Query};
use rapport_store::{Store, Table};
use rust_decimal::Decimal;

use super::{At, Page, ReportRow, Wanted, href};
use crate::titles;

/// The most scores read for one page.
const MOST_READ: usize = 1_000;

/// Whether a word of the query is something that scores have.
pub(super) fn is_score(by: &str) -> bool {
    matches!(by, "grade" | "lifecycle" | "segment" | "started" | "stopped")
}

/// Whether a score is one of those.
fn is_wanted(score: &Score, wanted: &Wanted<'_>, settings: &Settings) -> bool {
    let by = wanted.by.unwrap_or_default();
    match day_of(score, by, settings) {
        Some(day) => wanted.days.has(day),
        None if matches!(by, "started" | "stopped") => false,
        None => class_of(score, by).is_some_and(|class| wanted.key.is_none_or(|key| class == key)),
    }
}

/// The day that a customer began or ceased to buy, where that is asked.
fn day_of(score: &Score, by: &str, settings: &Settings) -> Option<Date> {
    match by {
        "started" => started_on(score),
        "stopped" => stopped_on(score, settings),
        _ => None,
    }
}

/// The customers that the last recompute put there.
pub(super) async fn rows(
    app: &App,
    caller: &Caller,
    wanted: &Wanted<'_>,
    settings: &Settings,
    after: At,
) -> Result<Page, Problem> {
    let by = wanted.by.unwrap_or_default();
    let query = Query {
        partition: rapport_store::score::NOUN.to_owned(),
        ..Query::default()
    };
    let mut position = after.after.map(Position::after);
    let mut found: Vec<(String, Score)> = Vec::new();
    let mut read = 0;
    let next = loop {
        let page = app
            .store
            .query(
                caller.tenant,
                Table::Scores,
                &query,
                MOST_READ - read,
                position.as_ref(),
            )
            .await?;
        read += page.items.len().max(1);
        let mut full = None;
        for item in &page.items {
            let score = Store::score_of(item)?;
            if is_wanted(&score, wanted, settings) {
                let id = score.contact_id.to_string();
                found.push((id.clone(), score));
                if found.len() >= wanted.limit {
                    full = Some(id);
                    break;
                }
            }
        }
        if full.is_some() {
            break full;
        }
        position = page.next;
        match &position {
            None => break None,
            Some(at) if read >= MOST_READ => break Some(at.sk.clone()),
            Some(_) => {}
        }
    };
    let keys: Vec<String> = found.iter().map(|(id, _)| id.clone()).collect();
    let names = titles::names(app, caller, &keys).await?;
    let rows = found
        .into_iter()
        .map(|(id, score)| ReportRow {
            href: href(&id),
            title: names.get(&id).unwrap_or(&id).clone(),
            on: day_of(&score, by, settings).or_else(|| Some(score.rfm.as_ref()?.last_purchase_on)),
            value: Decimal::ONE,
            note: score.churn.as_ref().and_then(|churn| {
                let detail = churn.detail.as_ref().map(|detail| detail.text.clone());
                detail.or_else(|| churn.reason.clone())
            }),
            record: id,
        })
        .collect();
    let next = next.map(|sk| At {
        after: Some(sk),
        ..At::default()
    });
    Ok((rows, next))
}

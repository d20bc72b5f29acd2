//! Rows that are scored customers.

use rapport_domain::score::Score;
use rapport_domain::settings::Settings;
use rapport_http::{Caller, Problem};
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
fn is_wanted(score: &Score, by: &str, key: Option<&str>, settings: &Settings) -> bool {
    let month = |day: jiff::civil::Date| rapport_reporting::period::month_of(day);
    let rfm = score.rfm.as_ref();
    let own = match by {
        "grade" => score.pareto.as_ref().map(|pareto| pareto.grade.clone()),
        "lifecycle" => score.lifecycle.clone(),
        "segment" => rfm.and_then(|rfm| rfm.segment.clone()),
        "started" => rfm.map(|rfm| month(rfm.first_purchase_on)),
        "stopped" => rfm.filter(|_| score.lifecycle.as_deref() == Some("lost")).map(|rfm| {
            let after = i64::from(settings.scoring.lost_after_days) + 1;
            month(rfm.last_purchase_on.saturating_add(jiff::Span::new().days(after)))
        }),
        _ => None,
    };
    own.is_some_and(|own| key.is_none_or(|key| own == key))
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
    let mut position = after.after.map(|sk| Position { sk, pk: None, at: None });
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
            if is_wanted(&score, by, wanted.key, settings) {
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
            on: score.rfm.as_ref().map(|rfm| match by {
                "started" => rfm.first_purchase_on,
                _ => rfm.last_purchase_on,
            }),
            value: Decimal::ONE,
            note: score.churn.as_ref().and_then(|churn| churn.reason.clone()),
            record: id,
        })
        .collect();
    let next = next.map(|sk| At {
        after: Some(sk),
        ..At::default()
    });
    Ok((rows, next))
}

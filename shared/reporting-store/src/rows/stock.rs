//! Rows that are levels of stock, each by the days it lasted.

use rapport_domain::{Prefix, RecordId};
use rapport_http::{Caller, Problem};
use rapport_reporting::cells::Family;
use rapport_reporting::fact::{Fact, WHOLE};
use rapport_runtime::App;

use super::{At, Page, ReportRow, Wanted, href};

/// The levels of a product that make its average stock.
pub(super) async fn rows(app: &App, caller: &Caller, wanted: &Wanted<'_>, after: &At) -> Result<Page, Problem> {
    let product = wanted
        .key
        .and_then(|key| RecordId::parse(Prefix::Product, key).ok())
        .ok_or_else(Problem::not_found)?;
    let bucket = format!("{:02}", product.as_u128() % rapport_reporting::fact::BUCKETS);
    let place = (Family::Stock.word(), WHOLE);
    let found = app.store.fact(caller.tenant, place, &bucket, product).await?;
    let Some(doc) = found else {
        return Err(Problem::not_found());
    };
    let fact: Fact = serde_json::from_str(&doc).map_err(|error| Problem::internal(error.to_string()))?;
    let Fact::Stock(stock) = fact else {
        return Err(Problem::not_found());
    };
    let held = stock.held(wanted.days, wanted.today).unwrap_or_default();
    let rows: Vec<ReportRow> = held
        .iter()
        .skip(after.skip)
        .take(wanted.limit)
        .map(|held| ReportRow {
            record: product.to_string(),
            href: href(&product.to_string()),
            title: stock.name.clone(),
            on: Some(held.days.from),
            value: held.value,
            note: Some(format!("{} units until {}", held.units, held.days.to)),
        })
        .collect();
    let seen = after.skip + rows.len();
    let next = (seen < held.len()).then(|| At {
        skip: seen,
        ..At::default()
    });
    Ok((rows, next))
}

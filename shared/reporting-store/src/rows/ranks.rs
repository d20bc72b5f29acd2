//! Rows that are customers: by their rank, or by how many orders they had.

use rapport_domain::settings::Settings;
use rapport_http::{Caller, Problem};
use rapport_reporting::cells::{Cells, Dimension, Family};
use rapport_reporting::measure::Measure;
use rapport_reporting::report::book::Book;
use rapport_reporting::report::{Ask, loyalty, pareto};
use rapport_runtime::App;
use rust_decimal::Decimal;

use super::{At, Page, ReportRow, Wanted, href};
use crate::{load, titles};

/// The sums of all customers in the days wanted.
async fn customers(app: &App, caller: &Caller, wanted: &Wanted<'_>, settings: &Settings) -> Result<Cells, Problem> {
    let ask = Ask {
        days: wanted.days,
        by: "customer",
        limit: 1_000,
        convert: wanted.convert,
        today: wanted.today,
    };
    let mut loaded = load::load(app, caller.tenant, &pareto::DEFINITION, &ask).await?;
    let source = loaded.source(settings, app.clock.now());
    Ok(Book::new(&pareto::DEFINITION, &ask, &source).cells(Family::Sales, Dimension::Customer, ask.days))
}

/// The customers from one rank to another, with their sales, or one each where they are counted.
pub(super) async fn rows(
    app: &App,
    caller: &Caller,
    wanted: &Wanted<'_>,
    settings: &Settings,
    (from, to): (usize, usize),
    after: &At,
) -> Result<Page, Problem> {
    let cells = customers(app, caller, wanted, settings).await?;
    let ranking = pareto::ranking(&cells, wanted.currency.unwrap_or(settings.currency.code()));
    let ranks = from.saturating_sub(1)..to.min(ranking.len());
    let here = ranking.get(ranks).unwrap_or_default();
    let count = wanted.measure == Some(Measure::Count);
    let rows: Vec<(String, Decimal)> = here
        .iter()
        .map(|(key, sales)| (key.clone(), if count { Decimal::ONE } else { *sales }))
        .collect();
    page(app, caller, &rows, wanted.limit, after).await
}

/// The customers with at least so many orders, one each.
pub(super) async fn with_orders(
    app: &App,
    caller: &Caller,
    wanted: &Wanted<'_>,
    settings: &Settings,
    least: u64,
    after: &At,
) -> Result<Page, Problem> {
    let cells = customers(app, caller, wanted, settings).await?;
    let keys = loyalty::with_orders(&cells, wanted.currency.unwrap_or(settings.currency.code()), least);
    let rows: Vec<(String, Decimal)> = keys.into_iter().map(|key| (key, Decimal::ONE)).collect();
    page(app, caller, &rows, wanted.limit, after).await
}

/// A page of customers.
async fn page(
    app: &App,
    caller: &Caller,
    all: &[(String, Decimal)],
    limit: usize,
    after: &At,
) -> Result<Page, Problem> {
    let page: Vec<&(String, Decimal)> = all.iter().skip(after.skip).take(limit).collect();
    let keys: Vec<String> = page.iter().map(|(key, _)| key.clone()).collect();
    let names = titles::names(app, caller, &keys).await?;
    let rows = page
        .iter()
        .map(|(key, value)| ReportRow {
            record: key.clone(),
            href: href(key),
            title: names.get(key).unwrap_or(key).clone(),
            on: None,
            value: *value,
            note: None,
        })
        .collect();
    let seen = after.skip + page.len();
    let next = (seen < all.len()).then(|| At {
        skip: seen,
        ..At::default()
    });
    Ok((rows, next))
}

//! Rows that are customers by their rank.

use rapport_domain::settings::Settings;
use rapport_http::{Caller, Problem};
use rapport_reporting::cells::{Dimension, Family};
use rapport_reporting::measure::Measure;
use rapport_reporting::report::book::Book;
use rapport_reporting::report::{Ask, Source, pareto};
use rapport_runtime::App;
use rust_decimal::Decimal;

use super::{At, Page, ReportRow, Wanted, href};
use crate::{load, titles};

/// The customers from one rank to another, with their sales, or one each where they are counted.
pub(super) async fn rows(
    app: &App,
    caller: &Caller,
    wanted: &Wanted<'_>,
    settings: &Settings,
    (from, to): (usize, usize),
    after: &At,
) -> Result<Page, Problem> {
    let ask = Ask {
        days: wanted.days,
        by: "customer",
        limit: 1_000,
        convert: wanted.convert,
        today: wanted.today,
    };
    let loaded = load::load(app, caller.tenant, &pareto::DEFINITION, &ask).await?;
    let source = Source {
        sheets: loaded.sheets,
        model: None,
        stock: &[],
        settings,
        as_of: app.clock.now(),
    };
    let book = Book::new(&pareto::DEFINITION, &ask, &source);
    let cells = book.cells(Family::Sales, Dimension::Customer, ask.days);
    let currency = wanted.currency.unwrap_or(settings.currency.code());
    let ranking = pareto::ranking(&cells, currency);
    let ranks = from.saturating_sub(1)..to.min(ranking.len());
    let wanted_here = ranking.get(ranks).unwrap_or_default();
    let page: Vec<&(String, Decimal)> = wanted_here.iter().skip(after.skip).take(wanted.limit).collect();
    let keys: Vec<String> = page.iter().map(|(key, _)| key.clone()).collect();
    let names = titles::names(app, caller, &keys).await?;
    let rows = page
        .iter()
        .map(|(key, sales)| ReportRow {
            record: key.clone(),
            href: href(key),
            title: names.get(key).unwrap_or(key).clone(),
            on: None,
            value: if wanted.measure == Some(Measure::Count) {
                Decimal::ONE
            } else {
                *sales
            },
            note: None,
        })
        .collect();
    let seen = after.skip + page.len();
    let next = (seen < wanted_here.len()).then(|| At {
        skip: seen,
        ..At::default()
    });
    Ok((rows, next))
}

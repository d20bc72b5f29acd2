//! Exactly the records behind a number, each with what it adds, a page at a time.

mod facts;
mod ranks;
mod scores;
mod stock;

use jiff::civil::Date;
use rapport_domain::Invalid;
use rapport_domain::settings::Settings;
use rapport_http::problem::Code;
use rapport_http::{Caller, Params, Problem};
use rapport_reporting::cells::Dimension;
use rapport_reporting::measure::Measure;
use rapport_reporting::period::Days;
use rapport_reporting::report::Definition;
use rapport_runtime::App;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ask;

/// The measure of an average stock, which is no sum of facts.
const AVERAGE_STOCK: &str = "average_stock";

/// The parameters that say which rows are wanted.
pub const PARAMS: [&str; 10] = [
    "measure",
    "from",
    "to",
    "by",
    "key",
    "currency",
    "convert",
    "rank_from",
    "rank_to",
    "orders_from",
];

/// One row behind a number.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ReportRow {
    /// The record.
    pub record: String,
    /// Where it is.
    pub href: String,
    /// What people call it.
    pub title: String,
    /// Its day, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub on: Option<Date>,
    /// What it adds to the number.
    #[schema(value_type = String)]
    pub value: Decimal,
    /// What else there is to know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Where a page ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct At {
    /// The sheet.
    #[serde(rename = "s", default)]
    sheet: String,
    /// The last one read of it.
    #[serde(rename = "a", default)]
    after: Option<String>,
    /// How many there were before.
    #[serde(rename = "n", default)]
    skip: usize,
}

/// What rows are asked for.
struct Wanted<'a> {
    measure: Option<Measure>,
    days: Days,
    by: Option<&'a str>,
    key: Option<&'a str>,
    currency: Option<&'a str>,
    convert: bool,
    today: Date,
    limit: usize,
}

/// So many rows and where they ended.
pub type Page = (Vec<ReportRow>, Option<At>);

/// What rows the parameters ask for.
///
/// # Errors
/// `400` and `422` for what no number is made of.
fn wanted<'a>(definition: &Definition, params: &'a Params, limit: usize, today: Date) -> Result<Wanted<'a>, Problem> {
    let word = params.get("measure").ok_or_else(|| {
        Problem::new(Code::Malformed).detail("measure says what is summed: follow `rows` of a number")
    })?;
    let measure = Measure::from_word(word);
    if measure.is_none() && word != AVERAGE_STOCK {
        return Err(Invalid::one("measure", "not_a_choice", "no number of a report sums this").into());
    }
    let days = ask::days(params, today, definition.months)?;
    if ["rank_from", "rank_to", "orders_from"]
        .iter()
        .any(|name| params.get(name).is_some())
    {
        ask::whole_months(&days, "customer")?;
    }
    Ok(Wanted {
        measure,
        days,
        by: params.get("by"),
        key: params.get("key"),
        currency: params.get("currency"),
        convert: params.flag("convert", false)?,
        today,
        limit,
    })
}

/// Says whether the parameters ask for rows that a number of the report may have; the days they look at.
///
/// # Errors
/// `400` and `422` for what no number is made of.
pub fn check(definition: &Definition, params: &Params, today: Date) -> Result<Days, Problem> {
    Ok(wanted(definition, params, 1, today)?.days)
}

/// One page of the rows that the parameters ask for, at most `limit`; a page may be short though there are more.
///
/// # Errors
/// `400` and `422` for what no number of a report is made of.
pub async fn page(
    app: &App,
    caller: &Caller,
    definition: &Definition,
    params: &Params,
    (settings, today): (&Settings, Date),
    limit: usize,
    after: At,
) -> Result<Page, Problem> {
    let wanted = wanted(definition, params, limit, today)?;
    if params.get("orders_from").is_some() {
        let least = params.number("orders_from", 1, 1, 1_000_000)? as u64;
        ranks::with_orders(app, caller, &wanted, settings, least, &after).await
    } else if params.get("rank_from").is_some() || params.get("rank_to").is_some() {
        let ranks = (
            params.number("rank_from", 1, 1, usize::MAX)?,
            params.number("rank_to", usize::MAX, 1, usize::MAX)?,
        );
        ranks::rows(app, caller, &wanted, settings, ranks, &after).await
    } else if wanted.measure.is_none() {
        stock::rows(app, caller, &wanted, &after).await
    } else if wanted.by.is_some_and(scores::is_score) {
        scores::rows(app, caller, &wanted, settings, after).await
    } else {
        facts::rows(app, caller, &wanted, settings, after).await
    }
}

/// Where a record is.
fn href(record: &str) -> String {
    let path = match record.split_once('_').map(|(prefix, _)| prefix) {
        Some("con") => "contacts",
        Some("com") => "companies",
        Some("ord") => "orders",
        Some("prd") => "products",
        Some("tkt") => "tickets",
        Some("usr") => "users",
        _ => return String::new(),
    };
    format!("/v1/{path}/{record}")
}

/// The dimension of a word of the query.
fn dimension(word: &str) -> Result<Dimension, Problem> {
    Dimension::from_word(word)
        .ok_or_else(|| Invalid::one("by", "not_a_choice", "no number of a report is kept by this").into())
}

//! What a query asks of a report.

use jiff::ToSpan as _;
use jiff::civil::Date;
use rapport_domain::Invalid;
use rapport_http::problem::Code;
use rapport_http::{Params, Problem};
use rapport_reporting::period::{Days, Grain};
use rapport_reporting::report::{Ask, Definition};

/// The most days a report looks at: twenty years.
const MOST_DAYS: i64 = 7_306;

/// The most spans of time in one answer.
const MOST_SPANS: usize = 1_000;

/// The report of a name.
///
/// # Errors
/// `404`.
pub fn definition(name: &str) -> Result<&'static Definition, Problem> {
    rapport_reporting::report::find(name)
        .ok_or_else(|| Problem::not_found().detail("GET /v1/reports lists the reports there are"))
}

/// A day of the query.
///
/// # Errors
/// `400` when it is none.
fn day(params: &Params, name: &str) -> Result<Option<Date>, Problem> {
    params
        .get(name)
        .map(|text| {
            text.parse()
                .map_err(|_| Problem::new(Code::Malformed).detail(format!("{name} is a day such as 2026-11-22")))
        })
        .transpose()
}

/// The days of the query: by default this month and those before, so many in all.
///
/// # Errors
/// `400` for what is no day, `422` for days that do not follow each other or are too many.
pub fn days(params: &Params, today: Date, months: i32) -> Result<Days, Problem> {
    let to = day(params, "to")?.unwrap_or_else(|| today.last_of_month());
    let from = day(params, "from")?.unwrap_or_else(|| to.first_of_month().saturating_sub((months - 1).months()));
    let days = Days { from, to };
    if from > to {
        return Err(Invalid::one("from", "out_of_range", "from lies after to").into());
    }
    if days.count() > MOST_DAYS {
        return Err(Invalid::one("from", "out_of_range", "a report looks at twenty years at most").into());
    }
    Ok(days)
}

/// What the query asks.
///
/// # Errors
/// `400` for what cannot be read, `422` for what the report does not do.
pub fn ask(definition: &'static Definition, params: &Params, today: Date) -> Result<Ask, Problem> {
    let by = match params.get("by") {
        None => definition.by[0],
        Some(word) => definition.by.iter().find(|known| **known == word).ok_or_else(|| {
            Problem::from(Invalid::one(
                "by",
                "not_a_choice",
                format!("this report is grouped by one of: {}", definition.by.join(", ")),
            ))
        })?,
    };
    let ask = Ask {
        days: days(params, today, definition.months)?,
        by,
        limit: params.number("limit", 100, 1, 1_000)?,
        convert: params.flag("convert", false)?,
        today,
    };
    if let Some(grain) = Grain::from_word(by)
        && ask.days.spans(grain).len() > MOST_SPANS
    {
        let detail = format!("these are more than {MOST_SPANS} times: take longer ones or fewer days");
        return Err(Invalid::one("by", "too_many", detail).into());
    }
    let months_only = (definition.needs)(&ask)
        .iter()
        .any(|need| need.family.is_dated() && need.dimension != rapport_reporting::cells::Dimension::Day);
    if months_only {
        whole_months(&ask.days, by)?;
    }
    Ok(ask)
}

/// Refuses days that sums kept by month cannot answer.
///
/// # Errors
/// `422 not_whole_months`.
pub fn whole_months(days: &Days, by: &str) -> Result<(), Problem> {
    if days.are_months() {
        return Ok(());
    }
    Err(Invalid::one(
        "from",
        "not_whole_months",
        format!(
            "by {by} sums are kept by month: from is the first day of a month and to the last of one, such as {} and {}",
            days.from.first_of_month(),
            days.to.last_of_month()
        ),
    )
    .into())
}

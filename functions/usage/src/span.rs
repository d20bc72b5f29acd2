//! The days that are asked for.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use rapport_domain::usage::day_of;
use rapport_http::problem::Code;
use rapport_http::{Params, Problem};

/// How many days can be asked for at once.
const MOST: i64 = 400;

/// Reads `from` and `to`; this month until today when they are absent.
pub fn span(params: &Params, now: Timestamp) -> Result<(Date, Date), Problem> {
    params.only(&["from", "to"])?;
    let malformed = |detail: String| Problem::new(Code::Malformed).detail(detail);
    let day = |name: &str, default: Date| match params.get(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| malformed(format!("{name} is a day such as 2026-11-22"))),
    };
    let to = day("to", day_of(now))?;
    let from = day("from", to.first_of_month())?;
    let longest = from.checked_add(MOST.days()).unwrap_or(Date::MAX);
    if from > to || to > longest {
        return Err(malformed(format!("to is at or after from, by at most {MOST} days")));
    }
    Ok((from, to))
}

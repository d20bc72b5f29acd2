//! What a schedule asks on an occasion: the parameters of a report's query.

use jiff::civil::Date;
use rapport_domain::schedule::{MOST_GROUPS, Schedule};
use rapport_http::Params;

/// The parameters for a mail on a day.
#[must_use]
pub fn params(schedule: &Schedule, today: Date) -> Params {
    let query = &schedule.query;
    let (from, to) = query.span.days(today);
    let mut params = vec![
        ("from".to_owned(), from.to_string()),
        ("to".to_owned(), to.to_string()),
        ("convert".to_owned(), query.convert.to_string()),
        ("limit".to_owned(), query.limit.unwrap_or(MOST_GROUPS).to_string()),
    ];
    params.extend(query.by.as_ref().map(|by| ("by".to_owned(), by.clone())));
    Params(params)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::{Kind as _, Rules};
    use std::sync::Arc;

    #[test]
    fn a_schedule_asks_what_a_report_understands() {
        let rules = Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: Arc::default(),
            fields: Arc::default(),
        };
        let input =
            serde_json::json!({"report": "sales", "every": "month", "query": {"by": "day", "span": "last_month"}});
        let schedule = Schedule::create(serde_json::from_value(input).unwrap(), &rules).unwrap();
        let today = "2026-03-05".parse().unwrap();
        let params = params(&schedule, today);
        let definition = crate::ask::definition("sales").unwrap();
        let ask = crate::ask::ask(definition, &params, today).unwrap();
        assert_eq!((ask.days.from.to_string(), ask.by), ("2026-02-01".to_owned(), "day"));
        assert_eq!((ask.days.to.to_string(), ask.limit), ("2026-02-28".to_owned(), 1_000));
    }
}

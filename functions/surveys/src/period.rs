//! The days that results are of, and the links that list the answers and invitations behind a number.

use jiff::civil::{Date, Weekday};
use rapport_domain::RecordId;
use rapport_domain::survey::Invitation;
use rapport_http::list::Question;
use rapport_http::problem::Code;
use rapport_http::{Params, Problem};
use rapport_store::Stored as _;

/// The first and the last day, both included; open where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    pub from: Option<Date>,
    pub to: Option<Date>,
}

impl Period {
    /// Reads `from` and `to`.
    ///
    /// # Errors
    /// `400` where one is no day, or the last lies before the first.
    pub fn read(params: &Params) -> Result<Self, Problem> {
        let day = |name: &str| -> Result<Option<Date>, Problem> {
            let Some(text) = params.get(name) else { return Ok(None) };
            let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
            let wrong = || Problem::new(Code::Malformed).detail(format!("{name} takes a day such as 2026-11-22"));
            day.map(Some).ok_or_else(wrong)
        };
        let period = Self {
            from: day("from")?,
            to: day("to")?,
        };
        if let (Some(from), Some(to)) = (period.from, period.to)
            && from > to
        {
            return Err(Problem::new(Code::Malformed).detail("from lies after to"));
        }
        Ok(period)
    }

    /// The part of this that another has too.
    pub fn within(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            to: match (self.to, other.to) {
                (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
                (mine, theirs) => mine.or(theirs),
            },
        }
    }

    /// The month of a day and its name, `2026-11`.
    pub fn month(day: Date) -> (String, Self) {
        let period = Self {
            from: Some(day.first_of_month()),
            to: Some(day.last_of_month()),
        };
        (format!("{:04}-{:02}", day.year(), day.month()), period)
    }

    /// The ISO week of a day, from Monday, and its name, `2026-W47`.
    pub fn week(day: Date) -> (String, Self) {
        let week = day.iso_week_date();
        let on = |weekday| {
            let on = jiff::civil::ISOWeekDate::new(week.year(), week.week(), weekday);
            on.ok().map(jiff::civil::ISOWeekDate::date)
        };
        let period = Self {
            from: on(Weekday::Monday).or(Some(day)),
            to: on(Weekday::Sunday).or(Some(day)),
        };
        (format!("{:04}-W{:02}", week.year(), week.week()), period)
    }

    /// The filters of the list of invitations for these days, by the field that is meant.
    fn filters(self, field: &str) -> Vec<(String, String)> {
        let since = self.from.map(|day| (format!("{field}_since"), day.to_string()));
        let before = self.to.and_then(|day| day.tomorrow().ok());
        let before = before.map(|day| (format!("{field}_before"), day.to_string()));
        since.into_iter().chain(before).collect()
    }

    /// The list of the answers of these days, narrowed by one more filter.
    pub fn answers(self, survey: RecordId, also: Option<(&str, &str)>) -> String {
        self.list("answers_of", survey, "answered_on", also)
    }

    /// The list of the invitations that were due on these days, narrowed by one more filter.
    pub fn invitations(self, survey: RecordId, also: &[(&str, &str)]) -> String {
        let mut link = self.list("survey_id", survey, "due_on", None);
        for (name, value) in also {
            link.push_str(&format!("&{name}={value}"));
        }
        link
    }

    fn list(self, name: &str, survey: RecordId, field: &str, also: Option<(&str, &str)>) -> String {
        let mut pairs = vec![(name.to_owned(), survey.to_string())];
        pairs.extend(self.filters(field));
        pairs.extend(also.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
        format!("/v1/{}?{query}", Invitation::PLURAL)
    }

    /// The question that lists the answers of these days, the latest first.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn question(self, survey: RecordId) -> Result<Question, Problem> {
        let mut given = vec![("answers_of".to_owned(), survey.to_string())];
        given.extend(self.filters("answered_on"));
        let filters = given.into_iter().filter_map(|(name, value)| {
            let filter = Invitation::FILTERS.iter().find(|filter| filter.name == name);
            filter.map(|filter| (*filter, value))
        });
        // Days are days of the tenant already.
        Question::new::<Invitation>(filters.collect(), &jiff::tz::TimeZone::UTC)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn params(query: &str) -> Params {
        Params(serde_urlencoded::from_str(query).unwrap())
    }

    #[test]
    fn days_are_read_and_linked_to() {
        for (query, good) in [
            ("", true),
            ("from=2026-11-01&to=2026-11-01", true),
            ("from=2026-11-02&to=2026-11-01", false),
            ("from=2026-13-01", false),
            ("to=2026-11-01T00:00", false),
            ("to=x", false),
        ] {
            assert_eq!(Period::read(&params(query)).is_ok(), good, "{query}");
        }
        let survey = RecordId::new(rapport_domain::Prefix::Survey);
        let period = Period::read(&params("from=2026-11-01&to=2026-11-30")).unwrap();
        assert_eq!(
            period.answers(survey, Some(("segment", "at risk"))),
            format!(
                "/v1/survey-invitations?answers_of={survey}&answered_on_since=2026-11-01&answered_on_before=2026-12-01&segment=at+risk"
            )
        );
        assert_eq!(
            Period::default().invitations(survey, &[("status", "pending")]),
            format!("/v1/survey-invitations?survey_id={survey}&status=pending")
        );
    }

    #[test]
    fn months_and_weeks_are_cut_at_the_period_asked_for() {
        let (name, month) = Period::month(date(2026, 2, 14));
        assert_eq!((name.as_str(), month.to), ("2026-02", Some(date(2026, 2, 28))));
        let (name, week) = Period::week(date(2027, 1, 1));
        assert_eq!(
            (name.as_str(), week.from, week.to),
            ("2026-W53", Some(date(2026, 12, 28)), Some(date(2027, 1, 3)))
        );
        let asked = Period {
            from: Some(date(2026, 12, 30)),
            to: None,
        };
        assert_eq!(
            week.within(asked),
            Period {
                from: asked.from,
                to: week.to
            }
        );
    }
}

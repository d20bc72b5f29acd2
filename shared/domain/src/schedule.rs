//! Reports that are mailed time and again: which, in which form, and when.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::export::Format;
use crate::id::Prefix;
use crate::invalid::Invalid;
use crate::record::{Kind, Rules};
use crate::settings::millis;

/// At most so many groups are in a mailed report.
pub const MOST_GROUPS: u32 = 1_000;

/// The days that a mailed report looks at, seen from the day it is mailed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportSpan)]
pub enum DaySpan {
    /// The month before this one.
    #[default]
    LastMonth,
    /// This month.
    ThisMonth,
    /// The quarter before this one.
    LastQuarter,
    /// This year.
    ThisYear,
    /// The twelve months before this one.
    #[serde(rename = "last_12_months")]
    LastTwelveMonths,
}

impl DaySpan {
    /// The first and the last day, always of whole months.
    #[must_use]
    pub fn days(self, today: Date) -> (Date, Date) {
        let month = today.first_of_month();
        let back = |months: i32| month.saturating_sub(Span::new().months(months));
        // How many months of the quarter are over.
        let quarter = back(i32::from((today.month() - 1) % 3));
        match self {
            Self::LastMonth => (back(1), back(1).last_of_month()),
            Self::ThisMonth => (month, month.last_of_month()),
            Self::LastQuarter => (
                quarter.saturating_sub(3.months()),
                quarter.saturating_sub(1.month()).last_of_month(),
            ),
            Self::ThisYear => (today.first_of_year(), today.last_of_year()),
            Self::LastTwelveMonths => (back(12), back(1).last_of_month()),
        }
    }
}

/// What is asked of a mailed report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ReportScheduleQuery)]
pub struct ScheduleQuery {
    /// The grouping; the report's first where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The days.
    pub span: DaySpan,
    /// Whether amounts in other currencies are converted by the tenant's rates.
    pub convert: bool,
    /// At most so many groups, 1 to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// How often a report is mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportEvery)]
pub enum Every {
    /// Each day.
    Day,
    /// Once a week, on `weekday`.
    Week,
    /// Once a month, on `day_of_month`.
    Month,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportWeekday)]
pub enum Day {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Day {
    const fn weekday(self) -> Weekday {
        match self {
            Self::Monday => Weekday::Monday,
            Self::Tuesday => Weekday::Tuesday,
            Self::Wednesday => Weekday::Wednesday,
            Self::Thursday => Weekday::Thursday,
            Self::Friday => Weekday::Friday,
            Self::Saturday => Weekday::Saturday,
            Self::Sunday => Weekday::Sunday,
        }
    }
}

/// What may be set of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ReportScheduleIn)]
pub struct ScheduleIn {
    /// The report.
    pub report: Option<String>,
    /// What is asked of it.
    pub query: ScheduleQuery,
    /// The format of the attachment; a workbook where nothing is said.
    pub format: Option<Format>,
    /// How often.
    pub every: Option<Every>,
    /// The hour of the day, 0 to 23, in the tenant's time zone; 7 where nothing is said.
    pub hour: Option<i8>,
    /// The day of the week; Monday where nothing is said.
    pub weekday: Option<Day>,
    /// The day of the month, 1 to 28; the first where nothing is said.
    pub day_of_month: Option<i8>,
    /// Whether it is mailed at present; it is where nothing is said.
    pub enabled: Option<bool>,
}

/// A schedule. It belongs to the user who made it, to whom it is mailed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReportSchedule)]
pub struct Schedule {
    /// The report.
    pub report: String,
    /// What is asked of it.
    pub query: ScheduleQuery,
    /// The format of the attachment.
    pub format: Format,
    /// How often.
    pub every: Every,
    /// The hour of the day in the tenant's time zone.
    pub hour: i8,
    /// The day of the week, of a weekly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekday: Option<Day>,
    /// The day of the month, of a monthly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_of_month: Option<i8>,
    /// Whether it is mailed.
    pub enabled: bool,
    /// When it is mailed next.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    /// The occasion whose mail is being made.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub making: Option<Timestamp>,
    /// When it was last mailed.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_sent_at: Option<Timestamp>,
    /// Why the last one could not be made or mailed, in words; or why it was disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl Schedule {
    /// The next occasion after a moment. Where the clocks skip the hour, the next moment there is; where they repeat it, the
    /// first.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = after.to_zoned(zone.clone()).date();
        // A month has an occasion within 31 days of any day, and today's may be over.
        (0..=32).find_map(|days| {
            let day = today.saturating_add(Span::new().days(days));
            let fits = match self.every {
                Every::Day => true,
                Every::Week => self.weekday.is_some_and(|weekday| weekday.weekday() == day.weekday()),
                Every::Month => self.day_of_month == Some(day.day()),
            };
            let due = day.at(self.hour, 0, 0, 0).to_zoned(zone.clone()).ok()?.timestamp();
            (fits && due > after).then_some(due)
        })
    }

    /// An occasion that has come: the next one is known from now on, and this one is being made. The same again for the one
    /// that is being made; nothing for any other.
    #[must_use]
    pub fn begin(&self, due: Timestamp, now: Timestamp, zone: &TimeZone) -> Option<Self> {
        if !self.enabled {
            return None;
        }
        if self.making == Some(due) {
            return Some(self.clone());
        }
        (self.next_at == Some(due)).then(|| Self {
            making: Some(due),
            // What was missed while nothing ran is not caught up with.
            next_at: self.next_after(now.max(due), zone),
            ..self.clone()
        })
    }

    /// The mail of an occasion is out, or why it is not.
    #[must_use]
    pub fn end(&self, due: Timestamp, outcome: Result<Timestamp, &str>) -> Self {
        let mut next = self.clone();
        if next.making == Some(due) {
            next.making = None;
        }
        match outcome {
            Ok(at) => {
                next.last_sent_at = Some(at);
                next.last_error = None;
            }
            Err(why) => next.last_error = Some(why.to_owned()),
        }
        next
    }

    /// It is not mailed any more.
    #[must_use]
    pub fn stop(&self, why: &str) -> Self {
        Self {
            enabled: false,
            next_at: None,
            making: None,
            last_error: Some(why.to_owned()),
            ..self.clone()
        }
    }

    /// Whether two are mailed at the same times.
    fn same_times(&self, other: &Self) -> bool {
        let times = |one: &Self| (one.every, one.hour, one.weekday, one.day_of_month, one.enabled);
        times(self) == times(other)
    }
}

impl Kind for Schedule {
    const NOUN: &'static str = "report_schedule";
    const PREFIX: Prefix = Prefix::Schedule;
    type In = ScheduleIn;

    fn create(input: ScheduleIn, rules: &Rules) -> Result<Self, Invalid> {
        let ScheduleIn {
            report,
            query,
            format,
            every,
            hour,
            weekday,
            day_of_month,
            enabled,
        } = input;
        let mut invalid = Invalid::default();
        for (field, missing) in [("report", report.is_none()), ("every", every.is_none())] {
            if missing {
                invalid.add(field, "required", "this field is required");
            }
        }
        if report.as_ref().is_some_and(|report| report.chars().count() > 100) {
            invalid.add("report", "too_long", "a report's name has at most 100 characters");
        }
        if query.by.as_ref().is_some_and(|by| by.chars().count() > 100) {
            invalid.add("query/by", "too_long", "a grouping has at most 100 characters");
        }
        if query.limit.is_some_and(|limit| !(1..=MOST_GROUPS).contains(&limit)) {
            invalid.add("query/limit", "out_of_range", "a report has 1 to 1,000 groups");
        }
        if hour.is_some_and(|hour| !(0..=23).contains(&hour)) {
            invalid.add("hour", "out_of_range", "an hour is 0 to 23");
        }
        if day_of_month.is_some_and(|day| !(1..=28).contains(&day)) {
            invalid.add("day_of_month", "out_of_range", "a day that every month has is 1 to 28");
        }
        if weekday.is_some() && every != Some(Every::Week) {
            invalid.add("weekday", "not_allowed", "only a weekly report has a weekday");
        }
        if day_of_month.is_some() && every != Some(Every::Month) {
            invalid.add(
                "day_of_month",
                "not_allowed",
                "only a monthly report has a day of the month",
            );
        }
        invalid.check()?;
        let (Some(report), Some(every)) = (report, every) else {
            return Err(Invalid::one(
                "",
                "required",
                "a schedule has a report and says how often",
            ));
        };
        let mut schedule = Self {
            report,
            query,
            format: format.unwrap_or(Format::Xlsx),
            every,
            hour: hour.unwrap_or(7),
            weekday: (every == Every::Week).then(|| weekday.unwrap_or(Day::Monday)),
            day_of_month: (every == Every::Month).then(|| day_of_month.unwrap_or(1)),
            enabled: enabled.unwrap_or(true),
            next_at: None,
            making: None,
            last_sent_at: None,
            last_error: None,
        };
        if schedule.enabled {
            schedule.next_at = schedule.next_after(rules.now, &rules.settings.zone());
        }
        Ok(schedule)
    }

    fn editable(&self) -> ScheduleIn {
        ScheduleIn {
            report: Some(self.report.clone()),
            query: self.query.clone(),
            format: Some(self.format),
            every: Some(self.every),
            hour: Some(self.hour),
            weekday: self.weekday,
            day_of_month: self.day_of_month,
            enabled: Some(self.enabled),
        }
    }

    fn revise(&self, mut input: ScheduleIn, rules: &Rules) -> Result<Self, Invalid> {
        // A monthly report that becomes a weekly one leaves its day of the month behind.
        if input.every != Some(self.every) {
            input.weekday = input.weekday.filter(|_| input.every == Some(Every::Week));
            input.day_of_month = input.day_of_month.filter(|_| input.every == Some(Every::Month));
        }
        let mut next = Self::create(input, rules)?;
        if next.same_times(self) {
            next.next_at = self.next_at;
        }
        next.last_sent_at = self.last_sent_at;
        if next.enabled {
            next.making = self.making;
        }
        if next
            == (Self {
                last_error: None,
                ..self.clone()
            })
        {
            next.last_error.clone_from(&self.last_error);
        }
        Ok(next)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn rules(now: &str) -> Rules {
        Rules {
            now: now.parse().unwrap(),
            settings: Arc::default(),
            fields: Arc::default(),
        }
    }

    fn schedule(json: serde_json::Value) -> Result<Schedule, Invalid> {
        Schedule::create(serde_json::from_value(json).unwrap(), &rules("2026-11-22T00:00:00Z"))
    }

    #[test]
    fn the_days_of_a_span_are_whole_months() {
        for (span, today, from, to) in [
            (DaySpan::LastMonth, "2026-01-31", "2025-12-01", "2025-12-31"),
            (DaySpan::ThisMonth, "2026-02-03", "2026-02-01", "2026-02-28"),
            (DaySpan::LastQuarter, "2026-01-01", "2025-10-01", "2025-12-31"),
            (DaySpan::LastQuarter, "2026-06-30", "2026-01-01", "2026-03-31"),
            (DaySpan::LastQuarter, "2026-08-15", "2026-04-01", "2026-06-30"),
            (DaySpan::ThisYear, "2026-11-22", "2026-01-01", "2026-12-31"),
            (DaySpan::LastTwelveMonths, "2026-11-22", "2025-11-01", "2026-10-31"),
        ] {
            let days = (from.parse().unwrap(), to.parse().unwrap());
            assert_eq!(span.days(today.parse().unwrap()), days, "{span:?} {today}");
        }
    }

    #[test]
    fn the_next_occasion_follows_the_tenants_clock() {
        let day = json!({"report": "sales", "every": "day", "hour": 2});
        let week = json!({"report": "sales", "every": "week", "weekday": "monday", "hour": 9});
        let month = json!({"report": "sales", "every": "month", "day_of_month": 28, "hour": 0});
        for (schedule_json, after, zone, expected) in [
            (&day, "2026-11-22T01:59:59Z", "UTC", "2026-11-22T02:00:00Z"),
            (&day, "2026-11-22T02:00:00Z", "UTC", "2026-11-23T02:00:00Z"),
            (&day, "2026-11-22T00:00:00Z", "Asia/Shanghai", "2026-11-22T18:00:00Z"),
            // The clocks go from two to three, and back from three to two.
            (&day, "2026-03-28T12:00:00Z", "Europe/Berlin", "2026-03-29T01:00:00Z"),
            (&day, "2026-10-24T12:00:00Z", "Europe/Berlin", "2026-10-25T00:00:00Z"),
            (&day, "2026-10-25T00:00:00Z", "Europe/Berlin", "2026-10-26T01:00:00Z"),
            (&week, "2026-11-22T00:00:00Z", "UTC", "2026-11-23T09:00:00Z"),
            (&week, "2026-11-23T09:00:00Z", "UTC", "2026-11-30T09:00:00Z"),
            (&month, "2026-01-28T00:00:00Z", "UTC", "2026-02-28T00:00:00Z"),
            (&month, "2026-12-29T00:00:00Z", "UTC", "2027-01-28T00:00:00Z"),
        ] {
            let schedule = schedule(schedule_json.clone()).unwrap();
            let zone = TimeZone::get(zone).unwrap();
            let next = schedule.next_after(after.parse().unwrap(), &zone).unwrap();
            assert_eq!(next.to_string(), expected, "{schedule_json} after {after}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_schedule_is_said() {
        for (json, pointers) in [
            (json!({"report": "sales", "every": "day"}), &[][..]),
            (json!({}), &["#/report", "#/every"]),
            (json!({"report": "sales", "every": "day", "hour": 24}), &["#/hour"]),
            (
                json!({"report": "sales", "every": "month", "day_of_month": 29}),
                &["#/day_of_month"],
            ),
            (
                json!({"report": "sales", "every": "day", "weekday": "monday", "day_of_month": 1}),
                &["#/weekday", "#/day_of_month"],
            ),
            (json!({"report": "x".repeat(100), "every": "day"}), &[]),
            (json!({"report": "x".repeat(101), "every": "day"}), &["#/report"]),
            (
                json!({"report": "sales", "every": "day", "query": {"by": "x".repeat(100)}}),
                &[],
            ),
            (
                json!({"report": "sales", "every": "day", "query": {"by": "x".repeat(101)}}),
                &["#/query/by"],
            ),
            (
                json!({"report": "sales", "every": "day", "query": {"limit": 0, "span": "this_year"}}),
                &["#/query/limit"],
            ),
        ] {
            let found = schedule(json.clone()).err().unwrap_or_default();
            let found: Vec<_> = found.problems.iter().map(|problem| problem.pointer.as_str()).collect();
            assert_eq!(found, pointers, "{json}");
        }
    }

    #[test]
    fn an_occasion_is_made_once_and_the_chain_goes_on() {
        let zone = TimeZone::UTC;
        let daily = schedule(json!({"report": "sales", "every": "day", "hour": 2})).unwrap();
        let due = daily.next_at.unwrap();
        let begun = daily.begin(due, due, &zone).unwrap();
        assert_eq!(begun.next_at.unwrap().to_string(), "2026-11-23T02:00:00Z");
        assert_eq!(begun.begin(due, due, &zone), Some(begun.clone()), "it may come again");
        let ended = begun.end(due, Ok(due));
        assert_eq!((ended.making, ended.last_sent_at), (None, Some(due)));
        assert_eq!(ended.begin(due, due, &zone), None, "but not once it is out");
        // After a long silence only the latest is mailed.
        let late = "2026-12-24T03:00:00Z".parse().unwrap();
        let begun = daily.begin(due, late, &zone).unwrap();
        assert_eq!(begun.next_at.unwrap().to_string(), "2026-12-25T02:00:00Z");
        let stopped = begun.stop("the user is deactivated");
        assert_eq!((stopped.next_at, stopped.begin(due, due, &zone)), (None, None));
        assert_eq!(begun.end(due, Err("no")).last_error.as_deref(), Some("no"));
    }

    #[test]
    fn a_change_of_times_moves_the_next_occasion_and_another_does_not() {
        let later = rules("2026-11-22T05:00:00Z");
        let daily = schedule(json!({"report": "sales", "every": "day", "hour": 2})).unwrap();
        let change = |patch: &dyn Fn(&mut ScheduleIn)| {
            let mut input = daily.editable();
            patch(&mut input);
            daily.revise(input, &later).unwrap()
        };
        assert_eq!(change(&|_| ()), daily);
        assert_eq!(change(&|input| input.format = Some(Format::Csv)).next_at, daily.next_at);
        let moved = change(&|input| input.hour = Some(6));
        assert_eq!(moved.next_at.unwrap().to_string(), "2026-11-22T06:00:00Z");
        assert_eq!(change(&|input| input.enabled = Some(false)).next_at, None);
        let weekly = change(&|input| input.every = Some(Every::Week));
        assert_eq!(weekly.weekday, Some(Day::Monday));
    }

    #[test]
    fn a_stopped_schedule_says_why() {
        let daily = schedule(json!({"report": "sales", "every": "day", "hour": 2})).unwrap();
        let due = daily.next_at.unwrap();
        let begun = daily.begin(due, due, &TimeZone::UTC).unwrap();
        let stopped = begun.stop("the user is deactivated");
        let expected = Schedule {
            enabled: false,
            next_at: None,
            last_error: Some("the user is deactivated".to_owned()),
            ..daily
        };
        assert_eq!(stopped, expected);
    }

    #[test]
    fn a_change_of_rhythm_leaves_the_day_of_the_other_behind() {
        let day = json!({"report": "sales", "every": "day"});
        let week = json!({"report": "sales", "every": "week", "weekday": "friday"});
        let month = json!({"report": "sales", "every": "month", "day_of_month": 15});
        for (from, patch, expected) in [
            (&week, json!({"every": "month"}), Some((None, Some(1)))),
            (&week, json!({"every": "day"}), Some((None, None))),
            (&week, json!({"weekday": "monday"}), Some((Some(Day::Monday), None))),
            (&month, json!({"every": "week"}), Some((Some(Day::Monday), None))),
            (&month, json!({"every": "day"}), Some((None, None))),
            (
                &day,
                json!({"every": "week", "weekday": "friday"}),
                Some((Some(Day::Friday), None)),
            ),
            (
                &day,
                json!({"every": "month", "day_of_month": 15}),
                Some((None, Some(15))),
            ),
            (&day, json!({"weekday": "friday"}), None),
            (&week, json!({"day_of_month": 15}), None),
        ] {
            let old = schedule(from.clone()).unwrap();
            let mut value = serde_json::to_value(old.editable()).unwrap();
            crate::record::merge_patch(&mut value, patch.clone());
            let next = old.revise(serde_json::from_value(value).unwrap(), &rules("2026-11-22T00:00:00Z"));
            let found = next.ok().map(|next| (next.weekday, next.day_of_month));
            assert_eq!(found, expected, "{from} {patch}");
        }
    }

    #[test]
    fn what_went_wrong_is_told_until_the_schedule_is_changed() {
        let later = rules("2026-11-22T05:00:00Z");
        let daily = schedule(json!({"report": "sales", "every": "day", "hour": 2})).unwrap();
        let failed = daily.end(daily.next_at.unwrap(), Err("no such report"));
        assert_eq!(failed.revise(failed.editable(), &later).unwrap(), failed);
        let mut input = failed.editable();
        input.report = Some("orders".to_owned());
        assert_eq!(failed.revise(input, &later).unwrap().last_error, None);
    }
}

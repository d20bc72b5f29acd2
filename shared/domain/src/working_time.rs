//! Working time: how long is it, in the hours a firm works, from one moment to another, and which moment lies so much
//! working time ahead.
//!
//! A [`Calendar`] is the tenant's working hours by day of the week (several intervals a day), less its holidays, in its
//! time zone. Hours are those of the clock on the wall: where the clock is set forward, the hour that does not exist is
//! not worked; where it is set back, the hour that comes twice belongs to the interval that holds it, both times.
//! Nothing here looks further than ten years, so a calendar without any working time ends too: it has no deadlines.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::settings::{DAYS, Settings, time, time_end};

/// How far ahead or back working time is counted, in days.
const HORIZON_DAYS: u32 = 3_660;

/// When a firm works.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Monday first; the intervals of a day in order, without overlap.
    week: [Vec<(Time, Time)>; 7],
    holidays: BTreeSet<Date>,
    zone: TimeZone,
}

impl Calendar {
    /// The calendar of a tenant. Intervals that are malformed are left out: settings are checked before they are kept.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let week = DAYS.map(|day| {
            let intervals = settings.working_hours.get(day).map_or(&[][..], Vec::as_slice);
            let mut intervals: Vec<(Time, Time)> = intervals
                .iter()
                .filter_map(|(from, to)| Some((time(from)?, time_end(to)?)))
                .filter(|(from, to)| from < to)
                .collect();
            intervals.sort_unstable();
            intervals
        });
        Self {
            week,
            holidays: settings.holidays.iter().copied().collect(),
            zone: settings.zone(),
        }
    }

    /// The moment after so much working time from `from` on. No time at all gives `from` itself; a span that fits
    /// exactly ends with the interval it fits in. `None` when the calendar does not hold so much within ten years.
    #[must_use]
    pub fn add(&self, from: Timestamp, span: SignedDuration) -> Option<Timestamp> {
        if span <= SignedDuration::ZERO {
            return Some(from);
        }
        let mut left = span;
        for (start, end) in self.intervals(from) {
            let length = start.duration_until(end);
            if left <= length {
                return start.checked_add(left).ok();
            }
            left -= length;
        }
        None
    }

    /// [`Calendar::add`] in minutes.
    #[must_use]
    pub fn add_minutes(&self, from: Timestamp, minutes: u32) -> Option<Timestamp> {
        self.add(from, SignedDuration::from_mins(i64::from(minutes)))
    }

    /// How much working time lies between two moments; none where the second is not later. What lies more than ten
    /// years after the first is not counted.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        self.intervals(from)
            .take_while(|(start, _)| *start < to)
            .fold(SignedDuration::ZERO, |sum, (start, end)| {
                sum + start.duration_until(end.min(to))
            })
    }

    /// The first moment at or after `at` that is worked; `None` when there is none within ten years.
    #[must_use]
    pub fn next_working(&self, at: Timestamp) -> Option<Timestamp> {
        self.intervals(at).next().map(|(start, _)| start)
    }

    /// Whether a moment is worked.
    #[must_use]
    pub fn is_working(&self, at: Timestamp) -> bool {
        self.next_working(at) == Some(at)
    }

    /// The working intervals that end after `from`, in order, the first cut to begin at `from` at the earliest.
    fn intervals(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let first = from.to_zoned(self.zone.clone()).date();
        let works = self.week.iter().any(|day| !day.is_empty());
        let days = if works { HORIZON_DAYS } else { 0 };
        std::iter::successors(Some(first), |day| day.tomorrow().ok())
            .take(days as usize)
            .filter(|day| !self.holidays.contains(day))
            .flat_map(move |day| self.day(day))
            .filter_map(move |(start, end)| {
                let start = start.max(from);
                (start < end).then_some((start, end))
            })
    }

    fn day(&self, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let intervals = &self.week[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())];
        intervals.iter().filter_map(move |&(from, to)| {
            let end = if to == Time::MAX {
                // The end of the day is the beginning of the next, to the last nanosecond.
                self.moment(day.tomorrow().ok()?.to_datetime(Time::midnight()))?
            } else {
                self.moment(day.to_datetime(to))?
            };
            Some((self.moment(day.to_datetime(from))?, end))
        })
    }

    /// The moment at which the clock on the wall first shows a time or passes over it.
    fn moment(&self, at: DateTime) -> Option<Timestamp> {
        match self.zone.to_ambiguous_timestamp(at).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(at).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(at).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // Read with the later offset the time lies before the change, which is then the next.
                let before_change = after.to_timestamp(at).ok()?;
                self.zone
                    .following(before_change)
                    .next()
                    .map(|change| change.timestamp())
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calendar(zone: &str, hours: &[(&str, &[(&str, &str)])], holidays: &[&str]) -> Calendar {
        let mut settings = Settings {
            time_zone: zone.to_owned(),
            holidays: holidays.iter().map(|day| day.parse().unwrap()).collect(),
            ..Settings::default()
        };
        settings.working_hours = hours
            .iter()
            .map(|(day, intervals)| {
                let intervals = intervals.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
                ((*day).to_owned(), intervals.collect())
            })
            .collect();
        settings.check().unwrap();
        Calendar::of(&settings)
    }

    fn office(zone: &str, holidays: &[&str]) -> Calendar {
        let day: &[(&str, &str)] = &[("09:00", "12:00"), ("13:00", "18:00")];
        calendar(
            zone,
            &DAYS[..5].iter().map(|name| (*name, day)).collect::<Vec<_>>(),
            holidays,
        )
    }

    fn always(zone: &str) -> Calendar {
        calendar(zone, &DAYS.map(|day| (day, &[("00:00", "24:00")][..])), &[])
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn minutes_are_added_over_pauses_nights_weekends_and_holidays() {
        // 2026-11-20 is a Friday.
        let cases = [
            ("2026-11-20T09:00:00Z", 60, "2026-11-20T10:00:00Z"),
            ("2026-11-20T05:00:00Z", 60, "2026-11-20T10:00:00Z"),
            ("2026-11-20T11:30:00Z", 30, "2026-11-20T12:00:00Z"),
            ("2026-11-20T11:30:00Z", 31, "2026-11-20T13:01:00Z"),
            ("2026-11-20T12:30:00Z", 1, "2026-11-20T13:01:00Z"),
            ("2026-11-20T17:00:00Z", 120, "2026-11-23T10:00:00Z"),
            ("2026-11-21T10:00:00Z", 480, "2026-11-23T18:00:00Z"),
            ("2026-11-23T18:00:00Z", 1, "2026-11-25T09:01:00Z"),
            ("2026-11-20T12:30:00Z", 0, "2026-11-20T12:30:00Z"),
            ("2026-11-20T09:00:30.250Z", 1, "2026-11-20T09:01:30.250Z"),
            ("2026-11-16T09:00:00Z", 2_400, "2026-11-20T18:00:00Z"),
        ];
        let calendar = office("UTC", &["2026-11-24"]);
        for (from, minutes, expected) in cases {
            assert_eq!(
                calendar.add_minutes(at(from), minutes),
                Some(at(expected)),
                "{from} + {minutes}"
            );
            let counted = calendar.between(at(from), at(expected));
            assert_eq!(
                counted,
                SignedDuration::from_mins(i64::from(minutes)),
                "{from} … {expected}"
            );
        }
    }

    #[test]
    fn a_day_is_the_tenants_and_follows_its_clock() {
        let berlin = always("Europe/Berlin");
        let new_york = office("America/New_York", &[]);
        let shanghai = office("Asia/Shanghai", &["2026-11-23"]);
        let night = calendar(
            "America/New_York",
            &[("sun", &[("01:30", "02:15"), ("02:30", "04:00")])],
            &[],
        );
        let cases = [
            // 9:00 in Shanghai is 1:00 UTC; Monday 23rd is free.
            (&shanghai, "2026-11-22T00:00:00Z", 1, "2026-11-24T01:01:00Z"),
            // Summer ends on 1 November 2026: 9:00 is 13:00 UTC on Friday before, 14:00 on Monday after.
            (&new_york, "2026-10-30T12:00:00Z", 1, "2026-10-30T13:01:00Z"),
            (&new_york, "2026-10-31T12:00:00Z", 1, "2026-11-02T14:01:00Z"),
            // Round the clock a day of 25 hours and one of 23 are worked in full.
            (&berlin, "2026-10-24T22:00:00Z", 25 * 60, "2026-10-25T23:00:00Z"),
            (&berlin, "2026-03-28T23:00:00Z", 23 * 60, "2026-03-29T22:00:00Z"),
            // 8 March 2026, 2:00 to 3:00 does not exist: half an hour before it and one after it.
            (&night, "2026-03-08T05:00:00Z", 30, "2026-03-08T07:00:00Z"),
            (&night, "2026-03-08T05:00:00Z", 90, "2026-03-08T08:00:00Z"),
            (&night, "2026-03-08T05:00:00Z", 91, "2026-03-15T05:31:00Z"),
            // 1 November 2026, 1:00 to 2:00 comes twice: 1:30 to 2:15 lasts an hour and three quarters.
            (&night, "2026-11-01T04:00:00Z", 105, "2026-11-01T07:15:00Z"),
            (&night, "2026-11-01T04:00:00Z", 106, "2026-11-01T07:31:00Z"),
        ];
        for (calendar, from, minutes, expected) in cases {
            assert_eq!(
                calendar.add_minutes(at(from), minutes),
                Some(at(expected)),
                "{from} + {minutes}"
            );
        }
    }

    #[test]
    fn a_calendar_that_never_works_has_no_deadlines() {
        let never = calendar("UTC", &[], &[]);
        let empty = calendar("UTC", &[("mon", &[])], &[]);
        let now = at("2026-11-20T09:00:00Z");
        for calendar in [&never, &empty] {
            assert_eq!(calendar.add_minutes(now, 1), None);
            assert_eq!(calendar.next_working(now), None);
            assert_eq!(calendar.between(now, at("9999-01-01T00:00:00Z")), SignedDuration::ZERO);
        }
        // One hour a week holds 31 days' worth of minutes only after ten years: said at once, not searched for ever.
        let rare = calendar("UTC", &[("mon", &[("09:00", "10:00")])], &[]);
        assert_eq!(rare.add_minutes(now, 100_000), None);
        assert_eq!(office("UTC", &[]).add_minutes(Timestamp::MAX, 1), None);
    }

    #[test]
    fn the_next_working_moment_is_the_moment_itself_when_that_is_worked() {
        let calendar = office("UTC", &["2026-11-23"]);
        for (from, expected) in [
            ("2026-11-20T09:00:00Z", "2026-11-20T09:00:00Z"),
            ("2026-11-20T10:10:00Z", "2026-11-20T10:10:00Z"),
            ("2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"),
            ("2026-11-20T18:00:00Z", "2026-11-24T09:00:00Z"),
        ] {
            assert_eq!(calendar.next_working(at(from)), Some(at(expected)), "{from}");
            assert_eq!(calendar.is_working(at(from)), from == expected, "{from}");
        }
    }

    fn zones() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "UTC",
            "Asia/Shanghai",
            "America/New_York",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
            "Asia/Kathmandu",
        ])
    }

    /// Two intervals a day anywhere in it, on the days of a mask, in any zone.
    fn calendars() -> impl Strategy<Value = Calendar> {
        (zones(), 1u8..128, prop::array::uniform4(0u8..96), 0i8..14).prop_map(|(zone, days, mut cuts, free)| {
            cuts.sort_unstable();
            let clock = |quarter: u8| format!("{:02}:{:02}", quarter / 4, quarter % 4 * 15);
            let intervals: Vec<(String, String)> = [(cuts[0], cuts[1] + 1), (cuts[2] + 1, cuts[3] + 1)]
                .into_iter()
                .filter(|(from, to)| from < to)
                .map(|(from, to)| (clock(from), clock(to)))
                .collect();
            let mut settings = Settings {
                time_zone: zone.to_owned(),
                holidays: vec![Date::constant(2026, 11, 1 + free)],
                ..Settings::default()
            };
            settings.working_hours = (0..7)
                .filter(|day| days & (1 << day) != 0)
                .map(|day| (DAYS[day].to_owned(), intervals.clone()))
                .collect();
            settings.check().unwrap();
            Calendar::of(&settings)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn adding_is_monotone_additive_and_undone_by_counting(
            calendar in calendars(),
            // Over a year, so that clocks change in it.
            start in 1_790_000_000i64..1_825_000_000,
            gap in 0i64..400_000,
            a in 1u32..3_000,
            b in 0u32..3_000,
        ) {
            let from = Timestamp::from_second(start).unwrap();
            let later = Timestamp::from_second(start + gap).unwrap();
            let end = calendar.add_minutes(from, a).unwrap();
            prop_assert!(end > from);
            prop_assert!(calendar.add_minutes(later, a).unwrap() >= end);
            prop_assert_eq!(calendar.add_minutes(end, b), calendar.add_minutes(from, a + b));
            prop_assert_eq!(calendar.between(from, end), SignedDuration::from_mins(i64::from(a)));
            let far = calendar.add_minutes(end, b).unwrap();
            prop_assert_eq!(calendar.between(from, far), calendar.between(from, end) + calendar.between(end, far));
            prop_assert!(calendar.between(from, later) <= from.duration_until(later));
        }
    }
}

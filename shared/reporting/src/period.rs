//! Days and the spans they are grouped into.

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};

/// A grouping of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    /// Days: `2026-11-22`.
    Day,
    /// Weeks of ISO 8601, from Monday: `2026-W47`.
    Week,
    /// Months: `2026-11`.
    Month,
    /// Quarters: `2026-Q4`.
    Quarter,
    /// Years: `2026`.
    Year,
}

impl Grain {
    /// All of them, with their words.
    pub const ALL: [(&'static str, Self); 5] = [
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("quarter", Self::Quarter),
        ("year", Self::Year),
    ];

    /// What a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, grain)| *grain)
    }

    /// The first day of the span that a day lies in.
    #[must_use]
    pub fn start(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => {
                let since = day.weekday().to_monday_zero_offset();
                day.saturating_sub(Span::new().days(i64::from(since)))
            }
            Self::Month => day.first_of_month(),
            Self::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).unwrap_or(day),
            Self::Year => day.first_of_year(),
        }
    }

    /// The first day of the next span.
    #[must_use]
    pub fn next(self, day: Date) -> Date {
        let span = match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
            Self::Quarter => 3.months(),
            Self::Year => 1.year(),
        };
        self.start(day).saturating_add(span)
    }

    /// The name of the span that a day lies in.
    #[must_use]
    pub fn name(self, day: Date) -> String {
        match self {
            Self::Day => day.to_string(),
            Self::Week => {
                let week = day.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month => month_of(day),
            Self::Quarter => format!("{:04}-Q{}", day.year(), (day.month() - 1) / 3 + 1),
            Self::Year => format!("{:04}", day.year()),
        }
    }
}

/// The month of a day: `2026-11`.
#[must_use]
pub fn month_of(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

/// The first day of a month.
#[must_use]
pub fn first_of(month: &str) -> Option<Date> {
    format!("{month}-01").parse().ok()
}

/// Days from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: Date,
    /// The last.
    pub to: Date,
}

impl Days {
    /// How many they are; at least one.
    #[must_use]
    pub fn count(self) -> i64 {
        i64::from(self.from.until(self.to).map_or(0, |span| span.get_days())) + 1
    }

    /// Whether a day is among them.
    #[must_use]
    pub fn has(self, day: Date) -> bool {
        (self.from..=self.to).contains(&day)
    }

    /// Whether they are whole months.
    #[must_use]
    pub fn are_months(self) -> bool {
        self.from.day() == 1 && self.to == self.to.last_of_month()
    }

    /// As many days just before them: whole months before whole months.
    #[must_use]
    pub fn before(self) -> Self {
        let to = self.from.saturating_sub(1.day());
        let from = if self.are_months() {
            let months =
                i32::from(self.to.year() - self.from.year()) * 12 + i32::from(self.to.month() - self.from.month()) + 1;
            self.from.saturating_sub(i64::from(months).months())
        } else {
            self.from.saturating_sub(self.count().days())
        };
        Self { from, to }
    }

    /// The months they touch, rising.
    #[must_use]
    pub fn months(self) -> Vec<String> {
        self.spans(Grain::Month)
            .iter()
            .map(|days| month_of(days.from))
            .collect()
    }

    /// The spans they touch, each cut to these days, rising.
    #[must_use]
    pub fn spans(self, grain: Grain) -> Vec<Self> {
        let mut spans = Vec::new();
        let mut from = self.from;
        while from <= self.to {
            let next = grain.next(from);
            let last = next.saturating_sub(1.day());
            spans.push(Self {
                from,
                to: last.min(self.to),
            });
            if next <= from {
                // The calendar's end.
                break;
            }
            from = next;
        }
        spans
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn days(from: &str, to: &str) -> Days {
        Days {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        }
    }

    #[test]
    fn spans_are_named_and_cut() {
        for (grain, from, to, expected) in [
            (
                Grain::Day,
                "2024-02-28",
                "2024-03-01",
                "2024-02-28 2024-02-29 2024-03-01",
            ),
            (Grain::Week, "2024-12-29", "2025-01-06", "2024-W52 2025-W01 2025-W02"),
            (Grain::Month, "2025-01-31", "2025-03-01", "2025-01 2025-02 2025-03"),
            (
                Grain::Quarter,
                "2025-03-31",
                "2025-10-01",
                "2025-Q1 2025-Q2 2025-Q3 2025-Q4",
            ),
            (Grain::Year, "2024-12-31", "2025-01-01", "2024 2025"),
        ] {
            let days = days(from, to);
            let spans = days.spans(grain);
            let names: Vec<String> = spans.iter().map(|span| grain.name(span.from)).collect();
            assert_eq!(names.join(" "), expected);
            assert_eq!(
                spans.iter().map(|span| span.count()).sum::<i64>(),
                days.count(),
                "{from}"
            );
            assert_eq!((spans[0].from, spans[spans.len() - 1].to), (days.from, days.to));
        }
    }

    #[test]
    fn the_days_before_are_as_many() {
        for (from, to, before) in [
            ("2025-03-01", "2025-03-31", ("2025-02-01", "2025-02-28")),
            ("2025-01-01", "2025-12-31", ("2024-01-01", "2024-12-31")),
            ("2025-03-10", "2025-03-12", ("2025-03-07", "2025-03-09")),
        ] {
            assert_eq!(super::tests::days(from, to).before(), days(before.0, before.1));
        }
    }
}

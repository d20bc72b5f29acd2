//! What a firm uses of the service: counted by the day in UTC, paid for afterwards.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::TenantId;
use crate::settings::millis;

/// How long after its end a day may still be added to: what processes counted late.
pub const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// How long after its end a day is closed: then its billing records stay as they are.
pub const CLOSED_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// The day of a moment.
#[must_use]
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// When a day begins.
#[must_use]
pub fn begin_of(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC)
        .map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

/// When the month of a moment ends.
#[must_use]
pub fn month_end(at: Timestamp) -> Timestamp {
    let next = day_of(at).first_of_month().checked_add(1.month());
    next.map_or(Timestamp::MAX, begin_of)
}

/// When a day ends.
fn end_of(day: Date) -> Timestamp {
    day.checked_add(1.day()).map_or(Timestamp::MAX, begin_of)
}

/// Whether what was counted on a day still belongs to that day; later it belongs to the day on which it is told of.
#[must_use]
pub fn takes_more(day: Date, now: Timestamp) -> bool {
    now.duration_since(end_of(day)) < SETTLED_AFTER
}

/// Whether nothing is added to a day any more.
#[must_use]
pub fn is_closed(day: Date, now: Timestamp) -> bool {
    now.duration_since(end_of(day)) >= CLOSED_AFTER
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of the interface.
    pub calls: u64,
    /// Read units of the store, in thousandths.
    pub read: u64,
    /// Write units of the store, in thousandths.
    pub write: u64,
    /// Microseconds of processing.
    pub micros: u64,
    /// Messages of queues worked on.
    pub messages: u64,
    /// Mails sent.
    pub mails: u64,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub fn with(self, other: &Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            read: self.read + other.read,
            write: self.write + other.write,
            micros: self.micros + other.micros,
            messages: self.messages + other.messages,
            mails: self.mails + other.mails,
        }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.read += other.read;
        self.write += other.write;
        self.micros += other.micros;
        self.messages += other.messages;
        self.mails += other.mails;
    }
}

/// How much of one kind of record there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Records, those that wait for their final removal left out.
    pub count: u64,
    /// Bytes, those of records that wait for their final removal too.
    pub bytes: u64,
    /// When they were counted.
    #[serde(with = "millis")]
    pub at: Timestamp,
}

/// How much of each kind there is, by noun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tallies(pub BTreeMap<String, Tally>);

impl Tallies {
    /// How many records of a kind there are.
    #[must_use]
    pub fn count(&self, noun: &str) -> u64 {
        self.0.get(noun).map_or(0, |tally| tally.count)
    }

    /// The bytes of all kinds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.values().map(|tally| tally.bytes).sum()
    }

    /// Takes a newer count of one kind; `false` when a newer one is known.
    pub fn take(&mut self, noun: &str, tally: Tally) -> bool {
        let newer = self.0.get(noun).is_none_or(|known| known.at < tally.at);
        if newer {
            self.0.insert(noun.to_owned(), tally);
        }
        newer
    }
}

/// What is billed of one day: so much of one thing. The same day always gives the same records under the same ids, so that
/// whoever takes them twice has them once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BillingRecord {
    /// Tenant, day and what: the same whenever it is asked for.
    pub id: String,
    /// Whose.
    #[schema(value_type = String)]
    pub tenant: TenantId,
    /// The day, in UTC.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// Of what.
    pub what: String,
    /// How much.
    pub quantity: String,
    /// In what.
    pub unit: String,
}

/// The billing records of a day.
#[must_use]
pub fn billing(tenant: TenantId, day: Date, counts: &Counts, tallies: &Tallies) -> Vec<BillingRecord> {
    let records: u64 = tallies.0.values().map(|tally| tally.count).sum();
    [
        ("calls", counts.calls.to_string(), "call"),
        ("mails", counts.mails.to_string(), "mail"),
        ("messages", counts.messages.to_string(), "message"),
        ("processing", thousandths(counts.micros), "millisecond"),
        ("read_units", thousandths(counts.read), "unit"),
        ("records", records.to_string(), "record"),
        ("storage", tallies.bytes().to_string(), "byte"),
        ("write_units", thousandths(counts.write), "unit"),
    ]
    .into_iter()
    .map(|(what, quantity, unit)| BillingRecord {
        id: format!("{tenant}#{day}#{what}"),
        tenant,
        day,
        what: what.to_owned(),
        quantity,
        unit: unit.to_owned(),
    })
    .collect()
}

/// A number of thousandths as a decimal, without zeros at the end.
fn thousandths(number: u64) -> String {
    let text = format!("{}.{:03}", number / 1_000, number % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_takes_more_for_an_hour_and_is_closed_after_two() {
        let day: Date = "2026-02-28".parse().unwrap();
        for (now, more, closed) in [
            ("2026-02-28T00:00:00Z", true, false),
            ("2026-02-28T23:59:59.999Z", true, false),
            ("2026-03-01T00:59:59.999Z", true, false),
            ("2026-03-01T01:00:00Z", false, false),
            ("2026-03-01T01:59:59.999Z", false, false),
            ("2026-03-01T02:00:00Z", false, true),
        ] {
            assert_eq!(
                (takes_more(day, at(now)), is_closed(day, at(now))),
                (more, closed),
                "{now}"
            );
        }
    }

    #[test]
    fn months_end_with_their_last_day_in_utc() {
        for (now, end) in [
            ("2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z"),
            ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            ("2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z"),
        ] {
            assert_eq!(month_end(at(now)), at(end));
        }
    }

    #[test]
    fn an_older_count_replaces_no_newer_one() {
        let tally = |count, time| Tally {
            count,
            bytes: 10 * count,
            at: at(time),
        };
        let mut tallies = Tallies::default();
        assert!(tallies.take("lead", tally(3, "2026-01-01T00:00:02Z")));
        assert!(!tallies.take("lead", tally(2, "2026-01-01T00:00:01Z")));
        assert!(tallies.take("contact", tally(5, "2026-01-01T00:00:01Z")));
        assert_eq!(
            (tallies.count("lead"), tallies.count("order"), tallies.bytes()),
            (3, 0, 80)
        );
        let text = serde_json::to_string(&tallies).unwrap();
        assert_eq!(serde_json::from_str::<Tallies>(&text).unwrap(), tallies);
    }

    #[test]
    fn a_day_is_billed_thing_by_thing() {
        let tenant = TenantId::new();
        let day: Date = "2026-02-28".parse().unwrap();
        let counts = Counts {
            calls: 51,
            read: 10_500,
            write: 3_000,
            micros: 1_234_560,
            messages: 7,
            mails: 2,
        };
        let mut tallies = Tallies::default();
        tallies.take(
            "lead",
            Tally {
                count: 4,
                bytes: 8_192,
                at: at("2026-02-28T12:00:00Z"),
            },
        );
        let records = billing(tenant, day, &counts, &tallies);
        let short: Vec<_> = records
            .iter()
            .map(|record| (record.what.as_str(), record.quantity.as_str(), record.unit.as_str()))
            .collect();
        assert_eq!(
            short,
            [
                ("calls", "51", "call"),
                ("mails", "2", "mail"),
                ("messages", "7", "message"),
                ("processing", "1234.56", "millisecond"),
                ("read_units", "10.5", "unit"),
                ("records", "4", "record"),
                ("storage", "8192", "byte"),
                ("write_units", "3", "unit"),
            ]
        );
        assert_eq!(records[0].id, format!("{tenant}#2026-02-28#calls"));
    }

    #[test]
    fn counts_are_added_each_to_its_own() {
        let counts = |[calls, read, write, micros, messages, mails]: [u64; 6]| Counts {
            calls,
            read,
            write,
            micros,
            messages,
            mails,
        };
        let (one, other) = ([2, 3, 5, 7, 11, 13], [17, 19, 23, 29, 31, 37]);
        let both = counts([19, 22, 28, 36, 42, 50]);
        assert_eq!(counts(one).with(&counts(other)), both);
        let mut sum = counts(one);
        sum += counts(other);
        assert_eq!(sum, both);
        assert!(Counts::default().is_empty());
        for n in 0..6 {
            let mut single = [0; 6];
            single[n] = 1;
            assert!(!counts(single).is_empty(), "{single:?}");
        }
    }

    #[test]
    fn only_a_newer_count_of_a_kind_is_taken() {
        for (known, came, taken) in [
            ("2026-01-01T00:00:02Z", "2026-01-01T00:00:01Z", false),
            ("2026-01-01T00:00:02Z", "2026-01-01T00:00:02Z", false),
            ("2026-01-01T00:00:02Z", "2026-01-01T00:00:03Z", true),
        ] {
            let tally = |count, time| Tally {
                count,
                bytes: 1,
                at: at(time),
            };
            let mut tallies = Tallies::default();
            tallies.take("lead", tally(1, known));
            assert_eq!(tallies.take("lead", tally(2, came)), taken, "{came}");
            assert_eq!(tallies.count("lead"), if taken { 2 } else { 1 }, "{came}");
        }
    }
}

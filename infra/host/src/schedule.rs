//! Schedules as EventBridge writes them: `rate(5 minutes)` and `cron(0 3 * * ? *)`. And the time that the
//! host's parts go by.

use std::pin::Pin;
use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rapport_runtime::Clock;

/// The machine's time, for what is no business of the product's clock.
#[must_use]
pub fn now() -> Timestamp {
    #[allow(clippy::disallowed_methods, reason = "the host stands outside the product's clock")]
    Timestamp::now()
}

/// The time that functions, queues and schedules go by, and waiting for a later one.
#[derive(Clone, Debug)]
pub struct Time {
    clock: Clock,
    /// How long a wait lasts before it looks at the clock again.
    step: Duration,
}

impl Time {
    /// The system's time. A clock that the operator sets right is noticed within the minute.
    #[must_use]
    pub fn system() -> Self {
        Self {
            clock: Clock::default(),
            step: Duration::from_secs(60),
        }
    }

    /// A clock that a test sets forward: delayed messages and schedules become due at once.
    #[must_use]
    pub fn of_test(clock: Clock) -> Self {
        Self {
            clock,
            step: Duration::from_millis(50),
        }
    }

    /// The clock that functions are given.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Ends once the time is at least `due`.
    pub async fn sleep_until(&self, due: Timestamp) {
        while !self.is_reached(due).await {}
    }

    /// Waits for `due`, but not for long at once; whether it has come.
    async fn is_reached(&self, due: Timestamp) -> bool {
        let left = due.as_millisecond() - self.now().as_millisecond();
        match u64::try_from(left) {
            Ok(left) if left > 0 => {
                tokio::time::sleep(Duration::from_millis(left).min(self.step)).await;
                false
            }
            _ => true,
        }
    }

    /// Waits for what is due next, and gives it. Where the clock is set back meanwhile, that is what is due by it then.
    pub(crate) async fn reach(&self, mut due: Timestamp, times: &Schedule) -> Timestamp {
        let mut before = self.now();
        while !self.is_reached(due).await {
            let now = self.now();
            if now < before {
                due = times.after(now).unwrap_or(due);
            }
            before = now;
        }
        due
    }
}

impl rapport_sqs::Clock for Time {
    fn now_ms(&self) -> i64 {
        self.now().as_millisecond()
    }

    fn sleep_until(&self, at_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let due = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MAX);
        Box::pin(Self::sleep_until(self, due))
    }
}

/// When something is due, again and again.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Every so many seconds, counted from the epoch so that a restart keeps the rhythm.
    Every(i64),
    /// At the minutes a cron expression names.
    Cron(Box<Cron>),
}

/// The six fields of a cron expression, as what each allows.
#[derive(Clone, Debug)]
pub struct Cron {
    minutes: Allowed,
    hours: Allowed,
    days: Allowed,
    months: Allowed,
    /// 1 is Sunday.
    weekdays: Allowed,
    years: Allowed,
    zone: TimeZone,
}

/// Why an expression is not understood.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(pub String);

#[derive(Clone, Debug)]
enum Allowed {
    All,
    Some(Vec<i16>),
}

impl Allowed {
    fn has(&self, value: i16) -> bool {
        match self {
            Self::All => true,
            Self::Some(values) => values.contains(&value),
        }
    }
}

impl Schedule {
    /// Reads an expression; a time zone counts for cron only, and is UTC unless given.
    ///
    /// # Errors
    /// When the expression or the zone is not understood.
    pub fn parse(expression: &str, zone: Option<&str>) -> Result<Self, ScheduleError> {
        let refuse = || ScheduleError(format!("the schedule {expression} is not understood"));
        if let Some(inner) = inside(expression, "rate(") {
            let mut words = inner.split_whitespace();
            let (Some(count), Some(unit), None) = (words.next(), words.next(), words.next()) else {
                return Err(refuse());
            };
            let unit = match unit {
                "minute" | "minutes" => 60,
                "hour" | "hours" => 3_600,
                "day" | "days" => 86_400,
                _ => return Err(refuse()),
            };
            let count: i64 = count.parse().map_err(|_| refuse())?;
            if !(1..=10_000).contains(&count) {
                return Err(refuse());
            }
            return Ok(Self::Every(count * unit));
        }
        let inner = inside(expression, "cron(").ok_or_else(refuse)?;
        let fields: Vec<&str> = inner.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays, years] = fields[..] else {
            return Err(refuse());
        };
        let field = |text, low, high, names| field(text, low, high, names).ok_or_else(refuse);
        Ok(Self::Cron(Box::new(Cron {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 1, 7, &WEEKDAYS)?,
            years: field(years, 1970, 2199, &[])?,
            zone: match zone {
                None | Some("UTC") => TimeZone::UTC,
                Some(name) => {
                    TimeZone::get(name).map_err(|_| ScheduleError(format!("the time zone {name} is not known")))?
                }
            },
        })))
    }

    /// The first due time after `now`; `None` when there is none any more.
    #[must_use]
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(seconds) => {
                let next = now.as_second().div_euclid(*seconds) + 1;
                Timestamp::from_second(next * seconds).ok()
            }
            Self::Cron(cron) => cron.after(now),
        }
    }
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

fn inside<'a>(expression: &'a str, start: &str) -> Option<&'a str> {
    expression.trim().strip_prefix(start)?.strip_suffix(')')
}

fn field(text: &str, low: i16, high: i16, names: &[&str]) -> Option<Allowed> {
    if text == "*" || text == "?" {
        return Some(Allowed::All);
    }
    let value = |word: &str| -> Option<i16> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(word));
        let value = match named {
            Some(index) => i16::try_from(index).ok()? + 1,
            None => word.parse().ok()?,
        };
        (low..=high).contains(&value).then_some(value)
    };
    let mut values = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (part, 1_usize),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (value(from)?, value(to)?),
            None if range == "*" => (low, high),
            None if part.contains('/') => (value(range)?, high),
            None => (value(range)?, value(range)?),
        };
        values.extend((from..=to).step_by(step));
    }
    (!values.is_empty()).then_some(Allowed::Some(values))
}

impl Cron {
    fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let start = now.to_zoned(self.zone.clone()).datetime();
        let mut day = start.date();
        // Four years and a day hold every date there is, the 29th of February among them; twice that holds the gap
        // around a year that is no leap year.
        for _ in 0..3_000 {
            if self.allows(day) {
                for hour in (0_i8..24).filter(|hour| self.hours.has(i16::from(*hour))) {
                    for minute in (0_i8..60).filter(|minute| self.minutes.has(i16::from(*minute))) {
                        let at = day.at(hour, minute, 0, 0).to_zoned(self.zone.clone()).ok()?;
                        if at.timestamp() > now {
                            return Some(at.timestamp());
                        }
                    }
                }
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }

    fn allows(&self, day: Date) -> bool {
        let weekday = match day.weekday() {
            Weekday::Sunday => 1,
            other => i16::from(other.to_monday_one_offset()) + 1,
        };
        self.years.has(day.year())
            && self.months.has(i16::from(day.month()))
            && self.days.has(i16::from(day.day()))
            && self.weekdays.has(weekday)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_schedule_goes_on_though_the_clock_is_set_back() {
        let clock = Clock::default();
        clock.advance(jiff::SignedDuration::from_hours(24));
        let (time, times) = (Time::of_test(clock.clone()), Schedule::Every(3_600));
        let due = times.after(time.now()).unwrap();
        let waiting = tokio::spawn(async move { time.reach(due, &times).await });
        tokio::time::sleep(Duration::from_millis(60)).await;
        clock.advance(jiff::SignedDuration::from_hours(-24));
        tokio::time::sleep(Duration::from_millis(120)).await;
        assert!(!waiting.is_finished());
        clock.advance(jiff::SignedDuration::from_hours(1));
        let found = waiting.await.unwrap();
        assert!(
            found < due && found <= clock.now(),
            "{found} is of the hour that was, not of {due}"
        );
    }

    #[test]
    fn the_next_time_is_found() {
        // A Sunday.
        let now: Timestamp = "2026-11-22T15:56:20Z".parse().unwrap();
        let cases = [
            ("rate(1 minute)", "UTC", "2026-11-22T15:57:00Z"),
            ("rate(5 minutes)", "UTC", "2026-11-22T16:00:00Z"),
            ("rate(1 day)", "UTC", "2026-11-23T00:00:00Z"),
            ("cron(* * * * ? *)", "UTC", "2026-11-22T15:57:00Z"),
            ("cron(0/15 * * * ? *)", "UTC", "2026-11-22T16:00:00Z"),
            ("cron(30 3 * * ? *)", "UTC", "2026-11-23T03:30:00Z"),
            ("cron(30 3 * * ? *)", "Asia/Shanghai", "2026-11-22T19:30:00Z"),
            ("cron(0 9 ? * MON-FRI *)", "UTC", "2026-11-23T09:00:00Z"),
            ("cron(0 9 ? * 1 *)", "UTC", "2026-11-29T09:00:00Z"),
            ("cron(0 0 29 FEB ? *)", "UTC", "2028-02-29T00:00:00Z"),
            ("cron(5,10 1-2 1 JAN,JUL ? 2027)", "UTC", "2027-01-01T01:05:00Z"),
        ];
        for (expression, zone, expected) in cases {
            let schedule = Schedule::parse(expression, Some(zone)).unwrap();
            assert_eq!(schedule.after(now).unwrap().to_string(), expected, "{expression}");
        }
        let past = Schedule::parse("cron(0 0 1 1 ? 2020)", None).unwrap();
        assert_eq!(past.after(now), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for expression in [
            "",
            "rate(0 minutes)",
            "rate(1 fortnight)",
            "rate(minute)",
            "cron(* * * *)",
            "cron(61 * * * ? *)",
            "cron(0 0 L * ? *)",
            "cron(0 0 ? * 2#1 *)",
            "cron(0/0 * * * ? *)",
            "at(2026-11-22T00:00:00)",
        ] {
            assert!(Schedule::parse(expression, None).is_err(), "{expression}");
        }
        assert!(Schedule::parse("cron(0 0 * * ? *)", Some("Moon/Sea")).is_err());
    }
}

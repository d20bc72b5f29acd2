//! When and whom to ask: the delay, the quiet hours, the sample.

use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::id::RecordId;
use crate::record::Rules;
use crate::settings::{QuietHours, time};

/// When to ask: the delay after the occasion, but not before now and not in the quiet hours.
#[must_use]
pub fn due(occasion: Timestamp, now: Timestamp, rules: &Rules) -> Timestamp {
    let survey = &rules.settings.survey;
    let delayed = occasion
        .checked_add(SignedDuration::from_mins(i64::from(survey.delay_minutes)))
        .unwrap_or(now);
    after_quiet_hours(delayed.max(now), survey.quiet_hours.as_ref(), &rules.settings.zone())
}

/// The first moment at or after `at` that is not in the quiet hours. They begin at `from` and end before `to`, on the
/// clock on the wall, across midnight where `from` is the later of the two.
#[must_use]
pub fn after_quiet_hours(at: Timestamp, quiet: Option<&QuietHours>, zone: &TimeZone) -> Timestamp {
    let Some((from, to)) = quiet.and_then(|quiet| Some((time(&quiet.from)?, time(&quiet.to)?))) else {
        return at;
    };
    let local = at.to_zoned(zone.clone()).datetime();
    if !is_quiet(local.time(), from, to) {
        return at;
    }
    let ends_today = local.time() < to;
    let day = if ends_today {
        Some(local.date())
    } else {
        local.date().tomorrow().ok()
    };
    day.and_then(|day| moment(day.to_datetime(to), at, zone)).unwrap_or(at)
}

fn is_quiet(time: Time, from: Time, to: Time) -> bool {
    if from < to {
        from <= time && time < to
    } else {
        time >= from || time < to
    }
}

/// The first moment at or after `after` at which the clock on the wall shows a time or passes over it.
fn moment(local: DateTime, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, after: second } => {
            let first = before.to_timestamp(local).ok()?;
            if first >= after {
                Some(first)
            } else {
                second.to_timestamp(local).ok()
            }
        }
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the later offset the time lies before the change, which is then the next.
            let before_change = after.to_timestamp(local).ok()?;
            zone.following(before_change).next().map(|change| change.timestamp())
        }
    }
}

/// Whether the sample takes in a subject: the same answer for it each time, a share of `rate` over many.
#[must_use]
pub fn sampled(subject: RecordId, rate: f64) -> bool {
    let digest = Sha256::digest(format!("survey sample\n{subject}").as_bytes());
    let mut first = [0u8; 8];
    first.copy_from_slice(&digest[..8]);
    // 53 bits, as many as a float holds exactly: below 1, so that a rate of 1 takes in all.
    let place = (u64::from_be_bytes(first) >> 11) as f64 / (1u64 << 53) as f64;
    place < rate
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::id::Prefix;
    use crate::survey::fixture::at;
    use std::sync::Arc;

    #[test]
    fn quiet_hours_end_where_the_clock_on_the_wall_says() {
        let shanghai = "Asia/Shanghai";
        let berlin = "Europe/Berlin";
        let night = Some(("20:00", "09:00"));
        for (zone, quiet, asked, sent) in [
            // Across midnight: before it, after it, on both edges, outside.
            (shanghai, night, "2026-11-22T13:00:00Z", "2026-11-23T01:00:00Z"),
            (shanghai, night, "2026-11-22T20:00:00Z", "2026-11-23T01:00:00Z"),
            (shanghai, night, "2026-11-22T12:00:00Z", "2026-11-23T01:00:00Z"),
            (shanghai, night, "2026-11-22T11:59:59Z", "2026-11-22T11:59:59Z"),
            (shanghai, night, "2026-11-23T01:00:00Z", "2026-11-23T01:00:00Z"),
            (shanghai, night, "2026-11-22T06:00:00Z", "2026-11-22T06:00:00Z"),
            // Within one day.
            (
                "UTC",
                Some(("12:00", "14:00")),
                "2026-11-22T12:30:00Z",
                "2026-11-22T14:00:00Z",
            ),
            (
                "UTC",
                Some(("12:00", "14:00")),
                "2026-11-22T14:30:00Z",
                "2026-11-22T14:30:00Z",
            ),
            ("UTC", None, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"),
            // The night the clock is set forward is an hour shorter, the one it is set back an hour longer.
            (berlin, night, "2026-03-28T20:00:00Z", "2026-03-29T07:00:00Z"),
            (berlin, night, "2026-10-24T19:00:00Z", "2026-10-25T08:00:00Z"),
            // An end in the hour that does not exist is the change itself.
            (
                berlin,
                Some(("22:00", "02:30")),
                "2026-03-29T00:30:00Z",
                "2026-03-29T01:00:00Z",
            ),
            // An end in the hour that comes twice: the first time, and for who is in the second, the second.
            (
                berlin,
                Some(("22:00", "02:30")),
                "2026-10-25T00:10:00Z",
                "2026-10-25T00:30:00Z",
            ),
            (
                berlin,
                Some(("22:00", "02:30")),
                "2026-10-25T01:10:00Z",
                "2026-10-25T01:30:00Z",
            ),
        ] {
            let quiet = quiet.map(|(from, to)| QuietHours {
                from: from.to_owned(),
                to: to.to_owned(),
            });
            let zone = TimeZone::get(zone).unwrap();
            let got = after_quiet_hours(at(asked), quiet.as_ref(), &zone);
            assert_eq!(got, at(sent), "{zone:?} {quiet:?} {asked}");
            assert_eq!(after_quiet_hours(got, quiet.as_ref(), &zone), got, "{asked}");
        }
    }

    #[test]
    fn an_invitation_is_due_after_the_delay_and_never_in_the_past() {
        let mut settings = crate::settings::Settings::default();
        settings.survey.delay_minutes = 60;
        settings.survey.quiet_hours = None;
        let mut rules = Rules {
            now: at("2026-11-22T10:00:00Z"),
            settings: Arc::new(settings.clone()),
            fields: Arc::default(),
        };
        let due_of = |rules: &Rules, occasion: &str| due(at(occasion), rules.now, rules);
        assert_eq!(due_of(&rules, "2026-11-22T10:00:00Z"), at("2026-11-22T11:00:00Z"));
        assert_eq!(due_of(&rules, "2026-11-20T10:00:00Z"), rules.now);
        settings.survey.quiet_hours = Some(QuietHours {
            from: "11:00".into(),
            to: "15:00".into(),
        });
        rules.settings = Arc::new(settings);
        assert_eq!(due_of(&rules, "2026-11-22T10:00:00Z"), at("2026-11-22T15:00:00Z"));
    }

    #[test]
    fn a_sample_is_the_share_asked_for_and_steady() {
        let subjects: Vec<RecordId> = (0..2_000)
            .map(|n| RecordId::at(Prefix::Order, at("2026-11-22T00:00:00Z"), n << 64))
            .collect();
        let count = |rate: f64| subjects.iter().filter(|subject| sampled(**subject, rate)).count();
        assert_eq!((count(0.0), count(1.0)), (0, 2_000));
        // Four standard deviations to each side.
        assert!((411..=589).contains(&count(0.25)), "{}", count(0.25));
        assert!(
            subjects
                .iter()
                .all(|subject| !sampled(*subject, 0.25) || sampled(*subject, 0.5))
        );
    }
}

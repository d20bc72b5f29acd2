//! Each night: a recompute for every tenant that sells, at two o'clock in the tenant's time zone.
//!
//! The first order arms a timer; when it is due, the recompute is asked for and the next night's timer is set. Arming
//! twice is arming once.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use rapport_domain::score::{JobStatus, Recompute};
use rapport_domain::settings::Settings;
use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::schedule::timer;
use rapport_runtime::{App, BoxError};
use rapport_store::{Kept, StoreError};

/// The hour of the night. Days are over then, and nobody is at work.
const HOUR: Time = Time::constant(2, 0, 0, 0);

/// For which moment this process has armed a tenant's timer.
static ARMED: LazyLock<Kept<TenantId, Timestamp>> = LazyLock::new(|| Kept::new(10_000, Duration::MAX));

/// The next night after `now`: the day that has begun then, and the moment. Where the clocks skip the hour, the next
/// moment there is.
#[must_use]
pub fn next(now: Timestamp, zone: &TimeZone) -> (Date, Timestamp) {
    let today = now.to_zoned(zone.clone()).date();
    (0..3)
        .filter_map(|days| {
            let day = today.saturating_add(Span::new().days(days));
            let due = day.to_datetime(HOUR).to_zoned(zone.clone()).ok()?.timestamp();
            (due > now).then_some((day, due))
        })
        .next()
        .unwrap_or((today, now + SignedDuration::from_hours(24)))
}

/// Arms the timer of the next night.
///
/// # Errors
/// When the store does not answer.
pub async fn arm(app: &App, tenant: TenantId, settings: &Settings) -> Result<(), BoxError> {
    let (day, due) = next(app.clock.now(), &settings.zone());
    if ARMED.get(&tenant) == Some(due) {
        return Ok(());
    }
    let message = envelope(tenant, Message::ScoresDueV1 { day });
    app.store.set_timer(&timer(Queue::SegmentScores, &message, due)).await?;
    ARMED.put(tenant, due);
    Ok(())
}

/// Asks for the night's recompute and arms the next. A tenant without purchases is left alone until there is one.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn run(app: &App, tenant: TenantId, day: Date) -> Result<(), BoxError> {
    let known = match app.store.tenant_rules(tenant).await {
        Err(StoreError::Missing) => return Ok(()),
        other => other?,
    };
    if app.store.figures_page(tenant, None, 1).await?.0.is_empty() {
        return Ok(());
    }
    arm(app, tenant, &known.settings).await?;
    let now = app.clock.now();
    let began = day
        .to_datetime(HOUR)
        .to_zoned(known.settings.zone())
        .map_or(now, |at| at.timestamp());
    // The same night is the same job, however often it is said to be due.
    let job = RecordId::derived(Prefix::Job, began, &format!("recompute#{tenant}#{day}"));
    begin(app, tenant, job, &known.settings).await
}

/// Recomputes a tenant's scores, whatever night it is.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn at_once(app: &App, tenant: TenantId, job: RecordId) -> Result<(), BoxError> {
    match app.store.tenant_rules(tenant).await {
        Err(StoreError::Missing) => Ok(()),
        known => begin(app, tenant, job, &known?.settings).await,
    }
}

/// Asks for a recompute up to today. One that was asked for before is not asked for twice.
async fn begin(app: &App, tenant: TenantId, job: RecordId, settings: &Settings) -> Result<(), BoxError> {
    let now = app.clock.now();
    let job = Recompute {
        id: job,
        kind: "segments.recompute".to_owned(),
        status: JobStatus::Queued,
        until: None,
        as_of: now.to_zoned(settings.zone()).date(),
        created_at: now,
        started_at: None,
        finished_at: None,
        pages: 0,
        pages_done: 0,
        customers: 0,
        changed: 0,
        errors: Vec::new(),
    };
    let id = match app.store.ask_recompute(tenant, &job, "", None).await {
        Ok(asked) => asked.id,
        Err(StoreError::Conflict { .. }) => job.id,
        Err(error) => return Err(error.into()),
    };
    let first = Message::ScoresGatherV1 {
        job: id,
        page: 0,
        after: None,
    };
    crate::send(app, tenant, [first]).await
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn two_in_the_morning_where_the_tenant_is() {
        for (now, zone, day, due) in [
            ("2026-11-22T00:00:00Z", "UTC", "2026-11-22", "2026-11-22T02:00:00Z"),
            ("2026-11-22T02:00:00Z", "UTC", "2026-11-23", "2026-11-23T02:00:00Z"),
            (
                "2026-11-22T00:00:00Z",
                "Asia/Shanghai",
                "2026-11-23",
                "2026-11-22T18:00:00Z",
            ),
            // The clocks go from two to three that night.
            (
                "2026-03-28T12:00:00Z",
                "Europe/Berlin",
                "2026-03-29",
                "2026-03-29T01:00:00Z",
            ),
            (
                "2026-10-24T12:00:00Z",
                "Europe/Berlin",
                "2026-10-25",
                "2026-10-25T00:00:00Z",
            ),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let got = next(now.parse().unwrap(), &zone);
            assert_eq!(got, (day.parse().unwrap(), due.parse().unwrap()), "{now}");
        }
    }
}

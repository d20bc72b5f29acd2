//! `GET /v1/usage`: day by day, in all, and what is left of the plan.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use rapport_domain::plan::{Limit, Plan};
use rapport_domain::settings::millis;
use rapport_domain::usage::{Counts, Tallies, day_of, is_closed, month_end};
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::StoreError;
use serde::Serialize;

use crate::export::days;
use crate::span::span;

/// What was used.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Usage {
    /// The plan.
    plan: Plan,
    /// The first day.
    #[schema(value_type = String, format = Date)]
    from: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    to: Date,
    /// The days on which anything was used or kept.
    days: Vec<DayOut>,
    /// All days together.
    totals: Amounts,
    /// What the plan allows, how much of it is used now, and what is left.
    limits: Vec<LimitOut>,
}

/// One day.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UsageDay)]
pub struct DayOut {
    /// The day, in UTC.
    #[schema(value_type = String, format = Date)]
    day: Date,
    /// Whether its billing records are final.
    closed: bool,
    #[serde(flatten)]
    amounts: Amounts,
    /// Records at its end.
    records: u64,
    /// Bytes of records at its end.
    storage_bytes: u64,
}

/// What was counted.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UsageAmounts)]
pub struct Amounts {
    /// Calls of the interface.
    calls: u64,
    /// Read units of the store.
    read_units: f64,
    /// Write units of the store.
    write_units: f64,
    /// Milliseconds of processing.
    ms: f64,
    /// Messages of queues worked on.
    messages: u64,
    /// Mails sent.
    mails: u64,
}

impl From<Counts> for Amounts {
    fn from(counts: Counts) -> Self {
        let thousandths = |number: u64| number as f64 / 1_000.0;
        Self {
            calls: counts.calls,
            read_units: thousandths(counts.read),
            write_units: thousandths(counts.write),
            ms: thousandths(counts.micros),
            messages: counts.messages,
            mails: counts.mails,
        }
    }
}

/// One limit.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UsageLimit)]
pub struct LimitOut {
    /// Of what.
    name: Limit,
    /// How much the plan allows.
    allowed: u64,
    /// How much is used.
    used: u64,
    /// How much is left.
    left: u64,
    /// When it begins anew, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    again_at: Option<String>,
}

/// Reads what was used.
pub async fn usage(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    let (tenant, now) = (caller.tenant, app.clock.now());
    let (from, to) = span(&params, now)?;
    let today = day_of(now);
    let first = today.first_of_month();
    // What is asked for holds what is counted against the plan, too, where it goes from before this month until today.
    let covers = from <= first && today <= to;
    // Two chains of reads, since two connections are there from the start.
    let kept = async {
        let plan = app.store.tenant_rules(tenant).await?.account.plan;
        let tallied = app.store.usage_tallies(tenant, (from, to)).await?;
        let tallies = if covers {
            let last = tallied.iter().rfind(|(day, _)| *day <= today);
            last.map(|(_, tallies)| tallies.clone()).unwrap_or_default()
        } else {
            app.store.tallies(tenant, today).await?
        };
        Ok::<_, StoreError>((plan, tallied, tallies))
    };
    let counted = async {
        let counted = app.store.usage_days(tenant, (from, to)).await?;
        let this_month = if covers {
            None
        } else {
            Some(app.store.usage_days(tenant, (first, today)).await?)
        };
        Ok((counted, this_month, app.store.seats(tenant, now).await?))
    };
    let ((plan, tallied, tallies), (counted, this_month, seats)) = futures::future::try_join(kept, counted).await?;
    let mut found = days(&counted, &tallied, (from, to));
    // What this process has counted and not told yet.
    let untold = app.meter.untold(tenant, today);
    if (from..=to).contains(&today) && !untold.is_empty() {
        match found.iter_mut().find(|(day, ..)| *day == today) {
            Some((_, counts, _)) => *counts += untold,
            None => found.push((today, untold, Tallies::default())),
        }
    }
    let mut totals = Counts::default();
    found.iter().for_each(|(_, counts, _)| totals += *counts);
    let mut month = untold;
    let this_month = this_month.unwrap_or(counted);
    let of_month = this_month
        .iter()
        .filter(|counted| (first..=today).contains(&counted.day));
    of_month.for_each(|counted| month += counted.counts);
    let minute = app.meter.standing(tenant, plan, now).bucket.left();
    let limits = Limit::ALL.iter().map(|&limit| {
        let allowed = plan.allows(limit);
        let used = match limit {
            Limit::Users => seats,
            Limit::CallsPerMinute => allowed.saturating_sub(minute),
            Limit::CallsPerMonth => month.calls,
            Limit::MailsPerMonth => month.mails,
            Limit::StorageBytes => tallies.bytes(),
            kind => kind.noun().map_or(0, |noun| tallies.count(noun)),
        };
        LimitOut {
            name: limit,
            allowed,
            used,
            left: allowed.saturating_sub(used),
            again_at: again_at(limit, now),
        }
    });
    let out = Usage {
        plan,
        from,
        to,
        limits: limits.collect(),
        totals: totals.into(),
        days: found
            .into_iter()
            .map(|(day, counts, tallies)| DayOut {
                day,
                closed: is_closed(day, now),
                amounts: counts.into(),
                records: tallies.0.values().map(|tally| tally.count).sum(),
                storage_bytes: tallies.bytes(),
            })
            .collect(),
    };
    Ok(respond::json(StatusCode::OK, &out))
}

fn again_at(limit: Limit, now: Timestamp) -> Option<String> {
    matches!(limit, Limit::CallsPerMonth | Limit::MailsPerMonth).then(|| millis::text(month_end(now)))
}

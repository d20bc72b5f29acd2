//! What stands between a caller who is known and what he asks for: whether his firm's account is open, and its limits on
//! calls; and what the call cost, counted for the firm.

use std::time::Instant;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use rapport_domain::TenantId;
use rapport_domain::account::{Account, Status};
use rapport_domain::permission::{Area, Scope, Verb};
use rapport_domain::plan::{Limit, Reached};
use rapport_domain::settings::millis;
use rapport_runtime::App;
use rapport_runtime::meter::{Standing, costs};
use rapport_store::{Cost, StoreError};
use serde_json::json;

use crate::api::Access;
use crate::caller::Caller;
use crate::problem::{Code, Problem};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// A call that was let in.
pub(crate) struct Admitted {
    standing: Option<Standing>,
    started: Instant,
    before: (u64, u64),
}

/// Lets a call in, or says why not.
pub(crate) async fn admit(app: &App, caller: &Caller, access: Access, method: &Method) -> Result<Admitted, Response> {
    let (started, before, now) = (Instant::now(), consumed(), app.clock.now());
    let (rules, ()) = tokio::join!(
        app.store.tenant_rules(caller.tenant),
        app.meter.learn(&app.store, caller.tenant, now)
    );
    let account = match rules {
        Ok(rules) => rules.account,
        Err(StoreError::Missing) => return Err(gone().into_response()),
        Err(error) => return Err(Problem::from(error).into_response()),
    };
    if let Some(problem) = closed(&account, access, method) {
        return Err(problem.into_response());
    }
    if !app.store.keeps_usage() {
        return Ok(Admitted {
            standing: None,
            started,
            before,
        });
    }
    match app.meter.take(caller.tenant, account.plan, is_free(access), now) {
        Ok(standing) => Ok(Admitted {
            standing: Some(standing),
            started,
            before,
        }),
        Err((reached, standing)) => {
            let mut response = too_many(reached, now).into_response();
            tell(&mut response, &standing, now);
            Err(response)
        }
    }
}

impl Admitted {
    /// Counts what the call cost, and says in its answer how the firm stands.
    pub(crate) async fn leave(self, app: &App, caller: &Caller, response: &mut Response) {
        let now = app.clock.now();
        let Some(standing) = self.standing else { return };
        tell(response, &standing, now);
        settle(app, caller.tenant, self.started, self.before).await;
    }
}

async fn settle(app: &App, tenant: TenantId, started: Instant, before: (u64, u64)) {
    let now = app.clock.now();
    let mut counts = Cost::current().map_or_else(Default::default, |cost| costs(&cost, started.elapsed()));
    counts.read -= before.0.min(counts.read);
    counts.write -= before.1.min(counts.write);
    app.meter.count(tenant, counts, now);
    app.meter.settle_due(&app.store, &[tenant], now).await;
}

/// What stands against a call of somebody who did not sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The firm's limit of a minute: a program that posts comes again. That of the month does not, since what it did not take by then
    /// would be lost.
    Program,
    /// Nothing: a person comes once.
    Person,
}

/// Counts a call that nobody signed in for as the firm's that its token names, with all that it cost; how the firm stands is not told.
pub async fn at<F>(app: &App, tenant: TenantId, door: Door, work: F) -> Response
where
    F: Future<Output = Result<Response, Problem>>,
{
    let (started, now) = (Instant::now(), app.clock.now());
    if !app.store.keeps_usage() {
        return work.await.into_response();
    }
    let (rules, ()) = tokio::join!(app.store.tenant_rules(tenant), app.meter.learn(&app.store, tenant, now));
    let plan = match rules {
        Ok(rules) => rules.account.plan,
        // Nobody is left to count for: who comes is told so as its page or program is told.
        Err(StoreError::Missing) => return work.await.into_response(),
        Err(error) => return Problem::from(error).into_response(),
    };
    let response = match app.meter.take(tenant, plan, door == Door::Person, now) {
        Err((reached, _)) if reached.limit == Limit::CallsPerMinute => too_many(reached, now).into_response(),
        taken => {
            if taken.is_err() {
                let _ = app.meter.take(tenant, plan, true, now);
            }
            work.await.into_response()
        }
    };
    settle(app, tenant, started, (0, 0)).await;
    response
}

/// What the request consumed of the store so far.
fn consumed() -> (u64, u64) {
    Cost::current().map_or((0, 0), |cost| (cost.read_thousandths(), cost.write_thousandths()))
}

/// Calls about the account are never refused for the account's sake: whoever has reached a limit has to see which.
fn is_free(access: Access) -> bool {
    matches!(access, Access::Needs(Scope(Area::Account, _)))
}

fn gone() -> Problem {
    Problem::new(Code::Unauthenticated).detail("the firm's account is closed, and what it had recorded is erased")
}

/// Why a call is refused for the account's status. Whoever may not change anything may still read, sign out, change his
/// password, and see to the account.
fn closed(account: &Account, access: Access, method: &Method) -> Option<Problem> {
    if !account.may_read() {
        return Some(gone());
    }
    let reads = match access {
        Access::Needs(Scope(Area::Account, _) | Scope(_, Verb::Read)) | Access::Public | Access::Operator => true,
        Access::Needs(Scope(_, Verb::Write)) => false,
        Access::SignedIn => method != Method::PATCH,
    };
    if account.may_write() || reads {
        return None;
    }
    Some(refusal(account))
}

/// The refusal of a change while the account is not open.
#[must_use]
pub fn refusal(account: &Account) -> Problem {
    let since = millis::text(account.status_since);
    let problem = match account.status {
        Status::Suspended => {
            let because = account.suspended_because.as_deref().unwrap_or("no reason was given");
            Problem::new(Code::AccountSuspended)
                .detail(format!(
                    "the account is suspended since {since} ({because}): everything can be read and exported, nothing changed; ask the operator of the service"
                ))
                .member("because", because)
        }
        Status::MovingIn => Problem::new(Code::Conflict)
            .particular("moving_in")
            .detail("an archive is being moved in: everything can be read, nothing changed until that is done"),
        _ => {
            let erased = account.erased_at().map(millis::text).unwrap_or_default();
            Problem::new(Code::AccountClosed)
                .detail(format!(
                    "the account is closed since {since}: everything can be read and exported until it is erased at {erased}; until then its owner can open it again"
                ))
                .member("erased_at", erased)
        }
    };
    problem.member("since", since)
}

/// The refusal of a call for a limit on calls.
fn too_many(reached: Reached, now: Timestamp) -> Problem {
    let wait = reached
        .again_at
        .map_or(1, |at| seconds(at.as_millisecond() - now.as_millisecond()));
    limited(Problem::new(Code::TooMany), reached).header(header::RETRY_AFTER, wait.max(1).to_string())
}

/// Says which limit was reached, how much it is, how much is used, and which plan has more.
pub(crate) fn limited(problem: Problem, reached: Reached) -> Problem {
    let Reached {
        limit,
        plan,
        used,
        again_at,
    } = reached;
    let mut told = json!({"name": limit, "plan": plan, "allowed": reached.allowed(), "used": used});
    if let Some(at) = again_at {
        told["again_at"] = millis::text(at).into();
    }
    if let Some(more) = plan.with_more(limit) {
        told["plan_with_more"] = json!(more);
    }
    problem.detail(reached.to_string()).member("limit", told)
}

/// Milliseconds in seconds, rounded up.
fn seconds(millis: i64) -> i64 {
    millis.max(0).saturating_add(999) / 1_000
}

/// The headers of draft-ietf-httpapi-ratelimit-headers: what is allowed in how many seconds, what is left of it, and after
/// how many seconds all of it is there again.
fn tell(response: &mut Response, standing: &Standing, now: Timestamp) {
    let Standing {
        plan,
        bucket,
        month_end,
        ..
    } = standing;
    let month_seconds = seconds(month_end.as_millisecond() - now.as_millisecond());
    let begin = rapport_domain::usage::begin_of(rapport_domain::usage::day_of(now).first_of_month());
    let whole_month = seconds(month_end.as_millisecond() - begin.as_millisecond());
    let until_full = bucket.millis_until_full(*plan).div_ceil(1_000);
    for (name, value) in [
        (
            POLICY,
            format!(
                "\"minute\";q={};w=60, \"month\";q={};w={whole_month}",
                plan.allows(Limit::CallsPerMinute),
                plan.allows(Limit::CallsPerMonth)
            ),
        ),
        (
            STANDING,
            format!(
                "\"minute\";r={};t={until_full}, \"month\";r={};t={month_seconds}",
                bucket.left(),
                standing.month_left()
            ),
        ),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::plan::Plan;

    #[test]
    fn a_status_leaves_what_one_needs_to_get_out_of_it() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let account = |status| Account {
            status,
            suspended_because: Some("unpaid".to_owned()),
            ..Account::new(Plan::Trial, start)
        };
        let needs = |area, verb| Access::Needs(Scope(area, verb));
        let (read, change) = (needs(Area::Leads, Verb::Read), needs(Area::Leads, Verb::Write));
        let reopen = needs(Area::Account, Verb::Write);
        for (status, access, method, refused) in [
            (Status::Open, change, Method::POST, None),
            (Status::Open, Access::SignedIn, Method::PATCH, None),
            (Status::Suspended, read, Method::GET, None),
            (Status::Suspended, read, Method::POST, None),
            (Status::Suspended, change, Method::POST, Some(Code::AccountSuspended)),
            (Status::Suspended, Access::SignedIn, Method::GET, None),
            (Status::Suspended, Access::SignedIn, Method::POST, None),
            (
                Status::Suspended,
                Access::SignedIn,
                Method::PATCH,
                Some(Code::AccountSuspended),
            ),
            (Status::Closed, read, Method::GET, None),
            (Status::Closed, change, Method::DELETE, Some(Code::AccountClosed)),
            (Status::Closed, reopen, Method::POST, None),
            (Status::Erasing, read, Method::GET, Some(Code::Unauthenticated)),
            (
                Status::Erasing,
                Access::SignedIn,
                Method::GET,
                Some(Code::Unauthenticated),
            ),
            (Status::Erasing, reopen, Method::POST, Some(Code::Unauthenticated)),
        ] {
            let problem = closed(&account(status), access, &method);
            assert_eq!(
                problem.map(|problem| problem.code()),
                refused,
                "{status:?} {access:?} {method}"
            );
        }
    }

    #[test]
    fn a_refusal_says_since_when_why_and_until_when() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut account = Account {
            status: Status::Suspended,
            suspended_because: Some("unpaid".to_owned()),
            ..Account::new(Plan::Trial, start)
        };
        let told = refusal(&account).to_value();
        assert_eq!(
            (told["because"].as_str(), told["since"].as_str()),
            (Some("unpaid"), Some("2026-01-01T00:00:00.000Z"))
        );
        assert!(told["detail"].as_str().unwrap().contains("unpaid"));
        account.status = Status::Closed;
        let told = refusal(&account).to_value();
        assert_eq!(told["erased_at"], "2026-01-31T00:00:00.000Z");
    }
}

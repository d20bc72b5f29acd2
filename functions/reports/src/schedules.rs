//! `/v1/report-schedules`: reports that are mailed time and again. Each belongs to the user who made it.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::permission::Role;
use rapport_domain::record::split;
use rapport_domain::schedule::{Schedule, ScheduleIn};
use rapport_domain::{Kind as _, Record};
use rapport_http::list::{Question, given};
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link, written};
use rapport_http::{Caller, IdempotencyKey, Params, Problem, body, respond};
use rapport_http::{IfMatch, body::value};
use rapport_reporting_store::{ask, occasion};
use rapport_runtime::App;
use rapport_store::page::Row;
use rapport_store::records::parse;
use rapport_store::{Accept, StoreError, Stored as _};
use serde_json::Value;

/// A tenant has at most so many.
const MOST: usize = 200;

/// Whether a schedule is the caller's to see and to change.
fn may_see(caller: &Caller, created_by: &str) -> bool {
    caller.actor.id == created_by || matches!(caller.role, Some(Role::Owner | Role::Admin))
}

/// Insists that the report can be asked what the schedule asks, so that faults are told now and not by a mail.
fn check(schedule: &Schedule, cx: &Accept) -> Result<(), Problem> {
    let definition = ask::definition(&schedule.report)?;
    let today = cx.rules.now.to_zoned(cx.rules.settings.zone()).date();
    ask::ask(definition, &occasion::params(schedule, today), today).map(drop)
}

/// Makes a schedule.
///
/// # Errors
/// `403` for API keys, which have no address; `409` when there are too many; `422` for what cannot be mailed.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    if caller.user().is_none() {
        return Err(Problem::new(Code::Forbidden).detail("a report is mailed to a user: an API key has no address"));
    }
    let (value, bytes) = body::value(request).await?;
    let cx = caller.accept(&app).await?;
    let (common, input) = split::<ScheduleIn>(value)?;
    check(&Schedule::create(input.clone(), &cx.rules)?, &cx)?;
    let idempotency = key.of(Schedule::TABLE, &bytes, None);
    let made = app
        .store
        .create::<Schedule>(&cx, common, input, idempotency.as_ref())
        .await;
    let made = match made {
        Err(StoreError::Answered(answer)) => return Ok(respond::replay(*answer)),
        result => result?,
    };
    // Counted afterwards, so that a repeated request is answered the same; one too many is taken back. What was made is told also
    // when nobody can count.
    if matches!(app.store.count_schedules(caller.tenant, MOST).await, Ok(found) if found > MOST) {
        app.store.delete::<Schedule>(&cx, made.record.meta.id, None).await?;
        return Err(Problem::new(Code::Conflict)
            .particular("too_many_schedules")
            .detail(format!("there are {MOST} schedules already")));
    }
    let location = format!("/v1/{}/{}", Schedule::PLURAL, made.record.meta.id);
    Ok(respond::record(StatusCode::CREATED, made.doc, 1, Some(location)))
}

/// The row of a schedule that is the caller's, or was until it was deleted.
async fn own(app: &App, caller: &Caller, text: &str) -> Result<(Row, Record<Schedule>), Problem> {
    let row = app
        .store
        .row::<Schedule>(caller.tenant, id(Schedule::PREFIX, text)?)
        .await?;
    let record = parse::<Schedule>(&row.doc)?;
    if may_see(caller, &record.meta.created_by) {
        Ok((row, record))
    } else {
        Err(Problem::not_found())
    }
}

/// The row of a schedule that is the caller's.
async fn found(app: &App, caller: &Caller, text: &str) -> Result<(Row, Record<Schedule>), Problem> {
    let found = own(app, caller, text).await?;
    if found.0.gone {
        return Err(Problem::not_found());
    }
    Ok(found)
}

/// Reads a schedule.
///
/// # Errors
/// `404`, also for another user's.
pub async fn read(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let (row, _) = found(&app, &caller, &text).await?;
    Ok(respond::record(StatusCode::OK, row.doc, row.version, None))
}

/// Lists one's own schedules; owners and admins see all.
///
/// # Errors
/// `400` for what the list does not know.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    let given = given::<Schedule>(&params)?;
    let limit = params.number("limit", 50, 1, 200)?;
    let filters: Vec<String> = given
        .iter()
        .map(|(filter, value)| format!("{}={value}", filter.name))
        .collect();
    let identity = format!("/v1/{}?{}#{}", Schedule::PLURAL, filters.join("&"), caller.actor.id);
    let after = cursor(&app, &caller, &identity, &params)?;
    let question = Question::new::<Schedule>(given, &jiff::tz::TimeZone::UTC)?;
    let own = |doc: &Value| doc["created_by"].as_str().is_some_and(|by| may_see(&caller, by));
    let (rows, next) = question
        .rows::<Schedule>(&app.store, &caller, limit, after, own, true)
        .await?;
    let next = next.map(|next| link(&app, &caller, &identity, Schedule::PLURAL, &params, &next));
    Ok(respond::page(rows.iter().map(|row| row.doc.as_str()), next))
}

/// Changes a schedule.
///
/// # Errors
/// `404`, also for another user's; `412`; `422` for what cannot be mailed.
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (patch, bytes) = value(request).await?;
    let (_, old) = found(&app, &caller, &text).await?;
    let cx = caller.accept(&app).await?;
    let next = rapport_store::records::patched(&cx, &old, &patch)?;
    check(&next.body, &cx)?;
    let idempotency = key.of(Schedule::TABLE, &bytes, None);
    let result = app
        .store
        .patch::<Schedule>(&cx, old.meta.id, expected, idempotency.as_ref(), &patch)
        .await;
    match result {
        Err(StoreError::Stale(_)) if expected.is_none() => Err(Problem::new(Code::Contention)),
        result => written(StatusCode::OK, result, None),
    }
}

/// Deletes a schedule; one that was deleted before stays so.
///
/// # Errors
/// `404`, also for another user's; `412`.
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
) -> Result<Response, Problem> {
    let (_, record) = own(&app, &caller, &text).await?;
    let cx = caller.accept(&app).await?;
    app.store.delete::<Schedule>(&cx, record.meta.id, expected).await?;
    Ok(respond::no_content())
}

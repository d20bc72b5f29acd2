//! `/v1/users`: who is in the tenant and as what.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::permission::{Area, Scope, Verb};
use rapport_domain::user::{Authority, User, UserStatus};
use rapport_domain::{Prefix, Record};
use rapport_http::list::{Question, given};
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, IdempotencyKey, IfMatch, Params, Problem, body, respond};
use rapport_runtime::App;
use rapport_store::records::{Accept, patched};
use rapport_store::{StoreError, Table};

/// The code by which a rule inside a change says that the caller may not.
const FORBIDDEN: &str = "forbidden";

/// What the caller may do to others.
#[must_use]
pub const fn authority(caller: &Caller) -> Authority {
    Authority {
        role: caller.role,
        scopes: caller.scopes,
    }
}

fn forbidden() -> StoreError {
    StoreError::conflict(
        FORBIDDEN,
        "owners are changed by owners only, and nobody grants more than he has",
    )
}

/// A refusal of the store as a problem.
fn problem(error: StoreError, expected: Option<u64>) -> Problem {
    match error {
        StoreError::Conflict {
            code: FORBIDDEN,
            detail,
        } => Problem::new(Code::Forbidden).detail(detail),
        StoreError::Stale(_) if expected.is_none() => Problem::new(Code::Contention),
        error => error.into(),
    }
}

/// `GET /v1/users`.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    let given = given::<User>(&params)?;
    let limit = params.number("limit", 50, 1, 200)?;
    let zone = app.store.tenant_rules(caller.tenant).await?.settings.zone();
    let filters: Vec<String> = given
        .iter()
        .map(|(filter, value)| format!("{}={value}", filter.name))
        .collect();
    let identity = format!("/v1/users?{}", filters.join("&"));
    let after = cursor(&app, &caller, &identity, &params)?;
    let question = Question::new::<User>(given, &zone)?;
    let (rows, next) = question
        .rows::<User>(&app.store, &caller, limit, after, |_| true, false)
        .await?;
    let next = next.map(|next| link(&app, &caller, &identity, "users", &params, &next));
    Ok(respond::page(rows.iter().map(|row| row.doc.as_str()), next))
}

/// `GET /v1/users/{id}`.
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let row = app.store.row::<User>(caller.tenant, id(Prefix::User, &text)?).await?;
    Ok(respond::record(StatusCode::OK, row.doc, row.version, None))
}

/// `PATCH /v1/users/{id}`.
pub async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (value, bytes) = body::value(request).await?;
    let user = id(Prefix::User, &text)?;
    let cx = caller.accept(&app).await?;
    let authority = authority(&caller);
    let key = key.of(Table::Identity, &bytes, None);
    let rule = |old: &Record<User>| {
        if !authority.may_change(old.body.role) {
            return Err(forbidden());
        }
        let new = patched(&cx, old, &value)?;
        if new.body.role != old.body.role && !authority.may_grant(new.body.role) {
            return Err(forbidden());
        }
        Ok(new)
    };
    match app.store.change::<User>(&cx, user, expected, key.as_ref(), rule).await {
        Ok(written) => Ok(respond::record(
            StatusCode::OK,
            written.doc,
            written.record.meta.version,
            None,
        )),
        Err(StoreError::Answered(answer)) => Ok(respond::replay(*answer)),
        Err(error) => Err(problem(error, expected)),
    }
}

/// A change of a user's status by a rule, where the caller may.
fn status(cx: &Accept, authority: Authority, old: &Record<User>, body: User) -> Result<Record<User>, StoreError> {
    if !authority.may_change(old.body.role) {
        return Err(forbidden());
    }
    if body == old.body {
        Ok(old.clone())
    } else {
        Ok(old.with_body(body, &cx.actor, cx.rules.now))
    }
}

/// `DELETE /v1/users/{id}`: the user stays, deactivated, since records name it.
pub async fn deactivate(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
) -> Result<Response, Problem> {
    let user = id(Prefix::User, &text)?;
    let cx = caller.accept(&app).await?;
    let authority = authority(&caller);
    let rule = |old: &Record<User>| status(&cx, authority, old, old.body.deactivate(cx.rules.now));
    app.store
        .change::<User>(&cx, user, expected, None, rule)
        .await
        .map_err(|error| problem(error, expected))?;
    // Every refresh looks at the user, so that this only tidies up.
    app.store.end_sessions(caller.tenant, user).await?;
    Ok(respond::no_content())
}

/// `POST /v1/users/{id}/restore`.
pub async fn restore(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let user = id(Prefix::User, &text)?;
    let cx = caller.accept(&app).await?;
    let authority = authority(&caller);
    if app.store.get::<User>(caller.tenant, user).await?.body.status != UserStatus::Active {
        app.store.seat(caller.tenant, cx.rules.now).await?;
    }
    let rule = |old: &Record<User>| status(&cx, authority, old, old.body.reactivate());
    let written = app
        .store
        .change::<User>(&cx, user, None, None, rule)
        .await
        .map_err(|error| problem(error, None))?;
    Ok(respond::record(
        StatusCode::OK,
        written.doc,
        written.record.meta.version,
        None,
    ))
}

/// `POST /v1/users/{id}/sign-out`.
pub async fn sign_out(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let user = id(Prefix::User, &text)?;
    if caller.user() != Some(user) {
        if !caller.scopes.has(Scope(Area::Users, Verb::Write)) {
            return Err(Problem::new(Code::Forbidden).detail("this needs the permission users:write"));
        }
        let other = app.store.get::<User>(caller.tenant, user).await?;
        if !authority(&caller).may_change(other.body.role) {
            return Err(problem(forbidden(), None));
        }
    }
    app.store.end_sessions(caller.tenant, user).await?;
    Ok(respond::no_content())
}

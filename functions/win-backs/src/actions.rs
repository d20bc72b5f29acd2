//! `POST /v1/win-backs/{id}/actions`.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Kind as _;
use rapport_domain::record::shape;
use rapport_domain::win_back::{Refusal, WinBack, WinBackActionIn};
use rapport_http::problem::Code;
use rapport_http::resource::{id, written};
use rapport_http::{Caller, IdempotencyKey, IfMatch, Problem, body};
use rapport_runtime::App;
use rapport_store::{StoreError, Stored as _};

/// Notes an action, and looks at what was bought since: 3 read units.
pub async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (value, bytes) = body::value(request).await?;
    let input: WinBackActionIn = shape(value)?;
    let id = id(WinBack::PREFIX, &text)?;
    let cx = caller.accept(&app).await?;
    let case = app.store.get::<WinBack>(caller.tenant, id).await?;
    let contact = case.body.contact_id;
    let figures = app.store.figures(caller.tenant, &[contact]).await?;
    let days = figures
        .get(&contact)
        .and_then(|stored| stored.figures.as_ref())
        .map_or(&[][..], |figures| &figures.days);
    let today = cx.rules.now.to_zoned(cx.rules.settings.zone()).date();
    let key = key.of(WinBack::TABLE, &bytes, None);
    let result = app
        .store
        .change::<WinBack>(&cx, id, expected, key.as_ref(), |old| {
            let acted = old.body.act(input.clone(), &cx.actor.id, &cx.rules).map_err(refused)?;
            Ok(old.with_body(acted.settle(days, today), &cx.actor, cx.rules.now))
        })
        .await;
    match result {
        Err(StoreError::Stale(_)) if expected.is_none() => Err(Problem::new(Code::Contention)),
        result => written(StatusCode::OK, result, None),
    }
}

fn refused(refusal: Refusal) -> StoreError {
    match refusal {
        Refusal::Invalid(invalid) => StoreError::Invalid(invalid),
        Refusal::State(code, detail) => StoreError::Conflict { code, detail },
    }
}

//! `GET /v1/reports/{name}`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;

use crate::{ask, load, titles};

/// Answers a report.
///
/// # Errors
/// `404` for a report that is not, `400` and `422` for questions it cannot answer.
pub async fn report(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    let definition = ask::definition(&name)?;
    params.only(&["from", "to", "by", "limit", "convert"])?;
    let cx = caller.accept(&app).await?;
    let settings = &cx.rules.settings;
    let today = cx.rules.now.to_zoned(settings.zone()).date();
    let ask = ask::ask(definition, &params, today)?;
    let mut loaded = load::load(&app, caller.tenant, definition, &ask).await?;
    let settling = loaded.settling;
    let mut answer = (definition.answer)(&ask, &loaded.source(settings, cx.rules.now));
    answer.settling = settling;
    titles::name(&app, &caller, &mut answer).await?;
    Ok(respond::json(StatusCode::OK, &answer))
}

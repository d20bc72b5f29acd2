//! `GET /v1/reports/{name}`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_reporting::report::Source;
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
    let loaded = load::load(&app, caller.tenant, definition, &ask).await?;
    let source = Source {
        sheets: loaded.sheets,
        model: loaded.model.as_ref(),
        stock: &loaded.stock,
        settings,
        as_of: cx.rules.now,
    };
    let mut answer = (definition.answer)(&ask, &source);
    answer.settling = loaded.settling;
    titles::name(&app, &caller, &mut answer).await?;
    Ok(respond::json(StatusCode::OK, &answer))
}

//! `GET /v1/reports/{name}/rows`: exactly the records behind a number, each with what it adds; a page, or all as a file.

use axum::extract::{Path, State};
use axum::response::Response;
use jiff::civil::Date;
use rapport_domain::Invalid;
use rapport_domain::export::{Format, file_name};
use rapport_domain::settings::Settings;
use rapport_http::{Caller, Params, Problem, resource, respond};
use rapport_reporting::report::Definition;
use rapport_reporting_store::rows::{At, PARAMS, page};
use rapport_reporting_store::{ask, head_of_rows, line};
use rapport_runtime::App;

use crate::export;

/// The most rows of a file that is made while the caller waits.
const MOST_IN_FILE: usize = 10_000;
/// The most pages read for it: rows may lie far between.
const MOST_PAGES: usize = 40;

/// Lists the rows behind a number.
///
/// # Errors
/// `404` for a report that is not, `400` and `422` for what no number of it is made of.
pub async fn rows(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    let definition = ask::definition(&name)?;
    let mut known = PARAMS.to_vec();
    known.extend(["limit", "cursor", export::FORMAT]);
    params.only(&known)?;
    let rules = app.store.rules(caller.tenant, app.clock.now()).await?;
    let settings = &rules.settings;
    let today = rules.now.to_zoned(settings.zone()).date();
    if let Some(format) = export::format(&params)? {
        return whole(&app, &caller, definition, &params, (settings, today), format).await;
    }
    let limit = params.number("limit", 50, 1, 200)?;
    let path = format!("reports/{name}/rows");
    let asked: Vec<&(String, String)> = params.0.iter().filter(|(name, _)| name != "cursor").collect();
    let identity = format!("{path}?{}", serde_json::to_string(&asked).unwrap_or_default());
    let after: Option<At> = resource::cursor(&app, &caller, &identity, &params)?;
    let (rows, next) = page(
        &app,
        &caller,
        definition,
        &params,
        (settings, today),
        limit,
        after.unwrap_or_default(),
    )
    .await?;
    let texts: Vec<String> = rows
        .iter()
        .map(|row| serde_json::to_string(row).unwrap_or_default())
        .collect();
    let next = next.map(|next| resource::link(&app, &caller, &identity, &path, &params, &next));
    Ok(respond::page(texts.iter().map(String::as_str), next))
}

/// All rows in one file.
async fn whole(
    app: &App,
    caller: &Caller,
    definition: &Definition,
    params: &Params,
    (settings, today): (&Settings, Date),
    format: Format,
) -> Result<Response, Problem> {
    let name = definition.name;
    let mut table = head_of_rows(name, params);
    let mut after = Some(At::default());
    for _ in 0..MOST_PAGES {
        let Some(at) = after.take() else { break };
        let (rows, next) = page(app, caller, definition, params, (settings, today), 1_000, at).await?;
        table.rows.extend(rows.into_iter().map(line));
        after = next;
    }
    if after.is_some() || table.rows.len() > MOST_IN_FILE {
        return Err(Invalid::one(
            "format",
            "too_many",
            format!(
                "there are more than {MOST_IN_FILE} rows to look at: ask for them with POST /v1/reports/{name}/exports"
            ),
        )
        .into());
    }
    export::file(&table, format, &file_name(&format!("{name}-rows"), format))
}

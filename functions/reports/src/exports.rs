//! `/v1/reports/{name}/exports` and `/v1/report-exports`: files that are made in the background.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use rapport_domain::export::{Export, ExportStatus};
use rapport_domain::record::shape;
use rapport_domain::{Prefix, RecordId};
use rapport_http::problem::Code;
use rapport_http::resource::id;
use rapport_http::{Caller, IdempotencyKey, Params, Problem, body, respond};
use rapport_queue::{Message, Queue, envelope};
use rapport_reporting_store::{ask, packed, rows, titles};
use rapport_runtime::App;
use rapport_store::export::KeptExport;
use rapport_store::{StoreError, Table};
use serde::Deserialize;

use crate::export;

/// How many exports a list shows.
const LATEST: usize = 50;
/// The most groups of a report, and what a file has unless fewer are asked for.
const GROUPS: u32 = 1_000;

/// What is asked for with an export: the words of the report's query, or of the query of rows.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportExportIn {
    /// `csv` or `xlsx`.
    format: Option<String>,
    /// Whether the rows behind a number are wanted rather than the report.
    rows: bool,
    /// The first day.
    from: Option<String>,
    /// The last day.
    to: Option<String>,
    /// The grouping; of rows, the dimension of `key`.
    by: Option<String>,
    /// Whether other currencies are converted.
    convert: bool,
    /// At most so many groups.
    limit: Option<u32>,
    /// Of rows: what is summed.
    measure: Option<String>,
    /// Of rows: the key.
    key: Option<String>,
    /// Of rows: the currency.
    currency: Option<String>,
    /// Of rows: the first rank.
    rank_from: Option<u64>,
    /// Of rows: the last rank.
    rank_to: Option<u64>,
    /// Of rows: the least number of orders of a customer.
    orders_from: Option<u64>,
}

impl ReportExportIn {
    /// The same as the parameters of a query.
    fn params(&self) -> Params {
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let limit = self.limit.map(u64::from);
        let pairs = [
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("by", self.by.clone()),
            ("convert", self.convert.then(|| "true".to_owned())),
            ("limit", number(limit.or((!self.rows).then_some(u64::from(GROUPS))))),
            ("measure", self.measure.clone()),
            ("key", self.key.clone()),
            ("currency", self.currency.clone()),
            ("rank_from", number(self.rank_from)),
            ("rank_to", number(self.rank_to)),
            ("orders_from", number(self.orders_from)),
        ];
        let given = pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Params(given.collect())
    }
}

/// Asks for a file.
///
/// # Errors
/// `404` for a report that is not, `400` and `422` for questions it cannot answer.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let definition = ask::definition(&name)?;
    let (value, bytes) = body::value(request).await?;
    let input: ReportExportIn = shape(value)?;
    let format = export::known(input.format.as_deref().unwrap_or_default())?;
    let mut params = input.params();
    let cx = caller.accept(&app).await?;
    let today = cx.rules.now.to_zoned(cx.rules.settings.zone()).date();
    // Faults are told now, not by a file that failed.
    let days = if input.rows {
        params.only(&rows::PARAMS)?;
        rows::check(definition, &params, today)?
    } else {
        params.only(&rapport_reporting_store::PARAMS)?;
        ask::ask(definition, &params, today)?.days
    };
    params.0.retain(|(name, _)| name != "from" && name != "to");
    params.0.push(("from".to_owned(), days.from.to_string()));
    params.0.push(("to".to_owned(), days.to.to_string()));
    let asked = Export::asked(
        RecordId::new(Prefix::Export),
        definition.name,
        format,
        input.rows,
        params.0,
        (&caller.actor.id, cx.rules.now),
    );
    let place = location(asked.id);
    let idempotency = key.of(Table::Reports, &bytes, None);
    let kept = app
        .store
        .ask_export(caller.tenant, &asked, caller.scopes, (&place, idempotency.as_ref()))
        .await;
    let (id, response) = match kept {
        Ok(()) => {
            let mut response = respond::json(StatusCode::ACCEPTED, &asked);
            if let Ok(value) = HeaderValue::from_str(&place) {
                response.headers_mut().insert(header::LOCATION, value);
            }
            (asked.id, response)
        }
        // The first request may have ended before it sent its message, so it is sent again: an export that is over takes
        // no notice.
        Err(StoreError::Answered(answer)) => {
            let first: Export =
                serde_json::from_str(&answer.body).map_err(|error| Problem::internal(error.to_string()))?;
            (first.id, respond::replay(*answer))
        }
        Err(error) => return Err(error.into()),
    };
    let message = envelope(caller.tenant, Message::ReportExportV1 { export: id });
    app.queues
        .send(Queue::ReportExports, &message)
        .await
        .map_err(|error| Problem::unavailable(error.to_string()))?;
    Ok(response)
}

fn location(export: RecordId) -> String {
    format!("/v1/report-exports/{export}")
}

/// Whether the caller may have what somebody of those permissions asked for: names that the one could read and the other
/// cannot are in the file.
fn may_have(caller: &Caller, kept: &KeptExport) -> bool {
    caller.actor.id == kept.export.created_by || titles::sees_all_of(caller.scopes, kept.scopes)
}

async fn found(app: &App, caller: &Caller, text: &str) -> Result<KeptExport, Problem> {
    let id = id(Prefix::Export, text)?;
    let kept = app.store.export(caller.tenant, id, app.clock.now()).await?;
    if may_have(caller, &kept) {
        Ok(kept)
    } else {
        Err(Problem::not_found())
    }
}

/// Answers how far an export is.
///
/// # Errors
/// `404`.
pub async fn read(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let kept = found(&app, &caller, &text).await?;
    Ok(respond::json(StatusCode::OK, &kept.export))
}

/// Lists the latest exports that the caller may have.
///
/// # Errors
/// When the store does not answer.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&[])?;
    let found = app.store.exports(caller.tenant, LATEST, app.clock.now()).await?;
    let texts: Vec<String> = found
        .iter()
        .filter(|kept| may_have(&caller, kept))
        .map(|kept| serde_json::to_string(&kept.export).unwrap_or_default())
        .collect();
    Ok(respond::page(texts.iter().map(String::as_str), None))
}

/// Answers the file, or a part of it.
///
/// # Errors
/// `404` for a part that is not, `409` while it is being made and where it failed.
pub async fn file(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["part"])?;
    let kept = found(&app, &caller, &text).await?;
    let export = &kept.export;
    if export.status != ExportStatus::Done {
        let detail = export.error.as_deref().unwrap_or("the file is still being made");
        return Err(Problem::new(Code::Conflict)
            .particular("export_not_done")
            .detail(detail));
    }
    let part = params.number("part", 1, 1, 100_000)?;
    let part = u32::try_from(part).unwrap_or(u32::MAX);
    if export.parts.is_none_or(|parts| part > parts) {
        return Err(Problem::not_found());
    }
    let packed = app.store.file_part(caller.tenant, &kept, part).await?;
    let bytes = packed::unpack(&packed).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(export::attachment(bytes, export.format, &export.file_name(part)))
}

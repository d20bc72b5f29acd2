//! `GET /v1/imports/{id}/errors.csv`: the rows that failed, as they came, and why.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderValue, header};
use rapport_domain::import::{Import, MOST_ROWS, Outcome, RowOutcome};
use rapport_domain::text::harmless;
use rapport_http::{Caller, Params, Problem, Verb};
use rapport_importing::file::{PAGE, Row};
use rapport_runtime::App;

use crate::read::found;

/// A function answers 6 MB at most, a third of which is lost where bytes travel as text.
const MOST_BYTES: usize = 4_000_000;

/// Answers the rows that failed.
///
/// # Errors
/// `404`, `403`.
pub async fn errors(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let kept = found(&app, &caller, &text, Verb::Read).await?;
    let (tenant, id) = (caller.tenant, kept.import.id);
    let outcomes = app.store.import_outcomes(tenant, &kept, (0, u32::MAX)).await?;
    let pages: Vec<Vec<Row>> = app.store.import_pages(tenant, id, (0, MOST_ROWS / PAGE)).await?;
    let bytes = file(&kept.import, &pages.concat(), &outcomes).map_err(|error| Problem::internal(error.to_string()))?;
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let name = HeaderValue::from_static("attachment; filename=\"errors.csv\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// The first row is the headings. What does not fit in one answer is told in a last row.
fn file(import: &Import, rows: &[Row], outcomes: &[RowOutcome]) -> Result<Vec<u8>, csv::Error> {
    let failed = outcomes.iter().filter(|outcome| outcome.outcome == Outcome::Error);
    let whose: HashMap<u32, &RowOutcome> = failed
        .flat_map(|outcome| {
            let numbers = std::iter::once(outcome.row).chain(outcome.further.iter().copied());
            numbers.map(move |number| (number, outcome))
        })
        .collect();
    let width = import.columns.len();
    let mut out: Vec<u8> = "\u{feff}".as_bytes().to_vec();
    let mut write = |cells: &[String], row: &str, error: &str| -> Result<bool, csv::Error> {
        let filled = (0..width).map(|column| cells.get(column).map_or("", String::as_str));
        let all = filled.chain([row, error]).map(|cell| harmless(cell).into_owned());
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(&mut out);
        writer.write_record(all)?;
        writer.flush()?;
        drop(writer);
        Ok(out.len() < MOST_BYTES)
    };
    let Some((headings, rows)) = rows.split_first() else {
        return Ok(out);
    };
    write(&headings.1, "row", "error")?;
    for Row(number, cells) in rows {
        let Some(outcome) = whose.get(number) else { continue };
        if !write(cells, &number.to_string(), &words(import, outcome))? {
            write(&[], "", "there are more: mend these first")?;
            break;
        }
    }
    Ok(out)
}

/// What is wrong, in words: each fault with the heading of its column.
fn words(import: &Import, outcome: &RowOutcome) -> String {
    let fault = |fault: &rapport_domain::import::Fault| {
        let column = fault.column.and_then(|column| import.columns.get(column));
        match column.map(|column| column.name.as_str()).or(fault.field.as_deref()) {
            Some(name) if !name.is_empty() => format!("{name}: {}", fault.detail),
            _ => fault.detail.clone(),
        }
    };
    outcome.faults.iter().map(fault).collect::<Vec<_>>().join("; ")
}

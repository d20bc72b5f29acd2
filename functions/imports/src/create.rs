//! `POST /v1/imports`: a file is read, its columns are understood, its rows are kept.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use rapport_domain::import::{Import, ImportKind, ImportStatus, KEPT, MOST_BYTES};
use rapport_domain::{Prefix, RecordId, text};
use rapport_http::problem::Code;
use rapport_http::{Caller, IdempotencyKey, Params, Problem, Scope, Verb, body, respond};
use rapport_importing::file::{File, PAGE, Row, is_workbook, read, unreadable_workbook};
use rapport_runtime::{App, last_words};
use rapport_store::{StoreError, Table};

pub(crate) const CSV: &str = "text/csv";
pub(crate) const TSV: &str = "text/tab-separated-values";
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub(crate) const VCARD: &str = "text/vcard";
/// What browsers call these files where Excel is installed, and where it is not.
const ALSO: [&str; 4] = [
    "application/vnd.ms-excel",
    "text/plain",
    "text/x-vcard",
    "application/octet-stream",
];

/// The kind that a parameter names.
///
/// # Errors
/// `400` where there is none.
pub(crate) fn kind(params: &Params) -> Result<ImportKind, Problem> {
    params.get("kind").and_then(ImportKind::from_word).ok_or_else(|| {
        Problem::new(Code::Malformed).detail(format!("kind is needed: one of {}", ImportKind::WORDS.join(", ")))
    })
}

/// Insists that the caller may read or write the records of a kind.
///
/// # Errors
/// `403`.
pub(crate) fn may(caller: &Caller, kind: ImportKind, verb: Verb) -> Result<(), Problem> {
    let scope = Scope(kind.area(), verb);
    if caller.scopes.has(scope) {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden).detail(format!("this needs the permission {scope} as well")))
}

fn check_type(request: &Request) -> Result<(), Problem> {
    let given = request.headers().get(header::CONTENT_TYPE);
    let given = given.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if [CSV, TSV, XLSX, VCARD]
        .iter()
        .chain(&ALSO)
        .any(|known| *known == essence)
    {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType).detail(format!("send the file as {CSV}, {TSV}, {XLSX} or {VCARD}")))
}

/// Takes a file.
///
/// # Errors
/// `400`, `413`, `415`, `422` saying what to do.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    params.only(&["kind", "name"])?;
    let kind = kind(&params)?;
    may(&caller, kind, Verb::Write)?;
    check_type(&request)?;
    let name = text::optional("name", params.get("name").map(str::to_owned), 200)?;
    let words = "a file has at most 4 MiB: split it, or leave out columns that are not needed";
    let bytes = body::read_at_most(request.into_body(), MOST_BYTES, words).await?;
    let cx = caller.accept(&app).await?;
    // What reads workbooks is another's, and in Lambda a panic ends this program: who sent a forged one is answered even then.
    let answer = || Problem::from(unreadable_workbook()).into_response();
    let forged = is_workbook(&bytes).then(|| last_words::instead(answer));
    let file = read(&bytes, &cx.rules.settings)?;
    drop(forged);
    let (columns, options) = file.columns(kind, &cx.rules);
    let now = cx.rules.now;
    let rows = u32::try_from(file.rows.len()).unwrap_or(u32::MAX);
    let import = Import {
        id: RecordId::new(Prefix::Import),
        kind,
        name: name.unwrap_or_else(|| kind.noun().to_owned()),
        status: ImportStatus::Draft,
        rows,
        format: file.format,
        encoding: file.encoding.clone(),
        delimiter: file.delimiter.map(String::from),
        columns,
        options,
        counts: Import::none_of(rows),
        dry_run: false,
        error: None,
        created_at: now,
        updated_at: now,
        created_by: caller.actor.id.clone(),
        started_at: None,
        finished_at: None,
        expires_at: now.saturating_add(KEPT).unwrap_or(now),
        version: 1,
    };
    let idempotency = key.of(Table::Imports, &bytes, None);
    let kept = app
        .store
        .create_import(caller.tenant, &import, &pages(file), idempotency.as_ref())
        .await;
    match kept {
        Ok(()) => {
            let doc = serde_json::to_string(&import).map_err(|error| Problem::internal(error.to_string()))?;
            let place = format!("/v1/imports/{}", import.id);
            Ok(respond::record(StatusCode::CREATED, doc, import.version, Some(place)))
        }
        Err(StoreError::Answered(answer)) => Ok(respond::replay(*answer)),
        Err(error) => Err(error.into()),
    }
}

/// The headings as a page of their own, then the rows.
fn pages(file: File) -> Vec<Vec<Row>> {
    let headings = vec![Row(1, file.headings)];
    let rows = file.rows.chunks(PAGE).map(<[Row]>::to_vec);
    std::iter::once(headings).chain(rows).collect()
}

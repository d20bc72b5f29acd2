//! Imports: `/v1/imports`, from the file to what became of its rows.

use axum::Router;
use http::Method;
use rapport_domain::import::{Fault, Import, ImportField, ImportIn, ImportKind, Outcome};
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};
use serde_json::{Value, json};

mod change;
mod create;
mod errors;
mod fields;
mod preview;
mod read;
mod start;

/// What a start is told.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImportStart {
    /// Whether all rows are only looked at: what would happen is counted, nothing is written, and the import is a draft again.
    dry_run: bool,
}

/// A kind as a parameter.
fn kind() -> Value {
    json!({"type": "string", "enum": ImportKind::WORDS})
}

fn create_doc() -> Doc {
    Doc::of(|| {
        Doc::new("Send a file to import")
            .detail(
                "At most 4 MiB, 20,000 rows and 200 columns. The encoding (UTF-8, UTF-16, GB18030, Windows-1252 …), what stands between \
                 columns and what columns mean are found out; the answer is a draft in which both can be changed. Of a workbook the \
                 first sheet is read. Writing records of the kind needs its own permission as well.",
            )
            .needs("kind", "What rows become", &kind())
            .query("name", "What the file is called", &json!({"type": "string", "maxLength": 200}))
            .header(
                "Idempotency-Key",
                "At most 255 characters; the first answer is replayed for a day.",
            )
            .body_type(create::CSV)
            .body_type(create::TSV)
            .body_type(create::XLSX)
            .body_type(create::VCARD)
            .answers::<Import>(201)
    })
}

fn list_doc() -> Doc {
    Doc::of(|| {
        let mut doc = Doc::new("List imports, newest first").detail(
            "Those of kinds that the caller may not read are left out, so that a page may be short while `has_more`.",
        );
        let import = doc.schema::<Import>();
        doc.paged().answers_schema(200, &rapport_http::api::page_of(&import))
    })
}

fn fields_doc() -> Doc {
    Doc::of(|| {
        let mut doc = Doc::new("List the fields that columns can fill")
            .detail(
                "The tenant's own fields are `custom.<key>`. Orders: one row is one line; rows with one `external_id`, else `number`, \
                 are one order.",
            )
            .needs("kind", "What rows become", &kind());
        let field = doc.schema::<ImportField>();
        doc.answers_schema(
            200,
            &json!({"type": "object", "required": ["data"], "properties": {"data": {"type": "array", "items": field}}}),
        )
    })
}

fn preview_doc() -> Doc {
    Doc::of(|| {
        let mut doc = Doc::new("Look at what would become of the first rows")
            .detail("By the same rules as the run itself. Nothing is written.")
            .query(
                "limit",
                "How many records, 1 to 100",
                &json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
            );
        let (outcome, fault) = (doc.schema::<Outcome>(), doc.schema::<Fault>());
        let row = json!({"type": "object", "required": ["row", "rows", "outcome", "record", "errors"], "properties": {
            "row": {"type": "integer", "description": "The number of the row in the file, headings being row 1"},
            "rows": {"type": "array", "items": {"type": "integer"}, "description": "All rows of an order"},
            "outcome": outcome,
            "record": {"type": ["object", "null"], "description": "As it would be sent to the API; null where cells cannot be read"},
            "errors": {"type": "array", "items": fault},
        }});
        doc.answers_schema(
            200,
            &json!({"type": "object", "required": ["data"], "properties": {"data": {"type": "array", "items": row}}}),
        )
    })
}

fn step(summary: &str, detail: &str) -> Doc {
    Doc::of(|| Doc::new(summary).detail(detail).answers::<Import>(202))
}

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let read = Access::Needs(Scope(Area::Imports, Verb::Read));
    let write = Access::Needs(Scope(Area::Imports, Verb::Write));
    Api::new(app)
        .route(Method::POST, "/v1/imports", write, create_doc(), create::create)
        .route(Method::GET, "/v1/imports", read, list_doc(), read::list)
        .route(Method::GET, "/v1/imports/fields", read, fields_doc(), fields::fields)
        .route(
            Method::GET,
            "/v1/imports/{id}",
            read,
            Doc::new("Read how far an import is").answers::<Import>(200),
            read::read,
        )
        .route(
            Method::PATCH,
            "/v1/imports/{id}",
            write,
            Doc::new("Change the columns and options of a draft")
                .detail("`409` once it was started.")
                .header("If-Match", "412 when the import has another ETag")
                .body::<ImportIn>()
                .answers::<Import>(200),
            change::change,
        )
        .route(
            Method::DELETE,
            "/v1/imports/{id}",
            write,
            Doc::new("Delete an import and its file")
                .detail("What it wrote stays, and can no longer be taken back. `409` while it runs.")
                .answers_type(204, ""),
            read::delete,
        )
        .route(
            Method::GET,
            "/v1/imports/{id}/preview",
            read,
            preview_doc(),
            preview::preview,
        )
        .route(
            Method::POST,
            "/v1/imports/{id}/start",
            write,
            step("Start an import", "Runs in the background: `counts` tell how far it is. `409` unless it is a draft.")
                .body::<ImportStart>(),
            start::start,
        )
        .route(
            Method::POST,
            "/v1/imports/{id}/cancel",
            write,
            step("Stop an import", "What was written stays, and can be taken back. After a dry run it is a draft again."),
            start::cancel,
        )
        .route(
            Method::POST,
            "/v1/imports/{id}/revert",
            write,
            step(
                "Take back what an import wrote",
                "Records that it created are deleted; those that it changed get their former values back, field by field, where \
                 they still hold what the import wrote. What was changed since stays, and is counted in `kept`.",
            ),
            start::revert,
        )
        .route(
            Method::GET,
            "/v1/imports/{id}/errors.csv",
            read,
            Doc::new("Fetch the rows that failed")
                .detail("The columns of the file, then `row` and `error`: mend it and send it as a further import.")
                .or_type(200, "text/csv"),
            errors::errors,
        )
}

/// The router.
pub fn router(app: App) -> Router {
    api(app).into_router()
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::http(router)
}

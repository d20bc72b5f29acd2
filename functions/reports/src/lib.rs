//! Reports: `/v1/reports`, each report, and the rows behind its numbers.

use axum::Router;
use http::Method;
use rapport_domain::screening::{Screening, ScreeningIn};
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_reporting::answer::{Answer, Explain, Group, Number, Part};
use rapport_runtime::{App, Function};
use serde_json::{Value, json};

mod catalogue;
mod export;
mod rebuild;
mod report;
mod rows;
mod screenings;

/// A parameter with its explanation.
fn day() -> Value {
    json!({"type": "string", "format": "date"})
}

/// The formats of a file.
fn format() -> Value {
    json!({"type": "string", "enum": ["json", "csv", "xlsx"]})
}

fn report_doc() -> Doc {
    let mut doc = Doc::new("Read a report").detail(
        "Every number says how it comes about (`explain`) and where exactly the records behind it are listed (`rows`), \
         which sum to it. Reports read sums that are kept with each change, never the records: changes of the last seconds \
         may not be in them yet (`settling`).",
    );
    doc.schema::<Number>();
    doc.schema::<Explain>();
    doc.schema::<Group>();
    doc.schema::<Part>();
    doc.query(
        "from",
        "The first day; by default the first of a month some months ago, as the report suggests",
        &day(),
    )
    .query("to", "The last day; by default the end of this month", &day())
    .query(
        "by",
        "The grouping; the catalogue lists those of each report",
        &json!({"type": "string"}),
    )
    .query(
        "limit",
        "How many groups, those with the greatest sums first",
        &json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
    )
    .query(
        "convert",
        "Whether amounts in other currencies are converted by the rates in the settings",
        &json!({"type": "boolean", "default": false}),
    )
    .query(
        "format",
        "The answer as a file: one row for each group and currency, then the totals",
        &format(),
    )
    .answers::<Answer>(200)
}

fn rows_doc() -> Doc {
    let text = json!({"type": "string"});
    let rank = json!({"type": "integer", "minimum": 1});
    let rows = json!({"type": "object", "required": ["data", "has_more"], "properties": {
        "data": {"type": "array", "items": {"$ref": "#/components/schemas/ReportRow"}},
        "has_more": {"type": "boolean"}, "next_cursor": {"type": "string"}}});
    let mut doc = Doc::new("List the rows behind a number of a report")
        .detail("Follow the address in `rows` of the number. A page may be short while `has_more`.");
    doc.schema::<rapport_reporting_store::rows::ReportRow>();
    doc.query("measure", "What is summed", &text)
        .query("from", "The first day", &day())
        .query("to", "The last day", &day())
        .query("by", "The dimension of `key`", &text)
        .query("key", "The key", &text)
        .query("currency", "The currency", &text)
        .query(
            "convert",
            "Whether other currencies are converted",
            &json!({"type": "boolean"}),
        )
        .query("rank_from", "The first rank", &rank)
        .query("rank_to", "The last rank", &rank)
        .query("orders_from", "The least number of orders of a customer", &rank)
        .query(
            "limit",
            "How many, 1 to 200",
            &json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
        )
        .query("cursor", "next_cursor of the page before", &text)
        .query(
            "format",
            "All rows as a file, 10,000 at most; more by an export",
            &format(),
        )
        .answers_schema(200, &rows)
}

fn screenings_doc() -> Doc {
    let screenings = json!({"type": "object", "required": ["data", "has_more"], "properties": {
        "data": {"type": "array", "items": {"$ref": "#/components/schemas/Screening"}},
        "has_more": {"type": "boolean"}, "next_cursor": {"type": "string"}}});
    let mut doc = Doc::new("List what was decided of a customer after screening, newest first");
    doc.schema::<Screening>();
    doc.query(
        "limit",
        "How many, 1 to 200",
        &json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
    )
    .query("cursor", "next_cursor of the page before", &json!({"type": "string"}))
    .answers_schema(200, &screenings)
}

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let read = Access::Needs(Scope(Area::Reports, Verb::Read));
    let write = Access::Needs(Scope(Area::Reports, Verb::Write));
    Api::new(app)
        .route(
            Method::GET,
            "/v1/reports",
            read,
            Doc::new("List the reports there are").answers::<catalogue::Catalogue>(200),
            catalogue::list,
        )
        .route(Method::GET, "/v1/reports/{name}", read, report_doc(), report::report)
        .route(Method::GET, "/v1/reports/{name}/rows", read, rows_doc(), rows::rows)
        .route(
            Method::POST,
            "/v1/contacts/{id}/screenings",
            write,
            Doc::new("Decide what is to be done with a customer after screening")
                .detail("Kept with author, time and the score of that moment: see the report `screening`.")
                .header(
                    "Idempotency-Key",
                    "At most 255 characters; the first answer is replayed for a day.",
                )
                .body::<ScreeningIn>()
                .answers::<Screening>(201),
            screenings::decide,
        )
        .route(
            Method::GET,
            "/v1/contacts/{id}/screenings",
            read,
            screenings_doc(),
            screenings::list,
        )
        .route(
            Method::POST,
            "/v1/reports/rebuild",
            write,
            Doc::new("Make all sums anew from the records")
                .detail("Never needed, unless somebody doubts a number: reports answer the same before, meanwhile and after.")
                .answers::<rebuild::Rebuild>(202),
            rebuild::rebuild,
        )
}

/// The router.
pub fn router(app: App) -> Router {
    api(app).into_router()
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Http(router)
}

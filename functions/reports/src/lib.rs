//! Reports: `/v1/reports`, each report, and the rows behind its numbers.

use axum::Router;
use http::Method;
use rapport_domain::export::{Export, Format};
use rapport_domain::schedule::{Schedule, ScheduleIn};
use rapport_domain::screening::{Screening, ScreeningIn};
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_reporting::answer::{Answer, Explain, Group, Number, Part};
use rapport_runtime::{App, Function};
use serde_json::{Value, json};

mod catalogue;
mod export;
mod exports;
mod rebuild;
mod report;
mod rows;
mod schedules;
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
    Doc::of(|| {
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
            "How many groups other than times, those with the greatest sums first",
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
        .or_type(200, "text/csv")
        .or_type(200, Format::Xlsx.content_type())
    })
}

fn rows_doc() -> Doc {
    Doc::of(|| {
        let text = json!({"type": "string"});
        let rank = json!({"type": "integer", "minimum": 1});
        let rows = rapport_http::api::page_of(&json!({"$ref": "#/components/schemas/ReportRow"}));
        let mut doc = Doc::new("List the rows behind a number of a report")
            .detail("Follow the address in `rows` of the number. A page may be short while `has_more`.");
        doc.schema::<rapport_reporting_store::rows::ReportRow>();
        doc.needs("measure", "What is summed", &text)
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
            .paged()
            .query(
                "format",
                "All rows as a file, 10,000 at most; more by an export",
                &format(),
            )
            .answers_schema(200, &rows)
            .or_type(200, "text/csv")
            .or_type(200, Format::Xlsx.content_type())
    })
}

fn screenings_doc() -> Doc {
    Doc::of(|| {
        let screenings = rapport_http::api::page_of(&json!({"$ref": "#/components/schemas/Screening"}));
        let mut doc = Doc::new("List what was decided of a customer after screening, newest first");
        doc.schema::<Screening>();
        doc.paged().answers_schema(200, &screenings)
    })
}

fn exports_doc() -> Doc {
    Doc::new("Ask for a report, or the rows behind a number, as a file")
        .detail(
            "Made in the background, with rows of any number, and kept for 7 days. The body has the words of the query of the \
             report; with `rows` those of the query of its rows. Follow `Location`.",
        )
        .header(
            "Idempotency-Key",
            "At most 255 characters; the first answer is replayed for a day.",
        )
        .body::<exports::ReportExportIn>()
        .answers::<Export>(202)
}

fn export_list_doc() -> Doc {
    Doc::of(|| {
        let exports = json!({"type": "object", "required": ["data", "has_more"], "properties": {
            "data": {"type": "array", "items": {"$ref": "#/components/schemas/ReportExport"}},
            "has_more": {"type": "boolean"}}});
        let mut doc = Doc::new("List the 50 latest exports, newest first")
            .detail("Those of others are left out where they may hold names that the caller may not read.");
        doc.schema::<Export>();
        doc.answers_schema(200, &exports)
    })
}

fn file_doc() -> Doc {
    Doc::of(|| {
        Doc::new("Fetch the file of an export")
            .detail(
                "A file is answered in parts of at most 20,000 rows and about 4 MB, each a file by itself with its headings: \
                 `parts` of the export says how many there are. `409` until it is done.",
            )
            .query(
                "part",
                "The part, from 1",
                &json!({"type": "integer", "minimum": 1, "default": 1}),
            )
            .or_type(200, "text/csv")
            .or_type(200, Format::Xlsx.content_type())
    })
}

fn schedule_doc(summary: &str, status: u16) -> Doc {
    Doc::of(|| {
        let mut doc = Doc::new(summary);
        let parts = [doc.schema::<rapport_domain::Meta>(), doc.schema::<Schedule>()];
        doc.answers_schema(status, &json!({"allOf": parts}))
    })
}

fn schedule_list_doc() -> Doc {
    Doc::of(|| {
        let mut doc = Doc::new("List one's own schedules, newest first").detail("Owners and admins see all.");
        let parts = [doc.schema::<rapport_domain::Meta>(), doc.schema::<Schedule>()];
        let page = rapport_http::api::page_of(&json!({"allOf": parts}));
        doc.query("enabled", "Whether it is mailed", &json!({"type": "boolean"}))
            .paged()
            .answers_schema(200, &page)
    })
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
            "/v1/reports/{name}/exports",
            read,
            exports_doc(),
            exports::create,
        )
        .route(
            Method::GET,
            "/v1/report-exports",
            read,
            export_list_doc(),
            exports::list,
        )
        .route(
            Method::GET,
            "/v1/report-exports/{id}",
            read,
            Doc::new("Read how far an export is").answers::<Export>(200),
            exports::read,
        )
        .route(
            Method::GET,
            "/v1/report-exports/{id}/file",
            read,
            file_doc(),
            exports::file,
        )
        .route(
            Method::POST,
            "/v1/report-schedules",
            read,
            schedule_doc("Have a report mailed time and again", 201)
                .detail("To the user who asks, as an attachment, at an hour of the tenant's time zone.")
                .header(
                    "Idempotency-Key",
                    "At most 255 characters; the first answer is replayed for a day.",
                )
                .body::<ScheduleIn>(),
            schedules::create,
        )
        .route(
            Method::GET,
            "/v1/report-schedules",
            read,
            schedule_list_doc(),
            schedules::list,
        )
        .route(
            Method::GET,
            "/v1/report-schedules/{id}",
            read,
            schedule_doc("Read a schedule", 200),
            schedules::read,
        )
        .route(
            Method::PATCH,
            "/v1/report-schedules/{id}",
            read,
            schedule_doc("Change a schedule", 200)
                .detail("An RFC 7396 merge patch: null clears.")
                .header("If-Match", "412 when the schedule has another ETag")
                .body_schema(&json!({"type": "object"})),
            schedules::change,
        )
        .route(
            Method::DELETE,
            "/v1/report-schedules/{id}",
            read,
            Doc::new("Delete a schedule").answers_type(204, ""),
            schedules::delete,
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
    Function::http(router)
}

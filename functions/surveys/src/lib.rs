//! Surveys over HTTP: the surveys of a tenant, the invitations and results, and the public page behind the link of a mail.
//!
//! Whom to ask and when, and the mail itself, are the work of `satisfaction-surveys`.

mod answer;
mod answers;
mod built_in;
mod csv;
mod figures;
mod form;
mod invitations;
mod link;
mod page;
mod period;
mod results;
mod stop;
mod submission;

use axum::middleware::from_fn_with_state;
use http::Method;
use rapport_domain::survey::{AnswerIn, Survey};
use rapport_http::api::object;
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};
use serde_json::json;

/// With the days that are asked about.
fn days(doc: Doc) -> Doc {
    let day = json!({"type": "string", "format": "date"});
    doc.query("from", "The first day", &day)
        .query("to", "The last day", &day)
}

/// With the parameters of a page of at most so many.
fn paged(doc: Doc, most: usize) -> Doc {
    doc.query(
        "limit",
        "How many",
        &json!({"type": "integer", "minimum": 1, "maximum": most}),
    )
    .query("cursor", "next_cursor of the page before", &json!({"type": "string"}))
}

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let read = Access::Needs(Scope(Area::Surveys, Verb::Read));
    let (get, post) = (Method::GET, Method::POST);
    Api::new(app)
        .resource::<Survey>()
        .route(
            get.clone(),
            "/v1/surveys/{id}/results",
            read,
            days(Doc::new("What the answers to a survey amount to"))
                .detail("From counts by day, which follow an answer within seconds. Figures carry 95 % intervals: Wilson's for shares, Student's for means, adjusted Wald for the NPS. `rows` lists exactly the records behind a number. An answer counts on the day it was first given, what became of an invitation on the day it was due; `response_rate` is of the invitations due in the period.")
                .query("by", "Also by group", &json!({"type": "string", "enum": results::BY}))
                .query("format", "`csv` for a table", &json!({"type": "string", "enum": ["json", "csv"]}))
                .answers::<results::Results>(200)
                .answers_type(200, "text/csv"),
            results::read,
        )
        .route(
            get.clone(),
            "/v1/surveys/{id}/comments",
            read,
            paged(days(Doc::new("What respondents wrote, the latest day first")), 200)
                .query("score_to", "Only with a score of at most this", &json!({"type": "integer"}))
                .answers_schema(200, &rapport_http::api::page_of(&object())),
            answers::comments,
        )
        .route(
            get.clone(),
            "/v1/surveys/{id}/answers.csv",
            read,
            paged(days(Doc::new("Every answer as a table, the latest day first")), 1_000)
                .detail("UTF-8 with a byte order mark; at most 1,000 rows, and `Link` leads to the next. A text that a spreadsheet would take for a formula begins with an apostrophe.")
                .answers_type(200, "text/csv"),
            answers::table,
        )
        .route(get.clone(), "/v1/survey-invitations", read, invitations::listing(), invitations::list)
        .route(
            get.clone(),
            "/v1/survey-invitations/{id}",
            read,
            invitations::reading(),
            invitations::read,
        )
        .route(
            get.clone(),
            "/s/{token}",
            Access::Public,
            Doc::new("The page of a survey")
                .detail("The link of a mail; records nothing. `404` where the link is not one of ours, `410` where it has expired.")
                .query("score", "Chosen beforehand", &json!({"type": "integer"}))
                .answers_type(200, "text/html").answers_type(404, "text/html").answers_type(410, "text/html"),
            answer::show,
        )
        .route(
            post.clone(),
            "/s/{token}",
            Access::Public,
            Doc::new("Answer a survey")
                .detail("JSON, or a form with `score`, `comment` and `q.<key>` of each item (`q.<key>.<choice>` of a split), which is answered by a page. Within a day a second answer replaces the first; after that it is `409`.")
                .body::<AnswerIn>()
                .body_type("application/x-www-form-urlencoded")
                .answers::<answer::Recorded>(200)
                .answers_type(404, "text/html")
                .answers_type(409, "text/html")
                .answers_type(410, "text/html")
                .answers_type(422, "text/html"),
            answer::record,
        )
        .route(
            get,
            "/s/{token}/stop",
            Access::Public,
            Doc::new("Ask whether to end such mails").answers_type(200, "text/html").answers_type(404, "text/html").answers_type(410, "text/html"),
            stop::ask,
        )
        .route(
            post,
            "/s/{token}/stop",
            Access::Public,
            Doc::new("End such mails")
                .detail("One click, as RFC 8058 has it: the contact's agreement to e-mail is taken back.")
                .body_type("application/x-www-form-urlencoded")
                .answers_type(200, "text/html").answers_type(404, "text/html").answers_type(410, "text/html"),
            stop::stop,
        )
}

/// The router that Lambda and the one-machine host share.
pub fn router(app: App) -> axum::Router {
    api(app.clone())
        .into_router()
        .layer(from_fn_with_state(app, built_in::before_listing))
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::http(router)
}

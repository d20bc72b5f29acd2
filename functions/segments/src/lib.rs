//! Segments and scores: `/v1/segments`, `/v1/contacts/{id}/score` and what follows from them.

use axum::Router;
use http::Method;
use rapport_domain::score::{Recompute, Score};
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};
use serde_json::json;

mod alerts;
mod job;
mod loyalty;
mod members;
mod recompute;
mod score;
mod segments;
mod suggestions;

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let read = Access::Needs(Scope(Area::Segments, Verb::Read));
    let write = Access::Needs(Scope(Area::Segments, Verb::Write));
    let day = json!({"type": "string", "format": "date"});
    let until = "The run up to this day instead of the scores themselves: 1997-09-30";
    let members = rapport_http::api::page_of(&json!({"$ref": "#/components/schemas/Score"}));
    let mut member_doc = Doc::new("List the members of a segment, those who bought most first");
    member_doc.schema::<Score>();
    Api::new(app)
        .route(
            Method::GET,
            "/v1/contacts/{id}/score",
            read,
            Doc::new("Read a customer's score")
                .detail(
                    "Figures are those of this moment; ranks those of the last recompute; alert and lifecycle too, unless a \
                     purchase moved them since; value and risk are computed from both. `explain` says how each number comes about.",
                )
                .query("until", until, &day)
                .answers::<Score>(200),
            score::score,
        )
        .route(Method::GET, "/v1/contacts/{id}/loyalty", read, loyalty::doc(), loyalty::read)
        .route(
            Method::GET,
            "/v1/contacts/{id}/suggestions",
            read,
            suggestions::doc(),
            suggestions::list,
        )
        .route(
            Method::GET,
            "/v1/segments",
            read,
            Doc::new("List the segments with their sizes, and the model of all customers")
                .query("until", until, &day)
                .answers::<segments::Segments>(200),
            segments::list,
        )
        .route(
            Method::GET,
            "/v1/segments/{key}/members",
            read,
            member_doc
                .paged()
                .answers_schema(200, &members),
            members::list,
        )
        .route(Method::GET, "/v1/segments/alerts", read, alerts::listing(), alerts::list)
        .route(
            Method::POST,
            "/v1/segments/recompute",
            write,
            Doc::new("Recompute all scores")
                .detail(
                    "Runs each night by itself. With `until` a separate, silent run over what was bought up to that day: \
                     read it for 90 days by `?until=`.",
                )
                .header(
                    "Idempotency-Key",
                    "At most 255 characters; the first answer is replayed for a day.",
                )
                .body::<recompute::RecomputeIn>()
                .or_no_body()
                .answers::<Recompute>(202),
            recompute::recompute,
        )
        .route(
            Method::GET,
            "/v1/segments/jobs/{id}",
            read,
            Doc::new("Read how far a recompute is").answers::<Recompute>(200),
            job::job,
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

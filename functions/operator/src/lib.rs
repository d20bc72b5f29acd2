//! What whoever runs the service sees and does: tenants and their accounts, queues, dead letters, what is made anew, and
//! whether all is well.
//!
//! No table of records is read here, so that nothing of customers' data can show. Whatever changes something is noted first
//! ([`rapport_http::Operator::note`]).

mod audit;
mod cost;
mod dead_letters;
mod health;
mod queues;
mod rebuild;
mod tenants;
mod usage;

use http::{Method, StatusCode};
use rapport_http::api::{object, page_of};
use rapport_http::{Access, Api, Doc, Operator, Problem, respond};
use rapport_runtime::{App, Function};
use rapport_store::operator::Action;
use serde_json::{Value, json};

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let api = Api::new(app).route(
        Method::GET,
        "/v1/operator/openapi.json",
        Access::Operator,
        Doc::new("This document").answers_schema(200, &object()),
        async |_: Operator| {
            let document = include_str!("../openapi.json").to_owned();
            Ok::<_, Problem>(respond::json_text(StatusCode::OK, document))
        },
    );
    watching(letters(used(accounts(api))))
}

fn accounts(api: Api) -> Api {
    let text = json!({"type": "string"});
    let list = listed::<tenants::Tenant>(Doc::new("All tenants, shard by shard of the directory"))
        .paged()
        .query(
            "status",
            "Only those with this status: open, suspended, closed, erasing",
            &text,
        )
        .query("plan", "Only those on this plan", &text)
        .query(
            "login",
            "Only those that the login leads to: the SHA-256, in hexadecimal, of an e-mail address in lower case",
            &text,
        );
    let tenant = |doc: Doc| doc.answers::<tenants::Tenant>(200);
    let operator = Access::Operator;
    api.route(Method::GET, "/v1/operator/tenants", operator, list, tenants::list)
        .route(
            Method::GET,
            "/v1/operator/tenants/{id}",
            operator,
            tenant(Doc::new("One tenant")),
            tenants::read,
        )
        .route(
            Method::PATCH,
            "/v1/operator/tenants/{id}",
            operator,
            tenant(Doc::new("Put a tenant on another plan")).body::<tenants::PlanIn>(),
            tenants::plan,
        )
        .route(
            Method::POST,
            "/v1/operator/tenants/{id}/suspend",
            operator,
            tenant(Doc::new("Let a tenant read but change nothing"))
                .detail("The tenant is told why.")
                .body::<tenants::Because>(),
            tenants::suspend,
        )
        .route(
            Method::POST,
            "/v1/operator/tenants/{id}/resume",
            operator,
            tenant(Doc::new("End a suspension")),
            tenants::resume,
        )
        .route(
            Method::POST,
            "/v1/operator/tenants/{id}/rebuild",
            operator,
            Doc::new("Make a tenant's sums of reports, words of search, scores, or counts of answers to surveys anew")
                .detail("Asked twice it is done twice, with the same result.")
                .body::<rebuild::RebuildIn>()
                .answers::<rebuild::Rebuild>(202),
            rebuild::rebuild,
        )
}

fn used(api: Api) -> Api {
    let text = json!({"type": "string"});
    let month = "2026-11; without it this month, in UTC";
    let operator = Access::Operator;
    let all = listed::<usage::Usage>(Doc::new("What tenants used in a month, and what that costs"))
        .detail(cost::SOURCE)
        .paged()
        .query("month", month, &text);
    let days = listed::<usage::Usage>(Doc::new(
        "What a tenant used on the days of a month, and what that costs",
    ))
    .detail(cost::SOURCE)
    .query("month", month, &text);
    api.route(Method::GET, "/v1/operator/usage", operator, all, usage::list)
        .route(
            Method::GET,
            "/v1/operator/tenants/{id}/usage",
            operator,
            days,
            usage::days,
        )
}

fn letters(api: Api) -> Api {
    let operator = Access::Operator;
    api.route(
        Method::GET,
        "/v1/operator/dead-letters/{queue}",
        operator,
        listed::<dead_letters::DeadLetter>(Doc::new("A queue's dead letters, 200 at most"))
            .detail("Never the body of a message: its type, and the ids it names."),
        dead_letters::list,
    )
    .route(
        Method::POST,
        "/v1/operator/dead-letters/{queue}/replay",
        operator,
        Doc::new("Send dead letters back to their queue")
            .detail("Without `ids` all of them, by the queue itself. What is gone already is not sent again.")
            .body::<dead_letters::Which>()
            .answers::<dead_letters::Replayed>(200),
        dead_letters::replay,
    )
    .route(
        Method::POST,
        "/v1/operator/dead-letters/{queue}/discard",
        operator,
        Doc::new("Delete dead letters for good")
            .body::<dead_letters::Discard>()
            .answers::<dead_letters::Discarded>(200),
        dead_letters::discard,
    )
}

fn watching(api: Api) -> Api {
    let text = json!({"type": "string"});
    let audit = listed::<Action>(Doc::new("What the operator did in a month, newest first"))
        .paged()
        .query("month", "2026-11; without it this month, in UTC", &text);
    let operator = Access::Operator;
    let queues = listed::<queues::Depths>(Doc::new("How full the queues are"));
    api.route(Method::GET, "/v1/operator/queues", operator, queues, queues::list)
        .route(
            Method::GET,
            "/v1/operator/health",
            operator,
            Doc::new("Whether all is well")
                .detail("Measured by what the alarms are set to: no dead letters, and nothing that waits for more than 15 minutes.")
                .answers::<health::Health>(200),
            health::health,
        )
        .route(Method::GET, "/v1/operator/audit", operator, audit, audit::list)
}

fn listed<T: utoipa::ToSchema>(mut doc: Doc) -> Doc {
    let item = doc.schema::<T>();
    doc.answers_schema(200, &page_of(&item))
}

/// A page of a list as it is answered.
fn page<T: serde::Serialize>(data: &[T], next_cursor: Option<&str>) -> Value {
    let mut page = json!({"data": data, "has_more": next_cursor.is_some()});
    if let Some(cursor) = next_cursor {
        page["next_cursor"] = cursor.into();
    }
    page
}

/// The router.
pub fn router(app: App) -> axum::Router {
    api(app).into_router()
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::http(router)
}

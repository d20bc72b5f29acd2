//! What a firm uses, what its plan allows, and what it is billed: `/v1/usage`, `/v1/plans`, `/v1/account`.

mod account;
mod export;
mod plans;
mod span;
mod usage;

use axum::Router;
use http::Method;
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};
use serde_json::json;

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let read = Access::Needs(Scope(Area::Account, Verb::Read));
    let day = json!({"type": "string", "format": "date"});
    let of_days = |doc: Doc| {
        doc.query(
            "from",
            "The first day, in UTC; the first of this month when absent",
            &day,
        )
        .query(
            "to",
            "The last day, at most 400 after the first; today when absent",
            &day,
        )
    };
    let billing = "So much of one thing on one day. Only days that are closed, two hours after their end, are here, so that the same days always give the same bytes; a record that is taken twice has the same id.";
    Api::new(app)
        .route(Method::GET, "/v1/usage", read, of_days(Doc::new("What was used, and what is left of the plan").detail("Calls are told by each process once a minute or after 50 of them; records are counted some seconds after they came or went, later where there are very many.").answers::<usage::Usage>(200)), usage::usage)
        .route(Method::GET, "/v1/usage/export.csv", read, of_days(Doc::new("Billing records as CSV").detail(billing).answers_type(200, "text/csv")), export::csv)
        .route(Method::GET, "/v1/usage/export.json", read, of_days(Doc::new("Billing records as JSON").detail(billing).answers::<export::Export>(200)), export::json)
        .route(Method::GET, "/v1/plans", Access::Public, Doc::new("The plans and what they allow").answers::<plans::Plans>(200), plans::plans)
        .route(Method::GET, "/v1/account", read, Doc::new("The firm's account with the service").answers::<account::AccountOut>(200), account::account)
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

//! Customers to be won back over HTTP: the cases, what is done about them, and what that brings.
//!
//! Cases are opened, settled and closed by `segment-scores`.

mod actions;
mod cases;
mod effect;

use http::Method;
use rapport_domain::win_back::WinBackActionIn;
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};
use serde_json::json;

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let read = Access::Needs(Scope(Area::WinBacks, Verb::Read));
    let write = Access::Needs(Scope(Area::WinBacks, Verb::Write));
    let (get, post) = (Method::GET, Method::POST);
    let changes = |doc: Doc| {
        doc.header("If-Match", "412 when the case has another ETag").header(
            "Idempotency-Key",
            "At most 255 characters; the first answer is replayed for a day.",
        )
    };
    let day = json!({"type": "string", "format": "date"});
    let effect = Doc::new("What was done about silent customers, and what it brought")
        .detail(
            "Of the cases found in a span of days whose outcome is known: how many of those who were dealt with returned \
             within 60 days, and how many of those who were left alone. Shares carry Wilson's 95 % interval, the difference \
             Newcombe's. Of more than 10,000 cases of a kind the newest are counted, and `complete` is false.",
        )
        .query("from", "The first day; a year before the last where nothing is said", &day)
        .query("to", "The last day; today where nothing is said", &day)
        .answers::<effect::Effect>(200);
    Api::new(app)
        .route(get.clone(), "/v1/win-backs", read, cases::listing(), cases::list)
        .route(get.clone(), "/v1/win-backs/effect", read, effect, effect::read)
        .route(get, "/v1/win-backs/{id}", read, cases::answer("Read a win-back case"), cases::read)
        .route(
            Method::PATCH,
            "/v1/win-backs/{id}",
            write,
            changes(cases::answer("Change a win-back case"))
                .detail(
                    "An RFC 7396 merge patch of `owner_id`, `note`, `dismiss_reason`, `tags`, `custom` and `external_ids`. A \
                     reason dismisses an open case; null takes that back.",
                )
                .body_schema(&json!({"type": "object"})),
            cases::patch,
        )
        .route(
            post,
            "/v1/win-backs/{id}/actions",
            write,
            changes(cases::answer("Note what was done about a silent customer"))
                .detail(
                    "The first action begins the 60 days in which a purchase counts as a return. An action may be noted some \
                     days late; `409` where the case is closed, or was chosen by lot to be left alone.",
                )
                .body::<WinBackActionIn>(),
            actions::add,
        )
}

/// The router that Lambda and the one-machine host share.
pub fn router(app: App) -> axum::Router {
    api(app).into_router()
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::http(router)
}

//! Orders, their payments, and products: `/v1/orders`, `/v1/products`.

mod payments;
mod steps;

use axum::Router;
use http::Method;
use rapport_domain::order::Order;
use rapport_domain::product::Product;
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let read = Access::Needs(Scope(Area::Orders, Verb::Read));
    let write = Access::Needs(Scope(Area::Orders, Verb::Write));
    let step = |summary: &str| {
        Doc::new(summary)
            .answers::<Order>(200)
            .header("If-Match", "412 when the order has another ETag")
            .header(
                "Idempotency-Key",
                "At most 255 characters; the first answer is replayed for a day.",
            )
    };
    Api::new(app)
        .resource::<Order>()
        .resource::<Product>()
        .route(
            Method::GET,
            "/v1/orders/{id}/payments",
            read,
            Doc::new("List the payments of an order, in the order they were recorded")
                .answers::<payments::Payments>(200),
            payments::list,
        )
        .route(
            Method::POST,
            "/v1/orders/{id}/payments",
            write,
            step("Record a payment or, with an amount below zero, a refund")
                .detail("A payment whose external_id is known changes nothing.")
                .body::<payments::PayIn>(),
            payments::record,
        )
        .route(
            Method::POST,
            "/v1/orders/{id}/place",
            write,
            step("Place an order that was a draft"),
            steps::place,
        )
        .route(
            Method::POST,
            "/v1/orders/{id}/fulfil",
            write,
            step("Mark an order as delivered").body::<steps::FulfilIn>(),
            steps::fulfil,
        )
        .route(
            Method::POST,
            "/v1/orders/{id}/cancel",
            write,
            step("Call an order off").body::<steps::EndIn>(),
            steps::cancel,
        )
        .route(
            Method::POST,
            "/v1/orders/{id}/return",
            write,
            step("Take the goods of a delivered order back")
                .detail("What was paid is owed to the customer until it is refunded.")
                .body::<steps::EndIn>(),
            steps::take_back,
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

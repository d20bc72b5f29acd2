//! Tickets over HTTP: the standard operations, the conversation, and the steps of the flow.

mod close;
mod escalate;
mod messages;
mod reopen;
mod resolve;
mod step;

use http::Method;
use rapport_domain::ticket::{Message, MessageIn, Ticket};
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let read = Access::Needs(Scope(Area::Tickets, Verb::Read));
    let write = Access::Needs(Scope(Area::Tickets, Verb::Write));
    Api::new(app)
        .resource::<Ticket>()
        .route(Method::GET, "/v1/tickets/{id}/messages", read, messages::listing(), messages::list)
        .route(
            Method::POST,
            "/v1/tickets/{id}/messages",
            write,
            Doc::new("Add a message to a ticket")
                .detail("An agent's first public message is the first response. A customer's message sets the clocks running and reopens a ticket resolved in the last 30 days.")
                .body::<MessageIn>()
                .answers::<Message>(201),
            messages::add,
        )
        .route(
            Method::POST,
            "/v1/tickets/{id}/resolve",
            write,
            step::doc("Resolve a ticket").body::<resolve::ResolveIn>(),
            resolve::resolve,
        )
        .route(Method::POST, "/v1/tickets/{id}/reopen", write, step::doc("Reopen a resolved ticket"), reopen::reopen)
        .route(Method::POST, "/v1/tickets/{id}/close", write, step::doc("Close a ticket for good"), close::close)
        .route(
            Method::POST,
            "/v1/tickets/{id}/escalate",
            write,
            step::doc("Escalate a ticket by a level"),
            escalate::escalate,
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

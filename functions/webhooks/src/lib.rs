//! Webhooks: the endpoints of subscribers and the log of what they were told (`/v1/webhook-endpoints`,
//! `/v1/webhook-deliveries`), the sources that tell us things and what of it failed (`/v1/webhook-sources`), and where
//! they post (`/hooks/{token}`). Sending and applying are the work of `webhook-deliveries` and `webhook-intake`.

mod deliveries;
mod endpoints;
mod failures;
mod hooks;
mod record;
mod seal;
mod sources;

use http::Method;
use rapport_domain::webhook::{Delivery, Endpoint, EndpointIn, Receipt, Source, SourceIn};
use rapport_http::api::object;
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};
use serde_json::json;
use utoipa::ToSchema;

const READ: Access = Access::Needs(Scope(Area::Webhooks, Verb::Read));
const WRITE: Access = Access::Needs(Scope(Area::Webhooks, Verb::Write));

/// An operation that answers with one thing.
fn one<T: ToSchema>(summary: &str, status: u16) -> Doc {
    Doc::new(summary).answers::<T>(status)
}

/// An operation that answers with a page.
fn page<T: ToSchema>(summary: &str) -> Doc {
    let mut doc = Doc::new(summary);
    let item = doc.schema::<T>();
    let schema = rapport_http::api::page_of(&item);
    doc.answers_schema(200, &schema).paged()
}

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let word = json!({"type": "string"});
    let patch = |doc: Doc| {
        doc.detail("An RFC 7396 merge patch: null clears.")
            .body_schema(&object())
    };
    let (get, post, delete, change) = (Method::GET, Method::POST, Method::DELETE, Method::PATCH);
    Api::new(app)
        .route(
            post.clone(),
            "/v1/webhook-endpoints",
            WRITE,
            one::<Endpoint>("Create a webhook endpoint", 201)
                .body::<EndpointIn>()
                .detail("The answer holds `secret`, which is never shown again; it is left out when an idempotency key is repeated."),
            endpoints::create,
        )
        .route(get.clone(), "/v1/webhook-endpoints", READ, page::<Endpoint>("List webhook endpoints"), record::list::<Endpoint>)
        .route(get.clone(), "/v1/webhook-endpoints/{id}", READ, one::<Endpoint>("Read a webhook endpoint", 200), record::read::<Endpoint>)
        .route(change.clone(), "/v1/webhook-endpoints/{id}", WRITE, patch(one::<Endpoint>("Change a webhook endpoint", 200)), endpoints::change)
        .route(delete.clone(), "/v1/webhook-endpoints/{id}", WRITE, Doc::new("Delete a webhook endpoint").answers_type(204, ""), record::delete::<Endpoint>)
        .route(
            post.clone(),
            "/v1/webhook-endpoints/{id}/rotate",
            WRITE,
            one::<Endpoint>("Replace the secret of a webhook endpoint", 200)
                .detail("The answer holds the new `secret`. For 24 hours messages carry the signatures of both."),
            endpoints::rotate,
        )
        .route(
            post.clone(),
            "/v1/webhook-endpoints/{id}/test",
            WRITE,
            one::<Delivery>("Send a test event to a webhook endpoint", 202).detail("An event of type `webhook.test`."),
            endpoints::test,
        )
        .route(
            get.clone(),
            "/v1/webhook-deliveries",
            READ,
            page::<Delivery>("List deliveries, newest first").query("endpoint_id", "Of this endpoint", &word).query("status", "With this status", &word),
            deliveries::list,
        )
        .route(get.clone(), "/v1/webhook-deliveries/{id}", READ, one::<Delivery>("Read a delivery with its attempts", 200), deliveries::read)
        .route(post.clone(), "/v1/webhook-deliveries/{id}/replay", WRITE, one::<Delivery>("Deliver again", 202), deliveries::replay)
        .route(
            post.clone(),
            "/v1/webhook-sources",
            WRITE,
            one::<Source>("Create a source of webhooks", 201)
                .body::<SourceIn>()
                .detail("`secret` may be given beside the fields shown, and must be for all kinds but `generic`. The answer holds `url`, which is never shown again."),
            sources::create,
        )
        .route(get.clone(), "/v1/webhook-sources", READ, page::<Source>("List sources of webhooks"), record::list::<Source>)
        .route(get.clone(), "/v1/webhook-sources/{id}", READ, one::<Source>("Read a source of webhooks", 200), record::read::<Source>)
        .route(change, "/v1/webhook-sources/{id}", WRITE, patch(one::<Source>("Change a source of webhooks, or its secret", 200)), sources::change)
        .route(delete, "/v1/webhook-sources/{id}", WRITE, Doc::new("Delete a source of webhooks").answers_type(204, ""), record::delete::<Source>)
        .route(
            post.clone(),
            "/v1/webhook-sources/{id}/rotate",
            WRITE,
            one::<Source>("Replace the address of a source of webhooks", 200).detail("The answer holds the new `url`; the old one ends at once."),
            sources::rotate,
        )
        .route(
            get.clone(),
            "/v1/webhook-sources/{id}/failures",
            READ,
            page::<Receipt>("What a source posted and could not be applied").query("status", "`failed`, or `received` for what still waits", &word),
            failures::list,
        )
        .route(get.clone(), "/v1/webhook-sources/{id}/receipts", READ, page::<Receipt>("What a source posted, newest first").detail("What was applied or put aside is kept for 30 days."), failures::receipts)
        .route(get.clone(), "/v1/webhook-sources/{id}/failures/{receipt}", READ, one::<Receipt>("Read a failure with the message's body", 200), failures::read)
        .route(post.clone(), "/v1/webhook-sources/{id}/failures/replay", WRITE, Doc::new("Apply all failures again").answers_schema(202, &object()), failures::replay_all)
        .route(post.clone(), "/v1/webhook-sources/{id}/failures/{receipt}/replay", WRITE, one::<Receipt>("Apply a failure again", 202), failures::replay)
        .route(
            post,
            "/hooks/{token}",
            Access::Public,
            Doc::new("Post a webhook").detail("JSON or a plain form, at most 1 MiB; signed as the source's kind demands. Applied in the background.").answers_schema(202, &object()),
            hooks::receive,
        )
        .route(get, "/hooks/{token}", Access::Public, Doc::new("Show that the address is good").answers_type(200, "text/plain"), hooks::verify)
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

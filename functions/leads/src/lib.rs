//! Leads: `/v1/leads`.

mod convert;

use axum::Router;
use http::Method;
use rapport_domain::lead::Lead;
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let write = Access::Needs(Scope(Area::Leads, Verb::Write));
    let convert = Doc::new("Convert a lead into a contact and a company")
        .detail("In one transaction. Needs `contacts:write` as well. `409` with the holder when the e-mail address is a contact's already: name that contact as `contact_id`.")
        .header("If-Match", "412 when the lead has another ETag")
        .header("Idempotency-Key", "At most 255 characters; the first answer is replayed for a day.")
        .body::<convert::ConvertIn>()
        .answers_schema(200, &convert::schema());
    Api::new(app)
        .resource::<Lead>()
        .route(Method::POST, "/v1/leads/{id}/convert", write, convert, convert::convert)
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

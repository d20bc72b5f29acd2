//! Search over all kinds of record: `GET /v1/search`.

mod find;

use axum::Router;
use http::Method;
use rapport_domain::search::NOUNS;
use rapport_http::api::words_of;
use rapport_http::{Access, Api, Doc};
use rapport_runtime::{App, Function};
use serde_json::json;

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let text = json!({"type": "string"});
    let limit = json!({"type": "integer", "minimum": 1, "maximum": 50, "default": 20});
    let doc = Doc::new("Find records by words")
        .detail("A record is found when it has, for each word asked for, a word that begins so; Chinese goes by characters, telephone numbers by digits. Best first. Kinds that the caller may not read are left out. A record is found some moments after it was written.")
        .needs("q", "The words, at most 200 characters", &text)
        .query("kinds", "Only these, separated by commas", &words_of(NOUNS))
        .query("limit", "How many, 1 to 50", &limit)
        .answers_schema(200, &find::schema());
    Api::new(app).route(Method::GET, "/v1/search", Access::SignedIn, doc, find::find)
}

/// The router.
pub fn router(app: App) -> Router {
    api(app).into_router()
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Http {
        router,
        // Each kind is looked through by itself.
        at_once: NOUNS.len(),
    }
}

//! Reading the log of changes: the events feed to pull, the timeline of a contact, the history of a record.

mod feed;
mod history;
mod timeline;

use http::Method;
use rapport_domain::event::{Event, NOUNS, PARTICULAR, VERBS};
use rapport_http::api::{object, words_of};
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};
use serde_json::{Value, json};

/// What `types` of the feed takes.
fn types() -> Value {
    let of = |noun: &str| format!(r"{noun}\.(\*|{})", VERBS.join("|"));
    let particular = PARTICULAR.map(|kind| kind.replace('.', r"\."));
    let all: Vec<String> = NOUNS
        .map(of)
        .into_iter()
        .chain([r"\*".to_owned(), r"payment\.\*".to_owned()])
        .chain(particular)
        .collect();
    words_of(all.iter().map(String::as_str))
}

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let reads = |area| Access::Needs(Scope(area, Verb::Read));
    let text = json!({"type": "string"});
    let number = json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50});
    let page = |mut doc: Doc| {
        let event = doc.schema::<Event>();
        let schema = rapport_http::api::page_of(&event);
        doc.answers_schema(200, &schema)
            .query("limit", "How many, 1 to 200", &number)
    };
    let feed = page(Doc::new("What happened, in the order it was noted"))
        .detail("At least once and in order for each record; the last five seconds are held back, 30 days are kept here. `next_cursor` is always given: ask again with it.")
        .query("after", "next_cursor of the page before; without it the last 30 days from their beginning", &text)
        .query("types", "Types of event, `<noun>.*` or `*`, separated by commas", &types());
    let timeline = page(Doc::new(
        "What happened to a contact and all that is its own, newest first",
    ))
    .detail("Events of records that the caller may not read are left out.")
    .query("cursor", "next_cursor of the page before", &text);
    let company = page(Doc::new("What happened to a company, newest first")).query(
        "cursor",
        "next_cursor of the page before",
        &text,
    );
    let mut api = Api::new(app)
        .route(Method::GET, "/v1/events", reads(Area::Events), feed, feed::feed)
        .route(
            Method::GET,
            "/v1/contacts/{id}/timeline",
            reads(Area::Contacts),
            timeline,
            timeline::contact,
        )
        .route(
            Method::GET,
            "/v1/companies/{id}/timeline",
            reads(Area::Contacts),
            company,
            timeline::company,
        );
    for kind in history::KINDS {
        let doc = Doc::new(format!("Who changed a {} when and how, newest first", kind.noun))
            .detail("With `as_of` the record as it was at that moment instead.")
            .query("limit", "How many, 1 to 200", &number)
            .query("cursor", "next_cursor of the page before", &text)
            .query(
                "as_of",
                "A time such as 2026-11-22T08:00:00Z",
                &json!({"type": "string", "format": "date-time"}),
            )
            .answers_schema(200, &object());
        api = api.route(
            Method::GET,
            &format!("/v1/{}/{{id}}/history", kind.plural),
            reads(kind.area),
            doc,
            history::handler(kind),
        );
    }
    api
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

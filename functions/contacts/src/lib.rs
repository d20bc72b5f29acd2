//! Contacts and companies: `/v1/contacts`, `/v1/companies`, and the jobs of their merges under `/v1/jobs`.

mod erase;
mod jobs;
mod lookup;
mod merge;
mod overview;

use axum::Router;
use http::Method;
use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::erasure::Erasure;
use rapport_domain::merge::Job;
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};
use serde_json::json;

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let read = Access::Needs(Scope(Area::Contacts, Verb::Read));
    let lookup = Doc::of(|| {
        let text = json!({"type": "string"});
        let overviews =
            json!({"type": "object", "properties": {"data": {"type": "array", "items": overview::schema()}}});
        Doc::new("Who has a telephone number")
            .detail(
                "At most five overviews, newest contact first. A number without a country code is of the firm's country.",
            )
            .needs("phone", "The number in any usual form", &text)
            .answers_schema(200, &overviews)
    });
    let overview = Doc::of(|| {
        Doc::new("All there is to know of a contact, in one call")
            .detail("Parts that the caller may not read are left out.")
            .answers_schema(200, &overview::schema())
    });
    let job = Doc::new("How far a merge is").answers::<Job>(200);
    merges(Api::new(app).resource::<Contact>().resource::<Company>())
        .route(Method::GET, "/v1/contacts/lookup", read, lookup, lookup::lookup)
        .route(
            Method::GET,
            "/v1/contacts/{id}/overview",
            read,
            overview,
            overview::read,
        )
        .route(Method::GET, "/v1/jobs/{id}", read, job, jobs::read)
        .route(
            Method::POST,
            "/v1/contacts/{id}/erasure",
            Access::Needs(Scope(Area::Account, Verb::Write)),
            Doc::new("Erase a person")
                .detail("For good, in the background: the contact and those merged into it, leads, tickets, surveys, scores, events, search. Orders stay for the books, without the person. Nobody is told by webhook. Asked again it answers how far it is.")
                .answers::<Erasure>(202),
            erase::erase,
        )
        .route(
            Method::GET,
            "/v1/contacts/{id}/erasure",
            Access::Needs(Scope(Area::Account, Verb::Read)),
            Doc::new("Read whether a person is erased").answers::<Erasure>(200),
            erase::read,
        )
}

fn merges(api: Api) -> Api {
    let write = Access::Needs(Scope(Area::Contacts, Verb::Write));
    let merge = |noun: &str| {
        Doc::of(|| {
            Doc::new(format!("Merge other records into a {noun}"))
            .detail("At once the others lead to this one and unique values move; a job then moves what pointed at them. Merging the same again answers with the same job. With `dry_run` nothing is written and `200` shows what would come of it.")
            .header("If-Match", "412 when the record has another ETag")
            .body::<merge::MergeIn>()
            .answers_schema(200, &merge::schema())
            .answers_schema(202, &merge::schema())
        })
    };
    let unmerge = |noun: &str| {
        Doc::of(|| {
            Doc::new(format!("Undo a merge into a {noun}"))
                .detail("Within 30 days. What was changed since the merge stays changed.")
                .body::<merge::UnmergeIn>()
                .answers_schema(202, &merge::schema())
        })
    };
    api.route(
        Method::POST,
        "/v1/contacts/{id}/merge",
        write,
        merge("contact"),
        merge::merge::<Contact>,
    )
    .route(
        Method::POST,
        "/v1/contacts/{id}/unmerge",
        write,
        unmerge("contact"),
        merge::unmerge::<Contact>,
    )
    .route(
        Method::POST,
        "/v1/companies/{id}/merge",
        write,
        merge("company"),
        merge::merge::<Company>,
    )
    .route(
        Method::POST,
        "/v1/companies/{id}/unmerge",
        write,
        unmerge("company"),
        merge::unmerge::<Company>,
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

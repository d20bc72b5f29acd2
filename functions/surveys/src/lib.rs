//! Surveys over HTTP: the surveys of a tenant, the invitations and results, and the public page behind the link of a mail.
//!
//! Whom to ask and when, and the mail itself, are the work of `satisfaction-surveys`.

mod answer;
mod built_in;
mod invitations;
mod link;
mod page;
mod results;
mod stop;

use axum::middleware::from_fn_with_state;
use http::Method;
use rapport_domain::survey::{AnswerIn, Survey};
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};
use serde_json::json;

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let read = Access::Needs(Scope(Area::Surveys, Verb::Read));
    let (get, post) = (Method::GET, Method::POST);
    Api::new(app)
        .resource::<Survey>()
        .route(
            get.clone(),
            "/v1/surveys/{id}/results",
            read,
            Doc::new("What the answers to a survey amount to")
                .detail("Figures carry 95 % intervals: Wilson's for shares, Student's for means, adjusted Wald for the NPS. Of more than 10,000 invitations the newest are counted, and `complete` is false.")
                .answers::<results::Results>(200),
            results::read,
        )
        .route(get.clone(), "/v1/survey-invitations", read, invitations::listing(), invitations::list)
        .route(
            get.clone(),
            "/v1/survey-invitations/{id}",
            read,
            invitations::reading(),
            invitations::read,
        )
        .route(
            get.clone(),
            "/s/{token}",
            Access::Public,
            Doc::new("The page of a survey")
                .detail("The link of a mail; records nothing. `404` where the link is not one of ours, `410` where it has expired.")
                .query("score", "Chosen beforehand", &json!({"type": "integer"}))
                .answers_type(200, "text/html").answers_type(404, "text/html").answers_type(410, "text/html"),
            answer::show,
        )
        .route(
            post.clone(),
            "/s/{token}",
            Access::Public,
            Doc::new("Answer a survey")
                .detail("JSON, or a form with `score` and `comment`, which is answered by a page. Within a day a second answer replaces the first; after that it is `409`.")
                .body::<AnswerIn>()
                .body_type("application/x-www-form-urlencoded")
                .answers::<answer::Recorded>(200)
                .answers_type(404, "text/html")
                .answers_type(409, "text/html")
                .answers_type(410, "text/html")
                .answers_type(422, "text/html"),
            answer::record,
        )
        .route(
            get,
            "/s/{token}/stop",
            Access::Public,
            Doc::new("Ask whether to end such mails").answers_type(200, "text/html").answers_type(404, "text/html").answers_type(410, "text/html"),
            stop::ask,
        )
        .route(
            post,
            "/s/{token}/stop",
            Access::Public,
            Doc::new("End such mails")
                .detail("One click, as RFC 8058 has it: the contact's agreement to e-mail is taken back.")
                .body_type("application/x-www-form-urlencoded")
                .answers_type(200, "text/html").answers_type(404, "text/html").answers_type(410, "text/html"),
            stop::stop,
        )
}

/// The router that Lambda and the one-machine host share.
pub fn router(app: App) -> axum::Router {
    api(app.clone())
        .into_router()
        .layer(from_fn_with_state(app, built_in::before_listing))
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Http(router)
}

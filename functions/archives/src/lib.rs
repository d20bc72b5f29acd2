//! A firm's whole record as one file, made here or moved in: `/v1/archives`.

mod file;
mod moving;
mod read;

use axum::Router;
use http::Method;
use rapport_domain::archive::{Archive, UploadIn};
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};

/// The type of a file, and of a part of one.
const ZIP: &str = "application/zip";
/// The type that a part is sent as.
const BYTES: &str = "application/octet-stream";

fn list_doc() -> Doc {
    let mut doc = Doc::new("List archives, newest first").detail("The latest 50 that have not expired.");
    let archive = doc.schema::<Archive>();
    doc.answers_schema(200, &rapport_http::api::page_of(&archive))
}

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    // Whoever may close the account may take everything out of it and bring everything in.
    let all = Access::Needs(Scope(Area::Account, Verb::Write));
    let read = Access::Needs(Scope(Area::Account, Verb::Read));
    Api::new(app)
        .route(
            Method::POST,
            "/v1/archives",
            all,
            Doc::new("Make one file of everything")
                .detail(
                    "In the background. A ZIP of NDJSON (records with deleted ones, messages, scores, decisions after screening, settings, \
                     fields, users without secrets, surveys, schedules, events), a manifest with rows, bytes and SHA-256 of each, and an Ed25519 signature \
                     over it. Passwords, keys, webhook endpoints and sources hold secrets and are left out. It is no snapshot: for one, \
                     close the account first. Kept for seven days.",
                )
                .answers::<Archive>(202),
            moving::out,
        )
        .route(Method::GET, "/v1/archives", read, list_doc(), read::list)
        .route(
            Method::POST,
            "/v1/archives/uploads",
            all,
            Doc::new("Announce a file that is to be moved in")
                .detail("By a user, not by a key. Its parts are sent next.")
                .body::<UploadIn>()
                .answers::<Archive>(201),
            moving::announce,
        )
        .route(
            Method::GET,
            "/v1/archives/{id}",
            read,
            Doc::new("Read how far an archive is").answers::<Archive>(200),
            read::read,
        )
        .route(
            Method::GET,
            "/v1/archives/{id}/file",
            all,
            Doc::new("Fetch the file, or a range of it")
                .detail("More than 4 MiB are fetched by ranges of at most 4 MiB each: `Range: bytes=0-4194303`.")
                .header("Range", "One range of bytes")
                .answers_type(200, ZIP)
                .or_type(206, ZIP),
            file::file,
        )
        .route(
            Method::PUT,
            "/v1/archives/{id}/parts/{part}",
            all,
            Doc::new("Send a part of a file that is to be moved in")
                .detail("Counted from 1; each has 4 MiB, the last one what is left. A part that is sent again takes its place.")
                .body_type(BYTES)
                .answers_type(204, ""),
            file::part,
        )
        .route(
            Method::POST,
            "/v1/archives/{id}/move-in",
            all,
            Doc::new("Move an archive in")
                .detail(
                    "In the background, into a firm that has no records yet. The whole file is looked through before anything is \
                     written; until the end the account can only be read. Settings and fields become those of the archive, its users \
                     come without a way in: invite them. Ids stay as they are.",
                )
                .answers::<Archive>(202),
            moving::move_in,
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

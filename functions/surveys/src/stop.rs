//! `GET` and `POST /s/{token}/stop`: no more such mails. The `GET` only asks, since scanners of mail follow links; mail
//! programs `POST` by themselves (RFC 8058).

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use rapport_http::{Problem, RequestId};
use rapport_runtime::App;

use crate::link;
use crate::page::{self, Notice};

pub async fn ask(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let asked = async {
        match link::follow(&app, &token).await {
            Ok(link) => Ok(page::stop(link.invitation.body.language, &link.rules.settings.company)),
            Err(dead) => dead.page(&headers),
        }
    };
    link::counted(&app, &token, asked).await
}

pub async fn stop(
    State(app): State<App>,
    Path(token): Path<String>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let stopped = stopped(&app, &token, id, &headers);
    link::counted(&app, &token, stopped).await
}

async fn stopped(app: &App, token: &str, id: RequestId, headers: &HeaderMap) -> Result<Response, Problem> {
    let link = match link::follow(app, token).await {
        Ok(link) => link,
        Err(dead) => return dead.page(headers),
    };
    let invitation = &link.invitation.body;
    app.store.refuse_mail(&link.accept(id), invitation.contact_id).await?;
    let company = &link.rules.settings.company;
    Ok(page::notice(
        StatusCode::OK,
        invitation.language,
        company,
        Notice::Stopped,
    ))
}

//! `GET` and `POST /s/{token}`: the page of a survey, and the answer. Only the `POST` records: scanners of mail follow
//! links.

use axum::Extension;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use rapport_domain::Invalid;
use rapport_domain::record::shape;
use rapport_domain::survey::AnswerIn;
use rapport_http::problem::Code;
use rapport_http::{Params, Problem, RawBody, RequestId, body, respond};
use rapport_runtime::App;
use rapport_store::StoreError;
use serde::Serialize;

use crate::form::Form;
use crate::link::{self, Link};
use crate::page::{self, Notice};
use crate::submission;

/// An answer as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyRecorded)]
pub struct Recorded {
    /// `recorded`
    status: &'static str,
    /// The score.
    score: Option<u8>,
}

pub async fn show(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    let shown = shown(&app, &token, &headers, &params);
    link::counted(&app, &token, shown).await
}

async fn shown(app: &App, token: &str, headers: &HeaderMap, params: &Params) -> Result<Response, Problem> {
    let link = match link::follow(app, token).await {
        Ok(link) => link,
        Err(dead) => return dead.page(headers),
    };
    let language = link.invitation.body.language;
    let company = &link.rules.settings.company;
    if !link.invitation.body.is_open(link.rules.now) {
        return Ok(page::notice(StatusCode::OK, language, company, Notice::Answered));
    }
    let chosen = AnswerIn {
        score: params.get("score").and_then(|score| score.parse().ok()),
        ..AnswerIn::default()
    };
    let nothing = Invalid::default();
    let form = Form::new(&link, token, &chosen, &nothing);
    Ok(form.page(StatusCode::OK))
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

pub async fn record(
    State(app): State<App>,
    Path(token): Path<String>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, Problem> {
    let recorded = recorded(&app, &token, id, request);
    link::counted(&app, &token, recorded).await
}

async fn recorded(app: &App, token: &str, id: RequestId, request: Request) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let link = link::follow(app, token).await;
    if is_form(&headers) {
        let link = match link {
            Ok(link) => link,
            Err(dead) => return dead.page(&headers),
        };
        let RawBody(bytes) = RawBody::from_request(request, app).await?;
        let input = submission::read(&bytes, &link.items())?;
        return by_form(app, &link, token, id, input).await;
    }
    let link = link.map_err(link::Dead::problem)?;
    let (value, _) = body::value(request).await?;
    let input: AnswerIn = shape(value)?;
    let score = answer(app, &link, id, &input).await.map_err(refused)?;
    let recorded = Recorded {
        status: "recorded",
        score,
    };
    Ok(respond::json(StatusCode::OK, &recorded))
}

async fn answer(app: &App, link: &Link, id: RequestId, input: &AnswerIn) -> Result<Option<u8>, StoreError> {
    let written = app
        .store
        .answer_survey(&link.accept(id), link.invitation.meta.id, input, &link.items())
        .await?;
    Ok(written.record.body.score)
}

fn refused(error: StoreError) -> Problem {
    match error {
        StoreError::Stale(_) => Problem::new(Code::Contention),
        error => error.into(),
    }
}

async fn by_form(app: &App, link: &Link, token: &str, id: RequestId, input: AnswerIn) -> Result<Response, Problem> {
    let language = link.invitation.body.language;
    let company = &link.rules.settings.company;
    match answer(app, link, id, &input).await {
        Ok(_) => {
            let thanks = link.survey.as_ref().and_then(|survey| survey.thanks.text(language));
            Ok(page::notice(StatusCode::OK, language, company, Notice::Thanks(thanks)))
        }
        Err(StoreError::Invalid(invalid)) => {
            let form = Form::new(link, token, &input, &invalid);
            Ok(form.page(StatusCode::UNPROCESSABLE_ENTITY))
        }
        Err(StoreError::Conflict { .. }) => Ok(page::notice(StatusCode::CONFLICT, language, company, Notice::Answered)),
        Err(StoreError::Missing) => Ok(page::notice(StatusCode::NOT_FOUND, language, "", Notice::Missing)),
        Err(error) => Err(refused(error)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_from_json() {
        for (kind, form) in [
            ("application/x-www-form-urlencoded; charset=utf-8", true),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
            assert_eq!(is_form(&headers), form, "{kind}");
        }
    }
}

//! `GET` and `POST /s/{token}`: the page of a survey, and the answer. Only the `POST` records: scanners of mail follow
//! links.

use axum::Extension;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use rapport_domain::record::shape;
use rapport_domain::survey::AnswerIn;
use rapport_http::problem::Code;
use rapport_http::{Params, Problem, RawBody, RequestId, body, respond};
use rapport_runtime::App;
use rapport_store::StoreError;
use serde::Serialize;

use crate::link::{self, Link};
use crate::page::{self, Notice};

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
    let link = match link::follow(&app, &token).await {
        Ok(link) => link,
        Err(dead) => return dead.page(&headers),
    };
    let language = link.invitation.body.language;
    let company = &link.rules.settings.company;
    if !link.invitation.body.is_open(link.rules.now) {
        return Ok(page::notice(StatusCode::OK, language, company, Notice::Answered));
    }
    let chosen = params.get("score").and_then(|score| score.parse().ok());
    Ok(page::form(StatusCode::OK, &link, &token, chosen, None))
}

/// What a form sends. Fields that are not ours are let pass: browsers and mail programs add their own.
fn of_form(bytes: &[u8]) -> Result<AnswerIn, Problem> {
    let malformed = || Problem::new(Code::Malformed).detail("the form cannot be read");
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(bytes).map_err(|_| malformed())?;
    let last = |name: &str| {
        pairs
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.trim())
    };
    let score = last("score").filter(|text| !text.is_empty());
    Ok(AnswerIn {
        // What is no number is off every scale.
        score: score.map(|text| text.parse().unwrap_or(-1)),
        comment: last("comment").map(str::to_owned),
        answers: std::collections::BTreeMap::new(),
    })
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
    let headers = request.headers().clone();
    let link = link::follow(&app, &token).await;
    if is_form(&headers) {
        let link = match link {
            Ok(link) => link,
            Err(dead) => return dead.page(&headers),
        };
        let RawBody(bytes) = RawBody::from_request(request, &app).await?;
        return by_form(&app, &link, &token, id, of_form(&bytes)?).await;
    }
    let link = link.map_err(link::Dead::problem)?;
    let (value, _) = body::value(request).await?;
    let input: AnswerIn = shape(value)?;
    let written = answer(&app, &link, id, &input).await?;
    let recorded = Recorded {
        status: "recorded",
        score: written,
    };
    Ok(respond::json(StatusCode::OK, &recorded))
}

async fn answer(app: &App, link: &Link, id: RequestId, input: &AnswerIn) -> Result<Option<u8>, Problem> {
    let cx = link.accept(id);
    match app.store.answer_survey(&cx, link.invitation.meta.id, input).await {
        Ok(written) => Ok(written.record.body.score),
        Err(StoreError::Stale(_)) => Err(Problem::new(Code::Contention)),
        Err(error) => Err(error.into()),
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
        Err(problem) if problem.code() == Code::ValidationFailed => {
            let chosen = input.score.and_then(|score| u8::try_from(score).ok());
            let fault = page::Fault {
                comment: input.comment.as_deref().unwrap_or_default(),
            };
            Ok(page::form(
                StatusCode::UNPROCESSABLE_ENTITY,
                link,
                token,
                chosen,
                Some(fault),
            ))
        }
        Err(problem) if problem.code() == Code::Conflict => {
            Ok(page::notice(StatusCode::CONFLICT, language, company, Notice::Answered))
        }
        Err(problem) if problem.code() == Code::NotFound => {
            Ok(page::notice(StatusCode::NOT_FOUND, language, "", Notice::Missing))
        }
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_answers() {
        for (text, score, comment) in [
            ("score=4&comment=a+b%26", Some(4), Some("a b&")),
            ("score=4&score=2&utm_source=x", Some(2), None),
            ("score=&comment=", None, Some("")),
            ("score=four", Some(-1), None),
            ("", None, None),
        ] {
            let answer = of_form(text.as_bytes()).unwrap();
            assert_eq!((answer.score, answer.comment.as_deref()), (score, comment), "{text}");
        }
        for (kind, form) in [
            ("application/x-www-form-urlencoded; charset=utf-8", true),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
            assert_eq!(is_form(&headers), form, "{kind}");
        }
    }
}

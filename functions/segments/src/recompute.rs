//! `POST /v1/segments/recompute`.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::civil::Date;
use rapport_domain::score::{JobStatus, Recompute};
use rapport_domain::{Invalid, Prefix, RecordId};
use rapport_http::problem::Code;
use rapport_http::{Caller, IdempotencyKey, Problem, RawBody, body, respond};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::App;
use rapport_store::{StoreError, Table};
use serde::Deserialize;

/// What a recompute is asked with. An empty body is as good as an empty object.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecomputeIn {
    /// Look only at what was bought up to this day, in a separate run.
    #[schema(value_type = Option<String>)]
    until: Option<Date>,
}

/// Asks for a recompute.
///
/// # Errors
/// `422` for a day to come.
pub async fn recompute(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    headers: HeaderMap,
    RawBody(bytes): RawBody,
) -> Result<Response, Problem> {
    let RecomputeIn { until } = input(&headers, &bytes)?;
    let cx = caller.accept(&app).await?;
    let now = cx.rules.now;
    let today = now.to_zoned(cx.rules.settings.zone()).date();
    if until.is_some_and(|until| until > today) {
        return Err(Invalid::one("until", "out_of_range", "a run goes up to today at most").into());
    }
    let id = RecordId::new(Prefix::Job);
    let job = Recompute {
        id,
        kind: "segments.recompute".to_owned(),
        status: JobStatus::Queued,
        until,
        as_of: until.unwrap_or(today),
        created_at: now,
        started_at: None,
        finished_at: None,
        pages: 0,
        pages_done: 0,
        customers: 0,
        changed: 0,
        errors: Vec::new(),
    };
    let idempotency = key.of(Table::Insights, &bytes, None);
    let asked = app
        .store
        .ask_recompute(caller.tenant, &job, &location(id), idempotency.as_ref())
        .await;
    let (id, response) = match asked {
        Ok(asked) => {
            let mut response = respond::json(StatusCode::ACCEPTED, &asked);
            if let Ok(value) = HeaderValue::from_str(&location(asked.id)) {
                response.headers_mut().insert(header::LOCATION, value);
            }
            (asked.id, response)
        }
        // The first request may have ended between keeping the job and sending its message, so it is sent again: a job
        // that has begun or ended takes no notice.
        Err(StoreError::Answered(answer)) => {
            let id = serde_json::from_str::<Recompute>(&answer.body)
                .map_err(|error| Problem::internal(error.to_string()))?
                .id;
            (id, respond::replay(*answer))
        }
        Err(error) => return Err(error.into()),
    };
    let first = Message::ScoresGatherV1 {
        job: id,
        page: 0,
        after: None,
    };
    app.queues
        .send(Queue::ScoreRuns, &envelope(caller.tenant, first))
        .await
        .map_err(|error| Problem::unavailable(error.to_string()))?;
    Ok(response)
}

fn location(job: RecordId) -> String {
    format!("/v1/segments/jobs/{job}")
}

fn input(headers: &HeaderMap, bytes: &[u8]) -> Result<RecomputeIn, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(RecomputeIn::default());
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Code::UnsupportedMediaType).detail("send Content-Type: application/json"));
    }
    let body = body::parse(bytes)?;
    if !body.is_object() {
        return Err(Invalid::one("", "wrong_type", "the body must be a JSON object").into());
    }
    Ok(rapport_domain::record::shape(body)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_body_may_be_left_out_but_not_be_wrong() {
        let json = || HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        type Case = (HeaderMap, &'static str, Result<Option<&'static str>, Code>);
        let cases: [Case; 9] = [
            (json(), "[]", Err(Code::ValidationFailed)),
            (HeaderMap::new(), "", Ok(None)),
            (json(), " \n", Ok(None)),
            (json(), "{}", Ok(None)),
            (json(), r#"{"until":"1997-09-30"}"#, Ok(Some("1997-09-30"))),
            (HeaderMap::new(), "{}", Err(Code::UnsupportedMediaType)),
            (json(), "{", Err(Code::Malformed)),
            (json(), r#"{"until":"tomorrow"}"#, Err(Code::ValidationFailed)),
            (json(), r#"{"since":"1997-09-30"}"#, Err(Code::ValidationFailed)),
        ];
        for (headers, body, expected) in cases {
            let got = input(&headers, body.as_bytes());
            match expected {
                Ok(until) => assert_eq!(got.unwrap().until, until.map(|day| day.parse().unwrap()), "{body}"),
                Err(code) => assert_eq!(got.unwrap_err().code(), code, "{body}"),
            }
        }
    }
}

//! The bytes of archives: fetched by ranges, sent by parts.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rapport_domain::archive::{ArchiveStatus, Direction, PART_BYTES};
use rapport_http::problem::Code;
use rapport_http::{Caller, Params, Problem, body, respond};
use rapport_runtime::App;

use crate::read::found;
use crate::{BYTES, ZIP};

/// The span that a `Range` asks for, both ends included; `None` without one.
fn range(headers: &HeaderMap, bytes: u64) -> Result<Option<(u64, u64)>, Problem> {
    let refused = || {
        Problem::new(Code::Malformed)
            .particular("range_invalid")
            .detail(format!(
                "the file has {bytes} bytes: ask for one range of at most {PART_BYTES} of them, as `Range: bytes=0-{}`",
                PART_BYTES.min(bytes) - 1
            ))
    };
    let Some(value) = headers.get(header::RANGE) else {
        return if bytes <= PART_BYTES { Ok(None) } else { Err(refused()) };
    };
    let span = value.to_str().ok().and_then(|text| text.trim().strip_prefix("bytes="));
    let (from, to) = span.and_then(|span| span.split_once('-')).ok_or_else(refused)?;
    let number = |text: &str| -> Result<u64, Problem> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).ok_or_else(refused)
    };
    let (from, to) = match (from, to) {
        // The last so many bytes.
        ("", last) => (bytes.saturating_sub(number(last)?), bytes - 1),
        (from, "") => (number(from)?, bytes - 1),
        (from, to) => (number(from)?, number(to)?.min(bytes - 1)),
    };
    if from > to || to - from >= PART_BYTES {
        return Err(refused());
    }
    Ok(Some((from, to)))
}

/// `GET /v1/archives/{id}/file`.
pub async fn file(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let archive = found(&app, &caller, &text).await?.archive;
    let bytes = archive.bytes.filter(|bytes| *bytes > 0);
    let ready = archive.direction == Direction::Out && archive.status == ArchiveStatus::Done;
    let Some(bytes) = bytes.filter(|_| ready) else {
        let detail = match (archive.direction, archive.error.as_deref()) {
            (Direction::In, _) => "this was sent here: only what is made here can be fetched",
            (Direction::Out, Some(error)) => error,
            (Direction::Out, None) => "the file is still being made",
        };
        return Err(Problem::new(Code::Conflict)
            .particular("archive_not_done")
            .detail(detail));
    };
    let asked = range(&headers, bytes)?;
    let (from, to) = asked.unwrap_or((0, bytes - 1));
    let content = app.store.archive_bytes(caller.tenant, archive.id, (from, to)).await?;
    let mut response = Response::new(Body::from(content));
    if asked.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, ZIP),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::ACCEPT_RANGES, "bytes"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    let told = [
        (
            header::CONTENT_DISPOSITION,
            Some(format!("attachment; filename=\"{}\"", archive.file_name())),
        ),
        (
            header::CONTENT_RANGE,
            asked.map(|(from, to)| format!("bytes {from}-{to}/{bytes}")),
        ),
    ];
    for (name, value) in told {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    Ok(response)
}

/// `PUT /v1/archives/{id}/parts/{part}`.
pub async fn part(
    State(app): State<App>,
    caller: Caller,
    Path((text, part)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let archive = found(&app, &caller, &text).await?.archive;
    if archive.status != ArchiveStatus::Uploading {
        return Err(Problem::new(Code::Conflict)
            .particular("not_uploading")
            .detail("no parts are waited for: announce a new file"));
    }
    let kind = request.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind.as_bytes() != BYTES.as_bytes()) {
        return Err(Problem::new(Code::UnsupportedMediaType).detail(format!("send a part as {BYTES}")));
    }
    let bytes = archive.bytes.unwrap_or_default();
    let parts = bytes.div_ceil(PART_BYTES);
    let digits = part.bytes().all(|byte| byte.is_ascii_digit());
    let part: u64 = part.parse().ok().filter(|_| digits).ok_or_else(Problem::not_found)?;
    if !(1..=parts).contains(&part) {
        return Err(Problem::not_found());
    }
    let most = usize::try_from(PART_BYTES).unwrap_or(usize::MAX);
    let content = body::read_at_most(request.into_body(), most, "a part has at most 4 MiB").await?;
    let expected = PART_BYTES.min(bytes - (part - 1) * PART_BYTES);
    if content.len() as u64 != expected {
        return Err(Problem::new(Code::Malformed).particular("part_length").detail(format!(
            "part {part} of {parts} has {expected} bytes, this has {}",
            content.len()
        )));
    }
    let part = usize::try_from(part).unwrap_or(usize::MAX);
    app.store
        .put_archive_part(caller.tenant, &archive, part, &content)
        .await?;
    Ok(respond::no_content())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_span_of_at_most_a_part() {
        let large = 3 * PART_BYTES;
        for (given, bytes, expected) in [
            (None, 10, Ok(None)),
            (None, large, Err(())),
            (Some("bytes=0-9"), 10, Ok(Some((0, 9)))),
            (Some("bytes=0-99"), 10, Ok(Some((0, 9)))),
            (Some("bytes=4-"), 10, Ok(Some((4, 9)))),
            (Some("bytes=-3"), 10, Ok(Some((7, 9)))),
            (Some("bytes=-30"), 10, Ok(Some((0, 9)))),
            (Some("bytes=0-4194303"), large, Ok(Some((0, 4_194_303)))),
            (Some("bytes=0-4194304"), large, Err(())),
            (Some("bytes=10-"), 10, Err(())),
            (Some("bytes=5-4"), 10, Err(())),
            (Some("bytes=-0"), 10, Err(())),
            (Some("bytes=-"), 10, Err(())),
            (Some("bytes=+1-2"), 10, Err(())),
            (Some("bytes=0-1,3-4"), 10, Err(())),
            (Some("rows=0-1"), 10, Err(())),
            (Some("bytes=99999999999999999999-"), 10, Err(())),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(given) = given {
                headers.insert(header::RANGE, given.parse().unwrap());
            }
            assert_eq!(range(&headers, bytes).map_err(drop), expected, "{given:?} of {bytes}");
        }
    }
}

//! Reports as files while the caller waits: which format is asked for, and the answer.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use rapport_domain::Invalid;
use rapport_domain::export::Format;
use rapport_http::{Params, Problem};
use rapport_reporting::table::Table;

/// The parameter that names a format.
pub const FORMAT: &str = "format";

/// A function answers 6 MB at most, a third of which is lost where bytes travel as text.
const MOST_BYTES: usize = 4_000_000;

/// The format of a word.
///
/// # Errors
/// `422` for one that is not known.
pub fn known(word: &str) -> Result<Format, Problem> {
    Format::from_word(word).ok_or_else(|| {
        let detail = format!("a file is one of: {}", Format::WORDS.join(", "));
        Invalid::one(FORMAT, "not_a_choice", detail).into()
    })
}

/// The format asked for; none where the answer is to be JSON.
///
/// # Errors
/// `422` for one that is not known.
pub fn format(params: &Params) -> Result<Option<Format>, Problem> {
    params.get(FORMAT).filter(|word| *word != "json").map(known).transpose()
}

/// A table as a file.
///
/// # Errors
/// `422` when it is too large for one answer.
pub fn file(table: &Table, format: Format, name: &str) -> Result<Response, Problem> {
    let bytes = table
        .file(format)
        .map_err(|error| Problem::internal(error.to_string()))?;
    if bytes.len() > MOST_BYTES {
        return Err(Invalid::one(
            FORMAT,
            "too_large",
            "the file has more than 4 MB: ask for it with POST /v1/reports/{name}/exports",
        )
        .into());
    }
    Ok(attachment(bytes, format, name))
}

/// Bytes as a file to be kept under a name.
#[must_use]
pub fn attachment(bytes: Vec<u8>, format: Format, name: &str) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

//! Results and answers as CSV (RFC 4180) for spreadsheets: UTF-8 with its mark, and no cell that a respondent wrote can
//! become a formula.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use rapport_domain::survey::{DIMENSIONS, Item, ItemKind};
use rapport_domain::text::harmless;
use rapport_http::problem::Code;
use rapport_http::{Params, Problem};
use serde_json::Value;

use crate::figures::{Amounts, Figure};
use crate::results::Results;

/// Whether `format` asks for CSV rather than JSON.
///
/// # Errors
/// `400` where it asks for something else.
pub fn wanted(params: &Params) -> Result<bool, Problem> {
    match params.get("format") {
        None | Some("json") => Ok(false),
        Some("csv") => Ok(true),
        Some(_) => Err(Problem::new(Code::Malformed).detail("format takes json or csv")),
    }
}

/// Rows of a table.
pub struct Table(String);

impl Table {
    /// A table with these columns.
    pub fn new<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        // Without its mark spreadsheets take UTF-8 for something else.
        let mut table = Self("\u{feff}".to_owned());
        table.row(columns.into_iter().map(cell));
        table
    }

    /// Adds a row of cells that are written already.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().collect();
        self.0.push_str(&cells.join(","));
        self.0.push_str("\r\n");
    }

    /// The answer: a file by this name.
    pub fn response(self, name: &str) -> Response {
        let mut response = Response::new(Body::from(self.0));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        );
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\""));
        headers.extend(disposition.ok().map(|value| (header::CONTENT_DISPOSITION, value)));
        response
    }
}

/// A text as a cell. What a spreadsheet would take for a formula gets an apostrophe before it.
pub fn cell(text: &str) -> String {
    let text = harmless(text);
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

/// A value of ours as a cell: numbers as they are.
pub fn value(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => cell(text),
        Some(Value::Array(parts)) => {
            let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            cell(&parts.join(" "))
        }
        Some(Value::Number(number)) => number.to_string(),
        Some(other) => cell(&other.to_string()),
    }
}

/// The names of the columns of a survey's items: one for each, of a split one for each part.
pub fn columns(items: &[Item]) -> Vec<String> {
    let names = items.iter().flat_map(|item| match item.kind {
        ItemKind::Split => item
            .choices
            .iter()
            .map(|choice| format!("{}.{}", item.key, choice.key))
            .collect(),
        _ => vec![item.key.clone()],
    });
    names.collect()
}

/// The cells of an answer to these items.
pub fn answers(items: &[Item], answers: &Value) -> Vec<String> {
    let cells = items.iter().flat_map(|item| {
        let given = answers.get(&item.key);
        match item.kind {
            ItemKind::Split => item
                .choices
                .iter()
                .map(|choice| value(given.and_then(|parts| parts.get(&choice.key))))
                .collect(),
            _ => vec![value(given)],
        }
    });
    cells.collect()
}

/// Results as one row for all and one for each group.
pub fn results(results: &Results) -> Response {
    let (lowest, highest) = results.metric.scale();
    let mut columns: Vec<String> = [
        "group",
        "invitations",
        "pending",
        "skipped",
        "sent",
        "response_rate",
        "answered",
        "score",
        "low",
        "high",
    ]
    .map(str::to_owned)
    .into();
    columns.extend((lowest..=highest).map(|score| format!("score_{score}")));
    let with_dimensions = !results.metric.is_one_question();
    if with_dimensions {
        let parts = ["expectation", "perception", "gap", "weight", "weighted_gap"];
        columns.extend(
            DIMENSIONS
                .iter()
                .flat_map(|key| parts.map(|part| format!("{key}_{part}"))),
        );
    }
    let mut table = Table::new(columns.iter().map(String::as_str));
    table.row(row("all", &results.amounts, with_dimensions));
    for group in &results.groups {
        table.row(row(&group.key, &group.amounts, with_dimensions));
    }
    table.response("survey-results")
}

fn row(key: &str, amounts: &Amounts, with_dimensions: bool) -> Vec<String> {
    let of = |figure: Option<Figure>| figure.map(|figure| figure.value.to_string()).unwrap_or_default();
    let end = |end: fn(&Figure) -> f64| amounts.score.map(|score| end(&score).to_string()).unwrap_or_default();
    let mut cells = vec![
        cell(key),
        amounts.invitations.to_string(),
        amounts.pending.to_string(),
        amounts.skipped.to_string(),
        amounts.sent.to_string(),
        of(amounts.response_rate),
        amounts.answered.to_string(),
        of(amounts.score),
        end(|score| score.low),
        end(|score| score.high),
    ];
    cells.extend(amounts.distribution.values().map(ToString::to_string));
    if with_dimensions {
        for key in DIMENSIONS {
            let dimension = amounts
                .servqual
                .as_ref()
                .and_then(|servqual| servqual.dimensions.get(key));
            cells.extend([
                of(dimension.and_then(|it| it.expectation)),
                of(dimension.and_then(|it| it.perception)),
                of(dimension.and_then(|it| it.gap)),
                of(dimension.and_then(|it| it.weight)),
                of(dimension.and_then(|it| it.weighted_gap)),
            ]);
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_cell_is_a_formula_and_all_are_read_back_whole() {
        for (text, expected) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "-1"),
            ("-1+1", "'-1+1"),
            ("＝1+1", "'＝1+1"),
            ("\nx", "\"'\nx\""),
            ("@a", "'@a"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("满意", "满意"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected);
        }
        for (given, expected) in [
            (json!(-3), "-3"),
            (json!("-3"), "-3"),
            (json!(null), ""),
            (json!(["a", "b"]), "a b"),
            (json!(true), "true"),
        ] {
            assert_eq!(value(Some(&given)), expected);
        }
        let mut table = Table::new(["a", "b"]);
        table.row(["1".to_owned(), String::new()]);
        assert_eq!(table.0, "\u{feff}a,b\r\n1,\r\n");
    }
}

//! Reading what the form of a survey sends, and the names of its fields.

use std::collections::BTreeMap;

use rapport_domain::survey::{AnswerIn, Item, ItemKind, SCORE};
use rapport_http::Problem;
use rapport_http::problem::Code;
use serde_json::{Map, Value};

/// Reads what a form sends. Fields that are not ours are let pass: browsers and mail programs add their own.
///
/// # Errors
/// `400` when it is no form.
pub fn read(bytes: &[u8], items: &[Item]) -> Result<AnswerIn, Problem> {
    let malformed = || Problem::new(Code::Malformed).detail("the form cannot be read");
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(bytes).map_err(|_| malformed())?;
    // Of a field that comes twice the last stands.
    let fields: BTreeMap<&str, &str> = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.trim()))
        .collect();
    let filled = |name: &str| fields.get(name).copied().filter(|text| !text.is_empty());
    // What is no number stays what it is, to be refused as such.
    let number = |text: &str| text.parse::<i64>().map_or_else(|_| text.into(), Value::from);
    let mut answers = BTreeMap::new();
    for item in items {
        let name = field(item);
        let value = match item.kind {
            ItemKind::Scale => filled(&name).map(number),
            ItemKind::Choice | ItemKind::Text => filled(&name).map(Value::from),
            ItemKind::Split => {
                let parts = item.choices.iter().filter_map(|choice| {
                    let points = filled(&part(item, &choice.key)).map(number)?;
                    Some((choice.key.clone(), points))
                });
                Some(parts.collect::<Map<String, Value>>())
                    .filter(|parts| !parts.is_empty())
                    .map(Value::Object)
            }
        };
        answers.extend(value.map(|value| (item.key.clone(), value)));
    }
    Ok(AnswerIn {
        score: filled(SCORE).map(|text| text.parse().unwrap_or(-1)),
        comment: fields.get("comment").map(|text| (*text).to_owned()),
        answers,
    })
}

/// The name of an item's field.
pub fn field(item: &Item) -> String {
    format!("q.{}", item.key)
}

/// The name of the field of one part of a split.
pub fn part(item: &Item, choice: &str) -> String {
    format!("q.{}.{choice}", item.key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn items() -> Vec<Item> {
        serde_json::from_value(json!([
            {"key": "again", "kind": "choice", "text": {"en": "A"},
             "choices": [{"key": "yes", "text": {"en": "Y"}}, {"key": "no", "text": {"en": "N"}}]},
            {"key": "why", "kind": "text", "text": {"en": "W"}},
            {"key": "speed", "kind": "scale", "from": 1, "to": 3, "text": {"en": "S"}},
            {"key": "split", "kind": "split", "text": {"en": "P"},
             "choices": [{"key": "a", "text": {"en": "A"}}, {"key": "b", "text": {"en": "B"}}]},
        ]))
        .unwrap()
    }

    #[test]
    fn forms_are_read_as_answers() {
        for (text, expected) in [
            (
                "score=4&comment=a+b%26",
                json!({"score": 4, "comment": "a b&", "answers": {}}),
            ),
            (
                "score=4&score=2&utm_source=x",
                json!({"score": 2, "comment": null, "answers": {}}),
            ),
            ("score=&comment=", json!({"score": null, "comment": "", "answers": {}})),
            ("score=four", json!({"score": -1, "comment": null, "answers": {}})),
            ("", json!({"score": null, "comment": null, "answers": {}})),
            (
                "q.again=no&q.why=+&q.speed=2&q.split.a=60&q.split.b=&q.split=1&q.other=1",
                json!({"score": null, "comment": null, "answers": {"again": "no", "speed": 2, "split": {"a": 60}}}),
            ),
            (
                "q.speed=fast&q.split.a=x",
                json!({"score": null, "comment": null, "answers": {"speed": "fast", "split": {"a": "x"}}}),
            ),
        ] {
            let answer = read(text.as_bytes(), &items()).unwrap();
            assert_eq!(serde_json::to_value(answer).unwrap(), expected, "{text}");
        }
    }
}

//! What a respondent says, checked against what was asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::item::{Item, ItemKind, POINTS, SCORE};
use super::metric::Metric;
use super::servqual::Ratings;
use crate::invalid::Invalid;
use crate::text;

/// The most characters of a comment.
pub const MOST_COMMENT: usize = 5_000;
/// The most characters of an answer in words.
pub const MOST_TEXT: usize = 2_000;
/// The code of refusing an answer that comes a day or more after the first.
pub const ALREADY_ANSWERED: &str = "already_answered";

/// What a respondent says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SurveyAnswerIn)]
pub struct AnswerIn {
    /// The answer on the survey's scale. Required where the survey asks one question for its score; refused where the
    /// score is made of statements.
    #[serde(default)]
    pub score: Option<i64>,
    /// Anything to add, at most 5,000 characters.
    #[serde(default)]
    pub comment: Option<String>,
    /// The answers to the survey's items by their keys: a whole number for a scale, a key for a choice, a text of at most
    /// 2,000 characters, an object of whole numbers that add up to 100 for a split. Answers to items that do not apply
    /// are dropped; answers to items that there are not are refused.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub answers: BTreeMap<String, Value>,
}

/// An answer that fits what was asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checked {
    /// The score; of statements, their mean as perceived.
    pub score: Option<u8>,
    /// The comment.
    pub comment: Option<String>,
    /// The answers to the items that apply.
    pub answers: BTreeMap<String, Value>,
}

impl AnswerIn {
    pub(super) fn check(self, metric: Metric, items: &[Item]) -> Result<Checked, Invalid> {
        let Self {
            score,
            comment,
            mut answers,
        } = self;
        let mut invalid = Invalid::default();
        let score = check_score(score, metric, &mut invalid);
        let comment = invalid.take(text::optional("comment", comment, MOST_COMMENT)).flatten();
        let mut kept = BTreeMap::new();
        for item in items {
            let given = answers.remove(&item.key).filter(|value| !value.is_null());
            let applies = item.show_if.as_ref().is_none_or(|condition| {
                if condition.item == SCORE {
                    condition.is_met(score.map(|score| json!(score)).as_ref())
                } else {
                    condition.is_met(kept.get(&condition.item))
                }
            });
            if !applies {
                continue;
            }
            let place = format!("answers/{}", item.key);
            match given.map(|value| item.take(&place, value)).transpose() {
                Ok(Some(Some(value))) => {
                    kept.insert(item.key.clone(), value);
                }
                Ok(None | Some(None)) if item.required => invalid.add(&place, "required", "an answer is needed"),
                Ok(None | Some(None)) => {}
                Err(fault) => invalid.problems.extend(fault.problems),
            }
        }
        for key in answers.keys().take(10) {
            // The key is the caller's own text: it is not repeated at any length.
            let key: String = key.chars().take(40).collect();
            invalid.add("answers", "item_unknown", format!("'{key}' is no item of this survey"));
        }
        invalid.check()?;
        let of_statements = || Ratings::of(metric, &kept).and_then(|ratings| ratings.score());
        Ok(Checked {
            score: score.or_else(of_statements),
            comment,
            answers: kept,
        })
    }
}

fn check_score(score: Option<i64>, metric: Metric, invalid: &mut Invalid) -> Option<u8> {
    let (lowest, highest) = metric.scale();
    if !metric.is_one_question() {
        if score.is_some() {
            let detail = "the score of this survey is made of its statements";
            invalid.add("score", "not_allowed", detail);
        }
        return None;
    }
    let on_scale = score
        .and_then(|score| u8::try_from(score).ok())
        .filter(|score| (lowest..=highest).contains(score));
    match (score, on_scale) {
        (None, _) => invalid.add("score", "required", "a score is needed"),
        (Some(_), None) => invalid.add(
            "score",
            "out_of_range",
            format!("a score here is a whole number from {lowest} to {highest}"),
        ),
        _ => {}
    }
    on_scale
}

impl Item {
    /// The value of an answer to this item; nothing where it says nothing.
    fn take(&self, place: &str, value: Value) -> Result<Option<Value>, Invalid> {
        match self.kind {
            ItemKind::Scale => {
                let (lowest, highest) = self.scale();
                let fits = value
                    .as_i64()
                    .is_some_and(|n| (i64::from(lowest)..=i64::from(highest)).contains(&n));
                let detail = || format!("an answer here is a whole number from {lowest} to {highest}");
                if !value.is_number() {
                    return Err(Invalid::one(place, "wrong_type", detail()));
                }
                fits.then_some(Some(value))
                    .ok_or_else(|| Invalid::one(place, "out_of_range", detail()))
            }
            ItemKind::Choice => {
                let known = self.choices.iter().any(|choice| value.as_str() == Some(&choice.key));
                let detail = || {
                    let keys: Vec<&str> = self.choices.iter().map(|choice| choice.key.as_str()).collect();
                    format!("an answer here is one of {}", keys.join(", "))
                };
                known
                    .then_some(Some(value))
                    .ok_or_else(|| Invalid::one(place, "not_a_choice", detail()))
            }
            ItemKind::Text => match value {
                Value::String(words) => Ok(text::optional(place, Some(words), MOST_TEXT)?.map(Value::String)),
                _ => Err(Invalid::one(place, "wrong_type", "an answer here is a text")),
            },
            ItemKind::Split => self.split(place, &value).map(Some),
        }
    }

    fn split(&self, place: &str, value: &Value) -> Result<Value, Invalid> {
        let detail = format!("an answer here gives each choice a whole number of points, {POINTS} together");
        let Some(parts) = value.as_object() else {
            return Err(Invalid::one(place, "wrong_type", detail));
        };
        let points = |key: &str| match parts.get(key) {
            None | Some(Value::Null) => Some(0),
            Some(value) => value.as_i64().filter(|n| (0..=POINTS).contains(n)),
        };
        let known = parts
            .keys()
            .all(|key| self.choices.iter().any(|choice| choice.key == *key));
        let given: Option<BTreeMap<&str, i64>> = self
            .choices
            .iter()
            .map(|choice| Some((choice.key.as_str(), points(&choice.key)?)))
            .collect();
        match given {
            Some(given) if known && given.values().sum::<i64>() == POINTS => Ok(json!(given)),
            _ => Err(Invalid::one(place, "points_malformed", detail)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn items() -> Vec<Item> {
        serde_json::from_value(json!([
            {"key": "again", "kind": "choice", "text": {"en": "A"}, "required": true,
             "choices": [{"key": "yes", "text": {"en": "Y"}}, {"key": "no", "text": {"en": "N"}}]},
            {"key": "why", "kind": "text", "text": {"en": "W"}, "required": true,
             "show_if": {"item": "again", "op": "eq", "value": "no"}},
            {"key": "speed", "kind": "scale", "from": 1, "to": 5, "text": {"en": "S"},
             "show_if": {"item": "score", "op": "lte", "value": 3}},
            {"key": "how", "kind": "text", "text": {"en": "H"}, "show_if": {"item": "speed", "op": "lt", "value": 3}},
            {"key": "split", "kind": "split", "text": {"en": "P"},
             "choices": [{"key": "a", "text": {"en": "A"}}, {"key": "b", "text": {"en": "B"}}]},
        ]))
        .unwrap()
    }

    #[test]
    fn answers_are_taken_on_the_scale_only() {
        let long = "x".repeat(MOST_COMMENT + 1);
        for (metric, input, code) in [
            (Metric::Csat, json!({"score": 1}), None),
            (Metric::Csat, json!({"score": 5, "comment": " "}), None),
            (Metric::Csat, json!({"score": 0}), Some("out_of_range")),
            (Metric::Csat, json!({"score": 6}), Some("out_of_range")),
            (Metric::Nps, json!({"score": 0}), None),
            (Metric::Nps, json!({"score": 10}), None),
            (Metric::Nps, json!({"score": 11}), Some("out_of_range")),
            (Metric::Nps, json!({"score": -1}), Some("out_of_range")),
            (Metric::Nps, json!({"score": 256}), Some("out_of_range")),
            (Metric::Ces, json!({"score": 7}), None),
            (Metric::Ces, json!({"score": 8}), Some("out_of_range")),
            (Metric::Ces, json!({}), Some("required")),
            (
                Metric::Ces,
                json!({"score": 3, "answers": {"q": 1}}),
                Some("item_unknown"),
            ),
            (Metric::Ces, json!({"score": 3, "comment": long}), Some("too_long")),
            (Metric::FaultTolerance, json!({"score": 7}), None),
            (Metric::ServqualShort, json!({"score": 7}), Some("not_allowed")),
        ] {
            let answer: AnswerIn = serde_json::from_value(input.clone()).unwrap();
            let result = answer.check(metric, &[]);
            assert_eq!(result.err().map(|invalid| invalid.problems[0].code), code, "{input}");
        }
    }

    #[test]
    fn items_that_do_not_apply_are_dropped_and_others_checked() {
        for (score, answers, expected) in [
            // Asked: again, and why only after a no; speed only up to 3, and how only of the slow.
            (5, json!({"again": "yes"}), Ok(json!({"again": "yes"}))),
            (
                5,
                json!({"again": "yes", "why": 7, "speed": "x", "how": []}),
                Ok(json!({"again": "yes"})),
            ),
            (5, json!({"again": "no"}), Err("#/answers/why required")),
            (5, json!({"again": "no", "why": " "}), Err("#/answers/why required")),
            (
                2,
                json!({"again": "no", "why": "a", "speed": 2, "how": "b"}),
                Ok(json!({"again": "no", "why": "a", "speed": 2, "how": "b"})),
            ),
            (
                2,
                json!({"again": "yes", "speed": 3, "how": "b"}),
                Ok(json!({"again": "yes", "speed": 3})),
            ),
            // The item that a condition looks at was itself not asked.
            (
                4,
                json!({"again": "yes", "speed": 1, "how": "b"}),
                Ok(json!({"again": "yes"})),
            ),
            (5, json!({}), Err("#/answers/again required")),
            (5, json!({"again": null}), Err("#/answers/again required")),
            (5, json!({"again": "maybe"}), Err("#/answers/again not_a_choice")),
            (5, json!({"again": ["yes"]}), Err("#/answers/again not_a_choice")),
            (
                2,
                json!({"again": "yes", "speed": 6}),
                Err("#/answers/speed out_of_range"),
            ),
            (
                2,
                json!({"again": "yes", "speed": 1.5}),
                Err("#/answers/speed out_of_range"),
            ),
            (
                2,
                json!({"again": "yes", "speed": "2"}),
                Err("#/answers/speed wrong_type"),
            ),
            (
                2,
                json!({"again": "yes", "speed": true}),
                Err("#/answers/speed wrong_type"),
            ),
            (5, json!({"again": "no", "why": 1}), Err("#/answers/why wrong_type")),
            (
                5,
                json!({"again": "no", "why": "x".repeat(MOST_TEXT + 1)}),
                Err("#/answers/why too_long"),
            ),
            (
                5,
                json!({"again": "yes", "split": {"a": 100}}),
                Ok(json!({"again": "yes", "split": {"a": 100, "b": 0}})),
            ),
            (
                5,
                json!({"again": "yes", "split": {"a": 60, "b": 39}}),
                Err("#/answers/split points_malformed"),
            ),
            (
                5,
                json!({"again": "yes", "split": {"a": 150, "b": -50}}),
                Err("#/answers/split points_malformed"),
            ),
            (
                5,
                json!({"again": "yes", "split": {"a": 99.5, "b": 0.5}}),
                Err("#/answers/split points_malformed"),
            ),
            (
                5,
                json!({"again": "yes", "split": {"a": 50, "c": 50}}),
                Err("#/answers/split points_malformed"),
            ),
            (
                5,
                json!({"again": "yes", "split": {"a": 100, "c": 0}}),
                Err("#/answers/split points_malformed"),
            ),
            (
                5,
                json!({"again": "yes", "split": 100}),
                Err("#/answers/split wrong_type"),
            ),
            (5, json!({"again": "yes", "z": 1}), Err("#/answers item_unknown")),
        ] {
            let answer: AnswerIn = serde_json::from_value(json!({"score": score, "answers": answers})).unwrap();
            let result = answer.check(Metric::Csat, &items());
            let got = result.map(|checked| json!(checked.answers)).map_err(|invalid| {
                let problem = &invalid.problems[0];
                format!("{} {}", problem.pointer, problem.code)
            });
            assert_eq!(got, expected.map_err(str::to_owned), "{score} {answers}");
        }
    }
}

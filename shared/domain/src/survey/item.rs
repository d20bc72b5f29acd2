//! The items of a survey beside its score: what is asked, of which kind, and on what condition.
//!
//! A condition looks at one earlier item, so that conditions cannot go round in circles. An item that does not apply is
//! not asked; an answer to it is dropped, since a page without script shows it all the same.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::language::{Language, Localised};
use super::metric::Metric;
use crate::invalid::Invalid;

/// The key by which conditions look at the score.
pub const SCORE: &str = "score";
/// What the parts of a split add up to.
pub const POINTS: i64 = 100;
/// The most items of a survey.
const MOST_ITEMS: usize = 80;
/// The most choices of an item.
const MOST_CHOICES: usize = 20;

/// How an item is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SurveyItemKind)]
pub enum ItemKind {
    /// By a whole number from `from` to `to`.
    Scale,
    /// By the key of one of `choices`.
    Choice,
    /// In words.
    Text,
    /// By splitting 100 points over `choices`: an object of whole numbers by their keys.
    Split,
}

/// One thing to choose, or to give points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SurveyChoice)]
pub struct Choice {
    /// What stands in answers: a–z, 0–9 and _.
    pub key: String,
    /// What respondents read.
    pub text: Localised,
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SurveyComparison)]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Answered otherwise.
    Ne,
    /// Less.
    Lt,
    /// At most.
    Lte,
    /// More.
    Gt,
    /// At least.
    Gte,
}

/// On what condition an item is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SurveyCondition)]
pub struct Condition {
    /// An earlier item that is a scale or a choice, or `score`.
    pub item: String,
    /// How its answer compares with the value. A choice is equal to it or not.
    pub op: Comparison,
    /// A number of the scale, or the key of a choice.
    pub value: Value,
}

impl Condition {
    /// Whether an answer meets it. No answer meets none.
    #[must_use]
    pub fn is_met(&self, answer: Option<&Value>) -> bool {
        let Some(answer) = answer else { return false };
        match (answer.as_i64(), self.value.as_i64()) {
            (Some(given), Some(value)) => match self.op {
                Comparison::Eq => given == value,
                Comparison::Ne => given != value,
                Comparison::Lt => given < value,
                Comparison::Lte => given <= value,
                Comparison::Gt => given > value,
                Comparison::Gte => given >= value,
            },
            _ => match self.op {
                Comparison::Eq => *answer == self.value,
                Comparison::Ne => *answer != self.value,
                _ => false,
            },
        }
    }
}

/// One item of a survey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SurveyItem)]
pub struct Item {
    /// What stands in answers: a–z, 0–9 and _, at most 40 characters; not `score` or `comment`.
    pub key: String,
    /// How it is answered.
    pub kind: ItemKind,
    /// What respondents read, at most 500 characters in each language; in one language at least.
    pub text: Localised,
    /// What stands above it, where a part of the survey begins.
    #[serde(default, skip_serializing_if = "Localised::is_empty")]
    pub heading: Localised,
    /// The lowest number of a scale, 0 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u8>,
    /// Its highest, at most 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u8>,
    /// What may be chosen or given points to: 2 to 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Whether whoever is asked must answer.
    #[serde(default)]
    pub required: bool,
    /// On what condition it is asked; always unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_if: Option<Condition>,
}

impl Item {
    /// The lowest and the highest number of a scale.
    #[must_use]
    pub fn scale(&self) -> (u8, u8) {
        (self.from.unwrap_or(1), self.to.unwrap_or(7))
    }

    /// The text in a language; the key where there is none.
    #[must_use]
    pub fn words(&self, language: Language) -> &str {
        self.text.text(language).unwrap_or(&self.key)
    }

    /// Checks the items of a survey, all at once.
    pub(super) fn check(items: Vec<Self>, metric: Metric, invalid: &mut Invalid) -> Vec<Self> {
        if items.len() > MOST_ITEMS {
            invalid.add("items", "too_many", format!("a survey has at most {MOST_ITEMS} items"));
            return Vec::new();
        }
        let mut checked: Vec<Self> = Vec::with_capacity(items.len());
        let mut keys: BTreeSet<String> = [SCORE.to_owned(), "comment".to_owned()].into();
        for (n, item) in items.into_iter().enumerate() {
            let place = format!("items/{n}");
            if !is_key(&item.key) {
                let detail = "a key is a-z, 0-9 and _, at most 40 characters";
                invalid.add(&format!("{place}/key"), "key_malformed", detail);
            } else if !keys.insert(item.key.clone()) {
                let detail = "the key is used already, or is score or comment";
                invalid.add(&format!("{place}/key"), "key_taken", detail);
            }
            if let Some(condition) = &item.show_if {
                check_condition(condition, &format!("{place}/show_if"), &checked, metric, invalid);
            }
            checked.push(item.check_alone(&place, invalid));
        }
        checked
    }

    fn check_alone(self, place: &str, invalid: &mut Invalid) -> Self {
        let text = Localised::check(&format!("{place}/text"), Some(self.text), invalid);
        if text.is_empty() {
            invalid.add(&format!("{place}/text"), "required", "an item needs a text");
        }
        let heading = Localised::check(&format!("{place}/heading"), Some(self.heading), invalid);
        let scale = self.kind == ItemKind::Scale;
        let chosen = matches!(self.kind, ItemKind::Choice | ItemKind::Split);
        match (scale, self.from, self.to) {
            (true, Some(from), Some(to)) if from < to && to <= 10 => {}
            (false, None, None) => {}
            _ => invalid.add(
                place,
                "scale_malformed",
                "a scale has from and to, 0 to 10, rising; other kinds have neither",
            ),
        }
        let fits = if chosen {
            (2..=MOST_CHOICES).contains(&self.choices.len())
        } else {
            self.choices.is_empty()
        };
        if !fits {
            let detail = format!("a choice or split has 2 to {MOST_CHOICES} choices; other kinds have none");
            invalid.add(&format!("{place}/choices"), "choices_malformed", detail);
        }
        let mut keys = BTreeSet::new();
        let mut choices = Vec::with_capacity(self.choices.len().min(MOST_CHOICES));
        for (n, choice) in self.choices.into_iter().take(MOST_CHOICES).enumerate() {
            let place = format!("{place}/choices/{n}");
            if !is_key(&choice.key) || !keys.insert(choice.key.clone()) {
                let detail = "a key is a-z, 0-9 and _, at most 40 characters, and used once";
                invalid.add(&format!("{place}/key"), "key_malformed", detail);
            }
            let text = Localised::check(&format!("{place}/text"), Some(choice.text), invalid);
            if text.is_empty() {
                invalid.add(&format!("{place}/text"), "required", "a choice needs a text");
            }
            choices.push(Choice { key: choice.key, text });
        }
        Self {
            text,
            heading,
            choices,
            ..self
        }
    }
}

fn check_condition(condition: &Condition, place: &str, before: &[Item], metric: Metric, invalid: &mut Invalid) {
    let rises = !matches!(condition.op, Comparison::Eq | Comparison::Ne);
    let item = before.iter().find(|item| item.key == condition.item);
    let scale = match item {
        None if condition.item == SCORE && metric.is_one_question() => Some(metric.scale()),
        Some(item) if item.kind == ItemKind::Scale => Some(item.scale()),
        Some(item) if item.kind == ItemKind::Choice => {
            let known = item
                .choices
                .iter()
                .any(|choice| condition.value.as_str() == Some(choice.key.as_str()));
            if rises || !known {
                let detail = "a choice is compared by eq or ne with the key of one of its choices";
                invalid.add(place, "condition_malformed", detail);
            }
            return;
        }
        _ => None,
    };
    let Some((lowest, highest)) = scale else {
        let detail =
            "a condition looks at an earlier item that is a scale or a choice, or at the score where there is one";
        invalid.add(&format!("{place}/item"), "condition_malformed", detail);
        return;
    };
    let value = condition.value.as_i64();
    if !value.is_some_and(|value| (i64::from(lowest)..=i64::from(highest)).contains(&value)) {
        let detail = format!("the value is a whole number from {lowest} to {highest}");
        invalid.add(&format!("{place}/value"), "out_of_range", detail);
    }
}

/// Whether a text may be the key of an item or of a choice.
pub(super) fn is_key(key: &str) -> bool {
    (1..=40).contains(&key.len())
        && key
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_are_checked_and_conditions_look_back() {
        let scale = |key: &str, show_if: Value| json!({"key": key, "kind": "scale", "text": {"en": "A"}, "from": 1, "to": 5, "show_if": show_if});
        let choice = json!({"key": "c", "kind": "choice", "text": {"en": "A"}, "choices": [
            {"key": "a", "text": {"en": "A"}}, {"key": "b", "text": {"zh-CN": "乙"}}]});
        let when = |item: &str, op: &str, value: Value| json!({"item": item, "op": op, "value": value});
        let cases = [
            (json!([scale("a", Value::Null)]), None),
            (json!([scale("a", when("score", "lte", json!(6)))]), None),
            (json!([choice, scale("a", when("c", "eq", json!("b")))]), None),
            (
                json!([scale("a", Value::Null), scale("b", when("a", "gt", json!(2)))]),
                None,
            ),
            // Itself, a later one, nobody.
            (
                json!([scale("a", when("a", "eq", json!(1)))]),
                Some("condition_malformed"),
            ),
            (
                json!([
                    scale("a", when("b", "eq", json!(1))),
                    scale("b", when("a", "eq", json!(1)))
                ]),
                Some("condition_malformed"),
            ),
            (
                json!([scale("a", when("z", "eq", json!(1)))]),
                Some("condition_malformed"),
            ),
            (
                json!([scale("a", when("score", "eq", json!(11)))]),
                Some("out_of_range"),
            ),
            (
                json!([scale("a", when("score", "eq", json!("x")))]),
                Some("out_of_range"),
            ),
            (
                json!([choice, scale("a", when("c", "gt", json!("b")))]),
                Some("condition_malformed"),
            ),
            (
                json!([choice, scale("a", when("c", "eq", json!("z")))]),
                Some("condition_malformed"),
            ),
            (
                json!([scale("a", Value::Null), scale("a", Value::Null)]),
                Some("key_taken"),
            ),
            (
                json!([
                    {"key": "s", "kind": "split", "text": {"en": "A"}, "choices": choice["choices"]},
                    scale("a", when("s", "eq", json!("b")))
                ]),
                Some("condition_malformed"),
            ),
            (json!([scale("score", Value::Null)]), Some("key_taken")),
            (json!([scale("A", Value::Null)]), Some("key_malformed")),
            (json!([{"key": "a", "kind": "text", "text": {}}]), Some("required")),
            (
                json!([{"key": "a", "kind": "text", "text": {"en": "A"}, "from": 1}]),
                Some("scale_malformed"),
            ),
            (
                json!([{"key": "a", "kind": "scale", "text": {"en": "A"}, "from": 5, "to": 5}]),
                Some("scale_malformed"),
            ),
            (
                json!([{"key": "a", "kind": "scale", "text": {"en": "A"}, "from": 1, "to": 11}]),
                Some("scale_malformed"),
            ),
            (
                json!([{"key": "a", "kind": "split", "text": {"en": "A"}}]),
                Some("choices_malformed"),
            ),
            (
                json!([{"key": "a", "kind": "text", "text": {"en": "x".repeat(501)}}]),
                Some("too_long"),
            ),
            (
                json!([{"key": "a", "kind": "choice", "text": {"en": "A"}, "choices": [
                    {"key": "a", "text": {"en": "A"}}, {"key": "a", "text": {"en": "B"}}]}]),
                Some("key_malformed"),
            ),
            (
                json!([{"key": "a", "kind": "choice", "text": {"en": "A"}, "choices": [
                    {"key": "a", "text": {"en": "A"}}, {"key": "B", "text": {"en": "B"}}]}]),
                Some("key_malformed"),
            ),
        ];
        for (items, code) in cases {
            let mut invalid = Invalid::default();
            let given: Vec<Item> = serde_json::from_value(items.clone()).unwrap();
            Item::check(given, Metric::Nps, &mut invalid);
            assert_eq!(invalid.problems.first().map(|problem| problem.code), code, "{items}");
        }
        for (many, code) in [(80, None), (81, Some("too_many"))] {
            let many: Vec<Item> = (0..many)
                .map(|n| serde_json::from_value(scale(&format!("k{n}"), Value::Null)).unwrap())
                .collect();
            let mut invalid = Invalid::default();
            Item::check(many, Metric::Nps, &mut invalid);
            assert_eq!(invalid.problems.first().map(|problem| problem.code), code);
        }
    }

    #[test]
    fn conditions_compare_numbers_and_choices() {
        for (op, value, answer, met) in [
            ("eq", json!(3), Some(json!(3)), true),
            ("ne", json!(3), Some(json!(3)), false),
            ("lt", json!(3), Some(json!(2)), true),
            ("lte", json!(3), Some(json!(3)), true),
            ("lt", json!(3), Some(json!(3)), false),
            ("lt", json!(3), Some(json!(4)), false),
            ("gt", json!(3), Some(json!(2)), false),
            ("gt", json!(3), Some(json!(3)), false),
            ("gt", json!(3), Some(json!(4)), true),
            ("gte", json!(3), Some(json!(3)), true),
            ("eq", json!("a"), Some(json!("a")), true),
            ("ne", json!("a"), Some(json!("b")), true),
            ("gt", json!("a"), Some(json!("b")), false),
            ("ne", json!("a"), None, false),
        ] {
            let condition: Condition = serde_json::from_value(json!({"item": "a", "op": op, "value": value})).unwrap();
            assert_eq!(condition.is_met(answer.as_ref()), met, "{op} {value} {answer:?}");
        }
    }

    #[test]
    fn an_item_without_a_text_goes_by_its_key() {
        for (text, expected) in [
            (json!({"en": "Fast?", "zh-CN": "快吗？"}), ["Fast?", "快吗？"]),
            (json!({"zh-CN": "快吗？"}), ["快吗？", "快吗？"]),
            (json!({}), ["speed", "speed"]),
        ] {
            let item: Item = serde_json::from_value(json!({"key": "speed", "kind": "text", "text": text})).unwrap();
            assert_eq!(
                [Language::En, Language::ZhCn].map(|language| item.words(language)),
                expected
            );
        }
    }
}

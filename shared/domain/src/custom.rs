//! Custom fields: what a tenant declares for a kind of record, and the check of values against it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::email::Email;
use crate::invalid::Invalid;
use crate::phone;
use crate::record::Unique;

/// What a custom field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// A text of at most 2,000 characters.
    Text,
    /// A decimal number in a string.
    Number,
    /// True or false.
    Boolean,
    /// A day, `2026-11-22`.
    Date,
    /// One of the choices.
    Choice,
    /// Any of the choices.
    MultiChoice,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// An http or https address.
    Url,
}

/// The kinds of record that take custom fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum FieldKind {
    Lead,
    Contact,
    Company,
    Product,
    Order,
    Ticket,
}

impl FieldKind {
    /// The noun of the kind.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            FieldKind::Lead => "lead",
            FieldKind::Contact => "contact",
            FieldKind::Company => "company",
            FieldKind::Product => "product",
            FieldKind::Order => "order",
            FieldKind::Ticket => "ticket",
        }
    }
}

/// One declared custom field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The kind of record it belongs to.
    pub kind: FieldKind,
    /// Its name in `custom`: `[a-z][a-z0-9_]*`, at most 40 characters.
    pub key: String,
    /// What people see.
    pub label: String,
    /// What it holds.
    pub r#type: FieldType,
    /// Whether every record must have it.
    #[serde(default)]
    pub required: bool,
    /// Whether no two records may share a value.
    #[serde(default)]
    pub unique: bool,
    /// The values of a choice, at most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

impl Field {
    /// Checks a declaration.
    ///
    /// # Errors
    /// [`Invalid`] with every fault.
    pub fn check(&self) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        let key_ok = self.key.len() <= 40
            && self.key.starts_with(|c: char| c.is_ascii_lowercase())
            && self
                .key
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !key_ok {
            invalid.add(
                "key",
                "key_malformed",
                "a key begins with a-z and has a-z, 0-9 and _ only, at most 40 characters",
            );
        }
        if self.label.trim().is_empty() || self.label.chars().count() > 80 {
            invalid.add("label", "required", "a label of 1 to 80 characters is required");
        }
        let wants_choices = matches!(self.r#type, FieldType::Choice | FieldType::MultiChoice);
        if wants_choices && (self.choices.is_empty() || self.choices.len() > 200) {
            invalid.add("choices", "required", "a choice needs 1 to 200 choices");
        }
        if !wants_choices && !self.choices.is_empty() {
            invalid.add("choices", "not_allowed", "only a choice has choices");
        }
        if self.choices.iter().any(|c| c.is_empty() || c.chars().count() > 200) {
            invalid.add("choices", "too_long", "a choice has 1 to 200 characters");
        }
        if self.unique
            && matches!(
                self.r#type,
                FieldType::Boolean | FieldType::Choice | FieldType::MultiChoice
            )
        {
            invalid.add("unique", "not_allowed", "a boolean or a choice cannot be unique");
        }
        invalid.check()
    }

    fn accept(&self, value: &Value, country: &str) -> Result<Value, (&'static str, String)> {
        let wrong = |what: &str| ("wrong_type", format!("{} takes {what}", self.key));
        match (self.r#type, value) {
            (FieldType::Text, Value::String(text)) if text.chars().count() <= 2_000 => Ok(value.clone()),
            (FieldType::Text, Value::String(_)) => Err(("too_long", "at most 2,000 characters".to_owned())),
            (FieldType::Text, _) => Err(wrong("a text")),
            (FieldType::Number, _) => serde_json::from_value::<crate::money::Amount>(value.clone())
                .map(|amount| Value::String(amount.0.to_string()))
                .map_err(|_| wrong("a decimal number in a string")),
            (FieldType::Boolean, Value::Bool(_)) => Ok(value.clone()),
            (FieldType::Boolean, _) => Err(wrong("true or false")),
            (FieldType::Date, Value::String(text)) => text
                .parse::<jiff::civil::Date>()
                .map(|day| Value::String(day.to_string()))
                .map_err(|_| wrong("a day such as 2026-11-22")),
            (FieldType::Date, _) => Err(wrong("a day such as 2026-11-22")),
            (FieldType::Choice, Value::String(text)) if self.choices.contains(text) => Ok(value.clone()),
            (FieldType::Choice, _) => Err(("not_a_choice", format!("{} takes one of its choices", self.key))),
            (FieldType::MultiChoice, Value::Array(values)) => {
                let all = values
                    .iter()
                    .all(|v| v.as_str().is_some_and(|text| self.choices.iter().any(|c| c == text)));
                if all {
                    Ok(value.clone())
                } else {
                    Err(("not_a_choice", format!("{} takes some of its choices", self.key)))
                }
            }
            (FieldType::MultiChoice, _) => Err(wrong("a list of its choices")),
            (FieldType::Email, Value::String(text)) => Email::parse("", text)
                .map(|email| Value::String(email.to_string()))
                .map_err(|_| ("email_malformed", "this is not an e-mail address".to_owned())),
            (FieldType::Email, _) => Err(wrong("an e-mail address")),
            (FieldType::Phone, Value::String(text)) => phone::parse("", text, country)
                .map(Value::String)
                .map_err(|_| ("phone_malformed", "this is not a telephone number".to_owned())),
            (FieldType::Phone, _) => Err(wrong("a telephone number")),
            (FieldType::Url, Value::String(text))
                if text.len() <= 2_000 && (text.starts_with("https://") || text.starts_with("http://")) =>
            {
                Ok(value.clone())
            }
            (FieldType::Url, _) => Err(wrong("an http or https address")),
        }
    }
}

/// Checks the custom values of a record of a kind against the tenant's declarations and normalises them. Nulls are dropped.
///
/// # Errors
/// [`Invalid`] under `custom/<key>`.
pub fn check(
    fields: &[Field],
    kind: FieldKind,
    values: &BTreeMap<String, Value>,
    country: &str,
) -> Result<BTreeMap<String, Value>, Invalid> {
    let mut invalid = Invalid::default();
    let mut kept = BTreeMap::new();
    let declared = || fields.iter().filter(|field| field.kind == kind);
    for (key, value) in values.iter().filter(|(_, value)| !value.is_null()) {
        match declared().find(|field| field.key == *key) {
            None => unknown(&mut invalid, key),
            Some(field) => match field.accept(value, country) {
                Ok(value) => {
                    kept.insert(key.clone(), value);
                }
                Err((code, detail)) => invalid.add(&format!("custom/{key}"), code, detail),
            },
        }
    }
    for field in declared().filter(|field| field.required && !kept.contains_key(&field.key)) {
        if !invalid
            .problems
            .iter()
            .any(|p| p.pointer == format!("#/custom/{}", field.key))
        {
            invalid.add(
                &format!("custom/{}", field.key),
                "required",
                "this custom field is required",
            );
        }
    }
    invalid.check().map(|()| kept)
}

/// Refuses custom values of a record whose kind can have none. Nulls are dropped.
///
/// # Errors
/// [`Invalid`] under `custom/<key>`.
pub fn refuse(values: &BTreeMap<String, Value>) -> Result<BTreeMap<String, Value>, Invalid> {
    let mut invalid = Invalid::default();
    for (key, _) in values.iter().filter(|(_, value)| !value.is_null()) {
        unknown(&mut invalid, key);
    }
    invalid.check().map(|()| BTreeMap::new())
}

fn unknown(invalid: &mut Invalid, key: &str) {
    invalid.add(
        &format!("custom/{key}"),
        "field_unknown",
        "this custom field is not declared: see /v1/fields",
    );
}

/// The unique values among the custom values of a record of a kind.
#[must_use]
pub fn unique(fields: &[Field], kind: Option<FieldKind>, values: &BTreeMap<String, Value>) -> Vec<Unique> {
    let unique = |key: &str| {
        let mut fields = fields.iter().filter(|field| field.unique && Some(field.kind) == kind);
        fields.any(|field| field.key == key)
    };
    taken(values, unique).collect()
}

/// What custom values take, were the fields of these keys unique.
pub fn taken(values: &BTreeMap<String, Value>, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Unique> {
    values
        .iter()
        .filter(move |(key, _)| wanted(key))
        .filter_map(|(key, value)| {
            Some(Unique {
                scope: format!("custom.{key}"),
                value: value.as_str()?.to_lowercase(),
            })
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(r#type: FieldType) -> Field {
        let choices = match r#type {
            FieldType::Choice | FieldType::MultiChoice => vec!["red".into(), "blue".into()],
            _ => vec![],
        };
        Field {
            kind: FieldKind::Lead,
            key: "x".into(),
            label: "X".into(),
            r#type,
            required: false,
            unique: false,
            choices,
        }
    }

    #[test]
    fn values_are_held_to_their_type() {
        use FieldType::*;
        for (kind, value, ok) in [
            (Text, json!("a"), true),
            (Text, json!(1), false),
            (Number, json!("1.5"), true),
            (Number, json!(1.5), false),
            (Boolean, json!(true), true),
            (Boolean, json!("true"), false),
            (Date, json!("2026-02-28"), true),
            (Date, json!("2026-02-30"), false),
            (Choice, json!("red"), true),
            (Choice, json!("green"), false),
            (MultiChoice, json!(["red", "blue"]), true),
            (MultiChoice, json!(["green"]), false),
            (Email, json!("a@b.co"), true),
            (Email, json!("a@"), false),
            (Phone, json!("138 0013 8000"), true),
            (Phone, json!("x"), false),
            (Url, json!("https://a.b"), true),
            (Url, json!("javascript:1"), false),
        ] {
            let values = BTreeMap::from([("x".to_owned(), value.clone())]);
            assert_eq!(
                check(&[field(kind)], FieldKind::Lead, &values, "CN").is_ok(),
                ok,
                "{kind:?} {value}"
            );
        }
    }

    #[test]
    fn undeclared_and_missing_are_refused() {
        let required = Field {
            required: true,
            ..field(FieldType::Text)
        };
        assert!(check(std::slice::from_ref(&required), FieldKind::Lead, &BTreeMap::new(), "CN").is_err());
        assert!(check(&[required], FieldKind::Contact, &BTreeMap::new(), "CN").is_ok());
        assert!(
            check(
                &[],
                FieldKind::Lead,
                &BTreeMap::from([("y".to_owned(), json!(1))]),
                "CN"
            )
            .is_err()
        );
    }

    #[test]
    fn kinds_name_their_own_fields() {
        fn named<K: crate::Kind>() -> (&'static str, &'static str) {
            (K::FIELDS.unwrap().noun(), K::NOUN)
        }
        let pairs = [
            named::<crate::lead::Lead>(),
            named::<crate::contact::Contact>(),
            named::<crate::company::Company>(),
            named::<crate::product::Product>(),
            named::<crate::order::Order>(),
            named::<crate::ticket::Ticket>(),
        ];
        assert!(pairs.iter().all(|(fields, own)| fields == own), "{pairs:?}");
    }

    #[test]
    fn a_kind_that_can_have_no_fields_refuses_values() {
        assert_eq!(
            refuse(&BTreeMap::from([("y".to_owned(), Value::Null)])).unwrap(),
            BTreeMap::new()
        );
        let refused = refuse(&BTreeMap::from(
            [("y", 1), ("z", 2)].map(|(key, value)| (key.to_owned(), json!(value))),
        ));
        let problems = refused.unwrap_err().problems;
        let told: Vec<(&str, &str)> = problems.iter().map(|p| (p.pointer.as_str(), p.code)).collect();
        assert_eq!(told, [("#/custom/y", "field_unknown"), ("#/custom/z", "field_unknown")]);
    }

    #[test]
    fn declarations_are_checked() {
        use FieldType::*;
        let text = |change: fn(&mut Field)| {
            let mut field = field(Text);
            change(&mut field);
            field
        };
        let choice = |choices: Vec<String>| Field {
            choices,
            ..field(Choice)
        };
        let of = |r#type| Field {
            unique: true,
            ..field(r#type)
        };
        for (declared, pointers) in [
            (field(Text), &[][..]),
            (field(Choice), &[]),
            (field(MultiChoice), &[]),
            (text(|field| field.key = "a_1".into()), &[]),
            (text(|field| field.key = "k".repeat(40)), &[]),
            (text(|field| field.key = "k".repeat(41)), &["#/key"]),
            (text(|field| field.key = String::new()), &["#/key"]),
            (text(|field| field.key = "1a".into()), &["#/key"]),
            (text(|field| field.key = "_a".into()), &["#/key"]),
            (text(|field| field.key = "aB".into()), &["#/key"]),
            (text(|field| field.key = "a-b".into()), &["#/key"]),
            (text(|field| field.label = "标".repeat(80)), &[]),
            (text(|field| field.label = "标".repeat(81)), &["#/label"]),
            (text(|field| field.label = " ".into()), &["#/label"]),
            (text(|field| field.choices = vec!["red".into()]), &["#/choices"]),
            (choice(vec!["c".into(); 200]), &[]),
            (choice(vec!["c".into(); 201]), &["#/choices"]),
            (choice(vec![]), &["#/choices"]),
            (choice(vec!["色".repeat(200)]), &[]),
            (choice(vec!["red".into(), "色".repeat(201)]), &["#/choices"]),
            (choice(vec!["red".into(), String::new()]), &["#/choices"]),
            (of(Text), &[]),
            (of(Number), &[]),
            (of(Boolean), &["#/unique"]),
            (of(Choice), &["#/unique"]),
            (of(MultiChoice), &["#/unique"]),
            (
                text(|field| (field.key, field.label) = (String::new(), String::new())),
                &["#/key", "#/label"],
            ),
        ] {
            let problems = declared.check().err().map_or_else(Vec::new, |invalid| invalid.problems);
            let found: Vec<_> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
            assert_eq!(found, pointers, "{declared:?}");
        }
    }

    #[test]
    fn a_text_has_two_thousand_characters_at_most() {
        for (length, good) in [(2_000, true), (2_001, false)] {
            let values = BTreeMap::from([("x".to_owned(), json!("字".repeat(length)))]);
            let checked = check(&[field(FieldType::Text)], FieldKind::Lead, &values, "CN");
            assert_eq!(checked.is_ok(), good, "{length}");
        }
    }

    #[test]
    fn a_required_field_is_asked_for_only_where_it_is_missing() {
        let required = |key: &str, required: bool| Field {
            key: key.to_owned(),
            required,
            ..field(FieldType::Text)
        };
        let fields = [required("x", true), required("y", false)];
        for (values, problems) in [
            (json!({"x": "a"}), vec![]),
            (json!({"x": "a", "y": "b"}), vec![]),
            (json!({"y": "b"}), vec![("#/custom/x", "required")]),
            (json!({"x": null}), vec![("#/custom/x", "required")]),
            // What is wrong is not missing as well.
            (json!({"x": 1}), vec![("#/custom/x", "wrong_type")]),
        ] {
            let checked = check(
                &fields,
                FieldKind::Lead,
                &serde_json::from_value(values.clone()).unwrap(),
                "CN",
            );
            let told = checked
                .as_ref()
                .err()
                .map_or(&[][..], |invalid| invalid.problems.as_slice());
            let told: Vec<(&str, &str)> = told.iter().map(|problem| (&*problem.pointer, problem.code)).collect();
            assert_eq!(told, problems, "{values}");
        }
    }

    #[test]
    fn unique_values_are_those_of_unique_fields_of_the_kind() {
        let declared = |kind: FieldKind, key: &str, unique: bool| Field {
            kind,
            key: key.to_owned(),
            unique,
            ..field(FieldType::Text)
        };
        let fields = [
            declared(FieldKind::Lead, "a", true),
            declared(FieldKind::Lead, "b", false),
            declared(FieldKind::Contact, "b", true),
            declared(FieldKind::Contact, "c", true),
        ];
        let values = ["a", "b", "c"].map(|key| (key.to_owned(), json!(format!("{key} Given"))));
        for (kind, keys) in [
            (Some(FieldKind::Lead), &["a"][..]),
            (Some(FieldKind::Contact), &["b", "c"]),
            (Some(FieldKind::Order), &[]),
            (None, &[]),
        ] {
            let expected: Vec<Unique> = keys
                .iter()
                .map(|key| Unique {
                    scope: format!("custom.{key}"),
                    value: format!("{key} given"),
                })
                .collect();
            assert_eq!(
                unique(&fields, kind, &BTreeMap::from(values.clone())),
                expected,
                "{kind:?}"
            );
        }
    }
}

//! A row as the record that would be sent to the API, or all that is wrong with its cells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{FieldKind, ImportField, ImportOptions, cell};
use crate::invalid;
use crate::settings::Settings;

/// Which columns fill which fields.
#[derive(Clone, Debug, Default)]
pub struct Mapping(pub Vec<(usize, ImportField)>);

impl Mapping {
    /// The column that fills a field.
    #[must_use]
    pub fn column(&self, key: &str) -> Option<usize> {
        self.0
            .iter()
            .find(|(_, field)| field.key == key)
            .map(|(column, _)| *column)
    }

    /// The cell of a field, when there is something in it.
    #[must_use]
    pub fn cell<'a>(&self, key: &str, cells: &'a [String]) -> Option<&'a str> {
        let cell = cells.get(self.column(key)?)?.trim();
        Some(cell).filter(|cell| !cell.is_empty())
    }

    /// What is wrong with the cell of a field.
    #[must_use]
    pub fn fault(&self, key: &str, code: &str, detail: impl Into<String>) -> Fault {
        Fault {
            column: self.column(key),
            field: Some(key.to_owned()).filter(|key| !key.is_empty()),
            code: code.to_owned(),
            detail: detail.into(),
        }
    }
}

/// What is wrong with a row, or with one of its cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ImportFault)]
pub struct Fault {
    /// The column, where it is the fault of one.
    pub column: Option<usize>,
    /// The field, where it is the fault of one.
    pub field: Option<String>,
    /// What, for programs.
    pub code: String,
    /// What, for people.
    pub detail: String,
}

/// What a cell holds, as the API takes it.
pub(super) fn value(
    mapping: &Mapping,
    field: &ImportField,
    text: &str,
    options: &ImportOptions,
) -> Result<Value, Fault> {
    let wrong = |code: &str, detail: String| Err(mapping.fault(&field.key, code, detail));
    let shown: String = text.chars().take(60).collect();
    match field.kind {
        FieldKind::Text | FieldKind::Email | FieldKind::Phone => Ok(text.into()),
        FieldKind::Date => match cell::day(text, options.day_order) {
            Some(day) => Ok(day.to_string().into()),
            None => wrong("date_malformed", format!("'{shown}' is not a day in the order chosen")),
        },
        FieldKind::Amount | FieldKind::Number => match cell::amount(text, options.decimal) {
            Some(number) if field.key == "terms_days" => match u32::try_from(number) {
                Ok(days) if number.is_integer() => Ok(days.into()),
                _ => wrong("number_malformed", format!("'{shown}' is not a number of days")),
            },
            Some(number) => Ok(number.to_string().into()),
            None => wrong(
                "number_malformed",
                format!("'{shown}' is not a number whose decimals follow '{}'", options.decimal),
            ),
        },
        FieldKind::Boolean => match cell::boolean(text) {
            Some(flag) => Ok(flag.into()),
            None => wrong("boolean_malformed", format!("'{shown}' is neither yes nor no")),
        },
        FieldKind::Choice => match cell::choice(text, &field.choices) {
            Some(word) => Ok(word.into()),
            None => {
                let known: Vec<&str> = field.choices.iter().take(20).map(String::as_str).collect();
                wrong("not_a_choice", format!("'{shown}' is none of: {}", known.join(", ")))
            }
        },
        FieldKind::List => {
            let parts = text.split([',', ';', '|', '，', '；', '、']).map(str::trim);
            Ok(parts.filter(|part| !part.is_empty()).collect())
        }
        // Read with the order it belongs to.
        FieldKind::Paid => Ok(text.into()),
    }
}

/// The record of a row, as it would be sent to the API: empty cells are left out.
///
/// # Errors
/// What is wrong with its cells.
pub fn record_of(
    mapping: &Mapping,
    cells: &[String],
    options: &ImportOptions,
    settings: &Settings,
) -> Result<Map<String, Value>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut record = Map::new();
    let mut address = Map::new();
    let mut apart: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let currency = mapping
        .cell("currency", cells)
        .map_or_else(|| settings.currency.code().to_owned(), str::to_uppercase);
    for (_, field) in &mapping.0 {
        let Some(text) = mapping.cell(&field.key, cells) else {
            if field.required {
                faults.push(mapping.fault(&field.key, "required", "this field is required"));
            }
            continue;
        };
        let value = match value(mapping, field, text, options) {
            Ok(value) => value,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        match (field.key.split_once('.'), field.key.as_str()) {
            (Some(("address", part)), _) => {
                // Countries are two letters; people write them in either case.
                let value = if part == "country" {
                    text.to_uppercase().into()
                } else {
                    value
                };
                address.insert(part.to_owned(), value);
            }
            (Some(("consent", channel)), _) => {
                let status = if value == true { "granted" } else { "denied" };
                let consent = json!({"status": status, "source": "import"});
                apart.entry("consent").or_default().insert(channel.to_owned(), consent);
            }
            (Some((group, part)), _) => {
                apart.entry(group).or_default().insert(part.to_owned(), value);
            }
            (None, "external_id") => {
                let ids = apart.entry("external_ids").or_default();
                ids.insert(options.source.clone(), value);
            }
            (None, "currency") => {}
            (None, key @ ("price" | "cost" | "value" | "credit_limit")) => {
                record.insert(key.to_owned(), json!({"amount": value, "currency": currency}));
            }
            (None, "country") => {
                record.insert("country".to_owned(), text.to_uppercase().into());
            }
            (None, key) => {
                record.insert(key.to_owned(), value);
            }
        }
    }
    if !address.is_empty() {
        record.insert("addresses".to_owned(), json!([address]));
    }
    for (group, values) in apart {
        record.insert(group.to_owned(), Value::Object(values));
    }
    if faults.is_empty() { Ok(record) } else { Err(faults) }
}

/// What is wrong with a record, told of the column that it came from.
#[must_use]
pub fn fault_of(mapping: &Mapping, problem: &invalid::Problem) -> Fault {
    let path = problem.pointer.trim_start_matches('#').trim_start_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let key = match parts.as_slice() {
        ["addresses", _, part] => format!("address.{part}"),
        ["emails", ..] => "email".to_owned(),
        ["phones", ..] => "phone".to_owned(),
        ["external_ids", ..] if mapping.column("external_id").is_none() => "number".to_owned(),
        ["external_ids", ..] => "external_id".to_owned(),
        ["payments", ..] => "paid".to_owned(),
        ["lines", _, "name"] => "product_name".to_owned(),
        ["lines", _, part] => (*part).to_owned(),
        ["contact_id" | "contact_ref", ..] => "customer_email".to_owned(),
        [group @ ("custom" | "consent"), part, ..] => format!("{group}.{part}"),
        [first, ..] => (*first).to_owned(),
        [] => String::new(),
    };
    Fault {
        code: problem.code.to_owned(),
        ..mapping.fault(&key, "", problem.detail.clone())
    }
}

/// What a row says, put to what a record has: labels are added, and the address is the record's own with what the row says of it.
#[must_use]
pub fn combined(mut record: Map<String, Value>, editable: &Value) -> Value {
    if let (Some(Value::Array(new)), Some(Value::Array(old))) = (record.get("tags").cloned(), editable.get("tags")) {
        let mut all = old.clone();
        all.extend(new.into_iter().filter(|tag| !old.contains(tag)));
        record.insert("tags".to_owned(), all.into());
    }
    if let (Some(said), Some(Value::Array(old))) = (
        record.get("addresses").and_then(|list| list.get(0)).cloned(),
        editable.get("addresses"),
    ) {
        let mut all = old.clone();
        let chosen = all.iter().position(|one| one["primary"] == true).unwrap_or(0);
        match all.get_mut(chosen) {
            Some(address) => crate::record::merge_patch(address, said),
            None => all.push(said),
        }
        record.insert("addresses".to_owned(), all.into());
    }
    Value::Object(record)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{ImportKind, fields};
    use super::*;

    #[test]
    fn what_is_wrong_with_a_record_is_told_of_the_column_it_came_from() {
        let mapping = |kind: ImportKind, keys: &[&str]| {
            let known = fields(kind, &[]);
            let column = |key: &&str| known.iter().find(|field| field.key == *key).unwrap().clone();
            Mapping(keys.iter().map(column).enumerate().collect())
        };
        let contacts = mapping(
            ImportKind::Contacts,
            &["name", "email", "phone", "address.city", "external_id", "consent.email"],
        );
        let orders = mapping(
            ImportKind::Orders,
            &["number", "customer_email", "product_name", "quantity", "paid"],
        );
        for (mapping, pointer, field, column) in [
            (&contacts, "#/name", "name", Some(0)),
            (&contacts, "#/emails/0/address", "email", Some(1)),
            (&contacts, "#/phones/0/number", "phone", Some(2)),
            (&contacts, "#/addresses/0/city", "address.city", Some(3)),
            (&contacts, "#/external_ids/erp", "external_id", Some(4)),
            (&contacts, "#/consent/email/at", "consent.email", Some(5)),
            (&contacts, "#/custom/size", "custom.size", None),
            (&contacts, "#/birthday", "birthday", None),
            (&contacts, "#", "", None),
            (&orders, "#/external_ids/erp", "number", Some(0)),
            (&orders, "#/contact_ref/value", "customer_email", Some(1)),
            (&orders, "#/lines/1/name", "product_name", Some(2)),
            (&orders, "#/lines/1/quantity", "quantity", Some(3)),
            (&orders, "#/payments/0/amount", "paid", Some(4)),
        ] {
            let problem = invalid::Problem {
                pointer: pointer.to_owned(),
                code: "too_long",
                detail: "at most 200 characters".to_owned(),
            };
            let expected = Fault {
                column,
                field: Some(field.to_owned()).filter(|field| !field.is_empty()),
                code: "too_long".to_owned(),
                detail: "at most 200 characters".to_owned(),
            };
            assert_eq!(fault_of(mapping, &problem), expected, "{pointer}");
        }
    }
}

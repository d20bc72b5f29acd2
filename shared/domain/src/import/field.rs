//! The fields that columns can fill, by kind: flat names, of which records are put together.

use serde::Serialize;

use super::ImportKind;
use crate::custom::{self, FieldType};

/// What a field holds, and so how a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportFieldType)]
pub enum FieldKind {
    /// A text.
    Text,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A day.
    Date,
    /// An amount of money.
    Amount,
    /// A decimal number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of a few words.
    Choice,
    /// Several texts between commas, semicolons or strokes.
    List,
    /// Yes, no, or how much.
    Paid,
}

/// A field that a column can fill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ImportField {
    /// Its flat name: `given_name`, `address.city`, `custom.tax_number`.
    pub key: String,
    /// Whether every row must have it.
    pub required: bool,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// Whether records that are there can be known by it.
    #[serde(rename = "match")]
    pub matches: bool,
    /// What people call it, where it is one of the tenant's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The words of a choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// How a field of the table below is written: name, what it holds, its words.
type Line = (&'static str, FieldKind, &'static [&'static str]);

use FieldKind::{Amount, Boolean, Choice, Date, Email, List, Number, Paid, Phone, Text};

const CONTACTS: &[Line] = &[
    ("name", Text, &[]),
    ("given_name", Text, &[]),
    ("family_name", Text, &[]),
    ("email", Email, &[]),
    ("phone", Phone, &[]),
    ("title", Text, &[]),
    ("occupation", Text, &[]),
    ("birthday", Date, &[]),
    ("gender", Choice, &["female", "male", "other"]),
    ("locale", Text, &[]),
    ("company_id", Text, &[]),
    ("consent.email", Boolean, &[]),
    ("do_not_contact", Boolean, &[]),
];

const COMPANIES: &[Line] = &[
    ("name", Text, &[]),
    ("kind", Choice, &["consumer", "organisation", "intermediary"]),
    ("industry", Text, &[]),
    ("size", Text, &[]),
    ("website", Text, &[]),
    ("email", Email, &[]),
    ("phone", Phone, &[]),
    ("tax_id", Text, &[]),
    ("region", Text, &[]),
    ("country", Text, &[]),
    ("credit_limit", Amount, &[]),
    ("currency", Text, &[]),
    ("terms_days", Number, &[]),
];

const LEADS: &[Line] = &[
    ("name", Text, &[]),
    ("company_name", Text, &[]),
    ("email", Email, &[]),
    ("phone", Phone, &[]),
    ("title", Text, &[]),
    ("industry", Text, &[]),
    ("source", Text, &[]),
    ("status", Choice, &["new", "working", "qualified", "unqualified"]),
    ("rating", Choice, &["hot", "warm", "cold"]),
    ("value", Amount, &[]),
    ("currency", Text, &[]),
];

const PRODUCTS: &[Line] = &[
    ("sku", Text, &[]),
    ("name", Text, &[]),
    ("category", Text, &[]),
    ("price", Amount, &[]),
    ("cost", Amount, &[]),
    ("currency", Text, &[]),
    ("unit", Text, &[]),
    ("active", Boolean, &[]),
    ("stock", Number, &[]),
];

const ORDERS: &[Line] = &[
    ("number", Text, &[]),
    ("placed_on", Date, &[]),
    ("customer_email", Email, &[]),
    ("customer_external_id", Text, &[]),
    ("customer_name", Text, &[]),
    ("sku", Text, &[]),
    ("product_name", Text, &[]),
    ("quantity", Number, &[]),
    ("unit_price", Amount, &[]),
    ("amount", Amount, &[]),
    (
        "status",
        Choice,
        &["draft", "placed", "fulfilled", "cancelled", "returned"],
    ),
    ("paid", Paid, &[]),
    ("currency", Text, &[]),
    ("shipping", Amount, &[]),
    ("channel", Text, &[]),
];

const ADDRESS: &[Line] = &[
    ("address.street", Text, &[]),
    ("address.city", Text, &[]),
    ("address.region", Text, &[]),
    ("address.postal_code", Text, &[]),
    ("address.country", Text, &[]),
];

const NOTE: &[Line] = &[("note", Text, &[])];

const COMMON: &[Line] = &[("tags", List, &[]), ("external_id", Text, &[]), ("owner_id", Text, &[])];

/// All fields that columns of a kind can fill, the tenant's own last.
#[must_use]
pub fn fields(kind: ImportKind, own: &[custom::Field]) -> Vec<ImportField> {
    let (lines, matches, required): (&[&[Line]], &[&str], &[&str]) = match kind {
        ImportKind::Contacts => (&[CONTACTS, ADDRESS, NOTE, COMMON], &["email", "external_id"], &[]),
        ImportKind::Companies => (
            &[COMPANIES, ADDRESS, NOTE, COMMON],
            &["name", "tax_id", "external_id"],
            &["name"],
        ),
        ImportKind::Leads => (&[LEADS, NOTE, COMMON], &["email", "phone", "external_id"], &[]),
        ImportKind::Products => (&[PRODUCTS, COMMON], &["sku", "external_id"], &["name"]),
        ImportKind::Orders => (&[ORDERS, COMMON], &["external_id"], &[]),
    };
    let known = lines.iter().copied().flatten().map(|(key, holds, words)| ImportField {
        key: (*key).to_owned(),
        required: required.contains(key),
        kind: *holds,
        matches: matches.contains(key),
        label: None,
        choices: words.iter().map(|word| (*word).to_owned()).collect(),
    });
    let own = own
        .iter()
        .filter(|field| field.kind.noun() == kind.noun())
        .map(|field| ImportField {
            key: format!("custom.{}", field.key),
            required: field.required,
            kind: holds(field.r#type),
            matches: false,
            label: Some(field.label.clone()),
            choices: field.choices.clone(),
        });
    known.chain(own).collect()
}

const fn holds(of: FieldType) -> FieldKind {
    match of {
        FieldType::Text | FieldType::Url => FieldKind::Text,
        FieldType::Number => FieldKind::Number,
        FieldType::Boolean => FieldKind::Boolean,
        FieldType::Date => FieldKind::Date,
        FieldType::Choice => FieldKind::Choice,
        FieldType::MultiChoice => FieldKind::List,
        FieldType::Email => FieldKind::Email,
        FieldType::Phone => FieldKind::Phone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_kind_end_with_the_tenants_own_of_that_kind() {
        let own = |kind: custom::FieldKind, key: &str| custom::Field {
            kind,
            key: key.to_owned(),
            label: format!("The {key}"),
            r#type: FieldType::Choice,
            required: true,
            unique: false,
            choices: vec!["red".to_owned()],
        };
        let own = [
            own(custom::FieldKind::Lead, "budget"),
            own(custom::FieldKind::Contact, "colour"),
        ];
        for (kind, key, label) in [
            (ImportKind::Leads, "custom.budget", "The budget"),
            (ImportKind::Contacts, "custom.colour", "The colour"),
        ] {
            let found: Vec<ImportField> = fields(kind, &own)
                .into_iter()
                .filter(|field| field.label.is_some())
                .collect();
            let expected = ImportField {
                key: key.to_owned(),
                required: true,
                kind: FieldKind::Choice,
                matches: false,
                label: Some(label.to_owned()),
                choices: vec!["red".to_owned()],
            };
            assert_eq!(found, [expected], "{kind:?}");
            assert_eq!(fields(kind, &own).last(), found.last());
        }
        let plain = fields(ImportKind::Products, &own);
        assert!(plain.iter().all(|field| field.label.is_none()));
    }
}

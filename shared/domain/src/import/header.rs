//! What columns are likely to mean: by their headings in English and Chinese, else by the look of their values.

use std::collections::BTreeSet;

use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization as _;

use super::{DayOrder, Existing, FieldKind, ImportField, ImportKind, ImportOptions, cell};
use crate::email::Email;
use crate::phone;
use crate::settings::Settings;

/// Headings in use, letters and digits only, by the field they mean. The first field of a kind that has the heading is meant.
const HEADINGS: &[(&str, &[&str])] = include!("headings.in");

/// A heading for comparing: letters and digits only, wide ones made narrow, in lower case.
fn normal(heading: &str) -> String {
    let letters = heading.nfkc().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).take(100).collect()
}

/// The field that each column is likely to fill. No field is given twice.
#[must_use]
pub fn guess_fields(
    fields: &[ImportField],
    headings: &[String],
    samples: &[Vec<String>],
    settings: &Settings,
) -> Vec<Option<String>> {
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let mut found: Vec<Option<&str>> = vec![None; headings.len()];
    let known = |key: &str| fields.iter().find(|field| field.key == key);
    for (heading, place) in headings.iter().zip(&mut found) {
        let heading = normal(heading);
        if heading.is_empty() {
            continue;
        }
        let own = fields.iter().find(|field| {
            let called = field.label.as_deref().is_some_and(|label| normal(label) == heading);
            called
                || normal(&field.key) == heading
                || field
                    .key
                    .strip_prefix("custom.")
                    .is_some_and(|key| normal(key) == heading)
        });
        let usual = || {
            let words = HEADINGS.iter().filter(|(_, words)| words.contains(&heading.as_str()));
            let mut keys = words
                .filter_map(|(key, _)| known(key))
                .filter(|field| !taken.contains(field.key.as_str()));
            keys.next()
        };
        if let Some(field) = own.filter(|field| !taken.contains(field.key.as_str())).or_else(usual) {
            taken.insert(&field.key);
            *place = Some(&field.key);
        }
    }
    for (values, place) in samples.iter().zip(&mut found) {
        if place.is_some() || values.is_empty() {
            continue;
        }
        let by_look = LOOKS.iter().find(|(key, holds)| {
            known(key).is_some() && !taken.contains(key) && values.iter().all(|value| looks(value, *holds, settings))
        });
        if let Some(field) = by_look.and_then(|(key, _)| known(key)) {
            taken.insert(&field.key);
            *place = Some(&field.key);
        }
    }
    found.into_iter().map(|key| key.map(str::to_owned)).collect()
}

/// Fields that values without a telling heading may fill.
const LOOKS: &[(&str, FieldKind)] = &[
    ("email", FieldKind::Email),
    ("customer_email", FieldKind::Email),
    ("placed_on", FieldKind::Date),
    ("phone", FieldKind::Phone),
    ("amount", FieldKind::Amount),
];

fn looks(value: &str, like: FieldKind, settings: &Settings) -> bool {
    match like {
        FieldKind::Email => Email::parse("", value).is_ok(),
        FieldKind::Date => {
            let any = [DayOrder::Ymd, DayOrder::Dmy, DayOrder::Mdy];
            // Eight digits may as well be a number.
            value.len() > 8 && any.iter().any(|order| cell::day(value, *order).is_some())
        }
        // Short numbers are counts or ids; a telephone number has a country's code or many digits.
        FieldKind::Phone => {
            let digits = value.chars().filter(char::is_ascii_digit).count();
            digits >= 9 && !value.contains('.') && phone::parse("", value, &settings.country).is_ok()
        }
        FieldKind::Amount => {
            let money = value.contains(['.', ',', '¥', '$', '€', '£']);
            money && (cell::amount(value, '.').is_some() || cell::amount(value, ',').is_some())
        }
        _ => false,
    }
}

/// How rows are likely to be understood, by the values of the columns that have a field.
#[must_use]
pub fn guess_options(
    kind: ImportKind,
    fields: &[ImportField],
    guessed: &[Option<String>],
    samples: &[Vec<String>],
    settings: &Settings,
) -> ImportOptions {
    let of_kind = |wanted: &[FieldKind]| -> Vec<&str> {
        let columns = guessed.iter().zip(samples).filter(|(key, _)| {
            let field = key
                .as_ref()
                .and_then(|key| fields.iter().find(|field| field.key == *key));
            field.is_some_and(|field| wanted.contains(&field.kind))
        });
        columns
            .flat_map(|(_, values)| values.iter().map(String::as_str))
            .collect()
    };
    let has = |key: &str| guessed.iter().flatten().any(|known| known == key);
    // Also days in columns without a field, which may be given one later.
    let dated = |values: &&Vec<String>| {
        !values.is_empty() && values.iter().all(|value| looks(value, FieldKind::Date, settings))
    };
    let unmapped = guessed.iter().zip(samples).filter(|(key, _)| key.is_none());
    let others = unmapped.map(|(_, values)| values).filter(dated).flatten();
    let mut days = of_kind(&[FieldKind::Date]);
    days.extend(others.map(String::as_str));
    let usual = match settings.country.as_str() {
        "US" => DayOrder::Mdy,
        "CN" | "TW" | "HK" | "JP" | "KR" => DayOrder::Ymd,
        _ => DayOrder::Dmy,
    };
    let reads = |order: &DayOrder| days.iter().filter(|day| cell::day(day, *order).is_some()).count();
    let orders = [DayOrder::Dmy, DayOrder::Mdy, DayOrder::Ymd];
    let best = orders.iter().map(&reads).max().unwrap_or(0);
    let day_order = Some(usual)
        .filter(|order| reads(order) == best)
        .or_else(|| orders.into_iter().find(|order| reads(order) == best))
        .unwrap_or(usual);
    let numbers = of_kind(&[FieldKind::Amount, FieldKind::Number]);
    let reads = |mark: char| {
        numbers
            .iter()
            .filter(|number| cell::amount(number, mark).is_some())
            .count()
    };
    let first_match = fields.iter().filter(|field| field.matches);
    let r#match = match kind {
        ImportKind::Orders => "external_id".to_owned(),
        _ => first_match
            .clone()
            .find(|field| has(&field.key))
            .or(first_match.clone().next())
            .map_or_else(String::new, |field| field.key.clone()),
    };
    ImportOptions {
        r#match,
        existing: Existing::default(),
        day_order,
        decimal: if reads(',') > reads('.') { ',' } else { '.' },
        source: "import".to_owned(),
    }
}

/// Whether a first row is data rather than headings: it has an address, a day or an amount in it.
#[must_use]
pub fn is_data(cells: &[String], settings: &Settings) -> bool {
    let filled = cells.iter().filter(|cell| !cell.trim().is_empty());
    filled.clone().any(|cell| {
        let day: Option<Date> = cell::day(cell, DayOrder::Ymd);
        Email::parse("", cell).is_ok() || day.is_some() || looks(cell, FieldKind::Amount, settings)
    })
}

#[cfg(test)]
mod tests {
    use super::super::fields;
    use super::*;

    fn guessed(kind: ImportKind, columns: &[(&str, &[&str])]) -> (Vec<Option<String>>, ImportOptions) {
        let (settings, fields) = (Settings::default(), fields(kind, &[]));
        let headings: Vec<String> = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
        let samples: Vec<Vec<String>> = columns
            .iter()
            .map(|(_, values)| values.iter().map(|value| (*value).to_owned()).collect())
            .collect();
        let found = guess_fields(&fields, &headings, &samples, &settings);
        let options = guess_options(kind, &fields, &found, &samples, &settings);
        (found, options)
    }

    #[test]
    fn headings_are_known_in_english_and_chinese() {
        use ImportKind::{Companies, Contacts, Leads, Orders, Products};
        for (kind, heading, field) in [
            (Contacts, "E-mail", "email"),
            (Contacts, "First Name", "given_name"),
            (Contacts, "姓名", "name"),
            (Contacts, "手机号码", "phone"),
            (Contacts, "ＥＭＡＩＬ", "email"),
            (Contacts, "Zip/Postal code", ""),
            (Contacts, "address_city", "address.city"),
            (Companies, "公司名称", "name"),
            (Companies, "VAT-ID", "tax_id"),
            (Leads, "Company", "company_name"),
            (Leads, "金额", "value"),
            (Products, "货号", "sku"),
            (Products, "Unit price", "price"),
            (Orders, "订单号", "number"),
            (Orders, "Lineitem sku", "sku"),
            (Orders, "客户", "customer_name"),
            (Orders, "Total", "amount"),
            (Orders, "下单时间", "placed_on"),
            (Contacts, "🙂", ""),
        ] {
            let (found, _) = guessed(kind, &[(heading, &[])]);
            assert_eq!(
                found,
                [Some(field.to_owned()).filter(|field| !field.is_empty())],
                "{heading}"
            );
        }
    }

    #[test]
    fn values_tell_where_headings_do_not_and_no_field_comes_twice() {
        let (found, options) = guessed(
            ImportKind::Orders,
            &[
                ("a", &["a@b.co", "c@d.co"]),
                ("b", &["31.12.2026"]),
                ("c", &["1.250,50", "12,00"]),
                ("d", &["x"]),
                ("Total", &["3,50"]),
                ("Total", &["4,50"]),
            ],
        );
        let expected = [
            Some("customer_email"),
            Some("placed_on"),
            None,
            None,
            Some("amount"),
            None,
        ];
        assert_eq!(found, expected.map(|key| key.map(str::to_owned)));
        assert_eq!((options.day_order, options.decimal), (DayOrder::Dmy, ','));
        let (found, options) = guessed(ImportKind::Contacts, &[("Geburtstag", &["31.12.1990", "01.02.1990"])]);
        assert_eq!((found, options.day_order), (vec![None], DayOrder::Dmy));
    }

    #[test]
    fn a_column_called_like_a_field_of_the_tenants_own_fills_it() {
        let own = crate::custom::Field {
            kind: crate::custom::FieldKind::Contact,
            key: "shoe".to_owned(),
            label: "Size of shoes".to_owned(),
            r#type: crate::custom::FieldType::Text,
            required: false,
            unique: false,
            choices: Vec::new(),
        };
        let fields = fields(ImportKind::Contacts, &[own]);
        for (heading, field) in [
            ("size of Shoes", Some("custom.shoe")),
            ("Shoe", Some("custom.shoe")),
            ("Size of hats", None),
        ] {
            let found = guess_fields(&fields, &[heading.to_owned()], &[], &Settings::default());
            assert_eq!(found, [field.map(str::to_owned)], "{heading}");
        }
    }

    #[test]
    fn values_are_taken_for_what_only_they_can_be() {
        use ImportKind::{Contacts, Orders};
        for (kind, value, field) in [
            (Contacts, "a@b.co", Some("email")),
            (Contacts, "+1 415 555 2671", Some("phone")),
            (Contacts, "415.555.2671", None),
            (Contacts, "5552671", None),
            (Contacts, "123456789012345678", None),
            (Orders, "2026-01-02", Some("placed_on")),
            // As well a number as a day.
            (Orders, "20260102", None),
            (Orders, "$12.50", Some("amount")),
            (Orders, "12,50", Some("amount")),
            (Orders, "12", None),
            (Orders, "1.2.3,4,5", None),
        ] {
            let (found, _) = guessed(kind, &[("?", &[value])]);
            assert_eq!(found, [field.map(str::to_owned)], "{value}");
        }
    }

    #[test]
    fn options_follow_the_values_and_else_what_is_usual() {
        use DayOrder::{Dmy, Mdy, Ymd};
        use ImportKind::{Contacts, Leads, Orders};
        for (country, days, order) in [
            ("US", &[][..], Mdy),
            ("CN", &[], Ymd),
            ("JP", &[], Ymd),
            ("DE", &[], Dmy),
            ("US", &["01.02.1990"], Mdy),
            ("US", &["01.02.1990", "31.12.1990"], Dmy),
            ("DE", &["12/31/1990"], Mdy),
            // A column in which not all are days is none of days.
            ("US", &["31.12.1990", "unknown"], Mdy),
        ] {
            let settings = Settings {
                country: country.to_owned(),
                ..Settings::default()
            };
            let samples: [Vec<String>; 1] = [days.iter().map(|day| (*day).to_owned()).collect()];
            let options = guess_options(Contacts, &fields(Contacts, &[]), &[None], &samples, &settings);
            assert_eq!(options.day_order, order, "{country} {days:?}");
        }
        for (kind, heading, values, known_by, decimal) in [
            (Contacts, "E-mail", &["a@b.co"][..], "email", '.'),
            (Contacts, "External ID", &["7"], "external_id", '.'),
            (Contacts, "Name", &["Ann"], "email", '.'),
            (Leads, "Phone", &["5552671"], "phone", '.'),
            (Orders, "Total", &["12"], "external_id", '.'),
            (Orders, "Total", &["12,50"], "external_id", ','),
            (Orders, "Total", &["1,250.50"], "external_id", '.'),
        ] {
            let (_, options) = guessed(kind, &[(heading, values)]);
            assert_eq!(
                (&*options.r#match, options.decimal),
                (known_by, decimal),
                "{heading} {values:?}"
            );
        }
    }

    #[test]
    fn a_first_row_with_an_address_a_day_or_an_amount_is_data() {
        for (cells, data) in [
            (["Name", "E-mail"], false),
            (["", " "], false),
            (["Ann", "7"], false),
            (["Ann", "a@b.co"], true),
            (["", "2026-12-31"], true),
            (["1,250.50", ""], true),
        ] {
            assert_eq!(
                is_data(&cells.map(str::to_owned), &Settings::default()),
                data,
                "{cells:?}"
            );
        }
    }
}

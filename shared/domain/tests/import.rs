//! Rows as records: what cells come to under a mapping, and what is wrong with them.
#![allow(clippy::unwrap_used, missing_docs)]

use rapport_domain::import::{
    DayOrder, Existing, Fault, ImportKind, ImportOptions, Mapping, combined, fields, group, order_of, record_of,
};
use rapport_domain::settings::Settings;
use serde_json::{Value, json};

fn options() -> ImportOptions {
    ImportOptions {
        r#match: "email".to_owned(),
        existing: Existing::Update,
        day_order: DayOrder::Dmy,
        decimal: '.',
        source: "erp".to_owned(),
    }
}

fn settings() -> Settings {
    Settings {
        currency: "USD".parse().unwrap(),
        ..Settings::default()
    }
}

/// Columns in the order of some fields.
fn mapping(kind: ImportKind, keys: &[&str]) -> Mapping {
    let known = fields(kind, &[]);
    let column = |key: &&str| known.iter().find(|field| field.key == *key).unwrap().clone();
    Mapping(keys.iter().map(column).enumerate().collect())
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn codes(faults: &[Fault]) -> Vec<(Option<usize>, &str)> {
    faults.iter().map(|fault| (fault.column, fault.code.as_str())).collect()
}

#[test]
fn a_row_becomes_what_the_api_takes() {
    use ImportKind::{Companies, Contacts, Leads, Products};
    for (kind, cells, expected) in [
        (
            Contacts,
            vec![
                ("name", " Ann "),
                ("email", ""),
                ("gender", "女"),
                ("birthday", "1/2/1990"),
                ("tags", "a; b，c|"),
                ("external_id", "7"),
            ],
            json!({"name": "Ann", "gender": "female", "birthday": "1990-02-01", "tags": ["a", "b", "c"], "external_ids": {"erp": "7"}}),
        ),
        (
            Contacts,
            vec![
                ("consent.email", "yes"),
                ("do_not_contact", "no"),
                ("address.country", "de"),
                ("address.city", "Berlin"),
            ],
            json!({"do_not_contact": false, "addresses": [{"country": "DE", "city": "Berlin"}],
                "consent": {"email": {"status": "granted", "source": "import"}}}),
        ),
        (
            Companies,
            vec![
                ("name", "Tea"),
                ("credit_limit", "1,000"),
                ("currency", "eur"),
                ("terms_days", "30"),
            ],
            json!({"name": "Tea", "credit_limit": {"amount": "1000", "currency": "EUR"}, "terms_days": 30}),
        ),
        (
            Leads,
            vec![("name", "Ann"), ("status", "Contacted"), ("rating", "高")],
            json!({"name": "Ann", "status": "working", "rating": "hot"}),
        ),
        (
            Products,
            vec![("name", "Tea"), ("price", "$12.50"), ("cost", "(1)"), ("active", "否")],
            json!({"name": "Tea", "price": {"amount": "12.5", "currency": "USD"}, "cost": {"amount": "-1", "currency": "USD"}, "active": false}),
        ),
    ] {
        let keys: Vec<&str> = cells.iter().map(|(key, _)| *key).collect();
        let texts: Vec<&str> = cells.iter().map(|(_, text)| *text).collect();
        let record = record_of(&mapping(kind, &keys), &row(&texts), &options(), &settings()).unwrap();
        assert_eq!(Value::Object(record), expected, "{keys:?}");
    }
}

#[test]
fn every_faulty_cell_is_told_with_its_column() {
    let wrong = mapping(
        ImportKind::Companies,
        &["name", "credit_limit", "terms_days", "kind", "tags"],
    );
    let faults = record_of(
        &wrong,
        &row(&["", "1.000,00", "1.5", "planet", "x"]),
        &options(),
        &settings(),
    )
    .unwrap_err();
    let expected = [
        (Some(0), "required"),
        (Some(1), "number_malformed"),
        (Some(2), "number_malformed"),
        (Some(3), "not_a_choice"),
    ];
    assert_eq!(codes(&faults), expected);
    // A row may have fewer cells than there are columns.
    assert_eq!(
        record_of(
            &mapping(ImportKind::Leads, &["name", "email"]),
            &row(&["Ann"]),
            &options(),
            &settings()
        )
        .unwrap()
        .len(),
        1
    );
}

#[test]
fn rows_of_one_number_are_one_order_wherever_they_stand() {
    let of = mapping(ImportKind::Orders, &["number", "external_id"]);
    let rows = [
        row(&["1"]),
        row(&["2"]),
        row(&["1"]),
        row(&[""]),
        row(&[""]),
        row(&["9", "1"]),
        row(&[" 2 "]),
    ];
    let groups = group(&of, rows.iter().map(Vec::as_slice));
    assert_eq!(groups, [vec![0, 2, 5], vec![1, 6], vec![3], vec![4]]);
}

#[test]
fn orders_are_put_together_from_their_lines() {
    let keys = [
        "number",
        "placed_on",
        "product_name",
        "sku",
        "quantity",
        "unit_price",
        "amount",
        "paid",
        "status",
        "currency",
    ];
    let of = mapping(ImportKind::Orders, &keys);
    let order = |rows: &[&[&str]]| {
        let rows: Vec<Vec<String>> = rows.iter().map(|cells| row(cells)).collect();
        let rows: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
        order_of(&of, &rows, &options(), &settings())
    };
    let whole = order(&[
        &["7", "31.12.2026", "Tea", "", "2", "12.505", "", "yes", "Completed", ""],
        &["7", "", "Pot", "P-1", "", "3", "", "", "", ""],
    ])
    .unwrap();
    assert_eq!(
        Value::Object(whole),
        json!({"placed_on": "2026-12-31", "status": "fulfilled", "external_ids": {"erp": "7"},
            "lines": [{"quantity": "2", "name": "Tea", "unit_price": "12.505"}, {"quantity": "1", "sku": "P-1", "name": "Pot", "unit_price": "3"}],
            "payments": [{"amount": "28.01", "external_id": "erp:7"}]})
    );
    // The amount of a line, and how much of it was paid.
    for (cells, price, paid) in [
        (["1", "", "", "", "", "", "10", "yes", "", ""], "10", Some("10")),
        (["1", "", "", "", "4", "", "10", "2.5", "", ""], "2.5", Some("2.5")),
        (["1", "", "", "", "4", "", "10", "no", "", ""], "2.5", None),
        (["1", "", "", "", "", "", "10", "0", "", ""], "10", None),
        (["1", "", "", "", "", "", "10", "已付款", "", ""], "10", Some("10")),
    ] {
        let order = order(&[&cells]).unwrap();
        assert_eq!(
            (&order["lines"][0]["unit_price"], &order["lines"][0]["name"]),
            (&json!(price), &json!("Order"))
        );
        assert_eq!(
            order
                .get("payments")
                .map(|payments| payments[0]["amount"].as_str().unwrap().parse().unwrap()),
            paid.map(|paid| paid.parse::<f64>().unwrap()),
            "{cells:?}"
        );
    }
    for (cells, expected) in [
        (["1", "", "", "", "3", "", "10", "", "", ""], (Some(6), "not_divisible")),
        (["1", "", "", "", "0", "", "10", "", "", ""], (Some(6), "not_divisible")),
        (
            ["1", "", "", "S", "", "", "", "yes", "", ""],
            (Some(7), "amount_unknown"),
        ),
        (
            ["1", "", "", "S", "", "", "", "perhaps", "", ""],
            (Some(7), "number_malformed"),
        ),
        (
            ["1", "32.1.2026", "", "S", "", "", "", "", "", ""],
            (Some(1), "date_malformed"),
        ),
        (
            ["1", "", "", "S", "many", "", "", "", "", ""],
            (Some(4), "number_malformed"),
        ),
    ] {
        assert_eq!(codes(&order(&[&cells]).unwrap_err()), [expected], "{cells:?}");
    }
}

#[test]
fn a_row_adds_to_what_is_there() {
    let said = json!({"tags": ["new", "vip"], "addresses": [{"city": "Bonn"}], "name": "Ann"});
    let there = json!({"tags": ["vip"], "name": "Anna", "addresses": [{"city": "Ulm", "primary": false},
        {"city": "Berlin", "street": "High St", "primary": true}]});
    assert_eq!(
        combined(said.as_object().unwrap().clone(), &there),
        json!({"tags": ["vip", "new"], "name": "Ann", "addresses": [{"city": "Ulm", "primary": false},
            {"city": "Bonn", "street": "High St", "primary": true}]})
    );
    assert_eq!(
        combined(said.as_object().unwrap().clone(), &json!({"tags": [], "addresses": []}))["addresses"],
        json!([{"city": "Bonn"}])
    );
}

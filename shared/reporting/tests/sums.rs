//! Sums add up in any order and grouping, survive being stored, and are what their facts say.
#![allow(clippy::unwrap_used, missing_docs)]

use proptest::prelude::*;
use rapport_domain::order::{Order, OrderIn};
use rapport_domain::record::{Kind as _, Rules};
use rapport_reporting::cells::{Cell, Cells, Dimension, Entry, Family};
use rapport_reporting::fact::Fact;
use rapport_reporting::measure::Measure;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn entry() -> impl Strategy<Value = Entry> {
    let cell = (0..4_usize, "[a-c]", prop_oneof!["USD", "EUR", ""]).prop_map(|(dimension, key, currency)| Cell {
        dimension: Family::Sales.dimensions()[dimension],
        key,
        currency,
    });
    let values = prop::collection::btree_map(0..Measure::ALL.len(), -1_000_000_i64..1_000_000, 0..4);
    (cell, values).prop_map(|(cell, values)| Entry {
        cell,
        values: values
            .into_iter()
            .filter(|(_, value)| *value != 0)
            .map(|(measure, value)| (Measure::ALL[measure], Decimal::new(value, 2)))
            .collect(),
    })
}

fn sum(entries: &[Entry]) -> Cells {
    let mut cells = Cells::default();
    cells.add(entries);
    cells
}

proptest! {
    #[test]
    fn sums_do_not_depend_on_order_or_grouping(entries in prop::collection::vec(entry(), 0..40), cut in 0..40_usize) {
        let whole = sum(&entries);
        let reversed: Vec<Entry> = entries.iter().rev().cloned().collect();
        prop_assert_eq!(&sum(&reversed), &whole);
        let (left, right) = entries.split_at(cut.min(entries.len()));
        let mut merged = sum(left);
        merged.merge(sum(right));
        prop_assert_eq!(merged, whole);
    }

    #[test]
    fn sums_survive_being_stored(entries in prop::collection::vec(entry(), 0..60), most in 1..2_000_usize) {
        let whole = sum(&entries);
        let mut back = Cells::default();
        for chunk in whole.chunks(most) {
            back.read(&chunk).unwrap();
        }
        prop_assert_eq!(back, whole);
    }

    #[test]
    fn a_cell_counts_the_facts_that_add_to_it(entries in prop::collection::vec(entry(), 0..40)) {
        for (cell, sums) in sum(&entries).iter() {
            for measure in Measure::ALL {
                let own = entries.iter().filter(|entry| entry.cell == *cell);
                let values: Vec<Decimal> = own
                    .flat_map(|entry| entry.values.iter().filter(|(known, _)| known == measure))
                    .map(|(_, value)| *value)
                    .collect();
                prop_assert_eq!(sums.value(*measure), values.iter().sum::<Decimal>());
                prop_assert_eq!(sums.get(*measure).1, values.len() as u64);
            }
        }
    }
}

fn fact(order: &Value) -> Option<Fact> {
    let rules = Rules {
        now: "2026-11-22T00:00:00Z".parse().unwrap(),
        settings: std::sync::Arc::default(),
        fields: std::sync::Arc::default(),
    };
    let input: OrderIn = serde_json::from_value(order.clone()).unwrap();
    let body = serde_json::to_value(Order::create(input, &rules).unwrap()).unwrap();
    let mut doc = json!({"id": "ord_01jz0000000000000000000000", "version": 1, "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z", "created_by": "x", "updated_by": "x", "updated_via": "api"});
    doc.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    Fact::of("order", &doc.to_string(), &[], &jiff::tz::TimeZone::UTC).unwrap()
}

fn value(fact: &Fact, dimension: Dimension, measure: Measure) -> Vec<Decimal> {
    let own = fact
        .entries()
        .into_iter()
        .filter(|entry| entry.cell.dimension == dimension);
    own.flat_map(|entry| entry.values)
        .filter(|(known, _)| *known == measure)
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn what_orders_add() {
    let line = json!({"name": "Tea", "unit_price": "10.00", "unit_cost": "4.00", "quantity": "2", "discount": {"percent": "10"}});
    let of = |more: Value| {
        let mut order = json!({"placed_on": "2026-03-04", "currency": "USD", "historic": true, "lines": [line]});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    };
    // The order; orders, sales, revenue, cost, discount, refunds, returns, balance of its day.
    let cases: [(&str, Value, Option<[&str; 8]>); 7] = [
        ("a draft", of(json!({"status": "draft"})), None),
        (
            "placed and owed",
            of(json!({"status": "placed"})),
            Some(["", "", "", "", "", "", "", "18"]),
        ),
        (
            "fulfilled and owed",
            of(json!({"status": "fulfilled"})),
            Some(["1", "18", "18", "8", "2", "", "", "18"]),
        ),
        (
            "with shipping and tax",
            of(
                json!({"status": "fulfilled", "shipping": "5.00", "lines": [{"name": "Tea", "unit_price": "10.00", "tax": {"rate": "0.2"}}],
                "payments": [{"amount": "17.00", "received_on": "2026-03-04"}]}),
            ),
            Some(["1", "17", "10", "", "", "", "", ""]),
        ),
        (
            "half given back",
            of(
                json!({"status": "fulfilled", "payments": [{"amount": "18.00", "received_on": "2026-03-14"},
                {"amount": "-9.00", "received_on": "2026-03-15"}]}),
            ),
            Some(["1", "9", "9", "4", "2", "9", "", ""]),
        ),
        (
            "wholly given back",
            of(
                json!({"status": "fulfilled", "payments": [{"amount": "18.00", "received_on": "2026-03-14"},
                {"amount": "-18.00", "received_on": "2026-03-15"}]}),
            ),
            Some(["", "", "", "", "", "18", "", ""]),
        ),
        (
            "for nothing",
            of(json!({"status": "fulfilled", "lines": [{"name": "Sample", "unit_price": "0"}]})),
            Some(["1", "", "", "", "", "", "", ""]),
        ),
    ];
    for (what, order, expected) in cases {
        let fact = fact(&order);
        let Some(expected) = expected else {
            assert_eq!(fact, None, "{what}");
            continue;
        };
        let fact = fact.unwrap();
        assert_eq!(fact.place(), ("2026-03".to_owned(), "2026-03-04".to_owned()));
        let measures = [
            Measure::Orders,
            Measure::Sales,
            Measure::Revenue,
            Measure::Cost,
            Measure::Discount,
            Measure::Refunds,
            Measure::Returns,
            Measure::Balance,
        ];
        let got = measures.map(|measure| {
            let values = value(&fact, Dimension::Day, measure);
            values.first().map_or(String::new(), ToString::to_string)
        });
        assert_eq!(got, expected, "{what}");
        // The products make up the whole.
        for measure in [Measure::Revenue, Measure::Cost, Measure::Discount] {
            let products: Decimal = value(&fact, Dimension::Product, measure).iter().sum();
            let whole: Decimal = value(&fact, Dimension::Day, measure).iter().sum();
            assert_eq!(products, whole, "{what} {measure:?}");
        }
    }
}

#[test]
fn what_cannot_be_divided_is_null_and_never_a_wrong_number() {
    use rapport_reporting::answer::{Explain, Number, Numbers};
    use rapport_reporting::measure::Unit;
    let number = |value: Option<i64>| Number {
        value: value.map(Decimal::from),
        unit: Unit::Count,
        rows: None,
        of: Numbers::default(),
        interval: None,
        explain: Explain {
            formula: String::new(),
            filter: String::new(),
            rows: 0,
            as_of: jiff::Timestamp::UNIX_EPOCH,
        },
    };
    for (above, below, expected) in [
        (Some(1), Some(4), Some("0.25")),
        (Some(-1), Some(3), Some("-0.3333")),
        (Some(1), Some(0), None),
        (Some(0), Some(0), None),
        (None, Some(1), None),
        (Some(1), None, None),
    ] {
        let ratio = Number::ratio(Unit::Share, "a ÷ b", ("a", number(above)), ("b", number(below)));
        assert_eq!(
            ratio.value,
            expected.map(|text| text.parse().unwrap()),
            "{above:?} {below:?}"
        );
    }
}

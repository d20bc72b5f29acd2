//! `loyalty`: how many customers buy again.

use rapport_analytics::survey::share;
use rust_decimal::Decimal;

use super::book::{Book, Place, keyed};
use super::pareto::needs as customers;
use super::{Ask, Definition, Source, Text};
use crate::answer::{Answer, Number, Numbers, Part};
use crate::cells::{Cells, Dimension, Family, NONE};
use crate::measure::{Measure, Unit};

/// The report.
pub const DEFINITION: Definition = Definition {
    name: "loyalty",
    title: Text {
        en: "Customers who buy again",
        zh: "复购与忠诚度",
    },
    detail: Text {
        en: "The share of customers with two or more orders among those with one, with its 95 % interval (Wilson).",
        zh: "两次及以上下单客户在下单客户中的占比及95%置信区间（Wilson）。",
    },
    by: &["all"],
    is_dated: true,
    months: 12,
    needs_model: false,
    needs_stock: false,
    needs_scores: false,
    needs: customers,
    answer,
};

/// The customers of a currency with at least so many orders, by id.
#[must_use]
pub fn with_orders(cells: &Cells, currency: &str, least: u64) -> Vec<String> {
    keyed(cells, currency)
        .into_iter()
        .filter(|(key, sums)| key != NONE && sums.value(Measure::Orders) >= Decimal::from(least))
        .map(|(key, _)| key)
        .collect()
}

fn answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&DEFINITION, ask, source);
    let cells = book.cells(Family::Sales, Dimension::Customer, ask.days);
    let mut currencies: Vec<String> = cells.iter().map(|(cell, _)| cell.currency.clone()).collect();
    currencies.sort_by_key(|currency| (currency != book.home(), currency.clone()));
    currencies.dedup();
    let parts = currencies
        .into_iter()
        .filter_map(|currency| {
            let count = |least: u64| {
                let customers = with_orders(&cells, &currency, least).len() as u64;
                let place = Place {
                    days: Some(ask.days),
                    key: None,
                    currency: Some(currency.clone()),
                };
                let formula = format!("customers with {least} orders or more");
                let mut number = book.given(Unit::Count, &formula, customers.into(), customers, &place);
                let least = least.to_string();
                number.rows = Some(book.address(Measure::Count.word(), &place, &[("orders_from", &least)]));
                (customers, number)
            };
            let ((once, first), (again, second)) = (count(1), count(2));
            if once == 0 {
                return None;
            }
            let mut rate = Number::ratio(
                Unit::Share,
                "customers_again ÷ customers",
                ("customers_again", second.clone()),
                ("customers", first.clone()),
            );
            let as_size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            rate.interval = share(as_size(again), as_size(once)).map(|estimate| {
                let end = |value: f64| Decimal::try_from(value).unwrap_or_default().round_dp(4).normalize();
                (end(estimate.low), end(estimate.high))
            });
            Some(Part {
                currency: Some(currency.clone()),
                converted: book.converted(&currency),
                totals: Numbers(vec![
                    ("customers", first),
                    ("customers_again", second),
                    ("repeat_purchase_rate", rate),
                ]),
                groups: Vec::new(),
                groups_left_out: 0,
            })
        })
        .collect();
    book.answer(parts)
}

//! `trading`: how each customer or company trades with the firm (the second of the six customer analyses).

use super::book::{Book, Grouping, Row};
use super::sales::average_order;
use super::{Ask, Definition, Need, Source, Text};
use crate::answer::{Answer, Number, Numbers};
use crate::cells::{Dimension, Family};
use crate::measure::{Measure, Unit};

/// The report.
pub const DEFINITION: Definition = Definition {
    name: "trading",
    title: Text {
        en: "Trading performance",
        zh: "交易业绩",
    },
    detail: Text {
        en: "Sales of each customer or company, their share, growth against as many days before, average order and days \
             until payment.",
        zh: "各客户或公司的销售额、占比、较上一等长期间的增长、平均订单额与付款天数。",
    },
    by: &["customer", "company"],
    is_dated: true,
    months: 12,
    needs_model: false,
    needs_stock: false,
    needs_scores: false,
    needs,
    answer,
};

fn needs(ask: &Ask) -> Vec<Need> {
    let dimension = Dimension::from_word(ask.by).unwrap_or(Dimension::Customer);
    let mut needs = Vec::new();
    for days in [ask.days, ask.days.before()] {
        for dimension in [Dimension::Day, dimension] {
            needs.push(Need {
                family: Family::Sales,
                dimension,
                days,
            });
        }
    }
    needs
}

fn answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&DEFINITION, ask, source);
    let grouping = Grouping::Keys(Dimension::from_word(ask.by).unwrap_or(Dimension::Customer));
    book.answer(book.parts(Family::Sales, grouping, true, Measure::Sales, numbers))
}

fn numbers(book: &Book<'_>, row: &Row<'_>) -> Numbers {
    let sales = || book.sum(Measure::Sales, row.own);
    let mut numbers = Numbers(vec![
        ("orders", book.sum(Measure::Orders, row.own)),
        ("sales", sales()),
        (
            "share",
            Number::ratio(
                Unit::Share,
                "sales ÷ sales of all",
                ("sales", sales()),
                ("sales_of_all", book.sum(Measure::Sales, row.total)),
            ),
        ),
        ("average_order", average_order(book, row)),
        (
            "payment_days",
            Number::ratio(
                Unit::Days,
                "paid_days ÷ paid",
                ("paid_days", book.sum(Measure::PaidDays, row.own)),
                ("paid", book.sum(Measure::Paid, row.own)),
            ),
        ),
    ]);
    if let Some(before) = row.before {
        let change = Number::difference(
            Unit::Money,
            "sales − sales_before",
            ("sales", sales()),
            ("sales_before", book.sum(Measure::Sales, before)),
        );
        numbers.push("sales_before", book.sum(Measure::Sales, before));
        numbers.push(
            "growth",
            Number::ratio(
                Unit::Share,
                "(sales − sales_before) ÷ sales_before",
                ("change", change),
                ("sales_before", book.sum(Measure::Sales, before)),
            ),
        );
    }
    numbers
}

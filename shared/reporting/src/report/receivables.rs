//! `receivables`: what is still to be paid.

use super::book::{Book, Grouping, Row};
use super::sales::needs;
use super::{Ask, Definition, Source, Text};
use crate::answer::{Answer, Number, Numbers};
use crate::cells::{Dimension, Family};
use crate::measure::{Measure, Unit};

/// The report.
pub const DEFINITION: Definition = Definition {
    name: "receivables",
    title: Text {
        en: "Open balances",
        zh: "应收账款",
    },
    detail: Text {
        en: "What is still to be paid of orders, by the month they were placed in, customer or company.",
        zh: "按下单月份、客户或公司统计的未付余额。",
    },
    by: &["month", "customer", "company"],
    is_dated: true,
    months: 12,
    needs_model: false,
    needs_stock: false,
    needs_scores: false,
    needs,
    answer,
};

fn answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&DEFINITION, ask, source);
    let grouping = Grouping::from_word(ask.by).unwrap_or(Grouping::Keys(Dimension::Customer));
    book.answer(book.parts(Family::Sales, grouping, false, Measure::Balance, numbers))
}

fn numbers(book: &Book<'_>, row: &Row<'_>) -> Numbers {
    let balance = || book.sum(Measure::Balance, row.own);
    Numbers(vec![
        ("balance", balance()),
        ("paid", book.sum(Measure::Paid, row.own)),
        (
            "share",
            Number::ratio(
                Unit::Share,
                "balance ÷ balance of all",
                ("balance", balance()),
                ("balance_of_all", book.sum(Measure::Balance, row.total)),
            ),
        ),
    ])
}

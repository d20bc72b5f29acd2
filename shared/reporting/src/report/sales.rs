//! `sales`: what was sold, by time, product, customer, company, owner or channel.

use super::book::{Book, Grouping, Row};
use super::{Ask, Definition, Need, Source, Text};
use crate::answer::{Answer, Number, Numbers};
use crate::cells::{Dimension, Family};
use crate::measure::{Measure, Unit};

/// The report.
pub const DEFINITION: Definition = Definition {
    name: "sales",
    title: Text {
        en: "Sales",
        zh: "销售",
    },
    detail: Text {
        en: "Orders, sales, margin, discounts, returns and refunds, by time, customer, company, owner or channel.",
        zh: "按时间、客户、公司、负责人或渠道统计订单、销售额、毛利、折扣、退货与退款。",
    },
    by: &[
        "month", "day", "week", "quarter", "year", "customer", "company", "owner", "channel",
    ],
    is_dated: true,
    months: 12,
    needs_model: false,
    needs_stock: false,
    needs_scores: false,
    needs,
    answer,
};

/// The sheets of the days and of the grouping.
#[must_use]
pub fn needs(ask: &Ask) -> Vec<Need> {
    let dimension = Grouping::from_word(ask.by).map_or(Dimension::Day, Grouping::dimension);
    let need = |dimension| Need {
        family: Family::Sales,
        dimension,
        days: ask.days,
    };
    if dimension == Dimension::Day {
        vec![need(Dimension::Day)]
    } else {
        vec![need(Dimension::Day), need(dimension)]
    }
}

fn answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&DEFINITION, ask, source);
    let grouping = Grouping::from_word(ask.by).unwrap_or(Grouping::Keys(Dimension::Day));
    book.answer(book.parts(Family::Sales, grouping, false, Measure::Sales, numbers))
}

fn numbers(book: &Book<'_>, row: &Row<'_>) -> Numbers {
    let sum = |measure| book.sum(measure, row.own);
    Numbers(vec![
        ("orders", sum(Measure::Orders)),
        ("sales", sum(Measure::Sales)),
        ("revenue", sum(Measure::Revenue)),
        ("margin", margin(book, row)),
        ("margin_rate", margin_rate(book, row)),
        ("average_order", average_order(book, row)),
        ("discount", sum(Measure::Discount)),
        ("refunds", sum(Measure::Refunds)),
        ("returns", sum(Measure::Returns)),
    ])
}

/// Gross margin: revenue whose cost is known less that cost.
#[must_use]
pub fn margin(book: &Book<'_>, row: &Row<'_>) -> Number {
    Number::difference(
        Unit::Money,
        "costed − cost",
        ("costed", book.sum(Measure::Costed, row.own)),
        ("cost", book.sum(Measure::Cost, row.own)),
    )
}

/// Gross margin over the revenue whose cost is known.
#[must_use]
pub fn margin_rate(book: &Book<'_>, row: &Row<'_>) -> Number {
    Number::ratio(
        Unit::Share,
        "margin ÷ costed",
        ("margin", margin(book, row)),
        ("costed", book.sum(Measure::Costed, row.own)),
    )
}

/// Sales over orders.
#[must_use]
pub fn average_order(book: &Book<'_>, row: &Row<'_>) -> Number {
    Number::ratio(
        Unit::Money,
        "sales ÷ orders",
        ("sales", book.sum(Measure::Sales, row.own)),
        ("orders", book.sum(Measure::Orders, row.own)),
    )
}

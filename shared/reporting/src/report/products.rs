//! What each product sells, earns, and how fast it moves (the third, fourth and fifth of the six customer analyses).

use rust_decimal::Decimal;

use super::book::{Book, Grouping, Line, Place, Row, keyed};
use super::sales::{margin, margin_rate, needs};
use super::{Ask, Definition, Source, Text};
use crate::answer::{Answer, Group, Number, Numbers, Part};
use crate::cells::{Dimension, Family};
use crate::measure::{Measure, Sums, Unit};
use crate::stock::Stock;

/// `product-sales`.
pub const SALES: Definition = Definition {
    name: "product-sales",
    title: Text {
        en: "Sales by product",
        zh: "产品销售构成",
    },
    detail: Text {
        en: "How the revenue is made up of products.",
        zh: "收入按产品的构成。",
    },
    by: &["product"],
    is_dated: true,
    months: 12,
    needs_model: false,
    needs_stock: false,
    needs_scores: false,
    needs,
    answer: sales_answer,
};

/// `product-margin`.
pub const MARGIN: Definition = Definition {
    name: "product-margin",
    title: Text {
        en: "Gross margin by product",
        zh: "产品毛利",
    },
    detail: Text {
        en: "Revenue less cost of each product, where costs are known.",
        zh: "已知成本的各产品收入减成本。",
    },
    answer: margin_answer,
    ..SALES
};

/// `product-turnover`.
pub const TURNOVER: Definition = Definition {
    name: "product-turnover",
    title: Text {
        en: "Product turnover",
        zh: "产品周转",
    },
    detail: Text {
        en: "Cost of goods sold over the average stock at cost, and the days a stock lasts.",
        zh: "销售成本除以按成本计的平均库存，以及库存周转天数。",
    },
    needs_stock: true,
    answer: turnover_answer,
    ..SALES
};

const BY: Grouping = Grouping::Keys(Dimension::Product);

fn sales_answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&SALES, ask, source);
    book.answer(book.parts(Family::Sales, BY, false, Measure::Revenue, |book, row| {
        Numbers(vec![
            ("orders", book.sum(Measure::Orders, row.own)),
            ("quantity", book.sum(Measure::Quantity, row.own)),
            ("revenue", book.sum(Measure::Revenue, row.own)),
            (
                "share",
                Number::ratio(
                    Unit::Share,
                    "revenue ÷ revenue of all",
                    ("revenue", book.sum(Measure::Revenue, row.own)),
                    ("revenue_of_all", book.sum(Measure::Revenue, row.total)),
                ),
            ),
            ("discount", book.sum(Measure::Discount, row.own)),
        ])
    }))
}

fn margin_answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&MARGIN, ask, source);
    book.answer(book.parts(Family::Sales, BY, false, Measure::Revenue, |book, row| {
        Numbers(vec![
            ("revenue", book.sum(Measure::Revenue, row.own)),
            ("costed", book.sum(Measure::Costed, row.own)),
            ("cost", book.sum(Measure::Cost, row.own)),
            ("margin", margin(book, row)),
            ("margin_rate", margin_rate(book, row)),
        ])
    }))
}

fn turnover_answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&TURNOVER, ask, source);
    let cells = book.cells(Family::Sales, Dimension::Product, ask.days);
    let mut currencies: Vec<&str> = source
        .stock
        .iter()
        .filter_map(|stock| stock.currency.as_deref())
        .collect();
    currencies.sort_unstable();
    currencies.dedup();
    let mut parts = Vec::new();
    for currency in currencies {
        let sold = keyed(&cells, currency);
        let mut groups: Vec<(Decimal, Group)> = Vec::new();
        for stock in source
            .stock
            .iter()
            .filter(|stock| stock.currency.as_deref() == Some(currency))
        {
            let key = stock.product.to_string();
            let sums = sold.get(&key).cloned().unwrap_or_default();
            if let Some(numbers) = turnover(&book, stock, sums, currency) {
                let group = Group {
                    key,
                    title: stock.name.clone(),
                    numbers,
                };
                groups.push((group.numbers.value("cost"), group));
            }
        }
        groups.sort_by(|l, r| r.0.cmp(&l.0).then_with(|| l.1.key.cmp(&r.1.key)));
        let left_out = groups.len().saturating_sub(ask.limit);
        groups.truncate(ask.limit);
        if groups.is_empty() {
            continue;
        }
        parts.push(Part {
            currency: Some(currency.to_owned()),
            converted: Vec::new(),
            totals: Numbers::default(),
            groups: groups.into_iter().map(|(_, group)| group).collect(),
            groups_left_out: left_out,
        });
    }
    let mut answer = book.answer(parts);
    if answer.parts.is_empty() {
        answer.insufficient_data = Some("no_stock");
        answer
            .notes
            .push("give products a cost and a stock: turnover is cost of goods sold over average stock".to_owned());
    }
    answer
}

/// `None` where no stock at a known cost lay there in those days.
fn turnover(book: &Book<'_>, stock: &Stock, sums: Sums, currency: &str) -> Option<Numbers> {
    let days = book.ask.days;
    let held = stock.held(days, book.ask.today)?;
    let place = Place {
        days: Some(days),
        key: Some((Dimension::Product.word(), stock.product.to_string())),
        currency: Some(currency.to_owned()),
    };
    let line = Line {
        sums,
        place: place.clone(),
    };
    let row = Row {
        own: &line,
        before: None,
        total: &line,
    };
    let average = || {
        let value: Decimal = held.iter().map(|held| held.value).sum();
        let mut number = book.given(
            Unit::Money,
            "stock at cost, each level weighed by the days it lasted",
            value,
            held.len() as u64,
            &place,
        );
        number.rows = Some(book.address("average_stock", &place, &[]));
        number
    };
    let turnover = Number::ratio(
        Unit::Times,
        "cost ÷ average_stock",
        ("cost", book.sum(Measure::Cost, row.own)),
        ("average_stock", average()),
    );
    let span = book.given(Unit::Days, "days looked at", days.count().into(), 0, &place);
    Some(Numbers(vec![
        ("cost", book.sum(Measure::Cost, row.own)),
        ("average_stock", average()),
        ("turnover", turnover.clone()),
        (
            "days",
            Number::ratio(Unit::Days, "days ÷ turnover", ("span", span), ("turnover", turnover)),
        ),
    ]))
}

//! `pareto`: how much of the sales how few customers make (80/20), computed for any whole months.

use std::cmp::Reverse;

use rapport_analytics::pareto::{self, Contribution, Cuts};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::book::{Book, Place, keyed};
use super::{Ask, Definition, Need, Source, Text};
use crate::answer::{Answer, Group, Number, Numbers, Part};
use crate::cells::{Cells, Dimension, Family, NONE};
use crate::measure::{Measure, Unit};

/// The report.
pub const DEFINITION: Definition = Definition {
    name: "pareto",
    title: Text {
        en: "80/20",
        zh: "二八分析",
    },
    detail: Text {
        en: "Customers by sales: the share of the top fifth, how many make 80 %, Gini's coefficient, grades A, B and C by \
             the cut points in the settings.",
        zh: "按销售额排列客户：前20%的占比、贡献80%的客户数、基尼系数，以及按设置切分的A、B、C等级。",
    },
    by: &["grade", "customer"],
    is_dated: true,
    months: 12,
    needs_model: false,
    needs_stock: false,
    needs_scores: false,
    needs,
    answer,
};

/// The sheets of customers.
#[must_use]
pub fn needs(ask: &Ask) -> Vec<Need> {
    vec![Need {
        family: Family::Sales,
        dimension: Dimension::Customer,
        days: ask.days,
    }]
}

/// The customers of a currency by sales, greatest first, ties by id; those without a name or sales are no customers here.
#[must_use]
pub fn ranking(cells: &Cells, currency: &str) -> Vec<(String, Decimal)> {
    let mut customers: Vec<(String, Decimal)> = keyed(cells, currency)
        .into_iter()
        .map(|(key, sums)| (key, sums.value(Measure::Sales)))
        .filter(|(key, sales)| key != NONE && *sales > Decimal::ZERO)
        .collect();
    customers.sort_by(|l, r| r.1.cmp(&l.1).then_with(|| l.0.cmp(&r.0)));
    customers
}

fn answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&DEFINITION, ask, source);
    let cells = book.cells(Family::Sales, Dimension::Customer, ask.days);
    let mut currencies: Vec<String> = cells.iter().map(|(cell, _)| cell.currency.clone()).collect();
    currencies.sort_by_key(|currency| (currency != book.home(), currency.clone()));
    currencies.dedup();
    let parts = currencies
        .into_iter()
        .filter_map(|currency| part(&book, &cells, &currency))
        .collect();
    book.answer(parts)
}

/// Numbers of a span of the ranking: from one rank to another, both counted from 1.
struct Span<'a> {
    book: &'a Book<'a>,
    currency: &'a str,
    ranking: &'a [(String, Decimal)],
}

impl Span<'_> {
    fn number(&self, measure: Measure, from: usize, to: usize) -> Number {
        let customers = self.ranking.get(from.saturating_sub(1)..to).unwrap_or_default();
        let value = match measure {
            Measure::Count => Decimal::from(customers.len()),
            _ => customers.iter().map(|(_, sales)| sales).sum(),
        };
        let place = Place {
            days: Some(self.book.ask.days),
            key: None,
            currency: Some(self.currency.to_owned()),
        };
        let formula = if measure == Measure::Count {
            "customers with sales, ranks by sales"
        } else {
            "sales of those customers"
        };
        let mut number = self
            .book
            .given(measure.unit(), formula, value, customers.len() as u64, &place);
        number.explain.filter = format!("{}, ranks {from} to {to}", number.explain.filter);
        let (from, to) = (from.to_string(), to.to_string());
        let ranks = [("rank_from", from.as_str()), ("rank_to", to.as_str())];
        number.rows = Some(self.book.address(measure.word(), &place, &ranks));
        number
    }

    fn share(&self, measure: Measure, from: usize, to: usize) -> Number {
        let (formula, own, all) = match measure {
            Measure::Count => ("customers ÷ customers of all", "customers", "customers_of_all"),
            _ => ("sales ÷ sales of all", "sales", "sales_of_all"),
        };
        Number::ratio(
            Unit::Share,
            formula,
            (own, self.number(measure, from, to)),
            (all, self.number(measure, 1, self.ranking.len())),
        )
    }
}

fn part(book: &Book<'_>, cells: &Cells, currency: &str) -> Option<Part> {
    let ranking = ranking(cells, currency);
    if ranking.is_empty() {
        return None;
    }
    let span = Span {
        book,
        currency,
        ranking: &ranking,
    };
    let n = ranking.len();
    let contributions: Vec<Contribution> = ranking
        .iter()
        .enumerate()
        .map(|(rank, (_, sales))| Contribution {
            id: rank as u128,
            amount: sales.to_f64().unwrap_or_default(),
        })
        .collect();
    let (a, b) = book.source.settings.scoring.pareto_cuts;
    let analysed = pareto::analyse(&contributions, Cuts::new(a, b).unwrap_or_default());
    // The fifth of the customers, rounded down, but at least one.
    let fifth = (n / 5).max(1);
    let all: Decimal = ranking.iter().map(|(_, sales)| sales).sum();
    let mut running = Decimal::ZERO;
    let for_80 = ranking
        .iter()
        .position(|(_, sales)| {
            running += sales;
            running * Decimal::from(100) >= all * Decimal::from(80)
        })
        .map_or(n, |position| position + 1);
    let place = Place {
        days: Some(book.ask.days),
        key: None,
        currency: Some(currency.to_owned()),
    };
    let gini = Decimal::try_from(analysed.gini).unwrap_or_default().round_dp(4);
    let totals = Numbers(vec![
        ("customers", span.number(Measure::Count, 1, n)),
        ("sales", span.number(Measure::Sales, 1, n)),
        ("top_20_percent_share", span.share(Measure::Sales, 1, fifth)),
        ("customers_for_80_percent", span.share(Measure::Count, 1, for_80)),
        (
            "gini",
            book.given(
                Unit::Share,
                "Gini's coefficient of sales by customer: 0 where all bought the same",
                gini,
                n as u64,
                &place,
            ),
        ),
    ]);
    let mut groups: Vec<Group> = Vec::new();
    if book.ask.by == "customer" {
        for (rank, (key, _)) in ranking.iter().enumerate().take(book.ask.limit) {
            let rank = rank + 1;
            groups.push(Group {
                key: key.clone(),
                title: key.clone(),
                numbers: Numbers(vec![
                    ("sales", span.number(Measure::Sales, rank, rank)),
                    ("cumulative_share", span.share(Measure::Sales, 1, rank)),
                    ("cumulative_customers", span.share(Measure::Count, 1, rank)),
                ]),
            });
        }
    } else {
        let mut from = 1;
        for grade in ["A", "B", "C"] {
            let count = analysed
                .standings
                .iter()
                .filter(|standing| standing.grade.key() == grade)
                .count();
            if count == 0 {
                continue;
            }
            let to = from + count - 1;
            groups.push(Group {
                key: grade.to_owned(),
                title: grade.to_owned(),
                numbers: Numbers(vec![
                    ("customers", span.number(Measure::Count, from, to)),
                    ("sales", span.number(Measure::Sales, from, to)),
                    ("share", span.share(Measure::Sales, from, to)),
                ]),
            });
            from = to + 1;
        }
    }
    let left_out = if book.ask.by == "customer" {
        n.saturating_sub(groups.len())
    } else {
        0
    };
    groups.sort_by_key(|group| Reverse(group.numbers.value("sales")));
    if book.ask.by != "customer" {
        groups.sort_by(|l, r| l.key.cmp(&r.key));
    }
    Some(Part {
        currency: Some(currency.to_owned()),
        converted: book.converted(currency),
        totals,
        groups,
        groups_left_out: left_out,
    })
}

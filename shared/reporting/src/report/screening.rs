//! `screening`: customers on five bases, each scaled by percentile among the firm's own customers.

use std::collections::HashMap;

use rapport_analytics::screening::{Base, Figures, Indicator, Screened, Weights, screen};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::book::{Book, Line, Place, Row, keyed};
use super::profitability::{self, Service};
use super::{Ask, Definition, Need, Source, Text};
use crate::answer::{Answer, Group, Number, Numbers, Part};
use crate::cells::{Dimension, Family, NONE};
use crate::measure::{Measure, Sums, Unit};
use crate::period::{Days, Grain};

/// The report.
pub const DEFINITION: Definition = Definition {
    name: "screening",
    title: Text {
        en: "Customer screening",
        zh: "客户筛选",
    },
    detail: Text {
        en: "Customers on five bases (purchases, profitability, safety, future, cooperation), 0 to 100 by their place in the \
             firm, weighed by the settings.",
        zh: "按购买、盈利、安全、前景、合作五项基准筛选客户，按其在本企业中的百分位计0至100分并加权。",
    },
    by: &["customer"],
    is_dated: true,
    months: 12,
    needs_model: false,
    needs_stock: false,
    needs_scores: true,
    needs,
    answer,
};

/// The bases, as their numbers are called.
pub const BASES: [&str; 5] = ["purchases", "profitability", "safety", "future", "cooperation"];

fn needs(ask: &Ask) -> Vec<Need> {
    let mut needs = profitability::needs(ask);
    needs.push(Need {
        family: Family::Sales,
        dimension: Dimension::Customer,
        days: ask.days.before(),
    });
    needs
}

/// The names of indicators, which are those of their numbers.
const INDICATORS: [(&str, Indicator); 8] = [
    ("yearly_purchases", Indicator::YearlyPurchases),
    ("yearly_profit", Indicator::YearlyProfit),
    ("overdue_balance", Indicator::OverdueBalance),
    ("payment_delay", Indicator::PaymentDelay),
    ("growth", Indicator::Growth),
    ("expected_value", Indicator::ExpectedValue),
    ("return_rate", Indicator::ReturnRate),
    ("complaint_rate", Indicator::ComplaintRate),
];

/// A customer with the numbers of the indicators.
struct Candidate {
    key: String,
    numbers: Vec<(&'static str, Indicator, Number)>,
}

fn answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&DEFINITION, ask, source);
    let days = ask.days;
    let cells = book.cells(Family::Sales, Dimension::Customer, days);
    let before = book.cells(Family::Sales, Dimension::Customer, days.before());
    // What was ordered in the last month is not overdue yet.
    let last = Grain::Month.start(days.to.min(ask.today));
    let settled = Days {
        from: days.from,
        to: last.saturating_sub(jiff::Span::new().days(1)),
    };
    let due = if settled.from <= settled.to {
        book.cells(Family::Sales, Dimension::Customer, settled)
    } else {
        crate::cells::Cells::default()
    };
    let service = Service::of(&book, Dimension::Customer);
    let values: HashMap<String, (String, Decimal)> = source
        .scores
        .into_iter()
        .flatten()
        .filter_map(|score| {
            let value = &score.value.as_ref()?.clv_12m;
            Some((
                score.contact_id.to_string(),
                (value.currency.code().to_owned(), value.amount.0),
            ))
        })
        .collect();
    let mut currencies: Vec<String> = cells.iter().map(|(cell, _)| cell.currency.clone()).collect();
    currencies.sort_by_key(|currency| (currency != book.home(), currency.clone()));
    currencies.dedup();
    let weights = Weights::new(source.settings.screening.all()).unwrap_or_default();
    let parts = currencies
        .into_iter()
        .filter_map(|currency| {
            let (then, open) = (keyed(&before, &currency), keyed(&due, &currency));
            let candidates: Vec<Candidate> = keyed(&cells, &currency)
                .into_iter()
                .filter(|(key, _)| key != NONE)
                .map(|(key, sums)| {
                    let line = |sums: Sums, days: Days| Line {
                        sums,
                        place: Place {
                            days: Some(days),
                            key: Some((Dimension::Customer.word(), key.clone())),
                            currency: Some(currency.clone()),
                        },
                    };
                    let given = Given {
                        book: &book,
                        own: line(sums, days),
                        before: line(then.get(&key).cloned().unwrap_or_default(), days.before()),
                        due: line(open.get(&key).cloned().unwrap_or_default(), settled),
                        value: values
                            .get(&key)
                            .filter(|(known, _)| *known == currency)
                            .map(|(_, value)| *value),
                    };
                    let numbers = INDICATORS
                        .iter()
                        .map(|(name, indicator)| (*name, *indicator, given.number(*indicator, &service)))
                        .collect();
                    Candidate { key, numbers }
                })
                .collect();
            part(&book, &currency, candidates, &weights)
        })
        .collect();
    book.answer(parts)
}

/// What is known of one customer.
struct Given<'a> {
    book: &'a Book<'a>,
    own: Line,
    before: Line,
    due: Line,
    value: Option<Decimal>,
}

impl Given<'_> {
    fn number(&self, indicator: Indicator, service: &Service) -> Number {
        let book = self.book;
        let row = Row {
            own: &self.own,
            before: Some(&self.before),
            total: &self.own,
        };
        let sales = || book.sum(Measure::Sales, &self.own);
        let orders = || book.sum(Measure::Orders, &self.own);
        match indicator {
            Indicator::YearlyPurchases => sales(),
            Indicator::YearlyProfit => profitability::profit(book, &row, service),
            Indicator::OverdueBalance => book.sum(Measure::Balance, &self.due),
            Indicator::PaymentDelay => Number::ratio(
                Unit::Days,
                "paid_days ÷ paid",
                ("paid_days", book.sum(Measure::PaidDays, &self.own)),
                ("paid", book.sum(Measure::Paid, &self.own)),
            ),
            Indicator::Growth => {
                let before = || book.sum(Measure::Sales, &self.before);
                let change = Number::difference(
                    Unit::Money,
                    "sales − sales_before",
                    ("sales", sales()),
                    ("sales_before", before()),
                );
                Number::ratio(
                    Unit::Share,
                    "change ÷ sales_before",
                    ("change", change),
                    ("sales_before", before()),
                )
            }
            Indicator::ReturnRate => Number::ratio(
                Unit::Share,
                "returns ÷ orders",
                ("returns", book.sum(Measure::Returns, &self.own)),
                ("orders", orders()),
            ),
            Indicator::ComplaintRate => Number::ratio(
                Unit::Share,
                "complaints ÷ orders",
                (
                    "complaints",
                    book.sum(Measure::Complaints, &service.line(&self.own.place)),
                ),
                ("orders", orders()),
            ),
            _ => {
                let formula = "value expected over the next twelve months, at the last recompute";
                let value = self.value.unwrap_or_default();
                let mut number = book.given(Unit::Money, formula, value, 0, &self.own.place);
                number.value = self.value;
                number
            }
        }
    }
}

fn part(book: &Book<'_>, currency: &str, candidates: Vec<Candidate>, weights: &Weights) -> Option<Part> {
    let figures: Vec<Figures> = candidates
        .iter()
        .enumerate()
        .map(|(n, candidate)| {
            let mut figures = Figures {
                id: n as u128,
                ..Figures::default()
            };
            for (i, indicator) in Indicator::ALL.iter().enumerate() {
                figures.values[i] = candidate
                    .numbers
                    .iter()
                    .find(|(_, known, _)| known == indicator)
                    .and_then(|(_, _, number)| number.value?.to_f64());
            }
            figures
        })
        .collect();
    let screened = screen(&figures, weights);
    let mut ranked: Vec<(usize, Candidate, Screened)> = candidates
        .into_iter()
        .zip(screened)
        .map(|(candidate, screened)| (screened.rank.unwrap_or(usize::MAX), candidate, screened))
        .collect();
    ranked.sort_by(|l, r| l.0.cmp(&r.0).then_with(|| l.1.key.cmp(&r.1.key)));
    if ranked.is_empty() {
        return None;
    }
    let left_out = ranked.len().saturating_sub(book.ask.limit);
    let customers = ranked.len() as u64;
    let place = Place {
        days: Some(book.ask.days),
        key: None,
        currency: Some(currency.to_owned()),
    };
    let total = book.given(
        Unit::Count,
        "customers with orders or payments",
        customers.into(),
        customers,
        &place,
    );
    Some(Part {
        currency: Some(currency.to_owned()),
        converted: book.converted(currency),
        totals: Numbers(vec![("customers", total)]),
        groups: ranked
            .into_iter()
            .take(book.ask.limit)
            .map(|(_, candidate, screened)| group(book, &place, candidate, &screened, weights, customers))
            .collect(),
        groups_left_out: left_out,
    })
}

/// Points, 0 to 100.
fn points(value: Option<f64>) -> Option<Decimal> {
    Some(Decimal::try_from(value?).ok()?.round_dp(1).normalize())
}

fn group(
    book: &Book<'_>,
    place: &Place,
    candidate: Candidate,
    screened: &Screened,
    weights: &Weights,
    customers: u64,
) -> Group {
    let Candidate { key, numbers } = candidate;
    let place = Place {
        key: Some((Dimension::Customer.word(), key.clone())),
        ..place.clone()
    };
    let number = |formula: &str, value: Option<f64>| {
        let mut number = book.given(Unit::Points, formula, Decimal::ZERO, customers, &place);
        number.value = points(value);
        number
    };
    let mut bases = Vec::new();
    for (i, base) in Base::ALL.into_iter().enumerate() {
        let formula = format!(
            "mean of the percentiles of its indicators among {customers} customers, weight {}",
            points(Some(weights.shares()[i] * 100.0)).unwrap_or_default()
        );
        let mut own = number(&formula, screened.bases[i]);
        let of = numbers.iter().filter(|(_, indicator, _)| indicator.base() == base);
        own.of = Numbers(of.map(|(name, _, number)| (*name, number.clone())).collect());
        bases.push((base.key(), own));
    }
    let formula = "mean of the bases by their weights; the weight of what is not known is spread over the rest";
    let mut all = Numbers(vec![("total", number(formula, screened.total))]);
    all.0.extend(bases);
    Group {
        title: key.clone(),
        key,
        numbers: all,
    }
}

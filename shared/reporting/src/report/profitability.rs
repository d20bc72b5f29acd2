//! `profitability`: what a customer leaves after the work that the customer makes (activity-based profitability).

use rust_decimal::Decimal;

use super::book::{Book, Grouping, Line, Place, Row, keyed};
use super::sales::margin;
use super::{Ask, Definition, Need, Source, Text};
use crate::answer::{Answer, Number, Numbers};
use crate::cells::{Cells, Dimension, Family};
use crate::measure::{Measure, Sums, Unit};

/// The report.
pub const DEFINITION: Definition = Definition {
    name: "profitability",
    title: Text {
        en: "Profit by customer",
        zh: "客户盈利能力",
    },
    detail: Text {
        en: "Gross margin less what tickets, complaints and deliveries cost by the rates in the settings. Discounts and what \
             was given back are off the margin already.",
        zh: "毛利减去按设置费率计算的工单、投诉与配送成本；折扣与退款已从毛利中扣除。",
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

/// Sales and service, by day and as grouped.
#[must_use]
pub fn needs(ask: &Ask) -> Vec<Need> {
    let dimension = Dimension::from_word(ask.by).unwrap_or(Dimension::Customer);
    let mut needs = Vec::new();
    for family in [Family::Sales, Family::Service] {
        for dimension in [Dimension::Day, dimension] {
            needs.push(Need {
                family,
                dimension,
                days: ask.days,
            });
        }
    }
    needs
}

/// Tickets of customers or companies, and of all.
pub struct Service {
    by_key: Cells,
    by_day: Cells,
}

impl Service {
    /// What was read.
    #[must_use]
    pub fn of(book: &Book<'_>, dimension: Dimension) -> Self {
        Self {
            by_key: book.source.cells(Family::Service, dimension, book.ask.days),
            by_day: book.source.cells(Family::Service, Dimension::Day, book.ask.days),
        }
    }

    /// The tickets of a place: of its key, or of all.
    #[must_use]
    pub fn line(&self, place: &Place) -> Line {
        let mut sums = Sums::default();
        match &place.key {
            Some((_, key)) => {
                if let Some(own) = keyed(&self.by_key, "").get(key) {
                    sums.merge(own);
                }
            }
            None => self.by_day.iter().for_each(|(_, own)| sums.merge(own)),
        }
        Line {
            sums,
            place: Place {
                currency: None,
                ..place.clone()
            },
        }
    }
}

fn answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&DEFINITION, ask, source);
    let dimension = Dimension::from_word(ask.by).unwrap_or(Dimension::Customer);
    let service = Service::of(&book, dimension);
    let mut answer = book.answer(book.parts(
        Family::Sales,
        Grouping::Keys(dimension),
        false,
        Measure::Sales,
        |book, row| {
            Numbers(vec![
                ("sales", book.sum(Measure::Sales, row.own)),
                ("margin", margin(book, row)),
                ("cost_of_work", cost_of_work(book, row, &service)),
                ("profit", profit(book, row, &service)),
                ("discount", book.sum(Measure::Discount, row.own)),
                ("refunds", book.sum(Measure::Refunds, row.own)),
            ])
        },
    ));
    let costs = &source.settings.activity_costs;
    if [costs.ticket, costs.complaint, costs.delivery]
        .iter()
        .all(|cost| cost.0.is_zero())
    {
        answer
            .notes
            .push("activity_costs in the settings says what a ticket, a complaint and a delivery cost".to_owned());
    }
    answer
}

/// A number times a rate of the settings.
fn times(book: &Book<'_>, name: &'static str, number: Number, rate: Decimal, place: &Place) -> Number {
    // Rates are in the tenant's currency: elsewhere work is not charged.
    let home = place.currency.as_deref() == Some(book.home());
    let rate = book.given(
        Unit::Money,
        "rate in the settings",
        if home { rate } else { Decimal::ZERO },
        0,
        place,
    );
    let value = number
        .value
        .unwrap_or_default()
        .saturating_mul(rate.value.unwrap_or_default());
    let formula = format!("{name} × rate");
    let mut product = book.given(Unit::Money, &formula, value, number.explain.rows, place);
    product.of = Numbers(vec![(name, number), ("rate", rate)]);
    product
}

fn plus(book: &Book<'_>, formula: &str, place: &Place, parts: [(&'static str, Number); 2]) -> Number {
    let value: Decimal = parts.iter().filter_map(|(_, number)| number.value).sum();
    let rows = parts.iter().map(|(_, number)| number.explain.rows).sum();
    let mut sum = book.given(Unit::Money, formula, value, rows, place);
    sum.of = Numbers(parts.into());
    sum
}

/// What the work for a customer cost.
#[must_use]
pub fn cost_of_work(book: &Book<'_>, row: &Row<'_>, service: &Service) -> Number {
    let costs = &book.source.settings.activity_costs;
    let place = &row.own.place;
    let tickets = service.line(place);
    let ticket = times(
        book,
        "tickets",
        book.sum(Measure::Tickets, &tickets),
        costs.ticket.0,
        place,
    );
    let complaint = times(
        book,
        "complaints",
        book.sum(Measure::Complaints, &tickets),
        costs.complaint.0,
        place,
    );
    let delivery = times(
        book,
        "orders",
        book.sum(Measure::Orders, row.own),
        costs.delivery.0,
        place,
    );
    let service = plus(
        book,
        "tickets + complaints",
        place,
        [("tickets", ticket), ("complaints", complaint)],
    );
    plus(
        book,
        "service + deliveries",
        place,
        [("service", service), ("deliveries", delivery)],
    )
}

/// Margin less the cost of the work.
#[must_use]
pub fn profit(book: &Book<'_>, row: &Row<'_>, service: &Service) -> Number {
    Number::difference(
        Unit::Money,
        "margin − cost_of_work",
        ("margin", margin(book, row)),
        ("cost_of_work", cost_of_work(book, row, service)),
    )
}

//! What an order adds to the numbers of its day, products, customer, company, owner and channel.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rapport_domain::order::{self, Order, OrderStatus};
use rapport_domain::{Record, RecordId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::cells::{Cell, Dimension, Entry, NONE};
use crate::measure::Measure;

/// What an order amounts to in reports. Amounts are in its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// The order.
    pub order: RecordId,
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The day it was placed on.
    pub day: Date,
    /// The currency.
    pub currency: String,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<RecordId>,
    /// The company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<RecordId>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// What the order as a whole adds.
    pub whole: BTreeMap<Measure, Decimal>,
    /// What its lines add, by product.
    pub products: BTreeMap<String, BTreeMap<Measure, Decimal>>,
}

/// The key of a line's product: its id, else its stock keeping unit, else its name.
fn product_of(line: &order::Line) -> String {
    match (&line.product_id, &line.sku, &line.name) {
        (Some(id), _, _) => id.to_string(),
        (None, Some(sku), _) => format!("sku:{}", sku.to_lowercase()),
        (None, None, Some(name)) => format!("name:{name}"),
        (None, None, None) => NONE.to_owned(),
    }
}

/// What part of the order the customer keeps: all of it, or less where something was given back.
struct Kept {
    amount: Decimal,
    total: Decimal,
}

impl Kept {
    fn of(&self, value: Decimal) -> Decimal {
        if self.amount == self.total || self.total.is_zero() {
            return value;
        }
        value
            .checked_mul(self.amount)
            .and_then(|product| product.checked_div(self.total))
            .unwrap_or_default()
    }
}

impl Sale {
    /// What an order adds; `None` where it adds nothing, such as a draft.
    #[must_use]
    pub fn of(record: &Record<Order>) -> Option<Self> {
        let order = &record.body;
        if order.status == OrderStatus::Draft {
            return None;
        }
        let mut whole: BTreeMap<Measure, Decimal> = BTreeMap::new();
        let mut products: BTreeMap<String, BTreeMap<Measure, Decimal>> = BTreeMap::new();
        if let Some(purchase) = order::purchase(order) {
            whole.insert(Measure::Orders, Decimal::ONE);
            whole.insert(Measure::Sales, purchase.amount);
            let kept = Kept {
                amount: purchase.amount,
                total: order.total.0,
            };
            for line in &order.lines {
                let product = products.entry(product_of(line)).or_default();
                // Once however many lines name it: an order counts once for a product.
                product.insert(Measure::Orders, Decimal::ONE);
                for (measure, value) in line_adds(order, line, &kept) {
                    *product.entry(measure).or_default() += value;
                    *whole.entry(measure).or_default() += value;
                }
            }
        }
        for (measure, value) in payments(order) {
            whole.insert(measure, value);
        }
        if order.status == OrderStatus::Returned {
            whole.insert(Measure::Returns, Decimal::ONE);
        }
        tidy(&mut whole);
        products.values_mut().for_each(tidy);
        products.retain(|_, values| !values.is_empty());
        if whole.is_empty() {
            return None;
        }
        Some(Self {
            order: record.meta.id,
            number: order.number.clone(),
            day: order.placed_on,
            currency: order.currency.code().to_owned(),
            customer: order.contact_id,
            company: order.company_id,
            owner: record.meta.common.owner_id.clone(),
            channel: order.channel.clone(),
            whole,
            products,
        })
    }

    /// What it adds to which cell.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let entry = |dimension, key: String, values: &BTreeMap<Measure, Decimal>| Entry {
            cell: Cell {
                dimension,
                key,
                currency: self.currency.clone(),
            },
            values: values.iter().map(|(measure, value)| (*measure, *value)).collect(),
        };
        let known = |key: Option<String>| key.unwrap_or_else(|| NONE.to_owned());
        let id = |id: Option<RecordId>| known(id.map(|id| id.to_string()));
        let mut entries = vec![
            entry(Dimension::Day, self.day.to_string(), &self.whole),
            entry(Dimension::Customer, id(self.customer), &self.whole),
            entry(Dimension::Company, id(self.company), &self.whole),
            entry(Dimension::Owner, known(self.owner.clone()), &self.whole),
            entry(Dimension::Channel, known(self.channel.clone()), &self.whole),
        ];
        entries.extend(
            self.products
                .iter()
                .map(|(product, values)| entry(Dimension::Product, product.clone(), values)),
        );
        entries
    }
}

/// What a line adds, rounded as its currency is, so that sums of lines are sums of what is shown.
fn line_adds(order: &Order, line: &order::Line, kept: &Kept) -> Vec<(Measure, Decimal)> {
    let round = |value| order.currency.round(value);
    let untaxed = if order.tax_inclusive {
        line.amount.0 - line.tax_amount.0
    } else {
        line.amount.0
    };
    let revenue = round(kept.of(untaxed));
    let price = line.unit_price.map_or(Decimal::ZERO, |price| price.0);
    let list = line.quantity.0.checked_mul(price).map_or(line.amount.0, round);
    let mut adds = vec![
        (Measure::Revenue, revenue),
        (Measure::Quantity, line.quantity.0),
        (Measure::Discount, list - line.amount.0),
    ];
    if let Some(cost) = line.unit_cost.and_then(|cost| cost.0.checked_mul(line.quantity.0)) {
        adds.push((Measure::Cost, round(kept.of(cost))));
        adds.push((Measure::Costed, revenue));
    }
    adds
}

/// What was received, after how many days, given back and is still to be paid.
fn payments(order: &Order) -> [(Measure, Decimal); 4] {
    let received = order.payments.iter().filter(|payment| payment.amount.0 > Decimal::ZERO);
    let mut paid = Decimal::ZERO;
    let mut paid_days = Decimal::ZERO;
    for payment in received {
        let days = order
            .placed_on
            .until(payment.received_on)
            .map_or(0, |span| span.get_days())
            .max(0);
        paid += payment.amount.0;
        paid_days = paid_days.saturating_add(payment.amount.0 * Decimal::from(days));
    }
    let open = matches!(order.status, OrderStatus::Placed | OrderStatus::Fulfilled);
    [
        (Measure::Paid, paid),
        (Measure::PaidDays, paid_days),
        (Measure::Refunds, order.refunded.0),
        (Measure::Balance, if open { order.balance.0 } else { Decimal::ZERO }),
    ]
}

fn tidy(values: &mut BTreeMap<Measure, Decimal>) {
    values.retain(|_, value| {
        *value = value.normalize();
        !value.is_zero()
    });
}

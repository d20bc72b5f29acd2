//! What is counted and summed, and in which unit.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Whole things: orders, customers, tickets.
    Count,
    /// An amount of the currency named beside it.
    Money,
    /// Units of a product.
    Quantity,
    /// 0.25 is 25 %; may lie beyond 0 and 1 where something shrank or more than doubled.
    Share,
    /// Days.
    Days,
    /// An amount times days.
    MoneyDays,
    /// Times: a stock sold once in the period is 1.
    Times,
    /// 0 to 100.
    Points,
}

macro_rules! measures {
    ($($name:ident = $word:literal, $unit:ident, $formula:literal;)*) => {
        /// What is counted or summed over facts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Measure { $(#[doc = $formula] $name,)* }

        impl Measure {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in answers and addresses.
            #[must_use]
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word,)* } }

            /// The unit.
            #[must_use]
            pub const fn unit(self) -> Unit { match self { $(Self::$name => Unit::$unit,)* } }

            /// How it comes about, in words.
            #[must_use]
            pub const fn formula(self) -> &'static str { match self { $(Self::$name => $formula,)* } }
        }
    };
}

measures! {
    Orders = "orders", Count, "orders paid or fulfilled, by the day they were placed on; not those cancelled, returned or wholly refunded";
    Sales = "sales", Money, "what customers paid or owe for those orders, tax and shipping included, less what was given back";
    Revenue = "revenue", Money, "the lines of those orders without tax, in the share that was not given back";
    Costed = "costed", Money, "revenue of the lines whose cost is known";
    Cost = "cost", Money, "unit cost × quantity of those lines, in the share that was not given back";
    Quantity = "quantity", Quantity, "units of the lines of those orders";
    Discount = "discount", Money, "list price × quantity less the amount of the line";
    Refunds = "refunds", Money, "money given back on orders placed then";
    Returns = "returns", Count, "orders placed then that were returned";
    Paid = "paid", Money, "money received on orders placed then";
    PaidDays = "paid_days", MoneyDays, "each payment × the days from placing the order to receiving it";
    Balance = "balance", Money, "what is still to be paid of orders placed or fulfilled; below zero a credit";
    Count = "count", Count, "records, one each";
    Tickets = "tickets", Count, "tickets opened";
    Complaints = "complaints", Count, "tickets opened as complaints";
}

impl Unit {
    /// Whether it is in some currency.
    #[must_use]
    pub const fn is_money(self) -> bool {
        matches!(self, Self::Money | Self::MoneyDays)
    }
}

impl Measure {
    /// The measure of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|measure| measure.word() == word)
    }
}

/// A sum and how many facts made it; a fact that adds nothing is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum(pub Decimal, pub u64);

/// Sums by measure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sums(BTreeMap<Measure, Sum>);

impl Sums {
    /// Adds what one fact has of a measure.
    pub fn add(&mut self, measure: Measure, value: Decimal) {
        if !value.is_zero() {
            self.merge_one(measure, Sum(value, 1));
        }
    }

    /// Adds a sum of a measure.
    pub fn merge_one(&mut self, measure: Measure, Sum(value, rows): Sum) {
        let sum = self.0.entry(measure).or_default();
        // Amounts are bounded at 10^15 each, so that 28 digits hold any sum a store could hold the facts of.
        sum.0 = sum.0.saturating_add(value).normalize();
        sum.1 += rows;
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: &Self) {
        for (measure, sum) in &other.0 {
            self.merge_one(*measure, *sum);
        }
    }

    /// The same with each measure's value changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(Measure, Decimal) -> Decimal) -> Self {
        let changed = self
            .0
            .iter()
            .map(|(measure, Sum(value, rows))| (*measure, Sum(change(*measure, *value), *rows)));
        Self(changed.collect())
    }

    /// The sum of a measure.
    #[must_use]
    pub fn get(&self, measure: Measure) -> Sum {
        self.0.get(&measure).copied().unwrap_or_default()
    }

    /// The value of a measure.
    #[must_use]
    pub fn value(&self, measure: Measure) -> Decimal {
        self.get(measure).0
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

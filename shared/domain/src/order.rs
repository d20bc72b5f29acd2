//! An order: lines that are priced, taxed and rounded here and nowhere else, payments that only ever append, and the
//! few ways in which it moves from draft to its end.
//!
//! Totals are computed, never taken: a total that a caller gives is only compared with ours.

use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::custom::FieldKind;
use crate::email::Email;
use crate::id::{Prefix, RecordId};
use crate::invalid::Invalid;
use crate::money::{Amount, Currency};
use crate::product::{Product, sku_key};
use crate::record::{Kind, Rules, is_source};
use crate::text;

/// An order has at most so many lines.
pub const MOST_LINES: usize = 500;
/// An order has at most so many payments.
pub const MOST_PAYMENTS: usize = 200;
/// A line has at most so many units.
const MOST_UNITS: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// An order placed or fulfilled longer ago than this, in days, tells of the past: nobody is asked or alarmed about it.
const HISTORIC_DAYS: i64 = 30;

/// How far an order has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// Being put together.
    Draft,
    /// Agreed with the customer.
    #[default]
    Placed,
    /// Delivered.
    Fulfilled,
    /// Called off before delivery.
    Cancelled,
    /// Sent back after delivery.
    Returned,
}

impl OrderStatus {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Placed => "placed",
            Self::Fulfilled => "fulfilled",
            Self::Cancelled => "cancelled",
            Self::Returned => "returned",
        }
    }

    /// Whether an order of this status may become one of that.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use OrderStatus::{Cancelled, Draft, Fulfilled, Placed, Returned};
        matches!(
            (self, next),
            (Draft, Placed | Fulfilled | Cancelled) | (Placed, Fulfilled | Cancelled) | (Fulfilled, Returned)
        )
    }

    /// Whether lines and prices stand as they are.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Fulfilled | Self::Cancelled | Self::Returned)
    }

    /// Whether the customer owes nothing more, whatever the total says.
    const fn is_void(self) -> bool {
        matches!(self, Self::Cancelled | Self::Returned)
    }
}

/// How the payments stand against the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Nothing was received.
    #[default]
    Unpaid,
    /// Less than the total was received.
    PartPaid,
    /// The total was received; some of it may have been given back.
    Paid,
    /// More than the total was received and not given back.
    Credit,
    /// All that was received was given back.
    Refunded,
}

/// A reduction of a line's price: one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// Of quantity times price, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Amount>,
    /// For the whole line, not more than quantity times price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}

/// A line's tax: one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// As a share, 0 to 1: `"0.13"` is 13 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Amount>,
    /// For the whole line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}

/// What a caller may say of a line. It names a product by `product_id` or `sku`, whose name, price and cost stand in for
/// those left out; or it has a name and a price of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LineIn {
    /// The product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// The product's stock keeping unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many; 1 unless said otherwise. Above zero: what comes back is a payment below zero or a return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Amount>,
    /// The price of one, not negative, up to six decimal places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Amount>,
    /// What one costs the firm, not negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Amount>,
    /// A reduction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<Discount>,
    /// Its tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<Tax>,
}

/// A line as kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct Line {
    pub product_id: Option<RecordId>,
    pub sku: Option<String>,
    pub name: Option<String>,
    pub quantity: Amount,
    /// Present in every stored line.
    pub unit_price: Option<Amount>,
    pub unit_cost: Option<Amount>,
    pub discount: Option<Discount>,
    pub tax: Option<Tax>,
    /// Quantity times price less the discount, rounded to the currency's places; with its tax when prices include tax.
    pub amount: Amount,
    /// Its tax, rounded to the currency's places.
    pub tax_amount: Amount,
    /// Whether the product is still to be looked up.
    #[serde(skip)]
    pub wants_product: bool,
}

/// What a caller may say of a payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentIn {
    /// How much, in the order's currency; below zero for a refund.
    pub amount: Amount,
    /// By what means: `cash`, `card`, `transfer`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The day; today unless said otherwise, in a new order the day it was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_on: Option<Date>,
    /// What the bank or payment service calls it: the same one again changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// A payment as kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct Payment {
    /// Present in every stored payment.
    #[schema(value_type = RecordId)]
    pub id: Option<RecordId>,
    pub amount: Amount,
    pub method: Option<String>,
    pub received_on: Date,
    pub external_id: Option<String>,
}

/// A contact by what it is called elsewhere, as in an upsert.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactRef {
    /// `email`, or the source of an external id: `shopify`, `erp`, …
    pub key: String,
    /// The address or the id.
    pub value: String,
}

impl ContactRef {
    /// The key that stands for the primary e-mail address.
    pub const EMAIL: &'static str = "email";

    /// Checks and normalises.
    fn check(self, field: &str) -> Result<Self, Invalid> {
        let value_field = format!("{field}/value");
        let value = if self.key == Self::EMAIL {
            Email::parse(&value_field, &self.value)?.key()
        } else if !is_source(&self.key) {
            return Err(Invalid::one(
                &format!("{field}/key"),
                "key_malformed",
                "a key is 'email' or a source of external ids: a-z, 0-9, _ and -, at most 40 characters",
            ));
        } else if self.value.is_empty() || self.value.chars().count() > 200 || self.value.chars().any(char::is_control)
        {
            return Err(Invalid::one(
                &value_field,
                "too_long",
                "an external id has 1 to 200 characters",
            ));
        } else {
            self.value
        };
        Ok(Self { key: self.key, value })
    }
}

/// What a caller may say of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrderIn {
    /// The customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<String>,
    /// The customer by e-mail address or external id, instead of `contact_id`; created when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_ref: Option<ContactRef>,
    /// The company that buys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
    /// The day it was placed, in the tenant's time zone; today unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_on: Option<Date>,
    /// The day it was delivered, for an order that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fulfilled_on: Option<Date>,
    /// The currency of every amount in it; the tenant's unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// `placed` unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<OrderStatus>,
    /// At most 500; an order that is more than a draft has at least one. Left out of a change, they stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineIn>>,
    /// Whether prices include the tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_inclusive: Option<bool>,
    /// What delivery costs the customer, not negative, with any tax on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Amount>,
    /// What rounding the total adds, or takes away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Amount>,
    /// What the caller takes the total to be: refused when ours differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Amount>,
    /// Payments known already. In a change those not yet known are added, none is taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payments: Option<Vec<PaymentIn>>,
    /// Whether the payments may exceed the total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_credit: Option<bool>,
    /// Whether it tells of the past: no survey, no alert. By itself so when placed or fulfilled over 30 days ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub historic: Option<bool>,
    /// The campaign that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<String>,
    /// Through what it was sold: `shop`, `web`, `phone`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// An order as kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct Order {
    /// Unique and rising per tenant, with gaps. Present in every stored order.
    #[schema(value_type = String)]
    pub number: Option<String>,
    pub contact_id: Option<RecordId>,
    /// What the contact was found by.
    pub contact_ref: Option<ContactRef>,
    pub company_id: Option<RecordId>,
    pub placed_on: Date,
    pub fulfilled_on: Option<Date>,
    pub cancelled_on: Option<Date>,
    pub returned_on: Option<Date>,
    /// Why it was cancelled or returned.
    pub reason: Option<String>,
    pub currency: Currency,
    pub status: OrderStatus,
    pub payment_status: PaymentStatus,
    pub lines: Vec<Line>,
    pub tax_inclusive: bool,
    pub shipping: Amount,
    pub rounding: Amount,
    /// The sum of the lines' amounts.
    pub subtotal: Amount,
    /// The sum of the lines' tax.
    pub tax: Amount,
    /// Subtotal, tax unless prices include it, shipping and rounding.
    pub total: Amount,
    /// What was received less what was given back.
    pub paid: Amount,
    /// What was given back.
    pub refunded: Amount,
    /// What the customer still owes; below zero, what the firm owes the customer. A refund of what was paid in full is not owed again.
    pub balance: Amount,
    /// In the order they were recorded.
    pub payments: Vec<Payment>,
    pub historic: bool,
    pub campaign_id: Option<String>,
    pub channel: Option<String>,
    /// What is to be checked once the products are known.
    #[serde(skip)]
    pub pending: Option<Pending>,
}

/// What a caller expects of an order whose prices are not all known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    total: Option<Amount>,
    allow_credit: bool,
    paid_before: Amount,
}

/// Why an order does not do what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The input breaks rules.
    Invalid(Invalid),
    /// The order's state forbids it.
    State {
        /// A stable word.
        code: &'static str,
        /// A sentence.
        detail: String,
    },
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

/// A purchase as scores count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// The day it was placed.
    pub day: Date,
    /// What the customer paid or owes for it, tax and shipping included, less what was given back.
    pub amount: Decimal,
    /// What the firm kept of it: the lines without tax less their costs, in the same share as `amount` is of the total.
    /// `None` when a line's cost is not known.
    pub margin: Option<Decimal>,
    /// The currency of both.
    pub currency: Currency,
}

/// The purchase that an order amounts to: one that is paid or fulfilled and neither cancelled, returned nor wholly refunded.
#[must_use]
pub fn purchase(order: &Order) -> Option<Purchase> {
    let counts = match order.status {
        OrderStatus::Placed => matches!(order.payment_status, PaymentStatus::Paid | PaymentStatus::Credit),
        OrderStatus::Fulfilled => order.payment_status != PaymentStatus::Refunded,
        OrderStatus::Draft | OrderStatus::Cancelled | OrderStatus::Returned => false,
    };
    if !counts {
        return None;
    }
    let total = order.total.0;
    let amount = if order.received() >= total {
        order.paid.0.min(total)
    } else {
        total
    };
    let share = |value: Decimal| {
        if total.is_zero() || amount == total {
            Some(value)
        } else {
            value.checked_mul(amount)?.checked_div(total)
        }
    };
    let costs = order.lines.iter().try_fold(Decimal::ZERO, |sum, line| {
        sum.checked_add(line.unit_cost?.0.checked_mul(line.quantity.0)?)
    });
    let net = if order.tax_inclusive {
        order.subtotal.0 - order.tax.0
    } else {
        order.subtotal.0
    };
    let margin = costs
        .filter(|_| !order.lines.is_empty())
        .and_then(|costs| share(net.checked_sub(costs)?))
        .map(|margin| order.currency.round(margin));
    Some(Purchase {
        day: order.placed_on,
        amount,
        margin,
        currency: order.currency,
    })
}

/// The tenant's present day.
fn today(rules: &Rules) -> Date {
    rules.now.to_zoned(rules.settings.zone()).date()
}

/// A day of an order lies between 1900 and a year ahead: outside of that it is a slip of the pen, which would bend every score.
fn check_day(field: &str, day: Date, today: Date) -> Result<(), Invalid> {
    let latest = today.checked_add(1.year()).unwrap_or(Date::MAX);
    if day.year() < 1900 || day > latest {
        return Err(Invalid::one(
            field,
            "out_of_range",
            format!("a day lies between 1900-01-01 and {latest}"),
        ));
    }
    Ok(())
}

fn check_id(field: &str, prefix: Prefix, id: Option<&str>) -> Result<Option<RecordId>, Invalid> {
    id.map(|id| RecordId::parse(prefix, id).map_err(|error| Invalid::one(field, "id_malformed", format!("{error}"))))
        .transpose()
}

fn is_negative(amount: Decimal) -> bool {
    amount < Decimal::ZERO
}

/// Zero has no sign: whoever reads the sign of a payment takes "-0" for a refund.
fn unsigned_zero(amount: Amount) -> Amount {
    if amount.0.is_zero() {
        Amount(amount.0.abs())
    } else {
        amount
    }
}

/// An amount as the currency writes it: refused with more places than the currency has.
fn exact(field: &str, amount: Amount, currency: Currency) -> Result<Amount, Invalid> {
    let rounded = currency.round(amount.0);
    if rounded == amount.0 {
        Ok(unsigned_zero(Amount(rounded)))
    } else {
        Err(Invalid::one(
            field,
            "too_precise",
            format!("{currency} has {} decimal places", currency.places()),
        ))
    }
}

impl Line {
    /// Reads a line, taking what it leaves out from a known line of the same product.
    fn build(n: usize, input: LineIn, known: &[Line]) -> Result<Self, Invalid> {
        let at = |field: &str| format!("lines/{n}/{field}");
        let mut invalid = Invalid::default();
        let LineIn {
            product_id,
            sku,
            name,
            quantity,
            unit_price,
            unit_cost,
            discount,
            tax,
        } = input;
        let product_id = invalid
            .take(check_id(&at("product_id"), Prefix::Product, product_id.as_deref()))
            .flatten();
        let sku = invalid.take(text::optional(&at("sku"), sku, 100)).flatten();
        let name = invalid.take(text::optional(&at("name"), name, 300)).flatten();
        let quantity = quantity.unwrap_or(Amount(Decimal::ONE));
        if quantity.0 <= Decimal::ZERO || quantity.0 > MOST_UNITS {
            invalid.add(
                &at("quantity"),
                if is_negative(quantity.0) {
                    "negative"
                } else {
                    "out_of_range"
                },
                "a quantity is above zero and at most a thousand million: what comes back is a refund or a return",
            );
        }
        for (field, amount) in [("unit_price", unit_price), ("unit_cost", unit_cost)] {
            if amount.is_some_and(|amount| is_negative(amount.0)) {
                invalid.add(&at(field), "negative", "a price or cost is not negative");
            }
        }
        let one_of = |a: Option<Amount>, b: Option<Amount>| a.is_some() != b.is_some();
        if let Some(discount) = discount {
            if !one_of(discount.percent, discount.amount) {
                invalid.add(
                    &at("discount"),
                    "one_of",
                    "a discount has either a percent or an amount",
                );
            }
            if discount
                .percent
                .is_some_and(|percent| is_negative(percent.0) || percent.0 > Decimal::ONE_HUNDRED)
            {
                invalid.add(&at("discount/percent"), "out_of_range", "a percent is 0 to 100");
            }
            if discount.amount.is_some_and(|amount| is_negative(amount.0)) {
                invalid.add(&at("discount/amount"), "negative", "a discount is not negative");
            }
        }
        if let Some(tax) = tax {
            if !one_of(tax.rate, tax.amount) {
                invalid.add(&at("tax"), "one_of", "a tax has either a rate or an amount");
            }
            if tax
                .rate
                .is_some_and(|rate| is_negative(rate.0) || rate.0 > Decimal::ONE)
            {
                invalid.add(
                    &at("tax/rate"),
                    "out_of_range",
                    "a rate is a share, 0 to 1: 0.13 is 13 %",
                );
            }
            if tax.amount.is_some_and(|amount| is_negative(amount.0)) {
                invalid.add(&at("tax/amount"), "negative", "a tax is not negative");
            }
        }
        if product_id.is_none() && sku.is_none() {
            if name.is_none() {
                invalid.add(&at("name"), "required", "a line has a name, a sku or a product_id");
            }
            if unit_price.is_none() {
                invalid.add(
                    &at("unit_price"),
                    "required",
                    "a line without a product has a price of its own",
                );
            }
        }
        invalid.check()?;
        let mut line = Self {
            product_id,
            sku,
            name,
            quantity,
            unit_price: unit_price.map(unsigned_zero),
            unit_cost: unit_cost.map(unsigned_zero),
            discount,
            tax,
            amount: Amount::default(),
            tax_amount: Amount::default(),
            wants_product: false,
        };
        line.wants_product = line.product_id.is_some()
            || (line.sku.is_some() && (line.name.is_none() || line.unit_price.is_none() || line.unit_cost.is_none()));
        let same = |known: &&Line| {
            let key = |line: &Line| line.sku.as_deref().map(sku_key);
            match line.product_id {
                Some(id) => known.product_id == Some(id),
                None => line.sku.is_some() && key(known) == key(&line),
            }
        };
        if line.wants_product
            && let Some(known) = known.get(n).filter(same).or_else(|| known.iter().find(same))
        {
            line.product_id = line.product_id.or(known.product_id);
            line.sku = line.sku.or_else(|| known.sku.clone());
            line.name = line.name.or_else(|| known.name.clone());
            line.unit_price = line.unit_price.or(known.unit_price);
            line.unit_cost = line.unit_cost.or(known.unit_cost);
            line.wants_product = false;
        }
        Ok(line)
    }

    /// Takes what the line leaves out from its product.
    fn fill(&mut self, n: usize, found: Option<(RecordId, &Product)>, currency: Currency) -> Result<(), Invalid> {
        self.wants_product = false;
        let at = |field: &str| format!("lines/{n}/{field}");
        match found {
            Some((id, product)) => {
                self.product_id = Some(id);
                if self.sku.is_none() {
                    self.sku.clone_from(&product.sku);
                }
                if self.name.is_none() {
                    self.name = Some(product.name.clone());
                }
                if self.unit_price.is_none() {
                    let price = product
                        .price
                        .ok_or_else(|| Invalid::one(&at("unit_price"), "required", "the product has no price"))?;
                    if price.currency != currency {
                        return Err(Invalid::one(
                            &at("unit_price"),
                            "currency_differs",
                            format!("the product is priced in {}, the order in {currency}", price.currency),
                        ));
                    }
                    self.unit_price = Some(price.amount);
                }
                if self.unit_cost.is_none() {
                    // A cost in another currency is as good as unknown.
                    self.unit_cost = product
                        .cost
                        .filter(|cost| cost.currency == currency)
                        .map(|cost| cost.amount);
                }
                Ok(())
            }
            None if self.product_id.is_some() => Err(Invalid::one(
                &at("product_id"),
                "product_unknown",
                "there is no such product",
            )),
            // A shop may sell what was never declared here, as long as it says for how much.
            None if self.unit_price.is_some() => {
                if self.name.is_none() {
                    self.name.clone_from(&self.sku);
                }
                Ok(())
            }
            None => Err(Invalid::one(
                &at("sku"),
                "product_unknown",
                "there is no product with this sku to take the price from",
            )),
        }
    }

    /// Computes the amount and the tax.
    fn price(&mut self, n: usize, currency: Currency, tax_inclusive: bool) -> Result<(), Invalid> {
        let at = |field: &str| format!("lines/{n}/{field}");
        let price = self.unit_price.map_or(Decimal::ZERO, |price| price.0);
        let gross = self
            .quantity
            .0
            .checked_mul(price)
            .filter(|gross| *gross <= Amount::MOST)
            .map(|gross| currency.round(gross))
            .ok_or_else(|| Invalid::one(&at("quantity"), "out_of_range", "quantity times price is at most 10^15"))?;
        let discount = match self.discount {
            Some(Discount {
                percent: Some(percent), ..
            }) => currency.round(gross * percent.0 / Decimal::ONE_HUNDRED),
            Some(Discount {
                amount: Some(amount), ..
            }) => exact(&at("discount/amount"), amount, currency)?.0,
            _ => Decimal::ZERO,
        };
        if discount > gross {
            return Err(Invalid::one(
                &at("discount/amount"),
                "out_of_range",
                "a discount is at most quantity times price",
            ));
        }
        let net = gross - discount;
        let tax = match self.tax {
            Some(Tax { rate: Some(rate), .. }) if tax_inclusive => {
                currency.round(net * rate.0 / (Decimal::ONE + rate.0))
            }
            Some(Tax { rate: Some(rate), .. }) => currency.round(net * rate.0),
            Some(Tax {
                amount: Some(amount), ..
            }) => exact(&at("tax/amount"), amount, currency)?.0,
            _ => Decimal::ZERO,
        };
        if tax_inclusive && tax > net {
            return Err(Invalid::one(
                &at("tax/amount"),
                "out_of_range",
                "a tax that the price includes is at most the price",
            ));
        }
        self.amount = Amount(currency.round(net));
        self.tax_amount = Amount(currency.round(tax));
        Ok(())
    }
}

impl Order {
    fn build(input: OrderIn, old: Option<&Self>, rules: &Rules) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let today = today(rules);
        let OrderIn {
            contact_id,
            contact_ref,
            company_id,
            placed_on,
            fulfilled_on,
            currency,
            status,
            lines,
            tax_inclusive,
            shipping,
            rounding,
            total,
            payments,
            allow_credit,
            historic,
            campaign_id,
            channel,
        } = input;

        let contact_id = invalid
            .take(check_id("contact_id", Prefix::Contact, contact_id.as_deref()))
            .flatten();
        let contact_ref = invalid
            .take(contact_ref.map(|named| named.check("contact_ref")).transpose())
            .flatten();
        let contact = invalid.take(who(contact_id, contact_ref, old));
        let company_id = invalid
            .take(check_id("company_id", Prefix::Company, company_id.as_deref()))
            .flatten();
        if let Some(id) = &campaign_id
            && RecordId::parse(Prefix::Campaign, id).is_err()
        {
            invalid.add("campaign_id", "id_malformed", "a campaign's id is cmp_…");
        }
        let channel = invalid.take(text::optional("channel", channel, 100)).flatten();
        for (field, day) in [("placed_on", placed_on), ("fulfilled_on", fulfilled_on)] {
            if let Some(day) = day {
                invalid.take(check_day(field, day, today));
            }
        }
        let placed_on = placed_on.or(old.map(|old| old.placed_on)).unwrap_or(today);
        let currency = currency
            .or(old.map(|old| old.currency))
            .unwrap_or(rules.settings.currency);
        let status = status.or(old.map(|old| old.status)).unwrap_or_default();
        let allow_credit = allow_credit.unwrap_or(false);

        let known_lines = old.map_or(&[][..], |old| &old.lines);
        let lines = match lines {
            None => known_lines.to_vec(),
            Some(lines) if lines.len() > MOST_LINES => {
                invalid.add("lines", "too_many", format!("at most {MOST_LINES} lines"));
                Vec::new()
            }
            Some(lines) => lines
                .into_iter()
                .enumerate()
                .filter_map(|(n, line)| invalid.take(Line::build(n, line, known_lines)))
                .collect(),
        };
        if lines.is_empty() && invalid.problems.is_empty() && status != OrderStatus::Draft {
            invalid.add("lines", "required", "an order that is placed has at least one line");
        }
        let mut plain = |field: &str, amount: Option<Amount>| {
            invalid
                .take(exact(field, amount.unwrap_or_default(), currency))
                .unwrap_or_default()
        };
        let (shipping, rounding) = (plain("shipping", shipping), plain("rounding", rounding));
        if is_negative(shipping.0) {
            invalid.add("shipping", "negative", "shipping is not negative");
        }

        let mut order = Self {
            number: old.and_then(|old| old.number.clone()),
            contact_id: None,
            contact_ref: None,
            company_id,
            placed_on,
            fulfilled_on: old.and_then(|old| old.fulfilled_on),
            cancelled_on: old.and_then(|old| old.cancelled_on),
            returned_on: old.and_then(|old| old.returned_on),
            reason: old.and_then(|old| old.reason.clone()),
            currency,
            status,
            payment_status: PaymentStatus::default(),
            lines,
            tax_inclusive: tax_inclusive.unwrap_or(false),
            shipping,
            rounding,
            subtotal: Amount::default(),
            tax: Amount::default(),
            total: Amount::default(),
            paid: Amount::default(),
            refunded: Amount::default(),
            balance: Amount::default(),
            payments: old.map(|old| old.payments.clone()).unwrap_or_default(),
            historic: false,
            campaign_id,
            channel,
            pending: Some(Pending {
                total,
                allow_credit,
                paid_before: old.map(|old| old.paid).unwrap_or_default(),
            }),
        };
        if let Some((id, named)) = contact {
            order.contact_id = id;
            order.contact_ref = named;
        }
        let received_on = if old.is_some() { today } else { placed_on };
        invalid.take(order.append(payments.unwrap_or_default(), received_on, today));
        let began = old.map(|old| old.status);
        if let Some(began) = began
            && began != status
            && !began.may_become(status)
        {
            let (code, detail) = not_from(began, status);
            invalid.add("status", code, detail);
        }
        order.date_status(began, fulfilled_on, today);
        if fulfilled_on.is_some() && order.fulfilled_on.is_none() {
            invalid.add(
                "fulfilled_on",
                "not_allowed",
                "only an order that is fulfilled has a day of delivery",
            );
        }
        order.historic = historic
            .or(old.map(|old| old.historic))
            .unwrap_or_else(|| long_ago(order.fulfilled_on.unwrap_or(placed_on), today));
        invalid.check()?;
        if !order.wants_products() {
            order.settle()?;
        }
        if let Some(old) = old {
            order.check_closed(old)?;
        }
        Ok(order)
    }

    /// Notes the day on which the status became what it is.
    fn date_status(&mut self, began: Option<OrderStatus>, fulfilled_on: Option<Date>, today: Date) {
        let fresh = began != Some(self.status);
        match self.status {
            OrderStatus::Fulfilled => {
                let day = if began.is_none() { self.placed_on } else { today };
                self.fulfilled_on = fulfilled_on.or(self.fulfilled_on).or(Some(day).filter(|_| fresh));
            }
            OrderStatus::Cancelled if fresh => self.cancelled_on = Some(today),
            OrderStatus::Returned => {
                self.fulfilled_on = fulfilled_on.or(self.fulfilled_on);
                if fresh {
                    self.returned_on = Some(today);
                }
            }
            OrderStatus::Cancelled | OrderStatus::Draft | OrderStatus::Placed => {}
        }
    }

    /// What was agreed upon stands once the order is delivered or called off.
    fn check_closed(&self, old: &Self) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        let mut same = |field: &str, same: bool, code: &'static str, detail: &str| {
            if !same {
                invalid.add(field, code, detail);
            }
        };
        if old.status.is_closed() {
            const CODE: &str = "order_closed";
            const DETAIL: &str = "a fulfilled, cancelled or returned order keeps its lines and prices";
            same("lines", self.lines == old.lines, CODE, DETAIL);
            same("shipping", self.shipping == old.shipping, CODE, DETAIL);
            same("rounding", self.rounding == old.rounding, CODE, DETAIL);
            same("tax_inclusive", self.tax_inclusive == old.tax_inclusive, CODE, DETAIL);
            same("currency", self.currency == old.currency, CODE, DETAIL);
        } else if !old.payments.is_empty() {
            same(
                "currency",
                self.currency == old.currency,
                "currency_differs",
                "an order with payments keeps its currency",
            );
        }
        invalid.check()
    }

    /// Adds the payments that are not known yet.
    fn append(&mut self, payments: Vec<PaymentIn>, received_on: Date, today: Date) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        if self.payments.len().saturating_add(payments.len()) > MOST_PAYMENTS {
            return Err(Invalid::one(
                "payments",
                "too_many",
                format!("at most {MOST_PAYMENTS} payments"),
            ));
        }
        let mut matched = vec![false; self.payments.len()];
        for (n, input) in payments.into_iter().enumerate() {
            let at = format!("payments/{n}");
            let Some(payment) = invalid.take(Payment::build(&at, input.clone(), self.currency, received_on, today))
            else {
                continue;
            };
            let same = |known: &Payment| match &payment.external_id {
                Some(id) => known.external_id.as_ref() == Some(id),
                None => {
                    known.external_id.is_none()
                        && known.amount == payment.amount
                        && known.method == payment.method
                        && input.received_on.is_none_or(|day| day == known.received_on)
                }
            };
            let known = (0..matched.len()).find(|&k| !matched[k] && same(&self.payments[k]));
            match known {
                Some(k) if self.payments[k].amount != payment.amount => {
                    invalid.add(
                        &format!("{at}/amount"),
                        "payment_differs",
                        "a payment with this external id is known with another amount",
                    );
                }
                Some(k) => matched[k] = true,
                None if payment.external_id.is_some() && self.payments.iter().any(same) => {
                    invalid.add(
                        &format!("{at}/external_id"),
                        "repeated",
                        "two payments have the same external id",
                    );
                }
                None => self.payments.push(payment),
            }
        }
        invalid.check()
    }

    /// Whether a line's product is still to be looked up.
    #[must_use]
    pub fn wants_products(&self) -> bool {
        self.lines.iter().any(|line| line.wants_product)
    }

    /// The products to be looked up: their ids and, where a line has no id, their stock keeping units for comparing.
    #[must_use]
    pub fn wanted_products(&self) -> (Vec<RecordId>, Vec<String>) {
        let wanted = || self.lines.iter().filter(|line| line.wants_product);
        let ids = wanted().filter_map(|line| line.product_id).collect();
        let skus = wanted()
            .filter(|line| line.product_id.is_none())
            .filter_map(|line| line.sku.as_deref().map(sku_key))
            .collect();
        (ids, skus)
    }

    /// Fills the lines from the products found and settles the order.
    ///
    /// # Errors
    /// [`Invalid`] with every fault: an unknown product, a price in another currency, a total that differs.
    pub fn fill<'a>(
        &mut self,
        find: impl Fn(Option<RecordId>, Option<&str>) -> Option<(RecordId, &'a Product)>,
    ) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        let currency = self.currency;
        for (n, line) in self.lines.iter_mut().enumerate().filter(|(_, line)| line.wants_product) {
            let found = find(line.product_id, line.sku.as_deref().map(sku_key).as_deref());
            invalid.take(line.fill(n, found, currency));
        }
        invalid.check()?;
        self.settle()
    }

    /// Computes all that is computed, and checks what the caller expects of it.
    fn settle(&mut self) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        let Pending {
            total: given,
            allow_credit,
            paid_before,
        } = self.pending.take().unwrap_or_default();
        let (currency, tax_inclusive) = (self.currency, self.tax_inclusive);
        for (n, line) in self.lines.iter_mut().enumerate() {
            invalid.take(line.price(n, currency, tax_inclusive));
        }
        invalid.check()?;
        // At most 500 amounts of at most 10^15 each: no sum can overflow.
        let sum = |of: fn(&Line) -> Decimal| currency.round(self.lines.iter().map(of).sum());
        let subtotal = sum(|line| line.amount.0);
        let tax = sum(|line| line.tax_amount.0);
        let added = if tax_inclusive { Decimal::ZERO } else { tax };
        let total = currency.round(subtotal + added + self.shipping.0 + self.rounding.0);
        (self.subtotal, self.tax, self.total) = (Amount(subtotal), Amount(tax), Amount(total));
        if is_negative(total) || !self.total.is_sane() {
            return Err(Invalid::one(
                "total",
                "out_of_range",
                format!("a total lies between 0 and 10^15, this is {total}"),
            ));
        }
        if let Some(given) = given
            && given.0 != total
        {
            return Err(Invalid::one(
                "total",
                "total_differs",
                format!("the total is {total}, not {}", given.0),
            ));
        }
        self.account();
        self.check_paid("payments", paid_before.0, allow_credit)
    }

    /// What was received, refunds aside.
    fn received(&self) -> Decimal {
        self.paid.0 + self.refunded.0
    }

    /// Puts the payments against the total.
    fn account(&mut self) {
        let zero = Decimal::ZERO;
        let received: Decimal = self.payments.iter().map(|payment| payment.amount.0.max(zero)).sum();
        let refunded: Decimal = self
            .payments
            .iter()
            .map(|payment| zero - payment.amount.0.min(zero))
            .sum();
        let (net, total) = (received - refunded, self.total.0);
        self.payment_status = if self.payments.is_empty() {
            // Nothing is owed for what costs nothing, once it is agreed upon.
            if total.is_zero() && !matches!(self.status, OrderStatus::Draft | OrderStatus::Cancelled) {
                PaymentStatus::Paid
            } else {
                PaymentStatus::Unpaid
            }
        } else if net > total {
            PaymentStatus::Credit
        } else if net.is_zero() && !refunded.is_zero() {
            PaymentStatus::Refunded
        } else if received >= total {
            PaymentStatus::Paid
        } else {
            PaymentStatus::PartPaid
        };
        let balance = if self.status.is_void() {
            zero - net
        } else if received >= total {
            (total - net).min(zero)
        } else {
            total - net
        };
        self.paid = Amount(self.currency.round(net));
        self.refunded = Amount(self.currency.round(refunded));
        self.balance = Amount(self.currency.round(balance));
    }

    /// Nobody pays more than is asked, unless that is meant, and nobody is given back more than was paid.
    fn check_paid(&self, field: &str, paid_before: Decimal, allow_credit: bool) -> Result<(), Invalid> {
        let (paid, total) = (self.paid.0, self.total.0);
        if is_negative(paid) {
            return Err(Invalid::one(
                field,
                "refund_exceeds_paid",
                "more would be given back than was received",
            ));
        }
        if paid > total && paid > paid_before && !allow_credit {
            return Err(Invalid::one(
                field,
                "exceeds_balance",
                format!("the payments come to {paid}, the total is {total}; allow_credit takes the rest as credit"),
            ));
        }
        if !total.is_zero() && self.payments.iter().any(|payment| payment.amount.0.is_zero()) {
            return Err(Invalid::one(field, "zero", "a payment is not zero"));
        }
        Ok(())
    }

    /// Gives each payment that has none its id, derived from the order's and its place.
    pub fn name_payments(&mut self, order: RecordId, now: jiff::Timestamp) {
        for (n, payment) in self.payments.iter_mut().enumerate() {
            payment
                .id
                .get_or_insert_with(|| RecordId::derived(Prefix::Payment, now, &format!("{order}#{n}")));
        }
    }

    /// Records a payment or, with an amount below zero, a refund. One whose external id is known changes nothing.
    ///
    /// # Errors
    /// [`Refusal`] when it exceeds what is owed or was paid, or the order is cancelled or returned.
    pub fn pay(&self, payment: PaymentIn, allow_credit: bool, rules: &Rules) -> Result<Self, Refusal> {
        let today = today(rules);
        let payment = Payment::build("", payment, self.currency, today, today)?;
        let known = payment.external_id.as_ref().and_then(|id| {
            self.payments
                .iter()
                .find(|known| known.external_id.as_ref() == Some(id))
        });
        match known {
            Some(known) if known.amount == payment.amount => return Ok(self.clone()),
            Some(known) => {
                return Err(Refusal::State {
                    code: "payment_differs",
                    detail: format!(
                        "a payment with this external id is known with the amount {}",
                        known.amount.0
                    ),
                });
            }
            None => {}
        }
        if self.payments.len() >= MOST_PAYMENTS {
            return Err(Refusal::State {
                code: "too_many_payments",
                detail: format!("an order has at most {MOST_PAYMENTS} payments"),
            });
        }
        if self.status.is_void() && payment.amount.0 > Decimal::ZERO {
            return Err(Refusal::State {
                code: "order_closed",
                detail: format!("the order is {}: only refunds are recorded", self.status.as_str()),
            });
        }
        if payment.amount.0.is_zero() {
            return Err(Invalid::one("amount", "zero", "a payment is not zero").into());
        }
        let mut next = self.clone();
        next.payments.push(payment);
        next.account();
        next.check_paid("amount", self.paid.0, allow_credit)?;
        Ok(next)
    }

    fn moved(&self, status: OrderStatus) -> Result<Self, Refusal> {
        if !self.status.may_become(status) {
            let (code, detail) = not_from(self.status, status);
            return Err(Refusal::State { code, detail });
        }
        Ok(Self { status, ..self.clone() })
    }

    /// Marks the order as placed.
    ///
    /// # Errors
    /// [`Refusal`] when it is no draft, or has no lines.
    pub fn place(&self) -> Result<Self, Refusal> {
        let mut next = self.moved(OrderStatus::Placed)?;
        if next.lines.is_empty() {
            return Err(Invalid::one("lines", "required", "an order that is placed has at least one line").into());
        }
        next.account();
        Ok(next)
    }

    /// Marks the order as delivered on a day, today unless said otherwise.
    ///
    /// # Errors
    /// [`Refusal`] when it is not open, or the day makes no sense.
    pub fn fulfil(&self, day: Option<Date>, rules: &Rules) -> Result<Self, Refusal> {
        let mut next = self.moved(OrderStatus::Fulfilled)?;
        let today = today(rules);
        let day = day.unwrap_or(today);
        check_day("fulfilled_on", day, today)?;
        if next.lines.is_empty() {
            return Err(Invalid::one("lines", "required", "an order that is fulfilled has at least one line").into());
        }
        next.fulfilled_on = Some(day);
        next.historic = next.historic || long_ago(day, today);
        next.account();
        Ok(next)
    }

    /// Calls the order off.
    ///
    /// # Errors
    /// [`Refusal`] when it is not open, or the reason is too long.
    pub fn cancel(&self, reason: Option<String>, rules: &Rules) -> Result<Self, Refusal> {
        let mut next = self.moved(OrderStatus::Cancelled)?;
        next.reason = text::optional("reason", reason, 500)?;
        next.cancelled_on = Some(today(rules));
        next.account();
        Ok(next)
    }

    /// Takes the goods back. What was paid is then owed to the customer until it is refunded.
    ///
    /// # Errors
    /// [`Refusal`] when it was not fulfilled, or the reason is too long.
    pub fn take_back(&self, reason: Option<String>, rules: &Rules) -> Result<Self, Refusal> {
        let mut next = self.moved(OrderStatus::Returned)?;
        next.reason = text::optional("reason", reason, 500)?;
        next.returned_on = Some(today(rules));
        next.account();
        Ok(next)
    }
}

/// Why an order of one status cannot become one of another.
fn not_from(from: OrderStatus, to: OrderStatus) -> (&'static str, String) {
    let code = match (from, to) {
        (from, to) if from == to => "already_done",
        (OrderStatus::Draft | OrderStatus::Placed, OrderStatus::Returned) => "not_fulfilled",
        (OrderStatus::Placed, OrderStatus::Draft) => "already_placed",
        _ => "order_closed",
    };
    (
        code,
        format!("an order that is {} cannot become {}", from.as_str(), to.as_str()),
    )
}

fn long_ago(day: Date, today: Date) -> bool {
    day.checked_add(HISTORIC_DAYS.days()).is_ok_and(|end| end < today)
}

/// The customer of an order and what it was found by, of what a caller says and what is known. An id of `None` beside a
/// reference is still to be found.
fn who(
    id: Option<RecordId>,
    named: Option<ContactRef>,
    old: Option<&Order>,
) -> Result<(Option<RecordId>, Option<ContactRef>), Invalid> {
    let known = old.and_then(|old| old.contact_id);
    let known_by = old.and_then(|old| old.contact_ref.clone());
    match (id, named) {
        (Some(id), Some(_)) if known != Some(id) => Err(Invalid::one(
            "contact_ref",
            "one_of",
            "an order has either a contact_id or a contact_ref",
        )),
        // The same again: the contact may have been merged or renamed since, and stays.
        (_, Some(named)) if known.is_some() && Some(&named) == known_by.as_ref() => Ok((known, known_by)),
        (_, Some(named)) => Ok((None, Some(named))),
        (Some(id), None) if known == Some(id) => Ok((known, known_by)),
        (id, None) => Ok((id, None)),
    }
}

impl Payment {
    fn build(at: &str, input: PaymentIn, currency: Currency, received_on: Date, today: Date) -> Result<Self, Invalid> {
        let at = |field: &str| {
            if at.is_empty() {
                field.to_owned()
            } else {
                format!("{at}/{field}")
            }
        };
        let mut invalid = Invalid::default();
        let PaymentIn {
            amount,
            method,
            received_on: day,
            external_id,
        } = input;
        let amount = invalid.take(exact(&at("amount"), amount, currency)).unwrap_or_default();
        let method = invalid.take(text::optional(&at("method"), method, 40)).flatten();
        let external_id = invalid
            .take(text::optional(&at("external_id"), external_id, 200))
            .flatten();
        if let Some(day) = day {
            invalid.take(check_day(&at("received_on"), day, today));
        }
        invalid.check()?;
        Ok(Self {
            id: None,
            amount,
            method,
            received_on: day.unwrap_or(received_on),
            external_id,
        })
    }
}

impl Kind for Order {
    const NOUN: &'static str = "order";
    const PREFIX: Prefix = Prefix::Order;
    const FIELDS: Option<FieldKind> = Some(FieldKind::Order);
    type In = OrderIn;

    fn create(input: OrderIn, rules: &Rules) -> Result<Self, Invalid> {
        Self::build(input, None, rules)
    }

    fn editable(&self) -> OrderIn {
        let order = self.clone();
        let line = |line: Line| LineIn {
            product_id: line.product_id.map(|id| id.to_string()),
            sku: line.sku,
            name: line.name,
            quantity: Some(line.quantity),
            unit_price: line.unit_price,
            unit_cost: line.unit_cost,
            discount: line.discount,
            tax: line.tax,
        };
        OrderIn {
            contact_id: order.contact_id.map(|id| id.to_string()),
            contact_ref: None,
            company_id: order.company_id.map(|id| id.to_string()),
            placed_on: Some(order.placed_on),
            fulfilled_on: order.fulfilled_on,
            currency: Some(order.currency),
            status: Some(order.status),
            lines: Some(order.lines.into_iter().map(line).collect()),
            tax_inclusive: Some(order.tax_inclusive),
            shipping: Some(order.shipping),
            rounding: Some(order.rounding),
            total: None,
            payments: None,
            allow_credit: None,
            historic: Some(order.historic),
            campaign_id: order.campaign_id,
            channel: order.channel,
        }
    }

    fn revise(&self, input: OrderIn, rules: &Rules) -> Result<Self, Invalid> {
        Self::build(input, Some(self), rules)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn rules() -> Rules {
        Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: Arc::default(),
            fields: Arc::default(),
        }
    }

    fn input(value: &Value) -> OrderIn {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn make(value: &Value) -> Result<Order, Invalid> {
        Order::create(input(value), &rules())
    }

    /// One line of a price, and whatever else is said.
    fn of(price: &str, more: Value) -> Value {
        let mut value = json!({"lines":[{"name":"Tea","unit_price":price}]});
        crate::record::merge_patch(&mut value, more);
        value
    }

    fn payment(value: &Value) -> PaymentIn {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn faults(invalid: &Invalid) -> Vec<(&str, &str)> {
        invalid
            .problems
            .iter()
            .map(|problem| (problem.pointer.as_str(), problem.code))
            .collect()
    }

    #[test]
    fn totals_are_computed_line_by_line_in_the_currencys_places() {
        // currency, prices include tax, line, shipping, rounding → subtotal, tax, total
        for (currency, inclusive, line, shipping, rounding, expected) in [
            (
                "USD",
                false,
                json!({"quantity":"3","unit_price":"19.99"}),
                "0",
                "0",
                ("59.97", "0.00", "59.97"),
            ),
            (
                "USD",
                false,
                json!({"quantity":"3","unit_price":"0.005"}),
                "0",
                "0",
                ("0.02", "0.00", "0.02"),
            ),
            (
                "USD",
                false,
                json!({"unit_price":"100","discount":{"percent":"12.5"}}),
                "5.00",
                "0",
                ("87.50", "0.00", "92.50"),
            ),
            (
                "USD",
                false,
                json!({"unit_price":"100","discount":{"amount":"0.01"},"tax":{"rate":"0.13"}}),
                "0",
                "0",
                ("99.99", "13.00", "112.99"),
            ),
            (
                "USD",
                true,
                json!({"unit_price":"113","tax":{"rate":"0.13"}}),
                "0",
                "0",
                ("113.00", "13.00", "113.00"),
            ),
            (
                "USD",
                true,
                json!({"unit_price":"9.99","tax":{"rate":"0.2"}}),
                "1",
                "0.01",
                ("9.99", "1.67", "11.00"),
            ),
            (
                "USD",
                false,
                json!({"unit_price":"10","tax":{"amount":"1.15"}}),
                "0",
                "-0.15",
                ("10.00", "1.15", "11.00"),
            ),
            (
                "JPY",
                false,
                json!({"quantity":"1.5","unit_price":"333","tax":{"rate":"0.1"}}),
                "0",
                "0",
                ("500", "50", "550"),
            ),
            (
                "KWD",
                false,
                json!({"quantity":"3","unit_price":"0.3335"}),
                "0",
                "0",
                ("1.001", "0.000", "1.001"),
            ),
            (
                "USD",
                false,
                json!({"unit_price":"100","discount":{"percent":"100"}}),
                "0",
                "0",
                ("0.00", "0.00", "0.00"),
            ),
            (
                "USD",
                false,
                json!({"unit_price":"1000000000000000"}),
                "0",
                "0",
                ("1000000000000000.00", "0.00", "1000000000000000.00"),
            ),
        ] {
            let mut line = line;
            line["name"] = json!("Tea");
            let order = make(&json!({"currency":currency,"tax_inclusive":inclusive,"lines":[line],"shipping":shipping,"rounding":rounding,"total":expected.2})).unwrap();
            let found = (
                order.subtotal.0.to_string(),
                order.tax.0.to_string(),
                order.total.0.to_string(),
            );
            assert_eq!(
                (found.0.as_str(), found.1.as_str(), found.2.as_str()),
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let line = |line: Value| json!({"lines":[line]});
        let tea = |more: Value| {
            let mut value = json!({"name":"Tea","unit_price":"10"});
            crate::record::merge_patch(&mut value, more);
            json!({"lines":[value]})
        };
        for (value, expected) in [
            (json!({}), ("#/lines", "required")),
            (json!({"lines":[]}), ("#/lines", "required")),
            (line(json!({"unit_price":"1"})), ("#/lines/0/name", "required")),
            (line(json!({"name":"Tea"})), ("#/lines/0/unit_price", "required")),
            (tea(json!({"quantity":"-1"})), ("#/lines/0/quantity", "negative")),
            (tea(json!({"quantity":"0"})), ("#/lines/0/quantity", "out_of_range")),
            (
                tea(json!({"quantity":"1000000001"})),
                ("#/lines/0/quantity", "out_of_range"),
            ),
            (tea(json!({"unit_price":"-0.01"})), ("#/lines/0/unit_price", "negative")),
            (tea(json!({"unit_cost":"-1"})), ("#/lines/0/unit_cost", "negative")),
            (
                tea(json!({"quantity":"1000000000","unit_price":"1000000000000000"})),
                ("#/lines/0/quantity", "out_of_range"),
            ),
            (tea(json!({"discount":{}})), ("#/lines/0/discount", "one_of")),
            (
                tea(json!({"discount":{"percent":"1","amount":"1"}})),
                ("#/lines/0/discount", "one_of"),
            ),
            (
                tea(json!({"discount":{"percent":"101"}})),
                ("#/lines/0/discount/percent", "out_of_range"),
            ),
            (
                tea(json!({"discount":{"amount":"-1"}})),
                ("#/lines/0/discount/amount", "negative"),
            ),
            (
                tea(json!({"discount":{"amount":"10.01"}})),
                ("#/lines/0/discount/amount", "out_of_range"),
            ),
            (
                tea(json!({"tax":{"rate":"13"}})),
                ("#/lines/0/tax/rate", "out_of_range"),
            ),
            (
                tea(json!({"tax":{"amount":"-1"}})),
                ("#/lines/0/tax/amount", "negative"),
            ),
            (
                tea(json!({"tax":{"amount":"0.001"}})),
                ("#/lines/0/tax/amount", "too_precise"),
            ),
            (
                tea(json!({"product_id":"ord_1"})),
                ("#/lines/0/product_id", "id_malformed"),
            ),
            (of("10", json!({"shipping":"-1"})), ("#/shipping", "negative")),
            (of("10", json!({"shipping":"0.001"})), ("#/shipping", "too_precise")),
            (of("10", json!({"rounding":"-11"})), ("#/total", "out_of_range")),
            (of("10", json!({"total":"10.01"})), ("#/total", "total_differs")),
            (
                of("10", json!({"contact_id":"lead_1"})),
                ("#/contact_id", "id_malformed"),
            ),
            (of("10", json!({"company_id":"x"})), ("#/company_id", "id_malformed")),
            (of("10", json!({"campaign_id":"x"})), ("#/campaign_id", "id_malformed")),
            (
                of("10", json!({"contact_ref":{"key":"Shop!","value":"1"}})),
                ("#/contact_ref/key", "key_malformed"),
            ),
            (
                of("10", json!({"contact_ref":{"key":"email","value":"a@"}})),
                ("#/contact_ref/value", "email_malformed"),
            ),
            (
                of("10", json!({"contact_ref":{"key":"shop","value":""}})),
                ("#/contact_ref/value", "too_long"),
            ),
            (
                of(
                    "10",
                    json!({"contact_id":RecordId::new(Prefix::Contact),"contact_ref":{"key":"shop","value":"1"}}),
                ),
                ("#/contact_ref", "one_of"),
            ),
            (
                of("10", json!({"placed_on":"0000-01-01"})),
                ("#/placed_on", "out_of_range"),
            ),
            (
                of("10", json!({"placed_on":"1899-12-31"})),
                ("#/placed_on", "out_of_range"),
            ),
            (
                of("10", json!({"placed_on":"9999-12-31"})),
                ("#/placed_on", "out_of_range"),
            ),
            (
                of("10", json!({"placed_on":"-000001-01-01"})),
                ("#/placed_on", "out_of_range"),
            ),
            (
                of("10", json!({"fulfilled_on":"2026-01-01"})),
                ("#/fulfilled_on", "not_allowed"),
            ),
            (
                of("10", json!({"payments":[{"amount":"10.01"}]})),
                ("#/payments", "exceeds_balance"),
            ),
            (
                of("10", json!({"payments":[{"amount":"-1"}]})),
                ("#/payments", "refund_exceeds_paid"),
            ),
            (of("10", json!({"payments":[{"amount":"0"}]})), ("#/payments", "zero")),
            (
                of("10", json!({"payments":[{"amount":"1.001"}]})),
                ("#/payments/0/amount", "too_precise"),
            ),
            (
                of("10", json!({"payments":[{"amount":"1","received_on":"9999-01-01"}]})),
                ("#/payments/0/received_on", "out_of_range"),
            ),
            (
                of(
                    "10",
                    json!({"payments":[{"amount":"1","external_id":"a"},{"amount":"1","external_id":"a"}]}),
                ),
                ("#/payments/1/external_id", "repeated"),
            ),
            (
                of("10", json!({"contact_ref":{"key":"Shop","value":"7"}})),
                ("#/contact_ref/key", "key_malformed"),
            ),
            (
                of("10", json!({"contact_ref":{"key":"shop","value":""}})),
                ("#/contact_ref/value", "too_long"),
            ),
            (
                of("10", json!({"contact_ref":{"key":"shop","value":"a\nb"}})),
                ("#/contact_ref/value", "too_long"),
            ),
            (
                of("10", json!({"contact_ref":{"key":"shop","value":"x".repeat(201)}})),
                ("#/contact_ref/value", "too_long"),
            ),
        ] {
            let invalid = make(&value).unwrap_err();
            assert_eq!(faults(&invalid), [expected], "{value}");
        }
        let many = json!({"lines": vec![json!({"name":"Tea","unit_price":"1"}); MOST_LINES + 1]});
        assert_eq!(faults(&make(&many).unwrap_err()), [("#/lines", "too_many")]);
        assert!(serde_json::from_value::<OrderIn>(json!({"placed_on":"2026-02-30"})).is_err());
        assert!(serde_json::from_value::<OrderIn>(json!({"number":"1"})).is_err());
    }

    #[test]
    fn payments_stand_against_the_total() {
        use PaymentStatus::{Credit, Paid, PartPaid, Refunded, Unpaid};
        // total, payments, more → status, paid, refunded, balance
        for (total, payments, more, expected) in [
            ("100", vec![], json!({}), (Unpaid, "0.00", "0.00", "100.00")),
            ("100", vec!["40"], json!({}), (PartPaid, "40.00", "0.00", "60.00")),
            ("100", vec!["40", "60"], json!({}), (Paid, "100.00", "0.00", "0.00")),
            (
                "100",
                vec!["120"],
                json!({"allow_credit":true}),
                (Credit, "120.00", "0.00", "-20.00"),
            ),
            ("100", vec!["120", "-20"], json!({}), (Paid, "100.00", "20.00", "0.00")),
            ("100", vec!["100", "-30"], json!({}), (Paid, "70.00", "30.00", "0.00")),
            (
                "100",
                vec!["100", "-100"],
                json!({}),
                (Refunded, "0.00", "100.00", "0.00"),
            ),
            (
                "100",
                vec!["100", "-100", "100"],
                json!({}),
                (Paid, "100.00", "100.00", "0.00"),
            ),
            (
                "100",
                vec!["50", "-50"],
                json!({}),
                (Refunded, "0.00", "50.00", "100.00"),
            ),
            (
                "100",
                vec!["50", "-20"],
                json!({}),
                (PartPaid, "30.00", "20.00", "70.00"),
            ),
            ("0", vec![], json!({}), (Paid, "0.00", "0.00", "0.00")),
            ("0", vec!["0"], json!({}), (Paid, "0.00", "0.00", "0.00")),
            ("-0", vec!["-0"], json!({}), (Paid, "0.00", "0.00", "0.00")),
            ("0", vec![], json!({"status":"draft"}), (Unpaid, "0.00", "0.00", "0.00")),
            (
                "100",
                vec!["100"],
                json!({"status":"returned"}),
                (Paid, "100.00", "0.00", "-100.00"),
            ),
            (
                "100",
                vec!["40"],
                json!({"status":"cancelled"}),
                (PartPaid, "40.00", "0.00", "-40.00"),
            ),
            (
                "100",
                vec![],
                json!({"status":"cancelled"}),
                (Unpaid, "0.00", "0.00", "0.00"),
            ),
        ] {
            let list: Vec<_> = payments.iter().map(|amount| json!({"amount":amount})).collect();
            let mut value = of(total, more.clone());
            value["payments"] = json!(list);
            let order = make(&value).unwrap();
            let text = |amount: Amount| amount.0.to_string();
            let found = (
                order.payment_status,
                text(order.paid),
                text(order.refunded),
                text(order.balance),
            );
            let expected = (
                expected.0,
                expected.1.to_owned(),
                expected.2.to_owned(),
                expected.3.to_owned(),
            );
            assert_eq!(found, expected, "{total} {payments:?} {more}");
        }
    }

    #[test]
    fn a_payment_is_recorded_once_and_never_above_what_is_owed() {
        let order = make(&of("100", json!({}))).unwrap();
        let first = order
            .pay(payment(&json!({"amount":"60","external_id":"b1"})), false, &rules())
            .unwrap();
        let again = first.pay(payment(&json!({"amount":"60.00","external_id":"b1"})), false, &rules());
        assert_eq!(again.unwrap(), first);
        let cases: [(&Order, Value, bool, &str); 8] = [
            (
                &first,
                json!({"amount":"61","external_id":"b1"}),
                false,
                "payment_differs",
            ),
            (&first, json!({"amount":"40.01"}), false, "exceeds_balance"),
            (&first, json!({"amount":"40.01"}), true, ""),
            (&first, json!({"amount":"-60.01"}), false, "refund_exceeds_paid"),
            (&first, json!({"amount":"-60"}), false, ""),
            (&first, json!({"amount":"0"}), false, "zero"),
            (
                &first,
                json!({"amount":"1","received_on":"0001-01-01"}),
                false,
                "out_of_range",
            ),
            (
                &first.cancel(None, &rules()).unwrap(),
                json!({"amount":"1"}),
                false,
                "order_closed",
            ),
        ];
        for (order, value, allow_credit, expected) in cases {
            let code = match order.pay(payment(&value), allow_credit, &rules()) {
                Ok(_) => "",
                Err(Refusal::State { code, .. }) => code,
                Err(Refusal::Invalid(invalid)) => invalid.problems[0].code,
            };
            assert_eq!(code, expected, "{value}");
        }
        let mut refunded = first
            .cancel(Some("changed their mind".into()), &rules())
            .unwrap()
            .pay(payment(&json!({"amount":"-60"})), false, &rules())
            .unwrap();
        assert_eq!(
            (refunded.payment_status, refunded.balance.0),
            (PaymentStatus::Refunded, Decimal::ZERO)
        );
        let id = RecordId::new(Prefix::Order);
        refunded.name_payments(id, rules().now);
        let ids: Vec<_> = refunded.payments.iter().map(|payment| payment.id.unwrap()).collect();
        assert!(ids[0] != ids[1] && ids.iter().all(|id| id.prefix() == Prefix::Payment));
    }

    #[test]
    fn an_order_moves_only_forwards() {
        use OrderStatus::{Cancelled, Draft, Fulfilled, Placed, Returned};
        type Move = fn(&Order) -> Result<Order, Refusal>;
        let place: Move = Order::place;
        let fulfil: Move = |order| order.fulfil(None, &rules());
        let cancel: Move = |order| order.cancel(None, &rules());
        let take_back: Move = |order| order.take_back(None, &rules());
        for (from, step, expected) in [
            (Draft, place, Ok(Placed)),
            (Draft, fulfil, Ok(Fulfilled)),
            (Draft, cancel, Ok(Cancelled)),
            (Draft, take_back, Err("not_fulfilled")),
            (Placed, place, Err("already_done")),
            (Placed, fulfil, Ok(Fulfilled)),
            (Placed, cancel, Ok(Cancelled)),
            (Placed, take_back, Err("not_fulfilled")),
            (Fulfilled, place, Err("order_closed")),
            (Fulfilled, fulfil, Err("already_done")),
            (Fulfilled, cancel, Err("order_closed")),
            (Fulfilled, take_back, Ok(Returned)),
            (Cancelled, place, Err("order_closed")),
            (Cancelled, fulfil, Err("order_closed")),
            (Cancelled, cancel, Err("already_done")),
            (Cancelled, take_back, Err("order_closed")),
            (Returned, fulfil, Err("order_closed")),
            (Returned, take_back, Err("already_done")),
        ] {
            let order = make(&of("10", json!({"status":from.as_str()}))).unwrap();
            let found = step(&order).map(|next| next.status).map_err(|refusal| match refusal {
                Refusal::State { code, .. } => code,
                Refusal::Invalid(invalid) => invalid.problems[0].code,
            });
            assert_eq!(found, expected, "{from:?}");
            // A change of the field follows the same table.
            if let Ok(status) = expected {
                let mut next = order.editable();
                next.status = Some(status);
                assert_eq!(order.revise(next, &rules()).unwrap().status, status);
            }
        }
        let order = make(&of("10", json!({"status":"fulfilled"}))).unwrap();
        let mut next = order.editable();
        next.status = Some(Placed);
        assert_eq!(
            faults(&order.revise(next, &rules()).unwrap_err()),
            [("#/status", "order_closed")]
        );
    }

    #[test]
    fn the_same_input_again_changes_nothing() {
        let known = |order: &mut Order| {
            order.number = Some("1001".into());
            order.contact_id = order.contact_ref.is_some().then(|| RecordId::new(Prefix::Contact));
            order.name_payments(RecordId::new(Prefix::Order), rules().now);
        };
        let tea = Product::create(
            serde_json::from_value(
                json!({"sku":"TEA","name":"Tea","price":{"amount":"5","currency":"USD"},"cost":{"amount":"2","currency":"USD"}}),
            )
            .unwrap(),
            &rules(),
        )
        .unwrap();
        for value in [
            of("10", json!({})),
            of("10", json!({"contact_ref":{"key":"email","value":"Ann@Example.com"}})),
            of(
                "10",
                json!({"contact_ref":{"key":"shop","value":"7"},"placed_on":"1997-01-01","total":"10"}),
            ),
            of(
                "10",
                json!({"payments":[{"amount":"4"},{"amount":"4"},{"amount":"2","external_id":"p"}]}),
            ),
            of(
                "10",
                json!({"status":"fulfilled","payments":[{"amount":"10","method":"card","received_on":"2026-01-01"}]}),
            ),
            json!({"lines":[{"sku":"tea","quantity":"2"},{"sku":"TEA"}],"total":"15"}),
            json!({"status":"draft"}),
        ] {
            let mut order = make(&value).unwrap();
            if order.wants_products() {
                let id = RecordId::new(Prefix::Product);
                order.fill(|_, sku| (sku == Some("tea")).then_some((id, &tea))).unwrap();
            }
            known(&mut order);
            assert_eq!(order.revise(input(&value), &rules()).unwrap(), order, "{value}");
            assert_eq!(order.revise(order.editable(), &rules()).unwrap(), order, "{value}");
            let text = serde_json::to_string(&order).unwrap();
            assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order, "{value}");
        }
    }

    #[test]
    fn a_change_keeps_what_was_agreed() {
        let day = |text: &str| -> Option<Date> { text.parse().ok() };
        let mut order = make(&of(
            "10",
            json!({"contact_ref":{"key":"shop","value":"7"},"payments":[{"amount":"4"}]}),
        ))
        .unwrap();
        let contact = RecordId::new(Prefix::Contact);
        order.contact_id = Some(contact);
        let change = |order: &Order, patch: Value| {
            let mut value = serde_json::to_value(order.editable()).unwrap();
            crate::record::merge_patch(&mut value, patch);
            order.revise(serde_json::from_value(value).unwrap(), &rules())
        };
        let other = RecordId::new(Prefix::Contact);
        let moved = change(&order, json!({"contact_id":other})).unwrap();
        assert_eq!((moved.contact_id, moved.contact_ref), (Some(other), None));
        let freed = change(&order, json!({"contact_id":null})).unwrap();
        assert_eq!((freed.contact_id, freed.contact_ref), (None, None));
        let renamed = change(&order, json!({"contact_ref":{"key":"shop","value":"8"}})).unwrap();
        assert_eq!(
            (renamed.contact_id, renamed.contact_ref.unwrap().value.as_str()),
            (None, "8")
        );
        let more = change(&order, json!({"payments":[{"amount":"6","external_id":"x"}]})).unwrap();
        assert_eq!((more.payments.len(), more.payment_status), (2, PaymentStatus::Paid));
        assert_eq!(
            faults(&change(&order, json!({"currency":"EUR"})).unwrap_err()),
            [("#/currency", "currency_differs")]
        );
        // Less was bought than paid for: the rest is credit, and nobody has to allow it.
        let less = change(&order, json!({"lines":[{"name":"Tea","unit_price":"3"}]})).unwrap();
        assert_eq!(
            (less.payment_status, less.balance.0.to_string().as_str()),
            (PaymentStatus::Credit, "-1.00")
        );

        let closed = order.fulfil(day("2026-11-20"), &rules()).unwrap();
        assert!(!closed.historic && order.fulfil(day("2026-10-22"), &rules()).unwrap().historic);
        for (patch, expected) in [
            (
                json!({"lines":[{"name":"Tea","unit_price":"11"}]}),
                vec![("#/lines", "order_closed")],
            ),
            (json!({"lines":[{"sku":"new"}]}), vec![("#/lines", "order_closed")]),
            (json!({"shipping":"1"}), vec![("#/shipping", "order_closed")]),
            (json!({"tax_inclusive":true}), vec![("#/tax_inclusive", "order_closed")]),
            (
                json!({"channel":"web","placed_on":"2026-11-01","company_id":null}),
                vec![],
            ),
        ] {
            let found = change(&closed, patch.clone());
            let found = found.as_ref().err().map(faults).unwrap_or_default();
            assert_eq!(found, expected, "{patch}");
        }
    }

    #[test]
    fn lines_take_from_products_what_they_leave_out() {
        let id = RecordId::new(Prefix::Product);
        let product = |value: Value| Product::create(serde_json::from_value(value).unwrap(), &rules()).unwrap();
        let tea = product(
            json!({"sku":"TEA","name":"Green tea","price":{"amount":"5","currency":"USD"},"cost":{"amount":"2","currency":"USD"}}),
        );
        let bare = product(json!({"sku":"TEA","name":"Green tea"}));
        let usd = json!({"sku":"TEA"});
        for (product, line, currency, expected) in [
            (Some(&tea), usd.clone(), "USD", Ok(("Green tea", "5.00", Some("2")))),
            (
                Some(&tea),
                json!({"product_id":id,"unit_price":"4"}),
                "USD",
                Ok(("Green tea", "4.00", Some("2"))),
            ),
            (
                Some(&tea),
                json!({"sku":"TEA","name":"Gift","unit_price":"1"}),
                "EUR",
                Ok(("Gift", "1.00", None)),
            ),
            (
                None,
                json!({"sku":"NEW","unit_price":"1"}),
                "USD",
                Ok(("NEW", "1.00", None)),
            ),
            (None, usd.clone(), "USD", Err("product_unknown")),
            (
                None,
                json!({"product_id":id,"name":"Tea","unit_price":"1"}),
                "USD",
                Err("product_unknown"),
            ),
            (Some(&tea), usd.clone(), "EUR", Err("currency_differs")),
            (Some(&bare), usd.clone(), "USD", Err("required")),
        ] {
            let mut order = make(&json!({"currency":currency,"lines":[line]})).unwrap();
            assert!(order.wants_products());
            let filled = order.fill(|_, _| product.map(|product| (id, product)));
            let found = filled.map_err(|invalid| invalid.problems[0].code);
            let line_is = &order.lines[0];
            match expected {
                Err(code) => assert_eq!(found, Err(code), "{line}"),
                Ok((name, total, cost)) => {
                    assert_eq!(found, Ok(()), "{line}");
                    assert_eq!(line_is.name.as_deref(), Some(name));
                    assert_eq!(order.total.0.to_string(), total);
                    assert_eq!(line_is.unit_cost.map(|cost| cost.0.to_string()).as_deref(), cost);
                }
            }
        }
    }

    #[test]
    fn what_is_past_is_historic() {
        for (more, expected) in [
            (json!({}), false),
            (json!({"placed_on":"2026-10-23"}), false),
            (json!({"placed_on":"2026-10-22"}), true),
            (json!({"placed_on":"1997-01-01","historic":false}), false),
            (json!({"historic":true}), true),
            (
                json!({"status":"fulfilled","placed_on":"2026-01-01","fulfilled_on":"2026-11-20"}),
                false,
            ),
        ] {
            assert_eq!(make(&of("1", more.clone())).unwrap().historic, expected, "{more}");
        }
    }

    #[test]
    fn a_purchase_is_paid_or_fulfilled_and_net_of_refunds() {
        // total, cost, tax included, status, payments → amount and margin
        for (total, cost, inclusive, status, payments, expected) in [
            (
                "100",
                Some("60"),
                false,
                "placed",
                vec!["100"],
                Some(("100.00", Some("40.00"))),
            ),
            ("100", None, false, "placed", vec!["100"], Some(("100.00", None))),
            (
                "900000000000000",
                Some("0"),
                false,
                "fulfilled",
                vec![],
                Some(("900000000000000.00", Some("900000000000000.00"))),
            ),
            ("100", Some("60"), false, "placed", vec![], None),
            ("100", Some("60"), false, "placed", vec!["99"], None),
            (
                "100",
                Some("60"),
                false,
                "fulfilled",
                vec![],
                Some(("100.00", Some("40.00"))),
            ),
            (
                "100",
                Some("60"),
                false,
                "fulfilled",
                vec!["50"],
                Some(("100.00", Some("40.00"))),
            ),
            (
                "100",
                Some("60"),
                false,
                "fulfilled",
                vec!["100", "-25"],
                Some(("75.00", Some("30.00"))),
            ),
            (
                "100",
                Some("60"),
                false,
                "fulfilled",
                vec!["100", "-0.50"],
                Some(("99.50", Some("39.80"))),
            ),
            (
                "100",
                Some("60"),
                false,
                "fulfilled",
                vec!["130", "-30"],
                Some(("100.00", Some("40.00"))),
            ),
            (
                "100",
                Some("60"),
                false,
                "fulfilled",
                vec!["130"],
                Some(("100.00", Some("40.00"))),
            ),
            ("100", Some("60"), false, "fulfilled", vec!["100", "-100"], None),
            ("100", Some("60"), false, "placed", vec!["100", "-100"], None),
            ("100", Some("60"), false, "draft", vec!["100"], None),
            ("100", Some("60"), false, "cancelled", vec!["100"], None),
            ("100", Some("60"), false, "returned", vec!["100"], None),
            ("0", Some("60"), false, "placed", vec![], Some(("0.00", Some("-60.00")))),
            (
                "110",
                Some("60"),
                true,
                "placed",
                vec!["110"],
                Some(("110.00", Some("40.00"))),
            ),
        ] {
            let mut line = json!({"name":"Tea","unit_price":total});
            if let Some(cost) = cost {
                line["unit_cost"] = json!(cost);
            }
            if inclusive {
                line["tax"] = json!({"rate":"0.1"});
            }
            let list: Vec<_> = payments.iter().map(|amount| json!({"amount":amount})).collect();
            let order = make(&json!({"status":status,"placed_on":"1997-01-01","tax_inclusive":inclusive,"lines":[line],"payments":list,"allow_credit":true})).unwrap();
            let found = purchase(&order).map(|found| {
                assert_eq!(found.day.to_string(), "1997-01-01");
                (found.amount.to_string(), found.margin.map(|margin| margin.to_string()))
            });
            let expected = expected.map(|(amount, margin)| (amount.to_owned(), margin.map(str::to_owned)));
            assert_eq!(found, expected, "{total} {status} {payments:?}");
        }
    }

    #[test]
    fn events_read_an_order_as_it_is_kept() {
        let order = make(&of("10", json!({}))).unwrap();
        let paid = order.pay(payment(&json!({"amount":"10"})), false, &rules()).unwrap();
        let refunded = paid.pay(payment(&json!({"amount":"-4"})), false, &rules()).unwrap();
        let done = refunded.fulfil(None, &rules()).unwrap();
        let back = done.take_back(None, &rules()).unwrap();
        let between = |old: Option<&Order>, new: &Order| {
            let value = |order: &Order| serde_json::to_value(order).unwrap();
            crate::event::between("order", old.map(value).as_ref(), &value(new)).types
        };
        for (old, new, expected) in [
            (None, &order, vec!["order.created", "order.placed"]),
            (
                Some(&order),
                &paid,
                vec!["order.updated", "payment.received", "order.paid"],
            ),
            (Some(&paid), &refunded, vec!["order.updated", "payment.refunded"]),
            (Some(&refunded), &done, vec!["order.updated", "order.fulfilled"]),
            (Some(&done), &back, vec!["order.updated", "order.returned"]),
            (
                Some(&order),
                &order.cancel(None, &rules()).unwrap(),
                vec!["order.updated", "order.cancelled"],
            ),
        ] {
            assert_eq!(between(old, new), expected);
        }
    }

    #[test]
    fn a_payment_said_again_is_known_by_its_id_or_by_all_that_is_said() {
        let order = make(&of(
            "100",
            json!({"payments":[
                {"amount":"4","method":"cash","received_on":"2026-11-01"},
                {"amount":"5","external_id":"b1"},
            ]}),
        ))
        .unwrap();
        for (said, expected) in [
            (json!({"amount":"4","method":"cash"}), Ok(2)),
            (json!({"amount":"4","method":"cash","received_on":"2026-11-01"}), Ok(2)),
            (json!({"amount":"4","method":"cash","received_on":"2026-11-02"}), Ok(3)),
            (json!({"amount":"4","method":"card"}), Ok(3)),
            (json!({"amount":"6","method":"cash"}), Ok(3)),
            (json!({"amount":"5","external_id":"b1"}), Ok(2)),
            (json!({"amount":"5","external_id":"b2"}), Ok(3)),
            (
                json!({"amount":"6","external_id":"b1"}),
                Err(vec![("#/payments/0/amount", "payment_differs")]),
            ),
        ] {
            let mut next = order.editable();
            next.payments = Some(vec![payment(&said)]);
            let next = order.revise(next, &rules());
            let found = next.as_ref().map(|next| next.payments.len()).map_err(faults);
            assert_eq!(found, expected, "{said}");
        }
        let many = |most| of("1000", json!({"payments": vec![json!({"amount":"1"}); most]}));
        assert_eq!(make(&many(MOST_PAYMENTS)).unwrap().payments.len(), MOST_PAYMENTS);
        assert_eq!(
            faults(&make(&many(MOST_PAYMENTS + 1)).unwrap_err()),
            [("#/payments", "too_many")]
        );
    }

    #[test]
    fn a_product_is_looked_up_unless_the_line_was_there_before() {
        let id = RecordId::new(Prefix::Product);
        let tea = json!({"sku":"TEA","name":"Tea","unit_price":"5","unit_cost":"2"});
        let order = make(&json!({"lines":[tea]})).unwrap();
        for (lines, ids, skus) in [
            (json!([tea]), vec![], vec![]),
            (json!([{"sku":"tea"}]), vec![], vec![]),
            (json!([{"sku":"Mug"},{"sku":"TEA"}]), vec![], vec!["mug".to_owned()]),
            (
                json!([{"product_id":id},{"name":"Gift","unit_price":"1"}]),
                vec![id],
                vec![],
            ),
        ] {
            let mut next = order.editable();
            next.lines = serde_json::from_value(lines.clone()).unwrap();
            let next = order.revise(next, &rules()).unwrap();
            assert_eq!(next.wanted_products(), (ids, skus), "{lines}");
        }
    }

    #[test]
    fn the_day_of_a_cancellation_is_that_on_which_it_happened() {
        let later = Rules {
            now: "2026-11-25T00:00:00Z".parse().unwrap(),
            ..rules()
        };
        for (status, day) in [("placed", "2026-11-25"), ("cancelled", "2026-11-22")] {
            let order = make(&of("10", json!({"status":status}))).unwrap();
            let mut next = order.editable();
            next.status = Some(OrderStatus::Cancelled);
            let cancelled = order.revise(next, &later).unwrap().cancelled_on.unwrap();
            assert_eq!(cancelled.to_string(), day, "{status}");
        }
    }

    #[test]
    fn no_order_becomes_a_draft_again() {
        for (status, code) in [
            ("placed", "already_placed"),
            ("fulfilled", "order_closed"),
            ("cancelled", "order_closed"),
            ("returned", "order_closed"),
        ] {
            let order = make(&of("10", json!({"status":status}))).unwrap();
            let mut next = order.editable();
            next.status = Some(OrderStatus::Draft);
            assert_eq!(faults(&order.revise(next, &rules()).unwrap_err()), [("#/status", code)]);
        }
    }
}

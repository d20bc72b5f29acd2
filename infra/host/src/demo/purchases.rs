//! The orders of two years, made up from the rhythms of the customers: always the same for the same day. Pure.

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use serde_json::{Value, json};

use super::data::{Basket, Customer, Data, Paid, Product, SOURCE, Special};

/// An order to be.
#[derive(Debug)]
pub struct Draft {
    /// Whose, by position.
    pub customer: usize,
    pub placed_on: Date,
    /// Whether it counts as a purchase.
    pub counts: bool,
    /// The input of the order, without its customer.
    pub input: Value,
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers in every build, which a library's default does not promise.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` to `to`, both included.
    fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to.saturating_sub(from) + 1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}

/// All orders, in the order of their days, so that their numbers rise with them.
pub fn orders(data: &Data, today: Date) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (n, customer) in data.customers.iter().enumerate() {
        // A generator for each, so that a further customer leaves the orders of the others as they are.
        let mut chance = Chance(
            customer
                .key
                .bytes()
                .fold(7, |seed, byte| seed * 31 % 0xffff_fffb + u64::from(byte)),
        );
        let Some(basket) = data.baskets.get(&customer.basket) else {
            continue;
        };
        for (count, ago) in days_ago(customer, &mut chance).into_iter().enumerate() {
            let placed_on = working_day(customer, before(today, ago));
            let lines = fill(data, basket, customer, placed_on, &mut chance);
            let order = Order {
                customer,
                basket,
                lines,
                placed_on,
                today,
            };
            drafts.push(order.draft(n, &format!("{}-{}", customer.key, count + 1), &mut chance));
        }
    }
    for special in &data.orders {
        let found = data
            .customers
            .iter()
            .position(|customer| customer.key == special.customer);
        let Some((n, customer)) = found.and_then(|n| Some((n, data.customers.get(n)?))) else {
            continue;
        };
        let Some(basket) = data.baskets.get(&customer.basket) else {
            continue;
        };
        let lines = special
            .lines
            .iter()
            .filter_map(|(sku, pieces)| Some((data.product(sku)?, *pieces)))
            .collect();
        let order = Order {
            customer,
            basket,
            lines,
            placed_on: before(today, special.days_ago),
            today,
        };
        drafts.push(order.special(n, special));
    }
    drafts.sort_by_key(|draft| (draft.placed_on, draft.customer));
    drafts
}

/// On how many days a customer bought: what its score has to show before a recompute is worth it.
pub fn days_of_purchase(drafts: &[Draft], customer: usize) -> u64 {
    let days: BTreeSet<Date> = drafts
        .iter()
        .filter(|draft| draft.customer == customer && draft.counts)
        .map(|draft| draft.placed_on)
        .collect();
    days.len() as u64
}

fn before(today: Date, days: u64) -> Date {
    today.saturating_sub(i64::try_from(days).unwrap_or_default().days())
}

/// How many days ago a customer ordered, first to last.
fn days_ago(customer: &Customer, chance: &mut Chance) -> Vec<u64> {
    let (mut at, last) = (customer.since, customer.until);
    let mut days = vec![at];
    while customer.every > 0 && at > last {
        let gap = (customer.every * chance.between(70, 135) / 100).max(1);
        // What is left is too short for one more order in between.
        at = if at.saturating_sub(gap) < last + customer.every * 6 / 10 {
            last
        } else {
            at - gap
        };
        days.push(at);
    }
    days
}

/// Companies order on weekdays.
fn working_day(customer: &Customer, day: Date) -> Date {
    let back = match day.weekday() {
        Weekday::Saturday if customer.company.is_some() => 1,
        Weekday::Sunday if customer.company.is_some() => 2,
        _ => 0,
    };
    before(day, back)
}

type Lines<'a> = Vec<(&'a Product, u64)>;

fn fill<'a>(data: &'a Data, basket: &Basket, customer: &Customer, day: Date, chance: &mut Chance) -> Lines<'a> {
    let mut left: Vec<&(String, u64, u64)> = basket.items.iter().collect();
    let wanted = chance.between(basket.lines.0, basket.lines.1);
    // Before the holidays people buy more.
    let more = u64::from(day.month() >= 11 && chance.one_in(2));
    let mut lines = Vec::new();
    while lines.len() < usize::try_from(wanted).unwrap_or(1) && !left.is_empty() {
        // What stands first in a basket is bought most: the better of two draws.
        let most = left.len() as u64 - 1;
        let at = chance.between(0, most).min(chance.between(0, most));
        let (sku, from, to) = left.remove(usize::try_from(at).unwrap_or(0));
        if let Some(product) = data.product(sku) {
            lines.push((product, chance.between(*from, *to) * customer.size + more));
        }
    }
    lines
}

/// An amount in pence as the API takes it.
fn pounds(pence: u64) -> String {
    format!("{}.{:02}", pence / 100, pence % 100)
}

fn pence(amount: &str) -> u64 {
    amount.replace('.', "").parse().unwrap_or_default()
}

struct Order<'a> {
    customer: &'a Customer,
    basket: &'a Basket,
    lines: Lines<'a>,
    placed_on: Date,
    today: Date,
}

impl Order<'_> {
    fn home(&self) -> bool {
        self.customer.country == "GB"
    }

    fn net(&self, product: &Product, pieces: u64) -> u64 {
        pence(&product.price) * pieces * (100 - self.basket.discount) / 100
    }

    fn tax(&self, product: &Product, net: u64) -> u64 {
        if product.taxed && self.home() { net / 5 } else { 0 }
    }

    fn shipping(&self) -> u64 {
        let goods: u64 = self
            .lines
            .iter()
            .map(|(product, pieces)| self.net(product, *pieces))
            .sum();
        match (self.home(), self.customer.company.is_some()) {
            (true, false) if goods < 4_000 => 390,
            (true, _) => 0,
            (false, false) => 950,
            (false, true) => 2_400,
        }
    }

    fn total(&self) -> u64 {
        let line = |(product, pieces): &(&Product, u64)| {
            let net = self.net(product, *pieces);
            net + self.tax(product, net)
        };
        self.lines.iter().map(line).sum::<u64>() + self.shipping()
    }

    fn input(&self, key: &str, status: &str, channel: &str) -> Value {
        let line = |(product, pieces): &(&Product, u64)| {
            let mut line = json!({"sku": product.sku, "quantity": pieces.to_string()});
            if self.basket.discount > 0 {
                line["discount"] = json!({"percent": self.basket.discount.to_string()});
            }
            if product.taxed && self.home() {
                line["tax"] = json!({"rate": "0.2"});
            }
            line
        };
        json!({
            "placed_on": self.placed_on.to_string(), "status": status, "channel": channel, "shipping": pounds(self.shipping()),
            // Refused by the service should it come to another: our payments depend on it.
            "total": pounds(self.total()), "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
            "external_ids": {SOURCE: key},
        })
    }

    /// An order as the customer's rhythm has it.
    fn draft(&self, customer: usize, key: &str, chance: &mut Chance) -> Draft {
        let company = self.customer.company.is_some();
        let channel = match (company, chance.between(0, 9)) {
            (true, 0..=4) => "portal",
            (true, 5..=7) => "email",
            (true, _) => "phone",
            (false, 0..=7) => "web",
            (false, _) => "shop",
        };
        let sent = self.placed_on.saturating_add(chance.between(1, 3).cast_signed().days());
        let fulfilled = sent < self.today;
        let mut input = self.input(key, if fulfilled { "fulfilled" } else { "placed" }, channel);
        if fulfilled {
            input["fulfilled_on"] = sent.to_string().into();
            // It is told of the past: nobody is to be asked about it.
            input["historic"] = true.into();
        }
        let paid = self.payments(chance);
        let counts = fulfilled
            || paid
                .as_array()
                .is_some_and(|paid| paid.len() == 1 && paid[0]["amount"] == input["total"]);
        input["payments"] = paid;
        Draft {
            customer,
            placed_on: self.placed_on,
            counts,
            input,
        }
    }

    fn payments(&self, chance: &mut Chance) -> Value {
        let total = self.total();
        let payment = |amount: u64, method: &str, day: Date| json!({"amount": pounds(amount), "method": method, "received_on": day.to_string()});
        let Some(terms) = self.customer.terms_days else {
            return json!([payment(total, "card", self.placed_on)]);
        };
        let after = if self.customer.slow {
            chance.between(terms, terms * 2)
        } else {
            chance.between(terms / 2, terms)
        };
        let received = self.placed_on.saturating_add(after.cast_signed().days());
        if received <= self.today {
            return json!([payment(total, "transfer", received)]);
        }
        let first = self.placed_on.saturating_add((terms / 2).cast_signed().days());
        if self.customer.slow && first <= self.today {
            return json!([payment(total / 2, "transfer", first)]);
        }
        json!([])
    }

    /// An order beside the rhythm.
    fn special(&self, customer: usize, special: &Special) -> Draft {
        let channel = if self.customer.company.is_some() {
            "portal"
        } else {
            "web"
        };
        let mut input = self.input(&special.key, &special.status, channel);
        let total = self.total();
        let one = self.lines.last().map_or(0, |(product, _)| self.net(product, 1));
        let (day, today) = (self.placed_on.to_string(), self.today.to_string());
        let came = |amount| json!({"amount": pounds(amount), "method": "card", "received_on": day});
        let back = |amount| json!({"amount": format!("-{}", pounds(amount)), "method": "card", "received_on": today});
        input["payments"] = match special.paid {
            Paid::None => json!([]),
            Paid::Half => json!([came(total / 2)]),
            Paid::All => json!([came(total)]),
            Paid::LessOne => json!([came(total), back(one)]),
            Paid::Returned => json!([came(total), back(total)]),
        };
        let fulfilled = special.status == "fulfilled";
        let counts = fulfilled || special.paid == Paid::All;
        if fulfilled || special.status == "returned" {
            input["fulfilled_on"] = self.placed_on.saturating_add(2.days()).to_string().into();
            input["historic"] = true.into();
        }
        Draft {
            customer,
            placed_on: self.placed_on,
            counts,
            input,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_orders_are_the_same_each_time_and_follow_the_rhythms() {
        let data = Data::read().unwrap();
        let today: Date = "2026-11-22".parse().unwrap();
        let drafts = orders(&data, today);
        let texts = |drafts: &[Draft]| drafts.iter().map(|draft| draft.input.to_string()).collect::<Vec<_>>();
        assert_eq!(texts(&drafts), texts(&orders(&data, today)));
        assert!((700..1_300).contains(&drafts.len()), "{}", drafts.len());
        let keys: BTreeSet<String> = drafts
            .iter()
            .map(|draft| draft.input["external_ids"][SOURCE].to_string())
            .collect();
        assert_eq!(keys.len(), drafts.len());
        for (n, customer) in data.customers.iter().enumerate() {
            let days: Vec<Date> = drafts
                .iter()
                .filter(|draft| draft.customer == n)
                .map(|draft| draft.placed_on)
                .collect();
            let span = customer.since - customer.until;
            let gaps = |percent: u64| (span * 100).checked_div(customer.every * percent).unwrap_or(0);
            // The first order, and perhaps one beside the rhythm.
            let found = days.len() as u64;
            assert!(
                found > gaps(135) && found <= gaps(70) + 3,
                "{}: {found} in {span} days",
                customer.key
            );
            assert!(
                days.iter().all(|day| *day <= today && *day >= before(today, 732)),
                "{}",
                customer.key
            );
        }
    }

    #[test]
    fn every_amount_is_exact() {
        let data = Data::read().unwrap();
        for product in &data.products {
            let price = pence(&product.price);
            assert_eq!(price % if product.taxed { 50 } else { 10 }, 0, "{}", product.sku);
        }
        for (name, basket) in &data.baskets {
            assert!(basket.discount.is_multiple_of(10), "{name}");
            for (sku, from, to) in &basket.items {
                assert!(data.product(sku).unwrap().active && from <= to, "{name}: {sku}");
            }
        }
        for (pence, text) in [(0, "0.00"), (5, "0.05"), (390, "3.90"), (123_456, "1234.56")] {
            assert_eq!(pounds(pence), text);
        }
    }

    #[test]
    fn nobody_real_is_reached() {
        let data = Data::read().unwrap();
        // Numbers kept for films and books: Ofcom, 555-01xx, Bundesnetzagentur, ARCEP, PTS, ACMA.
        let fiction = [
            "+44 1632 960",
            "0113 496 0",
            "0114 496 0",
            "0117 496 0",
            "0131 496 0",
            "0141 496 0",
            "0151 496 0",
            "0161 496 0",
            "020 7946 0",
            "028 9649 6",
            "029 2018 0",
            "07700 900",
            "+1 503-555-01",
            "+1 312-555-01",
            "+1 303-555-01",
            "+1 617-555-01",
            "+49 30 23125",
            "+49 40 66969",
            "+49 89 99998",
            "+49 221 4710",
            "+49 69 90009",
            "+33 1 99 00",
            "+33 2 61 91",
            "+33 4 65 71",
            "+46 8 465 004",
            "+61 2 5550",
        ];
        let today: Date = "2026-11-22".parse().unwrap();
        let contacts = data
            .customers
            .iter()
            .map(|customer| customer.contact_input(None, "", today));
        let companies = data.customers.iter().filter_map(|customer| customer.company_input(""));
        let leads = data.leads.iter().map(|lead| lead.input(""));
        let mut phones = 0;
        for input in contacts.chain(companies).chain(leads) {
            for number in [&input["phone"], &input["phones"][0]["number"]]
                .into_iter()
                .filter_map(Value::as_str)
            {
                assert!(fiction.iter().any(|range| number.starts_with(range)), "{number}");
                phones += 1;
            }
            if let Some(address) = input["email"].as_str() {
                assert!(
                    address.is_ascii() && address.ends_with(".example") && !address.starts_with(['@', '.']),
                    "{address}"
                );
            }
        }
        assert!(phones > 60, "{phones}");
    }
}

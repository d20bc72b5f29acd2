//! What is bought together: pages of baskets as they are gathered from orders, and the rules mined from all of them.
//!
//! A basket is an order; of all orders of a customer the customer's own basket is made. Rules over orders say what goes
//! with what (cross-selling), rules over customers what those took as well who took the same (up-selling, where that is
//! dearer and of the same category). A product is known by its id or, on a line without one, by its stock keeping unit.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use rapport_analytics::association::{self, Limits, Thresholds, baskets_for_share};
use rapport_domain::order::{Order, purchase};
use rapport_domain::product::{Product, sku_key};
use rapport_domain::{Money, Prefix, RecordId};
use serde::{Deserialize, Serialize};

use crate::model::round;

/// Orders of so many months are looked at.
pub const MONTHS: i32 = 24;
/// A rule needs at least so many baskets,
pub const LEAST_BASKETS: u32 = 3;
/// and at least this share of all.
pub const LEAST_SHARE: f64 = 0.005;
/// Fewer baskets with two products or more than this are too few to learn from.
pub const LEAST_SEVERAL: usize = 10;
/// Rules kept of what is bought together.
const MOST_CROSS: usize = 1_500;
/// Rules kept of what is dearer.
const MOST_UP: usize = 500;
/// Rules over customers that are looked at to find the dearer among them.
const MOST_ALIKE: usize = 20_000;
/// Products of one basket that are looked at: a bulk order says little of what goes together, and costs much to look through.
const MOST_LINES: usize = 60;
/// A name is kept up to so many characters.
const MOST_NAME: usize = 80;

/// Something sold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Article {
    /// The product's id, or `sku:` and the stock keeping unit for comparing.
    #[serde(rename = "k")]
    pub key: String,
    /// Its name on a line; only where there is no product that has one.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its price on that line; likewise.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
}

impl Article {
    /// The product, where it is one.
    #[must_use]
    pub fn product(&self) -> Option<RecordId> {
        RecordId::parse(Prefix::Product, &self.key).ok()
    }

    /// The stock keeping unit, where that is all that is known.
    #[must_use]
    pub fn sku(&self) -> Option<&str> {
        self.key.strip_prefix("sku:")
    }
}

/// What an order holds, each thing once.
#[must_use]
pub fn articles(order: &Order) -> Vec<Article> {
    let mut found: BTreeMap<String, Article> = BTreeMap::new();
    for line in order
        .lines
        .iter()
        .filter(|line| line.quantity.0.is_sign_positive() && !line.quantity.0.is_zero())
    {
        let article = match (&line.product_id, &line.sku) {
            (Some(id), _) => Article {
                key: id.to_string(),
                name: None,
                price: None,
            },
            (None, Some(sku)) => Article {
                key: format!("sku:{}", sku_key(sku)),
                name: line.name.as_ref().map(|name| name.chars().take(MOST_NAME).collect()),
                price: line.unit_price.map(|price| Money::new(price.0, order.currency)),
            },
            (None, None) => continue,
        };
        found.entry(article.key.clone()).or_insert(article);
    }
    found.into_values().take(MOST_LINES).collect()
}

/// A page of baskets: what they hold is named once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BasketPage {
    articles: Vec<Article>,
    /// The customer, where there is one, and places in `articles`.
    baskets: Vec<(Option<RecordId>, Vec<u32>)>,
    #[serde(skip)]
    places: HashMap<String, u32>,
    #[serde(skip)]
    bytes: usize,
}

impl BasketPage {
    /// Adds an order if it is a purchase since a day with something that is known by id or stock keeping unit.
    pub fn add(&mut self, order: &Order, since: Date) {
        if purchase(order).is_none_or(|purchase| purchase.day < since) {
            return;
        }
        let mut basket = Vec::new();
        for article in articles(order) {
            let next = u32::try_from(self.articles.len()).unwrap_or(u32::MAX);
            let place = *self.places.entry(article.key.clone()).or_insert(next);
            if place == next {
                // An escaped name may be longer than it looks.
                self.bytes += 80 + article.key.len() + 6 * article.name.as_ref().map_or(0, String::len);
                self.articles.push(article);
            }
            basket.push(place);
        }
        if !basket.is_empty() {
            self.bytes += 40 + 8 * basket.len();
            self.baskets.push((order.contact_id, basket));
        }
    }

    /// How many bytes it takes at most when stored.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What a rule suggests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionKind {
    /// Something that is bought with what the customer has.
    CrossSell,
    /// Something dearer of the same category, which customers took who took the same.
    UpSell,
}

/// A rule: whoever has the antecedent takes the consequent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// What it suggests.
    pub kind: SuggestionKind,
    /// The left side.
    pub antecedent: Vec<Article>,
    /// The right side.
    pub consequent: Article,
    /// Share of all baskets that hold both sides.
    pub support: f64,
    /// Share of the baskets with the left side that hold the right side as well.
    pub confidence: f64,
    /// How many times as often as by chance both stand together.
    pub lift: f64,
    /// Baskets that hold both sides.
    pub baskets: u32,
    /// Baskets that hold the left side.
    pub antecedent_baskets: u32,
}

/// What was found out about all baskets together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mined {
    /// Orders looked at.
    pub orders: usize,
    /// Of those, with two products or more.
    pub orders_with_several: usize,
    /// Customers looked at.
    pub customers: usize,
    /// Orders that a rule over orders needs.
    pub least_orders: u32,
    /// Customers that a rule over customers needs.
    pub least_customers: u32,
    /// Why there are no rules: `too_few_baskets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insufficient_data: Option<String>,
}

/// All baskets, taken in page by page.
#[derive(Debug, Default)]
pub struct Baskets {
    articles: Vec<Article>,
    places: HashMap<String, u32>,
    orders: Vec<Vec<u32>>,
    customers: BTreeMap<RecordId, Vec<u32>>,
}

impl Baskets {
    /// Takes a page in.
    pub fn take(&mut self, page: BasketPage) {
        let places: Vec<u32> = page
            .articles
            .into_iter()
            .map(|article| {
                let next = u32::try_from(self.articles.len()).unwrap_or(u32::MAX);
                let place = *self.places.entry(article.key.clone()).or_insert(next);
                if place == next {
                    self.articles.push(article);
                }
                place
            })
            .collect();
        for (contact, basket) in page.baskets {
            let basket: Vec<u32> = basket
                .iter()
                .filter_map(|place| places.get(*place as usize).copied())
                .collect();
            if let Some(contact) = contact {
                self.customers.entry(contact).or_default().extend(&basket);
            }
            self.orders.push(basket);
        }
    }

    /// Mines the rules: those of what is bought together, better than chance only, and candidates for what is dearer,
    /// which [`dearer`] sifts once the products are known.
    #[must_use]
    pub fn mine(&self) -> (Mined, Vec<Association>) {
        let customers: Vec<&Vec<u32>> = self.customers.values().collect();
        let least = |n: usize| baskets_for_share(LEAST_SHARE, n).max(LEAST_BASKETS);
        let several = self.orders.iter().filter(|basket| basket.len() > 1).count();
        let mut mined = Mined {
            orders: self.orders.len(),
            orders_with_several: several,
            customers: customers.len(),
            least_orders: least(self.orders.len()),
            least_customers: least(customers.len()),
            insufficient_data: None,
        };
        let mut rules = Vec::new();
        if several >= LEAST_SEVERAL {
            let limits = Limits {
                min_support: mined.least_orders,
                max_length: 3,
                ..Limits::default()
            };
            let sets = association::item_sets(&self.orders, &limits);
            mined.least_orders = sets.min_support;
            rules.extend(self.named(SuggestionKind::CrossSell, &sets, MOST_CROSS));
        }
        let baskets: Vec<Vec<u32>> = customers.into_iter().cloned().collect();
        if baskets.len() >= LEAST_SEVERAL {
            let limits = Limits {
                min_support: mined.least_customers,
                max_length: 2,
                ..Limits::default()
            };
            let sets = association::item_sets(&baskets, &limits);
            mined.least_customers = sets.min_support;
            rules.extend(self.named(SuggestionKind::UpSell, &sets, MOST_ALIKE));
        }
        if several < LEAST_SEVERAL && rules.is_empty() {
            mined.insufficient_data = Some("too_few_baskets".to_owned());
        }
        (mined, rules)
    }

    fn named(&self, kind: SuggestionKind, sets: &association::ItemSets, most: usize) -> Vec<Association> {
        let thresholds = Thresholds {
            min_confidence: 0.05,
            min_lift: 1.0,
            max_consequent: 1,
            max_rules: most,
        };
        let article = |place: &u32| self.articles.get(*place as usize).cloned();
        association::rules(sets, &thresholds)
            .into_iter()
            // Exactly as often as by chance says nothing.
            .filter(|rule| rule.lift > 1.0 + 1e-9)
            .filter_map(|rule| {
                Some(Association {
                    kind,
                    antecedent: rule.antecedent.iter().map(article).collect::<Option<_>>()?,
                    consequent: article(rule.consequent.first()?)?,
                    support: round(rule.support, 4),
                    confidence: round(rule.confidence, 4),
                    lift: round(rule.lift, 3),
                    baskets: rule.count,
                    antecedent_baskets: rule.antecedent_count,
                })
            })
            .collect()
    }
}

/// Leaves of the candidates over customers those whose right side is dearer than the left and of the same category, in
/// the same currency; the first of each kind up to what is kept. `products` has the products there are, by key.
#[must_use]
pub fn dearer(rules: Vec<Association>, products: &HashMap<String, Product>) -> Vec<Association> {
    let mut left = HashMap::from([
        (SuggestionKind::CrossSell, MOST_CROSS),
        (SuggestionKind::UpSell, MOST_UP),
    ]);
    rules
        .into_iter()
        .filter(|rule| rule.kind == SuggestionKind::CrossSell || is_dearer(rule, products))
        .filter(|rule| {
            left.get_mut(&rule.kind).is_some_and(|left| {
                let some = *left > 0;
                *left = left.saturating_sub(1);
                some
            })
        })
        .collect()
}

fn is_dearer(rule: &Association, products: &HashMap<String, Product>) -> bool {
    let [from] = &rule.antecedent[..] else { return false };
    let (Some(from), Some(to)) = (products.get(&from.key), products.get(&rule.consequent.key)) else {
        return false;
    };
    let (Some(old), Some(new)) = (&from.price, &to.price) else {
        return false;
    };
    let alike = from.category.is_some() && from.category == to.category;
    alike && old.currency == new.currency && new.amount.0 > old.amount.0
}

/// What to suggest to somebody who has some things: the best rule of each thing that is not among them, highest
/// confidence first, then lift, then baskets.
#[must_use]
pub fn suggest<'a>(rules: &'a [Association], owned: &std::collections::HashSet<String>) -> Vec<&'a Association> {
    let better = |l: &Association, r: &Association| {
        r.confidence
            .total_cmp(&l.confidence)
            .then(r.lift.total_cmp(&l.lift))
            .then(r.baskets.cmp(&l.baskets))
            .then_with(|| l.antecedent.len().cmp(&r.antecedent.len()))
            .then_with(|| l.consequent.key.cmp(&r.consequent.key))
    };
    let mut best: BTreeMap<&str, &Association> = BTreeMap::new();
    for rule in rules {
        let fits = rule.antecedent.iter().all(|article| owned.contains(&article.key));
        if !fits || owned.contains(&rule.consequent.key) {
            continue;
        }
        let held = best.entry(&rule.consequent.key).or_insert(rule);
        if better(rule, held).is_lt() {
            *held = rule;
        }
    }
    let mut found: Vec<&Association> = best.into_values().collect();
    found.sort_by(|l, r| better(l, r));
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::HashSet;

    fn order(contact: u128, day: &str, skus: &[&str]) -> Order {
        let lines: Vec<_> = skus
            .iter()
            .map(|sku| json!({"sku": sku, "name": format!("The {sku}"), "quantity": "1", "unit_price": "2", "amount": "2", "tax_amount": "0", "wants_product": false}))
            .collect();
        let contact = RecordId::from_u128(Prefix::Contact, contact);
        serde_json::from_value(json!({"contact_id": contact, "placed_on": day, "currency": "USD", "status": "fulfilled",
            "payment_status": "paid", "lines": lines, "tax_inclusive": false, "shipping": "0", "rounding": "0", "subtotal": "2",
            "tax": "0", "total": "2", "paid": "2", "refunded": "0", "balance": "0", "payments": [], "historic": false}))
        .unwrap()
    }

    fn product(category: &str, price: &str, currency: &str) -> Product {
        serde_json::from_value(json!({"name": "P", "category": category, "active": true,
            "price": {"amount": price, "currency": currency}}))
        .unwrap()
    }

    #[test]
    fn a_page_holds_purchases_of_the_span_and_comes_back() {
        let since = "2026-01-01".parse().unwrap();
        let mut page = BasketPage::default();
        let mut draft = order(1, "2026-02-01", &["A"]);
        draft.status = rapport_domain::order::OrderStatus::Draft;
        for order in [
            order(1, "2026-02-01", &["A", "B", "a"]),
            order(1, "2025-12-31", &["A", "C"]),
            order(2, "2026-01-01", &["B"]),
            order(2, "2026-01-01", &[]),
            draft,
        ] {
            page.add(&order, since);
        }
        assert_eq!(page.articles.len(), 2);
        assert_eq!(page.baskets.len(), 2);
        let text = serde_json::to_string(&page).unwrap();
        assert!(text.len() <= page.bytes() + 40, "{} {}", text.len(), page.bytes());
        let back: BasketPage = serde_json::from_str(&text).unwrap();
        assert_eq!((back.articles, back.baskets), (page.articles, page.baskets));
    }

    /// Twelve orders of bread and butter, four of bread with jam, eight of tea alone.
    fn baskets() -> Baskets {
        let mut baskets = Baskets::default();
        for n in 0..24_u128 {
            let skus: &[&str] = match n {
                0..12 => &["bread", "butter"],
                12..16 => &["bread", "jam"],
                _ => &["tea"],
            };
            let mut page = BasketPage::default();
            page.add(&order(n, "2026-02-01", skus), "2026-01-01".parse().unwrap());
            baskets.take(page);
        }
        baskets
    }

    #[test]
    fn rules_say_how_often_and_how_much_more_than_chance() {
        let (mined, rules) = baskets().mine();
        assert_eq!((mined.orders, mined.orders_with_several, mined.customers), (24, 16, 24));
        assert_eq!((mined.least_orders, mined.insufficient_data.as_deref()), (3, None));
        let cross: Vec<&Association> = rules
            .iter()
            .filter(|rule| rule.kind == SuggestionKind::CrossSell)
            .collect();
        assert_eq!(cross.len(), 4);
        let butter = cross
            .iter()
            .find(|rule| rule.consequent.sku() == Some("butter"))
            .unwrap();
        assert_eq!((butter.baskets, butter.antecedent_baskets), (12, 16));
        assert_eq!((butter.support, butter.confidence, butter.lift), (0.5, 0.75, 1.5));
        assert_eq!(butter.consequent.name.as_deref(), Some("The butter"));
        let owned = |skus: &[&str]| -> HashSet<String> { skus.iter().map(|sku| format!("sku:{sku}")).collect() };
        for (has, expected) in [
            (&["bread"][..], &["butter", "jam"][..]),
            (&["bread", "butter"], &["jam"]),
            (&["jam"], &["bread"]),
            (&["tea"], &[]),
            (&[], &[]),
        ] {
            let found = suggest(&rules, &owned(has));
            let skus: Vec<&str> = found.iter().filter_map(|rule| rule.consequent.sku()).collect();
            assert_eq!(skus, expected, "{has:?}");
        }
    }

    #[test]
    fn too_few_baskets_teach_nothing() {
        for n in [0, 1, 9] {
            let mut baskets = Baskets::default();
            for contact in 0..n {
                let mut page = BasketPage::default();
                page.add(
                    &order(contact, "2026-02-01", &["A", "B"]),
                    "2026-01-01".parse().unwrap(),
                );
                baskets.take(page);
            }
            let (mined, rules) = baskets.mine();
            assert_eq!(mined.insufficient_data.as_deref(), Some("too_few_baskets"), "{n}");
            assert!(rules.is_empty());
        }
    }

    #[test]
    fn only_the_dearer_of_the_same_category_is_an_up_sell() {
        let article = |key: &str| Article {
            key: key.to_owned(),
            name: None,
            price: None,
        };
        let rule = |from: &str, to: &str| Association {
            kind: SuggestionKind::UpSell,
            antecedent: vec![article(from)],
            consequent: article(to),
            support: 0.1,
            confidence: 0.5,
            lift: 2.0,
            baskets: 5,
            antecedent_baskets: 10,
        };
        let products = HashMap::from([
            ("small".to_owned(), product("Grinders", "10", "USD")),
            ("large".to_owned(), product("Grinders", "30", "USD")),
            ("foreign".to_owned(), product("Grinders", "900", "CNY")),
            ("kettle".to_owned(), product("Kettles", "50", "USD")),
        ]);
        for (from, to, kept) in [
            ("small", "large", true),
            ("large", "small", false),
            ("small", "small", false),
            ("small", "kettle", false),
            ("small", "foreign", false),
            ("small", "gone", false),
        ] {
            assert_eq!(!dearer(vec![rule(from, to)], &products).is_empty(), kept, "{from} {to}");
        }
        let mut cross = rule("gone", "also gone");
        cross.kind = SuggestionKind::CrossSell;
        assert_eq!(dearer(vec![cross.clone()], &products), [cross]);
    }
}

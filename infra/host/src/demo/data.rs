//! What is told of the demo firm in the files beside this one, and the API's inputs made of it. Pure.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The source under which every record of the demo firm has an external id.
pub const SOURCE: &str = "demo";
/// The currency of the demo firm.
pub const CURRENCY: &str = "GBP";

/// Everything in the files.
#[derive(Debug)]
pub struct Data {
    pub products: Vec<Product>,
    pub customers: Vec<Customer>,
    pub baskets: BTreeMap<String, Basket>,
    pub orders: Vec<Special>,
    pub leads: Vec<Lead>,
    pub tickets: Vec<Ticket>,
}

impl Data {
    /// Reads the files.
    ///
    /// # Errors
    /// When one of them is not what it should be.
    pub fn read() -> serde_json::Result<Self> {
        Ok(Self {
            products: serde_json::from_str(include_str!("products.json"))?,
            customers: serde_json::from_str(include_str!("customers.json"))?,
            baskets: serde_json::from_str(include_str!("baskets.json"))?,
            orders: serde_json::from_str(include_str!("orders.json"))?,
            leads: serde_json::from_str(include_str!("leads.json"))?,
            tickets: serde_json::from_str(include_str!("tickets.json"))?,
        })
    }

    /// The product of a stock keeping unit.
    pub fn product(&self, sku: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.sku == sku)
    }
}

/// Something that is sold. Prices are such that no discount or tax of the demo needs rounding.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    pub sku: String,
    name: String,
    category: String,
    pub price: String,
    cost: String,
    unit: String,
    stock: String,
    #[serde(default = "yes")]
    pub active: bool,
    /// Whether value added tax is due on it at home: tea and coffee are free of it.
    #[serde(default)]
    pub taxed: bool,
}

fn yes() -> bool {
    true
}

impl Product {
    /// The input of the product.
    pub fn input(&self) -> Value {
        json!({
            "sku": self.sku, "name": self.name, "category": self.category, "unit": self.unit, "stock": self.stock, "active": self.active,
            "price": {"amount": self.price, "currency": CURRENCY}, "cost": {"amount": self.cost, "currency": CURRENCY},
            "external_ids": {SOURCE: self.sku},
        })
    }
}

/// What a kind of customer puts into an order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basket {
    /// Percent off each line: 0, 10 or 20.
    pub discount: u64,
    /// How many lines an order has, from and to.
    pub lines: (u64, u64),
    /// Stock keeping unit and quantity, from and to.
    pub items: Vec<(String, u64, u64)>,
}

/// A customer: a person, alone or as the one who buys for a company.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Customer {
    pub key: String,
    /// The company's name.
    pub company: Option<String>,
    kind: Option<String>,
    industry: Option<String>,
    /// The host of the company's web site, and of the person's address.
    site: Option<String>,
    employees: Option<String>,
    /// In how many days the company pays; without it everything is paid at once.
    pub terms_days: Option<u64>,
    credit: Option<String>,
    price_list: Option<String>,
    given: String,
    family: String,
    title: Option<String>,
    occupation: Option<String>,
    gender: Option<String>,
    birthday: Option<String>,
    /// The part of the e-mail address before the @, where it does not follow from the name.
    mail: Option<String>,
    phone: Option<String>,
    street: Option<String>,
    postal_code: Option<String>,
    city: String,
    region: Option<String>,
    pub country: String,
    locale: Option<String>,
    favourites: Vec<String>,
    mailing: Option<String>,
    /// Whether nobody may write or call.
    blocked: bool,
    tags: Vec<String>,
    note: Option<String>,
    /// About so many days lie between two orders; 0 where there was only one.
    pub every: u64,
    /// How many days ago the first order was.
    pub since: u64,
    /// How many days ago the last order was.
    pub until: u64,
    pub basket: String,
    /// Multiplies the quantities.
    pub size: u64,
    /// Pays late, and in parts.
    pub slow: bool,
}

impl Customer {
    fn address(&self) -> Value {
        let mut address = json!({"city": self.city, "country": self.country, "primary": true});
        put(&mut address, "street", self.street.as_deref());
        put(&mut address, "postal_code", self.postal_code.as_deref());
        put(&mut address, "region", self.region.as_deref());
        address
    }

    fn email(&self) -> String {
        let local = self.mail.clone().unwrap_or_else(|| {
            let name = format!("{}.{}", self.given, self.family);
            name.chars().filter_map(plain).collect()
        });
        format!("{local}@{}", self.site.as_deref().unwrap_or("mail.example"))
    }

    /// The input of the company, where there is one.
    pub fn company_input(&self, owner: &str) -> Option<Value> {
        let list = self.price_list.as_deref().unwrap_or("trade");
        let mut input = json!({
            "name": self.company.as_ref()?, "country": self.country, "addresses": [self.address()], "owner_id": owner,
            "custom": {"price_list": list}, "external_ids": {SOURCE: self.key}, "tags": self.tags,
        });
        put(&mut input, "kind", self.kind.as_deref());
        put(&mut input, "industry", self.industry.as_deref());
        put(&mut input, "size", self.employees.as_deref());
        put(&mut input, "region", self.region.as_deref());
        put(&mut input, "terms_days", self.terms_days);
        put(&mut input, "note", self.note.as_deref());
        let site = self.site.as_deref().unwrap_or_default();
        put(&mut input, "website", Some(format!("https://{site}")));
        put(&mut input, "email", Some(format!("hello@{site}")));
        let credit = self.credit.as_ref();
        put(
            &mut input,
            "credit_limit",
            credit.map(|amount| json!({"amount": amount, "currency": CURRENCY})),
        );
        Some(input)
    }

    /// The input of the person.
    pub fn contact_input(&self, company: Option<&str>, owner: &str, today: Date) -> Value {
        let mut custom = Map::new();
        let since = today.saturating_sub(i64::try_from(self.since).unwrap_or_default().days());
        custom.insert("customer_since".to_owned(), since.to_string().into());
        if !self.favourites.is_empty() {
            custom.insert("favourites".to_owned(), self.favourites.clone().into());
        }
        let mut input = json!({
            "given_name": self.given, "family_name": self.family, "email": self.email(), "addresses": [self.address()],
            "locale": self.locale.as_deref().unwrap_or("en-GB"), "do_not_contact": self.blocked, "owner_id": owner,
            "custom": custom, "external_ids": {SOURCE: self.key},
        });
        let label = if self.company.is_some() { "work" } else { "mobile" };
        put(
            &mut input,
            "phones",
            self.phone
                .as_ref()
                .map(|number| json!([{"number": number, "label": label}])),
        );
        put(&mut input, "title", self.title.as_deref());
        put(&mut input, "occupation", self.occupation.as_deref());
        put(&mut input, "gender", self.gender.as_deref());
        put(&mut input, "birthday", self.birthday.as_deref());
        put(&mut input, "company_id", company);
        let mailing = self.mailing.as_ref();
        put(
            &mut input,
            "consent",
            mailing.map(|status| json!({"email": {"status": status, "source": "web form"}})),
        );
        // What is said of a company stands at the company.
        if self.company.is_none() {
            put(
                &mut input,
                "tags",
                Some(&self.tags).filter(|tags| !tags.is_empty()).map(|tags| json!(tags)),
            );
            put(&mut input, "note", self.note.as_deref());
        }
        input
    }
}

/// A character of a name in an e-mail address.
fn plain(c: char) -> Option<char> {
    let c = c.to_lowercase().next()?;
    match c {
        'à'..='å' => Some('a'),
        'è'..='ë' => Some('e'),
        'ì'..='ï' => Some('i'),
        'ò'..='ö' => Some('o'),
        'ù'..='ü' => Some('u'),
        _ => Some(c).filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')),
    }
}

fn put(input: &mut Value, field: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        input[field] = value.into();
    }
}

/// How an order of its own stands with its payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paid {
    /// Nothing came.
    None,
    /// Half of it came.
    Half,
    /// All of it came.
    All,
    /// All came, and the price of one piece of the last line was given back.
    LessOne,
    /// All came and all was given back.
    Returned,
}

/// An order beside the customers' rhythms.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Special {
    pub key: String,
    pub customer: String,
    pub days_ago: u64,
    pub status: String,
    pub lines: Vec<(String, u64)>,
    pub paid: Paid,
}

/// A lead: an input of the API beside a few fields of our own.
#[derive(Debug, Deserialize)]
pub struct Lead {
    key: String,
    pub status: String,
    value: Option<String>,
    #[serde(default)]
    sample: bool,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Lead {
    /// The input of the lead. One that was converted is qualified before.
    pub fn input(&self, owner: &str) -> Value {
        let mut input = Value::Object(self.rest.clone());
        input["status"] = if self.status == "converted" {
            "qualified"
        } else {
            &self.status
        }
        .into();
        input["external_ids"] = json!({SOURCE: self.key});
        input["custom"] = json!({"sample_sent": self.sample});
        put(
            &mut input,
            "value",
            self.value
                .as_ref()
                .map(|amount| json!({"amount": amount, "currency": CURRENCY})),
        );
        if self.status != "new" {
            input["owner_id"] = owner.into();
        }
        input
    }
}

/// A ticket with its conversation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    key: String,
    pub customer: String,
    subject: String,
    body: String,
    channel: String,
    kind: String,
    priority: String,
    /// The status it ends with.
    pub end: String,
    /// Whether it is about the customer's latest order.
    order: Option<bool>,
    /// Who says what: `agent`, `customer`, or `note` for what the customer does not see.
    #[serde(default)]
    pub talk: Vec<BTreeMap<String, String>>,
    /// How it was solved.
    pub resolution: Option<String>,
    /// Whether it is to be late at once.
    #[serde(default)]
    pub overdue: bool,
    /// Whether it is a matter for somebody higher up.
    #[serde(default)]
    pub escalate: bool,
}

impl Ticket {
    /// The input of the ticket.
    pub fn input(&self, contact: &str, order: Option<&String>, assignee: &str) -> Value {
        let mut input = json!({
            "subject": self.subject, "body": self.body, "channel": self.channel, "kind": self.kind, "priority": self.priority,
            "contact_id": contact, "external_ids": {SOURCE: self.key},
        });
        put(
            &mut input,
            "order_id",
            order.filter(|_| self.order == Some(true)).map(String::as_str),
        );
        put(&mut input, "assignee_id", Some(assignee).filter(|_| self.end != "new"));
        input
    }
}

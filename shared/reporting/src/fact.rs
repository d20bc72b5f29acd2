//! What one record adds to reports, and where it lies.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::order::Order;
use rapport_domain::product::Product;
use rapport_domain::ticket::{Ticket, TicketKind};
use rapport_domain::{Prefix, Record, RecordId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use rapport_domain::event::REPORTED as NOUNS;

use crate::cells::{Cell, Dimension, Entry, Family, NONE};
use crate::measure::Measure;
use crate::period::month_of;
use crate::sale::Sale;
use crate::stock::{Level, MOST_LEVELS, Stock};

/// In how many buckets the facts of an undated family lie.
pub const BUCKETS: u128 = 64;

/// The name of the sheet of a family without days.
pub const WHOLE: &str = "all";

/// The family that records of a noun add to.
#[must_use]
pub fn family_of(noun: &str) -> Option<Family> {
    Some(match noun {
        "order" => Family::Sales,
        "contact" => Family::Contacts,
        "company" => Family::Companies,
        "product" => Family::Stock,
        "ticket" => Family::Service,
        _ => return None,
    })
}

/// The id of a record of a noun.
#[must_use]
pub fn id_of(noun: &str, text: &str) -> Option<RecordId> {
    let prefix = match noun {
        "order" => Prefix::Order,
        "contact" => Prefix::Contact,
        "company" => Prefix::Company,
        "product" => Prefix::Product,
        "ticket" => Prefix::Ticket,
        _ => return None,
    };
    RecordId::parse(prefix, text).ok()
}

/// What a contact or a company adds: itself, by what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The record.
    pub id: RecordId,
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub traits: Vec<(Dimension, String)>,
}

/// What a ticket adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The ticket.
    pub ticket: RecordId,
    /// Its number.
    pub number: u64,
    /// The day it was opened.
    pub day: Date,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<RecordId>,
    /// The company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<RecordId>,
    /// Whether it is a complaint.
    pub complaint: bool,
}

/// What one record adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "snake_case")]
pub enum Fact {
    /// An order.
    Sales(Sale),
    /// A contact.
    Contacts(Member),
    /// A company.
    Companies(Member),
    /// A product.
    Stock(Stock),
    /// A ticket.
    Service(Request),
}

/// A record's level of stock at a time.
#[derive(Clone, Debug)]
pub struct Version {
    /// When.
    pub at: Timestamp,
    /// The product as it was.
    pub product: Value,
}

fn read<K: rapport_domain::record::Kind>(doc: &str) -> Result<Record<K>, serde_json::Error> {
    serde_json::from_str(doc)
}

impl Fact {
    /// What a record adds as it is now; `None` where it adds nothing. `versions` are those of a product, in any order.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn of(noun: &str, doc: &str, versions: &[Version], zone: &TimeZone) -> Result<Option<Self>, serde_json::Error> {
        Ok(match noun {
            "order" => Sale::of(&read::<Order>(doc)?).map(Self::Sales),
            "contact" => Some(Self::Contacts(contact(read(doc)?))),
            "company" => Some(Self::Companies(company(read(doc)?))),
            "product" => Some(Self::Stock(stock(read(doc)?, versions, zone))),
            "ticket" => {
                let Record { meta, body } = read::<Ticket>(doc)?;
                Some(Self::Service(Request {
                    ticket: meta.id,
                    number: body.number,
                    day: meta.created_at.to_zoned(zone.clone()).date(),
                    customer: body.contact_id,
                    company: body.company_id,
                    complaint: body.kind == TicketKind::Complaint,
                }))
            }
            _ => None,
        })
    }

    /// The family.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Sales(_) => Family::Sales,
            Self::Contacts(_) => Family::Contacts,
            Self::Companies(_) => Family::Companies,
            Self::Stock(_) => Family::Stock,
            Self::Service(_) => Family::Service,
        }
    }

    /// The record.
    #[must_use]
    pub const fn record(&self) -> RecordId {
        match self {
            Self::Sales(sale) => sale.order,
            Self::Contacts(member) | Self::Companies(member) => member.id,
            Self::Stock(stock) => stock.product,
            Self::Service(request) => request.ticket,
        }
    }

    /// What people call the record.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Sales(sale) => sale.number.clone().unwrap_or_else(|| sale.order.to_string()),
            Self::Contacts(member) | Self::Companies(member) => member.name.clone(),
            Self::Stock(stock) => stock.name.clone(),
            Self::Service(request) => request.number.to_string(),
        }
    }

    /// Its day, where it has one.
    #[must_use]
    pub const fn day(&self) -> Option<Date> {
        match self {
            Self::Sales(sale) => Some(sale.day),
            Self::Service(request) => Some(request.day),
            Self::Contacts(_) | Self::Companies(_) | Self::Stock(_) => None,
        }
    }

    /// The sheet and the bucket in it.
    #[must_use]
    pub fn place(&self) -> (String, String) {
        match self.day() {
            Some(day) => (month_of(day), day.to_string()),
            None => {
                // The last bits of an id are random.
                let bucket = self.record().as_u128() % BUCKETS;
                (WHOLE.to_owned(), format!("{bucket:02}"))
            }
        }
    }

    /// What it adds to which cell.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let plain = |dimension, key: String, values| Entry {
            cell: Cell {
                dimension,
                key,
                currency: String::new(),
            },
            values,
        };
        match self {
            Self::Sales(sale) => sale.entries(),
            Self::Contacts(member) | Self::Companies(member) => member
                .traits
                .iter()
                .map(|(dimension, key)| plain(*dimension, key.clone(), vec![(Measure::Count, Decimal::ONE)]))
                .collect(),
            Self::Stock(_) => Vec::new(),
            Self::Service(request) => {
                let mut values = vec![(Measure::Tickets, Decimal::ONE)];
                if request.complaint {
                    values.push((Measure::Complaints, Decimal::ONE));
                }
                let id = |id: Option<RecordId>| id.map_or_else(|| NONE.to_owned(), |id| id.to_string());
                vec![
                    plain(Dimension::Day, request.day.to_string(), values.clone()),
                    plain(Dimension::Customer, id(request.customer), values.clone()),
                    plain(Dimension::Company, id(request.company), values),
                ]
            }
        }
    }

    /// What it adds to one measure of one cell; nothing where that is zero.
    #[must_use]
    pub fn value(&self, cell: &Cell, measure: Measure) -> Option<Decimal> {
        self.entries()
            .into_iter()
            .find(|entry| entry.cell == *cell)?
            .values
            .into_iter()
            .find(|(known, _)| *known == measure)
            .map(|(_, value)| value)
    }
}

/// A text as a key: trimmed, lower case, so that `Retail` and `retail ` are one.
fn key(text: Option<&str>) -> String {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => text.chars().take(100).collect::<String>().to_lowercase(),
        None => NONE.to_owned(),
    }
}

fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_else(|| NONE.to_owned())
}

fn contact(Record { meta, body }: Record<Contact>) -> Member {
    let address = body.addresses.first();
    let traits = vec![
        (Dimension::Occupation, key(body.occupation.as_deref())),
        (
            Dimension::BirthYear,
            body.birthday
                .map_or_else(|| NONE.to_owned(), |day| format!("{:04}", day.year())),
        ),
        (
            Dimension::Gender,
            body.gender.as_ref().map_or_else(|| NONE.to_owned(), word),
        ),
        (
            Dimension::Region,
            key(address.and_then(|address| address.region.as_deref())),
        ),
        (
            Dimension::Country,
            key(address.and_then(|address| address.country.as_deref())).to_uppercase(),
        ),
    ];
    Member {
        id: meta.id,
        name: body.name,
        traits,
    }
}

fn company(Record { meta, body }: Record<Company>) -> Member {
    let address = body.addresses.first();
    let region = body.region.as_deref();
    let country = body.country.as_deref();
    let traits = vec![
        (Dimension::Kind, word(&body.kind)),
        (Dimension::Industry, key(body.industry.as_deref())),
        (Dimension::Size, key(body.size.as_deref())),
        (Dimension::Region, key(region.or_else(|| address?.region.as_deref()))),
        (
            Dimension::Country,
            key(country.or_else(|| address?.country.as_deref())).to_uppercase(),
        ),
    ];
    Member {
        id: meta.id,
        name: body.name,
        traits,
    }
}

fn stock(Record { meta, body }: Record<Product>, versions: &[Version], zone: &TimeZone) -> Stock {
    let mut versions: Vec<&Version> = versions.iter().collect();
    versions.sort_by_key(|version| (version.at, version.product["version"].as_u64()));
    let mut levels: Vec<Level> = Vec::new();
    let currency = body.cost.map(|cost| cost.currency);
    let mut level = |at: Timestamp, product: &Product| {
        let Some(units) = product.stock else { return };
        let level = Level {
            day: at.to_zoned(zone.clone()).date(),
            units: units.0.normalize(),
            // What it cost in another currency says nothing here.
            cost: product
                .cost
                .filter(|cost| Some(cost.currency) == currency)
                .map(|cost| cost.amount.0.normalize()),
        };
        match levels.last_mut() {
            Some(last) if last.day == level.day => *last = level,
            Some(last) if (last.units, last.cost) == (level.units, level.cost) => {}
            _ => levels.push(level),
        }
    };
    for version in versions {
        if let Ok(product) = serde_json::from_value::<Product>(version.product.clone()) {
            level(version.at, &product);
        }
    }
    level(meta.updated_at, &body);
    let surplus = levels.len().saturating_sub(MOST_LEVELS);
    levels.drain(..surplus);
    Stock {
        product: meta.id,
        name: body.name,
        category: body.category,
        currency: currency.map(|currency| currency.code().to_owned()),
        levels,
    }
}

//! Making numbers of sums: each with its formula, its filter and the address of its rows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Ask, Definition, Source, rates};
use crate::answer::{Answer, Explain, Group, Number, Numbers, Part};
use crate::cells::{Cells, Dimension, Family};
use crate::measure::{Measure, Sum, Sums, Unit};
use crate::period::{Days, Grain};

/// A grouping that reports share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// By spans of days.
    Time(Grain),
    /// By the keys of a dimension.
    Keys(Dimension),
}

impl Grouping {
    /// What a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Grain::from_word(word)
            .map(Self::Time)
            .or_else(|| Dimension::from_word(word).map(Self::Keys))
    }

    /// The dimension whose sums it needs.
    #[must_use]
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::Time(_) => Dimension::Day,
            Self::Keys(dimension) => dimension,
        }
    }
}

/// Which records a number is made of.
#[derive(Clone, Debug)]
pub struct Place {
    /// The days.
    pub days: Option<Days>,
    /// The dimension's word and the key.
    pub key: Option<(&'static str, String)>,
    /// The currency of amounts, where anything is money.
    pub currency: Option<String>,
}

/// Sums and the records they are made of.
#[derive(Clone, Debug)]
pub struct Line {
    /// The sums.
    pub sums: Sums,
    /// The records.
    pub place: Place,
}

/// What the numbers of one group are made from.
#[derive(Debug)]
pub struct Row<'a> {
    /// The group's own.
    pub own: &'a Line,
    /// The same of as many days before.
    pub before: Option<&'a Line>,
    /// Of all groups together.
    pub total: &'a Line,
}

/// One report being written.
#[derive(Clone, Copy, Debug)]
pub struct Book<'a> {
    /// The report.
    pub definition: &'static Definition,
    /// What is asked.
    pub ask: &'a Ask,
    /// What was read.
    pub source: &'a Source<'a>,
}

impl<'a> Book<'a> {
    /// A report to be written.
    #[must_use]
    pub fn new(definition: &'static Definition, ask: &'a Ask, source: &'a Source<'a>) -> Self {
        Self {
            definition,
            ask,
            source,
        }
    }

    /// The tenant's currency.
    #[must_use]
    pub fn home(&self) -> &'static str {
        self.source.settings.currency.code()
    }

    /// What a measure of some records comes to.
    #[must_use]
    pub fn sum(&self, measure: Measure, line: &Line) -> Number {
        let Sum(value, rows) = line.sums.get(measure);
        let mut number = self.given(measure.unit(), measure.formula(), value, rows, &line.place);
        number.rows = Some(self.address(measure.word(), &line.place, &[]));
        number
    }

    /// A number of a value that is known already.
    #[must_use]
    pub fn given(&self, unit: Unit, formula: &str, value: Decimal, rows: u64, place: &Place) -> Number {
        Number {
            value: Some(value.normalize()),
            unit,
            rows: None,
            of: Numbers::default(),
            interval: None,
            explain: Explain {
                formula: formula.to_owned(),
                filter: filter(place),
                rows,
                as_of: self.source.as_of,
            },
        }
    }

    /// The address of the rows of a number.
    #[must_use]
    pub fn address(&self, measure: &str, place: &Place, more: &[(&str, &str)]) -> String {
        let mut query = vec![("measure", measure.to_owned())];
        if let Some(days) = place.days {
            query.push(("from", days.from.to_string()));
            query.push(("to", days.to.to_string()));
        }
        if let Some((word, key)) = &place.key {
            query.push(("by", (*word).to_owned()));
            query.push(("key", key.clone()));
        }
        if let Some(currency) = &place.currency {
            query.push(("currency", currency.clone()));
            if self.ask.convert {
                query.push(("convert", "true".to_owned()));
            }
        }
        query.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let query: Vec<String> = query
            .into_iter()
            .map(|(name, value)| format!("{name}={}", escaped(&value)))
            .collect();
        format!("/v1/reports/{}/rows?{}", self.definition.name, query.join("&"))
    }

    /// The cells of a dimension, converted where that is asked for.
    #[must_use]
    pub fn cells(&self, family: Family, dimension: Dimension, days: Days) -> Cells {
        let cells = self.source.cells(family, dimension, days);
        if self.ask.convert {
            cells.converted(&rates(self.source.settings), self.home())
        } else {
            cells
        }
    }

    /// An answer with these parts.
    #[must_use]
    pub fn answer(&self, parts: Vec<Part>) -> Answer {
        let mut notes = Vec::new();
        if parts.iter().filter(|part| part.currency.is_some()).count() > 1 {
            notes.push(if self.ask.convert {
                "amounts in currencies without a rate in the settings stand apart".to_owned()
            } else {
                "currencies are not added: convert=true converts by the rates in the settings".to_owned()
            });
        }
        Answer {
            name: self.definition.name,
            title: self.definition.title.of(&self.source.settings.locale),
            from: self.ask.days.from,
            to: self.ask.days.to,
            by: self.ask.by.to_owned(),
            as_of: self.source.as_of,
            settling: false,
            insufficient_data: parts.is_empty().then_some("no_orders"),
            notes,
            parts,
        }
    }

    /// Parts by currency, grouped as asked; `numbers` makes those of a group and of the totals. Groups of keys come by
    /// `sort`, greatest first.
    #[must_use]
    pub fn parts(
        &self,
        family: Family,
        grouping: Grouping,
        with_before: bool,
        sort: Measure,
        numbers: impl Fn(&Self, &Row<'_>) -> Numbers,
    ) -> Vec<Part> {
        let days = self.ask.days;
        let earlier = days.before();
        let by_day = self.cells(family, Dimension::Day, days);
        let by_day_before = with_before.then(|| self.cells(family, Dimension::Day, earlier));
        let by_key = match grouping {
            Grouping::Time(_) => None,
            Grouping::Keys(dimension) => Some((
                dimension,
                self.cells(family, dimension, days),
                with_before.then(|| self.cells(family, dimension, earlier)),
            )),
        };
        let currencies: BTreeSet<String> = by_day.iter().map(|(cell, _)| cell.currency.clone()).collect();
        let mut currencies: Vec<String> = currencies.into_iter().collect();
        // The tenant's own first.
        currencies.sort_by_key(|currency| (currency != self.home(), currency.clone()));
        let line = |sums: Sums, days, key, currency: &str| Line {
            sums,
            place: Place {
                days: Some(days),
                key,
                currency: Some(currency.to_owned()).filter(|currency| !currency.is_empty()),
            },
        };
        currencies
            .into_iter()
            .map(|currency| {
                let here = dated(&by_day, &currency);
                let total = line(all(&here, days), days, None, &currency);
                let total_before = by_day_before
                    .as_ref()
                    .map(|cells| line(all(&dated(cells, &currency), earlier), earlier, None, &currency));
                let mut groups: Vec<(String, Line, Option<Line>)> = Vec::new();
                match (grouping, &by_key) {
                    (Grouping::Keys(_), Some((dimension, cells, before))) => {
                        let word = dimension.word();
                        let before = before.as_ref().map(|cells| keyed(cells, &currency));
                        let mut now = keyed(cells, &currency);
                        // Who bought before and not now has shrunk to nothing, and belongs here too.
                        for key in before.iter().flat_map(BTreeMap::keys) {
                            now.entry(key.clone()).or_default();
                        }
                        for (key, sums) in now {
                            let place = Some((word, key.clone()));
                            let then = before.as_ref().map(|before| {
                                let sums = before.get(&key).cloned().unwrap_or_default();
                                line(sums, earlier, place.clone(), &currency)
                            });
                            groups.push((key, line(sums, days, place, &currency), then));
                        }
                        groups.sort_by(|l, r| {
                            let (left, right) = (l.1.sums.value(sort), r.1.sums.value(sort));
                            right.cmp(&left).then_with(|| l.0.cmp(&r.0))
                        });
                    }
                    (Grouping::Time(grain), _) => {
                        for span in days.spans(grain) {
                            let sums = all(&here, span);
                            groups.push((grain.name(span.from), line(sums, span, None, &currency), None));
                        }
                    }
                    (Grouping::Keys(_), None) => {}
                }
                // Spans of time are limited by the days that may be asked for: none of them is worth more than another.
                let left_out = match grouping {
                    Grouping::Time(_) => 0,
                    Grouping::Keys(_) => groups.len().saturating_sub(self.ask.limit),
                };
                groups.truncate(groups.len() - left_out);
                let totals = Row {
                    own: &total,
                    before: total_before.as_ref(),
                    total: &total,
                };
                Part {
                    currency: total.place.currency.clone(),
                    converted: self.converted(&currency),
                    totals: numbers(self, &totals),
                    groups: groups
                        .iter()
                        .map(|(key, own, before)| Group {
                            key: key.clone(),
                            title: key.clone(),
                            numbers: numbers(
                                self,
                                &Row {
                                    own,
                                    before: before.as_ref(),
                                    total: &total,
                                },
                            ),
                        })
                        .collect(),
                    groups_left_out: left_out,
                }
            })
            .collect()
    }

    /// The rates that went into a part in a currency.
    #[must_use]
    pub fn converted(&self, currency: &str) -> Vec<(String, Decimal)> {
        if self.ask.convert && currency == self.home() {
            rates(self.source.settings).into_iter().collect()
        } else {
            Vec::new()
        }
    }
}

/// The sums of a currency by key.
#[must_use]
pub fn keyed(cells: &Cells, currency: &str) -> BTreeMap<String, Sums> {
    let own = cells.iter().filter(|(cell, _)| cell.currency == currency);
    own.map(|(cell, sums)| (cell.key.clone(), sums.clone())).collect()
}

/// The sums of a currency by day.
#[must_use]
pub fn dated<'a>(by_day: &'a Cells, currency: &str) -> BTreeMap<Date, &'a Sums> {
    let own = by_day.iter().filter(|(cell, _)| cell.currency == currency);
    own.filter_map(|(cell, sums)| Some((cell.key.parse().ok()?, sums)))
        .collect()
}

/// The sums of some days together.
#[must_use]
pub fn all(by_day: &BTreeMap<Date, &Sums>, days: Days) -> Sums {
    let mut sums = Sums::default();
    for own in by_day.range(days.from..=days.to).map(|(_, own)| own) {
        sums.merge(own);
    }
    sums
}

/// A filter in words.
fn filter(place: &Place) -> String {
    let mut words = Vec::new();
    if let Some(days) = place.days {
        words.push(format!("{} to {}", days.from, days.to));
    }
    if let Some((word, key)) = &place.key {
        words.push(format!("{word} {key}"));
    }
    if let Some(currency) = &place.currency {
        words.push(format!("currency {currency}"));
    }
    if words.is_empty() {
        "all".to_owned()
    } else {
        words.join(", ")
    }
}

/// A text in a query.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

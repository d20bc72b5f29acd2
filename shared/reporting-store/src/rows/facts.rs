//! Rows that are facts: those that add to a cell.

use rapport_domain::settings::Settings;
use rapport_http::{Caller, Problem};
use rapport_reporting::cells::{Cell, Dimension, Family, convert};
use rapport_reporting::fact::{Fact, NOUNS, WHOLE, family_of};
use rapport_reporting::measure::Measure;
use rapport_reporting::period::{Days, first_of, month_of};
use rapport_reporting::report::composition::{age_band, sums_of};
use rapport_reporting::report::rates;
use rapport_runtime::App;
use rust_decimal::Decimal;

use super::{At, Page, ReportRow, Wanted, dimension, href};

/// The most facts read for one page.
const MOST_READ: usize = 1_000;

/// Which cells are wanted.
struct Cells<'a> {
    family: Family,
    dimension: Dimension,
    measure: Measure,
    wanted: &'a Wanted<'a>,
    settings: &'a Settings,
}

impl<'a> Cells<'a> {
    fn of(wanted: &'a Wanted<'a>, settings: &'a Settings) -> Result<Self, Problem> {
        let measure = wanted.measure.unwrap_or(Measure::Count);
        let (family, dimension) = match (measure, wanted.by) {
            (Measure::Count, Some(by)) => sums_of(by).ok_or_else(Problem::not_found)?,
            (Measure::Count, None) => (Family::Contacts, Dimension::Occupation),
            (Measure::Tickets | Measure::Complaints, by) => {
                (Family::Service, by.map_or(Ok(Dimension::Day), dimension)?)
            }
            (_, by) => (Family::Sales, by.map_or(Ok(Dimension::Day), dimension)?),
        };
        Ok(Self {
            family,
            dimension,
            measure,
            wanted,
            settings,
        })
    }

    fn has(&self, cell: &Cell) -> bool {
        let key = self.wanted.key.is_none_or(|key| {
            if self.wanted.by == Some("age_band") {
                age_band(&cell.key, self.wanted.today) == key
            } else {
                cell.key == key
            }
        });
        cell.dimension == self.dimension && key
    }

    /// What a fact adds, in the currency wanted.
    fn value(&self, fact: &Fact) -> Option<Decimal> {
        let entry = fact.entries().into_iter().find(|entry| self.has(&entry.cell))?;
        let (_, value) = entry.values.into_iter().find(|(measure, _)| *measure == self.measure)?;
        let own = entry.cell.currency;
        match self.wanted.currency {
            Some(wanted) if wanted != own => {
                // Converted into the tenant's own.
                let home = self.settings.currency.code();
                let rates = rates(self.settings);
                let rate = rates.get(&own).filter(|_| self.wanted.convert && wanted == home)?;
                Some(convert(self.measure, value, *rate))
            }
            _ => Some(value),
        }
    }

    /// The sheets, rising, and the first and last bucket of each.
    fn sheets(&self) -> Vec<(String, String, String)> {
        let days = self.wanted.days;
        if !self.family.is_dated() {
            return vec![(WHOLE.to_owned(), String::new(), "~".to_owned())];
        }
        days.months()
            .into_iter()
            .filter_map(|month| {
                let first = first_of(&month)?;
                let within = Days {
                    from: first.max(days.from),
                    to: first.last_of_month().min(days.to),
                };
                Some((month_of(first), within.from.to_string(), within.to.to_string()))
            })
            .collect()
    }
}

/// The rows behind a sum of facts: at most 1,000 are read for a page, which may therefore be short.
pub(super) async fn rows(
    app: &App,
    caller: &Caller,
    wanted: &Wanted<'_>,
    settings: &Settings,
    after: At,
) -> Result<Page, Problem> {
    let cells = Cells::of(wanted, settings)?;
    let named = NOUNS
        .iter()
        .any(|noun| family_of(noun) == Some(cells.family) && caller.reads(noun));
    let mut rows = Vec::new();
    let mut read = 0;
    let mut at = after.after;
    for (sheet, from, to) in cells.sheets() {
        if sheet < after.sheet {
            continue;
        }
        loop {
            let place = (cells.family.word(), sheet.as_str());
            let (facts, next) = app
                .store
                .facts(
                    caller.tenant,
                    place,
                    (&from, &to),
                    MOST_READ - read,
                    at.as_deref(),
                    false,
                )
                .await?;
            read += facts.len().max(1);
            for (sk, doc) in facts {
                let fact: Fact = serde_json::from_str(&doc).map_err(|error| Problem::internal(error.to_string()))?;
                let Some(value) = cells.value(&fact) else { continue };
                let record = fact.record().to_string();
                rows.push(ReportRow {
                    href: href(&record),
                    // Names are for those who may read the records themselves.
                    title: if named { fact.title() } else { record.clone() },
                    on: fact.day(),
                    note: None,
                    record,
                    value,
                });
                if rows.len() >= wanted.limit {
                    let next = At {
                        sheet,
                        after: Some(sk),
                        skip: 0,
                    };
                    return Ok((rows, Some(next)));
                }
            }
            at = next;
            if at.is_some() && read >= MOST_READ {
                let next = At {
                    sheet,
                    after: at,
                    skip: 0,
                };
                return Ok((rows, Some(next)));
            }
            if at.is_none() {
                break;
            }
        }
        if read >= MOST_READ {
            // The next sheet from its beginning: `~` lies above every month.
            let next = At {
                sheet: format!("{sheet}~"),
                after: None,
                skip: 0,
            };
            return Ok((rows, Some(next)));
        }
    }
    Ok((rows, None))
}

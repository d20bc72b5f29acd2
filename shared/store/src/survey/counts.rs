//! The counts of a survey by day: one row for each invitation and day it adds to, and rows of counts made from these.
//!
//! The partition `survey_tally#<survey>#<day>` holds what each invitation adds, which an older version never overwrites.
//! After a tally is written the day is counted anew from all of them, and the counts are replaced only if nobody else
//! replaced them since they were looked at: there are no counters, and a message that comes twice changes nothing. Counts that are as
//! before are marked all the same by whoever wrote a tally: somebody may be about to write what they were in between.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::civil::Date;
use rapport_domain::survey::{Counts, Grouping, Invitation, Survey, Tally, count};
use rapport_domain::{Kind as _, Record, RecordId, TenantId};
use sha2::{Digest as _, Sha256};

use crate::page::{Position, Query, Row};
use crate::{Item, Key, Store, StoreError, Table, Write, number, number_of, text, text_of};

/// So many groups lie in one item: a day's products may be many, and an item has at most 400 KB.
const GROUPS: usize = 200;
/// At most so many items of counts are read for one answer: more than 13 years of days.
pub const MOST_DAYS: usize = 5_000;
/// How often a lost race is run again.
const ATTEMPTS: u32 = 8;
/// What a failed condition means when a newer tally lies there.
const NEWER: &str = "a newer tally is kept";
/// What a failed condition means when the counts were replaced meanwhile.
const RACED: &str = "the day was counted meanwhile";

fn tallies(survey: RecordId, day: Date) -> String {
    format!("survey_tally#{survey}#{day}")
}

fn counts(survey: RecordId) -> String {
    format!("survey_counts#{survey}")
}

fn place(grouping: Grouping, day: Date, part: usize) -> String {
    format!("{}#{day}#{part:03}", grouping.as_str())
}

/// What becomes of counts that are as they were before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AsBefore {
    /// Nothing.
    Left,
    /// They are marked, for whoever is about to write others.
    Marked,
    /// They are written again: some may be lost.
    Written,
}

/// The counts of one day, as items are made of them.
struct Day {
    /// The parts of each grouping as JSON.
    parts: Vec<(Grouping, usize, String)>,
    /// How many parts the products have.
    products: usize,
    /// Tells these counts from others.
    digest: String,
}

impl Day {
    fn of(found: &[Tally]) -> Result<Self, StoreError> {
        let mut parts = Vec::new();
        let mut products = 0;
        let mut digest = Sha256::new();
        for grouping in Grouping::EVERY {
            let groups: Vec<_> = count(found, grouping).into_iter().collect();
            let mut chunks: Vec<Counts> = groups
                .chunks(GROUPS)
                .map(|chunk| chunk.iter().cloned().collect())
                .collect();
            if chunks.is_empty() {
                chunks.push(Counts::new());
            }
            if grouping == Grouping::Product {
                products = chunks.len();
            }
            for (part, chunk) in chunks.iter().enumerate() {
                let json = json(chunk)?;
                digest.update(&json);
                digest.update([0]);
                parts.push((grouping, part, json));
            }
        }
        let digest = digest.finalize();
        let digest = digest
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        Ok(Self {
            parts,
            products,
            digest,
        })
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Internal(error.to_string()))
}

fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError::Internal(format!("stored counts are unreadable: {error}"))
}

impl Store {
    /// Brings the counts of the days that an invitation adds to up to date with it. An invitation that is gone adds
    /// nothing. About 1 write unit for the tally, 10 for counts that differ and 1 for those that do not, and a strongly consistent read of the
    /// day's tallies, some 17 to a unit.
    ///
    /// # Errors
    /// When the store does not answer, or others keep counting the same day.
    pub async fn count_invitation(&self, tenant: TenantId, id: RecordId) -> Result<(), StoreError> {
        let row = match self.row::<Invitation>(tenant, id).await {
            Ok(row) => row,
            Err(StoreError::Missing) => return Ok(()),
            Err(error) => return Err(error),
        };
        for (survey, day, put) in self.put_tallies(tenant, id, &row).await? {
            let as_before = if put { AsBefore::Marked } else { AsBefore::Left };
            self.count_day(tenant, survey, day, as_before).await?;
        }
        Ok(())
    }

    /// Brings the days that a page of invitations adds to up to date, whatever was counted of them; the last invitation of the page, where
    /// others follow. Costs what [`Store::count_invitation`] costs for each, but that each day is counted and written once.
    ///
    /// # Errors
    /// When the store does not answer, or others keep counting the same day.
    pub async fn recount_invitations(
        &self,
        tenant: TenantId,
        after: Option<String>,
        page: usize,
    ) -> Result<Option<String>, StoreError> {
        let query = Query {
            partition: Invitation::NOUN.to_owned(),
            consistent: true,
            ..Query::default()
        };
        let after = after.map(Position::after);
        let page = self.query(tenant, Table::Surveys, &query, page, after.as_ref()).await?;
        let mut days = BTreeSet::new();
        for row in page.items.iter().filter_map(Row::read) {
            let Ok(id) = RecordId::parse(Invitation::PREFIX, &row.id) else {
                continue;
            };
            let put = self.put_tallies(tenant, id, &row).await?;
            days.extend(put.into_iter().map(|(survey, day, _)| (survey, day)));
        }
        for (survey, day) in days {
            self.count_day(tenant, survey, day, AsBefore::Written).await?;
        }
        Ok(page.next.map(|next| next.sk))
    }

    /// Notes what an invitation adds, and to which days; whether it was the latest to do so.
    async fn put_tallies(
        &self,
        tenant: TenantId,
        id: RecordId,
        row: &Row,
    ) -> Result<Vec<(RecordId, Date, bool)>, StoreError> {
        let invitation: Record<Invitation> = crate::records::parse(&row.doc)?;
        let survey = invitation.body.survey_id;
        let items = match self.get::<Survey>(tenant, survey).await {
            Ok(survey) => survey.body.items,
            Err(StoreError::Missing) => Survey::usual_items(invitation.body.metric),
            Err(error) => return Err(error),
        };
        let mut days = Vec::new();
        for (day, tally) in invitation.body.tallies(&items) {
            let tally = Some(&tally).filter(|_| !row.gone);
            let put = self.put_tally(tenant, survey, day, id, row.version, tally).await?;
            days.push((survey, day, put));
        }
        Ok(days)
    }

    async fn put_tally(
        &self,
        tenant: TenantId,
        survey: RecordId,
        day: Date,
        id: RecordId,
        version: u64,
        tally: Option<&Tally>,
    ) -> Result<bool, StoreError> {
        let mut item = Key::new(tenant, &tallies(survey, day), id.to_string()).attributes();
        item.insert("v".to_owned(), number(version));
        if let Some(tally) = tally {
            item.insert("tally".to_owned(), text(json(tally)?));
        }
        let put = Put::builder()
            .table_name(self.table(Table::Surveys)?)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR v <= :version")
            .expression_attribute_values(":version", number(version))
            .build()
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        let mut write = Write::new(tenant);
        write.other(TransactWriteItem::builder().put(put).build(), NEWER);
        match write.commit(self).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Counts a day anew from its tallies.
    async fn count_day(
        &self,
        tenant: TenantId,
        survey: RecordId,
        day: Date,
        as_before: AsBefore,
    ) -> Result<(), StoreError> {
        let mut attempt = 0;
        loop {
            // What is there is looked at before the tallies are: whoever replaces it later has seen later ones.
            let first = Key::new(tenant, &counts(survey), place(Grouping::All, day, 0));
            let known = self.get_item(Table::Surveys, &first).await?;
            let found = self.day_tallies(tenant, survey, day).await?;
            let counted = Day::of(&found)?;
            let same = known.as_ref().and_then(|item| text_of(item, "digest")) == Some(counted.digest.as_str());
            let write = match known {
                Some(_) if same && as_before == AsBefore::Left => return Ok(()),
                Some(item) if same && as_before == AsBefore::Marked => {
                    let mut write = Write::new(tenant);
                    let version = number_of(&item, "v").unwrap_or(0);
                    self.replace_first(&mut write, item, version)?;
                    write
                }
                known => self.plan_day(tenant, survey, day, known.as_ref(), counted)?,
            };
            match write.commit(self).await {
                Err(StoreError::Conflict { .. } | StoreError::Unavailable(_)) if attempt < ATTEMPTS => {
                    attempt += 1;
                    let pause = rand::random::<f64>() * f64::from(1 << attempt) * 5.0;
                    tokio::time::sleep(std::time::Duration::from_secs_f64(pause / 1_000.0)).await;
                }
                outcome => return outcome,
            }
        }
    }

    fn plan_day(
        &self,
        tenant: TenantId,
        survey: RecordId,
        day: Date,
        known: Option<&Item>,
        counted: Day,
    ) -> Result<Write, StoreError> {
        let partition = counts(survey);
        let version: u64 = known.and_then(|item| number_of(item, "v")).unwrap_or(0);
        let earlier: usize = known.and_then(|item| number_of(item, "products")).unwrap_or(0);
        let mut write = Write::new(tenant);
        for (grouping, part, json) in counted.parts {
            let mut item = Key::new(tenant, &partition, place(grouping, day, part)).attributes();
            item.insert("counts".to_owned(), text(json));
            if grouping != Grouping::All {
                write.put(self, Table::Surveys, item)?;
                continue;
            }
            item.insert("digest".to_owned(), text(&counted.digest));
            item.insert("products".to_owned(), number(counted.products));
            self.replace_first(&mut write, item, version)?;
        }
        for part in counted.products..earlier {
            let key = Key::new(tenant, &partition, place(Grouping::Product, day, part));
            write.delete(self, Table::Surveys, &key)?;
        }
        Ok(write)
    }

    /// Puts a day's first item, which has the version of all, in place of the one with a version; 0 where there is none.
    fn replace_first(&self, write: &mut Write, mut item: Item, version: u64) -> Result<(), StoreError> {
        item.insert("v".to_owned(), number(version + 1));
        let put = Put::builder()
            .table_name(self.table(Table::Surveys)?)
            .set_item(Some(item))
            .condition_expression(if version == 0 {
                "attribute_not_exists(pk)"
            } else {
                "v = :version"
            })
            .set_expression_attribute_values((version > 0).then(|| [(":version".to_owned(), number(version))].into()))
            .build()
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        write.other(TransactWriteItem::builder().put(put).build(), RACED);
        Ok(())
    }

    async fn day_tallies(&self, tenant: TenantId, survey: RecordId, day: Date) -> Result<Vec<Tally>, StoreError> {
        let query = Query {
            partition: tallies(survey, day),
            consistent: true,
            ..Query::default()
        };
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .query(tenant, Table::Surveys, &query, 10_000, after.as_ref())
                .await?;
            for tally in page.items.iter().filter_map(|item| text_of(item, "tally")) {
                found.push(serde_json::from_str(tally).map_err(|error| unreadable(&error))?);
            }
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// The counts of a survey's days from one to another, newest first, and whether these are all: otherwise only the
    /// newest [`MOST_DAYS`] items were read. Half a read unit per 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn survey_counts(
        &self,
        tenant: TenantId,
        survey: RecordId,
        grouping: Grouping,
        from: Option<Date>,
        to: Option<Date>,
    ) -> Result<(Vec<(Date, Counts)>, bool), StoreError> {
        let word = grouping.as_str();
        let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let query = Query {
            partition: counts(survey),
            from: Some(format!("{word}#{}", day(from))),
            // `#` and all that may follow it sort before `$`, as do digits before `:`.
            to: Some(to.map_or_else(|| format!("{word}#:"), |to| format!("{word}#{to}$"))),
            reverse: true,
            ..Query::default()
        };
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .query(tenant, Table::Surveys, &query, MOST_DAYS - found.len(), after.as_ref())
                .await?;
            for item in &page.items {
                let day = text_of(item, "sk").and_then(|sk| sk.split('#').nth(1)?.parse().ok());
                let counts = serde_json::from_str(text_of(item, "counts").unwrap_or("{}"));
                let day = day.ok_or_else(|| StoreError::Internal("counts without a day".to_owned()))?;
                found.push((day, counts.map_err(|error| unreadable(&error))?));
            }
            after = page.next;
            if after.is_none() || found.len() >= MOST_DAYS {
                return Ok((found, after.is_none()));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn many_products_are_parts_of_their_own_and_counts_tell_themselves_apart() {
        let tally = |n: usize| Tally {
            score: Some(4),
            products: (0..20).map(|m| format!("prd_{:04}", n * 20 + m)).collect(),
            language: "en".to_owned(),
            ..Tally::default()
        };
        let some: Vec<Tally> = (0..25).map(tally).collect();
        let day = Day::of(&some).unwrap();
        assert_eq!((day.products, day.parts.len()), (3, 7));
        assert_eq!(Day::of(&some).unwrap().digest, day.digest);
        assert_ne!(Day::of(&some[1..]).unwrap().digest, day.digest);
        assert_eq!(Day::of(&[]).unwrap().parts.len(), Grouping::EVERY.len());
    }

    #[test]
    fn days_sort_within_their_grouping() {
        let day = date(2026, 11, 22);
        let places = [place(Grouping::All, day, 0), place(Grouping::All, day, 11)];
        for place in &places {
            assert!(*place > format!("all#{day}") && *place < format!("all#{day}$") && place.as_str() < "all#:");
        }
        assert!(places[0] < places[1] && place(Grouping::All, date(2026, 12, 1), 0) > places[1]);
    }
}

//! What a firm uses: an item for each day, to which processes add what they counted, and how much of each kind of record
//! there was on the days on which that was counted.
//!
//! A process adds with one update, whatever others do ([`Store::settle_usage`]). It leaves a mark under a name of its own,
//! by which it finds its own work again when the answer was lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure, Select,
};
use jiff::Timestamp;
use jiff::civil::Date;
use parking_lot::Mutex;
use rapport_domain::plan::{Bucket, Limit, Plan, Reached};
use rapport_domain::usage::{Counts, Tallies, Tally, day_of};
use rapport_domain::user::{User, UserStatus};
use rapport_domain::{Kind as _, TenantId};

use crate::identity::InvitationStatus;
use crate::key::partition_of;
use crate::page::{Query, Row};
use crate::records::parse;
use crate::{Item, Key, Store, StoreError, Table, Write, cost, number, number_of, text, text_of};

/// The partition of all that is here.
const PARTITION: &str = "usage";
/// What the names of marks begin with.
const MARK: &str = "by#";
/// Bytes that one unit stands for where reading need not be consistent.
const BYTES_OF_A_UNIT: f64 = 8_192.0;
/// Users and invitations of a firm that are looked at.
const MOST_SEATS: usize = 5_000;
/// How often a lost race is run again.
const ATTEMPTS: u32 = 6;

/// The counts of a day and what is kept with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The day, in UTC.
    pub day: Date,
    /// What was counted.
    pub counts: Counts,
    /// The bucket of calls as a process last knew it.
    pub bucket: Option<Bucket>,
    /// The processes that added something lately, and when.
    pub marks: Vec<(String, i64)>,
}

/// What a process counted and adds to a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The day.
    pub day: Date,
    /// What was counted.
    pub counts: Counts,
    /// The process.
    pub name: String,
    /// When, in milliseconds: higher with each settlement of the process.
    pub mark: i64,
    /// The bucket as the process knows it.
    pub bucket: Option<Bucket>,
    /// Processes whose marks are old.
    pub forgotten: Vec<String>,
}

fn day_key(tenant: TenantId, day: Date) -> Key {
    Key::new(tenant, PARTITION, format!("day#{day}"))
}

fn tally_key(tenant: TenantId, day: Date) -> Key {
    Key::new(tenant, PARTITION, format!("records#{day}"))
}

fn read_day(item: &Item) -> Option<Day> {
    let count = |name: &str| number_of(item, name).unwrap_or(0);
    let bucket = || {
        Some(Bucket {
            at: Timestamp::from_millisecond(number_of(item, "bucket_at")?).ok()?,
            calls: number_of(item, "bucket_calls")?,
            level: number_of(item, "bucket_level")?,
        })
    };
    let marks = item.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(MARK)?;
        Some((name.to_owned(), value.as_n().ok()?.parse().ok()?))
    });
    Some(Day {
        day: text_of(item, "sk")?.strip_prefix("day#")?.parse().ok()?,
        counts: Counts {
            calls: count("calls"),
            read: count("read_units"),
            write: count("write_units"),
            micros: count("micros"),
            messages: count("messages"),
            mails: count("mails"),
        },
        bucket: bucket(),
        marks: marks.collect(),
    })
}

impl Store {
    /// Whether this function was given the table.
    #[must_use]
    pub fn keeps_usage(&self) -> bool {
        self.table(Table::Usage).is_ok()
    }

    /// Adds what a process counted to its day, once however often it is told, and gives the day as it is then. 1 write unit.
    ///
    /// # Errors
    /// When the store does not answer: then it may have been added or not, and is to be told again as it is.
    pub async fn settle_usage(&self, tenant: TenantId, settlement: &Settlement) -> Result<Day, StoreError> {
        let Counts {
            calls,
            read,
            write,
            micros,
            messages,
            mails,
        } = settlement.counts;
        let client = self.client_for(tenant);
        let mut request = client
            .update_item()
            .table_name(self.table(Table::Usage)?)
            .set_key(Some(day_key(tenant, settlement.day).attributes()))
            .condition_expression("attribute_not_exists(#mark) OR #mark < :mark")
            .expression_attribute_names("#mark", format!("{MARK}{}", settlement.name))
            .expression_attribute_values(":mark", number(settlement.mark))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut add = Vec::new();
        for (name, count) in [
            ("calls", calls),
            ("read_units", read),
            ("write_units", write),
            ("micros", micros),
            ("messages", messages),
            ("mails", mails),
        ] {
            if count > 0 {
                add.push(format!("#{name} :{name}"));
                request = request
                    .expression_attribute_names(format!("#{name}"), name)
                    .expression_attribute_values(format!(":{name}"), number(count));
            }
        }
        let mut set = vec!["#mark = :mark".to_owned()];
        if let Some(bucket) = settlement.bucket {
            for (name, value) in [
                ("bucket_at", number(bucket.at.as_millisecond())),
                ("bucket_calls", number(bucket.calls)),
                ("bucket_level", number(bucket.level)),
            ] {
                set.push(format!("{name} = :{name}"));
                request = request.expression_attribute_values(format!(":{name}"), value);
            }
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !add.is_empty() {
            expression = format!("{expression} ADD {}", add.join(", "));
        }
        let mut remove = Vec::new();
        for (n, name) in settlement.forgotten.iter().enumerate() {
            remove.push(format!("#old{n}"));
            request = request.expression_attribute_names(format!("#old{n}"), format!("{MARK}{name}"));
        }
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        let item = match cost::waiting(request.update_expression(expression).send()).await {
            Ok(answer) => {
                cost::write(answer.consumed_capacity());
                answer.attributes
            }
            Err(SdkError::ServiceError(service)) if service.err().is_conditional_check_failed_exception() => {
                // Added before: only the answer was lost.
                match service.into_err() {
                    UpdateItemError::ConditionalCheckFailedException(failed) => failed.item,
                    _ => None,
                }
            }
            Err(error) => return Err(error.into()),
        };
        item.as_ref()
            .and_then(read_day)
            .ok_or_else(|| StoreError::Internal("a day of usage is unreadable".to_owned()))
    }

    /// The days of a firm's usage, those on which something was counted.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn usage_days(&self, tenant: TenantId, (from, to): (Date, Date)) -> Result<Vec<Day>, StoreError> {
        let query = Query {
            partition: PARTITION.to_owned(),
            from: Some(format!("day#{from}")),
            to: Some(format!("day#{to}")),
            ..Query::default()
        };
        let items = self.query_all(tenant, Table::Usage, &query, 1_000).await?;
        Ok(items.iter().filter_map(read_day).collect())
    }

    /// How much of each kind there was on the days of a span on which that was counted, the last such day before them first. Half a read
    /// unit for each 4 KB, of which there is less than one a day.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn usage_tallies(
        &self,
        tenant: TenantId,
        (from, to): (Date, Date),
    ) -> Result<Vec<(Date, Tallies)>, StoreError> {
        let query = Query {
            partition: PARTITION.to_owned(),
            from: Some("records#".to_owned()),
            to: Some(format!("records#{to}")),
            reverse: true,
            ..Query::default()
        };
        // One a day at most, and the one before them.
        let most = usize::try_from(from.until(to).map_or(0, |span| span.get_days()))
            .unwrap_or(0)
            .saturating_add(2);
        let mut found: Vec<(Date, Tallies)> = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .query(tenant, Table::Usage, &query, most - found.len(), after.as_ref())
                .await?;
            for item in &page.items {
                found.extend(read_tallies(item)?.map(|(day, tallies, _)| (day, tallies)));
            }
            after = page.next;
            if after.is_none() || found.len() >= most || found.last().is_some_and(|(day, _)| *day < from) {
                break;
            }
        }
        if let Some(before) = found.iter().position(|(day, _)| *day < from) {
            found.truncate(before + 1);
        }
        found.reverse();
        Ok(found)
    }

    /// How much of each kind there is, as last counted until a day. Half a read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tallies(&self, tenant: TenantId, day: Date) -> Result<Tallies, StoreError> {
        let latest = self.latest_tallies(tenant, day, false).await?;
        Ok(latest.map(|(_, tallies, _)| tallies).unwrap_or_default())
    }

    async fn latest_tallies(
        &self,
        tenant: TenantId,
        day: Date,
        consistent: bool,
    ) -> Result<Option<(Date, Tallies, u64)>, StoreError> {
        let query = Query {
            partition: PARTITION.to_owned(),
            from: Some("records#".to_owned()),
            to: Some(format!("records#{day}")),
            reverse: true,
            consistent,
            ..Query::default()
        };
        let page = self.query(tenant, Table::Usage, &query, 1, None).await?;
        page.items.first().map_or(Ok(None), read_tallies)
    }

    /// Keeps a count of one kind, unless a newer one is known.
    ///
    /// # Errors
    /// When the store does not answer, or others keep counting at the same time.
    pub async fn keep_tally(&self, tenant: TenantId, noun: &str, tally: Tally) -> Result<(), StoreError> {
        let day = day_of(tally.at);
        for _ in 0..ATTEMPTS {
            let known = self.latest_tallies(tenant, day, true).await?;
            let (mut tallies, version) = match known {
                Some((known, tallies, version)) if known == day => (tallies, version),
                Some((_, tallies, _)) => (tallies, 0),
                None => (Tallies::default(), 0),
            };
            if !tallies.take(noun, tally) {
                return Ok(());
            }
            let mut item = tally_key(tenant, day).attributes();
            let doc = serde_json::to_string(&tallies).map_err(|error| StoreError::Internal(error.to_string()))?;
            item.insert("v".to_owned(), number(version + 1));
            item.insert("doc".to_owned(), text(doc));
            let mut write = Write::new(tenant);
            write.record(self, Table::Usage, item, version)?;
            match write.commit(self).await {
                Err(StoreError::Stale(_)) => {}
                result => return result,
            }
        }
        Err(StoreError::Unavailable("counts keep meeting".to_owned()))
    }

    /// How many seats of users are taken: active users, and invitations that wait.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn seats(&self, tenant: TenantId, now: Timestamp) -> Result<u64, StoreError> {
        let users = self
            .query_all(tenant, Table::Identity, &Query::newest(User::NOUN), MOST_SEATS)
            .await?;
        let active = users.iter().filter_map(Row::read).filter(|row| {
            let user = parse::<User>(&row.doc).ok();
            !row.gone && user.is_some_and(|user| user.body.status == UserStatus::Active)
        });
        let (invitations, _) = self.invitations(tenant, MOST_SEATS, None, now).await?;
        let waiting = invitations
            .iter()
            .filter(|invitation| invitation.status == InvitationStatus::Pending);
        Ok((active.count() + waiting.count()) as u64)
    }

    /// Refuses a user more where the plan allows none.
    ///
    /// # Errors
    /// [`StoreError::Full`], or that the store does not answer.
    pub async fn seat(&self, tenant: TenantId, now: Timestamp) -> Result<(), StoreError> {
        let plan = self.tenant_rules(tenant).await?.account.plan;
        let used = self.seats(tenant, now).await?;
        if used < plan.allows(Limit::Users) {
            return Ok(());
        }
        Err(StoreError::Full(Reached {
            limit: Limit::Users,
            plan,
            used,
            again_at: None,
        }))
    }

    /// Counts the records of a kind as they are now: half a read unit for each 4 KB of them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count_records(
        &self,
        tenant: TenantId,
        table: Table,
        noun: &str,
        now: Timestamp,
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally {
            count: 0,
            bytes: 0,
            at: now,
        };
        let client = self.client_for(tenant);
        let mut after = None;
        loop {
            let request = client
                .query()
                .table_name(self.table(table)?)
                .select(Select::Count)
                .key_condition_expression("pk = :pk")
                .filter_expression("attribute_not_exists(gone)")
                .expression_attribute_values(":pk", AttributeValue::S(partition_of(tenant, noun)))
                .set_exclusive_start_key(after)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = cost::waiting(request.send()).await?;
            cost::read(answer.consumed_capacity());
            let units = answer
                .consumed_capacity()
                .and_then(aws_sdk_dynamodb::types::ConsumedCapacity::capacity_units)
                .unwrap_or(0.0);
            // A query that finds nothing costs something all the same.
            if answer.scanned_count() > 0 {
                tally.bytes += (units * BYTES_OF_A_UNIT) as u64;
            }
            tally.count += u64::try_from(answer.count()).unwrap_or(0);
            after = answer.last_evaluated_key;
            if after.is_none() {
                return Ok(tally);
            }
        }
    }
}

type Found = Option<(Date, Tallies, u64)>;

fn read_tallies(item: &Item) -> Result<Found, StoreError> {
    let Some(day) = text_of(item, "sk")
        .and_then(|sk| sk.strip_prefix("records#"))
        .and_then(|day| day.parse().ok())
    else {
        return Ok(None);
    };
    let tallies = text_of(item, "doc")
        .and_then(|doc| serde_json::from_str(doc).ok())
        .ok_or_else(|| StoreError::Internal("stored counts are unreadable".to_owned()))?;
    Ok(Some((day, tallies, number_of(item, "v").unwrap_or(0))))
}

/// Records that a process made since a kind was last counted, by noun.
pub type Made = Mutex<BTreeMap<&'static str, u64>>;

/// How many records a firm may still make: what was counted, and what this process made since.
#[derive(Debug)]
pub struct Room {
    /// The plan.
    pub plan: Plan,
    /// What was counted.
    pub tallies: Tallies,
    /// What this process made since.
    pub made: Arc<Made>,
}

/// The place of a record about to be written. Given back unless it is kept.
#[derive(Debug)]
pub struct Place {
    noun: &'static str,
    made: Arc<Made>,
    kept: AtomicBool,
}

impl Place {
    /// The record was written.
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::Relaxed) {
            let mut made = self.made.lock();
            let count = made.entry(self.noun).or_default();
            *count = count.saturating_sub(1);
        }
    }
}

impl Room {
    /// Takes the place of a record of a kind; none is needed where the kind has no limit.
    ///
    /// # Errors
    /// [`StoreError::Full`] when there is none.
    pub fn take(&self, noun: &'static str) -> Result<Option<Arc<Place>>, StoreError> {
        let Some(limit) = Limit::of(noun) else { return Ok(None) };
        let full = |limit, used| {
            Err(StoreError::Full(Reached {
                limit,
                plan: self.plan,
                used,
                again_at: None,
            }))
        };
        let bytes = self.tallies.bytes();
        if bytes >= self.plan.allows(Limit::StorageBytes) {
            return full(Limit::StorageBytes, bytes);
        }
        let mut made = self.made.lock();
        let count = made.entry(noun).or_default();
        let used = self.tallies.count(noun) + *count;
        if used >= self.plan.allows(limit) {
            return full(limit, used);
        }
        *count += 1;
        Ok(Some(Arc::new(Place {
            noun,
            made: Arc::clone(&self.made),
            kept: AtomicBool::new(false),
        })))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn room(contacts: u64, bytes: u64) -> Room {
        let mut tallies = Tallies::default();
        tallies.take(
            "contact",
            Tally {
                count: contacts,
                bytes,
                at: Timestamp::UNIX_EPOCH,
            },
        );
        Room {
            plan: Plan::Trial,
            tallies,
            made: Arc::default(),
        }
    }

    fn refusal(room: &Room, noun: &'static str) -> Option<(Limit, u64)> {
        match room.take(noun) {
            Err(StoreError::Full(reached)) => Some((reached.limit, reached.used)),
            Err(other) => panic!("{other}"),
            Ok(_) => None,
        }
    }

    #[test]
    fn a_place_that_is_not_kept_is_given_back() {
        let room = room(998, 0);
        let first = room.take("contact").unwrap().unwrap();
        let second = room.take("contact").unwrap().unwrap();
        assert_eq!(refusal(&room, "contact"), Some((Limit::Contacts, 1_000)));
        // A write that is copied keeps its place until the last copy is gone.
        let copy = Arc::clone(&second);
        drop(second);
        assert_eq!(refusal(&room, "contact"), Some((Limit::Contacts, 1_000)));
        drop(copy);
        first.keep();
        drop(first);
        assert_eq!(refusal(&room, "contact"), None);
        assert_eq!(room.made.lock()["contact"], 1);
    }

    #[test]
    fn kinds_are_limited_apart_and_bytes_together() {
        let full = room(1_000, 99_999_999);
        assert_eq!(refusal(&full, "contact"), Some((Limit::Contacts, 1_000)));
        assert_eq!(refusal(&full, "company"), None);
        assert_eq!(refusal(&full, "survey"), None);
        let heavy = room(1, 100_000_000);
        assert_eq!(refusal(&heavy, "company"), Some((Limit::StorageBytes, 100_000_000)));
        assert_eq!(refusal(&heavy, "survey"), None);
    }

    #[test]
    fn a_day_reads_what_a_settlement_writes() {
        let tenant = TenantId::new();
        let mut item = day_key(tenant, "2026-02-28".parse().unwrap()).attributes();
        for (name, value) in [
            ("calls", 7),
            ("mails", 1),
            ("bucket_at", 1_000),
            ("bucket_calls", 5),
            ("bucket_level", -3),
            ("by#ab", 9),
        ] {
            item.insert(name.to_owned(), number(value));
        }
        let day = read_day(&item).unwrap();
        assert_eq!((day.counts.calls, day.counts.mails, day.counts.read), (7, 1, 0));
        assert_eq!(day.marks, [("ab".to_owned(), 9)]);
        let bucket = day.bucket.unwrap();
        assert_eq!((bucket.at.as_millisecond(), bucket.calls, bucket.level), (1_000, 5, -3));
        item.remove("bucket_calls");
        assert_eq!(read_day(&item).unwrap().bucket, None);
    }
}

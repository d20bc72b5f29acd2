//! How scores are stored: contributions of orders, figures of customers, runs of a recompute, models, scores.
//!
//! | partition | sort key | what |
//! |---|---|---|
//! | Insights `contribution#<contact>` | order | what the order adds to the contact's figures |
//! | Insights `contributed#<order>` | `-` | to which contact it adds, what, and the order's version: an older one never overwrites |
//! | Insights `figures` | contact | the contact's figures, with a version: what a recompute pages through |
//! | Insights `recompute` | job | a recompute |
//! | Insights `recompute_lock` | `-` | which recompute is at work |
//! | Insights `recompute_latest` | `live` or a day | the last recompute asked for |
//! | Insights `run#<job>` | `page#<n>`, `ranks#<n>`, `model` | what a recompute works with, for a day |
//! | Insights `model` | `live` or `until#<day>` | the model of the last finished recompute |
//! | Insights `until#<day>` | last contact of a chunk | the ranks of a run up to a day |
//! | Scores `score` | contact | the score; indexes `by_segment`, `by_lifecycle` and, with an alert, `by_alert` |

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, ReturnConsumedCapacity, ReturnValue, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use rapport_domain::score::{Contribution, Figures, JobStatus, Recompute, Score};
use rapport_domain::{Prefix, RecordId, TenantId};

use crate::idempotency::{Answer, Idempotency};
use crate::page::Query;
use crate::records::index_partition;
use crate::{Item, Key, Store, StoreError, Table, Write, cost, number, number_of, text, text_of};

/// How long a recompute may be silent before another takes its place.
pub const SILENCE: SignedDuration = SignedDuration::from_mins(15);
/// How long the pages of a run are kept.
const RUN_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long a run up to a day can be read.
pub const UNTIL_KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);
/// How long a job can be looked up.
const JOB_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// At most so many contributions of one contact are looked at.
const MOST_CONTRIBUTIONS: usize = 100_000;
/// Figures a transaction writes at most: each is one item, and the store takes 100.
const AT_ONCE: usize = 90;

/// The noun of scores.
pub const NOUN: &str = "score";

/// To whom an order adds, and with which of its versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributed {
    /// The contact, where it adds to any.
    pub contact: Option<RecordId>,
    /// What it adds, where that was noted here too.
    pub adds: Option<Contribution>,
    /// The order's version.
    pub version: u64,
}

/// What is to be noted of one version of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Purchase {
    /// The order.
    pub order: RecordId,
    /// Its version.
    pub version: u64,
    /// The customer and what the order adds; `None` where it adds nothing.
    pub adds: Option<(RecordId, Contribution)>,
}

/// A contact's figures as stored; version 0 where there are none.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFigures {
    /// The version.
    pub version: u64,
    /// The figures.
    pub figures: Option<Figures>,
}

/// A stored score, unread: its version and what of it must change for it to be written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredScore {
    /// The contact.
    pub contact: String,
    /// The version.
    pub version: u64,
    /// See `rapport_scoring::answer::stable`.
    pub stable: String,
    /// The last day of purchase it knows of, in days since 1970.
    pub last: Option<i32>,
}

/// A score to be written.
#[derive(Clone, Debug)]
pub struct NewScore {
    /// The version it gets.
    pub version: u64,
    /// What must change for it to be written again.
    pub stable: String,
    /// The score.
    pub score: Score,
    /// When it was changed, where that is not when ranks were computed.
    pub changed_at: Option<Timestamp>,
}

/// A page of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunPage {
    /// The last contact of the page before, where there is one.
    pub after: Option<String>,
    /// The last contact of this page; absent on the last page, which reaches to the end.
    pub last: Option<String>,
    /// The page.
    pub bytes: Vec<u8>,
}

/// Whether a recompute may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is its turn.
    Mine,
    /// Another is at work.
    Wait,
    /// It is over, or was never there.
    Over,
}

fn contact_of(text: &str) -> Option<RecordId> {
    RecordId::parse(Prefix::Contact, text).ok()
}

fn contributed_key(tenant: TenantId, order: RecordId) -> Key {
    Key::new(tenant, &format!("contributed#{order}"), "-")
}

fn contribution_key(tenant: TenantId, contact: RecordId, order: RecordId) -> Key {
    Key::new(tenant, &format!("contribution#{contact}"), order.to_string())
}

fn figures_key(tenant: TenantId, contact: RecordId) -> Key {
    Key::new(tenant, "figures", contact.to_string())
}

fn run_key(tenant: TenantId, job: RecordId, sk: String) -> Key {
    Key::new(tenant, &format!("run#{job}"), sk)
}

fn job_key(tenant: TenantId, job: RecordId) -> Key {
    Key::new(tenant, "recompute", job.to_string())
}

fn lock_key(tenant: TenantId) -> Key {
    Key::new(tenant, "recompute_lock", "-")
}

fn model_key(tenant: TenantId, until: Option<jiff::civil::Date>) -> Key {
    Key::new(
        tenant,
        "model",
        until.map_or_else(|| "live".to_owned(), |day| format!("until#{day}")),
    )
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Internal(error.to_string()))
}

fn read<T: serde::de::DeserializeOwned>(item: &Item, what: &str) -> Result<T, StoreError> {
    let doc = text_of(item, "doc").unwrap_or_default();
    serde_json::from_str(doc).map_err(|error| StoreError::Internal(format!("a stored {what} is unreadable: {error}")))
}

fn bytes_of(item: &Item) -> Vec<u8> {
    item.get("b")
        .and_then(|value| value.as_b().ok())
        .map(|blob| blob.as_ref().to_vec())
        .unwrap_or_default()
}

fn seconds(at: Timestamp, kept: SignedDuration) -> AttributeValue {
    number(at.as_second() + kept.as_secs())
}

fn built<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, StoreError> {
    result.map_err(|error| StoreError::Internal(error.to_string()))
}

/// What came of noting what an order adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Whose figures the order touches: its customer's, and those of the one it had before.
    pub contacts: Vec<RecordId>,
    /// Whether it adds something else now than it did.
    pub changed: bool,
}

// What orders add.
impl Store {
    /// To whom orders add so far, strongly consistent. 1 read unit each.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn contributed(
        &self,
        tenant: TenantId,
        orders: &[RecordId],
    ) -> Result<HashMap<RecordId, Contributed>, StoreError> {
        let keys: Vec<Key> = orders.iter().map(|order| contributed_key(tenant, *order)).collect();
        let items = self.get_items(Table::Insights, &keys, true).await?;
        Ok(items
            .iter()
            .filter_map(|item| {
                let order = text_of(item, "pk")?.rsplit_once('#')?.1;
                let contributed = Contributed {
                    contact: text_of(item, "contact").and_then(contact_of),
                    adds: text_of(item, "adds").and_then(|adds| serde_json::from_str(adds).ok()),
                    version: number_of(item, "v")?,
                };
                Some((RecordId::parse(Prefix::Order, order).ok()?, contributed))
            })
            .collect())
    }

    /// Notes what an order adds, unless a later version was noted before; `before` is what [`Store::contributed`] said.
    fn plan_purchase(
        &self,
        tenant: TenantId,
        purchase: &Purchase,
        before: Option<&Contributed>,
    ) -> Result<Write, StoreError> {
        let table = self.table(Table::Insights)?;
        let order = purchase.order;
        let contact = purchase.adds.as_ref().map(|(contact, _)| *contact);
        let mut write = Write::new(tenant);
        let mut pointer = contributed_key(tenant, order).attributes();
        pointer.insert("v".to_owned(), number(purchase.version));
        if let Some((contact, adds)) = &purchase.adds {
            pointer.insert("contact".to_owned(), text(contact.to_string()));
            pointer.insert("adds".to_owned(), text(json(adds)?));
        }
        let put = Put::builder().table_name(table).set_item(Some(pointer));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("v = :before")
                .expression_attribute_values(":before", number(before.version)),
        };
        write.other(
            TransactWriteItem::builder().put(built(put.build())?).build(),
            "another version of the order was noted meanwhile",
        );
        if let Some(old) = before.and_then(|before| before.contact)
            && Some(old) != contact
        {
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(contribution_key(tenant, old, order).attributes()));
            write.other(
                TransactWriteItem::builder().delete(built(delete.build())?).build(),
                "a contribution could not be moved",
            );
        }
        if let Some((contact, contribution)) = &purchase.adds {
            let mut item = contribution_key(tenant, *contact, order).attributes();
            item.insert("v".to_owned(), number(purchase.version));
            item.insert("doc".to_owned(), text(json(contribution)?));
            write.put(self, Table::Insights, item)?;
        }
        Ok(write)
    }

    /// Notes what orders add: one transaction for all where nobody else is at work on one of them. What came of each order; one whose
    /// purchase could not be noted has its error.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn purchases(
        &self,
        tenant: TenantId,
        purchases: &[Purchase],
    ) -> Result<Vec<Result<Noted, StoreError>>, StoreError> {
        let orders: Vec<RecordId> = purchases.iter().map(|purchase| purchase.order).collect();
        let before = self.contributed(tenant, &orders).await?;
        let mut results = Vec::with_capacity(purchases.len());
        for group in purchases.chunks(AT_ONCE / 3) {
            let mut all = Write::new(tenant);
            for purchase in group {
                let known = before.get(&purchase.order);
                if known.is_none_or(|known| known.version < purchase.version) {
                    all.append(self.plan_purchase(tenant, purchase, known)?);
                }
            }
            let together = all.commit(self).await.is_ok();
            for purchase in group {
                let known = before.get(&purchase.order);
                results.push(if together {
                    Ok(Noted::of(purchase, known))
                } else {
                    self.purchase(tenant, purchase).await
                });
            }
        }
        Ok(results)
    }

    /// Notes what one order adds, looking again when somebody else was at work on it.
    async fn purchase(&self, tenant: TenantId, purchase: &Purchase) -> Result<Noted, StoreError> {
        let mut attempt = 0;
        loop {
            let before = self
                .contributed(tenant, &[purchase.order])
                .await?
                .remove(&purchase.order);
            if before.as_ref().is_some_and(|before| before.version >= purchase.version) {
                return Ok(Noted::of(purchase, before.as_ref()));
            }
            let write = self.plan_purchase(tenant, purchase, before.as_ref())?;
            match write.commit(self).await {
                Ok(()) => return Ok(Noted::of(purchase, before.as_ref())),
                Err(StoreError::Conflict { .. }) if attempt < 5 => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// What all orders of a contact add, strongly consistent. 1 read unit per 4 KB, about 25 orders.
    ///
    /// # Errors
    /// When the store does not answer, or there are more than it is sane to look at.
    pub async fn contributions(&self, tenant: TenantId, contact: RecordId) -> Result<Vec<Contribution>, StoreError> {
        let query = Query {
            partition: format!("contribution#{contact}"),
            consistent: true,
            ..Query::default()
        };
        let items = self
            .query_all(tenant, Table::Insights, &query, MOST_CONTRIBUTIONS)
            .await?;
        items.iter().map(|item| read(item, "contribution")).collect()
    }
}

impl Noted {
    fn of(purchase: &Purchase, before: Option<&Contributed>) -> Self {
        let mut contacts: Vec<RecordId> = purchase.adds.iter().map(|(contact, _)| *contact).collect();
        contacts.extend(before.and_then(|before| before.contact));
        contacts.sort_unstable();
        contacts.dedup();
        let same = |before: &Contributed| match &purchase.adds {
            None => before.contact.is_none(),
            Some((contact, adds)) => before.contact == Some(*contact) && before.adds.as_ref() == Some(adds),
        };
        // Who finds a version noted that is as late as this one has changed nothing.
        let changed = before.is_none_or(|before| before.version < purchase.version && !same(before));
        Self { contacts, changed }
    }
}

// Figures.
impl Store {
    /// The figures of contacts, strongly consistent. 1 read unit each.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn figures(
        &self,
        tenant: TenantId,
        contacts: &[RecordId],
    ) -> Result<BTreeMap<RecordId, StoredFigures>, StoreError> {
        let keys: Vec<Key> = contacts.iter().map(|contact| figures_key(tenant, *contact)).collect();
        let items = self.get_items(Table::Insights, &keys, true).await?;
        let mut found: BTreeMap<RecordId, StoredFigures> = contacts
            .iter()
            .map(|contact| {
                let none = StoredFigures {
                    version: 0,
                    figures: None,
                };
                (*contact, none)
            })
            .collect();
        for item in &items {
            if let Some(contact) = text_of(item, "sk").and_then(contact_of) {
                found.insert(
                    contact,
                    StoredFigures {
                        version: number_of(item, "v").unwrap_or(0),
                        figures: Some(read(item, "figure")?),
                    },
                );
            }
        }
        Ok(found)
    }

    /// Writes the next version of contacts' figures, provided that they have the version named; `false` for those that have
    /// another meanwhile. One transaction for all where nobody else is at work on one of them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_figures(
        &self,
        tenant: TenantId,
        figures: &[(RecordId, u64, Figures)],
        request: &str,
    ) -> Result<Vec<bool>, StoreError> {
        let mut results = Vec::with_capacity(figures.len());
        for group in figures.chunks(AT_ONCE) {
            let plan = |(contact, version, figures): &(RecordId, u64, Figures)| {
                let mut row = figures_key(tenant, *contact).attributes();
                row.insert("v".to_owned(), number(version + 1));
                row.insert("rid".to_owned(), text(format!("{request}#{contact}")));
                row.insert("doc".to_owned(), text(json(figures)?));
                let mut write = Write::new(tenant);
                write.record(self, Table::Insights, row, *version)?;
                Ok::<_, StoreError>(write)
            };
            let mut all = Write::new(tenant);
            for one in group {
                all.append(plan(one)?);
            }
            let together = match all.commit(self).await {
                Ok(()) => true,
                Err(StoreError::Stale(_)) => false,
                Err(error) => return Err(error),
            };
            for one in group {
                results.push(if together {
                    true
                } else {
                    match plan(one)?.commit(self).await {
                        Ok(()) => true,
                        Err(StoreError::Stale(_)) => false,
                        Err(error) => return Err(error),
                    }
                });
            }
        }
        Ok(results)
    }

    /// At most `limit` contacts with figures after one, in the order of ids, strongly consistent; whether there are more. Several
    /// queries where they do not fit in one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn figures_page(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<(RecordId, Figures)>, bool), StoreError> {
        let query = Query {
            partition: "figures".to_owned(),
            consistent: true,
            ..Query::default()
        };
        let mut position = after.map(crate::page::Position::after);
        let mut found = Vec::new();
        loop {
            let page = self
                .query(tenant, Table::Insights, &query, limit - found.len(), position.as_ref())
                .await?;
            for item in &page.items {
                if let Some(contact) = text_of(item, "sk").and_then(contact_of) {
                    found.push((contact, read(item, "figure")?));
                }
            }
            position = page.next;
            if position.is_none() || found.len() >= limit {
                return Ok((found, position.is_some()));
            }
        }
    }
}

// Jobs.
impl Store {
    /// Asks for a recompute: the job is kept, with the answer to the request that asked. Where one that has not begun was
    /// asked for already, that one is given back and nothing is written.
    ///
    /// # Errors
    /// [`StoreError::Answered`], [`StoreError::KeyReused`], or that the store does not answer.
    pub async fn ask_recompute(
        &self,
        tenant: TenantId,
        job: &Recompute,
        location: &str,
        idempotency: Option<&Idempotency>,
    ) -> Result<Recompute, StoreError> {
        if let Some(idempotency) = idempotency {
            self.check_idempotency(tenant, idempotency, job.created_at).await?;
        }
        let word = job.until.map_or_else(|| "live".to_owned(), |day| day.to_string());
        let latest_key = Key::new(tenant, "recompute_latest", word);
        let latest = self.get_item(Table::Insights, &latest_key).await?;
        let latest = latest
            .as_ref()
            .and_then(|item| text_of(item, "job"))
            .and_then(|id| RecordId::parse(Prefix::Job, id).ok());
        if let Some(latest) = latest
            && let Some(waiting) = self.recompute(tenant, latest, job.created_at).await?
            && waiting.status == JobStatus::Queued
            && waiting.as_of == job.as_of
        {
            return Ok(waiting);
        }
        let mut write = Write::new(tenant);
        let mut item = job_key(tenant, job.id).attributes();
        item.insert("doc".to_owned(), text(json(job)?));
        item.insert("status".to_owned(), text(JobStatus::Queued.as_str()));
        item.insert("beat".to_owned(), number(job.created_at.as_millisecond()));
        item.insert("expires".to_owned(), seconds(job.created_at, JOB_KEPT));
        write.put_new(self, Table::Insights, item, "the job exists")?;
        let mut pointer = latest_key.attributes();
        pointer.insert("job".to_owned(), text(job.id.to_string()));
        pointer.insert("expires".to_owned(), seconds(job.created_at, JOB_KEPT));
        write.put(self, Table::Insights, pointer)?;
        if let Some(idempotency) = idempotency {
            let answer = Answer {
                status: 202,
                location: Some(location.to_owned()),
                etag: None,
                body: json(job)?,
            };
            write.answer(self, idempotency, &answer, job.created_at)?;
        }
        write.commit(self).await?;
        Ok(job.clone())
    }

    /// A recompute as it stands; one that has been silent for too long has failed. 1 read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn recompute(
        &self,
        tenant: TenantId,
        job: RecordId,
        now: Timestamp,
    ) -> Result<Option<Recompute>, StoreError> {
        let item = self.get_item(Table::Insights, &job_key(tenant, job)).await?;
        item.as_ref().map(|item| job_of(item, now)).transpose()
    }

    /// Takes the turn for a recompute, or keeps it: one at a time for each tenant.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn take_turn(&self, tenant: TenantId, job: RecordId, now: Timestamp) -> Result<Turn, StoreError> {
        match self.recompute(tenant, job, now).await? {
            None => return Ok(Turn::Over),
            Some(known) if known.status.is_over() => return Ok(Turn::Over),
            Some(_) => {}
        }
        let mut lock = lock_key(tenant).attributes();
        lock.insert("job".to_owned(), text(job.to_string()));
        lock.insert("stale_at".to_owned(), number((now + SILENCE).as_millisecond()));
        lock.insert("expires".to_owned(), seconds(now, JOB_KEPT));
        let put = Put::builder()
            .table_name(self.table(Table::Insights)?)
            .set_item(Some(lock))
            .condition_expression("attribute_not_exists(pk) OR job = :job OR stale_at < :now")
            .expression_attribute_values(":job", text(job.to_string()))
            .expression_attribute_values(":now", number(now.as_millisecond()));
        let mut write = Write::new(tenant);
        write.other(
            TransactWriteItem::builder().put(built(put.build())?).build(),
            "another recompute is at work",
        );
        match write.commit(self).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => return Ok(Turn::Wait),
            Err(error) => return Err(error),
        }
        self.update_job(
            tenant,
            job,
            "SET #s = :running, beat = :now, started = if_not_exists(started, :now)",
            Some("#s = :queued OR #s = :running"),
            &[("#s", "status")],
            vec![
                (":running", text(JobStatus::Running.as_str())),
                (":queued", text(JobStatus::Queued.as_str())),
                (":now", number(now.as_millisecond())),
            ],
        )
        .await
        .map(|item| if item.is_some() { Turn::Mine } else { Turn::Over })
    }

    /// Notes how many pages and customers a recompute has.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_size(
        &self,
        tenant: TenantId,
        job: RecordId,
        pages: u32,
        customers: u64,
    ) -> Result<(), StoreError> {
        self.update_job(
            tenant,
            job,
            "SET pages = :pages, customers = :customers",
            Some("attribute_exists(pk)"),
            &[],
            vec![(":pages", number(pages)), (":customers", number(customers))],
        )
        .await
        .map(|_| ())
    }

    /// Notes that a page is written, once however often it is said; how many are.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_page(
        &self,
        tenant: TenantId,
        job: RecordId,
        page: u32,
        changed: u64,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let noted = self
            .update_job(
                tenant,
                job,
                "SET beat = :now ADD written :pages, changed :changed",
                Some("attribute_exists(pk) AND NOT contains(written, :page)"),
                &[],
                vec![
                    (":now", number(now.as_millisecond())),
                    (":pages", AttributeValue::Ns(vec![page.to_string()])),
                    (":page", number(page)),
                    (":changed", number(changed)),
                ],
            )
            .await?;
        let item = match noted {
            Some(item) => Some(item),
            None => self.get_item(Table::Insights, &job_key(tenant, job)).await?,
        };
        Ok(item.as_ref().map_or(0, written))
    }

    /// Ends a recompute and gives up its turn. One that is over stays as it ended.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn end_recompute(
        &self,
        tenant: TenantId,
        job: RecordId,
        fault: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let status = if fault.is_some() {
            JobStatus::Failed
        } else {
            JobStatus::Done
        };
        let mut values = vec![
            (":status", text(status.as_str())),
            (":running", text(JobStatus::Running.as_str())),
            (":queued", text(JobStatus::Queued.as_str())),
            (":now", number(now.as_millisecond())),
        ];
        let update = if let Some(fault) = fault {
            values.push((":fault", text(fault)));
            "SET #s = :status, finished = :now, fault = :fault"
        } else {
            "SET #s = :status, finished = :now"
        };
        self.update_job(
            tenant,
            job,
            update,
            Some("#s = :running OR #s = :queued"),
            &[("#s", "status")],
            values,
        )
        .await?;
        let delete = Delete::builder()
            .table_name(self.table(Table::Insights)?)
            .set_key(Some(lock_key(tenant).attributes()))
            .condition_expression("job = :job")
            .expression_attribute_values(":job", text(job.to_string()));
        let mut write = Write::new(tenant);
        write.other(
            TransactWriteItem::builder().delete(built(delete.build())?).build(),
            "another recompute has its turn",
        );
        match write.commit(self).await {
            Err(StoreError::Conflict { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Updates a job's item; `None` when the condition does not hold.
    async fn update_job(
        &self,
        tenant: TenantId,
        job: RecordId,
        update: &str,
        condition: Option<&str>,
        names: &[(&str, &str)],
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<Option<Item>, StoreError> {
        use aws_sdk_dynamodb::error::SdkError;
        let mut request = self
            .client_for(tenant)
            .update_item()
            .table_name(self.table(Table::Insights)?)
            .set_key(Some(job_key(tenant, job).attributes()))
            .update_expression(update)
            .set_condition_expression(condition.map(str::to_owned))
            .return_values(ReturnValue::AllNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        for (name, attribute) in names {
            request = request.expression_attribute_names(*name, *attribute);
        }
        for (name, value) in values {
            request = request.expression_attribute_values(name, value);
        }
        match request.send().await {
            Ok(answer) => {
                cost::write(answer.consumed_capacity());
                Ok(Some(answer.attributes.unwrap_or_default()))
            }
            Err(SdkError::ServiceError(service)) if service.err().is_conditional_check_failed_exception() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn written(item: &Item) -> usize {
    item.get("written")
        .and_then(|pages| pages.as_ns().ok())
        .map_or(0, Vec::len)
}

fn job_of(item: &Item, now: Timestamp) -> Result<Recompute, StoreError> {
    let mut job: Recompute = read(item, "job")?;
    let moment = |name: &str| number_of::<i64>(item, name).and_then(|at| Timestamp::from_millisecond(at).ok());
    job.status = text_of(item, "status")
        .and_then(JobStatus::from_text)
        .unwrap_or(JobStatus::Queued);
    job.started_at = moment("started");
    job.finished_at = moment("finished");
    job.pages = number_of(item, "pages").unwrap_or(0);
    job.pages_done = written(item) as u64;
    job.customers = number_of(item, "customers").unwrap_or(0);
    job.changed = number_of(item, "changed").unwrap_or(0);
    job.errors.extend(text_of(item, "fault").map(str::to_owned));
    // Its last message rests among the dead letters.
    if job.status == JobStatus::Running && moment("beat").is_some_and(|beat| beat + SILENCE < now) {
        job.status = JobStatus::Failed;
        job.errors.push("stalled".to_owned());
    }
    Ok(job)
}

// Runs.
impl Store {
    /// Keeps a page of a run, unless it was kept before: pages do not change once ranks may rest on them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_run_page(
        &self,
        tenant: TenantId,
        job: RecordId,
        n: u32,
        page: &RunPage,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut item = run_key(tenant, job, format!("page#{n:06}")).attributes();
        item.insert("b".to_owned(), AttributeValue::B(Blob::new(page.bytes.clone())));
        for (name, value) in [("after", &page.after), ("last", &page.last)] {
            if let Some(value) = value {
                item.insert(name.to_owned(), text(value));
            }
        }
        item.insert("expires".to_owned(), seconds(now, RUN_KEPT));
        let mut write = Write::new(tenant);
        write.put_new(self, Table::Insights, item, "the page was kept before")?;
        match write.commit(self).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A page of a run.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn run_page(&self, tenant: TenantId, job: RecordId, n: u32) -> Result<Option<RunPage>, StoreError> {
        let item = self
            .get_item(Table::Insights, &run_key(tenant, job, format!("page#{n:06}")))
            .await?;
        Ok(item.map(|item| RunPage {
            after: text_of(&item, "after").map(str::to_owned),
            last: text_of(&item, "last").map(str::to_owned),
            bytes: bytes_of(&item),
        }))
    }

    /// Keeps the ranks of a page of a run.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_ranks(
        &self,
        tenant: TenantId,
        job: RecordId,
        n: u32,
        bytes: Vec<u8>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = run_key(tenant, job, format!("ranks#{n:06}")).attributes();
        item.insert("b".to_owned(), AttributeValue::B(Blob::new(bytes)));
        item.insert("expires".to_owned(), seconds(now, RUN_KEPT));
        self.put_items(Table::Insights, vec![item]).await
    }

    /// The ranks of a page of a run.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn ranks(&self, tenant: TenantId, job: RecordId, n: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let item = self
            .get_item(Table::Insights, &run_key(tenant, job, format!("ranks#{n:06}")))
            .await?;
        Ok(item.as_ref().map(bytes_of))
    }

    /// Keeps the model of a run, as JSON.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_run_model(
        &self,
        tenant: TenantId,
        job: RecordId,
        model: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = run_key(tenant, job, "model".to_owned()).attributes();
        item.insert("doc".to_owned(), text(model));
        item.insert("expires".to_owned(), seconds(now, RUN_KEPT));
        self.put_items(Table::Insights, vec![item]).await
    }

    /// The model of a run, as JSON.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn run_model(&self, tenant: TenantId, job: RecordId) -> Result<Option<String>, StoreError> {
        let key = run_key(tenant, job, "model".to_owned());
        let item = self.get_item(Table::Insights, &key).await?;
        Ok(item.as_ref().and_then(|item| text_of(item, "doc")).map(str::to_owned))
    }

    /// Makes a model the one that is answered: of the scores themselves, or of a run up to a day.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_model(
        &self,
        tenant: TenantId,
        until: Option<jiff::civil::Date>,
        model: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = model_key(tenant, until).attributes();
        item.insert("doc".to_owned(), text(model));
        if until.is_some() {
            item.insert("expires".to_owned(), seconds(now, UNTIL_KEPT));
        }
        self.put_items(Table::Insights, vec![item]).await
    }

    /// The model that is answered, as JSON. 1 read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn model(
        &self,
        tenant: TenantId,
        until: Option<jiff::civil::Date>,
    ) -> Result<Option<String>, StoreError> {
        let item = self.get_item(Table::Insights, &model_key(tenant, until)).await?;
        Ok(item.as_ref().and_then(|item| text_of(item, "doc")).map(str::to_owned))
    }

    /// Keeps chunks of the ranks of a run up to a day, each under its last contact.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_until(
        &self,
        tenant: TenantId,
        until: jiff::civil::Date,
        chunks: Vec<(RecordId, Vec<u8>)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let items = chunks
            .into_iter()
            .map(|(last, bytes)| {
                let mut item = Key::new(tenant, &format!("until#{until}"), last.to_string()).attributes();
                item.insert("b".to_owned(), AttributeValue::B(Blob::new(bytes)));
                item.insert("expires".to_owned(), seconds(now, UNTIL_KEPT));
                item
            })
            .collect();
        self.put_items(Table::Insights, items).await
    }

    /// Forgets the chunks of a run up to a day that lie after one contact and up to another: before they are written anew.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn clear_until(
        &self,
        tenant: TenantId,
        until: jiff::civil::Date,
        after: Option<&str>,
        last: Option<&str>,
    ) -> Result<(), StoreError> {
        let query = Query {
            partition: format!("until#{until}"),
            from: after.map(str::to_owned),
            to: last.map(str::to_owned),
            consistent: true,
            ..Query::default()
        };
        let items = self.query_all(tenant, Table::Insights, &query, 10_000).await?;
        let keys: Vec<Key> = items
            .iter()
            .filter_map(|item| text_of(item, "sk"))
            .filter(|sk| Some(*sk) != after)
            .map(|sk| Key::new(tenant, &format!("until#{until}"), sk))
            .collect();
        self.delete_items(Table::Insights, &keys).await
    }

    /// The chunk of a run up to a day that would hold a contact.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn until_chunk(
        &self,
        tenant: TenantId,
        until: jiff::civil::Date,
        contact: RecordId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let query = Query {
            partition: format!("until#{until}"),
            from: Some(contact.to_string()),
            ..Query::default()
        };
        let page = self.query(tenant, Table::Insights, &query, 1, None).await?;
        Ok(page.items.first().map(bytes_of))
    }
}

// Scores.
impl Store {
    /// A contact's stored score. 1 read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn score(&self, tenant: TenantId, contact: RecordId) -> Result<Option<Score>, StoreError> {
        let key = Key::record(tenant, NOUN, contact);
        let item = self.get_item(Table::Scores, &key).await?;
        item.as_ref().map(|item| read(item, "score")).transpose()
    }

    /// The stored scores of the contacts after one and up to another, strongly consistent.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn scores_between(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        last: Option<&str>,
    ) -> Result<HashMap<String, StoredScore>, StoreError> {
        let query = Query {
            partition: NOUN.to_owned(),
            from: after.map(str::to_owned),
            to: last.map(str::to_owned),
            consistent: true,
            ..Query::default()
        };
        let mut found = HashMap::new();
        let mut position = None;
        loop {
            let page = self
                .query(tenant, Table::Scores, &query, 10_000, position.as_ref())
                .await?;
            for item in page.items {
                let Some(contact) = text_of(&item, "sk").filter(|sk| Some(*sk) != after) else {
                    continue;
                };
                let score = StoredScore {
                    contact: contact.to_owned(),
                    version: number_of(&item, "v").unwrap_or(0),
                    stable: text_of(&item, "stable").unwrap_or_default().to_owned(),
                    last: number_of(&item, "last"),
                };
                found.insert(score.contact.clone(), score);
            }
            position = page.next;
            if position.is_none() {
                return Ok(found);
            }
        }
    }

    /// Writes scores without looking at what is there. Only the recompute whose turn it is may; a stage that a purchase moves
    /// meanwhile is written by [`Store::move_score`], which looks.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_scores(&self, tenant: TenantId, scores: &[NewScore], request: &str) -> Result<(), StoreError> {
        let items = scores
            .iter()
            .map(|new| score_row(tenant, new, request))
            .collect::<Result<_, _>>()?;
        self.put_items(Table::Scores, items).await
    }

    /// Removes the scores of contacts without purchases. No event says so: the order that was taken back did.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove_scores(&self, tenant: TenantId, contacts: &[String]) -> Result<(), StoreError> {
        let keys: Vec<Key> = contacts
            .iter()
            .map(|contact| Key::new(tenant, NOUN, contact.clone()))
            .collect();
        self.delete_items(Table::Scores, &keys).await
    }

    /// The query of the members of a segment, those who bought most first.
    #[must_use]
    pub fn members_query(segment: &str) -> Query {
        Query::index("by_segment", index_partition(NOUN, "by_segment", segment))
    }

    /// The query of the customers with an alert at a stage of life, `at_risk` or `lost`, those who bought most first.
    #[must_use]
    pub fn alerts_query(stage: &str) -> Query {
        Query::index("by_alert", index_partition(NOUN, "by_alert", stage))
    }

    /// Stored scores of some contacts with their versions, strongly consistent. 1 read unit each.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn scores(
        &self,
        tenant: TenantId,
        contacts: &[RecordId],
    ) -> Result<HashMap<RecordId, (u64, Score)>, StoreError> {
        let keys: Vec<Key> = contacts
            .iter()
            .map(|contact| Key::record(tenant, NOUN, *contact))
            .collect();
        let items = self.get_items(Table::Scores, &keys, true).await?;
        items
            .iter()
            .map(|item| {
                let score = Self::score_of(item)?;
                Ok((score.contact_id, (number_of(item, "v").unwrap_or(0), score)))
            })
            .collect()
    }

    /// Writes the next version of a score, provided that it still has the one before.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it has another; or when the store does not answer.
    pub async fn move_score(&self, tenant: TenantId, new: &NewScore, request: &str) -> Result<(), StoreError> {
        let mut write = Write::new(tenant);
        let row = score_row(tenant, new, request)?;
        write.record(self, Table::Scores, row, new.version - 1)?;
        write.commit(self).await
    }

    /// The score in an item of the table of scores.
    ///
    /// # Errors
    /// When it cannot be read: a fault of ours.
    pub fn score_of(item: &Item) -> Result<Score, StoreError> {
        read(item, "score")
    }
}

/// The score as JSON, with what an event is made from: the version, and who wrote it.
fn document(new: &NewScore) -> Result<String, StoreError> {
    let mut value = serde_json::to_value(&new.score).map_err(|error| StoreError::Internal(error.to_string()))?;
    if let Some(map) = value.as_object_mut() {
        map.insert("version".to_owned(), new.version.into());
        map.insert("updated_by".to_owned(), "segment-scores".into());
        map.insert("updated_via".to_owned(), "worker".into());
        if let Some(at) = new.changed_at {
            map.insert("updated_at".to_owned(), crate::records::sortable(at).into());
        }
    }
    Ok(value.to_string())
}

/// The row of a score that is put back as it was answered.
pub(crate) fn row_of(
    tenant: TenantId,
    version: u64,
    stable: &str,
    doc: &serde_json::Value,
    request: &str,
) -> Result<Item, StoreError> {
    let score: Score =
        serde_json::from_value(doc.clone()).map_err(|_| StoreError::Internal("a score is unreadable".to_owned()))?;
    entered(tenant, &score, version, stable, doc.to_string(), request)
}

fn score_row(tenant: TenantId, new: &NewScore, request: &str) -> Result<Item, StoreError> {
    entered(tenant, &new.score, new.version, &new.stable, document(new)?, request)
}

fn entered(
    tenant: TenantId,
    score: &Score,
    version: u64,
    stable: &str,
    doc: String,
    request: &str,
) -> Result<Item, StoreError> {
    let contact = score.contact_id.to_string();
    let mut row = Key::record(tenant, NOUN, score.contact_id).attributes();
    row.insert("kind".to_owned(), text(NOUN));
    row.insert("v".to_owned(), number(version));
    row.insert("rid".to_owned(), text(request));
    row.insert("stable".to_owned(), text(stable));
    row.insert("doc".to_owned(), text(doc));
    let mut enter = |index: &str, value: &str, sort: &str| {
        let partition = format!("{tenant}#{}", index_partition(NOUN, index, value));
        row.insert(index.to_owned(), text(partition));
        row.insert(format!("{index}_at"), text(sort));
    };
    if let Some(rfm) = &score.rfm {
        // Padded, so that texts sort as amounts do.
        let amount = rfm.monetary.amount.0.max(rapport_domain::money::Amount::default().0);
        let sort = format!("{:0>24}#{contact}", format!("{amount:.3}"));
        if let Some(segment) = &rfm.segment {
            enter("by_segment", segment, &sort);
        }
        if let Some(stage) = &score.lifecycle
            && score.churn.as_ref().is_some_and(|churn| churn.alert)
        {
            enter("by_alert", stage, &sort);
        }
        let last = rapport_domain::score::day_number(rfm.last_purchase_on);
        row.insert("last".to_owned(), number(last));
    }
    if let Some(stage) = &score.lifecycle {
        row.insert(
            "by_lifecycle".to_owned(),
            text(format!("{tenant}#{}", index_partition(NOUN, "by_lifecycle", stage))),
        );
        row.insert("by_lifecycle_at".to_owned(), text(&contact));
    }
    Ok(row)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::Money;
    use rapport_domain::score::Rfm;

    fn new(amount: &str) -> NewScore {
        let currency = "CNY".parse().unwrap();
        let money = Money::new(amount.parse().unwrap(), currency);
        let rfm = Rfm {
            recency_days: 1,
            frequency: 2,
            monetary: money,
            average: money,
            first_purchase_on: "2026-01-01".parse().unwrap(),
            last_purchase_on: "2026-01-02".parse().unwrap(),
            other_currency_orders: 0,
            r: Some(5),
            f: Some(4),
            m: Some(3),
            cell: Some("543".to_owned()),
            segment: Some("loyal".to_owned()),
        };
        NewScore {
            version: 3,
            stable: "543|2".to_owned(),
            changed_at: None,
            score: Score {
                contact_id: RecordId::from_u128(Prefix::Contact, 7),
                rfm: Some(rfm),
                pareto: None,
                value: None,
                churn: None,
                lifecycle: Some("repeat".to_owned()),
                insufficient_data: None,
                as_of: "2026-01-03".parse().unwrap(),
                scored_at: None,
                explain: None,
            },
        }
    }

    #[test]
    fn a_row_has_these_attributes_and_no_other() {
        let tenant = TenantId::new();
        let row = score_row(tenant, &new("12.50"), "job_1").unwrap();
        let mut names: Vec<&str> = row.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "by_lifecycle",
                "by_lifecycle_at",
                "by_segment",
                "by_segment_at",
                "doc",
                "kind",
                "last",
                "pk",
                "rid",
                "sk",
                "stable",
                "v"
            ]
        );
        assert_eq!(text_of(&row, "pk"), Some(format!("{tenant}#score").as_str()));
        let doc: serde_json::Value = serde_json::from_str(text_of(&row, "doc").unwrap()).unwrap();
        assert_eq!((&doc["version"], &doc["updated_via"]), (&3.into(), &"worker".into()));
        assert_eq!(Store::score_of(&row).unwrap(), new("12.50").score);
        assert_eq!(
            text_of(&row, "by_segment"),
            Some(format!("{tenant}#score#segment#loyal").as_str())
        );
        assert_eq!(
            text_of(&row, "by_lifecycle"),
            Some(format!("{tenant}#score#lifecycle#repeat").as_str())
        );
    }

    #[test]
    fn an_alert_lies_under_its_stage_and_a_change_says_when() {
        let tenant = TenantId::new();
        let mut alerted = new("12.50");
        alerted.score.lifecycle = Some("at_risk".to_owned());
        alerted.score.churn = Some(rapport_domain::score::Churn {
            risk: 0.7,
            alert: true,
            reason: Some("past_rhythm".to_owned()),
            detail: None,
        });
        alerted.changed_at = Some("2026-01-04T00:00:00Z".parse().unwrap());
        let row = score_row(tenant, &alerted, "").unwrap();
        assert_eq!(
            text_of(&row, "by_alert"),
            Some(format!("{tenant}#score#alert#at_risk").as_str())
        );
        assert_eq!(text_of(&row, "by_alert_at"), text_of(&row, "by_segment_at"));
        let doc: serde_json::Value = serde_json::from_str(text_of(&row, "doc").unwrap()).unwrap();
        assert_eq!(doc["updated_at"], "2026-01-04T00:00:00.000Z");
    }

    #[test]
    fn members_sort_by_what_they_bought() {
        let tenant = TenantId::new();
        let sort = |amount: &str| {
            let row = score_row(tenant, &new(amount), "").unwrap();
            text_of(&row, "by_segment_at").unwrap().to_owned()
        };
        let amounts = ["-5", "0.01", "9.99", "10", "123456.78", "999999999999999.99"];
        let sorts: Vec<String> = amounts.iter().map(|amount| sort(amount)).collect();
        assert!(sorts.windows(2).all(|pair| pair[0] < pair[1]), "{sorts:?}");
    }

    #[test]
    fn a_move_touches_both_customers_and_only_a_change_is_one() {
        let contact = |n| RecordId::from_u128(Prefix::Contact, n);
        let adds = |n| {
            let contribution = Contribution {
                day: 1,
                amount: "1".parse().unwrap(),
                margin: None,
                currency: "CNY".parse().unwrap(),
            };
            (contact(n), contribution)
        };
        let purchase = |adds| Purchase {
            order: RecordId::from_u128(Prefix::Order, 1),
            version: 2,
            adds,
        };
        let before = |n: Option<u128>| Contributed {
            contact: n.map(contact),
            adds: n.map(|n| adds(n).1),
            version: 1,
        };
        for (now, then, expected, changed) in [
            (Some(1), None, vec![1], true),
            (Some(1), Some(Some(1)), vec![1], false),
            (Some(2), Some(Some(1)), vec![1, 2], true),
            (None, Some(Some(1)), vec![1], true),
            (Some(1), Some(None), vec![1], true),
            (None, Some(None), vec![], false),
            (None, None, vec![], true),
        ] {
            let got = Noted::of(&purchase(now.map(adds)), then.map(before).as_ref());
            let contacts = expected.into_iter().map(contact).collect();
            assert_eq!(got, Noted { contacts, changed }, "{now:?} {then:?}");
        }
        let mut other = before(Some(1));
        other.adds = Some(Contribution { day: 2, ..adds(1).1 });
        assert!(Noted::of(&purchase(Some(adds(1))), Some(&other)).changed);
        // As late as this one, or from before it was noted what is added.
        other.version = 2;
        assert!(!Noted::of(&purchase(Some(adds(1))), Some(&other)).changed);
        (other.version, other.adds) = (1, None);
        assert!(Noted::of(&purchase(Some(adds(1))), Some(&other)).changed);
    }
}

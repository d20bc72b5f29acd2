//! Merging records in one transaction, the jobs that then move what pointed at them, and the way back.
//!
//! Beside the records there are: the job (`job`), for each merged record the job it was merged by (`merge#<id>`), and
//! for each job what is needed to undo it (`manifest#<job>`): the records as they were, and every reference moved. The
//! manifest and the way from a record to its job go after 30 days.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rapport_domain::merge::{Conflict, Job, JobKind, Mergeable, UNDO_DAYS, merged, unmerged};
use rapport_domain::record::MOST_BYTES;
use rapport_domain::{Invalid, Prefix, Record, RecordId, TenantId, Unique};

use crate::page::{Position, Query};
use crate::records::{Stored, parse};
use crate::{Accept, Item, Key, Store, StoreError, Table, Timer, Write, number, text, text_of};

/// The table of jobs and manifests.
const TABLE: Table = Table::Contacts;
/// How often a lost race for a job is run again.
const ATTEMPTS: u32 = 20;

/// What a merge did, or would do.
#[derive(Clone, Debug)]
pub struct Outcome<K> {
    /// The record that stays, as it is then.
    pub record: Record<K>,
    /// Where the records differed.
    pub conflicts: Vec<Conflict>,
    /// The job that moves what pointed at the others; `None` when nothing was written.
    pub job: Option<Job>,
}

/// What undoing a merge did.
#[derive(Clone, Debug)]
pub struct Undone<K> {
    /// The record that had stayed.
    pub record: Record<K>,
    /// Those that had been merged into it.
    pub restored: Vec<Record<K>>,
    /// The job that moves the references back.
    pub job: Job,
}

/// A reference that a merge moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The noun of the record that holds it.
    pub noun: String,
    /// The record that holds it.
    pub id: String,
    /// The merged record that it named.
    pub from: RecordId,
}

impl Moved {
    fn key(&self, tenant: TenantId, job: RecordId) -> Key {
        Key::new(
            tenant,
            &manifest(job),
            format!("moved#{}#{}#{}", self.from, self.noun, self.id),
        )
    }
}

fn expires(now: Timestamp) -> i64 {
    (now + SignedDuration::from_hours(24 * UNDO_DAYS)).as_second()
}

fn manifest(job: RecordId) -> String {
    format!("manifest#{job}")
}

impl Store {
    /// Merges records into one, in one transaction. `timers` gives what is to be sent later for the job to be done even
    /// if nobody sends it at once.
    ///
    /// Merging the same records again answers with the first merge's job and writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such record to merge into; [`StoreError::Invalid`] when one of the others
    /// is not there, or a chosen field is not; [`StoreError::Stale`] when `expected` is not the version or another won.
    pub async fn merge<K: Stored + Mergeable>(
        &self,
        cx: &Accept,
        into: RecordId,
        from: &[RecordId],
        fields: &BTreeMap<String, String>,
        expected: Option<u64>,
        dry_run: bool,
        timers: impl Fn(&Job) -> Vec<Timer>,
    ) -> Result<Outcome<K>, StoreError> {
        let stays: Record<K> = self.get(cx.tenant, into).await?;
        if let Some(job) = self.merged_before::<K>(cx.tenant, into, from).await? {
            return Ok(Outcome {
                record: stays,
                conflicts: Vec::new(),
                job: Some(job),
            });
        }
        if let Some(expected) = expected
            && expected != stays.meta.version
        {
            return Err(StoreError::Stale(Some(stays.to_value().to_string())));
        }
        let others: Vec<Record<K>> = self.others(cx.tenant, from).await?;
        let united = merged(&stays, &others, fields, &cx.rules)?;
        let mut next = stays.next(united.body, united.common, &cx.actor, cx.rules.now);
        let mut checks = Write::new(cx.tenant);
        K::complete_change(self, cx, &stays, &mut next, &mut checks).await?;
        if dry_run {
            return Ok(Outcome {
                record: next,
                conflicts: united.conflicts,
                job: None,
            });
        }
        let gone: Vec<Record<K>> = others
            .iter()
            .map(|other| {
                let mut gone = other.clone();
                gone.touch(&cx.actor, cx.rules.now);
                gone.meta.merged_into = Some(into);
                gone
            })
            .collect();
        let job = Job::new(
            RecordId::new(Prefix::Job),
            JobKind::Merge,
            K::NOUN,
            into,
            from.to_vec(),
            &cx.actor.id,
            cx.rules.now,
        );
        let mut write = Write::new(cx.tenant);
        self.put_version(&mut write, cx, &stays, &next)?;
        for (old, new) in others.iter().zip(&gone) {
            self.put_version(&mut write, cx, old, new)?;
        }
        let before: Vec<&Record<K>> = std::iter::once(&stays).chain(&others).collect();
        self.settle_unique(&mut write, cx, &before, &[&next])?;
        write.append(checks);
        self.put_job(&mut write, &job, 0)?;
        for record in std::iter::once(&stays).chain(&others) {
            let place = format!("before#{}", record.meta.id);
            write.put(self, TABLE, kept(cx, job.id, &place, record))?;
        }
        write.put(self, TABLE, kept(cx, job.id, "after", &next))?;
        for id in from {
            let mut item = Key::new(cx.tenant, &format!("merge#{id}"), "-").attributes();
            item.insert("job".to_owned(), text(job.id.to_string()));
            item.insert("expires".to_owned(), number(expires(cx.rules.now)));
            write.put(self, TABLE, item)?;
        }
        for timer in timers(&job) {
            write.timer(self, &timer)?;
        }
        write.commit(self).await?;
        Ok(Outcome {
            record: next,
            conflicts: united.conflicts,
            job: Some(job),
        })
    }

    /// The job that merged exactly these records into that one, when there is one still in force.
    async fn merged_before<K: Stored>(
        &self,
        tenant: TenantId,
        into: RecordId,
        from: &[RecordId],
    ) -> Result<Option<Job>, StoreError> {
        let Some(first) = from.first() else {
            return Ok(None);
        };
        let item = self
            .get_item(TABLE, &Key::new(tenant, &format!("merge#{first}"), "-"))
            .await?;
        let id = item
            .as_ref()
            .and_then(|item| text_of(item, "job"))
            .and_then(|id| RecordId::parse(Prefix::Job, id).ok());
        let Some(id) = id else { return Ok(None) };
        let job = self.job(tenant, id).await?;
        let same = job.from.iter().collect::<BTreeSet<_>>() == from.iter().collect::<BTreeSet<_>>();
        Ok(Some(job).filter(|job| same && job.into == into && job.noun == K::NOUN && job.undone_by.is_none()))
    }

    async fn others<K: Stored>(&self, tenant: TenantId, from: &[RecordId]) -> Result<Vec<Record<K>>, StoreError> {
        let reads = from.iter().map(|id| self.get::<K>(tenant, *id));
        let mut invalid = Invalid::default();
        let mut others = Vec::with_capacity(from.len());
        for (n, read) in futures::future::join_all(reads).await.into_iter().enumerate() {
            match read {
                Ok(record) => others.push(record),
                Err(StoreError::Missing) => invalid.add(
                    &format!("from/{n}"),
                    "not_found",
                    format!("there is no such {}, or it was merged already", K::NOUN),
                ),
                Err(error) => return Err(error),
            }
        }
        invalid.check()?;
        Ok(others)
    }

    /// Undoes a merge within 30 days, in one transaction: the merged records are there again as they were, and what came
    /// by merging leaves the one that stayed; what was changed in that since stays changed.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such record or no such merge of it, or 30 days have passed;
    /// [`StoreError::Conflict`] with code `already_undone`; [`StoreError::Taken`] when another holds a unique value now.
    pub async fn unmerge<K: Stored + Mergeable>(
        &self,
        cx: &Accept,
        into: RecordId,
        merge: RecordId,
        timers: impl Fn(&Job) -> Vec<Timer>,
    ) -> Result<Undone<K>, StoreError> {
        let current: Record<K> = self.get(cx.tenant, into).await?;
        let done = self.job(cx.tenant, merge).await?;
        if done.kind != JobKind::Merge || done.noun != K::NOUN || done.into != into {
            return Err(StoreError::Missing);
        }
        if done.undone_by.is_some() {
            return Err(StoreError::conflict("already_undone", "this merge was undone before"));
        }
        if done.created_at + SignedDuration::from_hours(24 * UNDO_DAYS) <= cx.rules.now {
            return Err(StoreError::Missing);
        }
        let (before, after) = self.manifest::<K>(cx.tenant, &done).await?;
        let was = before.get(&into).ok_or(StoreError::Missing)?;
        let (common, body) = unmerged(was, &after, &current, &cx.rules)?;
        let mut next = current.next(body, common, &cx.actor, cx.rules.now);
        let mut checks = Write::new(cx.tenant);
        K::complete_change(self, cx, &current, &mut next, &mut checks).await?;
        let mut write = Write::new(cx.tenant);
        self.put_version(&mut write, cx, &current, &next)?;
        let mut restored = Vec::with_capacity(done.from.len());
        for id in &done.from {
            let row = self.row::<K>(cx.tenant, *id).await?;
            let gone: Record<K> = parse(&row.doc)?;
            if gone.meta.merged_into != Some(into) {
                return Err(StoreError::conflict(
                    "already_undone",
                    "these records are no longer merged",
                ));
            }
            let was = before.get(id).ok_or(StoreError::Missing)?;
            let mut back = Record {
                meta: gone.meta.clone(),
                body: was.body.clone(),
            };
            back.meta.common = was.meta.common.clone();
            back.meta.merged_into = None;
            back.touch(&cx.actor, cx.rules.now);
            self.put_version(&mut write, cx, &gone, &back)?;
            restored.push(back);
        }
        let after: Vec<&Record<K>> = std::iter::once(&next).chain(&restored).collect();
        self.settle_unique(&mut write, cx, &[&current], &after)?;
        write.append(checks);
        let mut job = Job::new(
            RecordId::new(Prefix::Job),
            JobKind::Unmerge,
            K::NOUN,
            into,
            done.from.clone(),
            &cx.actor.id,
            cx.rules.now,
        );
        job.undoes = Some(merge);
        self.put_job(&mut write, &job, 0)?;
        let undone = Job {
            undone_by: Some(job.id),
            version: done.version + 1,
            ..done.clone()
        };
        self.put_job(&mut write, &undone, done.version)?;
        for id in &done.from {
            write.delete(self, TABLE, &Key::new(cx.tenant, &format!("merge#{id}"), "-"))?;
        }
        for timer in timers(&job) {
            write.timer(self, &timer)?;
        }
        write.commit(self).await?;
        Ok(Undone {
            record: next,
            restored,
            job,
        })
    }

    /// The records as they were before a merge, and the one that stayed as it was right after.
    async fn manifest<K: Stored>(
        &self,
        tenant: TenantId,
        job: &Job,
    ) -> Result<(BTreeMap<RecordId, Record<K>>, Record<K>), StoreError> {
        let read = |item: &Item| text_of(item, "was").map(parse::<K>).transpose();
        let query = Query {
            consistent: true,
            ..Query::prefix(manifest(job.id), "before#")
        };
        let mut before = BTreeMap::new();
        for item in self.query_all(tenant, TABLE, &query, 100).await? {
            if let Some(record) = read(&item)? {
                before.insert(record.meta.id, record);
            }
        }
        let after = self
            .get_item(TABLE, &Key::new(tenant, &manifest(job.id), "after"))
            .await?;
        let after = after.as_ref().map(read).transpose()?.flatten();
        Ok((before, after.ok_or(StoreError::Missing)?))
    }

    /// Writes the next version of a record with its pointers; unique values are settled for all records together.
    fn put_version<K: Stored>(
        &self,
        write: &mut Write,
        cx: &Accept,
        old: &Record<K>,
        new: &Record<K>,
    ) -> Result<(), StoreError> {
        let id = new.meta.id;
        let doc = crate::records::doc(new)?;
        let row = crate::records::row(cx, new, &doc);
        write.record(self, K::TABLE, row, old.meta.version)?;
        let (before, after) = (crate::records::pointers(old), crate::records::pointers(new));
        for value in before.difference(&after) {
            write.delete(self, K::TABLE, &Key::pointer(cx.tenant, K::NOUN, value, id))?;
        }
        for value in after.difference(&before) {
            write.put(self, K::TABLE, Key::pointer(cx.tenant, K::NOUN, value, id).attributes())?;
        }
        Ok(())
    }

    /// Moves, frees and takes unique values, each in one step: a transaction touches no item twice. Any of the records may hold what
    /// several of them have.
    fn settle_unique<K: Stored>(
        &self,
        write: &mut Write,
        cx: &Accept,
        before: &[&Record<K>],
        after: &[&Record<K>],
    ) -> Result<(), StoreError> {
        let all: BTreeSet<RecordId> = before.iter().chain(after).map(|record| record.meta.id).collect();
        let all: Vec<RecordId> = all.into_iter().collect();
        let unique = |records: &[&Record<K>]| -> BTreeMap<Unique, RecordId> {
            let each = records.iter().map(|record| (record.unique(&cx.rules), record.meta.id));
            each.flat_map(|(unique, id)| unique.into_iter().map(move |unique| (unique, id)))
                .collect()
        };
        let held = |records: &[&Record<K>]| -> BTreeSet<Unique> {
            records.iter().flat_map(|record| record.held(&cx.rules)).collect()
        };
        let (had, have) = (unique(before), unique(after));
        for unique in held(before).difference(&held(after)) {
            write.free(self, TABLE, K::NOUN, unique, &all)?;
        }
        for (unique, next) in &have {
            match had.get(unique) {
                Some(holder) if holder == next => {}
                Some(_) => write.pass_on(self, TABLE, K::NOUN, unique, &all, *next)?,
                None => write.take(self, TABLE, K::NOUN, &unique.scope, &unique.value, &next.to_string())?,
            }
        }
        Ok(())
    }

    fn put_job(&self, write: &mut Write, job: &Job, expected: u64) -> Result<(), StoreError> {
        let mut item = Key::new(write.tenant(), "job", job.id.to_string()).attributes();
        let doc = serde_json::to_string(job).map_err(|error| StoreError::Internal(error.to_string()))?;
        // No `kind`: a job is no record, and nobody is told of its changes.
        item.insert("v".to_owned(), number(job.version));
        item.insert("doc".to_owned(), text(doc));
        write.record(self, TABLE, item, expected)
    }

    /// A job. 1 read unit.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn job(&self, tenant: TenantId, id: RecordId) -> Result<Job, StoreError> {
        let item = self.get_item(TABLE, &Key::new(tenant, "job", id.to_string())).await?;
        let item = item.ok_or(StoreError::Missing)?;
        text_of(&item, "doc")
            .and_then(|doc| serde_json::from_str(doc).ok())
            .ok_or_else(|| StoreError::Internal("a stored job is unreadable".to_owned()))
    }

    /// Notes how far a job is. 2 units.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn advance_job(
        &self,
        tenant: TenantId,
        id: RecordId,
        from: RecordId,
        moved: u64,
        finished: bool,
        now: Timestamp,
    ) -> Result<Job, StoreError> {
        for attempt in 0..ATTEMPTS {
            let job = self.job(tenant, id).await?;
            let Some(next) = job.advance(from, moved, finished, now) else {
                return Ok(job);
            };
            let mut write = Write::new(tenant);
            self.put_job(&mut write, &next, job.version)?;
            match write.commit(self).await {
                Err(StoreError::Stale(_)) => {
                    let pause = rand::random::<f64>() * f64::from(1 << attempt.min(6)) * 2.0;
                    tokio::time::sleep(std::time::Duration::from_secs_f64(pause / 1_000.0)).await;
                }
                result => return result.map(|()| next),
            }
        }
        Err(StoreError::Unavailable("a job is being changed by others".to_owned()))
    }

    /// Notes references that are about to be moved, so that undoing finds them. Repeating it changes nothing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_moved(
        &self,
        tenant: TenantId,
        job: RecordId,
        moved: &[Moved],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let items = moved
            .iter()
            .map(|moved| {
                let mut item = moved.key(tenant, job).attributes();
                item.insert("expires".to_owned(), number(expires(now)));
                item
            })
            .collect();
        self.put_items(TABLE, items).await
    }

    /// Forgets references that were moved back.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_moved(&self, tenant: TenantId, job: RecordId, moved: &[Moved]) -> Result<(), StoreError> {
        let keys: Vec<Key> = moved.iter().map(|moved| moved.key(tenant, job)).collect();
        self.delete_items(TABLE, &keys).await
    }

    /// A page of the references that a merge moved from one record, and where to go on.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn moved(
        &self,
        tenant: TenantId,
        job: RecordId,
        from: RecordId,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<(Vec<Moved>, Option<Position>), StoreError> {
        let prefix = format!("moved#{from}#");
        let query = Query {
            consistent: true,
            ..Query::prefix(manifest(job), &prefix)
        };
        let page = self.query(tenant, TABLE, &query, limit, after).await?;
        let moved = page
            .items
            .iter()
            .filter_map(|item| text_of(item, "sk")?.strip_prefix(&prefix)?.split_once('#'))
            .map(|(noun, id)| Moved {
                noun: noun.to_owned(),
                id: id.to_owned(),
                from,
            })
            .collect();
        Ok((moved, page.next))
    }
}

/// A record kept in a manifest as it was.
fn kept<K: Stored>(cx: &Accept, job: RecordId, place: &str, record: &Record<K>) -> Item {
    let mut item = Key::new(cx.tenant, &manifest(job), place).attributes();
    item.insert("was".to_owned(), text(record.to_value().to_string()));
    item.insert("expires".to_owned(), number(expires(cx.rules.now)));
    item
}

/// A transaction holds at most 4 MB: so many records of the greatest size, each twice, fit with room to spare.
const _: () = assert!((rapport_domain::merge::MOST + 2) * 2 * MOST_BYTES < 4 * 1024 * 1024);

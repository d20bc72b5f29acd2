//! What can be done with a record of any kind: create, read, change, delete, restore, find its likes; singly and by the hundred.
//!
//! A row holds the record as one JSON text (`doc`), exactly as the API answers it, beside the few attributes the store
//! itself needs: version `v`, request `rid`, the pairs of its indexes, `gone` and `expires` once deleted. Reading is
//! then free of conversion, and an index is only ever what [`Stored::indexes`] says.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use rapport_domain::order::ContactRef;
use rapport_domain::record::MOST_BYTES;
use rapport_domain::{Actor, Common, Invalid, Kind, Prefix, Record, RecordId, Rules, TenantId, Unique};
use tokio::sync::Mutex;

use crate::idempotency::{Answer, Idempotency};
use crate::key::bounded;
use crate::page::Row;
use crate::usage::{Place, Room};
use crate::{Item, Key, Store, StoreError, Table, Write, number, text};

/// How long a deleted record can be restored.
pub const RESTORABLE: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How often a lost race is run again.
const ATTEMPTS: u32 = 6;
/// The attribute of a row whose writing is no news.
pub const QUIET: &str = "quiet";
/// From which certainty on two records are suspected to be one.
pub const SUSPECT: f32 = 0.8;

/// How a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// The field equals the value.
    Equal,
    /// The list holds the value.
    Holds,
    /// The field is at or after the value, a time or a day.
    Since,
    /// The field is before the value, a time or a day.
    Before,
}

/// One named filter of a list.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// The query parameter.
    pub name: &'static str,
    /// The field it looks at.
    pub field: &'static str,
    /// How it compares.
    pub test: Test,
    /// The index that serves it, if any: partition `<noun>#<field>#<value>`.
    pub index: Option<&'static str>,
    /// The allowed values, where they are few.
    pub values: &'static [&'static str],
    /// The table and noun of items that lie beside the record and bear its id as sort key, when it is they that the index finds.
    pub beside: Option<(Table, &'static str)>,
}

impl Filter {
    /// A filter for equality served by an index.
    #[must_use]
    pub const fn indexed(name: &'static str, index: &'static str) -> Self {
        Self {
            name,
            field: name,
            test: Test::Equal,
            index: Some(index),
            values: &[],
            beside: None,
        }
    }

    /// A filter for equality applied to what is read.
    #[must_use]
    pub const fn equal(name: &'static str) -> Self {
        Self {
            name,
            field: name,
            test: Test::Equal,
            index: None,
            values: &[],
            beside: None,
        }
    }

    /// A filter by time.
    #[must_use]
    pub const fn time(name: &'static str, field: &'static str, test: Test) -> Self {
        Self {
            name,
            field,
            test,
            index: None,
            values: &[],
            beside: None,
        }
    }

    /// A filter by what is known of a record in another table, where an index finds it.
    #[must_use]
    pub const fn beside(name: &'static str, index: &'static str, table: Table, noun: &'static str) -> Self {
        let mut filter = Self::indexed(name, index);
        filter.beside = Some((table, noun));
        filter
    }

    /// With few allowed values.
    #[must_use]
    pub const fn of(self, values: &'static [&'static str]) -> Self {
        Self { values, ..self }
    }
}

/// The order in which an index gives records.
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    /// The index.
    pub index: &'static str,
    /// The field its sort key is made of.
    pub field: &'static str,
    /// Whether the least comes first, as with what is due; otherwise the latest does.
    pub rising: bool,
}

impl Sort {
    /// The latest first.
    #[must_use]
    pub const fn latest(index: &'static str, field: &'static str) -> Self {
        Self {
            index,
            field,
            rising: false,
        }
    }

    /// The least first.
    #[must_use]
    pub const fn soonest(index: &'static str, field: &'static str) -> Self {
        Self {
            index,
            field,
            rising: true,
        }
    }
}

/// The filters that every list has.
pub const COMMON_FILTERS: &[Filter] = &[
    Filter {
        name: "tag",
        field: "tags",
        test: Test::Holds,
        index: None,
        values: &[],
        beside: None,
    },
    Filter::time("created_since", "created_at", Test::Since),
    Filter::time("created_before", "created_at", Test::Before),
    Filter::time("updated_since", "updated_at", Test::Since),
];

/// How a kind of record is stored.
pub trait Stored: Kind {
    /// The table.
    const TABLE: Table;
    /// The plural, as in the URL.
    const PLURAL: &'static str;
    /// The filters of its list beside [`COMMON_FILTERS`].
    const FILTERS: &'static [Filter];
    /// Whether an id's time is that of creation: not where ids are derived from what records are about.
    const IDS_TELL_CREATION: bool = true;
    /// The indexes whose sort key is a field rather than the id.
    const SORTS: &'static [Sort] = &[];

    /// The record's entries in indexes: index, value of its partition (`<noun>#<field>#<value>` is made of it), sort key.
    fn indexes(record: &Record<Self>) -> Vec<(&'static str, String, String)>;

    /// Values that lead to the record beside its tags and likenesses: `phone#+86…`.
    fn pointers(record: &Record<Self>) -> Vec<String> {
        let _ = record;
        Vec::new()
    }

    /// Looks up what a new record needs from the store, and adds what must be written with it.
    fn complete(
        store: &Store,
        cx: &Accept,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = (store, cx, record, write);
        async { Ok(()) }
    }

    /// What must be written with a record that is put back as it was, in another place: timers, counts.
    ///
    /// # Errors
    /// When a table is not given.
    fn resume(store: &Store, cx: &Accept, record: &Record<Self>, write: &mut Write) -> Result<(), StoreError> {
        let _ = (store, cx, record, write);
        Ok(())
    }

    /// The same for a changed record, given what it was.
    fn complete_change(
        store: &Store,
        cx: &Accept,
        old: &Record<Self>,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = (store, cx, old, record, write);
        async { Ok(()) }
    }
}

/// What the records of one batch share.
#[derive(Debug)]
struct Batch {
    /// How many numbers to reserve at a time.
    block: u64,
    /// Numbers reserved beforehand, by counter and turn.
    reserved: BTreeMap<&'static str, BTreeMap<u64, u64>>,
    /// The ids of customers about to be created.
    customers: HashMap<ContactRef, RecordId>,
}

/// On whose behalf and under which rules something is done.
#[derive(Clone, Debug)]
pub struct Accept {
    /// The tenant.
    pub tenant: TenantId,
    /// Who.
    pub actor: Actor,
    /// The time, settings and fields.
    pub rules: Rules,
    /// Create even where an existing record looks alike.
    pub allow_duplicate: bool,
    /// Whether what is written is no news: no event tells of it, nobody outside hears of it, and what is derived follows all the same.
    pub quiet: bool,
    /// How many records may still be made; `None` where nobody asks, as for what customers say themselves.
    pub room: Option<Arc<Room>>,
    batch: Arc<Mutex<Batch>>,
    /// The place in a batch: inputs are numbered in their order, whoever is ready first.
    turn: u64,
}

impl Accept {
    /// A context.
    #[must_use]
    pub fn new(tenant: TenantId, actor: Actor, rules: Rules) -> Self {
        Self {
            tenant,
            actor,
            rules,
            allow_duplicate: false,
            quiet: false,
            room: None,
            batch: Arc::new(Mutex::new(Batch {
                block: 1,
                reserved: BTreeMap::new(),
                customers: HashMap::new(),
            })),
            turn: 0,
        }
    }

    /// The same outside of any batch.
    fn alone(&self) -> Self {
        Self {
            allow_duplicate: self.allow_duplicate,
            quiet: self.quiet,
            room: self.room.clone(),
            ..Self::new(self.tenant, self.actor.clone(), self.rules.clone())
        }
    }

    /// The place of a new record of a kind.
    ///
    /// # Errors
    /// [`StoreError::Full`] when the plan allows no more of them.
    fn place<K: Kind>(&self) -> Result<Option<Arc<Place>>, StoreError> {
        self.room.as_ref().map_or(Ok(None), |room| room.take(K::NOUN))
    }

    /// The next number of a counter of the tenant's: unique and rising, with gaps. A batch reserves all it needs at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn number(&self, store: &Store, table: Table, counter: &'static str) -> Result<u64, StoreError> {
        let mut batch = self.batch.lock().await;
        let Batch { block, reserved, .. } = &mut *batch;
        let reserved = reserved.entry(counter).or_default();
        if !reserved.contains_key(&self.turn) {
            let last = store.reserve(self.tenant, table, counter, *block).await?;
            *reserved = (0..*block).map(|turn| (turn, last + 1 - *block + turn)).collect();
        }
        reserved
            .remove(&self.turn)
            .ok_or_else(|| StoreError::Internal("no number was reserved".to_owned()))
    }

    /// The id of a customer about to be created, the same for all orders of a batch.
    pub(crate) async fn customer(&self, named: &ContactRef) -> RecordId {
        let customers = &mut self.batch.lock().await.customers;
        *customers
            .entry(named.clone())
            .or_insert_with(|| RecordId::new(Prefix::Contact))
    }
}

/// A record just written, and its JSON.
#[derive(Clone, Debug)]
pub struct Written<K> {
    /// The record.
    pub record: Record<K>,
    /// Its JSON.
    pub doc: String,
}

/// What became of the members of a group.
#[derive(Clone)]
enum Fate {
    Written,
    /// One of them could not be written: each has to be tried by itself, so that one cannot spoil the others.
    Apart,
    /// The store did not answer: nobody knows, so nothing may be tried again under another id.
    Unknown(String),
}

/// Several new records for one transaction.
struct Group {
    members: usize,
    write: Write,
    keys: HashSet<String>,
    /// The shared parts that earlier groups wrote.
    done: BTreeSet<String>,
}

impl Group {
    fn new(tenant: TenantId) -> Self {
        Self {
            members: 0,
            write: Write::new(tenant),
            keys: HashSet::new(),
            done: BTreeSet::new(),
        }
    }

    fn fits(&self, write: &Write) -> bool {
        self.write.len() + write.len() <= crate::write::MOST_ITEMS
            && write.keys().iter().all(|key| !self.keys.contains(key))
    }

    fn add(&mut self, write: &Write) {
        self.members += 1;
        self.keys.extend(write.keys());
        self.write.append(write.clone());
        self.write.forget(&self.done);
    }

    /// Writes what there is, notes the fate of each member, and is empty again.
    async fn commit(&mut self, store: &Store, fates: &mut Vec<Fate>) {
        let empty = Write::new(self.write.tenant());
        let write = std::mem::replace(&mut self.write, empty);
        let shares: Vec<String> = write.shares().cloned().collect();
        let fate = match write.commit(store).await {
            Ok(()) => Fate::Written,
            Err(StoreError::Unavailable(why)) => Fate::Unknown(why),
            Err(_) => Fate::Apart,
        };
        if matches!(fate, Fate::Written) {
            self.done.extend(shares);
        }
        fates.extend(std::iter::repeat_n(fate, std::mem::take(&mut self.members)));
        self.keys.clear();
    }
}

/// A new record that waits to be written.
#[derive(Clone, Debug)]
pub struct Planned<K> {
    /// The record.
    pub record: Record<K>,
    /// Its JSON.
    pub doc: String,
    /// What writes it.
    pub write: Write,
}

/// A row of a record with its index entries.
pub(crate) fn row<K: Stored>(cx: &Accept, record: &Record<K>, doc: &str) -> Item {
    let tenant = cx.tenant;
    let mut row = Key::record(tenant, K::NOUN, record.meta.id).attributes();
    if cx.quiet {
        row.insert(QUIET.to_owned(), AttributeValue::Bool(true));
    }
    row.insert("kind".to_owned(), text(K::NOUN));
    row.insert("v".to_owned(), number(record.meta.version));
    row.insert("rid".to_owned(), text(&cx.actor.request));
    row.insert("doc".to_owned(), text(doc));
    if let Some(at) = record.meta.deleted_at {
        row.insert("gone".to_owned(), text("deleted"));
        row.insert("expires".to_owned(), number((at + RESTORABLE).as_second()));
        return row;
    }
    if record.meta.merged_into.is_some() {
        row.insert("gone".to_owned(), text("merged"));
        return row;
    }
    for (index, value, sort) in K::indexes(record) {
        row.insert(
            index.to_owned(),
            text(format!("{tenant}#{}", index_partition(K::NOUN, index, &value))),
        );
        row.insert(format!("{index}_at"), text(sort));
    }
    row
}

/// The partition of an index for one value, without the tenant.
#[must_use]
pub fn index_partition(noun: &str, index: &str, value: &str) -> String {
    format!(
        "{noun}#{}#{}",
        index.strip_prefix("by_").unwrap_or(index),
        bounded(value)
    )
}

/// Whether it was deleted, or merged into another.
fn is_gone<K>(record: &Record<K>) -> bool {
    record.meta.deleted_at.is_some() || record.meta.merged_into.is_some()
}

/// Of its values those that no other record may have: what is gone holds none.
pub(crate) fn holds<K>(record: &Record<K>, values: Vec<Unique>) -> BTreeSet<Unique> {
    values.into_iter().filter(|_| !is_gone(record)).collect()
}

pub(crate) fn pointers<K: Stored>(record: &Record<K>) -> BTreeSet<String> {
    if is_gone(record) {
        return BTreeSet::new();
    }
    let tags = record.meta.common.tags.iter().map(|tag| format!("tag#{tag}"));
    let likeness = record.body.likeness().into_iter().map(|(key, _)| format!("like#{key}"));
    tags.chain(likeness).chain(K::pointers(record)).collect()
}

pub(crate) fn doc<K: Kind>(record: &Record<K>) -> Result<String, StoreError> {
    let doc = record.to_value().to_string();
    if doc.len() > MOST_BYTES {
        return Err(Invalid::one(
            "",
            "too_large",
            format!("a record has at most {MOST_BYTES} bytes, this has {}", doc.len()),
        )
        .into());
    }
    Ok(doc)
}

impl Store {
    /// Reads a record's row, deleted or not. 1 read unit per 4 KB.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn row<K: Stored>(&self, tenant: TenantId, id: RecordId) -> Result<Row, StoreError> {
        let item = self.get_item(K::TABLE, &Key::record(tenant, K::NOUN, id)).await?;
        item.as_ref().and_then(Row::read).ok_or(StoreError::Missing)
    }

    /// Reads a record that is neither deleted nor merged away.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn get<K: Stored>(&self, tenant: TenantId, id: RecordId) -> Result<Record<K>, StoreError> {
        let row = self.row::<K>(tenant, id).await?;
        if row.gone {
            Err(StoreError::Missing)
        } else {
            parse(&row.doc)
        }
    }

    /// Reads the rows of several records; those that are gone or missing are left out. Half a read unit each when not consistent.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rows<K: Stored>(
        &self,
        tenant: TenantId,
        ids: &[String],
        consistent: bool,
    ) -> Result<Vec<Row>, StoreError> {
        let unique: BTreeSet<&String> = ids.iter().collect();
        let keys: Vec<Key> = unique
            .into_iter()
            .map(|id| Key::new(tenant, K::NOUN, id.clone()))
            .collect();
        let items = self.get_items(K::TABLE, &keys, consistent).await?;
        Ok(items.iter().filter_map(Row::read).filter(|row| !row.gone).collect())
    }

    /// Checks an input and prepares what writes it, without writing.
    ///
    /// # Errors
    /// [`StoreError::Invalid`], [`StoreError::Duplicate`], or that the store does not answer.
    pub async fn plan_create<K: Stored>(
        &self,
        cx: &Accept,
        common: Common,
        input: K::In,
    ) -> Result<Planned<K>, StoreError> {
        let (common, body) = match (common.check::<K>(&cx.rules), K::create(input, &cx.rules)) {
            (Ok(common), Ok(body)) => (common, body),
            (common, body) => {
                let mut invalid = Invalid::default();
                invalid.take(common);
                invalid.take(body);
                return Err(invalid.into());
            }
        };
        self.refuse_duplicate(cx, &body).await?;
        self.plan_new(
            cx,
            Record::new(RecordId::new(K::PREFIX), body, common, &cx.actor, cx.rules.now),
        )
        .await
    }

    /// Refuses a new record that looks like an existing one, unless that was allowed.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`], or that the store does not answer.
    pub async fn refuse_duplicate<K: Stored>(&self, cx: &Accept, body: &K) -> Result<(), StoreError> {
        if cx.allow_duplicate {
            return Ok(());
        }
        let candidates = self.likes::<K>(cx.tenant, &body.likeness(), None).await?;
        let suspects: Vec<_> = candidates.into_iter().filter(|(_, score)| *score >= SUSPECT).collect();
        if suspects.is_empty() {
            Ok(())
        } else {
            Err(StoreError::Duplicate(suspects))
        }
    }

    /// Prepares what writes a new record that is known to be valid.
    ///
    /// # Errors
    /// What [`Stored::complete`] finds, or a record that is too large.
    pub async fn plan_new<K: Stored>(&self, cx: &Accept, mut record: Record<K>) -> Result<Planned<K>, StoreError> {
        let mut write = Write::new(cx.tenant);
        K::complete(self, cx, &mut record, &mut write).await?;
        self.plan_complete(cx, record, write)
    }

    /// Prepares what writes a new record that is valid and complete, together with what else belongs to it.
    ///
    /// # Errors
    /// A record that is too large, or [`StoreError::Full`].
    pub(crate) fn plan_complete<K: Stored>(
        &self,
        cx: &Accept,
        record: Record<K>,
        write: Write,
    ) -> Result<Planned<K>, StoreError> {
        let doc = doc(&record)?;
        let id = record.meta.id;
        let mut all = Write::new(cx.tenant);
        all.hold(cx.place::<K>()?);
        all.record(self, K::TABLE, row(cx, &record, &doc), 0)?;
        for Unique { scope, value } in holds(&record, record.unique(&cx.rules)) {
            all.take(self, K::TABLE, K::NOUN, &scope, &value, &id.to_string())?;
        }
        for value in pointers(&record) {
            all.put(
                self,
                K::TABLE,
                Key::pointer(cx.tenant, K::NOUN, &value, id).attributes(),
            )?;
        }
        all.append(write);
        Ok(Planned {
            record,
            doc,
            write: all,
        })
    }

    /// Creates a record.
    ///
    /// # Errors
    /// As [`Store::plan_create`]; [`StoreError::Taken`]; [`StoreError::Answered`] when the key's request was done before.
    pub async fn create<K: Stored>(
        &self,
        cx: &Accept,
        common: Common,
        input: K::In,
        idempotency: Option<&Idempotency>,
    ) -> Result<Written<K>, StoreError> {
        let work = Box::pin(self.create_anew(cx, common, input, idempotency));
        self.once(cx.tenant, idempotency, cx.rules.now, work).await
    }

    async fn create_anew<K: Stored>(
        &self,
        cx: &Accept,
        common: Common,
        input: K::In,
        idempotency: Option<&Idempotency>,
    ) -> Result<Written<K>, StoreError> {
        let mut attempt = 0;
        loop {
            let mut planned = self.plan_create::<K>(cx, common.clone(), input.clone()).await?;
            self.keep_answer(cx, &mut planned, idempotency)?;
            match planned.write.commit(self).await {
                Err(StoreError::Raced) if attempt < ATTEMPTS => attempt += 1,
                outcome => {
                    return outcome.map(|()| Written {
                        record: planned.record,
                        doc: planned.doc,
                    });
                }
            }
        }
    }

    fn keep_answer<K: Stored>(
        &self,
        cx: &Accept,
        planned: &mut Planned<K>,
        idempotency: Option<&Idempotency>,
    ) -> Result<(), StoreError> {
        let Some(idempotency) = idempotency else { return Ok(()) };
        let id = planned.record.meta.id;
        let answer = Answer {
            status: 201,
            location: Some(format!("/v1/{}/{id}", K::PLURAL)),
            etag: Some("\"1\"".to_owned()),
            body: planned.doc.clone(),
        };
        planned.write.answer(self, idempotency, &answer, cx.rules.now)
    }

    /// Creates many records, each by itself, as many as fit in each transaction; the results in the order of the inputs.
    pub async fn create_many<K: Stored>(
        &self,
        cx: &Accept,
        inputs: Vec<(Common, K::In, Option<Idempotency>)>,
    ) -> Vec<Result<Written<K>, StoreError>> {
        cx.batch.lock().await.block = inputs.len().max(1) as u64;
        let plans = inputs
            .iter()
            .zip(0..)
            .map(|((common, input, idempotency), turn)| async move {
                let cx = &Accept { turn, ..cx.clone() };
                if let Some(idempotency) = idempotency {
                    self.check_idempotency(cx.tenant, idempotency, cx.rules.now).await?;
                }
                let mut planned = self.plan_create::<K>(cx, common.clone(), input.clone()).await?;
                self.keep_answer(cx, &mut planned, idempotency.as_ref())?;
                Ok(planned)
            });
        let plans: Vec<Result<Planned<K>, StoreError>> = futures::future::join_all(plans).await;
        let mut fates: Vec<Fate> = Vec::with_capacity(plans.len());
        let mut group = Group::new(cx.tenant);
        for planned in plans.iter().flatten() {
            if !group.fits(&planned.write) {
                group.commit(self, &mut fates).await;
            }
            group.add(&planned.write);
        }
        group.commit(self, &mut fates).await;
        let mut fates = fates.into_iter();
        let mut results = Vec::with_capacity(plans.len());
        for (plan, (common, input, idempotency)) in plans.into_iter().zip(inputs) {
            let fate = plan.and_then(|planned| match fates.next() {
                Some(Fate::Written) => Ok(Some(planned)),
                Some(Fate::Unknown(why)) => Err(StoreError::Unavailable(why)),
                Some(Fate::Apart) | None => Ok(None),
            });
            results.push(match fate {
                Ok(Some(Planned { record, doc, .. })) => Ok(Written { record, doc }),
                Ok(None) => self.create(&cx.alone(), common, input, idempotency.as_ref()).await,
                Err(error) => Err(error),
            });
        }
        results
    }

    /// Prepares what writes the next version of a record, moving its unique values and pointers.
    ///
    /// # Errors
    /// What [`Stored::complete_change`] finds, or a record that is too large.
    pub async fn plan_change<K: Stored>(
        &self,
        cx: &Accept,
        old: &Record<K>,
        mut new: Record<K>,
    ) -> Result<Planned<K>, StoreError> {
        let mut write = Write::new(cx.tenant);
        K::complete_change(self, cx, old, &mut new, &mut write).await?;
        self.plan_next(cx, old, new, write)
    }

    /// Prepares what writes the next version of a record that is complete, together with what else belongs to it.
    ///
    /// # Errors
    /// A record that is too large.
    pub(crate) fn plan_next<K: Stored>(
        &self,
        cx: &Accept,
        old: &Record<K>,
        new: Record<K>,
        write: Write,
    ) -> Result<Planned<K>, StoreError> {
        let doc = doc(&new)?;
        let id = new.meta.id;
        let mut all = Write::new(cx.tenant);
        all.record(self, K::TABLE, row(cx, &new, &doc), old.meta.version)?;
        // What may be held is freed: it may have been taken when settings were others.
        let (before, after) = (holds(old, old.held(&cx.rules)), holds(&new, new.held(&cx.rules)));
        for unique in before.difference(&after) {
            all.free(self, K::TABLE, K::NOUN, unique, &[id])?;
        }
        let (before, after) = (holds(old, old.unique(&cx.rules)), holds(&new, new.unique(&cx.rules)));
        for Unique { scope, value } in after.difference(&before) {
            all.take(self, K::TABLE, K::NOUN, scope, value, &id.to_string())?;
        }
        let (before, after) = (pointers(old), pointers(&new));
        for value in before.difference(&after) {
            all.delete(self, K::TABLE, &Key::pointer(cx.tenant, K::NOUN, value, id))?;
        }
        for value in after.difference(&before) {
            all.put(self, K::TABLE, Key::pointer(cx.tenant, K::NOUN, value, id).attributes())?;
        }
        all.append(write);
        Ok(Planned {
            record: new,
            doc,
            write: all,
        })
    }

    /// Changes a record by a rule. With `expected` the record must have that version; without, a lost race is run again.
    /// A rule that returns the record unchanged writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Stale`], what the rule refuses, [`StoreError::Taken`].
    pub async fn change<K: Stored + PartialEq>(
        &self,
        cx: &Accept,
        id: RecordId,
        expected: Option<u64>,
        idempotency: Option<&Idempotency>,
        rule: impl Fn(&Record<K>) -> Result<Record<K>, StoreError> + Send + Sync,
    ) -> Result<Written<K>, StoreError> {
        let work = Box::pin(self.change_anew(cx, id, expected, idempotency, rule));
        self.once(cx.tenant, idempotency, cx.rules.now, work).await
    }

    async fn change_anew<K: Stored + PartialEq>(
        &self,
        cx: &Accept,
        id: RecordId,
        expected: Option<u64>,
        idempotency: Option<&Idempotency>,
        rule: impl Fn(&Record<K>) -> Result<Record<K>, StoreError> + Send + Sync,
    ) -> Result<Written<K>, StoreError> {
        let mut attempt = 0;
        loop {
            let row = self.row::<K>(cx.tenant, id).await?;
            if row.gone {
                return Err(StoreError::Missing);
            }
            if expected.is_some_and(|version| version != row.version) {
                return Err(StoreError::Stale(Some(row.doc)));
            }
            let old: Record<K> = parse(&row.doc)?;
            let new = rule(&old)?;
            if new.meta.version == old.meta.version {
                return Ok(Written {
                    record: old,
                    doc: row.doc,
                });
            }
            let mut planned = self.plan_change(cx, &old, new).await?;
            if let Some(idempotency) = idempotency {
                let etag = Some(format!("\"{}\"", planned.record.meta.version));
                let answer = Answer {
                    status: 200,
                    location: None,
                    etag,
                    body: planned.doc.clone(),
                };
                planned.write.answer(self, idempotency, &answer, cx.rules.now)?;
            }
            match planned.write.commit(self).await {
                Err(StoreError::Raced) if attempt < ATTEMPTS => attempt += 1,
                Err(StoreError::Stale(_)) if expected.is_none() && attempt < ATTEMPTS => {
                    attempt += 1;
                    let pause = rand::random::<f64>() * f64::from(1 << attempt) * 5.0;
                    tokio::time::sleep(std::time::Duration::from_secs_f64(pause / 1_000.0)).await;
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    return Ok(Written {
                        record: planned.record,
                        doc: planned.doc,
                    });
                }
            }
        }
    }

    /// Changes what a caller may set, by an RFC 7396 merge patch.
    ///
    /// # Errors
    /// As [`Store::change`].
    pub async fn patch<K: Stored + PartialEq>(
        &self,
        cx: &Accept,
        id: RecordId,
        expected: Option<u64>,
        idempotency: Option<&Idempotency>,
        patch: &serde_json::Value,
    ) -> Result<Written<K>, StoreError> {
        self.change(cx, id, expected, idempotency, |old| patched(cx, old, patch))
            .await
    }

    /// Deletes a record: `Ok(None)` when it was deleted before. Its unique values are free at once; it can be restored for 30 days.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Stale`].
    pub async fn delete<K: Stored + PartialEq>(
        &self,
        cx: &Accept,
        id: RecordId,
        expected: Option<u64>,
    ) -> Result<Option<Written<K>>, StoreError> {
        let mut attempt = 0;
        loop {
            let row = self.row::<K>(cx.tenant, id).await?;
            let old: Record<K> = parse(&row.doc)?;
            if row.gone {
                return if old.meta.merged_into.is_some() {
                    Err(StoreError::Missing)
                } else {
                    Ok(None)
                };
            }
            if expected.is_some_and(|version| version != row.version) {
                return Err(StoreError::Stale(Some(row.doc)));
            }
            let mut new = old.clone();
            new.touch(&cx.actor, cx.rules.now);
            new.meta.deleted_at = Some(cx.rules.now);
            let planned = self.plan_change(cx, &old, new).await?;
            match planned.write.commit(self).await {
                Err(StoreError::Stale(_)) if expected.is_none() && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
                Ok(()) => {
                    return Ok(Some(Written {
                        record: planned.record,
                        doc: planned.doc,
                    }));
                }
            }
        }
    }

    /// Restores a deleted record; one that is not deleted is answered as it is.
    ///
    /// # Errors
    /// [`StoreError::Missing`] after 30 days, or when it is what is left of an erased person; [`StoreError::Taken`] when another
    /// record holds a unique value now; [`StoreError::Full`].
    pub async fn restore<K: Stored + PartialEq>(&self, cx: &Accept, id: RecordId) -> Result<Written<K>, StoreError> {
        let row = self.row::<K>(cx.tenant, id).await?;
        let old: Record<K> = parse(&row.doc)?;
        let Some(deleted) = old.meta.deleted_at else {
            return if row.gone {
                Err(StoreError::Missing)
            } else {
                Ok(Written {
                    record: old,
                    doc: row.doc,
                })
            };
        };
        if old.meta.erased || deleted + RESTORABLE <= cx.rules.now {
            return Err(StoreError::Missing);
        }
        let mut new = old.clone();
        new.touch(&cx.actor, cx.rules.now);
        new.meta.deleted_at = None;
        let mut planned = self.plan_change(cx, &old, new).await?;
        planned.write.hold(cx.place::<K>()?);
        planned.write.commit(self).await?;
        Ok(Written {
            record: planned.record,
            doc: planned.doc,
        })
    }

    /// The record that holds a unique value. 1 read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn holder<K: Stored>(
        &self,
        tenant: TenantId,
        scope: &str,
        value: &str,
    ) -> Result<Option<RecordId>, StoreError> {
        let item = self
            .get_item(K::TABLE, &Key::unique(tenant, K::NOUN, scope, value))
            .await?;
        Ok(item
            .as_ref()
            .and_then(|item| crate::text_of(item, "holder"))
            .and_then(|id| RecordId::parse(K::PREFIX, id).ok()))
    }

    /// The records that look like one with these likenesses, surest first, at most 20.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn likes<K: Stored>(
        &self,
        tenant: TenantId,
        likeness: &[(String, f32)],
        itself: Option<RecordId>,
    ) -> Result<Vec<(RecordId, f32)>, StoreError> {
        let lookups = likeness.iter().map(|(key, score)| async move {
            let ids = self
                .pointed(tenant, K::TABLE, K::NOUN, &format!("like#{key}"), 20)
                .await?;
            Ok::<_, StoreError>((ids, *score))
        });
        let mut found: BTreeMap<RecordId, f32> = BTreeMap::new();
        for result in futures::future::join_all(lookups).await {
            let (ids, score) = result?;
            for id in ids
                .iter()
                .filter_map(|id| RecordId::parse(K::PREFIX, id).ok())
                .filter(|id| Some(*id) != itself)
            {
                let doubt = found.entry(id).or_insert(1.0);
                *doubt *= 1.0 - score;
            }
        }
        let mut found: Vec<_> = found.into_iter().map(|(id, doubt)| (id, 1.0 - doubt)).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        found.truncate(20);
        Ok(found)
    }

    /// Takes the next `count` numbers of a counter; returns the last of them. 1 write unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reserve(&self, tenant: TenantId, table: Table, counter: &str, count: u64) -> Result<u64, StoreError> {
        use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValue};
        let answer = self
            .client_for(tenant)
            .update_item()
            .table_name(self.table(table)?)
            .set_key(Some(Key::new(tenant, "counter", counter).attributes()))
            .update_expression("ADD n :count")
            .expression_attribute_values(":count", number(count))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        crate::cost::write(answer.consumed_capacity());
        answer
            .attributes
            .as_ref()
            .and_then(|item| crate::number_of(item, "n"))
            .ok_or_else(|| StoreError::Internal("a counter without a number".to_owned()))
    }
}

/// The next version of a record under a merge patch; the same version when the patch changes nothing.
///
/// # Errors
/// [`StoreError::Invalid`] with every fault.
pub fn patched<K: Stored + PartialEq>(
    cx: &Accept,
    old: &Record<K>,
    patch: &serde_json::Value,
) -> Result<Record<K>, StoreError> {
    if !patch.is_object() {
        return Err(Invalid::one("", "wrong_type", "a merge patch is a JSON object").into());
    }
    let editable = |error: serde_json::Error| StoreError::Internal(error.to_string());
    let mut value = serde_json::to_value(old.body.editable()).map_err(editable)?;
    let mut common = Common::from(old.meta.common.clone());
    // Values of fields that are no longer declared go with the next change.
    common.custom.retain(|key, _| {
        cx.rules
            .fields
            .iter()
            .any(|field| Some(field.kind) == K::FIELDS && field.key == *key)
    });
    let common = serde_json::to_value(common).map_err(editable)?;
    if let (Some(map), serde_json::Value::Object(common)) = (value.as_object_mut(), common) {
        map.extend(common);
    }
    rapport_domain::record::merge_patch(&mut value, patch.clone());
    let (common, input) = rapport_domain::record::split::<K::In>(value)?;
    revised(cx, old, common, input)
}

/// The next version of a record under a whole new input; the same version when nothing changes.
///
/// # Errors
/// [`StoreError::Invalid`] with every fault.
pub fn revised<K: Stored + PartialEq>(
    cx: &Accept,
    old: &Record<K>,
    common: Common,
    input: K::In,
) -> Result<Record<K>, StoreError> {
    let mut invalid = Invalid::default();
    let common = invalid.take(common.check::<K>(&cx.rules));
    let body = invalid.take(old.body.revise(input, &cx.rules));
    invalid.check()?;
    let (Some(common), Some(body)) = (common, body) else {
        return Err(StoreError::Internal("no fault and no record".to_owned()));
    };
    if body == old.body && common == Common::from(old.meta.common.clone()) {
        return Ok(old.clone());
    }
    Ok(old.next(body, common, &cx.actor, cx.rules.now))
}

/// Reads a record from its JSON.
///
/// # Errors
/// [`StoreError::Internal`] when it does not fit: a fault of ours.
pub fn parse<K: Kind>(doc: &str) -> Result<Record<K>, StoreError> {
    serde_json::from_str(doc)
        .map_err(|error| StoreError::Internal(format!("a stored {} is unreadable: {error}", K::NOUN)))
}

/// The time as the store writes it in sort keys: milliseconds, so that texts sort as times do.
#[must_use]
pub fn sortable(at: Timestamp) -> String {
    rapport_domain::settings::millis::text(at)
}

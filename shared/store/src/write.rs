//! Writes: one conditional put or one transaction, and what its failure means.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem,
};
use jiff::Timestamp;
use rapport_domain::{RecordId, TenantId, Unique};

use crate::clients::partition;
use crate::idempotency::{Answer, Idempotency};
use crate::key::tenant_of;
use crate::usage::Place;
use crate::{Item, Key, Store, StoreError, Table, cost, number, text, text_of};

/// DynamoDB takes this many items in a transaction.
pub const MOST_ITEMS: usize = 100;

/// What the failure of an item's condition means.
#[derive(Clone, Debug)]
enum Meaning {
    /// A record that should be new, or have the expected version. `own` recognises our own earlier attempt.
    Record { version: u64, own: String },
    /// A unique value.
    Unique { scope: String, holder: String },
    /// A unique value to be freed or passed on if its record holds it. It need not: what was written while values could be shared
    /// took none, and another record may hold it since. Then the rest is written without.
    IfHeld,
    /// A kept answer.
    Idempotency(Idempotency),
    /// A condition of the caller's own.
    Other(&'static str),
    /// No condition.
    None,
}

#[derive(Clone, Debug)]
struct Step {
    item: TransactWriteItem,
    meaning: Meaning,
}

/// Several items that are written together or not at all.
#[derive(Clone, Debug)]
pub struct Write {
    tenant: TenantId,
    steps: Vec<Step>,
    /// What several writes need once, by name.
    shared: BTreeMap<String, Vec<Step>>,
    /// The places of the records that are new, given back unless this is written.
    places: Vec<Arc<Place>>,
}

impl Write {
    /// Nothing yet.
    #[must_use]
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            steps: Vec::new(),
            shared: BTreeMap::new(),
            places: Vec::new(),
        }
    }

    /// Whose items these are.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Every item, those that are shared last.
    fn all(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().chain(self.shared.values().flatten())
    }

    /// Adds the items of another write of the same tenant.
    pub fn append(&mut self, mut other: Write) {
        debug_assert_eq!(self.tenant, other.tenant);
        self.steps.append(&mut other.steps);
        self.shared.append(&mut other.shared);
        self.places.append(&mut other.places);
    }

    /// Adds what other writes may need as well, under a name: appended to each other they do it once. When somebody else
    /// has done it meanwhile, the failure is [`StoreError::Raced`].
    pub fn share(&mut self, name: String, other: Write) {
        debug_assert_eq!(self.tenant, other.tenant);
        self.shared.extend(other.shared);
        self.shared.insert(name, other.steps);
    }

    /// Holds the place of a new record until this is written.
    pub fn hold(&mut self, place: Option<Arc<Place>>) {
        self.places.extend(place);
    }

    /// Leaves out shared parts that are done.
    pub(crate) fn forget(&mut self, done: &BTreeSet<String>) {
        self.shared.retain(|name, _| !done.contains(name));
    }

    /// The names of the shared parts.
    pub(crate) fn shares(&self) -> impl Iterator<Item = &String> {
        self.shared.keys()
    }

    fn push(&mut self, item: TransactWriteItem, meaning: Meaning) {
        self.steps.push(Step { item, meaning });
    }

    /// Puts a row of a record: `expected` is the version it replaces, 0 for none. The row carries `v` and `rid`; what tells
    /// this write from all others, of the same request too, is added to the latter.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn record(&mut self, store: &Store, table: Table, mut row: Item, expected: u64) -> Result<(), StoreError> {
        let request = text_of(&row, "rid").unwrap_or_default();
        let own = format!("{request}~{:016x}", rand::random::<u64>());
        row.insert("rid".to_owned(), text(&own));
        let put = Put::builder()
            .table_name(store.table(table)?)
            .set_item(Some(row))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let put = if expected == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("v = :expected")
                .expression_attribute_values(":expected", number(expected))
        };
        let put = built(put.build())?;
        self.push(
            TransactWriteItem::builder().put(put).build(),
            Meaning::Record {
                version: expected + 1,
                own,
            },
        );
        Ok(())
    }

    /// Takes a value that only one record may hold.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn take(
        &mut self,
        store: &Store,
        table: Table,
        noun: &str,
        scope: &str,
        value: &str,
        holder: &str,
    ) -> Result<(), StoreError> {
        let mut item = Key::unique(self.tenant, noun, scope, value).attributes();
        item.insert("holder".to_owned(), text(holder));
        let put = Put::builder()
            .table_name(store.table(table)?)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR holder = :holder")
            .expression_attribute_values(":holder", text(holder))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let meaning = Meaning::Unique {
            scope: scope.to_owned(),
            holder: holder.to_owned(),
        };
        self.push(TransactWriteItem::builder().put(built(put.build())?).build(), meaning);
        Ok(())
    }

    /// Gives back a value if one of these records holds it.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn free(
        &mut self,
        store: &Store,
        table: Table,
        noun: &str,
        Unique { scope, value }: &Unique,
        from: &[RecordId],
    ) -> Result<(), StoreError> {
        let (condition, holders) = held_by(from);
        let delete = Delete::builder()
            .table_name(store.table(table)?)
            .set_key(Some(Key::unique(self.tenant, noun, scope, value).attributes()))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(holders));
        self.push(
            TransactWriteItem::builder().delete(built(delete.build())?).build(),
            Meaning::IfHeld,
        );
        Ok(())
    }

    /// Passes a value on to a record if one of these holds it, or nobody.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn pass_on(
        &mut self,
        store: &Store,
        table: Table,
        noun: &str,
        Unique { scope, value }: &Unique,
        from: &[RecordId],
        to: RecordId,
    ) -> Result<(), StoreError> {
        let mut item = Key::unique(self.tenant, noun, scope, value).attributes();
        item.insert("holder".to_owned(), text(to.to_string()));
        let (condition, holders) = held_by(from);
        let put = Put::builder()
            .table_name(store.table(table)?)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(holders));
        self.push(
            TransactWriteItem::builder().put(built(put.build())?).build(),
            Meaning::IfHeld,
        );
        Ok(())
    }

    /// Puts an item without a condition.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn put(&mut self, store: &Store, table: Table, item: Item) -> Result<(), StoreError> {
        let put = Put::builder().table_name(store.table(table)?).set_item(Some(item));
        self.push(
            TransactWriteItem::builder().put(built(put.build())?).build(),
            Meaning::None,
        );
        Ok(())
    }

    /// Puts an item only where none is. `failure` says what it means that there is one.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn put_new(
        &mut self,
        store: &Store,
        table: Table,
        item: Item,
        failure: &'static str,
    ) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(store.table(table)?)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)");
        self.push(
            TransactWriteItem::builder().put(built(put.build())?).build(),
            Meaning::Other(failure),
        );
        Ok(())
    }

    /// Deletes an item without a condition.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn delete(&mut self, store: &Store, table: Table, key: &Key) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(store.table(table)?)
            .set_key(Some(key.attributes()));
        self.push(
            TransactWriteItem::builder().delete(built(delete.build())?).build(),
            Meaning::None,
        );
        Ok(())
    }

    /// Any item of a transaction with a condition of its own.
    pub fn other(&mut self, item: TransactWriteItem, failure: &'static str) {
        self.push(item, Meaning::Other(failure));
    }

    /// Insists that a record still has a version, without changing it.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn unchanged(&mut self, store: &Store, table: Table, key: &Key, version: u64) -> Result<(), StoreError> {
        let check = ConditionCheck::builder()
            .table_name(store.table(table)?)
            .set_key(Some(key.attributes()))
            .condition_expression("v = :expected")
            .expression_attribute_values(":expected", number(version));
        let meaning = Meaning::Record {
            version,
            own: String::new(),
        };
        self.push(
            TransactWriteItem::builder()
                .condition_check(built(check.build())?)
                .build(),
            meaning,
        );
        Ok(())
    }

    /// Keeps the answer of the request that does this write.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn answer(
        &mut self,
        store: &Store,
        idempotency: &Idempotency,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(store.table(idempotency.table)?)
            .set_item(Some(idempotency.item(self.tenant, answer, now)))
            .condition_expression("attribute_not_exists(pk) OR expires <= :now")
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        self.push(
            TransactWriteItem::builder().put(built(put.build())?).build(),
            Meaning::Idempotency(idempotency.clone()),
        );
        Ok(())
    }

    /// Writes. All or nothing; a transaction that meets another is tried again a few times.
    ///
    /// # Errors
    /// What the first failed condition means, or that the store does not answer.
    pub async fn commit(self, store: &Store) -> Result<(), StoreError> {
        let written = self.write(store).await;
        if written.is_ok() {
            self.places.iter().for_each(|place| place.keep());
        }
        written
    }

    async fn write(&self, store: &Store) -> Result<(), StoreError> {
        if self.is_empty() {
            return Ok(());
        }
        if self.shared.is_empty()
            && let [step] = self.steps.as_slice()
            && let Some(put) = step.item.put()
        {
            return put_alone(&self.client(store)?, put, &step.meaning).await;
        }
        if self.len() > MOST_ITEMS {
            return Err(StoreError::conflict(
                "too_many_items",
                format!(
                    "this needs {} items in one transaction, at most {MOST_ITEMS} fit",
                    self.len()
                ),
            ));
        }
        let client = self.client(store)?;
        let mut pause = Duration::from_millis(10);
        let mut without = BTreeSet::new();
        loop {
            match self.attempt(&client, &without).await {
                Err(Failure::NotHeld(steps)) => without.extend(steps),
                Err(Failure::Contention) if pause < Duration::from_millis(400) => {
                    tokio::time::sleep(pause.mul_f64(0.5 + rand::random::<f64>())).await;
                    pause *= 2;
                }
                Err(Failure::Contention) => {
                    return Err(StoreError::Unavailable("transactions keep meeting".to_owned()));
                }
                Err(Failure::Other(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
        }
    }

    /// The client for these items: the tenant's, unless none of them is the tenant's.
    fn client(&self, store: &Store) -> Result<Client, StoreError> {
        let mut owned = false;
        for step in self.all() {
            match place(&step.item).and_then(|(_, item)| tenant_of(partition(item))) {
                Some(tenant) if tenant == self.tenant => owned = true,
                None => {}
                Some(_) => return Err(StoreError::Internal("a write of another tenant's item".to_owned())),
            }
        }
        Ok(if owned {
            store.client_for(self.tenant)
        } else {
            store.client_for_no_tenant().clone()
        })
    }

    /// Tries to write all steps but some, which are named by their places.
    async fn attempt(&self, client: &Client, without: &BTreeSet<usize>) -> Result<(), Failure> {
        let (places, steps): (Vec<usize>, Vec<&Step>) =
            self.all().enumerate().filter(|(n, _)| !without.contains(n)).unzip();
        if steps.is_empty() {
            return Ok(());
        }
        let items = steps.iter().map(|step| step.item.clone()).collect();
        let request = client
            .transact_write_items()
            .set_transact_items(Some(items))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let error = match cost::waiting(request.send()).await {
            Ok(answer) => {
                answer
                    .consumed_capacity()
                    .iter()
                    .for_each(|capacity| cost::write(Some(capacity)));
                return Ok(());
            }
            Err(error) => error,
        };
        use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError as Refusal;
        let SdkError::ServiceError(service) = &error else {
            return Err(Failure::Other(error.into()));
        };
        let Refusal::TransactionCanceledException(cancelled) = service.err() else {
            return Err(Failure::Other(error.into()));
        };
        let reasons = cancelled.cancellation_reasons();
        let code = |n: usize| reasons.get(n).and_then(|reason| reason.code()).unwrap_or("None");
        let failed = |n: &usize| code(*n) == "ConditionalCheckFailed";
        // Our own earlier attempt whose answer was lost: the record is as we wrote it.
        let mine = (0..steps.len()).filter(failed).any(|n| {
            reasons[n].item().is_some_and(
                |item| matches!(&steps[n].meaning, Meaning::Record { version, own } if is_own(item, *version, own)),
            )
        });
        if mine {
            return Ok(());
        }
        // A kept answer explains all the rest: the first request took the unique values too.
        let mut order: Vec<usize> = (0..steps.len()).filter(failed).collect();
        let rank = |meaning: &Meaning| match meaning {
            Meaning::Idempotency(_) => 0,
            Meaning::IfHeld => 2,
            _ => 1,
        };
        order.sort_by_key(|&n| rank(&steps[n].meaning));
        if let Some(&n) = order.first() {
            if matches!(steps[n].meaning, Meaning::IfHeld) {
                return Err(Failure::NotHeld(order.iter().map(|&n| places[n]).collect()));
            }
            if places[n] >= self.steps.len() {
                return Err(Failure::Other(StoreError::Raced));
            }
            let found = reasons[n].item();
            return Err(Failure::Other(explain(&steps[n].meaning, found)));
        }
        if (0..steps.len()).any(|n| {
            matches!(
                code(n),
                "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded"
            )
        }) {
            return Err(Failure::Contention);
        }
        Err(Failure::Other(error.into()))
    }
}

/// The condition that nobody or one of these records holds a unique value, and its values.
fn held_by(records: &[RecordId]) -> (String, HashMap<String, AttributeValue>) {
    let names = (0..records.len()).map(|n| format!(":holder{n}"));
    let values = records.iter().map(|id| text(id.to_string()));
    let holders: HashMap<String, AttributeValue> = names.clone().zip(values).collect();
    let names: Vec<String> = names.collect();
    (
        format!("attribute_not_exists(pk) OR holder IN ({})", names.join(", ")),
        holders,
    )
}

enum Failure {
    Contention,
    /// Nothing was wrong but that records do not hold what these steps would free or pass on.
    NotHeld(Vec<usize>),
    Other(StoreError),
}

fn is_own(item: &Item, version: u64, own: &str) -> bool {
    !own.is_empty() && crate::number_of::<u64>(item, "v") == Some(version) && text_of(item, "rid") == Some(own)
}

fn explain(meaning: &Meaning, found: Option<&Item>) -> StoreError {
    match meaning {
        Meaning::Record { .. } => StoreError::Stale(found.and_then(|item| text_of(item, "doc")).map(str::to_owned)),
        Meaning::Unique { scope, holder } => {
            let other = found
                .and_then(|item| text_of(item, "holder"))
                .filter(|found| found != holder);
            StoreError::Taken {
                scope: scope.clone(),
                holder: other.map(str::to_owned),
            }
        }
        Meaning::Idempotency(idempotency) => match found {
            Some(item) => idempotency.verdict(item),
            None => StoreError::KeyReused,
        },
        Meaning::IfHeld => StoreError::Raced,
        Meaning::Other(what) => StoreError::conflict("conflict", *what),
        Meaning::None => StoreError::Internal("an item without a condition failed one".to_owned()),
    }
}

/// A single put needs no transaction, which would cost twice as much.
async fn put_alone(client: &Client, put: &Put, meaning: &Meaning) -> Result<(), StoreError> {
    use aws_sdk_dynamodb::operation::put_item::PutItemError;
    let request = client
        .put_item()
        .table_name(put.table_name())
        .set_item(Some(put.item().clone()))
        .set_condition_expression(put.condition_expression().map(str::to_owned))
        .set_expression_attribute_names(put.expression_attribute_names().cloned())
        .set_expression_attribute_values(put.expression_attribute_values().cloned())
        .set_return_values_on_condition_check_failure(put.return_values_on_condition_check_failure().cloned())
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    match cost::waiting(request.send()).await {
        Ok(answer) => {
            cost::write(answer.consumed_capacity());
            Ok(())
        }
        Err(SdkError::ServiceError(service)) if service.err().is_conditional_check_failed_exception() => {
            let PutItemError::ConditionalCheckFailedException(failed) = service.into_err() else {
                return Err(StoreError::Internal("a failed condition of another kind".to_owned()));
            };
            match (meaning, failed.item()) {
                (Meaning::Record { version, own }, Some(item)) if is_own(item, *version, own) => Ok(()),
                (meaning, found) => Err(explain(meaning, found)),
            }
        }
        Err(error) => Err(error.into()),
    }
}

fn built<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, StoreError> {
    result.map_err(|error| StoreError::Internal(error.to_string()))
}

/// The table of an item of a transaction, and the attributes that have its key in them.
fn place(item: &TransactWriteItem) -> Option<(&str, &Item)> {
    item.put()
        .map(|put| (put.table_name(), put.item()))
        .or_else(|| item.delete().map(|delete| (delete.table_name(), delete.key())))
        .or_else(|| item.update().map(|update| (update.table_name(), update.key())))
        .or_else(|| item.condition_check().map(|check| (check.table_name(), check.key())))
}

impl Write {
    /// The keys of all items that are not shared, table first: two writes with one in common cannot be one transaction.
    pub(crate) fn keys(&self) -> Vec<String> {
        let name = |(table, item): (&str, &Item)| {
            format!(
                "{table}\n{}\n{}",
                partition(item),
                text_of(item, "sk").unwrap_or_default()
            )
        };
        self.steps
            .iter()
            .filter_map(|step| place(&step.item).map(name))
            .collect()
    }
}

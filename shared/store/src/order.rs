//! How orders are stored, and what they look up: their number, their products, their customer — who is created with the
//! first order that names one nobody knows.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use rapport_domain::contact::Contact;
use rapport_domain::order::{ContactRef, Order, Refusal};
use rapport_domain::{Invalid, Kind, Prefix, Record, RecordId, TenantId};
use tokio::sync::oneshot;

use crate::records::{Filter, Stored, Test, doc, pointers, row};
use crate::{Accept, Item, Key, Store, StoreError, Table, Write, number, text, text_of};

/// The counter of orders' numbers, and what is added to it: four digits from the first on.
const COUNTER: &str = "order";
const FIRST: u64 = 1_000;
/// How long an id stays promised to a customer who is about to be created, in seconds: longer than any request runs.
const PROMISED_SECONDS: i64 = 30;
/// How long promises that are asked for at the same time are gathered: a write to the disk takes longer.
const GATHERING: Duration = Duration::from_millis(2);

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(invalid) => Self::Invalid(invalid),
            Refusal::State { code, detail } => Self::Conflict { code, detail },
        }
    }
}

impl Stored for Order {
    const TABLE: Table = Table::Orders;
    const PLURAL: &'static str = "orders";
    const FILTERS: &'static [Filter] = &[
        Filter::indexed("contact_id", "by_contact_id"),
        Filter::indexed("company_id", "by_company_id"),
        Filter::indexed("owner_id", "by_owner_id"),
        Filter::indexed("status", "by_status").of(&["draft", "placed", "fulfilled", "cancelled", "returned"]),
        Filter::equal("payment_status").of(&["unpaid", "part_paid", "paid", "credit", "refunded"]),
        Filter::equal("campaign_id"),
        Filter::equal("channel"),
        Filter::equal("number"),
        Filter::time("placed_since", "placed_on", Test::Since),
        Filter::time("placed_before", "placed_on", Test::Before),
    ];
    const SORTS: &'static [(&'static str, &'static str)] = &[
        ("by_contact_id", "placed_on"),
        ("by_company_id", "placed_on"),
        ("by_owner_id", "placed_on"),
        ("by_status", "placed_on"),
    ];

    fn indexes(record: &Record<Self>) -> Vec<(&'static str, String, String)> {
        let order = &record.body;
        let placed = format!("{}#{}", order.placed_on, record.meta.id);
        let some = |index, id: Option<RecordId>| id.map(|id| (index, id.to_string(), placed.clone()));
        let owner = record.meta.common.owner_id.clone();
        [
            some("by_contact_id", order.contact_id),
            some("by_company_id", order.company_id),
            owner.map(|owner| ("by_owner_id", owner, placed.clone())),
            Some(("by_status", order.status.as_str().to_owned(), placed.clone())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    async fn complete(
        store: &Store,
        cx: &Accept,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        look_up(store, cx, None, record, write).await?;
        let number = cx.number(store, Self::TABLE, COUNTER).await?;
        record.body.number = Some((FIRST + number).to_string());
        record.body.name_payments(record.meta.id, cx.rules.now);
        Ok(())
    }

    async fn complete_change(
        store: &Store,
        cx: &Accept,
        old: &Record<Self>,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        // What is deleted needs nothing any more, not even a customer who is still there.
        if record.meta.deleted_at.is_none() {
            look_up(store, cx, Some(&old.body), record, write).await?;
            record.body.name_payments(record.meta.id, cx.rules.now);
        }
        Ok(())
    }
}

/// Looks up what a new or changed order names: products, contact and company. Says all that is wrong at once.
async fn look_up(
    store: &Store,
    cx: &Accept,
    old: Option<&Order>,
    record: &mut Record<Order>,
    write: &mut Write,
) -> Result<(), StoreError> {
    let mut invalid = Invalid::default();
    let order = &mut record.body;
    if order.wants_products() {
        let (ids, skus) = order.wanted_products();
        let found = store.products(cx.tenant, ids, skus).await?;
        invalid.take(order.fill(|id, sku| found.find(id, sku)));
    }
    let changed = |now: Option<RecordId>, before: Option<RecordId>| now.filter(|_| now != before);
    let contact = changed(order.contact_id, old.and_then(|old| old.contact_id));
    let company = changed(order.company_id, old.and_then(|old| old.company_id));
    if let Some(id) = contact {
        match store.live::<Contact>(cx.tenant, id).await {
            Ok(contact) => order.contact_id = Some(contact.meta.id),
            Err(StoreError::Missing) => invalid.add("contact_id", "not_found", "there is no such contact"),
            Err(error) => return Err(error),
        }
    }
    if let Some(id) = company {
        match store.live_company(cx.tenant, "company_id", id).await {
            Err(StoreError::Invalid(missing)) => drop(invalid.take::<()>(Err(missing))),
            company => order.company_id = Some(company?),
        }
    }
    invalid.check()?;
    if order.contact_id.is_none()
        && let Some(named) = order.contact_ref.clone()
    {
        order.contact_id = Some(customer(store, cx, &named, write).await?);
    }
    Ok(())
}

/// The contact that a reference means. One that nobody knows is created by the write of the order that names it first,
/// and by any other order that names it meanwhile: all of them write the same contact, and only the first has an effect.
async fn customer(store: &Store, cx: &Accept, named: &ContactRef, write: &mut Write) -> Result<RecordId, StoreError> {
    if let Some(id) = store.contact_of(cx.tenant, &named.key, &named.value).await? {
        return Ok(id);
    }
    let (body, common) = Contact::of_reference(&named.key, &named.value, &cx.rules).map_err(|mut invalid| {
        for problem in &mut invalid.problems {
            problem.pointer = "#/contact_ref/value".to_owned();
        }
        invalid
    })?;
    let id = promised(store, cx, named).await?;
    let contact = Record::new(id, body, common, &cx.actor, cx.rules.now);
    ensure(store, cx, &contact, write)?;
    Ok(id)
}

/// Who waits for the promise of an id, by tenant.
static ASKED: LazyLock<Mutex<HashMap<TenantId, Vec<Ask>>>> = LazyLock::new(Mutex::default);
type Ask = (ContactRef, oneshot::Sender<RecordId>);

fn asked() -> MutexGuard<'static, HashMap<TenantId, Vec<Ask>>> {
    // What a panic left behind is a list all the same.
    ASKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever asked first gathers what the others ask; should it give up, they go on by themselves.
struct Gathering(Option<TenantId>);

impl Gathering {
    fn asks(&mut self) -> Vec<Ask> {
        let tenant = self.0.take();
        tenant.and_then(|tenant| asked().remove(&tenant)).unwrap_or_default()
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        drop(self.asks());
    }
}

/// The id of a contact about to be created: the same for all who ask within some seconds, whichever process they run in.
/// 1 write unit, or 2 where the orders of a batch ask together.
async fn promised(store: &Store, cx: &Accept, named: &ContactRef) -> Result<RecordId, StoreError> {
    let (sender, receiver) = oneshot::channel();
    let first = {
        let mut asked = asked();
        let waiting = asked.entry(cx.tenant).or_default();
        waiting.push((named.clone(), sender));
        waiting.len() == 1
    };
    if first {
        let mut gathering = Gathering(Some(cx.tenant));
        tokio::time::sleep(GATHERING).await;
        promise_all(store, cx, gathering.asks()).await;
    }
    match receiver.await {
        Ok(id) => Ok(id),
        Err(_) => promise(store, cx, named).await,
    }
}

/// Promises ids to all who asked, in as few writes as there can be: each is waited for until it is on the disk. Those
/// whose write is refused, since one of them was promised elsewhere, are left to ask each for itself.
async fn promise_all(store: &Store, cx: &Accept, asks: Vec<Ask>) {
    let mut by_name: HashMap<ContactRef, Vec<oneshot::Sender<RecordId>>> = HashMap::new();
    for (named, sender) in asks {
        by_name.entry(named).or_default().push(sender);
    }
    let mut by_name: Vec<_> = by_name.into_iter().collect();
    while !by_name.is_empty() {
        let rest = by_name.split_off(by_name.len().min(crate::write::MOST_ITEMS));
        let chunk = std::mem::replace(&mut by_name, rest);
        let fresh: Vec<RecordId> = chunk.iter().map(|_| RecordId::new(Prefix::Contact)).collect();
        let done = match (&chunk[..], &fresh[..]) {
            ([(named, _)], _) => promise(store, cx, named).await.map(|id| vec![id]),
            _ => promise_together(store, cx, chunk.iter().map(|(named, _)| named), &fresh)
                .await
                .map(|()| fresh),
        };
        for ((_, senders), id) in chunk.into_iter().zip(done.unwrap_or_default()) {
            for sender in senders {
                // Who no longer waits needs no answer.
                let _ = sender.send(id);
            }
        }
    }
}

/// Several promises in one transaction.
async fn promise_together(
    store: &Store,
    cx: &Accept,
    named: impl Iterator<Item = &ContactRef>,
    ids: &[RecordId],
) -> Result<(), StoreError> {
    let mut write = Write::new(cx.tenant);
    for (named, id) in named.zip(ids) {
        let put = Put::builder()
            .table_name(store.table(Table::Contacts)?)
            .set_item(Some(promise_item(cx, named, *id)))
            .condition_expression(FREE)
            .expression_attribute_values(":now", number(cx.rules.now.as_second()))
            .build()
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        write.other(
            TransactWriteItem::builder().put(put).build(),
            "an id was promised meanwhile",
        );
    }
    write.commit(store).await
}

/// When an id may be promised: nobody else holds a promise that still stands.
const FREE: &str = "attribute_not_exists(pk) OR expires <= :now";

fn promise_item(cx: &Accept, named: &ContactRef, id: RecordId) -> Item {
    let scope = format!("promised.{}", named.key);
    let mut item = Key::unique(cx.tenant, Contact::NOUN, &scope, &named.value).attributes();
    item.insert("holder".to_owned(), text(id.to_string()));
    let expires = cx.rules.now.as_second() + PROMISED_SECONDS;
    item.insert("expires".to_owned(), number(expires));
    item
}

/// One promise: ours, or the one that was given before.
async fn promise(store: &Store, cx: &Accept, named: &ContactRef) -> Result<RecordId, StoreError> {
    use aws_sdk_dynamodb::operation::put_item::PutItemError;
    let fresh = RecordId::new(Prefix::Contact);
    let request = store
        .client()
        .put_item()
        .table_name(store.table(Table::Contacts)?)
        .set_item(Some(promise_item(cx, named, fresh)))
        .condition_expression(FREE)
        .expression_attribute_values(":now", number(cx.rules.now.as_second()))
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    let error = match crate::cost::waiting(request.send()).await {
        Ok(answer) => {
            crate::cost::write(answer.consumed_capacity());
            return Ok(fresh);
        }
        Err(error) => error,
    };
    if let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
        return failed
            .item()
            .and_then(|item| text_of(item, "holder"))
            .and_then(|id| RecordId::parse(Prefix::Contact, id).ok())
            .ok_or_else(|| StoreError::Internal("a promised id is unreadable".to_owned()));
    }
    Err(error.into())
}

/// Adds what creates a contact unless it is there by then. A put on condition would fail the second order that names a
/// new customer; an update that only fills what is absent does nothing then.
fn ensure(store: &Store, cx: &Accept, contact: &Record<Contact>, write: &mut Write) -> Result<(), StoreError> {
    let (tenant, id) = (cx.tenant, contact.meta.id);
    let key = Key::record(tenant, Contact::NOUN, id).attributes();
    let row = row(tenant, contact, &doc(contact)?, &cx.actor.request);
    let mut update = Update::builder()
        .table_name(store.table(Table::Contacts)?)
        .set_key(Some(key.clone()))
        .condition_expression("attribute_not_exists(gone)");
    let mut parts = Vec::new();
    for (n, (name, value)) in row.into_iter().filter(|(name, _)| !key.contains_key(name)).enumerate() {
        parts.push(format!("#a{n} = if_not_exists(#a{n}, :a{n})"));
        update = update
            .expression_attribute_names(format!("#a{n}"), name)
            .expression_attribute_values(format!(":a{n}"), value);
    }
    let update = update
        .update_expression(format!("SET {}", parts.join(", ")))
        .build()
        .map_err(|error| StoreError::Internal(error.to_string()))?;
    write.other(
        TransactWriteItem::builder().update(update).build(),
        "the customer was deleted a moment ago: try again in a minute",
    );
    for unique in contact.unique(&cx.rules) {
        write.take(
            store,
            Table::Contacts,
            Contact::NOUN,
            &unique.scope,
            &unique.value,
            &id.to_string(),
        )?;
    }
    for value in pointers(contact) {
        write.put(
            store,
            Table::Contacts,
            Key::pointer(tenant, Contact::NOUN, &value, id).attributes(),
        )?;
    }
    Ok(())
}

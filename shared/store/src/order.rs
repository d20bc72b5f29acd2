//! How orders are stored, and what they look up: their number, their products, their customer — who is created with the
//! first order that names one nobody knows.

use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update};
use rapport_domain::contact::Contact;
use rapport_domain::order::{ContactRef, Order, Refusal};
use rapport_domain::{Invalid, Kind, Prefix, Record, RecordId};

use crate::records::{Filter, Stored, Test, doc, pointers, row};
use crate::{Accept, Key, Store, StoreError, Table, Write, number, number_of, text, text_of};

/// The counter of orders' numbers, and what is added to it: four digits from the first on.
const COUNTER: &str = "order";
const FIRST: u64 = 1_000;
/// How long an id stays promised to a customer who is about to be created, in seconds: longer than any request runs.
const PROMISED_SECONDS: i64 = 30;

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

/// The id of a contact about to be created: the same for all who ask within some seconds, whichever process they run in.
/// 1 write unit.
async fn promised(store: &Store, cx: &Accept, named: &ContactRef) -> Result<RecordId, StoreError> {
    let fresh = RecordId::new(Prefix::Contact);
    let now = cx.rules.now.as_second();
    let mut item = Key::unique(
        cx.tenant,
        Contact::NOUN,
        &format!("promised.{}", named.key),
        &named.value,
    )
    .attributes();
    item.insert("holder".to_owned(), text(fresh.to_string()));
    item.insert("expires".to_owned(), number(now + PROMISED_SECONDS));
    let outcome = store
        .client()
        .put_item()
        .table_name(store.table(Table::Contacts)?)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(pk) OR expires <= :now")
        .expression_attribute_values(":now", number(now))
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .return_consumed_capacity(aws_sdk_dynamodb::types::ReturnConsumedCapacity::Total)
        .send()
        .await;
    let error = match outcome {
        Ok(answer) => {
            crate::cost::write(answer.consumed_capacity());
            return Ok(fresh);
        }
        Err(error) => error,
    };
    use aws_sdk_dynamodb::operation::put_item::PutItemError;
    if let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
        let promised = failed
            .item()
            .filter(|item| number_of::<i64>(item, "expires").is_some())
            .and_then(|item| text_of(item, "holder"))
            .and_then(|id| RecordId::parse(Prefix::Contact, id).ok());
        return promised.ok_or_else(|| StoreError::Internal("a promised id is unreadable".to_owned()));
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

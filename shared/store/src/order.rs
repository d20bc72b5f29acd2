//! How orders are stored, and what they look up: their number, their products, their customer — who is created with the
//! first order that names one nobody knows.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::order::{ContactRef, Order, Refusal};
use rapport_domain::{Invalid, Kind, Record, RecordId, TenantId};

use crate::records::{Filter, Sort, Stored, Test};
use crate::{Accept, Key, Store, StoreError, Table, Write, number, text};

/// The counter of orders' numbers, and what is added to it: four digits from the first on.
const COUNTER: &str = "order";
const FIRST: u64 = 1_000;
/// How long the reference of a new customer is held, in seconds: longer than any request runs.
const CLAIMED_SECONDS: i64 = 30;

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
    const SORTS: &'static [Sort] = &[
        Sort::latest("by_contact_id", "placed_on"),
        Sort::latest("by_company_id", "placed_on"),
        Sort::latest("by_owner_id", "placed_on"),
        Sort::latest("by_status", "placed_on"),
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
            if old.meta.deleted_at.is_some() {
                store.follow::<Contact>(cx.tenant, &mut record.body.contact_id).await?;
                store.follow::<Company>(cx.tenant, &mut record.body.company_id).await?;
                return Ok(());
            }
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
    match store.price(cx.tenant, order).await {
        Err(StoreError::Invalid(wrong)) => drop(invalid.take::<()>(Err(wrong))),
        priced => priced?,
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

impl Store {
    /// Fills the lines of an order from their products, where they leave something out. 1 read unit for each product and sku.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] with every fault: an unknown product, a price in another currency, a total that differs.
    pub async fn price(&self, tenant: TenantId, order: &mut Order) -> Result<(), StoreError> {
        if !order.wants_products() {
            return Ok(());
        }
        let (ids, skus) = order.wanted_products();
        let found = self.products(tenant, ids, skus).await?;
        Ok(order.fill(|id, sku| found.find(id, sku))?)
    }
}

/// The contact that a reference means. One that nobody knows is created by the write of the order that names it first.
/// Orders of one batch share that part; an order that finds the customer created meanwhile is planned again.
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
    let id = cx.customer(named).await;
    let contact = Record::new(id, body, common, &cx.actor, cx.rules.now);
    let mut planned = store.plan_complete(cx, contact, Write::new(cx.tenant))?;
    if planned.record.unique(&cx.rules).is_empty() {
        // Where two customers may have one address, two orders at once must still not create the same one twice.
        planned
            .write
            .other(claim(store, cx, named, id)?, "the customer was created meanwhile");
    }
    write.share(format!("{} {id}", Contact::NOUN), planned.write);
    Ok(id)
}

/// Holds a reference for some seconds, until whoever looks it up finds the customer.
fn claim(store: &Store, cx: &Accept, named: &ContactRef, id: RecordId) -> Result<TransactWriteItem, StoreError> {
    let now = cx.rules.now.as_second();
    let scope = format!("claimed.{}", named.key);
    let mut item = Key::unique(cx.tenant, Contact::NOUN, &scope, &named.value.to_lowercase()).attributes();
    item.insert("holder".to_owned(), text(id.to_string()));
    item.insert("expires".to_owned(), number(now + CLAIMED_SECONDS));
    let put = Put::builder()
        .table_name(store.table(Table::Contacts)?)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(pk) OR expires <= :now")
        .expression_attribute_values(":now", number(now))
        .build()
        .map_err(|error| StoreError::Internal(error.to_string()))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

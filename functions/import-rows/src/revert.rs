//! A page of what an import wrote is taken back, the last first.

use rapport_domain::contact::Contact;
use rapport_domain::import::{ImportCounts, ImportStatus};
use rapport_domain::order::Order;
use rapport_domain::{Kind, RecordId, TenantId};
use rapport_importing::apply::{actor, take_back};
use rapport_importing::file::PAGE;
use rapport_importing::of_kind;
use rapport_queue::Message;
use rapport_runtime::{App, BoxError};
use rapport_store::import::{KeptImport, Part, REVERTED};
use rapport_store::page::Query;
use rapport_store::records::{Stored, index_partition};
use rapport_store::{Accept, StoreError, text_of};

use crate::progress::{begin, end, go_on};

/// Works on a page and asks for the next.
///
/// # Errors
/// When the store or the queue does not answer: the message comes again, and what was taken back stays so.
pub(crate) async fn page(
    app: &App,
    tenant: TenantId,
    import: RecordId,
    (page, before): (u32, Option<&str>),
) -> Result<(), BoxError> {
    let fits = |kept: &KeptImport| kept.import.status == ImportStatus::Reverting;
    let Some(kept) = begin(app, tenant, import, page, (fits, ImportStatus::Reverting)).await? else {
        return Ok(());
    };
    let rules = match app.store.rules(tenant, app.clock.now()).await {
        Err(StoreError::Missing) => return Ok(()),
        rules => rules?,
    };
    let cx = Accept::new(tenant, actor(import, &kept.import.created_by), rules);
    let writes = app.store.import_writes(tenant, import, PAGE, before).await?;
    let mut counts = ImportCounts::default();
    for (place, wrote) in &writes {
        let customer = Part::of(place) == Part::Customer;
        if customer && buys(app, &cx, wrote.record).await? {
            // The customer of other orders by now: of more use here than gone.
            counts.kept += 1;
            continue;
        }
        let wrote = (place.as_str(), wrote);
        let stayed = if customer {
            take_back::<Contact>(&app.store, &cx, &kept, wrote).await?
        } else {
            of_kind!(kept.import.kind, K => take_back::<K>(&app.store, &cx, &kept, wrote).await?)
        };
        counts.kept += u32::from(stayed);
        counts.reverted += u32::from(!stayed);
    }
    app.store
        .count_import_page(tenant, &kept, REVERTED + page, (&counts, &[]))
        .await?;
    match writes.last() {
        Some((last, _)) if writes.len() == PAGE => {
            let (page, before) = (page + 1, Some(last.clone()));
            go_on(app, tenant, Message::ImportRevertV1 { import, page, before }).await
        }
        _ => end(app, tenant, &kept, ImportStatus::Reverted).await,
    }
}

/// Whether a contact has orders. An index may lag behind what was deleted just now, so the orders themselves are asked.
async fn buys(app: &App, cx: &Accept, contact: RecordId) -> Result<bool, StoreError> {
    let index = "by_contact_id";
    let query = Query::index(index, index_partition(Order::NOUN, index, &contact.to_string()));
    let page = app.store.query(cx.tenant, Order::TABLE, &query, PAGE, None).await?;
    let ids: Vec<String> = page
        .items
        .iter()
        .filter_map(|item| text_of(item, "sk"))
        .map(str::to_owned)
        .collect();
    Ok(!app.store.rows::<Order>(cx.tenant, &ids, true).await?.is_empty())
}

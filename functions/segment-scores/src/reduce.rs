//! Step 2 of a recompute: all customers in one place, ranked exactly and fitted.

use futures::future::try_join_all;
use rapport_domain::score::day_number;
use rapport_domain::{RecordId, TenantId};
use rapport_queue::Message;
use rapport_runtime::{App, BoxError};
use rapport_scoring::customer::Page;
use rapport_scoring::{Ranks, Reducer};
use rapport_store::StoreError;

/// Pages read and written side by side.
const SIDE_BY_SIDE: usize = 8;

/// Reduces all pages and asks for each to be written.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn run(app: &App, tenant: TenantId, job: RecordId, pages: u32) -> Result<(), BoxError> {
    let message = Message::ScoresReduceV1 { job, pages };
    let Some(run) = crate::turn(app, tenant, job, message).await? else {
        return Ok(());
    };
    if app.store.run_model(tenant, job).await?.is_none() {
        let settings = app.store.tenant_rules(tenant).await?.settings.clone();
        let numbers: Vec<u32> = (0..pages).collect();
        let mut reducer = Reducer::new(day_number(run.as_of), settings.currency, settings.scoring.clone());
        let mut sizes = Vec::with_capacity(numbers.len());
        for group in numbers.chunks(SIDE_BY_SIDE) {
            let kept = try_join_all(group.iter().map(|n| app.store.run_page(tenant, job, *n))).await?;
            for page in kept {
                let page = page
                    .and_then(|page| Page::decode(&page.bytes))
                    .ok_or_else(|| StoreError::Internal("a page of a run is missing or unreadable".to_owned()))?;
                sizes.push(page.customers.len());
                reducer.add(&page);
            }
        }
        let scored_at = run.started_at.unwrap_or(run.created_at);
        let count = reducer.customers() as u64;
        // Seconds of arithmetic for a large tenant: not on the threads that answer others.
        let (ranks, model) = tokio::task::spawn_blocking(move || reducer.finish(scored_at)).await?;
        let now = app.clock.now();
        let mut rest = ranks.as_slice();
        let mut writes = Vec::with_capacity(sizes.len());
        for (n, size) in numbers.iter().zip(sizes) {
            let (page, after) = rest.split_at(size);
            rest = after;
            let bytes: Vec<u8> = page.iter().flat_map(|ranks: &Ranks| ranks.encode()).collect();
            writes.push((*n, bytes));
        }
        for group in writes.chunks(SIDE_BY_SIDE) {
            try_join_all(
                group
                    .iter()
                    .map(|(n, bytes)| app.store.put_ranks(tenant, job, *n, bytes.clone(), now)),
            )
            .await?;
        }
        app.store.note_size(tenant, job, pages, count).await?;
        // Last: whoever finds the model finds the ranks too.
        let model = serde_json::to_string(&model)?;
        app.store.put_run_model(tenant, job, model, now).await?;
    }
    let writes = (0..pages).map(|page| Message::ScoresWriteV1 { job, page, pages });
    crate::send(app, tenant, writes).await
}

//! Step 1 of a recompute: one page of figures → what ranks and models need, in a few bytes.

use std::collections::BTreeSet;

use rapport_domain::score::{Figures, Recompute, day_number};
use rapport_domain::{Currency, RecordId, TenantId};
use rapport_queue::Message;
use rapport_runtime::{App, BoxError};
use rapport_scoring::Customer;
use rapport_scoring::customer::Page;
use rapport_store::StoreError;
use rapport_store::score::RunPage;

use crate::purchases::refresh;

/// Customers on a page: 64 bytes each, and the page is one item of at most 400 KB.
pub const PAGE: usize = 3_000;

/// Gathers one page, and asks for the next or for the reduction.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn run(app: &App, tenant: TenantId, job: RecordId, page: u32, after: Option<String>) -> Result<(), BoxError> {
    let message = Message::ScoresGatherV1 {
        job,
        page,
        after: after.clone(),
    };
    let Some(run) = crate::turn(app, tenant, job, message).await? else {
        return Ok(());
    };
    let kept = match app.store.run_page(tenant, job, page).await? {
        Some(kept) => {
            // A repetition. Where the chain went on, it needs no second one beside it.
            let further = if kept.last.is_some() {
                app.store.run_page(tenant, job, page + 1).await?.is_some()
            } else {
                app.store.run_model(tenant, job).await?.is_some()
            };
            if further {
                return Ok(());
            }
            kept
        }
        None => gather(app, tenant, job, page, after, &run).await?,
    };
    let next = match kept.last {
        Some(last) => Message::ScoresGatherV1 {
            job,
            page: page + 1,
            after: Some(last),
        },
        None => Message::ScoresReduceV1 { job, pages: page + 1 },
    };
    crate::send(app, tenant, [next]).await
}

async fn gather(
    app: &App,
    tenant: TenantId,
    job: RecordId,
    n: u32,
    after: Option<String>,
    run: &Recompute,
) -> Result<RunPage, BoxError> {
    let known = app.store.tenant_rules(tenant).await?;
    let (currency, margin_rate) = (known.settings.currency, known.settings.margin_rate());
    let day = day_number(run.as_of);
    let (figures, more) = app.store.figures_page(tenant, after.as_deref(), PAGE).await?;
    let last = figures.last().map(|(contact, _)| contact.to_string()).filter(|_| more);
    let mut page = Page::default();
    for (contact, figures) in figures {
        let figures = seen(app, tenant, contact, figures, currency, day).await?;
        if let Some(customer) = Customer::at(contact, &figures, day, margin_rate) {
            let days: Vec<i64> = figures
                .day_numbers()
                .into_iter()
                .filter(|listed| *listed <= i64::from(day))
                .collect();
            page.gaps.count(&days);
            page.customers.push(customer);
        }
    }
    let gathered = RunPage {
        after,
        last,
        bytes: page.encode(),
    };
    let now = app.clock.now();
    if app.store.put_run_page(tenant, job, n, &gathered, now).await? {
        return Ok(gathered);
    }
    let kept = app.store.run_page(tenant, job, n).await?;
    Ok(kept.ok_or_else(|| StoreError::Internal("a page was kept and is gone".to_owned()))?)
}

/// The figures a run can work with: in the tenant's currency of today, and reaching back to the day looked at. Where the
/// stored ones do not, the contributions are looked at.
async fn seen(
    app: &App,
    tenant: TenantId,
    contact: RecordId,
    figures: Figures,
    currency: Currency,
    day: i32,
) -> Result<Figures, StoreError> {
    let reaches = figures.last().is_none_or(|last| last <= day) || figures.until(day).is_some();
    if figures.currency == currency && reaches {
        return Ok(figures);
    }
    if figures.currency != currency {
        refresh(app, tenant, &[contact], &BTreeSet::new(), currency, "currency").await?;
    }
    let mut contributions = app.store.contributions(tenant, contact).await?;
    if !reaches {
        contributions.retain(|contribution| contribution.day <= day);
    }
    Ok(Figures::of(&contributions, currency))
}

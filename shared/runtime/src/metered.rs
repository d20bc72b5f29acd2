//! What workers cost, counted to the tenants whose messages and changes they work on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_lambda_events::streams::DynamoDbEventResponse;
use futures::future::BoxFuture;
use rapport_domain::TenantId;
use rapport_domain::usage::Counts;
use rapport_store::Cost;
use rapport_store::key::tenant_of;
use serde::Deserialize;

use crate::App;
use crate::meter::{costs, share};

/// Handles a batch of messages. Each is counted; what the batch cost is shared among its tenants by their messages.
pub async fn queue(
    app: App,
    event: SqsEvent,
    handle: fn(App, SqsEvent) -> BoxFuture<'static, SqsBatchResponse>,
) -> SqsBatchResponse {
    #[derive(Deserialize)]
    struct Whose {
        tenant: TenantId,
    }
    let bodies = event.records.iter().filter_map(|message| message.body.as_deref());
    let tenants = tally(bodies.filter_map(|body| Some(serde_json::from_str::<Whose>(body).ok()?.tenant)));
    let messages = tenants.clone();
    let work = handle(app.clone(), event);
    measured(&app, &tenants, work, |tenant| {
        messages.get(&tenant).copied().unwrap_or(0)
    })
    .await
}

/// Handles a batch of changes. What it cost is shared among its tenants by their changes.
pub async fn stream(
    app: App,
    event: StreamEvent,
    handle: fn(App, StreamEvent) -> BoxFuture<'static, DynamoDbEventResponse>,
) -> DynamoDbEventResponse {
    let keys = event
        .records
        .iter()
        .filter_map(|record| match record.change.keys.get("pk") {
            Some(serde_dynamo::AttributeValue::S(pk)) => tenant_of(pk),
            _ => None,
        });
    let tenants = tally(keys);
    let work = handle(app.clone(), event);
    measured(&app, &tenants, work, |_| 0).await
}

fn tally(tenants: impl Iterator<Item = TenantId>) -> BTreeMap<TenantId, u64> {
    let mut counts = BTreeMap::new();
    tenants.for_each(|tenant| *counts.entry(tenant).or_default() += 1);
    counts
}

async fn measured<T>(
    app: &App,
    tenants: &BTreeMap<TenantId, u64>,
    work: BoxFuture<'static, T>,
    messages: impl Fn(TenantId) -> u64,
) -> T {
    let (started, cost) = (Instant::now(), Arc::new(Cost::default()));
    let output = Arc::clone(&cost).counting(work).await;
    if !app.store.keeps_usage() {
        return output;
    }
    let whole = costs(&cost, started.elapsed());
    let (all, now) = (tenants.values().sum(), app.clock.now());
    for (&tenant, &part) in tenants {
        let counts = Counts {
            read: share(whole.read, part, all),
            write: share(whole.write, part, all),
            micros: share(whole.micros, part, all),
            messages: messages(tenant),
            ..Counts::default()
        };
        app.meter.count(tenant, counts, now);
    }
    let tenants: Vec<TenantId> = tenants.keys().copied().collect();
    app.meter.settle_due(&app.store, &tenants, now).await;
    output
}

//! One attempt of one delivery, and what follows from it.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::SignedDuration;
use rapport_domain::webhook::{Delivery, DeliveryStatus, DisabledReason, Endpoint, payload};
use rapport_domain::{Actor, Record, RecordId, TenantId};
use rapport_queue::{Envelope, MOST_DELAY_SECONDS, Message, Queue, envelope};
use rapport_runtime::schedule::timer;
use rapport_runtime::{App, BoxError, schedule};
use rapport_store::webhook::KeptDelivery;
use rapport_store::{Accept, Kept, StoreError};

use crate::send::{Outgoing, send};

/// Endpoints whose success was noted less than a minute ago: it need not be noted with every delivery.
static NOTED: LazyLock<Kept<RecordId, ()>> = LazyLock::new(|| Kept::new(10_000, Duration::from_secs(60)));

/// After how long a delivery of an account that is not open is looked at again.
const WHILE_NOT_OPEN: SignedDuration = SignedDuration::from_hours(1);

fn message(tenant: TenantId, delivery: &Delivery) -> Envelope {
    let message = Message::DeliverV1 {
        delivery: delivery.id,
        attempt: delivery.attempt_count,
    };
    envelope(tenant, message)
}

pub(crate) async fn attempt(app: &App, tenant: TenantId, id: RecordId, number: u32) -> Result<(), BoxError> {
    let mut kept = match app.store.delivery(tenant, id).await {
        Err(StoreError::Missing) => return Ok(()),
        kept => kept?,
    };
    let delivery = &kept.delivery;
    let (DeliveryStatus::Pending, Some(due)) = (delivery.status, delivery.next_attempt_at) else {
        return Ok(());
    };
    let now = app.clock.now();
    if delivery.attempt_count == number + 1 {
        // This attempt was made, but perhaps nobody was told of the next one. Those far off have their timer.
        return follow(app, tenant, delivery, now).await;
    }
    if delivery.attempt_count != number {
        return Ok(());
    }
    if due > now + SignedDuration::from_secs(1) {
        return schedule(app, Queue::WebhookDeliveries, &message(tenant, delivery), due).await;
    }
    match app.store.tenant_rules(tenant).await {
        Err(StoreError::Missing) => return Ok(()),
        // It waits until the account is open again, or is erased.
        Ok(rules) if !rules.account.may_write() => {
            let later = message(tenant, delivery);
            return schedule(app, Queue::WebhookDeliveries, &later, now + WHILE_NOT_OPEN).await;
        }
        other => other?,
    };
    let endpoint = match app.store.get::<Endpoint>(tenant, delivery.endpoint_id).await {
        Ok(endpoint) => Some(endpoint).filter(|endpoint| endpoint.body.enabled),
        Err(StoreError::Missing) => None,
        Err(error) => return Err(error.into()),
    };
    let body = body(app, tenant, &kept).await?;
    let (Some(endpoint), Some(body)) = (endpoint, body) else {
        kept.delivery.cancel();
        return saved(app.store.save_delivery(tenant, kept, None).await).map(|_| ());
    };
    let (attempt, retry_after) = send(app, &outgoing(app, tenant, &endpoint, &kept.delivery, body)?, number).await?;
    let at = attempt.at;
    let gone = kept.delivery.note(attempt, retry_after, rand::random());
    let delivery = kept.delivery.clone();
    let far = delivery.next_attempt_at.filter(|due| *due > near(at));
    let timer = far.map(|due| timer(Queue::WebhookDeliveries, &message(tenant, &delivery), due));
    if !saved(app.store.save_delivery(tenant, kept, timer.as_ref()).await)? {
        return Ok(());
    }
    follow(app, tenant, &delivery, at).await?;
    match delivery.status {
        DeliveryStatus::Succeeded => {
            if NOTED.get(&endpoint.meta.id).is_none() {
                app.store.note_endpoint_success(tenant, endpoint.meta.id, at).await?;
                NOTED.put(endpoint.meta.id, ());
            }
            Ok(())
        }
        DeliveryStatus::Failed if gone => disable(app, tenant, &endpoint, DisabledReason::Gone).await,
        DeliveryStatus::Failed => {
            // All attempts over three days failed; has anything got through meanwhile?
            let last = app.store.last_endpoint_success(tenant, endpoint.meta.id).await?;
            if last.is_some_and(|last| last >= delivery.created_at) {
                return Ok(());
            }
            disable(app, tenant, &endpoint, DisabledReason::Failing).await
        }
        DeliveryStatus::Pending | DeliveryStatus::Cancelled => Ok(()),
    }
}

/// Until when the queue itself can hold a message back.
fn near(now: jiff::Timestamp) -> jiff::Timestamp {
    now + SignedDuration::from_secs(MOST_DELAY_SECONDS)
}

/// Sends the message of the next attempt where it is near: the far ones have a timer since they were saved.
async fn follow(app: &App, tenant: TenantId, delivery: &Delivery, now: jiff::Timestamp) -> Result<(), BoxError> {
    if let Some(due) = delivery.next_attempt_at.filter(|due| *due <= near(now)) {
        let next = message(tenant, delivery);
        app.queues.send_at(Queue::WebhookDeliveries, &next, due, now).await?;
    }
    Ok(())
}

/// Whether a delivery was saved: `false` when somebody else was quicker, who then sees to what follows.
fn saved(result: Result<(), StoreError>) -> Result<bool, BoxError> {
    match result {
        Ok(()) => Ok(true),
        Err(StoreError::Stale(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The body to post: a test's own, or the event as the log has it. `None` when the event is no more.
async fn body(app: &App, tenant: TenantId, kept: &KeptDelivery) -> Result<Option<String>, BoxError> {
    if let Some(body) = &kept.payload {
        return Ok(Some(body.clone()));
    }
    let Delivery {
        noun,
        subject,
        subject_version,
        event_id,
        ..
    } = &kept.delivery;
    let entry = match app.store.entry(tenant, noun, subject, *subject_version).await {
        Err(StoreError::Missing) => return Ok(None),
        entry => entry?,
    };
    Ok(entry.events().iter().find(|event| event.id == *event_id).map(payload))
}

fn outgoing(
    app: &App,
    tenant: TenantId,
    endpoint: &Record<Endpoint>,
    delivery: &Delivery,
    body: String,
) -> Result<Outgoing, BoxError> {
    let now = app.clock.now();
    let id = endpoint.meta.id;
    let keys = endpoint.body.signing(now).into_iter().map(|generation| {
        let secret = app.store.endpoint_secret(tenant, id, generation);
        (secret, app.store.endpoint_seed(tenant, id, generation))
    });
    Ok(Outgoing {
        url: endpoint.body.url.parse()?,
        id: delivery.event_id.to_string(),
        keys: keys.collect(),
        body,
    })
}

/// Switches an endpoint off, unless somebody changed it meanwhile.
async fn disable(
    app: &App,
    tenant: TenantId,
    endpoint: &Record<Endpoint>,
    reason: DisabledReason,
) -> Result<(), BoxError> {
    let rules = app.store.rules(tenant, app.clock.now()).await?;
    let request = RecordId::new(rapport_domain::Prefix::Request).to_string();
    let cx = Accept::new(tenant, Actor::worker("webhook-deliveries", &request), rules);
    let version = Some(endpoint.meta.version);
    let rule = |old: &Record<Endpoint>| Ok(old.with_body(old.body.disabled(reason), &cx.actor, cx.rules.now));
    match app
        .store
        .change::<Endpoint>(&cx, endpoint.meta.id, version, None, rule)
        .await
    {
        Ok(_) => {
            tracing::warn!(endpoint = %endpoint.meta.id, ?reason, "an endpoint was switched off");
            Ok(())
        }
        Err(StoreError::Stale(_) | StoreError::Missing) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

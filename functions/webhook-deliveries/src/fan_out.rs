//! One change: a delivery for each of its events and each endpoint that wants to hear of it.

use rapport_domain::TenantId;
use rapport_domain::webhook::{Delivery, DeliveryStatus};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::{App, BoxError};
use rapport_store::StoreError;

pub(crate) async fn fan_out(
    app: &App,
    tenant: TenantId,
    noun: &str,
    subject: &str,
    version: u64,
) -> Result<(), BoxError> {
    let entry = match app.store.entry(tenant, noun, subject, version).await {
        // Appended before anybody was told, so it was erased since.
        Err(StoreError::Missing) => return Ok(()),
        entry => entry?,
    };
    let now = app.clock.now();
    let mut messages = Vec::new();
    let events = entry.events();
    for endpoint in app.store.endpoints(tenant).await? {
        for event in events.iter().filter(|event| endpoint.body.wants(&event.kind)) {
            let delivery = Delivery::new(endpoint.meta.id, noun, event, now);
            if !app.store.new_delivery(tenant, &delivery, None).await? && begun(app, tenant, &delivery).await? {
                continue;
            }
            let message = Message::DeliverV1 {
                delivery: delivery.id,
                attempt: 0,
            };
            messages.push(envelope(tenant, message));
        }
    }
    app.queues.send_all(Queue::WebhookDeliveries, &messages).await?;
    Ok(())
}

/// Whether a delivery that was there already was tried: else its message may have been lost, and is sent again.
async fn begun(app: &App, tenant: TenantId, delivery: &Delivery) -> Result<bool, BoxError> {
    let known = app.store.delivery(tenant, delivery.id).await?.delivery;
    Ok(known.attempt_count > 0 || known.status != DeliveryStatus::Pending)
}

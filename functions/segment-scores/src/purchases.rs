//! Changed orders → contributions → figures.
//!
//! An order is read as it is now, whatever version the message speaks of. What it adds is noted with its version, which an
//! older one never overwrites; then the figures of its customer, and of the one it had before, are computed from all that
//! is noted. Figures carry a version of their own, read before the contributions: of two workers at one customer the one
//! that saw less loses and looks again, and whoever changed what is noted makes a version also where the figures are as before: somebody
//! may be about to write what they were in between. Then the stage of life follows ([`crate::stages`]),
//! and whoever was to be won back has returned ([`crate::win_backs`]).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use futures::future::try_join_all;
use rapport_domain::order::{self, Order};
use rapport_domain::score::{Contribution, Figures, day_number};
use rapport_domain::{Currency, Prefix, Record, RecordId, TenantId};
use rapport_queue::{Envelope, Message};
use rapport_runtime::{App, BoxError};
use rapport_store::page::{Row, record_keys};
use rapport_store::score::Purchase;
use rapport_store::{StoreError, Table, records};

use crate::{nightly, stages, win_backs};

/// How often figures are computed again when others are at the same customer.
const ATTEMPTS: u32 = 8;
/// Customers looked at side by side.
const SIDE_BY_SIDE: usize = 16;

/// How each order of a batch went.
#[derive(Debug, Default)]
pub struct Outcomes(HashMap<(TenantId, String), Option<String>>);

impl Outcomes {
    /// How an order went.
    ///
    /// # Errors
    /// What kept it from being settled.
    pub fn of(&self, tenant: TenantId, order: &str) -> Result<(), BoxError> {
        match self.0.get(&(tenant, order.to_owned())) {
            Some(None) => Ok(()),
            Some(Some(error)) => Err(error.clone().into()),
            None => Err("the order was not looked at".into()),
        }
    }
}

/// Settles all changed orders of a batch.
pub async fn settle(app: &App, event: &SqsEvent) -> Outcomes {
    let mut orders: BTreeMap<TenantId, BTreeSet<String>> = BTreeMap::new();
    for message in &event.records {
        let body = message.body.as_deref().unwrap_or_default();
        if let Ok(Envelope { tenant, message }) = serde_json::from_str(body)
            && let Message::ChangedV1 { noun, subject, .. } = message
            && noun == "order"
        {
            orders.entry(tenant).or_default().insert(subject);
        }
    }
    let mut outcomes = Outcomes::default();
    for (tenant, orders) in orders {
        let failed = match settle_tenant(app, tenant, &orders).await {
            Ok(failed) => failed,
            Err(error) => orders.iter().map(|order| (order.clone(), error.to_string())).collect(),
        };
        for order in orders {
            let error = failed.get(&order).cloned();
            outcomes.0.insert((tenant, order), error);
        }
    }
    outcomes
}

/// Settles orders of one tenant; those that failed, and why.
async fn settle_tenant(
    app: &App,
    tenant: TenantId,
    orders: &BTreeSet<String>,
) -> Result<HashMap<String, String>, BoxError> {
    let known = match app.store.tenant_rules(tenant).await {
        // Nobody is left to be scored.
        Err(StoreError::Missing) => return Ok(HashMap::new()),
        other => other?,
    };
    let mut failed = HashMap::new();
    let ids: Vec<String> = orders.iter().cloned().collect();
    let items = app
        .store
        .get_items(Table::Orders, &record_keys(tenant, "order", &ids), true)
        .await?;
    let mut purchases = Vec::with_capacity(items.len());
    let mut historic = HashSet::new();
    for row in items.iter().filter_map(Row::read) {
        match purchase(&row) {
            Ok((purchase, of_old)) => {
                if of_old {
                    historic.insert(purchase.order);
                }
                purchases.push(purchase);
            }
            Err(error) => {
                failed.insert(row.id, error.to_string());
            }
        }
    }
    let mut contacts: BTreeMap<RecordId, Vec<String>> = BTreeMap::new();
    let (mut lively, mut changed) = (BTreeSet::new(), BTreeSet::new());
    for (purchase, result) in purchases.iter().zip(app.store.purchases(tenant, &purchases).await?) {
        let order = purchase.order.to_string();
        match result {
            Ok(noted) => {
                if !historic.contains(&purchase.order) {
                    lively.extend(noted.contacts.iter().copied());
                }
                if noted.changed {
                    changed.extend(noted.contacts.iter().copied());
                }
                for contact in noted.contacts {
                    contacts.entry(contact).or_default().push(order.clone());
                }
            }
            Err(error) => {
                failed.insert(order, error.to_string());
            }
        }
    }
    let touched: Vec<RecordId> = contacts.keys().copied().collect();
    let request = purchases
        .first()
        .map(|purchase| purchase.order.to_string())
        .unwrap_or_default();
    let late = refresh(app, tenant, &touched, &changed, known.settings.currency, &request).await?;
    // What is entered from the past moves nobody today: the next recompute finds the stage.
    lively.retain(|contact| !late.contains(contact));
    let settled: Vec<RecordId> = touched
        .iter()
        .copied()
        .filter(|contact| !late.contains(contact))
        .collect();
    win_backs::settle(app, tenant, &settled, &request).await?;
    let lively: Vec<RecordId> = lively.into_iter().collect();
    stages::follow(app, tenant, &known.settings, &lively, &request).await?;
    for contact in late {
        for order in contacts.remove(&contact).unwrap_or_default() {
            failed.insert(order, "others keep changing the customer's figures".to_owned());
        }
    }
    if !touched.is_empty() {
        nightly::arm(app, tenant, &known.settings).await?;
    }
    Ok(failed)
}

/// What an order adds, as it is now, and whether it is one from the past. One without a customer adds nothing.
fn purchase(row: &Row) -> Result<(Purchase, bool), StoreError> {
    let record: Record<Order> = records::parse(&row.doc)?;
    let adds = (!row.gone)
        .then(|| Some((record.body.contact_id?, order::purchase(&record.body)?)))
        .flatten()
        .map(|(contact, purchase)| {
            let contribution = Contribution {
                day: day_number(purchase.day),
                amount: purchase.amount.normalize(),
                margin: purchase.margin,
                currency: purchase.currency,
            };
            (contact, contribution)
        });
    let order = RecordId::parse(Prefix::Order, &row.id).map_err(|error| StoreError::Internal(error.to_string()))?;
    let purchase = Purchase {
        order,
        version: row.version,
        adds,
    };
    Ok((purchase, record.body.historic))
}

/// Computes the figures of contacts anew and writes those that are other than before, or whose contributions were just `changed`; the
/// contacts that others kept changing meanwhile.
///
/// # Errors
/// When the store does not answer.
pub async fn refresh(
    app: &App,
    tenant: TenantId,
    contacts: &[RecordId],
    changed: &BTreeSet<RecordId>,
    currency: Currency,
    request: &str,
) -> Result<Vec<RecordId>, StoreError> {
    let mut left = contacts.to_vec();
    for attempt in 0..ATTEMPTS {
        if left.is_empty() {
            break;
        }
        if attempt > 0 {
            let pause = rand::random::<f64>() * f64::from(1 << attempt) * 5.0;
            tokio::time::sleep(Duration::from_secs_f64(pause / 1_000.0)).await;
        }
        // The versions first: whoever adds a contribution after this makes a later version, and ours is refused.
        let stored = app.store.figures(tenant, &left).await?;
        let mut figures_now = Vec::new();
        for group in left.chunks(SIDE_BY_SIDE) {
            let all = try_join_all(group.iter().map(|contact| app.store.contributions(tenant, *contact))).await?;
            for (contact, contributions) in group.iter().zip(all) {
                let figures = Figures::of(&contributions, currency);
                let (version, before) = stored
                    .get(contact)
                    .map_or((0, None), |stored| (stored.version, stored.figures.as_ref()));
                let same = before.map_or(figures.is_empty(), |before| *before == figures);
                if !same || changed.contains(contact) {
                    figures_now.push((*contact, version, figures));
                }
            }
        }
        let written = app.store.put_figures(tenant, &figures_now, request).await?;
        left = figures_now
            .iter()
            .zip(written)
            .filter(|(_, written)| !written)
            .map(|((contact, _, _), _)| *contact)
            .collect();
    }
    Ok(left)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_was_not_looked_at_is_no_success() {
        let tenant = TenantId::new();
        let mut outcomes = Outcomes::default();
        outcomes.0.insert((tenant, "ord_1".to_owned()), None);
        outcomes
            .0
            .insert((tenant, "ord_2".to_owned()), Some("the store is down".to_owned()));
        for (tenant, order, ok) in [
            (tenant, "ord_1", true),
            (tenant, "ord_2", false),
            (tenant, "ord_3", false),
            (TenantId::new(), "ord_1", false),
        ] {
            assert_eq!(outcomes.of(tenant, order).is_ok(), ok, "{order}");
        }
    }
}

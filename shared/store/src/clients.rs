//! Who asks DynamoDB: with each call a client whose credentials reach the items of one tenant and nobody else's.
//!
//! On one machine, and in tests, one plain client does it all. In the cloud each tenant has a client of its own, made when
//! it is first needed (`rapport_runtime::tenant`). The few items that belong to no tenant (logins, timers, the directory) are asked for
//! with the function's own credentials, which reach no tenant's items.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::InterceptorContext;
use aws_sdk_dynamodb::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_dynamodb::types::AttributeValue;
use rapport_domain::TenantId;

use crate::key::tenant_of;
use crate::{Item, Kept, Key, Store, StoreError};

/// So many tenants' clients are kept by a process; the one that was used least lately makes room.
const KEPT: usize = 500;
/// A client goes after so long, and its credentials with it, whose end is an hour after they began.
const STAY: Duration = Duration::from_secs(45 * 60);

type Make = Arc<dyn Fn(TenantId) -> Client + Send + Sync>;

/// The clients of DynamoDB.
#[derive(Clone)]
pub struct Clients {
    own: Client,
    each: Option<(Make, Arc<Kept<TenantId, Client>>)>,
}

impl From<Client> for Clients {
    /// One client for everything.
    fn from(client: Client) -> Self {
        Self {
            own: patient(&client),
            each: None,
        }
    }
}

impl Clients {
    /// A client for each tenant, made once by `make` and kept; `own` for what belongs to none.
    #[must_use]
    pub fn for_each_tenant(own: &Client, make: impl Fn(TenantId) -> Client + Send + Sync + 'static) -> Self {
        let kept = Arc::new(Kept::new(KEPT, STAY));
        Self {
            own: patient(own),
            each: Some((Arc::new(make), kept)),
        }
    }

    fn of(&self, tenant: TenantId) -> Client {
        match &self.each {
            None => self.own.clone(),
            Some((make, kept)) => kept.get_or_make(tenant, || patient(&make(tenant))),
        }
    }
}

/// A write of one item that meets a transaction on it: of all passing refusals the one that the SDK does not try again by
/// itself.
#[derive(Debug)]
struct MetATransaction;

impl ClassifyRetry for MetATransaction {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let refusal = context.response().filter(|response| response.status().as_u16() == 400);
        let body = refusal.and_then(|response| response.body().bytes()).unwrap_or_default();
        let word = b"TransactionConflictException";
        if body.windows(word.len()).any(|part| part == word) {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "a write that met a transaction"
    }
}

fn patient(client: &Client) -> Client {
    Client::from_conf(client.config().to_builder().retry_classifier(MetATransaction).build())
}

impl Store {
    /// The client for a tenant's items, for the few calls that have no shape of their own here.
    pub fn client_for(&self, tenant: TenantId) -> Client {
        self.clients.of(tenant)
    }

    /// The client for items that belong to no tenant. In the cloud it reaches no item of any tenant.
    #[must_use]
    pub fn client_for_no_tenant(&self) -> &Client {
        &self.clients.own
    }

    /// The client for the items of these partitions.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when they are not all of one tenant, or all of none: a fault of ours.
    pub(crate) fn client_of<'a>(&self, partitions: impl Iterator<Item = &'a str>) -> Result<Client, StoreError> {
        Ok(match owner(partitions)? {
            Some(tenant) => self.client_for(tenant),
            None => self.client_for_no_tenant().clone(),
        })
    }

    /// The client for the item with this key.
    pub(crate) fn client_of_key(&self, key: &Key) -> Client {
        match key.tenant() {
            Some(tenant) => self.client_for(tenant),
            None => self.client_for_no_tenant().clone(),
        }
    }
}

fn owner<'a>(partitions: impl Iterator<Item = &'a str>) -> Result<Option<TenantId>, StoreError> {
    let mut owners = partitions.map(tenant_of);
    let first = owners.next().flatten();
    if owners.all(|owner| owner == first) {
        Ok(first)
    } else {
        Err(StoreError::Internal("one call for items of several owners".to_owned()))
    }
}

/// The partition an item lies in.
pub(crate) fn partition(item: &Item) -> &str {
    item.get("pk")
        .and_then(|pk: &AttributeValue| pk.as_s().ok())
        .map_or("", String::as_str)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_items_of_one_call_have_one_owner() {
        let (one, other) = (TenantId::new(), TenantId::new());
        let of = |tenant: TenantId, partition: &str| Key::new(tenant, partition, "-").pk().to_owned();
        let login = Key::login("x", "-").pk().to_owned();
        let cases: [(Vec<String>, Option<Option<TenantId>>); 6] = [
            (vec![], Some(None)),
            (vec![of(one, "lead"), of(one, "contact")], Some(Some(one))),
            (vec![login.clone(), Key::timer(1, "-").pk().to_owned()], Some(None)),
            (vec![of(one, "lead"), of(other, "lead")], None),
            (vec![of(one, "lead"), login.clone()], None),
            (vec![login, of(one, "lead")], None),
        ];
        for (partitions, expected) in cases {
            let found = owner(partitions.iter().map(String::as_str)).ok();
            assert_eq!(found, expected, "{partitions:?}");
        }
    }
}

//! The tenant itself: its account with the service, and its line in the directory of all tenants.

use jiff::Timestamp;
use rapport_domain::TenantId;
use rapport_domain::account::Account;
use rapport_domain::settings::millis;

use crate::settings::PARTITION;
use crate::{Item, Key, Store, StoreError, Table, Write, number, number_of, text, text_of};

/// The sort key of the account among the settings.
pub(crate) const ACCOUNT: &str = "account";

impl Write {
    /// Makes the tenant that this write belongs to.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn new_tenant(&mut self, store: &Store, account: &Account, request: &str) -> Result<(), StoreError> {
        let tenant = self.tenant();
        self.record(store, Table::Identity, account_item(tenant, account, 1, request)?, 0)?;
        self.put(store, Table::Identity, line(tenant, account.created_at))
    }
}

/// A tenant's line in the directory.
fn line(tenant: TenantId, created_at: Timestamp) -> Item {
    let mut item = Key::directory(tenant).attributes();
    item.insert("created_at".to_owned(), text(millis::text(created_at)));
    item
}

fn account_item(tenant: TenantId, account: &Account, version: u64, request: &str) -> Result<Item, StoreError> {
    let mut item = Key::new(tenant, PARTITION, ACCOUNT).attributes();
    let doc = serde_json::to_string(account).map_err(|error| StoreError::Internal(error.to_string()))?;
    item.insert("v".to_owned(), number(version));
    item.insert("rid".to_owned(), text(request));
    item.insert("doc".to_owned(), text(doc));
    Ok(item)
}

impl Store {
    /// A tenant's account and its version, as they are now; `None` where there is no such tenant. 1 read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn account(&self, tenant: TenantId) -> Result<Option<(Account, u64)>, StoreError> {
        let key = Key::new(tenant, PARTITION, ACCOUNT);
        let Some(item) = self.get_item(Table::Identity, &key).await? else {
            return Ok(None);
        };
        let account = text_of(&item, "doc").and_then(|doc| serde_json::from_str(doc).ok());
        let account = account.ok_or_else(|| StoreError::Internal("a stored account is unreadable".to_owned()))?;
        Ok(Some((account, number_of(&item, "v").unwrap_or(1))))
    }

    /// Replaces a tenant's account, provided that it has the expected version ([`crate::settings::TenantRules::account_version`]).
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it has not.
    pub async fn put_account(
        &self,
        tenant: TenantId,
        account: &Account,
        expected: u64,
        request: &str,
    ) -> Result<(), StoreError> {
        let mut write = Write::new(tenant);
        self.write_account(&mut write, account, expected, request)?;
        write.commit(self).await?;
        self.forget_rules(tenant);
        Ok(())
    }

    /// The same with what else is in a write.
    pub(crate) fn write_account(
        &self,
        write: &mut Write,
        account: &Account,
        expected: u64,
        request: &str,
    ) -> Result<(), StoreError> {
        let item = account_item(write.tenant(), account, expected + 1, request)?;
        write.record(self, Table::Identity, item, expected)
    }
}

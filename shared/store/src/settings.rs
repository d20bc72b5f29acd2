//! A tenant's settings and custom fields: read with every request that writes, so remembered for some seconds.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rapport_domain::account::{Account, Status};
use rapport_domain::custom::Field;
use rapport_domain::plan::Plan;
use rapport_domain::settings::Settings;
use rapport_domain::{Rules, TenantId};

use crate::identity::ACCOUNT;
use crate::page::Query;
use crate::{Item, Kept, Key, Store, StoreError, Table, Write, number, number_of, text, text_of};

/// The partition of a tenant's settings, fields and other things there are few of.
pub const PARTITION: &str = "settings";

/// When to look again at what falls due while a tenant moves in.
const WHILE_MOVING_IN: SignedDuration = SignedDuration::from_mins(5);

/// What rules need to know of a tenant.
#[derive(Clone, Debug)]
pub struct TenantRules {
    /// The settings.
    pub settings: Arc<Settings>,
    /// Their version.
    pub version: u64,
    /// The custom fields.
    pub fields: Arc<Vec<Field>>,
    /// The account with the service.
    pub account: Arc<Account>,
    /// Its version; 0 where there is none yet.
    pub account_version: u64,
}

impl TenantRules {
    /// The rules at a moment.
    #[must_use]
    pub fn rules(&self, now: Timestamp) -> Rules {
        Rules {
            now,
            settings: Arc::clone(&self.settings),
            fields: Arc::clone(&self.fields),
        }
    }
}

/// What this process remembers of tenants. One for all functions that run in it, so that a change made by one is seen
/// by the others at once; another process sees it after at most these seconds.
static REMEMBERED: LazyLock<Kept<TenantId, TenantRules>> = LazyLock::new(|| Kept::new(1_000, Duration::from_secs(5)));

impl Store {
    /// The tenant's rules at a moment. Free when remembered, else 1 read unit per 4 KB.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such tenant, or that the store does not answer.
    pub async fn rules(&self, tenant: TenantId, now: Timestamp) -> Result<Rules, StoreError> {
        Ok(self.tenant_rules(tenant).await?.rules(now))
    }

    /// The tenant's settings and fields, at most some seconds old.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such tenant, or that the store does not answer.
    pub async fn tenant_rules(&self, tenant: TenantId) -> Result<TenantRules, StoreError> {
        if let Some(known) = REMEMBERED.get(&tenant) {
            return Ok(known);
        }
        let known = self.fresh_rules(tenant).await?;
        REMEMBERED.put(tenant, known.clone());
        Ok(known)
    }

    /// The tenant's settings and fields as they are now.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such tenant, or that the store does not answer.
    pub async fn fresh_rules(&self, tenant: TenantId) -> Result<TenantRules, StoreError> {
        let query = Query {
            consistent: true,
            ..Query::prefix(PARTITION, "")
        };
        let items = self.query_all(tenant, Table::Identity, &query, 1_000).await?;
        let broken = |what: &str| StoreError::Internal(format!("stored {what} are unreadable"));
        let item = items
            .iter()
            .find(|item| text_of(item, "sk") == Some("settings"))
            .ok_or(StoreError::Missing)?;
        let account = items.iter().find(|item| text_of(item, "sk") == Some(ACCOUNT));
        let settings = text_of(item, "doc")
            .and_then(|doc| serde_json::from_str(doc).ok())
            .ok_or_else(|| broken("settings"))?;
        let fields = items
            .iter()
            .filter(|item| text_of(item, "sk").is_some_and(|sk| sk.starts_with("field#")))
            .map(|item| {
                text_of(item, "doc")
                    .and_then(|doc| serde_json::from_str(doc).ok())
                    .ok_or_else(|| broken("fields"))
            })
            .collect::<Result<_, _>>()?;
        Ok(TenantRules {
            settings: Arc::new(settings),
            version: number_of(item, "v").unwrap_or(1),
            fields: Arc::new(fields),
            account_version: account.and_then(|item| number_of(item, "v")).unwrap_or(0),
            account: Arc::new(match account {
                Some(item) => text_of(item, "doc")
                    .and_then(|doc| serde_json::from_str(doc).ok())
                    .ok_or_else(|| broken("accounts"))?,
                // Tenants from before there were accounts.
                None => Account::new(Plan::Business, Timestamp::UNIX_EPOCH),
            }),
        })
    }

    /// When to look again at a tenant that is moving in: what it brings along is not touched before it is all there. 1 read unit per
    /// 4 KB.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such tenant, or that the store does not answer.
    pub async fn after_moving(&self, tenant: TenantId, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let account = self.fresh_rules(tenant).await?.account;
        Ok((account.status == Status::MovingIn).then(|| now + WHILE_MOVING_IN))
    }

    /// Forgets what is remembered of a tenant: after changing it.
    pub fn forget_rules(&self, tenant: TenantId) {
        REMEMBERED.forget(&tenant);
    }

    /// The item of a tenant's settings.
    ///
    /// # Errors
    /// When the settings cannot be written as JSON: a fault of ours.
    pub fn settings_item(
        tenant: TenantId,
        settings: &Settings,
        version: u64,
        request: &str,
    ) -> Result<Item, StoreError> {
        let mut item = Key::new(tenant, PARTITION, "settings").attributes();
        let doc = serde_json::to_string(settings).map_err(|error| StoreError::Internal(error.to_string()))?;
        item.insert("v".to_owned(), number(version));
        item.insert("rid".to_owned(), text(request));
        item.insert("doc".to_owned(), text(doc));
        Ok(item)
    }

    /// Replaces the settings, provided that they have the expected version.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when they have not.
    pub async fn put_settings(
        &self,
        tenant: TenantId,
        settings: &Settings,
        expected: u64,
        request: &str,
    ) -> Result<(), StoreError> {
        let mut write = Write::new(tenant);
        write.record(
            self,
            Table::Identity,
            Self::settings_item(tenant, settings, expected + 1, request)?,
            expected,
        )?;
        write.commit(self).await?;
        self.forget_rules(tenant);
        Ok(())
    }

    /// Sets the settings and their version, whatever they were.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn set_settings(
        &self,
        tenant: TenantId,
        settings: &Settings,
        version: u64,
        request: &str,
    ) -> Result<(), StoreError> {
        let item = Self::settings_item(tenant, settings, version, request)?;
        self.put_items(Table::Identity, vec![item]).await?;
        self.forget_rules(tenant);
        Ok(())
    }

    /// Declares or replaces a custom field.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_field(&self, tenant: TenantId, field: &Field) -> Result<(), StoreError> {
        let mut item = Key::new(tenant, PARTITION, format!("field#{}#{}", field.kind.noun(), field.key)).attributes();
        item.insert(
            "doc".to_owned(),
            text(serde_json::to_string(field).map_err(|e| StoreError::Internal(e.to_string()))?),
        );
        let mut write = Write::new(tenant);
        write.put(self, Table::Identity, item)?;
        write.commit(self).await?;
        self.forget_rules(tenant);
        Ok(())
    }

    /// Removes a custom field's declaration; values that records hold stay until the record is next changed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove_field(&self, tenant: TenantId, noun: &str, key: &str) -> Result<(), StoreError> {
        self.delete_item(
            Table::Identity,
            &Key::new(tenant, PARTITION, format!("field#{noun}#{key}")),
        )
        .await?;
        self.forget_rules(tenant);
        Ok(())
    }
}

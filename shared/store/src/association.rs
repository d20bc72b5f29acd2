//! How baskets and the rules mined from them are stored.
//!
//! | partition | sort key | what |
//! |---|---|---|
//! | Insights `run#<job>` | `baskets#<n>` | a page of baskets, for a day |
//! | Insights `rules#<job>` | chunk | rules as JSON, at most 300 KB a chunk |
//! | Insights `rules` | `live` | which job's rules are answered, and what they rest on |

use jiff::{SignedDuration, Timestamp};
use rapport_domain::{RecordId, TenantId};

use crate::page::Query;
use crate::{Key, Store, StoreError, Table, Write, number, text, text_of};

/// How long a page of baskets is kept.
const PAGE_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long rules are kept that no later night replaces.
const RULES_KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Chunks of rules of one job at most.
const MOST_CHUNKS: usize = 100;

/// A page of baskets as stored: JSON, and the last order looked at where there are more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBaskets {
    /// The page as JSON.
    pub doc: String,
    /// The last order looked at; absent on the last page.
    pub last: Option<String>,
}

fn page_key(tenant: TenantId, job: RecordId, n: u32) -> Key {
    Key::new(tenant, &format!("run#{job}"), format!("baskets#{n:06}"))
}

fn rules_partition(job: RecordId) -> String {
    format!("rules#{job}")
}

fn head_key(tenant: TenantId) -> Key {
    Key::new(tenant, "rules", "live")
}

impl Store {
    /// Keeps a page of baskets, unless it was kept before; whether it was not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_baskets(
        &self,
        tenant: TenantId,
        job: RecordId,
        n: u32,
        page: &StoredBaskets,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut item = page_key(tenant, job, n).attributes();
        item.insert("baskets".to_owned(), text(&page.doc));
        if let Some(last) = &page.last {
            item.insert("last".to_owned(), text(last));
        }
        item.insert("expires".to_owned(), number((now + PAGE_KEPT).as_second()));
        let mut write = Write::new(tenant);
        write.put_new(self, Table::Insights, item, "the page was kept before")?;
        match write.commit(self).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A page of baskets. 1 read unit per 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn baskets(&self, tenant: TenantId, job: RecordId, n: u32) -> Result<Option<StoredBaskets>, StoreError> {
        let item = self.get_item(Table::Insights, &page_key(tenant, job, n)).await?;
        Ok(item.map(|item| StoredBaskets {
            doc: text_of(&item, "baskets").unwrap_or_default().to_owned(),
            last: text_of(&item, "last").map(str::to_owned),
        }))
    }

    /// Keeps the rules of a job in chunks, and then answers by them.
    ///
    /// # Errors
    /// When the store does not answer; the rules before are answered then.
    pub async fn put_rules(
        &self,
        tenant: TenantId,
        job: RecordId,
        chunks: Vec<String>,
        head: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires = number((now + RULES_KEPT).as_second());
        for (n, chunk) in chunks.into_iter().take(MOST_CHUNKS).enumerate() {
            let mut item = Key::new(tenant, &rules_partition(job), format!("{n:03}")).attributes();
            item.insert("rules".to_owned(), text(chunk));
            item.insert("expires".to_owned(), expires.clone());
            self.put_items(Table::Insights, vec![item]).await?;
        }
        let mut item = head_key(tenant).attributes();
        item.insert("head".to_owned(), text(head));
        item.insert("expires".to_owned(), expires);
        self.put_items(Table::Insights, vec![item]).await
    }

    /// What the rules that are answered rest on, as JSON. 1 read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rules_head(&self, tenant: TenantId) -> Result<Option<String>, StoreError> {
        let item = self.get_item(Table::Insights, &head_key(tenant)).await?;
        Ok(item.as_ref().and_then(|item| text_of(item, "head")).map(str::to_owned))
    }

    /// The rules of a job, chunk by chunk, as JSON. Half a read unit per 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rules_of(&self, tenant: TenantId, job: RecordId) -> Result<Vec<String>, StoreError> {
        let query = Query {
            partition: rules_partition(job),
            ..Query::default()
        };
        let items = self.query_all(tenant, Table::Insights, &query, MOST_CHUNKS).await?;
        Ok(items
            .iter()
            .filter_map(|item| text_of(item, "rules"))
            .map(str::to_owned)
            .collect())
    }
}

//! The answers to requests that carried an idempotency key: kept for a day, in the same transaction as what they answer.

use jiff::Timestamp;
use rapport_domain::TenantId;
use serde::{Deserialize, Serialize};

use crate::{Item, Key, Store, StoreError, Table, number, text, text_of};

/// How long an answer is kept.
pub const KEPT_SECONDS: i64 = 24 * 3_600;

/// A request's idempotency key and a digest of the request, so that the same key with another request is noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key, with the caller's own identity before it.
    pub key: String,
    /// A digest of method, path and body.
    pub fingerprint: String,
    /// The table that holds the answer: that of what is written.
    pub table: Table,
}

/// An answer kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Location`, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// `ETag`, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The body.
    pub body: String,
}

impl Idempotency {
    /// The item that keeps an answer.
    pub(crate) fn item(&self, tenant: TenantId, answer: &Answer, now: Timestamp) -> Item {
        let mut item = Key::idempotency(tenant, &self.key).attributes();
        item.insert("fingerprint".to_owned(), text(&self.fingerprint));
        item.insert(
            "answer".to_owned(),
            text(serde_json::to_string(answer).unwrap_or_default()),
        );
        item.insert("expires".to_owned(), number(now.as_second() + KEPT_SECONDS));
        item
    }

    /// What an item found under the key means for this request.
    pub(crate) fn verdict(&self, item: &Item) -> StoreError {
        let answer = text_of(item, "answer").and_then(|json| serde_json::from_str(json).ok());
        match answer {
            _ if text_of(item, "fingerprint") != Some(&self.fingerprint) => StoreError::KeyReused,
            Some(answer) => StoreError::Answered(Box::new(answer)),
            None => StoreError::Internal("a kept answer is unreadable".to_owned()),
        }
    }
}

impl Store {
    /// Says whether a request was answered before: `Err(Answered)` or `Err(KeyReused)` when so. 1 read unit.
    ///
    /// # Errors
    /// As said, or when the store does not answer.
    pub async fn check_idempotency(
        &self,
        tenant: TenantId,
        idempotency: &Idempotency,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let found = self
            .get_item(idempotency.table, &Key::idempotency(tenant, &idempotency.key))
            .await?;
        match found {
            // Expired items may linger for days before they are swept.
            Some(item) if crate::number_of::<i64>(&item, "expires").is_some_and(|at| at > now.as_second()) => {
                Err(idempotency.verdict(&item))
            }
            _ => Ok(()),
        }
    }

    /// Does what an idempotency key stands for, unless it was done before. Where it fails because the same request, sent
    /// twice at once, did it a moment earlier (the record looks like that one's, or has changed), that one's answer is it.
    /// The work is boxed by who gives it: it is large, and would be part of every caller's future.
    ///
    /// # Errors
    /// [`StoreError::Answered`], [`StoreError::KeyReused`], or what the work itself says.
    pub async fn once<T>(
        &self,
        tenant: TenantId,
        idempotency: Option<&Idempotency>,
        now: Timestamp,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Some(idempotency) = idempotency else {
            return work.await;
        };
        self.check_idempotency(tenant, idempotency, now).await?;
        let outcome = work.await;
        if let Err(error) = &outcome
            && !matches!(
                error,
                StoreError::Unavailable(_) | StoreError::Internal(_) | StoreError::Answered(_) | StoreError::KeyReused
            )
        {
            self.check_idempotency(tenant, idempotency, now).await?;
        }
        outcome
    }
}

//! API keys: a name, scopes and the hash of a secret that was shown once.

use jiff::Timestamp;
use rapport_domain::permission::Scopes;
use rapport_domain::settings::millis;
use rapport_domain::{Prefix, RecordId, TenantId};

use super::secret::{self, LENGTH, Secret};
use crate::page::{Position, Query};
use crate::{Item, Key, Store, StoreError, Table, Write, text, text_of};

/// The partition of a tenant's API keys.
const PARTITION: &str = "api_key";
/// What an API key's text begins with.
const PREFIX: &str = "rk_live_";

/// An API key as kept: everything but its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// `key_…`.
    pub id: RecordId,
    /// What people call it.
    pub name: String,
    /// What it permits.
    pub scopes: Scopes,
    /// The SHA-256 of its secret, in hexadecimal.
    pub hash: String,
    /// The last four characters of its text, by which people tell keys apart.
    pub last_four: String,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether a secret is this key's and the key is neither revoked nor past its end.
    #[must_use]
    pub fn accepts(&self, secret: &[u8; LENGTH], now: Timestamp) -> bool {
        Secret::from_bytes(*secret).matches(&self.hash)
            && self.revoked_at.is_none()
            && self.expires_at.is_none_or(|end| now < end)
    }

    fn item(&self, tenant: TenantId) -> Item {
        let mut item = Key::new(tenant, PARTITION, self.id.to_string()).attributes();
        let mut set = |name: &str, value: String| item.insert(name.to_owned(), text(value));
        set("name", self.name.clone());
        set("scopes", self.scopes.to_string());
        set("hash", self.hash.clone());
        set("last_four", self.last_four.clone());
        set("created_by", self.created_by.clone());
        set("created_at", millis::text(self.created_at));
        for (name, at) in [("expires_at", self.expires_at), ("revoked_at", self.revoked_at)] {
            if let Some(at) = at {
                set(name, millis::text(at));
            }
        }
        item
    }

    fn read(item: &Item) -> Result<Self, StoreError> {
        let field = |name: &str| {
            text_of(item, name).ok_or_else(|| StoreError::Internal(format!("a stored API key lacks {name}")))
        };
        let broken = || StoreError::Internal("a stored API key is unreadable".to_owned());
        let at = |name: &str| {
            text_of(item, name)
                .map(str::parse::<Timestamp>)
                .transpose()
                .map_err(|_| broken())
        };
        Ok(Self {
            id: RecordId::parse(Prefix::Key, field("sk")?).map_err(|_| broken())?,
            name: field("name")?.to_owned(),
            scopes: Scopes::parse(field("scopes")?).ok_or_else(broken)?,
            hash: field("hash")?.to_owned(),
            last_four: field("last_four")?.to_owned(),
            created_by: field("created_by")?.to_owned(),
            created_at: at("created_at")?.ok_or_else(broken)?,
            expires_at: at("expires_at")?,
            revoked_at: at("revoked_at")?,
        })
    }
}

/// The text of an API key, as it is shown once: `rk_live_` and base64url of the tenant, the key and the secret.
#[must_use]
pub fn api_key_text(tenant: TenantId, id: RecordId, secret: &Secret) -> String {
    let parts = [
        &secret::bytes_of(tenant.record())[..],
        &secret::bytes_of(id),
        secret.as_bytes(),
    ];
    secret::token(PREFIX, &parts)
}

/// Takes the text of an API key apart: the tenant, the key, the secret. `None` when it is none.
#[must_use]
pub fn parse_api_key(text: &str) -> Option<(TenantId, RecordId, [u8; LENGTH])> {
    let bytes = secret::parse::<{ 32 + LENGTH }>(PREFIX, text)?;
    Some((
        secret::tenant_at(&bytes, 0)?,
        secret::id_at(&bytes, 16, Prefix::Key)?,
        *secret::secret_at(&bytes, 32)?.as_bytes(),
    ))
}

impl Store {
    /// An API key, revoked or not. 1 read unit, consistent: a revoked key is seen to be so at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn api_key(&self, tenant: TenantId, id: RecordId) -> Result<Option<ApiKey>, StoreError> {
        let key = Key::new(tenant, PARTITION, id.to_string());
        let item = self.get_item(Table::Identity, &key).await?;
        item.as_ref().map(ApiKey::read).transpose()
    }

    /// A page of a tenant's API keys, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn api_keys(
        &self,
        tenant: TenantId,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<(Vec<ApiKey>, Option<Position>), StoreError> {
        let page = self
            .query(tenant, Table::Identity, &Query::newest(PARTITION), limit, after)
            .await?;
        let keys = page.items.iter().map(ApiKey::read).collect::<Result<_, _>>()?;
        Ok((keys, page.next))
    }

    /// Keeps a new API key, or a key's new state.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_api_key(&self, tenant: TenantId, key: &ApiKey) -> Result<(), StoreError> {
        let mut write = Write::new(tenant);
        write.put(self, Table::Identity, key.item(tenant))?;
        write.commit(self).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_and_its_item() {
        let (tenant, id, secret) = (TenantId::new(), RecordId::new(Prefix::Key), Secret::random());
        let shown = api_key_text(tenant, id, &secret);
        assert_eq!(parse_api_key(&shown), Some((tenant, id, *secret.as_bytes())));
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let key = ApiKey {
            id,
            name: "Shop".into(),
            scopes: Scopes::parse("orders:write").unwrap(),
            hash: secret.hash(),
            last_four: shown[shown.len() - 4..].into(),
            created_by: "usr_1".into(),
            created_at: now,
            expires_at: Some("2026-11-23T00:00:00Z".parse().unwrap()),
            revoked_at: None,
        };
        assert_eq!(ApiKey::read(&key.item(tenant)).unwrap(), key);
        assert!(
            !key.item(tenant)
                .values()
                .any(|value| value.as_s().is_ok_and(|text| text.contains(&shown)))
        );
        assert!(key.accepts(secret.as_bytes(), now));
        assert!(!key.accepts(&[0; LENGTH], now));
        assert!(!key.accepts(secret.as_bytes(), key.expires_at.unwrap()));
        let revoked = ApiKey {
            revoked_at: Some(now),
            ..key
        };
        assert!(!revoked.accepts(secret.as_bytes(), now));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = api_key_text(TenantId::new(), RecordId::new(Prefix::Key), &Secret::random());
        for bad in [
            "",
            "rk_live_",
            "rk_live_AAAA",
            "rk_test_AAAA",
            &good[..good.len() - 1],
            &format!("{good}A"),
            &good.to_uppercase(),
            &good.replace("rk_live_", ""),
        ] {
            assert_eq!(parse_api_key(bad), None, "{bad}");
        }
    }
}

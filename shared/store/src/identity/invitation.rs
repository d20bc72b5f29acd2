//! Invitations: somebody may become a user by a link in a mail.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::Timestamp;
use rapport_domain::email::Email;
use rapport_domain::permission::Role;
use rapport_domain::{Prefix, RecordId, TenantId};
use serde::{Deserialize, Serialize};

use super::secret::{self, LENGTH, Secret};
use crate::page::{Position, Query};
use crate::{Item, Key, Store, StoreError, Table, Write, number, text, text_of};

/// The partition of a tenant's invitations.
const PARTITION: &str = "invitation";
/// What an invitation's token begins with.
const PREFIX: &str = "it_";
/// How long an invitation is kept after its end, so that people see what became of it, in seconds.
const KEPT_SECONDS: i64 = 30 * 24 * 3_600;

/// What became of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationStatus {
    /// Nothing yet.
    Pending,
    /// The person is a user.
    Accepted,
    /// It was taken back.
    Revoked,
    /// Its time ran out.
    Expired,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Invitation {
    /// `ivt_…`.
    pub id: RecordId,
    /// Who is invited.
    pub email: Email,
    /// As what.
    pub role: Role,
    /// The name, where the one who invites gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What became of it.
    pub status: InvitationStatus,
    /// Who invited.
    pub created_by: String,
    /// When.
    #[serde(with = "rapport_domain::settings::millis")]
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// Until when the link is good.
    #[serde(with = "rapport_domain::settings::millis")]
    #[schema(value_type = String)]
    pub expires_at: Timestamp,
    /// The user it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<RecordId>,
}

/// The token of an invitation's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitationToken {
    /// The tenant.
    pub tenant: TenantId,
    /// The invitation.
    pub id: RecordId,
    /// The secret.
    pub secret: Secret,
}

impl InvitationToken {
    /// The text: `it_` and base64url of all parts.
    #[must_use]
    pub fn text(&self) -> String {
        let (tenant, id) = (secret::bytes_of(self.tenant.record()), secret::bytes_of(self.id));
        secret::token(PREFIX, &[&tenant, &id, self.secret.as_bytes()])
    }

    /// Takes a text apart.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = secret::parse::<{ 32 + LENGTH }>(PREFIX, text)?;
        Some(Self {
            tenant: secret::tenant_at(&bytes, 0)?,
            id: secret::id_at(&bytes, 16, Prefix::Invitation)?,
            secret: secret::secret_at(&bytes, 32)?,
        })
    }
}

fn key(tenant: TenantId, id: RecordId) -> Key {
    Key::new(tenant, PARTITION, id.to_string())
}

fn broken(error: impl std::fmt::Display) -> StoreError {
    StoreError::Internal(format!("a stored invitation is unreadable: {error}"))
}

fn read(item: &Item, now: Timestamp) -> Result<Invitation, StoreError> {
    let json = text_of(item, "invitation").ok_or_else(|| broken("nothing there"))?;
    let mut invitation: Invitation = serde_json::from_str(json).map_err(broken)?;
    if invitation.status == InvitationStatus::Pending && now >= invitation.expires_at {
        invitation.status = InvitationStatus::Expired;
    }
    Ok(invitation)
}

impl Write {
    /// Puts an invitation's outcome in its place, provided that it is still pending.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn settle_invitation(&mut self, store: &Store, invitation: &Invitation) -> Result<(), StoreError> {
        let json = serde_json::to_string(invitation).map_err(broken)?;
        let update = Update::builder()
            .table_name(store.table(Table::Identity)?)
            .set_key(Some(key(self.tenant(), invitation.id).attributes()))
            .update_expression("SET invitation = :invitation, pending = :no")
            .condition_expression("pending = :yes")
            .expression_attribute_values(":invitation", text(json))
            .expression_attribute_values(":no", number(0))
            .expression_attribute_values(":yes", number(1))
            .build()
            .map_err(broken)?;
        let item = TransactWriteItem::builder().update(update).build();
        self.other(item, "the invitation was used or taken back");
        Ok(())
    }
}

impl Store {
    /// Keeps a new invitation and the hash of its token's secret.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_invitation(&self, token: &InvitationToken, invitation: &Invitation) -> Result<(), StoreError> {
        let mut item = key(token.tenant, token.id).attributes();
        let json = serde_json::to_string(invitation).map_err(broken)?;
        item.insert("invitation".to_owned(), text(json));
        item.insert("hash".to_owned(), text(token.secret.hash()));
        item.insert("pending".to_owned(), number(1));
        item.insert(
            "expires".to_owned(),
            number(invitation.expires_at.as_second() + KEPT_SECONDS),
        );
        let mut write = Write::new(token.tenant);
        write.put_new(self, Table::Identity, item, "there is such an invitation")?;
        write.commit(self).await
    }

    /// An invitation.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn invitation(&self, tenant: TenantId, id: RecordId, now: Timestamp) -> Result<Invitation, StoreError> {
        let item = self.get_item(Table::Identity, &key(tenant, id)).await?;
        read(&item.ok_or(StoreError::Missing)?, now)
    }

    /// The invitation of a link's token, whatever became of it. `None` when the token is not its own.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn invited(&self, token: &InvitationToken, now: Timestamp) -> Result<Option<Invitation>, StoreError> {
        let Some(item) = self.get_item(Table::Identity, &key(token.tenant, token.id)).await? else {
            return Ok(None);
        };
        if !token.secret.matches(text_of(&item, "hash").unwrap_or_default()) {
            return Ok(None);
        }
        read(&item, now).map(Some)
    }

    /// A page of a tenant's invitations, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn invitations(
        &self,
        tenant: TenantId,
        limit: usize,
        after: Option<&Position>,
        now: Timestamp,
    ) -> Result<(Vec<Invitation>, Option<Position>), StoreError> {
        let page = self
            .query(tenant, Table::Identity, &Query::newest(PARTITION), limit, after)
            .await?;
        let invitations = page
            .items
            .iter()
            .map(|item| read(item, now))
            .collect::<Result<_, _>>()?;
        Ok((invitations, page.next))
    }
}

//! Logins: an e-mail address, a password, and the tenants it leads to. Found before any tenant is known, so the one kind
//! of item outside tenants' partitions; the address itself is not in it, only its digest.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem, Update};
use jiff::Timestamp;
use rapport_domain::email::Email;
use rapport_domain::{Prefix, RecordId, TenantId};
use sha2::{Digest as _, Sha256};

use super::secret::{self, LENGTH, Secret};
use crate::{Item, Key, Store, StoreError, Table, Write, cost, number, number_of, text, text_of};

/// The place of a login in its partition.
const SELF: &str = "-";
/// The place of what resets its password.
const RESET: &str = "reset";
/// What a reset token begins with.
const PREFIX: &str = "pr_";

/// A login's name: the SHA-256 of the address for comparing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LoginId([u8; 32]);

impl LoginId {
    /// Of an address.
    #[must_use]
    pub fn of(email: &Email) -> Self {
        Self(Sha256::digest(email.key().as_bytes()).into())
    }

    /// In hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        secret::hex(&self.0)
    }

    fn read(text: &str) -> Option<Self> {
        let mut bytes = [0u8; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (n, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * n..2 * n + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// From its hexadecimal form, as sessions keep it.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when it is none.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        Self::read(text).ok_or_else(|| StoreError::Internal("a stored login's name is unreadable".to_owned()))
    }

    pub(crate) fn key(&self, sk: &str) -> Key {
        Key::login(&self.hex(), sk)
    }
}

impl std::fmt::Debug for LoginId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginId(…)")
    }
}

/// A login.
#[derive(Clone, Debug)]
pub struct Login {
    /// Its name.
    pub id: LoginId,
    /// The password's Argon2id hash in PHC form.
    pub hash: String,
    /// Counts changes of the password. A session begun under another count is over.
    pub epoch: u64,
    /// The user it is in each tenant.
    pub members: BTreeMap<TenantId, RecordId>,
    /// The tenant last signed in to.
    pub last: Option<TenantId>,
}

impl Login {
    fn read(id: LoginId, item: &Item) -> Result<Self, StoreError> {
        let broken = || StoreError::Internal("a stored login is unreadable".to_owned());
        let members = item
            .get("members")
            .and_then(|value| value.as_m().ok())
            .ok_or_else(broken)?;
        let members = members
            .iter()
            .map(|(tenant, user)| {
                let user = user.as_s().ok()?;
                Some((TenantId::parse(tenant).ok()?, RecordId::parse(Prefix::User, user).ok()?))
            })
            .collect::<Option<_>>()
            .ok_or_else(broken)?;
        Ok(Self {
            id,
            hash: text_of(item, "hash").ok_or_else(broken)?.to_owned(),
            epoch: number_of(item, "epoch").ok_or_else(broken)?,
            members,
            last: text_of(item, "last").and_then(|tenant| TenantId::parse(tenant).ok()),
        })
    }
}

/// What resets a password: shown once, good for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetToken {
    /// Whose.
    pub login: LoginId,
    /// The secret.
    pub secret: Secret,
}

impl ResetToken {
    /// The text: `pr_` and base64url of the login's digest and the secret. A login belongs to no tenant, so neither does this.
    #[must_use]
    pub fn text(&self) -> String {
        secret::token(PREFIX, &[&self.login.0[..], self.secret.as_bytes()])
    }

    /// Takes a text apart.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = secret::parse::<{ 32 + LENGTH }>(PREFIX, text)?;
        Some(Self {
            login: LoginId(bytes[..32].try_into().ok()?),
            secret: secret::secret_at(&bytes, 32)?,
        })
    }
}

fn built<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, StoreError> {
    result.map_err(|error| StoreError::Internal(error.to_string()))
}

impl Write {
    /// Makes a login with its first member.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn new_login(&mut self, store: &Store, id: LoginId, hash: &str, user: RecordId) -> Result<(), StoreError> {
        let mut item = id.key(SELF).attributes();
        let members = [(self.tenant().to_string(), text(user.to_string()))].into();
        item.insert("hash".to_owned(), text(hash));
        item.insert("epoch".to_owned(), number(1));
        item.insert("members".to_owned(), AttributeValue::M(members));
        item.insert("last".to_owned(), text(self.tenant().to_string()));
        self.put_new(
            store,
            Table::Identity,
            item,
            "this address has a sign-in by now: try again",
        )
    }

    /// Makes a login lead to one more tenant, provided that its password is still the one that was verified.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn join_login(&mut self, store: &Store, login: &Login, user: RecordId) -> Result<(), StoreError> {
        let update = Update::builder()
            .table_name(store.table(Table::Identity)?)
            .set_key(Some(login.id.key(SELF).attributes()))
            .update_expression("SET members.#tenant = :user, #last = :tenant")
            .condition_expression("epoch = :epoch")
            .expression_attribute_names("#tenant", self.tenant().to_string())
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":user", text(user.to_string()))
            .expression_attribute_values(":tenant", text(self.tenant().to_string()))
            .expression_attribute_values(":epoch", number(login.epoch));
        let item = TransactWriteItem::builder().update(built(update.build())?).build();
        self.other(item, "the password changed meanwhile: try again");
        Ok(())
    }
}

impl Store {
    /// A login. 1 read unit, consistent.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn login(&self, id: LoginId) -> Result<Option<Login>, StoreError> {
        let item = self.get_item(Table::Identity, &id.key(SELF)).await?;
        item.as_ref().map(|item| Login::read(id, item)).transpose()
    }

    /// Notes the tenant last signed in to. 1 write unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_last_tenant(&self, login: &Login, tenant: TenantId) -> Result<(), StoreError> {
        use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
        let request = self
            .client_for_no_tenant()
            .update_item()
            .table_name(self.table(Table::Identity)?)
            .set_key(Some(login.id.key(SELF).attributes()))
            .update_expression("SET #last = :tenant")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":tenant", text(tenant.to_string()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = cost::waiting(request.send()).await?;
        cost::write(answer.consumed_capacity());
        Ok(())
    }

    /// Gives a login another password, which ends all its sessions in all tenants. With `reset` the token's hash, which is
    /// used up by this.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the password changed meanwhile or the token was used.
    pub async fn change_password(&self, login: &Login, hash: &str, reset: Option<&str>) -> Result<(), StoreError> {
        let table = self.table(Table::Identity)?;
        // A write belongs to a tenant; a login belongs to several, and none of its items is theirs.
        let Some(tenant) = login.members.keys().next() else {
            return Err(StoreError::Internal("a login without a tenant".to_owned()));
        };
        let mut write = Write::new(*tenant);
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(login.id.key(SELF).attributes()))
            .update_expression("SET #hash = :hash, epoch = :next")
            .condition_expression("epoch = :epoch")
            .expression_attribute_names("#hash", "hash")
            .expression_attribute_values(":hash", text(hash))
            .expression_attribute_values(":next", number(login.epoch + 1))
            .expression_attribute_values(":epoch", number(login.epoch));
        let item = TransactWriteItem::builder().update(built(update.build())?).build();
        write.other(item, "the password changed meanwhile");
        if let Some(reset) = reset {
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(login.id.key(RESET).attributes()))
                .condition_expression("#hash = :hash")
                .expression_attribute_names("#hash", "hash")
                .expression_attribute_values(":hash", text(reset));
            let item = TransactWriteItem::builder().delete(built(delete.build())?).build();
            write.other(item, "the link was used before");
        }
        write.commit(self).await
    }

    /// Keeps the hash of a reset token until its end, in place of any before.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_reset(&self, token: &ResetToken, end: Timestamp) -> Result<(), StoreError> {
        let mut item = token.login.key(RESET).attributes();
        item.insert("hash".to_owned(), text(token.secret.hash()));
        item.insert("expires".to_owned(), number(end.as_second()));
        self.put_items(Table::Identity, vec![item]).await
    }

    /// The hash of a login's reset token, when there is one whose time is not over.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reset(&self, login: LoginId, now: Timestamp) -> Result<Option<String>, StoreError> {
        let item = self.get_item(Table::Identity, &login.key(RESET)).await?;
        Ok(item
            .filter(|item| number_of::<i64>(item, "expires").is_some_and(|end| now.as_second() < end))
            .and_then(|item| text_of(&item, "hash").map(str::to_owned)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_login_however_it_is_written() {
        let id = |text: &str| LoginId::of(&Email::parse("email", text).unwrap());
        assert_eq!(id("Ann@Example.com"), id(" ann@example.COM"));
        assert_ne!(id("ann@example.com"), id("ann@example.org"));
        assert_eq!(LoginId::parse(&id("a@b.co").hex()).unwrap(), id("a@b.co"));
        assert!(LoginId::parse("x").is_err() && LoginId::parse(&"é".repeat(32)).is_err());
    }

    #[test]
    fn a_reset_token_survives_its_text() {
        let token = ResetToken {
            login: LoginId([7; 32]),
            secret: Secret::random(),
        };
        assert_eq!(ResetToken::parse(&token.text()), Some(token));
        assert_eq!(ResetToken::parse(&token.text()[1..]), None);
    }
}

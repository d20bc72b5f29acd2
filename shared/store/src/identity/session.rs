//! Sessions: one chain of refresh tokens, each good once.
//!
//! A refresh token carries two secrets: the family's, the same along the chain, and its own. The right family with a
//! secret that is not the latest is a token used a second time, by its owner or by a thief: nobody can tell which, so
//! the session ends. A wrong family is noise and ends nothing.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use jiff::{SignedDuration, Timestamp};
use rapport_domain::{Prefix, RecordId, TenantId};

use super::login::LoginId;
use super::secret::{self, LENGTH, Secret};
use crate::page::Query;
use crate::{Item, Key, Store, StoreError, Table, Write, cost, number, number_of, text, text_of};

/// A session that is not refreshed ends after this long.
pub const IDLE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A session ends after this long, refreshed or not.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);
/// What a refresh token begins with.
const PREFIX: &str = "rt_";

/// A refresh token in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: RecordId,
    /// The session.
    pub session: RecordId,
    /// The secret of the chain.
    pub family: Secret,
    /// The secret of this one token.
    pub secret: Secret,
}

impl RefreshToken {
    /// The text: `rt_` and base64url of all parts.
    #[must_use]
    pub fn text(&self) -> String {
        let ids = [self.tenant.record(), self.user, self.session].map(secret::bytes_of);
        let [tenant, user, session] = &ids;
        secret::token(
            PREFIX,
            &[tenant, user, session, self.family.as_bytes(), self.secret.as_bytes()],
        )
    }

    /// Takes a text apart.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = secret::parse::<{ 48 + 2 * LENGTH }>(PREFIX, text)?;
        Some(Self {
            tenant: secret::tenant_at(&bytes, 0)?,
            user: secret::id_at(&bytes, 16, Prefix::User)?,
            session: secret::id_at(&bytes, 32, Prefix::Session)?,
            family: secret::secret_at(&bytes, 48)?,
            secret: secret::secret_at(&bytes, 48 + LENGTH)?,
        })
    }

    /// The next of the chain.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            secret: Secret::random(),
            ..*self
        }
    }
}

/// A session as kept.
#[derive(Clone, Debug)]
pub struct Session {
    /// Hash of the chain's secret.
    pub family: String,
    /// Hash of the latest token's secret.
    pub latest: String,
    /// The login it was begun with.
    pub login: LoginId,
    /// The login's epoch then.
    pub epoch: u64,
    /// When it was begun.
    pub began: Timestamp,
    /// When it ends unless refreshed before, seconds since 1970.
    pub ends: i64,
}

/// What a presented token means for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The latest token of a living session.
    Good,
    /// Another token of the chain: used before.
    Reused,
    /// None of this session, or the session is over.
    Unknown,
}

impl Session {
    /// Judges a token.
    #[must_use]
    pub fn judge(&self, token: &RefreshToken, now: Timestamp) -> Verdict {
        if !token.family.matches(&self.family) || now.as_second() >= self.ends {
            Verdict::Unknown
        } else if token.secret.matches(&self.latest) {
            Verdict::Good
        } else {
            Verdict::Reused
        }
    }

    fn read(item: &Item) -> Result<Self, StoreError> {
        let broken = || StoreError::Internal("a stored session is unreadable".to_owned());
        let field = |name: &str| text_of(item, name).map(str::to_owned).ok_or_else(broken);
        let began = number_of::<i64>(item, "began").ok_or_else(broken)?;
        Ok(Self {
            family: field("family")?,
            latest: field("latest")?,
            login: LoginId::parse(&field("login")?)?,
            epoch: number_of(item, "epoch").ok_or_else(broken)?,
            began: Timestamp::from_second(began).map_err(|_| broken())?,
            ends: number_of(item, "expires").ok_or_else(broken)?,
        })
    }
}

fn partition(user: RecordId) -> String {
    format!("session#{user}")
}

fn key(tenant: TenantId, user: RecordId, session: RecordId) -> Key {
    Key::new(tenant, &partition(user), session.to_string())
}

/// When a session begun and refreshed at these moments ends, seconds since 1970.
fn end(began: Timestamp, refreshed: Timestamp) -> i64 {
    (began + LONGEST).min(refreshed + IDLE).as_second()
}

impl Write {
    /// Begins a session.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn begin_session(
        &mut self,
        store: &Store,
        token: &RefreshToken,
        login: LoginId,
        epoch: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = key(self.tenant(), token.user, token.session).attributes();
        item.insert("family".to_owned(), text(token.family.hash()));
        item.insert("latest".to_owned(), text(token.secret.hash()));
        item.insert("login".to_owned(), text(login.hex()));
        item.insert("epoch".to_owned(), number(epoch));
        item.insert("began".to_owned(), number(now.as_second()));
        item.insert("expires".to_owned(), number(end(now, now)));
        self.put(store, Table::Identity, item)
    }
}

impl Store {
    /// The session of a token. 1 read unit, consistent.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn session(&self, token: &RefreshToken) -> Result<Option<Session>, StoreError> {
        let key = key(token.tenant, token.user, token.session);
        let item = self.get_item(Table::Identity, &key).await?;
        item.as_ref().map(Session::read).transpose()
    }

    /// Puts the next token in the place of the latest. `false` when another request did so at the same moment: of two
    /// uses of one token one succeeds. A call whose answer was lost is made again by the SDK and finds its own work: no
    /// other request can know `next`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rotate_session(
        &self,
        token: &RefreshToken,
        session: &Session,
        next: &RefreshToken,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let request = self
            .client_for(token.tenant)
            .update_item()
            .table_name(self.table(Table::Identity)?)
            .set_key(Some(key(token.tenant, token.user, token.session).attributes()))
            .update_expression("SET latest = :next, expires = :ends")
            .condition_expression("latest = :latest OR latest = :next")
            .expression_attribute_values(":next", text(next.secret.hash()))
            .expression_attribute_values(":latest", text(&session.latest))
            .expression_attribute_values(":ends", number(end(session.began, now)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match cost::waiting(request.send()).await {
            Ok(answer) => {
                cost::write(answer.consumed_capacity());
                Ok(true)
            }
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_dynamodb::operation::update_item::UpdateItemError::is_conditional_check_failed_exception,
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn end_session(&self, tenant: TenantId, user: RecordId, session: RecordId) -> Result<(), StoreError> {
        self.delete_item(Table::Identity, &key(tenant, user, session)).await
    }

    /// Ends all sessions of a user in a tenant.
    ///
    /// # Errors
    /// When the store does not answer; some may have ended then.
    pub async fn end_sessions(&self, tenant: TenantId, user: RecordId) -> Result<(), StoreError> {
        let query = Query {
            consistent: true,
            ..Query::newest(partition(user))
        };
        loop {
            let page = self.query(tenant, Table::Identity, &query, 100, None).await?;
            let keys: Vec<Key> = page
                .items
                .iter()
                .filter_map(|item| Some(Key::new(tenant, &partition(user), text_of(item, "sk")?)))
                .collect();
            self.delete_items(Table::Identity, &keys).await?;
            if page.next.is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_once_and_its_reuse_is_told_from_noise() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let first = RefreshToken {
            tenant: TenantId::new(),
            user: RecordId::new(Prefix::User),
            session: RecordId::new(Prefix::Session),
            family: Secret::random(),
            secret: Secret::random(),
        };
        assert_eq!(RefreshToken::parse(&first.text()), Some(first));
        let second = first.next();
        let session = Session {
            family: first.family.hash(),
            latest: second.secret.hash(),
            login: LoginId::parse(&"0".repeat(64)).unwrap(),
            epoch: 1,
            began: now,
            ends: end(now, now),
        };
        let stranger = RefreshToken {
            family: Secret::random(),
            ..second
        };
        for (token, at, verdict) in [
            (second, now, Verdict::Good),
            (first, now, Verdict::Reused),
            (first.next(), now, Verdict::Reused),
            (stranger, now, Verdict::Unknown),
            (second, now + IDLE, Verdict::Unknown),
        ] {
            assert_eq!(session.judge(&token, at), verdict);
        }
        assert_eq!(end(now, now + LONGEST), (now + LONGEST).as_second());
    }
}

//! The brakes on guessing: failures counted by account, by address and by both together, and locks that grow and end.
//!
//! An attempt from one address at one account is charged before the password is looked at, by a conditional write, so
//! that a hundred at once count as a hundred. Unknown accounts are counted like known ones.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use jiff::Timestamp;
use rapport_domain::login::{Brake, Quota};
use sha2::{Digest as _, Sha256};

use super::login::LoginId;
use super::secret::hex;
use crate::{Item, Key, Store, StoreError, Table, cost, number, number_of, text_of};

/// An address from which an account was signed in to is trusted for so many seconds.
const TRUSTED_SECONDS: i64 = 30 * 24 * 3_600;
/// How often a charge that met another is tried again.
const ATTEMPTS: u32 = 8;

/// What an attempt is counted under.
#[derive(Clone, Debug)]
pub struct Attempt {
    pair: Key,
    account: Key,
    address: Option<Key>,
    account_failures: u32,
    address_failures: u32,
}

/// Whether an attempt may be made.
#[derive(Clone, Debug)]
pub enum Gate {
    /// Yes: say afterwards how it went.
    Open(Attempt),
    /// Not before so many seconds.
    Locked(u32),
}

#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    /// As stored, for the condition.
    stored: Option<u32>,
    failures: u32,
    locked_until: i64,
    trusted: bool,
}

impl Counter {
    fn read(item: Option<&Item>, now: i64) -> Self {
        let Some(item) = item else { return Self::default() };
        let stored = number_of(item, "failures");
        // Expired items linger until they are swept.
        if number_of::<i64>(item, "expires").is_none_or(|end| end <= now) {
            return Self {
                stored,
                ..Self::default()
            };
        }
        Self {
            stored,
            failures: stored.unwrap_or(0),
            locked_until: number_of(item, "locked_until").unwrap_or(0),
            trusted: item.contains_key("trusted"),
        }
    }

    fn wait(self, now: i64) -> u32 {
        u32::try_from(self.locked_until - now).unwrap_or(0)
    }
}

fn name(parts: &[&str]) -> Key {
    // Addresses are personal data: only digests of them are kept.
    let digest = hex(&Sha256::digest(parts.join("\n").as_bytes())[..20]);
    Key::login(&format!("brake#{digest}"), "-")
}

/// Where what is taken of a quota is counted at a moment, and when that begins anew.
fn window(what: &str, whose: &str, quota: Quota, now: Timestamp) -> (Key, i64) {
    let span = i64::from(quota.seconds);
    let window = now.as_second().div_euclid(span);
    let key = name(&["quota", what, whose, &window.to_string()]);
    (key, (window + 1) * span)
}

fn until(end: i64, now: Timestamp) -> u32 {
    u32::try_from(end - now.as_second()).unwrap_or(1).max(1)
}

impl Store {
    /// Asks whether an account may be tried from an address, and charges the attempt. 2 or 3 read units and 1 write unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn attempt(&self, login: LoginId, address: Option<&str>, now: Timestamp) -> Result<Gate, StoreError> {
        let seconds = now.as_second();
        let account_name = login.hex();
        let mut attempt = Attempt {
            pair: name(&["pair", &account_name, address.unwrap_or("-")]),
            account: name(&["account", &account_name]),
            address: address.map(|address| name(&["address", address])),
            account_failures: 0,
            address_failures: 0,
        };
        for round in 0..ATTEMPTS {
            let mut keys = vec![attempt.pair.clone(), attempt.account.clone()];
            keys.extend(attempt.address.clone());
            let items = self.get_items(Table::Identity, &keys, true).await?;
            let counter = |key: &Key| {
                let item = items.iter().find(|item| text_of(item, "pk") == Some(key.pk()));
                Counter::read(item, seconds)
            };
            let pair = counter(&attempt.pair);
            let account = counter(&attempt.account);
            let by_address = attempt.address.as_ref().map(&counter).unwrap_or_default();
            let account_wait = if pair.trusted { 0 } else { account.wait(seconds) };
            let wait = pair.wait(seconds).max(account_wait).max(by_address.wait(seconds));
            if wait > 0 {
                return Ok(Gate::Locked(wait));
            }
            attempt.account_failures = account.failures;
            attempt.address_failures = by_address.failures;
            if self.charge(&attempt.pair, pair, seconds).await? {
                return Ok(Gate::Open(attempt));
            }
            let pause = rand::random::<f64>() * f64::from(1 << round);
            tokio::time::sleep(std::time::Duration::from_secs_f64(pause / 1_000.0)).await;
        }
        Ok(Gate::Locked(1))
    }

    /// Counts one attempt more, provided that nobody else did since it was read.
    async fn charge(&self, key: &Key, counter: Counter, now: i64) -> Result<bool, StoreError> {
        let failures = counter.failures + 1;
        let keep = if counter.trusted {
            TRUSTED_SECONDS
        } else {
            i64::from(Brake::PAIR.forgotten_after)
        };
        let mut item = key.attributes();
        item.insert("failures".to_owned(), number(failures));
        item.insert(
            "locked_until".to_owned(),
            number(now + i64::from(Brake::PAIR.lock(failures))),
        );
        item.insert("expires".to_owned(), number(now + keep));
        if counter.trusted {
            item.insert("trusted".to_owned(), number(1));
        }
        let request = self
            .client_for_no_tenant()
            .put_item()
            .table_name(self.table(Table::Identity)?)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let request = match counter.stored {
            None => request.condition_expression("attribute_not_exists(pk)"),
            Some(stored) => request
                .condition_expression("failures = :stored")
                .expression_attribute_values(":stored", number(stored)),
        };
        match cost::waiting(request.send()).await {
            Ok(answer) => {
                cost::write(answer.consumed_capacity());
                Ok(true)
            }
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_dynamodb::operation::put_item::PutItemError::is_conditional_check_failed_exception,
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes that an attempt succeeded: the account is no longer counted against, and is trusted from that address.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn attempt_succeeded(&self, attempt: &Attempt, now: Timestamp) -> Result<(), StoreError> {
        let mut item = attempt.pair.attributes();
        item.insert("failures".to_owned(), number(0));
        item.insert("trusted".to_owned(), number(1));
        item.insert("expires".to_owned(), number(now.as_second() + TRUSTED_SECONDS));
        self.put_items(Table::Identity, vec![item]).await?;
        if attempt.account_failures > 0 {
            self.delete_item(Table::Identity, &attempt.account).await?;
        }
        Ok(())
    }

    /// Forgets what is counted against an account, at large and from one address: after a new password was set.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forgive(&self, login: LoginId, address: Option<&str>) -> Result<(), StoreError> {
        let login = login.hex();
        let keys = [
            name(&["pair", &login, address.unwrap_or("-")]),
            name(&["account", &login]),
        ];
        self.delete_items(Table::Identity, &keys).await
    }

    /// Notes that an attempt failed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn attempt_failed(&self, attempt: &Attempt, now: Timestamp) -> Result<(), StoreError> {
        let account = self.count_failure(&attempt.account, Brake::ACCOUNT, attempt.account_failures, now);
        match &attempt.address {
            None => account.await,
            Some(address) => {
                let address = self.count_failure(address, Brake::ADDRESS, attempt.address_failures, now);
                let (account, address) = futures::join!(account, address);
                account.and(address)
            }
        }
    }

    async fn count_failure(&self, key: &Key, brake: Brake, before: u32, now: Timestamp) -> Result<(), StoreError> {
        let now = now.as_second();
        // What was read as forgotten begins anew; else several at once all count.
        let count = if before == 0 {
            "SET failures = :one,"
        } else {
            "ADD failures :one SET"
        };
        let request = self
            .client_for_no_tenant()
            .update_item()
            .table_name(self.table(Table::Identity)?)
            .set_key(Some(key.attributes()))
            .update_expression(format!("{count} expires = :end, locked_until = :lock"))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":end", number(now + i64::from(brake.forgotten_after)))
            .expression_attribute_values(":lock", number(now + i64::from(brake.lock(before + 1))))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = cost::waiting(request.send()).await?;
        cost::write(answer.consumed_capacity());
        Ok(())
    }

    /// How many seconds to wait until there is something of a quota again, where nothing is left. 1 read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn quota_spent(
        &self,
        what: &str,
        whose: &str,
        quota: Quota,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        let (key, end) = window(what, whose, quota, now);
        let item = self.get_item(Table::Identity, &key).await?;
        let taken: u32 = item.and_then(|item| number_of(&item, "n")).unwrap_or(0);
        Ok((taken >= quota.most).then(|| until(end, now)))
    }

    /// Takes one of what there is in a span of time: `Some(seconds)` to wait when there is no more. 1 write unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn take_quota(
        &self,
        what: &str,
        whose: &str,
        quota: Quota,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        use aws_sdk_dynamodb::types::ReturnValue;
        let (key, end) = window(what, whose, quota, now);
        let request = self
            .client_for_no_tenant()
            .update_item()
            .table_name(self.table(Table::Identity)?)
            .set_key(Some(key.attributes()))
            .update_expression("ADD n :one SET expires = :end")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":end", number(end))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = cost::waiting(request.send()).await?;
        cost::write(answer.consumed_capacity());
        let taken: u32 = answer
            .attributes
            .as_ref()
            .and_then(|item| number_of(item, "n"))
            .ok_or_else(|| StoreError::Internal("a counter without a number".to_owned()))?;
        Ok((taken > quota.most).then(|| until(end, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_forgotten_at_its_end_and_tells_the_wait() {
        let item = |failures: u32, locked: i64, expires: i64| {
            Item::from([
                ("failures".to_owned(), number(failures)),
                ("locked_until".to_owned(), number(locked)),
                ("expires".to_owned(), number(expires)),
            ])
        };
        for (item, failures, wait) in [
            (None, 0, 0),
            (Some(item(3, 90, 200)), 3, 0),
            (Some(item(9, 150, 200)), 9, 50),
            (Some(item(9, 150, 100)), 0, 0),
        ] {
            let counter = Counter::read(item.as_ref(), 100);
            assert_eq!((counter.failures, counter.wait(100)), (failures, wait));
        }
        assert_ne!(name(&["pair", "a", "b"]).pk(), name(&["pair", "ab", ""]).pk());
    }
}

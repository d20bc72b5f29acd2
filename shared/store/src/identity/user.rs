//! How users are stored, and how a tenant keeps at least one owner.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use rapport_domain::user::User;
use rapport_domain::{Record, TenantId};

use crate::records::{Accept, Filter, Stored};
use crate::{Key, Store, StoreError, Table, Write, number};

/// Where the active owners of a tenant are counted.
fn owners(tenant: TenantId) -> Key {
    Key::new(tenant, "counter", "owners")
}

/// Counts an owner more or less in the same transaction as the user's change. Two owners who remove each other at the
/// same moment both meet this item, and one of them fails.
fn count_owner(store: &Store, write: &mut Write, more: bool) -> Result<(), StoreError> {
    let update = Update::builder()
        .table_name(store.table(Table::Identity)?)
        .set_key(Some(owners(write.tenant()).attributes()))
        .update_expression("ADD n :change")
        .expression_attribute_values(":change", number(if more { 1 } else { -1 }));
    let update = if more {
        update
    } else {
        update
            .condition_expression("n > :one")
            .expression_attribute_values(":one", number(1))
    };
    let update = update
        .build()
        .map_err(|error| StoreError::Internal(error.to_string()))?;
    write.other(
        TransactWriteItem::builder().update(update).build(),
        "a tenant keeps at least one active owner",
    );
    Ok(())
}

impl Stored for User {
    const TABLE: Table = Table::Identity;
    const PLURAL: &'static str = "users";
    const FILTERS: &'static [Filter] = &[
        Filter::equal("role"),
        Filter::equal("status").of(&["active", "deactivated"]),
        Filter::equal("email"),
    ];

    fn indexes(_: &Record<Self>) -> Vec<(&'static str, String, String)> {
        // A tenant has few users: they are listed by id and sifted.
        Vec::new()
    }

    async fn complete(
        store: &Store,
        _: &Accept,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        if record.body.is_active_owner() {
            count_owner(store, write, true)?;
        }
        Ok(())
    }

    fn resume(store: &Store, _: &Accept, record: &Record<Self>, write: &mut Write) -> Result<(), StoreError> {
        if record.body.is_active_owner() {
            count_owner(store, write, true)?;
        }
        Ok(())
    }

    async fn complete_change(
        store: &Store,
        _: &Accept,
        old: &Record<Self>,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        match (old.body.is_active_owner(), record.body.is_active_owner()) {
            (false, true) => count_owner(store, write, true),
            (true, false) => count_owner(store, write, false),
            _ => Ok(()),
        }
    }
}

//! Keys: the strings that say where an item lies. Written here and nowhere else.
//!
//! Every partition begins with the tenant's id and `#`. A [`Key`] cannot be made without a [`TenantId`]; the four
//! exceptions, [`Key::login`], [`Key::timer`], [`Key::directory`] and [`Key::operator`], are named here and may be counted.

use aws_sdk_dynamodb::types::AttributeValue;
use rapport_domain::{RecordId, TenantId};

use crate::Item;

macro_rules! tables {
    ($($(#[doc = $doc:literal])* $name:ident = $variable:literal,)*) => {
        /// The tables.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Table { $($(#[doc = $doc])* $name,)* }
        impl Table {
            /// All of them.
            pub const ALL: &'static [Table] = &[$(Table::$name,)*];
            /// The variable of the environment that names the table.
            #[must_use]
            pub const fn variable(self) -> &'static str { match self { $(Table::$name => $variable,)* } }
        }
    };
}

tables! {
    /// Tenants, logins, users, sessions, keys, settings.
    Identity = "TABLE_IDENTITY",
    /// Leads.
    Leads = "TABLE_LEADS",
    /// Contacts and companies.
    Contacts = "TABLE_CONTACTS",
    /// Orders, payments and products.
    Orders = "TABLE_ORDERS",
    /// Tickets and their messages.
    Tickets = "TABLE_TICKETS",
    /// What scores are computed from: contributions, figures, runs. No stream: nobody is told of these.
    Insights = "TABLE_INSIGHTS",
    /// Scores of contacts.
    Scores = "TABLE_SCORES",
    /// What records add to reports, and the sums of it. No stream: nobody is told of these.
    Reports = "TABLE_REPORTS",
    /// Files that are imported, and what became of their rows. No stream: nobody is told of these.
    Imports = "TABLE_IMPORTS",
    /// Survey templates, invitations, answers.
    Surveys = "TABLE_SURVEYS",
    /// Webhook endpoints, deliveries, sources, what they posted.
    Webhooks = "TABLE_WEBHOOKS",
    /// Every event there was.
    Events = "TABLE_EVENTS",
    /// Words that lead to records.
    Search = "TABLE_SEARCH",
    /// What is due when.
    Timers = "TABLE_TIMERS",
}

/// Where an item lies in its table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pk: String,
    sk: String,
}

impl Key {
    /// A key in one of a tenant's partitions. `partition` may have several parts, joined by `#`.
    #[must_use]
    pub fn new(tenant: TenantId, partition: &str, sk: impl Into<String>) -> Self {
        Self {
            pk: partition_of(tenant, partition),
            sk: sk.into(),
        }
    }

    /// The key of a record: the kind's partition, the id.
    #[must_use]
    pub fn record(tenant: TenantId, noun: &str, id: RecordId) -> Self {
        Self::new(tenant, noun, id.to_string())
    }

    /// The guard of a value that only one record of a kind may hold. Each is a partition of its own, so that none runs hot.
    #[must_use]
    pub fn unique(tenant: TenantId, noun: &str, scope: &str, value: &str) -> Self {
        Self::new(tenant, &format!("unique#{noun}#{scope}#{}", bounded(value)), "-")
    }

    /// A pointer from a value that many records may share (a tag, a telephone number) to one record.
    #[must_use]
    pub fn pointer(tenant: TenantId, noun: &str, value: &str, id: RecordId) -> Self {
        Self::new(tenant, &pointer_partition(noun, value), id.to_string())
    }

    /// The answer kept for an idempotency key.
    #[must_use]
    pub fn idempotency(tenant: TenantId, key: &str) -> Self {
        Self::new(tenant, &format!("idempotency#{}", bounded(key)), "-")
    }

    /// Exception 1: a login, found before the tenant is known.
    #[must_use]
    pub fn login(part: &str, sk: impl Into<String>) -> Self {
        Self {
            pk: format!("login#{part}"),
            sk: sk.into(),
        }
    }

    /// Exception 2: what is due, of all tenants, by shard.
    #[must_use]
    pub fn timer(shard: u8, sk: impl Into<String>) -> Self {
        Self {
            pk: format!("timer#{shard:02}"),
            sk: sk.into(),
        }
    }

    /// Exception 3: a tenant's line in the directory of all tenants, by shard.
    #[must_use]
    pub fn directory(tenant: TenantId) -> Self {
        let id = tenant.to_string();
        // The end of an id is random.
        let shard = id.bytes().last().unwrap_or_default() % DIRECTORY_SHARDS;
        Self {
            pk: directory_partition(shard),
            sk: id,
        }
    }

    /// Exception 4: what the operator did, by month.
    #[must_use]
    pub fn operator(month: &str, sk: impl Into<String>) -> Self {
        Self {
            pk: format!("operator#{month}"),
            sk: sk.into(),
        }
    }

    /// Whose it is. `None` for the four exceptions.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        tenant_of(&self.pk)
    }

    /// The partition.
    #[must_use]
    pub fn pk(&self) -> &str {
        &self.pk
    }

    /// The place in the partition.
    #[must_use]
    pub fn sk(&self) -> &str {
        &self.sk
    }

    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Item {
        Item::from([
            ("pk".to_owned(), AttributeValue::S(self.pk.clone())),
            ("sk".to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}

/// The full name of one of a tenant's partitions.
#[must_use]
pub fn partition_of(tenant: TenantId, partition: &str) -> String {
    format!("{tenant}#{partition}")
}

/// The partition of the pointers of one value.
#[must_use]
pub fn pointer_partition(noun: &str, value: &str) -> String {
    format!("{noun}#{}", bounded(value))
}

/// Into how many partitions the directory of tenants is divided.
pub const DIRECTORY_SHARDS: u8 = 16;

/// The name of a shard of the directory of tenants.
#[must_use]
pub fn directory_partition(shard: u8) -> String {
    format!("directory#{shard:02}")
}

/// The patterns of the partitions that belong to no tenant, as policies write them.
pub const OF_NO_TENANT: [&str; 4] = ["login#*", "timer#*", "directory#*", "operator#*"];

/// The pattern of a tenant's partitions, as policies write it. An id is as long as any other and holds no wildcard, and the
/// pattern has the delimiter, so that it fits no other tenant's.
#[must_use]
pub fn pattern_of(tenant: TenantId) -> String {
    format!("{tenant}#*")
}

/// Which tenant a partition belongs to. `None` for the four exceptions.
#[must_use]
pub fn tenant_of(pk: &str) -> Option<TenantId> {
    TenantId::parse(pk.split_once('#')?.0).ok()
}

/// Keys hold at most 2,048 bytes: a longer value stands by its digest.
fn bounded(value: &str) -> std::borrow::Cow<'_, str> {
    use sha2::{Digest, Sha256};
    if value.len() <= 300 {
        return value.into();
    }
    let digest = Sha256::digest(value.as_bytes());
    digest
        .iter()
        .fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
        .into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether a policy with this pattern reaches a partition: all patterns end in the one `*` they have.
    fn reaches(pattern: &str, pk: &str) -> bool {
        pk.starts_with(pattern.trim_end_matches('*'))
    }

    proptest! {
        #[test]
        fn no_key_lies_outside_of_its_tenants_partitions(
            (bits, others) in (any::<u128>(), any::<u128>()),
            (noun, value) in ("(?s).{0,40}", "(?s).{0,700}"),
            shard: u8,
        ) {
            let (tenant, other) = (TenantId::from_u128(bits), TenantId::from_u128(others));
            let id = RecordId::from_u128(rapport_domain::Prefix::Lead, others);
            let keys = [
                Key::new(tenant, &value, &*noun),
                Key::record(tenant, &noun, id),
                Key::unique(tenant, &noun, &noun, &value),
                Key::pointer(tenant, &noun, &value, id),
                Key::idempotency(tenant, &value),
            ];
            for key in keys {
                prop_assert_eq!(key.tenant(), Some(tenant));
                prop_assert!(reaches(&pattern_of(tenant), key.pk()), "{:?}", key);
                prop_assert!(tenant == other || !reaches(&pattern_of(other), key.pk()), "{:?}", key);
                prop_assert!(!OF_NO_TENANT.iter().any(|pattern| reaches(pattern, key.pk())), "{:?}", key);
            }
            for key in [Key::login(&value, &*noun), Key::timer(shard, &*value), Key::directory(tenant)] {
                prop_assert_eq!(key.tenant(), None);
                prop_assert!(!reaches(&pattern_of(tenant), key.pk()), "{:?}", key);
                prop_assert_eq!(OF_NO_TENANT.iter().filter(|pattern| reaches(pattern, key.pk())).count(), 1);
            }
        }
    }
}

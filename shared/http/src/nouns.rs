//! The kinds of record that the API offers, and what is particular to each.

use rapport_domain::lead::Lead;
use rapport_domain::permission::Area;

use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_store::{Store, StoreError, Table};

use crate::resource::{Expand, OWNER, Resource};

const CONTACT: Expand = Expand {
    name: "contact",
    field: "contact_id",
    prefix: Prefix::Contact,
    table: Table::Contacts,
    noun: "contact",
};

const COMPANY: Expand = Expand {
    name: "company",
    field: "company_id",
    prefix: Prefix::Company,
    table: Table::Contacts,
    noun: "company",
};

impl Resource for Lead {
    const AREA: Area = Area::Leads;
}

impl Resource for rapport_domain::ticket::Ticket {
    const AREA: Area = Area::Tickets;
    const EXPANDS: &'static [Expand] = &[
        OWNER,
        CONTACT,
        COMPANY,
        Expand {
            name: "order",
            field: "order_id",
            prefix: Prefix::Order,
            table: Table::Orders,
            noun: "order",
        },
        Expand {
            name: "assignee",
            field: "assignee_id",
            prefix: Prefix::User,
            table: Table::Identity,
            noun: "user",
        },
    ];
}

impl Resource for rapport_domain::order::Order {
    const AREA: Area = Area::Orders;
    const EXPANDS: &'static [Expand] = &[OWNER, CONTACT, COMPANY];
}

impl Resource for rapport_domain::product::Product {
    const AREA: Area = Area::Products;
    const KEYS: &'static [(&'static str, &'static str)] = &[("sku", rapport_domain::product::SKU)];

    fn normal_key(_: &str, value: &str) -> String {
        rapport_domain::product::sku_key(value.trim())
    }
}

impl Resource for rapport_domain::contact::Contact {
    const AREA: Area = Area::Contacts;
    const EXPANDS: &'static [Expand] = &[
        OWNER,
        COMPANY,
        // A score lies under its contact's own id.
        Expand {
            name: "score",
            field: "id",
            prefix: Prefix::Contact,
            table: Table::Scores,
            noun: "score",
        },
    ];
    const KEYS: &'static [(&'static str, &'static str)] = &[("email", "email")];

    /// By an address also where it need not be unique: the newest contact that has it.
    async fn holder(
        store: &Store,
        tenant: TenantId,
        key: &str,
        _: &str,
        value: &str,
    ) -> Result<Option<RecordId>, StoreError> {
        store.contact_of(tenant, key, value).await
    }
}

impl Resource for rapport_domain::company::Company {
    const AREA: Area = Area::Contacts;
    const EXPANDS: &'static [Expand] = &[
        OWNER,
        Expand {
            name: "parent",
            field: "parent_id",
            prefix: Prefix::Company,
            table: Table::Contacts,
            noun: "company",
        },
    ];
}

impl Resource for rapport_domain::survey::Survey {
    const AREA: Area = Area::Surveys;
}

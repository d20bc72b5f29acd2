//! How companies are stored: in the table of contacts.

use rapport_domain::company::Company;
use rapport_domain::{Invalid, Record, RecordId};

use crate::records::{Filter, Stored};
use crate::{Accept, Store, StoreError, Table, Write};

/// Companies may belong to each other over so many steps.
const MOST_PARENTS: usize = 10;

impl Stored for Company {
    const TABLE: Table = Table::Contacts;
    const PLURAL: &'static str = "companies";
    const FILTERS: &'static [Filter] = &[
        Filter::indexed("parent_id", "by_parent_id"),
        Filter::indexed("owner_id", "by_owner_id"),
        Filter::equal("industry"),
        Filter::equal("kind").of(&["consumer", "organisation", "intermediary"]),
        Filter::equal("country"),
        Filter::equal("region"),
        Filter::equal("size"),
    ];

    fn indexes(record: &Record<Self>) -> Vec<(&'static str, String, String)> {
        let id = record.meta.id.to_string();
        let company = &record.body;
        [
            ("by_parent_id", company.parent_id.map(|parent| parent.to_string())),
            ("by_owner_id", record.meta.common.owner_id.clone()),
        ]
        .into_iter()
        .filter_map(|(index, value)| Some((index, value?, id.clone())))
        .collect()
    }

    async fn complete(store: &Store, cx: &Accept, record: &mut Record<Self>, _: &mut Write) -> Result<(), StoreError> {
        if let Some(parent) = record.body.parent_id {
            record.body.parent_id = Some(store.parent(cx, record.meta.id, parent).await?);
        }
        Ok(())
    }

    async fn complete_change(
        store: &Store,
        cx: &Accept,
        old: &Record<Self>,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        if record.body.parent_id == old.body.parent_id || record.meta.deleted_at.is_some() {
            return Ok(());
        }
        Self::complete(store, cx, record, write).await
    }
}

impl Store {
    /// The company that another is to belong to, provided that it does not itself belong to that one.
    async fn parent(&self, cx: &Accept, child: RecordId, parent: RecordId) -> Result<RecordId, StoreError> {
        let circle = || {
            Invalid::one(
                "parent_id",
                "circular",
                "a company cannot belong to itself, over however many steps",
            )
        };
        let parent = self.live_company(cx.tenant, "parent_id", parent).await?;
        let mut above = Some(parent);
        for _ in 0..MOST_PARENTS {
            match above {
                None => return Ok(parent),
                Some(id) if id == child => return Err(circle().into()),
                Some(id) => {
                    above = match self.get::<Company>(cx.tenant, id).await {
                        Ok(company) => company.body.parent_id,
                        Err(StoreError::Missing) => None,
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        if above.is_none() {
            return Ok(parent);
        }
        Err(Invalid::one(
            "parent_id",
            "too_many",
            format!("companies belong to each other over at most {MOST_PARENTS} steps"),
        )
        .into())
    }
}

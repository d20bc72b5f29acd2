//! How products are stored, and how the lines of an order find them.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::product::{Product, SKU};
use rapport_domain::{Record, RecordId, TenantId};

use crate::records::{Filter, Stored, parse};
use crate::{Key, Store, StoreError, Table, text_of};

impl Stored for Product {
    const TABLE: Table = Table::Orders;
    const PLURAL: &'static str = "products";
    const FILTERS: &'static [Filter] = &[
        Filter::indexed("owner_id", "by_owner_id"),
        Filter::indexed("category", "by_category"),
        Filter::indexed("sku", "by_sku"),
        Filter::equal("active").of(&["true", "false"]),
    ];

    fn indexes(record: &Record<Self>) -> Vec<(&'static str, String, String)> {
        let id = record.meta.id.to_string();
        let Product { category, sku, .. } = &record.body;
        [
            ("by_owner_id", &record.meta.common.owner_id),
            ("by_category", category),
            ("by_sku", sku),
        ]
        .into_iter()
        .filter_map(|(index, value)| Some((index, value.clone()?, id.clone())))
        .collect()
    }
}

/// The products that were found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    by_id: BTreeMap<String, Record<Product>>,
    by_sku: BTreeMap<String, String>,
}

impl Found {
    /// The product with an id, or with a stock keeping unit for comparing.
    pub(crate) fn find(&self, id: Option<RecordId>, sku: Option<&str>) -> Option<(RecordId, &Product)> {
        let id = match id {
            Some(id) => id.to_string(),
            None => self.by_sku.get(sku?)?.clone(),
        };
        let record = self.by_id.get(&id)?;
        Some((record.meta.id, &record.body))
    }
}

impl Store {
    /// Reads products by id and by stock keeping unit: one batch of guards and one of rows, 1 read unit each.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn products(
        &self,
        tenant: TenantId,
        ids: Vec<RecordId>,
        skus: Vec<String>,
    ) -> Result<Found, StoreError> {
        let guards: BTreeMap<String, (Key, String)> = skus
            .into_iter()
            .map(|sku| {
                let key = Key::unique(tenant, "product", SKU, &sku);
                (key.pk().to_owned(), (key, sku))
            })
            .collect();
        let keys: Vec<Key> = guards.values().map(|(key, _)| key.clone()).collect();
        let held = self.get_items(Product::TABLE, &keys, true).await?;
        let by_sku: BTreeMap<String, String> = held
            .iter()
            .filter_map(|item| {
                let (_, sku) = guards.get(text_of(item, "pk")?)?;
                Some((sku.clone(), text_of(item, "holder")?.to_owned()))
            })
            .collect();
        let ids: BTreeSet<String> = ids
            .iter()
            .map(ToString::to_string)
            .chain(by_sku.values().cloned())
            .collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let rows = self.rows::<Product>(tenant, &ids, true).await?;
        let by_id = rows
            .into_iter()
            .map(|row| Ok((row.id, parse::<Product>(&row.doc)?)))
            .collect::<Result<_, StoreError>>()?;
        Ok(Found { by_id, by_sku })
    }
}

//! How leads are stored.

use rapport_domain::Record;
use rapport_domain::lead::Lead;

use crate::Table;
use crate::records::{Filter, Stored};

impl Stored for Lead {
    const TABLE: Table = Table::Leads;
    const PLURAL: &'static str = "leads";
    const FILTERS: &'static [Filter] = &[
        Filter::indexed("owner_id", "by_owner_id"),
        Filter::indexed("status", "by_status").of(&["new", "working", "qualified", "unqualified", "converted"]),
        Filter::indexed("contact_id", "by_contact_id"),
        Filter::indexed("company_id", "by_company_id"),
        Filter::equal("source"),
        Filter::equal("rating").of(&["hot", "warm", "cold"]),
        Filter::equal("campaign_id"),
    ];

    fn indexes(record: &Record<Self>) -> Vec<(&'static str, String, String)> {
        let id = record.meta.id.to_string();
        let status = serde_json::to_value(record.body.status)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned));
        let status = status.map(|status| ("by_status", status, id.clone()));
        let owner = record
            .meta
            .common
            .owner_id
            .clone()
            .map(|owner| ("by_owner_id", owner, id.clone()));
        // A converted lead is found by what it became, so that it follows when that is merged.
        let became = [
            ("by_contact_id", record.body.contact_id),
            ("by_company_id", record.body.company_id),
        ];
        let became = became
            .into_iter()
            .filter_map(|(index, became)| Some((index, became?.to_string(), id.clone())));
        status.into_iter().chain(owner).chain(became).collect()
    }
}

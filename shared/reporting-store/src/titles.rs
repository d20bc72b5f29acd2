//! What people call the records that groups are about.

use std::collections::HashMap;

use rapport_domain::permission::{Area, Scope, Scopes, Verb};
use rapport_domain::{Prefix, RecordId};
use rapport_http::{Caller, Problem};
use rapport_reporting::answer::Answer;
use rapport_reporting::cells::NONE;
use rapport_reporting::fact::NOUNS;
use rapport_runtime::App;
use rapport_store::Table;
use rapport_store::page::{Row, record_keys};

/// The kinds of records that groups are about: prefix, noun, table.
const KINDS: [(Prefix, &str, Table); 4] = [
    (Prefix::Contact, "contact", Table::Contacts),
    (Prefix::Company, "company", Table::Contacts),
    (Prefix::Product, "product", Table::Orders),
    (Prefix::User, "user", Table::Identity),
];

/// Gives groups the names of their records, those that the caller may read.
///
/// # Errors
/// When the store does not answer.
pub async fn name(app: &App, caller: &Caller, answer: &mut Answer) -> Result<(), Problem> {
    let keys: Vec<String> = answer
        .parts
        .iter()
        .flat_map(|part| part.groups.iter().map(|group| group.key.clone()))
        .collect();
    let names = names(app, caller, &keys).await?;
    for group in answer.parts.iter_mut().flat_map(|part| &mut part.groups) {
        if let Some(name) = names.get(&group.key) {
            group.title.clone_from(name);
        } else if group.key == NONE {
            group.title = "(none)".to_owned();
        } else if let Some((_, rest)) = group.key.split_once(':') {
            // A product that was never declared: its stock keeping unit or its name.
            group.title = rest.to_owned();
        }
    }
    Ok(())
}

/// The names of the records among some keys.
///
/// # Errors
/// When the store does not answer.
pub async fn names(app: &App, caller: &Caller, keys: &[String]) -> Result<HashMap<String, String>, Problem> {
    let mut names = HashMap::new();
    for (prefix, noun, table) in KINDS {
        if !caller.reads(noun) {
            continue;
        }
        let mut ids: Vec<String> = keys
            .iter()
            .filter(|key| RecordId::parse(prefix, key).is_ok())
            .cloned()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            continue;
        }
        let items = app
            .store
            .get_items(table, &record_keys(caller.tenant, noun, &ids), false)
            .await?;
        for row in items.iter().filter_map(Row::read) {
            let doc: serde_json::Value = serde_json::from_str(&row.doc).unwrap_or_default();
            if let Some(name) = doc["name"].as_str() {
                names.insert(row.id, name.to_owned());
            }
        }
    }
    Ok(names)
}

/// Whether whoever has some permissions may read every name that others may: what these asked for may be shown then.
#[must_use]
pub fn sees_all_of(own: Scopes, theirs: Scopes) -> bool {
    let groups = KINDS.iter().map(|(_, noun, _)| *noun);
    groups
        .chain(NOUNS)
        .filter_map(Area::of)
        .all(|area| own.has(Scope(area, Verb::Read)) || !theirs.has(Scope(area, Verb::Read)))
}

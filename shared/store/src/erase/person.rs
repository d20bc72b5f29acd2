//! Erasing a person: the contact, those merged into it, and all that leads to them.
//!
//! Records that go are emptied and deleted, by the marked writes that nobody is told of: search and reports follow as they follow any
//! change. What is beside them goes at once. A second look some minutes later takes what was under way during the first.

use std::collections::BTreeSet;

use rapport_domain::contact::Contact;
use rapport_domain::erasure::{Erasure, Personal, without_person};
use rapport_domain::lead::Lead;
use rapport_domain::merge::Job;
use rapport_domain::order::Order;
use rapport_domain::survey::Invitation;
use rapport_domain::ticket::Ticket;
use rapport_domain::win_back::WinBack;
use rapport_domain::{Kind as _, Prefix, Record, RecordId, TenantId};
use serde_json::Value;

use crate::page::{Query, Row};
use crate::records::{Stored, holds, index_partition, parse};
use crate::{Accept, Item, Key, Store, StoreError, Table, Write, text, text_of};

/// Items taken at a time.
const PAGE: usize = 200;
/// How often a lost race is run again.
const ATTEMPTS: u32 = 6;
/// The partition of what was asked for, in Contacts.
const ERASURE: &str = "erasure";

fn erasure_key(tenant: TenantId, contact: RecordId) -> Key {
    Key::new(tenant, ERASURE, contact.to_string())
}

// What was asked for.
impl Store {
    /// Notes that a person is to be erased; what was noted before stands. 2 write units.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn ask_erasure(&self, tenant: TenantId, erasure: &Erasure) -> Result<Erasure, StoreError> {
        if let Some(known) = self.erasure(tenant, erasure.contact_id).await? {
            return Ok(known);
        }
        self.put_items(Table::Contacts, vec![erasure_item(tenant, erasure)?])
            .await?;
        Ok(erasure.clone())
    }

    /// Whether and when a person was erased. 1 read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn erasure(&self, tenant: TenantId, contact: RecordId) -> Result<Option<Erasure>, StoreError> {
        let item = self.get_item(Table::Contacts, &erasure_key(tenant, contact)).await?;
        let doc = item.as_ref().and_then(|item| text_of(item, "said"));
        let unreadable = |_| StoreError::Internal("a stored erasure is unreadable".to_owned());
        doc.map(|doc| serde_json::from_str(doc).map_err(unreadable)).transpose()
    }

    /// Notes how far an erasure is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_erasure(&self, tenant: TenantId, erasure: &Erasure) -> Result<(), StoreError> {
        self.put_items(Table::Contacts, vec![erasure_item(tenant, erasure)?])
            .await
    }
}

fn erasure_item(tenant: TenantId, erasure: &Erasure) -> Result<Item, StoreError> {
    let said = serde_json::to_string(erasure).map_err(|error| StoreError::Internal(error.to_string()))?;
    let mut item = erasure_key(tenant, erasure.contact_id).attributes();
    // Not `doc`: it is no record, and nobody is told.
    item.insert("said".to_owned(), text(said));
    Ok(item)
}

impl Store {
    /// Erases a person as far as he is found: how many things that were. `cx` must be quiet.
    ///
    /// # Errors
    /// When the store does not answer: what is gone is gone, and the rest is found again.
    pub async fn erase_person(&self, cx: &Accept, contact: RecordId) -> Result<usize, StoreError> {
        let tenant = cx.tenant;
        let mut found = 0;
        for person in self.people_of(tenant, contact).await? {
            found += self.erase_all::<Lead>(cx, "by_contact_id", person).await?;
            found += self.erase_all::<Ticket>(cx, "by_contact_id", person).await?;
            found += self.erase_all::<Invitation>(cx, "by_contact_id", person).await?;
            found += self.erase_all::<WinBack>(cx, "by_contact_id", person).await?;
            found += self.erase_all::<Order>(cx, "by_contact_id", person).await?;
            found += self.erase_deleted(cx, person).await?;
            let told = index_partition("event", "by_contact", &person.to_string());
            found += self
                .empty(tenant, Table::Events, &Query::index("by_contact", told))
                .await?;
            for (table, partition) in [
                (Table::Events, person.to_string()),
                (Table::Contacts, format!("merge#{person}")),
                (Table::Reports, format!("screening#{person}")),
                (Table::Surveys, format!("survey_pause#{person}")),
            ] {
                found += self.empty(tenant, table, &Query::prefix(partition, "")).await?;
            }
            let score = Key::record(tenant, crate::score::NOUN, person);
            if self.get_item(Table::Scores, &score).await?.is_some() {
                self.delete_items(Table::Scores, &[score]).await?;
                found += 1;
            }
            found += self.erase_manifests(tenant, person).await?;
            // Last, since it leads to all the others.
            found += usize::from(self.erase_record::<Contact>(cx, person).await?);
        }
        Ok(found)
    }

    /// A contact and those that were merged into it. Reads all contacts there are.
    async fn people_of(&self, tenant: TenantId, contact: RecordId) -> Result<Vec<RecordId>, StoreError> {
        let mut merged: Vec<(RecordId, RecordId)> = Vec::new();
        let mut after = None;
        loop {
            let query = Query::prefix(Contact::NOUN, "");
            let page = self
                .query(tenant, Table::Contacts, &query, 1_000, after.as_ref())
                .await?;
            for row in page.items.iter().filter_map(Row::read).filter(|row| row.gone) {
                let record: Record<Contact> = parse(&row.doc)?;
                merged.extend(record.meta.merged_into.map(|into| (record.meta.id, into)));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        // Whoever was merged into one that was merged is one of them too.
        let mut people = vec![contact];
        let mut n = 0;
        while let Some(person) = people.get(n).copied() {
            let into = merged.iter().filter(|(_, into)| *into == person);
            let more: Vec<RecordId> = into.map(|(id, _)| *id).filter(|id| !people.contains(id)).collect();
            people.extend(more);
            n += 1;
        }
        Ok(people)
    }

    async fn erase_all<K: Stored + Personal>(
        &self,
        cx: &Accept,
        index: &'static str,
        person: RecordId,
    ) -> Result<usize, StoreError> {
        let query = Query::index(index, index_partition(K::NOUN, index, &person.to_string()));
        let (mut found, mut after) = (0, None);
        loop {
            let page = self.query(cx.tenant, K::TABLE, &query, PAGE, after.as_ref()).await?;
            for row in page.items.iter().filter_map(Row::read) {
                let Ok(id) = RecordId::parse(K::PREFIX, &row.id) else {
                    continue;
                };
                // What is around it first, since its index leads to it; then what was appended meanwhile.
                self.empty_around::<K>(cx.tenant, id).await?;
                // An index may lag behind: whoever was erased a moment ago is not found again.
                found += usize::from(self.erase_record::<K>(cx, id).await?);
                self.empty_around::<K>(cx.tenant, id).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Erases what was deleted before: no index leads to it any more, but its events do.
    async fn erase_deleted(&self, cx: &Accept, person: RecordId) -> Result<usize, StoreError> {
        let told = index_partition("event", "by_contact", &person.to_string());
        let query = Query::index("by_contact", told);
        let (mut subjects, mut after) = (BTreeSet::new(), None);
        loop {
            let page = self
                .query(cx.tenant, Table::Events, &query, PAGE, after.as_ref())
                .await?;
            let named = page
                .items
                .iter()
                .filter_map(|item| text_of(item, "pk")?.split_once('#'));
            subjects.extend(named.map(|(_, subject)| subject.to_owned()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut found = 0;
        for subject in &subjects {
            found += usize::from(self.erase_if_deleted::<Lead>(cx, subject, person).await?);
            found += usize::from(self.erase_if_deleted::<Ticket>(cx, subject, person).await?);
            found += usize::from(self.erase_if_deleted::<Invitation>(cx, subject, person).await?);
            found += usize::from(self.erase_if_deleted::<WinBack>(cx, subject, person).await?);
            found += usize::from(self.erase_if_deleted::<Order>(cx, subject, person).await?);
        }
        Ok(found)
    }

    async fn erase_if_deleted<K: Stored + Personal>(
        &self,
        cx: &Accept,
        subject: &str,
        person: RecordId,
    ) -> Result<bool, StoreError> {
        let Ok(id) = RecordId::parse(K::PREFIX, subject) else {
            return Ok(false);
        };
        match self.row::<K>(cx.tenant, id).await {
            // Erased by an index, or somebody else's by now.
            Ok(row) if !row.gone => return Ok(false),
            Ok(row) => {
                let doc: Value = serde_json::from_str(&row.doc).unwrap_or_default();
                // What a try that broke off left of it is still to be emptied.
                if doc["contact_id"] != person.to_string() && doc["erased"] != true {
                    return Ok(false);
                }
            }
            // Gone for good; what was said in it may be there.
            Err(StoreError::Missing) => {}
            Err(error) => return Err(error),
        }
        // The record first, since its events lead to it.
        let found = self.erase_record::<K>(cx, id).await?;
        self.empty_around::<K>(cx.tenant, id).await?;
        Ok(found)
    }

    /// Deletes what was said in a record and told of it.
    async fn empty_around<K: Stored>(&self, tenant: TenantId, id: RecordId) -> Result<(), StoreError> {
        if K::PREFIX == Prefix::Ticket {
            let messages = Query::prefix(crate::ticket::conversation(id), "");
            self.empty(tenant, Table::Tickets, &messages).await?;
        }
        let events = Query::prefix(id.to_string(), "");
        self.empty(tenant, Table::Events, &events).await?;
        Ok(())
    }

    /// Empties a record of its person; whether there was anything to empty.
    async fn erase_record<K: Stored + Personal>(&self, cx: &Accept, id: RecordId) -> Result<bool, StoreError> {
        let mut attempt = 0;
        loop {
            let row = match self.row::<K>(cx.tenant, id).await {
                Ok(row) => row,
                Err(StoreError::Missing) => return Ok(false),
                Err(error) => return Err(error),
            };
            let old: Record<K> = parse(&row.doc)?;
            let new = without_person(&old, &cx.actor, cx.rules.now);
            let mut same = new.clone();
            same.meta.clone_from(&old.meta);
            same.meta.common.clone_from(&new.meta.common);
            if same.to_value() == old.to_value() && (K::STAYS || old.meta.deleted_at.is_some()) {
                return Ok(false);
            }
            // First what no later try would know of.
            self.free_held(cx, &old).await?;
            let planned = self.plan_next(cx, &old, new, Write::new(cx.tenant))?;
            match planned.write.commit(self).await {
                Ok(()) => return Ok(true),
                Err(StoreError::Stale(_) | StoreError::Raced) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Frees what a record took when settings were others: what goes with the record is what it holds by those of today.
    async fn free_held<K: Stored>(&self, cx: &Accept, record: &Record<K>) -> Result<(), StoreError> {
        let known = holds(record, record.held(&cx.rules));
        let ever = record.ever_held(&cx.rules).into_iter();
        for unique in ever.filter(|unique| !known.contains(unique)) {
            let mut write = Write::new(cx.tenant);
            write.free(self, K::TABLE, K::NOUN, &unique, &[record.meta.id])?;
            write.commit(self).await?;
        }
        Ok(())
    }

    /// What merges noted of a person, by which they could be undone.
    async fn erase_manifests(&self, tenant: TenantId, person: RecordId) -> Result<usize, StoreError> {
        let (mut found, mut after) = (0, None);
        loop {
            let query = Query::prefix("job", "");
            let page = self
                .query(tenant, Table::Contacts, &query, PAGE, after.as_ref())
                .await?;
            for item in &page.items {
                let job: Option<Job> = text_of(item, "doc").and_then(|doc| serde_json::from_str(doc).ok());
                let Some(job) = job.filter(|job| job.into == person || job.from.contains(&person)) else {
                    continue;
                };
                let manifest = Query::prefix(format!("manifest#{}", job.id), "");
                found += self.empty(tenant, Table::Contacts, &manifest).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Deletes what a query finds: how many items.
    async fn empty(&self, tenant: TenantId, table: Table, query: &Query) -> Result<usize, StoreError> {
        let (mut found, mut after) = (0, None);
        loop {
            let page = self.query(tenant, table, query, PAGE, after.as_ref()).await?;
            let places = page.items.iter().filter_map(|item| {
                let partition = text_of(item, "pk")?.split_once('#')?.1;
                Some(Key::new(tenant, partition, text_of(item, "sk")?))
            });
            let keys: Vec<Key> = places.collect();
            self.delete_items(table, &keys).await?;
            found += keys.len();
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }
}

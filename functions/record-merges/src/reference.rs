//! References of one kind of record to another, and moving them.

use futures::future::try_join_all;
use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::lead::Lead;
use rapport_domain::merge::Job;
use rapport_domain::order::Order;
use rapport_domain::survey::Invitation;
use rapport_domain::ticket::Ticket;
use rapport_domain::win_back::WinBack;
use rapport_domain::{Prefix, RecordId, Rules, TenantId};
use rapport_runtime::{App, BoxError};
use rapport_store::merge::Moved;
use rapport_store::page::Query;
use rapport_store::records::index_partition;
use rapport_store::{Accept, StoreError, Stored, text_of};

use crate::actor;

/// So many references are read at a time.
const PAGE: usize = 100;
/// So many are moved side by side.
const ABREAST: usize = 10;
/// So many are looked at for one message.
const MOST: usize = 500;

/// A kind of record that names a contact or a company.
pub(crate) trait Referring: Stored + PartialEq {
    /// Lets it name `new` where it named `old`; whether it did.
    fn turn(&mut self, old: RecordId, new: RecordId) -> bool;
}

macro_rules! referring {
    ($($kind:ty: $($prefix:ident => $field:ident),*;)*) => {$(
        impl Referring for $kind {
            fn turn(&mut self, old: RecordId, new: RecordId) -> bool {
                let field = match old.prefix() { $(Prefix::$prefix => &mut self.$field,)* _ => return false };
                field.as_ref() == Some(&old) && field.replace(new).is_some()
            }
        }
    )*};
}

referring! {
    Order: Contact => contact_id, Company => company_id;
    Ticket: Contact => contact_id, Company => company_id;
    Lead: Contact => contact_id, Company => company_id;
    Contact: Company => company_id;
    Company: Company => parent_id;
}

impl Referring for WinBack {
    fn turn(&mut self, old: RecordId, new: RecordId) -> bool {
        self.contact_id == old && std::mem::replace(&mut self.contact_id, new) == old
    }
}

impl Referring for Invitation {
    fn turn(&mut self, old: RecordId, new: RecordId) -> bool {
        self.contact_id == old && std::mem::replace(&mut self.contact_id, new) == old
    }
}

/// One message's work.
pub(crate) struct Work<'a> {
    app: &'a App,
    tenant: TenantId,
    job: &'a Job,
    from: RecordId,
    rules: Rules,
    left: usize,
    /// How many references were moved.
    pub(crate) moved: u64,
}

impl<'a> Work<'a> {
    pub(crate) fn new(app: &'a App, tenant: TenantId, job: &'a Job, from: RecordId, rules: Rules) -> Self {
        Self {
            app,
            tenant,
            job,
            from,
            rules,
            left: MOST,
            moved: 0,
        }
    }

    /// Whether there may be more to do than one message does.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Moves the references of one kind that an index leads to.
    pub(crate) async fn forward<K: Referring>(&mut self, index: &'static str) -> Result<(), BoxError> {
        let query = Query::index(index, index_partition(K::NOUN, index, &self.from.to_string()));
        let mut after = None;
        while self.left > 0 {
            let page = self
                .app
                .store
                .query(self.tenant, K::TABLE, &query, PAGE.min(self.left), after.as_ref())
                .await?;
            let ids: Vec<RecordId> = page
                .items
                .iter()
                .filter_map(|item| RecordId::parse(K::PREFIX, text_of(item, "sk")?).ok())
                .collect();
            let noted: Vec<Moved> = ids
                .iter()
                .map(|id| Moved {
                    noun: K::NOUN.to_owned(),
                    id: id.to_string(),
                    from: self.from,
                })
                .collect();
            self.app
                .store
                .note_moved(self.tenant, self.job.id, &noted, self.rules.now)
                .await?;
            self.turn::<K>(&ids, self.from, self.job.into).await?;
            self.left -= page.items.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The next references that a merge moved; `None` at the end, or when this message has done enough.
    pub(crate) async fn noted(&mut self, merge: RecordId) -> Result<Option<Vec<Moved>>, BoxError> {
        if self.left == 0 {
            return Ok(None);
        }
        let (page, _) = self
            .app
            .store
            .moved(self.tenant, merge, self.from, PAGE.min(self.left), None)
            .await?;
        self.left -= page.len();
        Ok(Some(page).filter(|page| !page.is_empty()))
    }

    /// Moves the references of one kind in a page back.
    pub(crate) async fn back<K: Referring>(&mut self, page: &[Moved]) -> Result<(), BoxError> {
        let ids: Vec<RecordId> = page
            .iter()
            .filter(|moved| moved.noun == K::NOUN)
            .filter_map(|moved| RecordId::parse(K::PREFIX, &moved.id).ok())
            .collect();
        self.turn::<K>(&ids, self.job.into, self.from).await
    }

    /// Forgets references that were moved back, so that the next page follows.
    pub(crate) async fn forget(&self, merge: RecordId, page: &[Moved]) -> Result<(), BoxError> {
        self.app.store.forget_moved(self.tenant, merge, page).await?;
        Ok(())
    }

    /// Turns references from one record to another, as far as they still name the one.
    async fn turn<K: Referring>(&mut self, ids: &[RecordId], old: RecordId, new: RecordId) -> Result<(), BoxError> {
        for chunk in ids.chunks(ABREAST) {
            let turned = try_join_all(chunk.iter().map(|id| self.turn_one::<K>(*id, old, new))).await?;
            self.moved += turned.into_iter().filter(|turned| *turned).count() as u64;
        }
        Ok(())
    }

    async fn turn_one<K: Referring>(&self, id: RecordId, old: RecordId, new: RecordId) -> Result<bool, BoxError> {
        let cx = Accept::new(self.tenant, actor(self.job.id, &id.to_string()), self.rules.clone());
        let turned = std::sync::atomic::AtomicBool::new(false);
        let outcome = self
            .app
            .store
            .change::<K>(&cx, id, None, None, |record| {
                let mut body = record.body.clone();
                let turns = body.turn(old, new);
                turned.store(turns, std::sync::atomic::Ordering::Relaxed);
                Ok(if turns {
                    record.with_body(body, &cx.actor, cx.rules.now)
                } else {
                    record.clone()
                })
            })
            .await;
        match outcome {
            Ok(_) => Ok(turned.into_inner()),
            // Deleted meanwhile: nothing points any more.
            Err(StoreError::Missing) => Ok(false),
            // Moving it would break a rule, such as a company belonging to itself. It stays, and reading it still leads
            // to the record that stays.
            Err(StoreError::Invalid(invalid)) => {
                tracing::warn!(%id, %invalid, "a reference was not moved");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

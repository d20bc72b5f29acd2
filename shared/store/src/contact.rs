//! How contacts are stored and found.

use rapport_domain::company::Company;
use rapport_domain::contact::{Contact, ContactIn};
use rapport_domain::email::Email;
use rapport_domain::{Common, Invalid, Kind, Prefix, Record, RecordId, TenantId};

use crate::records::{Filter, Planned, Stored};
use crate::{Accept, Store, StoreError, Table, Write};

impl Stored for Contact {
    const TABLE: Table = Table::Contacts;
    const PLURAL: &'static str = "contacts";
    const FILTERS: &'static [Filter] = &[
        Filter::indexed("owner_id", "by_owner_id"),
        Filter::indexed("company_id", "by_company_id"),
        Filter::equal("email"),
        Filter::equal("phone"),
        Filter::equal("gender").of(&["female", "male", "other"]),
        Filter::equal("occupation"),
        Filter::equal("locale"),
        Filter::beside("lifecycle", "by_lifecycle", Table::Scores, crate::score::NOUN)
            .of(&["customer", "repeat", "loyal", "at_risk", "lost", "won_back"]),
        Filter::equal("do_not_contact").of(&["true", "false"]),
    ];

    fn indexes(record: &Record<Self>) -> Vec<(&'static str, String, String)> {
        let id = record.meta.id.to_string();
        let owner = record.meta.common.owner_id.clone();
        let company = record.body.company_id.map(|company| company.to_string());
        [("by_owner_id", owner), ("by_company_id", company)]
            .into_iter()
            .filter_map(|(index, value)| Some((index, value?, id.clone())))
            .collect()
    }

    async fn complete(store: &Store, cx: &Accept, record: &mut Record<Self>, _: &mut Write) -> Result<(), StoreError> {
        if let Some(company) = record.body.company_id {
            record.body.company_id = Some(store.live_company(cx.tenant, "company_id", company).await?);
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
        if record.body.company_id == old.body.company_id || record.meta.deleted_at.is_some() {
            return Ok(());
        }
        Self::complete(store, cx, record, write).await
    }
}

impl Store {
    /// The contact that a key leads to: `email` and an address, or a source of external ids and an id. 1 read unit; for
    /// addresses that need not be unique half a unit more.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn contact_of(&self, tenant: TenantId, key: &str, value: &str) -> Result<Option<RecordId>, StoreError> {
        if key != "email" {
            return self.holder::<Contact>(tenant, &format!("external.{key}"), value).await;
        }
        let Ok(email) = Email::parse("value", value) else {
            return Ok(None);
        };
        if let Some(id) = self.holder::<Contact>(tenant, "email", &email.key()).await? {
            return Ok(Some(id));
        }
        // A second address of somebody, or a tenant that does not insist on unique ones.
        let ids = self
            .pointed(
                tenant,
                Contact::TABLE,
                Contact::NOUN,
                &format!("like#email#{}", email.key()),
                1,
            )
            .await?;
        Ok(ids.first().and_then(|id| RecordId::parse(Prefix::Contact, id).ok()))
    }

    /// Prepares what writes a new contact together with the company it belongs to, when that is new as well and so cannot
    /// be looked up yet.
    ///
    /// # Errors
    /// As [`Store::plan_create`].
    pub async fn plan_contact(
        &self,
        cx: &Accept,
        common: Common,
        input: ContactIn,
        company: Option<&Planned<Company>>,
    ) -> Result<Planned<Contact>, StoreError> {
        let Some(company) = company else {
            return self.plan_create::<Contact>(cx, common, input).await;
        };
        let mut invalid = Invalid::default();
        let common = invalid.take(common.check::<Contact>(&cx.rules));
        let body = invalid.take(Contact::create(input, &cx.rules));
        let (Some(common), Some(mut body)) = (common, body) else {
            return Err(invalid.into());
        };
        body.company_id = Some(company.record.meta.id);
        self.refuse_duplicate(cx, &body).await?;
        let record = Record::new(RecordId::new(Prefix::Contact), body, common, &cx.actor, cx.rules.now);
        self.plan_complete(cx, record, Write::new(cx.tenant))
    }

    /// Prepares what writes the next version of a contact that joins a company known to be there, or made in the same
    /// transaction.
    ///
    /// # Errors
    /// A record that is too large.
    pub fn plan_joined(
        &self,
        cx: &Accept,
        old: &Record<Contact>,
        new: Record<Contact>,
    ) -> Result<Planned<Contact>, StoreError> {
        self.plan_next(cx, old, new, Write::new(cx.tenant))
    }

    /// The contacts with a telephone number in E.164 form, newest first. Half a read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn contacts_by_phone(
        &self,
        tenant: TenantId,
        phone: &str,
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError> {
        // Contacts are pointed to by each of their numbers, since these make them look alike.
        let value = format!("like#phone#{phone}");
        let ids = self
            .pointed(tenant, Contact::TABLE, Contact::NOUN, &value, limit)
            .await?;
        Ok(ids
            .iter()
            .filter_map(|id| RecordId::parse(Prefix::Contact, id).ok())
            .collect())
    }

    /// The record that an id stands for now: itself, or the one it was merged into. 1 read unit a step.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is deleted or was never there.
    pub async fn live<K: Stored>(&self, tenant: TenantId, mut id: RecordId) -> Result<Record<K>, StoreError> {
        // A chain of merges is as long as people made it, but not endless.
        for _ in 0..10 {
            let row = self.row::<K>(tenant, id).await?;
            let record: Record<K> = crate::records::parse(&row.doc)?;
            match record.meta.merged_into {
                _ if !row.gone => return Ok(record),
                Some(into) if record.meta.deleted_at.is_none() => id = into,
                _ => return Err(StoreError::Missing),
            }
        }
        Err(StoreError::Missing)
    }

    /// Leads a reference of a record that was deleted, and is restored now, to where it leads by now: merges do not reach
    /// deleted records. One to a record that is gone stays.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn follow<K: Stored>(
        &self,
        tenant: TenantId,
        reference: &mut Option<RecordId>,
    ) -> Result<(), StoreError> {
        if let Some(id) = *reference {
            match self.live::<K>(tenant, id).await {
                Ok(record) => *reference = Some(record.meta.id),
                Err(StoreError::Missing) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The company that a field names, or the one it was merged into.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] at `field` when there is none.
    pub async fn live_company(&self, tenant: TenantId, field: &str, id: RecordId) -> Result<RecordId, StoreError> {
        match self.live::<Company>(tenant, id).await {
            Ok(company) => Ok(company.meta.id),
            Err(StoreError::Missing) => Err(Invalid::one(field, "not_found", "there is no such company").into()),
            Err(error) => Err(error),
        }
    }
}

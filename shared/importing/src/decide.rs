//! What is to become of a row: the one place that says so, for previews, dry runs and runs.

use rapport_domain::import::{Existing, Fault, Outcome, combined, fault_of};
use rapport_domain::record::{split, strip_nulls};
use rapport_domain::{Common, Invalid, Kind, Record, RecordId};
use rapport_store::records::patched;
use rapport_store::{Accept, Store, StoreError};
use serde_json::{Map, Value, json};

use crate::found::{Imported, Known, called, find};
use crate::seen::Seen;
use crate::unit::{Reading, Unit};

/// What is to become of a row.
#[derive(Debug)]
pub enum Decision<K> {
    /// A record is to be created.
    Create(Box<Record<K>>),
    /// A record is to be changed: what it is, and what it becomes.
    Update(Box<(Record<K>, Record<K>)>),
    /// The record that an earlier row of the file creates is to be changed. Only where nothing is written.
    UpdateSeen,
    /// Nothing is to be done.
    Skip,
    /// Nothing can be done.
    Error(Vec<Fault>),
}

impl<K> Decision<K> {
    /// What it is called.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Create(_) => Outcome::Create,
            Self::Update(_) | Self::UpdateSeen => Outcome::Update,
            Self::Skip => Outcome::Skip,
            Self::Error(_) => Outcome::Error,
        }
    }
}

/// What decides: the store, on whose behalf, how rows are read.
#[derive(Clone, Copy)]
pub struct Decider<'a> {
    /// The store.
    pub store: &'a Store,
    /// On whose behalf, under which rules.
    pub cx: &'a Accept,
    /// How rows are read.
    pub reading: &'a Reading<'a>,
}

impl Decider<'_> {
    /// By what the record of a row is known.
    fn known<K: Imported>(&self, record: &Map<String, Value>) -> Option<Known> {
        let options = self.reading.options();
        if options.existing == Existing::Create {
            return None;
        }
        let field = options.r#match.as_str();
        if field == "external_id" {
            let id = record.get("external_ids")?.get(&options.source)?.as_str()?;
            return Some(Known::Unique("external", id.to_owned()));
        }
        K::known_by(field, record.get(field)?.as_str()?, &self.cx.rules)
    }

    async fn existing<K: Imported>(&self, known: Option<&Known>) -> Result<Option<Record<K>>, StoreError> {
        match known {
            None => Ok(None),
            Some(Known::Unique("external", id)) => {
                called::<K>(self.store, self.cx, &self.reading.options().source, id).await
            }
            Some(known) => find::<K>(self.store, self.cx, known).await,
        }
    }

    /// What is to become of some rows, and the record as it would be sent to the API. `seen` are the earlier rows where
    /// nothing is written.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn decide<K: Imported>(
        &self,
        unit: &Unit<'_>,
        customer: Option<RecordId>,
        seen: Option<&mut Seen>,
    ) -> Result<(Decision<K>, Value), StoreError> {
        let mut record = match unit.record(self.reading) {
            Ok(record) => record,
            Err(faults) => return Ok((Decision::Error(faults), Value::Null)),
        };
        if let Some(customer) = customer {
            record.insert("contact_id".to_owned(), json!(customer));
        }
        let mut shown = Value::Object(record.clone());
        strip_nulls(&mut shown);
        let decision = match self.of_record::<K>(unit, record, seen).await {
            Ok(decision) => decision,
            Err(error) => Decision::Error(self.faults(error)?),
        };
        Ok((decision, shown))
    }

    async fn of_record<K: Imported>(
        &self,
        unit: &Unit<'_>,
        record: Map<String, Value>,
        seen: Option<&mut Seen>,
    ) -> Result<Decision<K>, StoreError> {
        let existing = self.reading.options().existing;
        let known = self.known::<K>(&record);
        if let Some(old) = self.existing::<K>(known.as_ref()).await? {
            return match existing {
                Existing::Skip => Ok(Decision::Skip),
                _ => self.change(old, record, seen.is_some()).await,
            };
        }
        if let (Some(known), Some(seen)) = (&known, &seen)
            && seen.has(known)
        {
            return Ok(match existing {
                Existing::Skip => Decision::Skip,
                _ => Decision::UpdateSeen,
            });
        }
        self.create(unit, known, record, seen).await
    }

    async fn change<K: Imported>(
        &self,
        old: Record<K>,
        mut record: Map<String, Value>,
        looks: bool,
    ) -> Result<Decision<K>, StoreError> {
        old.body.settle(&mut record);
        let mut new = patched(self.cx, &old, &combined(record, &editable(&old)?))?;
        if new.meta.version == old.meta.version {
            return Ok(Decision::Skip);
        }
        if looks {
            K::look_up_change(self.store, self.cx, &old, &mut new).await?;
            let held = old.unique(&self.cx.rules);
            self.refuse_taken(&new, |unique| held.contains(unique)).await?;
        }
        Ok(Decision::Update(Box::new((old, new))))
    }

    async fn create<K: Imported>(
        &self,
        unit: &Unit<'_>,
        known: Option<Known>,
        record: Map<String, Value>,
        seen: Option<&mut Seen>,
    ) -> Result<Decision<K>, StoreError> {
        let mut new = self.build::<K>(record)?;
        self.store.refuse_duplicate(self.cx, &new.body).await?;
        if let Some(seen) = seen {
            if let Some(row) = seen.like(&new.body).filter(|_| !self.cx.allow_duplicate) {
                let detail = format!("the record looks like that of row {row}");
                return Ok(Decision::Error(vec![self.reading.mapping.fault(
                    "",
                    "duplicate_suspected",
                    detail,
                )]));
            }
            K::look_up(self.store, self.cx, &mut new).await?;
            self.refuse_taken(&new, |_| false).await?;
            if let Some(unique) = seen.taken(&new, &self.cx.rules) {
                let taken = StoreError::Taken {
                    scope: unique.scope,
                    holder: None,
                };
                return Ok(Decision::Error(self.faults(taken)?));
            }
            seen.add(unit.row(), known, &new, &self.cx.rules);
        }
        Ok(Decision::Create(Box::new(new)))
    }

    /// A new record, checked by all rules that need no store.
    pub(crate) fn build<K: Imported>(&self, record: Map<String, Value>) -> Result<Record<K>, Invalid> {
        let (common, input) = split::<K::In>(Value::Object(record))?;
        let mut invalid = Invalid::default();
        let common = invalid.take(common.check::<K>(&self.cx.rules));
        let body = invalid.take(K::create(input, &self.cx.rules));
        let (Some(common), Some(body)) = (common, body) else {
            return Err(invalid);
        };
        let id = RecordId::new(<K as Kind>::PREFIX);
        Ok(Record::new(id, body, common, &self.cx.actor, self.cx.rules.now))
    }

    /// Notes again what an earlier page of a dry run would have created.
    pub fn remember<K: Imported>(&self, unit: &Unit<'_>, seen: &mut Seen) {
        let Ok(record) = unit.record(self.reading) else { return };
        let known = self.known::<K>(&record);
        if let Ok(record) = self.build::<K>(record) {
            seen.add(unit.row(), known, &record, &self.cx.rules);
        }
    }

    /// Says what the run would stumble over: a value that another record holds.
    async fn refuse_taken<K: Imported>(
        &self,
        record: &Record<K>,
        own: impl Fn(&rapport_domain::Unique) -> bool,
    ) -> Result<(), StoreError> {
        for unique in record.unique(&self.cx.rules).into_iter().filter(|unique| !own(unique)) {
            let holder = self
                .store
                .holder::<K>(self.cx.tenant, &unique.scope, &unique.value)
                .await?;
            if let Some(holder) = holder.filter(|holder| *holder != record.meta.id) {
                return Err(StoreError::Taken {
                    scope: unique.scope,
                    holder: Some(holder.to_string()),
                });
            }
        }
        Ok(())
    }

    /// What an error says of the columns.
    ///
    /// # Errors
    /// The error, when another try may go better.
    pub fn faults(&self, error: StoreError) -> Result<Vec<Fault>, StoreError> {
        let mapping = &self.reading.mapping;
        if error.is_passing() {
            return Err(error);
        }
        Ok(match error {
            StoreError::Invalid(invalid) => invalid
                .problems
                .iter()
                .map(|problem| fault_of(mapping, problem))
                .collect(),
            StoreError::Taken { scope, holder } => {
                let key = match scope.split_once('.') {
                    Some(("external", _)) => "external_id".to_owned(),
                    _ => scope,
                };
                let holder = holder.map_or_else(|| "another row".to_owned(), |holder| holder.clone());
                vec![mapping.fault(
                    &key,
                    "conflict",
                    format!("{holder} has this value, which only one record may have"),
                )]
            }
            StoreError::Duplicate(candidates) => {
                let ids: Vec<String> = candidates.iter().take(3).map(|(id, _)| id.to_string()).collect();
                let detail = format!("the record looks like {}", ids.join(", "));
                vec![mapping.fault("", "duplicate_suspected", detail)]
            }
            StoreError::Conflict { code, detail } => vec![mapping.fault("", code, detail)],
            StoreError::Full(reached) => vec![mapping.fault("", "plan_limit", reached.to_string())],
            StoreError::Missing => vec![mapping.fault("", "not_found", "the record is not there any more")],
            other => {
                tracing::error!(error = %other, "a row could not be imported");
                vec![mapping.fault("", "internal", "something went wrong on our side")]
            }
        })
    }
}

/// What a caller may set on a record, as it is now.
///
/// # Errors
/// [`StoreError::Internal`] when it cannot be written as JSON.
pub fn editable<K: Kind>(record: &Record<K>) -> Result<Value, StoreError> {
    let failed = |error: serde_json::Error| StoreError::Internal(error.to_string());
    let mut value = serde_json::to_value(record.body.editable()).map_err(failed)?;
    let common = serde_json::to_value(Common::from(record.meta.common.clone())).map_err(failed)?;
    if let (Some(map), Value::Object(common)) = (value.as_object_mut(), common) {
        map.extend(common);
    }
    Ok(value)
}

//! Rows that are looked at, written, and taken back.

use rapport_domain::contact::Contact;
use rapport_domain::import::{Existing, Outcome, RowOutcome, Wrote, taken_back};
use rapport_domain::{Actor, Record, RecordId, Via};
use rapport_store::import::{KeptImport, Part, STOPPED};
use rapport_store::records::{Stored, patched};
use rapport_store::{Accept, Store, StoreError, Write};
use serde_json::{Value, json};

use crate::customer::Customer;
use crate::decide::{Decider, Decision, editable};
use crate::found::Imported;
use crate::seen::Seen;
use crate::unit::Unit;

/// How often a lost race is run again.
const ATTEMPTS: u32 = 6;

/// What became of rows that were to be written.
#[derive(Debug)]
pub enum Done {
    /// This.
    Became(RowOutcome),
    /// Nothing: the import was stopped.
    Stopped,
}

/// On whose behalf an import works: who sent the file, through the import.
#[must_use]
pub fn actor(import: RecordId, by: &str) -> Actor {
    Actor {
        id: by.to_owned(),
        via: Via::Import,
        request: import.to_string(),
    }
}

/// The context of an import's writes: a further record is wanted where that was chosen, also where it looks like another.
#[must_use]
pub fn accept(mut cx: Accept, existing: Existing) -> Accept {
    cx.allow_duplicate = existing == Existing::Create;
    cx
}

/// What would become of some rows, and the record as it would be sent to the API. Nothing is written.
///
/// # Errors
/// When the store does not answer.
pub async fn look<K: Imported>(
    decider: Decider<'_>,
    unit: &Unit<'_>,
    seen: &mut Seen,
) -> Result<(RowOutcome, Value), StoreError> {
    let refused = |faults| (unit.became(Outcome::Error, faults), Value::Null);
    let (customer, named) = match decider.customer(unit).await {
        Ok(Customer::Nobody) => (None, None),
        Ok(Customer::Known(id)) => (Some(id), None),
        Ok(Customer::New(contact)) => match decider.new_customer(contact.clone()) {
            Ok(_) => (None, Some(contact)),
            Err(invalid) => return Ok(refused(decider.faults(invalid.into())?)),
        },
        Err(error) => return Ok(refused(decider.faults(error)?)),
    };
    let (decision, mut record) = Box::pin(decider.decide::<K>(unit, customer, Some(seen))).await?;
    if let (Some(named), Some(record)) = (named, record.as_object_mut()) {
        // Who is created with the order, by what he is known then.
        let source = &decider.reading.options().source;
        let id = named.get("external_ids").and_then(|ids| ids.get(source));
        let by = id
            .map(|id| (source.as_str(), id))
            .or_else(|| Some(("email", named.get("email")?)));
        if let Some((key, value)) = by {
            record.insert("contact_ref".to_owned(), json!({"key": key, "value": value}));
        }
    }
    let outcome = decision.outcome();
    let faults = match decision {
        Decision::Error(faults) => faults,
        _ => Vec::new(),
    };
    Ok((unit.became(outcome, faults), record))
}

/// Writes some rows, once: `again` says that they may have been written before.
///
/// # Errors
/// When the store does not answer.
pub async fn write<K: Imported>(
    decider: Decider<'_>,
    kept: &KeptImport,
    unit: &Unit<'_>,
    again: bool,
) -> Result<Done, StoreError> {
    if again && let Some(done) = wrote(decider, kept, unit).await? {
        return Ok(Done::Became(done));
    }
    let mut attempt = 0;
    loop {
        let error = match Box::pin(try_write::<K>(decider, kept, unit)).await {
            Ok(outcome) => return Ok(Done::Became(outcome)),
            Err(error) => error,
        };
        // Another worker may have been at it: what it wrote explains whatever went wrong here.
        if let Some(done) = wrote(decider, kept, unit).await? {
            return Ok(Done::Became(done));
        }
        attempt += 1;
        match error {
            StoreError::Conflict { detail, .. } if detail == STOPPED => return Ok(Done::Stopped),
            // Changed, or created, by somebody else between our looking and our writing.
            StoreError::Stale(_) | StoreError::Raced | StoreError::Taken { .. } if attempt < ATTEMPTS => {}
            error => return Ok(Done::Became(unit.became(Outcome::Error, decider.faults(error)?))),
        }
    }
}

/// What became of rows that were written before.
///
/// # Errors
/// When the store does not answer.
pub async fn wrote(decider: Decider<'_>, kept: &KeptImport, unit: &Unit<'_>) -> Result<Option<RowOutcome>, StoreError> {
    let found = decider
        .store
        .import_wrote(decider.cx.tenant, kept.import.id, (unit.row(), Part::Record))
        .await?;
    Ok(found.map(|wrote| {
        let outcome = if wrote.before.is_none() {
            Outcome::Create
        } else {
            Outcome::Update
        };
        unit.became(outcome, Vec::new())
    }))
}

async fn try_write<K: Imported>(
    decider: Decider<'_>,
    kept: &KeptImport,
    unit: &Unit<'_>,
) -> Result<RowOutcome, StoreError> {
    let customer = match decider.customer(unit).await? {
        Customer::Nobody => None,
        Customer::Known(id) => Some(id),
        Customer::New(contact) => {
            // An order that cannot be is no reason to create its customer.
            if let (Decision::Error(faults), _) = decider.decide::<K>(unit, None, None).await? {
                return Ok(unit.became(Outcome::Error, faults));
            }
            Some(create_customer(decider, kept, unit, decider.new_customer(contact)?).await?)
        }
    };
    let (decision, _) = decider.decide::<K>(unit, customer, None).await?;
    let outcome = decision.outcome();
    let faults = match decision {
        Decision::Create(record) => {
            create(decider, kept, (unit.row(), Part::Record), *record).await?;
            Vec::new()
        }
        Decision::Update(both) => {
            let (old, new) = *both;
            let planned = decider.store.plan_change(decider.cx, &old, new).await?;
            let forms = (editable(&old)?, editable(&planned.record)?);
            let wrote = Wrote::changed(unit.row(), K::NOUN, old.meta.id, (&forms.0, &forms.1));
            let mut write = planned.write;
            decider.store.note_wrote(&mut write, kept, Part::Record, &wrote)?;
            write.commit(decider.store).await?;
            Vec::new()
        }
        Decision::Error(faults) => faults,
        Decision::UpdateSeen | Decision::Skip => Vec::new(),
    };
    Ok(unit.became(outcome, faults))
}

async fn create<K: Stored>(
    decider: Decider<'_>,
    kept: &KeptImport,
    (row, part): (u32, Part),
    record: Record<K>,
) -> Result<RecordId, StoreError> {
    let id = record.meta.id;
    let mut write = decider.store.plan_new(decider.cx, record).await?.write;
    let wrote = Wrote {
        row,
        noun: K::NOUN.to_owned(),
        record: id,
        before: None,
        after: serde_json::Map::new(),
        kept: None,
    };
    decider.store.note_wrote(&mut write, kept, part, &wrote)?;
    write.commit(decider.store).await?;
    Ok(id)
}

async fn create_customer(
    decider: Decider<'_>,
    kept: &KeptImport,
    unit: &Unit<'_>,
    contact: Record<Contact>,
) -> Result<RecordId, StoreError> {
    let place = (unit.row(), Part::Customer);
    let made = decider
        .store
        .import_wrote(decider.cx.tenant, kept.import.id, place)
        .await?;
    match made {
        Some(made) => Ok(made.record),
        None => create(decider, kept, place, contact).await,
    }
}

/// Takes back what a row wrote: a record it created is deleted, one it changed gets its former values back where it still
/// holds what the row wrote. Whether something of it stayed.
///
/// # Errors
/// When the store does not answer.
pub async fn take_back<K: Imported>(
    store: &Store,
    cx: &Accept,
    kept: &KeptImport,
    (place, wrote): (&str, &Wrote),
) -> Result<bool, StoreError> {
    if let Some(stayed) = wrote.kept {
        return Ok(stayed);
    }
    let mut attempt = 0;
    loop {
        match Box::pin(try_take_back::<K>(store, cx, kept, (place, wrote))).await {
            Err(StoreError::Stale(_) | StoreError::Raced) if attempt < ATTEMPTS => attempt += 1,
            // Gone for good, merged away, or past changing.
            Err(
                StoreError::Missing | StoreError::Invalid(_) | StoreError::Conflict { .. } | StoreError::Taken { .. },
            ) => {
                return Ok(true);
            }
            outcome => return outcome,
        }
    }
}

async fn try_take_back<K: Imported>(
    store: &Store,
    cx: &Accept,
    kept: &KeptImport,
    (place, wrote): (&str, &Wrote),
) -> Result<bool, StoreError> {
    if wrote.before.is_none() {
        store.delete::<K>(cx, wrote.record, None).await?;
        return Ok(false);
    }
    let old = store.get::<K>(cx.tenant, wrote.record).await?;
    let (patch, stayed) = taken_back(wrote, &editable(&old)?);
    let new = patched(cx, &old, &patch)?;
    let mut write = Write::new(cx.tenant);
    if new.meta.version != old.meta.version {
        write = store.plan_change(cx, &old, new).await?.write;
    }
    let done = Wrote {
        kept: Some(stayed),
        ..wrote.clone()
    };
    store.note_taken_back(&mut write, kept, (place, &done))?;
    write.commit(store).await?;
    Ok(stayed)
}

/// A row of a preview, as the API answers it.
#[must_use]
pub fn preview_row(outcome: &RowOutcome, record: &Value) -> Value {
    json!({
        "row": outcome.row,
        "rows": std::iter::once(outcome.row).chain(outcome.further.iter().copied()).collect::<Vec<u32>>(),
        "outcome": outcome.outcome,
        "record": record,
        "errors": outcome.faults,
    })
}

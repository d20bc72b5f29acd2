//! What becomes of a row, what it wrote, and what of that can be taken back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Fault, ImportCounts};
use crate::id::RecordId;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportOutcome)]
pub enum Outcome {
    /// A record is created.
    Create,
    /// A record that is there takes what the row says.
    Update,
    /// The row is left out, or says nothing new.
    Skip,
    /// The row has faults.
    Error,
}

/// What became of a row, or of the rows of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowOutcome {
    /// The number of its first row in the file.
    pub row: u32,
    /// The numbers of its further rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<u32>,
    /// What became of it.
    pub outcome: Outcome,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

impl RowOutcome {
    /// What outcomes come to.
    #[must_use]
    pub fn counts(outcomes: &[Self]) -> ImportCounts {
        let mut counts = ImportCounts::default();
        for outcome in outcomes {
            counts.done += 1 + u32::try_from(outcome.further.len()).unwrap_or(0);
            let place = match outcome.outcome {
                Outcome::Create => &mut counts.created,
                Outcome::Update => &mut counts.updated,
                Outcome::Skip => &mut counts.skipped,
                Outcome::Error => &mut counts.failed,
            };
            *place += 1;
        }
        counts
    }
}

/// What a row wrote: kept with the write itself, so that no row writes twice and all can be taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wrote {
    /// The number of the row.
    pub row: u32,
    /// The noun of the record.
    pub noun: String,
    /// The record.
    pub record: RecordId,
    /// The fields that a change changed, as they were before; `None` where the record was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Map<String, Value>>,
    /// The same fields after.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub after: Map<String, Value>,
    /// Once it was taken back: whether something of it stayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<bool>,
}

/// Fields whose parts are values of their own.
const DEEP: [&str; 3] = ["custom", "external_ids", "consent"];

impl Wrote {
    /// What differs between the editable forms of a record before and after a change.
    #[must_use]
    pub fn changed(row: u32, noun: &str, record: RecordId, (before, after): (&Value, &Value)) -> Self {
        let (mut was, mut is) = (Map::new(), Map::new());
        let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let (before, after) = (flat(&fields(before)), flat(&fields(after)));
        for (name, value) in &after {
            if before.get(name) != Some(value) {
                was.insert(name.clone(), before.get(name).cloned().unwrap_or_default());
                is.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in before.iter().filter(|(name, _)| !after.contains_key(name.as_str())) {
            was.insert(name.clone(), value.clone());
            is.insert(name.clone(), Value::Null);
        }
        Self {
            row,
            noun: noun.to_owned(),
            record,
            before: Some(was),
            after: is,
            kept: None,
        }
    }
}

/// Fields, with the parts of some by names of their own: `custom.size`.
fn flat(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in fields {
        match value {
            Value::Object(parts) if DEEP.contains(&name.as_str()) => {
                all.extend(
                    parts
                        .iter()
                        .map(|(part, value)| (format!("{name}.{part}"), value.clone())),
                );
            }
            value => {
                all.insert(name.clone(), value.clone());
            }
        }
    }
    all.retain(|_, value| !value.is_null());
    all
}

/// The merge patch that gives a record back what a row changed, field by field where the field still holds what the row
/// wrote, and whether others stay as they are now.
#[must_use]
pub fn taken_back(wrote: &Wrote, editable: &Value) -> (Value, bool) {
    let now = flat(&editable.as_object().cloned().unwrap_or_default());
    let (mut patch, mut kept) = (Map::new(), false);
    for (name, before) in wrote.before.iter().flatten() {
        let written = wrote.after.get(name).filter(|value| !value.is_null());
        if now.get(name) != written {
            // Who put the former value back himself leaves nothing to do.
            kept |= now.get(name) != Some(before).filter(|value| !value.is_null());
            continue;
        }
        match name.split_once('.').filter(|(group, _)| DEEP.contains(group)) {
            Some((group, part)) => {
                let group = patch.entry(group).or_insert_with(|| Value::Object(Map::new()));
                if let Some(group) = group.as_object_mut() {
                    group.insert(part.to_owned(), before.clone());
                }
            }
            None => {
                patch.insert(name.clone(), before.clone());
            }
        }
    }
    (Value::Object(patch), kept)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::Prefix;

    #[test]
    fn only_what_still_holds_what_the_import_wrote_goes_back() {
        let before = json!({"name": "Ann", "title": "Ms", "note": null, "custom": {"size": "1", "old": "x"}});
        let after = json!({"name": "Anna", "title": "Dr", "note": "new", "custom": {"size": "2"}});
        let wrote = Wrote::changed(2, "contact", RecordId::new(Prefix::Contact), (&before, &after));
        for (now, patch, kept) in [
            (
                after.clone(),
                json!({"name": "Ann", "title": "Ms", "note": null, "custom": {"size": "1", "old": "x"}}),
                false,
            ),
            (
                json!({"name": "Somebody", "title": "Dr", "note": "new", "custom": {"size": "3"}}),
                json!({"title": "Ms", "note": null, "custom": {"old": "x"}}),
                true,
            ),
            (before.clone(), json!({}), false),
        ] {
            assert_eq!(taken_back(&wrote, &now), (patch, kept), "{now}");
        }
        let mut back = after;
        let (patch, _) = taken_back(&wrote, &back);
        crate::record::merge_patch(&mut back, patch);
        crate::record::strip_nulls(&mut back);
        assert_eq!(
            back,
            json!({"name": "Ann", "title": "Ms", "custom": {"size": "1", "old": "x"}})
        );
    }

    #[test]
    fn an_order_of_several_rows_counts_once_and_all_its_rows_are_done() {
        use Outcome::{Create, Error, Skip, Update};
        let of = |(outcome, further): (Outcome, &[u32])| RowOutcome {
            row: 1,
            further: further.to_vec(),
            outcome,
            faults: Vec::new(),
        };
        for (outcomes, done, [created, updated, skipped, failed]) in [
            (&[][..], 0, [0; 4]),
            (&[(Create, &[2, 3][..]), (Create, &[])], 4, [2, 0, 0, 0]),
            (&[(Update, &[2]), (Update, &[]), (Update, &[])], 4, [0, 3, 0, 0]),
            (&[(Skip, &[]), (Error, &[2]), (Create, &[])], 4, [1, 0, 1, 1]),
        ] {
            let outcomes: Vec<RowOutcome> = outcomes.iter().copied().map(of).collect();
            let expected = ImportCounts {
                done,
                created,
                updated,
                skipped,
                failed,
                ..ImportCounts::default()
            };
            assert_eq!(RowOutcome::counts(&outcomes), expected, "{outcomes:?}");
        }
    }

    #[test]
    fn an_amount_of_money_goes_back_whole() {
        let value = |amount: &str| json!({"value": {"amount": amount, "currency": "USD"}});
        let (before, after) = (value("5"), value("7"));
        let wrote = Wrote::changed(2, "lead", RecordId::new(Prefix::Lead), (&before, &after));
        assert_eq!(wrote.before.as_ref(), before.as_object());
        assert_eq!(taken_back(&wrote, &after), (before, false));
    }
}

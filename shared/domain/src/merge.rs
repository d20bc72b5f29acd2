//! Merging records that turned out to be one, and taking that back.
//!
//! The record that stays wins; gaps are filled from the others in their order; lists, tags and external ids are united;
//! the caller may choose another record's value for single fields. Nothing is stored here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::id::RecordId;
use crate::invalid::Invalid;
use crate::record::{Common, Kind, Record, Rules, split, strip_nulls};

/// How long a merge can be undone, in days.
pub const UNDO_DAYS: i64 = 30;
/// So many records can be merged into one at a time.
pub const MOST: usize = 10;
/// A note that is joined with others is at most so long, in characters.
const MOST_NOTE: usize = 10_000;

/// A kind of record that can be merged.
pub trait Mergeable: Kind {
    /// The fields of its input that are lists, united entry by entry.
    const LISTS: &'static [&'static str];

    /// The external ids that came by merging beside `external_ids`.
    fn merged_external_ids(&mut self) -> &mut BTreeMap<String, BTreeSet<String>>;

    /// The fields of the input that stand for an entry of a list: `email` for the primary address.
    const SINGLES: &'static [&'static str] = &[];

    /// The value of one of [`Mergeable::SINGLES`].
    fn single(record: &Record<Self>, field: &str) -> Option<String> {
        let _ = (record, field);
        None
    }

    /// Adds to a record's input what its rules would derive, where that must not be taken for a gap.
    fn spell_out(&self, value: &mut Map<String, Value>) {
        let _ = value;
    }

    /// Takes out of another record's input what only makes sense together with something that is not taken.
    fn keep_together(ours: &Map<String, Value>, theirs: &mut Map<String, Value>) {
        let _ = (ours, theirs);
    }
}

/// A field in which the records differ.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Conflict {
    /// The field.
    pub field: String,
    /// Its value in each record that has one, by id.
    #[schema(value_type = Object)]
    pub values: BTreeMap<String, Value>,
    /// The record whose value is taken.
    pub chosen: String,
}

/// What a merge comes to.
#[derive(Clone, Debug)]
pub struct Merged<K> {
    /// The common part of the record that stays.
    pub common: Common,
    /// Its own part.
    pub body: K,
    /// Where the records differed.
    pub conflicts: Vec<Conflict>,
}

/// How far long work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// It has not begun.
    Queued,
    /// It is under way.
    Running,
    /// It is done.
    Done,
    /// It was given up.
    Failed,
    /// It was called off.
    Cancelled,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Moves what pointed at merged records to the one that stays.
    Merge,
    /// Moves it back.
    Unmerge,
}

/// The long work behind a merge, or behind undoing one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Job {
    /// `job_…`
    pub id: RecordId,
    /// Counts its changes, from 1.
    pub version: u64,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub status: JobStatus,
    /// The kind of record that was merged.
    pub noun: String,
    /// The record that stays.
    pub into: RecordId,
    /// The records merged into it.
    pub from: Vec<RecordId>,
    /// Those of them whose references are still being moved.
    pub pending: Vec<RecordId>,
    /// How many references were moved.
    pub moved: u64,
    /// The job that this one undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RecordId>,
    /// The job that undid this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<RecordId>,
    /// When it was started.
    #[serde(with = "crate::settings::millis")]
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// Who started it.
    pub created_by: String,
    /// When it was done.
    #[serde(
        default,
        with = "crate::settings::millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub finished_at: Option<Timestamp>,
}

impl Job {
    /// A job that has not begun.
    #[must_use]
    pub fn new(
        id: RecordId,
        kind: JobKind,
        noun: &str,
        into: RecordId,
        from: Vec<RecordId>,
        by: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            version: 1,
            kind,
            status: JobStatus::Queued,
            noun: noun.to_owned(),
            into,
            pending: from.clone(),
            from,
            moved: 0,
            undoes: None,
            undone_by: None,
            created_at: now,
            created_by: by.to_owned(),
            finished_at: None,
        }
    }

    /// Notes that `moved` more references of a merged record were moved, and whether those were the last.
    /// `None` when that changes nothing.
    #[must_use]
    pub fn advance(&self, from: RecordId, moved: u64, finished: bool, now: Timestamp) -> Option<Self> {
        let mut next = self.clone();
        next.moved += moved;
        if finished {
            next.pending.retain(|id| *id != from);
        }
        if self.status != JobStatus::Done {
            next.status = JobStatus::Running;
        }
        if next.pending.is_empty() && self.status != JobStatus::Done {
            next.status = JobStatus::Done;
            next.finished_at = Some(now);
        }
        if next == *self {
            return None;
        }
        next.version += 1;
        Some(next)
    }
}

/// Unites records into one. `fields` says for single fields from which record the value is taken.
///
/// # Errors
/// [`Invalid`] when a field or an id is unknown, or the result breaks a rule.
pub fn merged<K: Mergeable>(
    into: &Record<K>,
    from: &[Record<K>],
    fields: &BTreeMap<String, String>,
    rules: &Rules,
) -> Result<Merged<K>, Invalid> {
    let all: Vec<(String, Map<String, Value>)> = std::iter::once(into)
        .chain(from)
        .map(|record| Ok((record.meta.id.to_string(), editable(record)?)))
        .collect::<Result<_, Invalid>>()?;
    let mut aliases = into.body.clone();
    let aliases = aliases.merged_external_ids();
    for record in from {
        for (source, ids) in record.body.clone().merged_external_ids() {
            aliases.entry(source.clone()).or_default().append(ids);
        }
    }
    let (stays, others) = (&all[0], &all[1..]);
    let mut value = stays.1.clone();
    for (_, other) in others {
        let mut other = other.clone();
        K::keep_together(&value, &mut other);
        for (field, theirs) in &other {
            unite::<K>(&mut value, field, theirs, aliases);
        }
    }
    let mut conflicts = conflicts(into, from, &all);
    let mut invalid = Invalid::default();
    for (field, id) in fields {
        let place = format!("fields/{field}");
        let Some(n) = all.iter().position(|(known, _)| known == id) else {
            invalid.add(&place, "not_a_choice", "this is none of the records that are merged");
            continue;
        };
        let record = if n == 0 { into } else { &from[n - 1] };
        if K::SINGLES.contains(&field.as_str()) {
            if let Some(text) = K::single(record, field) {
                value.insert(field.clone(), Value::String(text));
            }
        } else if K::LISTS.contains(&field.as_str())
            || matches!(field.as_str(), "tags" | "external_ids" | "custom")
            || !all.iter().any(|(_, value)| value.contains_key(field))
        {
            invalid.add(
                &place,
                "not_a_choice",
                "only a field that has one value in these records can be chosen",
            );
        } else {
            match all[n].1.get(field) {
                Some(chosen) => value.insert(field.clone(), chosen.clone()),
                None => value.remove(field),
            };
        }
        if let Some(conflict) = conflicts.iter_mut().find(|conflict| conflict.field == *field) {
            conflict.chosen.clone_from(id);
        }
    }
    // A company that belonged to one it is merged with now belongs to none.
    let ids: Vec<&str> = all.iter().map(|(id, _)| id.as_str()).collect();
    if value
        .get("parent_id")
        .and_then(Value::as_str)
        .is_some_and(|parent| ids.contains(&parent))
    {
        value.remove("parent_id");
    }
    invalid.check()?;
    let aliases = std::mem::take(aliases);
    let (common, mut body) = revise(into, value, rules)?;
    *body.merged_external_ids() = aliases;
    Ok(Merged {
        common,
        body,
        conflicts,
    })
}

/// Takes a merge out of a record again: what came by merging goes, what was changed since stays.
///
/// # Errors
/// [`Invalid`] when the result breaks a rule.
pub fn unmerged<K: Mergeable>(
    before: &Record<K>,
    merged: &Record<K>,
    current: &Record<K>,
    rules: &Rules,
) -> Result<(Common, K), Invalid> {
    let (b, m, c) = (editable(before)?, editable(merged)?, editable(current)?);
    let value = match without(&Value::Object(b), &Value::Object(m), &Value::Object(c)) {
        Some(Value::Object(value)) => value,
        _ => Map::new(),
    };
    let (common, mut body) = revise(current, value, rules)?;
    let (was, came) = (
        before.body.clone().merged_external_ids().clone(),
        merged.body.clone().merged_external_ids().clone(),
    );
    let aliases = body.merged_external_ids();
    for (source, ids) in aliases.iter_mut() {
        let none = BTreeSet::new();
        let (was, came) = (was.get(source).unwrap_or(&none), came.get(source).unwrap_or(&none));
        ids.retain(|id| was.contains(id) || !came.contains(id));
    }
    aliases.retain(|_, ids| !ids.is_empty());
    Ok((common, body))
}

fn all_of<'a, K>(into: &'a Record<K>, from: &'a [Record<K>]) -> impl Iterator<Item = &'a Record<K>> {
    std::iter::once(into).chain(from)
}

/// A record as the whole input that would give it.
fn editable<K: Mergeable>(record: &Record<K>) -> Result<Map<String, Value>, Invalid> {
    let unfit = |error: serde_json::Error| Invalid::one("", "wrong_type", error.to_string());
    let mut value = serde_json::to_value(record.body.editable()).map_err(unfit)?;
    let common = serde_json::to_value(Common::from(record.meta.common.clone())).map_err(unfit)?;
    strip_nulls(&mut value);
    if let Some(map) = value.as_object_mut() {
        record.body.spell_out(map);
    }
    let mut map = Map::new();
    for part in [value, common] {
        if let Value::Object(part) = part {
            map.extend(part);
        }
    }
    Ok(map)
}

fn revise<K: Kind>(record: &Record<K>, value: Map<String, Value>, rules: &Rules) -> Result<(Common, K), Invalid> {
    let (mut common, input) = split::<K::In>(Value::Object(value))?;
    common.custom.retain(|key, _| {
        rules
            .fields
            .iter()
            .any(|field| Some(field.kind) == K::FIELDS && field.key == *key)
    });
    let mut invalid = Invalid::default();
    let common = invalid.take(common.check::<K>(rules));
    let body = invalid.take(record.body.revise(input, rules));
    match (common, body) {
        (Some(common), Some(body)) => Ok((common, body)),
        _ => Err(invalid),
    }
}

/// Adds one field of another record to what there is.
fn unite<K: Mergeable>(
    value: &mut Map<String, Value>,
    field: &str,
    theirs: &Value,
    aliases: &mut BTreeMap<String, BTreeSet<String>>,
) {
    if K::LISTS.contains(&field) || field == "tags" {
        let list = value.entry(field).or_insert_with(|| json!([]));
        let (Some(list), Some(theirs)) = (list.as_array_mut(), theirs.as_array()) else {
            return;
        };
        for entry in theirs {
            if list.iter().any(|known| identity(known) == identity(entry)) {
                continue;
            }
            let mut entry = entry.clone();
            if let (Some(entry), false) = (entry.as_object_mut(), list.is_empty()) {
                entry.insert("primary".to_owned(), Value::Bool(false));
            }
            list.push(entry);
        }
        return;
    }
    match field {
        "external_ids" => {
            let ids = value.entry(field).or_insert_with(|| json!({}));
            let (Some(ids), Some(theirs)) = (ids.as_object_mut(), theirs.as_object()) else {
                return;
            };
            for (source, id) in theirs {
                let known = ids.entry(source.clone()).or_insert_with(|| id.clone());
                if known != id
                    && let Some(id) = id.as_str()
                {
                    aliases.entry(source.clone()).or_default().insert(id.to_owned());
                }
            }
        }
        "custom" => {
            let custom = value.entry(field).or_insert_with(|| json!({}));
            if let (Some(custom), Some(theirs)) = (custom.as_object_mut(), theirs.as_object()) {
                for (key, theirs) in theirs {
                    custom.entry(key.clone()).or_insert_with(|| theirs.clone());
                }
            }
        }
        // The latest word on consent counts, whichever record it was noted on.
        "consent" => {
            let consent = value.entry(field).or_insert_with(|| json!({}));
            if let (Some(consent), Some(theirs)) = (consent.as_object_mut(), theirs.as_object()) {
                for (channel, theirs) in theirs {
                    let at = |value: &Value| value["at"].as_str().unwrap_or_default().to_owned();
                    let denied = |value: &Value| value["status"] == "denied";
                    let ours = consent.entry(channel.clone()).or_insert_with(|| theirs.clone());
                    if (at(theirs), denied(theirs)) > (at(ours), denied(ours)) {
                        *ours = theirs.clone();
                    }
                }
            }
        }
        // Whoever once asked to be left alone is left alone.
        "do_not_contact" => {
            let either = value.get(field) == Some(&Value::Bool(true)) || *theirs == Value::Bool(true);
            value.insert(field.to_owned(), Value::Bool(either));
        }
        "note" => {
            let joined = match (value.get(field).and_then(Value::as_str), theirs.as_str()) {
                (Some(ours), Some(theirs)) if ours.contains(theirs) => ours.to_owned(),
                (Some(ours), Some(theirs)) if ours.chars().count() + theirs.chars().count() + 2 <= MOST_NOTE => {
                    format!("{ours}\n\n{theirs}")
                }
                (Some(ours), _) => ours.to_owned(),
                (None, theirs) => theirs.unwrap_or_default().to_owned(),
            };
            value.insert(field.to_owned(), Value::String(joined));
        }
        _ => {
            value.entry(field).or_insert_with(|| theirs.clone());
        }
    }
}

/// What makes two entries of a list one: the address or number, else all but which is primary.
fn identity(entry: &Value) -> Value {
    let Some(map) = entry.as_object() else {
        return entry.clone();
    };
    for key in ["address", "number"] {
        if let Some(text) = map.get(key).and_then(Value::as_str) {
            return Value::String(text.to_lowercase());
        }
    }
    let mut map = map.clone();
    map.remove("primary");
    Value::Object(map)
}

/// The fields with one value each in which records differ.
fn conflicts<K: Mergeable>(
    into: &Record<K>,
    from: &[Record<K>],
    all: &[(String, Map<String, Value>)],
) -> Vec<Conflict> {
    let united = ["tags", "external_ids", "custom", "consent", "do_not_contact", "note"];
    let fields: BTreeSet<&str> = all
        .iter()
        .flat_map(|(_, value)| value.keys().map(String::as_str))
        .filter(|field| !K::LISTS.contains(field) && !united.contains(field))
        .chain(K::SINGLES.iter().copied())
        .collect();
    let value = |field: &str, n: usize, record: &Record<K>| match all[n].1.get(field) {
        Some(value) => Some(value.clone()),
        None => K::single(record, field).map(Value::String),
    };
    fields
        .into_iter()
        .filter_map(|field| {
            let values: Vec<(String, Value)> = all_of(into, from)
                .enumerate()
                .filter_map(|(n, record)| Some((all[n].0.clone(), value(field, n, record)?)))
                .collect();
            let (chosen, first) = values.first()?.clone();
            let same = |value: &Value| match (value, &first) {
                // Addresses that differ in case alone are one.
                (Value::String(a), Value::String(b)) if K::SINGLES.contains(&field) => {
                    a.to_lowercase() == b.to_lowercase()
                }
                (a, b) => a == b,
            };
            values.iter().any(|(_, value)| !same(value)).then(|| Conflict {
                field: field.to_owned(),
                values: values.into_iter().collect(),
                chosen,
            })
        })
        .collect()
}

/// `current` without what `merged` added to `before`: field by field, entry by entry. `None` for nothing at all.
fn without(before: &Value, merged: &Value, current: &Value) -> Option<Value> {
    if current == merged {
        return Some(before.clone()).filter(|value| !value.is_null());
    }
    match (before, merged, current) {
        (before, Value::Object(merged), Value::Object(current)) => {
            let fields: BTreeSet<&String> = before
                .as_object()
                .into_iter()
                .flat_map(Map::keys)
                .chain(current.keys())
                .collect();
            let map: Map<String, Value> = fields
                .into_iter()
                .filter_map(|field| {
                    let was = before.get(field).unwrap_or(&Value::Null);
                    let came = merged.get(field).unwrap_or(&Value::Null);
                    let is = current.get(field).unwrap_or(&Value::Null);
                    Some((field.clone(), without(was, came, is)?))
                })
                .collect();
            Some(Value::Object(map))
        }
        (before, Value::Array(merged), Value::Array(current)) => {
            let none = Vec::new();
            let before = before.as_array().unwrap_or(&none);
            let holds = |list: &[Value], entry: &Value| list.iter().any(|known| identity(known) == identity(entry));
            let kept = current
                .iter()
                .filter(|entry| holds(before, entry) || !holds(merged, entry))
                .cloned()
                .collect();
            Some(Value::Array(kept))
        }
        (_, _, current) => Some(current.clone()).filter(|value| !value.is_null()),
    }
}

/// The ids to merge, checked: of the right kind, at least one, not too many, not twice, not the one that stays.
///
/// # Errors
/// [`Invalid`] at `from`.
pub fn sources<K: Kind>(into: RecordId, from: &[String]) -> Result<Vec<RecordId>, Invalid> {
    let mut invalid = Invalid::default();
    let mut ids = Vec::new();
    if from.is_empty() || from.len() > MOST {
        invalid.add(
            "from",
            "out_of_range",
            format!("1 to {MOST} records can be merged at a time"),
        );
    }
    for (n, text) in from.iter().take(MOST).enumerate() {
        let place = format!("from/{n}");
        match RecordId::parse(K::PREFIX, text) {
            Err(error) => invalid.add(&place, "id_malformed", error.to_string()),
            Ok(id) if id == into || ids.contains(&id) => {
                invalid.add(&place, "not_a_choice", "a record is merged once, and not into itself");
            }
            Ok(id) => ids.push(id),
        }
    }
    invalid.check()?;
    Ok(ids)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::company::Company;
    use crate::contact::Contact;
    use crate::{Actor, Prefix};

    fn rules() -> Rules {
        Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: std::sync::Arc::default(),
            fields: std::sync::Arc::default(),
        }
    }

    fn record<K: Kind>(input: Value) -> Record<K> {
        let (common, input) = split::<K::In>(input).unwrap();
        let body = K::create(input, &rules()).unwrap();
        let actor = Actor::worker("test", "req");
        Record::new(RecordId::new(K::PREFIX), body, common, &actor, rules().now)
    }

    fn after(record: &Record<Contact>, merged: Merged<Contact>) -> Record<Contact> {
        record.next(merged.body, merged.common, &Actor::worker("test", "req"), rules().now)
    }

    #[test]
    fn gaps_are_filled_and_lists_united() {
        let into = record::<Contact>(
            json!({"name":"Ann Li","email":"a@b.co","tags":["x"],"external_ids":{"shop":"1"},"note":"tall"}),
        );
        let from = record::<Contact>(
            json!({"name":"A. Li","title":"Buyer","emails":[{"address":"A@b.co"},{"address":"c@d.ef"}],"phone":"+14155552671",
            "tags":["y"],"external_ids":{"shop":"2","erp":"9"},"note":"quick","do_not_contact":true}),
        );
        let merged = merged(&into, std::slice::from_ref(&from), &BTreeMap::new(), &rules()).unwrap();
        let body = &merged.body;
        assert_eq!((body.name.as_str(), body.title.as_deref()), ("Ann Li", Some("Buyer")));
        let emails: Vec<_> = body.emails.iter().map(|e| (e.address.as_str(), e.primary)).collect();
        assert_eq!(emails, [("a@b.co", true), ("c@d.ef", false)]);
        assert_eq!(body.phone.as_deref(), Some("+14155552671"));
        assert_eq!(body.note.as_deref(), Some("tall\n\nquick"));
        assert!(body.do_not_contact);
        assert_eq!(merged.common.tags.len(), 2);
        assert_eq!(
            merged.common.external_ids,
            BTreeMap::from([("shop".into(), "1".into()), ("erp".into(), "9".into())])
        );
        assert_eq!(
            body.merged_external_ids,
            BTreeMap::from([("shop".into(), BTreeSet::from(["2".to_owned()]))])
        );
        let conflicts: Vec<_> = merged
            .conflicts
            .iter()
            .map(|c| (c.field.as_str(), c.chosen == into.meta.id.to_string()))
            .collect();
        assert_eq!(conflicts, [("name", true)]);
    }

    #[test]
    fn the_caller_chooses_single_fields() {
        let into = record::<Contact>(json!({"name":"Ann","email":"a@b.co"}));
        let from = record::<Contact>(json!({"name":"Anna","email":"c@d.ef"}));
        let id = from.meta.id.to_string();
        let choose = |field: &str, id: &str| {
            merged(
                &into,
                std::slice::from_ref(&from),
                &BTreeMap::from([(field.to_owned(), id.to_owned())]),
                &rules(),
            )
        };
        assert_eq!(choose("name", &id).unwrap().body.name, "Anna");
        let body = choose("email", &id).unwrap().body;
        assert_eq!((body.email.unwrap().as_str(), body.emails.len()), ("c@d.ef", 2));
        let conflicts = choose("email", &id).unwrap().conflicts;
        let fields: Vec<_> = conflicts.iter().map(|c| (c.field.as_str(), c.chosen == id)).collect();
        assert_eq!(fields, [("email", true), ("name", false)]);
        assert!(choose("emails", &id).is_err());
        assert!(choose("nonsense", &id).is_err());
        assert!(choose("name", &RecordId::new(Prefix::Contact).to_string()).is_err());
    }

    #[test]
    fn a_name_and_its_parts_stay_together() {
        for (ours, theirs, expected) in [
            (
                json!({"given_name":"Ann","family_name":"Li"}),
                json!({"name":"Bob"}),
                ("Ann Li", Some("Ann")),
            ),
            (
                json!({"name":"Ann"}),
                json!({"given_name":"Bob","family_name":"Ro"}),
                ("Ann", None),
            ),
            (
                json!({"email":"a@b.co"}),
                json!({"given_name":"Bob","family_name":"Ro"}),
                ("Bob Ro", Some("Bob")),
            ),
            (
                json!({"name":"Bob Ro"}),
                json!({"given_name":"Bob","family_name":"Ro"}),
                ("Bob Ro", Some("Bob")),
            ),
        ] {
            let (into, from) = (record::<Contact>(ours), record::<Contact>(theirs));
            let body = merged(&into, &[from], &BTreeMap::new(), &rules()).unwrap().body;
            assert_eq!((body.name.as_str(), body.given_name.as_deref()), expected);
        }
    }

    #[test]
    fn the_latest_word_on_consent_counts() {
        let consent = |status: &str, at: &str| json!({"name":"A","consent":{"email":{"status":status,"at":at}}});
        for (ours, theirs, expected) in [
            (
                ("granted", "2026-02-01T00:00:00Z"),
                ("unknown", "2026-02-01T00:00:00Z"),
                "granted",
            ),
            (
                ("granted", "2026-01-01T00:00:00Z"),
                ("denied", "2026-02-01T00:00:00Z"),
                "denied",
            ),
            (
                ("granted", "2026-03-01T00:00:00Z"),
                ("denied", "2026-02-01T00:00:00Z"),
                "granted",
            ),
            (
                ("granted", "2026-02-01T00:00:00Z"),
                ("denied", "2026-02-01T00:00:00Z"),
                "denied",
            ),
        ] {
            let (into, from) = (
                record::<Contact>(consent(ours.0, ours.1)),
                record::<Contact>(consent(theirs.0, theirs.1)),
            );
            let merged = merged(&into, &[from], &BTreeMap::new(), &rules()).unwrap();
            let status = serde_json::to_value(merged.body.consent.email.unwrap().status).unwrap();
            assert_eq!(status, expected);
        }
    }

    #[test]
    fn undoing_takes_out_what_came_and_keeps_what_was_changed_since() {
        let into = record::<Contact>(json!({"name":"Ann","email":"a@b.co","tags":["x"],"external_ids":{"shop":"1"}}));
        let from = record::<Contact>(
            json!({"name":"Anna","email":"c@d.ef","title":"Buyer","tags":["y"],"external_ids":{"shop":"2","erp":"9"}}),
        );
        let united = after(&into, merged(&into, &[from], &BTreeMap::new(), &rules()).unwrap());
        let (common, body) = unmerged(&into, &united, &united, &rules()).unwrap();
        assert_eq!(
            (&body, &common),
            (&into.body, &Common::from(into.meta.common.clone())),
            "nothing was changed since"
        );
        let mut value = serde_json::to_value(united.body.editable()).unwrap();
        crate::record::merge_patch(
            &mut value,
            json!({"occupation":"Cook","phone":"+14155552671","title":"Chief"}),
        );
        let body = united
            .body
            .revise(serde_json::from_value(value).unwrap(), &rules())
            .unwrap();
        let mut common = Common::from(united.meta.common.clone());
        common.tags.insert("z".into());
        let current = united.next(body, common, &Actor::worker("test", "req"), rules().now);
        let (common, body) = unmerged(&into, &united, &current, &rules()).unwrap();
        assert_eq!(
            (body.occupation.as_deref(), body.title.as_deref()),
            (Some("Cook"), Some("Chief"))
        );
        assert_eq!(body.emails.len(), 1);
        assert_eq!(body.phones.len(), 1);
        assert_eq!(common.tags.into_iter().collect::<Vec<_>>(), ["x", "z"]);
        assert_eq!(common.external_ids, BTreeMap::from([("shop".into(), "1".into())]));
        assert!(body.merged_external_ids.is_empty());
    }

    #[test]
    fn a_company_does_not_become_its_own_parent() {
        let into = record::<Company>(json!({"name":"Acme"}));
        let child = record::<Company>(json!({"name":"Acme Inc","parent_id":into.meta.id.to_string()}));
        let merged = merged(&into, &[child], &BTreeMap::new(), &rules()).unwrap();
        assert_eq!(merged.body.parent_id, None);
    }

    #[test]
    fn a_job_is_done_when_all_are_moved_and_stays_done() {
        let id = |prefix| RecordId::new(prefix);
        let (into, a, b) = (id(Prefix::Contact), id(Prefix::Contact), id(Prefix::Contact));
        let now = rules().now;
        let job = Job::new(id(Prefix::Job), JobKind::Merge, "contact", into, vec![a, b], "usr", now);
        let steps = [
            (a, 3, false, JobStatus::Running),
            (a, 0, true, JobStatus::Running),
            (b, 1, true, JobStatus::Done),
        ];
        let job = steps.iter().fold(job, |job, (from, moved, finished, status)| {
            let job = job.advance(*from, *moved, *finished, now).unwrap();
            assert_eq!(job.status, *status);
            job
        });
        assert_eq!((job.moved, job.version, job.finished_at), (4, 4, Some(now)));
        assert_eq!(job.advance(b, 0, true, now), None, "a repetition changes nothing");
    }

    #[test]
    fn sources_are_checked() {
        let into = RecordId::new(Prefix::Contact);
        let other = RecordId::new(Prefix::Contact).to_string();
        let company = RecordId::new(Prefix::Company).to_string();
        for (from, good) in [
            (vec![other.clone()], true),
            (vec![], false),
            (vec![other.clone(), other.clone()], false),
            (vec![into.to_string()], false),
            (vec![company], false),
            (vec![other; 11], false),
        ] {
            assert_eq!(sources::<Contact>(into, &from).is_ok(), good, "{from:?}");
        }
    }

    #[test]
    fn custom_values_fill_gaps_and_those_no_longer_declared_are_dropped() {
        let field = |kind, key: &str| crate::custom::Field {
            kind,
            key: key.to_owned(),
            label: key.to_owned(),
            r#type: crate::custom::FieldType::Text,
            required: false,
            unique: false,
            choices: vec![],
        };
        let rules = Rules {
            fields: std::sync::Arc::new(vec![
                field(crate::custom::FieldKind::Contact, "size"),
                field(crate::custom::FieldKind::Contact, "shade"),
                field(crate::custom::FieldKind::Lead, "gone"),
            ]),
            ..rules()
        };
        let into = record::<Contact>(json!({"name":"Ann","custom":{"size":"S","gone":"x"}}));
        let from = record::<Contact>(json!({"name":"Ann","custom":{"size":"L","shade":"red"}}));
        let merged = merged(&into, &[from], &BTreeMap::new(), &rules).unwrap();
        assert_eq!(json!(merged.common.custom), json!({"size":"S","shade":"red"}));
    }

    #[test]
    fn notes_are_joined_unless_that_says_nothing_new_or_is_too_long() {
        let long = |c: &str, length| c.repeat(length);
        for (ours, theirs, joined) in [
            ("tall and quick".to_owned(), "quick".to_owned(), false),
            ("quick".to_owned(), "tall and quick".to_owned(), true),
            (long("x", 6_000), long("李", 3_998), true),
            (long("x", 6_000), long("李", 3_999), false),
        ] {
            let into = record::<Contact>(json!({"name":"Ann","note":ours}));
            let from = record::<Contact>(json!({"name":"Ann","note":theirs}));
            let note = merged(&into, &[from], &BTreeMap::new(), &rules()).unwrap().body.note;
            let expected = if joined { format!("{ours}\n\n{theirs}") } else { ours };
            assert_eq!(note, Some(expected));
        }
    }

    #[test]
    fn records_conflict_where_both_say_something_and_it_differs() {
        let into = record::<Contact>(json!({"name":"Ann","email":"a@b.co","title":"Buyer"}));
        let from = record::<Contact>(json!({"name":"ANN","email":"A@b.co","occupation":"Cook"}));
        let conflicts = merged(&into, &[from], &BTreeMap::new(), &rules()).unwrap().conflicts;
        let fields: Vec<_> = conflicts.iter().map(|conflict| conflict.field.as_str()).collect();
        assert_eq!(fields, ["name"]);
        let into = record::<Company>(json!({"name":"Acme"}));
        let from = record::<Company>(json!({"name":"Acme","industry":"Tea"}));
        let merged = merged(&into, &[from], &BTreeMap::new(), &rules()).unwrap();
        assert_eq!(
            (merged.conflicts, merged.body.industry.as_deref()),
            (vec![], Some("Tea"))
        );
    }

    #[test]
    fn undoing_leaves_what_came_by_an_earlier_merge() {
        let mut into = record::<Contact>(json!({"name":"Ann","external_ids":{"shop":"1"}}));
        let earlier = BTreeMap::from([("shop".to_owned(), BTreeSet::from(["0".to_owned()]))]);
        into.body.merged_external_ids.clone_from(&earlier);
        let from = record::<Contact>(json!({"name":"Ann","external_ids":{"shop":"2"}}));
        let united = after(&into, merged(&into, &[from], &BTreeMap::new(), &rules()).unwrap());
        assert_eq!(united.body.merged_external_ids["shop"].len(), 2);
        let (_, body) = unmerged(&into, &united, &united, &rules()).unwrap();
        assert_eq!(body.merged_external_ids, earlier);
    }

    #[test]
    fn a_record_whose_references_are_all_moved_is_pending_no_more() {
        let [into, a, b] = [(); 3].map(|()| RecordId::new(Prefix::Contact));
        let now = rules().now;
        let job = Job::new(
            RecordId::new(Prefix::Job),
            JobKind::Merge,
            "contact",
            into,
            vec![a, b],
            "usr",
            now,
        );
        for (from, finished, pending) in [(a, false, vec![a, b]), (a, true, vec![b]), (b, true, vec![a])] {
            assert_eq!(job.advance(from, 1, finished, now).unwrap().pending, pending);
        }
    }
}

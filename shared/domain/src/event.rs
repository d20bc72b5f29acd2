//! Events: what happened, as the difference between two versions of a record.
//!
//! [`between`] is the one place that knows which change is which event. Nobody who writes a record announces it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::actor::Via;
use crate::id::{Prefix, RecordId};

/// The nouns whose records are told of by `created`, `updated`, `deleted`, `restored` and `merged`.
pub const NOUNS: [&str; 9] = [
    "lead",
    "contact",
    "company",
    "product",
    "order",
    "ticket",
    "survey",
    "survey_invitation",
    "win_back",
];

/// The nouns whose records add to reports.
pub const REPORTED: [&str; 5] = ["order", "contact", "company", "product", "ticket"];

/// The verbs that every noun has.
pub const VERBS: [&str; 5] = ["created", "updated", "deleted", "restored", "merged"];

/// The types of event beyond those.
pub const PARTICULAR: [&str; 20] = [
    "lead.converted",
    "order.placed",
    "order.paid",
    "order.fulfilled",
    "order.cancelled",
    "order.returned",
    "payment.received",
    "payment.refunded",
    "ticket.opened",
    "ticket.replied",
    "ticket.resolved",
    "ticket.reopened",
    "ticket.escalated",
    "ticket.breached",
    "contact.segment_changed",
    "contact.churn_alert",
    "contact.lifecycle_changed",
    "survey.sent",
    "survey.answered",
    "webhook.test",
];

/// Whether there can be events of this type.
#[must_use]
pub fn is_type(text: &str) -> bool {
    PARTICULAR.contains(&text)
        || text
            .split_once('.')
            .is_some_and(|(noun, verb)| NOUNS.contains(&noun) && VERBS.contains(&verb))
}

/// Whether a text may stand for types of event: a type, `<noun>.*` or `*`.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    let known =
        |noun: &str| NOUNS.contains(&noun) || PARTICULAR.iter().any(|kind| kind.starts_with(&format!("{noun}.")));
    text == "*" || text.strip_suffix(".*").map_or_else(|| is_type(text), known)
}

/// Whether a type is among those that patterns stand for; no patterns stand for all.
#[must_use]
pub fn matches(patterns: &[String], kind: &str) -> bool {
    patterns.is_empty()
        || patterns.iter().any(|pattern| {
            pattern == "*"
                || pattern == kind
                || pattern
                    .strip_suffix('*')
                    .is_some_and(|start| start.ends_with('.') && kind.starts_with(start))
        })
}

/// One version of a record in the log: what became of it, and the events that this was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The noun: `order`.
    pub noun: String,
    /// The record's id; of a score, the contact's.
    pub subject: String,
    /// The version it got.
    pub version: u64,
    /// The types of event, most general first.
    pub types: Vec<String>,
    /// When it was changed.
    #[serde(with = "crate::settings::millis")]
    pub time: Timestamp,
    /// The record as it became.
    pub data: Value,
    /// The fields that changed, as they were.
    pub previous: Map<String, Value>,
    /// Who changed it.
    pub actor: String,
    /// Through what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// One event, as the feed and webhooks tell it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Event {
    /// Its id: the same however often the event is told.
    pub id: RecordId,
    /// What happened: `order.paid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    #[serde(with = "crate::settings::millis")]
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// To which record.
    pub subject: String,
    /// The version the record got by it.
    pub version: u64,
    /// The record as it became.
    #[schema(value_type = Object)]
    pub data: Value,
    /// The fields that changed, as they were; null where there was none.
    #[schema(value_type = Object)]
    pub previous: Map<String, Value>,
}

/// The id of an event, derived from what makes it one.
#[must_use]
pub fn id(subject: &str, version: u64, kind: &str, time: Timestamp) -> RecordId {
    RecordId::derived(Prefix::Event, time, &format!("{subject}\n{version}\n{kind}"))
}

impl Entry {
    /// The entry of a change, or nothing when it concerns nobody. `None` also when the record does not say its version.
    #[must_use]
    pub fn new(noun: &str, subject: &str, old: Option<&Value>, new: Value) -> Option<Self> {
        let Change { types, previous } = between(noun, old, &new);
        if types.is_empty() {
            return None;
        }
        let time = ["updated_at", "scored_at", "created_at"]
            .iter()
            .find_map(|field| text(Some(&new), field).parse().ok())
            .unwrap_or(Timestamp::UNIX_EPOCH);
        Some(Self {
            noun: noun.to_owned(),
            subject: subject.to_owned(),
            version: new.get("version").and_then(Value::as_u64)?,
            types,
            time,
            actor: text(Some(&new), "updated_by").to_owned(),
            via: new
                .get("updated_via")
                .and_then(|via| serde_json::from_value(via.clone()).ok()),
            data: new,
            previous,
        })
    }

    /// Its events.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let event = |kind: &String| Event {
            id: id(&self.subject, self.version, kind, self.time),
            kind: kind.clone(),
            time: self.time,
            subject: self.subject.clone(),
            version: self.version,
            data: self.data.clone(),
            previous: self.previous.clone(),
        };
        self.types.iter().map(event).collect()
    }

    /// The contact whose timeline this belongs to, if any.
    #[must_use]
    pub fn contact(&self) -> Option<&str> {
        if self.noun == "contact" {
            return Some(&self.subject);
        }
        self.data.get("contact_id").and_then(Value::as_str)
    }
}

/// Fields that change with every version and so say nothing of a change.
const BOOKKEEPING: [&str; 5] = ["version", "updated_at", "updated_by", "updated_via", "deleted_at"];

/// One version of a record becoming the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The types of event it amounts to, most general first: `order.created`, `order.placed`, `order.paid`.
    pub types: Vec<String>,
    /// The fields that changed, as they were before. Fields that are new are null.
    pub previous: Map<String, Value>,
}

/// The events that lead from one version of a record to the next. Empty when nothing happened that concerns anybody.
#[must_use]
pub fn between(noun: &str, old: Option<&Value>, new: &Value) -> Change {
    let deleted = |value: &Value| value.get("deleted_at").is_some_and(|at| !at.is_null());
    let merged = |value: &Value| value.get("merged_into").is_some_and(|id| !id.is_null());
    let previous = old.map(|old| previous(old, new)).unwrap_or_default();
    let general = match old {
        None => Some("created"),
        Some(old) if merged(new) && !merged(old) => Some("merged"),
        Some(old) if deleted(new) && !deleted(old) => Some("deleted"),
        Some(old) if deleted(old) && !deleted(new) => Some("restored"),
        Some(_) if previous.is_empty() => None,
        Some(_) => Some("updated"),
    };
    let mut types: Vec<String> = general
        .iter()
        .filter(|_| noun != "score")
        .map(|verb| format!("{noun}.{verb}"))
        .collect();
    if general.is_some() && !deleted(new) {
        types.extend(particular(noun, old, new).into_iter().map(str::to_owned));
    }
    Change { types, previous }
}

fn text<'a>(value: Option<&'a Value>, field: &str) -> &'a str {
    value
        .and_then(|value| value.get(field))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The events of a noun beyond created, updated and deleted.
fn particular(noun: &str, old: Option<&Value>, new: &Value) -> Vec<&'static str> {
    let became = |field: &str, value: &str| text(Some(new), field) == value && text(old, field) != value;
    let count = |value: Option<&Value>, field: &str| {
        value
            .and_then(|v| v.get(field))
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
    };
    let set = |field: &str| new.get(field).is_some() && old.and_then(|old| old.get(field)).is_none();
    let mut types = Vec::new();
    let mut when = |holds: bool, event: &'static str| {
        if holds {
            types.push(event);
        }
    };
    match noun {
        "lead" => when(became("status", "converted"), "lead.converted"),
        "order" => {
            // An order that arrives already paid or fulfilled was placed all the same.
            let placed = |status: &str| matches!(status, "placed" | "fulfilled" | "returned");
            when(
                placed(text(Some(new), "status")) && !placed(text(old, "status")),
                "order.placed",
            );
            let before = count(old, "payments");
            let fresh = new
                .get("payments")
                .and_then(Value::as_array)
                .map_or(&[][..], |all| all.get(before..).unwrap_or_default());
            let refund = |payment: &Value| {
                payment
                    .get("amount")
                    .map_or("", |a| a.as_str().or_else(|| a.get("amount")?.as_str()).unwrap_or(""))
                    .starts_with('-')
            };
            when(fresh.iter().any(|payment| !refund(payment)), "payment.received");
            when(fresh.iter().any(refund), "payment.refunded");
            let paid = |status: &str| matches!(status, "paid" | "credit");
            when(
                paid(text(Some(new), "payment_status")) && !paid(text(old, "payment_status")),
                "order.paid",
            );
            when(became("status", "fulfilled"), "order.fulfilled");
            when(became("status", "cancelled"), "order.cancelled");
            when(became("status", "returned"), "order.returned");
        }
        "ticket" => {
            when(old.is_none(), "ticket.opened");
            let messages = |value: Option<&Value>| {
                value
                    .and_then(|v| v.get("message_count"))
                    .and_then(Value::as_u64)
                    .unwrap_or(0)
            };
            when(old.is_some() && messages(Some(new)) > messages(old), "ticket.replied");
            let done = |status: &str| matches!(status, "resolved" | "closed");
            when(became("status", "resolved"), "ticket.resolved");
            when(
                old.is_some() && done(text(old, "status")) && !done(text(Some(new), "status")),
                "ticket.reopened",
            );
            let level = |value: Option<&Value>| {
                value
                    .and_then(|v| v.get("escalation_level"))
                    .and_then(Value::as_u64)
                    .unwrap_or(0)
            };
            when(level(Some(new)) > level(old), "ticket.escalated");
            when(count(Some(new), "breached") > count(old, "breached"), "ticket.breached");
        }
        "score" => {
            let segment = |value: Option<&Value>| value.and_then(|v| v.pointer("/rfm/segment")).cloned();
            // The first score of a customer is no change: the order that made him one was the event.
            when(
                old.is_some() && segment(old).is_some() && segment(old) != segment(Some(new)),
                "contact.segment_changed",
            );
            let alert = |value: Option<&Value>| {
                value
                    .and_then(|v| v.pointer("/churn/alert"))
                    .and_then(Value::as_bool)
                    .unwrap_or(false)
            };
            when(old.is_some() && alert(Some(new)) && !alert(old), "contact.churn_alert");
            // A first score that was never ranked is that of a purchase just made: a lead became a customer. One with
            // ranks comes of a recompute, which finds a stage and changes none.
            let ranked = new.pointer("/rfm/cell").is_some();
            let stage = text(Some(new), "lifecycle");
            when(
                !stage.is_empty() && stage != text(old, "lifecycle") && (old.is_some() || !ranked),
                "contact.lifecycle_changed",
            );
        }
        "survey_invitation" => {
            when(set("sent_at"), "survey.sent");
            when(
                set("answered_at") || (old.is_some() && text(Some(new), "answered_at") != text(old, "answered_at")),
                "survey.answered",
            );
        }
        _ => {}
    }
    types
}

/// The fields of `old` that `new` changes, as they were; null for those that `new` adds.
fn previous(old: &Value, new: &Value) -> Map<String, Value> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return Map::new();
    };
    let changed = old
        .iter()
        .filter(|(name, value)| new.get(*name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()));
    let added = new
        .keys()
        .filter(|name| !old.contains_key(*name))
        .map(|name| (name.clone(), Value::Null));
    changed
        .chain(added)
        .filter(|(name, _)| !BOOKKEEPING.contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_is_its_events() {
        let cases = [
            ("lead", None, json!({"status":"new"}), vec!["lead.created"]),
            (
                "lead",
                Some(json!({"status":"new","version":1})),
                json!({"status":"new","version":2}),
                vec![],
            ),
            (
                "lead",
                Some(json!({"status":"new"})),
                json!({"status":"converted"}),
                vec!["lead.updated", "lead.converted"],
            ),
            ("lead", Some(json!({})), json!({"deleted_at":"x"}), vec!["lead.deleted"]),
            (
                "lead",
                Some(json!({"a":1})),
                json!({"a":2,"deleted_at":"x"}),
                vec!["lead.deleted"],
            ),
            (
                "lead",
                Some(json!({"deleted_at":"x"})),
                json!({}),
                vec!["lead.restored"],
            ),
            (
                "lead",
                Some(json!({"status":"new"})),
                json!({"status":"converted","deleted_at":"x"}),
                vec!["lead.deleted"],
            ),
            (
                "contact",
                Some(json!({"merged_into":null})),
                json!({"merged_into":"con_1","deleted_at":"x"}),
                vec!["contact.merged"],
            ),
            (
                "contact",
                Some(json!({"merged_into":"con_1","deleted_at":"x","a":1})),
                json!({"merged_into":"con_1","deleted_at":"x","a":2}),
                vec!["contact.updated"],
            ),
            ("order", None, json!({"status":"draft"}), vec!["order.created"]),
            (
                "order",
                None,
                json!({"status":"fulfilled","payment_status":"paid","payments":[{"amount":"5"}]}),
                vec![
                    "order.created",
                    "order.placed",
                    "payment.received",
                    "order.paid",
                    "order.fulfilled",
                ],
            ),
            (
                "order",
                Some(json!({"status":"placed","payments":[{"amount":"5"}]})),
                json!({"status":"placed","payments":[{"amount":"5"},{"amount":"-5"}]}),
                vec!["order.updated", "payment.refunded"],
            ),
            (
                "ticket",
                None,
                json!({"status":"new","message_count":1}),
                vec!["ticket.created", "ticket.opened"],
            ),
            (
                "ticket",
                Some(json!({"status":"resolved"})),
                json!({"status":"open","message_count":2}),
                vec!["ticket.updated", "ticket.replied", "ticket.reopened"],
            ),
            (
                "ticket",
                Some(json!({"status":"open","escalation_level":1,"breached":["first_response"]})),
                json!({"status":"resolved","escalation_level":2,"breached":["first_response","resolution"]}),
                vec![
                    "ticket.updated",
                    "ticket.resolved",
                    "ticket.escalated",
                    "ticket.breached",
                ],
            ),
            (
                "ticket",
                Some(json!({"escalation_level":2,"breached":["resolution"]})),
                json!({"escalation_level":1,"breached":[]}),
                vec!["ticket.updated"],
            ),
            (
                "survey_invitation",
                Some(json!({"status":"pending"})),
                json!({"status":"sent","sent_at":"x"}),
                vec!["survey_invitation.updated", "survey.sent"],
            ),
            (
                "survey_invitation",
                Some(json!({"sent_at":"x"})),
                json!({"sent_at":"x","answered_at":"y"}),
                vec!["survey_invitation.updated", "survey.answered"],
            ),
            (
                "survey_invitation",
                Some(json!({"sent_at":"x","answered_at":"y"})),
                json!({"sent_at":"x","answered_at":"z"}),
                vec!["survey_invitation.updated", "survey.answered"],
            ),
            (
                "survey_invitation",
                Some(json!({"sent_at":"x","answered_at":"y"})),
                json!({"sent_at":"x","answered_at":"y","complaint_id":"tic_1"}),
                vec!["survey_invitation.updated"],
            ),
            (
                "score",
                None,
                json!({"rfm":{"segment":"loyal"},"churn":{"alert":true}}),
                vec![],
            ),
            (
                "score",
                Some(json!({"rfm":{"segment":"loyal"},"churn":{"alert":false}})),
                json!({"rfm":{"segment":"lost"},"churn":{"alert":true}}),
                vec!["contact.segment_changed", "contact.churn_alert"],
            ),
            (
                "score",
                None,
                json!({"lifecycle":"customer"}),
                vec!["contact.lifecycle_changed"],
            ),
            (
                "score",
                None,
                json!({"lifecycle":"customer","rfm":{"cell":"555"}}),
                vec![],
            ),
            (
                "score",
                Some(json!({"lifecycle":"lost"})),
                json!({"lifecycle":"won_back"}),
                vec!["contact.lifecycle_changed"],
            ),
            (
                "score",
                Some(json!({"lifecycle":"loyal","as_of":"2026-01-01"})),
                json!({"lifecycle":"loyal","as_of":"2026-01-02"}),
                vec![],
            ),
        ];
        for (noun, old, new, expected) in cases {
            let types = between(noun, old.as_ref(), &new).types;
            assert_eq!(types, expected, "{noun} {old:?} {new}");
            assert!(types.iter().all(|kind| is_type(kind)), "{types:?}");
        }
    }

    #[test]
    fn patterns_stand_for_types() {
        for (pattern, good, kind, hit) in [
            ("*", true, "lead.created", true),
            ("lead.*", true, "lead.created", true),
            ("lead.*", true, "order.created", false),
            ("payment.*", true, "payment.received", true),
            ("order.paid", true, "order.paid", true),
            ("order.paid", true, "order.placed", false),
            ("order", false, "order.paid", false),
            ("order.", false, "order.paid", false),
            ("order*", false, "order.paid", false),
            ("deal.*", false, "order.paid", false),
            ("order.sold", false, "order.paid", false),
        ] {
            assert_eq!(is_pattern(pattern), good, "{pattern}");
            assert_eq!(matches(&[pattern.to_owned()], kind), hit, "{pattern} {kind}");
        }
        assert!(matches(&[], "lead.created"));
    }

    #[test]
    fn an_entry_tells_the_same_events_each_time() {
        let new = json!({"id":"ord_1","version":2,"status":"placed","updated_at":"2026-11-22T00:00:00.000Z",
            "updated_by":"usr_1","updated_via":"console","contact_id":"con_1"});
        let entry = Entry::new(
            "order",
            "ord_1",
            Some(&json!({"status":"draft","version":1})),
            new.clone(),
        );
        let again = Entry::new("order", "ord_1", Some(&json!({"status":"draft","version":1})), new);
        assert_eq!(entry, again);
        let events = entry.as_ref().map(Entry::events).unwrap_or_default();
        let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["order.updated", "order.placed"]);
        assert_ne!(events[0].id, events[1].id);
        assert_eq!(entry.as_ref().and_then(Entry::contact), Some("con_1"));
        assert_eq!(Entry::new("score", "con_1", None, json!({"version":1})), None);
    }

    #[test]
    fn previous_names_what_changed_and_only_that() {
        let change = between(
            "lead",
            Some(&json!({"a":1,"b":2,"version":1})),
            &json!({"a":1,"b":3,"c":4,"version":2}),
        );
        assert_eq!(Value::Object(change.previous), json!({"b":2,"c":null}));
    }
}

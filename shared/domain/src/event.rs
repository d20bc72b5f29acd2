//! Events: what happened, as the difference between two versions of a record.
//!
//! [`between`] is the one place that knows which change is which event. Nobody who writes a record announces it.

use serde_json::{Map, Value};

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
        ];
        for (noun, old, new, expected) in cases {
            assert_eq!(
                between(noun, old.as_ref(), &new).types,
                expected,
                "{noun} {old:?} {new}"
            );
        }
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

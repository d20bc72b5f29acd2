//! From a record of the stream to an entry of the log.

use aws_lambda_events::dynamodb::EventRecord;
use rapport_domain::TenantId;
use rapport_domain::event::Entry;
use rapport_store::key::tenant_of;
use rapport_store::records::QUIET;
use serde_json::Value;

/// A change that concerns somebody.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// Whose record it is.
    pub(crate) tenant: TenantId,
    /// What became of it.
    pub(crate) entry: Entry,
    /// Whether it is no news: put back by an archive, which brings the events with it, or emptied of a person.
    pub(crate) quiet: bool,
}

/// Reads a change. `None` for items that are no records, for final removals, and for changes that are no event.
pub(crate) fn change(record: &EventRecord) -> Result<Option<Change>, String> {
    let (new, old) = (&record.change.new_image, &record.change.old_image);
    let text = |name: &str| match new.get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => Some(text.as_str()),
        _ => None,
    };
    let (Some(pk), Some(sk), Some(noun), Some(doc)) = (text("pk"), text("sk"), text("kind"), text("doc")) else {
        return Ok(None);
    };
    if record.event_name == "REMOVE" || !new.contains_key("v") {
        return Ok(None);
    }
    let Some(tenant) = tenant_of(pk) else { return Ok(None) };
    let quiet = new.contains_key(QUIET);
    let parse = |doc: &str| {
        serde_json::from_str::<Value>(doc).map_err(|error| format!("the record {sk} is unreadable: {error}"))
    };
    let old = match old.get("doc") {
        Some(serde_dynamo::AttributeValue::S(doc)) => Some(parse(doc)?),
        _ => None,
    };
    let new = parse(doc)?;
    // A score has no events of its own: what it says happened to the contact.
    let subject = match noun {
        "score" => new.get("contact_id").and_then(Value::as_str).unwrap_or(sk).to_owned(),
        _ => sk.to_owned(),
    };
    Ok(Entry::new(noun, &subject, old.as_ref(), new).map(|entry| Change { tenant, entry, quiet }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[allow(clippy::needless_pass_by_value, reason = "a table of literals reads better")]
    fn record(name: &str, new: Value, old: Value) -> EventRecord {
        let json = json!({"awsRegion":"us-east-1","eventID":"1","eventName":name,"dynamodb":{
            "ApproximateCreationDateTime":0,"SequenceNumber":"1","SizeBytes":1,"NewImage":new,"OldImage":old,"Keys":{}}});
        serde_json::from_value(json).unwrap()
    }

    fn image(tenant: TenantId, kind: &str, id: &str, version: u64, doc: &Value) -> Value {
        json!({"pk":{"S":format!("{tenant}#{kind}")},"sk":{"S":id},"kind":{"S":kind},"v":{"N":version.to_string()},"doc":{"S":doc.to_string()}})
    }

    #[test]
    fn only_changes_of_records_are_events() {
        let tenant = TenantId::new();
        let lead = |version: u64| json!({"id":"lead_1","version":version,"name":version.to_string(),"updated_at":"2026-11-22T00:00:00.000Z"});
        let row = |version: u64| image(tenant, "lead", "lead_1", version, &lead(version));
        let score = |version: u64, segment: &str| {
            let doc = json!({"version":version,"contact_id":"con_1","rfm":{"segment":segment},"scored_at":"2026-11-22T00:00:00.000Z"});
            image(tenant, "score", "con_1", version, &doc)
        };
        let guard =
            json!({"pk":{"S":format!("{tenant}#unique#lead#email#a@b.co")},"sk":{"S":"-"},"holder":{"S":"lead_1"}});
        for (name, new, old, expected) in [
            ("INSERT", row(1), json!({}), Some(("lead_1", vec!["lead.created"]))),
            ("MODIFY", row(2), row(1), Some(("lead_1", vec!["lead.updated"]))),
            ("MODIFY", row(1), row(1), None),
            ("REMOVE", json!({}), row(1), None),
            ("INSERT", guard, json!({}), None),
            ("INSERT", score(1, "new"), json!({}), None),
            (
                "MODIFY",
                score(2, "lost"),
                score(1, "new"),
                Some(("con_1", vec!["contact.segment_changed"])),
            ),
        ] {
            let found = change(&record(name, new.clone(), old)).unwrap();
            let found = found.map(|change| (change.tenant, change.entry.subject, change.entry.types));
            let owned = |types: Vec<&str>| types.into_iter().map(str::to_owned).collect::<Vec<_>>();
            let expected = expected.map(|(subject, types)| (tenant, subject.to_owned(), owned(types)));
            assert_eq!(found, expected, "{name} {new}");
        }
        let mut broken = row(1);
        broken["doc"]["S"] = "{".into();
        assert!(change(&record("INSERT", broken, json!({}))).is_err());
    }
}

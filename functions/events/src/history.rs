//! `GET /v1/<plural>/{id}/history`: the audit of a record, and the record as it was.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use rapport_domain::event::Entry;
use rapport_domain::{Prefix, settings::millis};
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Area, Caller, Params, Problem, respond};
use rapport_runtime::App;
use serde_json::{Value, json};

/// A kind of record that has a history.
#[derive(Clone, Copy)]
pub(crate) struct HistoryOf {
    /// The noun.
    pub(crate) noun: &'static str,
    /// The plural, as in the path.
    pub(crate) plural: &'static str,
    /// The area of permissions.
    pub(crate) area: Area,
    prefix: Prefix,
}

const fn of(noun: &'static str, plural: &'static str, area: Area, prefix: Prefix) -> HistoryOf {
    HistoryOf {
        noun,
        plural,
        area,
        prefix,
    }
}

/// The kinds.
pub(crate) const KINDS: [HistoryOf; 6] = [
    of("lead", "leads", Area::Leads, Prefix::Lead),
    of("contact", "contacts", Area::Contacts, Prefix::Contact),
    of("company", "companies", Area::Contacts, Prefix::Company),
    of("order", "orders", Area::Orders, Prefix::Order),
    of("product", "products", Area::Products, Prefix::Product),
    of("ticket", "tickets", Area::Tickets, Prefix::Ticket),
];

/// The handler of one kind.
pub(crate) fn handler(
    kind: HistoryOf,
) -> impl Fn(State<App>, Caller, Path<String>, Params) -> futures::future::BoxFuture<'static, Result<Response, Problem>>
+ Clone
+ Send
+ Sync
+ 'static {
    move |State(app), caller, Path(text), params| Box::pin(history(app, caller, kind, text, params))
}

async fn history(app: App, caller: Caller, kind: HistoryOf, text: String, params: Params) -> Result<Response, Problem> {
    params.only(&["limit", "cursor", "as_of"])?;
    let subject = id(kind.prefix, &text)?.to_string();
    let limit = params.number("limit", 50, 1, 200)?;
    if let Some(text) = params.get("as_of") {
        let at: Timestamp = text
            .parse()
            .map_err(|_| Problem::new(Code::Malformed).detail("as_of takes a time such as 2026-11-22T08:00:00Z"))?;
        let entry = app.store.entry_at(caller.tenant, &subject, at).await?;
        return Ok(respond::record(
            StatusCode::OK,
            entry.data.to_string(),
            entry.version,
            None,
        ));
    }
    let path = format!("{}/{subject}/history", kind.plural);
    let after = cursor(&app, &caller, &path, &params)?;
    let first = after.is_none();
    let page = app
        .store
        .history(caller.tenant, &subject, limit, after.as_ref())
        .await?;
    if first && page.entries.is_empty() {
        // Whoever exists was created, which is in the history: another tenant's record and none look alike.
        return Err(Problem::not_found());
    }
    let rows: Vec<String> = page
        .entries
        .iter()
        .map(|found| version(&found.entry).to_string())
        .collect();
    let next = page.next.map(|next| link(&app, &caller, &path, &path, &params, &next));
    Ok(respond::page(rows.iter().map(String::as_str), next))
}

/// One version: who made it of the one before, and how.
fn version(entry: &Entry) -> Value {
    let changes: Vec<Value> = entry
        .previous
        .iter()
        .map(|(field, old)| json!({"field": field, "old": old, "new": entry.data.get(field)}))
        .collect();
    json!({
        "version": entry.version,
        "time": millis::text(entry.time),
        "actor": entry.actor,
        "via": entry.via,
        "types": entry.types,
        "changes": changes,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_version_says_what_changed() {
        let json = json!({"noun":"lead","subject":"lead_1","version":2,"types":["lead.updated"],"time":"2026-11-22T00:00:00Z",
            "data":{"name":"B","phone":"+1"},"previous":{"name":"A","email":"a@b.co","phone":null},"actor":"usr_1","via":"console"});
        let version = version(&serde_json::from_value(json).unwrap());
        assert_eq!(
            version["changes"],
            json!([{"field":"name","old":"A","new":"B"},{"field":"email","old":"a@b.co","new":null},{"field":"phone","old":null,"new":"+1"}])
        );
        assert_eq!(
            (&version["actor"], &version["via"]),
            (&json!("usr_1"), &json!("console"))
        );
    }
}

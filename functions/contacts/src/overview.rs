//! `GET /v1/contacts/{id}/overview`: everything about a contact in one call, read side by side.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::{Prefix, RecordId};
use rapport_http::resource::{current, id};
use rapport_http::{Area, Caller, Problem, Scope, Verb, respond};
use rapport_runtime::App;
use rapport_store::page::{Query, Row};
use rapport_store::records::index_partition;
use rapport_store::{Key, StoreError, Table};
use serde_json::{Map, Value, json};

/// So many orders, surveys and events are shown.
const SHOWN: usize = 10;
/// Among so many of the newest tickets open ones are looked for.
const TICKETS: usize = 50;

/// The schema of an overview.
pub(crate) fn schema() -> Value {
    let object = json!({"type": "object"});
    let list = |what: &str| json!({"type": "array", "description": what, "items": object});
    json!({"type": "object", "required": ["contact", "timeline"], "properties": {
        "contact": object,
        "company": object,
        "score": object,
        "open_tickets": list("Not yet resolved, newest first; at most 10"),
        "orders": list("The latest 10 with what is still owed as `balance`"),
        "surveys": list("The latest 10 invitations and their answers"),
        "timeline": {"type": "object", "properties": {"data": list("The latest events"), "has_more": {"type": "boolean"}}},
    }})
}

pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let contact = id(Prefix::Contact, &text)?;
    let overview = of(&app, &caller, contact).await?.ok_or_else(Problem::not_found)?;
    Ok(respond::json(StatusCode::OK, &overview))
}

/// The overview of a contact; of the one it was merged into, when it was. `None` when there is none.
pub(crate) async fn of(app: &App, caller: &Caller, asked: RecordId) -> Result<Option<Value>, Problem> {
    // Most contacts are where they were: everything is read at once, and again only for one that was merged.
    let (row, parts) = futures::join!(
        app.store.row::<Contact>(caller.tenant, asked),
        parts(app, caller, asked)
    );
    let (row, parts) = match row {
        Ok(row) if !row.gone => (row, parts?),
        Err(StoreError::Missing) => return Ok(None),
        Err(error) => return Err(error.into()),
        Ok(_) => {
            let row = current::<Contact>(app, caller, asked).await?;
            let Ok(survivor) = RecordId::parse(Prefix::Contact, &row.id) else {
                return Ok(None);
            };
            let parts = self::parts(app, caller, survivor).await?;
            (row, parts)
        }
    };
    let contact = value(&row.doc);
    let company = match contact.get("company_id").and_then(Value::as_str) {
        Some(company) => company_of(app, caller, company).await?,
        None => None,
    };
    let mut overview = Map::new();
    overview.insert("contact".to_owned(), contact);
    if let Some(company) = company {
        overview.insert("company".to_owned(), company);
    }
    overview.extend(parts);
    Ok(Some(Value::Object(overview)))
}

async fn company_of(app: &App, caller: &Caller, company: &str) -> Result<Option<Value>, Problem> {
    let Ok(company) = RecordId::parse(Prefix::Company, company) else {
        return Ok(None);
    };
    match current::<Company>(app, caller, company).await {
        Ok(row) => Ok(Some(value(&row.doc))),
        Err(problem) if problem.code() == rapport_http::problem::Code::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// What lies in other tables, as far as the caller may read it.
async fn parts(app: &App, caller: &Caller, contact: RecordId) -> Result<Map<String, Value>, Problem> {
    let may = |area: Area| caller.scopes.has(Scope(area, Verb::Read));
    let about = |table: Table, noun: &'static str, limit: usize, allowed: bool| async move {
        if !allowed {
            return Ok(None);
        }
        let partition = index_partition(noun, "by_contact_id", &contact.to_string());
        let query = Query::index("by_contact_id", partition);
        let page = app.store.query(caller.tenant, table, &query, limit, None).await?;
        let rows = page.items.iter().filter_map(Row::read).filter(|row| !row.gone);
        Ok::<_, StoreError>(Some(rows.map(|row| value(&row.doc)).collect::<Vec<_>>()))
    };
    let score = async {
        if !may(Area::Segments) {
            return Ok(None);
        }
        let item = app
            .store
            .get_item(Table::Scores, &Key::record(caller.tenant, "score", contact))
            .await?;
        Ok::<_, StoreError>(item.as_ref().and_then(Row::read).map(|row| value(&row.doc)))
    };
    let timeline = async {
        let name = contact.to_string();
        app.store.timeline(caller.tenant, &name, SHOWN, None).await
    };
    let (score, tickets, orders, surveys, timeline) = futures::join!(
        score,
        about(Table::Tickets, "ticket", TICKETS, may(Area::Tickets)),
        about(Table::Orders, "order", SHOWN, may(Area::Orders)),
        about(Table::Surveys, "survey_invitation", SHOWN, may(Area::Surveys)),
        timeline,
    );
    let mut parts = Map::new();
    if let Some(score) = score? {
        parts.insert("score".to_owned(), score);
    }
    if let Some(tickets) = tickets? {
        let open = tickets.into_iter().filter(is_open).take(SHOWN).collect();
        parts.insert("open_tickets".to_owned(), Value::Array(open));
    }
    for (name, list) in [("orders", orders?), ("surveys", surveys?)] {
        if let Some(list) = list {
            parts.insert(name.to_owned(), Value::Array(list));
        }
    }
    let timeline = timeline?;
    // Of several events of one change the most particular one comes first, as in the timeline itself.
    let events: Vec<Value> = timeline
        .entries
        .iter()
        .filter(|found| caller.reads(&found.entry.noun))
        .flat_map(|found| found.entry.events().into_iter().rev())
        .filter_map(|event| serde_json::to_value(event).ok())
        .collect();
    parts.insert(
        "timeline".to_owned(),
        json!({"data": events, "has_more": timeline.next.is_some()}),
    );
    Ok(parts)
}

fn is_open(ticket: &Value) -> bool {
    !matches!(
        ticket.get("status").and_then(Value::as_str),
        Some("resolved" | "closed")
    )
}

fn value(doc: &str) -> Value {
    serde_json::from_str(doc).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolved_and_closed_tickets_are_not_open() {
        for (status, open) in [
            ("new", true),
            ("open", true),
            ("waiting", true),
            ("resolved", false),
            ("closed", false),
        ] {
            assert_eq!(is_open(&json!({"status": status})), open, "{status}");
        }
    }
}

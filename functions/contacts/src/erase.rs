//! `/v1/contacts/{id}/erasure`: a person asks to be forgotten.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::account::Status;
use rapport_domain::contact::Contact;
use rapport_domain::erasure::Erasure;
use rapport_domain::{Prefix, Record};
use rapport_http::resource::id;
use rapport_http::{Caller, Problem, metering, respond};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::App;
use rapport_store::records::parse;

/// `POST /v1/contacts/{id}/erasure`. A deleted contact is erased too; one that was merged goes with the one it was merged into.
pub async fn erase(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let contact = id(Prefix::Contact, &text)?;
    let known = app.store.fresh_rules(caller.tenant).await?;
    if known.account.status == Status::MovingIn {
        // He might come after everything was looked through.
        return Err(metering::refusal(&known.account));
    }
    let row = app.store.row::<Contact>(caller.tenant, contact).await?;
    let record: Record<Contact> = parse(&row.doc)?;
    if record.meta.merged_into.is_some() {
        return Err(Problem::not_found());
    }
    let asked = Erasure {
        contact_id: contact,
        asked_at: app.clock.now(),
        asked_by: caller.actor.id.clone(),
        found_at: None,
        done_at: None,
    };
    let asked = app.store.ask_erasure(caller.tenant, &asked).await?;
    if asked.done_at.is_none() {
        let message = envelope(caller.tenant, Message::PersonEraseV1 { contact });
        let sent = app.queues.send(Queue::TenantUpkeep, &message).await;
        sent.map_err(|error| Problem::unavailable(error.to_string()))?;
    }
    Ok(respond::json(StatusCode::ACCEPTED, &asked))
}

/// `GET /v1/contacts/{id}/erasure`.
pub async fn read(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let contact = id(Prefix::Contact, &text)?;
    let erasure = app.store.erasure(caller.tenant, contact).await?;
    let erasure = erasure.ok_or_else(Problem::not_found)?;
    Ok(respond::json(StatusCode::OK, &erasure))
}

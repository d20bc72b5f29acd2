//! `GET` and `POST /v1/tickets/{id}/messages`.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Kind as _;
use rapport_domain::ticket::{Message, MessageIn, Ticket};
use rapport_http::problem::Code;
use rapport_http::resource::{current, cursor, id, link};
use rapport_http::{Caller, Doc, IdempotencyKey, Params, Problem, body, respond};
use rapport_runtime::App;
use rapport_store::page::Position;
use rapport_store::{StoreError, Stored as _, text_of};

use crate::step::object;

/// What the list says of itself.
pub fn listing() -> Doc {
    let mut doc = Doc::new("List a ticket's messages, newest first");
    let message = doc.schema::<Message>();
    let page = rapport_http::api::page_of(&message);
    doc.answers_schema(200, &page).paged()
}

pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["limit", "cursor"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let ticket = id(Ticket::PREFIX, &text)?;
    let path = format!("tickets/{ticket}/messages");
    let after: Option<Position> = cursor(&app, &caller, &path, &params)?;
    current::<Ticket>(&app, &caller, ticket).await?;
    let page = app.store.messages(caller.tenant, ticket, limit, after.as_ref()).await?;
    let docs = page.items.iter().filter_map(|item| text_of(item, "doc"));
    let next = page.next.map(|next| link(&app, &caller, &path, &path, &params, &next));
    Ok(respond::page(docs, next))
}

pub async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (value, bytes) = body::value(request).await?;
    let input: MessageIn = object(value)?;
    let ticket = id(Ticket::PREFIX, &text)?;
    let cx = caller.accept(&app).await?;
    let key = key.of(Ticket::TABLE, &bytes, None);
    match app.store.add_message(&cx, ticket, input, key.as_ref()).await {
        Ok(said) => Ok(respond::json_text(StatusCode::CREATED, said.doc)),
        Err(StoreError::Answered(answer)) => Ok(respond::replay(*answer)),
        Err(StoreError::Stale(_)) => Err(Problem::new(Code::Contention)),
        Err(error) => Err(error.into()),
    }
}

//! Asking for an archive, and moving one in.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use rapport_domain::account::{Account, Status};
use rapport_domain::archive::{Archive, ArchiveStatus, Direction, MOST_BYTES, UploadIn};
use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::lead::Lead;
use rapport_domain::order::Order;
use rapport_domain::product::Product;
use rapport_domain::settings::millis;
use rapport_domain::survey::Survey;
use rapport_domain::ticket::Ticket;
use rapport_domain::{Invalid, Prefix, RecordId, TenantId};
use rapport_http::problem::Code;
use rapport_http::{Caller, Json, Problem, metering, respond};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::App;
use rapport_store::StoreError;

use crate::read::{LATEST, found};

/// So many archives a firm may have at a time.
const MOST: usize = 20;
/// A file that is moved in has to be kept for longer than that can take, given up and begun again included.
const LONGEST_MOVE: SignedDuration = SignedDuration::from_hours(24);

fn conflict(code: &str, detail: &str) -> Problem {
    Problem::new(Code::Conflict).particular(code).detail(detail)
}

fn answer(status: StatusCode, archive: &Archive) -> Response {
    let mut response = respond::json(status, archive);
    if let Ok(value) = HeaderValue::from_str(&format!("/v1/archives/{}", archive.id)) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

async fn send(app: &App, tenant: TenantId, archive: RecordId) -> Result<(), Problem> {
    let message = envelope(tenant, Message::ArchiveV1 { archive });
    let sent = app.queues.send(Queue::TenantUpkeep, &message).await;
    sent.map_err(|error| Problem::unavailable(error.to_string()))
}

/// Whether work of that direction is under way.
async fn under_way(app: &App, caller: &Caller, direction: Direction) -> Result<Option<Archive>, Problem> {
    let latest = app.store.archives(caller.tenant, LATEST, app.clock.now()).await?;
    let works = [ArchiveStatus::Queued, ArchiveStatus::Running];
    Ok(latest
        .into_iter()
        .find(|archive| archive.direction == direction && works.contains(&archive.status)))
}

/// Refuses one more than a firm may have at a time: each is kept for a week and may be large.
async fn refuse_many(app: &App, caller: &Caller) -> Result<(), Problem> {
    let latest = app.store.archives(caller.tenant, LATEST, app.clock.now()).await?;
    if latest.len() < MOST {
        return Ok(());
    }
    let detail = format!("a firm has at most {MOST} archives of the last seven days: fetch one of those, or wait");
    Err(conflict("too_many", &detail))
}

/// `POST /v1/archives`. Whoever asks again while one is being made gets that one.
pub async fn out(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let archive = match under_way(&app, &caller, Direction::Out).await? {
        Some(archive) => archive,
        None => {
            refuse_many(&app, &caller).await?;
            let id = RecordId::new(Prefix::Archive);
            let archive = Archive::new(id, Direction::Out, &caller.actor.id, app.clock.now());
            app.store.put_archive(caller.tenant, archive).await?.archive
        }
    };
    // Sent again for one that is under way: its first message may never have been.
    send(&app, caller.tenant, archive.id).await?;
    Ok(answer(StatusCode::ACCEPTED, &archive))
}

/// `POST /v1/archives/uploads`.
pub async fn announce(
    State(app): State<App>,
    caller: Caller,
    Json(input): Json<UploadIn>,
) -> Result<Response, Problem> {
    let user = caller.user().ok_or_else(|| {
        Problem::new(Code::Forbidden)
            .detail("a user moves an archive in, since he becomes the one in it with his address")
    })?;
    let mut invalid = Invalid::default();
    if !(1..=MOST_BYTES).contains(&input.bytes) {
        invalid.add("bytes", "out_of_range", format!("a file has 1 to {MOST_BYTES} bytes"));
    }
    let digest = input.sha256.to_ascii_lowercase();
    if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        invalid.add("sha256", "digest_invalid", "a SHA-256 has 64 hexadecimal digits");
    }
    invalid.check()?;
    refuse_many(&app, &caller).await?;
    let id = RecordId::new(Prefix::Archive);
    let mut archive = Archive::new(id, Direction::In, &user.to_string(), app.clock.now());
    archive.bytes = Some(input.bytes);
    archive.sha256 = Some(digest);
    let kept = app.store.put_archive(caller.tenant, archive).await?;
    Ok(answer(StatusCode::CREATED, &kept.archive))
}

/// Whether the firm has recorded anything.
async fn has_records(app: &App, tenant: TenantId) -> Result<bool, StoreError> {
    let store = &app.store;
    Ok(store.has_any::<Contact>(tenant).await?
        || store.has_any::<Company>(tenant).await?
        || store.has_any::<Lead>(tenant).await?
        || store.has_any::<Order>(tenant).await?
        || store.has_any::<Product>(tenant).await?
        || store.has_any::<Ticket>(tenant).await?
        || store.has_any::<Survey>(tenant).await?)
}

/// `POST /v1/archives/{id}/move-in`.
pub async fn move_in(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let kept = found(&app, &caller, &text).await?;
    if kept.archive.direction == Direction::Out {
        return Err(conflict(
            "not_uploading",
            "this was made here: announce a file and send its parts",
        ));
    }
    if kept.archive.status != ArchiveStatus::Uploading {
        // Asked again: it goes on, or is over.
        if !kept.archive.status.is_over() {
            send(&app, caller.tenant, kept.archive.id).await?;
        }
        return Ok(answer(StatusCode::ACCEPTED, &kept.archive));
    }
    if kept.archive.expires_at < app.clock.now() + LONGEST_MOVE {
        let until = millis::text(kept.archive.expires_at);
        return Err(conflict(
            "expires_soon",
            "the file is not kept for long enough any more: announce and send it again",
        )
        .member("expires_at", until));
    }
    // Read first: whoever begins another meanwhile changes the account, or is found below.
    let known = app.store.fresh_rules(caller.tenant).await?;
    if let Some(other) = under_way(&app, &caller, Direction::In).await? {
        return Err(conflict("moving_in", "another archive is being moved in").member("archive", other.id.to_string()));
    }
    match known.account.status {
        Status::Open if has_records(&app, caller.tenant).await? => {
            return Err(conflict(
                "not_empty",
                "the firm has records: an archive is moved into a firm that has none, so sign up for a new one",
            ));
        }
        // Moving in already: the archive that was begun with expired before it came to an end.
        Status::Open | Status::MovingIn => {}
        _ => return Err(metering::refusal(&known.account)),
    }
    let mut account = Account::clone(&known.account);
    if account.status == Status::Open {
        account.become_status(Status::MovingIn, app.clock.now())?;
    }
    let account = (&account, known.account_version);
    let begun = app
        .store
        .begin_move_in(caller.tenant, kept, account, &caller.actor.request)
        .await;
    let kept = begun.map_err(|error| match error {
        StoreError::Stale(_) => Problem::new(Code::Contention),
        error => error.into(),
    })?;
    send(&app, caller.tenant, kept.archive.id).await?;
    Ok(answer(StatusCode::ACCEPTED, &kept.archive))
}

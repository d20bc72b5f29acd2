//! Moves an archive in: looks through all of it first, then empties what the tenant began with, then writes.
//!
//! Ids stay as they are but for those that are made of the tenant's (its own, its built-in surveys') and that of the user who has
//! the caller's address: they become those that are here.

use std::collections::BTreeMap;
use std::time::Instant;

use rapport_domain::account::{Account, Status};
use rapport_domain::archive::{ArchiveStatus, Lines, public_key, signing_key};
use rapport_domain::plan::{Limit, Plan};
use rapport_domain::survey::{Metric, Survey};
use rapport_domain::user::User;
use rapport_domain::{Actor, Prefix, Record, RecordId, TenantId};
use rapport_runtime::{App, BoxError};
use rapport_store::archive::KeptArchive;
use rapport_store::erase::Extent;
use rapport_store::{Accept, StoreError};
use serde::{Deserialize, Serialize};

use crate::file::Opened;
use crate::section::{Place, Section};
use crate::{WORKER, erase};

/// Lines written before it is looked at the time.
const AT_ONCE: usize = 200;

/// What is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Everything is looked at, nothing written.
    #[default]
    Check,
    /// What the tenant began with goes.
    Clear,
    /// What is in the archive comes.
    Write,
    /// It could not be written: what came goes again.
    Undo,
    /// Nothing is left but to say how it ended.
    End,
}

/// How far it is.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    phase: Phase,
    /// The file that is written, by its place.
    file: usize,
    /// The line that comes next.
    line: usize,
    /// Ids in the archive, and what they are here.
    names: Vec<(String, String)>,
    /// Why it failed.
    error: Option<String>,
}

/// Moves some of an archive in; what is left to do, if anything.
///
/// # Errors
/// When the store does not answer: the message comes again.
pub async fn some(
    app: &App,
    tenant: TenantId,
    kept: KeptArchive,
    until: Instant,
) -> Result<Option<KeptArchive>, BoxError> {
    let mut kept = kept;
    let mut state: State = serde_json::from_value(kept.state.clone()).unwrap_or_default();
    let known = app.store.fresh_rules(tenant).await?;
    if state.phase == Phase::End {
        end(app, tenant, kept, state.error).await?;
        return Ok(None);
    }
    if known.account.status != Status::MovingIn {
        let why = "the account was opened while the archive was being moved in: part of it is there";
        state.fail(why);
    }
    let bytes = kept.archive.bytes.unwrap_or_default();
    let (id, span) = (kept.archive.id, (0, bytes.saturating_sub(1)));
    let content = app.store.archive_bytes(tenant, id, span).await?;
    let mut opened = match open(content, &kept) {
        Ok(opened) => Some(opened),
        Err(why) => {
            state.fail(why);
            None
        }
    };
    let user = RecordId::parse(Prefix::User, &kept.archive.created_by).map_err(|_| "nobody asked for the archive")?;
    loop {
        match (state.phase, &mut opened) {
            (Phase::End, _) | (_, None) => break,
            (Phase::Check, Some(opened)) => {
                let own = app.store.get::<User>(tenant, user).await?;
                match check(opened, &own, known.account.plan, tenant) {
                    Ok(names) => (state.names, state.phase) = (names, Phase::Clear),
                    Err(why) => state.fail(why),
                }
                kept.archive.status = ArchiveStatus::Running;
                kept.archive.signed_by = Some(opened.signature.key.clone());
                let own = public_key(&signing_key(&app.config.secret_key));
                kept.archive.signed_here = Some(own == opened.signature.key);
            }
            (phase @ (Phase::Clear | Phase::Undo), _) => {
                if erase::some(app, tenant, &known, Extent::Recorded, erase::MOST).await? == 0 {
                    state.phase = if phase == Phase::Clear {
                        Phase::Write
                    } else {
                        Phase::End
                    };
                }
            }
            (Phase::Write, Some(opened)) => match opened.manifest.files.get(state.file).cloned() {
                None => state.phase = Phase::End,
                Some(file) => match write(app, tenant, (id, user), opened, &file, &mut state).await {
                    Ok(0) => (state.file, state.line) = (state.file + 1, 0),
                    Ok(written) => *kept.archive.rows.entry(file.kind).or_default() += written,
                    // The archive contradicts itself: another try would find the same.
                    Err(error) if is_lasting(&*error) => {
                        state.fail(format!("{}: {error}", file.name));
                        state.phase = Phase::Undo;
                    }
                    Err(error) => return Err(error),
                },
            },
        }
        kept.state = serde_json::to_value(&state)?;
        kept = app.store.save_archive(tenant, kept).await?;
        if Instant::now() > until {
            return Ok(Some(kept));
        }
    }
    // Noted first, so that whoever comes after a break finds how it ended, though the account is open by then.
    kept.state = serde_json::to_value(&state)?;
    let kept = app.store.save_archive(tenant, kept).await?;
    end(app, tenant, kept, state.error).await?;
    Ok(None)
}

impl State {
    fn fail(&mut self, why: impl Into<String>) {
        self.phase = Phase::End;
        // What came first is why.
        self.error.get_or_insert_with(|| why.into());
    }
}

/// Opens the file, which is what was announced.
fn open(content: Vec<u8>, kept: &KeptArchive) -> Result<Opened, String> {
    let complete = content.len() as u64 == kept.archive.bytes.unwrap_or_default();
    if !complete || Some(crate::file::digest(&content)) != kept.archive.sha256 {
        return Err("the parts that were sent do not make the file that was announced".to_owned());
    }
    Opened::open(content)
}

/// Looks through the whole archive: what ids become, or why it cannot be moved in.
fn check(
    opened: &mut Opened,
    own: &Record<User>,
    plan: Plan,
    tenant: TenantId,
) -> Result<Vec<(String, String)>, String> {
    let there = TenantId::parse(&opened.manifest.tenant).map_err(|_| "the manifest names no tenant".to_owned())?;
    let mut names = Metric::ALL
        .iter()
        .map(|metric| {
            let id = |tenant| Survey::built_in_id(tenant, *metric).to_string();
            (id(there), id(tenant))
        })
        .collect::<Vec<_>>();
    names.push((there.to_string(), tenant.to_string()));
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    let mut last = 0;
    for file in opened.manifest.files.clone() {
        let section = Section::of(&file.kind).ok_or_else(|| format!("{} is of no known kind", file.name))?;
        let place = Section::ALL.iter().position(|one| *one == section).unwrap_or_default();
        if place < last {
            return Err(format!("{} is not in its place", file.name));
        }
        last = place;
        let text = opened.lines(&file)?;
        let lines: Vec<&str> = text.lines().collect();
        if let Some(n) = section.faulty(&lines) {
            return Err(format!("{}: line {} is not what it should be", file.name, n + 1));
        }
        *rows.entry(section.word()).or_default() += file.rows;
        if section == Section::Users {
            let users = lines
                .iter()
                .filter_map(|line| serde_json::from_str::<Record<User>>(line).ok());
            let same = users.filter(|user| user.body.email.key() == own.body.email.key());
            names.extend(same.map(|user| (user.meta.id.to_string(), own.meta.id.to_string())));
        }
    }
    for limit in Limit::ALL {
        let Some(noun) = limit.noun() else { continue };
        let plural = if noun == "company" {
            "companies".to_owned()
        } else {
            format!("{noun}s")
        };
        let wanted = rows.get(plural.as_str()).copied().unwrap_or_default();
        let allowed = plan.allows(*limit);
        if wanted > allowed {
            return Err(format!(
                "the archive has {wanted} {plural}, and the plan {} allows {allowed}: move to a larger one first",
                plan.as_str()
            ));
        }
    }
    Ok(names)
}

/// Writes the next lines of a file: how many those were, 0 when there are none.
async fn write(
    app: &App,
    tenant: TenantId,
    (archive, user): (RecordId, RecordId),
    opened: &mut Opened,
    file: &Lines,
    state: &mut State,
) -> Result<u64, BoxError> {
    let section = Section::of(&file.kind).ok_or("a file of no known kind")?;
    let mut text = opened.lines(file)?;
    for (there, here) in &state.names {
        text = text.replace(there.as_str(), here);
    }
    let lines: Vec<&str> = text.lines().skip(state.line).take(AT_ONCE).collect();
    if lines.is_empty() {
        return Ok(0);
    }
    // Fresh, since settings and fields are among what is written.
    let rules = app.store.fresh_rules(tenant).await?.rules(app.clock.now());
    let mut cx = Accept::new(tenant, Actor::worker(WORKER, &archive.to_string()), rules);
    cx.quiet = true;
    let place = Place {
        store: &app.store,
        cx: &cx,
        skip: user,
        begun: opened.manifest.created_at,
    };
    section.write(&place, &lines).await?;
    state.line += lines.len();
    Ok(lines.len() as u64)
}

/// Whether another try would fail alike.
fn is_lasting(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    match error.downcast_ref::<StoreError>() {
        Some(StoreError::Taken { .. } | StoreError::Invalid(_) | StoreError::Conflict { .. }) => true,
        Some(_) => false,
        None => error.is::<serde_json::Error>(),
    }
}

/// Opens the account, and says how it ended: in this order, so that whoever reads that it is over finds it open.
async fn end(app: &App, tenant: TenantId, mut kept: KeptArchive, error: Option<String>) -> Result<(), BoxError> {
    let known = app.store.fresh_rules(tenant).await?;
    let now = app.clock.now();
    if known.account.status == Status::MovingIn {
        let mut account = Account::clone(&known.account);
        account.become_status(Status::Open, now)?;
        let request = kept.archive.id.to_string();
        app.store
            .put_account(tenant, &account, known.account_version, &request)
            .await?;
    }
    kept.archive.status = if error.is_some() {
        ArchiveStatus::Failed
    } else {
        ArchiveStatus::Done
    };
    kept.archive.error = error;
    kept.archive.finished_at = Some(now);
    app.store.save_archive(tenant, kept).await?;
    Ok(())
}

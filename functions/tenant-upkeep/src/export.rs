//! Makes an archive: kind by kind, a file of lines at a time, and at last all of them together.
//!
//! It is no snapshot: what is changed meanwhile is in it as it was when its page was read. Whoever wants one closes or suspends first.

use std::collections::BTreeMap;
use std::time::Instant;

use rapport_domain::TenantId;
use rapport_domain::archive::{
    ArchiveStatus, FORMAT, LINES_BYTES, Lines, MOST_BYTES, Manifest, VERSION, public_key, sign, signing_key,
};
use rapport_runtime::{App, BoxError};
use rapport_store::archive::KeptArchive;
use rapport_store::page::Position;
use serde::{Deserialize, Serialize};

use crate::file::{Pack, digest, piece};
use crate::section::Section;

/// How far it is.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The section that is read, by its place.
    section: usize,
    /// Where that goes on.
    after: Option<Position>,
    /// What is packed.
    files: Vec<Lines>,
    /// How many bytes that is.
    packed: u64,
}

/// Makes some of an archive; whether that was all.
///
/// # Errors
/// When the store does not answer: the message comes again.
pub async fn some(app: &App, tenant: TenantId, kept: KeptArchive, until: Instant) -> Result<bool, BoxError> {
    let mut kept = kept;
    let mut state: State = serde_json::from_value(kept.state.clone()).unwrap_or_default();
    kept.archive.status = ArchiveStatus::Running;
    while let Some(section) = Section::ALL.get(state.section).copied() {
        let mut text = String::new();
        let mut rows = 0;
        let mut after = state.after.take();
        loop {
            let (lines, next) = section.read(&app.store, tenant, after.as_ref()).await?;
            for line in &lines {
                text.push_str(line);
                text.push('\n');
            }
            rows += lines.len() as u64;
            after = next;
            if after.is_none() || text.len() >= LINES_BYTES {
                break;
            }
        }
        if rows > 0 {
            let file = Lines {
                name: name(section, &state.files),
                kind: section.word().to_owned(),
                rows,
                bytes: text.len() as u64,
                sha256: digest(text.as_bytes()),
            };
            let packed = piece(&file.name, text.as_bytes())?;
            state.packed += packed.len() as u64;
            app.store
                .put_archive_piece(tenant, &kept.archive, state.files.len(), &packed)
                .await?;
            state.files.push(file);
        }
        if after.is_none() {
            state.section += 1;
        }
        state.after = after;
        if state.packed > MOST_BYTES {
            kept.archive.status = ArchiveStatus::Failed;
            kept.archive.finished_at = Some(app.clock.now());
            kept.archive.error = Some(format!(
                "the record is more than {} MiB even packed: ask the operator of the service",
                MOST_BYTES >> 20
            ));
            app.store.save_archive(tenant, kept).await?;
            return Ok(true);
        }
        kept.archive.rows = rows_of(&state.files);
        kept.state = serde_json::to_value(&state)?;
        kept = app.store.save_archive(tenant, kept).await?;
        if Instant::now() > until {
            return Ok(false);
        }
    }
    finish(app, tenant, kept, state.files).await?;
    Ok(true)
}

/// The name of the next file of a section.
fn name(section: Section, files: &[Lines]) -> String {
    let word = section.word();
    match files.iter().filter(|file| file.kind == word).count() {
        0 => format!("{word}.ndjson"),
        before => format!("{word}-{}.ndjson", before + 1),
    }
}

fn rows_of(files: &[Lines]) -> BTreeMap<String, u64> {
    let mut rows = BTreeMap::new();
    for file in files {
        *rows.entry(file.kind.clone()).or_default() += file.rows;
    }
    rows
}

async fn finish(app: &App, tenant: TenantId, mut kept: KeptArchive, files: Vec<Lines>) -> Result<(), BoxError> {
    let mut pack = Pack::new();
    for n in 0..files.len() {
        pack.add(app.store.archive_piece(tenant, kept.archive.id, n).await?)?;
    }
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        service: app.config.public_url.clone(),
        tenant: tenant.to_string(),
        company: app.store.fresh_rules(tenant).await?.settings.company.clone(),
        created_at: kept.archive.created_at,
        files,
    };
    let manifest = serde_json::to_vec_pretty(&manifest)?;
    let key = signing_key(&app.config.secret_key);
    let bytes = pack.finish(&manifest, &sign(&key, &manifest))?;
    app.store.put_archive_part(tenant, &kept.archive, 1, &bytes).await?;
    let archive = &mut kept.archive;
    archive.status = ArchiveStatus::Done;
    archive.bytes = Some(bytes.len() as u64);
    archive.sha256 = Some(digest(&bytes));
    archive.signed_by = Some(public_key(&key));
    archive.signed_here = Some(true);
    archive.finished_at = Some(app.clock.now());
    app.store.save_archive(tenant, kept).await?;
    Ok(())
}

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

/// How far it is. What another release noted otherwise is begun anew.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct State {
    /// The words of the sections that are read.
    read: Vec<String>,
    /// Where the next goes on.
    after: Option<Position>,
    /// What is packed.
    files: Vec<Lines>,
    /// How many bytes that is.
    packed: u64,
}

/// Makes some of an archive; what is left to do, if anything.
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
    let mut state = State::read(&kept.state);
    kept.archive.status = ArchiveStatus::Running;
    while let Some(section) = Section::ALL.get(state.read.len()).copied() {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        let mut after = state.after.take();
        loop {
            let (more, next) = section.read(&app.store, tenant, after.as_ref()).await?;
            bytes += more.iter().map(String::len).sum::<usize>();
            lines.extend(more);
            after = next;
            // What is kept beside few of many records makes few lines.
            if after.is_none() || bytes >= LINES_BYTES || Instant::now() > until {
                break;
            }
        }
        for (rows, text) in cut(&lines, LINES_BYTES) {
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
                .put_archive_piece(tenant, &kept.archive, (state.files.len(), &file.sha256), &packed)
                .await?;
            state.files.push(file);
        }
        if after.is_none() {
            state.read.push(section.word().to_owned());
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
            return Ok(None);
        }
        kept.archive.rows = rows_of(&state.files);
        kept.state = serde_json::to_value(&state)?;
        kept = app.store.save_archive(tenant, kept).await?;
        if Instant::now() > until {
            return Ok(Some(kept));
        }
    }
    finish(app, tenant, kept, state.files).await?;
    Ok(None)
}

impl State {
    fn read(kept: &serde_json::Value) -> Self {
        let state = Self::deserialize(kept).unwrap_or_default();
        let words = Section::ALL.iter().map(|section| section.word());
        if state.read.iter().map(String::as_str).eq(words.take(state.read.len())) {
            state
        } else {
            Self::default()
        }
    }
}

/// Texts of so many lines as have that many bytes, before the last of each: a page may hold much more than a file.
fn cut(lines: &[String], most: usize) -> Vec<(u64, String)> {
    let mut texts: Vec<(u64, String)> = Vec::new();
    for line in lines {
        if texts.last().is_none_or(|(_, text)| text.len() >= most) {
            texts.push((0, String::new()));
        }
        if let Some((rows, text)) = texts.last_mut() {
            *rows += 1;
            text.push_str(line);
            text.push('\n');
        }
    }
    texts
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
    for (n, file) in files.iter().enumerate() {
        pack.add(
            app.store
                .archive_piece(tenant, kept.archive.id, (n, &file.sha256))
                .await?,
        )?;
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_another_release_noted_otherwise_is_begun_anew() {
        let state = |read: &[&str]| json!({"read": read, "after": null, "files": [], "packed": 7});
        for (kept, packed) in [
            (json!(null), 0),
            (state(&[]), 7),
            (state(&["settings", "fields"]), 7),
            (state(&["settings", "users"]), 0),
            (state(&["what is to come"]), 0),
            // By places, as it once was.
            (json!({"section": 13, "after": null, "files": [], "packed": 7}), 0),
        ] {
            assert_eq!(State::read(&kept).packed, packed, "{kept}");
        }
        let all: Vec<&str> = Section::ALL.iter().map(|section| section.word()).collect();
        assert_eq!(State::read(&state(&all)).read.len(), all.len());
    }

    #[test]
    fn no_file_is_longer_than_what_is_moved_in() {
        let lines = |lengths: &[usize]| -> Vec<String> { lengths.iter().map(|length| "x".repeat(*length)).collect() };
        let lengths = |found: Vec<(u64, String)>| -> Vec<(u64, usize)> {
            found.into_iter().map(|(rows, text)| (rows, text.len())).collect()
        };
        assert_eq!(lengths(cut(&[], 10)), []);
        assert_eq!(lengths(cut(&lines(&[4, 4, 4, 4]), 10)), [(2, 10), (2, 10)]);
        assert_eq!(lengths(cut(&lines(&[30, 1, 9]), 10)), [(1, 31), (2, 12)]);
        assert_eq!(lengths(cut(&lines(&[9, 1]), 10)), [(1, 10), (1, 2)]);
        let longest = rapport_domain::archive::MOST_LINE_BYTES + 1;
        assert!((LINES_BYTES + longest) as u64 <= rapport_domain::archive::MOST_LINES_BYTES);
    }
}

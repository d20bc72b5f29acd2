//! What the one machine keeps to itself: secrets made at the first start and read at the next, and the lock by which a
//! data folder has one host at a time.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Another host runs on it.
    #[error("the data folder {folder} is in use by process {holder}")]
    InUse {
        /// The folder.
        folder: String,
        /// The other host's process id.
        holder: String,
    },
    /// It cannot be read or written.
    #[error("the data folder {folder} cannot be used: {source}")]
    Unusable {
        /// The folder.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
}

fn unusable(folder: &Path) -> impl Fn(std::io::Error) -> DataError + '_ {
    |source| DataError::Unusable {
        folder: folder.display().to_string(),
        source,
    }
}

/// Makes the folder if it is not there, and locks it until the file is dropped or the process ends.
///
/// # Errors
/// When another process holds it, or it cannot be written.
pub fn lock(folder: &Path) -> Result<File, DataError> {
    let unusable = unusable(folder);
    // What customers entrust to the firm is for the account that runs the host alone.
    let mut maker = std::fs::DirBuilder::new();
    maker.recursive(true).mode(0o700).create(folder).map_err(&unusable)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join("lock"))
        .map_err(&unusable)?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        let _ = file.read_to_string(&mut holder);
        return Err(DataError::InUse {
            folder: folder.display().to_string(),
            holder: holder.trim().to_owned(),
        });
    }
    file.set_len(0).map_err(&unusable)?;
    file.rewind().map_err(&unusable)?;
    writeln!(file, "{}", std::process::id()).map_err(&unusable)?;
    Ok(file)
}

/// A secret kept in the folder under its name; made if it is not there.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn kept(folder: &Path, name: &str, make: fn() -> String) -> Result<String, DataError> {
    let unusable = unusable(folder);
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(secret) if !secret.trim().is_empty() => return Ok(secret.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(unusable(error)),
    }
    let secret = make();
    let draft = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .map_err(&unusable)?;
    // On disk before it is used: what it signs must verify after a crash.
    writeln!(file, "{secret}").map_err(&unusable)?;
    file.sync_all().map_err(&unusable)?;
    std::fs::rename(&draft, &path).map_err(&unusable)?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(&unusable)?;
    Ok(secret)
}

/// A secret of 32 random bytes in base64.
#[must_use]
pub fn fresh() -> String {
    STANDARD.encode(rand::random::<[u8; 32]>())
}

/// A key for the operator, of 32 random bytes.
#[must_use]
pub fn operator_key() -> String {
    format!("ro_{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

/// A key of the operator as functions are told of it: its name, and no more of the key than its digest.
#[must_use]
pub fn operator_digest(name: &str, key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest
        .iter()
        .fold(format!("{name}="), |text, byte| text + &format!("{byte:02x}"))
}

/// The public half, in base64, of an Ed25519 key whose seed is given in base64; `None` when it is not 32 bytes.
#[must_use]
pub fn public_key(seed: &str) -> Option<String> {
    let seed: [u8; 32] = STANDARD.decode(seed).ok()?.try_into().ok()?;
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
    Some(STANDARD.encode(public.to_bytes()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let first = kept(folder.path(), "signing-key", fresh).unwrap();
        assert_eq!(kept(folder.path(), "signing-key", fresh).unwrap(), first);
        assert_ne!(kept(folder.path(), "secret-key", fresh).unwrap(), first);
        let mode = std::fs::metadata(folder.path().join("signing-key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(STANDARD.decode(first).unwrap().len(), 32);
    }

    #[test]
    fn functions_are_told_the_digest_of_the_operators_key_alone() {
        let key = operator_key();
        assert!(key.starts_with("ro_") && key.len() == 46, "{key}");
        assert_ne!(key, operator_key());
        // SHA-256 of "abc" as FIPS 180 gives it.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(operator_digest("host", "abc"), format!("host={digest}"));
    }

    #[test]
    fn a_folder_has_one_host() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        let refused = lock(folder.path()).unwrap_err().to_string();
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        drop(held);
        assert!(lock(folder.path()).is_ok());
        let made = folder.path().join("a/b");
        let _held = lock(&made).unwrap();
        assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

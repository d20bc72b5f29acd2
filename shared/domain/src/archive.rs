//! A firm's whole record as one file: moved out, kept, and moved in elsewhere.
//!
//! The file is a ZIP of NDJSON, one line a record, with `manifest.json` that tells rows, bytes and SHA-256 of each file, and
//! `signature.json` over the manifest's bytes: Ed25519 (RFC 8032), by a key that the service derives from its own secret.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature as Bytes, Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::id::RecordId;
use crate::settings::millis;

/// How long a file can be fetched, and an upload waits to be moved in.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);
/// A file has at most so many bytes.
pub const MOST_BYTES: u64 = 200 * 1024 * 1024;
/// An upload is sent in parts of so many bytes, the last one shorter; a range that is fetched has no more.
pub const PART_BYTES: u64 = 4 * 1024 * 1024;
/// What the manifest says of itself.
pub const FORMAT: &str = "rapport-archive";
/// The version of the format that is written and read.
pub const VERSION: u32 = 1;
/// The manifest's name in the file.
pub const MANIFEST: &str = "manifest.json";
/// The signature's name in the file.
pub const SIGNATURE: &str = "signature.json";
/// A line has at most so many bytes: no item of a table is longer.
pub const MOST_LINE_BYTES: usize = 400_000;
/// A file of lines has so many bytes at most before its last line.
pub const LINES_BYTES: usize = 4 * 1024 * 1024;
/// What a file of lines has at most, with the longest line there is.
pub const MOST_LINES_BYTES: u64 = 8 * 1024 * 1024;

/// Which way the record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ArchiveDirection)]
pub enum Direction {
    /// Made of what is recorded here.
    Out,
    /// Sent from elsewhere, to be moved in.
    In,
}

/// How far an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveStatus {
    /// Its parts are being sent.
    Uploading,
    /// Waits.
    Queued,
    /// Is being made or moved in.
    Running,
    /// Can be fetched, or is moved in.
    Done,
    /// Could not be made or moved in; `error` says why.
    Failed,
}

impl ArchiveStatus {
    /// Whether nothing more happens to it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// An archive: the file, and how far the work on it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Archive {
    /// The id.
    pub id: RecordId,
    /// Which way it goes.
    pub direction: Direction,
    /// How far it is.
    pub status: ArchiveStatus,
    /// Lines by kind, as far as it is.
    pub rows: BTreeMap<String, u64>,
    /// How many bytes the file has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The SHA-256 of the file in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The Ed25519 public key that it is signed by, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Whether that is the key of this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_here: Option<bool>,
    /// When it was asked for.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Who asked.
    pub created_by: String,
    /// When it was done or given up.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// Until when it is kept.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Why it could not be done, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Archive {
    /// An archive that nothing is done about yet.
    #[must_use]
    pub fn new(id: RecordId, direction: Direction, by: &str, now: Timestamp) -> Self {
        Self {
            id,
            direction,
            status: match direction {
                Direction::Out => ArchiveStatus::Queued,
                Direction::In => ArchiveStatus::Uploading,
            },
            rows: BTreeMap::new(),
            bytes: None,
            sha256: None,
            signed_by: None,
            signed_here: None,
            created_at: now,
            created_by: by.to_owned(),
            finished_at: None,
            expires_at: now + KEPT,
            error: None,
        }
    }

    /// What the file is called.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("rapport-{}.zip", self.created_at.strftime("%Y-%m-%d"))
    }
}

/// What is sent before the parts of a file.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadIn {
    /// How many bytes the file has.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// One file of lines within an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Its name in the ZIP.
    pub name: String,
    /// What a line is.
    pub kind: String,
    /// How many lines.
    pub rows: u64,
    /// Bytes, uncompressed.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Where it was made.
    pub service: String,
    /// Whose it is: ids that are made of the tenant's are found by it.
    pub tenant: String,
    /// The firm.
    pub company: String,
    /// When it was begun.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// The files of lines, in the order in which they are moved in.
    pub files: Vec<Lines>,
}

/// Who answers for a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// `Ed25519`.
    pub algorithm: String,
    /// The public key, base64url.
    pub key: String,
    /// The signature of the manifest's bytes, base64url.
    pub signature: String,
}

/// The key that a service signs archives with, made of its secret.
#[must_use]
pub fn signing_key(secret: &[u8]) -> SigningKey {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
    mac.update(b"rapport archive");
    SigningKey::from_bytes(&mac.finalize().into_bytes().into())
}

/// The public part of a key, as it is written.
#[must_use]
pub fn public_key(key: &SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes())
}

/// Signs a manifest.
#[must_use]
pub fn sign(key: &SigningKey, manifest: &[u8]) -> Signature {
    Signature {
        algorithm: "Ed25519".to_owned(),
        key: public_key(key),
        signature: URL_SAFE_NO_PAD.encode(key.sign(manifest).to_bytes()),
    }
}

/// Whether a manifest is signed by the key that the signature names.
#[must_use]
pub fn is_signed(signature: &Signature, manifest: &[u8]) -> bool {
    let check = || {
        let key: [u8; 32] = URL_SAFE_NO_PAD.decode(&signature.key).ok()?.try_into().ok()?;
        let bytes: [u8; 64] = URL_SAFE_NO_PAD.decode(&signature.signature).ok()?.try_into().ok()?;
        let key = VerifyingKey::from_bytes(&key).ok()?;
        key.verify_strict(manifest, &Bytes::from_bytes(&bytes)).ok()
    };
    signature.algorithm == "Ed25519" && check().is_some()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::id::Prefix;

    #[test]
    fn a_signature_holds_for_its_manifest_and_key_alone() {
        let key = signing_key(&[7; 32]);
        let signed = sign(&key, b"a");
        assert!(is_signed(&signed, b"a") && !is_signed(&signed, b"b"));
        let other = public_key(&signing_key(&[8; 32]));
        for wrong in [
            Signature {
                key: other,
                ..signed.clone()
            },
            Signature {
                key: String::new(),
                ..signed.clone()
            },
            Signature {
                algorithm: "none".to_owned(),
                ..signed.clone()
            },
            Signature {
                signature: "AA".to_owned(),
                ..signed.clone()
            },
        ] {
            assert!(!is_signed(&wrong, b"a"), "{wrong:?}");
        }
        assert_eq!(public_key(&signing_key(&[7; 32])), signed.key);
    }

    #[test]
    fn an_archive_begins_as_its_direction_says() {
        let now: Timestamp = "2026-11-28T10:00:00Z".parse().unwrap();
        let new = |direction| Archive::new(RecordId::new(Prefix::Archive), direction, "usr_1", now);
        assert_eq!(new(Direction::Out).status, ArchiveStatus::Queued);
        assert_eq!(new(Direction::In).status, ArchiveStatus::Uploading);
        assert_eq!(new(Direction::Out).file_name(), "rapport-2026-11-28.zip");
        assert!(!ArchiveStatus::Running.is_over() && ArchiveStatus::Failed.is_over());
    }
}

//! Secrets that are handed out once: random bytes whose SHA-256 alone is stored, inside tokens that say where to look.
//!
//! A token is a prefix and base64url of ids and the secret, so that whoever holds it is found by one key read in the
//! tenant's own partition and nothing is looked up by the secret itself.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rapport_domain::{Prefix, RecordId, TenantId};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// How many random bytes a secret has: 192 bits.
pub const LENGTH: usize = 24;

/// A secret in clear: never stored, never logged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; LENGTH]);

impl Secret {
    /// A new one, from the operating system's randomness.
    #[must_use]
    pub fn random() -> Self {
        use rand::TryRngCore as _;
        let mut bytes = [0u8; LENGTH];
        // Without randomness nothing secret can be made: there is no way on, and no caller could find one.
        if rand::rngs::OsRng.try_fill_bytes(&mut bytes).is_err() {
            unreachable!("the operating system gives no randomness");
        }
        Self(bytes)
    }

    /// One that a caller presented.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// What is stored: the SHA-256 in hexadecimal. The secret has 192 random bits, so that no slow hash is needed.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.0))
    }

    /// Whether this is the secret of a stored hash, in constant time.
    #[must_use]
    pub fn matches(&self, hash: &str) -> bool {
        self.hash().as_bytes().ct_eq(hash.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Bytes in hexadecimal, lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The text of a token: prefix, then base64url of the parts one after another.
pub(crate) fn token(prefix: &str, parts: &[&[u8]]) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(parts.concat()))
}

/// The bytes of a token of exactly `N` bytes. `None` when it is none of these.
pub(crate) fn parse<const N: usize>(prefix: &str, text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text.strip_prefix(prefix)?).ok()?.try_into().ok()
}

/// The 16 bytes of an id at a place in a token.
pub(crate) fn id_at(bytes: &[u8], at: usize, prefix: Prefix) -> Option<RecordId> {
    let bits = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(RecordId::from_u128(prefix, u128::from_be_bytes(bits)))
}

/// The tenant at a place in a token.
pub(crate) fn tenant_at(bytes: &[u8], at: usize) -> Option<TenantId> {
    let bits = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(TenantId::from_u128(u128::from_be_bytes(bits)))
}

/// The secret at a place in a token.
pub(crate) fn secret_at(bytes: &[u8], at: usize) -> Option<Secret> {
    Some(Secret(bytes.get(at..at + LENGTH)?.try_into().ok()?))
}

/// The bytes of an id.
pub(crate) fn bytes_of(id: RecordId) -> [u8; 16] {
    id.as_u128().to_be_bytes()
}

//! Cursors: where a page ended, opaque and signed, good only for the same tenant and the same question.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rapport_domain::TenantId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use crate::Store;

/// How much of the signature is kept, in bytes.
const SIGNATURE: usize = 16;

impl Store {
    /// Seals a position. `question` is whatever must be the same on the next page: path and filters.
    #[must_use]
    pub fn seal<P: Serialize>(&self, tenant: TenantId, question: &str, position: &P) -> String {
        let json = serde_json::to_vec(position).unwrap_or_default();
        let mut bytes = self.sign(tenant, question, &json);
        bytes.extend_from_slice(&json);
        BASE64.encode(bytes)
    }

    /// Opens a cursor. `None` when it is forged, another tenant's, or for another question.
    #[must_use]
    pub fn open<P: DeserializeOwned>(&self, tenant: TenantId, question: &str, cursor: &str) -> Option<P> {
        let bytes = BASE64.decode(cursor).ok()?;
        let (signature, json) = bytes.split_at_checked(SIGNATURE)?;
        let mut mac = self.mac(tenant, question)?;
        mac.update(json);
        mac.verify_truncated_left(signature).ok()?;
        serde_json::from_slice(json).ok()
    }

    fn sign(&self, tenant: TenantId, question: &str, json: &[u8]) -> Vec<u8> {
        let Some(mut mac) = self.mac(tenant, question) else {
            return vec![0; SIGNATURE];
        };
        mac.update(json);
        mac.finalize().into_bytes()[..SIGNATURE].to_vec()
    }

    fn mac(&self, tenant: TenantId, question: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.cursor_key).ok()?;
        mac.update(format!("{tenant}\n{}\n{question}\n", question.len()).as_bytes());
        Some(mac)
    }
}

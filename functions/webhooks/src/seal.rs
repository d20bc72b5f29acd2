//! Secrets that others give us are kept sealed: AES-256-GCM under a key derived from the service's own, bound to the
//! source they belong to.

use rapport_domain::signature::hmac_sha256;
use rapport_domain::{RecordId, TenantId};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

/// A sealed text could not be made or opened.
#[derive(Debug)]
pub(crate) struct Unsealable;

fn key(service_key: &[u8]) -> Result<LessSafeKey, Unsealable> {
    let key = hmac_sha256(service_key, b"sealed\nsecrets of webhook sources");
    let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| Unsealable)?;
    Ok(LessSafeKey::new(key))
}

fn bound(tenant: TenantId, source: RecordId) -> Aad<String> {
    Aad::from(format!("{tenant}\n{source}"))
}

/// Seals a secret.
pub(crate) fn seal(
    service_key: &[u8],
    tenant: TenantId,
    source: RecordId,
    secret: &str,
) -> Result<Vec<u8>, Unsealable> {
    // Drawn at random: among a billion secrets, two of which must not share one, that happens with a chance of 10^-11.
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(|_| Unsealable)?;
    let mut text = secret.as_bytes().to_vec();
    key(service_key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound(tenant, source), &mut text)
        .map_err(|_| Unsealable)?;
    Ok([&nonce[..], &text].concat())
}

/// Opens a sealed secret.
pub(crate) fn open(
    service_key: &[u8],
    tenant: TenantId,
    source: RecordId,
    sealed: &[u8],
) -> Result<String, Unsealable> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(Unsealable)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealable)?;
    let mut text = text.to_vec();
    let text = key(service_key)?
        .open_in_place(nonce, bound(tenant, source), &mut text)
        .map_err(|_| Unsealable)?;
    String::from_utf8(text.to_vec()).map_err(|_| Unsealable)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::Prefix;

    #[test]
    fn a_secret_opens_only_for_its_source_and_key() {
        let (tenant, source) = (TenantId::new(), RecordId::new(Prefix::WebhookSource));
        let sealed = seal(&[1; 32], tenant, source, "hush").unwrap();
        assert!(!sealed.windows(4).any(|part| part == b"hush"));
        assert_ne!(sealed, seal(&[1; 32], tenant, source, "hush").unwrap());
        assert_eq!(open(&[1; 32], tenant, source, &sealed).unwrap(), "hush");
        assert!(open(&[2; 32], tenant, source, &sealed).is_err());
        assert!(open(&[1; 32], TenantId::new(), source, &sealed).is_err());
        assert!(open(&[1; 32], tenant, RecordId::new(Prefix::WebhookSource), &sealed).is_err());
        assert!(open(&[1; 32], tenant, source, &sealed[..20]).is_err());
        assert!(open(&[1; 32], tenant, source, &[]).is_err());
    }
}

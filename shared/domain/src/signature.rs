//! Signatures of webhooks, out and in: the Standard Webhooks form (`v1` HMAC-SHA256, `v1a` Ed25519) and the simpler
//! forms other senders use. Always over the raw bytes, always compared in constant time.
//!
//! Where a secret is kept is not this module's matter.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey, Verifier as _, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// How far a sender's clock may be off, in seconds, before a signed message counts as replayed.
pub const TOLERANCE_SECONDS: i64 = 300;

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header that carries it, or what it covers, is not there or not readable.
    #[error("the signature's headers are missing or malformed")]
    Missing,
    /// The message was signed too long ago or in the future.
    #[error("the signature's time is more than five minutes off")]
    Expired,
    /// It is not the signature of these bytes under this secret.
    #[error("the signature does not fit")]
    Wrong,
}

/// What a receiver verifies with: a shared secret or a public key.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// Shared bytes (`whsec_…`).
    Shared(Vec<u8>),
    /// An Ed25519 public key (`whpk_…`).
    Public([u8; 32]),
}

impl Secret {
    /// Reads `whsec_` or `whpk_` followed by base64. Shared secrets have 24 to 64 bytes, as Standard Webhooks demands.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("whpk_") {
            return STANDARD.decode(rest).ok()?.try_into().ok().map(Self::Public);
        }
        let bytes = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self::Shared(bytes))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The text of a shared secret: `whsec_…`.
#[must_use]
pub fn secret_text(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// The text of the public key of an Ed25519 seed: `whpk_…`.
#[must_use]
pub fn public_key_text(seed: &[u8; 32]) -> String {
    format!(
        "whpk_{}",
        STANDARD.encode(SigningKey::from_bytes(seed).verifying_key().as_bytes())
    )
}

/// What Standard Webhooks signs: id, time in seconds since 1970 and body, joined by full stops.
fn signed_content(id: &str, seconds: i64, body: &[u8]) -> Vec<u8> {
    let mut content = format!("{id}.{seconds}.").into_bytes();
    content.extend_from_slice(body);
    content
}

/// HMAC-SHA256.
#[must_use]
pub fn hmac_sha256(secret: &[u8], content: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so this cannot fail; an empty result would verify nothing.
    Hmac::<Sha256>::new_from_slice(secret).map_or([0; 32], |mut mac| {
        mac.update(content);
        mac.finalize().into_bytes().into()
    })
}

/// A `v1` signature of Standard Webhooks.
#[must_use]
pub fn sign_v1(secret: &[u8], id: &str, seconds: i64, body: &[u8]) -> String {
    format!(
        "v1,{}",
        STANDARD.encode(hmac_sha256(secret, &signed_content(id, seconds, body)))
    )
}

/// A `v1a` signature of Standard Webhooks.
#[must_use]
pub fn sign_v1a(seed: &[u8; 32], id: &str, seconds: i64, body: &[u8]) -> String {
    let signature = SigningKey::from_bytes(seed).sign(&signed_content(id, seconds, body));
    format!("v1a,{}", STANDARD.encode(signature.to_bytes()))
}

/// Verifies a message after Standard Webhooks: one of the signatures listed must fit, and the time be near.
///
/// # Errors
/// [`SignatureError`].
pub fn verify_standard(
    secret: &Secret,
    id: &str,
    seconds: &str,
    signatures: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let seconds: i64 = seconds.parse().map_err(|_| SignatureError::Missing)?;
    if id.is_empty() || signatures.is_empty() {
        return Err(SignatureError::Missing);
    }
    if now.as_second().abs_diff(seconds) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(SignatureError::Expired);
    }
    let content = signed_content(id, seconds, body);
    let fits = |given: &str| match (secret, given.split_once(',')) {
        (Secret::Shared(secret), Some(("v1", text))) => {
            same(&hmac_sha256(secret, &content), STANDARD.decode(text).ok())
        }
        (Secret::Public(key), Some(("v1a", text))) => {
            let signature = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
            match (VerifyingKey::from_bytes(key), signature) {
                (Ok(key), Some(signature)) => key
                    .verify(&content, &ed25519_dalek::Signature::from_bytes(&signature))
                    .is_ok(),
                _ => false,
            }
        }
        _ => false,
    };
    if signatures.split(' ').any(fits) {
        Ok(())
    } else {
        Err(SignatureError::Wrong)
    }
}

/// Verifies an HMAC-SHA256 of the body alone, given in base64 or hex, with or without `sha256=` before it: the form of
/// Shopify, Typeform, GitHub and many others.
///
/// # Errors
/// [`SignatureError`].
pub fn verify_body(secret: &[u8], given: Option<&str>, body: &[u8]) -> Result<(), SignatureError> {
    let given = given
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .ok_or(SignatureError::Missing)?;
    let text = given.strip_prefix("sha256=").unwrap_or(given);
    let bytes = if text.len() == 64 {
        from_hex(text)
    } else {
        STANDARD.decode(text).ok()
    };
    if same(&hmac_sha256(secret, body), bytes) {
        Ok(())
    } else {
        Err(SignatureError::Wrong)
    }
}

fn same(ours: &[u8; 32], theirs: Option<Vec<u8>>) -> bool {
    theirs.is_some_and(|theirs| bool::from(ours.as_slice().ct_eq(&theirs)))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).map(|d| d as u8))
        .collect::<Option<_>>()?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0))
            .collect(),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNED: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
    const AT: i64 = 1_649_367_553;

    fn shared() -> Vec<u8> {
        match Secret::parse(SECRET).unwrap() {
            Secret::Shared(bytes) => bytes,
            Secret::Public(_) => panic!("a shared secret was read as a public key"),
        }
    }

    #[test]
    fn the_published_vector_of_standard_webhooks_holds() {
        assert_eq!(sign_v1(&shared(), ID, AT, BODY), SIGNED);
        assert_eq!(secret_text(&shared()), SECRET);
    }

    #[test]
    fn standard_signatures_fit_or_are_refused() {
        use SignatureError::{Expired, Missing, Wrong};
        let seed = [7; 32];
        let public = public_key_text(&seed);
        let ed = sign_v1a(&seed, ID, AT, BODY);
        let both = format!("v1,AAAA {SIGNED}");
        for (secret, id, at, signatures, body, ahead, expected) in [
            (SECRET, ID, "1649367553", SIGNED, BODY, 0, Ok(())),
            (SECRET, ID, "1649367553", both.as_str(), BODY, 299, Ok(())),
            (public.as_str(), ID, "1649367553", ed.as_str(), BODY, 0, Ok(())),
            (SECRET, ID, "1649367553", SIGNED, BODY, 300, Ok(())),
            (SECRET, ID, "1649367553", SIGNED, BODY, -300, Ok(())),
            (SECRET, ID, "1649367553", SIGNED, BODY, 301, Err(Expired)),
            (SECRET, ID, "1649367553", SIGNED, BODY, -301, Err(Expired)),
            (SECRET, "msg_2", "1649367553", SIGNED, BODY, 0, Err(Wrong)),
            (SECRET, ID, "1649367554", SIGNED, BODY, 0, Err(Wrong)),
            (SECRET, ID, "1649367553", SIGNED, b"{}".as_slice(), 0, Err(Wrong)),
            (SECRET, ID, "1649367553", ed.as_str(), BODY, 0, Err(Wrong)),
            (public.as_str(), ID, "1649367553", SIGNED, BODY, 0, Err(Wrong)),
            (SECRET, ID, "1649367553", "v1", BODY, 0, Err(Wrong)),
            (SECRET, ID, "1649367553", "", BODY, 0, Err(Missing)),
            (SECRET, "", "1649367553", SIGNED, BODY, 0, Err(Missing)),
            (SECRET, ID, "soon", SIGNED, BODY, 0, Err(Missing)),
        ] {
            let now = Timestamp::from_second(AT + ahead).unwrap();
            let result = verify_standard(&Secret::parse(secret).unwrap(), id, at, signatures, body, now);
            assert_eq!(result, expected, "{id} {at} {signatures} {ahead}");
        }
    }

    #[test]
    fn body_signatures_come_in_three_forms() {
        // HMAC-SHA256 of the body "Hello, World!" under "It's a Secret to Everybody", GitHub's published example.
        let (secret, body) = (b"It's a Secret to Everybody", b"Hello, World!");
        let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let base64 = STANDARD.encode(from_hex(hex).unwrap());
        let prefixed = [
            format!("sha256={hex}"),
            format!("sha256={base64}"),
            hex.to_uppercase(),
            base64.clone(),
        ];
        for given in prefixed.iter().map(String::as_str).chain([hex]) {
            assert_eq!(verify_body(secret, Some(given), body), Ok(()), "{given}");
        }
        for (given, expected) in [
            (None, SignatureError::Missing),
            (Some(" "), SignatureError::Missing),
            (Some("sha256="), SignatureError::Wrong),
            (Some("sha1=00"), SignatureError::Wrong),
            (Some(&base64[..20]), SignatureError::Wrong),
        ] {
            assert_eq!(verify_body(secret, given, body), Err(expected), "{given:?}");
        }
        assert_eq!(verify_body(b"other", Some(hex), body), Err(SignatureError::Wrong));
    }

    #[test]
    fn secrets_of_a_wrong_length_are_none() {
        for (text, good) in [
            (SECRET, true),
            ("whsec_AAAA", false),
            ("whpk_AAAA", false),
            ("whsec_!", false),
            ("", false),
        ] {
            assert_eq!(Secret::parse(text).is_some(), good, "{text}");
        }
    }
}

//! The link in a mail: who is asked and until when, under a signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::id::{Prefix, RecordId, TenantId};

/// How much of the signature a link carries, in bytes.
const SIGNATURE: usize = 16;
/// Bytes of a link before its signature: tenant, invitation, expiry in seconds.
const CLAIMS: usize = 16 + 16 + 5;

/// What the link in a mail stands for. Opaque to whoever holds it; nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SurveyToken {
    /// The tenant.
    pub tenant: TenantId,
    /// The invitation.
    pub invitation: RecordId,
    /// Until when it is good, to the second.
    pub expires: Timestamp,
}

/// Why a link leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours, or changed.
    #[error("the link is not valid")]
    Invalid,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
}

impl SurveyToken {
    /// The token as it stands in a link: base64url of the claims and 128 bits of HMAC-SHA-256 under a key of its own
    /// purpose.
    #[must_use]
    pub fn seal(&self, secret: &[u8]) -> String {
        let claims = self.claims();
        let mut bytes = claims.to_vec();
        bytes.extend_from_slice(&mac(secret, &claims).finalize().into_bytes()[..SIGNATURE]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token. The signature is compared in constant time, and first.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open(secret: &[u8], text: &str, now: Timestamp) -> Result<Self, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Invalid)?;
        let bytes: [u8; CLAIMS + SIGNATURE] = bytes.try_into().map_err(|_| TokenError::Invalid)?;
        let (claims, signature) = bytes.split_at(CLAIMS);
        mac(secret, claims)
            .verify_truncated_left(signature)
            .map_err(|_| TokenError::Invalid)?;
        let number = |bytes: &[u8]| bytes.iter().fold(0u128, |value, byte| (value << 8) | u128::from(*byte));
        let seconds = i64::try_from(number(&claims[32..])).map_err(|_| TokenError::Invalid)?;
        let token = Self {
            tenant: TenantId::from_u128(number(&claims[..16])),
            invitation: RecordId::from_u128(Prefix::SurveyInvitation, number(&claims[16..32])),
            expires: Timestamp::from_second(seconds).map_err(|_| TokenError::Invalid)?,
        };
        if token.expires <= now {
            Err(TokenError::Expired)
        } else {
            Ok(token)
        }
    }

    fn claims(&self) -> [u8; CLAIMS] {
        let mut claims = [0u8; CLAIMS];
        claims[..16].copy_from_slice(&self.tenant.record().as_u128().to_be_bytes());
        claims[16..32].copy_from_slice(&self.invitation.as_u128().to_be_bytes());
        let seconds = u64::try_from(self.expires.as_second()).unwrap_or_default();
        claims[32..].copy_from_slice(&seconds.to_be_bytes()[3..]);
        claims
    }
}

fn mac(secret: &[u8], claims: &[u8]) -> Hmac<Sha256> {
    let new = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes any key"));
    // The secret signs other things too: this key signs survey links alone.
    let mut derive = new(secret);
    derive.update(b"rapport survey link v1");
    let mut mac = new(&derive.finalize().into_bytes());
    mac.update(claims);
    mac
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::survey::fixture::at;

    #[test]
    fn a_link_is_good_until_it_expires_and_cannot_be_made_up() {
        let secret = [7u8; 32];
        let token = SurveyToken {
            tenant: TenantId::new(),
            invitation: RecordId::new(Prefix::SurveyInvitation),
            expires: at("2026-12-22T00:00:00Z"),
        };
        let text = token.seal(&secret);
        let now = at("2026-12-21T23:59:59Z");
        assert_eq!(SurveyToken::open(&secret, &text, now), Ok(token));
        assert_eq!(
            SurveyToken::open(&secret, &text, token.expires),
            Err(TokenError::Expired)
        );
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')),
            "{text}"
        );
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        let changed = (0..bytes.len()).map(|n| {
            let mut bytes = bytes.clone();
            bytes[n] ^= 1;
            URL_SAFE_NO_PAD.encode(bytes)
        });
        let mut forged: Vec<String> = changed.collect();
        forged.extend([
            String::new(),
            "x".into(),
            format!("{text}A"),
            format!("{text}="),
            text[1..].to_owned(),
            token.seal(&[8u8; 32]),
            URL_SAFE_NO_PAD.encode(&bytes[..CLAIMS]),
            URL_SAFE_NO_PAD.encode([0u8; CLAIMS + SIGNATURE]),
            token.invitation.to_string(),
        ]);
        for forged in forged {
            assert_eq!(
                SurveyToken::open(&secret, &forged, now),
                Err(TokenError::Invalid),
                "{forged}"
            );
        }
    }
}

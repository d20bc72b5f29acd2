//! Access tokens: Ed25519-signed JWTs of fifteen minutes. Signed only by `identity`, verified by every function.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rapport_store::Kept;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Config, ed25519};

/// How long an access token is good, in seconds.
pub const ACCESS_SECONDS: i64 = 15 * 60;
/// Whom tokens are for.
const AUDIENCE: &str = "rapport";
/// How long a verified token is remembered at most, so that its signature is checked once and not with every request.
const REMEMBERED: usize = 10_000;

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: the service's public address.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// The user or API key.
    pub sub: String,
    /// The tenant.
    pub tid: String,
    /// The user's role; absent for API keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What it permits, separated by spaces.
    pub scope: String,
    /// When it was issued, seconds since 1970.
    pub iat: i64,
    /// When it ends, seconds since 1970.
    pub exp: i64,
    /// Its own id: the session's id for users.
    pub jti: String,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// Not one of ours, or changed.
    #[error("the access token is not valid")]
    Invalid,
    /// This function holds no signing key.
    #[error("this function cannot sign")]
    NoKey,
}

/// Signs and verifies access tokens.
pub struct Tokens {
    issuer: String,
    signing: Option<(String, EncodingKey)>,
    verifying: BTreeMap<String, DecodingKey>,
    public: Vec<(String, [u8; 32])>,
    known: Kept<[u8; 32], Claims>,
}

impl Tokens {
    /// The keys of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        ed25519::install();
        let public: Vec<_> = config.public_keys.iter().map(|key| (key_id(key), *key)).collect();
        let verifying = public
            .iter()
            .filter_map(|(id, key)| {
                Some((
                    id.clone(),
                    DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(key)).ok()?,
                ))
            })
            .collect();
        let signing = config.signing_key.map(|seed| {
            // PKCS #8 of an Ed25519 key is this header and the seed (RFC 8410).
            let mut der = vec![
                0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
            ];
            der.extend_from_slice(&seed);
            let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
            (key_id(&public), EncodingKey::from_ed_der(&der))
        });
        let known = Kept::new(REMEMBERED, Duration::from_secs(60));
        Self {
            issuer: config.public_url.clone(),
            signing,
            verifying,
            public,
            known,
        }
    }

    /// Signs a token for a subject.
    ///
    /// # Errors
    /// [`TokenError::NoKey`] when this function may not.
    pub fn sign(
        &self,
        tenant: &str,
        subject: &str,
        role: Option<&str>,
        scope: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<String, TokenError> {
        let (kid, key) = self.signing.as_ref().ok_or(TokenError::NoKey)?;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: subject.to_owned(),
            tid: tenant.to_owned(),
            role: role.map(str::to_owned),
            scope: scope.to_owned(),
            iat: now.as_second(),
            exp: now.as_second() + ACCESS_SECONDS,
            jti: id.to_owned(),
        };
        let header = Header {
            kid: Some(kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, &claims, key).map_err(|_| TokenError::Invalid)
    }

    /// Verifies a token: signature by a known key, the one algorithm, issuer, audience, time.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let claims = match self.known.get(&digest) {
            Some(claims) => claims,
            None => {
                let claims = self.check(token)?;
                self.known.put(digest, claims.clone());
                claims
            }
        };
        if claims.exp <= now.as_second() {
            Err(TokenError::Expired)
        } else {
            Ok(claims)
        }
    }

    /// Checks a token that is none of ours, with all that it takes to find that out: its signature begins with a point of the curve.
    pub(crate) fn rehearse(&self, now: Timestamp) {
        let token = self.public.first().map(|(kid, key)| unsigned(kid, key));
        let _ = token.map(|token| self.verify(&token, now));
    }

    fn check(&self, token: &str) -> Result<Claims, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let key = header
            .kid
            .and_then(|kid| self.verifying.get(&kid))
            .ok_or(TokenError::Invalid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        // The time is compared by our own clock, with every use, not only the first.
        validation.validate_exp = false;
        jsonwebtoken::decode::<Claims>(token, key, &validation)
            .map(|data| data.claims)
            .map_err(|_| TokenError::Invalid)
    }

    /// The public keys as a JSON Web Key Set (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        let keys: Vec<_> = self
            .public
            .iter()
            .map(|(kid, key)| serde_json::json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": URL_SAFE_NO_PAD.encode(key)}))
            .collect();
        serde_json::json!({ "keys": keys })
    }
}

/// A token that names a key, whose signature that key never made.
fn unsigned(kid: &str, key: &[u8; 32]) -> String {
    let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#));
    let claims = URL_SAFE_NO_PAD.encode("{}");
    let signature = URL_SAFE_NO_PAD.encode([*key, [0; 32]].concat());
    format!("{header}.{claims}.{signature}")
}

fn key_id(key: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(key)[..12])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    fn tokens(seed: u8) -> Tokens {
        let variables = move |name: &str| match name {
            "PUBLIC_URL" => Some("http://127.0.0.1:1/".to_owned()),
            "SECRET_KEY" | "SIGNING_KEY" => Some(STANDARD.encode([seed; 32])),
            _ => None,
        };
        Tokens::new(&Config::read(variables).unwrap())
    }

    #[test]
    fn claims_that_are_not_ours_are_refused_though_the_key_is() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let ours = tokens(1);
        let (kid, key) = ours.signing.as_ref().unwrap();
        let header = Header {
            kid: Some(kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let exp = now.as_second() + 60;
        let claims = serde_json::json!({"iss": ours.issuer, "aud": "rapport", "sub": "usr_1", "tid": "tnt_1", "scope": "*:read", "iat": 1, "exp": exp, "jti": "ses_1"});
        let verified = |claims: &serde_json::Value| {
            let token = jsonwebtoken::encode(&header, claims, key).unwrap();
            ours.verify(&token, now).map(|claims| claims.sub)
        };
        assert_eq!(verified(&claims).as_deref(), Ok("usr_1"));
        for (name, value, expected) in [
            ("iss", "http://127.0.0.1:2".into(), TokenError::Invalid),
            ("iss", serde_json::Value::Null, TokenError::Invalid),
            ("aud", "another".into(), TokenError::Invalid),
            ("aud", serde_json::json!(["another"]), TokenError::Invalid),
            ("aud", serde_json::Value::Null, TokenError::Invalid),
            ("exp", now.as_second().into(), TokenError::Expired),
            ("exp", (-1).into(), TokenError::Invalid),
            ("exp", exp.to_string().into(), TokenError::Invalid),
            ("exp", 1e300.into(), TokenError::Invalid),
            ("exp", serde_json::Value::Null, TokenError::Invalid),
            ("tid", serde_json::Value::Null, TokenError::Invalid),
            ("scope", serde_json::json!(["*:write"]), TokenError::Invalid),
        ] {
            let mut other = claims.clone();
            other[name] = value;
            assert_eq!(verified(&other), Err(expected), "{other}");
            let mut without = claims.clone();
            without.as_object_mut().unwrap().remove(name);
            assert_eq!(verified(&without), Err(TokenError::Invalid), "without {name}");
        }
    }

    #[test]
    fn what_is_rehearsed_is_refused_by_its_signature_and_no_sooner() {
        let ours = tokens(1);
        let (kid, key) = &ours.public[0];
        let token = unsigned(kid, key);
        let refused = jsonwebtoken::decode::<Claims>(&token, &ours.verifying[kid], &Validation::new(Algorithm::EdDSA));
        let kind = refused.unwrap_err().into_kind();
        assert_eq!(kind, jsonwebtoken::errors::ErrorKind::InvalidSignature);
        assert_eq!(ours.verify(&token, Timestamp::UNIX_EPOCH), Err(TokenError::Invalid));
        ours.rehearse(Timestamp::UNIX_EPOCH);
        assert!(ours.known.is_empty());
    }

    #[test]
    fn tokens_are_good_for_a_time_and_only_with_our_key() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let (ours, theirs) = (tokens(1), tokens(2));
        let token = ours
            .sign("tnt_1", "usr_1", Some("owner"), "*:read", "ses_1", now)
            .unwrap();
        assert_eq!(ours.verify(&token, now).unwrap().sub, "usr_1");
        assert_eq!(
            ours.verify(&token, now + jiff::SignedDuration::from_secs(ACCESS_SECONDS)),
            Err(TokenError::Expired)
        );
        assert_eq!(theirs.verify(&token, now), Err(TokenError::Invalid));
        let [header, body, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let kid = ours.public[0].0.clone();
        let confused = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{kid}"}}"#));
        for forged in [
            format!("{none}.{body}."),
            format!("{none}.{body}.{signature}"),
            format!("{confused}.{body}.{signature}"),
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"tid":"tnt_2"}"#)),
            format!("{header}.{body}"),
            "x".into(),
            String::new(),
        ] {
            assert_eq!(ours.verify(&forged, now), Err(TokenError::Invalid), "{forged}");
        }
    }
}

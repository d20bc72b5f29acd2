//! Configuration: read once, from the environment, by the names that the template gives.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rapport_domain::plan::Plan;
use rapport_mail::Way;
use rapport_store::TableNames;

/// Why the configuration is no use.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable that must be there is not.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable holds something else than it should.
    #[error("{0}: {1}")]
    Malformed(&'static str, &'static str),
}

/// A key of the operator's: the digest of the key, and the name that its actions go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorKey {
    /// The name.
    pub name: String,
    /// The SHA-256 of the key.
    pub digest: [u8; 32],
}

/// A function's configuration.
#[derive(Clone)]
pub struct Config {
    /// Where the service is reached from outside, without a slash at the end: `PUBLIC_URL`.
    pub public_url: String,
    /// The tables it may use: `TABLE_…`.
    pub tables: TableNames,
    /// The addresses of the queues it may send to, and of the dead letters it may look at: `QUEUE_…`, `DEAD_LETTERS_…`.
    pub queues: BTreeMap<String, String>,
    /// The keys of the operator: `OPERATOR_KEYS`, `name=digest` in hexadecimal, separated by commas.
    pub operator_keys: Vec<OperatorKey>,
    /// How mail is sent: `MAIL`; absent where a function sends none.
    pub mail: Option<Way>,
    /// The address mail comes from: `MAIL_FROM`.
    pub mail_from: String,
    /// Signs cursors, survey links and the like; 32 bytes or more, base64: `SECRET_KEY`.
    pub secret_key: Vec<u8>,
    /// The Ed25519 seed that signs access tokens, base64: `SIGNING_KEY`; only where tokens are issued.
    pub signing_key: Option<[u8; 32]>,
    /// The Ed25519 public keys that access tokens are verified with, base64url, separated by commas: `PUBLIC_KEYS`.
    pub public_keys: Vec<[u8; 32]>,
    /// Whether webhooks may go to loopback and private addresses: `ALLOW_PRIVATE_WEBHOOKS=1`.
    pub allow_private_webhooks: bool,
    /// The plan that a firm begins with: `SIGNUP_PLAN`, else `trial`.
    pub signup_plan: Plan,
    /// The folder of the built console: `CONSOLE_FOLDER`, in the cloud else `web` beside the function's program.
    pub console_folder: Option<PathBuf>,
}

impl Config {
    /// Reads the configuration through a lookup of variables.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first variable that is missing or malformed.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let key = |name: &'static str, text: &str| -> Result<[u8; 32], ConfigError> {
            let text = text.trim();
            let bytes = URL_SAFE_NO_PAD.decode(text).or_else(|_| STANDARD.decode(text)).ok();
            bytes
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or(ConfigError::Malformed(name, "32 bytes in base64 are needed"))
        };
        let secret = get("SECRET_KEY").ok_or(ConfigError::Missing("SECRET_KEY"))?;
        let secret_key = STANDARD
            .decode(secret.trim())
            .or_else(|_| URL_SAFE_NO_PAD.decode(secret.trim()))
            .unwrap_or_default();
        if secret_key.len() < 32 {
            return Err(ConfigError::Malformed(
                "SECRET_KEY",
                "32 bytes or more in base64 are needed",
            ));
        }
        let signing_key = get("SIGNING_KEY").map(|text| key("SIGNING_KEY", &text)).transpose()?;
        let mut public_keys = Vec::new();
        for text in get("PUBLIC_KEYS")
            .unwrap_or_default()
            .split(',')
            .filter(|text| !text.trim().is_empty())
        {
            public_keys.push(key("PUBLIC_KEYS", text)?);
        }
        if let Some(seed) = signing_key {
            let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
            if !public_keys.contains(&public) {
                public_keys.insert(0, public);
            }
        }
        let queues = rapport_queue::Queue::ALL
            .iter()
            .map(|queue| queue.variable().to_owned())
            .chain(rapport_queue::dead::names().map(|name| rapport_queue::dead::variable(&name)))
            .filter_map(|variable| Some((variable.clone(), get(&variable)?)))
            .collect();
        Ok(Self {
            public_url: get("PUBLIC_URL")
                .ok_or(ConfigError::Missing("PUBLIC_URL"))?
                .trim_end_matches('/')
                .to_owned(),
            tables: TableNames::read(get),
            queues,
            operator_keys: operator_keys(&get("OPERATOR_KEYS").unwrap_or_default())?,
            mail: get("MAIL")
                .map(|setting| setting.parse())
                .transpose()
                .map_err(|_| ConfigError::Malformed("MAIL", "ses, smtp://HOST:PORT or folder:PATH is needed"))?,
            mail_from: get("MAIL_FROM").unwrap_or_else(|| "service@rapport.example".to_owned()),
            secret_key,
            signing_key,
            public_keys,
            allow_private_webhooks: get("ALLOW_PRIVATE_WEBHOOKS").as_deref() == Some("1"),
            signup_plan: match get("SIGNUP_PLAN") {
                None => Plan::Trial,
                Some(word) => {
                    Plan::parse(&word).ok_or(ConfigError::Malformed("SIGNUP_PLAN", "this is no plan's name"))?
                }
            },
            console_folder: get("CONSOLE_FOLDER")
                .map(PathBuf::from)
                .or_else(|| Some(Path::new(&get("LAMBDA_TASK_ROOT")?).join("web"))),
        })
    }
}

fn operator_keys(text: &str) -> Result<Vec<OperatorKey>, ConfigError> {
    let malformed = ConfigError::Malformed(
        "OPERATOR_KEYS",
        "name=SHA-256 in hexadecimal is needed, separated by commas",
    );
    let keys = text.split(',').map(str::trim).filter(|text| !text.is_empty());
    let keys = keys.map(|text| {
        let (name, digest) = text.split_once('=')?;
        let known = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !known || digest.len() != 64 || !digest.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (n, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digest[2 * n..2 * n + 2], 16).ok()?;
        }
        Some(OperatorKey {
            name: name.to_owned(),
            digest: bytes,
        })
    });
    keys.collect::<Option<_>>().ok_or(malformed)
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_operator_have_a_name_and_a_digest() {
        let digest = "0a".repeat(32);
        let keys = operator_keys(&format!(" ann={digest}, night-watch={digest},")).unwrap();
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["ann", "night-watch"]);
        assert_eq!(keys[0].digest, [10; 32]);
        assert_eq!(operator_keys("").unwrap(), []);
        for wrong in [
            digest.clone(),
            format!("={digest}"),
            format!("a b={digest}"),
            "ann=".to_owned(),
            format!("ann={}", &digest[1..]),
            format!("ann={}", "g".repeat(64)),
            format!("ann={}", "é".repeat(32)),
        ] {
            assert!(operator_keys(&wrong).is_err(), "{wrong}");
        }
    }
}

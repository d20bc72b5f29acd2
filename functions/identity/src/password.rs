//! Hashing passwords: Argon2id with 19 MiB, two passes, one lane (OWASP's second recommendation), a few at a time.

use std::sync::LazyLock;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use rapport_http::Problem;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// As many at a time as there are processors: more would take memory and be no faster.
static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).min(8)));

fn argon2() -> Result<Argon2<'static>, Problem> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let turn = tokio::time::timeout(PATIENCE, TURNS.acquire())
        .await
        .map_err(|_| Problem::unavailable("too many passwords wait to be hashed"))?
        .map_err(|error| Problem::internal(error.to_string()))?;
    let done = tokio::task::spawn_blocking(work).await;
    drop(turn);
    done.map_err(|error| Problem::internal(error.to_string()))
}

/// The same password typed on another keyboard has the same bytes.
fn bytes(password: &str) -> Vec<u8> {
    password.nfc().collect::<String>().into_bytes()
}

/// The hash of a password in PHC form, with a salt of its own.
///
/// # Errors
/// `503` when too many wait.
pub async fn hash(password: &str) -> Result<String, Problem> {
    let (argon2, password) = (argon2()?, bytes(password));
    in_turn(move || argon2.hash_password(&password).map(|hash| hash.to_string()))
        .await?
        .map_err(|error| Problem::internal(error.to_string()))
}

/// Whether a password is that of a hash. Without a hash the same work is done for nothing, so that an unknown address
/// takes as long as a wrong password.
///
/// # Errors
/// `503` when too many wait.
pub async fn verify(password: &str, hash: Option<String>) -> Result<bool, Problem> {
    let (argon2, password) = (argon2()?, bytes(password));
    in_turn(move || match hash {
        Some(hash) => argon2.verify_password(&password, hash.as_str()).is_ok(),
        None => argon2.hash_password(&password).is_err(),
    })
    .await
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_verifies_by_its_own_hash_only() {
        let hashed = hash("correct horse caf\u{e9}").await.unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert_ne!(hashed, hash("correct horse caf\u{e9}").await.unwrap());
        for (password, hash, good) in [
            ("correct horse caf\u{e9}", Some(hashed.clone()), true),
            ("correct horse cafe\u{301}", Some(hashed.clone()), true),
            ("correct horse cafe", Some(hashed), false),
            ("correct horse caf\u{e9}", Some("nonsense".to_owned()), false),
            ("correct horse caf\u{e9}", None, false),
        ] {
            assert_eq!(verify(password, hash).await.unwrap(), good, "{password}");
        }
    }
}

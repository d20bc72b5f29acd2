//! Signing in: which passwords are good enough, and how guessing is slowed down.
//!
//! Pure: no hashing (that is `functions/identity`) and no counting (that is the store).

use std::collections::HashSet;

use crate::email::Email;
use crate::invalid::Invalid;

/// The fewest characters of a password.
pub const LEAST: usize = 10;
/// The most characters of a password: enough for a sentence, little enough to hash.
pub const MOST: usize = 200;

/// Passwords that are tried first by whoever guesses; those under [`LEAST`] characters are refused anyway. Compared
/// without case, and without what people put at the end to please a rule.
const COMMON: &[&str] = &[
    "password",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "passwordpassword",
    "mypassword",
    "thepassword",
    "secretpassword",
    "newpassword",
    "letmein",
    "letmeinnow",
    "welcome",
    "welcomehome",
    "changeme",
    "changemenow",
    "iloveyou",
    "iloveyousomuch",
    "qwerty",
    "qwertyuiop",
    "qwertyqwerty",
    "qwerty123456",
    "qwertyuiopasdfghjkl",
    "asdfghjkl",
    "asdfghjkl;",
    "zxcvbnm",
    "zxcvbnm,./",
    "1qaz2wsx3edc",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "q1w2e3r4t5",
    "q1w2e3r4t5y6",
    "qazwsxedc",
    "qazwsxedcrfv",
    "administrator",
    "superman",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "basketball",
    "liverpool",
    "trustno1",
    "dragon",
    "monkey",
    "abc123",
    "abcd1234",
    "a1b2c3d4e5",
    "aa123456",
    "woaini",
    "woaini1314",
    "5201314520",
    "zxcvbnm123",
    "147258369",
    "1472583690",
    "159753",
    "987654321",
    "0987654321",
    "whatever",
    "computer",
    "internet",
    "michelle",
    "starwars",
    "master",
    "freedom",
    "default",
    "rapport",
    "customer",
    "companyname",
];

/// Checks a new password: length, not a common one, not a run of the keyboard's digits, not the person's own address,
/// name or firm.
///
/// # Errors
/// [`Invalid`] at `field`: `too_short`, `too_long` or `password_weak`.
pub fn check_password(field: &str, password: &str, email: &Email, names: &[&str]) -> Result<(), Invalid> {
    let length = password.chars().count();
    if length < LEAST {
        return Err(Invalid::one(
            field,
            "too_short",
            format!("a password has at least {LEAST} characters"),
        ));
    }
    if length > MOST {
        return Err(Invalid::one(
            field,
            "too_long",
            format!("a password has at most {MOST} characters"),
        ));
    }
    let weak = |why: &str| Err(Invalid::one(field, "password_weak", why));
    let plain = password.to_lowercase();
    let stem = plain.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    if COMMON.iter().any(|common| *common == plain || *common == stem) {
        return weak("this is one of the passwords that are guessed first");
    }
    if plain.chars().collect::<HashSet<_>>().len() < 4 || is_run(&plain) {
        return weak("a password needs more variety");
    }
    let address = email.key();
    let local = address.split('@').next().unwrap_or_default();
    let squeezed = |text: &str| -> String { text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let (whole, bare) = (squeezed(&plain), squeezed(stem));
    let own = std::iter::once(address.as_str())
        .chain(std::iter::once(local))
        .chain(names.iter().copied());
    for text in own.map(squeezed).filter(|text| !text.is_empty()) {
        if text == whole || text == bare {
            return weak("a password is not one's own address, name or firm");
        }
    }
    Ok(())
}

/// Whether every character follows the one before it, up or down, as in `1234567890` and `abcdefghij`.
fn is_run(text: &str) -> bool {
    let digits: Vec<i64> = text
        .chars()
        .map(|c| if c == '0' { 0 } else { i64::from(u32::from(c)) })
        .collect();
    let step = |wanted: i64| {
        digits.windows(2).all(|pair| {
            let wraps = (pair[0], pair[1]) == (i64::from(b'9'), 0) || (pair[0], pair[1]) == (0, i64::from(b'9'));
            let zero = (pair[0], pair[1]) == (0, i64::from(b'1')) || (pair[0], pair[1]) == (i64::from(b'1'), 0);
            wraps || zero || pair[1] - pair[0] == wanted
        })
    };
    step(1) || step(-1)
}

/// How attempts are slowed down: after so many failures each further one locks for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// Failures that lock nothing.
    pub free: u32,
    /// The first lock, in seconds; each next one is twice as long.
    pub first: u32,
    /// The longest lock, in seconds.
    pub longest: u32,
    /// Failures are forgotten so many seconds after the last.
    pub forgotten_after: u32,
}

/// The longest lock of all: whoever guesses at another's account keeps him out for no longer than this at a time.
pub const LONGEST_LOCK: u32 = 15 * 60;

impl Brake {
    /// One account from one address. Somebody's guessing from elsewhere does not lock the owner out here.
    pub const PAIR: Brake = Brake {
        free: 5,
        first: 5,
        longest: LONGEST_LOCK,
        forgotten_after: 24 * 3_600,
    };
    /// One account from anywhere. Addresses from which the account was signed in to lately are exempt.
    pub const ACCOUNT: Brake = Brake {
        free: 20,
        first: 30,
        longest: LONGEST_LOCK,
        forgotten_after: 24 * 3_600,
    };
    /// One address, whatever account: an office may share one.
    pub const ADDRESS: Brake = Brake {
        free: 50,
        first: 30,
        longest: LONGEST_LOCK,
        forgotten_after: 3_600,
    };

    /// How long the next attempt has to wait after so many failures, in seconds; 0 for not at all.
    #[must_use]
    pub fn lock(self, failures: u32) -> u32 {
        match failures.checked_sub(self.free) {
            None => 0,
            Some(over) => self.first.saturating_mul(1 << over.min(16)).min(self.longest),
        }
    }
}

/// At most so many in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub most: u32,
    /// In how many seconds.
    pub seconds: u32,
}

impl Quota {
    /// Mails to reset one login's password.
    pub const RESET_MAILS: Quota = Quota {
        most: 5,
        seconds: 3_600,
    };
    /// Requests for such mails, and sign-ups, from one address.
    pub const ADDRESS: Quota = Quota {
        most: 60,
        seconds: 3_600,
    };
    /// Invitations of one tenant: it pays for none of the mails it could send to strangers.
    pub const INVITATIONS: Quota = Quota {
        most: 200,
        seconds: 24 * 3_600,
    };
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        let email = Email::parse("email", "ann.lee@example.com").unwrap();
        let long = "é1aZ".repeat(51);
        for (password, code) in [
            ("correct horse battery", ""),
            ("暮色苍茫看劲松乱云飞渡", ""),
            ("pass word 12 z", ""),
            ("short", "too_short"),
            ("", "too_short"),
            (&long[..5 * 50], ""),
            (long.as_str(), "too_long"),
            ("Password123", "password_weak"),
            ("P@ssw0rd2026!", "password_weak"),
            ("qwertyuiop", "password_weak"),
            ("1234567890", "password_weak"),
            ("0123456789", "password_weak"),
            ("9876543210", "password_weak"),
            ("abcdefghijkl", "password_weak"),
            ("aaaaaaaaaaaa", "password_weak"),
            ("abababababab", "password_weak"),
            ("ann.lee@example.com", "password_weak"),
            ("Ann.Lee2026", "password_weak"),
            ("Acme Trading 1", "password_weak"),
        ] {
            let found = check_password("password", password, &email, &["Acme Trading"]);
            let found = found.err().map_or("", |invalid| invalid.problems[0].code);
            assert_eq!(found, code, "{password}");
        }
    }

    #[test]
    fn locks_grow_and_end() {
        for (brake, failures, seconds) in [
            (Brake::PAIR, 0, 0),
            (Brake::PAIR, 4, 0),
            (Brake::PAIR, 5, 5),
            (Brake::PAIR, 6, 10),
            (Brake::PAIR, 12, 640),
            (Brake::PAIR, 13, 900),
            (Brake::PAIR, u32::MAX, 900),
            (Brake::ACCOUNT, 19, 0),
            (Brake::ACCOUNT, 20, 30),
            (Brake::ACCOUNT, 1_000, 900),
            (Brake::ADDRESS, 49, 0),
            (Brake::ADDRESS, 55, 900),
        ] {
            assert_eq!(brake.lock(failures), seconds, "{brake:?} {failures}");
        }
    }
}

//! E-mail addresses.

use std::fmt;
use std::str::FromStr as _;

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;

/// A well-formed e-mail address: as given but for a lower-case domain. Two compare by [`Email::key`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Invalid`] with code `email_malformed` at `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let malformed = || Invalid::one(field, "email_malformed", "this is not an e-mail address");
        if text.len() > 254 || text.chars().any(char::is_control) {
            return Err(malformed());
        }
        let address = email_address::EmailAddress::from_str(text).map_err(|_| malformed())?;
        let domain = address.domain().to_lowercase();
        // A mailbox on the open internet: quoted local parts, address literals and bare host names are none.
        if !domain.contains('.') || domain.starts_with('[') || address.local_part().starts_with('"') {
            return Err(malformed());
        }
        Ok(Self(format!("{}@{domain}", address.local_part())))
    }

    /// As [`Email::parse`], for a field that may be absent or empty.
    ///
    /// # Errors
    /// [`Invalid`] with code `email_malformed` at `field`.
    pub fn optional(field: &str, text: Option<&str>) -> Result<Option<Self>, Invalid> {
        match text.map(str::trim) {
            None | Some("") => Ok(None),
            Some(text) => Self::parse(field, text).map(Some),
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address for comparing: all lower case.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["a@b.co", "Ann.Li+x@Example.COM", " a@b.co ", "用户@例子.中国"] {
            assert!(Email::parse("email", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a@",
            "@b.co",
            "a b@c.de",
            "a@b",
            "a@@b.co",
            "a@b.co\r\nBcc: x@y.zz",
            "a@[127.0.0.1]",
            "\"a b\"@c.de",
        ] {
            assert!(Email::parse("email", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_has_at_most_254_bytes() {
        for (length, good) in [(254, true), (255, false)] {
            let domain = format!("{}co", "d.".repeat(100));
            let address = format!("{:a>1$}@{domain}", "", length - domain.len() - 1);
            let parsed = Email::parse("email", &address);
            assert_eq!((address.len(), parsed.is_ok()), (length, good), "{address}");
        }
    }
}

//! Why an input is refused: every wrong field at once, each with a place, a code and a sentence.

use std::fmt;

use serde::Serialize;

/// One thing wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where: a JSON pointer as a URI fragment, `#/emails/0/address`.
    pub pointer: String,
    /// What, for programs: a stable word such as `email_malformed`.
    pub code: &'static str,
    /// What, for people.
    pub detail: String,
}

/// An input that breaks one or more rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// All that is wrong, in the order found.
    pub problems: Vec<Problem>,
}

impl Invalid {
    /// An input with one thing wrong. `field` is a path such as `emails/0/address`.
    pub fn one(field: &str, code: &'static str, detail: impl Into<String>) -> Self {
        let mut invalid = Self::default();
        invalid.add(field, code, detail);
        invalid
    }

    /// Notes one more.
    pub fn add(&mut self, field: &str, code: &'static str, detail: impl Into<String>) {
        let pointer = if field.is_empty() {
            "#".to_owned()
        } else {
            format!("#/{field}")
        };
        self.problems.push(Problem {
            pointer,
            code,
            detail: detail.into(),
        });
    }

    /// Takes the value of a result, or notes what was wrong with it.
    pub fn take<T>(&mut self, result: Result<T, Invalid>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.problems.extend(invalid.problems);
                None
            }
        }
    }

    /// `Ok` when nothing is wrong.
    ///
    /// # Errors
    /// Itself, when something is.
    pub fn check(self) -> Result<(), Invalid> {
        if self.problems.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            let gap = if n == 0 { "" } else { "; " };
            write!(f, "{gap}{}: {}", problem.pointer, problem.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

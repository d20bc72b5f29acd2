//! Why an input is refused: every wrong field at once, each with a place, a code and a sentence.

use std::fmt;

use serde::Serialize;

/// So many things are told at most: whoever sends a hundred wrong fields has the answer for the others.
const MOST: usize = 100;
/// Characters of a place or of a sentence, which may quote what was sent.
const LONGEST: usize = 400;

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

    /// Notes one more, unless there are enough.
    pub fn add(&mut self, field: &str, code: &'static str, detail: impl Into<String>) {
        if self.problems.len() >= MOST {
            return;
        }
        let pointer = if field.is_empty() {
            "#".to_owned()
        } else {
            shortened(format!("#/{field}"))
        };
        self.problems.push(Problem {
            pointer,
            code,
            detail: shortened(detail.into()),
        });
    }

    /// Takes the value of a result, or notes what was wrong with it.
    pub fn take<T>(&mut self, result: Result<T, Invalid>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.problems.extend(invalid.problems);
                self.problems.truncate(MOST);
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

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_never_longer_than_what_was_sent_by_much() {
        let mut invalid = Invalid::default();
        let long = "李".repeat(100_000);
        for _ in 0..1_000 {
            let one = Invalid::one(&format!("custom/{long}"), "field_unknown", format!("no field {long}"));
            assert_eq!(invalid.take::<()>(Err(one)), None);
            invalid.add("name", "required", "");
        }
        assert_eq!(invalid.problems.len(), MOST);
        let Problem { pointer, detail, .. } = &invalid.problems[0];
        assert_eq!(
            (pointer.chars().count(), detail.chars().count()),
            (LONGEST + 1, LONGEST + 1)
        );
        assert!(pointer.starts_with("#/custom/李") && pointer.ends_with('…'));
    }
}

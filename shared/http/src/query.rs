//! Query parameters: each by its name, unknown ones refused.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::problem::{Code, Problem};

/// The query's parameters in their order, decoded.
#[derive(Clone, Debug, Default)]
pub struct Params(pub Vec<(String, String)>);

impl Params {
    /// Refuses parameters that are not among `known`, and any that comes twice.
    ///
    /// # Errors
    /// `400`.
    pub fn only(&self, known: &[&str]) -> Result<(), Problem> {
        for (n, (name, _)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Problem::new(Code::UnknownParameter).detail(format!(
                    "'{name}' is not a parameter here; there are: {}",
                    known.join(", ")
                )));
            }
            if self.0[..n].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::new(Code::Malformed).detail(format!("the parameter '{name}' comes twice")));
            }
        }
        Ok(())
    }

    /// The value of a parameter, when it is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A whole number between bounds, or the default.
    ///
    /// # Errors
    /// `400` when it is something else.
    pub fn number(&self, name: &str, default: usize, least: usize, most: usize) -> Result<usize, Problem> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse().ok().filter(|n| (least..=most).contains(n)).ok_or_else(|| {
            Problem::new(Code::Malformed).detail(format!("{name} is a whole number from {least} to {most}"))
        })
    }

    /// True, false or the default.
    ///
    /// # Errors
    /// `400` when it is something else.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, Problem> {
        match self.get(name) {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err(Problem::new(Code::Malformed).detail(format!("{name} is true or false"))),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        serde_urlencoded::from_str(parts.uri.query().unwrap_or_default())
            .map(Params)
            .map_err(|_| Problem::new(Code::Malformed).detail("the query cannot be read"))
    }
}

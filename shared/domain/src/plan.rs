//! The plans that a firm may subscribe to.

use serde::{Deserialize, Serialize};

/// A plan by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// To try it.
    Trial,
    /// For one or two people.
    Starter,
    /// For a firm of some ten.
    Team,
    /// For a firm of a hundred.
    Business,
}

impl Plan {
    /// All of them, the smallest first.
    pub const ALL: &'static [Plan] = &[Plan::Trial, Plan::Starter, Plan::Team, Plan::Business];

    /// The plan's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Plan::Trial => "trial",
            Plan::Starter => "starter",
            Plan::Team => "team",
            Plan::Business => "business",
        }
    }

    /// The plan of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|plan| plan.as_str() == word)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_written_as_its_word() {
        for &plan in Plan::ALL {
            assert_eq!(serde_json::to_value(plan).unwrap(), plan.as_str());
            assert_eq!(Plan::parse(plan.as_str()), Some(plan));
        }
        assert_eq!(Plan::parse("gratis"), None);
    }
}

//! What was decided of a customer after screening: kept with the score it was decided on, author and time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::id::RecordId;
use crate::invalid::Invalid;
use crate::money::Amount;
use crate::text;

/// What is to be done with a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScreeningDecision)]
pub enum Decision {
    /// Look after as before.
    Keep,
    /// Give more attention: there is more to be had.
    Develop,
    /// Look again before long.
    Watch,
    /// Deliver against payment only.
    LimitCredit,
    /// End the trading.
    End,
}

/// What a caller says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScreeningIn {
    /// What is to be done.
    pub decision: Decision,
    /// Why, at most 2,000 characters.
    #[serde(default)]
    pub note: Option<String>,
}

/// A decision as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Screening {
    /// Its id.
    pub id: RecordId,
    /// The customer.
    pub contact_id: RecordId,
    /// What is to be done.
    pub decision: Decision,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The user or API key that decided.
    pub decided_by: String,
    /// When.
    #[serde(with = "crate::settings::millis")]
    pub decided_at: Timestamp,
    /// The first day that was looked at.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// The total score then, 0 to 100; absent for a customer without orders in those days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Amount>,
    /// The scores of the bases then, 0 to 100, those that were known.
    #[schema(value_type = Object)]
    pub bases: BTreeMap<String, Amount>,
}

impl ScreeningIn {
    /// Checks and normalises.
    ///
    /// # Errors
    /// [`Invalid`] when the note is too long.
    pub fn check(self) -> Result<Self, Invalid> {
        Ok(Self {
            note: text::optional("note", self.note, 2_000)?,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_trimmed_and_bounded() {
        for (note, expected) in [
            (None, Ok(None)),
            (Some(" late payer ".to_owned()), Ok(Some("late payer".to_owned()))),
            (Some("x".repeat(2_000)), Ok(Some("x".repeat(2_000)))),
            (Some("x".repeat(2_001)), Err("too_long")),
        ] {
            let decision = Decision::Watch;
            let checked = ScreeningIn { decision, note }.check();
            let found = checked.map_err(|invalid| invalid.problems[0].code);
            assert_eq!(found, expected.map(|note| ScreeningIn { decision, note }));
        }
    }
}

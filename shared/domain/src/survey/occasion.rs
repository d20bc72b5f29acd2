//! An occasion to ask: what happened, and what an invitation is to know of it.

use jiff::Timestamp;

use super::questionnaire::Trigger;
use crate::id::{Prefix, RecordId};

/// What somebody is asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Occasion {
    /// What happened.
    pub trigger: Trigger,
    /// The ticket or order.
    pub subject: RecordId,
    /// Its number, as the customer knows it.
    pub reference: Option<String>,
    /// When it happened; for an order, when we heard.
    pub at: Timestamp,
    /// What tells this occasion from others about the same subject: when a ticket was resolved. An order is fulfilled
    /// once.
    pub resolved_at: Option<Timestamp>,
    /// The firm in this matter.
    pub company_id: Option<RecordId>,
    /// Who the ticket is assigned to.
    pub agent_id: Option<RecordId>,
    /// The products of the order.
    pub product_ids: Vec<RecordId>,
}

impl Occasion {
    /// The id of the invitation that this occasion makes: the same however often it is heard of.
    #[must_use]
    pub fn invitation_id(&self) -> RecordId {
        let made = i64::try_from(self.subject.millis()).ok();
        let made = made.and_then(|millis| Timestamp::from_millisecond(millis).ok());
        let time = self.resolved_at.or(made).unwrap_or(Timestamp::UNIX_EPOCH);
        let nth = self.resolved_at.map_or(0, Timestamp::as_millisecond);
        let text = format!("{}\n{}\n{nth}", self.subject, self.trigger.as_str());
        RecordId::derived(Prefix::SurveyInvitation, time, &text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::survey::fixture::at;

    #[test]
    fn the_same_occasion_makes_the_same_invitation() {
        let occasion = Occasion {
            trigger: Trigger::OrderFulfilled,
            subject: RecordId::at(Prefix::Order, at("2026-11-20T00:00:00Z"), 7),
            reference: None,
            at: at("2026-11-22T10:00:00Z"),
            resolved_at: None,
            company_id: None,
            agent_id: None,
            product_ids: Vec::new(),
        };
        let later = Occasion {
            at: at("2026-11-23T10:00:00Z"),
            ..occasion.clone()
        };
        assert_eq!(occasion.invitation_id(), later.invitation_id());
        let again = Occasion {
            resolved_at: Some(at("2026-11-22T10:00:00Z")),
            ..occasion.clone()
        };
        assert_ne!(occasion.invitation_id(), again.invitation_id());
    }
}

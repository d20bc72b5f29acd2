//! What the tests of surveys start from: a ticket that was resolved, and the invitation to say how it went.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use jiff::Timestamp;

use super::{Invitation, Language, Metric, Occasion, Trigger};
use crate::id::{Prefix, RecordId};
use crate::record::Rules;

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn rules(now: &str) -> Rules {
    Rules {
        now: at(now),
        settings: Arc::default(),
        fields: Arc::default(),
    }
}

pub(super) fn invitation(metric: Metric) -> Invitation {
    let occasion = Occasion {
        trigger: Trigger::TicketResolved,
        subject: RecordId::at(Prefix::Ticket, at("2026-11-20T00:00:00Z"), 7),
        reference: Some("12".into()),
        at: at("2026-11-22T10:00:00Z"),
        resolved_at: Some(at("2026-11-22T10:00:00Z")),
        company_id: None,
        agent_id: None,
        product_ids: Vec::new(),
    };
    let (survey, contact) = (RecordId::new(Prefix::Survey), RecordId::new(Prefix::Contact));
    Invitation::new(&occasion, survey, metric, contact, Language::En, occasion.at)
}

//! The complaint that a bad answer opens.

use jiff::Timestamp;

use super::invitation::Invitation;
use super::language::Language;
use super::questionnaire::Trigger;
use crate::id::{Prefix, RecordId};
use crate::ticket::{Channel, TicketIn, TicketKind};

impl Invitation {
    /// Whether somebody should look after the customer, and nobody was told yet.
    #[must_use]
    pub fn wants_complaint(&self) -> bool {
        self.complaint_id.is_none() && self.score.is_some_and(|score| self.metric.is_bad(score))
    }

    /// The ticket that a bad answer opens: its id and what it says, in the tenant's language. That there is only one is
    /// held by `complaint_id`, which is written together with it.
    #[must_use]
    pub fn complaint(&self, invitation: RecordId, now: Timestamp, language: Language) -> (RecordId, TicketIn) {
        let id = RecordId::derived(Prefix::Ticket, now, &format!("complaint\n{invitation}"));
        let score = self.score.unwrap_or_default();
        let (metric, highest) = (self.metric.as_str().to_uppercase(), self.metric.scale().1);
        let reference = self.reference.as_deref().unwrap_or_default();
        let about = match (self.trigger, language) {
            (Trigger::TicketResolved, Language::En) => format!("ticket {reference}"),
            (Trigger::TicketResolved, Language::ZhCn) => format!("工单 {reference}"),
            (Trigger::OrderFulfilled, Language::En) => format!("order {reference}"),
            (Trigger::OrderFulfilled, Language::ZhCn) => format!("订单 {reference}"),
        };
        let (subject, source) = match language {
            Language::En => (
                format!(
                    "Dissatisfied customer: {metric} {score} of {highest}, {}",
                    about.trim_end()
                ),
                "Answer to the survey",
            ),
            Language::ZhCn => (
                format!("客户不满意：{metric} {score}/{highest}，{}", about.trim_end()),
                "调查回复",
            ),
        };
        let mut body = self.comment.clone().unwrap_or_default();
        if !body.is_empty() {
            body.push_str("\n\n");
        }
        body.push_str(&format!("{source} {invitation}"));
        if let Some(ticket) = self.ticket_id {
            body.push_str(&format!(" ({ticket})"));
        }
        let word = |id: Option<RecordId>| id.map(|id| id.to_string());
        let ticket = TicketIn {
            subject: Some(subject),
            body: Some(body),
            contact_id: Some(self.contact_id.to_string()),
            company_id: word(self.company_id),
            order_id: word(self.order_id),
            channel: Some(Channel::Survey),
            kind: Some(TicketKind::Complaint),
            ..TicketIn::default()
        };
        (id, ticket)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::survey::fixture::{at, invitation, rules};
    use crate::survey::{AnswerIn, Metric};

    #[test]
    fn bad_answers_open_one_ticket() {
        let now = at("2026-11-22T12:00:00Z");
        for (metric, score, bad) in [
            (Metric::Csat, 2, true),
            (Metric::Csat, 3, false),
            (Metric::Nps, 6, true),
            (Metric::Nps, 7, false),
            (Metric::Ces, 2, true),
            (Metric::Ces, 3, false),
        ] {
            let answer = AnswerIn {
                score: Some(score),
                comment: Some("Too slow".into()),
                ..AnswerIn::default()
            };
            let mut answered = invitation(metric)
                .answer(answer, &[], &rules("2026-11-22T12:00:00Z"))
                .unwrap();
            assert_eq!(answered.wants_complaint(), bad, "{metric:?} {score}");
            let id = RecordId::at(Prefix::SurveyInvitation, now, 1);
            let (ticket, input) = answered.complaint(id, now, Language::ZhCn);
            assert_eq!(input.kind, Some(TicketKind::Complaint));
            assert!(input.body.unwrap().starts_with("Too slow"));
            answered.complaint_id = Some(ticket);
            assert!(!answered.wants_complaint());
        }
    }

    #[test]
    fn a_complaint_says_what_it_is_about_and_quotes_the_comment() {
        let now = at("2026-11-22T12:00:00Z");
        let id = RecordId::at(Prefix::SurveyInvitation, now, 1);
        let (company, order) = (RecordId::new(Prefix::Company), RecordId::new(Prefix::Order));
        let ticket = invitation(Metric::Nps).ticket_id.unwrap();
        for (trigger, language, comment, subject, body) in [
            (
                Trigger::TicketResolved,
                Language::En,
                None,
                "Dissatisfied customer: NPS 3 of 10, ticket 12",
                format!("Answer to the survey {id} ({ticket})"),
            ),
            (
                Trigger::TicketResolved,
                Language::ZhCn,
                Some("Too slow"),
                "客户不满意：NPS 3/10，工单 12",
                format!("Too slow\n\n调查回复 {id} ({ticket})"),
            ),
            (
                Trigger::OrderFulfilled,
                Language::En,
                Some("Broken"),
                "Dissatisfied customer: NPS 3 of 10, order 12",
                format!("Broken\n\nAnswer to the survey {id}"),
            ),
            (
                Trigger::OrderFulfilled,
                Language::ZhCn,
                None,
                "客户不满意：NPS 3/10，订单 12",
                format!("调查回复 {id}"),
            ),
        ] {
            let about_order = trigger == Trigger::OrderFulfilled;
            let invitation = Invitation {
                trigger,
                ticket_id: (!about_order).then_some(ticket),
                order_id: about_order.then_some(order),
                company_id: Some(company),
                score: Some(3),
                comment: comment.map(str::to_owned),
                ..invitation(Metric::Nps)
            };
            let expected = TicketIn {
                subject: Some(subject.to_owned()),
                body: Some(body),
                contact_id: Some(invitation.contact_id.to_string()),
                company_id: Some(company.to_string()),
                order_id: about_order.then(|| order.to_string()),
                channel: Some(Channel::Survey),
                kind: Some(TicketKind::Complaint),
                ..TicketIn::default()
            };
            assert_eq!(invitation.complaint(id, now, language).1, expected);
        }
    }
}

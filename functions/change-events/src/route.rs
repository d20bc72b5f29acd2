//! Which queues hear of which events.

use rapport_domain::plan::Limit;
use rapport_domain::{event, search};
use rapport_queue::Queue;

/// How the types of events end after which there are more or fewer records of a kind.
const COMING_AND_GOING: [&str; 4] = [".created", ".deleted", ".restored", ".merged"];

/// The queues that are told of a change with these types. `patterns` is what the tenant's endpoints want.
pub(crate) fn queues(noun: &str, types: &[String], patterns: &[String]) -> Vec<Queue> {
    let any = |test: fn(&str) -> bool| types.iter().any(|kind| test(kind));
    let endpoints = !patterns.is_empty() && types.iter().any(|kind| event::matches(patterns, kind));
    [
        (
            Queue::SegmentScores,
            any(|kind| kind.starts_with("order.") || kind.starts_with("payment.")),
        ),
        (
            Queue::SatisfactionSurveys,
            // Occasions to ask, and invitations to count.
            noun == "survey_invitation" || any(|kind| matches!(kind, "ticket.resolved" | "order.fulfilled")),
        ),
        (Queue::ReportSheets, event::REPORTED.contains(&noun)),
        (Queue::SearchIndex, search::NOUNS.contains(&noun)),
        (Queue::WebhookDeliveries, endpoints),
        (
            Queue::UsageCounts,
            Limit::of(noun).is_some() && any(|kind| COMING_AND_GOING.iter().any(|end| kind.ends_with(end))),
        ),
    ]
    .into_iter()
    .filter_map(|(queue, told)| told.then_some(queue))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_reach_those_who_care() {
        use Queue::{ReportSheets, SatisfactionSurveys, SearchIndex, SegmentScores, UsageCounts, WebhookDeliveries};
        for (noun, types, patterns, expected) in [
            ("lead", "lead.created", "", vec![SearchIndex, UsageCounts]),
            (
                "lead",
                "lead.created",
                "*",
                vec![SearchIndex, WebhookDeliveries, UsageCounts],
            ),
            ("lead", "lead.created", "order.*", vec![SearchIndex, UsageCounts]),
            ("lead", "lead.updated", "", vec![SearchIndex]),
            (
                "company",
                "company.deleted",
                "",
                vec![ReportSheets, SearchIndex, UsageCounts],
            ),
            ("survey", "survey.created", "", vec![]),
            (
                "order",
                "order.updated payment.received",
                "payment.received",
                vec![SegmentScores, ReportSheets, SearchIndex, WebhookDeliveries],
            ),
            (
                "order",
                "order.updated order.fulfilled",
                "",
                vec![SegmentScores, SatisfactionSurveys, ReportSheets, SearchIndex],
            ),
            (
                "ticket",
                "ticket.updated ticket.resolved",
                "",
                vec![SatisfactionSurveys, ReportSheets, SearchIndex],
            ),
            ("score", "contact.churn_alert", "contact.*", vec![WebhookDeliveries]),
            ("score", "contact.churn_alert", "", vec![]),
            ("survey", "survey.updated", "", vec![]),
            (
                "survey_invitation",
                "survey_invitation.updated survey.sent",
                "",
                vec![SatisfactionSurveys],
            ),
        ] {
            let list = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
            assert_eq!(
                queues(noun, &list(types), &list(patterns)),
                expected,
                "{noun} {types} {patterns}"
            );
        }
    }
}

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

/// Whether a queue is told for what happened, rather than for what there is: nobody asks or is told anew for the sake of records
/// that were moved here.
pub(crate) fn is_for_news(queue: Queue, noun: &str) -> bool {
    match queue {
        Queue::WebhookDeliveries => true,
        // Invitations are counted by it.
        Queue::SatisfactionSurveys => noun != "survey_invitation",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_moved_is_counted_and_told_to_nobody() {
        for (queue, noun, news) in [
            (Queue::WebhookDeliveries, "lead", true),
            (Queue::SatisfactionSurveys, "ticket", true),
            (Queue::SatisfactionSurveys, "survey_invitation", false),
            (Queue::ReportSheets, "order", false),
            (Queue::SearchIndex, "lead", false),
            (Queue::SegmentScores, "order", false),
            (Queue::UsageCounts, "lead", false),
        ] {
            assert_eq!(is_for_news(queue, noun), news, "{queue:?} {noun}");
        }
    }

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

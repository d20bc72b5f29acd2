//! A survey: what it asks, after what it is sent, and the ones that every tenant has.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::item::Item;
use super::language::{Language, Localised};
use super::metric::Metric;
use super::servqual;
use crate::id::{Prefix, RecordId, TenantId};
use crate::invalid::Invalid;
use crate::record::{Kind, Rules};
use crate::text;

/// What a customer is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SurveyTrigger)]
pub enum Trigger {
    /// A ticket was resolved.
    #[serde(rename = "ticket.resolved")]
    TicketResolved,
    /// An order was fulfilled.
    #[serde(rename = "order.fulfilled")]
    OrderFulfilled,
}

impl Trigger {
    /// Their words: the types of the events.
    pub const WORDS: &'static [&'static str] = &["ticket.resolved", "order.fulfilled"];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TicketResolved => "ticket.resolved",
            Self::OrderFulfilled => "order.fulfilled",
        }
    }

    /// The trigger among the types of event that a change was, if any.
    #[must_use]
    pub fn among(types: &[String]) -> Option<Self> {
        [Self::TicketResolved, Self::OrderFulfilled]
            .into_iter()
            .find(|trigger| types.iter().any(|kind| kind == trigger.as_str()))
    }
}

/// What a caller may say of a survey.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SurveyIn {
    /// What the firm calls it. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The figure it asks for. Required, and the same for ever: answers on two scales do not mix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// The question, at most 500 characters in each language; the usual one of the metric unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Localised>,
    /// What is asked beside the score, in this order, at most 80 items. A survey of SERVQUAL's statements always has
    /// these, in their order and before all others; what is given under their keys changes their texts alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<Item>>,
    /// What a respondent reads after answering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thanks: Option<Localised>,
    /// What it is sent after. The newest active survey with a trigger comes before the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Vec<Trigger>>,
    /// Whether it is sent; true unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The share of occasions that are asked about, 0 to 1; the tenant's `settings.survey.sample_rate` unless said
    /// otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<f64>,
    /// After how many days without an answer to remind, 1 to 29, not in the quiet hours; never unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminder_days: Option<u8>,
    /// How often at most, 1 or 2; once unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_reminders: Option<u8>,
}

/// A survey as kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Survey {
    /// What the firm calls it.
    pub name: String,
    /// The figure it asks for.
    pub metric: Metric,
    /// The question.
    #[serde(default)]
    pub question: Localised,
    /// What is asked beside the score.
    #[serde(default)]
    pub items: Vec<Item>,
    /// What a respondent reads after answering.
    #[serde(default)]
    pub thanks: Localised,
    /// What it is sent after.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Whether it is sent.
    pub active: bool,
    /// The share of occasions that are asked about, where it is not the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<f64>,
    /// After how many days without an answer to remind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder_days: Option<u8>,
    /// How often at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_reminders: Option<u8>,
    /// Whether it came with the tenant: sent where `settings.survey.template` names it, and never deleted.
    #[serde(default)]
    pub built_in: bool,
}

impl Survey {
    /// The id of a tenant's built-in survey.
    #[must_use]
    pub fn built_in_id(tenant: TenantId, metric: Metric) -> RecordId {
        // All have the same time, that of the tenant, so that they are listed after the tenant's own.
        let made = i64::try_from(tenant.record().millis()).unwrap_or_default();
        let made = Timestamp::from_millisecond(made).unwrap_or(Timestamp::UNIX_EPOCH);
        RecordId::derived(Prefix::Survey, made, &format!("{tenant}\nsurvey\n{}", metric.as_str()))
    }

    /// A built-in survey.
    #[must_use]
    pub fn built_in(metric: Metric) -> Self {
        Self {
            name: metric.name().to_owned(),
            metric,
            question: Localised {
                en: Some(metric.question(Language::En).to_owned()),
                zh_cn: Some(metric.question(Language::ZhCn).to_owned()),
            },
            items: servqual::items(metric),
            thanks: Localised::default(),
            triggers: Vec::new(),
            active: true,
            sample_rate: None,
            reminder_days: None,
            most_reminders: None,
            built_in: true,
        }
    }

    /// The question in a language.
    #[must_use]
    pub fn question(&self, language: Language) -> &str {
        self.question.text(language).unwrap_or(self.metric.question(language))
    }

    /// What is asked beside the score where the survey itself is gone.
    #[must_use]
    pub fn usual_items(metric: Metric) -> Vec<Item> {
        servqual::items(metric)
    }

    /// How many reminders are sent at most, and after how many days each; nothing where none is.
    #[must_use]
    pub fn reminders(&self) -> Option<(u8, u8)> {
        self.reminder_days.map(|days| (self.most_reminders.unwrap_or(1), days))
    }

    fn build(input: SurveyIn, old: Option<&Self>) -> Result<Self, Invalid> {
        let SurveyIn {
            name,
            metric,
            question,
            items,
            thanks,
            triggers,
            active,
            sample_rate,
            reminder_days,
            most_reminders,
        } = input;
        let mut invalid = Invalid::default();
        let name = invalid.take(text::required("name", name, 200));
        if metric.is_none() {
            invalid.add(
                "metric",
                "required",
                format!("a metric is one of {}", Metric::WORDS.join(", ")),
            );
        }
        if let (Some(metric), Some(old)) = (metric, old)
            && metric != old.metric
        {
            invalid.add("metric", "immutable", "the metric of a survey does not change");
        }
        let question = Localised::check("question", question, &mut invalid);
        let thanks = Localised::check("thanks", thanks, &mut invalid);
        let items = metric
            .map(|metric| Item::check(with_usual(items.unwrap_or_default(), metric), metric, &mut invalid))
            .unwrap_or_default();
        if sample_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            invalid.add("sample_rate", "out_of_range", "a rate lies between 0 and 1");
        }
        if reminder_days.is_some_and(|days| !(1..=29).contains(&days)) {
            invalid.add("reminder_days", "out_of_range", "1 to 29 days");
        }
        if most_reminders.is_some_and(|most| !(1..=2).contains(&most)) {
            invalid.add("most_reminders", "out_of_range", "1 or 2 reminders");
        }
        let mut triggers = triggers.unwrap_or_default();
        triggers.sort_unstable();
        triggers.dedup();
        invalid.check()?;
        Ok(Self {
            name: name.unwrap_or_default(),
            metric: metric.unwrap_or(Metric::Csat),
            question,
            items,
            thanks,
            triggers,
            active: active.unwrap_or(true),
            sample_rate,
            reminder_days,
            most_reminders,
            built_in: old.is_some_and(|old| old.built_in),
        })
    }
}

/// The items that a metric is made of, with the texts given under their keys, and then all others.
fn with_usual(given: Vec<Item>, metric: Metric) -> Vec<Item> {
    let mut items = servqual::items(metric);
    let usual = items.len();
    for item in given {
        match items.iter_mut().take(usual).find(|usual| usual.key == item.key) {
            Some(usual) if item.kind == usual.kind => {
                usual.text = item.text;
                usual.heading = item.heading;
                if item.choices.len() == usual.choices.len() {
                    for (mine, theirs) in usual.choices.iter_mut().zip(item.choices) {
                        mine.text = theirs.text;
                    }
                }
            }
            _ => items.push(item),
        }
    }
    items
}

impl Kind for Survey {
    const NOUN: &'static str = "survey";
    const PREFIX: Prefix = Prefix::Survey;
    type In = SurveyIn;

    fn create(input: SurveyIn, _: &Rules) -> Result<Self, Invalid> {
        Self::build(input, None)
    }

    fn editable(&self) -> SurveyIn {
        let Self {
            name,
            metric,
            question,
            items,
            thanks,
            triggers,
            active,
            sample_rate,
            reminder_days,
            most_reminders,
            built_in: _,
        } = self.clone();
        SurveyIn {
            name: Some(name),
            metric: Some(metric),
            question: Some(question),
            items: Some(items),
            thanks: Some(thanks),
            triggers: Some(triggers),
            active: Some(active),
            sample_rate,
            reminder_days,
            most_reminders,
        }
    }

    fn revise(&self, input: SurveyIn, _: &Rules) -> Result<Self, Invalid> {
        Self::build(input, Some(self))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn statements_stay_and_only_their_texts_change() {
        let rules = Rules {
            now: Timestamp::UNIX_EPOCH,
            settings: Arc::default(),
            fields: Arc::default(),
        };
        let survey = |items: serde_json::Value| {
            let input = serde_json::json!({"name": "A", "metric": "servqual_short", "items": items});
            Survey::create(serde_json::from_value(input).unwrap(), &rules)
        };
        let usual = Survey::usual_items(Metric::ServqualShort);
        assert_eq!(survey(serde_json::json!([])).unwrap().items, usual);
        let own = serde_json::json!([
            {"key": "more", "kind": "text", "text": {"en": "More?"}, "show_if": {"item": "empathy", "op": "lte", "value": 3}},
            {"key": "empathy", "kind": "scale", "from": 0, "to": 1, "text": {"en": "They care."}},
        ]);
        let items = survey(own).unwrap().items;
        assert_eq!((items.len(), items[5].key.as_str()), (6, "more"));
        assert_eq!(
            (items[4].text.en.as_deref(), items[4].scale()),
            (Some("They care."), (1, 7))
        );
        assert!(items[4].required);
        // The same key for something else is one key twice.
        let other = serde_json::json!([{"key": "empathy", "kind": "text", "text": {"en": "A"}}]);
        assert_eq!(survey(other).unwrap_err().problems[0].code, "key_taken");
        let more = serde_json::json!({"key": "more", "kind": "text", "text": {"en": "More?"}});
        let twice = serde_json::json!([more, more]);
        assert_eq!(survey(twice).unwrap_err().problems[0].code, "key_taken");
        for metric in Metric::ALL {
            let survey = Survey::built_in(metric);
            assert_eq!(
                survey.revise(survey.editable(), &rules),
                Ok(survey.clone()),
                "{metric:?}"
            );
        }
    }

    #[test]
    fn rates_and_reminders_are_bounded() {
        let rules = Rules {
            now: Timestamp::UNIX_EPOCH,
            settings: Arc::default(),
            fields: Arc::default(),
        };
        for (field, value, good) in [
            ("sample_rate", serde_json::json!(0.25), true),
            ("sample_rate", serde_json::json!(1.5), false),
            ("reminder_days", serde_json::json!(3), true),
            ("reminder_days", serde_json::json!(0), false),
            ("reminder_days", serde_json::json!(30), false),
            ("most_reminders", serde_json::json!(2), true),
            ("most_reminders", serde_json::json!(3), false),
        ] {
            let mut input = serde_json::json!({"name": "A", "metric": "nps"});
            input[field] = value.clone();
            let made = Survey::create(serde_json::from_value(input).unwrap(), &rules);
            assert_eq!(made.is_ok(), good, "{field} {value}");
        }
    }

    #[test]
    fn a_survey_keeps_its_metric() {
        let rules = Rules {
            now: Timestamp::UNIX_EPOCH,
            settings: Arc::default(),
            fields: Arc::default(),
        };
        let survey = Survey::built_in(Metric::Nps);
        assert_eq!(survey.revise(survey.editable(), &rules), Ok(survey.clone()));
        let other = SurveyIn {
            metric: Some(Metric::Csat),
            ..survey.editable()
        };
        assert_eq!(survey.revise(other, &rules).unwrap_err().problems[0].code, "immutable");
        let empty = Survey::create(SurveyIn::default(), &rules).unwrap_err();
        assert_eq!(empty.problems.len(), 2);
        let tenant = TenantId::new();
        assert_eq!(
            Survey::built_in_id(tenant, Metric::Ces),
            Survey::built_in_id(tenant, Metric::Ces)
        );
        assert_ne!(
            Survey::built_in_id(tenant, Metric::Ces),
            Survey::built_in_id(TenantId::new(), Metric::Ces)
        );
    }

    #[test]
    fn a_survey_asks_its_question_on_its_occasion_and_reminds_as_it_says() {
        for (types, trigger) in [
            (
                &["ticket.updated", "ticket.resolved"][..],
                Some(Trigger::TicketResolved),
            ),
            (&["order.fulfilled"], Some(Trigger::OrderFulfilled)),
            (&["order.placed"], None),
            (&[], None),
        ] {
            let types: Vec<String> = types.iter().map(|kind| (*kind).to_owned()).collect();
            assert_eq!(Trigger::among(&types), trigger, "{types:?}");
        }
        for (trigger, word) in [Trigger::TicketResolved, Trigger::OrderFulfilled]
            .into_iter()
            .zip(Trigger::WORDS)
        {
            assert_eq!(trigger.as_str(), *word);
            assert_eq!(serde_json::to_value(trigger).unwrap(), *word);
        }
        let usual = Survey::built_in(Metric::Csat);
        assert_eq!(usual.question(Language::En), "How satisfied are you with our service?");
        assert_eq!(usual.question(Language::ZhCn), "您对我们的服务满意吗？");
        let mut own = usual.clone();
        own.question.en = Some("Well?".to_owned());
        assert_eq!(own.question(Language::En), "Well?");
        for (days, most, expected) in [
            (None, None, None),
            (None, Some(2), None),
            (Some(7), None, Some((1, 7))),
            (Some(7), Some(3), Some((3, 7))),
        ] {
            (own.reminder_days, own.most_reminders) = (days, most);
            assert_eq!(own.reminders(), expected);
        }
    }
}

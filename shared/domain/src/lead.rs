//! A lead: somebody who may become a customer. Scored by rules whose reasons are kept beside the score.

use serde::{Deserialize, Serialize};

use crate::custom::FieldKind;
use crate::email::Email;
use crate::id::{Prefix, RecordId};
use crate::invalid::Invalid;
use crate::money::Money;
use crate::record::{Kind, Rules};
use crate::{phone, text};

/// How far a lead has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LeadStatus {
    /// Nobody has looked at it.
    #[default]
    New,
    /// Somebody is at work on it.
    Working,
    /// Worth selling to.
    Qualified,
    /// Not worth selling to.
    Unqualified,
    /// Became a contact.
    Converted,
}

/// How promising a person judges a lead to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Rating {
    Hot,
    Warm,
    Cold,
}

/// Where a visitor came from, as the usual link parameters say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Utm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// What a caller may say of a lead. One of `name`, `company_name`, `email` and `phone` is needed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LeadIn {
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The firm's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// An e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A telephone number in any usual form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The person's position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The firm's industry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
    /// Where the lead came from: `web`, `fair`, `referral`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The campaign that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<String>,
    /// Link parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utm: Option<Utm>,
    /// `new` unless said otherwise; `converted` only by conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<LeadStatus>,
    /// A person's judgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What it may be worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
}

/// One reason of a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ScoreReason {
    /// What was found: `has_email`, `rated_hot`, …
    pub reason: String,
    /// What it adds.
    pub points: i32,
}

/// A lead as kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct Lead {
    pub name: Option<String>,
    pub company_name: Option<String>,
    pub email: Option<Email>,
    /// E.164.
    pub phone: Option<String>,
    /// The number as it was given, where that differs.
    pub phone_given: Option<String>,
    pub title: Option<String>,
    pub industry: Option<String>,
    pub source: Option<String>,
    pub campaign_id: Option<String>,
    pub utm: Option<Utm>,
    pub status: LeadStatus,
    pub rating: Option<Rating>,
    /// 0 to 100, the sum of the reasons.
    pub score: i32,
    pub score_reasons: Vec<ScoreReason>,
    pub note: Option<String>,
    pub value: Option<Money>,
    /// The contact it became.
    pub contact_id: Option<RecordId>,
    /// The company it became.
    pub company_id: Option<RecordId>,
    /// When it was converted.
    #[serde(default, with = "crate::settings::millis::option")]
    pub converted_at: Option<jiff::Timestamp>,
}

impl Lead {
    /// Marks a lead as converted.
    ///
    /// # Errors
    /// [`Invalid`] with code `already_converted` when it was before.
    pub fn convert(&self, contact: RecordId, company: Option<RecordId>, now: jiff::Timestamp) -> Result<Self, Invalid> {
        if self.status == LeadStatus::Converted {
            return Err(Invalid::one(
                "status",
                "already_converted",
                "this lead was converted before",
            ));
        }
        Ok(Self {
            status: LeadStatus::Converted,
            contact_id: Some(contact),
            company_id: company,
            converted_at: Some(now),
            ..self.clone()
        })
    }

    fn build(input: LeadIn, rules: &Rules) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let LeadIn {
            name,
            company_name,
            email,
            phone: number,
            title,
            industry,
            source,
            campaign_id,
            utm,
            status,
            rating,
            note,
            value,
        } = input;
        let name = invalid.take(text::optional("name", name, 200)).flatten();
        let company_name = invalid
            .take(text::optional("company_name", company_name, 200))
            .flatten();
        let email = invalid.take(Email::optional("email", email.as_deref())).flatten();
        let phone = invalid
            .take(phone::optional("phone", number.as_deref(), &rules.settings.country))
            .flatten();
        let phone_given = number
            .map(|given| given.trim().to_owned())
            .filter(|given| phone.as_deref().is_some_and(|phone| phone != given));
        let title = invalid.take(text::optional("title", title, 200)).flatten();
        let industry = invalid.take(text::optional("industry", industry, 100)).flatten();
        let source = invalid.take(text::optional("source", source, 100)).flatten();
        let note = invalid.take(text::optional("note", note, 10_000)).flatten();
        if let Some(id) = &campaign_id
            && RecordId::parse(Prefix::Campaign, id).is_err()
        {
            invalid.add("campaign_id", "id_malformed", "a campaign's id is cmp_…");
        }
        let utm = utm.map(|utm| {
            let mut part = |field: &str, value| {
                invalid
                    .take(text::optional(&format!("utm/{field}"), value, 200))
                    .flatten()
            };
            Utm {
                source: part("source", utm.source),
                medium: part("medium", utm.medium),
                campaign: part("campaign", utm.campaign),
                term: part("term", utm.term),
                content: part("content", utm.content),
            }
        });
        if let Some(value) = value
            && value.amount.0.is_sign_negative()
        {
            invalid.add("value/amount", "negative", "a value is not negative");
        }
        if invalid.problems.is_empty() && name.is_none() && company_name.is_none() && email.is_none() && phone.is_none()
        {
            invalid.add(
                "",
                "required",
                "a lead needs a name, a company_name, an email or a phone",
            );
        }
        invalid.check()?;
        let mut lead = Self {
            name,
            company_name,
            email,
            phone,
            phone_given,
            title,
            industry,
            source,
            campaign_id,
            utm,
            status: status.unwrap_or_default(),
            rating,
            score: 0,
            score_reasons: Vec::new(),
            note,
            value,
            contact_id: None,
            company_id: None,
            converted_at: None,
        };
        lead.score_reasons = lead.reasons();
        lead.score = lead
            .score_reasons
            .iter()
            .map(|reason| reason.points)
            .sum::<i32>()
            .clamp(0, 100);
        Ok(lead)
    }

    /// The rules of the score: how reachable, how well known and how promising somebody is.
    fn reasons(&self) -> Vec<ScoreReason> {
        let rated = |rating| self.rating == Some(rating);
        [
            (self.email.is_some(), "has_email", 15),
            (self.phone.is_some(), "has_phone", 15),
            (self.company_name.is_some(), "has_company", 10),
            (self.title.is_some(), "has_title", 5),
            (self.industry.is_some(), "has_industry", 5),
            (self.campaign_id.is_some() || self.utm.is_some(), "from_campaign", 5),
            (self.source.as_deref() == Some("referral"), "was_referred", 15),
            (
                self.value.is_some_and(|value| !value.amount.0.is_zero()),
                "has_value",
                10,
            ),
            (rated(Rating::Hot), "rated_hot", 30),
            (rated(Rating::Warm), "rated_warm", 15),
            (rated(Rating::Cold), "rated_cold", -10),
            (self.status == LeadStatus::Qualified, "qualified", 20),
            (self.status == LeadStatus::Unqualified, "unqualified", -100),
        ]
        .into_iter()
        .filter(|(holds, ..)| *holds)
        .map(|(_, reason, points)| ScoreReason {
            reason: reason.to_owned(),
            points,
        })
        .collect()
    }
}

impl Kind for Lead {
    const NOUN: &'static str = "lead";
    const PREFIX: Prefix = Prefix::Lead;
    const FIELDS: Option<FieldKind> = Some(FieldKind::Lead);
    type In = LeadIn;

    fn create(input: LeadIn, rules: &Rules) -> Result<Self, Invalid> {
        if input.status == Some(LeadStatus::Converted) {
            return Err(Invalid::one(
                "status",
                "not_allowed",
                "a lead becomes converted by POST /v1/leads/{id}/convert",
            ));
        }
        Self::build(input, rules)
    }

    fn editable(&self) -> LeadIn {
        let lead = self.clone();
        LeadIn {
            name: lead.name,
            company_name: lead.company_name,
            email: lead.email.map(|email| email.to_string()),
            phone: lead.phone_given.or(lead.phone),
            title: lead.title,
            industry: lead.industry,
            source: lead.source,
            campaign_id: lead.campaign_id,
            utm: lead.utm,
            status: Some(lead.status),
            rating: lead.rating,
            note: lead.note,
            value: lead.value,
        }
    }

    fn revise(&self, input: LeadIn, rules: &Rules) -> Result<Self, Invalid> {
        let status = input.status.unwrap_or_default();
        if (self.status == LeadStatus::Converted) != (status == LeadStatus::Converted) {
            return Err(Invalid::one(
                "status",
                "not_allowed",
                "a lead becomes converted only by conversion, and stays so",
            ));
        }
        let next = Self::build(input, rules)?;
        Ok(Self {
            contact_id: self.contact_id,
            company_id: self.company_id,
            converted_at: self.converted_at,
            ..next
        })
    }

    fn likeness(&self) -> Vec<(String, f32)> {
        let email = self
            .email
            .as_ref()
            .map(|email| (format!("email#{}", email.key()), 0.95));
        let phone = self.phone.as_ref().map(|phone| (format!("phone#{phone}"), 0.8));
        email.into_iter().chain(phone).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn rules() -> Rules {
        Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: Arc::default(),
            fields: Arc::default(),
        }
    }

    fn input(json: serde_json::Value) -> Result<Lead, Invalid> {
        Lead::create(serde_json::from_value(json).unwrap(), &rules())
    }

    #[test]
    fn a_lead_is_normalised_and_scored_with_reasons() {
        let lead = input(
            serde_json::json!({"name":" Ann  ","email":"Ann@Example.COM","phone":"(415) 555-2671","rating":"hot"}),
        )
        .unwrap();
        assert_eq!(lead.name.as_deref(), Some("Ann"));
        assert_eq!(lead.phone.as_deref(), Some("+14155552671"));
        assert_eq!(lead.phone_given.as_deref(), Some("(415) 555-2671"));
        assert_eq!((lead.score, lead.score_reasons.len()), (60, 3));
        assert_eq!(lead.revise(lead.editable(), &rules()).unwrap(), lead);
    }

    #[test]
    fn what_is_wrong_is_said_all_at_once() {
        for (json, pointers) in [
            (serde_json::json!({}), &["#"][..]),
            (serde_json::json!({"email":"a@","phone":"x"}), &["#/email", "#/phone"]),
            (serde_json::json!({"name":"A","status":"converted"}), &["#/status"]),
            (
                serde_json::json!({"name":"A","campaign_id":"lead_1"}),
                &["#/campaign_id"],
            ),
            (
                serde_json::json!({"name":"A","value":{"amount":"-1","currency":"USD"}}),
                &["#/value/amount"],
            ),
        ] {
            let invalid = input(json.clone()).unwrap_err();
            let found: Vec<_> = invalid
                .problems
                .iter()
                .map(|problem| problem.pointer.as_str())
                .collect();
            assert_eq!(found, pointers, "{json}");
        }
    }

    #[test]
    fn a_lead_converts_once() {
        let contact = RecordId::new(Prefix::Contact);
        let lead = input(serde_json::json!({"name":"A"}))
            .unwrap()
            .convert(contact, None, rules().now)
            .unwrap();
        assert!(lead.convert(contact, None, rules().now).is_err());
        assert!(
            lead.revise(
                LeadIn {
                    status: Some(LeadStatus::New),
                    ..lead.editable()
                },
                &rules()
            )
            .is_err()
        );
    }

    #[test]
    fn every_reason_has_its_points() {
        let campaign = RecordId::new(Prefix::Campaign).to_string();
        for (json, expected) in [
            (serde_json::json!({"name":"A"}), &[][..]),
            (serde_json::json!({"email":"a@b.co"}), &[("has_email", 15)]),
            (serde_json::json!({"phone":"(415) 555-2671"}), &[("has_phone", 15)]),
            (serde_json::json!({"company_name":"A"}), &[("has_company", 10)]),
            (serde_json::json!({"name":"A","title":"B"}), &[("has_title", 5)]),
            (serde_json::json!({"name":"A","industry":"B"}), &[("has_industry", 5)]),
            (
                serde_json::json!({"name":"A","campaign_id":campaign}),
                &[("from_campaign", 5)],
            ),
            (
                serde_json::json!({"name":"A","utm":{"source":"B"}}),
                &[("from_campaign", 5)],
            ),
            (
                serde_json::json!({"name":"A","source":"referral"}),
                &[("was_referred", 15)],
            ),
            (serde_json::json!({"name":"A","source":"web"}), &[]),
            (
                serde_json::json!({"name":"A","value":{"amount":"1","currency":"USD"}}),
                &[("has_value", 10)],
            ),
            (
                serde_json::json!({"name":"A","value":{"amount":"0","currency":"USD"}}),
                &[],
            ),
            (serde_json::json!({"name":"A","rating":"hot"}), &[("rated_hot", 30)]),
            (serde_json::json!({"name":"A","rating":"warm"}), &[("rated_warm", 15)]),
            (serde_json::json!({"name":"A","rating":"cold"}), &[("rated_cold", -10)]),
            (
                serde_json::json!({"name":"A","status":"qualified"}),
                &[("qualified", 20)],
            ),
            (
                serde_json::json!({"name":"A","status":"unqualified"}),
                &[("unqualified", -100)],
            ),
            (
                serde_json::json!({"email":"a@b.co","rating":"cold"}),
                &[("has_email", 15), ("rated_cold", -10)],
            ),
        ] {
            let lead = input(json.clone()).unwrap();
            let found: Vec<_> = lead
                .score_reasons
                .iter()
                .map(|reason| (reason.reason.as_str(), reason.points))
                .collect();
            assert_eq!(found, expected, "{json}");
            let sum: i32 = expected.iter().map(|(_, points)| points).sum();
            assert_eq!(lead.score, sum.max(0), "{json}");
        }
    }

    #[test]
    fn a_converted_lead_says_what_it_became_also_after_a_change() {
        let (contact, company) = (RecordId::new(Prefix::Contact), RecordId::new(Prefix::Company));
        let lead = input(serde_json::json!({"name":"A"}))
            .unwrap()
            .convert(contact, Some(company), rules().now)
            .unwrap();
        let change = LeadIn {
            name: Some("B".to_owned()),
            ..lead.editable()
        };
        for lead in [lead.revise(change, &rules()).unwrap(), lead] {
            assert_eq!(
                (lead.status, lead.contact_id, lead.company_id, lead.converted_at),
                (LeadStatus::Converted, Some(contact), Some(company), Some(rules().now))
            );
        }
    }

    #[test]
    fn a_lead_looks_like_others_of_its_address_or_number() {
        for (json, expected) in [
            (serde_json::json!({"name":"A"}), vec![]),
            (
                serde_json::json!({"email":"Ann@B.co","phone":"(415) 555-2671"}),
                vec![
                    ("email#ann@b.co".to_owned(), 0.95),
                    ("phone#+14155552671".to_owned(), 0.8),
                ],
            ),
        ] {
            assert_eq!(input(json.clone()).unwrap().likeness(), expected, "{json}");
        }
    }
}

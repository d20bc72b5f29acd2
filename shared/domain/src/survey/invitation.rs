//! An invitation: one occasion to ask one contact, how far it has come, and the answer, which is part of it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{ALREADY_ANSWERED, AnswerIn, Checked};
use super::item::Item;
use super::language::Language;
use super::metric::Metric;
use super::occasion::Occasion;
use super::questionnaire::{Survey, Trigger};
use crate::id::{Prefix, RecordId};
use crate::invalid::Invalid;
use crate::record::{Kind, Rules};

/// For how long a link can be answered, from when the invitation is due.
pub const ANSWERABLE: SignedDuration = SignedDuration::from_hours(24 * 30);
/// For how long a second answer replaces the first.
pub const REPLACEABLE: SignedDuration = SignedDuration::from_hours(24);

/// How far an invitation has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SurveyInvitationStatus)]
pub enum InvitationStatus {
    /// Waits for its time.
    #[default]
    Pending,
    /// Was mailed.
    Sent,
    /// Was answered.
    Answered,
    /// Was not sent after all.
    Skipped,
}

impl InvitationStatus {
    /// The words there are.
    pub const WORDS: &'static [&'static str] = &["pending", "sent", "answered", "skipped"];
}

/// Why nobody was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SurveySkip)]
pub enum Skip {
    /// The tenant sends no surveys, or not this one.
    Disabled,
    /// The matter is not settled any more: a ticket reopened, an order cancelled or returned; or it is gone.
    Unsettled,
    /// The order tells of the past.
    Historic,
    /// There is nobody to ask.
    NoContact,
    /// The contact may not be mailed, or has no address.
    NotMailable,
    /// The sample left this occasion out.
    Sampled,
    /// The mail could not be written to this address.
    Undeliverable,
    /// The firm's account was not open.
    AccountNotOpen,
    /// The mails that the firm's plan allows in a month were used up.
    PlanLimit,
}

/// What a caller may say of an invitation: nothing, since occasions make them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvitationIn {}

/// An invitation to one contact on one occasion, and the answer to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SurveyInvitation)]
pub struct Invitation {
    /// The survey.
    pub survey_id: RecordId,
    /// The figure it asks for.
    pub metric: Metric,
    /// Who is asked.
    pub contact_id: RecordId,
    /// The contact's firm in this matter.
    pub company_id: Option<RecordId>,
    /// What it is about.
    pub trigger: Trigger,
    /// The ticket it is about.
    pub ticket_id: Option<RecordId>,
    /// The order it is about.
    pub order_id: Option<RecordId>,
    /// The number of the ticket or order, as the customer knows it.
    pub reference: Option<String>,
    /// The language it is written in.
    pub language: Language,
    /// The contact's RFM segment when the invitation was made.
    #[serde(default)]
    pub segment: Option<String>,
    /// Who the ticket was assigned to then.
    #[serde(default)]
    pub agent_id: Option<RecordId>,
    /// The products of the order, the first 50.
    #[serde(default)]
    pub product_ids: Vec<RecordId>,
    /// How far it has come.
    pub status: InvitationStatus,
    /// Why it was not sent.
    pub skipped: Option<Skip>,
    /// When it is to be sent.
    #[serde(with = "crate::settings::millis")]
    pub due_at: Timestamp,
    /// The day of that, in the tenant's time zone then; what became of the invitation is counted on it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub due_on: Option<Date>,
    /// Until when it can be answered.
    #[serde(with = "crate::settings::millis")]
    pub expires_at: Timestamp,
    /// When it was mailed.
    #[serde(default, with = "crate::settings::millis::option")]
    pub sent_at: Option<Timestamp>,
    /// How many reminders were mailed.
    #[serde(default)]
    pub reminders: u8,
    /// When the last of them was.
    #[serde(default, with = "crate::settings::millis::option")]
    pub reminded_at: Option<Timestamp>,
    /// The answer on the metric's scale; of statements, their mean as perceived, to the nearest whole number.
    pub score: Option<u8>,
    /// What the respondent added.
    pub comment: Option<String>,
    /// The answers to the survey's items, by their keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub answers: BTreeMap<String, Value>,
    /// When it was answered first.
    #[serde(default, with = "crate::settings::millis::option")]
    pub first_answered_at: Option<Timestamp>,
    /// The day of that, in the tenant's time zone then; the answer is counted on it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub answered_on: Option<Date>,
    /// When it was answered last.
    #[serde(default, with = "crate::settings::millis::option")]
    pub answered_at: Option<Timestamp>,
    /// The ticket that a bad answer opened.
    pub complaint_id: Option<RecordId>,
}

impl Invitation {
    /// A new invitation.
    #[must_use]
    pub fn new(
        occasion: &Occasion,
        survey: RecordId,
        metric: Metric,
        contact: RecordId,
        language: Language,
        due: Timestamp,
    ) -> Self {
        let of = |prefix| Some(occasion.subject).filter(|subject| subject.prefix() == prefix);
        Self {
            survey_id: survey,
            metric,
            contact_id: contact,
            company_id: occasion.company_id,
            trigger: occasion.trigger,
            ticket_id: of(Prefix::Ticket),
            order_id: of(Prefix::Order),
            reference: occasion.reference.clone(),
            language,
            segment: None,
            agent_id: occasion.agent_id,
            product_ids: occasion.product_ids.clone(),
            status: InvitationStatus::Pending,
            skipped: None,
            due_at: due,
            due_on: None,
            expires_at: due.checked_add(ANSWERABLE).unwrap_or(Timestamp::MAX),
            sent_at: None,
            reminders: 0,
            reminded_at: None,
            score: None,
            comment: None,
            answers: BTreeMap::new(),
            first_answered_at: None,
            answered_on: None,
            answered_at: None,
            complaint_id: None,
        }
    }

    /// Whether it still waits to be sent.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.status == InvitationStatus::Pending
    }

    /// The invitation after it was mailed. Nothing to do where it was before, or the answer was faster than we are.
    #[must_use]
    pub fn sent(&self, now: Timestamp) -> Option<Self> {
        if self.sent_at.is_some() || self.status == InvitationStatus::Skipped {
            return None;
        }
        let status = if self.is_pending() {
            InvitationStatus::Sent
        } else {
            self.status
        };
        Some(Self {
            sent_at: Some(now),
            status,
            ..self.clone()
        })
    }

    /// The invitation that will not be sent. Nothing to do where it does not wait any more.
    #[must_use]
    pub fn skip(&self, reason: Skip) -> Option<Self> {
        self.is_pending().then(|| Self {
            status: InvitationStatus::Skipped,
            skipped: Some(reason),
            ..self.clone()
        })
    }

    /// Whether an answer would be taken: there is none yet, or the first is less than a day old.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.first_answered_at.is_none_or(|first| now < first + REPLACEABLE)
    }

    /// The invitation with an answer to the survey's items. Within a day a second answer replaces the first.
    ///
    /// # Errors
    /// [`Invalid`]: code [`ALREADY_ANSWERED`] after that; otherwise what is wrong with the answer.
    pub fn answer(&self, input: AnswerIn, items: &[Item], rules: &Rules) -> Result<Self, Invalid> {
        let now = rules.now;
        if !self.is_open(now) {
            return Err(Invalid::one("", ALREADY_ANSWERED, "this survey was answered before"));
        }
        let Checked {
            score,
            comment,
            answers,
        } = input.check(self.metric, items)?;
        let today = || now.to_zoned(rules.settings.zone()).date();
        Ok(Self {
            status: InvitationStatus::Answered,
            score,
            comment,
            answers,
            first_answered_at: self.first_answered_at.or(Some(now)),
            answered_on: self.answered_on.or_else(|| Some(today())),
            answered_at: Some(now),
            ..self.clone()
        })
    }

    /// Whether the `nth` reminder, from 1, is still wanted: it was mailed, not answered, can be answered, and no such
    /// reminder went before.
    #[must_use]
    pub fn wants_reminder(&self, nth: u8, now: Timestamp) -> bool {
        self.status == InvitationStatus::Sent && self.nth() == Some(nth) && now < self.expires_at
    }

    /// Which reminder would come next, from 1.
    fn nth(&self) -> Option<u8> {
        self.reminders.checked_add(1)
    }

    /// Which reminder comes next, from 1, and when, where the survey wants so many.
    #[must_use]
    pub fn next_reminder(&self, survey: &Survey) -> Option<(u8, Timestamp)> {
        let (most, days) = survey.reminders()?;
        let (nth, last) = (self.nth()?, self.reminded_at.or(self.sent_at)?);
        let due = last
            .checked_add(SignedDuration::from_hours(24 * i64::from(days)))
            .ok()?;
        (nth <= most && self.wants_reminder(nth, due)).then_some((nth, due))
    }

    /// The invitation after its `nth` reminder was mailed; nothing to do where it is not wanted any more.
    #[must_use]
    pub fn reminded(&self, nth: u8, now: Timestamp) -> Option<Self> {
        (self.nth() == Some(nth)).then(|| Self {
            reminders: nth,
            reminded_at: Some(now),
            ..self.clone()
        })
    }
}

impl Kind for Invitation {
    const NOUN: &'static str = "survey_invitation";
    const PREFIX: Prefix = Prefix::SurveyInvitation;
    type In = InvitationIn;

    fn create(_: InvitationIn, _: &Rules) -> Result<Self, Invalid> {
        Err(Invalid::one("", "not_allowed", "invitations are made by what happens"))
    }

    fn editable(&self) -> InvitationIn {
        InvitationIn {}
    }

    fn revise(&self, _: InvitationIn, _: &Rules) -> Result<Self, Invalid> {
        Ok(self.clone())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::survey::fixture::{at, invitation, rules};

    #[test]
    fn a_second_answer_replaces_the_first_for_a_day() {
        let say = |score| AnswerIn {
            score: Some(score),
            ..AnswerIn::default()
        };
        let first = invitation(Metric::Csat)
            .answer(say(1), &[], &rules("2026-11-22T12:00:00Z"))
            .unwrap();
        let second = first.answer(say(5), &[], &rules("2026-11-23T11:59:59Z")).unwrap();
        assert_eq!((second.score, second.status), (Some(5), InvitationStatus::Answered));
        assert_eq!(second.first_answered_at, first.answered_at);
        // It is counted on the day of the first.
        assert_eq!(second.answered_on, Some(jiff::civil::date(2026, 11, 22)));
        let third = second.answer(say(2), &[], &rules("2026-11-23T12:00:00Z")).unwrap_err();
        assert_eq!(third.problems[0].code, ALREADY_ANSWERED);
        // Sent is noted also where the answer came first, and skipped no more.
        assert_eq!(
            second.sent(at("2026-11-23T12:00:00Z")).unwrap().status,
            InvitationStatus::Answered
        );
        assert_eq!(second.skip(Skip::NotMailable), None);
    }

    #[test]
    fn what_was_said_is_kept() {
        let asked =
            serde_json::json!({"key": "waited", "kind": "scale", "text": {"en": "I had to wait"}, "from": 1, "to": 5});
        let said = serde_json::json!({"score": 4, "comment": "All well", "answers": {"waited": 2}});
        let (item, said): (Item, AnswerIn) = (
            serde_json::from_value(asked).unwrap(),
            serde_json::from_value(said).unwrap(),
        );
        let now = rules("2026-11-22T12:00:00Z");
        let answered = invitation(Metric::Csat).answer(said.clone(), &[item], &now).unwrap();
        assert_eq!((answered.score, answered.comment), (Some(4), said.comment));
        assert_eq!((answered.answers, answered.answered_at), (said.answers, Some(now.now)));
    }

    #[test]
    fn reminders_go_one_after_the_other_and_never_after_an_answer() {
        let fresh = invitation(Metric::Csat);
        let now = fresh.due_at + SignedDuration::from_hours(72);
        assert!(!fresh.wants_reminder(1, now), "not mailed yet");
        let sent = fresh.sent(fresh.due_at).unwrap();
        let once = sent.reminded(1, now).unwrap();
        let answer = AnswerIn {
            score: Some(4),
            ..AnswerIn::default()
        };
        let answered = sent.answer(answer, &[], &rules("2026-11-23T12:00:00Z")).unwrap();
        for (invitation, nth, at, wanted) in [
            (&sent, 1, now, true),
            (&sent, 2, now, false),
            (&sent, 1, sent.expires_at, false),
            (&once, 1, now, false),
            (&once, 2, now, true),
            (&answered, 1, now, false),
        ] {
            assert_eq!(
                invitation.wants_reminder(nth, at),
                wanted,
                "{nth} {at} {:?}",
                invitation.status
            );
        }
        assert_eq!((once.reminders, once.reminded(1, now)), (1, None));

        let (three_days, month) = (SignedDuration::from_hours(72), SignedDuration::from_hours(24 * 29));
        let wants = |reminder_days, most_reminders| Survey {
            reminder_days,
            most_reminders,
            ..Survey::built_in(Metric::Csat)
        };
        let twice = wants(Some(3), Some(2));
        let endless = Invitation {
            reminders: u8::MAX,
            ..sent.clone()
        };
        for (invitation, survey, next) in [
            (&fresh, &twice, None),
            (&sent, &twice, Some((1, fresh.due_at + three_days))),
            (&once, &twice, Some((2, now + three_days))),
            (&once, &wants(Some(3), None), None),
            (&sent, &wants(None, None), None),
            (&sent, &wants(Some(29), None), Some((1, fresh.due_at + month))),
            // It could not be answered any more.
            (&once, &wants(Some(29), Some(2)), None),
            (&answered, &twice, None),
            (&endless, &wants(Some(1), Some(255)), None),
        ] {
            assert_eq!(invitation.next_reminder(survey), next, "{:?}", survey.reminder_days);
        }
    }

    #[test]
    fn an_invitation_is_mailed_or_skipped_once_and_says_when_and_why() {
        let (fresh, now) = (invitation(Metric::Csat), at("2026-11-22T11:00:00Z"));
        let sent = fresh.sent(now).unwrap();
        assert_eq!(
            (sent.status, sent.sent_at, sent.skipped),
            (InvitationStatus::Sent, Some(now), None)
        );
        let skipped = fresh.skip(Skip::NoContact).unwrap();
        assert_eq!(
            (skipped.status, skipped.sent_at, skipped.skipped),
            (InvitationStatus::Skipped, None, Some(Skip::NoContact))
        );
        for over in [&sent, &skipped] {
            assert_eq!(
                (over.sent(now), over.skip(Skip::Disabled)),
                (None, None),
                "{:?}",
                over.status
            );
        }
        let reminded = sent.reminded(1, now).unwrap();
        assert_eq!((reminded.reminders, reminded.reminded_at), (1, Some(now)));
    }
}

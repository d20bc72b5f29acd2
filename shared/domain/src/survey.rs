//! Surveys of satisfaction: what is asked, whom and when, the link in the mail, the answer and what it leads to.
//!
//! A survey asks for one figure: satisfaction (CSAT, 1–5), recommendation (NPS, 0–10) or effort (CES, 1–7). Every tenant
//! has one of each built in and may add its own. An invitation is one occasion to ask one contact; the answer is part of
//! it. What answers amount to is computed in `rapport_analytics`; nothing here sends or shows anything.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::id::{Prefix, RecordId, TenantId};
use crate::invalid::Invalid;
use crate::record::{Kind, Rules};
use crate::settings::{QuietHours, time};
use crate::text;
use crate::ticket::{Channel, TicketIn, TicketKind};

/// For how long a link can be answered, from when the invitation is due.
pub const ANSWERABLE: SignedDuration = SignedDuration::from_hours(24 * 30);
/// For how long a second answer replaces the first.
pub const REPLACEABLE: SignedDuration = SignedDuration::from_hours(24);
/// The most characters of a comment.
pub const MOST_COMMENT: usize = 5_000;
/// The most further answers of one respondent.
const MOST_ANSWERS: usize = 50;

/// The figure that a survey asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SurveyMetric)]
pub enum Metric {
    /// Customer satisfaction, 1 to 5.
    Csat,
    /// Net promoter score, 0 to 10.
    Nps,
    /// Customer effort score: agreement that it was easy, 1 to 7.
    Ces,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Csat, Self::Nps, Self::Ces];
    /// Their words.
    pub const WORDS: &'static [&'static str] = &["csat", "nps", "ces"];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csat => "csat",
            Self::Nps => "nps",
            Self::Ces => "ces",
        }
    }

    /// The metric of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.as_str() == word)
    }

    /// The lowest and the highest answer.
    #[must_use]
    pub const fn scale(self) -> (u8, u8) {
        match self {
            Self::Csat => (1, 5),
            Self::Nps => (0, 10),
            Self::Ces => (1, 7),
        }
    }

    /// Whether an answer is so bad that somebody should look after the customer: CSAT and CES up to 2, NPS up to 6.
    #[must_use]
    pub const fn is_bad(self, score: u8) -> bool {
        match self {
            Self::Csat | Self::Ces => score <= 2,
            Self::Nps => score <= 6,
        }
    }

    /// The question that is asked when a survey has none of its own.
    #[must_use]
    pub const fn question(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Csat, Language::En) => "How satisfied are you with our service?",
            (Self::Csat, Language::ZhCn) => "您对我们的服务满意吗？",
            (Self::Nps, Language::En) => "How likely are you to recommend us to a friend or colleague?",
            (Self::Nps, Language::ZhCn) => "您有多大可能把我们推荐给朋友或同事？",
            (Self::Ces, Language::En) => "How far do you agree: it was easy to get my matter settled?",
            (Self::Ces, Language::ZhCn) => "您是否同意：我的事情很容易就办妥了？",
        }
    }

    /// What the two ends of the scale mean.
    #[must_use]
    pub const fn ends(self, language: Language) -> (&'static str, &'static str) {
        match (self, language) {
            (Self::Csat, Language::En) => ("very dissatisfied", "very satisfied"),
            (Self::Csat, Language::ZhCn) => ("非常不满意", "非常满意"),
            (Self::Nps, Language::En) => ("not at all likely", "extremely likely"),
            (Self::Nps, Language::ZhCn) => ("完全不可能", "非常可能"),
            (Self::Ces, Language::En) => ("strongly disagree", "strongly agree"),
            (Self::Ces, Language::ZhCn) => ("非常不同意", "非常同意"),
        }
    }
}

/// A language that customers are written to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SurveyLanguage)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    En,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    ZhCn,
}

impl Language {
    /// The tag: `en`, `zh-CN`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
        }
    }

    /// The language of a locale such as `zh_Hans_CN` or `en-GB`, when it is one of these.
    #[must_use]
    pub fn of(locale: &str) -> Option<Self> {
        let first = locale.trim().split(['-', '_', ',', ';']).next().unwrap_or_default();
        match first.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::ZhCn),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// A contact's language: his own where it is one of these, else the tenant's.
    #[must_use]
    pub fn of_contact(contact: Option<&str>, tenant: &str) -> Self {
        contact
            .and_then(Self::of)
            .or_else(|| Self::of(tenant))
            .unwrap_or_default()
    }
}

/// A text in each language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Localised {
    /// English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN", skip_serializing_if = "Option::is_none")]
    pub zh_cn: Option<String>,
}

impl Localised {
    /// The text in a language, or in the other where that is the only one.
    #[must_use]
    pub fn text(&self, language: Language) -> Option<&str> {
        let (first, second) = match language {
            Language::En => (&self.en, &self.zh_cn),
            Language::ZhCn => (&self.zh_cn, &self.en),
        };
        first.as_deref().or(second.as_deref())
    }

    fn check(field: &str, given: Option<Self>, invalid: &mut Invalid) -> Self {
        let given = given.unwrap_or_default();
        let mut part = |tag: &str, value| {
            invalid
                .take(text::optional(&format!("{field}/{tag}"), value, 500))
                .flatten()
        };
        Self {
            en: part("en", given.en),
            zh_cn: part("zh-CN", given.zh_cn),
        }
    }
}

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
    /// What a respondent reads after answering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thanks: Option<Localised>,
    /// What it is sent after. The newest active survey with a trigger comes before the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Vec<Trigger>>,
    /// Whether it is sent; true unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
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
    /// What a respondent reads after answering.
    #[serde(default)]
    pub thanks: Localised,
    /// What it is sent after.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Whether it is sent.
    pub active: bool,
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
        let name = match metric {
            Metric::Csat => "Customer satisfaction (CSAT)",
            Metric::Nps => "Net promoter score (NPS)",
            Metric::Ces => "Customer effort (CES)",
        };
        Self {
            name: name.to_owned(),
            metric,
            question: Localised {
                en: Some(metric.question(Language::En).to_owned()),
                zh_cn: Some(metric.question(Language::ZhCn).to_owned()),
            },
            thanks: Localised::default(),
            triggers: Vec::new(),
            active: true,
            built_in: true,
        }
    }

    /// The question in a language.
    #[must_use]
    pub fn question(&self, language: Language) -> &str {
        self.question.text(language).unwrap_or(self.metric.question(language))
    }

    fn build(input: SurveyIn, old: Option<&Self>) -> Result<Self, Invalid> {
        let SurveyIn {
            name,
            metric,
            question,
            thanks,
            triggers,
            active,
        } = input;
        let mut invalid = Invalid::default();
        let name = invalid.take(text::required("name", name, 200));
        if metric.is_none() {
            invalid.add("metric", "required", "a metric is csat, nps or ces");
        }
        if let (Some(metric), Some(old)) = (metric, old)
            && metric != old.metric
        {
            invalid.add("metric", "immutable", "the metric of a survey does not change");
        }
        let question = Localised::check("question", question, &mut invalid);
        let thanks = Localised::check("thanks", thanks, &mut invalid);
        let mut triggers = triggers.unwrap_or_default();
        triggers.sort_unstable();
        triggers.dedup();
        invalid.check()?;
        Ok(Self {
            name: name.unwrap_or_default(),
            metric: metric.unwrap_or(Metric::Csat),
            question,
            thanks,
            triggers,
            active: active.unwrap_or(true),
            built_in: old.is_some_and(|old| old.built_in),
        })
    }
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
            thanks,
            triggers,
            active,
            built_in: _,
        } = self.clone();
        SurveyIn {
            name: Some(name),
            metric: Some(metric),
            question: Some(question),
            thanks: Some(thanks),
            triggers: Some(triggers),
            active: Some(active),
        }
    }

    fn revise(&self, input: SurveyIn, _: &Rules) -> Result<Self, Invalid> {
        Self::build(input, Some(self))
    }
}

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
    /// How far it has come.
    pub status: InvitationStatus,
    /// Why it was not sent.
    pub skipped: Option<Skip>,
    /// When it is to be sent.
    #[serde(with = "crate::settings::millis")]
    pub due_at: Timestamp,
    /// Until when it can be answered.
    #[serde(with = "crate::settings::millis")]
    pub expires_at: Timestamp,
    /// When it was mailed.
    #[serde(default, with = "crate::settings::millis::option")]
    pub sent_at: Option<Timestamp>,
    /// The answer on the metric's scale.
    pub score: Option<u8>,
    /// What the respondent added.
    pub comment: Option<String>,
    /// Further answers by their keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub answers: BTreeMap<String, Value>,
    /// When it was answered first.
    #[serde(default, with = "crate::settings::millis::option")]
    pub first_answered_at: Option<Timestamp>,
    /// When it was answered last.
    #[serde(default, with = "crate::settings::millis::option")]
    pub answered_at: Option<Timestamp>,
    /// The ticket that a bad answer opened.
    pub complaint_id: Option<RecordId>,
}

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

/// When to ask: the delay after the occasion, but not before now and not in the quiet hours.
#[must_use]
pub fn due(occasion: Timestamp, now: Timestamp, rules: &Rules) -> Timestamp {
    let survey = &rules.settings.survey;
    let delayed = occasion
        .checked_add(SignedDuration::from_mins(i64::from(survey.delay_minutes)))
        .unwrap_or(now);
    after_quiet_hours(delayed.max(now), survey.quiet_hours.as_ref(), &rules.settings.zone())
}

/// The first moment at or after `at` that is not in the quiet hours. They begin at `from` and end before `to`, on the
/// clock on the wall, across midnight where `from` is the later of the two.
#[must_use]
pub fn after_quiet_hours(at: Timestamp, quiet: Option<&QuietHours>, zone: &TimeZone) -> Timestamp {
    let Some((from, to)) = quiet.and_then(|quiet| Some((time(&quiet.from)?, time(&quiet.to)?))) else {
        return at;
    };
    let local = at.to_zoned(zone.clone()).datetime();
    if !is_quiet(local.time(), from, to) {
        return at;
    }
    let ends_today = local.time() < to;
    let day = if ends_today {
        Some(local.date())
    } else {
        local.date().tomorrow().ok()
    };
    day.and_then(|day| moment(day.to_datetime(to), at, zone)).unwrap_or(at)
}

fn is_quiet(time: Time, from: Time, to: Time) -> bool {
    if from < to {
        from <= time && time < to
    } else {
        time >= from || time < to
    }
}

/// The first moment at or after `after` at which the clock on the wall shows a time or passes over it.
fn moment(local: DateTime, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, after: second } => {
            let first = before.to_timestamp(local).ok()?;
            if first >= after {
                Some(first)
            } else {
                second.to_timestamp(local).ok()
            }
        }
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the later offset the time lies before the change, which is then the next.
            let before_change = after.to_timestamp(local).ok()?;
            zone.following(before_change).next().map(|change| change.timestamp())
        }
    }
}

/// Whether the sample takes in a subject: the same answer for it each time, a share of `rate` over many.
#[must_use]
pub fn sampled(subject: RecordId, rate: f64) -> bool {
    let digest = Sha256::digest(format!("survey sample\n{subject}").as_bytes());
    let mut first = [0u8; 8];
    first.copy_from_slice(&digest[..8]);
    // 53 bits, as many as a float holds exactly: below 1, so that a rate of 1 takes in all.
    let place = (u64::from_be_bytes(first) >> 11) as f64 / (1u64 << 53) as f64;
    place < rate
}

/// What a respondent says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SurveyAnswerIn)]
pub struct AnswerIn {
    /// The answer on the survey's scale. Required.
    #[serde(default)]
    pub score: Option<i64>,
    /// Anything to add, at most 5,000 characters.
    #[serde(default)]
    pub comment: Option<String>,
    /// Further answers by key (a–z, 0–9 and _): whole numbers, true, false, or texts of at most 2,000 characters.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub answers: BTreeMap<String, Value>,
}

/// The code of refusing an answer that comes a day or more after the first.
pub const ALREADY_ANSWERED: &str = "already_answered";

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
            status: InvitationStatus::Pending,
            skipped: None,
            due_at: due,
            expires_at: due.checked_add(ANSWERABLE).unwrap_or(Timestamp::MAX),
            sent_at: None,
            score: None,
            comment: None,
            answers: BTreeMap::new(),
            first_answered_at: None,
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

    /// The invitation with an answer. Within a day a second answer replaces the first.
    ///
    /// # Errors
    /// [`Invalid`]: code [`ALREADY_ANSWERED`] after that; otherwise what is wrong with the answer.
    pub fn answer(&self, input: AnswerIn, now: Timestamp) -> Result<Self, Invalid> {
        if !self.is_open(now) {
            return Err(Invalid::one("", ALREADY_ANSWERED, "this survey was answered before"));
        }
        let AnswerIn {
            score,
            comment,
            answers,
        } = input;
        let mut invalid = Invalid::default();
        let (lowest, highest) = self.metric.scale();
        let on_scale = score
            .and_then(|score| u8::try_from(score).ok())
            .filter(|score| (lowest..=highest).contains(score));
        match (score, on_scale) {
            (None, _) => invalid.add("score", "required", "a score is needed"),
            (Some(_), None) => invalid.add(
                "score",
                "out_of_range",
                format!("a score here is a whole number from {lowest} to {highest}"),
            ),
            _ => {}
        }
        let comment = invalid.take(text::optional("comment", comment, MOST_COMMENT)).flatten();
        check_answers(&answers, &mut invalid);
        invalid.check()?;
        Ok(Self {
            status: InvitationStatus::Answered,
            score: on_scale,
            comment,
            answers,
            first_answered_at: self.first_answered_at.or(Some(now)),
            answered_at: Some(now),
            ..self.clone()
        })
    }

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

fn check_answers(answers: &BTreeMap<String, Value>, invalid: &mut Invalid) {
    if answers.len() > MOST_ANSWERS {
        invalid.add("answers", "too_many", format!("at most {MOST_ANSWERS} answers"));
        return;
    }
    for (key, value) in answers {
        let named = !key.is_empty()
            && key.len() <= 40
            && key
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let fits = match value {
            Value::Bool(_) => true,
            Value::Number(number) => number.as_i64().is_some_and(|n| (-1_000_000..=1_000_000).contains(&n)),
            Value::String(text) => text::optional("", Some(text.clone()), 2_000).is_ok(),
            _ => false,
        };
        if !named {
            invalid.add(
                "answers",
                "key_malformed",
                "a key is a-z, 0-9 and _, at most 40 characters",
            );
        } else if !fits {
            let detail = "an answer is a whole number, true, false or a text of at most 2,000 characters";
            invalid.add(&format!("answers/{key}"), "wrong_type", detail);
        }
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

/// How much of the signature a link carries, in bytes.
const SIGNATURE: usize = 16;
/// Bytes of a link before its signature: tenant, invitation, expiry in seconds.
const CLAIMS: usize = 16 + 16 + 5;

/// What the link in a mail stands for. Opaque to whoever holds it; nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SurveyToken {
    /// The tenant.
    pub tenant: TenantId,
    /// The invitation.
    pub invitation: RecordId,
    /// Until when it is good, to the second.
    pub expires: Timestamp,
}

/// Why a link leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours, or changed.
    #[error("the link is not valid")]
    Invalid,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
}

impl SurveyToken {
    /// The token as it stands in a link: base64url of the claims and 128 bits of HMAC-SHA-256 under a key of its own
    /// purpose.
    #[must_use]
    pub fn seal(&self, secret: &[u8]) -> String {
        let claims = self.claims();
        let mut bytes = claims.to_vec();
        bytes.extend_from_slice(&mac(secret, &claims).finalize().into_bytes()[..SIGNATURE]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token. The signature is compared in constant time, and first.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open(secret: &[u8], text: &str, now: Timestamp) -> Result<Self, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Invalid)?;
        let bytes: [u8; CLAIMS + SIGNATURE] = bytes.try_into().map_err(|_| TokenError::Invalid)?;
        let (claims, signature) = bytes.split_at(CLAIMS);
        mac(secret, claims)
            .verify_truncated_left(signature)
            .map_err(|_| TokenError::Invalid)?;
        let number = |bytes: &[u8]| bytes.iter().fold(0u128, |value, byte| (value << 8) | u128::from(*byte));
        let seconds = i64::try_from(number(&claims[32..])).map_err(|_| TokenError::Invalid)?;
        let token = Self {
            tenant: TenantId::from_u128(number(&claims[..16])),
            invitation: RecordId::from_u128(Prefix::SurveyInvitation, number(&claims[16..32])),
            expires: Timestamp::from_second(seconds).map_err(|_| TokenError::Invalid)?,
        };
        if token.expires <= now {
            Err(TokenError::Expired)
        } else {
            Ok(token)
        }
    }

    fn claims(&self) -> [u8; CLAIMS] {
        let mut claims = [0u8; CLAIMS];
        claims[..16].copy_from_slice(&self.tenant.record().as_u128().to_be_bytes());
        claims[16..32].copy_from_slice(&self.invitation.as_u128().to_be_bytes());
        let seconds = u64::try_from(self.expires.as_second()).unwrap_or_default();
        claims[32..].copy_from_slice(&seconds.to_be_bytes()[3..]);
        claims
    }
}

fn mac(secret: &[u8], claims: &[u8]) -> Hmac<Sha256> {
    let new = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes any key"));
    // The secret signs other things too: this key signs survey links alone.
    let mut derive = new(secret);
    derive.update(b"rapport survey link v1");
    let mut mac = new(&derive.finalize().into_bytes());
    mac.update(claims);
    mac
}

/// A text as HTML shows it, also within quotation marks.
#[must_use]
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, c| {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
        html
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn invitation(metric: Metric) -> Invitation {
        let occasion = Occasion {
            trigger: Trigger::TicketResolved,
            subject: RecordId::at(Prefix::Ticket, at("2026-11-20T00:00:00Z"), 7),
            reference: Some("12".into()),
            at: at("2026-11-22T10:00:00Z"),
            resolved_at: Some(at("2026-11-22T10:00:00Z")),
            company_id: None,
        };
        let (survey, contact) = (RecordId::new(Prefix::Survey), RecordId::new(Prefix::Contact));
        Invitation::new(&occasion, survey, metric, contact, Language::En, occasion.at)
    }

    #[test]
    fn quiet_hours_end_where_the_clock_on_the_wall_says() {
        let shanghai = "Asia/Shanghai";
        let berlin = "Europe/Berlin";
        let night = Some(("20:00", "09:00"));
        for (zone, quiet, asked, sent) in [
            // Across midnight: before it, after it, on both edges, outside.
            (shanghai, night, "2026-11-22T13:00:00Z", "2026-11-23T01:00:00Z"),
            (shanghai, night, "2026-11-22T20:00:00Z", "2026-11-23T01:00:00Z"),
            (shanghai, night, "2026-11-22T12:00:00Z", "2026-11-23T01:00:00Z"),
            (shanghai, night, "2026-11-22T11:59:59Z", "2026-11-22T11:59:59Z"),
            (shanghai, night, "2026-11-23T01:00:00Z", "2026-11-23T01:00:00Z"),
            (shanghai, night, "2026-11-22T06:00:00Z", "2026-11-22T06:00:00Z"),
            // Within one day.
            (
                "UTC",
                Some(("12:00", "14:00")),
                "2026-11-22T12:30:00Z",
                "2026-11-22T14:00:00Z",
            ),
            (
                "UTC",
                Some(("12:00", "14:00")),
                "2026-11-22T14:30:00Z",
                "2026-11-22T14:30:00Z",
            ),
            ("UTC", None, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"),
            // The night the clock is set forward is an hour shorter, the one it is set back an hour longer.
            (berlin, night, "2026-03-28T20:00:00Z", "2026-03-29T07:00:00Z"),
            (berlin, night, "2026-10-24T19:00:00Z", "2026-10-25T08:00:00Z"),
            // An end in the hour that does not exist is the change itself.
            (
                berlin,
                Some(("22:00", "02:30")),
                "2026-03-29T00:30:00Z",
                "2026-03-29T01:00:00Z",
            ),
            // An end in the hour that comes twice: the first time, and for who is in the second, the second.
            (
                berlin,
                Some(("22:00", "02:30")),
                "2026-10-25T00:10:00Z",
                "2026-10-25T00:30:00Z",
            ),
            (
                berlin,
                Some(("22:00", "02:30")),
                "2026-10-25T01:10:00Z",
                "2026-10-25T01:30:00Z",
            ),
        ] {
            let quiet = quiet.map(|(from, to)| QuietHours {
                from: from.to_owned(),
                to: to.to_owned(),
            });
            let zone = TimeZone::get(zone).unwrap();
            let got = after_quiet_hours(at(asked), quiet.as_ref(), &zone);
            assert_eq!(got, at(sent), "{zone:?} {quiet:?} {asked}");
            assert_eq!(after_quiet_hours(got, quiet.as_ref(), &zone), got, "{asked}");
        }
    }

    #[test]
    fn an_invitation_is_due_after_the_delay_and_never_in_the_past() {
        let mut settings = crate::settings::Settings::default();
        settings.survey.delay_minutes = 60;
        settings.survey.quiet_hours = None;
        let mut rules = Rules {
            now: at("2026-11-22T10:00:00Z"),
            settings: Arc::new(settings.clone()),
            fields: Arc::default(),
        };
        let due_of = |rules: &Rules, occasion: &str| due(at(occasion), rules.now, rules);
        assert_eq!(due_of(&rules, "2026-11-22T10:00:00Z"), at("2026-11-22T11:00:00Z"));
        assert_eq!(due_of(&rules, "2026-11-20T10:00:00Z"), rules.now);
        settings.survey.quiet_hours = Some(QuietHours {
            from: "11:00".into(),
            to: "15:00".into(),
        });
        rules.settings = Arc::new(settings);
        assert_eq!(due_of(&rules, "2026-11-22T10:00:00Z"), at("2026-11-22T15:00:00Z"));
    }

    #[test]
    fn a_sample_is_the_share_asked_for_and_steady() {
        let subjects: Vec<RecordId> = (0..2_000)
            .map(|n| RecordId::at(Prefix::Order, at("2026-11-22T00:00:00Z"), n << 64))
            .collect();
        let count = |rate: f64| subjects.iter().filter(|subject| sampled(**subject, rate)).count();
        assert_eq!((count(0.0), count(1.0)), (0, 2_000));
        // Four standard deviations to each side.
        assert!((411..=589).contains(&count(0.25)), "{}", count(0.25));
        assert!(
            subjects
                .iter()
                .all(|subject| !sampled(*subject, 0.25) || sampled(*subject, 0.5))
        );
    }

    #[test]
    fn the_same_occasion_makes_the_same_invitation() {
        let occasion = Occasion {
            trigger: Trigger::OrderFulfilled,
            subject: RecordId::at(Prefix::Order, at("2026-11-20T00:00:00Z"), 7),
            reference: None,
            at: at("2026-11-22T10:00:00Z"),
            resolved_at: None,
            company_id: None,
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

    #[test]
    fn answers_are_taken_on_the_scale_only() {
        let now = at("2026-11-22T12:00:00Z");
        for (metric, input, code) in [
            (Metric::Csat, json!({"score": 1}), None),
            (Metric::Csat, json!({"score": 5, "comment": " "}), None),
            (Metric::Csat, json!({"score": 0}), Some("out_of_range")),
            (Metric::Csat, json!({"score": 6}), Some("out_of_range")),
            (Metric::Nps, json!({"score": 0}), None),
            (Metric::Nps, json!({"score": 10}), None),
            (Metric::Nps, json!({"score": 11}), Some("out_of_range")),
            (Metric::Nps, json!({"score": -1}), Some("out_of_range")),
            (Metric::Nps, json!({"score": 256}), Some("out_of_range")),
            (
                Metric::Ces,
                json!({"score": 7, "answers": {"again": true, "q_1": 3, "why": "x"}}),
                None,
            ),
            (Metric::Ces, json!({"score": 8}), Some("out_of_range")),
            (Metric::Ces, json!({}), Some("required")),
            (
                Metric::Ces,
                json!({"score": 3, "answers": {"q": [1]}}),
                Some("wrong_type"),
            ),
            (
                Metric::Ces,
                json!({"score": 3, "answers": {"Q": 1}}),
                Some("key_malformed"),
            ),
            (
                Metric::Ces,
                json!({"score": 3, "comment": "x".repeat(MOST_COMMENT + 1)}),
                Some("too_long"),
            ),
        ] {
            let answer: AnswerIn = serde_json::from_value(input.clone()).unwrap();
            let result = invitation(metric).answer(answer, now);
            assert_eq!(result.err().map(|invalid| invalid.problems[0].code), code, "{input}");
        }
    }

    #[test]
    fn a_second_answer_replaces_the_first_for_a_day() {
        let say = |score| AnswerIn {
            score: Some(score),
            ..AnswerIn::default()
        };
        let first = invitation(Metric::Csat)
            .answer(say(1), at("2026-11-22T12:00:00Z"))
            .unwrap();
        let second = first.answer(say(5), at("2026-11-23T11:59:59Z")).unwrap();
        assert_eq!((second.score, second.status), (Some(5), InvitationStatus::Answered));
        assert_eq!(second.first_answered_at, first.answered_at);
        let third = second.answer(say(2), at("2026-11-23T12:00:00Z")).unwrap_err();
        assert_eq!(third.problems[0].code, ALREADY_ANSWERED);
        // Sent is noted also where the answer came first, and skipped no more.
        assert_eq!(
            second.sent(at("2026-11-23T12:00:00Z")).unwrap().status,
            InvitationStatus::Answered
        );
        assert_eq!(second.skip(Skip::NotMailable), None);
    }

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
            let mut answered = invitation(metric).answer(answer, now).unwrap();
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
    fn a_link_is_good_until_it_expires_and_cannot_be_made_up() {
        let secret = [7u8; 32];
        let token = SurveyToken {
            tenant: TenantId::new(),
            invitation: RecordId::new(Prefix::SurveyInvitation),
            expires: at("2026-12-22T00:00:00Z"),
        };
        let text = token.seal(&secret);
        let now = at("2026-12-21T23:59:59Z");
        assert_eq!(SurveyToken::open(&secret, &text, now), Ok(token));
        assert_eq!(
            SurveyToken::open(&secret, &text, token.expires),
            Err(TokenError::Expired)
        );
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')),
            "{text}"
        );
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        let changed = (0..bytes.len()).map(|n| {
            let mut bytes = bytes.clone();
            bytes[n] ^= 1;
            URL_SAFE_NO_PAD.encode(bytes)
        });
        let mut forged: Vec<String> = changed.collect();
        forged.extend([
            String::new(),
            "x".into(),
            format!("{text}A"),
            format!("{text}="),
            text[1..].to_owned(),
            token.seal(&[8u8; 32]),
            URL_SAFE_NO_PAD.encode(&bytes[..CLAIMS]),
            URL_SAFE_NO_PAD.encode([0u8; CLAIMS + SIGNATURE]),
            token.invitation.to_string(),
        ]);
        for forged in forged {
            assert_eq!(
                SurveyToken::open(&secret, &forged, now),
                Err(TokenError::Invalid),
                "{forged}"
            );
        }
    }

    #[test]
    fn languages_are_recognised() {
        for (contact, tenant, expected) in [
            (Some("zh-CN"), "en", Language::ZhCn),
            (Some("zh_Hans"), "en", Language::ZhCn),
            (Some("en-GB"), "zh-CN", Language::En),
            (Some("fr"), "zh-CN", Language::ZhCn),
            (None, "zh-CN", Language::ZhCn),
            (None, "", Language::En),
        ] {
            assert_eq!(Language::of_contact(contact, tenant), expected, "{contact:?} {tenant}");
        }
        let one = Localised {
            en: Some("Hi".into()),
            zh_cn: None,
        };
        assert_eq!(one.text(Language::ZhCn), Some("Hi"));
    }

    #[test]
    fn a_survey_keeps_its_metric() {
        let rules = Rules {
            now: at("2026-11-22T12:00:00Z"),
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
}

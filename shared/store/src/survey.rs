//! How surveys and invitations are stored: the built-in surveys of each tenant, the pause between two invitations of one
//! contact, the answer together with the ticket it opens, and the counts of each day.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use jiff::Timestamp;
use rapport_domain::contact::{Consent, ConsentStatus, Contact};
use rapport_domain::survey::{
    ALREADY_ANSWERED, AnswerIn, Invitation, InvitationStatus, Item as SurveyItem, Language, Metric, Skip, Survey,
    Trigger,
};
use rapport_domain::ticket::Ticket;
use rapport_domain::{Actor, Common, Kind, Record, RecordId, TenantId};
use serde::{Deserialize, Serialize};

use crate::records::{Filter, Sort, Stored, Test, Written, sortable};
use crate::{Accept, Item, Key, Store, StoreError, Table, Timer, Write, number, number_of, text, text_of};

mod counts;

pub use counts::MOST_DAYS;

/// What a failed condition means when a contact was asked not long ago.
const PAUSED: &str = "the contact was asked not long ago";

impl Stored for Survey {
    const TABLE: Table = Table::Surveys;
    const PLURAL: &'static str = "surveys";
    const FILTERS: &'static [Filter] = &[
        Filter::equal("metric").of(Metric::WORDS),
        Filter::equal("active").of(&["true", "false"]),
        Filter::equal("built_in").of(&["true", "false"]),
        Filter {
            name: "trigger",
            field: "triggers",
            test: Test::Holds,
            index: None,
            values: Trigger::WORDS,
            beside: None,
        },
    ];

    fn indexes(_: &Record<Self>) -> Vec<(&'static str, String, String)> {
        Vec::new()
    }

    fn pointers(record: &Record<Self>) -> Vec<String> {
        let triggers = record.body.triggers.iter().filter(|_| record.body.active);
        triggers.map(|trigger| pointer(*trigger)).collect()
    }

    async fn complete_change(
        _: &Store,
        _: &Accept,
        _: &Record<Self>,
        record: &mut Record<Self>,
        _: &mut Write,
    ) -> Result<(), StoreError> {
        if record.body.built_in && record.meta.deleted_at.is_some() {
            let detail = "a built-in survey cannot be deleted; it is sent only where settings.survey.template names it";
            return Err(StoreError::conflict("built_in", detail));
        }
        Ok(())
    }
}

fn pointer(trigger: Trigger) -> String {
    format!("trigger#{}", trigger.as_str())
}

impl Stored for Invitation {
    const TABLE: Table = Table::Surveys;
    const PLURAL: &'static str = "survey-invitations";
    const FILTERS: &'static [Filter] = &[
        Filter::indexed("contact_id", "by_contact_id"),
        Filter::indexed("survey_id", "by_survey_id"),
        Filter {
            name: "answers_of",
            field: "survey_id",
            ..Filter::indexed("survey_id", "by_answers_of")
        },
        Filter::equal("ticket_id"),
        Filter::equal("order_id"),
        Filter::equal("status").of(InvitationStatus::WORDS),
        Filter::equal("metric").of(Metric::WORDS),
        Filter::equal("trigger").of(Trigger::WORDS),
        Filter::time("answered_since", "answered_at", Test::Since),
        Filter::time("due_before", "due_at", Test::Before),
        Filter::equal("score"),
        Filter::equal("language").of(Language::TAGS),
        Filter::time("answered_on_since", "answered_on", Test::Since),
        Filter::time("answered_on_before", "answered_on", Test::Before),
        Filter::time("due_on_since", "due_on", Test::Since),
        Filter::time("due_on_before", "due_on", Test::Before),
    ];
    const SORTS: &'static [Sort] = &[Sort::latest("by_answers_of", "answered_on")];

    fn indexes(record: &Record<Self>) -> Vec<(&'static str, String, String)> {
        let id = record.meta.id.to_string();
        let survey = record.body.survey_id.to_string();
        let mut indexes = vec![
            ("by_contact_id", record.body.contact_id.to_string(), id.clone()),
            ("by_survey_id", survey.clone(), id.clone()),
        ];
        if let (Some(day), Some(at)) = (record.body.answered_on, record.body.first_answered_at) {
            indexes.push(("by_answers_of", survey, format!("{day}#{}#{id}", sortable(at))));
        }
        indexes
    }

    async fn complete_change(
        store: &Store,
        cx: &Accept,
        old: &Record<Self>,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        if record.body.status == InvitationStatus::Skipped && old.body.status != InvitationStatus::Skipped {
            store.end_pause(record.body.contact_id, record.meta.id, write).await?;
        }
        if record.body.wants_complaint() {
            let language = Language::of(&cx.rules.settings.locale).unwrap_or_default();
            let (id, input) = record.body.complaint(record.meta.id, cx.rules.now, language);
            let ticket = Record::new(
                id,
                Ticket::create(input, &cx.rules)?,
                Common::default(),
                &cx.actor,
                cx.rules.now,
            );
            write.append(store.plan_new(cx, ticket).await?.write);
            record.body.complaint_id = Some(id);
        }
        Ok(())
    }
}

/// That a contact was asked: one item per contact, gone when the pause is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The contact.
    pub contact_id: RecordId,
    /// The invitation that began the pause.
    pub invitation_id: RecordId,
    /// Until when he is not asked again, in seconds since 1970.
    pub until: i64,
}

impl Pause {
    pub(crate) fn item(&self, tenant: TenantId) -> Item {
        let mut item = pause_key(tenant, self.contact_id).attributes();
        item.insert("holder".to_owned(), text(self.invitation_id.to_string()));
        item.insert("expires".to_owned(), number(self.until));
        item
    }
}

fn pause_key(tenant: TenantId, contact: RecordId) -> Key {
    Key::new(tenant, &format!("survey_pause#{contact}"), "-")
}

/// What became of an invitation that was to be made.
#[derive(Clone, Debug, PartialEq)]
pub enum Invited {
    /// It is made.
    New,
    /// The same occasion made it before.
    Repeat(Box<Record<Invitation>>),
    /// The contact was asked not long ago.
    Paused,
}

impl Store {
    /// A tenant's built-in survey, made now if it was never needed before. 1 read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn built_in_survey(&self, cx: &Accept, metric: Metric) -> Result<Record<Survey>, StoreError> {
        let id = Survey::built_in_id(cx.tenant, metric);
        match self.get::<Survey>(cx.tenant, id).await {
            Err(StoreError::Missing) => {}
            found => return found,
        }
        let worker = Actor::worker("surveys", &cx.actor.request);
        let record = Record::new(id, Survey::built_in(metric), Common::default(), &worker, cx.rules.now);
        let planned = self.plan_new(cx, record).await?;
        match planned.write.commit(self).await {
            Ok(()) => Ok(planned.record),
            // Somebody else was faster.
            Err(StoreError::Stale(_)) => self.get::<Survey>(cx.tenant, id).await,
            Err(error) => Err(error),
        }
    }

    /// The survey that is sent after something happened: the tenant's newest active one with that trigger, else the
    /// built-in one that the settings name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn survey_after(&self, cx: &Accept, trigger: Trigger) -> Result<Record<Survey>, StoreError> {
        let ids = self
            .pointed(cx.tenant, Table::Surveys, Survey::NOUN, &pointer(trigger), 5)
            .await?;
        for id in ids.iter().filter_map(|id| RecordId::parse(Survey::PREFIX, id).ok()) {
            match self.get::<Survey>(cx.tenant, id).await {
                // The pointer may be older than the record.
                Ok(survey) if survey.body.active && survey.body.triggers.contains(&trigger) => return Ok(survey),
                Ok(_) | Err(StoreError::Missing) => {}
                Err(error) => return Err(error),
            }
        }
        let metric = Metric::from_word(&cx.rules.settings.survey.template).unwrap_or(Metric::Csat);
        self.built_in_survey(cx, metric).await
    }

    /// Makes an invitation, at most one for an occasion and, with `pause_until`, none while the contact's pause lasts; one
    /// transaction with the timer that sends it, where it needs one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn invite(
        &self,
        cx: &Accept,
        id: RecordId,
        invitation: Invitation,
        pause_until: Option<Timestamp>,
        timer: Option<&Timer>,
    ) -> Result<Invited, StoreError> {
        match self.get::<Invitation>(cx.tenant, id).await {
            Ok(known) => return Ok(Invited::Repeat(Box::new(known))),
            Err(StoreError::Missing) => {}
            Err(error) => return Err(error),
        }
        let contact = invitation.contact_id;
        let record = Record::new(id, invitation, Common::default(), &cx.actor, cx.rules.now);
        let mut planned = self.plan_new(cx, record).await?;
        if let Some(until) = pause_until {
            let put = self.pause(cx, contact, id, until)?;
            planned.write.other(put, PAUSED);
        }
        if let Some(timer) = timer {
            planned.write.timer(self, timer)?;
        }
        match planned.write.commit(self).await {
            Ok(()) => Ok(Invited::New),
            Err(StoreError::Stale(_)) => match self.get::<Invitation>(cx.tenant, id).await {
                Ok(known) => Ok(Invited::Repeat(Box::new(known))),
                // It was there and is deleted: nobody wants it.
                Err(StoreError::Missing) => Ok(Invited::Paused),
                Err(error) => Err(error),
            },
            Err(StoreError::Conflict { .. }) => Ok(Invited::Paused),
            Err(error) => Err(error),
        }
    }

    fn pause(
        &self,
        cx: &Accept,
        contact: RecordId,
        invitation: RecordId,
        until: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let pause = Pause {
            contact_id: contact,
            invitation_id: invitation,
            until: until.as_second(),
        };
        // An item whose time is over may still lie there for days.
        let put = Put::builder()
            .table_name(self.table(Table::Surveys)?)
            .set_item(Some(pause.item(cx.tenant)))
            .condition_expression("attribute_not_exists(pk) OR expires <= :now OR holder = :holder")
            .expression_attribute_values(":now", number(cx.rules.now.as_second()))
            .expression_attribute_values(":holder", text(invitation.to_string()))
            .build()
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Ends the pause that an invitation began, with the rest: whoever was not asked after all may be asked soon.
    async fn end_pause(&self, contact: RecordId, invitation: RecordId, write: &mut Write) -> Result<(), StoreError> {
        let pause = self.pause_of(write.tenant(), contact).await?;
        if pause.is_none_or(|pause| pause.invitation_id != invitation) {
            return Ok(());
        }
        let key = pause_key(write.tenant(), contact);
        let delete = Delete::builder()
            .table_name(self.table(Table::Surveys)?)
            .set_key(Some(key.attributes()))
            .condition_expression("attribute_not_exists(pk) OR holder = :holder")
            .expression_attribute_values(":holder", text(invitation.to_string()))
            .build()
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        write.other(
            TransactWriteItem::builder().delete(delete).build(),
            "the pause is another invitation's",
        );
        Ok(())
    }

    pub(crate) async fn pause_of(&self, tenant: TenantId, contact: RecordId) -> Result<Option<Pause>, StoreError> {
        let item = self.get_item(Table::Surveys, &pause_key(tenant, contact)).await?;
        Ok(item.and_then(|item| {
            Some(Pause {
                contact_id: contact,
                invitation_id: text_of(&item, "holder")?.parse().ok()?,
                until: number_of(&item, "expires")?,
            })
        }))
    }

    /// Notes that an invitation was mailed. One that is gone is as good.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn invitation_sent(&self, cx: &Accept, id: RecordId) -> Result<(), StoreError> {
        let now = cx.rules.now;
        self.step_invitation(cx, id, |invitation| invitation.sent(now)).await
    }

    /// Notes that an invitation will not be mailed, and lets the contact be asked on another occasion.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn invitation_skipped(&self, cx: &Accept, id: RecordId, reason: Skip) -> Result<(), StoreError> {
        self.step_invitation(cx, id, |invitation| invitation.skip(reason)).await
    }

    /// Notes that an invitation's `nth` reminder was mailed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn invitation_reminded(&self, cx: &Accept, id: RecordId, nth: u8) -> Result<(), StoreError> {
        let now = cx.rules.now;
        self.step_invitation(cx, id, |invitation| invitation.reminded(nth, now))
            .await
    }

    async fn step_invitation(
        &self,
        cx: &Accept,
        id: RecordId,
        step: impl Fn(&Invitation) -> Option<Invitation> + Send + Sync,
    ) -> Result<(), StoreError> {
        let rule = |old: &Record<Invitation>| {
            let next = step(&old.body).map(|body| old.with_body(body, &cx.actor, cx.rules.now));
            Ok(next.unwrap_or_else(|| old.clone()))
        };
        match self.change(cx, id, None, None, rule).await {
            Ok(_) | Err(StoreError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Records an answer to a survey's items; a bad one opens a ticket in the same transaction, once.
    ///
    /// # Errors
    /// [`StoreError::Missing`]; [`StoreError::Invalid`]; [`StoreError::Conflict`] where the answer comes too late.
    pub async fn answer_survey(
        &self,
        cx: &Accept,
        id: RecordId,
        input: &AnswerIn,
        items: &[SurveyItem],
    ) -> Result<Written<Invitation>, StoreError> {
        let rule = |old: &Record<Invitation>| {
            let answered = old.body.answer(input.clone(), items, &cx.rules);
            let body = answered.map_err(|invalid| match invalid.problems.as_slice() {
                [problem] if problem.code == ALREADY_ANSWERED => {
                    StoreError::conflict(problem.code, problem.detail.clone())
                }
                _ => invalid.into(),
            })?;
            Ok(old.with_body(body, &cx.actor, cx.rules.now))
        };
        self.change(cx, id, None, None, rule).await
    }

    /// Takes a contact's agreement to e-mail back, as he asked; the contact it was merged into, where it was. One that is
    /// gone is as good.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn refuse_mail(&self, cx: &Accept, contact: RecordId) -> Result<(), StoreError> {
        let live = match self.live::<Contact>(cx.tenant, contact).await {
            Ok(live) => live.meta.id,
            Err(StoreError::Missing) => return Ok(()),
            Err(error) => return Err(error),
        };
        let now = cx.rules.now;
        let rule = |old: &Record<Contact>| {
            let known = old.body.consent.email.as_ref();
            if known.is_some_and(|consent| consent.status == ConsentStatus::Denied) {
                return Ok(old.clone());
            }
            let mut body = old.body.clone();
            body.consent.email = Some(Consent {
                status: ConsentStatus::Denied,
                at: Some(now),
                source: Some("survey".to_owned()),
            });
            Ok(old.with_body(body, &cx.actor, now))
        };
        match self.change(cx, live, None, None, rule).await {
            Ok(_) | Err(StoreError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_active_surveys_are_pointed_to() {
        let mut survey = Survey::built_in(Metric::Csat);
        survey.triggers = vec![Trigger::OrderFulfilled];
        let actor = Actor::worker("test", "");
        let id = Survey::built_in_id(TenantId::new(), Metric::Csat);
        let mut record = Record::new(id, survey, Common::default(), &actor, Timestamp::UNIX_EPOCH);
        assert_eq!(Survey::pointers(&record), ["trigger#order.fulfilled"]);
        record.body.active = false;
        assert!(Survey::pointers(&record).is_empty());
    }
}

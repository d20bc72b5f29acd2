//! Reminders of invitations that were mailed and not answered, where the survey wants them: as many days after the mail
//! as it says, each once, never after an answer or the end of such mails, and not in the quiet hours.

use jiff::SignedDuration;
use rapport_domain::survey::{Invitation, Survey, after_quiet_hours};
use rapport_domain::{RecordId, TenantId};
use rapport_queue::{Envelope, Message, Queue};
use rapport_runtime::schedule::schedule;
use rapport_runtime::{App, BoxError};
use rapport_store::{Accept, StoreError};

use crate::letter::{Letter, letter};
use crate::send::{hand_over, link, ready};

/// Plans the `nth` reminder, from 1, where the survey wants so many.
pub async fn plan(app: &App, cx: &Accept, id: RecordId, survey: &Survey, nth: u8) -> Result<(), BoxError> {
    let Some((most, days)) = survey.reminders() else {
        return Ok(());
    };
    if nth > most {
        return Ok(());
    }
    let due = cx.rules.now + SignedDuration::from_hours(24 * i64::from(days));
    schedule(app, Queue::SatisfactionSurveys, &message(cx.tenant, id, nth), due).await
}

fn message(tenant: TenantId, invitation: RecordId, nth: u8) -> Envelope {
    Envelope {
        tenant,
        message: Message::SurveyReminderV1 { invitation, nth },
    }
}

/// Sends a reminder if it is still wanted and nothing speaks against it.
pub async fn remind(app: &App, tenant: TenantId, id: RecordId, nth: u8) -> Result<(), BoxError> {
    let request = format!("remind#{id}#{nth}");
    let Some(cx) = crate::accept(app, tenant, &request).await? else {
        return Ok(());
    };
    let now = cx.rules.now;
    let invitation = match app.store.get::<Invitation>(tenant, id).await {
        Ok(record) => record.body,
        Err(StoreError::Missing) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if !invitation.wants_reminder(nth, now) {
        return Ok(());
    }
    let quiet = cx.rules.settings.survey.quiet_hours.as_ref();
    let earliest = after_quiet_hours(now, quiet, &cx.rules.settings.zone());
    if earliest > now {
        return schedule(app, Queue::SatisfactionSurveys, &message(tenant, id, nth), earliest).await;
    }
    if let Some(later) = app.store.after_moving(tenant, cx.rules.now).await? {
        return schedule(app, Queue::SatisfactionSurveys, &message(tenant, id, nth), later).await;
    }
    // What speaks against the first mail speaks against a reminder.
    let (survey, to) = match ready(app, &cx, &invitation).await? {
        Ok(ready) => ready,
        Err(reason) => {
            tracing::debug!(invitation = %id, ?reason, "nobody is reminded");
            return Ok(());
        }
    };
    if survey.reminders().is_none_or(|(most, _)| nth > most) {
        return Ok(());
    }
    let mail = letter(&Letter {
        // A mail of its own, the same however often this runs.
        id: format!("{id}-{nth}"),
        to,
        company: &cx.rules.settings.company,
        survey: &survey,
        invitation: &invitation,
        link: &link(app, &cx, id, &invitation),
        reminder: true,
    });
    if hand_over(app, tenant, &mail).await? {
        plan(app, &cx, id, &survey, nth + 1).await?;
        app.store.invitation_reminded(&cx, id, nth).await?;
    }
    Ok(())
}

//! An invitation that is due: asked again whether it should go, mailed, noted as sent.

use rapport_domain::survey::{Invitation, Skip, Survey, SurveyToken, after_quiet_hours};
use rapport_domain::{RecordId, TenantId};
use rapport_mail::{Mail, MailError};
use rapport_queue::Queue;
use rapport_runtime::schedule::schedule;
use rapport_runtime::{App, BoxError};
use rapport_store::{Accept, StoreError};

use crate::invite::{message, occasion, respondent};
use crate::letter::{Letter, letter};
use crate::remind;

/// Sends an invitation if it still waits and nothing speaks against it.
pub async fn send(app: &App, tenant: TenantId, id: RecordId) -> Result<(), BoxError> {
    let request = format!("send#{id}");
    let Some(cx) = crate::accept(app, tenant, &request).await? else {
        return Ok(());
    };
    let invitation = match app.store.get::<Invitation>(tenant, id).await {
        Ok(record) => record.body,
        Err(StoreError::Missing) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if !invitation.is_pending() {
        return Ok(());
    }
    // Too early, or so late that the night has begun.
    let quiet = cx.rules.settings.survey.quiet_hours.as_ref();
    let earliest = after_quiet_hours(invitation.due_at.max(cx.rules.now), quiet, &cx.rules.settings.zone());
    if earliest > cx.rules.now {
        return schedule(app, Queue::SatisfactionSurveys, &message(tenant, id), earliest).await;
    }
    if let Some(later) = app.store.after_moving(tenant, cx.rules.now).await? {
        return schedule(app, Queue::SatisfactionSurveys, &message(tenant, id), later).await;
    }
    match ready(app, &cx, &invitation).await? {
        Ok((survey, address)) => mail(app, &cx, id, &invitation, &survey, address).await,
        Err(reason) => {
            app.store.invitation_skipped(&cx, id, reason).await?;
            Ok(())
        }
    }
}

/// The survey and the address that it goes to; or what has changed since the invitation was made.
pub async fn ready(
    app: &App,
    cx: &Accept,
    invitation: &Invitation,
) -> Result<Result<(Survey, String), Skip>, StoreError> {
    if !cx.rules.settings.survey.enabled {
        return Ok(Err(Skip::Disabled));
    }
    let account = app.store.tenant_rules(cx.tenant).await?.account;
    if !account.may_write() {
        return Ok(Err(Skip::AccountNotOpen));
    }
    let limit = app.meter.mail_limit(&app.store, cx.tenant, account.plan, cx.rules.now);
    if limit.await.is_some() {
        return Ok(Err(Skip::PlanLimit));
    }
    let survey = match app.store.get::<Survey>(cx.tenant, invitation.survey_id).await {
        Ok(survey) if survey.body.active => survey.body,
        Ok(_) | Err(StoreError::Missing) => return Ok(Err(Skip::Disabled)),
        Err(error) => return Err(error),
    };
    let Some(subject) = invitation.ticket_id.or(invitation.order_id) else {
        return Ok(Err(Skip::Unsettled));
    };
    if let Err(reason) = occasion(app, cx, invitation.trigger, subject).await? {
        return Ok(Err(reason));
    }
    let contact = match respondent(app, cx, invitation.contact_id).await? {
        Ok(contact) => contact.body,
        Err(reason) => return Ok(Err(reason)),
    };
    Ok(contact
        .email
        .map(|email| (survey, email.to_string()))
        .ok_or(Skip::NotMailable))
}

async fn mail(
    app: &App,
    cx: &Accept,
    id: RecordId,
    invitation: &Invitation,
    survey: &Survey,
    to: String,
) -> Result<(), BoxError> {
    let mail = letter(&Letter {
        id: id.to_string(),
        to,
        company: &cx.rules.settings.company,
        survey,
        invitation,
        link: &link(app, cx, id, invitation),
        reminder: false,
    });
    if hand_over(app, cx.tenant, &mail).await? {
        // Before it is noted: once it is, nothing would come back to this.
        remind::plan(app, cx, id, survey, 1).await?;
        app.store.invitation_sent(cx, id).await?;
    } else {
        app.store.invitation_skipped(cx, id, Skip::Undeliverable).await?;
    }
    Ok(())
}

/// The page of an invitation.
pub fn link(app: &App, cx: &Accept, id: RecordId, invitation: &Invitation) -> String {
    let token = SurveyToken {
        tenant: cx.tenant,
        invitation: id,
        expires: invitation.expires_at,
    };
    format!("{}/s/{}", app.config.public_url, token.seal(&app.config.secret_key))
}

/// Hands a mail over. False where it never can be.
pub async fn hand_over(app: &App, tenant: TenantId, mail: &Mail) -> Result<bool, BoxError> {
    let mailer = app.mailer().ok_or("MAIL is not set")?;
    match mailer.send(mail).await {
        Ok(()) => {
            app.meter.mailed(tenant, app.clock.now());
            Ok(true)
        }
        // Its text may hold the address, which no log may.
        Err(MailError::Malformed(_)) => Ok(false),
        Err(MailError::Unavailable(_)) => Err("mail could not be handed over".into()),
    }
}

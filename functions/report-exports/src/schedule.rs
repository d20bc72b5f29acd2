//! A schedule that is due: asked again whether it should go, made, mailed, noted as sent.
//!
//! The next occasion is known, and its timer set, before this one's mail is made, so that a mail that cannot be made
//! breaks no chain.

use jiff::Timestamp;
use rapport_domain::permission::{Area, Scope, Verb};
use rapport_domain::schedule::Schedule;
use rapport_domain::user::{User, UserStatus};
use rapport_domain::{Actor, Prefix, Record, RecordId, TenantId};
use rapport_mail::MailError;
use rapport_queue::{Message, Queue, envelope};
use rapport_reporting_store::{Report, occasion, report};
use rapport_runtime::schedule::schedule as later;
use rapport_runtime::{App, BoxError};
use rapport_store::{Accept, StoreError};

use crate::letter::{Letter, letter};
use crate::{Fault, WORKER};

/// Mails a report where its occasion has come.
///
/// # Errors
/// When the store or the mail does not answer: the message comes again.
pub async fn run(app: &App, tenant: TenantId, id: RecordId, due: Timestamp) -> Result<(), BoxError> {
    let Some(cx) = accept(app, tenant, &format!("due#{id}#{due}")).await? else {
        return Ok(());
    };
    let now = cx.rules.now;
    let message = envelope(tenant, Message::ReportScheduleDueV1 { schedule: id, due });
    if due > now {
        return later(app, Queue::ReportExports, &message, due).await;
    }
    if let Some(moved) = app.store.after_moving(tenant, now).await? {
        return later(app, Queue::ReportExports, &message, moved).await;
    }
    let zone = cx.rules.settings.zone();
    let begun = change(app, &cx, id, |old| old.begin(due, now, &zone)).await?;
    let Some(record) = begun.filter(|record| record.body.making == Some(due)) else {
        return Ok(());
    };
    let user = match permitted(app, tenant, &record).await? {
        Ok(user) => user,
        Err(why) => {
            let cx = again(&cx, "stop");
            return change(app, &cx, id, |old| Some(old.stop(why))).await.map(drop);
        }
    };
    let outcome = Box::pin(send(app, &cx, &record, &user, due)).await;
    let cx = again(&cx, "end");
    let end = |outcome: Result<Timestamp, &str>| {
        let outcome = outcome.map_err(str::to_owned);
        move |old: &Schedule| Some(old.end(due, outcome.as_ref().map_err(String::as_str).copied()))
    };
    match outcome {
        Ok(()) => change(app, &cx, id, end(Ok(app.clock.now()))).await.map(drop),
        Err(Fault::Refused(words)) => change(app, &cx, id, end(Err(&words))).await.map(drop),
        Err(Fault::Passing(error)) => Err(error),
    }
}

/// The context of what this worker does for a tenant; nothing for a tenant that is gone.
async fn accept(app: &App, tenant: TenantId, request: &str) -> Result<Option<Accept>, StoreError> {
    match app.store.rules(tenant, app.clock.now()).await {
        Ok(rules) => Ok(Some(Accept::new(tenant, Actor::worker(WORKER, request), rules))),
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The same context for another write.
fn again(cx: &Accept, step: &str) -> Accept {
    let request = format!("{}#{step}", cx.actor.request);
    Accept::new(cx.tenant, Actor::worker(WORKER, &request), cx.rules.clone())
}

/// Changes a schedule that is there by a rule; one for which the rule has nothing stays. The schedule afterwards.
async fn change(
    app: &App,
    cx: &Accept,
    id: RecordId,
    rule: impl Fn(&Schedule) -> Option<Schedule> + Send + Sync,
) -> Result<Option<Record<Schedule>>, BoxError> {
    let changed = app
        .store
        .change::<Schedule>(cx, id, None, None, |old| {
            Ok(match rule(&old.body) {
                Some(body) if body != old.body => old.with_body(body, &cx.actor, cx.rules.now),
                _ => old.clone(),
            })
        })
        .await;
    match changed {
        Ok(written) => Ok(Some(written.record)),
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The user to whom it goes, where he may still read reports; or why it does not go any more.
async fn permitted(
    app: &App,
    tenant: TenantId,
    record: &Record<Schedule>,
) -> Result<Result<Record<User>, &'static str>, StoreError> {
    let gone = "the user is no longer there";
    let Ok(id) = RecordId::parse(Prefix::User, &record.meta.created_by) else {
        return Ok(Err(gone));
    };
    let user = match app.store.get::<User>(tenant, id).await {
        Ok(user) => user,
        Err(StoreError::Missing) => return Ok(Err(gone)),
        Err(error) => return Err(error),
    };
    Ok(if user.meta.deleted_at.is_some() {
        Err(gone)
    } else if user.body.status != UserStatus::Active {
        Err("the user is deactivated")
    } else if !user.body.role.scopes().has(Scope(Area::Reports, Verb::Read)) {
        Err("the user may not read reports any more")
    } else {
        Ok(user)
    })
}

async fn send(
    app: &App,
    cx: &Accept,
    record: &Record<Schedule>,
    user: &Record<User>,
    due: Timestamp,
) -> Result<(), Fault> {
    let account = app.store.tenant_rules(cx.tenant).await?.account;
    if !account.may_write() {
        return Err(Fault::Refused("the account is not open".to_owned()));
    }
    let limit = app.meter.mail_limit(&app.store, cx.tenant, account.plan, cx.rules.now);
    if let Some(reached) = limit.await {
        return Err(Fault::Refused(reached.to_string()));
    }
    let schedule = &record.body;
    let role = user.body.role;
    let by = user.meta.id.to_string();
    let caller = crate::caller(cx.tenant, &by, role.scopes(), Some(role), &cx.actor.request);
    // As it was on the occasion, however late it is made.
    let day = due.to_zoned(cx.rules.settings.zone()).date();
    let params = occasion::params(schedule, day);
    let Report { answer, locale } = &Box::pin(report(app, &caller, &schedule.report, &params)).await?;
    let table = rapport_reporting::table::Table::of(answer, locale);
    let mail = letter(&Letter {
        id: format!("{}-{}", record.meta.id, due.as_second()),
        to: user.body.email.to_string(),
        company: &cx.rules.settings.company,
        answer,
        locale,
        format: schedule.format,
        file: table.file(schedule.format)?,
    });
    let mailer = app.mailer().ok_or_else(|| Fault::Passing("MAIL is not set".into()))?;
    match mailer.send(&mail).await {
        Ok(()) => {
            app.meter.mailed(cx.tenant, app.clock.now());
            Ok(())
        }
        // Its text may hold the address, which no log may.
        Err(MailError::Malformed(_)) => Err(Fault::Refused("the mail could not be written".to_owned())),
        Err(MailError::Unavailable(_)) => Err(Fault::Passing("mail could not be handed over".into())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_queue::Envelope;

    #[test]
    fn the_timer_of_a_schedule_is_this_workers_message() {
        let (tenant, due) = (TenantId::new(), "2026-11-22T02:00:00Z".parse().unwrap());
        let id = RecordId::new(Prefix::Schedule);
        let timer = rapport_store::export::due_timer(tenant, id, due);
        assert_eq!(timer.queue, rapport_runtime::schedule::word(Queue::ReportExports));
        let message: Envelope = serde_json::from_str(&timer.envelope).unwrap();
        assert_eq!(
            message,
            envelope(tenant, Message::ReportScheduleDueV1 { schedule: id, due })
        );
    }
}

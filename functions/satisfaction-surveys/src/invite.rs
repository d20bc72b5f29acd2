//! From something that happened to an invitation that waits for its time, or to nothing where nobody is to be asked.

use jiff::{SignedDuration, Timestamp};
use rapport_domain::contact::Contact;
use rapport_domain::order::{Order, OrderStatus};
use rapport_domain::survey::{Invitation, Language, Occasion, Skip, Trigger, due, sampled};
use rapport_domain::ticket::Ticket;
use rapport_domain::{Prefix, Record, RecordId, Rules, TenantId};
use rapport_queue::{Envelope, MOST_DELAY_SECONDS, Message, Queue};
use rapport_runtime::schedule::{schedule, timer};
use rapport_runtime::{App, BoxError};
use rapport_store::survey::Invited;
use rapport_store::{Accept, StoreError};

/// So many products of an order are kept with its invitation.
const MOST_PRODUCTS: usize = 50;

/// Makes the invitation of a change, if it was an occasion.
pub async fn invite(app: &App, tenant: TenantId, subject: &str, types: &[String]) -> Result<(), BoxError> {
    let Some(trigger) = Trigger::among(types) else {
        return Ok(());
    };
    let Ok(subject) = subject.parse::<RecordId>() else {
        return Err("a subject that is no id".into());
    };
    let request = format!("invite#{subject}");
    let Some(cx) = crate::accept(app, tenant, &request).await? else {
        return Ok(());
    };
    match plan(app, &cx, trigger, subject).await? {
        Ok(plan) => make(app, &cx, plan).await,
        Err(skip) => {
            tracing::debug!(%subject, ?skip, "nobody is asked");
            Ok(())
        }
    }
}

/// An invitation that is to be made.
struct Plan {
    id: RecordId,
    invitation: Invitation,
}

/// What the occasion is about, as it is now, and whom it concerns; or why nobody is asked about it.
pub async fn occasion(
    app: &App,
    cx: &Accept,
    trigger: Trigger,
    subject: RecordId,
) -> Result<Result<(Occasion, RecordId), Skip>, StoreError> {
    let found = match (trigger, subject.prefix()) {
        (Trigger::TicketResolved, Prefix::Ticket) => app
            .store
            .get::<Ticket>(cx.tenant, subject)
            .await
            .map(|it| of_ticket(&it)),
        (Trigger::OrderFulfilled, Prefix::Order) => {
            let order = app.store.get::<Order>(cx.tenant, subject).await;
            order.map(|order| of_order(&order, cx.rules.now))
        }
        _ => return Ok(Err(Skip::Unsettled)),
    };
    match found {
        Ok(found) => Ok(found),
        Err(StoreError::Missing) => Ok(Err(Skip::Unsettled)),
        Err(error) => Err(error),
    }
}

fn of_ticket(ticket: &Record<Ticket>) -> Result<(Occasion, RecordId), Skip> {
    let body = &ticket.body;
    let resolved = body
        .resolved_at
        .filter(|_| body.status.is_done())
        .ok_or(Skip::Unsettled)?;
    let occasion = Occasion {
        trigger: Trigger::TicketResolved,
        subject: ticket.meta.id,
        reference: Some(body.number.to_string()),
        at: resolved,
        resolved_at: Some(resolved),
        company_id: body.company_id,
        agent_id: body.assignee_id,
        product_ids: Vec::new(),
    };
    Ok((occasion, body.contact_id.ok_or(Skip::NoContact)?))
}

fn of_order(order: &Record<Order>, now: Timestamp) -> Result<(Occasion, RecordId), Skip> {
    let body = &order.body;
    if body.historic {
        return Err(Skip::Historic);
    }
    if body.status != OrderStatus::Fulfilled {
        return Err(Skip::Unsettled);
    }
    let mut product_ids: Vec<RecordId> = Vec::new();
    for id in body.lines.iter().filter_map(|line| line.product_id) {
        if !product_ids.contains(&id) && product_ids.len() < MOST_PRODUCTS {
            product_ids.push(id);
        }
    }
    let occasion = Occasion {
        trigger: Trigger::OrderFulfilled,
        subject: order.meta.id,
        reference: body.number.clone(),
        at: now,
        resolved_at: None,
        company_id: body.company_id,
        agent_id: None,
        product_ids,
    };
    Ok((occasion, body.contact_id.ok_or(Skip::NoContact)?))
}

/// The contact that may be asked; the one it was merged into, where it was.
pub async fn respondent(
    app: &App,
    cx: &Accept,
    contact: RecordId,
) -> Result<Result<Record<Contact>, Skip>, StoreError> {
    match app.store.live::<Contact>(cx.tenant, contact).await {
        Ok(contact) if contact.body.may_be_mailed() => Ok(Ok(contact)),
        Ok(_) => Ok(Err(Skip::NotMailable)),
        Err(StoreError::Missing) => Ok(Err(Skip::NoContact)),
        Err(error) => Err(error),
    }
}

async fn plan(app: &App, cx: &Accept, trigger: Trigger, subject: RecordId) -> Result<Result<Plan, Skip>, StoreError> {
    let settings = &cx.rules.settings;
    if !settings.survey.enabled {
        return Ok(Err(Skip::Disabled));
    }
    let (occasion, contact) = match occasion(app, cx, trigger, subject).await? {
        Ok(found) => found,
        Err(skip) => return Ok(Err(skip)),
    };
    let contact = match respondent(app, cx, contact).await? {
        Ok(contact) => contact,
        Err(skip) => return Ok(Err(skip)),
    };
    let survey = app.store.survey_after(cx, trigger).await?;
    if !survey.body.active {
        return Ok(Err(Skip::Disabled));
    }
    if !sampled(subject, survey.body.sample_rate.unwrap_or(settings.survey.sample_rate)) {
        return Ok(Err(Skip::Sampled));
    }
    let score = app.store.score(cx.tenant, contact.meta.id).await?;
    let language = Language::of_contact(contact.body.locale.as_deref(), &settings.locale);
    let due = due(occasion.at, cx.rules.now, &cx.rules);
    let metric = survey.body.metric;
    Ok(Ok(Plan {
        id: occasion.invitation_id(),
        invitation: Invitation {
            segment: score.and_then(|score| score.rfm?.segment),
            due_on: Some(due.to_zoned(settings.zone()).date()),
            ..Invitation::new(&occasion, survey.meta.id, metric, contact.meta.id, language, due)
        },
    }))
}

/// Until when the contact is not to be asked again; nothing where the tenant wants no pause.
fn pause_until(due: Timestamp, rules: &Rules) -> Option<Timestamp> {
    let days = i64::from(rules.settings.survey.min_days_between);
    let until = due.checked_add(SignedDuration::from_hours(24 * days));
    until.ok().filter(|_| days > 0)
}

/// The message that sends an invitation.
pub fn message(tenant: TenantId, invitation: RecordId) -> Envelope {
    Envelope {
        tenant,
        message: Message::SurveyDueV1 { invitation },
    }
}

async fn make(app: &App, cx: &Accept, Plan { id, invitation }: Plan) -> Result<(), BoxError> {
    let message = message(cx.tenant, id);
    let due = invitation.due_at;
    // What is far goes with the transaction; what is near by the queue, after it.
    let far = due > cx.rules.now + SignedDuration::from_secs(MOST_DELAY_SECONDS);
    let timer = far.then(|| timer(Queue::SatisfactionSurveys, &message, due));
    let pause = pause_until(due, &cx.rules);
    match app.store.invite(cx, id, invitation, pause, timer.as_ref()).await? {
        Invited::New if !far => schedule(app, Queue::SatisfactionSurveys, &message, due).await,
        // The first time may have ended before the queue was told.
        Invited::Repeat(known) if known.body.is_pending() => {
            schedule(app, Queue::SatisfactionSurveys, &message, known.body.due_at).await
        }
        Invited::New | Invited::Repeat(_) => Ok(()),
        Invited::Paused => {
            tracing::debug!(invitation = %id, "the contact was asked not long ago");
            Ok(())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::ticket::{TicketIn, TicketStatus};
    use rapport_domain::{Actor, Common, Kind as _};
    use std::sync::Arc;

    fn rules() -> Rules {
        Rules {
            now: "2026-11-22T10:00:00Z".parse().unwrap(),
            settings: Arc::default(),
            fields: Arc::default(),
        }
    }

    #[test]
    fn only_a_resolved_ticket_of_somebody_is_an_occasion() {
        let rules = rules();
        let contact = RecordId::new(Prefix::Contact);
        for (status, contact, expected) in [
            (TicketStatus::Resolved, Some(contact), Ok(contact)),
            (TicketStatus::Closed, Some(contact), Err(Skip::Unsettled)),
            (TicketStatus::Open, Some(contact), Err(Skip::Unsettled)),
            (TicketStatus::Resolved, None, Err(Skip::NoContact)),
        ] {
            let input = TicketIn {
                subject: Some("A".into()),
                contact_id: contact.map(|id| id.to_string()),
                ..TicketIn::default()
            };
            let ticket = Ticket::create(input, &rules)
                .unwrap()
                .to_status(status, &rules)
                .unwrap();
            let actor = Actor::worker("test", "");
            let record = Record::new(
                RecordId::new(Prefix::Ticket),
                ticket,
                Common::default(),
                &actor,
                rules.now,
            );
            let found = of_ticket(&record);
            assert_eq!(found.clone().map(|(_, contact)| contact), expected, "{status:?}");
            if let Ok((occasion, _)) = found {
                assert_eq!((occasion.at, occasion.subject), (rules.now, record.meta.id));
            }
        }
    }

    #[test]
    fn a_pause_lasts_from_when_somebody_is_asked() {
        let mut rules = rules();
        let due = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(pause_until(due, &rules), Some("2026-12-22T10:00:00Z".parse().unwrap()));
        let mut settings = (*rules.settings).clone();
        settings.survey.min_days_between = 0;
        rules.settings = Arc::new(settings);
        assert_eq!(pause_until(due, &rules), None);
    }
}

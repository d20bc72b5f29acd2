//! How tickets are stored: the record, its messages as items of their own, and the timers of its deadlines, all written
//! in one transaction.

use jiff::Timestamp;
use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::ticket::{Channel, Message, MessageIn, Priority, SlaClock, Ticket, TicketKind, TicketStatus};
use rapport_domain::{Invalid, Prefix, Record, RecordId, TenantId, Via};
use serde_json::{Value, json};

use crate::idempotency::{Answer, Idempotency};
use crate::page::{Items, Position, Query, Row};
use crate::records::{Filter, Sort, Stored, Test, Written, sortable};
use crate::timer::Timer;
use crate::{Accept, Key, Store, StoreError, Table, Write, text};

/// The queue that the timers of deadlines send to, by its word.
pub const DEADLINES: &str = "ticket_deadlines";
/// How often a lost race is run again.
const ATTEMPTS: u32 = 6;

impl Stored for Ticket {
    const TABLE: Table = Table::Tickets;
    const PLURAL: &'static str = "tickets";
    const FILTERS: &'static [Filter] = &[
        Filter::indexed("contact_id", "by_contact_id"),
        Filter::indexed("company_id", "by_company_id"),
        Filter::indexed("assignee_id", "by_assignee_id"),
        Filter::indexed("status", "by_status").of(TicketStatus::WORDS),
        Filter::equal("priority").of(Priority::WORDS),
        Filter::equal("kind").of(TicketKind::WORDS),
        Filter::equal("channel").of(Channel::WORDS),
        Filter::equal("order_id"),
        Filter::equal("owner_id"),
        Filter::equal("number"),
        Filter {
            name: "breached",
            field: "breached",
            test: Test::Holds,
            index: None,
            values: SlaClock::WORDS,
            beside: None,
        },
        Filter::time("due_before", "due_at", Test::Before),
        Filter::time("due_since", "due_at", Test::Since),
        Filter::time("resolved_since", "resolved_at", Test::Since),
    ];
    const SORTS: &'static [Sort] = &[
        Sort::soonest("by_assignee_id", "due_at"),
        Sort::soonest("by_status", "due_at"),
    ];

    fn indexes(record: &Record<Self>) -> Vec<(&'static str, String, String)> {
        let id = record.meta.id.to_string();
        let ticket = &record.body;
        // What is not due sorts after all that is, by its id.
        let due = ticket.due_at.map_or_else(|| format!("~{id}"), sortable);
        let status = Some(ticket.status.as_str().to_owned());
        let word = |id: Option<RecordId>| id.map(|id| id.to_string());
        [
            ("by_status", status, &due),
            ("by_assignee_id", word(ticket.assignee_id), &due),
            ("by_contact_id", word(ticket.contact_id), &id),
            ("by_company_id", word(ticket.company_id), &id),
        ]
        .into_iter()
        .filter_map(|(index, value, sort)| Some((index, value?, sort.clone())))
        .collect()
    }

    async fn complete(
        store: &Store,
        cx: &Accept,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        resolve_references(store, cx, None, &mut record.body).await?;
        record.body.number = cx.number(store, Table::Tickets, "ticket").await?;
        set_timers(store, cx.tenant, None, record, write)
    }

    fn resume(store: &Store, cx: &Accept, record: &Record<Self>, write: &mut Write) -> Result<(), StoreError> {
        set_timers(store, cx.tenant, None, record, write)
    }

    async fn complete_change(
        store: &Store,
        cx: &Accept,
        old: &Record<Self>,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        if old.meta.deleted_at.is_some() && record.meta.deleted_at.is_none() {
            store.follow::<Contact>(cx.tenant, &mut record.body.contact_id).await?;
            store.follow::<Company>(cx.tenant, &mut record.body.company_id).await?;
        } else {
            resolve_references(store, cx, Some(&old.body), &mut record.body).await?;
        }
        set_timers(store, cx.tenant, Some(old), record, write)
    }
}

/// The timers that a record needs: none when it is deleted.
fn deadlines(record: &Record<Ticket>) -> Vec<(SlaClock, Timestamp)> {
    if record.meta.deleted_at.is_some() {
        Vec::new()
    } else {
        record.body.running()
    }
}

fn timer_id(tenant: TenantId, ticket: RecordId, clock: SlaClock) -> String {
    format!("{tenant}#{ticket}#{}", clock.as_str())
}

/// The timer of a deadline. Its message is `TicketDueV1`, written out here since this crate knows no queues; the worker's
/// tests hold the two together.
#[must_use]
pub fn deadline(tenant: TenantId, ticket: RecordId, clock: SlaClock, due: Timestamp) -> Timer {
    let message = json!({
        "tenant": tenant,
        "type": "ticket_due_v1",
        "ticket": ticket,
        "clock": clock,
        "due": sortable(due),
    });
    Timer {
        id: timer_id(tenant, ticket, clock),
        due,
        queue: DEADLINES.to_owned(),
        envelope: message.to_string(),
    }
}

/// Sets the timers that are new and takes back those that are needed no more, with the record.
fn set_timers(
    store: &Store,
    tenant: TenantId,
    old: Option<&Record<Ticket>>,
    new: &Record<Ticket>,
    write: &mut Write,
) -> Result<(), StoreError> {
    let before = old.map(deadlines).unwrap_or_default();
    let after = deadlines(new);
    let id = new.meta.id;
    for (clock, due) in before.iter().filter(|deadline| !after.contains(deadline)) {
        write.no_timer(store, &timer_id(tenant, id, *clock), *due)?;
    }
    for (clock, due) in after.iter().filter(|deadline| !before.contains(deadline)) {
        write.timer(store, &deadline(tenant, id, *clock, *due))?;
    }
    Ok(())
}

/// Insists that what a ticket newly names is there, follows a contact or company that was merged, and takes the
/// contact's company where a new ticket names none. Workers take ids from records and are believed.
async fn resolve_references(
    store: &Store,
    cx: &Accept,
    old: Option<&Ticket>,
    ticket: &mut Ticket,
) -> Result<(), StoreError> {
    if cx.actor.via == Via::Worker {
        return Ok(());
    }
    let fresh = |id: Option<RecordId>, of: fn(&Ticket) -> Option<RecordId>| id.filter(|_| id != old.and_then(of));
    let contact = fresh(ticket.contact_id, |ticket| ticket.contact_id);
    let company = fresh(ticket.company_id, |ticket| ticket.company_id);
    let order = fresh(ticket.order_id, |ticket| ticket.order_id);
    let (contact, company, order) = futures::join!(
        named(store, cx.tenant, Table::Contacts, "contact", contact),
        named(store, cx.tenant, Table::Contacts, "company", company),
        named(store, cx.tenant, Table::Orders, "order", order),
    );
    let (contact, company, order) = (contact?, company?, order?);
    let mut invalid = Invalid::default();
    for (field, found) in [("contact_id", &contact), ("company_id", &company), ("order_id", &order)] {
        if matches!(found, Found::Missing) {
            invalid.add(field, "reference_missing", "there is no such record");
        }
    }
    invalid.check()?;
    if let Found::Record(id, doc) = &contact {
        ticket.contact_id = Some(*id);
        if old.is_none() && ticket.company_id.is_none() {
            let company = doc.get("company_id").and_then(Value::as_str);
            ticket.company_id = company.and_then(|id| RecordId::parse(Prefix::Company, id).ok());
        }
    }
    if let Found::Record(id, _) = &company {
        ticket.company_id = Some(*id);
    }
    Ok(())
}

/// What a reference leads to.
enum Found {
    /// There is none to look at.
    Unasked,
    Missing,
    Record(RecordId, Value),
}

async fn named(
    store: &Store,
    tenant: TenantId,
    table: Table,
    noun: &str,
    id: Option<RecordId>,
) -> Result<Found, StoreError> {
    let Some(mut id) = id else { return Ok(Found::Unasked) };
    // A record merged away leads on, as far as people merge again.
    for _ in 0..5 {
        let item = store.get_item(table, &Key::record(tenant, noun, id)).await?;
        let Some(row) = item.as_ref().and_then(Row::read) else {
            return Ok(Found::Missing);
        };
        let doc: Value = serde_json::from_str(&row.doc).map_err(|error| StoreError::Internal(error.to_string()))?;
        if !row.gone {
            return Ok(Found::Record(id, doc));
        }
        let into = doc.get("merged_into").and_then(Value::as_str);
        match into.and_then(|into| RecordId::parse(id.prefix(), into).ok()) {
            Some(into) => id = into,
            None => break,
        }
    }
    Ok(Found::Missing)
}

/// A message just written.
#[derive(Clone, Debug)]
pub struct Said {
    /// The message.
    pub message: Message,
    /// Its JSON.
    pub doc: String,
    /// The ticket as it is with it.
    pub ticket: Written<Ticket>,
}

pub(crate) fn conversation(ticket: RecordId) -> String {
    format!("message#{ticket}")
}

impl Store {
    /// Adds a message to a ticket, in one transaction with what it does to the ticket.
    ///
    /// # Errors
    /// [`StoreError::Missing`]; [`StoreError::Invalid`]; [`StoreError::Conflict`] where the ticket is past talking about;
    /// [`StoreError::Answered`] when the key's request was done before.
    pub async fn add_message(
        &self,
        cx: &Accept,
        ticket: RecordId,
        input: MessageIn,
        idempotency: Option<&Idempotency>,
    ) -> Result<Said, StoreError> {
        let work = Box::pin(self.add_anew(cx, ticket, input, idempotency));
        self.once(cx.tenant, idempotency, cx.rules.now, work).await
    }

    async fn add_anew(
        &self,
        cx: &Accept,
        ticket: RecordId,
        input: MessageIn,
        idempotency: Option<&Idempotency>,
    ) -> Result<Said, StoreError> {
        let id = RecordId::new(Prefix::Message);
        let message = Message::new(id, ticket, input, &cx.actor, cx.rules.now)?;
        let doc = serde_json::to_string(&message).map_err(|error| StoreError::Internal(error.to_string()))?;
        let mut item = Key::new(cx.tenant, &conversation(ticket), id.to_string()).attributes();
        item.insert("kind".to_owned(), text("message"));
        item.insert("doc".to_owned(), text(&doc));
        let mut attempt = 0;
        loop {
            let old = self.get::<Ticket>(cx.tenant, ticket).await?;
            let body = old.body.with_message(&message, &cx.rules).map_err(refusal)?;
            let new = old.with_body(body, &cx.actor, cx.rules.now);
            let mut planned = self.plan_change(cx, &old, new).await?;
            planned
                .write
                .put_new(self, Table::Tickets, item.clone(), "the message is there already")?;
            if let Some(idempotency) = idempotency {
                let answer = Answer {
                    status: 201,
                    location: None,
                    etag: None,
                    body: doc.clone(),
                };
                planned.write.answer(self, idempotency, &answer, cx.rules.now)?;
            }
            match planned.write.commit(self).await {
                Err(StoreError::Stale(_)) if attempt < ATTEMPTS => {
                    attempt += 1;
                    let pause = rand::random::<f64>() * f64::from(1 << attempt) * 5.0;
                    tokio::time::sleep(std::time::Duration::from_secs_f64(pause / 1_000.0)).await;
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    let ticket = Written {
                        record: planned.record,
                        doc: planned.doc,
                    };
                    return Ok(Said { message, doc, ticket });
                }
            }
        }
    }

    /// A page of a ticket's messages, newest first: items whose `doc` is the message as JSON.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn messages(
        &self,
        tenant: TenantId,
        ticket: RecordId,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<Items, StoreError> {
        let query = Query {
            consistent: true,
            ..Query::newest(conversation(ticket))
        };
        self.query(tenant, Table::Tickets, &query, limit, after).await
    }

    /// Does a step of the flow: resolve, reopen, close, escalate.
    ///
    /// # Errors
    /// As [`Store::change`]; [`StoreError::Conflict`] where the status does not allow it.
    pub async fn step_ticket(
        &self,
        cx: &Accept,
        id: RecordId,
        expected: Option<u64>,
        idempotency: Option<&Idempotency>,
        step: impl Fn(&Ticket) -> Result<Ticket, Invalid> + Send + Sync,
    ) -> Result<Written<Ticket>, StoreError> {
        let rule = |old: &Record<Ticket>| {
            let body = step(&old.body).map_err(refusal)?;
            Ok(old.with_body(body, &cx.actor, cx.rules.now))
        };
        self.change(cx, id, expected, idempotency, rule).await
    }

    /// Notes that a promise of a ticket was broken and escalates it, where the deadline still stands; else nothing is
    /// written. A ticket that is gone is as good.
    ///
    /// # Errors
    /// As [`Store::change`].
    pub async fn breach_ticket(
        &self,
        cx: &Accept,
        id: RecordId,
        clock: SlaClock,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        let now = cx.rules.now;
        let rule = |old: &Record<Ticket>| {
            let broken = old.body.breach(clock, due, now);
            Ok(broken.map_or_else(|| old.clone(), |body| old.with_body(body, &cx.actor, now)))
        };
        match self.change::<Ticket>(cx, id, None, None, rule).await {
            Ok(_) | Err(StoreError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// A step that the status does not allow is a conflict with what is there; anything else is wrong with the input.
fn refusal(invalid: Invalid) -> StoreError {
    match invalid.problems.as_slice() {
        [problem] if problem.code == rapport_domain::ticket::NOT_ALLOWED => {
            StoreError::conflict(problem.code, problem.detail.clone())
        }
        _ => invalid.into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::{Actor, Common, Kind, Rules};
    use std::sync::Arc;

    fn record() -> Record<Ticket> {
        let rules = Rules {
            now: "2026-11-23T09:00:00Z".parse().unwrap(),
            settings: Arc::default(),
            fields: Arc::default(),
        };
        let input = serde_json::from_value(json!({"subject":"A"})).unwrap();
        let body = Ticket::create(input, &rules).unwrap();
        let actor = Actor::worker("test", "");
        Record::new(
            RecordId::new(Prefix::Ticket),
            body,
            Common::default(),
            &actor,
            rules.now,
        )
    }

    #[test]
    fn an_index_entry_sorts_by_what_is_due_and_then_by_id() {
        let mut record = record();
        record.body.assignee_id = Some(RecordId::new(Prefix::User));
        let entries = Ticket::indexes(&record);
        let names: Vec<_> = entries.iter().map(|(index, _, _)| *index).collect();
        assert_eq!(names, ["by_status", "by_assignee_id"]);
        assert!(entries.iter().all(|(_, _, sort)| sort == "2026-11-23T14:00:00.000Z"));
        record.body.due_at = None;
        let idle = &Ticket::indexes(&record)[0].2;
        assert_eq!(idle, &format!("~{}", record.meta.id));
        assert!(*idle > sortable(Timestamp::MAX));
        for Sort { index, field, .. } in Ticket::SORTS {
            assert!(record.to_value().get(field).is_none(), "{index} is sorted by {field}");
        }
    }

    #[test]
    fn a_deleted_ticket_has_no_deadlines() {
        let mut record = record();
        assert_eq!(deadlines(&record).len(), 2);
        record.meta.deleted_at = Some(record.meta.created_at);
        assert_eq!(deadlines(&record), []);
    }
}

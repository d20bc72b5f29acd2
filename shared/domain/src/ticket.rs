//! A ticket: what a customer asks, the conversation about it, and the service levels that are promised for it.
//!
//! The status flows new → open → waiting → resolved → closed. Two clocks run in working time while a ticket is new or
//! open, one until the first public answer, one until the ticket is resolved. While it waits for the customer, or rests
//! between resolution and reopening, both stand still: the working time that passes is added to their deadlines.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::custom::FieldKind;
use crate::id::{Prefix, RecordId};
use crate::invalid::Invalid;
use crate::record::{Kind, Rules};
use crate::settings::SlaPolicy;
use crate::text;
use crate::working_time::Calendar;

/// For how long a customer's reply reopens a resolved ticket; after that it is a matter for a new one.
pub const REOPENS_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);
/// The most characters of a ticket's text.
const MOST_BODY: usize = 20_000;
/// The most characters of a message.
const MOST_MESSAGE: usize = 50_000;

macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident: $($(#[$attribute:meta])* $variant:ident = $word:tt,)*) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$attribute])* #[serde(rename = $word)] $variant,)* }
        impl $name {
            /// The words there are.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];
            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $($name::$variant => $word,)* } }
        }
    };
}

words! {
    /// How a ticket came.
    Channel:
    /// By e-mail.
    Email = "email",
    /// By telephone.
    Phone = "phone",
    /// By a form on a web page.
    Web = "web",
    /// By the customers' own pages.
    Portal = "portal",
    /// By this API.
    #[default]
    Api = "api",
    /// From a bad answer to a survey.
    Survey = "survey",
}

words! {
    /// What a ticket is about.
    TicketKind:
    /// How something is done.
    #[default]
    Question = "question",
    /// Something does not work.
    Fault = "fault",
    /// The customer is not satisfied.
    Complaint = "complaint",
    /// The customer has an opinion.
    Feedback = "feedback",
    /// Somebody wants to know before buying.
    Presales = "presales",
}

words! {
    /// How urgent a ticket is; chooses its service level.
    Priority:
    /// Can wait.
    Low = "low",
    /// As usual.
    #[default]
    Normal = "normal",
    /// Soon.
    High = "high",
    /// At once.
    Urgent = "urgent",
}

words! {
    /// How far a ticket has come.
    TicketStatus:
    /// Nobody has looked at it.
    #[default]
    New = "new",
    /// Somebody is at work on it.
    Open = "open",
    /// The customer's turn: the clocks stand still.
    Waiting = "waiting",
    /// Solved; a reply reopens it.
    Resolved = "resolved",
    /// Done with for good.
    Closed = "closed",
}

words! {
    /// A promise that time runs against.
    SlaClock:
    /// Until the first public answer.
    #[default]
    FirstResponse = "first_response",
    /// Until the ticket is resolved.
    Resolution = "resolution",
}

words! {
    /// Who wrote a message.
    Author:
    /// Somebody of the firm.
    #[default]
    Agent = "agent",
    /// The customer.
    Customer = "customer",
}

impl TicketStatus {
    /// Whether the ticket is resolved or closed.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed)
    }

    /// Whether the clocks run.
    #[must_use]
    pub const fn runs(self) -> bool {
        matches!(self, Self::New | Self::Open)
    }
}

/// What a caller may say of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TicketIn {
    /// What it is about, in a line. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What the customer said, at most 20,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<String>,
    /// The customer's firm; that of the contact unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
    /// The order it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// `api` unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// `question` unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<TicketKind>,
    /// `normal` unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// `new` unless said otherwise; a new ticket may be `new`, `open` or `waiting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TicketStatus>,
    /// The user who is to answer it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<String>,
}

/// A ticket as kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Ticket {
    /// Unique and rising for each tenant, with gaps.
    pub number: u64,
    /// What it is about, in a line.
    pub subject: String,
    /// What the customer said.
    pub body: Option<String>,
    /// The customer.
    pub contact_id: Option<RecordId>,
    /// The customer's firm.
    pub company_id: Option<RecordId>,
    /// The order it is about.
    pub order_id: Option<RecordId>,
    /// How it came.
    pub channel: Channel,
    /// What it is about.
    pub kind: TicketKind,
    /// How urgent it is.
    pub priority: Priority,
    /// How far it has come.
    pub status: TicketStatus,
    /// The user who is to answer it.
    pub assignee_id: Option<RecordId>,
    /// The nearest promise that time runs against now; absent while the clocks stand still or when nothing is promised.
    #[serde(default, with = "crate::settings::millis::option")]
    pub due_at: Option<Timestamp>,
    /// By when the first public answer is promised.
    #[serde(default, with = "crate::settings::millis::option")]
    pub first_response_due_at: Option<Timestamp>,
    /// By when the solution is promised.
    #[serde(default, with = "crate::settings::millis::option")]
    pub resolution_due_at: Option<Timestamp>,
    /// When the first public answer was given.
    #[serde(default, with = "crate::settings::millis::option")]
    pub first_responded_at: Option<Timestamp>,
    /// When it was last resolved, where it is.
    #[serde(default, with = "crate::settings::millis::option")]
    pub resolved_at: Option<Timestamp>,
    /// When it was closed.
    #[serde(default, with = "crate::settings::millis::option")]
    pub closed_at: Option<Timestamp>,
    /// When it last became a matter for somebody higher up.
    #[serde(default, with = "crate::settings::millis::option")]
    pub escalated_at: Option<Timestamp>,
    /// How often it did.
    pub escalation_level: u32,
    /// The promises that were broken.
    pub breached: Vec<SlaClock>,
    /// How often it was reopened.
    #[serde(default)]
    pub reopen_count: u32,
    /// When the clocks began to run.
    #[serde(with = "crate::settings::millis")]
    pub clock_started_at: Timestamp,
    /// Since when they stand still, where they do.
    #[serde(default, with = "crate::settings::millis::option")]
    pub clock_stopped_at: Option<Timestamp>,
    /// For how much working time they stood still, in seconds, up to when they last ran on.
    pub waited_seconds: i64,
    /// Public messages.
    pub message_count: u64,
    /// Internal notes.
    #[serde(default)]
    pub note_count: u64,
    /// When the last public message was written.
    #[serde(default, with = "crate::settings::millis::option")]
    pub last_message_at: Option<Timestamp>,
    /// Who wrote it.
    pub last_message_from: Option<Author>,
    /// The article that solved it.
    pub solution_id: Option<RecordId>,
    /// How it was solved.
    pub resolution_note: Option<String>,
}

/// What a caller says in a conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageIn {
    /// The text, at most 50,000 characters.
    pub body: String,
    /// A note that the customer does not see.
    #[serde(default)]
    pub internal: bool,
    /// Who says it: `agent` unless said otherwise.
    #[serde(default)]
    pub from: Author,
}

/// A message of a conversation. Messages do not change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Message {
    /// Its id.
    pub id: RecordId,
    /// The ticket it belongs to.
    pub ticket_id: RecordId,
    /// Who wrote it.
    pub from: Author,
    /// Whether the customer does not see it.
    pub internal: bool,
    /// The text.
    pub body: String,
    /// When it was written.
    #[serde(with = "crate::settings::millis")]
    pub created_at: Timestamp,
    /// The user, key or worker that wrote it down.
    pub created_by: String,
}

impl Message {
    /// Checks what a caller says.
    ///
    /// # Errors
    /// [`Invalid`] with every fault.
    pub fn new(
        id: RecordId,
        ticket: RecordId,
        input: MessageIn,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let body = invalid.take(text::required("body", Some(input.body), MOST_MESSAGE));
        if input.internal && input.from == Author::Customer {
            invalid.add("internal", "not_allowed", "a customer writes no internal notes");
        }
        invalid.check()?;
        Ok(Self {
            id,
            ticket_id: ticket,
            from: input.from,
            internal: input.internal,
            body: body.unwrap_or_default(),
            created_at: now,
            created_by: actor.id.clone(),
        })
    }
}

/// The code of refusing a step that the status does not allow.
pub const NOT_ALLOWED: &str = "transition_not_allowed";

fn refused(detail: String) -> Invalid {
    Invalid::one("status", NOT_ALLOWED, detail)
}

impl Ticket {
    /// The ticket with a further message.
    ///
    /// The first public message of an agent answers a new ticket and opens it. A customer's message sets the clocks
    /// running again and reopens a resolved ticket.
    ///
    /// # Errors
    /// [`Invalid`] with code `transition_not_allowed` for a public message to a closed ticket, or a customer's to one
    /// resolved more than 30 days ago: that is a new ticket.
    pub fn with_message(&self, message: &Message, rules: &Rules) -> Result<Self, Invalid> {
        let now = message.created_at;
        let mut next = self.clone();
        if message.internal {
            next.note_count += 1;
            return Ok(next);
        }
        if self.status == TicketStatus::Closed {
            return Err(refused("this ticket is closed: open a new one".to_owned()));
        }
        next.message_count += 1;
        next.last_message_at = Some(now);
        next.last_message_from = Some(message.from);
        match (message.from, self.status) {
            (Author::Customer, TicketStatus::Resolved) => {
                if self.resolved_at.is_some_and(|at| at + REOPENS_FOR < now) {
                    return Err(refused(
                        "this ticket was resolved more than 30 days ago: open a new one".to_owned(),
                    ));
                }
                next.step(TicketStatus::Open, rules)?;
            }
            (Author::Customer, TicketStatus::Waiting) => next.step(TicketStatus::Open, rules)?,
            (Author::Agent, status) => {
                next.first_responded_at.get_or_insert(now);
                if status == TicketStatus::New {
                    next.step(TicketStatus::Open, rules)?;
                }
            }
            (Author::Customer, _) => {}
        }
        next.due_at = next.nearest();
        Ok(next)
    }

    /// The ticket resolved, with the article and the words that did it.
    ///
    /// # Errors
    /// [`Invalid`]: code `transition_not_allowed` when it is resolved or closed; malformed fields.
    pub fn resolve(&self, solution: Option<&str>, note: Option<String>, rules: &Rules) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let solution = id(&mut invalid, "solution_id", solution, Prefix::Article);
        let note = invalid.take(text::optional("note", note, MOST_BODY)).flatten();
        invalid.check()?;
        let mut next = self.to_status(TicketStatus::Resolved, rules)?;
        next.solution_id = solution.or(self.solution_id);
        next.resolution_note = note.or_else(|| self.resolution_note.clone());
        Ok(next)
    }

    /// The ticket with another status.
    ///
    /// # Errors
    /// [`Invalid`] with code `transition_not_allowed` where the status does not lead there.
    pub fn to_status(&self, status: TicketStatus, rules: &Rules) -> Result<Self, Invalid> {
        let mut next = self.clone();
        next.step(status, rules)?;
        Ok(next)
    }

    /// The ticket opened again after it was resolved.
    ///
    /// # Errors
    /// [`Invalid`] with code `transition_not_allowed` where it is not resolved.
    pub fn reopen(&self, rules: &Rules) -> Result<Self, Invalid> {
        if self.status != TicketStatus::Resolved {
            return Err(refused(format!(
                "only a resolved ticket can be reopened, this is {}",
                self.status.as_str()
            )));
        }
        self.to_status(TicketStatus::Open, rules)
    }

    /// The ticket one level higher up.
    ///
    /// # Errors
    /// [`Invalid`] with code `transition_not_allowed` where it is resolved or closed.
    pub fn escalate(&self, now: Timestamp) -> Result<Self, Invalid> {
        if self.status.is_done() {
            return Err(refused(format!(
                "a ticket that is {} is not escalated",
                self.status.as_str()
            )));
        }
        Ok(Self {
            escalation_level: self.escalation_level.saturating_add(1),
            escalated_at: Some(now),
            ..self.clone()
        })
    }

    /// The ticket after a deadline passed: the promise is broken and the ticket one level higher up. `None` where
    /// nothing is to be done: the clock stands still, the deadline moved or lies ahead, the promise was kept or its
    /// breach noted before.
    #[must_use]
    pub fn breach(&self, clock: SlaClock, due: Timestamp, now: Timestamp) -> Option<Self> {
        let running = self.running().into_iter().find(|(running, _)| *running == clock);
        if running != Some((clock, due)) || now < due {
            return None;
        }
        let mut next = self.escalate(now).ok()?;
        next.breached.push(clock);
        Some(next)
    }

    /// The promises that time runs against and that are not broken yet, with their deadlines: what timers are needed for.
    #[must_use]
    pub fn running(&self) -> Vec<(SlaClock, Timestamp)> {
        self.open_promises()
            .into_iter()
            .filter(|(clock, _)| !self.breached.contains(clock))
            .collect()
    }

    /// The promises that are not kept yet, broken or not, while the clocks run.
    fn open_promises(&self) -> Vec<(SlaClock, Timestamp)> {
        if !self.status.runs() {
            return Vec::new();
        }
        let first = self
            .first_response_due_at
            .filter(|_| self.first_responded_at.is_none())
            .map(|due| (SlaClock::FirstResponse, due));
        let resolution = self.resolution_due_at.map(|due| (SlaClock::Resolution, due));
        first.into_iter().chain(resolution).collect()
    }

    fn nearest(&self) -> Option<Timestamp> {
        self.open_promises().into_iter().map(|(_, due)| due).min()
    }

    /// Goes from one status to another, stops and starts the clocks.
    fn step(&mut self, to: TicketStatus, rules: &Rules) -> Result<(), Invalid> {
        use TicketStatus::{Closed, New, Open, Resolved, Waiting};
        let from = self.status;
        let allowed = match from {
            New => matches!(to, Open | Waiting | Resolved | Closed),
            Open => matches!(to, Waiting | Resolved | Closed),
            Waiting => matches!(to, Open | Resolved | Closed),
            Resolved => matches!(to, Open | Closed),
            Closed => false,
        };
        if !allowed {
            return Err(refused(format!(
                "a ticket that is {} does not become {}",
                from.as_str(),
                to.as_str()
            )));
        }
        self.status = to;
        if from.runs() && !to.runs() {
            self.clock_stopped_at = Some(rules.now);
        }
        if to.runs()
            && let Some(stopped) = self.clock_stopped_at.take()
        {
            let waited = Calendar::of(&rules.settings).between(stopped, rules.now);
            // A part of a second counts in the firm's favour.
            self.waited_seconds += (waited + SignedDuration::from_millis(999)).as_secs();
            self.promise(rules);
        }
        if from == Resolved && to == Open {
            self.reopen_count += 1;
            self.resolved_at = None;
        }
        match to {
            Resolved => self.resolved_at = Some(rules.now),
            Closed => self.closed_at = Some(rules.now),
            New | Open | Waiting => {}
        }
        self.due_at = self.nearest();
        Ok(())
    }

    /// Sets the deadlines from the policy of the priority. A promise that was kept stays as it was.
    fn promise(&mut self, rules: &Rules) {
        let calendar = Calendar::of(&rules.settings);
        let policy = policy(&rules.settings.sla.policies, self.priority);
        let due = |minutes: u32| {
            let span = SignedDuration::from_mins(i64::from(minutes)) + SignedDuration::from_secs(self.waited_seconds);
            calendar.add(self.clock_started_at, span)
        };
        let resolution = policy.and_then(|policy| due(policy.resolution_minutes));
        let first = policy.and_then(|policy| due(policy.first_response_minutes));
        self.resolution_due_at = resolution;
        if self.first_responded_at.is_none() {
            self.first_response_due_at = first;
        }
        self.due_at = self.nearest();
    }
}

/// The policy for a priority: the first that names it or names none.
fn policy(policies: &[SlaPolicy], priority: Priority) -> Option<&SlaPolicy> {
    policies.iter().find(|policy| {
        policy
            .priority
            .as_deref()
            .is_none_or(|named| named == priority.as_str())
    })
}

fn id(invalid: &mut Invalid, field: &str, text: Option<&str>, prefix: Prefix) -> Option<RecordId> {
    let parsed = RecordId::parse(prefix, text?);
    if parsed.is_err() {
        let detail = format!("an id here begins with {}_", prefix.as_str());
        invalid.add(field, "id_malformed", detail);
    }
    parsed.ok()
}

/// The fields that a caller sets, checked.
struct Fields {
    subject: String,
    body: Option<String>,
    contact_id: Option<RecordId>,
    company_id: Option<RecordId>,
    order_id: Option<RecordId>,
    channel: Channel,
    kind: TicketKind,
    priority: Priority,
    status: TicketStatus,
    assignee_id: Option<RecordId>,
}

fn fields(input: TicketIn) -> Result<Fields, Invalid> {
    let TicketIn {
        subject,
        body,
        contact_id,
        company_id,
        order_id,
        channel,
        kind,
        priority,
        status,
        assignee_id,
    } = input;
    let mut invalid = Invalid::default();
    let subject = invalid.take(text::required("subject", subject, 300));
    let body = invalid.take(text::optional("body", body, MOST_BODY)).flatten();
    let contact_id = id(&mut invalid, "contact_id", contact_id.as_deref(), Prefix::Contact);
    let company_id = id(&mut invalid, "company_id", company_id.as_deref(), Prefix::Company);
    let order_id = id(&mut invalid, "order_id", order_id.as_deref(), Prefix::Order);
    let assignee_id = id(&mut invalid, "assignee_id", assignee_id.as_deref(), Prefix::User);
    invalid.check()?;
    Ok(Fields {
        subject: subject.unwrap_or_default(),
        body,
        contact_id,
        company_id,
        order_id,
        channel: channel.unwrap_or_default(),
        kind: kind.unwrap_or_default(),
        priority: priority.unwrap_or_default(),
        status: status.unwrap_or_default(),
        assignee_id,
    })
}

impl Kind for Ticket {
    const NOUN: &'static str = "ticket";
    const PREFIX: Prefix = Prefix::Ticket;
    const FIELDS: Option<FieldKind> = Some(FieldKind::Ticket);
    type In = TicketIn;

    fn create(input: TicketIn, rules: &Rules) -> Result<Self, Invalid> {
        let done = input.status.filter(|status| status.is_done());
        let fields = fields(input);
        let Fields {
            subject,
            body,
            contact_id,
            company_id,
            order_id,
            channel,
            kind,
            priority,
            status,
            assignee_id,
        } = match (fields, done) {
            (Ok(fields), None) => fields,
            (fields, done) => {
                let mut invalid = Invalid::default();
                invalid.take(fields);
                if done.is_some() {
                    invalid.add("status", "not_allowed", "a new ticket is new, open or waiting");
                }
                return Err(invalid);
            }
        };
        let mut ticket = Self {
            number: 0,
            subject,
            body,
            contact_id,
            company_id,
            order_id,
            channel,
            kind,
            priority,
            status,
            assignee_id,
            due_at: None,
            first_response_due_at: None,
            resolution_due_at: None,
            first_responded_at: None,
            resolved_at: None,
            closed_at: None,
            escalated_at: None,
            escalation_level: 0,
            breached: Vec::new(),
            reopen_count: 0,
            clock_started_at: rules.now,
            clock_stopped_at: Some(rules.now).filter(|_| !status.runs()),
            waited_seconds: 0,
            message_count: 0,
            note_count: 0,
            last_message_at: None,
            last_message_from: None,
            solution_id: None,
            resolution_note: None,
        };
        ticket.promise(rules);
        Ok(ticket)
    }

    fn editable(&self) -> TicketIn {
        let text = |id: &RecordId| id.to_string();
        TicketIn {
            subject: Some(self.subject.clone()),
            body: self.body.clone(),
            contact_id: self.contact_id.as_ref().map(text),
            company_id: self.company_id.as_ref().map(text),
            order_id: self.order_id.as_ref().map(text),
            channel: Some(self.channel),
            kind: Some(self.kind),
            priority: Some(self.priority),
            status: Some(self.status),
            assignee_id: self.assignee_id.as_ref().map(text),
        }
    }

    fn revise(&self, input: TicketIn, rules: &Rules) -> Result<Self, Invalid> {
        // Left out is as it was: a status is not cleared.
        let to = input.status.unwrap_or(self.status);
        let Fields {
            subject,
            body,
            contact_id,
            company_id,
            order_id,
            channel,
            kind,
            priority,
            status: _,
            assignee_id,
        } = fields(input)?;
        let mut next = Self {
            subject,
            body,
            contact_id,
            company_id,
            order_id,
            channel,
            kind,
            priority,
            assignee_id,
            ..self.clone()
        };
        if priority != self.priority && !self.status.is_done() {
            next.promise(rules);
        }
        if to != self.status {
            next.step(to, rules)?;
        }
        Ok(next)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    /// Sunday 22 November 2026 is free; Monday's work begins at 9:00, with a pause from 12:00 to 13:00.
    fn rules(now: &str) -> Rules {
        Rules {
            now: at(now),
            settings: Arc::default(),
            fields: Arc::default(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn created(json: serde_json::Value, now: &str) -> Ticket {
        Ticket::create(serde_json::from_value(json).unwrap(), &rules(now)).unwrap()
    }

    fn message(from: Author, internal: bool, now: &str) -> Message {
        let input = MessageIn {
            body: "text".to_owned(),
            internal,
            from,
        };
        let ids = (RecordId::new(Prefix::Message), RecordId::new(Prefix::Ticket));
        Message::new(ids.0, ids.1, input, &Actor::worker("test", ""), at(now)).unwrap()
    }

    fn said(ticket: &Ticket, from: Author, now: &str) -> Result<Ticket, Invalid> {
        ticket.with_message(&message(from, false, now), &rules(now))
    }

    fn texts(ticket: &Ticket) -> [String; 3] {
        [ticket.first_response_due_at, ticket.resolution_due_at, ticket.due_at]
            .map(|due| due.map(|due| due.to_string()).unwrap_or_default())
    }

    #[test]
    fn deadlines_follow_the_priority_in_working_time() {
        let now = "2026-11-22T20:00:00Z";
        for (priority, first, resolution) in [
            ("urgent", "2026-11-23T10:00:00Z", "2026-11-23T14:00:00Z"),
            ("high", "2026-11-23T11:00:00Z", "2026-11-23T18:00:00Z"),
            ("normal", "2026-11-23T14:00:00Z", "2026-11-25T18:00:00Z"),
            ("low", "2026-11-23T14:00:00Z", "2026-11-25T18:00:00Z"),
        ] {
            let ticket = created(json!({"subject":"A","priority":priority}), now);
            assert_eq!(texts(&ticket), [first, resolution, first], "{priority}");
            // Raising the priority later counts from the beginning.
            let normal = created(json!({"subject":"A"}), now);
            let input = TicketIn {
                priority: Some(ticket.priority),
                ..normal.editable()
            };
            let changed = normal.revise(input, &rules("2026-11-23T09:30:00Z")).unwrap();
            assert_eq!(texts(&changed), texts(&ticket), "{priority}");
        }
    }

    #[test]
    fn the_first_public_answer_of_an_agent_counts_and_opens_the_ticket() {
        let ticket = created(json!({"subject":"A"}), "2026-11-23T09:00:00Z");
        let now = "2026-11-23T09:10:00Z";
        let noted = ticket
            .with_message(&message(Author::Agent, true, now), &rules(now))
            .unwrap();
        assert_eq!(
            (noted.note_count, noted.message_count, noted.first_responded_at),
            (1, 0, None)
        );
        assert_eq!(noted.status, TicketStatus::New);
        let asked = said(&ticket, Author::Customer, now).unwrap();
        assert_eq!((asked.message_count, asked.first_responded_at), (1, None));
        let answered = said(&asked, Author::Agent, "2026-11-23T09:20:00Z").unwrap();
        assert_eq!(answered.first_responded_at, Some(at("2026-11-23T09:20:00Z")));
        assert_eq!((answered.status, answered.message_count), (TicketStatus::Open, 2));
        assert_eq!(answered.due_at, answered.resolution_due_at);
        let again = said(&answered, Author::Agent, "2026-11-23T09:30:00Z").unwrap();
        assert_eq!(again.first_responded_at, answered.first_responded_at);
    }

    #[test]
    fn the_clocks_stand_still_while_the_customer_is_asked() {
        let ticket = created(json!({"subject":"A","priority":"urgent"}), "2026-11-23T09:00:00Z");
        let ticket = said(&ticket, Author::Agent, "2026-11-23T09:30:00Z").unwrap();
        assert_eq!(ticket.resolution_due_at, Some(at("2026-11-23T14:00:00Z")));
        let waiting = ticket
            .to_status(TicketStatus::Waiting, &rules("2026-11-23T10:00:00Z"))
            .unwrap();
        assert_eq!((waiting.due_at, waiting.running()), (None, vec![]));
        // From Monday 10:00 to Tuesday 10:00 eight hours are worked; three hours were left.
        let back = said(&waiting, Author::Customer, "2026-11-24T10:00:00Z").unwrap();
        assert_eq!(back.status, TicketStatus::Open);
        assert_eq!(back.waited_seconds, 8 * 3_600);
        assert_eq!(back.resolution_due_at, Some(at("2026-11-24T14:00:00Z")));
        assert_eq!(back.due_at, back.resolution_due_at);
        // Resolved from waiting and reopened: all of it counts as waiting.
        let resolved = waiting.resolve(None, None, &rules("2026-11-23T17:00:00Z")).unwrap();
        let reopened = resolved.reopen(&rules("2026-11-24T10:00:00Z")).unwrap();
        assert_eq!(reopened.resolution_due_at, back.resolution_due_at);
        assert_eq!((reopened.reopen_count, reopened.resolved_at), (1, None));
    }

    #[test]
    fn only_some_steps_are_allowed() {
        use TicketStatus::{Closed, New, Open, Resolved, Waiting};
        let now = "2026-11-23T09:00:00Z";
        let allowed = [
            (New, &[Open, Waiting, Resolved, Closed][..]),
            (Open, &[Waiting, Resolved, Closed]),
            (Waiting, &[Open, Resolved, Closed]),
            (Resolved, &[Open, Closed]),
            (Closed, &[]),
        ];
        for (from, to) in allowed {
            let new = created(json!({"subject":"A"}), now);
            let ticket = if from == New {
                new
            } else {
                new.to_status(from, &rules(now)).unwrap()
            };
            for status in [New, Open, Waiting, Resolved, Closed] {
                let result = ticket.to_status(status, &rules(now));
                assert_eq!(result.is_ok(), to.contains(&status), "{from:?} → {status:?}");
                let input = TicketIn {
                    status: Some(status),
                    ..ticket.editable()
                };
                let patched = ticket.revise(input, &rules(now));
                assert_eq!(
                    patched.is_ok(),
                    to.contains(&status) || from == status,
                    "{from:?} → {status:?}"
                );
            }
            assert_eq!(
                ticket.resolve(None, None, &rules(now)).is_ok(),
                !from.is_done(),
                "{from:?}"
            );
            assert_eq!(ticket.reopen(&rules(now)).is_ok(), from == Resolved, "{from:?}");
            assert_eq!(ticket.escalate(at(now)).is_ok(), !from.is_done(), "{from:?}");
        }
    }

    #[test]
    fn a_customer_reopens_a_resolved_ticket_for_thirty_days() {
        let resolved = created(json!({"subject":"A"}), "2026-11-02T09:00:00Z")
            .resolve(None, Some("done".to_owned()), &rules("2026-11-02T10:00:00Z"))
            .unwrap();
        assert_eq!(resolved.resolution_note.as_deref(), Some("done"));
        let closed = resolved
            .to_status(TicketStatus::Closed, &rules("2026-11-02T11:00:00Z"))
            .unwrap();
        for (ticket, from, now, expected) in [
            (
                &resolved,
                Author::Customer,
                "2026-11-20T10:00:00Z",
                Some(TicketStatus::Open),
            ),
            (
                &resolved,
                Author::Customer,
                "2026-12-02T10:00:00Z",
                Some(TicketStatus::Open),
            ),
            (&resolved, Author::Customer, "2026-12-02T10:00:00.001Z", None),
            (
                &resolved,
                Author::Agent,
                "2026-12-20T10:00:00Z",
                Some(TicketStatus::Resolved),
            ),
            (&closed, Author::Customer, "2026-11-02T12:00:00Z", None),
            (&closed, Author::Agent, "2026-11-02T12:00:00Z", None),
        ] {
            let result = said(ticket, from, now);
            assert_eq!(result.ok().map(|ticket| ticket.status), expected, "{from:?} {now}");
        }
    }

    #[test]
    fn a_deadline_breaks_once_and_only_where_it_still_stands() {
        let ticket = created(json!({"subject":"A","priority":"urgent"}), "2026-11-23T09:00:00Z");
        let (first, resolution) = (at("2026-11-23T10:00:00Z"), at("2026-11-23T14:00:00Z"));
        let after = at("2026-11-23T14:00:01Z");
        assert_eq!(
            ticket.running(),
            [(SlaClock::FirstResponse, first), (SlaClock::Resolution, resolution)]
        );
        let broken = ticket.breach(SlaClock::FirstResponse, first, first).unwrap();
        assert_eq!((broken.escalation_level, broken.escalated_at), (1, Some(first)));
        assert_eq!(broken.breached, [SlaClock::FirstResponse]);
        assert_eq!(broken.due_at, Some(first), "an overdue ticket stays due");
        assert_eq!(broken.running(), [(SlaClock::Resolution, resolution)]);
        let twice = broken.breach(SlaClock::Resolution, resolution, after).unwrap();
        assert_eq!(
            (twice.escalation_level, twice.breached.len(), twice.running().len()),
            (2, 2, 0)
        );
        let answered = said(&ticket, Author::Agent, "2026-11-23T09:30:00Z").unwrap();
        let waiting = ticket
            .to_status(TicketStatus::Waiting, &rules("2026-11-23T09:30:00Z"))
            .unwrap();
        let resolved = ticket.resolve(None, None, &rules("2026-11-23T09:30:00Z")).unwrap();
        for (ticket, clock, due, now) in [
            (&ticket, SlaClock::FirstResponse, first, at("2026-11-23T09:59:59Z")),
            (&ticket, SlaClock::FirstResponse, resolution, after),
            (&broken, SlaClock::FirstResponse, first, after),
            (&answered, SlaClock::FirstResponse, first, after),
            (&waiting, SlaClock::Resolution, resolution, after),
            (&resolved, SlaClock::Resolution, resolution, after),
        ] {
            assert_eq!(ticket.breach(clock, due, now), None, "{clock:?} {due} {now}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_all_at_once() {
        for (json, pointers) in [
            (json!({}), &["#/subject"][..]),
            (
                json!({"subject":"A","contact_id":"lead_1","order_id":"x","assignee_id":""}),
                &["#/contact_id", "#/order_id", "#/assignee_id"],
            ),
            (json!({"status":"resolved"}), &["#/subject", "#/status"]),
            (json!({"subject":"A","status":"closed"}), &["#/status"]),
        ] {
            let input = serde_json::from_value(json.clone()).unwrap();
            let invalid = Ticket::create(input, &rules("2026-11-23T09:00:00Z")).unwrap_err();
            let found: Vec<_> = invalid
                .problems
                .iter()
                .map(|problem| problem.pointer.as_str())
                .collect();
            assert_eq!(found, pointers, "{json}");
        }
    }

    #[test]
    fn the_interface_is_documented_with_the_words_it_takes() {
        fn documented<T: utoipa::PartialSchema>() -> serde_json::Value {
            serde_json::to_value(T::schema()).unwrap()["enum"].clone()
        }
        for (documented, words) in [
            (documented::<Channel>(), Channel::WORDS),
            (documented::<TicketKind>(), TicketKind::WORDS),
            (documented::<Priority>(), Priority::WORDS),
            (documented::<TicketStatus>(), TicketStatus::WORDS),
            (documented::<SlaClock>(), SlaClock::WORDS),
            (documented::<Author>(), Author::WORDS),
        ] {
            assert_eq!(documented, json!(words));
        }
    }

    #[test]
    fn a_firm_that_never_works_promises_nothing() {
        let mut rules = rules("2026-11-23T09:00:00Z");
        Arc::make_mut(&mut rules.settings).working_hours.clear();
        let input = serde_json::from_value(json!({"subject":"A"})).unwrap();
        let ticket = Ticket::create(input, &rules).unwrap();
        assert_eq!(texts(&ticket), ["", "", ""]);
        assert_eq!(ticket.revise(ticket.editable(), &rules).unwrap(), ticket);
    }

    #[test]
    fn whatever_may_be_sent_is_changed_by_a_change() {
        let now = "2026-11-23T09:00:00Z";
        let id = |prefix| RecordId::new(prefix).to_string();
        let sent = json!({
            "subject": "The handle", "body": "It came off", "contact_id": id(Prefix::Contact), "company_id": id(Prefix::Company),
            "order_id": id(Prefix::Order), "channel": "phone", "kind": "complaint", "priority": "high", "status": "open",
            "assignee_id": id(Prefix::User),
        });
        let changed = created(json!({"subject": "A"}), now)
            .revise(serde_json::from_value(sent.clone()).unwrap(), &rules(now))
            .unwrap();
        assert_eq!(serde_json::to_value(changed.editable()).unwrap(), sent);
    }

    #[test]
    fn deadlines_stand_unless_the_priority_of_an_unsettled_ticket_changes() {
        let now = "2026-11-23T09:00:00Z";
        let ticket = created(json!({"subject":"A"}), now);
        let mut changed = rules(now);
        Arc::make_mut(&mut changed.settings).sla.policies.clear();
        let renamed = TicketIn {
            subject: Some("B".to_owned()),
            ..ticket.editable()
        };
        assert_eq!(texts(&ticket.revise(renamed, &changed).unwrap()), texts(&ticket));
        let resolved = ticket.resolve(None, None, &rules(now)).unwrap();
        let raised = TicketIn {
            priority: Some(Priority::Urgent),
            ..resolved.editable()
        };
        assert_eq!(texts(&resolved.revise(raised, &rules(now)).unwrap()), texts(&resolved));
        // What the status does not allow is refused by name.
        let invalid = resolved.to_status(TicketStatus::Waiting, &rules(now)).unwrap_err();
        let problem = &invalid.problems[0];
        assert_eq!((problem.pointer.as_str(), problem.code), ("#/status", NOT_ALLOWED));
    }
}

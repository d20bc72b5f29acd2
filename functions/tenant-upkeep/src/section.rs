//! What an archive holds, kind by kind, in the order in which it is moved in.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::pin::Pin;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use rapport_domain::archive::MOST_LINE_BYTES;
use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::custom::Field;
use rapport_domain::lead::Lead;
use rapport_domain::order::Order;
use rapport_domain::product::Product;
use rapport_domain::schedule::Schedule;
use rapport_domain::score::Score;
use rapport_domain::screening::Screening;
use rapport_domain::settings::Settings;
use rapport_domain::survey::{Invitation, InvitationStatus, Survey};
use rapport_domain::ticket::{Message, Ticket};
use rapport_domain::user::User;
use rapport_domain::win_back::WinBack;
use rapport_domain::{Record, RecordId, TenantId};
use rapport_queue::Queue;
use rapport_runtime::BoxError;
use rapport_runtime::schedule::timer;
use rapport_store::archive::{CounterLine, EventLine, ScoreLine};
use rapport_store::page::Position;
use rapport_store::records::Stored;
use rapport_store::survey::Pause;
use rapport_store::{Accept, Store, StoreError, Table};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Records read at a time.
const PAGE: usize = 200;
/// Records written side by side.
const SIDE_BY_SIDE: usize = 16;

/// The settings as a line.
#[derive(Serialize, Deserialize)]
struct SettingsLine {
    version: u64,
    settings: Settings,
}

/// A kind of line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Settings,
    Fields,
    Users,
    Companies,
    Contacts,
    Leads,
    Products,
    Orders,
    Tickets,
    TicketMessages,
    Surveys,
    SurveyInvitations,
    SurveyPauses,
    Scores,
    Screenings,
    WinBacks,
    ReportSchedules,
    OrderCounters,
    TicketCounters,
    Events,
}

type Lines = (Vec<String>, Option<Position>);

/// Where lines are written to.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub store: &'a Store,
    pub cx: &'a Accept,
    /// A record that is not to be written.
    pub skip: RecordId,
    /// When the archive was begun.
    pub begun: Timestamp,
}

impl Section {
    /// All of them.
    pub const ALL: [Section; 20] = [
        Self::Settings,
        Self::Fields,
        Self::Users,
        Self::Companies,
        Self::Contacts,
        Self::Leads,
        Self::Products,
        // Before orders, whose purchases are weighed against them.
        Self::Scores,
        Self::Orders,
        Self::Tickets,
        Self::TicketMessages,
        Self::Surveys,
        Self::SurveyInvitations,
        Self::SurveyPauses,
        Self::Screenings,
        Self::WinBacks,
        Self::ReportSchedules,
        Self::OrderCounters,
        Self::TicketCounters,
        Self::Events,
    ];

    /// Its word, which names its files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Fields => "fields",
            Self::Users => "users",
            Self::Companies => "companies",
            Self::Contacts => "contacts",
            Self::Leads => "leads",
            Self::Products => "products",
            Self::Orders => "orders",
            Self::Tickets => "tickets",
            Self::TicketMessages => "ticket_messages",
            Self::Surveys => "surveys",
            Self::SurveyInvitations => "survey_invitations",
            Self::SurveyPauses => "survey_pauses",
            Self::Scores => "scores",
            Self::Screenings => "screenings",
            Self::WinBacks => "win_backs",
            Self::ReportSchedules => "report_schedules",
            Self::OrderCounters => "order_counters",
            Self::TicketCounters => "ticket_counters",
            Self::Events => "events",
        }
    }

    /// The section of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.word() == word)
    }

    /// A page of lines, and where to go on.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(self, store: &Store, tenant: TenantId, after: Option<&Position>) -> Result<Lines, StoreError> {
        match self {
            Self::Settings => {
                let known = store.fresh_rules(tenant).await?;
                let line = SettingsLine {
                    version: known.version,
                    settings: Settings::clone(&known.settings),
                };
                Ok((vec![json(&line)?], None))
            }
            Self::Fields => {
                let known = store.fresh_rules(tenant).await?;
                Ok((known.fields.iter().map(json).collect::<Result<_, _>>()?, None))
            }
            Self::Users => store.lines_of::<User>(tenant, PAGE, after).await,
            Self::Companies => store.lines_of::<Company>(tenant, PAGE, after).await,
            Self::Contacts => store.lines_of::<Contact>(tenant, PAGE, after).await,
            Self::Leads => store.lines_of::<Lead>(tenant, PAGE, after).await,
            Self::Products => store.lines_of::<Product>(tenant, PAGE, after).await,
            Self::Orders => store.lines_of::<Order>(tenant, PAGE, after).await,
            Self::Tickets => store.lines_of::<Ticket>(tenant, PAGE, after).await,
            Self::TicketMessages => {
                beside::<Ticket, _>(store, tenant, after, |ticket| store.message_lines(tenant, ticket)).await
            }
            Self::Surveys => store.lines_of::<Survey>(tenant, PAGE, after).await,
            Self::SurveyInvitations => store.lines_of::<Invitation>(tenant, PAGE, after).await,
            Self::SurveyPauses => {
                beside::<Contact, _>(store, tenant, after, |contact| store.pause_lines(tenant, contact)).await
            }
            Self::Scores => store.score_lines(tenant, PAGE, after).await,
            Self::Screenings => {
                beside::<Contact, _>(store, tenant, after, |contact| store.screening_lines(tenant, contact)).await
            }
            Self::WinBacks => store.lines_of::<WinBack>(tenant, PAGE, after).await,
            Self::ReportSchedules => store.lines_of::<Schedule>(tenant, PAGE, after).await,
            Self::OrderCounters => Ok((store.counter_lines(tenant, Table::Orders).await?, None)),
            Self::TicketCounters => Ok((store.counter_lines(tenant, Table::Tickets).await?, None)),
            Self::Events => store.event_lines(tenant, PAGE, after).await,
        }
    }

    /// Whether lines are what they should be; the number of the first that is not, from 0.
    #[must_use]
    pub fn faulty(self, lines: &[&str]) -> Option<usize> {
        match self {
            Self::Settings => faulty(lines, |line: SettingsLine| line.settings.check().is_ok()),
            Self::Fields => faulty(lines, |field: Field| field.check().is_ok()),
            Self::Users => faulty(lines, |_: Record<User>| true),
            Self::Companies => faulty(lines, |_: Record<Company>| true),
            Self::Contacts => faulty(lines, |_: Record<Contact>| true),
            Self::Leads => faulty(lines, |_: Record<Lead>| true),
            Self::Products => faulty(lines, |_: Record<Product>| true),
            Self::Orders => faulty(lines, |_: Record<Order>| true),
            Self::Tickets => faulty(lines, |_: Record<Ticket>| true),
            Self::TicketMessages => faulty(lines, |_: Message| true),
            Self::Surveys => faulty(lines, |_: Record<Survey>| true),
            Self::SurveyInvitations => faulty(lines, |_: Record<Invitation>| true),
            Self::SurveyPauses => faulty(lines, |_: Pause| true),
            Self::Scores => faulty(lines, |line: ScoreLine| {
                serde_json::from_value::<Score>(line.score).is_ok()
            }),
            Self::Screenings => faulty(lines, |_: Screening| true),
            Self::WinBacks => faulty(lines, |_: Record<WinBack>| true),
            Self::ReportSchedules => faulty(lines, |_: Record<Schedule>| true),
            Self::OrderCounters | Self::TicketCounters => faulty(lines, |_: CounterLine| true),
            Self::Events => faulty(lines, |_: EventLine| true),
        }
    }

    /// Writes lines as they are; what is there already is left.
    ///
    /// # Errors
    /// When a line is none, or the store does not answer.
    pub async fn write(self, to: &Place<'_>, lines: &[&str]) -> Result<(), BoxError> {
        let Place { store, cx, skip, .. } = *to;
        match self {
            Self::Settings => {
                for line in parse::<SettingsLine>(lines)? {
                    let known = store.fresh_rules(cx.tenant).await?;
                    if known.version != line.version || *known.settings != line.settings {
                        store
                            .set_settings(cx.tenant, &line.settings, line.version, &cx.actor.request)
                            .await?;
                    }
                }
            }
            Self::Fields => {
                for field in parse::<Field>(lines)? {
                    store.put_field(cx.tenant, &field).await?;
                }
            }
            Self::Users => records::<User>(store, cx, lines, skip).await?,
            Self::Companies => records::<Company>(store, cx, lines, skip).await?,
            Self::Contacts => records::<Contact>(store, cx, lines, skip).await?,
            Self::Leads => records::<Lead>(store, cx, lines, skip).await?,
            Self::Products => records::<Product>(store, cx, lines, skip).await?,
            Self::Orders => records::<Order>(store, cx, lines, skip).await?,
            Self::Tickets => records::<Ticket>(store, cx, lines, skip).await?,
            Self::TicketMessages => {
                let messages = of_those_there::<Ticket, Message>(to, lines, |line| line.ticket_id).await?;
                store.put_back_messages(cx.tenant, &messages).await?;
            }
            Self::Surveys => records::<Survey>(store, cx, lines, skip).await?,
            Self::SurveyInvitations => {
                records::<Invitation>(store, cx, lines, skip).await?;
                mails(to, &parse::<Record<Invitation>>(lines)?).await?;
            }
            Self::SurveyPauses => {
                let pauses = of_those_there::<Contact, Pause>(to, lines, |line| line.contact_id).await?;
                store.put_back_pauses(cx.tenant, &pauses).await?;
            }
            Self::Scores => {
                let scores = parse::<ScoreLine>(lines)?;
                store.put_back_scores(cx.tenant, &scores, &cx.actor.request).await?;
            }
            Self::Screenings => {
                let screenings = of_those_there::<Contact, Screening>(to, lines, |line| line.contact_id).await?;
                store.put_back_screenings(cx.tenant, &screenings).await?;
            }
            Self::WinBacks => records::<WinBack>(store, cx, lines, skip).await?,
            Self::ReportSchedules => records::<Schedule>(store, cx, lines, skip).await?,
            Self::OrderCounters => counters(store, cx, Table::Orders, lines).await?,
            Self::TicketCounters => counters(store, cx, Table::Tickets, lines).await?,
            Self::Events => store.put_back_events(cx.tenant, &parse::<EventLine>(lines)?).await?,
        }
        Ok(())
    }
}

/// Lines that are kept beside records, those of records that are not there left out.
async fn of_those_there<K: Stored, T: DeserializeOwned>(
    to: &Place<'_>,
    lines: &[&str],
    whose: impl Fn(&T) -> RecordId,
) -> Result<Vec<T>, BoxError> {
    let mut lines = parse::<T>(lines)?;
    let there = to
        .store
        .those_there::<K>(to.cx.tenant, lines.iter().map(&whose))
        .await?;
    lines.retain(|line| there.contains(&whose(line)));
    Ok(lines)
}

/// Sets the timers of the mails that come next of invitations: of themselves, and of reminders that were not due before the archive was
/// begun, since those went where it was made, or were not wanted there.
async fn mails(to: &Place<'_>, invitations: &[Record<Invitation>]) -> Result<(), StoreError> {
    let (store, tenant) = (to.store, to.cx.tenant);
    let mut surveys: HashMap<RecordId, Option<Survey>> = HashMap::new();
    for invitation in invitations.iter().filter(|it| it.meta.deleted_at.is_none()) {
        let (id, body) = (invitation.meta.id, &invitation.body);
        let (message, due) = match body.status {
            InvitationStatus::Pending => (rapport_queue::Message::SurveyDueV1 { invitation: id }, body.due_at),
            InvitationStatus::Sent => {
                // The survey that it is of came before it.
                if let Entry::Vacant(unknown) = surveys.entry(body.survey_id) {
                    unknown.insert(match store.get::<Survey>(tenant, body.survey_id).await {
                        Ok(survey) => Some(survey.body),
                        Err(StoreError::Missing) => None,
                        Err(error) => return Err(error),
                    });
                }
                let survey = surveys.get(&body.survey_id).and_then(Option::as_ref);
                let next = survey.and_then(|survey| body.next_reminder(survey));
                match next {
                    Some((nth, due)) if due >= to.begun => {
                        (rapport_queue::Message::SurveyReminderV1 { invitation: id, nth }, due)
                    }
                    _ => continue,
                }
            }
            _ => continue,
        };
        let message = rapport_queue::envelope(tenant, message);
        store
            .set_timer(&timer(Queue::SatisfactionSurveys, &message, due))
            .await?;
    }
    Ok(())
}

fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Internal(error.to_string()))
}

fn parse<T: DeserializeOwned>(lines: &[&str]) -> Result<Vec<T>, BoxError> {
    Ok(lines
        .iter()
        .map(|line| serde_json::from_str(line))
        .collect::<Result<_, _>>()?)
}

fn faulty<T: DeserializeOwned>(lines: &[&str], holds: impl Fn(T) -> bool) -> Option<usize> {
    let good = |line: &&str| line.len() <= MOST_LINE_BYTES && serde_json::from_str(line).is_ok_and(&holds);
    lines.iter().position(|line| !good(line))
}

/// What is kept beside each record of a page.
async fn beside<K, F>(
    store: &Store,
    tenant: TenantId,
    after: Option<&Position>,
    lines: impl Fn(RecordId) -> F,
) -> Result<Lines, StoreError>
where
    K: Stored + DeserializeOwned,
    F: Future<Output = Result<Vec<String>, StoreError>>,
{
    let (docs, next) = store.lines_of::<K>(tenant, PAGE, after).await?;
    let ids = docs.iter().map(|doc| {
        let record: Record<K> = serde_json::from_str(doc).map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(record.meta.id)
    });
    let ids = ids.collect::<Result<Vec<_>, StoreError>>()?;
    let found = stream::iter(ids)
        .map(lines)
        .buffered(SIDE_BY_SIDE)
        .try_collect::<Vec<_>>()
        .await?;
    Ok((found.into_iter().flatten().collect(), next))
}

async fn records<K: Stored + 'static>(
    store: &Store,
    cx: &Accept,
    lines: &[&str],
    skip: RecordId,
) -> Result<(), BoxError> {
    let records = parse::<Record<K>>(lines)?;
    let wanted = records.into_iter().filter(|record| record.meta.id != skip);
    stream::iter(wanted)
        .map(
            |record| -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + '_>> {
                Box::pin(async move { store.put_back(cx, &record).await })
            },
        )
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

async fn counters(store: &Store, cx: &Accept, table: Table, lines: &[&str]) -> Result<(), BoxError> {
    for counter in parse::<CounterLine>(lines)? {
        store.put_back_counter(cx.tenant, table, &counter).await?;
    }
    Ok(())
}

//! The messages there are and the queues they travel in.

use rapport_domain::{RecordId, TenantId};
use serde::{Deserialize, Serialize};

macro_rules! queues {
    ($($(#[doc = $doc:literal])* $name:ident = $variable:literal,)*) => {
        /// The queues.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Queue { $($(#[doc = $doc])* $name,)* }
        impl Queue {
            /// All of them.
            pub const ALL: &'static [Queue] = &[$(Queue::$name,)*];
            /// The variable of the environment that holds the queue's address.
            #[must_use]
            pub const fn variable(self) -> &'static str { match self { $(Queue::$name => $variable,)* } }
            /// The queue's word: `segment_scores`.
            #[must_use]
            pub fn word(self) -> String { self.variable().trim_start_matches("QUEUE_").to_ascii_lowercase() }
        }
    };
}

queues! {
    /// Purchases to score, and the nights to recompute.
    SegmentScores = "QUEUE_SEGMENT_SCORES",
    /// The steps of a recompute: each may take long, so that purchases do not wait behind them.
    ScoreRuns = "QUEUE_SCORE_RUNS",
    /// Occasions to ask for satisfaction, and invitations to send.
    SatisfactionSurveys = "QUEUE_SATISFACTION_SURVEYS",
    /// What subscribers' endpoints are to be told.
    WebhookDeliveries = "QUEUE_WEBHOOK_DELIVERIES",
    /// What others' webhooks told us.
    WebhookIntake = "QUEUE_WEBHOOK_INTAKE",
    /// Records that add to reports, and sheets whose sums are to be made anew.
    ReportSheets = "QUEUE_REPORT_SHEETS",
    /// Reports to be made into files, and schedules that are due.
    ReportExports = "QUEUE_REPORT_EXPORTS",
    /// Rows of files to be imported, and imports to be taken back.
    ImportRows = "QUEUE_IMPORT_ROWS",
    /// Records whose words changed.
    SearchIndex = "QUEUE_SEARCH_INDEX",
    /// Deadlines of tickets.
    TicketDeadlines = "QUEUE_TICKET_DEADLINES",
    /// Merged records whose references are to be moved.
    RecordMerges = "QUEUE_RECORD_MERGES",
    /// Kinds of records that came or went, to be counted.
    UsageCounts = "QUEUE_USAGE_COUNTS",
    /// Tenants that are moved out, moved in or erased.
    TenantUpkeep = "QUEUE_TENANT_UPKEEP",
}

/// A message and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The tenant.
    pub tenant: TenantId,
    /// The message.
    #[serde(flatten)]
    pub message: Message,
}

impl Envelope {
    /// The body as sent.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The messages. A variant's name carries its version: a change of shape is a new variant beside the old.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// A record changed: its noun and id, the version it got, the types of event that this was.
    ChangedV1 {
        /// `order`
        noun: String,
        /// The record.
        subject: String,
        /// Its version then.
        version: u64,
        /// `order.created`, `order.paid`
        types: Vec<String>,
    },
    /// Step 1 of a recompute: gather the figures of the customers after `after` into page `page` of the run.
    ScoresGatherV1 {
        /// The job.
        job: RecordId,
        /// The page to write.
        page: u32,
        /// The last customer of the page before.
        after: Option<String>,
    },
    /// Step 2: rank and fit over all pages.
    ScoresReduceV1 {
        /// The job.
        job: RecordId,
        /// How many pages there are.
        pages: u32,
    },
    /// Step 3: write the scores of a page that changed.
    ScoresWriteV1 {
        /// The job.
        job: RecordId,
        /// The page.
        page: u32,
        /// How many pages there are.
        pages: u32,
    },
    /// After a recompute: gather the baskets of the orders before `after` into page `page`.
    BasketsGatherV1 {
        /// The recompute's job.
        job: RecordId,
        /// The day it is of, in the tenant's time zone.
        day: jiff::civil::Date,
        /// The page to write.
        page: u32,
        /// Orders looked at so far.
        read: usize,
        /// The last order of the page before.
        after: Option<String>,
    },
    /// Mine what is bought together from all pages of baskets.
    BasketsMineV1 {
        /// The recompute's job.
        job: RecordId,
        /// The day it is of, in the tenant's time zone.
        day: jiff::civil::Date,
        /// How many pages there are.
        pages: u32,
        /// Orders looked at.
        read: usize,
    },
    /// The windows of win-back cases may have passed: one page of the cases with a status, by a day.
    WinBacksDueV1 {
        /// The day, in the tenant's time zone.
        day: jiff::civil::Date,
        /// `found` or `acted`
        status: String,
        /// Where the page before ended.
        after: Option<String>,
    },
    /// A tenant's nightly recompute is due.
    ScoresDueV1 {
        /// The day that began, in the tenant's time zone.
        day: jiff::civil::Date,
    },
    /// A tenant's scores are to be recomputed, whatever night it is.
    ScoresRebuildV1 {
        /// The job that does it.
        job: RecordId,
    },
    /// Sums of a sheet of reports are to be made anew where facts changed.
    SheetDueV1 {
        /// The family of facts: `sales`.
        family: String,
        /// The sheet: `2026-11`.
        sheet: String,
    },
    /// What records of a noun add to reports is to be noted anew, a page at a time.
    FactsRebuildV1 {
        /// `order`
        noun: String,
        /// Whether what was noted is looked through for records that are gone; first come the records.
        gone: bool,
        /// The last record of the page before.
        after: Option<String>,
    },
    /// A report is to be made into a file.
    ReportExportV1 {
        /// The export.
        export: RecordId,
    },
    /// A page of an import's rows is to be read.
    ImportRowsV1 {
        /// The import.
        import: RecordId,
        /// The run that it belongs to; one that is over wants nothing any more.
        run: u32,
        /// The page, from 0.
        page: u32,
    },
    /// What an import wrote is to be taken back, the last first, a page at a time.
    ImportRevertV1 {
        /// The import.
        import: RecordId,
        /// The page, from 0.
        page: u32,
        /// Where the page before ended.
        before: Option<String>,
    },
    /// A report is due to be mailed.
    ReportScheduleDueV1 {
        /// The schedule.
        schedule: RecordId,
        /// The occasion; one that was moved since is not this one.
        due: jiff::Timestamp,
    },
    /// An invitation to a survey is due to be sent.
    SurveyDueV1 {
        /// The invitation.
        invitation: RecordId,
    },
    /// An invitation that was mailed may have to be reminded of.
    SurveyReminderV1 {
        /// The invitation.
        invitation: RecordId,
        /// Which reminder this is, from 1.
        nth: u8,
    },
    /// An event is due at a subscriber's endpoint.
    DeliverV1 {
        /// The delivery.
        delivery: RecordId,
        /// Which attempt this is, from 0.
        attempt: u32,
    },
    /// A webhook was received and kept.
    IntakeV1 {
        /// The source.
        source: RecordId,
        /// What was received.
        receipt: RecordId,
    },
    /// A deadline of a ticket may have passed.
    TicketDueV1 {
        /// The ticket.
        ticket: RecordId,
        /// `first_response` or `resolution`.
        clock: String,
        /// The deadline the timer was set for; one that moved since is not this one.
        due: jiff::Timestamp,
    },
    /// The records of a kind are to be counted.
    RecordsDueV1 {
        /// `contact`
        noun: String,
    },
    /// The words of all records of a noun are to be indexed anew, a page at a time.
    SearchRebuildV1 {
        /// `contact`
        noun: String,
        /// The last record of the page before.
        after: Option<String>,
    },
    /// The answers of all invitations are to be counted anew, a page at a time.
    SurveyCountsRebuildV1 {
        /// The last invitation of the page before.
        after: Option<String>,
    },
    /// An archive is to be made or moved in, or what is left of that.
    ArchiveV1 {
        /// The archive.
        archive: RecordId,
    },
    /// A person is to be erased, or what is left of him.
    PersonEraseV1 {
        /// The contact.
        contact: RecordId,
    },
    /// A closed tenant is to be erased, or what is left of it.
    TenantEraseV1 {
        /// When its time is over; a tenant that was opened and closed again since has another.
        due: jiff::Timestamp,
    },
    /// Records that point at a merged record are to point at the one it was merged into.
    RepointV1 {
        /// `contact` or `company`.
        noun: String,
        /// The job.
        job: RecordId,
        /// The record merged away.
        from: RecordId,
        /// The record that stays.
        into: RecordId,
        /// Whether the merge is being undone: the references listed in the manifest go back.
        #[serde(default)]
        undo: bool,
    },
}

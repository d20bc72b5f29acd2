//! Makes files of reports: those that were asked for ([`export`]), and those that are mailed on a schedule ([`schedule`]).
//!
//! Every message may come twice, late, or after a try that broke off. A try writes what is its own and names it last; an
//! occasion of a schedule has one mail, whose id is made of both.

pub mod export;
pub mod letter;
pub mod schedule;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use rapport_domain::permission::{Role, Scopes};
use rapport_domain::{Actor, TenantId, Via};
use rapport_http::{Caller, Problem};
use rapport_queue::{Envelope, Message, batch};
use rapport_reporting::table::FileError;
use rapport_runtime::{App, BoxError, Function};
use rapport_store::StoreError;

/// The name that this worker writes under.
const WORKER: &str = "report-exports";

/// The function, called with messages of its queue.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of messages, one after the other: a file may take much memory.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    // What a report is made of is much: the stack is not its place.
    batch::each(event, |envelope| Box::pin(one(&app, envelope))).await
}

async fn one(app: &App, envelope: Envelope) -> Result<(), BoxError> {
    let Envelope { tenant, message } = envelope;
    match message {
        Message::ReportExportV1 { export } => export::run(app, tenant, export).await,
        Message::ReportScheduleDueV1 { schedule, due } => schedule::run(app, tenant, schedule, due).await,
        _ => Err("a message of another kind".into()),
    }
}

/// Whoever asked, with the permissions given.
fn caller(tenant: TenantId, id: &str, scopes: Scopes, role: Option<Role>, request: &str) -> Caller {
    Caller {
        tenant,
        actor: Actor {
            id: id.to_owned(),
            via: Via::Worker,
            request: request.to_owned(),
        },
        scopes,
        role,
        session: None,
        allow_duplicate: false,
    }
}

/// Why a report could not be made: in words, where trying again is no use.
enum Fault {
    /// What was asked cannot be answered.
    Refused(String),
    /// It may go better another time.
    Passing(BoxError),
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        let text = |value: &str| value.to_owned();
        if problem.code().status().is_client_error() {
            let value = problem.to_value();
            let words = value["detail"].as_str().or(value["title"].as_str()).map(text);
            Self::Refused(words.unwrap_or_else(|| text("the report cannot be made")))
        } else {
            Self::Passing(problem.log().unwrap_or("the report could not be made").into())
        }
    }
}

/// Errors after which another try may go better.
macro_rules! passing {
    ($($error:ty),*) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::Passing(Box::new(error))
            }
        }
    )*};
}

passing!(StoreError, FileError, std::io::Error);

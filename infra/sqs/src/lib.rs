//! A small SQS-protocol endpoint for the one-machine host: standard queues with visibility timeouts, delays, receive
//! counts, dead-letter redrive, long polling and batch calls, durable in one SQLite file or held in memory.
//!
//! - [`Queues`] is the service: typed calls, and [`Queues::answer`] for the AWS JSON 1.0 protocol.
//! - [`router`] answers that protocol over HTTP.
//!
//! What survives: a send, delete, purge or redrive is on disk (`synchronous=FULL`) before it is answered. Receives and
//! visibility changes are written to the same log before they are answered but not synced on their own: they survive
//! the end of the process at any moment; after a power failure a message in flight may be visible again early and its
//! receive count one too low, which is what *approximate* and *at least once* allow.
//!
//! What it is not: no FIFO queues, no access policies, no signatures (keep it on loopback), no limit of 120,000 messages
//! in flight, and a queue deleted a moment ago may be created again at once.
//!
//! Groups of messages take turns (fair queues): each receive goes on with the group behind the one served last, so that
//! whoever sends much waits for itself. Where the clock was set back, what is hidden stays so as long as it would have.

mod clock;
mod engine;
mod error;
mod message;
mod queue;
mod queues;
mod receipt;
mod server;
mod wire;
mod writer;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Code, Error};
pub use message::{
    AttributeData, AttributeValue, BatchFailure, BatchOutcome, MAXIMUM_MESSAGE_BYTES, Outgoing, Received, Sent,
};
pub use queue::{Attributes, MoveTask, MoveTaskStatus, QueueInfo, Redrive};
pub use queues::{Options, Queues, Receive};
pub use server::router;
pub use wire::Answer;

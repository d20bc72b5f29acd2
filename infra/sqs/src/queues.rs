//! The service as the host and tests use it: typed calls. Each checks what it is given, hands the operation to the
//! writer and waits; a receive also waits for messages. The JSON protocol is `wire`'s.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::{Clock, SystemClock};
use crate::engine::{Claimed, Engine, Existing};
use crate::error::{Code, Error, bounded};
use crate::message::{BatchOutcome, MAXIMUM_MESSAGE_BYTES, Outgoing, Received, Sent, check_batch};
use crate::queue::{Attributes, MoveTask, QueueInfo, check_name};
use crate::receipt::{Receipt, Receipts};
use crate::writer::{Care, Writer};

/// How the service is opened.
#[derive(Clone)]
pub struct Options {
    /// The SQLite file; in memory if none.
    pub path: Option<PathBuf>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The region in queue ARNs.
    pub region: String,
    /// The twelve digits of the account in queue ARNs and URLs.
    pub account: String,
    /// Where queue URLs begin when the caller's own address is not known, without a slash at the end.
    pub base_url: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            path: None,
            clock: Arc::new(SystemClock),
            region: "us-east-1".into(),
            account: "000000000000".into(),
            base_url: "http://127.0.0.1".into(),
        }
    }
}

/// What a receive asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receive {
    /// At most so many messages: 1 to 10.
    pub most: u32,
    /// Seconds to wait for the first one: 0 to 20, by default the queue's.
    pub wait: Option<u32>,
    /// Seconds to hide what is given out: 0 to 43,200, by default the queue's.
    pub visibility_timeout: Option<u32>,
}

impl Default for Receive {
    fn default() -> Self {
        Self {
            most: 1,
            wait: None,
            visibility_timeout: None,
        }
    }
}

/// A receipt handle and seconds, or why the entry is refused.
type VisibilityEntry = Result<(String, u32), Error>;

type Waiters = Arc<Mutex<HashMap<String, Arc<Notify>>>>;

struct Inner {
    writer: Writer,
    waiters: Waiters,
    receipts: Receipts,
    options: Options,
}

/// The queues of one store. Cheap to clone; the store closes when the last clone is dropped.
///
/// Every call answers [`Code::QueueDoesNotExist`] for a queue that is not there and [`Code::ServiceUnavailable`] when
/// the store fails; in that case nothing was done.
#[derive(Clone)]
pub struct Queues {
    inner: Arc<Inner>,
}

impl Queues {
    /// Opens the store in this file, made if missing, or one in memory.
    ///
    /// # Errors
    /// [`Code::ServiceUnavailable`] when the file cannot be opened, is in use by another process or of another version.
    pub fn open(path: Option<&Path>) -> Result<Self, Error> {
        Self::open_with(Options {
            path: path.map(Path::to_path_buf),
            ..Options::default()
        })
    }

    /// Opens the store with all options.
    ///
    /// # Errors
    /// As [`Queues::open`].
    pub fn open_with(options: Options) -> Result<Self, Error> {
        let engine = Engine::open(options.path.as_deref())?;
        let receipts = engine.receipts();
        let waiters: Waiters = Arc::new(Mutex::new(
            engine
                .queue_names()
                .map(|name| (name.clone(), Arc::default()))
                .collect(),
        ));
        let told = waiters.clone();
        let writer = Writer::start(engine, move |names| {
            let mut waiters = told.lock();
            for name in names {
                waiters.entry(name).or_default().notify_waiters();
            }
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                writer,
                waiters,
                receipts,
                options,
            }),
        })
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    fn now(&self) -> i64 {
        self.inner.options.clock.now_ms()
    }

    async fn durably<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Engine) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.inner.writer.run(Care::Durable, operation).await
    }

    async fn lightly<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Engine) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.inner.writer.run(Care::Claim, operation).await
    }

    /// The ARN of a queue of this name.
    #[must_use]
    pub fn arn(&self, name: &str) -> String {
        let Options { region, account, .. } = self.options();
        format!("arn:aws:sqs:{region}:{account}:{name}")
    }

    /// The URL of a queue of this name under [`Options::base_url`]. Calls take the queue from the last part of the URL.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        self.url_under(&self.options().base_url, name)
    }

    pub(crate) fn url_under(&self, base: &str, name: &str) -> String {
        format!("{}/{}/{name}", base.trim_end_matches('/'), self.options().account)
    }

    /// Makes the queue, or gives the one there is these attributes. A dead-letter queue must be made first.
    ///
    /// # Errors
    /// [`Code::InvalidParameterValue`] for a wrong name or a dead-letter queue that is not there,
    /// [`Code::InvalidAttributeValue`] for an attribute out of bounds.
    pub async fn create_queue(&self, name: &str, attributes: Attributes) -> Result<(), Error> {
        self.make(
            name,
            attributes,
            BTreeMap::new(),
            BTreeMap::new(),
            Vec::new(),
            Existing::Update,
        )
        .await
    }

    pub(crate) async fn make(
        &self,
        name: &str,
        attributes: Attributes,
        kept: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
        named: Vec<String>,
        existing: Existing,
    ) -> Result<(), Error> {
        check_name(name)?;
        attributes.check()?;
        let (name, now) = (name.to_owned(), self.now());
        self.durably(move |engine| engine.create_queue(&name, attributes, kept, tags, &named, existing, now))
            .await
    }

    pub(crate) async fn change(
        &self,
        name: &str,
        change: impl FnOnce(
            &mut Attributes,
            &mut BTreeMap<String, String>,
            &mut BTreeMap<String, String>,
        ) -> Result<(), Error>
        + Send
        + 'static,
    ) -> Result<(), Error> {
        let (name, now) = (name.to_owned(), self.now());
        self.durably(move |engine| engine.change_queue(&name, change, now))
            .await
    }

    /// Removes the queue and its messages.
    ///
    /// # Errors
    /// As [`Queues`] says.
    pub async fn delete_queue(&self, name: &str) -> Result<(), Error> {
        let owned = name.to_owned();
        self.durably(move |engine| engine.delete_queue(&owned)).await?;
        self.inner.waiters.lock().remove(name);
        Ok(())
    }

    /// The queue's URL, if there is such a queue.
    ///
    /// # Errors
    /// As [`Queues`] says.
    pub fn get_queue_url(&self, name: &str) -> Result<String, Error> {
        self.exists(name)?;
        Ok(self.url(name))
    }

    pub(crate) fn exists(&self, name: &str) -> Result<(), Error> {
        if self.inner.waiters.lock().contains_key(name) {
            Ok(())
        } else {
            Err(Error::no_queue())
        }
    }

    /// The names of all queues that begin with `prefix`, in order.
    ///
    /// # Errors
    /// As [`Queues`] says.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.list_page(prefix, None, usize::MAX).await
    }

    pub(crate) async fn list_page(
        &self,
        prefix: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let prefix = prefix.to_owned();
        self.lightly(move |engine| Ok(engine.list(&prefix, after.as_deref(), limit)))
            .await
    }

    /// The names of the queues whose dead letters go to this one.
    ///
    /// # Errors
    /// As [`Queues`] says.
    pub async fn dead_letter_sources(&self, name: &str) -> Result<Vec<String>, Error> {
        let name = name.to_owned();
        self.lightly(move |engine| engine.sources(&name)).await
    }

    /// Attributes, tags and figures of a queue. Counting takes time in proportion to the queue's depth.
    ///
    /// # Errors
    /// As [`Queues`] says.
    pub async fn attributes(&self, name: &str) -> Result<QueueInfo, Error> {
        self.info(name, true).await
    }

    pub(crate) async fn info(&self, name: &str, count: bool) -> Result<QueueInfo, Error> {
        let (name, now) = (name.to_owned(), self.now());
        self.lightly(move |engine| engine.info(&name, count, now)).await
    }

    /// Removes all messages of a queue.
    ///
    /// # Errors
    /// [`Code::PurgeQueueInProgress`] within 60 s of the last purge.
    pub async fn purge(&self, name: &str) -> Result<(), Error> {
        let (name, now) = (name.to_owned(), self.now());
        self.durably(move |engine| engine.purge(&name, now)).await
    }

    /// Makes messages in flight visible again, for whoever knows that all receivers are gone: after the end of the one
    /// program that receives, nothing need wait for a visibility timeout. Returns how many there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release_in_flight(&self) -> Result<usize, Error> {
        let now = self.now();
        self.durably(move |engine| engine.release(now)).await
    }

    /// Sends one message. Once answered it is on disk.
    ///
    /// # Errors
    /// [`Code::InvalidMessageContents`] for characters XML does not allow, [`Code::MissingParameter`] for an empty body,
    /// [`Code::InvalidParameterValue`] for all else that is wrong with the message, its length too.
    pub async fn send(&self, queue: &str, message: Outgoing) -> Result<Sent, Error> {
        let message = message.prepare()?;
        let (queue, now) = (queue.to_owned(), self.now());
        self.durably(move |engine| engine.send(&queue, message, now)).await
    }

    /// Sends one to ten messages, each with an id of its own; the wrong ones fail alone.
    ///
    /// # Errors
    /// [`Code::EmptyBatchRequest`], [`Code::TooManyEntriesInBatchRequest`], [`Code::InvalidBatchEntryId`],
    /// [`Code::BatchEntryIdsNotDistinct`], and [`Code::BatchRequestTooLong`] over 1 MiB in all.
    pub async fn send_batch(&self, queue: &str, entries: Vec<(String, Outgoing)>) -> Result<BatchOutcome<Sent>, Error> {
        self.send_entries(
            queue,
            entries.into_iter().map(|(id, message)| (id, Ok(message))).collect(),
        )
        .await
    }

    pub(crate) async fn send_entries(
        &self,
        queue: &str,
        entries: Vec<(String, Result<Outgoing, Error>)>,
    ) -> Result<BatchOutcome<Sent>, Error> {
        self.exists(queue)?;
        check_batch("SendMessage", entries.iter().map(|(id, _)| id.as_str()))?;
        let bytes: usize = entries
            .iter()
            .filter_map(|(_, entry)| entry.as_ref().ok())
            .map(Outgoing::bytes)
            .sum();
        if bytes > usize::try_from(MAXIMUM_MESSAGE_BYTES).unwrap_or(usize::MAX) {
            return Err(Error::new(
                Code::BatchRequestTooLong,
                format!(
                    "Batch requests cannot be longer than {MAXIMUM_MESSAGE_BYTES} bytes. You have sent {bytes} bytes."
                ),
            ));
        }
        let entries = entries
            .into_iter()
            .map(|(id, entry)| (id, entry.and_then(Outgoing::prepare)))
            .collect();
        let (queue, now) = (queue.to_owned(), self.now());
        self.durably(move |engine| engine.send_batch(&queue, entries, now))
            .await
    }

    /// Receives up to `most` messages, waiting for the first one if asked to. No message in time is an empty list.
    /// A wait ends at once when a message is sent, and at the right moment for one that is delayed or in flight.
    ///
    /// # Errors
    /// [`Code::InvalidParameterValue`] for numbers out of bounds.
    pub async fn receive(&self, queue: &str, receive: Receive) -> Result<Vec<Received>, Error> {
        let Receive {
            most,
            wait,
            visibility_timeout,
        } = receive;
        if !(1..=10).contains(&most) {
            return Err(Error::parameter(format!(
                "Value {most} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."
            )));
        }
        if let Some(wait) = wait {
            bounded("WaitTimeSeconds", i64::from(wait), 0, 20)?;
        }
        if let Some(seconds) = visibility_timeout {
            bounded("VisibilityTimeout", i64::from(seconds), 0, 43_200)?;
        }
        let wait = match wait {
            Some(wait) => wait,
            None => self.info(queue, false).await?.attributes.receive_wait,
        };
        let clock = &self.inner.options.clock;
        let mut deadline = clock.now_ms() + i64::from(wait) * 1000;
        loop {
            // Listening before looking: a message sent in between is not missed.
            let notify = self
                .inner
                .waiters
                .lock()
                .get(queue)
                .cloned()
                .ok_or_else(Error::no_queue)?;
            let notified = notify.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();

            let (name, now) = (queue.to_owned(), clock.now_ms());
            // The clock may have been set back since.
            deadline = deadline.min(now + i64::from(wait) * 1000);
            let Claimed {
                messages,
                next_visible_ms,
            } = self
                .lightly(move |engine| engine.receive(&name, most, visibility_timeout, now))
                .await?;
            if !messages.is_empty() || now >= deadline {
                return Ok(messages);
            }
            let until = next_visible_ms.map_or(deadline, |at| at.min(deadline));
            tokio::select! {
                () = notified => {}
                () = clock.sleep_until(until) => {}
                () = tokio::time::sleep(Duration::from_secs(u64::from(wait.max(1)))) => {}
            }
        }
    }

    /// Deletes the message a receipt handle names; one that is gone already is success. Any handle of the message
    /// serves, an older one too.
    ///
    /// # Errors
    /// [`Code::ReceiptHandleIsInvalid`] for a handle that this store did not write, or of another queue.
    pub async fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), Error> {
        let receipt = self.inner.receipts.read(receipt_handle);
        let queue = queue.to_owned();
        self.durably(move |engine| engine.delete(&queue, receipt)).await
    }

    /// Deletes one to ten messages, given as entry id and receipt handle.
    ///
    /// # Errors
    /// As [`Queues::send_batch`] for the batch; each entry as [`Queues::delete`].
    pub async fn delete_batch(&self, queue: &str, entries: Vec<(String, String)>) -> Result<BatchOutcome<()>, Error> {
        self.exists(queue)?;
        check_batch("DeleteMessage", entries.iter().map(|(id, _)| id.as_str()))?;
        let entries: Vec<(String, Option<Receipt>)> = entries
            .into_iter()
            .map(|(id, handle)| (id, self.inner.receipts.read(&handle)))
            .collect();
        let queue = queue.to_owned();
        self.durably(move |engine| each(entries, |receipt| engine.delete(&queue, receipt)))
            .await
    }

    /// Hides a message in flight for so many seconds from now, 0 to 43,200; 0 gives it back at once.
    ///
    /// # Errors
    /// [`Code::ReceiptHandleIsInvalid`] as [`Queues::delete`], [`Code::MessageNotInflight`] when it is visible,
    /// [`Code::InvalidParameterValue`] when it is gone, or would stay hidden for over 12 hours since its receive.
    pub async fn change_visibility(&self, queue: &str, receipt_handle: &str, seconds: u32) -> Result<(), Error> {
        bounded("VisibilityTimeout", i64::from(seconds), 0, 43_200)?;
        let receipt = self.inner.receipts.read(receipt_handle);
        let (queue, now) = (queue.to_owned(), self.now());
        self.lightly(move |engine| engine.change_visibility(&queue, receipt, seconds, now))
            .await
    }

    /// Changes the visibility of one to ten messages, given as entry id, receipt handle and seconds.
    ///
    /// # Errors
    /// As [`Queues::send_batch`] for the batch; each entry as [`Queues::change_visibility`].
    pub async fn change_visibility_batch(
        &self,
        queue: &str,
        entries: Vec<(String, String, u32)>,
    ) -> Result<BatchOutcome<()>, Error> {
        let entries = entries
            .into_iter()
            .map(|(id, handle, seconds)| (id, Ok((handle, seconds))))
            .collect();
        self.change_visibility_entries(queue, entries).await
    }

    pub(crate) async fn change_visibility_entries(
        &self,
        queue: &str,
        entries: Vec<(String, VisibilityEntry)>,
    ) -> Result<BatchOutcome<()>, Error> {
        self.exists(queue)?;
        check_batch("ChangeMessageVisibility", entries.iter().map(|(id, _)| id.as_str()))?;
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(id, entry)| {
                let entry = entry.and_then(|(handle, seconds)| {
                    let seconds = bounded("VisibilityTimeout", i64::from(seconds), 0, 43_200)?;
                    Ok((self.inner.receipts.read(&handle), seconds))
                });
                (id, entry)
            })
            .collect();
        let (queue, now) = (queue.to_owned(), self.now());
        self.lightly(move |engine| {
            each(entries, |entry| {
                let (receipt, seconds) = entry?;
                engine.change_visibility(&queue, receipt, seconds, now)
            })
        })
        .await
    }

    /// Moves the visible messages of a dead-letter queue to `destination`, or each back to the queue it came from, all
    /// before it answers. They become new messages: new id, new time, no receives. Messages whose origin is not known
    /// stay, and the task has failed.
    ///
    /// # Errors
    /// [`Code::ResourceNotFound`] when a queue is not there, [`Code::InvalidParameterValue`] when the source is no
    /// queue's dead-letter queue.
    pub async fn start_message_move_task(&self, source: &str, destination: Option<&str>) -> Result<MoveTask, Error> {
        let (source, destination, now) = (source.to_owned(), destination.map(str::to_owned), self.now());
        self.durably(move |engine| engine.redrive(&source, destination.as_deref(), now))
            .await
    }

    /// The latest moves out of a dead-letter queue, newest first, at most ten.
    ///
    /// # Errors
    /// [`Code::ResourceNotFound`] when the queue is not there.
    pub async fn list_message_move_tasks(&self, source: &str, most: u32) -> Result<Vec<MoveTask>, Error> {
        let most = bounded("MaxResults", i64::from(most), 1, 10)?;
        let source = source.to_owned();
        self.lightly(move |engine| engine.move_tasks(&source, most)).await
    }
}

/// Runs each entry; refusals are gathered, a failure of the store ends it all.
fn each<E>(
    entries: Vec<(String, E)>,
    mut operation: impl FnMut(E) -> Result<(), Error>,
) -> Result<BatchOutcome<()>, Error> {
    let mut outcome = BatchOutcome::new();
    for (id, entry) in entries {
        match operation(entry) {
            Ok(()) => outcome.successful.push((id, ())),
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => outcome.refuse(id, &error),
        }
    }
    Ok(outcome)
}

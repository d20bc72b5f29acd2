//! The one thread that owns the store. It takes all operations that are waiting, runs them in one transaction, commits,
//! and only then answers each: a hundred callers at once pay for one sync of the disk, not for a hundred.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::error::Error;

/// More than these wait for the next transaction, so that the first need not wait for the thousandth.
const GROUP: usize = 256;

/// How careful an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// On disk before it is answered.
    Durable,
    /// In the log before it is answered; a caller who has gone away is not served at all.
    Claim,
}

type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Runs the operation and gives the way to answer it; true with it asks for the transaction to be taken back.
type Work = Box<dyn FnOnce(&mut Engine) -> (Answer, bool) + Send>;

struct Job {
    care: Care,
    work: Work,
}

/// The way to the thread. Dropping it ends the thread after what is under way.
pub(crate) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread; `woken` is told the names of queues to look at again, after each commit.
    pub(crate) fn start(
        engine: Engine,
        woken: impl Fn(&mut dyn Iterator<Item = String>) + Send + 'static,
    ) -> Result<Self, Error> {
        let (jobs, queue) = channel();
        let thread = std::thread::Builder::new()
            .name("sqs-writer".into())
            .spawn(move || run(engine, &queue, &woken))
            .map_err(|_| Error::unavailable())?;
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs one operation and gives its result once it is committed.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        care: Care,
        operation: impl FnOnce(&mut Engine) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |engine: &mut Engine| -> (Answer, bool) {
            if care == Care::Claim && reply.is_closed() {
                return (Box::new(|_| {}), false);
            }
            let result = operation(engine);
            let failed = result.as_ref().is_err_and(Error::is_unavailable);
            let answer: Answer = Box::new(move |committed| {
                // Nobody listens any more: the operation stands all the same.
                let _ = reply.send(committed.and(result));
            });
            (answer, failed)
        });
        let handed_over = match &*self.jobs.lock() {
            Some(jobs) => jobs.send(Job { care, work }).is_ok(),
            None => false,
        };
        if !handed_over {
            return Err(Error::unavailable());
        }
        answer.await.unwrap_or_else(|_| Err(Error::unavailable()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.lock().take());
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the queue store's thread ended in a panic");
        }
    }
}

fn run(mut engine: Engine, jobs: &Receiver<Job>, woken: &dyn Fn(&mut dyn Iterator<Item = String>)) {
    let mut group = Vec::new();
    while let Ok(first) = jobs.recv() {
        group.push(first);
        while group.len() < GROUP
            && let Ok(next) = jobs.try_recv()
        {
            group.push(next);
        }
        let mut answers = Vec::with_capacity(group.len());
        let outcome = commit(&mut engine, group.drain(..), &mut answers);
        if outcome.is_err() {
            engine.roll_back();
        } else {
            woken(&mut engine.woken.drain());
        }
        for answer in answers {
            answer(outcome.clone());
        }
    }
}

fn commit(
    engine: &mut Engine,
    group: impl ExactSizeIterator<Item = Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), Error> {
    let group: Vec<Job> = group.collect();
    let durable = group.iter().any(|job| job.care == Care::Durable);
    let begun = engine.begin(durable);
    let mut failed = begun.is_err();
    for job in group {
        if failed {
            // Its caller hears of the failure by the reply that is dropped here.
            continue;
        }
        let (answer, store_failed) = (job.work)(engine);
        answers.push(answer);
        failed = store_failed;
    }
    if failed {
        return Err(Error::unavailable());
    }
    engine.commit()
}

//! The one thread that owns the store. It takes all operations that are waiting, runs them in one transaction, commits,
//! and only then answers each: a hundred callers at once pay for one sync of the disk, not for a hundred.

use std::panic::{AssertUnwindSafe, catch_unwind};
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
        // A defect in one operation must not end the thread, and with it every queue.
        let attempt = AssertUnwindSafe(|| commit(&mut engine, group.drain(..), &mut answers));
        let outcome = catch_unwind(attempt).unwrap_or_else(|_| {
            tracing::error!("an operation on the queue store panicked");
            Err(Error::unavailable())
        });
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::Existing;
    use crate::message::Outgoing;
    use crate::queue::Attributes;

    fn create(engine: &mut Engine, name: &str) -> Result<(), Error> {
        engine.create_queue(
            name,
            Attributes::default(),
            BTreeMap::new(),
            BTreeMap::new(),
            &[],
            Existing::Update,
            1,
        )
    }

    fn send(engine: &mut Engine) -> Result<(), Error> {
        engine.send("jobs", Outgoing::new("a").prepare()?, 1).map(|_| ())
    }

    /// Polls an operation once, which gives it to the thread, and does not wait for it.
    async fn hand_over<T>(mut operation: std::pin::Pin<&mut impl Future<Output = T>>) {
        std::future::poll_fn(|context| {
            let _ = operation.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
    }

    async fn depth(writer: &Writer) -> u64 {
        writer
            .run(Care::Claim, |engine| engine.info("jobs", true, 1))
            .await
            .unwrap()
            .visible
    }

    #[tokio::test]
    async fn a_failed_operation_leaves_nothing_behind_and_the_next_works() {
        let writer = Writer::start(Engine::open(None).unwrap(), |_| {}).unwrap();
        writer
            .run(Care::Durable, |engine| create(engine, "jobs"))
            .await
            .unwrap();

        let store_failed = writer.run(Care::Durable, |engine| {
            create(engine, "half")?;
            send(engine)?;
            Err::<(), _>(Error::unavailable())
        });
        assert!(store_failed.await.unwrap_err().is_unavailable());
        assert_eq!(depth(&writer).await, 0);
        let names = writer
            .run(Care::Claim, |engine| Ok(engine.list("", None, 9)))
            .await
            .unwrap();
        assert_eq!(names, ["jobs"]);

        let panicked = writer.run(Care::Durable, |engine| -> Result<(), Error> {
            send(engine)?;
            panic!("a defect")
        });
        assert!(panicked.await.unwrap_err().is_unavailable());
        assert_eq!(depth(&writer).await, 0);

        writer.run(Care::Durable, send).await.unwrap();
        assert_eq!(depth(&writer).await, 1);
    }

    #[tokio::test]
    async fn operations_that_share_a_failed_transaction_all_fail() {
        let writer = Writer::start(Engine::open(None).unwrap(), |_| {}).unwrap();
        writer
            .run(Care::Durable, |engine| create(engine, "jobs"))
            .await
            .unwrap();
        // The first holds the thread until the others are waiting: they are one group then.
        let (started, running) = channel::<()>();
        let (open, gate) = channel::<()>();
        let first = writer.run(Care::Durable, move |_| {
            started.send(()).map_err(|_| Error::unavailable())?;
            gate.recv().map_err(|_| Error::unavailable())
        });
        tokio::pin!(first);
        hand_over(first.as_mut()).await;
        running.recv().unwrap();
        let good = writer.run(Care::Durable, send);
        tokio::pin!(good);
        hand_over(good.as_mut()).await;
        let bad = writer.run(Care::Durable, |_| Err::<(), _>(Error::unavailable()));
        tokio::pin!(bad);
        hand_over(bad.as_mut()).await;
        open.send(()).unwrap();
        let (first, good, bad) = tokio::join!(first, good, bad);
        assert!(first.is_ok());
        assert!(good.unwrap_err().is_unavailable());
        assert!(bad.unwrap_err().is_unavailable());
        assert_eq!(depth(&writer).await, 0);
    }

    #[tokio::test]
    async fn a_claim_is_not_made_for_a_caller_who_has_gone() {
        let writer = Writer::start(Engine::open(None).unwrap(), |_| {}).unwrap();
        writer
            .run(Care::Durable, |engine| create(engine, "jobs"))
            .await
            .unwrap();
        writer.run(Care::Durable, send).await.unwrap();
        let (open, gate) = channel::<()>();
        let first = writer.run(Care::Durable, move |_| gate.recv().map_err(|_| Error::unavailable()));
        let gone = async {
            let mut claim = Box::pin(writer.run(Care::Claim, |engine| engine.receive("jobs", 1, None, 1).map(|_| ())));
            std::future::poll_fn(|context| {
                let _ = claim.as_mut().poll(context);
                std::task::Poll::Ready(())
            })
            .await;
            drop(claim);
            open.send(()).unwrap();
        };
        let (first, ()) = tokio::join!(first, gone);
        first.unwrap();
        assert_eq!(depth(&writer).await, 1);
    }
}

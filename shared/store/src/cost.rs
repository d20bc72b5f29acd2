//! What a request consumes of the store, counted as the store itself says (`ReturnConsumedCapacity`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::ConsumedCapacity;

tokio::task_local! {
    static CURRENT: Arc<Cost>;
}

/// Capacity units consumed so far, in thousandths; calls; microseconds waited.
#[derive(Debug, Default)]
pub struct Cost {
    read: AtomicU64,
    write: AtomicU64,
    calls: AtomicU64,
    waited: AtomicU64,
}

impl Cost {
    /// Runs a future and counts what it consumes.
    pub async fn counting<F: Future>(self: Arc<Self>, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// Read units consumed.
    #[must_use]
    pub fn read_units(&self) -> f64 {
        self.read_thousandths() as f64 / 1_000.0
    }

    /// Read units consumed, in thousandths.
    #[must_use]
    pub fn read_thousandths(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Write units consumed.
    #[must_use]
    pub fn write_units(&self) -> f64 {
        self.write_thousandths() as f64 / 1_000.0
    }

    /// Write units consumed, in thousandths.
    #[must_use]
    pub fn write_thousandths(&self) -> u64 {
        self.write.load(Ordering::Relaxed)
    }

    /// What counts now, if anything does.
    #[must_use]
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// The time spent waiting for the store; calls side by side count each.
    #[must_use]
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    /// Calls made.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// Runs a call of the store and counts the time until it is answered.
pub async fn waiting<F: Future>(call: F) -> F::Output {
    let started = Instant::now();
    let output = call.await;
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let _ = CURRENT.try_with(|cost| cost.waited.fetch_add(micros, Ordering::Relaxed));
    output
}

/// Counts a call that reads.
pub fn read(capacity: Option<&ConsumedCapacity>) {
    add(capacity, |cost| &cost.read);
}

/// Counts a call that writes.
pub fn write(capacity: Option<&ConsumedCapacity>) {
    add(capacity, |cost| &cost.write);
}

fn add(capacity: Option<&ConsumedCapacity>, side: fn(&Cost) -> &AtomicU64) {
    let units = capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or(0.0);
    let _ = CURRENT.try_with(|cost| {
        side(cost).fetch_add((units * 1_000.0).round() as u64, Ordering::Relaxed);
        cost.calls.fetch_add(1, Ordering::Relaxed);
    });
}

//! The time as the queues see it: the system's, or one that a test moves by hand.
//! It is not a timer service: nothing is scheduled here, a caller only waits for a moment.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// A source of the current time and of waiting for a later one.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;

    /// Ends once [`Clock::now_ms`] is at least `at_ms`.
    fn sleep_until(&self, at_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    // This is the one place of the crate that asks the system; all else is given a `Clock`.
    #[allow(clippy::disallowed_methods)]
    fn now_ms(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            // The timer runs on the monotonic clock; the wall clock may have been set back meanwhile.
            loop {
                let left = at_ms.saturating_sub(self.now_ms());
                match u64::try_from(left) {
                    Ok(left) if left > 0 => tokio::time::sleep(Duration::from_millis(left)).await,
                    _ => return,
                }
            }
        })
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: watch::Sender<i64>,
}

impl ManualClock {
    /// A clock standing at `now_ms`, milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn at(now_ms: i64) -> Self {
        Self {
            now_ms: watch::Sender::new(now_ms),
        }
    }

    /// Moves the clock forward by `seconds` and wakes who waits for a moment now reached.
    pub fn advance(&self, seconds: u32) {
        self.now_ms.send_modify(|now| *now += i64::from(seconds) * 1000);
    }

    /// Sets the clock back by `seconds`.
    pub fn set_back(&self, seconds: u32) {
        self.now_ms.send_modify(|now| *now -= i64::from(seconds) * 1000);
    }

    /// How many callers are waiting for a later moment; a test waits for this before it moves the clock.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.now_ms.receiver_count()
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        *self.now_ms.borrow()
    }

    fn sleep_until(&self, at_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut moments = self.now_ms.subscribe();
        Box::pin(async move {
            // It fails only when the clock is gone, and `self` holds it.
            let _ = moments.wait_for(|now| *now >= at_ms).await;
        })
    }
}

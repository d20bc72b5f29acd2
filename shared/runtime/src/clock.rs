//! The clock: the system's, which tests may set forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Tells the time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_millis: Arc<AtomicI64>,
}

impl Clock {
    /// The time, in whole milliseconds: what is stored is what was decided with.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        #[allow(clippy::disallowed_methods, reason = "the one place that asks the system")]
        let now = Timestamp::now().as_millisecond() + self.ahead_millis.load(Ordering::Relaxed);
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Sets the clock forward, for tests of what happens later.
    pub fn advance(&self, by: SignedDuration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(0);
        self.ahead_millis.fetch_add(millis, Ordering::Relaxed);
    }
}

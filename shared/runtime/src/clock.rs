//! The clock: the system's, which tests may set forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Tells the time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_millis: Arc<AtomicI64>,
    /// The latest time that was told as one that only rises.
    risen_millis: Arc<AtomicI64>,
}

impl Clock {
    /// The time, in whole milliseconds: what is stored is what was decided with.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        #[allow(clippy::disallowed_methods, reason = "the one place that asks the system")]
        let now = Timestamp::now().as_millisecond() + self.ahead_millis.load(Ordering::Relaxed);
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The time, but never before what this told earlier: whoever reads in its order has not read past what is still to
    /// come, though the clock be set back.
    #[must_use]
    pub fn rising(&self) -> Timestamp {
        let now = self.now().as_millisecond();
        let before = self.risen_millis.fetch_max(now, Ordering::Relaxed);
        Timestamp::from_millisecond(now.max(before)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Sets the clock forward, or back by less than nothing, for tests.
    pub fn advance(&self, by: SignedDuration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(0);
        self.ahead_millis.fetch_add(millis, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_rises_stands_still_while_the_clock_is_back() {
        let clock = Clock::default();
        clock.advance(SignedDuration::from_hours(1));
        let first = clock.rising();
        clock.advance(SignedDuration::from_mins(-30));
        assert!(clock.now() < first);
        assert_eq!(clock.rising(), first);
        clock.advance(SignedDuration::from_hours(1));
        assert!(clock.rising() > first);
    }
}

//! A tenant's account with the service: on which plan, whether it is open, and what becomes of it once it is closed.
//!
//! The firm's own choices are its `settings`; the account is what the service holds of the firm.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;
use crate::plan::Plan;
use crate::settings::millis;

/// How long a closed account can be opened again before everything is erased.
pub const KEPT_AFTER_CLOSING: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Whether an account is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything may be done.
    Open,
    /// By the operator: everything may be read, nothing changed.
    Suspended,
    /// By the owner: as if suspended, until it is erased.
    Closed,
    /// An archive is being moved in: as if suspended, until that is done.
    MovingIn,
    /// Its time is over: nothing may be read, and what is left is being erased.
    Erasing,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Account {
    /// The plan.
    pub plan: Plan,
    /// Whether it is open.
    pub status: Status,
    /// When the firm signed up.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Since when it is on this plan.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub plan_since: Timestamp,
    /// Since when it has this status.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub status_since: Timestamp,
    /// Why the operator suspended it, as the firm is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_because: Option<String>,
}

impl Account {
    /// The account of a firm that signs up.
    #[must_use]
    pub const fn new(plan: Plan, now: Timestamp) -> Self {
        Self {
            plan,
            status: Status::Open,
            created_at: now,
            plan_since: now,
            status_since: now,
            suspended_because: None,
        }
    }

    /// Whether what the firm has recorded may be changed.
    #[must_use]
    pub const fn may_write(&self) -> bool {
        matches!(self.status, Status::Open)
    }

    /// Whether what the firm has recorded may be read.
    #[must_use]
    pub const fn may_read(&self) -> bool {
        !matches!(self.status, Status::Erasing)
    }

    /// When everything is erased; `None` unless it is closed.
    #[must_use]
    pub fn erased_at(&self) -> Option<Timestamp> {
        matches!(self.status, Status::Closed | Status::Erasing).then(|| self.status_since + KEPT_AFTER_CLOSING)
    }

    /// Another plan.
    pub fn move_to(&mut self, plan: Plan, now: Timestamp) {
        if self.plan != plan {
            (self.plan, self.plan_since) = (plan, now);
        }
    }

    /// Another status, if there is a way to it from this one. Going where it is already changes nothing.
    ///
    /// # Errors
    /// When there is none: what is being erased does not come back.
    pub fn become_status(&mut self, status: Status, now: Timestamp) -> Result<(), Invalid> {
        use Status::{Closed, Erasing, MovingIn, Open, Suspended};
        if self.status == status {
            return Ok(());
        }
        let possible = match (self.status, status) {
            (Open, Suspended | Closed | MovingIn) | (Suspended, Open | Closed) | (Closed | MovingIn, Open) => true,
            (Closed, Erasing) => self.erased_at().is_some_and(|at| at <= now),
            _ => false,
        };
        if !possible {
            return Err(Invalid::one(
                "/status",
                "not_possible",
                "the account has a status from which this cannot be",
            ));
        }
        // The day of erasure counts from the closing.
        if status != Erasing {
            self.status_since = now;
        }
        self.status = status;
        if status != Suspended {
            self.suspended_because = None;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_status_leads_to_some_others() {
        use Status::{Closed, Erasing, MovingIn, Open, Suspended};
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let soon = start + SignedDuration::from_hours(1);
        let late = start + KEPT_AFTER_CLOSING;
        for (from, to, at, possible) in [
            (Open, Open, soon, true),
            (Open, Suspended, soon, true),
            (Open, Closed, soon, true),
            (Open, Erasing, late, false),
            (Suspended, Open, soon, true),
            (Suspended, Closed, soon, true),
            (Suspended, Erasing, late, false),
            (Closed, Open, soon, true),
            (Closed, Suspended, soon, false),
            (Closed, Erasing, soon, false),
            (Closed, Erasing, late, true),
            (Open, MovingIn, soon, true),
            (MovingIn, Open, soon, true),
            (MovingIn, Closed, soon, false),
            (Suspended, MovingIn, soon, false),
            (Closed, MovingIn, soon, false),
            (Erasing, Open, late, false),
            (Erasing, Closed, late, false),
        ] {
            let mut account = Account {
                status: from,
                ..Account::new(Plan::Trial, start)
            };
            assert_eq!(account.become_status(to, at).is_ok(), possible, "{from:?} {to:?}");
            assert_eq!(account.status, if possible { to } else { from });
        }
    }

    #[test]
    fn a_closed_account_is_erased_thirty_days_later_and_only_read_until_then() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut account = Account::new(Plan::Trial, start);
        assert!(account.may_write() && account.may_read() && account.erased_at().is_none());
        account.become_status(Status::Closed, start).unwrap();
        assert!(!account.may_write() && account.may_read());
        assert_eq!(account.erased_at(), Some(start + SignedDuration::from_hours(720)));
        account
            .become_status(Status::Erasing, start + KEPT_AFTER_CLOSING)
            .unwrap();
        assert!(!account.may_read());
        assert_eq!(account.erased_at(), Some(start + SignedDuration::from_hours(720)));
    }

    #[test]
    fn a_plan_counts_from_the_day_that_it_is_another() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let later = start + SignedDuration::from_hours(1);
        for (plan, since) in [(Plan::Trial, start), (Plan::Team, later)] {
            let mut account = Account::new(Plan::Trial, start);
            account.move_to(plan, later);
            assert_eq!((account.plan, account.plan_since), (plan, since), "{plan:?}");
        }
    }

    #[test]
    fn why_an_account_is_suspended_is_told_as_long_as_it_is() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (from, to, told) in [
            (Status::Open, Status::Suspended, true),
            (Status::Suspended, Status::Suspended, true),
            (Status::Suspended, Status::Open, false),
            (Status::Suspended, Status::Closed, false),
        ] {
            let mut account = Account {
                status: from,
                suspended_because: Some("unpaid".to_owned()),
                ..Account::new(Plan::Team, start)
            };
            account.become_status(to, start).unwrap();
            assert_eq!(account.suspended_because.is_some(), told, "{from:?} {to:?}");
        }
    }
}

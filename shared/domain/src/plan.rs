//! The plans that a firm may subscribe to, as data: how much of what each allows; and the bucket that calls are taken from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A plan by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// To try it.
    Trial,
    /// For one or two people.
    Starter,
    /// For a firm of some ten.
    Team,
    /// For a firm of a hundred.
    Business,
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $name:ident of $noun:expr, $text:literal = $trial:literal, $starter:literal, $team:literal, $business:literal;)*) => {
        /// What a plan limits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Limit { $($(#[doc = $doc])* $name,)* }

        impl Limit {
            /// All of them.
            pub const ALL: &'static [Limit] = &[$(Limit::$name,)*];

            /// The limit's word.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Limit::$name => $text,)* } }

            /// The kind of record that is limited, where it is records.
            #[must_use]
            pub const fn noun(self) -> Option<&'static str> {
                match self { $(Limit::$name => $noun,)* }
            }
        }

        impl Plan {
            /// How much of it a plan allows.
            #[must_use]
            pub const fn allows(self, limit: Limit) -> u64 {
                match limit {
                    $(Limit::$name => match self { Plan::Trial => $trial, Plan::Starter => $starter, Plan::Team => $team, Plan::Business => $business },)*
                }
            }
        }
    };
}

limits! {
    //                                                            trial      starter         team        business
    /// Users, and invitations that wait.
    Users of None, "users" =                                          3,           3,          25,          1_000;
    /// Contacts.
    Contacts of Some("contact"), "contacts" =                     1_000,       5_000,     100_000,      5_000_000;
    /// Companies.
    Companies of Some("company"), "companies" =                   1_000,       5_000,     100_000,      5_000_000;
    /// Leads.
    Leads of Some("lead"), "leads" =                              1_000,       5_000,     100_000,      5_000_000;
    /// Products.
    Products of Some("product"), "products" =                       500,       2_000,      20_000,        500_000;
    /// Orders.
    Orders of Some("order"), "orders" =                           2_000,      20_000,     500_000,     20_000_000;
    /// Tickets.
    Tickets of Some("ticket"), "tickets" =                        1_000,      10_000,     200_000,     10_000_000;
    /// Calls a minute: a bucket holds so many, and is filled up evenly within a minute.
    CallsPerMinute of None, "calls_per_minute" =                    600,       1_200,       6_000,        300_000;
    /// Calls in a calendar month, in UTC.
    CallsPerMonth of None, "calls_per_month" =                  100_000,     500_000,   5_000_000,    500_000_000;
    /// Mails in a calendar month, in UTC.
    MailsPerMonth of None, "mails_per_month" =                      200,       1_000,      20_000,      1_000_000;
    /// Bytes of records.
    StorageBytes of None, "storage_bytes" =                 100_000_000, 500_000_000, 20_000_000_000, 2_000_000_000_000;
}

impl Plan {
    /// All of them, the smallest first.
    pub const ALL: &'static [Plan] = &[Plan::Trial, Plan::Starter, Plan::Team, Plan::Business];

    /// The plan's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Plan::Trial => "trial",
            Plan::Starter => "starter",
            Plan::Team => "team",
            Plan::Business => "business",
        }
    }

    /// The plan of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|plan| plan.as_str() == word)
    }

    /// The smallest plan that allows more of something.
    #[must_use]
    pub fn with_more(self, limit: Limit) -> Option<Self> {
        let own = self.allows(limit);
        Self::ALL.iter().copied().find(|plan| plan.allows(limit) > own)
    }
}

impl Limit {
    /// The limit of a kind of record.
    #[must_use]
    pub fn of(noun: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|limit| limit.noun() == Some(noun))
    }
}

/// A limit that a firm has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub limit: Limit,
    /// On which plan.
    pub plan: Plan,
    /// How much is used.
    pub used: u64,
    /// When there is more again, where waiting helps.
    pub again_at: Option<Timestamp>,
}

impl Reached {
    /// How much the plan allows.
    #[must_use]
    pub const fn allowed(&self) -> u64 {
        self.plan.allows(self.limit)
    }
}

impl std::fmt::Display for Reached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = self.limit.as_str().replace('_', " ");
        let (plan, allowed, used) = (self.plan.as_str(), self.allowed(), self.used);
        write!(f, "the plan {plan} allows {allowed} {word}, and {used} are used: ")?;
        f.write_str(match (self.limit, self.again_at) {
            (_, Some(_)) => "wait",
            (Limit::Users, _) => "deactivate a user",
            _ => "delete some",
        })?;
        match self.plan.with_more(self.limit) {
            Some(more) => write!(
                f,
                " or move to the plan {} ({})",
                more.as_str(),
                more.allows(self.limit)
            ),
            None => Ok(()),
        }
    }
}

/// How full a bucket of calls was at a moment, in thousandths of a call, and how many calls of the day had been counted
/// then. Whoever knows a later count knows the bucket from that.
///
/// Processes count calls apart and tell each other now and then, so the bucket is not kept but reckoned: what was in it, and
/// what came in since, less what was taken since; never more than it holds. That gives back too much where it ran over
/// between two counts, never too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// When.
    pub at: Timestamp,
    /// The calls of the day counted until then.
    pub calls: u64,
    /// Thousandths of a call; below zero where processes took more than there was.
    pub level: i64,
}

impl Bucket {
    /// The bucket as it stands when so many calls of the day are counted.
    #[must_use]
    pub fn later(self, calls: u64, now: Timestamp, plan: Plan) -> Self {
        let holds = thousandths(plan.allows(Limit::CallsPerMinute));
        let millis = now.as_millisecond().saturating_sub(self.at.as_millisecond()).max(0);
        let came = i128::from(holds) * i128::from(millis) / 60_000;
        let taken = i128::from(thousandths(calls.saturating_sub(self.calls)));
        let level = (i128::from(self.level) + came - taken).min(i128::from(holds));
        Self {
            at: self.at.max(now),
            calls: self.calls.max(calls),
            level: i64::try_from(level).unwrap_or(i64::MIN),
        }
    }

    /// A full one.
    #[must_use]
    pub fn full(plan: Plan, calls: u64, at: Timestamp) -> Self {
        Self {
            at,
            calls,
            level: thousandths(plan.allows(Limit::CallsPerMinute)),
        }
    }

    /// How many calls are in it.
    #[must_use]
    pub fn left(&self) -> u64 {
        u64::try_from(self.level / 1_000).unwrap_or(0)
    }

    /// How many milliseconds it takes until so many thousandths are in it.
    #[must_use]
    pub fn millis_until(&self, level: i64, plan: Plan) -> u64 {
        let missing = u128::try_from(i128::from(level) - i128::from(self.level)).unwrap_or(0);
        let holds = u128::from(plan.allows(Limit::CallsPerMinute)) * 1_000;
        u64::try_from((missing * 60_000).div_ceil(holds.max(1))).unwrap_or(u64::MAX)
    }

    /// How many milliseconds it takes until it is full.
    #[must_use]
    pub fn millis_until_full(&self, plan: Plan) -> u64 {
        self.millis_until(thousandths(plan.allows(Limit::CallsPerMinute)), plan)
    }
}

/// A number of calls in thousandths.
fn thousandths(calls: u64) -> i64 {
    i64::try_from(calls.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn a_plan_is_written_as_its_word() {
        for &plan in Plan::ALL {
            assert_eq!(serde_json::to_value(plan).unwrap(), plan.as_str());
            assert_eq!(Plan::parse(plan.as_str()), Some(plan));
        }
        assert_eq!(Plan::parse("gratis"), None);
    }

    #[test]
    fn a_limit_is_written_as_its_word_and_found_by_its_noun() {
        for &limit in Limit::ALL {
            assert_eq!(serde_json::to_value(limit).unwrap(), limit.as_str());
            if let Some(noun) = limit.noun() {
                assert_eq!(Limit::of(noun), Some(limit));
            }
        }
        assert_eq!(Limit::of("moon"), None);
        assert_eq!(Limit::ALL.iter().filter(|limit| limit.noun().is_some()).count(), 6);
    }

    #[test]
    fn a_larger_plan_allows_no_less_of_anything() {
        for &limit in Limit::ALL {
            let allowed: Vec<u64> = Plan::ALL.iter().map(|plan| plan.allows(limit)).collect();
            assert!(allowed.is_sorted() && allowed[0] > 0, "{limit:?} {allowed:?}");
        }
    }

    #[test]
    fn whoever_reaches_a_limit_is_told_what_to_do() {
        let again_at = Some(Timestamp::UNIX_EPOCH);
        for (limit, plan, used, again_at, text) in [
            (
                Limit::Contacts,
                Plan::Trial,
                1_000,
                None,
                "the plan trial allows 1000 contacts, and 1000 are used: delete some or move to the plan starter (5000)",
            ),
            (
                Limit::Users,
                Plan::Trial,
                3,
                None,
                "the plan trial allows 3 users, and 3 are used: deactivate a user or move to the plan team (25)",
            ),
            (
                Limit::CallsPerMonth,
                Plan::Team,
                5_000_001,
                again_at,
                "the plan team allows 5000000 calls per month, and 5000001 are used: wait or move to the plan business (500000000)",
            ),
            (
                Limit::CallsPerMinute,
                Plan::Business,
                300_000,
                again_at,
                "the plan business allows 300000 calls per minute, and 300000 are used: wait",
            ),
        ] {
            let reached = Reached {
                limit,
                plan,
                used,
                again_at,
            };
            assert_eq!(reached.to_string(), text);
        }
    }

    #[test]
    fn a_bucket_fills_up_evenly_and_no_further() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = |seconds: i64| start + SignedDuration::from_secs(seconds);
        // 600 a minute are ten a second.
        let full = Bucket::full(Plan::Trial, 0, start);
        for (calls, seconds, left, until_full) in [
            (0, 0, 600, 0),
            (0, 3_600, 600, 0),
            (100, 0, 500, 10_000),
            (100, 5, 550, 5_000),
            (600, 0, 0, 60_000),
            (601, 0, 0, 60_100),
            (700, 10, 0, 60_000),
            (700, 11, 10, 59_000),
            // A clock that went back fills nothing.
            (100, -60, 500, 10_000),
        ] {
            let later = full.later(calls, at(seconds), Plan::Trial);
            assert_eq!(
                (later.left(), later.millis_until_full(Plan::Trial)),
                (left, until_full),
                "{calls} calls, {seconds} s"
            );
        }
        let overdrawn = full.later(650, start, Plan::Trial);
        assert_eq!(
            (overdrawn.level, overdrawn.millis_until(1_000, Plan::Trial)),
            (-50_000, 5_100)
        );
        // A smaller plan holds less at once.
        assert_eq!(
            Bucket::full(Plan::Team, 0, start).later(0, start, Plan::Trial).left(),
            600
        );
    }

    #[test]
    fn it_does_not_matter_when_a_bucket_is_looked_at() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = |seconds: i64| start + SignedDuration::from_secs(seconds);
        let once = Bucket::full(Plan::Trial, 0, start).later(500, at(20), Plan::Trial);
        let often = (1..=20).fold(Bucket::full(Plan::Trial, 0, start), |bucket, second| {
            bucket.later(u64::try_from(second).unwrap() * 25, at(second), Plan::Trial)
        });
        assert_eq!(once, often);
    }
}

//! What each tenant uses, counted in this process and told to the store now and then.
//!
//! Counting costs nothing: after each [`EVERY`] calls or messages of a tenant, or a minute after the first of them, one
//! update adds all of it to the tenant's day and brings back what other processes added. So limits on calls may be overrun
//! by what processes have not told yet, at most [`EVERY`] calls each, and a process that is killed forgets as much, in the
//! tenant's favour.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use rapport_domain::TenantId;
use rapport_domain::plan::{Bucket, Limit, Plan, Reached};
use rapport_domain::usage::{Counts, begin_of, day_of, month_end, takes_more};
use rapport_store::usage::{Day, Made, Room, Settlement};
use rapport_store::{Cost, Store, StoreError};

/// After how many calls or messages of a tenant the store is told.
pub const EVERY: u64 = 50;
/// After how long the store is told at the latest, at the next opportunity; and how long what others used is taken for known.
const AFTER: SignedDuration = SignedDuration::from_secs(60);
/// Tenants that one call settles beside its own.
const OTHERS: usize = 2;
/// How long a settlement whose answer was lost is told again. Then it is given up, in the tenant's favour.
const TRIED_FOR: SignedDuration = SignedDuration::from_secs(600);
/// A process that has told nothing for so long takes a new name, before others forget the old one.
const NAMED_FOR: SignedDuration = SignedDuration::from_secs(300);
/// How long a settlement waits that could not be told.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// From how many tenants on those are forgotten of whom nothing is to be told.
const REMEMBERED: usize = 10_000;
/// How long counts of records are taken for known.
const ROOM_FOR: SignedDuration = SignedDuration::from_secs(5);

/// Counts, by tenant. Clones count together.
#[derive(Clone, Default)]
pub struct Meter(Arc<Mutex<Slots>>);

#[derive(Default)]
struct Slots {
    by_tenant: HashMap<TenantId, Slot>,
    /// Who has something to tell, and since when.
    waiting: BTreeSet<(Timestamp, TenantId)>,
}

/// What is known and counted of a tenant.
#[derive(Default)]
struct Slot {
    /// The name that this process tells under; none before it told anything.
    name: Option<String>,
    told: i64,
    plan: Option<Plan>,
    open: Option<Open>,
    /// Settlements that are on their way or whose outcome nobody knows, the oldest first.
    sealed: VecDeque<Settlement>,
    busy: bool,
    since: Option<Timestamp>,
    /// When it is to be tried again.
    again_at: Option<Timestamp>,
    asked: Option<(Date, Timestamp)>,
    known: Option<Known>,
    room: Option<(Timestamp, Arc<Room>)>,
    made: Arc<Made>,
}

/// What was counted and not told.
struct Open {
    day: Date,
    counts: Counts,
}

/// What the store last said.
#[derive(Clone)]
struct Known {
    today: Date,
    /// The month's days before today.
    before: Counts,
    /// Today.
    counts: Counts,
    bucket: Option<Bucket>,
    /// Whether the bucket was looked at since the store said anything.
    looked_at: bool,
    marks: Vec<(String, i64)>,
}

/// How a tenant stands with its limits on calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The plan.
    pub plan: Plan,
    /// The bucket of calls.
    pub bucket: Bucket,
    /// The calls of this month.
    pub month: u64,
    /// When the month ends.
    pub month_end: Timestamp,
}

impl Standing {
    /// How many calls of this month are left.
    #[must_use]
    pub const fn month_left(&self) -> u64 {
        self.plan.allows(Limit::CallsPerMonth).saturating_sub(self.month)
    }

    /// The limit that stands against a call more.
    fn reached(&self, now: Timestamp) -> Option<Reached> {
        if self.month_left() == 0 {
            return Some(Reached {
                limit: Limit::CallsPerMonth,
                plan: self.plan,
                used: self.month,
                again_at: Some(self.month_end),
            });
        }
        if self.bucket.left() == 0 {
            let millis = self.bucket.millis_until(1_000, self.plan);
            let wait = SignedDuration::from_millis(i64::try_from(millis).unwrap_or(60_000));
            return Some(Reached {
                limit: Limit::CallsPerMinute,
                plan: self.plan,
                used: self.plan.allows(Limit::CallsPerMinute),
                again_at: Some(now + wait),
            });
        }
        None
    }
}

impl Slot {
    /// What this process counted on a day and the store has not said yet.
    fn untold(&self, day: Date) -> Counts {
        let mut sum = Counts::default();
        let sealed = self.sealed.iter().filter(|one| one.day == day).map(|one| one.counts);
        let open = self.open.iter().filter(|one| one.day == day).map(|one| one.counts);
        sealed.chain(open).for_each(|counts| sum += counts);
        sum
    }

    fn known_today(&self, today: Date) -> Option<&Known> {
        self.known.as_ref().filter(|known| known.today == today)
    }

    /// What was used today and this month.
    fn used(&self, today: Date) -> (Counts, Counts) {
        let (mut day, mut month) = self
            .known_today(today)
            .map(|known| (known.counts, known.before))
            .unwrap_or_default();
        day += self.untold(today);
        month += day;
        (day, month)
    }

    fn standing(&mut self, plan: Plan, now: Timestamp) -> Standing {
        self.plan = Some(plan);
        let today = day_of(now);
        let (day, month) = self.used(today);
        // Who knows nothing of the others limits nobody.
        let bucket = match self.known.as_mut().filter(|known| known.today == today) {
            Some(known) => {
                if !known.looked_at {
                    known.look(plan, now);
                }
                known.bucket(plan).later(day.calls, now, plan)
            }
            None => Bucket::full(plan, 0, now),
        };
        Standing {
            plan,
            bucket,
            month: month.calls,
            month_end: month_end(now),
        }
    }

    fn count(&mut self, counts: Counts, now: Timestamp) {
        let today = day_of(now);
        if self.open.as_ref().is_some_and(|open| open.day != today) {
            self.seal(now);
        }
        let open = self.open.get_or_insert(Open {
            day: today,
            counts: Counts::default(),
        });
        open.counts += counts;
    }

    /// Closes what is counted: it is told as it is from now on.
    fn seal(&mut self, now: Timestamp) {
        let Some(Open { day, counts }) = self.open.take() else {
            return;
        };
        let millis = now.as_millisecond();
        if self.name.is_none() || millis - self.told > NAMED_FOR.as_millis() as i64 {
            self.name = Some(format!("{:08x}", rand::random::<u32>()));
        }
        self.told = millis.max(self.told + 1);
        let day = if takes_more(day, now) { day } else { day_of(now) };
        let known = self.known.as_ref().filter(|known| known.today == day);
        let name = self.name.clone().unwrap_or_default();
        let old = millis - 2 * NAMED_FOR.as_millis() as i64;
        self.sealed.push_back(Settlement {
            day,
            counts,
            mark: self.told,
            bucket: known.and_then(|known| known.bucket),
            forgotten: known
                .iter()
                .flat_map(|known| &known.marks)
                .filter(|(other, at)| *at < old && *other != name)
                .map(|(other, _)| other.clone())
                .collect(),
            name,
        });
    }

    /// Takes what the store says of a day.
    fn learn(&mut self, day: Day, now: Timestamp) {
        let Some(known) = self.known.as_mut().filter(|known| known.today == day.day) else {
            return;
        };
        // An answer may be older than another that came before it.
        if day.counts.calls >= known.counts.calls {
            known.counts = day.counts;
            known.marks = day.marks;
        }
        known.bucket = match (known.bucket, day.bucket) {
            (Some(own), Some(told)) if told.at > own.at => Some(told),
            (None, told) => told,
            (own, _) => own,
        };
        if let Some(plan) = self.plan {
            known.look(plan, now);
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let counted = self
            .open
            .as_ref()
            .map_or(0, |open| open.counts.calls.max(open.counts.messages));
        let late = self.since.is_some_and(|since| now.duration_since(since) >= AFTER);
        !self.busy && (counted >= EVERY || late) && self.again_at.is_none_or(|at| at <= now)
    }
}

impl Known {
    /// The bucket as it was last looked at. A day that nobody told of yet begins with a full one.
    fn bucket(&mut self, plan: Plan) -> Bucket {
        let begin = Bucket::full(plan, 0, begin_of(self.today));
        *self.bucket.get_or_insert(begin)
    }

    /// Looks at the bucket: what ran over until now is gone.
    fn look(&mut self, plan: Plan, now: Timestamp) {
        let told = self.counts.calls;
        self.bucket = Some(self.bucket(plan).later(told, now, plan));
        self.looked_at = true;
    }
}

impl Slots {
    /// Forgets tenants that have not called for a while, once there are many.
    fn forget(&mut self, now: Timestamp) {
        if self.by_tenant.len() > REMEMBERED {
            let recent = |slot: &Slot| slot.asked.is_some_and(|(_, at)| now.duration_since(at) < AFTER);
            self.by_tenant
                .retain(|_, slot| slot.since.is_some() || slot.busy || recent(slot));
        }
    }

    /// Keeps [`Slots::waiting`] as the slot is.
    fn note(&mut self, tenant: TenantId, now: Timestamp) {
        let Some(slot) = self.by_tenant.get_mut(&tenant) else {
            return;
        };
        let waits = slot.open.is_some() || !slot.sealed.is_empty();
        match (slot.since, waits) {
            (None, true) => {
                slot.since = Some(now);
                self.waiting.insert((now, tenant));
            }
            (Some(since), false) => {
                slot.since = None;
                self.waiting.remove(&(since, tenant));
            }
            _ => {}
        }
    }
}

/// Gives a tenant's turn back, also when the caller went away.
struct Turn<'a> {
    meter: &'a Meter,
    tenant: TenantId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.meter.0.lock().by_tenant.get_mut(&self.tenant) {
            slot.busy = false;
        }
    }
}

/// Runs the service's own bookkeeping, which is nobody's cost.
async fn unpaid<F: Future>(work: F) -> F::Output {
    Arc::new(Cost::default()).counting(work).await
}

impl Meter {
    /// Learns what other processes counted, unless that is known or being asked for.
    pub async fn learn(&self, store: &Store, tenant: TenantId, now: Timestamp) {
        let today = day_of(now);
        if !store.keeps_usage() {
            return;
        }
        {
            let mut slots = self.0.lock();
            let slot = slots.by_tenant.entry(tenant).or_default();
            if slot
                .asked
                .is_some_and(|(day, at)| day == today && now.duration_since(at) < AFTER)
            {
                return;
            }
            slot.asked = Some((today, now));
            slots.forget(now);
        }
        match unpaid(store.usage_days(tenant, (today.first_of_month(), today))).await {
            Ok(days) => {
                let mut before = Counts::default();
                days.iter()
                    .filter(|day| day.day < today)
                    .for_each(|day| before += day.counts);
                let told = days.into_iter().find(|day| day.day == today);
                let mut slots = self.0.lock();
                let slot = slots.by_tenant.entry(tenant).or_default();
                match slot.known.as_mut().filter(|known| known.today == today) {
                    Some(known) => known.before = before,
                    None => {
                        slot.known = Some(Known {
                            today,
                            before,
                            counts: Counts::default(),
                            bucket: None,
                            looked_at: false,
                            marks: Vec::new(),
                        });
                    }
                }
                if let Some(told) = told {
                    slot.learn(told, now);
                }
            }
            // Calls go on: what is not known limits nobody.
            Err(error) => {
                tracing::warn!(%tenant, %error, "a tenant's usage could not be read");
                if let Some(slot) = self.0.lock().by_tenant.get_mut(&tenant) {
                    slot.asked = None;
                }
            }
        }
    }

    /// Takes a call from a tenant's bucket; one that is `free` is counted whatever is left.
    ///
    /// # Errors
    /// The limit that stands against it.
    pub fn take(
        &self,
        tenant: TenantId,
        plan: Plan,
        free: bool,
        now: Timestamp,
    ) -> Result<Standing, (Reached, Standing)> {
        let mut slots = self.0.lock();
        let slot = slots.by_tenant.entry(tenant).or_default();
        let standing = slot.standing(plan, now);
        if let Some(reached) = standing.reached(now).filter(|_| !free) {
            return Err((reached, standing));
        }
        slot.count(
            Counts {
                calls: 1,
                ..Counts::default()
            },
            now,
        );
        let standing = slot.standing(plan, now);
        slots.note(tenant, now);
        Ok(standing)
    }

    /// What this process counted of a tenant on a day and has not told yet.
    #[must_use]
    pub fn untold(&self, tenant: TenantId, day: Date) -> Counts {
        let slots = self.0.lock();
        slots
            .by_tenant
            .get(&tenant)
            .map(|slot| slot.untold(day))
            .unwrap_or_default()
    }

    /// How a tenant stands.
    #[must_use]
    pub fn standing(&self, tenant: TenantId, plan: Plan, now: Timestamp) -> Standing {
        self.0.lock().by_tenant.entry(tenant).or_default().standing(plan, now)
    }

    /// Counts what a tenant used.
    pub fn count(&self, tenant: TenantId, counts: Counts, now: Timestamp) {
        if counts.is_empty() {
            return;
        }
        let mut slots = self.0.lock();
        slots.by_tenant.entry(tenant).or_default().count(counts, now);
        slots.note(tenant, now);
    }

    /// Counts a mail that was sent.
    pub fn mailed(&self, tenant: TenantId, now: Timestamp) {
        self.count(
            tenant,
            Counts {
                mails: 1,
                ..Counts::default()
            },
            now,
        );
    }

    /// The limit that stands against a mail more this month.
    pub async fn mail_limit(&self, store: &Store, tenant: TenantId, plan: Plan, now: Timestamp) -> Option<Reached> {
        self.learn(store, tenant, now).await;
        let mut slots = self.0.lock();
        let (_, month) = slots.by_tenant.entry(tenant).or_default().used(day_of(now));
        (month.mails >= plan.allows(Limit::MailsPerMonth)).then(|| Reached {
            limit: Limit::MailsPerMonth,
            plan,
            used: month.mails,
            again_at: Some(month_end(now)),
        })
    }

    /// How many records a tenant may still make, as counted at most some seconds ago. `None` where that is not known: then
    /// nothing is limited.
    pub async fn room(&self, store: &Store, tenant: TenantId, plan: Plan, now: Timestamp) -> Option<Arc<Room>> {
        if !store.keeps_usage() {
            return None;
        }
        {
            let mut slots = self.0.lock();
            let slot = slots.by_tenant.entry(tenant).or_default();
            if let Some((at, room)) = &slot.room
                && room.plan == plan
                && (now.duration_since(*at) < ROOM_FOR && *at <= now)
            {
                return Some(Arc::clone(room));
            }
        }
        let tallies = match unpaid(store.tallies(tenant, day_of(now))).await {
            Ok(tallies) => tallies,
            Err(error) => {
                tracing::warn!(%tenant, %error, "a tenant's records could not be looked up");
                return None;
            }
        };
        let mut slots = self.0.lock();
        let slot = slots.by_tenant.entry(tenant).or_default();
        let before = slot
            .room
            .as_ref()
            .map(|(_, room)| room.tallies.clone())
            .unwrap_or_default();
        for (noun, made) in slot.made.lock().iter_mut() {
            // Counted since: what this process made is among them.
            if tallies.0.get(*noun).map(|tally| tally.at) != before.0.get(*noun).map(|tally| tally.at) {
                *made = 0;
            }
        }
        let room = Arc::new(Room {
            plan,
            tallies,
            made: Arc::clone(&slot.made),
        });
        slot.room = Some((now, Arc::clone(&room)));
        Some(room)
    }

    /// Tells the store what is due: of these tenants, and of a few others who wait for long.
    pub async fn settle_due(&self, store: &Store, tenants: &[TenantId], now: Timestamp) {
        if !store.keeps_usage() {
            return;
        }
        let due: Vec<TenantId> = {
            let slots = self.0.lock();
            let late = slots
                .waiting
                .iter()
                .take_while(|(since, _)| now.duration_since(*since) >= AFTER);
            let others = late
                .map(|(_, tenant)| *tenant)
                .filter(|tenant| !tenants.contains(tenant));
            tenants
                .iter()
                .copied()
                .chain(others.take(OTHERS))
                .filter(|tenant| slots.by_tenant.get(tenant).is_some_and(|slot| slot.is_due(now)))
                .collect()
        };
        futures::future::join_all(due.into_iter().map(|tenant| self.settle(store, tenant, now))).await;
    }

    /// Tells the store everything: at the end.
    pub async fn settle_all(&self, store: &Store, now: Timestamp) {
        if !store.keeps_usage() {
            return;
        }
        let tenants: Vec<TenantId> = self.0.lock().waiting.iter().map(|(_, tenant)| *tenant).collect();
        for some in tenants.chunks(16) {
            futures::future::join_all(some.iter().map(|tenant| self.settle(store, *tenant, now))).await;
        }
    }

    /// Tells what was counted of one tenant until now, a settlement at a time. What cannot be told stays for the next time, and what is
    /// counted meanwhile too: else a call among many others would tell of them one by one, and never end.
    async fn settle(&self, store: &Store, tenant: TenantId, now: Timestamp) {
        let mut may_seal = true;
        while let Some((settlement, _turn)) = self.begin(tenant, now, &mut may_seal) {
            match unpaid(store.settle_usage(tenant, &settlement)).await {
                Ok(day) => self.end(tenant, &settlement, Some(day), now),
                Err(error @ StoreError::Internal(_)) => {
                    tracing::error!(%tenant, %error, "a tenant's usage could not be told, and is forgotten");
                    self.end(tenant, &settlement, None, now);
                }
                Err(error) => {
                    tracing::warn!(%tenant, %error, "a tenant's usage could not be told");
                    if let Some(slot) = self.0.lock().by_tenant.get_mut(&tenant) {
                        slot.again_at = Some(now + PAUSE);
                    }
                    return;
                }
            }
        }
    }

    /// The next settlement of a tenant, and the turn to tell it. `None` when there is none, or it is somebody else's turn.
    fn begin(&self, tenant: TenantId, now: Timestamp, may_seal: &mut bool) -> Option<(Settlement, Turn<'_>)> {
        let mut slots = self.0.lock();
        let slot = slots.by_tenant.get_mut(&tenant).filter(|slot| !slot.busy)?;
        let given_up = now.as_millisecond() - TRIED_FOR.as_millis() as i64;
        while slot.sealed.front().is_some_and(|front| front.mark < given_up) {
            tracing::warn!(%tenant, "a tenant's usage could not be told for long, and is forgotten");
            slot.sealed.pop_front();
        }
        if slot.sealed.is_empty() && std::mem::take(may_seal) {
            slot.seal(now);
        }
        let next = slot.sealed.front().cloned();
        slot.busy = next.is_some();
        slots.note(tenant, now);
        next.map(|settlement| (settlement, Turn { meter: self, tenant }))
    }

    fn end(&self, tenant: TenantId, settlement: &Settlement, day: Option<Day>, now: Timestamp) {
        let mut slots = self.0.lock();
        let Some(slot) = slots.by_tenant.get_mut(&tenant) else {
            return;
        };
        if slot.sealed.front() == Some(settlement) {
            slot.sealed.pop_front();
        }
        if let Some(day) = day {
            slot.asked = Some((day.day, now))
                .filter(|_| slot.known_today(day.day).is_some())
                .or(slot.asked);
            slot.learn(day, now);
        }
        // What was counted meanwhile waits from now on.
        slot.again_at = None;
        if let Some(since) = slot.since.take() {
            slots.waiting.remove(&(since, tenant));
        }
        slots.note(tenant, now);
    }
}

/// How much of something that took so long falls to one of several.
pub(crate) fn share(whole: u64, of: u64, all: u64) -> u64 {
    u64::try_from(u128::from(whole) * u128::from(of) / u128::from(all.max(1))).unwrap_or(whole)
}

/// What a piece of work cost: units of the store and time.
#[must_use]
pub fn costs(cost: &Cost, elapsed: Duration) -> Counts {
    Counts {
        read: cost.read_thousandths(),
        write: cost.write_thousandths(),
        micros: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        ..Counts::default()
    }
}

//! Winning customers back: a case for each customer who falls silent, what was done about it, and what came of it.
//!
//! A case is opened by the recompute that finds the silence. What becomes of it is a pure function of its own facts and of
//! the customer's days of purchase ([`WinBack::settle`]), so that orders may be counted twice, late, or be taken back.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::id::{Prefix, RecordId};
use crate::invalid::Invalid;
use crate::money::{Amount, Money};
use crate::record::{Kind, Rules};
use crate::score::{ChurnDetail, Day, date_of};
use crate::text;

/// A customer has returned who buys within so many days after the first action, or after being found where nothing was done.
pub const WINDOW_DAYS: i64 = 60;
/// At most so many actions are noted in one case.
const MOST_ACTIONS: usize = 50;
/// A note is at most so long, in characters.
const MOST_NOTE: usize = 2_000;

macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $inner:literal])* $variant:ident = $text:tt,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[doc = $inner])* #[serde(rename = $text)] $variant,)* }
        impl $name {
            /// All words.
            pub const WORDS: &'static [&'static str] = &[$($text,)*];
            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $text,)* } }
        }
    };
}

words! {
    /// How far a case is.
    WinBackStatus {
        /// Nobody has done anything yet.
        Found = "found",
        /// Something was done, and the customer may yet return.
        Acted = "acted",
        /// The customer has bought within the window.
        Returned = "returned",
        /// The window passed without a purchase.
        NotReturned = "not_returned",
        /// It is no case: somebody said so, or an earlier purchase came to light.
        Dismissed = "dismissed",
    }
}

words! {
    /// At which stage of life the customer was found.
    Silence {
        /// An alert stands.
        AtRisk = "at_risk",
        /// Silent for longer than the tenant's period.
        Lost = "lost",
    }
}

words! {
    /// Whether anything was done before the customer returned or the window passed.
    Treatment {
        /// Something was.
        Acted = "acted",
        /// Nothing was.
        LeftAlone = "left_alone",
    }
}

words! {
    /// What was done.
    ActionKind {
        /// A telephone call.
        Call = "call",
        /// A letter or an e-mail.
        Mail = "mail",
        /// A visit.
        Visit = "visit",
        /// An offer: a discount, a gift.
        Offer = "offer",
        /// Something else.
        Other = "other",
    }
}

/// Something done, as a caller tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WinBackActionIn {
    /// What.
    pub kind: ActionKind,
    /// In words, at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What it cost, in the tenant's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Amount>,
    /// The day; today where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date")]
    pub on: Option<Date>,
}

/// Something done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WinBackAction {
    /// What.
    pub kind: ActionKind,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// The day.
    #[schema(value_type = String, format = "date")]
    pub on: Date,
    /// Who noted it.
    pub by: String,
    /// When it was noted.
    #[serde(with = "crate::settings::millis")]
    #[schema(value_type = String)]
    pub noted_at: Timestamp,
}

/// What a caller may set on a case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WinBackIn {
    /// A note, at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why it is no case: setting it dismisses an open one, clearing it takes that back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dismiss_reason: Option<String>,
}

/// A customer to be won back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WinBack {
    /// The customer.
    pub contact_id: RecordId,
    /// How far it is.
    pub status: WinBackStatus,
    /// At which stage of life the customer is.
    pub stage: Silence,
    /// Which rule alerted: `low_p_alive`, `past_rhythm` or `both`; absent where the silence alone made a loss of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in words and figures, as of `found_on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<ChurnDetail>,
    /// What is at stake.
    pub value_at_stake: Money,
    /// What that is: `clv_12m`, the margin expected of the next twelve months, or `monetary`, all that was bought so far.
    pub value_basis: String,
    /// The day the silence was found.
    #[schema(value_type = String, format = "date")]
    pub found_on: Date,
    /// The last day of purchase before that.
    #[schema(value_type = String, format = "date")]
    pub last_purchase_on: Date,
    /// The last day on which a purchase counts as a return.
    #[schema(value_type = String, format = "date")]
    pub window_ends_on: Date,
    /// Whether anything was done before the customer returned or the window passed.
    pub treatment: Treatment,
    /// Whether the case was chosen by lot to be left alone, so that the effect of actions can be told from chance.
    pub left_alone_on_purpose: bool,
    /// What was done.
    #[serde(default)]
    pub actions: Vec<WinBackAction>,
    /// The first day on which something was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date")]
    pub first_action_on: Option<Date>,
    /// Whether the outcome is known: returned or not.
    pub measured: bool,
    /// The first day of purchase within the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date")]
    pub returned_on: Option<Date>,
    /// Whether that is within 60 days of `found_on`, whatever was done.
    #[serde(default)]
    pub returned_in_time: bool,
    /// What was bought within the window, net of refunds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue: Option<Money>,
    /// A purchase between the last one known and `found_on` that came to light later: there was no such silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date")]
    pub mistaken_since: Option<Date>,
    /// A note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why somebody dismissed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dismiss_reason: Option<String>,
}

/// What a recompute found out about a silent customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The customer.
    pub contact: RecordId,
    /// The stage.
    pub stage: Silence,
    /// Which rule alerted.
    pub reason: Option<String>,
    /// The same in words and figures.
    pub detail: Option<ChurnDetail>,
    /// What is at stake, and what that is.
    pub value: (Money, &'static str),
    /// The day.
    pub found_on: Date,
    /// The last day of purchase.
    pub last_purchase_on: Date,
}

/// Why an action is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// What was said of it breaks rules.
    Invalid(Invalid),
    /// The case is past acting on, or chosen to be left alone: a stable word and a sentence.
    State(&'static str, String),
}

/// The last day of a window that begins on a day.
#[must_use]
pub fn window_end(day: Date) -> Date {
    day.saturating_add(Span::new().days(WINDOW_DAYS))
}

impl Finding {
    /// The id of the case that a finding makes: one for each silence and stage, however often it is found. Its time is that
    /// of the last purchase.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.id_at(self.stage)
    }

    /// The id of the case of the same silence at a stage.
    #[must_use]
    pub fn id_at(&self, stage: Silence) -> RecordId {
        let (contact, last) = (self.contact, self.last_purchase_on);
        let at = last
            .to_zoned(TimeZone::UTC)
            .map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp());
        let name = format!("win_back#{contact}#{last}#{}", stage.as_str());
        RecordId::derived(Prefix::WinBack, at, &name)
    }

    /// The case. A share of all, 0 to 1, is chosen by its id to be left alone.
    #[must_use]
    pub fn open(self, hold_out: f64) -> WinBack {
        let left_alone_on_purpose = lot(self.id()) < hold_out;
        let Self {
            contact,
            stage,
            reason,
            detail,
            value,
            found_on,
            last_purchase_on,
        } = self;
        WinBack {
            contact_id: contact,
            status: WinBackStatus::Found,
            stage,
            reason,
            detail,
            value_at_stake: value.0,
            value_basis: value.1.to_owned(),
            found_on,
            last_purchase_on,
            window_ends_on: window_end(found_on),
            treatment: Treatment::LeftAlone,
            left_alone_on_purpose,
            actions: Vec::new(),
            first_action_on: None,
            measured: false,
            returned_on: None,
            returned_in_time: false,
            revenue: None,
            mistaken_since: None,
            note: None,
            dismiss_reason: None,
        }
    }
}

/// A number from 0 to below 1 that an id stands for: what its digest left to chance.
fn lot(id: RecordId) -> f64 {
    const BITS: u32 = 53;
    let bits = (id.as_u128() as u64) & ((1 << BITS) - 1);
    bits as f64 / (1_u64 << BITS) as f64
}

impl WinBack {
    /// Whether something can still be done.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.status, WinBackStatus::Found | WinBackStatus::Acted)
    }

    /// The case as the customer's days of purchase make it on a day. Days may come in any order; amounts are in
    /// the currency of the value at stake, absent where they are not.
    #[must_use]
    pub fn settle(&self, days: &[Day], today: Date) -> Self {
        let bought: Vec<(Date, Decimal)> = days
            .iter()
            .map(|Day(day, amount)| (date_of(*day), amount.unwrap_or_default()))
            .filter(|(day, _)| *day > self.last_purchase_on)
            .collect();
        let first = |from: Date, to: Date| {
            let within = bought
                .iter()
                .map(|(day, _)| *day)
                .filter(|day| (from..=to).contains(day));
            within.min()
        };
        let mut next = self.clone();
        next.mistaken_since = bought
            .iter()
            .map(|(day, _)| *day)
            .filter(|day| *day < self.found_on)
            .min();
        let end = window_end(self.found_on);
        // Who comes by himself before anything is done was left alone, whatever is done afterwards.
        let unasked = first(self.found_on, end).filter(|day| self.first_action_on.is_none_or(|action| *day < action));
        let (treatment, from) = match self.first_action_on {
            Some(action) if unasked.is_none() => (Treatment::Acted, action),
            _ => (Treatment::LeftAlone, self.found_on),
        };
        next.treatment = treatment;
        next.window_ends_on = window_end(from);
        next.returned_on = first(from, next.window_ends_on);
        next.returned_in_time = next.returned_on.is_some_and(|day| day <= end);
        next.revenue = next.returned_on.map(|_| {
            let within = bought
                .iter()
                .filter(|(day, _)| (from..=next.window_ends_on).contains(day));
            let sum: Decimal = within.map(|(_, amount)| *amount).sum();
            Money::new(sum, self.value_at_stake.currency)
        });
        next.status = if next.dismiss_reason.is_some() || next.mistaken_since.is_some() {
            WinBackStatus::Dismissed
        } else if next.returned_on.is_some() {
            WinBackStatus::Returned
        } else if today > next.window_ends_on {
            WinBackStatus::NotReturned
        } else if treatment == Treatment::Acted {
            WinBackStatus::Acted
        } else {
            WinBackStatus::Found
        };
        next.measured = matches!(next.status, WinBackStatus::Returned | WinBackStatus::NotReturned);
        next
    }

    /// The case with one more action. The caller settles it afterwards: an action may be noted some days late.
    ///
    /// # Errors
    /// What is wrong with the action, or why nothing may be done any more.
    pub fn act(&self, input: WinBackActionIn, by: &str, rules: &Rules) -> Result<Self, Refusal> {
        if self.left_alone_on_purpose {
            let detail =
                "this case was chosen by lot to be left alone; dismiss it to deal with the customer all the same";
            return Err(Refusal::State("left_alone_on_purpose", detail.to_owned()));
        }
        let today = rules.now.to_zoned(rules.settings.zone()).date();
        let WinBackActionIn { kind, note, cost, on } = input;
        let on = on.unwrap_or(today);
        let late = self.status == WinBackStatus::Returned && self.returned_on.is_some_and(|day| on <= day);
        if !self.is_open() && !late {
            let detail = format!("nothing can be done about a case that is {}", self.status.as_str());
            return Err(Refusal::State("case_closed", detail));
        }
        let mut invalid = Invalid::default();
        let note = invalid.take(text::optional("note", note, MOST_NOTE)).flatten();
        if on > today || on < self.found_on {
            invalid.add("on", "out_of_range", "between the day the case was found and today");
        }
        let currency = rules.settings.currency;
        if cost.is_some_and(|cost| cost.0.is_sign_negative() || currency.round(cost.0) != cost.0) {
            invalid.add(
                "cost",
                "out_of_range",
                "not negative, and no finer than the currency is",
            );
        }
        if self.actions.len() >= MOST_ACTIONS {
            invalid.add("", "too_many", format!("at most {MOST_ACTIONS} actions"));
        }
        invalid.check().map_err(Refusal::Invalid)?;
        let mut next = self.clone();
        next.actions.push(WinBackAction {
            kind,
            note,
            cost: cost.map(|cost| Money::new(cost.0, currency)),
            on,
            by: by.to_owned(),
            noted_at: rules.now,
        });
        next.first_action_on = next.actions.iter().map(|action| action.on).min();
        Ok(next)
    }
}

impl Kind for WinBack {
    const NOUN: &'static str = "win_back";
    const PREFIX: Prefix = Prefix::WinBack;
    type In = WinBackIn;

    fn create(_: WinBackIn, _: &Rules) -> Result<Self, Invalid> {
        Err(Invalid::one(
            "",
            "not_allowed",
            "cases are opened by the recompute that finds a silence",
        ))
    }

    fn editable(&self) -> WinBackIn {
        WinBackIn {
            note: self.note.clone(),
            dismiss_reason: self.dismiss_reason.clone(),
        }
    }

    fn revise(&self, input: WinBackIn, rules: &Rules) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let note = invalid.take(text::optional("note", input.note, MOST_NOTE)).flatten();
        let reason = invalid
            .take(text::optional("dismiss_reason", input.dismiss_reason, MOST_NOTE))
            .flatten();
        if reason.is_some() && self.measured {
            invalid.add(
                "dismiss_reason",
                "case_closed",
                "a case whose outcome is known cannot be dismissed",
            );
        }
        invalid.check()?;
        let mut next = self.clone();
        next.note = note;
        let taken_back = self.dismiss_reason.is_some() && reason.is_none();
        next.dismiss_reason = reason;
        if next.dismiss_reason.is_some() {
            next.status = WinBackStatus::Dismissed;
        } else if taken_back {
            // What was bought meanwhile is looked at by the next night, or the next purchase.
            let today = rules.now.to_zoned(rules.settings.zone()).date();
            next = next.settle(&[], today.min(next.window_ends_on));
        }
        Ok(next)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use std::sync::Arc;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn finding() -> Finding {
        Finding {
            contact: RecordId::from_u128(Prefix::Contact, 7),
            stage: Silence::AtRisk,
            reason: Some("past_rhythm".to_owned()),
            detail: None,
            value: (Money::new("90".parse().unwrap(), "USD".parse().unwrap()), "clv_12m"),
            found_on: day("2026-03-01"),
            last_purchase_on: day("2025-12-01"),
        }
    }

    fn rules(now: &str) -> Rules {
        Rules {
            now: format!("{now}T12:00:00Z").parse().unwrap(),
            settings: Arc::new(Settings::default()),
            fields: Arc::default(),
        }
    }

    fn call(on: Option<&str>) -> WinBackActionIn {
        WinBackActionIn {
            kind: ActionKind::Call,
            note: None,
            cost: Some(Amount("2.50".parse().unwrap())),
            on: on.map(day),
        }
    }

    fn purchases(days: &[&str]) -> Vec<Day> {
        days.iter()
            .map(|text| Day(crate::score::day_number(day(text)), Some(Decimal::TEN)))
            .collect()
    }

    #[test]
    fn the_outcome_follows_from_facts_and_purchases() {
        use Treatment::{Acted, LeftAlone};
        use WinBackStatus as S;
        type Case = (
            Option<&'static str>,
            &'static [&'static str],
            &'static str,
            S,
            Treatment,
            u32,
        );
        // (first action, days of purchase, today, status, treatment, revenue); found on 1 March
        let cases: [Case; 17] = [
            (None, &[], "2026-03-01", S::Found, LeftAlone, 0),
            (None, &["2025-12-01"], "2026-04-30", S::Found, LeftAlone, 0),
            (None, &[], "2026-05-01", S::NotReturned, LeftAlone, 0),
            (None, &["2026-03-01"], "2026-03-01", S::Returned, LeftAlone, 10),
            (
                None,
                &["2026-04-30", "2026-03-20"],
                "2026-05-09",
                S::Returned,
                LeftAlone,
                20,
            ),
            (None, &["2026-05-01"], "2026-05-09", S::NotReturned, LeftAlone, 0),
            (Some("2026-03-10"), &[], "2026-05-09", S::Acted, Acted, 0),
            (Some("2026-03-10"), &[], "2026-05-10", S::NotReturned, Acted, 0),
            (
                Some("2026-03-10"),
                &["2026-03-10"],
                "2026-03-10",
                S::Returned,
                Acted,
                10,
            ),
            (
                Some("2026-03-10"),
                &["2026-05-09", "2026-05-10"],
                "2026-05-10",
                S::Returned,
                Acted,
                10,
            ),
            (
                Some("2026-03-10"),
                &["2026-03-09"],
                "2026-03-10",
                S::Returned,
                LeftAlone,
                10,
            ),
            (
                Some("2026-03-10"),
                &["2026-05-10"],
                "2026-05-10",
                S::NotReturned,
                Acted,
                0,
            ),
            // A purchase that came to light later, before the silence was found.
            (None, &["2026-02-01"], "2026-03-05", S::Dismissed, LeftAlone, 0),
            (
                Some("2026-03-02"),
                &["2026-02-01", "2026-03-20"],
                "2026-03-21",
                S::Dismissed,
                Acted,
                10,
            ),
            // Older ones than the last known say nothing.
            (
                None,
                &["2025-11-30", "2024-01-01"],
                "2026-03-05",
                S::Found,
                LeftAlone,
                0,
            ),
            // An action long after the window would have closed, on a case that was still open.
            (
                Some("2026-04-30"),
                &["2026-06-01"],
                "2026-06-02",
                S::Returned,
                Acted,
                10,
            ),
            (
                Some("2026-04-30"),
                &["2026-04-29"],
                "2026-06-02",
                S::Returned,
                LeftAlone,
                10,
            ),
        ];
        for (action, days, today, status, treatment, revenue) in cases {
            let mut case = finding().open(0.0);
            if let Some(action) = action {
                case = case.act(call(Some(action)), "usr_1", &rules(action)).unwrap();
            }
            let settled = case.settle(&purchases(days), day(today));
            let label = format!("{action:?} {days:?} {today}");
            assert_eq!((settled.status, settled.treatment), (status, treatment), "{label}");
            let got = settled.revenue.map_or(Decimal::ZERO, |money| money.amount.0);
            assert_eq!(got, Decimal::from(revenue), "{label}");
            assert_eq!(
                settled.measured,
                matches!(status, S::Returned | S::NotReturned),
                "{label}"
            );
            // Said twice, in another order, it is the same; and what is taken back is taken back.
            let mut turned = purchases(days);
            turned.reverse();
            assert_eq!(settled.settle(&turned, day(today)), settled, "{label}");
            let before = case.settle(&[], day(today));
            assert_eq!(settled.settle(&[], day(today)), before, "{label}");
        }
    }

    #[test]
    fn one_silence_makes_one_case_at_each_stage() {
        let one = finding();
        let mut later = finding();
        later.found_on = day("2026-04-01");
        assert_eq!(one.id(), later.id());
        assert_ne!(one.id(), one.id_at(Silence::Lost));
        later.last_purchase_on = day("2026-01-01");
        assert_ne!(one.id(), later.id());
    }

    #[test]
    fn lots_are_drawn_evenly() {
        for share in [0.0, 0.2, 0.5, 1.0] {
            let held = (0..2_000_u128)
                .filter(|n| {
                    let finding = Finding {
                        contact: RecordId::from_u128(Prefix::Contact, *n),
                        ..finding()
                    };
                    finding.open(share).left_alone_on_purpose
                })
                .count();
            let got = held as f64 / 2_000.0;
            assert!((got - share).abs() < 0.04, "{share}: {got}");
        }
    }

    #[test]
    fn what_is_closed_or_held_out_is_let_be() {
        let open = finding().open(0.0);
        let after = |days: &[&str], today: &str| open.settle(&purchases(days), day(today));
        let held = finding().open(1.0);
        let mut dismissed = open.clone();
        dismissed.dismiss_reason = Some("moved away".to_owned());
        let dismissed = dismissed.settle(&[], day("2026-03-02"));
        for (case, on, expected) in [
            (&open, "2026-03-05", None),
            (&open, "2026-02-28", Some("out_of_range")),
            (&open, "2026-06-02", Some("out_of_range")),
            (&after(&[], "2026-05-01"), "2026-04-01", Some("case_closed")),
            (&after(&["2026-03-09"], "2026-03-10"), "2026-03-10", Some("case_closed")),
            (&after(&["2026-03-09"], "2026-03-10"), "2026-03-08", None),
            (&dismissed, "2026-03-05", Some("case_closed")),
            (&held, "2026-03-05", Some("left_alone_on_purpose")),
        ] {
            let got = case.act(call(Some(on)), "usr_1", &rules("2026-06-01"));
            let code = match got {
                Ok(_) => None,
                Err(Refusal::State(code, _)) => Some(code),
                Err(Refusal::Invalid(invalid)) => Some(invalid.problems[0].code),
            };
            assert_eq!(code, expected, "{:?} {on}", case.status);
        }
        let mut dear = call(None);
        dear.cost = Some(Amount("0.001".parse().unwrap()));
        assert!(open.act(dear, "usr_1", &rules("2026-03-05")).is_err());
    }

    #[test]
    fn a_case_is_dismissed_with_a_reason_and_taken_up_again() {
        let open = finding().open(0.0);
        let input = |reason: Option<&str>| WinBackIn {
            note: Some("  speaks only Finnish ".to_owned()),
            dismiss_reason: reason.map(str::to_owned),
        };
        let rules = rules("2026-09-01");
        let dismissed = open.revise(input(Some("moved away")), &rules).unwrap();
        assert_eq!(dismissed.status, WinBackStatus::Dismissed);
        assert_eq!(dismissed.note.as_deref(), Some("speaks only Finnish"));
        let again = dismissed.revise(input(None), &rules).unwrap();
        assert_eq!((again.status, again.measured), (WinBackStatus::Found, false));
        let closed = open.settle(&[], day("2026-09-01"));
        assert!(closed.revise(input(Some("late")), &rules).is_err());
        assert!(closed.revise(input(None), &rules).is_ok());
    }

    #[test]
    fn a_return_is_in_time_within_the_window_of_the_finding() {
        for (action, bought, in_time) in [
            (None, "2026-03-01", true),
            (None, "2026-04-30", true),
            (Some("2026-04-30"), "2026-05-01", false),
            (Some("2026-04-20"), "2026-04-30", true),
        ] {
            let mut case = finding().open(0.0);
            if let Some(action) = action {
                case = case.act(call(Some(action)), "usr_1", &rules(action)).unwrap();
            }
            let settled = case.settle(&purchases(&[bought]), day("2026-06-02"));
            assert_eq!(settled.returned_in_time, in_time, "{action:?} {bought}");
        }
    }

    #[test]
    fn a_note_changes_nothing_else() {
        let settled = finding()
            .open(0.0)
            .settle(&purchases(&["2026-03-20"]), day("2026-03-21"));
        let input = WinBackIn {
            note: Some("came by".to_owned()),
            ..settled.editable()
        };
        let noted = settled.revise(input, &rules("2026-03-22")).unwrap();
        let expected = WinBack {
            note: Some("came by".to_owned()),
            ..settled
        };
        assert_eq!(noted, expected);
        assert_eq!(noted.revise(noted.editable(), &rules("2026-03-22")).unwrap(), expected);
    }
}

//! Who is leaving, and at which stage of life a customer stands.
//!
//! Two rules raise an alert: the model's P(alive) falls under the tenant's threshold ([`crate::bg_nbd`]), or the time
//! since the last purchase passes the customer's own 90 % interpurchase time. The second also serves customers for whom
//! the first is blind. Days are whole numbers counted from any fixed day.

/// The quantile of interpurchase times that a silence must pass.
pub const RHYTHM_QUANTILE: f64 = 0.9;

/// Gaps between purchases below which a customer has no rhythm of their own.
pub const MINIMUM_GAPS: usize = 3;

/// The gaps in days between consecutive purchase days, rising. Days may come in any order and repeat.
#[must_use]
pub fn interpurchase_days(days: &[i64]) -> Vec<i64> {
    let mut days = days.to_vec();
    days.sort_unstable();
    days.dedup();
    let mut gaps: Vec<i64> = days.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    gaps.sort_unstable();
    gaps
}

/// The customer's own 90 % interpurchase time in days; nothing below [`MINIMUM_GAPS`] gaps.
#[must_use]
pub fn own_rhythm_days(days: &[i64]) -> Option<f64> {
    let gaps = interpurchase_days(days);
    if gaps.len() < MINIMUM_GAPS {
        None
    } else {
        quantile(&gaps, RHYTHM_QUANTILE)
    }
}

/// The 90 % interpurchase time of many customers together, from all their gaps in any order: the yardstick for those
/// without a rhythm of their own. Nothing without gaps.
#[must_use]
pub fn common_rhythm_days(gaps: &[i64]) -> Option<f64> {
    let mut gaps = gaps.to_vec();
    gaps.sort_unstable();
    quantile(&gaps, RHYTHM_QUANTILE)
}

/// Gaps between purchases below which nothing is usual.
pub const MINIMUM_USUAL_GAPS: usize = 2;

/// The customer's median gap in days between purchase days: what is usual, as [`own_rhythm_days`] is what is late. Nothing
/// below [`MINIMUM_USUAL_GAPS`] gaps.
#[must_use]
pub fn usual_gap_days(days: &[i64]) -> Option<f64> {
    let gaps = interpurchase_days(days);
    if gaps.len() < MINIMUM_USUAL_GAPS {
        None
    } else {
        quantile(&gaps, 0.5)
    }
}

/// Quantile of a rising slice, interpolated linearly between order statistics (type 7 of Hyndman & Fan 1996).
fn quantile(rising: &[i64], share: f64) -> Option<f64> {
    let last = rising.len().checked_sub(1)?;
    let place = share * last as f64;
    let below = place.floor() as usize;
    let (low, high) = (rising[below] as f64, rising[(below + 1).min(last)] as f64);
    Some(low + (place - below as f64) * (high - low))
}

/// What speaks for or against a customer's staying.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Evidence {
    /// P(alive) of the model, 0 to 1; nothing where there is no model.
    pub p_alive: Option<f64>,
    /// Days since the last purchase.
    pub days_since_last: i64,
    /// The 90 % interpurchase time in days: the customer's own, or else the common one, or nothing.
    pub rhythm_days: Option<f64>,
}

/// Which rule raised the alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alert {
    /// P(alive) fell under the tenant's threshold.
    LowPAlive,
    /// The silence is longer than the interpurchase time.
    PastRhythm,
    /// Both.
    Both,
}

impl Alert {
    /// The stable key for answers and events.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::LowPAlive => "low_p_alive",
            Self::PastRhythm => "past_rhythm",
            Self::Both => "both",
        }
    }
}

/// The outcome of both rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assessment {
    /// 0 to 1. With a model 1 − P(alive), and without one the silence over twice the rhythm; where the rhythm is passed,
    /// at least one half.
    pub risk: f64,
    /// The alert, if any rule raised one.
    pub alert: Option<Alert>,
}

/// Applies both rules. `at_risk_p_alive` is the tenant's threshold; an alert needs a P(alive) *under* it.
#[must_use]
pub fn assess(evidence: &Evidence, at_risk_p_alive: f64) -> Assessment {
    let p_alive = evidence.p_alive.filter(|p| p.is_finite()).map(|p| p.clamp(0.0, 1.0));
    let silence = evidence.days_since_last.max(0) as f64;
    let rhythm = evidence.rhythm_days.filter(|days| days.is_finite() && *days >= 0.0);
    let low = p_alive.is_some_and(|p| p < at_risk_p_alive);
    let past = rhythm.is_some_and(|days| silence > days);
    let of_silence = rhythm.map_or(0.0, |days| (silence / (2.0 * days.max(1.0))).min(1.0));
    let of_model = p_alive.map_or(of_silence, |p| 1.0 - p);
    let risk = if past { of_model.max(0.5) } else { of_model };
    let alert = match (low, past) {
        (true, true) => Some(Alert::Both),
        (true, false) => Some(Alert::LowPAlive),
        (false, true) => Some(Alert::PastRhythm),
        (false, false) => None,
    };
    Assessment { risk, alert }
}

/// The stages of a customer's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Known, but neither qualified nor buying.
    Lead,
    /// Qualified, not yet buying.
    Prospect,
    /// Bought once.
    Customer,
    /// Bought more than once.
    Repeat,
    /// Bought often, by the tenant's measure.
    Loyal,
    /// An alert stands.
    AtRisk,
    /// Silent for longer than the tenant's period.
    Lost,
    /// Bought again after having been lost; until the next purchase within the period.
    WonBack,
}

impl Stage {
    /// All stages in the order of life.
    pub const ALL: [Self; 8] = [
        Self::Lead,
        Self::Prospect,
        Self::Customer,
        Self::Repeat,
        Self::Loyal,
        Self::AtRisk,
        Self::Lost,
        Self::WonBack,
    ];

    /// The stable key, as in a contact's `lifecycle`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Prospect => "prospect",
            Self::Customer => "customer",
            Self::Repeat => "repeat",
            Self::Loyal => "loyal",
            Self::AtRisk => "at_risk",
            Self::Lost => "lost",
            Self::WonBack => "won_back",
        }
    }

    /// The stage with this key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.key() == key)
    }
}

/// What the stage depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Whether somebody qualified the contact, for example by converting a lead or opening a deal.
    pub qualified: bool,
    /// Distinct days of purchase.
    pub purchases: u32,
    /// Days since the last purchase; not looked at without one.
    pub days_since_last: i64,
    /// Days between the last two purchases; nothing below two.
    pub last_gap_days: Option<i64>,
    /// Whether [`assess`] raised an alert.
    pub alert: bool,
}

/// The tenant's measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measures {
    /// A silence of more than these days is a loss.
    pub lost_after_days: i64,
    /// Purchases from which a customer is loyal.
    pub loyal_from_purchases: u32,
}

impl Default for Measures {
    /// Lost after a year, loyal from five purchases.
    fn default() -> Self {
        Self {
            lost_after_days: 365,
            loyal_from_purchases: 5,
        }
    }
}

/// The stage. Where several hold, the first in this order: lost, at risk, won back, loyal, repeat, customer; without a
/// purchase prospect or lead.
#[must_use]
pub fn stage(facts: &Facts, measures: &Measures) -> Stage {
    let returned = facts.last_gap_days.is_some_and(|gap| gap > measures.lost_after_days);
    match facts.purchases {
        0 if facts.qualified => Stage::Prospect,
        0 => Stage::Lead,
        _ if facts.days_since_last > measures.lost_after_days => Stage::Lost,
        _ if facts.alert => Stage::AtRisk,
        _ if returned => Stage::WonBack,
        n if n > 1 && n >= measures.loyal_from_purchases => Stage::Loyal,
        1 => Stage::Customer,
        _ => Stage::Repeat,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rhythm_is_the_ninety_percent_quantile_of_gaps() {
        let cases: [(&[i64], Option<f64>); 6] = [
            (&[], None),
            (&[5], None),
            (&[0, 30, 60], None),
            (&[0, 30, 60, 90], Some(30.0)),
            (&[0, 10, 30, 60, 100], Some(37.0)),
            (&[100, 60, 60, 0, 30, 10], Some(37.0)),
        ];
        for (days, expected) in cases {
            assert_eq!(own_rhythm_days(days), expected, "{days:?}");
        }
        assert_eq!(common_rhythm_days(&[40, 10, 30, 20]), Some(37.0));
        assert_eq!(common_rhythm_days(&[]), None);
        assert_eq!(interpurchase_days(&[i64::MIN, i64::MAX]), [i64::MAX]);
    }

    #[test]
    fn what_is_usual_is_the_median_gap() {
        let cases: [(&[i64], Option<f64>); 6] = [
            (&[], None),
            (&[0, 30], None),
            (&[0, 30, 60], Some(30.0)),
            (&[0, 30, 61], Some(30.5)),
            (&[400, 0, 31, 62, 62], Some(31.0)),
            (&[0, 1, 3, 3, 903], Some(2.0)),
        ];
        for (days, expected) in cases {
            assert_eq!(usual_gap_days(days), expected, "{days:?}");
        }
    }

    #[test]
    fn either_rule_alerts() {
        // (P(alive), days silent, rhythm, risk, alert) at a threshold of 0.4
        let cases = [
            (Some(0.9), 10, Some(30.0), 0.1, None),
            (Some(0.4), 10, Some(30.0), 0.6, None),
            (Some(0.3), 10, Some(30.0), 0.7, Some(Alert::LowPAlive)),
            (Some(0.9), 30, Some(30.0), 0.1, None),
            (Some(0.9), 31, Some(30.0), 0.5, Some(Alert::PastRhythm)),
            (Some(0.1), 31, Some(30.0), 0.9, Some(Alert::Both)),
            (None, 15, Some(30.0), 0.25, None),
            (None, 45, Some(30.0), 0.75, Some(Alert::PastRhythm)),
            (None, 900, Some(30.0), 1.0, Some(Alert::PastRhythm)),
            (None, 900, None, 0.0, None),
            (Some(f64::NAN), -3, Some(f64::NAN), 0.0, None),
        ];
        for (p_alive, days_since_last, rhythm_days, risk, alert) in cases {
            let evidence = Evidence {
                p_alive,
                days_since_last,
                rhythm_days,
            };
            let got = assess(&evidence, 0.4);
            assert!((got.risk - risk).abs() < 1e-12, "{evidence:?}: {}", got.risk);
            assert_eq!(got.alert, alert, "{evidence:?}");
        }
    }

    #[test]
    fn alerts_are_told_by_stable_keys() {
        let keys = [Alert::LowPAlive, Alert::PastRhythm, Alert::Both].map(Alert::key);
        assert_eq!(keys, ["low_p_alive", "past_rhythm", "both"]);
    }

    #[test]
    fn stages_of_life() {
        // (qualified, purchases, days silent, last gap, alert, stage)
        let cases = [
            (false, 0, 0, None, false, Stage::Lead),
            (true, 0, 999, None, true, Stage::Prospect),
            (false, 1, 10, None, false, Stage::Customer),
            (true, 2, 10, Some(30), false, Stage::Repeat),
            (true, 4, 365, Some(365), false, Stage::Repeat),
            (true, 5, 10, Some(30), false, Stage::Loyal),
            (true, 5, 10, Some(30), true, Stage::AtRisk),
            (true, 5, 366, Some(30), true, Stage::Lost),
            (true, 1, 366, None, false, Stage::Lost),
            (true, 9, 10, Some(366), false, Stage::WonBack),
            (true, 9, 10, Some(366), true, Stage::AtRisk),
        ];
        for (qualified, purchases, days_since_last, last_gap_days, alert, expected) in cases {
            let facts = Facts {
                qualified,
                purchases,
                days_since_last,
                last_gap_days,
                alert,
            };
            assert_eq!(stage(&facts, &Measures::default()), expected, "{facts:?}");
        }
        let at_once = Measures {
            loyal_from_purchases: 1,
            ..Measures::default()
        };
        let once = Facts {
            purchases: 1,
            ..Facts::default()
        };
        assert_eq!(stage(&once, &at_once), Stage::Customer, "one purchase is no loyalty");
    }

    #[test]
    fn keys_lead_back() {
        for stage in Stage::ALL {
            assert_eq!(Stage::from_key(stage.key()), Some(stage));
        }
        assert_eq!(Stage::from_key("ghost"), None);
    }
}

//! A customer's score as it is answered and stored, with words that explain each number.

use rapport_analytics::churn::{self, Assessment, Evidence, Facts, Measures, Stage};
use rapport_analytics::lifetime_value::{self, Assumptions};
use rapport_analytics::rfm::{Scores, Segment};
use rapport_domain::score::{Churn, Figures, Pareto, Rfm, Score, SegmentAnswer, Value, date_of};
use rapport_domain::settings::Settings;
use rapport_domain::survey::Language;
use rapport_domain::{Currency, Money, RecordId};
use rust_decimal::Decimal;
use serde_json::json;

use crate::alert;
use crate::customer::{Customer, major};
use crate::model::{Model, round};
use crate::reduce::Ranks;

/// A model ready to value customers at the end of a day.
pub struct Judge<'a> {
    model: &'a Model,
    revived: Option<lifetime_value::Model>,
    day: i32,
    language: Language,
}

/// What the recompute says of one customer beside the ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Both rules of churn.
    pub assessment: Assessment,
    /// The stage of life.
    pub stage: Stage,
}

impl<'a> Judge<'a> {
    /// A judge at the end of a day who speaks a language.
    #[must_use]
    pub fn new(model: &'a Model, day: i32, language: Language) -> Self {
        Self {
            model,
            revived: model.revive(),
            day,
            language,
        }
    }

    /// What is said of a customer's leaving.
    #[must_use]
    pub fn churn(&self, customer: &Customer, assessment: &Assessment) -> Churn {
        Churn {
            risk: round(assessment.risk, 4),
            alert: assessment.alert.is_some(),
            reason: assessment.alert.map(|alert| alert.key().to_owned()),
            detail: assessment
                .alert
                .map(|_| alert::detail(customer, self.day, self.model.common_rhythm, self.language)),
        }
    }

    fn p_alive(&self, customer: &Customer) -> Option<f64> {
        let history = customer.for_models(self.day, self.model.currency).history;
        self.revived.as_ref().map(|model| model.bg_nbd.model.p_alive(&history))
    }

    /// Whether the customer is leaving, and the stage of life.
    #[must_use]
    pub fn verdict(&self, customer: &Customer) -> Verdict {
        let scoring = &self.model.scoring;
        let days_since_last = customer.recency(self.day);
        let evidence = Evidence {
            p_alive: self.p_alive(customer),
            days_since_last,
            rhythm_days: customer.rhythm.map(f64::from).or(self.model.common_rhythm),
        };
        let assessment = churn::assess(&evidence, scoring.at_risk_p_alive);
        let facts = Facts {
            qualified: true,
            purchases: customer.frequency,
            days_since_last,
            last_gap_days: customer.last_gap.map(i64::from),
            alert: assessment.alert.is_some(),
        };
        let measures = Measures {
            lost_after_days: i64::from(scoring.lost_after_days),
            ..Measures::default()
        };
        Verdict {
            assessment,
            stage: churn::stage(&facts, &measures),
        }
    }

    /// What the next twelve months are worth. `None` where the model does not hold: none was fitted, or the tenant's
    /// currency has changed since.
    #[must_use]
    pub fn value(&self, customer: &Customer, currency: Currency) -> Option<Value> {
        let model = self.revived.as_ref().filter(|_| currency == self.model.currency)?;
        let assumptions = Assumptions {
            margin_rate: f64::from(customer.margin_rate),
            discount_rate: self.model.scoring.discount_rate,
            ..Assumptions::default()
        };
        let value = model.value(&customer.for_models(self.day, currency), &assumptions);
        let money = |amount: f64| {
            // Far above any customer and far below where decimals end.
            let amount = Decimal::try_from(amount.clamp(0.0, 1e15)).unwrap_or_default();
            Money::new(amount, currency)
        };
        let mut basis = self.model.bg_nbd.answer();
        let spend = self.model.gamma_gamma.answer();
        if spend.prior_weight > basis.prior_weight {
            basis = spend;
        }
        Some(Value {
            p_alive: round(value.p_alive, 4),
            expected_orders_12m: round(value.expected_purchases, 4),
            clv_12m: money(value.clv),
            interval: (money(value.interval.0), money(value.interval.1)),
            model: basis,
        })
    }
}

/// Figures alone: what is known before the first recompute, and what is always up to date.
#[must_use]
pub fn live(customer: &Customer, day: i32, currency: Currency, foreign: u32) -> Rfm {
    let monetary = major(customer.monetary, currency);
    Rfm {
        recency_days: customer.recency(day),
        frequency: customer.frequency,
        monetary: Money::new(monetary, currency),
        average: Money::new(monetary / Decimal::from(customer.frequency.max(1)), currency),
        first_purchase_on: date_of(customer.first),
        last_purchase_on: date_of(customer.last),
        other_currency_orders: foreign,
        r: None,
        f: None,
        m: None,
        cell: None,
        segment: None,
    }
}

/// Adds the ranks to the figures.
pub fn rank(rfm: &mut Rfm, scores: Scores) {
    rfm.r = Some(scores.r);
    rfm.f = Some(scores.f);
    rfm.m = Some(scores.m);
    rfm.cell = Some(scores.cell());
    rfm.segment = Some(scores.segment().key().to_owned());
}

/// A score at the end of a day without its value: all that decides whether a stored score must be written again.
#[must_use]
pub fn outline(customer: &Customer, ranks: Ranks, judge: &Judge<'_>) -> Score {
    let mut rfm = live(customer, judge.day, judge.model.currency, 0);
    rank(&mut rfm, ranks.scores);
    let verdict = judge.verdict(customer);
    Score {
        contact_id: customer.id,
        rfm: Some(rfm),
        pareto: Some(Pareto {
            grade: ranks.grade.key().to_owned(),
            share_rank: f64::from(ranks.share) / 100.0,
        }),
        value: None,
        churn: Some(judge.churn(customer, &verdict.assessment)),
        lifecycle: Some(verdict.stage.key().to_owned()),
        insufficient_data: None,
        as_of: date_of(judge.day),
        scored_at: None,
        explain: None,
    }
}

/// A whole score at the end of a day: what a recompute stores, and what a run up to a day answers.
#[must_use]
pub fn scored(customer: &Customer, ranks: Ranks, judge: &Judge<'_>) -> Score {
    Score {
        value: judge.value(customer, judge.model.currency),
        ..outline(customer, ranks, judge)
    }
}

/// What of a stored score must change for it to be written again. Everything that moves by itself from day to day, such as
/// probabilities, is left out: it is computed when it is read.
#[must_use]
pub fn stable(score: &Score) -> String {
    let rfm = score.rfm.as_ref();
    let pareto = score.pareto.as_ref();
    let churn = score.churn.as_ref();
    format!(
        "{}|{}|{}|{}|{}|{}|{}|{}|{}",
        rfm.and_then(|rfm| rfm.cell.as_deref()).unwrap_or_default(),
        rfm.map_or(0, |rfm| rfm.frequency),
        rfm.map_or(String::new(), |rfm| format!(
            "{}{}",
            rfm.monetary.amount.0, rfm.monetary.currency
        )),
        rfm.map_or(String::new(), |rfm| rfm.first_purchase_on.to_string()),
        rfm.map_or(String::new(), |rfm| rfm.last_purchase_on.to_string()),
        pareto.map_or("", |pareto| &pareto.grade),
        pareto.map_or(0.0, |pareto| pareto.share_rank),
        score.lifecycle.as_deref().unwrap_or_default(),
        churn
            .filter(|churn| churn.alert)
            .map_or("", |churn| churn.reason.as_deref().unwrap_or("alert")),
    )
}

/// The score as it is answered now: live figures, the ranks, alert and stage of the last recompute, and value and risk as
/// the last model sees the customer today.
#[must_use]
pub fn current(
    contact: RecordId,
    figures: Option<&Figures>,
    stored: Option<Score>,
    model: Option<&Model>,
    day: i32,
    settings: &Settings,
) -> Score {
    let margin_rate = settings.margin_rate();
    let customer = figures.and_then(|figures| Some((figures, Customer::at(contact, figures, day, margin_rate)?)));
    let mut score = Score {
        contact_id: contact,
        rfm: None,
        pareto: None,
        value: None,
        churn: None,
        lifecycle: None,
        insufficient_data: None,
        as_of: date_of(day),
        scored_at: None,
        explain: None,
    };
    let Some((figures, customer)) = customer else {
        score.insufficient_data = Some("no_purchases".to_owned());
        return score;
    };
    let mut rfm = live(&customer, day, figures.currency, figures.foreign);
    // Between a first purchase and the recompute that ranks it there is a stage of life and nothing else.
    let ranked = stored.as_ref().is_some_and(is_ranked);
    if let (Some(stored), Some(model), true) = (stored.clone(), model, ranked) {
        if let Some(then) = stored.rfm {
            (rfm.r, rfm.f, rfm.m) = (then.r, then.f, then.m);
            (rfm.cell, rfm.segment) = (then.cell, then.segment);
        }
        let judge = Judge::new(model, day, settings.language());
        score.pareto = stored.pareto;
        score.lifecycle = stored.lifecycle;
        score.churn = stored.churn.map(|churn| Churn {
            risk: round(judge.verdict(&customer).assessment.risk, 4),
            detail: churn
                .alert
                .then(|| alert::detail(&customer, day, model.common_rhythm, settings.language())),
            ..churn
        });
        score.value = judge.value(&customer, figures.currency);
        if score.value.is_none() {
            score.insufficient_data = Some("currency_changed".to_owned());
        }
        score.scored_at = Some(model.scored_at);
        score.explain = Some(explain(model, &customer));
    } else {
        score.lifecycle = stored.and_then(|stored| stored.lifecycle);
        score.insufficient_data = Some("not_scored".to_owned());
    }
    score.rfm = Some(rfm);
    score
}

/// Whether a recompute has ranked a stored score; before that it holds what a purchase moved.
#[must_use]
pub fn is_ranked(stored: &Score) -> bool {
    stored.rfm.as_ref().is_some_and(|rfm| rfm.cell.is_some())
}

/// The score of a run up to a day.
#[must_use]
pub fn until(
    contact: RecordId,
    customer: Option<&Customer>,
    ranks: Option<Ranks>,
    model: &Model,
    settings: &Settings,
) -> Score {
    let (Some(customer), Some(ranks)) = (customer, ranks) else {
        let mut score = current(contact, None, None, None, model.as_of, settings);
        score.scored_at = Some(model.scored_at);
        return score;
    };
    let mut score = scored(customer, ranks, &Judge::new(model, model.as_of, settings.language()));
    score.scored_at = Some(model.scored_at);
    score.explain = Some(explain(model, customer));
    score
}

/// How each number of a score comes about, in words and with what went into it.
#[must_use]
pub fn explain(model: &Model, customer: &Customer) -> serde_json::Value {
    let scoring = &model.scoring;
    let currency = model.currency;
    let rhythm = match (customer.rhythm, model.common_rhythm) {
        (Some(days), _) => format!("the customer's own 90 % interpurchase time, {days:.0} days"),
        (None, Some(days)) => format!("the 90 % interpurchase time of all customers, {days:.0} days"),
        (None, None) => "no interpurchase time is known".to_owned(),
    };
    json!({
        "customers": model.customers,
        "ranked_on": date_of(model.as_of),
        "recency_days": "days from the last day of purchase to as_of; a purchase is an order paid or fulfilled, dated placed_on",
        "frequency": "distinct days of purchase; several orders on one day count once",
        "monetary": format!("sum of those orders net of refunds, orders in {currency} only"),
        "cell": format!("Hughes: {} customers cut in five by recency, each part in five by frequency, each of those in five by monetary value; 5 is best; ties by id, the lower first", model.customers),
        "segment": "follows from r, f and m of the cell",
        "grade": format!("customers sorted by monetary value; A to {:.0} % of revenue, B to {:.0} %, C the rest", scoring.pareto_cuts.0 * 100.0, scoring.pareto_cuts.1 * 100.0),
        "share_rank": "position by monetary value over number of customers, rounded up to hundredths",
        "p_alive": "BG/NBD: probability that the customer still buys, from frequency, first and last day of purchase and as_of",
        "expected_orders_12m": "BG/NBD: conditional expectation of days of purchase in the next 365.25 days",
        "clv_12m": format!("expected orders by month × Gamma-Gamma expected spend × margin {:.2}, discounted by {} a year", customer.margin_rate, scoring.discount_rate),
        "interval": "95 % for the expectation, by the covariance of the fitted parameters (delta method); wider where a prior was needed",
        "risk": format!("1 − p_alive; at least 0.5 when the silence is longer than {rhythm}"),
        "alert": format!("set by a recompute when p_alive is under {} or the silence is longer than {rhythm}", scoring.at_risk_p_alive),
        "detail": "days since the last day of purchase; the median gap between the customer's own days of purchase (two gaps or more); the 90 % gap",
        "lifecycle": format!("at the last recompute, or moved at once by a later purchase: lost after {} days, else at_risk with an alert, won_back after a loss, loyal from {} purchases, repeat, customer", scoring.lost_after_days, Measures::default().loyal_from_purchases),
    })
}

/// The name of a segment in a language: English or simplified Chinese.
#[must_use]
pub fn segment_name(segment: Segment, locale: &str) -> &'static str {
    let (english, chinese) = match segment {
        Segment::Champions => ("Champions", "重要价值客户"),
        Segment::Loyal => ("Loyal", "忠诚客户"),
        Segment::PotentialLoyalist => ("Potential loyalists", "潜在忠诚客户"),
        Segment::New => ("New customers", "新客户"),
        Segment::Promising => ("Promising", "有潜力客户"),
        Segment::NeedsAttention => ("Need attention", "需要关注客户"),
        Segment::AboutToSleep => ("About to sleep", "即将沉睡客户"),
        Segment::AtRisk => ("At risk", "流失风险客户"),
        Segment::CannotLose => ("Cannot lose", "重要挽留客户"),
        Segment::Hibernating => ("Hibernating", "沉睡客户"),
        Segment::Lost => ("Lost", "已流失客户"),
    };
    if locale.starts_with("zh") { chinese } else { english }
}

/// All segments, those without members too.
#[must_use]
pub fn segments(model: Option<&Model>, locale: &str, currency: Currency) -> Vec<SegmentAnswer> {
    Segment::ALL
        .into_iter()
        .map(|segment| {
            let found = model.and_then(|model| model.segments.iter().find(|found| found.key == segment.key()));
            SegmentAnswer {
                key: segment.key().to_owned(),
                name: segment_name(segment, locale).to_owned(),
                members: found.map_or(0, |found| found.members),
                revenue: Money::new(
                    found.map_or(Decimal::ZERO, |found| found.revenue),
                    model.map_or(currency, |model| model.currency),
                ),
            }
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gaps::Gaps;
    use crate::reduce::reduce;
    use rapport_domain::Prefix;
    use rapport_domain::score::Contribution;

    fn id(n: u32) -> RecordId {
        RecordId::from_u128(Prefix::Contact, u128::from(n) + 1)
    }

    fn figures(n: u32) -> Figures {
        let contributions: Vec<Contribution> = (0..=n % 6)
            .map(|k| Contribution {
                day: 20_000 + (n % 40) as i32 + (k * (5 + n % 30)) as i32,
                amount: Decimal::new(i64::from(900 + n * 7_919 % 9_000), 2),
                margin: None,
                currency: "CNY".parse().unwrap(),
            })
            .collect();
        Figures::of(&contributions, "CNY".parse().unwrap())
    }

    fn world(n: u32, day: i32) -> (Vec<Customer>, Vec<Ranks>, Model) {
        let mut gaps = Gaps::default();
        let customers: Vec<Customer> = (0..n)
            .map(|n| {
                let figures = figures(n);
                gaps.count(&figures.day_numbers());
                Customer::at(id(n), &figures, day, Decimal::new(3, 1)).unwrap()
            })
            .collect();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let scoring = Settings::default().scoring;
        let (ranks, model) = reduce(&customers, &gaps, day, "CNY".parse().unwrap(), &scoring, now);
        (customers, ranks, model)
    }

    #[test]
    fn a_score_has_every_part_and_no_number_is_wild() {
        for n in [1, 2, 40, 300] {
            let (customers, ranks, model) = world(n, 20_250);
            let judge = Judge::new(&model, 20_250, Language::En);
            for (customer, ranks) in customers.iter().zip(&ranks) {
                let score = scored(customer, *ranks, &judge);
                let value = score.value.clone().unwrap();
                assert!((0.0..=1.0).contains(&value.p_alive), "{score:?}");
                assert!(
                    value.interval.0.amount <= value.clv_12m.amount && value.clv_12m.amount <= value.interval.1.amount
                );
                assert!((0.0..=1.0).contains(&score.churn.as_ref().unwrap().risk));
                assert_eq!(score.rfm.as_ref().unwrap().cell.as_ref().unwrap().len(), 3);
                let json = serde_json::to_string(&score).unwrap();
                assert_eq!(serde_json::from_str::<Score>(&json).unwrap(), score, "{json}");
            }
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let (_, _, model) = world(30, 20_250);
        let figures = figures(3);
        let settings = Settings::default();
        for (figures, stored, model, expected) in [
            (None, None, None, Some("no_purchases")),
            (None, None, Some(&model), Some("no_purchases")),
            (Some(&figures), None, Some(&model), Some("not_scored")),
            (Some(&figures), None, None, Some("not_scored")),
        ] {
            let score = current(id(3), figures, stored, model, 20_250, &settings);
            assert_eq!(score.insufficient_data.as_deref(), expected);
            assert_eq!(score.rfm.is_some(), figures.is_some());
            assert!(score.value.is_none());
        }
    }

    #[test]
    fn the_live_answer_joins_figures_with_the_last_ranks() {
        let (customers, ranks, model) = world(300, 20_250);
        let stored = scored(&customers[7], ranks[7], &Judge::new(&model, 20_250, Language::En));
        let settings = Settings::default();
        let same_day = current(
            id(7),
            Some(&figures(7)),
            Some(stored.clone()),
            Some(&model),
            20_250,
            &settings,
        );
        assert_eq!(same_day.rfm, stored.rfm);
        assert_eq!(same_day.value, stored.value);
        assert_eq!(same_day.churn, stored.churn);
        let later = current(
            id(7),
            Some(&figures(7)),
            Some(stored.clone()),
            Some(&model),
            20_260,
            &settings,
        );
        let (then, now) = (stored.rfm.unwrap(), later.rfm.unwrap());
        assert_eq!(now.recency_days, then.recency_days + 10);
        assert_eq!(now.cell, then.cell);
        assert!(later.value.unwrap().p_alive <= stored.value.unwrap().p_alive);
        assert!(later.explain.unwrap()["customers"] == 300);
    }

    #[test]
    fn a_day_alone_changes_nothing_that_is_stored() {
        let (customers, ranks, model) = world(300, 20_250);
        let (_, ranks_later, model_later) = world(300, 20_251);
        let (today, tomorrow) = (
            Judge::new(&model, 20_250, Language::En),
            Judge::new(&model_later, 20_251, Language::En),
        );
        let changed = customers
            .iter()
            .zip(ranks.iter().zip(&ranks_later))
            .filter(|(customer, (then, now))| {
                let before = scored(customer, **then, &today);
                let after = scored(customer, **now, &tomorrow);
                assert_ne!(before.as_of, after.as_of);
                stable(&before) != stable(&after)
            })
            .count();
        assert!(
            changed < 30,
            "only alerts and stages that came due may change: {changed}"
        );
    }

    #[test]
    fn every_segment_has_a_name_in_both_languages() {
        for locale in ["en", "zh-CN"] {
            let mut names: Vec<&str> = Segment::ALL.iter().map(|s| segment_name(*s, locale)).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), Segment::ALL.len());
        }
        let all = segments(None, "en", "JPY".parse().unwrap());
        assert_eq!(all.len(), 11);
        assert!(all.iter().all(|segment| segment.members == 0));
    }
}

//! What holds for every input: bounds, orderings, and that neither the order of customers nor the units matter.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use rapport_analytics::bg_nbd::{self, BgNbd, History};
use rapport_analytics::churn::{self, Evidence, Facts, Measures, Stage};
use rapport_analytics::gamma_gamma::{self, GammaGamma, Spend};
use rapport_analytics::lifetime_value::{Assumptions, Customer, Model};
use rapport_analytics::pareto::{self, Contribution, Cuts, Grade};
use rapport_analytics::rfm::{self, Figures, Scores};
use rapport_analytics::survey;

fn figures() -> impl Strategy<Value = Vec<Figures>> {
    // Narrow ranges, so that ties are common.
    vec((0..40_i64, 1..8_u32, -20..200_i32), 0..300).prop_map(|rows| {
        let figure = |(id, (recency_days, frequency, monetary)): (usize, (i64, u32, i32))| Figures {
            id: id as u128,
            recency_days,
            frequency,
            monetary: f64::from(monetary) / 4.0,
        };
        rows.into_iter().enumerate().map(figure).collect()
    })
}

fn with_shuffled<T: Clone + std::fmt::Debug>(
    items: impl Strategy<Value = Vec<T>>,
) -> impl Strategy<Value = (Vec<T>, Vec<T>)> {
    items.prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle()))
}

fn history() -> impl Strategy<Value = History> {
    (0..30_u32, 0..700_u32, 0..700_u32).prop_map(|(frequency, recency, after)| {
        let recency = if frequency == 0 { 0 } else { recency.max(frequency) };
        History {
            frequency,
            recency_weeks: f64::from(recency) / 7.0,
            age_weeks: f64::from(recency + after) / 7.0,
        }
    })
}

fn customer() -> impl Strategy<Value = Customer> {
    (history(), 1..100_000_u32).prop_map(|(history, cents)| Customer {
        history,
        spend: Spend {
            purchases: history.frequency,
            mean: f64::from(cents) / 100.0,
        },
    })
}

/// Anything a float can be.
fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0),
        -1e3..1e3
    ]
}

/// Parameters over six orders of magnitude.
fn model() -> impl Strategy<Value = BgNbd> {
    let log = || -3.0..3.0_f64;
    (log(), log(), log(), log()).prop_map(|(r, alpha, a, b)| {
        let value = |log: f64| 10_f64.powf(log);
        BgNbd::new(value(r), value(alpha), value(a), value(b)).unwrap()
    })
}

/// Failing cases are printed with their input; none are kept in files.
fn cases(cases: Option<u32>) -> ProptestConfig {
    let usual = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    ProptestConfig {
        cases: cases.unwrap_or(usual.cases),
        ..usual
    }
}

proptest! {
    #![proptest_config(cases(None))]

    #[test]
    fn rfm_does_not_depend_on_the_order((given, shuffled) in with_shuffled(figures())) {
        for score in [rfm::nested, rfm::independent] {
            let by_id = |customers: &[Figures]| {
                let scores = score(customers);
                let mut pairs: Vec<(u128, Scores)> = customers.iter().map(|c| c.id).zip(scores).collect();
                pairs.sort_unstable();
                pairs
            };
            prop_assert_eq!(by_id(&given), by_id(&shuffled));
        }
    }

    #[test]
    fn compact_columns_give_what_whole_records_do(customers in figures()) {
        // Ids are positions, amounts are quarters.
        let at = |i: u32| &customers[i as usize];
        let quarters = |i: u32| (at(i).monetary * 4.0) as i64;
        let scores = rfm::nested_by_position(customers.len(), |i| at(i).recency_days, |i| at(i).frequency, quarters);
        prop_assert_eq!(scores, rfm::nested(&customers));
        let contributions: Vec<Contribution> = customers.iter().map(|c| Contribution { id: c.id, amount: c.monetary }).collect();
        let whole = pareto::analyse(&contributions, Cuts::default());
        let mut standings = whole.standings.clone();
        standings.reverse();
        let told = |i: u32, standing| standings[i as usize] = standing;
        let compact = pareto::analyse_by_position(customers.len(), |i| at(i).monetary, Cuts::default(), told);
        prop_assert_eq!(&standings, &whole.standings);
        prop_assert_eq!(compact.lorenz(100), whole.lorenz(100));
        prop_assert_eq!((compact.total, compact.gini), (whole.total, whole.gini));
    }

    #[test]
    fn rfm_parts_are_equal_and_ordered(customers in figures()) {
        let n = customers.len();
        let equal = |sizes: &[usize]| {
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            most - least <= 1
        };
        let nested = rfm::nested(&customers);
        let independent = rfm::independent(&customers);
        let count = |scores: &[Scores], is: &dyn Fn(&Scores) -> bool| scores.iter().filter(|s| is(s)).count();
        let mut cells = Vec::new();
        for r in 1..=5 {
            for f in 1..=5 {
                for m in 1..=5 {
                    cells.push(count(&nested, &|s| *s == Scores { r, f, m }));
                }
            }
        }
        prop_assert!(equal(&cells), "125 cells of {n}: {cells:?}");
        for part in [|s: &Scores| s.r, |s: &Scores| s.f, |s: &Scores| s.m] {
            let sizes: Vec<usize> = (1..=5).map(|score| count(&independent, &|s| part(s) == score)).collect();
            prop_assert!(equal(&sizes), "fifths of {n}: {sizes:?}");
        }
        for (i, better) in customers.iter().enumerate() {
            for (j, worse) in customers.iter().enumerate() {
                if better.recency_days < worse.recency_days {
                    prop_assert!(nested[i].r >= nested[j].r && independent[i].r >= independent[j].r);
                }
                if better.frequency > worse.frequency {
                    prop_assert!(independent[i].f >= independent[j].f);
                    prop_assert!(nested[i].r != nested[j].r || nested[i].f >= nested[j].f);
                }
                if better.monetary > worse.monetary {
                    prop_assert!(independent[i].m >= independent[j].m);
                    let same_cell = (nested[i].r, nested[i].f) == (nested[j].r, nested[j].f);
                    prop_assert!(!same_cell || nested[i].m >= nested[j].m);
                }
            }
        }
    }

    #[test]
    fn rfm_does_not_depend_on_the_currency(customers in figures(), power in 1..10) {
        let rate = 2_f64.powi(power);
        let converted: Vec<Figures> =
            customers.iter().map(|c| Figures { monetary: c.monetary * rate, ..*c }).collect();
        prop_assert_eq!(rfm::nested(&customers), rfm::nested(&converted));
        prop_assert_eq!(rfm::independent(&customers), rfm::independent(&converted));
    }

    #[test]
    fn pareto_is_bounded_ordered_and_never_nan(amounts in vec(wild(), 0..80), cuts in (0.01..1.0_f64, 0.0..1.0_f64)) {
        let cuts = Cuts::new(cuts.0, cuts.0 + (1.0 - cuts.0) * cuts.1).unwrap();
        let contributions: Vec<Contribution> =
            amounts.iter().enumerate().map(|(i, amount)| Contribution { id: i as u128, amount: *amount }).collect();
        let got = pareto::analyse(&contributions, cuts);
        let n = contributions.len();
        prop_assert!(got.total >= 0.0 && got.total.is_finite());
        prop_assert!((0.0..=1.0).contains(&got.top_20_percent_share));
        prop_assert!((0.0..=1.0).contains(&got.gini));
        prop_assert!(got.customers_for_80_percent <= n);
        prop_assert!((0.0..=1.0).contains(&got.customers_for_80_percent_share));
        let ranks: BTreeSet<usize> = got.standings.iter().map(|s| s.rank).collect();
        prop_assert!(ranks.into_iter().eq(1..=n));
        let mut by_rank = got.standings.clone();
        by_rank.sort_unstable_by_key(|s| s.rank);
        for pair in by_rank.windows(2) {
            prop_assert!(pair[0].share >= pair[1].share);
            prop_assert!(pair[0].cumulative_share <= pair[1].cumulative_share);
            prop_assert!(pair[0].grade <= pair[1].grade);
        }
        if got.total > 0.0 {
            prop_assert_eq!(by_rank[0].grade, Grade::A);
            prop_assert!((by_rank[n - 1].cumulative_share - 1.0).abs() < 1e-9);
            prop_assert!(got.top_20_percent_share >= 0.2 - 1e-9);
        }
        let curve = got.lorenz(10);
        prop_assert_eq!(curve.len(), 11);
        for (point, next) in curve.iter().zip(&curve[1..]) {
            prop_assert!(point.revenue <= next.revenue + 1e-9 && point.revenue <= point.customers + 1e-9);
        }
    }

    #[test]
    fn pareto_does_not_depend_on_order_or_currency(
        (given, shuffled) in with_shuffled(vec(0..500_u32, 1..80)),
        power in 1..10,
    ) {
        let of = |amounts: &[u32], rate: f64| {
            let contributions: Vec<Contribution> = amounts
                .iter()
                .enumerate()
                .map(|(i, amount)| Contribution { id: i as u128, amount: f64::from(*amount) * rate })
                .collect();
            pareto::analyse(&contributions, Cuts::default())
        };
        let (plain, other, converted) = (of(&given, 1.0), of(&shuffled, 1.0), of(&given, 2_f64.powi(power)));
        prop_assert_eq!(plain.gini, other.gini);
        prop_assert_eq!(plain.top_20_percent_share, other.top_20_percent_share);
        prop_assert_eq!(plain.customers_for_80_percent, other.customers_for_80_percent);
        prop_assert_eq!(plain.gini, converted.gini);
        prop_assert_eq!(plain.standings, converted.standings);
    }

    #[test]
    fn predictions_are_bounded_and_rise_with_time(model in model(), history in history(), weeks in 0.01..500.0_f64) {
        let p_alive = model.p_alive(&history);
        prop_assert!((0.0..=1.0).contains(&p_alive));
        if history.frequency == 0 {
            prop_assert_eq!(p_alive, 1.0);
        }
        let expected = model.expected_purchases(&history, weeks);
        let later = model.expected_purchases(&history, weeks * 1.5);
        prop_assert!(expected >= 0.0 && later.is_finite());
        prop_assert!(later >= expected * (1.0 - 1e-6), "{expected} {later}");
        let without_leaving =
            p_alive * (model.r() + f64::from(history.frequency)) / (model.alpha() + history.age_weeks) * weeks;
        prop_assert!(expected <= without_leaving * (1.0 + 1e-9));
        prop_assert_eq!(model.expected_purchases(&history, 0.0), 0.0);
    }

    #[test]
    fn a_longer_silence_never_makes_a_customer_more_alive(model in model(), history in history(), more in 0.1..100.0_f64) {
        let silent = History { age_weeks: history.age_weeks + more, ..history };
        prop_assert!(model.p_alive(&silent) <= model.p_alive(&history));
    }

    #[test]
    fn predictions_do_not_depend_on_the_unit_of_time(model in model(), history in history(), unit in 0.1..20.0_f64) {
        let other = BgNbd::new(model.r(), model.alpha() * unit, model.a(), model.b()).unwrap();
        let converted = History {
            recency_weeks: history.recency_weeks * unit,
            age_weeks: history.age_weeks * unit,
            ..history
        };
        let (here, there) =
            (model.expected_purchases(&history, 39.0), other.expected_purchases(&converted, 39.0 * unit));
        prop_assert!((here - there).abs() <= 1e-6 * here.abs() + 1e-12, "{here} {there}");
    }

    #[test]
    fn likelihood_of_impossible_histories_is_finite(
        rows in vec((0..50_u32, wild(), wild()), 0..20),
        model in model(),
    ) {
        let histories: Vec<History> = rows
            .into_iter()
            .map(|(frequency, recency_weeks, age_weeks)| History { frequency, recency_weeks, age_weeks })
            .collect();
        prop_assert!(model.log_likelihood(&histories).is_finite());
        for history in &histories {
            prop_assert!((0.0..=1.0).contains(&model.p_alive(history)));
            prop_assert!(model.expected_purchases(history, 52.0).is_finite());
        }
    }

    #[test]
    fn expected_spend_lies_between_population_and_customer(
        p in 0.1..50.0_f64, q in 1.01..50.0_f64, v in 0.01..1e4_f64, purchases in 1..500_u32, mean in 0.01..1e5_f64,
    ) {
        let model = GammaGamma::new(p, q, v).unwrap();
        let got = model.expected_spend(&Spend { purchases, mean });
        let (low, high) = (mean.min(model.mean_spend()), mean.max(model.mean_spend()));
        prop_assert!(got >= low * (1.0 - 1e-9) && got <= high * (1.0 + 1e-9));
    }

    #[test]
    fn rules_of_churn_are_bounded(p_alive in proptest::option::of(wild()), days in any::<i64>(), rhythm in proptest::option::of(wild()), threshold in wild()) {
        let got = churn::assess(&Evidence { p_alive, days_since_last: days, rhythm_days: rhythm }, threshold);
        prop_assert!((0.0..=1.0).contains(&got.risk));
    }

    #[test]
    fn rhythm_lies_within_the_gaps_whatever_their_order((given, shuffled) in with_shuffled(vec(0..3_000_i64, 0..40))) {
        prop_assert_eq!(churn::own_rhythm_days(&given), churn::own_rhythm_days(&shuffled));
        if let Some(rhythm) = churn::own_rhythm_days(&given) {
            let gaps = churn::interpurchase_days(&given);
            prop_assert!(rhythm >= gaps[0] as f64 && rhythm <= gaps[gaps.len() - 1] as f64);
        }
    }

    #[test]
    fn stage_agrees_with_purchases(qualified: bool, purchases in 0..20_u32, days_since_last in 0..1_000_i64, gap in proptest::option::of(0..1_000_i64), alert: bool) {
        let facts = Facts { qualified, purchases, days_since_last, last_gap_days: gap, alert };
        let stage = churn::stage(&facts, &Measures::default());
        prop_assert_eq!(purchases == 0, matches!(stage, Stage::Lead | Stage::Prospect));
        prop_assert_eq!(stage == Stage::Lost, purchases > 0 && days_since_last > 365);
    }

    #[test]
    fn survey_figures_lie_in_their_intervals(
        zero_to_ten in vec(0..=10_u8, 1..60), one_to_five in vec(1..=5_u8, 1..60), one_to_seven in vec(1..=7_u8, 1..60),
    ) {
        let holds = |e: &survey::Estimate, least: f64, most: f64| {
            least <= e.low && e.low <= e.value && e.value <= e.high && e.high <= most && e.low < e.high
        };
        let nps = survey::nps(&zero_to_ten).unwrap();
        prop_assert_eq!(nps.promoters + nps.passives + nps.detractors, zero_to_ten.len());
        prop_assert!(holds(&nps.score.unwrap(), -100.0, 100.0));
        prop_assert!(holds(&survey::csat(&one_to_five).unwrap().unwrap(), 0.0, 1.0));
        let ces = survey::ces(&one_to_seven).unwrap().unwrap();
        prop_assert!(holds(&ces.mean, 1.0, 7.0) && holds(&ces.agreeing, 0.0, 1.0));
        let mut reversed = one_to_seven.clone();
        reversed.reverse();
        prop_assert_eq!(survey::ces(&reversed).unwrap(), Some(ces));
    }

    #[test]
    fn more_answers_narrow_the_interval(hits in 0..50_usize, misses in 0..50_usize) {
        prop_assume!(hits + misses > 0);
        let width = |times: usize| {
            let estimate = survey::share(hits * times, (hits + misses) * times).unwrap();
            estimate.high - estimate.low
        };
        prop_assert!(width(4) < width(1));
    }
}

proptest! {
    // Each case fits models, so fewer of them.
    #![proptest_config(cases(Some(48)))]

    #[test]
    fn counted_histories_are_fitted_as_each_one_is(customers in vec((customer(), 1..4_u32), 2..60)) {
        let each: Vec<Customer> = customers.iter().flat_map(|(c, n)| (0..*n).map(|_| *c)).collect();
        let one_by_one = Model::fit(&each);
        let histories = customers.iter().map(|(c, n)| (c.history, *n));
        let counted = Model::fit_counted(histories, each.iter().map(|c| c.spend), 0.0);
        prop_assert_eq!(&counted.gamma_gamma, &one_by_one.gamma_gamma);
        prop_assert_eq!(counted.frequency_spend_correlation, one_by_one.frequency_spend_correlation);
        prop_assert_eq!(counted.bg_nbd.basis, one_by_one.bg_nbd.basis);
        prop_assert_eq!((counted.bg_nbd.customers, counted.bg_nbd.repeaters), (one_by_one.bg_nbd.customers, one_by_one.bg_nbd.repeaters));
        let (l, r) = (counted.bg_nbd.log_likelihood, one_by_one.bg_nbd.log_likelihood);
        prop_assert!((l - r).abs() < 1e-5 * (1.0 + r.abs()), "{l} {r}");
    }

    #[test]
    fn a_fit_does_not_depend_on_the_order((given, shuffled) in with_shuffled(vec(customer(), 0..60))) {
        prop_assert_eq!(Model::fit(&given), Model::fit(&shuffled));
    }

    #[test]
    fn a_fit_does_not_depend_on_the_units(customers in vec(customer(), 2..60)) {
        let converted: Vec<Customer> = customers
            .iter()
            .map(|c| Customer {
                history: History {
                    recency_weeks: c.history.recency_weeks * 7.0,
                    age_weeks: c.history.age_weeks * 7.0,
                    ..c.history
                },
                spend: Spend { mean: c.spend.mean * 7.3, ..c.spend },
            })
            .collect();
        let histories = |customers: &[Customer]| customers.iter().map(|c| c.history).collect::<Vec<_>>();
        let spends = |customers: &[Customer]| customers.iter().map(|c| c.spend).collect::<Vec<_>>();
        let near = |l: f64, r: f64| (l / r - 1.0).abs() < 1e-3;
        match (bg_nbd::fit(&histories(&customers)), bg_nbd::fit(&histories(&converted))) {
            (Ok(weeks), Ok(days)) => {
                prop_assert!(near(weeks.model.r(), days.model.r()), "{weeks:?} {days:?}");
                prop_assert!(near(weeks.model.alpha() * 7.0, days.model.alpha()), "{weeks:?} {days:?}");
            }
            (l, r) => prop_assert_eq!(l.err(), r.err()),
        }
        match (gamma_gamma::fit(&spends(&customers)), gamma_gamma::fit(&spends(&converted))) {
            (Ok(one), Ok(other)) => {
                prop_assert!(near(one.model.mean_spend() * 7.3, other.model.mean_spend()), "{one:?} {other:?}");
            }
            (l, r) => prop_assert_eq!(l.err(), r.err()),
        }
    }

    #[test]
    fn values_are_finite_for_any_customers(
        rows in vec((0..40_u32, wild(), wild(), wild()), 0..30),
        margin_rate in wild(), discount_rate in wild(), standard_errors in wild(),
    ) {
        let customers: Vec<Customer> = rows
            .into_iter()
            .map(|(frequency, recency_weeks, age_weeks, mean)| Customer {
                history: History { frequency, recency_weeks, age_weeks: age_weeks.abs().min(5_000.0) },
                spend: Spend { purchases: frequency, mean: mean.clamp(-1e9, 1e9) },
            })
            .collect();
        let model = Model::fit(&customers);
        let assumptions = Assumptions { margin_rate: margin_rate.clamp(-2.0, 2.0), discount_rate, standard_errors };
        for customer in &customers {
            let value = model.value(customer, &assumptions);
            prop_assert!((0.0..=1.0).contains(&value.p_alive));
            prop_assert!(value.clv >= 0.0 && value.clv.is_finite(), "{value:?}");
            prop_assert!(value.interval.0 >= 0.0 && value.interval.1.is_finite(), "{value:?}");
            prop_assert!(value.interval.0 <= value.clv && value.clv <= value.interval.1, "{value:?}");
            prop_assert!(value.expected_purchases.is_finite() && value.expected_spend.is_finite());
        }
    }
}

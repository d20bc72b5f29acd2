//! All customers at once: the rank of each, and one model.
//!
//! Exact, not approximate: nested fifths and shares of revenue need everybody in one place. A million customers take
//! about a hundred megabytes.

use jiff::Timestamp;
use rapport_analytics::lifetime_value;
use rapport_analytics::pareto::{self, Contribution, Cuts, Grade};
use rapport_analytics::rfm::{self, Figures, Scores};
use rapport_domain::score::Concentration;
use rapport_domain::settings::ScoringSettings;
use rapport_domain::{Currency, RecordId};

use crate::customer::{Customer, float, major};
use crate::gaps::Gaps;
use crate::model::{Model, Part, Segment, round};

/// Where one customer stands among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranks {
    /// Recency, frequency and monetary value, each 1 to 5.
    pub scores: Scores,
    /// The grade by share of revenue.
    pub grade: Grade,
    /// Among the top so many hundredths of customers by revenue, 1 to 100.
    pub share: u8,
}

impl Ranks {
    /// Bytes a customer takes.
    pub const BYTES: usize = 5;

    /// As bytes.
    #[must_use]
    pub fn encode(self) -> [u8; Self::BYTES] {
        let Self {
            scores: Scores { r, f, m },
            grade,
            share,
        } = self;
        [r, f, m, grade.key().as_bytes().first().copied().unwrap_or(b'C'), share]
    }

    /// From bytes. `None` when they are no ranks.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let [r, f, m, grade, share] = *bytes else { return None };
        let grade = [Grade::A, Grade::B, Grade::C]
            .into_iter()
            .find(|known| known.key().as_bytes() == [grade])?;
        [r, f, m].iter().all(|fifth| (1..=5).contains(fifth)).then_some(Self {
            scores: Scores { r, f, m },
            grade,
            share,
        })
    }
}

/// The ranks of a customer in a chunk of pairs of id and ranks. `None` when the customer is not in it.
#[must_use]
pub fn find(chunk: &[u8], contact: RecordId) -> Option<Ranks> {
    chunk
        .chunks_exact(16 + Ranks::BYTES)
        .find(|pair| pair[..16] == contact.as_u128().to_le_bytes())
        .and_then(|pair| Ranks::decode(&pair[16..]))
}

/// Ranks all customers and fits both models. The ranks come in the order of the customers.
#[must_use]
pub fn reduce(
    customers: &[Customer],
    gaps: &Gaps,
    as_of: i32,
    currency: Currency,
    scoring: &ScoringSettings,
    scored_at: Timestamp,
) -> (Vec<Ranks>, Model) {
    let figures: Vec<Figures> = customers
        .iter()
        .map(|customer| Figures {
            id: customer.id.as_u128(),
            recency_days: customer.recency(as_of),
            frequency: customer.frequency,
            monetary: float(customer.monetary, currency),
        })
        .collect();
    let scores = rfm::nested(&figures);
    let contributions: Vec<Contribution> = figures
        .iter()
        .map(|figures| Contribution {
            id: figures.id,
            amount: figures.monetary,
        })
        .collect();
    drop(figures);
    let (a, b) = scoring.pareto_cuts;
    let pareto = pareto::analyse(&contributions, Cuts::new(a, b).unwrap_or_default());
    drop(contributions);
    let ranks: Vec<Ranks> = scores
        .into_iter()
        .zip(&pareto.standings)
        .map(|(scores, standing)| Ranks {
            scores,
            grade: standing.grade,
            share: hundredths(standing.share_rank),
        })
        .collect();
    let segments = rfm::Segment::ALL
        .iter()
        .filter_map(|segment| {
            let members = ranks
                .iter()
                .zip(customers)
                .filter(|(ranks, _)| ranks.scores.segment() == *segment);
            let (count, revenue) = members.fold((0_u64, 0_i128), |(count, revenue), (_, customer)| {
                (count + 1, revenue + i128::from(customer.monetary))
            });
            (count > 0).then(|| Segment {
                key: segment.key().to_owned(),
                members: count,
                revenue: major(i64::try_from(revenue).unwrap_or(i64::MAX), currency),
            })
        })
        .collect();
    let for_models: Vec<lifetime_value::Customer> = customers
        .iter()
        .map(|customer| customer.for_models(as_of, currency))
        .collect();
    let first_purchases: f64 = customers
        .iter()
        .map(|customer| float(customer.monetary.saturating_sub(customer.repeated), currency))
        .sum();
    let typical = first_purchases / customers.len().max(1) as f64;
    let fitted = lifetime_value::Model::fit_with_typical_spend(&for_models, typical);
    let model = Model {
        as_of,
        scored_at,
        currency,
        customers: customers.len() as u64,
        bg_nbd: Part::of_purchases(&fitted.bg_nbd),
        repeaters: fitted.bg_nbd.repeaters as u64,
        gamma_gamma: Part::of_spend(&fitted.gamma_gamma),
        correlation: fitted.frequency_spend_correlation,
        concentration: Concentration {
            top_20_percent_share: round(pareto.top_20_percent_share, 4),
            customers_for_80_percent: round(pareto.customers_for_80_percent_share, 4),
            gini: round(pareto.gini, 4),
        },
        common_rhythm: gaps.rhythm(),
        scoring: scoring.clone(),
        segments,
    };
    (ranks, model)
}

fn hundredths(share_rank: f64) -> u8 {
    // A millionth less, so that 0.05 computed a little above is still the top 5 %.
    ((share_rank * 100.0 - 1e-6).ceil() as u8).clamp(1, 100)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::Prefix;
    use rapport_domain::settings::Settings;

    fn customers(n: u32) -> Vec<Customer> {
        (0..n)
            .map(|i| Customer {
                id: RecordId::from_u128(Prefix::Contact, u128::from(i) + 1),
                first: 100,
                last: 100 + (i * 37 % 200) as i32,
                frequency: 1 + i % 6,
                monetary: i64::from(1_000 + i * 7_919 % 30_000),
                repeats: i % 6,
                repeated: i64::from(i % 6) * i64::from(500 + i * 7_919 % 3_000),
                rhythm: None,
                usual: None,
                last_gap: None,
                margin_rate: 0.3,
            })
            .collect()
    }

    fn run(customers: &[Customer]) -> (Vec<Ranks>, Model) {
        let scoring = Settings::default().scoring;
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        reduce(customers, &Gaps::default(), 400, "USD".parse().unwrap(), &scoring, now)
    }

    #[test]
    fn everybody_is_ranked_and_totals_agree() {
        for n in [0, 1, 2, 5, 125, 700] {
            let customers = customers(n);
            let (ranks, model) = run(&customers);
            assert_eq!(ranks.len(), n as usize);
            assert_eq!(model.customers, u64::from(n));
            assert_eq!(model.segments.iter().map(|s| s.members).sum::<u64>(), u64::from(n));
            let revenue: i64 = customers.iter().map(|c| c.monetary).sum();
            assert_eq!(
                model.segments.iter().map(|s| s.revenue).sum::<rust_decimal::Decimal>(),
                major(revenue, "USD".parse().unwrap())
            );
            for ranks in ranks {
                assert_eq!(Ranks::decode(&ranks.encode()), Some(ranks));
            }
            let json = serde_json::to_string(&model).unwrap();
            assert!(!json.contains("NaN") && !json.contains("null,null"), "{json}");
            let back: Model = serde_json::from_str(&json).unwrap();
            let (revived, original) = (back.revive().unwrap(), model.revive().unwrap());
            assert_eq!(revived.bg_nbd.basis, original.bg_nbd.basis, "{n}");
            assert!((revived.bg_nbd.model.r() - original.bg_nbd.model.r()).abs() < 1e-12);
        }
    }

    #[test]
    fn the_order_of_the_input_does_not_matter() {
        let mut customers = customers(300);
        let (ranks, model) = run(&customers);
        customers.reverse();
        let (mut reversed, same) = run(&customers);
        reversed.reverse();
        assert_eq!(ranks, reversed);
        assert_eq!(model.segments, same.segments);
        assert_eq!(model.answer().pareto, same.answer().pareto);
    }

    #[test]
    fn shares_are_whole_hundredths() {
        for (share, expected) in [
            (0.0001, 1),
            (0.01, 1),
            (0.0100001, 2),
            (0.05, 5),
            (0.999, 100),
            (1.0, 100),
        ] {
            assert_eq!(hundredths(share), expected, "{share}");
        }
        assert_eq!(Ranks::decode(&[0, 1, 1, b'A', 1]), None);
        assert_eq!(Ranks::decode(&[5, 5, 5, b'D', 1]), None);
        assert_eq!(Ranks::decode(&[5, 5]), None);
    }
}

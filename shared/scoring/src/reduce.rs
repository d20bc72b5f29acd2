//! All customers at once: the rank of each, and one model.
//!
//! Exact, not approximate: nested fifths and shares of revenue need everybody in one place. There everybody takes 32 bytes
//! ([`columns`](crate::columns)), while pages come and go one by one.

use jiff::Timestamp;
use rapport_analytics::bg_nbd::History;
use rapport_analytics::lifetime_value;
use rapport_analytics::pareto::{self, Cuts, Grade};
use rapport_analytics::rfm::{self, Scores};
use rapport_domain::score::Concentration;
use rapport_domain::settings::ScoringSettings;
use rapport_domain::{Currency, RecordId};

use crate::columns::Row;
use crate::customer::{Customer, Page, float, history, major};
use crate::gaps::Gaps;
use crate::model::{Model, Part, Segment, round};
use crate::population::{Count, LORENZ_STEPS, Population};

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

/// Ranks customers, who come in the order of their ids, and fits both models. The ranks come in their order. Where there are
/// many, a [`Reducer`] takes them page by page.
#[must_use]
pub fn reduce(
    customers: &[Customer],
    gaps: &Gaps,
    as_of: i32,
    currency: Currency,
    scoring: &ScoringSettings,
    scored_at: Timestamp,
) -> (Vec<Ranks>, Model) {
    let mut reducer = Reducer::new(as_of, currency, scoring.clone());
    customers.iter().for_each(|customer| reducer.take(customer));
    reducer.gaps.add(gaps);
    reducer.finish(scored_at)
}

/// Takes pages of customers and ranks everybody at the end.
#[derive(Debug)]
pub struct Reducer {
    as_of: i32,
    currency: Currency,
    scoring: ScoringSettings,
    rows: Vec<Row>,
    gaps: Gaps,
}

impl Reducer {
    /// A reducer of nobody yet, for the end of a day.
    #[must_use]
    pub const fn new(as_of: i32, currency: Currency, scoring: ScoringSettings) -> Self {
        Self {
            as_of,
            currency,
            scoring,
            rows: Vec::new(),
            gaps: Gaps::new(),
        }
    }

    /// Takes the next page. Pages come in the order of their ids, which breaks ties: of equal customers the earlier ranks
    /// better.
    pub fn add(&mut self, page: &Page) {
        self.rows.reserve(page.customers.len());
        page.customers.iter().for_each(|customer| self.take(customer));
        self.gaps.add(&page.gaps);
    }

    fn take(&mut self, customer: &Customer) {
        self.rows.push(Row::new(customer, self.scoring.lost_after_days));
    }

    /// Customers taken so far.
    #[must_use]
    pub const fn customers(&self) -> usize {
        self.rows.len()
    }

    /// The ranks of all customers, in the order in which they came, and the model.
    #[must_use]
    pub fn finish(self, scored_at: Timestamp) -> (Vec<Ranks>, Model) {
        let mut ranks = self.by_recency_frequency_and_monetary_value();
        let (concentration, lorenz) = self.by_revenue(&mut ranks);
        let fitted = self.fit();
        let mut model = Model {
            as_of: self.as_of,
            scored_at,
            currency: self.currency,
            customers: self.rows.len() as u64,
            bg_nbd: Part::of_purchases(&fitted.bg_nbd),
            repeaters: fitted.bg_nbd.repeaters as u64,
            gamma_gamma: Part::of_spend(&fitted.gamma_gamma),
            correlation: fitted.frequency_spend_correlation,
            concentration,
            common_rhythm: self.gaps.rhythm(),
            scoring: self.scoring.clone(),
            segments: self.segments(&ranks),
            population: Population::default(),
        };
        let customers = self.rows.iter().map(Row::customer).zip(&ranks);
        model.population = Population::of(customers, &model, lorenz);
        (ranks, model)
    }

    fn row(&self, position: u32) -> &Row {
        &self.rows[position as usize]
    }

    /// The ranks with the scores in them; grade and share are those of the last customer.
    fn by_recency_frequency_and_monetary_value(&self) -> Vec<Ranks> {
        let scores = rfm::nested_by_position(
            self.rows.len(),
            |i| self.row(i).recency(self.as_of),
            |i| self.row(i).frequency(),
            |i| self.row(i).monetary,
        );
        let last = |scores| Ranks {
            scores,
            grade: Grade::C,
            share: 100,
        };
        scores.into_iter().map(last).collect()
    }

    /// Puts grade and share into the ranks.
    fn by_revenue(&self, ranks: &mut [Ranks]) -> (Concentration, Vec<f64>) {
        let (a, b) = self.scoring.pareto_cuts;
        let pareto = pareto::analyse_by_position(
            self.rows.len(),
            |i| float(self.row(i).monetary, self.currency),
            Cuts::new(a, b).unwrap_or_default(),
            |i, standing| {
                let ranks = &mut ranks[i as usize];
                ranks.grade = standing.grade;
                ranks.share = hundredths(standing.share_rank);
            },
        );
        let concentration = Concentration {
            top_20_percent_share: round(pareto.top_20_percent_share, 4),
            customers_for_80_percent: round(pareto.customers_for_80_percent_share, 4),
            gini: round(pareto.gini, 4),
        };
        let lorenz = pareto.lorenz(LORENZ_STEPS);
        (
            concentration,
            lorenz.iter().map(|point| round(point.revenue, 4)).collect(),
        )
    }

    fn segments(&self, ranks: &[Ranks]) -> Vec<Segment> {
        let mut counts = [Count::default(); rfm::Segment::ALL.len()];
        for (row, ranks) in self.rows.iter().zip(ranks) {
            counts[ranks.scores.segment() as usize].add(row.monetary);
        }
        let members = rfm::Segment::ALL
            .iter()
            .zip(counts)
            .filter(|(_, count)| count.customers > 0);
        let segment = |(segment, count): (&rfm::Segment, Count)| Segment {
            key: segment.key().to_owned(),
            members: count.customers,
            revenue: major(count.revenue(), self.currency),
        };
        members.map(segment).collect()
    }

    fn fit(&self) -> lifetime_value::Model {
        let histories = self.histories();
        let spends = self.rows.iter().map(|row| {
            let customer = row.customer().for_models(self.as_of, self.currency);
            customer.spend
        });
        let first_purchases: f64 = self
            .rows
            .iter()
            .map(|row| float(row.first_amount(), self.currency))
            .sum();
        let typical = first_purchases / self.rows.len().max(1) as f64;
        let weeks = |([repeats, to_last, to_day], customers): &([u32; 3], u32)| -> (History, u32) {
            (history(*repeats, i64::from(*to_last), i64::from(*to_day)), *customers)
        };
        lifetime_value::Model::fit_counted(histories.iter().map(weeks), spends, typical)
    }

    /// The distinct histories, rising: repeat purchases, days from the first to the last one and to the day looked at, and
    /// the customers that have them.
    fn histories(&self) -> Vec<([u32; 3], u32)> {
        let mut each: Vec<[u32; 3]> = self.rows.iter().map(|row| row.history(self.as_of)).collect();
        each.sort_unstable();
        let alike = || each.chunk_by(|l, r| l == r);
        let mut counted = Vec::with_capacity(alike().count());
        counted.extend(alike().map(|same| (same[0], same.len() as u32)));
        counted
    }
}

fn hundredths(share_rank: f64) -> u8 {
    // A millionth less, so that 0.05 computed a little above is still the top 5 %.
    ((share_rank * 100.0 - 1e-6).ceil() as u8).clamp(1, 100)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::population::Group;
    use rapport_analytics::pareto::Contribution;
    use rapport_analytics::rfm::Figures;
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
            let population = &model.population;
            let of = |groups: &[Group]| groups.iter().map(|group| group.customers).sum::<u64>();
            assert_eq!(
                (of(&population.grades), of(&population.lifecycle)),
                (u64::from(n), u64::from(n))
            );
            let started: u64 = population.started.iter().map(|month| month.customers).sum();
            assert_eq!((started, population.lorenz.len()), (u64::from(n), LORENZ_STEPS + 1));
            let json = serde_json::to_string(&model).unwrap();
            assert!(!json.contains("NaN") && !json.contains("null,null"), "{json}");
            let back: Model = serde_json::from_str(&json).unwrap();
            let (revived, original) = (back.revive().unwrap(), model.revive().unwrap());
            assert_eq!(revived.bg_nbd.basis, original.bg_nbd.basis, "{n}");
            assert!((revived.bg_nbd.model.r() - original.bg_nbd.model.r()).abs() < 1e-12);
        }
    }

    #[test]
    fn compact_rows_give_what_whole_customers_give() {
        let usd: Currency = "USD".parse().unwrap();
        for n in [1, 2, 9, 126, 800] {
            let customers = customers(n);
            let (ranks, model) = run(&customers);
            let figures: Vec<Figures> = customers
                .iter()
                .map(|customer| Figures {
                    id: customer.id.as_u128(),
                    recency_days: customer.recency(400),
                    frequency: customer.frequency,
                    monetary: float(customer.monetary, usd),
                })
                .collect();
            let contributions: Vec<Contribution> = figures
                .iter()
                .map(|figures| Contribution {
                    id: figures.id,
                    amount: figures.monetary,
                })
                .collect();
            let pareto = pareto::analyse(&contributions, Cuts::default());
            let expected: Vec<Ranks> = rfm::nested(&figures)
                .into_iter()
                .zip(&pareto.standings)
                .map(|(scores, standing)| Ranks {
                    scores,
                    grade: standing.grade,
                    share: hundredths(standing.share_rank),
                })
                .collect();
            assert_eq!(ranks, expected, "{n}");
            let each: Vec<lifetime_value::Customer> = customers.iter().map(|c| c.for_models(400, usd)).collect();
            let typical = customers
                .iter()
                .map(|c| float(c.monetary - c.repeated, usd))
                .sum::<f64>()
                / f64::from(n);
            let fitted = lifetime_value::Model::fit_with_typical_spend(&each, typical);
            let revived = model.revive().unwrap();
            assert_eq!(revived.bg_nbd.basis, fitted.bg_nbd.basis, "{n}");
            for (got, expected) in [
                (revived.bg_nbd.log_likelihood, fitted.bg_nbd.log_likelihood),
                (revived.bg_nbd.model.alpha(), fitted.bg_nbd.model.alpha()),
                (
                    revived.gamma_gamma.model.mean_spend(),
                    fitted.gamma_gamma.model.mean_spend(),
                ),
            ] {
                assert!((got - expected).abs() <= 1e-4 * expected.abs(), "{n}: {got} {expected}");
            }
        }
    }

    #[test]
    fn pages_add_up_and_ties_go_to_the_earlier() {
        let mut customers = customers(500);
        for customer in &mut customers[100..300] {
            (customer.last, customer.frequency, customer.monetary) = (250, 3, 7_777);
        }
        let scoring = Settings::default().scoring;
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut reducer = Reducer::new(400, "USD".parse().unwrap(), scoring);
        for page in customers.chunks(77) {
            let page = Page {
                customers: page.to_vec(),
                gaps: Gaps::default(),
            };
            reducer.add(&Page::decode(&page.encode()).unwrap());
        }
        assert_eq!(reducer.customers(), 500);
        let (ranks, model) = reducer.finish(now);
        assert_eq!((ranks.clone(), model), run(&customers));
        let tied: Vec<u8> = ranks[100..300].iter().map(|ranks| ranks.share).collect();
        assert!(tied.is_sorted() && tied.first() < tied.last(), "{tied:?}");
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

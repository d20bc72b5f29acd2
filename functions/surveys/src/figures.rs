//! What counts amount to: the survey's figure with its interval, by the metric.

use std::collections::BTreeMap;

use rapport_analytics::survey as statistics;
use rapport_analytics::survey::Estimate;
use rapport_analytics::survey_sums::mean_of_sums;
use rapport_domain::survey::{DIMENSIONS, FULL_SIZES, Group, Metric, Moments, ServqualSums};
use serde::Serialize;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyFigure)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// What it rests on.
    pub n: usize,
}

impl From<Estimate> for Figure {
    fn from(Estimate { value, low, high, n }: Estimate) -> Self {
        // Four decimals are more than any survey knows.
        let round = |value: f64| (value * 10_000.0).round() / 10_000.0;
        Self {
            value: round(value),
            low: round(low),
            high: round(high),
            n,
        }
    }
}

/// The net promoter score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyNps)]
pub struct Nps {
    /// Scores of 9 and 10.
    pub promoters: usize,
    /// Scores of 7 and 8.
    pub passives: usize,
    /// Scores of 0 to 6.
    pub detractors: usize,
    /// Percentage of promoters less that of detractors, −100 to 100.
    pub score: Figure,
}

/// The customer effort score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyCes)]
pub struct Ces {
    /// Mean agreement, 1 to 7.
    pub mean: Figure,
    /// The share that agrees, 5 to 7.
    pub agreeing: Figure,
}

/// One dimension of SERVQUAL. The short form knows perceptions alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyDimension)]
pub struct Dimension {
    /// What a good firm is expected to do, 1 to 7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expectation: Option<Figure>,
    /// What was perceived, 1 to 7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perception: Option<Figure>,
    /// Perceived less expected, −6 to 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<Figure>,
    /// Points of 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Figure>,
    /// The mean of each respondent's gap times his points of 100, −6 to 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighted_gap: Option<Figure>,
}

/// The quality of service.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyServqual)]
pub struct Servqual {
    /// Tangibles, reliability, responsiveness, assurance and empathy.
    #[schema(value_type = BTreeMap<String, Dimension>)]
    pub dimensions: BTreeMap<&'static str, Dimension>,
    /// The mean perception of the five dimensions, 1 to 7, in the short form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perception: Option<Figure>,
    /// The mean gap of the five dimensions, −6 to 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<Figure>,
    /// The gap weighted by each respondent's points, −6 to 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighted_gap: Option<Figure>,
}

/// What the answers of a group amount to. Figures without answers are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyAmounts)]
pub struct Amounts {
    /// Invitations that were due.
    pub invitations: u64,
    /// Those that wait for their time.
    pub pending: u64,
    /// Those that were not sent after all.
    pub skipped: u64,
    /// Those that were mailed.
    pub sent: u64,
    /// Those of the mailed that were answered, whenever that was, as a share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_rate: Option<Figure>,
    /// Answers, by the day of the answer.
    pub answered: u64,
    /// How often each score was given.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub distribution: BTreeMap<u8, u64>,
    /// The survey's one figure: the share of 4 and 5 (CSAT), the NPS, the mean (CES, tolerance of faults), the weighted gap
    /// (SERVQUAL), or the mean perception (its short form).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Figure>,
    /// The share of 4 and 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csat: Option<Figure>,
    /// The net promoter score and its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nps: Option<Nps>,
    /// The customer effort score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ces: Option<Ces>,
    /// The quality of service by dimension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servqual: Option<Servqual>,
    /// The mean tolerance of faults, 1 to 7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault_tolerance: Option<Figure>,
    /// How often each answer was given to the survey's own scales and choices.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What a group amounts to, and its one figure before it is rounded.
pub fn amount(metric: Metric, group: &Group) -> (Amounts, Option<Estimate>) {
    let (lowest, highest) = metric.scale();
    let mut amounts = Amounts {
        invitations: group.invitations,
        pending: group.pending,
        skipped: group.skipped,
        sent: group.sent,
        response_rate: statistics::share(size(group.replied), size(group.sent)).map(Figure::from),
        answered: group.answers(),
        items: group.items.clone(),
        distribution: (lowest..=highest).map(|score| (score, 0)).collect(),
        ..Amounts::default()
    };
    amounts.distribution.extend(&group.scores);
    let score = match metric {
        Metric::Csat => {
            let csat = share_from(group, 4);
            amounts.csat = csat.map(Figure::from);
            csat
        }
        Metric::Nps => {
            let (promoters, upper) = (from(group, 9), from(group, 7));
            let passives = upper - promoters;
            let detractors = size(group.answers()) - upper;
            let nps = statistics::nps_of_counts(promoters, passives, detractors).score;
            amounts.nps = nps.map(|score| Nps {
                promoters,
                passives,
                detractors,
                score: score.into(),
            });
            nps
        }
        Metric::Ces => {
            let mean = mean_score(metric, group);
            amounts.ces = mean.zip(share_from(group, 5)).map(|(mean, agreeing)| Ces {
                mean: mean.into(),
                agreeing: agreeing.into(),
            });
            mean
        }
        Metric::FaultTolerance => {
            let mean = mean_score(metric, group);
            amounts.fault_tolerance = mean.map(Figure::from);
            mean
        }
        Metric::Servqual | Metric::ServqualShort => group.servqual.as_ref().and_then(|sums| {
            let (servqual, score) = quality(metric == Metric::Servqual, sums);
            amounts.servqual = Some(servqual);
            score
        }),
    };
    amounts.score = score.map(Figure::from);
    (amounts, score)
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// How many scores are at least so high.
fn from(group: &Group, least: u8) -> usize {
    size(group.scores.range(least..).map(|(_, count)| count).sum())
}

fn share_from(group: &Group, least: u8) -> Option<Estimate> {
    statistics::share(from(group, least), size(group.answers()))
}

fn mean_score(metric: Metric, group: &Group) -> Option<Estimate> {
    let (lowest, highest) = metric.scale();
    let (mut sum, mut squares) = (0_i64, 0_i64);
    for (score, count) in &group.scores {
        let (score, count) = (i64::from(*score), i64::try_from(*count).unwrap_or(i64::MAX));
        sum = sum.saturating_add(score.saturating_mul(count));
        squares = squares.saturating_add((score * score).saturating_mul(count));
    }
    mean_of_sums(group.answers(), sum, squares, 1.0, lowest.into(), highest.into())
}

fn quality(full: bool, sums: &ServqualSums) -> (Servqual, Option<Estimate>) {
    let mean = |Moments(sum, squares): Moments, unit: f64, lowest, highest| {
        mean_of_sums(sums.n, sum, squares, unit, lowest, highest)
    };
    let figure = |moments, unit, lowest, highest| mean(moments, unit, lowest, highest).map(Figure::from);
    let dimensions = DIMENSIONS.iter().zip(FULL_SIZES).zip(&sums.dimensions);
    let dimensions = dimensions.map(|((key, size), sums)| {
        let size = if full { size as f64 } else { 1.0 };
        let dimension = Dimension {
            expectation: figure(sums.expected, size, 1.0, 7.0).filter(|_| full),
            perception: figure(sums.perceived, size, 1.0, 7.0),
            gap: figure(sums.gap, size, -6.0, 6.0).filter(|_| full),
            weight: figure(sums.points, 1.0, 0.0, 100.0).filter(|_| full),
            weighted_gap: figure(sums.weighted, 100.0 * size, -6.0, 6.0).filter(|_| full),
        };
        (*key, dimension)
    });
    // The sums over the dimensions are of gaps times 20, and times points of 100 where they are weighted.
    let weighted = mean(sums.weighted, 2_000.0, -6.0, 6.0).filter(|_| full);
    let perception = mean(sums.overall, 5.0, 1.0, 7.0).filter(|_| !full);
    let servqual = Servqual {
        dimensions: dimensions.collect(),
        perception: perception.map(Figure::from),
        gap: figure(sums.overall, 100.0, -6.0, 6.0).filter(|_| full),
        weighted_gap: weighted.map(Figure::from),
    };
    (servqual, weighted.or(perception))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::survey::{Grouping, Ratings, Tally, count};

    fn of(metric: Metric, scores: &[u8]) -> Amounts {
        let mut group = Group {
            sent: 10,
            replied: scores.len() as u64,
            ..Group::default()
        };
        for score in scores {
            *group.scores.entry(*score).or_default() += 1;
        }
        amount(metric, &group).0
    }

    #[test]
    fn each_metric_gives_its_own_figure() {
        let csat = of(Metric::Csat, &[5, 4, 3, 1]);
        assert_eq!((csat.csat.unwrap().value, csat.csat.unwrap().n), (0.5, 4));
        assert_eq!((csat.response_rate.unwrap().value, csat.answered), (0.4, 4));
        assert_eq!(
            csat.distribution,
            BTreeMap::from([(1, 1), (2, 0), (3, 1), (4, 1), (5, 1)])
        );
        assert!(csat.nps.is_none() && csat.ces.is_none());
        let nps = of(Metric::Nps, &[10, 9, 8, 0]).nps.unwrap();
        assert_eq!(
            (nps.promoters, nps.passives, nps.detractors, nps.score.value),
            (2, 1, 1, 25.0)
        );
        let ces = of(Metric::Ces, &[7, 5, 3]).ces.unwrap();
        assert_eq!((ces.mean.value, ces.agreeing.value), (5.0, 0.6667));
        let tolerance = of(Metric::FaultTolerance, &[1, 2, 6]).fault_tolerance.unwrap();
        assert_eq!(tolerance.value, 3.0);
        for figure in [csat.csat.unwrap(), nps.score, ces.mean, ces.agreeing, tolerance] {
            assert!(figure.low < figure.value && figure.value < figure.high, "{figure:?}");
        }
        for metric in Metric::ALL {
            let none = of(metric, &[]);
            assert_eq!(
                (none.score, none.servqual, none.answered),
                (None, None, 0),
                "{metric:?}"
            );
        }
    }

    #[test]
    fn sums_of_dimensions_give_what_the_answers_give() {
        // The same respondents twice: by their answers, and by the sums of days.
        let answers: Vec<([u8; 22], [u8; 22], [i64; 5])> = (0..12_u8)
            .map(|n| {
                let expected = std::array::from_fn(|item| 5 + u8::try_from((usize::from(n) + item) % 3).unwrap());
                let perceived = std::array::from_fn(|item| 2 + u8::try_from((usize::from(n) * 7 + item) % 5).unwrap());
                let first = 10 + i64::from(n);
                (expected, perceived, [first, 30, 20, 20, 30 - first])
            })
            .collect();
        let forms: Vec<_> = answers
            .iter()
            .map(|(e, p, w)| statistics::ServqualAnswer::full(*e, *p, Some(w.map(|points| points as f64))).unwrap())
            .collect();
        let expected = statistics::servqual(&forms).unwrap();
        let sums = |items: &[u8; 22]| -> [i64; 5] {
            std::array::from_fn(|n| {
                let first: usize = FULL_SIZES[..n].iter().sum();
                items[first..first + FULL_SIZES[n]]
                    .iter()
                    .map(|item| i64::from(*item))
                    .sum()
            })
        };
        let tallies: Vec<Tally> = answers
            .iter()
            .map(|(e, p, w)| Tally {
                score: Some(4),
                ratings: Some(Ratings {
                    expected: Some(sums(e)),
                    perceived: sums(p),
                    points: Some(*w),
                }),
                ..Tally::default()
            })
            .collect();
        let mut group = Group::default();
        for part in tallies.chunks(5) {
            group.merge(&count(part, Grouping::All)["all"]);
        }
        let (amounts, score) = amount(Metric::Servqual, &group);
        let servqual = amounts.servqual.unwrap();
        assert_eq!(servqual.weighted_gap.unwrap(), Figure::from(expected.weighted));
        assert_eq!(servqual.gap.unwrap(), Figure::from(expected.overall));
        assert!((score.unwrap().value - expected.weighted.value).abs() < 1e-9);
        for (key, gap) in DIMENSIONS.iter().zip(expected.gaps) {
            let dimension = servqual.dimensions[key];
            assert_eq!(dimension.gap.unwrap(), Figure::from(gap), "{key}");
            let rest = dimension.perception.unwrap().value - dimension.expectation.unwrap().value - gap.value;
            assert!(rest.abs() < 2e-4, "{key}");
        }
        let weights: f64 = servqual.dimensions.values().map(|it| it.weight.unwrap().value).sum();
        let parts: f64 = servqual
            .dimensions
            .values()
            .map(|it| it.weighted_gap.unwrap().value)
            .sum();
        assert!((weights - 100.0).abs() < 1e-3 && (parts - expected.weighted.value).abs() < 1e-3);
    }
}

//! `GET /v1/surveys/{id}/results`: counts, and the survey's figure with its interval.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_analytics::survey as figures;
use rapport_domain::survey::{Metric, Survey};
use rapport_domain::{Kind as _, RecordId};
use rapport_http::resource::id;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::survey::{Counted, MOST_COUNTED};
use serde::Serialize;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyFigure)]
pub struct Figure {
    /// The figure.
    value: f64,
    /// The lower end of the interval.
    low: f64,
    /// Its upper end.
    high: f64,
    /// What it rests on.
    n: usize,
}

impl From<figures::Estimate> for Figure {
    fn from(figures::Estimate { value, low, high, n }: figures::Estimate) -> Self {
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
    promoters: usize,
    passives: usize,
    detractors: usize,
    /// Percentage of promoters less that of detractors, −100 to 100.
    score: Figure,
}

/// The customer effort score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyCes)]
pub struct Ces {
    /// Mean agreement, 1 to 7.
    mean: Figure,
    /// The share that agrees, 5 to 7.
    agreeing: Figure,
}

/// What the answers to a survey amount to. Figures without answers are absent.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyResults)]
pub struct Results {
    #[schema(value_type = String)]
    survey_id: RecordId,
    #[schema(value_type = String)]
    metric: Metric,
    /// Invitations counted.
    invitations: usize,
    /// Those that wait for their time.
    pending: usize,
    /// Those that were not sent after all.
    skipped: usize,
    /// Those that were mailed.
    sent: usize,
    /// Those that were answered.
    answered: usize,
    /// Answered of mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_rate: Option<Figure>,
    /// How often each answer of the scale was given.
    #[schema(value_type = BTreeMap<String, usize>)]
    distribution: BTreeMap<u8, usize>,
    /// The share of 4 and 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    csat: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nps: Option<Nps>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ces: Option<Ces>,
    /// Whether all invitations were counted, or only the newest.
    complete: bool,
    /// At most so many are counted.
    limit: usize,
}

pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let survey = id(Survey::PREFIX, &text)?;
    let record = app.store.get::<Survey>(caller.tenant, survey).await?;
    let counted = app.store.count_answers(caller.tenant, survey).await?;
    let results = amount(survey, record.body.metric, &counted).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(respond::json(StatusCode::OK, &results))
}

fn amount(survey_id: RecordId, metric: Metric, counted: &Counted) -> Result<Results, figures::OffScale> {
    let (lowest, highest) = metric.scale();
    let mut distribution: BTreeMap<u8, usize> = (lowest..=highest).map(|score| (score, 0)).collect();
    for score in &counted.scores {
        *distribution.entry(*score).or_default() += 1;
    }
    let scores = &counted.scores;
    let mut results = Results {
        survey_id,
        metric,
        invitations: counted.invitations,
        pending: counted.pending,
        skipped: counted.skipped,
        sent: counted.sent,
        answered: scores.len(),
        response_rate: figures::share(scores.len(), counted.sent).map(Figure::from),
        distribution,
        csat: None,
        nps: None,
        ces: None,
        complete: counted.complete,
        limit: MOST_COUNTED,
    };
    match metric {
        Metric::Csat => results.csat = figures::csat(scores)?.map(Figure::from),
        Metric::Nps => {
            let nps = figures::nps(scores)?;
            results.nps = nps.score.map(|score| Nps {
                promoters: nps.promoters,
                passives: nps.passives,
                detractors: nps.detractors,
                score: score.into(),
            });
        }
        Metric::Ces => {
            results.ces = figures::ces(scores)?.map(|ces| Ces {
                mean: ces.mean.into(),
                agreeing: ces.agreeing.into(),
            });
        }
    }
    Ok(results)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::Prefix;

    fn of(metric: Metric, scores: &[u8], sent: usize) -> Results {
        let counted = Counted {
            invitations: sent,
            sent,
            scores: scores.to_vec(),
            complete: true,
            ..Counted::default()
        };
        amount(RecordId::new(Prefix::Survey), metric, &counted).unwrap()
    }

    #[test]
    fn each_metric_gives_its_own_figure() {
        let csat = of(Metric::Csat, &[5, 4, 3, 1], 10);
        assert_eq!((csat.csat.unwrap().value, csat.csat.unwrap().n), (0.5, 4));
        assert_eq!((csat.response_rate.unwrap().value, csat.answered), (0.4, 4));
        assert_eq!(
            csat.distribution,
            BTreeMap::from([(1, 1), (2, 0), (3, 1), (4, 1), (5, 1)])
        );
        assert!(csat.nps.is_none() && csat.ces.is_none());
        let nps = of(Metric::Nps, &[10, 9, 8, 0], 4).nps.unwrap();
        assert_eq!(
            (nps.promoters, nps.passives, nps.detractors, nps.score.value),
            (2, 1, 1, 25.0)
        );
        let ces = of(Metric::Ces, &[7, 5, 3], 3).ces.unwrap();
        assert_eq!((ces.mean.value, ces.agreeing.value), (5.0, 0.6667));
        for figure in [csat.csat.unwrap(), nps.score, ces.mean, ces.agreeing] {
            assert!(figure.low < figure.value && figure.value < figure.high, "{figure:?}");
        }
        let none = of(Metric::Csat, &[], 0);
        assert_eq!((none.csat, none.response_rate), (None, None));
    }
}

//! `GET /v1/surveys/{id}/results`: what the answers amount to, together and by group, from the counts of days.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use rapport_analytics::survey::{self as statistics, Estimate};
use rapport_analytics::survey_sums::difference;
use rapport_domain::survey::{Counts, Group, Grouping, Metric, Survey};
use rapport_domain::{Kind as _, RecordId};
use rapport_http::problem::Code;
use rapport_http::resource::id;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use serde::Serialize;

use crate::csv;
use crate::figures::{Amounts, Figure, amount};
use crate::period::Period;

/// By what results are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Month,
    Week,
    Group(Grouping),
}

/// The words of `by`.
pub const BY: [&str; 6] = ["month", "week", "segment", "agent", "product", "language"];

impl By {
    fn read(params: &Params) -> Result<Option<Self>, Problem> {
        let by = match params.get("by") {
            None => return Ok(None),
            Some("month") => Self::Month,
            Some("week") => Self::Week,
            Some("segment") => Self::Group(Grouping::Segment),
            Some("agent") => Self::Group(Grouping::Agent),
            Some("product") => Self::Group(Grouping::Product),
            Some("language") => Self::Group(Grouping::Language),
            Some(_) => {
                return Err(Problem::new(Code::Malformed).detail(format!("by takes one of {}", BY.join(", "))));
            }
        };
        Ok(Some(by))
    }
}

/// The lists of the records behind the numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyLinks)]
pub struct Links {
    /// The answers: as many as `answered`; with `&score=4` those counted at 4 in `distribution`, with
    /// `&answer=again:no` those counted at `no` in `items.again`.
    answered: String,
    /// The invitations that were due.
    invitations: String,
    /// Those that wait.
    pending: String,
    /// Those that were not sent.
    skipped: String,
    /// Those that were mailed.
    sent: String,
}

impl Links {
    fn of(survey: RecordId, period: Period, also: Option<(&str, &str)>) -> Self {
        let due = |more: Option<(&str, &str)>| {
            let pairs: Vec<(&str, &str)> = also.into_iter().chain(more).collect();
            period.invitations(survey, &pairs)
        };
        Self {
            answered: period.answers(survey, also),
            invitations: due(None),
            pending: due(Some(("status", "pending"))),
            skipped: due(Some(("status", "skipped"))),
            sent: due(Some(("mailed", "true"))),
        }
    }
}

/// What the answers of one group amount to.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyGroup)]
pub struct GroupResults {
    /// `2026-11`, `2026-W47`, the key of a segment, the id of a user or product, a language; `none` for what has none.
    pub key: String,
    #[serde(flatten)]
    pub amounts: Amounts,
    /// How much the score rose since the month or week before in this list.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Figure>,
    /// The lists behind the numbers.
    rows: Links,
}

/// Where the score is heading over the months or weeks.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyTrend)]
pub struct Trend {
    /// The rise in one month or week: weighted least squares over those that have answers.
    slope: Figure,
    /// `rising` or `falling` where the whole interval lies to one side of 0, otherwise `unclear`.
    direction: &'static str,
}

/// What the answers to a survey amount to.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SurveyResults)]
pub struct Results {
    #[schema(value_type = String)]
    survey_id: RecordId,
    pub metric: Metric,
    /// The first day, where one was asked for.
    #[schema(value_type = Option<String>)]
    from: Option<Date>,
    /// The last day.
    #[schema(value_type = Option<String>)]
    to: Option<Date>,
    /// How the score comes about.
    explain: &'static str,
    #[serde(flatten)]
    pub amounts: Amounts,
    /// The lists behind the numbers.
    rows: Links,
    /// By what was asked for; months and weeks in their order, others by answers, the most first. An order with several
    /// products counts in each.
    pub groups: Vec<GroupResults>,
    /// Where the score is heading, by month or week, from two on that have answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    trend: Option<Trend>,
    /// Whether all days asked for were counted, or only the newest.
    complete: bool,
    /// When this was put together; counts follow an answer within seconds.
    #[serde(with = "rapport_domain::settings::millis")]
    #[schema(value_type = String)]
    as_of: Timestamp,
}

const fn explain(metric: Metric) -> &'static str {
    match metric {
        Metric::Csat => "answers of 4 and 5 as a share of all; Wilson's interval",
        Metric::Nps => "percentage of 9 and 10 less percentage of 0 to 6; adjusted Wald interval",
        Metric::Ces | Metric::FaultTolerance => "mean of the answers from 1 to 7; Student's interval",
        Metric::Servqual => {
            "perception less expectation by dimension, weighted by the respondent's points, mean over respondents; Student's interval"
        }
        Metric::ServqualShort => "mean perception of the five dimensions, mean over respondents; Student's interval",
    }
}

pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["from", "to", "by", "format"])?;
    let survey = id(Survey::PREFIX, &text)?;
    let (period, by) = (Period::read(&params)?, By::read(&params)?);
    let as_csv = csv::wanted(&params)?;
    let metric = app.store.get::<Survey>(caller.tenant, survey).await?.body.metric;
    let counts = |grouping| {
        app.store
            .survey_counts(caller.tenant, survey, grouping, period.from, period.to)
    };
    let (days, mut complete) = counts(Grouping::All).await?;
    let (groups, trend) = match by {
        None => (Vec::new(), None),
        Some(By::Month) => spans(survey, metric, period, &days, Period::month),
        Some(By::Week) => spans(survey, metric, period, &days, Period::week),
        Some(By::Group(grouping)) => {
            let (days, all) = counts(grouping).await?;
            complete = complete && all;
            (parts(survey, metric, period, grouping, &days), None)
        }
    };
    let results = Results {
        survey_id: survey,
        metric,
        from: period.from,
        to: period.to,
        explain: explain(metric),
        amounts: amount(metric, &total(&days)).0,
        rows: Links::of(survey, period, None),
        groups,
        trend,
        complete,
        as_of: app.clock.now(),
    };
    if as_csv {
        return Ok(csv::results(&results));
    }
    Ok(respond::json(StatusCode::OK, &results))
}

fn total(days: &[(Date, Counts)]) -> Group {
    let mut total = Group::default();
    days.iter()
        .flat_map(|(_, counts)| counts.values())
        .for_each(|group| total.merge(group));
    total
}

/// The results of months or weeks in their order, each with how it differs from the one before, and where they head.
fn spans(
    survey: RecordId,
    metric: Metric,
    asked: Period,
    days: &[(Date, Counts)],
    span: impl Fn(Date) -> (String, Period),
) -> (Vec<GroupResults>, Option<Trend>) {
    let mut spans: BTreeMap<Option<Date>, (String, Period, Group)> = BTreeMap::new();
    for (day, counts) in days {
        let (key, period) = span(*day);
        let (.., group) = spans
            .entry(period.from)
            .or_insert_with(|| (key, period, Group::default()));
        counts.values().for_each(|counts| group.merge(counts));
    }
    let mut before: Option<Estimate> = None;
    let mut scores: Vec<(i64, Estimate)> = Vec::new();
    let results = spans.into_values().map(|(key, period, group)| {
        let (amounts, score) = amount(metric, &group);
        let change = score
            .zip(before)
            .map(|(score, before)| difference(&score, &before).into());
        before = score.or(before);
        scores.extend(period.from.zip(score).map(|(first, score)| (place(first, &key), score)));
        GroupResults {
            key,
            amounts,
            change,
            rows: Links::of(survey, period.within(asked), None),
        }
    });
    let results = results.collect();
    let trend = statistics::trend(&scores).map(|trend| Trend {
        slope: trend.slope.into(),
        direction: trend.direction.key(),
    });
    (results, trend)
}

/// The number of a month or of a week, so that a gap between two counts as long as it is.
fn place(first: Date, key: &str) -> i64 {
    if key.contains('W') {
        // Weeks begin on Mondays, whole weeks apart.
        let since = first
            .since(jiff::civil::date(1970, 1, 5))
            .map(|span| i64::from(span.get_days()));
        since.unwrap_or_default().div_euclid(7)
    } else {
        12 * i64::from(first.year()) + i64::from(first.month())
    }
}

fn parts(
    survey: RecordId,
    metric: Metric,
    asked: Period,
    grouping: Grouping,
    days: &[(Date, Counts)],
) -> Vec<GroupResults> {
    let mut groups: BTreeMap<&String, Group> = BTreeMap::new();
    for (key, group) in days.iter().flat_map(|(_, counts)| counts) {
        groups.entry(key).or_default().merge(group);
    }
    let filter = match grouping {
        Grouping::Agent => "agent_id",
        Grouping::Product => "product_id",
        other => other.as_str(),
    };
    let mut results: Vec<GroupResults> = groups
        .into_iter()
        .map(|(key, group)| GroupResults {
            key: key.clone(),
            amounts: amount(metric, &group).0,
            change: None,
            rows: Links::of(survey, asked, Some((filter, key))),
        })
        .collect();
    results.sort_by(|a, b| {
        b.amounts
            .answered
            .cmp(&a.amounts.answered)
            .then_with(|| a.key.cmp(&b.key))
    });
    results
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use rapport_domain::Prefix;

    fn day(day: Date, scores: &[(u8, u64)]) -> (Date, Counts) {
        let group = Group {
            scores: scores.iter().copied().collect(),
            ..Group::default()
        };
        (day, Counts::from([("all".to_owned(), group)]))
    }

    #[test]
    fn months_are_put_together_and_compared_with_the_one_before() {
        let survey = RecordId::new(Prefix::Survey);
        let days = [
            day(date(2026, 11, 3), &[(5, 30), (1, 10)]),
            day(date(2026, 9, 30), &[(5, 10), (1, 20)]),
            day(date(2026, 9, 2), &[(4, 10)]),
        ];
        let asked = Period {
            from: Some(date(2026, 9, 2)),
            to: None,
        };
        let (months, trend) = spans(survey, Metric::Csat, asked, &days, Period::month);
        let keys: Vec<&str> = months.iter().map(|month| month.key.as_str()).collect();
        assert_eq!(keys, ["2026-09", "2026-11"]);
        assert_eq!((months[0].amounts.answered, months[0].change), (40, None));
        let change = months[1].change.unwrap();
        assert_eq!((change.value, change.n), (0.25, 80));
        assert!(change.low > 0.0 && change.high < 0.5, "{change:?}");
        assert!(
            months[0]
                .rows
                .answered
                .ends_with("answered_on_since=2026-09-02&answered_on_before=2026-10-01")
        );
        assert_eq!(total(&days).answers(), 80);
        // From 0.5 to 0.75 in two months.
        let trend = trend.unwrap();
        assert_eq!((trend.slope.n, trend.direction), (80, "rising"));
        assert!((trend.slope.value - 0.125).abs() < 0.005, "{trend:?}");
        let (weeks, _) = spans(survey, Metric::Csat, asked, &days, Period::week);
        let places: Vec<i64> = [date(2026, 9, 28), date(2026, 11, 2)]
            .map(|first| place(first, "2026-W40"))
            .into();
        assert_eq!((weeks.len(), places[1] - places[0]), (3, 5));
    }
}

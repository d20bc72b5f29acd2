//! `GET /v1/segments/{key}/members`: whole scores, those who bought most first.

use axum::extract::{Path, State};
use axum::response::Response;
use rapport_analytics::rfm::Segment;
use rapport_domain::RecordId;
use rapport_domain::score::day_number;
use rapport_http::Params;
use rapport_http::{Caller, Problem, resource, respond};
use rapport_runtime::App;
use rapport_scoring::answer;
use rapport_store::page::{Position, Query};
use rapport_store::{Store, Table};

use crate::segments::model;

/// Lists the members. Half a read unit for each four kilobytes of scores, one for each customer's figures.
///
/// # Errors
/// `404` for a segment that is not.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["limit", "cursor"])?;
    let segment = Segment::from_key(&key).ok_or_else(Problem::not_found)?;
    let limit = params.number("limit", 50, 1, 200)?;
    let question = format!("segments/{}/members", segment.key());
    let after: Option<Position> = resource::cursor(&app, &caller, &question, &params)?;
    let (rows, next) = page_of(&app, &caller, &Store::members_query(segment.key()), limit, after).await?;
    let next = next.map(|next| resource::link(&app, &caller, &question, &question, &params, &next));
    Ok(respond::page(rows.iter().map(String::as_str), next))
}

/// A page of whole scores as they are answered now, and where it ended.
///
/// # Errors
/// When the store does not answer.
pub async fn page_of(
    app: &App,
    caller: &Caller,
    query: &Query,
    limit: usize,
    after: Option<Position>,
) -> Result<(Vec<String>, Option<Position>), Problem> {
    let cx = caller.accept(app).await?;
    let (page, model) = futures::try_join!(
        async {
            Ok(app
                .store
                .query(caller.tenant, Table::Scores, query, limit, after.as_ref())
                .await?)
        },
        model(app, caller.tenant, None),
    )?;
    let stored = page.items.iter().map(Store::score_of).collect::<Result<Vec<_>, _>>()?;
    let contacts: Vec<RecordId> = stored.iter().map(|score| score.contact_id).collect();
    let figures = app.store.figures(caller.tenant, &contacts).await?;
    let settings = &cx.rules.settings;
    let today = day_number(cx.rules.now.to_zoned(settings.zone()).date());
    let rows: Vec<String> = stored
        .into_iter()
        .map(|score| {
            let contact = score.contact_id;
            let figures = figures.get(&contact).and_then(|stored| stored.figures.as_ref());
            let mut score = answer::current(contact, figures, Some(score), model.as_ref(), today, settings);
            // The same words for every member: they are in each score by itself.
            score.explain = None;
            serde_json::to_string(&score).map_err(|error| Problem::internal(error.to_string()))
        })
        .collect::<Result<_, _>>()?;
    Ok((rows, page.next))
}

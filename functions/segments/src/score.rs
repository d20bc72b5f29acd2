//! `GET /v1/contacts/{id}/score`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::civil::Date;
use rapport_domain::score::{Figures, Score, day_number};
use rapport_domain::settings::Settings;
use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_http::Params;
use rapport_http::resource::id;
use rapport_http::{Caller, Problem, respond};
use rapport_runtime::App;
use rapport_scoring::{Customer, answer, reduce};
use rapport_store::page::Row;
use rapport_store::{Key, StoreError, Table};

use crate::segments::{day, model};

/// Answers a customer's score. 4 read units: contact, figures, ranks, model.
///
/// # Errors
/// `404` for a contact that is not there, or a day that no run was asked for.
pub async fn score(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["until"])?;
    let contact = existing(&app, caller.tenant, id(Prefix::Contact, &text)?).await?;
    let rules = app.store.rules(caller.tenant, app.clock.now()).await?;
    let settings = &rules.settings;
    let score = match day(&params)? {
        Some(until) => up_to(&app, caller.tenant, contact, until, settings).await?,
        None => {
            let contacts = [contact];
            let (figures, stored, model) = futures::try_join!(
                async { Ok(app.store.figures(caller.tenant, &contacts).await?) },
                async { Ok(app.store.score(caller.tenant, contact).await?) },
                model(&app, caller.tenant, None),
            )?;
            let figures = figures.get(&contact).and_then(|stored| stored.figures.as_ref());
            let today = day_number(rules.now.to_zoned(settings.zone()).date());
            answer::current(contact, figures, stored, model.as_ref(), today, settings)
        }
    };
    Ok(respond::json(StatusCode::OK, &score))
}

/// The contact, or the one it was merged into.
///
/// # Errors
/// `404` where there is none.
pub async fn existing(app: &App, tenant: TenantId, mut contact: RecordId) -> Result<RecordId, Problem> {
    // Merges of merges are followed a few steps, as reading the contact itself does.
    for _ in 0..5 {
        let item = app
            .store
            .get_item(Table::Contacts, &Key::record(tenant, "contact", contact))
            .await?;
        let row = item.as_ref().and_then(Row::read).ok_or_else(Problem::not_found)?;
        if !row.gone {
            return Ok(contact);
        }
        let doc: serde_json::Value =
            serde_json::from_str(&row.doc).map_err(|error| Problem::internal(error.to_string()))?;
        contact = doc["merged_into"]
            .as_str()
            .and_then(|into| RecordId::parse(Prefix::Contact, into).ok())
            .ok_or_else(Problem::not_found)?;
    }
    Err(Problem::not_found())
}

/// The score of a run up to a day.
async fn up_to(
    app: &App,
    tenant: TenantId,
    contact: RecordId,
    until: Date,
    settings: &Settings,
) -> Result<Score, Problem> {
    let model = model(app, tenant, Some(until)).await?.ok_or_else(Problem::not_found)?;
    let contacts = [contact];
    let (figures, chunk) = futures::try_join!(
        app.store.figures(tenant, &contacts),
        app.store.until_chunk(tenant, until, contact),
    )?;
    let figures = figures.get(&contact).and_then(|stored| stored.figures.as_ref());
    let figures = match figures {
        Some(figures) => Some(reaching(app, tenant, contact, figures, model.as_of).await?),
        None => None,
    };
    let customer = figures
        .as_ref()
        .and_then(|figures| Customer::at(contact, figures, model.as_of, settings.margin_rate()));
    let ranks = chunk.and_then(|chunk| reduce::find(&chunk, contact));
    Ok(answer::until(contact, customer.as_ref(), ranks, &model, settings))
}

/// Figures that reach back to a day: from the contributions where the stored ones only sum up what lies so far back.
async fn reaching(
    app: &App,
    tenant: TenantId,
    contact: RecordId,
    figures: &Figures,
    day: i32,
) -> Result<Figures, StoreError> {
    if figures.last().is_none_or(|last| last <= day) || figures.until(day).is_some() {
        return Ok(figures.clone());
    }
    let mut contributions = app.store.contributions(tenant, contact).await?;
    contributions.retain(|contribution| contribution.day <= day);
    Ok(Figures::of(&contributions, figures.currency))
}

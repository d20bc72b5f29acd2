//! `/v1/contacts/{id}/screenings`: what was decided of a customer, and on which score.

use std::collections::BTreeMap;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::contact::Contact;
use rapport_domain::money::Amount;
use rapport_domain::record::shape;
use rapport_domain::screening::{Screening, ScreeningIn};
use rapport_domain::settings::Settings;
use rapport_domain::{Prefix, RecordId};
use rapport_http::resource::{self, id};
use rapport_http::{Caller, IdempotencyKey, Params, Problem, body, respond};
use rapport_reporting::answer::Group;
use rapport_reporting::period::Days;
use rapport_reporting::report::{Ask, screening};
use rapport_reporting_store::{ask, load};
use rapport_runtime::App;
use rapport_store::page::Position;
use rapport_store::{StoreError, Table};

/// Keeps a decision. Reads what the report reads.
///
/// # Errors
/// `404` for a contact that is not there.
pub async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (value, bytes) = body::value(request).await?;
    let ScreeningIn { decision, note } = shape::<ScreeningIn>(value)?.check()?;
    let contact = id(Prefix::Contact, &text)?;
    let contact = app.store.live::<Contact>(caller.tenant, contact).await?.meta.id;
    let cx = caller.accept(&app).await?;
    let settings = &cx.rules.settings;
    let today = cx.rules.now.to_zoned(settings.zone()).date();
    let days = ask::days(&Params::default(), today, screening::DEFINITION.months)?;
    let group = score(&app, &caller, settings, contact, days, today).await?;
    let points = |name: &str| {
        let number = group.as_ref()?.numbers.get(name)?;
        number.value.map(Amount)
    };
    let bases: BTreeMap<String, Amount> = rapport_reporting::report::screening::BASES
        .iter()
        .filter_map(|base| Some(((*base).to_owned(), points(base)?)))
        .collect();
    let screening = Screening {
        id: RecordId::new(Prefix::Screening),
        contact_id: contact,
        decision,
        note,
        decided_by: caller.actor.id.clone(),
        decided_at: cx.rules.now,
        from: days.from,
        to: days.to,
        total: points("total"),
        bases,
    };
    let idempotency = key.of(Table::Reports, &bytes, None);
    match app
        .store
        .put_screening(caller.tenant, &screening, idempotency.as_ref())
        .await
    {
        Ok(()) => Ok(respond::json(StatusCode::CREATED, &screening)),
        Err(StoreError::Answered(answer)) => Ok(respond::replay(*answer)),
        Err(error) => Err(error.into()),
    }
}

/// How the customer is screened now, in the tenant's currency.
async fn score(
    app: &App,
    caller: &Caller,
    settings: &Settings,
    contact: RecordId,
    days: Days,
    today: jiff::civil::Date,
) -> Result<Option<Group>, Problem> {
    let ask = Ask {
        days,
        by: "customer",
        limit: usize::MAX,
        convert: false,
        today,
    };
    let definition = &screening::DEFINITION;
    let mut loaded = load::load(app, caller.tenant, definition, &ask).await?;
    let answer = (definition.answer)(&ask, &loaded.source(settings, app.clock.now()));
    let contact = contact.to_string();
    let home = answer
        .parts
        .into_iter()
        .find(|part| part.currency.as_deref() == Some(settings.currency.code()));
    Ok(home.and_then(|part| part.groups.into_iter().find(|group| group.key == contact)))
}

/// Lists the decisions, newest first.
///
/// # Errors
/// `404` for a contact that is not there.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["limit", "cursor"])?;
    let contact = id(Prefix::Contact, &text)?;
    let contact = app.store.live::<Contact>(caller.tenant, contact).await?.meta.id;
    let limit = params.number("limit", 50, 1, 200)?;
    let path = format!("contacts/{contact}/screenings");
    let after: Option<Position> = resource::cursor(&app, &caller, &path, &params)?;
    let (docs, next) = app
        .store
        .screenings(caller.tenant, contact, limit, after.as_ref())
        .await?;
    let next = next.map(|next| resource::link(&app, &caller, &path, &path, &params, &next));
    Ok(respond::page(docs.iter().map(String::as_str), next))
}

//! `GET /v1/reports`: what can be asked.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_reporting::report;
use rapport_runtime::App;
use serde::Serialize;

/// A report that can be asked for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ReportEntry)]
pub struct Entry {
    /// Its name.
    name: &'static str,
    /// Its title, in the tenant's language.
    title: &'static str,
    /// What it tells.
    detail: &'static str,
    /// By what it can be grouped; the first unless asked otherwise.
    by: &'static [&'static str],
    /// Whether it looks at days; otherwise it tells how things stand.
    dated: bool,
    /// Where it is.
    href: String,
}

/// The reports there are.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ReportCatalogue)]
pub struct Catalogue {
    /// All of them.
    data: Vec<Entry>,
    /// Always false.
    has_more: bool,
}

/// Lists the reports.
///
/// # Errors
/// When the settings cannot be read.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&[])?;
    let rules = app.store.rules(caller.tenant, app.clock.now()).await?;
    let locale = &rules.settings.locale;
    let data = report::ALL
        .iter()
        .map(|definition| Entry {
            name: definition.name,
            title: definition.title.of(locale),
            detail: definition.detail.of(locale),
            by: definition.by,
            dated: definition.is_dated,
            href: format!("/v1/reports/{}", definition.name),
        })
        .collect();
    let catalogue = Catalogue { data, has_more: false };
    Ok(respond::json(StatusCode::OK, &catalogue))
}

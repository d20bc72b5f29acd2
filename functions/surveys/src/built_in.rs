//! The surveys that every tenant has: made when its surveys are first listed, or when the worker first needs one.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use rapport_domain::TenantId;
use rapport_domain::survey::Metric;
use rapport_http::{Caller, Problem};
use rapport_runtime::App;
use rapport_store::{Cost, Kept};

/// The tenants that are known to have theirs: they are never deleted.
static COMPLETE: LazyLock<Kept<TenantId, ()>> = LazyLock::new(|| Kept::new(10_000, Duration::MAX));

/// Makes the built-in surveys before they are listed. Whatever goes wrong here is left to the route itself to report; what it costs
/// is part of the answer's cost.
pub async fn before_listing(State(app): State<App>, request: Request, next: Next) -> Response {
    let made = complete_and_list(&app, request, next);
    Arc::new(Cost::default()).counting(made).await
}

async fn complete_and_list(app: &App, request: Request, next: Next) -> Response {
    if request.method() == Method::GET
        && request.uri().path() == "/v1/surveys"
        && let Ok(caller) = Caller::authenticate(app, request.headers(), "").await
        && COMPLETE.get(&caller.tenant).is_none()
        && make(app, &caller).await.is_ok()
    {
        COMPLETE.put(caller.tenant, ());
    }
    next.run(request).await
}

async fn make(app: &App, caller: &Caller) -> Result<(), Problem> {
    let cx = caller.accept(app).await?;
    for metric in Metric::ALL {
        app.store.built_in_survey(&cx, metric).await?;
    }
    Ok(())
}

//! Leads: `/v1/leads`.

use axum::Router;
use rapport_domain::lead::Lead;
use rapport_http::Api;
use rapport_runtime::{App, Function};

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    Api::new(app).resource::<Lead>()
}

/// The router.
pub fn router(app: App) -> Router {
    api(app).into_router()
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Http(router)
}

//! Checking an address and a password: one path for all, whether the address is known or not.

use http::header;
use rapport_domain::email::Email;
use rapport_domain::user::{User, UserStatus};
use rapport_domain::{Record, RecordId, TenantId};
use rapport_http::Problem;
use rapport_http::problem::Code;
use rapport_runtime::App;
use rapport_store::StoreError;
use rapport_store::identity::{Gate, Login, LoginId};

use crate::password;
use rapport_http::Address;

/// Too many attempts: the wait in seconds.
#[must_use]
pub fn too_many(seconds: u32) -> Problem {
    Problem::new(Code::TooMany)
        .detail("too many attempts: wait as Retry-After says")
        .member("error", "temporarily_unavailable")
        .header(header::RETRY_AFTER, seconds.to_string())
}

/// A wrong password or an unknown address: nobody can tell which.
#[must_use]
pub fn wrong() -> Problem {
    refused("invalid_credentials", "the address or the password is wrong")
}

/// A grant that is refused, in the words of OAuth 2.0 beside ours.
#[must_use]
pub fn refused(code: &str, detail: &str) -> Problem {
    Problem::new(Code::Unauthenticated)
        .particular(code)
        .detail(detail)
        .member("error", "invalid_grant")
        .member("error_description", detail)
}

/// The login of an address, if the password is its own.
///
/// # Errors
/// `429` when there were too many attempts; `503`.
pub async fn check(app: &App, email: &Email, password: &str, address: &Address) -> Result<Option<Login>, Problem> {
    let id = LoginId::of(email);
    let now = app.clock.now();
    let attempt = match app.store.attempt(id, address.as_deref(), now).await? {
        Gate::Open(attempt) => attempt,
        Gate::Locked(seconds) => return Err(too_many(seconds)),
    };
    let login = app.store.login(id).await?;
    let good = password::verify(password, login.as_ref().map(|login| login.hash.clone())).await?;
    if good {
        app.store.attempt_succeeded(&attempt, now).await?;
        Ok(login)
    } else {
        app.store.attempt_failed(&attempt, now).await?;
        Ok(None)
    }
}

/// A user that may sign in. `None` when there is none or it is deactivated.
///
/// # Errors
/// `503`.
pub async fn active(app: &App, tenant: TenantId, user: RecordId) -> Result<Option<Record<User>>, Problem> {
    match app.store.get::<User>(tenant, user).await {
        Ok(user) => Ok(Some(user).filter(|user| user.body.status == UserStatus::Active)),
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

//! `POST /v1/signup`: a tenant, its settings, its first user, the login and a session, in one transaction.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rapport_domain::account::Account;
use rapport_domain::login::Quota;
use rapport_domain::permission::Role;
use rapport_domain::signup::Signup;
use rapport_domain::user::{User, UserIn};
use rapport_domain::{Actor, Common, Kind as _, Prefix, Record, RecordId, Rules, TenantId, Via};
use rapport_http::problem::Code;
use rapport_http::{Json, Problem, RequestId, respond};
use rapport_runtime::App;
use rapport_store::identity::{Login, LoginId};
use rapport_store::{Accept, Store, Table, Write};

pub use rapport_domain::signup::SignupIn;

use crate::tokens::{self, TenantOut, Welcome};
use crate::{credentials, password};
use rapport_http::Address;

/// An address that has a sign-in. A sign-up form cannot hide this from somebody who tries to use the address; what it
/// can do is count such tries like wrong passwords.
pub fn login_exists() -> Problem {
    Problem::new(Code::Conflict)
        .particular("login_exists")
        .detail("this address has a sign-in already: give its password, or ask for a new one")
}

pub async fn signup(
    State(app): State<App>,
    address: Address,
    Extension(RequestId(request)): Extension<RequestId>,
    Json(input): Json<SignupIn>,
) -> Result<Response, Problem> {
    let Signup { settings, name, email } = input.check()?;
    let now = app.clock.now();
    if let Some(address) = address.as_deref()
        && let Some(seconds) = app.store.take_quota("signup", address, Quota::ADDRESS, now).await?
    {
        return Err(credentials::too_many(seconds));
    }
    let key = sign_in(&app, &email, &input.password, &address).await?;
    let (tenant, user) = (TenantId::new(), RecordId::new(Prefix::User));
    let actor = Actor {
        id: user.to_string(),
        via: Via::Console,
        request: request.to_string(),
    };
    let rules = Rules {
        now,
        settings: Arc::new(settings.clone()),
        fields: Arc::default(),
    };
    let first = UserIn {
        name: Some(name),
        email: Some(email.to_string()),
        role: Some(Role::Owner),
        locale: None,
    };
    let record = Record::new(user, User::create(first, &rules)?, Common::default(), &actor, now);
    let planned = app.store.plan_new(&Accept::new(tenant, actor, rules), record).await?;
    let mut write = Write::new(tenant);
    write.new_tenant(
        &app.store,
        &Account::new(app.config.signup_plan, now),
        &request.to_string(),
    )?;
    let item = Store::settings_item(tenant, &settings, 1, &request.to_string())?;
    write.record(&app.store, Table::Identity, item, 0)?;
    write.append(planned.write);
    let (login, epoch) = key.attach(&app, &mut write, user)?;
    let token = tokens::begin(&app, &mut write, user, login, epoch)?;
    write.commit(&app.store).await?;
    let welcome = Welcome {
        tenant: TenantOut::new(tenant, &settings),
        user: planned.record.to_value(),
        tokens: tokens::answer(&app, &token, Role::Owner, now)?,
    };
    Ok(respond::json(StatusCode::CREATED, &welcome))
}

/// The login of somebody who is about to become a user: his own, or one to be made.
pub enum SignIn {
    /// There is one, and the password is its own.
    Known(Box<Login>),
    /// There is none; the hash of the password.
    New(LoginId, String),
}

impl SignIn {
    /// Makes the login lead to the user that a write makes: its name and epoch.
    ///
    /// # Errors
    /// When the store's table is not given.
    pub fn attach(self, app: &App, write: &mut Write, user: RecordId) -> Result<(LoginId, u64), Problem> {
        match self {
            SignIn::Known(login) => {
                write.join_login(&app.store, &login, user)?;
                Ok((login.id, login.epoch))
            }
            SignIn::New(id, hash) => {
                write.new_login(&app.store, id, &hash, user)?;
                Ok((id, 1))
            }
        }
    }
}

/// Finds the login of an address and verifies the password, or hashes it for a new one: the same work either way.
///
/// # Errors
/// `409` when there is one and the password is not its own; `429` after too many such.
pub async fn sign_in(
    app: &App,
    email: &rapport_domain::email::Email,
    password: &str,
    address: &Address,
) -> Result<SignIn, Problem> {
    let id = LoginId::of(email);
    if app.store.login(id).await?.is_none() {
        return Ok(SignIn::New(id, password::hash(password).await?));
    }
    let login = credentials::check(app, email, password, address).await?;
    login
        .map(|login| SignIn::Known(Box::new(login)))
        .ok_or_else(login_exists)
}

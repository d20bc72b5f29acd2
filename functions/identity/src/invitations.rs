//! `/v1/invitations`: becoming a user by a link in a mail.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::SignedDuration;
use rapport_domain::email::Email;
use rapport_domain::login::Quota;
use rapport_domain::permission::Role;
use rapport_domain::user::{LOCALES, User, UserStatus};
use rapport_domain::{Invalid, Prefix, Record, RecordId, TenantId, text};
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, Json, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::identity::{Invitation, InvitationStatus, InvitationToken, LoginId, Secret};
use rapport_store::{StoreError, Write};
use serde::Deserialize;

use crate::users::authority;
use crate::{credentials, letter, page};

/// How long a link is good.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Who is invited, as what.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationIn {
    /// The address.
    email: String,
    /// The role.
    role: Role,
    /// The name, if known.
    #[serde(default)]
    name: Option<String>,
    /// The language of the mail, `en` or `zh-CN`; the tenant's when absent.
    #[serde(default)]
    locale: Option<String>,
}

/// `POST /v1/invitations`.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(input): Json<InvitationIn>,
) -> Result<Response, Problem> {
    let mut invalid = Invalid::default();
    let email = invalid.take(Email::parse("email", &input.email));
    let name = invalid.take(text::optional("name", input.name, 200)).flatten();
    if input.locale.as_deref().is_some_and(|locale| !LOCALES.contains(&locale)) {
        invalid.add("locale", "locale_unknown", "a locale is en or zh-CN");
    }
    invalid.check()?;
    let email = email.ok_or_else(|| Problem::internal("no fault and no address"))?;
    let now = app.clock.now();
    let mut role = input.role;
    match known(&app, caller.tenant, &email).await? {
        Known::Nobody => app.store.seat(caller.tenant, now).await?,
        // Keeps what it is in the firm: what the inviter says is for those who come new.
        Known::WithoutLogin(user) => role = user.body.role,
        Known::User(holder) => {
            return Err(Problem::new(Code::Conflict)
                .particular("user_exists")
                .detail("somebody with this address is a user: see holder")
                .member("holder", holder.to_string()));
        }
    }
    if !authority(&caller).may_grant(role) {
        return Err(Problem::new(Code::Forbidden).detail("nobody grants more than he has"));
    }
    let plan = app.store.tenant_rules(caller.tenant).await?.account.plan;
    if let Some(reached) = app.meter.mail_limit(&app.store, caller.tenant, plan, now).await {
        return Err(StoreError::Full(reached).into());
    }
    let whose = caller.tenant.to_string();
    if let Some(seconds) = app
        .store
        .take_quota("invitation", &whose, Quota::INVITATIONS, now)
        .await?
    {
        return Err(credentials::too_many(seconds));
    }
    let token = InvitationToken {
        tenant: caller.tenant,
        id: RecordId::new(Prefix::Invitation),
        secret: Secret::random(),
    };
    let invitation = Invitation {
        id: token.id,
        email,
        role,
        name,
        status: InvitationStatus::Pending,
        created_by: caller.actor.id.clone(),
        created_at: now,
        expires_at: now + GOOD_FOR,
        user_id: None,
    };
    app.store.put_invitation(&token, &invitation).await?;
    if let Err(problem) = mail(&app, &caller, &token, &invitation, input.locale).await {
        // Nobody has the link: better none than one that waits for a mail that never comes.
        settle(
            &app,
            &caller,
            Invitation {
                status: InvitationStatus::Revoked,
                ..invitation
            },
        )
        .await?;
        return Err(problem);
    }
    let location = format!("/v1/invitations/{}", invitation.id);
    let mut response = respond::json(StatusCode::CREATED, &invitation);
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(http::header::LOCATION, location);
    }
    Ok(response)
}

/// Who has an address in a firm.
pub(crate) enum Known {
    Nobody,
    /// Came with an archive: records name it, and nobody can sign in as it yet.
    WithoutLogin(Box<Record<User>>),
    User(RecordId),
}

pub(crate) async fn known(app: &App, tenant: TenantId, email: &Email) -> Result<Known, StoreError> {
    let Some(holder) = app.store.holder::<User>(tenant, "email", &email.key()).await? else {
        return Ok(Known::Nobody);
    };
    let login = app.store.login(LoginId::of(email)).await?;
    if login.is_some_and(|login| login.members.contains_key(&tenant)) {
        return Ok(Known::User(holder));
    }
    let user = app.store.get::<User>(tenant, holder).await?;
    Ok(match user.body.status {
        UserStatus::Active => Known::WithoutLogin(Box::new(user)),
        UserStatus::Deactivated => Known::User(holder),
    })
}

async fn mail(
    app: &App,
    caller: &Caller,
    token: &InvitationToken,
    invitation: &Invitation,
    locale: Option<String>,
) -> Result<(), Problem> {
    let settings = app.store.tenant_rules(caller.tenant).await?.settings;
    let inviter = match caller.user() {
        Some(user) => app.store.get::<User>(caller.tenant, user).await?.body.name,
        None => settings.company.clone(),
    };
    let locale = locale.unwrap_or_else(|| settings.locale.clone());
    let link = page::link(
        &app.config,
        "/accept-invitation",
        "/v1/invitations/accept",
        &token.text(),
    );
    let to = invitation.email.as_str();
    letter::send(
        app,
        letter::invitation(&locale, to, &settings.company, &inviter, invitation.role, &link),
    )
    .await?;
    app.meter.mailed(caller.tenant, app.clock.now());
    Ok(())
}

async fn settle(app: &App, caller: &Caller, invitation: Invitation) -> Result<(), StoreError> {
    let mut write = Write::new(caller.tenant);
    write.settle_invitation(&app.store, &invitation)?;
    write.commit(&app.store).await
}

/// `GET /v1/invitations`.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["limit", "cursor"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let identity = "/v1/invitations";
    let after = cursor(&app, &caller, identity, &params)?;
    let (found, next) = app
        .store
        .invitations(caller.tenant, limit, after.as_ref(), app.clock.now())
        .await?;
    let rows: Vec<String> = found
        .iter()
        .map(|one| serde_json::to_string(one).unwrap_or_default())
        .collect();
    let next = next.map(|next| link(&app, &caller, identity, "invitations", &params, &next));
    Ok(respond::page(rows.iter().map(String::as_str), next))
}

/// `GET /v1/invitations/{id}`.
pub async fn get(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let found = app
        .store
        .invitation(caller.tenant, id(Prefix::Invitation, &text)?, app.clock.now())
        .await?;
    Ok(respond::json(StatusCode::OK, &found))
}

/// `DELETE /v1/invitations/{id}`.
pub async fn revoke(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let found = app
        .store
        .invitation(caller.tenant, id(Prefix::Invitation, &text)?, app.clock.now())
        .await?;
    match found.status {
        InvitationStatus::Pending => {
            settle(
                &app,
                &caller,
                Invitation {
                    status: InvitationStatus::Revoked,
                    ..found
                },
            )
            .await?;
        }
        InvitationStatus::Revoked | InvitationStatus::Expired => {}
        InvitationStatus::Accepted => {
            return Err(Problem::new(Code::Conflict).detail("the invitation was accepted: deactivate the user instead"));
        }
    }
    Ok(respond::no_content())
}

//! `POST /v1/invitations/accept`: becoming a user by the link in the mail.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rapport_domain::login::check_password;
use rapport_domain::user::{User, UserIn};
use rapport_domain::{Actor, Common, Invalid, Kind as _, Prefix, Record, RecordId, Rules, Via, text};
use rapport_http::{Address, Problem, RequestId, metering, respond};
use rapport_runtime::App;
use rapport_store::identity::{Invitation, InvitationStatus, InvitationToken};
use rapport_store::records::Planned;
use rapport_store::{Accept, Write};
use serde::Deserialize;

use crate::form::Form;
use crate::invitations::{Known, known};
use crate::signup::{SignIn, sign_in};
use crate::tokens::{self, TenantOut, Welcome};

/// An invitation's acceptance.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptIn {
    /// From the mail.
    token: String,
    /// The name; the one the inviter gave when absent.
    #[serde(default)]
    name: Option<String>,
    /// A new password, or that of the sign-in which the address has already.
    password: String,
}

/// `POST /v1/invitations/accept`.
pub async fn accept(
    State(app): State<App>,
    address: Address,
    Extension(RequestId(request)): Extension<RequestId>,
    Form(input): Form<AcceptIn>,
) -> Result<Response, Problem> {
    let over = || {
        Problem::from(Invalid::one(
            "token",
            "token_invalid",
            "the link is not valid any more: ask for a new one",
        ))
    };
    let token = InvitationToken::parse(&input.token).ok_or_else(over)?;
    let now = app.clock.now();
    let invitation = app.store.invited(&token, now).await?.ok_or_else(over)?;
    if invitation.status != InvitationStatus::Pending {
        return Err(over());
    }
    let name = text::optional("name", input.name, 200)?.or_else(|| invitation.name.clone());
    let settled = sign_in(&app, &invitation.email, &input.password, &address).await?;
    if matches!(settled, SignIn::New(..)) {
        let known: Vec<&str> = name.as_deref().into_iter().collect();
        check_password("password", &input.password, &invitation.email, &known)?;
    }
    let rules = app.store.tenant_rules(token.tenant).await?;
    if !rules.account.may_write() {
        return Err(metering::refusal(&rules.account));
    }
    let mut write = Write::new(token.tenant);
    let (record, role) = match known(&app, token.tenant, &invitation.email).await? {
        Known::WithoutLogin(user) => {
            let role = user.body.role;
            (*user, role)
        }
        Known::Nobody | Known::User(_) => {
            let planned = new_user(&app, &token, &invitation, name, (&request, rules.rules(now))).await?;
            write.append(planned.write);
            (planned.record, invitation.role)
        }
    };
    let (user, settings) = (record.meta.id, rules.settings);
    let accepted = Invitation {
        status: InvitationStatus::Accepted,
        user_id: Some(user),
        ..invitation
    };
    write.settle_invitation(&app.store, &accepted)?;
    let (login, epoch) = settled.attach(&app, &mut write, user)?;
    let session = tokens::begin(&app, &mut write, user, login, epoch)?;
    write.commit(&app.store).await?;
    let welcome = Welcome {
        tenant: TenantOut::new(token.tenant, &settings),
        user: record.to_value(),
        tokens: tokens::answer(&app, &session, role, now)?,
    };
    Ok(respond::json(StatusCode::CREATED, &welcome))
}

/// What makes the user that an invitation promised.
async fn new_user(
    app: &App,
    token: &InvitationToken,
    invitation: &Invitation,
    name: Option<String>,
    (request, rules): (&RecordId, Rules),
) -> Result<Planned<User>, Problem> {
    let user = RecordId::new(Prefix::User);
    let actor = Actor {
        id: user.to_string(),
        via: Via::Console,
        request: request.to_string(),
    };
    let input = UserIn {
        name,
        email: Some(invitation.email.to_string()),
        role: Some(invitation.role),
        locale: None,
    };
    let record = Record::new(user, User::create(input, &rules)?, Common::default(), &actor, rules.now);
    let cx = Accept::new(token.tenant, actor, rules);
    Ok(app.store.plan_new(&cx, record).await?)
}

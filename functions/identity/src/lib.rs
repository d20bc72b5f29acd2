//! Identity: sign-up, sign-in, users, invitations, API keys, settings and custom fields; closing an account.

use axum::Router;
use http::Method;
use rapport_domain::custom::Field;
use rapport_domain::settings::Settings;
use rapport_http::api::FORM;
use rapport_http::{Access, Api, Area, Doc, Scope, Verb};
use rapport_runtime::{App, Function};
use rapport_store::identity::Invitation;
use serde_json::{Value, json};

mod accept;
mod api_keys;
mod close;
mod credentials;
mod fields;
mod form;
mod invitations;
mod jwks;
mod letter;
mod me;
mod page;
mod password;
mod passwords;
mod revoke;
mod settings;
mod signup;
mod token;
mod tokens;
mod users;

const fn read(area: Area) -> Access {
    Access::Needs(Scope(area, Verb::Read))
}

const fn write(area: Area) -> Access {
    Access::Needs(Scope(area, Verb::Write))
}

fn list(items: &Value) -> Value {
    rapport_http::api::page_of(items)
}

/// The routes.
#[must_use]
pub fn api(app: App) -> Api {
    let api = sign_in(Api::new(app));
    let api = people(api);
    account(tenant(api))
}

fn sign_in(api: Api) -> Api {
    api.route(Method::POST, "/v1/signup", Access::Public, Doc::new("Sign up: a tenant, its first user and tokens").detail("An address that has a sign-in already adds a tenant to it with the right password; with a wrong one the answer is 409 login_exists.").body::<signup::SignupIn>().answers::<tokens::Welcome>(201), signup::signup)
        .route(Method::POST, "/v1/auth/token", Access::Public, Doc::new("Sign in, refresh, or exchange an API key").detail("OAuth 2.0: grant_type is password, refresh_token or client_credentials. A refresh token is good once; using it again ends its session.").body::<token::TokenIn>().body_type(FORM).answers::<tokens::Tokens>(200), token::token)
        .route(Method::POST, "/v1/auth/revoke", Access::Public, Doc::new("Sign out: end the session of a refresh or access token").detail("RFC 7009: 200 also for a token that is none. An access token given out before stays good until its 15 minutes are over.").body::<revoke::RevokeIn>().body_type(FORM).answers_schema(200, &json!({"type": "object"})), revoke::revoke)
        .route(Method::POST, "/v1/auth/password/forgot", Access::Public, Doc::new("Ask for a mail with a link to a new password").detail("Always 202, whether the address is known or not.").body::<passwords::ForgotIn>().answers_schema(202, &json!({"type": "object"})), passwords::forgot)
        .route(Method::GET, "/v1/auth/password/reset", Access::Public, Doc::new("The page that a mail's link opens").query("token", "From the mail", &json!({"type": "string"})).answers_type(200, "text/html"), page::reset)
        .route(Method::POST, "/v1/auth/password/reset", Access::Public, Doc::new("Set a new password by a mail's token").detail("Ends all sessions of the login in all its tenants.").body::<passwords::ResetIn>().body_type(FORM).answers_type(204, ""), passwords::reset)
        .route(Method::POST, "/v1/auth/password/change", Access::SignedIn, Doc::new("Change one's own password").detail("Ends all sessions, this one too, and begins a new one.").body::<passwords::ChangeIn>().answers::<tokens::Tokens>(200), passwords::change)
        .route(Method::GET, "/.well-known/jwks.json", Access::Public, Doc::new("The public keys of access tokens").answers_schema(200, &json!({"type": "object"})), jwks::jwks)
        .route(Method::GET, "/v1/me", Access::SignedIn, Doc::new("Who am I, where, and what may I").answers::<me::Me>(200), me::get)
        .route(Method::PATCH, "/v1/me", Access::SignedIn, Doc::new("Change one's own name or locale").body::<me::MePatch>().answers::<me::Me>(200), me::patch)
}

fn people(api: Api) -> Api {
    let mut user = Doc::new("Read a user");
    let schema = {
        let meta = user.schema::<rapport_domain::Meta>();
        let own = user.schema::<rapport_domain::user::User>();
        json!({"allOf": [meta, own]})
    };
    let (users, keys) = (Area::Users, Area::ApiKeys);
    api.route(Method::GET, "/v1/users", read(users), Doc::new("List users, newest first").query("role", "role equals this", &json!({"type": "string"})).query("status", "active or deactivated", &json!({"type": "string", "enum": ["active", "deactivated"]})).query("email", "email equals this", &json!({"type": "string"})).answers_schema(200, &list(&schema)), users::list)
        .route(Method::GET, "/v1/users/{id}", read(users), user.answers_schema(200, &schema), users::get)
        .route(Method::PATCH, "/v1/users/{id}", write(users), Doc::new("Change a user's name, role or locale").detail("A new role counts at the next refresh, at most 15 minutes later. Owners are changed by owners only, and the last one stays.").body_schema(&json!({"type": "object"})).answers_schema(200, &schema), users::patch)
        .route(Method::DELETE, "/v1/users/{id}", write(users), Doc::new("Deactivate a user").detail("The user keeps its id and records, cannot sign in, and its sessions end.").answers_type(204, ""), users::deactivate)
        .route(Method::POST, "/v1/users/{id}/restore", write(users), Doc::new("Let a deactivated user in again").answers_schema(200, &schema), users::restore)
        .route(Method::POST, "/v1/users/{id}/sign-out", Access::SignedIn, Doc::new("End all sessions of a user, one's own or as an administrator").answers_type(204, ""), users::sign_out)
        .route(Method::POST, "/v1/invitations", write(users), Doc::new("Invite somebody by mail").body::<invitations::InvitationIn>().answers::<Invitation>(201), invitations::create)
        .route(Method::GET, "/v1/invitations", read(users), Doc::new("List invitations, newest first").answers_schema(200, &list(&rapport_http::api::schema_of::<Invitation>())), invitations::list)
        .route(Method::GET, "/v1/invitations/accept", Access::Public, Doc::new("The page that an invitation's link opens").query("token", "From the mail", &json!({"type": "string"})).answers_type(200, "text/html"), page::accept)
        .route(Method::POST, "/v1/invitations/accept", Access::Public, Doc::new("Become a user by an invitation's token").detail("Somebody whose address has a sign-in already gives its password.").body::<accept::AcceptIn>().body_type(FORM).answers::<tokens::Welcome>(201), accept::accept)
        .route(Method::GET, "/v1/invitations/{id}", read(users), Doc::new("Read an invitation").answers::<Invitation>(200), invitations::get)
        .route(Method::DELETE, "/v1/invitations/{id}", write(users), Doc::new("Take an invitation back").answers_type(204, ""), invitations::revoke)
        .route(Method::POST, "/v1/api-keys", write(keys), Doc::new("Make an API key").detail("The secret is shown in this answer and never again.").body::<api_keys::ApiKeyIn>().answers::<api_keys::ApiKeyOut>(201), api_keys::create)
        .route(Method::GET, "/v1/api-keys", read(keys), Doc::new("List API keys, newest first").answers_schema(200, &list(&rapport_http::api::schema_of::<api_keys::ApiKeyOut>())), api_keys::list)
        .route(Method::GET, "/v1/api-keys/{id}", read(keys), Doc::new("Read an API key").answers::<api_keys::ApiKeyOut>(200), api_keys::get)
        .route(Method::DELETE, "/v1/api-keys/{id}", write(keys), Doc::new("Revoke an API key, at once").answers_type(204, ""), api_keys::revoke)
}

fn account(api: Api) -> Api {
    api.route(
        Method::POST,
        "/v1/account/close",
        Access::SignedIn,
        Doc::new("Close the firm's account")
            .detail("By an owner who gives his password again. Everything can be read from then on and nothing changed; 30 days later everything is erased.")
            .body::<close::CloseIn>()
            .answers::<close::AccountStatus>(200),
        close::close,
    )
    .route(
        Method::POST,
        "/v1/account/reopen",
        Access::SignedIn,
        Doc::new("Open a closed account again")
            .detail("By an owner, as long as it is not erased.")
            .answers::<close::AccountStatus>(200),
        close::reopen,
    )
}

fn tenant(api: Api) -> Api {
    let area = Area::Settings;
    api.route(
        Method::GET,
        "/v1/settings",
        read(area),
        Doc::new("Read the tenant's settings").answers::<Settings>(200),
        settings::get,
    )
    .route(
        Method::PATCH,
        "/v1/settings",
        write(area),
        Doc::new("Change the tenant's settings")
            .detail("An RFC 7396 merge patch. A list is replaced as a whole.")
            .header("If-Match", "412 when the settings have another ETag")
            .body_schema(&json!({"type": "object"}))
            .answers::<Settings>(200),
        settings::patch,
    )
    .route(
        Method::GET,
        "/v1/fields",
        read(area),
        Doc::new("List custom fields")
            .query(
                "kind",
                "Only those of this kind",
                &json!({"type": "string", "enum": ["lead", "contact", "company", "product", "order", "ticket"]}),
            )
            .answers_schema(200, &list(&rapport_http::api::schema_of::<Field>())),
        fields::list,
    )
    .route(
        Method::POST,
        "/v1/fields",
        write(area),
        Doc::new("Declare a custom field")
            .detail("At most 100 for each kind of record.")
            .body::<Field>()
            .answers::<Field>(201),
        fields::create,
    )
    .route(
        Method::GET,
        "/v1/fields/{kind}/{key}",
        read(area),
        Doc::new("Read a custom field").answers::<Field>(200),
        fields::get,
    )
    .route(
        Method::PATCH,
        "/v1/fields/{kind}/{key}",
        write(area),
        Doc::new("Change a custom field")
            .detail("Its type stays, and it does not become unique later: values already there were not guarded.")
            .body_schema(&json!({"type": "object"}))
            .answers::<Field>(200),
        fields::patch,
    )
    .route(
        Method::DELETE,
        "/v1/fields/{kind}/{key}",
        write(area),
        Doc::new("Remove a custom field")
            .detail("Values that records hold go with the record's next change.")
            .answers_type(204, ""),
        fields::delete,
    )
}

/// The router.
pub fn router(app: App) -> Router {
    api(app).into_router()
}

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::http(router)
}

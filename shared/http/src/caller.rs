//! Who calls: a user by an access token, or a program by an API key. The tenant comes from here and from nowhere else.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use jiff::Timestamp;
use rapport_domain::permission::{Area, Role, Scope, Scopes, Verb};
use rapport_domain::{Actor, RecordId, TenantId, Via};
use rapport_runtime::{App, TokenError};
use rapport_store::Accept;
use rapport_store::identity::parse_api_key;

use crate::problem::{Code, Problem};

/// A caller whose credentials were verified.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant.
    pub tenant: TenantId,
    /// The user or API key, through what, and the request.
    pub actor: Actor,
    /// What it may do.
    pub scopes: Scopes,
    /// The user's role; `None` for API keys.
    pub role: Option<Role>,
    /// The user's session; `None` for API keys.
    pub session: Option<String>,
    /// Whether suspected duplicates are to be created all the same.
    pub allow_duplicate: bool,
}

impl Caller {
    /// Verifies what the `Authorization` header holds.
    ///
    /// # Errors
    /// `401` when there is nothing or it is not valid.
    pub async fn authenticate(app: &App, headers: &HeaderMap, request: &str) -> Result<Self, Problem> {
        let refused = |detail: &str| Problem::new(Code::Unauthenticated).detail(detail);
        let text = headers
            .get(header::AUTHORIZATION)
            .ok_or_else(|| refused("send Authorization: Bearer and a token or an API key"))?;
        let text = text
            .to_str()
            .map_err(|_| refused("the Authorization header cannot be read"))?;
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(refused("the Authorization header must begin with Bearer"));
        }
        let now = app.clock.now();
        let token = token.trim();
        let mut caller = if token.starts_with("rk_") {
            Self::by_key(app, token, request, now).await?
        } else {
            Self::by_token(app, token, request, now)?
        };
        caller.allow_duplicate = headers
            .get("rapport-allow-duplicate")
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        Ok(caller)
    }

    fn by_token(app: &App, token: &str, request: &str, now: Timestamp) -> Result<Self, Problem> {
        let claims = app.tokens.verify(token, now).map_err(|error| {
            let problem = Problem::new(Code::Unauthenticated).detail(error.to_string());
            if error == TokenError::Expired {
                problem.particular("token_expired")
            } else {
                problem
            }
        })?;
        let invalid = || Problem::new(Code::Unauthenticated).detail(TokenError::Invalid.to_string());
        let scopes = Scopes::parse(&claims.scope).ok_or_else(invalid)?;
        let role = claims.role.and_then(|role| serde_json::from_value(role.into()).ok());
        let via = if claims.sub.starts_with("key_") {
            Via::Api
        } else {
            Via::Console
        };
        Ok(Self {
            tenant: TenantId::parse(&claims.tid).map_err(|_| invalid())?,
            actor: Actor {
                id: claims.sub,
                via,
                request: request.to_owned(),
            },
            scopes,
            role,
            session: Some(claims.jti),
            allow_duplicate: false,
        })
    }

    async fn by_key(app: &App, token: &str, request: &str, now: Timestamp) -> Result<Self, Problem> {
        let invalid = || Problem::new(Code::Unauthenticated).detail("the API key is not valid");
        let (tenant, id, secret) = parse_api_key(token).ok_or_else(invalid)?;
        let key = app
            .store
            .api_key(tenant, id)
            .await?
            .filter(|key| key.accepts(&secret, now))
            .ok_or_else(invalid)?;
        Ok(Self {
            tenant,
            actor: Actor {
                id: id.to_string(),
                via: Via::Api,
                request: request.to_owned(),
            },
            scopes: key.scopes,
            role: None,
            session: None,
            allow_duplicate: false,
        })
    }

    /// Whether the caller may read records of a noun.
    #[must_use]
    pub fn reads(&self, noun: &str) -> bool {
        Area::of(noun).is_some_and(|area| self.scopes.has(Scope(area, Verb::Read)))
    }

    /// The context of a store operation on the caller's behalf.
    ///
    /// # Errors
    /// When the tenant's settings cannot be read.
    pub async fn accept(&self, app: &App) -> Result<Accept, Problem> {
        let now = app.clock.now();
        let known = app.store.tenant_rules(self.tenant).await.map_err(|error| match error {
            // A valid token of a tenant that is gone.
            rapport_store::StoreError::Missing => Problem::new(Code::Unauthenticated).detail("there is no such tenant"),
            other => other.into(),
        })?;
        let room = app.meter.room(&app.store, self.tenant, known.account.plan, now).await;
        let mut accept = Accept::new(self.tenant, self.actor.clone(), known.rules(now));
        accept.allow_duplicate = self.allow_duplicate;
        accept.room = room;
        Ok(accept)
    }

    /// The caller as the user it is, when it is one.
    #[must_use]
    pub fn user(&self) -> Option<RecordId> {
        RecordId::parse(rapport_domain::Prefix::User, &self.actor.id).ok()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Put there by the route's access; a public route has none, and a handler that asks there is a fault of ours.
        parts
            .extensions
            .get::<Caller>()
            .cloned()
            .ok_or_else(|| Problem::internal("a public route asks for its caller"))
    }
}

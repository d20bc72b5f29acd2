//! Credentials of one tenant each: the function's own role, assumed once more with the tenant's id as a session tag.
//!
//! Two walls stand behind such a session. The role's statements on the tables reach `${aws:PrincipalTag/tenant}#*` alone, and
//! the session policy that is sent along names the tenant's partitions once more, literally. The function's own credentials
//! carry no tag, and reach no tenant's items.
//!
//! The SDK keeps a client's credentials, fetches them once for all who wait, fetches them again before they end, and keeps
//! no failure: a call that gets none answers that the store is unavailable.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Builder, IdentityCache};
use aws_sdk_sts::types::Tag;
use aws_types::SdkConfig;
use rapport_domain::TenantId;
use rapport_store::Clients;
use rapport_store::key::{OF_NO_TENANT, pattern_of};

/// A role that was assumed from a role is assumed for an hour at most, in seconds.
const SESSION: i32 = 60 * 60;
/// Credentials are fetched anew half of this to all of it before they end.
const BEFORE_THE_END: Duration = Duration::from_secs(10 * 60);

/// Clients that assume `role` for each tenant.
#[must_use]
pub fn clients(sdk: &SdkConfig, role: String) -> Clients {
    let (own, sts, sdk) = (Client::new(sdk), aws_sdk_sts::Client::new(sdk), sdk.clone());
    Clients::for_each_tenant(&own, move |tenant| {
        let (sts, role) = (sts.clone(), role.clone());
        client(&sdk, Session { sts, role, tenant })
    })
}

fn client(sdk: &SdkConfig, session: Session) -> Client {
    // A cache of its own: one for all would keep the credentials of tenants whose clients are gone.
    let kept = IdentityCache::lazy().buffer_time(BEFORE_THE_END).build();
    let config = Builder::from(sdk).credentials_provider(session).identity_cache(kept);
    Client::from_conf(config.build())
}

/// The role, assumed for one tenant. The provider of `aws-config` does the same, and brings into each archive whatever else
/// credentials may come from: profiles, containers, the metadata of machines.
#[derive(Debug)]
struct Session {
    sts: aws_sdk_sts::Client,
    role: String,
    tenant: TenantId,
}

impl Session {
    async fn begin(&self) -> provider::Result {
        let tenant = self.tenant.to_string();
        let tag = Tag::builder().key("tenant").value(&tenant).build();
        let asked = self
            .sts
            .assume_role()
            .role_arn(&self.role)
            .role_session_name(tenant)
            .duration_seconds(SESSION)
            .tags(tag.map_err(CredentialsError::unhandled)?)
            .policy(session_policy(self.tenant));
        let answer = asked.send().await.map_err(CredentialsError::provider_error)?;
        let found = answer
            .credentials
            .ok_or_else(|| CredentialsError::unhandled("a session without credentials"))?;
        let ends = SystemTime::try_from(found.expiration).map_err(CredentialsError::unhandled)?;
        let (key, secret, token) = (found.access_key_id, found.secret_access_key, found.session_token);
        Ok(Credentials::new(
            key,
            secret,
            Some(token),
            Some(ends),
            "a tenant's session",
        ))
    }
}

impl ProvideCredentials for Session {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.begin())
    }
}

/// What a tenant's session may do at most, whatever its role permits: items of the tenant, and of nobody. Only a role that
/// is granted them reaches the latter; they are in it since a transaction writes them together with the tenant's.
#[must_use]
pub fn session_policy(tenant: TenantId) -> String {
    let own = pattern_of(tenant);
    let partitions: Vec<&str> = std::iter::once(own.as_str()).chain(OF_NO_TENANT).collect();
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": [
                "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem",
                "dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem",
            ],
            "Resource": "*",
            "Condition": {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": partitions},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        }],
    })
    .to_string()
}

//! Credentials of one tenant each: the function's own role, assumed once more with the tenant's id as a session tag.
//!
//! Two walls stand behind such a session. The role's statements on the tables reach `${aws:PrincipalTag/tenant}#*` alone, and
//! the session policy that is sent along names the tenant's partitions once more, literally. The function's own credentials
//! carry no tag, and reach no tenant's items.
//!
//! The SDK keeps a client's credentials, fetches them once for all who wait, fetches them again before they end, and keeps
//! no failure: a call that gets none answers that the store is unavailable.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_config::sts::AssumeRoleProvider;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use rapport_domain::TenantId;
use rapport_store::Clients;
use rapport_store::key::{OF_NO_TENANT, pattern_of};

/// A role that was assumed from a role is assumed for an hour at most.
const SESSION: Duration = Duration::from_secs(60 * 60);
/// Credentials are fetched anew half of this to all of it before they end.
const BEFORE_THE_END: Duration = Duration::from_secs(10 * 60);

/// Clients that assume `role` for each tenant.
#[must_use]
pub fn clients(sdk: &SdkConfig, role: String) -> Clients {
    let (own, sdk) = (Client::new(sdk), sdk.clone());
    Clients::for_each_tenant(&own, move |tenant| {
        let (sdk, role) = (sdk.clone(), role.clone());
        Box::pin(async move { client(&sdk, role, tenant).await })
    })
}

async fn client(sdk: &SdkConfig, role: String, tenant: TenantId) -> Client {
    let credentials = AssumeRoleProvider::builder(role)
        .session_name(tenant.to_string())
        .session_length(SESSION)
        .tags([("tenant", tenant.to_string())])
        .policy(session_policy(tenant))
        .configure(sdk)
        .build()
        .await;
    // A cache of its own: one for all would keep the credentials of tenants whose clients are gone.
    let kept = IdentityCache::lazy().buffer_time(BEFORE_THE_END).build();
    let config = Builder::from(sdk)
        .credentials_provider(credentials)
        .identity_cache(kept);
    Client::from_conf(config.build())
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

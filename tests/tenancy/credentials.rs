//! A tenant's items are asked for with credentials of that tenant: functions as in the cloud, before an STS and a DynamoDB
//! that stand in for AWS's and note what they are asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_types::SdkConfig;
use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_runtime::{App, Clock, Config, Function, tenant};
use rapport_store::{Clients, Key, Store, StoreError, Table, TableNames, Write};
use serde_json::{Value, json};
use tests::Caller;

const ROLE: &str = "arn:aws:iam::000000000000:role/rapport/leads/a-role";

/// What AWS would have been asked, and how it answers.
#[derive(Default)]
struct State {
    /// Each time a role was assumed: the form, and the key that signed.
    assumed: Vec<(BTreeMap<String, String>, String)>,
    /// The keys that signed calls of tables, and the operations.
    called: Vec<(String, String)>,
    /// How long credentials are good.
    minutes: i64,
    /// No role is given.
    refuses: bool,
}

#[derive(Clone, Default)]
struct Aws(Arc<Mutex<State>>);

impl Aws {
    /// Starts it, and gives what a function's configuration would be.
    async fn start(minutes: i64) -> (Self, SdkConfig) {
        let aws = Self::default();
        aws.0.lock().minutes = minutes;
        let state = aws.clone();
        let router = axum::Router::new().fallback(move |headers: HeaderMap, body: String| async move {
            let (status, body) = state.answer(&headers, &body);
            (axum::http::StatusCode::from_u16(status).unwrap(), body)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let own = Credentials::from_keys("FUNCTION", "secret", None);
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .endpoint_url(url)
            .credentials_provider(SharedCredentialsProvider::new(own))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        (aws, sdk)
    }

    fn answer(&self, headers: &HeaderMap, body: &str) -> (u16, String) {
        let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
        let signer = header("authorization").split_once("Credential=").unwrap().1;
        let signer = signer.split_once('/').unwrap().0.to_owned();
        let mut state = self.0.lock();
        if let Some((_, operation)) = header("x-amz-target").split_once('.') {
            state.called.push((signer, operation.to_owned()));
            return (200, "{}".to_owned());
        }
        let form = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
        let form: BTreeMap<String, String> = form.query_pairs().into_owned().collect();
        let name = form["RoleSessionName"].clone();
        state.assumed.push((form, signer));
        if state.refuses {
            let error = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>";
            return (403, format!("<ErrorResponse>{error}</ErrorResponse>"));
        }
        #[allow(clippy::disallowed_methods, reason = "the SDK compares with the system's time")]
        let end = Timestamp::now() + SignedDuration::from_mins(state.minutes);
        let credentials = format!(
            "<AccessKeyId>KEY-{name}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{end}</Expiration>"
        );
        let user = format!(
            "<AssumedRoleId>A:{name}</AssumedRoleId><Arn>arn:aws:sts::000000000000:assumed-role/r/{name}</Arn>"
        );
        let result = format!("<Credentials>{credentials}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>");
        let answer = format!("<AssumeRoleResult>{result}</AssumeRoleResult>");
        (200, format!("<AssumeRoleResponse>{answer}</AssumeRoleResponse>"))
    }

    fn assumed(&self) -> usize {
        self.0.lock().assumed.len()
    }
}

fn store(clients: Clients) -> Store {
    let name = |variable: &str| variable.starts_with("TABLE_").then(|| variable.to_lowercase());
    Store::new(clients, TableNames::read(name), &[0; 32])
}

async fn read(store: &Store, tenant: TenantId) -> Result<(), StoreError> {
    let found = store.get_item(Table::Leads, &Key::new(tenant, "lead", "-")).await?;
    assert_eq!(found, None);
    Ok(())
}

#[tokio::test]
async fn a_role_is_assumed_once_for_a_tenant_however_many_ask() {
    let (aws, sdk) = Aws::start(60).await;
    let store = store(tenant::clients(&sdk, ROLE.to_owned()));
    let (one, other) = (TenantId::new(), TenantId::new());
    let all = futures::future::join_all((0..100).map(|_| read(&store, one))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(aws.assumed(), 1);
    read(&store, other).await.unwrap();
    read(&store, one).await.unwrap();
    assert_eq!(aws.assumed(), 2);

    let keys: Vec<String> = aws.0.lock().called.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys.len(), 102);
    assert_eq!(keys.iter().filter(|key| **key == format!("KEY-{one}")).count(), 101);
    assert_eq!(keys[100], format!("KEY-{other}"));
}

#[tokio::test]
async fn what_is_sent_names_the_tenant_as_tag_and_in_the_policy() {
    let (aws, sdk) = Aws::start(60).await;
    let store = store(tenant::clients(&sdk, ROLE.to_owned()));
    let tenant = TenantId::new();
    read(&store, tenant).await.unwrap();
    let (mut form, signer) = aws.0.lock().assumed[0].clone();
    assert_eq!(signer, "FUNCTION");
    let policy: Value = serde_json::from_str(&form.remove("Policy").unwrap()).unwrap();
    let expected = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": [
                "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem",
                "dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem",
            ],
            "Resource": "*",
            "Condition": {
                "ForAllValues:StringLike": {
                    "dynamodb:LeadingKeys": [format!("{tenant}#*"), "login#*", "timer#*", "directory#*", "operator#*"],
                },
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        }],
    });
    assert_eq!(policy, expected);
    let id = tenant.to_string();
    let rest = [
        ("Action", "AssumeRole"),
        ("DurationSeconds", "3600"),
        ("RoleArn", ROLE),
        ("RoleSessionName", &id),
        ("Tags.member.1.Key", "tenant"),
        ("Tags.member.1.Value", &id),
        ("Version", "2011-06-15"),
    ];
    assert_eq!(
        form,
        rest.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    );
}

#[tokio::test]
async fn credentials_are_fetched_anew_before_they_end() {
    // Ten minutes before at the earliest, five at the latest.
    for (minutes, times) in [(11, 1), (4, 3)] {
        let (aws, sdk) = Aws::start(minutes).await;
        let store = store(tenant::clients(&sdk, ROLE.to_owned()));
        let tenant = TenantId::new();
        for _ in 0..3 {
            read(&store, tenant).await.unwrap();
        }
        assert_eq!(aws.assumed(), times, "good for {minutes} minutes");
    }
}

#[tokio::test]
async fn every_kind_of_call_is_made_with_the_credentials_of_whose_items_they_are() {
    let (aws, sdk) = Aws::start(60).await;
    let store = store(tenant::clients(&sdk, ROLE.to_owned()));
    let (tenant, other) = (TenantId::new(), TenantId::new());
    let (key, login) = (Key::new(tenant, "lead", "-"), Key::login("x", "-"));
    let query = rapport_store::page::Query::newest("lead");
    let signer = || aws.0.lock().called.last().cloned().unwrap();
    let (theirs, own) = (format!("KEY-{tenant}"), "FUNCTION".to_owned());

    store
        .get_items(Table::Leads, std::slice::from_ref(&key), true)
        .await
        .unwrap();
    assert_eq!(signer(), (theirs.clone(), "BatchGetItem".to_owned()));
    store.put_items(Table::Leads, vec![key.attributes()]).await.unwrap();
    assert_eq!(signer(), (theirs.clone(), "BatchWriteItem".to_owned()));
    store.delete_item(Table::Leads, &key).await.unwrap();
    assert_eq!(signer(), (theirs.clone(), "DeleteItem".to_owned()));
    store.query(tenant, Table::Leads, &query, 1, None).await.unwrap();
    assert_eq!(signer(), (theirs.clone(), "Query".to_owned()));
    // What belongs to nobody, together with what is the tenant's.
    let mut write = Write::new(tenant);
    write.put(&store, Table::Leads, key.attributes()).unwrap();
    write.put(&store, Table::Identity, login.attributes()).unwrap();
    write.commit(&store).await.unwrap();
    assert_eq!(signer(), (theirs, "TransactWriteItems".to_owned()));
    // Alone.
    store.get_item(Table::Identity, &login).await.unwrap();
    assert_eq!(signer(), (own.clone(), "GetItem".to_owned()));
    let mut write = Write::new(tenant);
    write.put(&store, Table::Identity, login.attributes()).unwrap();
    write.commit(&store).await.unwrap();
    assert_eq!(signer(), (own, "PutItem".to_owned()));

    // Nothing is sent for items of two tenants.
    let before = aws.0.lock().called.len();
    let both = [key.clone(), Key::new(other, "lead", "-")];
    assert!(matches!(
        store.get_items(Table::Leads, &both, true).await,
        Err(StoreError::Internal(_))
    ));
    assert!(matches!(
        store.delete_items(Table::Leads, &both).await,
        Err(StoreError::Internal(_))
    ));
    let mut write = Write::new(other);
    write.put(&store, Table::Leads, key.attributes()).unwrap();
    assert!(matches!(write.commit(&store).await, Err(StoreError::Internal(_))));
    assert_eq!(aws.0.lock().called.len(), before);
}

#[tokio::test]
async fn without_credentials_an_answer_is_503_and_the_next_has_them() {
    let (aws, sdk) = Aws::start(60).await;
    let variables = |name: &str| match name {
        "PUBLIC_URL" => Some("http://127.0.0.1:1".to_owned()),
        "SECRET_KEY" | "SIGNING_KEY" => Some("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        name => name.starts_with("TABLE_").then(|| name.to_lowercase()),
    };
    let (config, clock) = (Config::read(variables).unwrap(), Clock::default());
    let clients = tenant::clients(&sdk, ROLE.to_owned());
    let app = App::new(
        config,
        clock.clone(),
        clients,
        aws_sdk_sqs::Client::new(&sdk),
        None,
        rapport_runtime::Meter::default(),
    );
    let (user, session) = (RecordId::new(Prefix::User), RecordId::new(Prefix::Session));
    let token = app.tokens.sign(
        &TenantId::new().to_string(),
        &user.to_string(),
        Some("owner"),
        "*:read",
        &session.to_string(),
        clock.now(),
    );
    let Function::Http { router, .. } = leads::function() else {
        unreachable!("leads are asked for by HTTP")
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = router(app);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let caller = Caller::at(&url).with_token(&token.unwrap());
    let path = format!("/v1/leads/{}", RecordId::new(Prefix::Lead));

    aws.0.lock().refuses = true;
    let refused = caller.get(&path).await;
    refused.problem(503, "unavailable");
    for word in ["STS", "sts", "AccessDenied", "role"] {
        assert!(!refused.text.contains(word), "{}", refused.text);
    }
    aws.0.lock().refuses = false;
    // These tables know of no firm, and so of no account; what matters is that they were asked.
    caller.get(&path).await.problem(401, "unauthenticated");
    assert_eq!(aws.0.lock().called.last().map(|(_, call)| call.as_str()), Some("Query"));
}

//! Every call that a function makes of tables and queues, noted under `target/calls`: what `template/access.py` holds the
//! rights in the template against.
//!
//! A note says what a policy decides by: function, action, table and index, families of partitions, whose credentials; or
//! function and queue. Each is written once. Tenants' clients sign with the tenant's id as the name of the key, so that a
//! note tells the credentials a call was really made with.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use parking_lot::Mutex;
use rapport_host::functions::Functions;
use serde_json::{Value, json};

/// The functions, of which every call is noted.
///
/// # Panics
/// When a function's client has nothing to send with.
#[must_use]
pub fn noted(functions: Functions) -> Functions {
    functions.given(|name, mut ingredients| {
        let note = |inner: Option<SharedHttpClient>| Noting {
            function: name.into(),
            inner: inner.unwrap_or_else(|| panic!("{name}: no HTTP client")),
        };
        let config = ingredients.dynamodb.config();
        let between = note(config.http_client());
        ingredients.dynamodb = Client::from_conf(config.to_builder().http_client(between).build());
        let config = ingredients.sqs.config();
        let between = note(config.http_client());
        ingredients.sqs = aws_sdk_sqs::Client::from_conf(config.to_builder().http_client(between).build());
        ingredients.of_tenant = Some(of_tenant);
        ingredients
    })
}

fn of_tenant(own: &Client, tenant: &str) -> Client {
    let credentials = Credentials::new(tenant, "secret", None, None, "a tenant's");
    Client::from_conf(own.config().to_builder().credentials_provider(credentials).build())
}

#[derive(Clone, Debug)]
struct Noting {
    function: Arc<str>,
    inner: SharedHttpClient,
}

impl HttpClient for Noting {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            function: Arc::clone(&self.function),
            inner: self.inner.http_connector(settings, components),
        })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    function: Arc<str>,
    inner: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        let signer = request
            .headers()
            .get("authorization")
            .and_then(|text| text.split_once("Credential=")?.1.split_once('/'))
            .map_or("", |(name, _)| name);
        let tenant = signer.starts_with("tnt_").then_some(signer);
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        for note in notes(&self.function, target, &body, tenant) {
            write(&note.to_string());
        }
        self.inner.call(request)
    }
}

/// What a call needs the right to: one note for each action, table and index.
fn notes(function: &str, target: &str, body: &Value, tenant: Option<&str>) -> Vec<Value> {
    let (service, operation) = target.split_once('.').unwrap_or_default();
    if service == "AmazonSQS" {
        // Moves of messages name the queue by its ARN.
        let named = [text(&body["QueueUrl"]), text(&body["SourceArn"])].concat();
        let queue = named.rsplit(['/', ':']).next().unwrap_or_default();
        // A batch needs the right to send, and there is no other.
        let action = operation.trim_end_matches("Batch");
        return vec![json!({"function": function, "action": format!("sqs:{action}"), "queue": queue})];
    }
    let mut needed: BTreeMap<(String, String, String), BTreeSet<String>> = BTreeMap::new();
    for (action, table, index, pk) in items(operation, body) {
        let place = (action.to_owned(), table.to_owned(), index.to_owned());
        needed.entry(place).or_default().insert(family(pk, tenant));
    }
    needed
        .into_iter()
        .map(|((action, table, index), keys)| {
            json!({
                "function": function, "action": format!("dynamodb:{action}"), "table": table, "index": index, "keys": keys,
                "credentials": if tenant.is_some() { "tenant" } else { "own" },
            })
        })
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The items of a call: action, table, index, partition. Transactions need the rights of what they are made of.
fn items<'a>(operation: &'a str, body: &'a Value) -> Vec<(&'a str, &'a str, &'a str, &'a str)> {
    let pk = |item: &'a Value| text(&item["pk"]["S"]);
    let table = text(&body["TableName"]);
    let tables = body["RequestItems"].as_object();
    match operation {
        "PutItem" => vec![(operation, table, "", pk(&body["Item"]))],
        "GetItem" | "UpdateItem" | "DeleteItem" => vec![(operation, table, "", pk(&body["Key"]))],
        "Query" => {
            let condition = text(&body["KeyConditionExpression"]);
            let value = condition.split_whitespace().nth(2).unwrap_or_default();
            let partition = text(&body["ExpressionAttributeValues"][value]["S"]);
            vec![(operation, table, text(&body["IndexName"]), partition)]
        }
        "BatchGetItem" => tables
            .into_iter()
            .flatten()
            .flat_map(|(table, asked)| {
                asked["Keys"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(move |key| (table, key))
            })
            .map(|(table, key)| (operation, table.as_str(), "", pk(key)))
            .collect(),
        "BatchWriteItem" => tables
            .into_iter()
            .flatten()
            .flat_map(|(table, asked)| asked.as_array().into_iter().flatten().map(move |one| (table, one)))
            .map(|(table, one)| match one.get("PutRequest") {
                Some(put) => (operation, table.as_str(), "", pk(&put["Item"])),
                None => (operation, table.as_str(), "", pk(&one["DeleteRequest"]["Key"])),
            })
            .collect(),
        "TransactWriteItems" => body["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| {
                let (kind, of) = item.as_object()?.iter().next()?;
                let (action, at) = match kind.as_str() {
                    "Put" => ("PutItem", "Item"),
                    "Update" => ("UpdateItem", "Key"),
                    "Delete" => ("DeleteItem", "Key"),
                    _ => ("ConditionCheckItem", "Key"),
                };
                Some((action, text(&of["TableName"]), "", pk(&of[at])))
            })
            .collect(),
        // No policy of ours permits anything else: access.py will say so.
        _ => vec![(operation, table, "", "")],
    }
}

/// What a policy can tell of a partition: `{own}#`, `{other}#` for a tenant's, or the word of one that is nobody's.
fn family(pk: &str, tenant: Option<&str>) -> String {
    match pk.split_once('#') {
        Some((owner, _)) if Some(owner) == tenant => "{own}#".to_owned(),
        Some((owner, _)) if owner.starts_with("tnt_") => "{other}#".to_owned(),
        Some((word, _)) => format!("{word}#"),
        None => pk.to_owned(),
    }
}

/// The folder of the notes.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/calls")
}

fn write(note: &str) {
    static KNOWN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock();
    if known.contains(note) {
        return;
    }
    let file = folder().join(format!("{}.jsonl", std::process::id()));
    let written = std::fs::create_dir_all(folder())
        .and_then(|()| std::fs::OpenOptions::new().create(true).append(true).open(&file))
        .and_then(|mut file| writeln!(file, "{note}"));
    written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    known.insert(note.to_owned());
}

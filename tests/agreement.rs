//! Whether the parts that must say the same do: template, routers, host, OpenAPI document, stored kinds.

use std::collections::BTreeSet;

use rapport_http::Api;
use rapport_runtime::{App, Clock, Config};
use serde_json::Value;

/// A function's parts that talk to nobody: enough to list its routes.
fn app() -> App {
    let variables = |name: &str| match name {
        "PUBLIC_URL" => Some("http://127.0.0.1:1".to_owned()),
        "SECRET_KEY" | "SIGNING_KEY" => Some("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        _ => None,
    };
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .build();
    let sqs = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
        .build();
    App::new(
        Config::read(variables).unwrap(),
        Clock::default(),
        aws_sdk_dynamodb::Client::from_conf(dynamodb),
        aws_sdk_sqs::Client::from_conf(sqs),
        || unreachable!("no mail is sent"),
        rapport_runtime::Meter::default(),
    )
    .unwrap()
}

/// The routes of every HTTP function, by the name of its crate.
pub fn apis() -> Vec<(&'static str, Api)> {
    let app = app();
    vec![
        ("console", console::api(app.clone())),
        ("contacts", contacts::api(app.clone())),
        ("events", events::api(app.clone())),
        ("identity", identity::api(app.clone())),
        ("imports", imports::api(app.clone())),
        ("leads", leads::api(app.clone())),
        ("orders", orders::api(app.clone())),
        ("reports", reports::api(app.clone())),
        ("search", search::api(app.clone())),
        ("segments", segments::api(app.clone())),
        ("surveys", surveys::api(app.clone())),
        ("tickets", tickets::api(app.clone())),
        ("usage", usage::api(app.clone())),
        ("webhooks", webhooks::api(app.clone())),
        ("win-backs", win_backs::api(app.clone())),
    ]
}

pub fn document() -> Value {
    let shares: Vec<Value> = apis().iter().map(|(_, api)| api.openapi()).collect();
    rapport_http::api::document(&shares)
}

#[tokio::test]
async fn openapi() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/console/openapi.json");
    let fresh = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::vars().any(|(name, _)| name == "UPDATE_OPENAPI") {
        std::fs::write(path, &fresh).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap();
    assert!(
        known == fresh,
        "functions/console/openapi.json is stale: run `cargo xtask openapi`"
    );
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(name, value)| {
                if name == "$ref" {
                    found.extend(value.as_str());
                }
                walk(value, found);
            }),
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut references = BTreeSet::new();
    walk(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        assert!(
            document.pointer(reference.trim_start_matches('#')).is_some(),
            "{reference}"
        );
    }
}

#[test]
fn the_host_has_every_function_that_the_template_declares() {
    assert_eq!(tests::world().missing, Vec::<String>::new());
}

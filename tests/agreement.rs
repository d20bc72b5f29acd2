//! Whether the parts that must say the same do: template, routers, host, OpenAPI document, stored kinds.

use std::collections::{BTreeMap, BTreeSet};

use rapport_host::template::{Event, Template};
use rapport_http::Catalogue;
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
        None,
        rapport_runtime::Meter::default(),
    )
}

/// The routes of every HTTP function, by the name of its crate.
pub fn apis() -> Vec<(&'static str, Catalogue)> {
    let app = app();
    vec![
        ("archives", archives::api(app.clone()).into_catalogue()),
        ("console", console::api(&app.config).into_catalogue()),
        ("contacts", contacts::api(app.clone()).into_catalogue()),
        ("events", events::api(app.clone()).into_catalogue()),
        ("identity", identity::api(app.clone()).into_catalogue()),
        ("imports", imports::api(app.clone()).into_catalogue()),
        ("leads", leads::api(app.clone()).into_catalogue()),
        ("operator", operator::api(app.clone()).into_catalogue()),
        ("orders", orders::api(app.clone()).into_catalogue()),
        ("reports", reports::api(app.clone()).into_catalogue()),
        ("search", search::api(app.clone()).into_catalogue()),
        ("segments", segments::api(app.clone()).into_catalogue()),
        ("surveys", surveys::api(app.clone()).into_catalogue()),
        ("tickets", tickets::api(app.clone()).into_catalogue()),
        ("usage", usage::api(app.clone()).into_catalogue()),
        ("webhooks", webhooks::api(app.clone()).into_catalogue()),
        ("win-backs", win_backs::api(app.clone()).into_catalogue()),
    ]
}

/// The document that tenants read.
pub fn document() -> Value {
    let [(_, document), _] = documents();
    document
}

/// The document that tenants read, and the operator's: no tenant can call those routes, and no client needs them.
fn documents() -> [(&'static str, Value); 2] {
    let (operator, tenants): (Vec<_>, Vec<_>) = apis().into_iter().partition(|(name, _)| *name == "operator");
    let shares = |apis: Vec<(&str, Catalogue)>| apis.iter().map(|(_, api)| api.openapi()).collect::<Vec<_>>();
    [
        ("console", rapport_http::api::document(&shares(tenants))),
        ("operator", rapport_http::api::operator_document(&shares(operator))),
    ]
}

#[tokio::test]
async fn openapi() {
    for (function, document) in documents() {
        let path = format!("{}/../functions/{function}/openapi.json", env!("CARGO_MANIFEST_DIR"));
        let fresh = serde_json::to_string_pretty(&document).unwrap() + "\n";
        if std::env::vars().any(|(name, _)| name == "UPDATE_OPENAPI") {
            std::fs::write(&path, &fresh).unwrap();
        }
        let known = std::fs::read_to_string(&path).unwrap();
        assert!(
            known == fresh,
            "functions/{function}/openapi.json is stale: run `cargo xtask openapi`"
        );
    }
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
    for (_, document) in documents() {
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
}

/// What is not here is in no document, and no test of tenancy calls it.
#[tokio::test]
async fn every_function_that_is_called_by_http_has_its_routes_here() {
    let template = Template::read(rapport_host::TEMPLATE, &BTreeMap::new(), "http://127.0.0.1:1").unwrap();
    let by_http = |event: &Event| matches!(event, Event::Http { .. });
    let called = template
        .functions
        .into_values()
        .filter(|function| function.events.iter().any(by_http));
    let called: BTreeSet<String> = called.map(|function| function.name).collect();
    let here: BTreeSet<String> = apis().into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(called, here);
}

/// A panic ends programs that work on one request at a time; a batch of messages is none.
#[tokio::test]
async fn a_panic_ends_functions_that_are_called_by_http_and_no_others() {
    let functions = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions");
    let ending = |name: &str| {
        let manifest = std::fs::read_to_string(format!("{functions}/{name}/Cargo.toml")).unwrap();
        manifest.contains("[package.metadata.rapport]\nprofile = \"lambda-http\"\n")
    };
    let names = std::fs::read_dir(functions).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found: BTreeSet<String> = names.filter(|name| ending(name)).collect();
    let called: BTreeSet<String> = apis().into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(found, called);
}

#[test]
fn the_host_has_every_function_that_the_template_declares() {
    assert_eq!(tests::world().missing, Vec::<String>::new());
}

//! A function as a program of its own, for the tests: it answers requests with what it saw of them, and fails on
//! demand. It speaks to nothing but the Lambda Runtime API.

#![allow(
    clippy::disallowed_methods,
    reason = "what it sees of its environment is what it tells"
)]

use std::time::Duration;

use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, lambda_runtime::Error> {
    let event = event.payload;
    if event["Records"].is_array() {
        let failed = event["Records"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|record| record["body"].as_str().is_some_and(|body| body.contains("fail")));
        let failures: Vec<Value> = failed
            .map(|record| json!({"itemIdentifier": record["messageId"]}))
            .collect();
        return Ok(json!({"batchItemFailures": failures}));
    }
    match event["rawPath"].as_str().unwrap_or_default() {
        "/slow" => tokio::time::sleep(Duration::from_secs(600)).await,
        "/busy" => tokio::time::sleep(Duration::from_millis(300)).await,
        "/exit" => std::process::exit(3),
        "/error" => return Err("as asked".into()),
        _ => {}
    }
    Ok(json!({
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "cookies": ["seen=1"],
        "body": json!({
            "process": std::process::id(),
            "function": std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok(),
            "endpoint": std::env::var("AWS_ENDPOINT_URL_DYNAMODB").ok(),
            "home": std::env::var("HOME").ok(),
            "event": event,
        }).to_string(),
        "isBase64Encoded": false,
    }))
}

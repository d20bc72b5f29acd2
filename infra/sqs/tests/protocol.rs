//! The JSON protocol where the conformance table cannot look: headers, raw bytes, paths.
#![allow(clippy::unwrap_used)]

use axum::body::{Body, to_bytes};
use axum::http::Request;
use rapport_sqs::{Attributes, Queues, router};
use tower::ServiceExt as _;

#[tokio::test]
async fn every_bad_call_is_answered() {
    let queues = Queues::open(None).unwrap();
    queues.create_queue("jobs", Attributes::default()).await.unwrap();
    let nested = "[".repeat(100_000);
    for (target, body, status, error) in [
        (
            "AmazonSQS.SendMessage",
            r#"{"QueueUrl":"jobs","MessageBody":"a"}"#,
            200,
            None,
        ),
        (
            "AmazonSQS.SendMessage",
            r#"{"QueueUrl":"none","MessageBody":"a"}"#,
            400,
            Some("AWS.SimpleQueueService.NonExistentQueue;Sender"),
        ),
        ("AmazonSQS.SendMessage", "{}", 400, Some("MissingParameter;Sender")),
        ("AmazonSQS.SendMessage", "", 400, Some("MissingParameter;Sender")),
        ("AmazonSQS.SendMessage", "[]", 400, Some("MalformedInput;Sender")),
        ("AmazonSQS.SendMessage", "null", 400, Some("MalformedInput;Sender")),
        ("AmazonSQS.SendMessage", &nested, 400, Some("MalformedInput;Sender")),
        (
            "AmazonSQS.SendMessage",
            r#"{"QueueUrl":"jobs","MessageBody":"\ud800"}"#,
            400,
            Some("MalformedInput;Sender"),
        ),
        (
            "AmazonSQS.SendMessage",
            r#"{"QueueUrl":"jobs","MessageBody":"a","DelaySeconds":1e99}"#,
            400,
            Some("MalformedInput;Sender"),
        ),
        (
            "AmazonSQS.SendMessage",
            r#"{"QueueUrl":"jobs","MessageBody":"a","DelaySeconds":9223372036854775807}"#,
            400,
            Some("InvalidParameterValue;Sender"),
        ),
        (
            "AmazonSQS.SendMessage",
            r#"{"QueueUrl":"jobs","MessageBody":"a","MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"!"}}}"#,
            400,
            Some("MalformedInput;Sender"),
        ),
        (
            "AmazonSQS.ReceiveMessage",
            r#"{"QueueUrl":"jobs","MaxNumberOfMessages":-1}"#,
            400,
            Some("InvalidParameterValue;Sender"),
        ),
        (
            "AmazonSQS.AddPermission",
            "{}",
            400,
            Some("AWS.SimpleQueueService.UnsupportedOperation;Sender"),
        ),
        ("AmazonSQS.", "{}", 400, Some("InvalidAction;Sender")),
        ("DynamoDB_20120810.ListTables", "{}", 400, Some("InvalidAction;Sender")),
        ("", "", 400, Some("InvalidAction;Sender")),
    ] {
        let answer = queues.answer(target, body.as_bytes()).await;
        let shown = &body[..body.len().min(80)];
        assert_eq!((answer.status, answer.query_error), (status, error), "{target} {shown}");
        let (plain_status, content_type, bytes) = queues.handle(target, body.as_bytes()).await;
        assert_eq!((plain_status, content_type), (status, "application/x-amz-json-1.0"));
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(value["__type"].is_string(), error.is_some());
    }
    assert_eq!(
        queues
            .answer("AmazonSQS.SendMessage", b"{\"QueueUrl\":\"\xff\"}")
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn over_http() {
    let queues = Queues::open(None).unwrap();
    let call = |path: &str, target: &str, body: Body| {
        let request = Request::post(path)
            .header("host", "127.0.0.1:4566")
            .header("x-amz-target", target)
            .body(body)
            .unwrap();
        router(queues.clone()).oneshot(request)
    };
    let created = call("/", "AmazonSQS.CreateQueue", Body::from(r#"{"QueueName":"jobs"}"#))
        .await
        .unwrap();
    assert_eq!(created.headers()["content-type"], "application/x-amz-json-1.0");
    let body = to_bytes(created.into_body(), 1000).await.unwrap();
    let url = r#"{"QueueUrl":"http://127.0.0.1:4566/000000000000/jobs"}"#;
    assert_eq!(body, url);
    let missing = call(
        "/000000000000/jobs",
        "AmazonSQS.GetQueueUrl",
        Body::from(r#"{"QueueName":"none"}"#),
    )
    .await
    .unwrap();
    assert_eq!(missing.status(), 400);
    assert_eq!(
        missing.headers()["x-amzn-query-error"],
        "AWS.SimpleQueueService.NonExistentQueue;Sender"
    );
    assert!(missing.headers().contains_key("x-amzn-requestid"));
    let huge = call("/", "AmazonSQS.SendMessage", Body::from(vec![b' '; 9_000_000]))
        .await
        .unwrap();
    assert_eq!(huge.status(), 413);
}

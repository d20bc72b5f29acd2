//! The host as a whole, in this process and as a program: what the template binds is called, what is acknowledged is
//! kept, and the price of a write does not grow.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use aws_lambda_events::streams::DynamoDbEventResponse;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{any, get};
use parking_lot::Mutex;
use rapport_host::engine::{self, InProcess};
use rapport_host::functions::Functions;
use rapport_host::invoke::Handler;
use rapport_host::schedule::Time;
use rapport_host::{Host, Options, Processes};

const SMALL: &str = include_str!("small.yaml");
const LEADS: &str = "rapport-leads";
const WORK: &str = "rapport-work";
const DEAD: &str = "rapport-work-dead";

fn options(functions: Functions) -> Options {
    Options {
        port: 0,
        data: None,
        // Short times, so that what comes again comes soon.
        template: SMALL
            .replace("VisibilityTimeout: 60", "VisibilityTimeout: 1")
            .replace("Timeout: 10", "Timeout: 1"),
        functions,
        environment: BTreeMap::new(),
        time: Time::system(),
        processes: None,
        engines: None,
    }
}

fn client(host: &Host) -> aws_sdk_dynamodb::Client {
    engine::dynamodb(InProcess::tables(Arc::clone(host.engine())))
}

async fn put(client: &aws_sdk_dynamodb::Client, key: &str) {
    client
        .put_item()
        .table_name(LEADS)
        .item("pk", AttributeValue::S("tnt_1#lead".to_owned()))
        .item("sk", AttributeValue::S(key.to_owned()))
        .item("status", AttributeValue::S("tnt_1#new".to_owned()))
        .item("note", AttributeValue::S("x".repeat(300)))
        .send()
        .await
        .unwrap();
}

/// Waits until something holds, for as long as a busy machine may need.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn keys(event: &StreamEvent) -> Vec<(String, String)> {
    event
        .records
        .iter()
        .map(|record| {
            let key = serde_json::to_value(&record.change.keys).unwrap();
            (
                record.change.sequence_number.clone().unwrap(),
                key["sk"]["S"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[tokio::test]
async fn requests_reach_functions_and_failures_are_problems() {
    let functions = Functions::default().with("leads", |given| {
        assert_eq!(given.environment["TABLE_LEADS"], LEADS);
        assert!(given.environment["PUBLIC_URL"].starts_with("http://127.0.0.1:"));
        Ok(Handler::Http(
            Router::new()
                .route(
                    "/v1/leads",
                    get(|| async { "all" }).post(|body: String| async move { body.len().to_string() }),
                )
                .route("/v1/leads/{id}", get(|Path(id): Path<String>| async move { id }))
                .route(
                    "/panic",
                    any(|| async {
                        if true {
                            panic!("as asked")
                        }
                    }),
                )
                .route(
                    "/slow",
                    any(|| async { tokio::time::sleep(Duration::from_secs(60)).await }),
                )
                .fallback(|| async { (StatusCode::NOT_FOUND, "the function's own") }),
        ))
    });
    let host = Host::start(options(functions)).await.unwrap();
    let url = host.url();
    let http = reqwest::Client::new();
    for (path, status, body) in [
        ("/v1/leads", 200, "all"),
        ("/v1/leads/a%20b", 200, "a b"),
        ("/elsewhere", 404, "the function's own"),
    ] {
        let answer = http.get(format!("{url}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.text().await.unwrap(), body, "{path}");
    }
    for (path, status, code) in [("/panic", 500, "internal"), ("/slow", 504, "gateway_timeout")] {
        let answer = http.get(format!("{url}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let id = answer.headers()["request-id"].to_str().unwrap().to_owned();
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(
            (&problem["code"], &problem["request_id"]),
            (&code.into(), &id.into()),
            "{path}"
        );
        assert!(
            !problem.to_string().contains("as asked"),
            "nothing of the inside: {problem}"
        );
    }
    let large = |size: usize| http.post(format!("{url}/v1/leads")).body(vec![b'x'; size]).send();
    assert_eq!(large(1_000_000).await.unwrap().text().await.unwrap(), "1000000");
    assert_eq!(large(7_000_000).await.unwrap().status(), 413);
    let mut missing = host.missing().to_vec();
    missing.sort();
    assert_eq!(missing, ["changes", "tick", "work"]);
    assert!(host.stop().await);
    assert!(http.get(url).send().await.is_err(), "nobody is there any more");
}

#[tokio::test]
async fn requests_in_flight_are_answered_at_the_end() {
    let entered = Arc::new(tokio::sync::Notify::new());
    let leave = Arc::new(tokio::sync::Notify::new());
    let (inside, gate) = (Arc::clone(&entered), Arc::clone(&leave));
    let functions = Functions::default().with("leads", move |_| {
        let (inside, gate) = (Arc::clone(&inside), Arc::clone(&gate));
        Ok(Handler::Http(Router::new().fallback(move || {
            let (inside, gate) = (Arc::clone(&inside), Arc::clone(&gate));
            async move {
                inside.notify_one();
                gate.notified().await;
                "done"
            }
        })))
    });
    let host = Host::start(options(functions)).await.unwrap();
    let request = tokio::spawn(reqwest::get(host.url()));
    entered.notified().await;
    let end = tokio::spawn(host.stop());
    leave.notify_one();
    assert_eq!(request.await.unwrap().unwrap().text().await.unwrap(), "done");
    assert!(end.await.unwrap());
}

type Batches = Arc<Mutex<Vec<Vec<String>>>>;

/// A reader of changes that fails for records whose key says so: `fail-once` at its first sight, `poison` always.
fn reader(batches: &Batches) -> Functions {
    let batches = Arc::clone(batches);
    Functions::default().with("changes", move |_| {
        let batches = Arc::clone(&batches);
        Ok(Handler::Stream(Arc::new(move |event| {
            let batches = Arc::clone(&batches);
            Box::pin(async move {
                let mut answer = DynamoDbEventResponse::default();
                let keys = keys(&event);
                let mut batches = batches.lock();
                let seen = |key: &str| batches.iter().flatten().any(|one| one == key);
                for (sequence, key) in &keys {
                    if key.contains("poison") || (key.contains("fail-once") && !seen(key)) {
                        let mut failure = aws_lambda_events::streams::DynamoDbBatchItemFailure::default();
                        failure.item_identifier = Some(sequence.clone());
                        answer.batch_item_failures.push(failure);
                    }
                    if key.contains("panic-once") && !seen(key) {
                        batches.push(vec![key.clone()]);
                        drop(batches);
                        panic!("as asked");
                    }
                }
                batches.push(keys.into_iter().map(|(_, key)| key).collect());
                answer
            })
        })))
    })
}

fn flat(batches: &Batches) -> Vec<String> {
    batches.lock().iter().flatten().cloned().collect()
}

#[tokio::test]
async fn changes_are_delivered_in_order_at_least_once() {
    let batches = Batches::default();
    let host = Host::start(options(reader(&batches))).await.unwrap();
    let client = client(&host);
    for index in 0..250 {
        let key = match index {
            120 => "120-fail-once".to_owned(),
            180 => "180-panic-once".to_owned(),
            _ => format!("{index:03}"),
        };
        put(&client, &key).await;
    }
    until("all are delivered", async || {
        flat(&batches).iter().any(|key| key == "249")
    })
    .await;
    let mut order = flat(&batches);
    let delivered = order.len();
    order.dedup();
    let mut first_sight = order.clone();
    first_sight.sort();
    first_sight.dedup();
    assert_eq!(first_sight.len(), 250, "none is lost");
    assert!(delivered <= 250 + 100, "only the failed batch comes again: {delivered}");
    let mut last_new = String::new();
    for key in &order {
        if *key > last_new {
            last_new.clone_from(key);
        }
    }
    assert_eq!(last_new, "249");
    assert!(
        batches
            .lock()
            .iter()
            .all(|batch| batch.len() <= 100 && batch.is_sorted())
    );
    assert!(host.stop().await);
}

#[tokio::test]
async fn a_poisoned_change_ends_as_a_dead_letter_and_holds_up_nothing() {
    let batches = Batches::default();
    let host = Host::start(options(reader(&batches))).await.unwrap();
    let client = client(&host);
    for key in ["1", "2-poison", "3"] {
        put(&client, key).await;
    }
    until("the second is given up", async || {
        host.queues().attributes(DEAD).await.unwrap().visible == 1
    })
    .await;
    until("the third is delivered", async || {
        flat(&batches).last().is_some_and(|key| key == "3")
    })
    .await;
    let tries = flat(&batches).iter().filter(|key| *key == "2-poison").count();
    assert!(tries >= 4, "the first try and three more: {tries}");
    let letter = host
        .queues()
        .receive(
            DEAD,
            rapport_sqs::Receive {
                most: 10,
                wait: Some(5),
                visibility_timeout: None,
            },
        )
        .await
        .unwrap();
    assert_eq!(letter.len(), 1);
    let letter: serde_json::Value = serde_json::from_str(&letter[0].body).unwrap();
    assert_eq!(letter["DDBStreamBatchInfo"]["batchSize"], 1);
    assert!(letter["payload"].as_str().unwrap().contains("2-poison"));
    assert!(host.stop().await);
}

#[tokio::test]
async fn delivery_resumes_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let batches = Batches::default();
    let start = async || {
        let mut options = options(reader(&batches));
        options.data = Some(folder.path().to_owned());
        Host::start(options).await.unwrap()
    };
    let host = start().await;
    let first = client(&host);
    put(&first, "1").await;
    put(&first, "2").await;
    until("both are delivered", async || flat(&batches).len() >= 2).await;
    assert!(host.stop().await);
    drop(first);

    let host = start().await;
    put(&client(&host), "3").await;
    until("the third is delivered", async || flat(&batches).len() >= 3).await;
    assert_eq!(flat(&batches), ["1", "2", "3"], "none comes twice after an orderly end");
    assert!(host.stop().await);
}

#[tokio::test]
async fn messages_are_handled_and_failures_come_again() {
    let seen: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let busiest = Arc::new(AtomicUsize::new(0));
    let now = Arc::new(AtomicUsize::new(0));
    let (calls, most, running) = (Arc::clone(&seen), Arc::clone(&busiest), Arc::clone(&now));
    let functions = Functions::default().with("work", move |_| {
        let (calls, most, running) = (Arc::clone(&calls), Arc::clone(&most), Arc::clone(&running));
        Ok(Handler::Queue(Arc::new(move |event| {
            let (calls, most, running) = (Arc::clone(&calls), Arc::clone(&most), Arc::clone(&running));
            Box::pin(async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                let mut answer = SqsBatchResponse::default();
                let mut alone = false;
                for message in event.records {
                    let body = message.body.unwrap();
                    let times = {
                        let mut calls = calls.lock();
                        let times = calls.entry(body.clone()).or_default();
                        *times += 1;
                        *times
                    };
                    alone |= body == "panic" && times == 1;
                    if (body == "again" && times == 1) || body == "never" {
                        let mut failure = BatchItemFailure::default();
                        failure.item_identifier = message.message_id.unwrap();
                        answer.batch_item_failures.push(failure);
                    }
                }
                running.fetch_sub(1, Ordering::SeqCst);
                assert!(!alone, "as asked");
                answer
            })
        })))
    });
    let mut options = options(functions);
    options.template = options.template.replace("maxReceiveCount: 5", "maxReceiveCount: 2");
    let host = Host::start(options).await.unwrap();
    let sqs = host.queues().clone();
    for body in ["again", "never", "panic"]
        .into_iter()
        .map(str::to_owned)
        .chain((0..50).map(|n| n.to_string()))
    {
        sqs.send(WORK, rapport_sqs::Outgoing::new(body)).await.unwrap();
    }
    until("all is done", async || {
        let left = sqs.attributes(WORK).await.unwrap();
        left.visible + left.in_flight + left.delayed == 0
    })
    .await;
    until("one is given up", async || {
        sqs.attributes(DEAD).await.unwrap().visible == 1
    })
    .await;
    let seen = seen.lock().clone();
    assert_eq!(
        (seen["again"] >= 2, seen["never"], seen["panic"] >= 2),
        (true, 2, true),
        "{seen:?}"
    );
    assert_eq!(seen.len(), 53, "every message was seen");
    assert!(
        busiest.load(Ordering::SeqCst) <= 2,
        "no more at once than the template says"
    );
    assert!(host.stop().await);
}

#[tokio::test]
async fn what_has_expired_goes_and_its_going_is_a_change() {
    let removed: Arc<Mutex<Vec<serde_json::Value>>> = Arc::default();
    let list = Arc::clone(&removed);
    let functions = Functions::default().with("changes", move |_| {
        let list = Arc::clone(&list);
        Ok(Handler::Stream(Arc::new(move |event| {
            let removals = event.records.iter().filter(|record| record.event_name == "REMOVE");
            list.lock()
                .extend(removals.map(|record| serde_json::to_value(record).unwrap()));
            Box::pin(std::future::ready(DynamoDbEventResponse::default()))
        })))
    });
    let host = Host::start(options(functions)).await.unwrap();
    let client = client(&host);
    put(&client, "kept").await;
    client
        .put_item()
        .table_name(LEADS)
        .item("pk", AttributeValue::S("tnt_1#lead".to_owned()))
        .item("sk", AttributeValue::S("gone".to_owned()))
        .item("expires_at", AttributeValue::N("1700000000".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(host.engine().sweep_expired().await.unwrap(), 1);
    until("the change is delivered", async || removed.lock().len() == 1).await;
    let record = removed.lock()[0].clone();
    assert_eq!(record["dynamodb"]["OldImage"]["sk"]["S"], "gone");
    assert_eq!(record["userIdentity"]["principalId"], "dynamodb.amazonaws.com");
    assert!(host.stop().await);
}

#[tokio::test]
async fn heads_without_bounds_are_refused() {
    let functions = Functions::default().with("leads", |_| {
        Ok(Handler::Http(Router::new().fallback(|| async { "answered" })))
    });
    let host = Host::start(options(functions)).await.unwrap();
    let http = reqwest::Client::new();
    let with = async |count: usize, size: usize| {
        let mut request = http.get(host.url());
        for index in 0..count {
            request = request.header(format!("x-{index}"), "y".repeat(size));
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(with(50, 100).await, 200);
    assert_eq!(with(200, 1).await, 431, "too many");
    assert_eq!(with(1, 100_000).await, 431, "too long");
    assert!(host.stop().await);
}

#[tokio::test]
async fn functions_reach_tables_and_queues_by_the_names_of_their_environment() {
    let functions = Functions::default().with("leads", |given| {
        let given = Arc::new(given);
        Ok(Handler::Http(Router::new().fallback(move || {
            let given = Arc::clone(&given);
            async move {
                put(&given.dynamodb, "1").await;
                let url = given.sqs.get_queue_url().queue_name(WORK).send().await.unwrap();
                assert_eq!(url.queue_url(), given.environment.get("QUEUE_WORK").map(String::as_str));
                let message = given.sqs.send_message().queue_url(&given.environment["QUEUE_WORK"]);
                message.message_body("from a function").send().await.unwrap();
                "sent"
            }
        })))
    });
    let host = Host::start(options(functions)).await.unwrap();
    assert_eq!(reqwest::get(host.url()).await.unwrap().text().await.unwrap(), "sent");
    let ask = rapport_sqs::Receive {
        most: 10,
        wait: Some(0),
        visibility_timeout: None,
    };
    let waiting = host.queues().receive(WORK, ask).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].body, "from a function");
    assert!(host.stop().await);
}

#[tokio::test]
async fn a_clock_set_forward_makes_schedules_and_messages_due() {
    let clock = rapport_runtime::Clock::default();
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let functions = Functions::default().with("tick", move |_| {
        let count = Arc::clone(&count);
        Ok(Handler::Schedule(Arc::new(move |()| {
            count.fetch_add(1, Ordering::SeqCst);
            Box::pin(std::future::ready(Ok(())))
        })))
    });
    let mut options = options(functions);
    options.time = Time::of_test(clock.clone());
    options.template = options.template.replace("rate(1 minute)", "rate(1 day)");
    let host = Host::start(options).await.unwrap();
    let mut late = rapport_sqs::Outgoing::new("late");
    late.delay = Some(900);
    host.queues().send(WORK, late).await.unwrap();
    let before = runs.load(Ordering::SeqCst);
    clock.advance(jiff::SignedDuration::from_hours(24));
    until("the schedule runs", async || runs.load(Ordering::SeqCst) > before).await;
    let ask = rapport_sqs::Receive {
        most: 1,
        wait: Some(20),
        visibility_timeout: None,
    };
    assert_eq!(host.queues().receive(WORK, ask).await.unwrap().len(), 1);
    assert!(host.stop().await);
}

/// Processor time of this thread in nanoseconds.
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_price_of_a_write_does_not_grow() {
    // One thread, so that its processor time is that of the writes, their delivery and the trimming.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let delivered = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&delivered);
        let functions = Functions::default().with("changes", move |_| {
            let count = Arc::clone(&count);
            Ok(Handler::Stream(Arc::new(move |event| {
                count.fetch_add(event.records.len(), Ordering::SeqCst);
                Box::pin(std::future::ready(DynamoDbEventResponse::default()))
            })))
        });
        let host = Host::start(options(functions)).await.unwrap();
        let client = client(&host);
        let mut prices = Vec::new();
        for thousand in 0..20 {
            let before = processor_time();
            for index in 0..1_000 {
                put(&client, &format!("{thousand:02}-{index:04}")).await;
            }
            until("all are delivered", async || {
                delivered.load(Ordering::SeqCst) >= (thousand + 1) * 1_000
            })
            .await;
            prices.push(processor_time() - before);
        }
        let left = host.engine().stream_records(LEADS).await.unwrap();
        assert!(left <= 1, "what is delivered is trimmed: {left}");
        let early = prices[1..4].iter().min().unwrap();
        let late = prices[16..].iter().min().unwrap();
        println!(
            "per write, early {} us, late {} us",
            early / 1_000_000,
            late / 1_000_000
        );
        assert!(late * 10 <= early * 14, "early {early}, late {late}");
        assert!(host.stop().await);
    });
}

#[tokio::test]
async fn request_tokens_of_the_sdk_are_dropped() {
    let host = Host::start(options(Functions::default())).await.unwrap();
    let client = client(&host);
    let write = |key: &str| {
        let put = aws_sdk_dynamodb::types::Put::builder()
            .table_name(LEADS)
            .item("pk", AttributeValue::S("tnt_1#lead".to_owned()))
            .item("sk", AttributeValue::S(key.to_owned()))
            .build()
            .unwrap();
        client
            .transact_write_items()
            .client_request_token("the-same-token")
            .transact_items(aws_sdk_dynamodb::types::TransactWriteItem::builder().put(put).build())
            .send()
    };
    write("1").await.unwrap();
    // Were the token kept, other items under it would be refused.
    write("2").await.unwrap();
    let both = client
        .query()
        .table_name(LEADS)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S("tnt_1#lead".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(both.count(), 2);
    assert!(host.stop().await);
}

#[tokio::test]
async fn refusals_of_the_tables_reach_the_sdk() {
    let host = Host::start(options(Functions::default())).await.unwrap();
    let client = client(&host);
    put(&client, "1").await;
    let refused = client
        .put_item()
        .table_name(LEADS)
        .item("pk", AttributeValue::S("tnt_1#lead".to_owned()))
        .item("sk", AttributeValue::S("1".to_owned()))
        .condition_expression("attribute_not_exists(pk)")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(refused.is_conditional_check_failed_exception(), "{refused:?}");
    let nowhere = client
        .get_item()
        .table_name("nowhere")
        .key("pk", AttributeValue::S("x".to_owned()));
    let nowhere = nowhere
        .key("sk", AttributeValue::S("x".to_owned()))
        .send()
        .await
        .unwrap_err();
    assert!(nowhere.into_service_error().is_resource_not_found_exception());
    assert!(host.stop().await);
}

/// The host as a program, killed without warning when dropped.
struct Program {
    child: Child,
    engines: Option<String>,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_host"))
            .args(["--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines.next().and_then(Result::ok);
        let Some(ready) = ready else {
            panic!(
                "it did not start: {:?}",
                errors.map_while(Result::ok).collect::<Vec<_>>()
            );
        };
        assert!(ready.starts_with("Rapport is ready at http://127.0.0.1:"), "{ready}");
        let engines = arguments.contains(&"--engines").then(|| {
            let line = errors
                .by_ref()
                .map_while(Result::ok)
                .find(|line| line.contains("answer at"));
            line.unwrap().rsplit(' ').next().unwrap().to_owned()
        });
        std::thread::spawn(move || errors.map_while(Result::ok).for_each(|line| println!("{line}")));
        Self { child, engines }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn terminate(&self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn template_file(folder: &std::path::Path) -> PathBuf {
    let path = folder.join("template.yaml");
    std::fs::write(&path, SMALL).unwrap();
    path
}

#[tokio::test]
async fn what_is_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let template = template_file(folder.path());
    let data = folder.path().join("data");
    let arguments = [
        "--engines",
        "0",
        "--data",
        data.to_str().unwrap(),
        "--template",
        template.to_str().unwrap(),
    ];
    let acknowledged: Arc<Mutex<(Vec<String>, Vec<String>)>> = Arc::default();
    let clients = |engines: &str| {
        let http = aws_smithy_http_client::Builder::new().build_http();
        let credentials = aws_credential_types::Credentials::from_keys("local", "local", None);
        let tables = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(aws_sdk_dynamodb::config::Region::new("local"))
            .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
            .endpoint_url(engines)
            .http_client(http.clone())
            .credentials_provider(credentials.clone())
            .build();
        let queues = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("local"))
            .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
            .endpoint_url(engines)
            .http_client(http)
            .credentials_provider(credentials)
            .build();
        (
            aws_sdk_dynamodb::Client::from_conf(tables),
            aws_sdk_sqs::Client::from_conf(queues),
        )
    };
    for round in 0..3 {
        let program = Program::start(&arguments);
        let engines = program.engines.clone().unwrap();
        let enough = acknowledged.lock().0.len() + 40;
        let mut writers = Vec::new();
        for writer in 0..3 {
            let (tables, queues) = clients(&engines);
            let acknowledged = Arc::clone(&acknowledged);
            let url = format!("{engines}/000000000000/{WORK}");
            writers.push(tokio::spawn(async move {
                for index in 0.. {
                    let key = format!("{round}-{writer}-{index}");
                    let put = tables
                        .put_item()
                        .table_name(LEADS)
                        .item("pk", AttributeValue::S("tnt_1#lead".to_owned()))
                        .item("sk", AttributeValue::S(key.clone()))
                        .send()
                        .await;
                    if put.is_err() {
                        return;
                    }
                    acknowledged.lock().0.push(key.clone());
                    if queues
                        .send_message()
                        .queue_url(&url)
                        .message_body(&key)
                        .send()
                        .await
                        .is_err()
                    {
                        return;
                    }
                    acknowledged.lock().1.push(key);
                }
            }));
        }
        until("enough is written", async || acknowledged.lock().0.len() >= enough).await;
        program.kill();
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let program = Program::start(&arguments);
    let (tables, queues) = clients(program.engines.as_ref().unwrap());
    let (kept, queued) = acknowledged.lock().clone();
    for key in &kept {
        let item = tables
            .get_item()
            .table_name(LEADS)
            .key("pk", AttributeValue::S("tnt_1#lead".to_owned()))
            .key("sk", AttributeValue::S(key.clone()))
            .send()
            .await
            .unwrap();
        assert!(item.item().is_some(), "{key} is lost");
    }
    let url = queues.get_queue_url().queue_name(WORK).send().await.unwrap();
    let mut found = Vec::new();
    loop {
        let ten = queues
            .receive_message()
            .queue_url(url.queue_url().unwrap())
            .max_number_of_messages(10);
        let ten = ten.send().await.unwrap();
        if ten.messages().is_empty() {
            break;
        }
        found.extend(
            ten.messages()
                .iter()
                .filter_map(|message| message.body().map(str::to_owned)),
        );
    }
    let lost: Vec<_> = queued.iter().filter(|key| !found.contains(key)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    println!(
        "{} rows and {} messages kept over three kills",
        kept.len(),
        queued.len()
    );
}

#[tokio::test]
async fn a_data_folder_has_one_host_and_an_orderly_end() {
    let folder = tempfile::tempdir().unwrap();
    let template = template_file(folder.path());
    let data = folder.path().join("data");
    let arguments = [
        "--data",
        data.to_str().unwrap(),
        "--template",
        template.to_str().unwrap(),
    ];
    let mut program = Program::start(&arguments);
    let second = Command::new(env!("CARGO_BIN_EXE_host"))
        .args(["--port", "0"])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && second.stdout.is_empty());
    assert!(
        said.contains(&format!("in use by process {}", program.child.id())),
        "{said}"
    );
    program.terminate();
    assert!(program.child.wait().unwrap().success());
    assert!(
        !data.join("tables.sqlite-wal").exists(),
        "the log is written back at an orderly end"
    );
}

fn echo_template() -> String {
    let mut text = SMALL
        .replace("../functions/leads/", "echo")
        .replace("../functions/work/", "echo-work");
    text = text
        .replace("Timeout: 10", "Timeout: 2")
        .replace("VisibilityTimeout: 60", "VisibilityTimeout: 1");
    text
}

/// Where the examples are, beside this test's own program; the work function is the same program under another name.
fn programs(folder: &std::path::Path) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let echo = own.parent().unwrap().parent().unwrap().join("examples/echo");
    for name in ["echo", "echo-work"] {
        std::os::unix::fs::symlink(&echo, folder.join(name)).unwrap();
    }
    folder.to_owned()
}

#[tokio::test]
async fn functions_run_as_programs_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(Functions::default());
    options.template = echo_template();
    options.processes = Some(Processes {
        programs: programs(folder.path()),
        instances: 2,
    });
    let host = Host::start(options).await.unwrap();
    let url = host.url();
    let http = reqwest::Client::new();
    let call = async |path: &str| {
        http.get(format!("{url}{path}"))
            .header("x-a", "1")
            .header("x-a", "2")
            .send()
            .await
            .unwrap()
    };

    let answer = call("/v1/leads?a=1&a=2").await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["set-cookie"]),
        (200, &"seen=1".parse().unwrap())
    );
    let seen: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(seen["event"]["headers"]["x-a"], "1,2");
    assert_eq!(seen["event"]["queryStringParameters"]["a"], "1,2");
    assert_eq!(seen["event"]["routeKey"], "ANY /v1/leads");
    assert_eq!(seen["function"], "echo");
    assert_eq!(seen["endpoint"].as_str(), host.engines_url().as_deref());
    assert_eq!(
        seen["home"],
        serde_json::Value::Null,
        "nothing of the host's own environment"
    );
    let first = seen["process"].as_u64().unwrap();

    let process = async |path: &str| {
        let seen: serde_json::Value = call(path).await.json().await.unwrap();
        seen["process"].as_u64().unwrap()
    };
    assert_eq!(process("/again").await, first, "an idle instance is used again");
    let mut at_once: Vec<u64> = futures::future::join_all((0..6).map(|_| process("/busy"))).await;
    at_once.sort_unstable();
    at_once.dedup();
    assert_eq!(at_once.len(), 2, "more instances under load, up to the limit");

    for (path, status) in [("/error", 500), ("/exit", 500), ("/slow", 504)] {
        assert_eq!(call(path).await.status(), status, "{path}");
        assert_eq!(
            call("/after").await.status(),
            200,
            "an instance that ended is replaced: {path}"
        );
    }

    let queues = host.queues().clone();
    for body in ["fine", "fail"] {
        queues.send(WORK, rapport_sqs::Outgoing::new(body)).await.unwrap();
    }
    until("only the failed one is left", async || {
        let left = queues.attributes(WORK).await.unwrap();
        left.visible + left.in_flight == 1
    })
    .await;

    let alive = process("/last").await;
    assert!(std::path::Path::new(&format!("/proc/{alive}")).exists());
    assert!(host.stop().await);
    assert!(
        !std::path::Path::new(&format!("/proc/{alive}")).exists(),
        "programs end with the host"
    );
}

#[tokio::test]
async fn programs_end_when_the_host_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yaml");
    std::fs::write(&template, echo_template()).unwrap();
    // The host looks beside its own program.
    let beside = programs(folder.path());
    let own = beside.join("host");
    std::fs::copy(env!("CARGO_BIN_EXE_host"), &own).unwrap();
    let mut child = Command::new(&own)
        .args([
            "--port",
            "0",
            "--memory",
            "--processes",
            "--template",
            template.to_str().unwrap(),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let line = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .next()
        .unwrap()
        .unwrap();
    let url = line.strip_prefix("Rapport is ready at ").unwrap();
    rapport_host::cryptography();
    let seen: serde_json::Value = reqwest::get(format!("{url}/x")).await.unwrap().json().await.unwrap();
    let program = format!("/proc/{}", seen["process"]);
    assert!(std::path::Path::new(&program).exists());
    child.kill().unwrap();
    child.wait().unwrap();
    until("the program ends", async || {
        // One that ended and has no parent to ask after it counts as ended.
        std::fs::read_to_string(format!("{program}/stat")).map_or(true, |stat| stat.contains(") Z "))
    })
    .await;
}

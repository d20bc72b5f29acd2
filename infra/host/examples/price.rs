//! What a call of the tables costs in processor time, through the SDK and the connector and without them, and what
//! handing it to a thread for blocking work would add. Run it optimised: `cargo run --release -p host --example price`.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use aws_sdk_dynamodb::types::AttributeValue;
use rapport_host::engine::{self, Engine, InProcess, Place};
use rapport_host::template::Template;

const CALLS: usize = 10_000;
const AT_ONCE: usize = 16;
const TABLE: &str = "rapport-leads";

/// Processor time of this process in microseconds.
fn processor_time() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let of = |path: std::path::PathBuf| -> u64 {
        let text = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    threads.map(|thread| of(thread.unwrap().path())).sum::<u64>() / 1_000
}

async fn measure<F: Future<Output = ()> + Send + 'static>(
    what: &str,
    call: impl Fn(usize) -> F + Clone + Send + 'static,
) {
    let (start, before) = (Instant::now(), processor_time());
    let lanes = (0..AT_ONCE).map(|lane| {
        let call = call.clone();
        tokio::spawn(async move {
            for index in (lane..CALLS).step_by(AT_ONCE) {
                call(index).await;
            }
        })
    });
    for lane in futures::future::join_all(lanes).await {
        lane.unwrap();
    }
    let spent = processor_time() - before;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{what:34} {:6} us of processor time a call, {:6.0} calls a second",
        spent / CALLS as u64,
        CALLS as f64 / seconds
    );
}

fn main() {
    let workers = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = std::env::temp_dir().join(format!("rapport-price-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let template = Template::read(
            include_str!("../tests/small.yaml"),
            &BTreeMap::new(),
            "http://sqs.local",
        )
        .unwrap();
        let mut tables: Vec<_> = template.tables.values().cloned().collect();
        // Without readers a stream would grow; its price is held by a test.
        for table in &mut tables {
            table.stream = false;
            table.create["StreamSpecification"] = serde_json::Value::Null;
            table.create.as_object_mut().unwrap().remove("StreamSpecification");
        }
        let engine = Arc::new(Engine::open(&Place::File(folder.join("tables.sqlite")), &tables).unwrap());
        let client = engine::dynamodb(InProcess::tables(Arc::clone(&engine)));

        let put = client.clone();
        measure("put, SDK and connector", move |index| {
            let put = put.put_item().table_name(TABLE).set_item(Some(item(index)));
            async move {
                put.send().await.unwrap();
            }
        })
        .await;
        measure("get, SDK and connector", move |index| {
            let get = client
                .get_item()
                .table_name(TABLE)
                .key("pk", text("tnt_1#lead"))
                .key("sk", text(&format!("{index:06}")))
                .consistent_read(true);
            async move {
                assert!(get.send().await.unwrap().item().is_some());
            }
        })
        .await;
        let body = |index: usize| {
            format!(r#"{{"TableName":"{TABLE}","Key":{{"pk":{{"S":"tnt_1#lead"}},"sk":{{"S":"{index:06}"}}}}}}"#)
        };
        let direct = Arc::clone(&engine);
        measure("get, engine alone", move |index| {
            let (engine, body) = (Arc::clone(&direct), body(index));
            async move {
                assert_eq!(engine.handle("DynamoDB_20120810.GetItem", body.as_bytes()).await.0, 200);
            }
        })
        .await;
        measure("get, engine on a blocking thread", move |index| {
            let (engine, body) = (Arc::clone(&engine), body(index));
            async move {
                let answer = tokio::task::spawn_blocking(move || {
                    futures::executor::block_on(engine.handle("DynamoDB_20120810.GetItem", body.as_bytes()))
                });
                assert_eq!(answer.await.unwrap().0, 200);
            }
        })
        .await;
        std::fs::remove_dir_all(folder).unwrap();
    });
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn item(index: usize) -> std::collections::HashMap<String, AttributeValue> {
    [
        ("pk", "tnt_1#lead".to_owned()),
        ("sk", format!("{index:06}")),
        ("status", "tnt_1#new".to_owned()),
        ("note", "x".repeat(900)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
    .collect()
}

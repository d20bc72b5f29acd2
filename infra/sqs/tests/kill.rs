//! The service is killed in the midst of work; what it acknowledged must be there when the file is opened again.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rapport_sqs::{Attributes, Queues, Receive};
use serde_json::{Value, json};

const ROUNDS: usize = 3;
const SENDERS: usize = 4;
const ACKNOWLEDGED_A_ROUND: usize = 150;

struct Served {
    child: Child,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The example `serve`, which `cargo test` builds beside the tests.
fn serve(file: &Path) -> Served {
    let tests = std::env::current_exe().unwrap();
    let program: PathBuf = tests.ancestors().nth(2).unwrap().join("examples").join("serve");
    assert!(
        program.exists(),
        "build it first: cargo build -p rapport-sqs --example serve"
    );
    let mut child = Command::new(program)
        .arg("--file")
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("http://").unwrap().to_owned();
    Served { child, address }
}

/// One call; none when the service is gone.
fn call(address: &str, operation: &str, body: &Value) -> Option<Value> {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {address}\r\nX-Amz-Target: AmazonSQS.{operation}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    Some(if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(body).ok()?
    })
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queues.sqlite");
    {
        let queues = Queues::open(Some(&file)).unwrap();
        queues
            .create_queue(
                "jobs",
                Attributes {
                    visibility_timeout: 0,
                    ..Attributes::default()
                },
            )
            .await
            .unwrap();
    }
    let sent = Mutex::new(BTreeSet::new());
    // A delete that was asked for may have been done even when no answer came.
    let asked = Mutex::new(BTreeSet::new());
    let deleted = Mutex::new(BTreeSet::new());
    for round in 0..ROUNDS {
        let mut served = serve(&file);
        let address = served.address.clone();
        let enough = sent.lock().unwrap().len() + ACKNOWLEDGED_A_ROUND;
        thread::scope(|scope| {
            for sender in 0..SENDERS {
                let (address, sent) = (&address, &sent);
                scope.spawn(move || {
                    for n in 0.. {
                        let body = format!("{round}-{sender}-{n}");
                        if call(
                            address,
                            "SendMessage",
                            &json!({"QueueUrl": "jobs", "MessageBody": body}),
                        )
                        .is_none()
                        {
                            return;
                        }
                        sent.lock().unwrap().insert(body);
                    }
                });
            }
            scope.spawn(|| {
                while let Some(answer) = call(
                    &address,
                    "ReceiveMessage",
                    &json!({"QueueUrl": "jobs", "WaitTimeSeconds": 1}),
                ) {
                    let Some(message) = answer["Messages"].get(0) else {
                        continue;
                    };
                    let body = message["Body"].as_str().unwrap().to_owned();
                    asked.lock().unwrap().insert(body.clone());
                    let delete = json!({"QueueUrl": "jobs", "ReceiptHandle": message["ReceiptHandle"]});
                    if call(&address, "DeleteMessage", &delete).is_none() {
                        return;
                    }
                    deleted.lock().unwrap().insert(body);
                }
            });
            let deadline = Instant::now() + Duration::from_secs(60);
            while sent.lock().unwrap().len() < enough && Instant::now() < deadline {
                thread::yield_now();
            }
            // On Unix this is SIGKILL.
            served.child.kill().unwrap();
            served.child.wait().unwrap();
        });
        assert!(sent.lock().unwrap().len() >= enough, "too slow to tell");
    }

    let queues = Queues::open(Some(&file)).unwrap();
    queues
        .create_queue(
            "jobs",
            Attributes {
                visibility_timeout: 600,
                ..Attributes::default()
            },
        )
        .await
        .unwrap();
    let mut found = BTreeSet::new();
    loop {
        let messages = queues
            .receive(
                "jobs",
                Receive {
                    most: 10,
                    ..Receive::default()
                },
            )
            .await
            .unwrap();
        if messages.is_empty() {
            break;
        }
        found.extend(messages.into_iter().map(|message| message.body));
    }
    let (sent, asked, deleted) = (
        sent.into_inner().unwrap(),
        asked.into_inner().unwrap(),
        deleted.into_inner().unwrap(),
    );
    assert!(!deleted.is_empty());
    let lost: Vec<_> = sent
        .iter()
        .filter(|body| !found.contains(*body) && !asked.contains(*body))
        .collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged sends are lost: {lost:?}",
        lost.len(),
        sent.len()
    );
    let risen: Vec<_> = deleted.intersection(&found).collect();
    assert!(
        risen.is_empty(),
        "{} of {} acknowledged deletes came back: {risen:?}",
        risen.len(),
        deleted.len()
    );
}

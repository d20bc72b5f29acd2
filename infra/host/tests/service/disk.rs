//! The disk is full for a while: what cannot be kept is refused whole, what is there can be read, and once there is room
//! again all goes on by itself.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Caller, Service, eventually, signed_up, text};

/// What the host has, in megabytes, where a file system of its own can be mounted.
const ROOM: usize = 64;
/// How long an answer may take, a refusal too.
const SLOWEST: Duration = Duration::from_secs(20);
/// So many writes are refused before there is room again.
const REFUSALS: usize = 12;

/// A folder whose room can be taken away: a small file system, where this process may mount one; else the size that files
/// of the host may have is limited, which the host meets at the same calls.
struct Room {
    folder: tempfile::TempDir,
    mounted: bool,
}

fn done(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    let status = command.args(arguments).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let mounted = done("mount", &["-t", "tmpfs", "-o", &format!("size={ROOM}m"), "tmpfs", path]);
        println!(
            "the disk is {}",
            if mounted {
                "a small tmpfs"
            } else {
                "a limit of the size of files"
            }
        );
        Self { folder, mounted }
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }

    fn take_away(&self, service: &Service) {
        if self.mounted {
            let mut file = File::create(self.ballast()).unwrap();
            while file.write_all(&[1; 4_096]).is_ok() {}
        } else {
            assert!(limit(service, "65536"), "prlimit");
        }
    }

    fn give_back(&self, service: &Service) {
        if self.mounted {
            std::fs::remove_file(self.ballast()).unwrap();
        } else {
            assert!(limit(service, "unlimited"), "prlimit");
        }
    }
}

/// Limits the size of the files that a program writes.
fn limit(service: &Service, bytes: &str) -> bool {
    let process = service.id().to_string();
    done("prlimit", &["--pid", &process, &format!("--fsize={bytes}:")])
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.mounted {
            done("umount", &[self.folder.path().to_str().unwrap()]);
        }
    }
}

/// A write of one of several kinds.
fn request(n: usize) -> (&'static str, Value) {
    let lines = json!([{"name": "Tea", "unit_price": "10.00"}]);
    match n % 3 {
        0 => (
            "leads",
            json!({"name": format!("Ann {n}"), "email": format!("ann{n}@mail.example"), "note": "x".repeat(2_000)}),
        ),
        1 => {
            let customer = json!({"key": "email", "value": format!("bob{n}@mail.example")});
            (
                "orders",
                json!({"contact_ref": customer, "lines": lines, "channel": format!("c{n}")}),
            )
        }
        _ => ("tickets", json!({"subject": format!("Help {n}"), "channel": "api"})),
    }
}

/// Sends a write; whether it was done. What is refused is refused in order.
async fn is_written(caller: &Caller, n: usize) -> bool {
    let (plural, body) = request(n);
    let (key, path) = (format!("request {n}"), format!("/v1/{plural}"));
    let started = Instant::now();
    let headers = [("idempotency-key", key.as_str())];
    let answer = caller.try_call(Method::POST, &path, &headers, Some(&body)).await;
    let (status, answer) = answer.unwrap_or_else(|| panic!("{path}: no answer"));
    assert!(started.elapsed() < SLOWEST, "{path}: {:?}", started.elapsed());
    if status == 201 {
        return true;
    }
    assert_eq!((status, &answer["code"]), (503, &json!("unavailable")), "{answer}");
    assert!(!answer.to_string().contains("disk"), "nothing of the inside: {answer}");
    false
}

/// Everything is there that was sent, once, with all that follows from it.
async fn all_is_there(caller: &Caller, requests: usize) {
    let mut ids = BTreeSet::new();
    for (plural, rest, field) in [
        ("leads", 0, "name"),
        ("orders", 1, "channel"),
        ("tickets", 2, "subject"),
    ] {
        let records = caller.all(&format!("/v1/{plural}")).await;
        let words: BTreeSet<String> = records.iter().map(|record| text(&record[field])).collect();
        let expected = (0..requests).filter(|n| n % 3 == rest).count();
        assert_eq!((records.len(), words.len()), (expected, expected), "{plural}");
        ids.extend(records.iter().map(|record| text(&record["id"])));
    }
    let customers = caller.all("/v1/contacts").await;
    assert_eq!(customers.len(), (0..requests).filter(|n| n % 3 == 1).count());
    eventually("the events", async || {
        let mut told = BTreeSet::new();
        let mut after = String::new();
        loop {
            let page = caller.get(&format!("/v1/events?limit=200&after={after}")).await;
            told.extend(page["data"].as_array()?.iter().map(|event| text(&event["subject"])));
            after = text(&page["next_cursor"]);
            if page["has_more"] == json!(false) {
                break;
            }
        }
        ids.is_subset(&told).then_some(())
    })
    .await;
    let last = (0..requests).rev().find(|n| n % 3 == 0).unwrap();
    eventually("the search", async || {
        let found = caller.get(&format!("/v1/search?q=ann{last}@mail.example")).await;
        (!found["data"].as_array()?.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_full_disk_refuses_whole_writes_and_all_goes_on_when_there_is_room() {
    let room = Room::new();
    let data = room.folder.path().join("data");
    let arguments = ["--data", data.to_str().unwrap()];
    let service = Service::start_with(&arguments, !room.mounted);
    let owner = signed_up(&service).await;
    let mut sent = 0;
    while sent < 30 {
        assert!(is_written(&owner, sent).await);
        sent += 1;
    }
    let first = owner.get("/v1/leads?limit=1").await["data"][0].clone();
    let path = format!("/v1/leads/{}", text(&first["id"]));

    room.take_away(&service);
    let mut refused = Vec::new();
    while refused.len() < REFUSALS {
        assert!(sent < 5_000, "the disk is never full");
        if !is_written(&owner, sent).await {
            refused.push(sent);
        }
        sent += 1;
        assert_eq!(owner.get(&path).await, first, "what is there can be read");
    }
    let listed = owner.get("/v1/leads?limit=5").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 5);

    room.give_back(&service);
    for n in refused {
        eventually("room", async || is_written(&owner, n).await.then_some(())).await;
    }
    // Whatever waited goes on, and what is new is taken.
    assert!(is_written(&owner, sent).await);
    all_is_there(&owner, sent + 1).await;
    let key = json!({"name": "later", "scopes": ["*:read", "*:write"]});
    let key = text(&owner.post("/v1/api-keys", key).await["secret"]);
    assert!(service.end());

    let service = Service::start(&arguments);
    all_is_there(&Caller::of(&service, &key), sent + 1).await;
    assert!(service.end());
}

//! `kill -9` at random moments under load: of the host with its functions in it, of the host with each function as a
//! program of its own, and of these programs while it serves on.
//!
//! `SEED` and `ROUNDS` in the environment choose; 50 rounds are the long form.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Caller, Service, eventually, programs_are_there, signed_up, text, variable};

/// Rounds of the short form.
const ROUNDS: u64 = 4;
/// Requests that write at the same time.
const WRITERS: usize = 4;
/// Customers whose figures are looked at.
const CUSTOMERS: usize = 5;
/// How often a request is sent again while its function's program is being killed.
const PATIENCE: u32 = 60;

/// One write, and what tells its repetitions.
#[derive(Clone, Debug)]
struct Request {
    plural: &'static str,
    method: Method,
    path: String,
    body: Value,
    key: String,
}

/// What is written, and what is known of it.
#[derive(Default)]
struct Load {
    customers: Vec<String>,
    next: AtomicU32,
    /// By id, the plural and the latest version acknowledged.
    acknowledged: Mutex<BTreeMap<String, (&'static str, u64)>>,
    /// Nobody answered these: they are sent again with the same keys.
    unanswered: Mutex<Vec<Request>>,
    over: AtomicBool,
    /// Calls that failed since a function's program was killed.
    failed: AtomicU32,
}

impl Load {
    /// Sends a request until it is acknowledged; nothing when the host is gone.
    async fn send(&self, caller: &Caller, request: Request) -> Option<Value> {
        for _ in 0..PATIENCE {
            let headers = [("idempotency-key", request.key.as_str())];
            let Request { method, path, body, .. } = &request;
            let Some((status, answer)) = caller.try_call(method.clone(), path, &headers, Some(body)).await else {
                self.unanswered.lock().push(request);
                return None;
            };
            if matches!(status, 500..=504) {
                self.failed.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            assert!(
                (200..300).contains(&status) && status != 207,
                "{request:?}: {status} {answer}"
            );
            let one = std::slice::from_ref(&answer);
            let records = answer["results"].as_array().map_or(one, Vec::as_slice);
            let mut acknowledged = self.acknowledged.lock();
            for record in records {
                let record = record.get("record").unwrap_or(record);
                if let Some(version) = record["version"].as_u64() {
                    let known = acknowledged.entry(text(&record["id"])).or_insert((request.plural, 0));
                    known.1 = known.1.max(version);
                }
            }
            return Some(answer);
        }
        panic!("never acknowledged: {request:?}");
    }

    /// Writes of all kinds, one after another, until the round is over.
    async fn write(self: Arc<Self>, caller: Caller) {
        while !self.over.load(Ordering::Relaxed) {
            let n = self.next.fetch_add(2, Ordering::Relaxed);
            if self.all_kinds(&caller, n).await.is_none() {
                return;
            }
        }
    }

    async fn all_kinds(&self, caller: &Caller, n: u32) -> Option<()> {
        let request = |plural, method, path: String, what: &str, body| Request {
            plural,
            method,
            path,
            body,
            key: format!("{what} {n}"),
        };
        let create = |plural: &'static str, what, body| {
            self.send(
                caller,
                request(plural, Method::POST, format!("/v1/{plural}"), what, body),
            )
        };
        let order = |n: u32, more: Value| {
            let (year, month, day) = (2005 + n / 336 % 20, n / 28 % 12 + 1, n % 28 + 1);
            let contact = &self.customers[n as usize / 2 % self.customers.len()];
            let mut order = json!({"contact_id": contact, "historic": true, "placed_on": format!("{year}-{month:02}-{day:02}"),
                "lines": [{"name": "Tea", "unit_price": "10.00"}]});
            order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            order
        };
        let lead = create("leads", "lead", json!({"name": format!("Ann {n}")})).await?;
        let path = format!("/v1/leads/{}", text(&lead["id"]));
        let called = request("leads", Method::PATCH, path, "call", json!({"note": "called"}));
        self.send(caller, called).await?;
        let paid = order(n, json!({"payments": [{"amount": "10.00"}]}));
        create("orders", "paid", paid).await?;
        let unpaid = create("orders", "unpaid", order(n + 1, json!({}))).await?;
        let path = format!("/v1/orders/{}/payments", text(&unpaid["id"]));
        let pay = request("orders", Method::POST, path, "pay", json!({"amount": "10.00"}));
        self.send(caller, pay).await?;
        let asker = json!({"name": format!("Asker {n}"), "email": format!("asker{n}@mail.example")});
        let asker = create("contacts", "asker", asker).await?;
        let ticket = json!({"subject": format!("Help {n}"), "contact_id": asker["id"], "channel": "api"});
        let ticket = create("tickets", "ticket", ticket).await?;
        let path = format!("/v1/tickets/{}/resolve", text(&ticket["id"]));
        self.send(caller, request("tickets", Method::POST, path, "resolve", json!({})))
            .await?;
        let inputs: Vec<Value> = (0..5).map(|k| json!({"name": format!("Bob {n} {k}")})).collect();
        let batch = json!({"operation": "create", "inputs": inputs});
        let batch = request("leads", Method::POST, "/v1/leads/batch".into(), "batch", batch);
        self.send(caller, batch).await.map(drop)
    }

    /// Every acknowledged record is there, at its version or at the one that was being written when it was killed.
    async fn all_are_there(&self, caller: &Caller) {
        let expected = self.acknowledged.lock().clone();
        for plural in PLURALS {
            let own: Vec<_> = expected.iter().filter(|(_, (of, _))| *of == plural).collect();
            for hundred in own.chunks(100) {
                let inputs: Vec<Value> = hundred.iter().map(|(id, _)| json!({"id": id})).collect();
                let body = json!({"operation": "read", "inputs": inputs});
                let found = caller.post(&format!("/v1/{plural}/batch"), body).await;
                for ((id, (_, version)), found) in hundred.iter().zip(found["results"].as_array().unwrap()) {
                    let there = found["record"]["version"].as_u64().unwrap_or(0);
                    assert!(
                        (*version..=*version + 1).contains(&there),
                        "{id}: {version} acknowledged, {there} there"
                    );
                }
            }
        }
    }
}

const PLURALS: [&str; 4] = ["leads", "contacts", "orders", "tickets"];

/// Programs that the host started.
fn children(host: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        parent == Some(host)
    })
    .collect()
}

fn kill(process: u32) {
    // One that ended in between is as good.
    let _ = std::process::Command::new("kill")
        .args(["-KILL", &process.to_string()])
        .stderr(std::process::Stdio::null())
        .status();
}

/// A subscriber's server: the ids of the events that it was told.
async fn subscriber() -> (String, Arc<Mutex<BTreeSet<String>>>) {
    let told: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let kept = Arc::clone(&told);
    let take = move |headers: HeaderMap, body: String| async move {
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(text(&body["type"]).starts_with("lead."), "{body}");
        kept.lock().insert(headers["webhook-id"].to_str().unwrap().to_owned());
        StatusCode::NO_CONTENT
    };
    let router = Router::new().route("/", post(take));
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, told)
}

/// Kills programs of functions now and then until enough is acknowledged; how many.
async fn strike(random: &mut StdRng, host: u32, load: &Load, enough: usize) -> u32 {
    let mut killed = 0;
    while load.acknowledged.lock().len() < enough {
        tokio::time::sleep(Duration::from_millis(random.random_range(100..900))).await;
        let programs = children(host);
        if !programs.is_empty() {
            kill(programs[random.random_range(0..programs.len())]);
            killed += 1;
        }
    }
    killed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_kept_told_once_and_counted_whenever_something_is_killed() {
    programs_are_there("");
    let seed = variable("SEED").unwrap_or_else(rand::random);
    let rounds = variable("ROUNDS").unwrap_or(ROUNDS);
    println!("SEED={seed} ROUNDS={rounds}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let data = ["--data", folder.path().to_str().unwrap(), "--allow-private-webhooks"];
    let (address, posted) = subscriber().await;
    let mut load = Arc::new(Load::default());
    let (mut token, mut killed) = (String::new(), 0);
    for round in 0..rounds {
        let programs = round % 2 == 1;
        let form: &[&str] = if programs {
            &["--processes", "--instances", "2"]
        } else {
            &[]
        };
        let service = Service::start(&[&data, form].concat());
        if round == 0 {
            let (key, customers) = prepared(&service, &address).await;
            token = key;
            load = Arc::new(Load {
                customers,
                ..Load::default()
            });
        }
        let caller = Caller::of(&service, &token);
        load.all_are_there(&caller).await;
        let unanswered = std::mem::take(&mut *load.unanswered.lock());
        for request in unanswered {
            load.send(&caller, request).await.unwrap();
        }
        let more = if programs { 40..120 } else { 50..400 };
        let enough = load.acknowledged.lock().len() + random.random_range(more);
        load.over.store(false, Ordering::Relaxed);
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| tokio::spawn(Arc::clone(&load).write(caller.clone())))
            .collect();
        if programs {
            killed += strike(&mut random, service.id(), &load, enough).await;
        } else {
            eventually("enough", async || {
                (load.acknowledged.lock().len() >= enough).then_some(())
            })
            .await;
        }
        load.over.store(programs && random.random_bool(0.2), Ordering::Relaxed);
        service.kill();
        for writer in writers {
            writer.await.unwrap();
        }
    }
    assert!(rounds < 2 || killed > 0, "no program of a function was killed");

    let service = Service::start(&data);
    let caller = Caller::of(&service, &token);
    load.all_are_there(&caller).await;
    let unanswered = std::mem::take(&mut *load.unanswered.lock());
    for request in unanswered {
        load.send(&caller, request).await.unwrap();
    }
    let mut records: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for plural in PLURALS {
        records.insert(plural, caller.all(&format!("/v1/{plural}")).await);
    }
    nothing_is_done_twice(&records);
    let events = all_is_told(&caller, &records, &posted).await;
    figures_equal_a_recount(&caller, &load.customers, &records["orders"]).await;
    reports_equal_a_recount(&caller, &records["orders"]).await;
    surveys_equal_a_recount(&caller, &records["tickets"], folder.path()).await;
    println!(
        "{} records kept over {rounds} kills of the host and {killed} of functions, {} calls failed and were sent again, {events} events",
        load.acknowledged.lock().len(),
        load.failed.load(Ordering::Relaxed),
    );
}

/// A firm with customers that asks for satisfaction at once, and a subscriber: its key and the customers.
async fn prepared(service: &Service, subscriber: &str) -> (String, Vec<String>) {
    let owner = signed_up(service).await;
    let ask = json!({"survey": {"delay_minutes": 0, "quiet_hours": null}});
    owner.call(Method::PATCH, "/v1/settings", Some(ask)).await;
    let endpoint = json!({"url": subscriber, "event_types": ["lead.*"], "description": "all leads"});
    owner.post("/v1/webhook-endpoints", endpoint).await;
    let mut customers = Vec::new();
    for n in 0..CUSTOMERS {
        let customer = owner
            .post("/v1/contacts", json!({"name": format!("Customer {n}")}))
            .await;
        customers.push(text(&customer["id"]));
    }
    // A key, since access tokens are of the address that gave them, and the port is another after each start.
    let key = json!({"name": "writers", "scopes": ["*:read", "*:write"]});
    (text(&owner.post("/v1/api-keys", key).await["secret"]), customers)
}

/// Each request was done at most once, however often it was sent: names tell what was made by which.
fn nothing_is_done_twice(records: &BTreeMap<&str, Vec<Value>>) {
    for (plural, name) in [("leads", "name"), ("contacts", "name"), ("tickets", "subject")] {
        let names: BTreeSet<String> = records[plural].iter().map(|record| text(&record[name])).collect();
        assert_eq!(names.len(), records[plural].len(), "{plural} were made twice");
    }
    for order in &records["orders"] {
        assert!(order["payments"].as_array().unwrap().len() <= 1, "paid twice: {order}");
    }
}

/// Each version of each record is told, by one event of a type, and the subscriber heard of every lead; how many events.
async fn all_is_told(caller: &Caller, records: &BTreeMap<&str, Vec<Value>>, posted: &Mutex<BTreeSet<String>>) -> usize {
    let expected: BTreeSet<(String, u64)> = records
        .values()
        .flatten()
        .flat_map(|record| (1..=record["version"].as_u64().unwrap()).map(|version| (text(&record["id"]), version)))
        .collect();
    let mut told: BTreeMap<(String, u64, String), u32> = BTreeMap::new();
    let mut leads = BTreeSet::new();
    let mut after = String::new();
    eventually("an event of every change", async || {
        loop {
            let page = caller.get(&format!("/v1/events?limit=200&after={after}")).await;
            for event in page["data"].as_array().unwrap() {
                let version = event["data"]["version"].as_u64().unwrap_or(0);
                let what = (text(&event["subject"]), version, text(&event["type"]));
                if what.2.starts_with("lead.") {
                    leads.insert(text(&event["id"]));
                }
                *told.entry(what).or_default() += 1;
            }
            after = text(&page["next_cursor"]);
            if page["has_more"] == json!(false) {
                break;
            }
        }
        let seen: BTreeSet<(String, u64)> = told.keys().map(|(id, version, _)| (id.clone(), *version)).collect();
        expected.is_subset(&seen).then_some(())
    })
    .await;
    let twice: Vec<_> = told.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "told more than once: {twice:?}");
    eventually("a webhook of every event", async || {
        leads.is_subset(&posted.lock()).then_some(())
    })
    .await;
    told.len()
}

/// The figures of every customer are those of a recount.
async fn figures_equal_a_recount(caller: &Caller, customers: &[String], orders: &[Value]) {
    for contact in customers {
        let paid = orders
            .iter()
            .filter(|order| order["contact_id"] == **contact && order["payment_status"] == "paid")
            .count();
        assert!(paid > 0);
        let score = format!("/v1/contacts/{contact}/score");
        eventually(&format!("{paid} purchases"), async || {
            let rfm = &caller.get(&score).await["rfm"];
            (rfm["frequency"] == paid && rfm["monetary"]["amount"] == format!("{}.00", paid * 10)).then_some(())
        })
        .await;
    }
}

/// The report of sales says what the orders add up to, year by year.
async fn reports_equal_a_recount(caller: &Caller, orders: &[Value]) {
    let mut years: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for order in orders.iter().filter(|order| order["payment_status"] == "paid") {
        let year = years.entry(text(&order["placed_on"])[..4].to_owned()).or_default();
        *year = (year.0 + 1, year.1 + 10);
    }
    assert!(!years.is_empty());
    eventually("the report of sales", async || {
        let report = caller
            .get("/v1/reports/sales?from=2005-01-01&to=2024-12-31&by=year")
            .await;
        let mut found: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for group in report["parts"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|part| part["groups"].as_array().unwrap())
        {
            let number = |name: &str| text(&group["numbers"][name]["value"]).parse::<f64>().unwrap_or(0.0) as usize;
            if number("orders") > 0 {
                found.insert(text(&group["key"]), (number("orders"), number("sales")));
            }
        }
        (report["settling"] == false && found == years).then_some(())
    })
    .await;
}

/// Whoever's ticket was resolved was asked once, by one mail, and the survey's counts say so.
async fn surveys_equal_a_recount(caller: &Caller, tickets: &[Value], folder: &Path) {
    let resolved: BTreeSet<String> = tickets
        .iter()
        .filter(|ticket| ticket["status"] == "resolved")
        .map(|ticket| text(&ticket["id"]))
        .collect();
    assert!(!resolved.is_empty());
    let sent = eventually("an invitation for every ticket", async || {
        let invitations = caller.all("/v1/survey-invitations").await;
        let sent = invitations.iter().filter(|invitation| invitation["status"] == "sent");
        (sent.count() == resolved.len()).then_some(invitations)
    })
    .await;
    let asked: BTreeSet<String> = sent.iter().map(|invitation| text(&invitation["ticket_id"])).collect();
    assert_eq!(asked, resolved);
    assert_eq!(sent.len(), resolved.len(), "somebody was asked twice");
    for invitation in &sent {
        let mail = folder.join(format!("outbox/{}.eml", text(&invitation["id"])));
        assert!(mail.is_file(), "{mail:?}");
    }
    let survey = text(&sent[0]["survey_id"]);
    eventually("the counts of the survey", async || {
        let results = caller.get(&format!("/v1/surveys/{survey}/results")).await;
        (results["sent"] == resolved.len() && results["invitations"] == resolved.len()).then_some(())
    })
    .await;
}

//! The product's own programs, over HTTP alone: the host killed again and again under load, and the service with each
//! function as a program of its own.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};

/// How often the host is killed.
const ROUNDS: usize = 5;
/// Requests that write at the same time.
const WRITERS: usize = 4;
/// So much is acknowledged in a round before the host is killed.
const ENOUGH: usize = 300;

/// The service as a program, killed without warning when dropped.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_host"))
            .args(["--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let line = BufReader::new(child.stdout.take().unwrap()).lines().next();
        let ready = line.and_then(Result::ok).unwrap_or_else(|| panic!("it did not start"));
        let url = ready.strip_prefix("Rapport is ready at ").unwrap().to_owned();
        Self { child, url }
    }

    /// Ends it in order, and tells whether it did so.
    fn end(mut self) -> bool {
        let told = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        told.unwrap().success() && self.child.wait().unwrap().success()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who calls it.
#[derive(Clone)]
struct Caller {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Caller {
    fn of(service: &Service, token: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: service.url.clone(),
            token: token.to_owned(),
        }
    }

    /// The status and the body, or nothing when nobody answered.
    async fn try_call(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let what = format!("{method} {path}");
        let (status, body) = self.try_call(method, path, body.as_ref()).await.unwrap();
        assert!((200..300).contains(&status), "{what}: {status} {body}");
        body
    }

    async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, Some(body)).await
    }

    /// All records of a list.
    async fn all(&self, path: &str) -> Vec<Value> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}?limit=200{cursor}")).await;
            found.extend(page["data"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

async fn signed_up(service: &Service) -> Caller {
    let person = json!({"company": "Firm", "name": "Owner", "email": "owner@firm.example", "password": "correct horse battery staple", "country": "US", "currency": "USD", "time_zone": "UTC"});
    let welcome = Caller::of(service, "").post("/v1/signup", person).await;
    Caller::of(service, &text(&welcome["access_token"]))
}

/// Waits until something is there.
async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{what} did not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What was acknowledged: id, plural and latest version.
type Acknowledged = Arc<Mutex<BTreeMap<String, (&'static str, u64)>>>;

/// Writes of all kinds, one after another, until nobody answers any more.
async fn write(caller: Caller, contacts: Arc<Vec<String>>, next: Arc<AtomicU32>, acknowledged: Acknowledged) {
    let written = async |plural: &'static str, method: Method, path: String, body: Value| -> Option<Value> {
        let (status, answer) = caller.try_call(method, &path, Some(&body)).await?;
        assert!(
            (200..300).contains(&status) && status != 207,
            "{path}: {status} {answer}"
        );
        let one = std::slice::from_ref(&answer);
        let records = answer["results"].as_array().map_or(one, Vec::as_slice);
        let mut acknowledged = acknowledged.lock();
        for record in records {
            let record = record.get("record").unwrap_or(record);
            if let Some(version) = record["version"].as_u64() {
                acknowledged.insert(text(&record["id"]), (plural, version));
            }
        }
        Some(answer)
    };
    let (post, patch) = (Method::POST, Method::PATCH);
    loop {
        let n = next.fetch_add(2, Ordering::Relaxed);
        let contact = &contacts[n as usize / 2 % contacts.len()];
        let order = |n: u32, more: Value| {
            let (year, month, day) = (2000 + n / 336, n / 28 % 12 + 1, n % 28 + 1);
            let mut order = json!({"contact_id": contact, "historic": true, "placed_on": format!("{year}-{month:02}-{day:02}"),
                "lines": [{"name": "Tea", "unit_price": "10.00"}]});
            order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            order
        };
        let round = async {
            let lead = written(
                "leads",
                post.clone(),
                "/v1/leads".into(),
                json!({"name": format!("Ann {n}")}),
            )
            .await?;
            let path = format!("/v1/leads/{}", text(&lead["id"]));
            written("leads", patch.clone(), path, json!({"note": "called"})).await?;
            let paid = order(n, json!({"payments": [{"amount": "10.00"}]}));
            written("orders", post.clone(), "/v1/orders".into(), paid).await?;
            let unpaid = written("orders", post.clone(), "/v1/orders".into(), order(n + 1, json!({}))).await?;
            let path = format!("/v1/orders/{}/payments", text(&unpaid["id"]));
            written("orders", post.clone(), path, json!({"amount": "10.00"})).await?;
            let ticket = json!({"subject": format!("Help {n}"), "contact_id": contact, "channel": "api"});
            let ticket = written("tickets", post.clone(), "/v1/tickets".into(), ticket).await?;
            let path = format!("/v1/tickets/{}/resolve", text(&ticket["id"]));
            written("tickets", post.clone(), path, json!({})).await?;
            let inputs: Vec<Value> = (0..5).map(|k| json!({"name": format!("Bob {n} {k}")})).collect();
            let batch = json!({"operation": "create", "inputs": inputs});
            written("leads", post.clone(), "/v1/leads/batch".into(), batch).await
        };
        if round.await.is_none() {
            return;
        }
    }
}

/// Every acknowledged record is there, at its version or at the one that was being written when the host was killed.
async fn all_are_there(caller: &Caller, acknowledged: &Acknowledged) {
    let expected = acknowledged.lock().clone();
    for plural in ["leads", "orders", "tickets"] {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_kept_told_once_and_counted_whenever_the_host_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--data", folder.path().to_str().unwrap()];
    let acknowledged = Acknowledged::default();
    let next = Arc::new(AtomicU32::new(0));
    let (mut token, mut contacts) = (String::new(), Arc::new(Vec::new()));
    for round in 0..ROUNDS {
        let service = Service::start(&arguments);
        if round == 0 {
            let owner = signed_up(&service).await;
            let people =
                join_all((0..5).map(|n| owner.post("/v1/contacts", json!({"name": format!("Customer {n}")})))).await;
            contacts = Arc::new(people.iter().map(|contact| text(&contact["id"])).collect());
            // A key, since access tokens are of the address that gave them, and the port is another after each start.
            let key = json!({"name": "writers", "scopes": ["*:read", "*:write"]});
            token = text(&owner.post("/v1/api-keys", key).await["secret"]);
        }
        let caller = Caller::of(&service, &token);
        all_are_there(&caller, &acknowledged).await;
        let enough = acknowledged.lock().len() + ENOUGH;
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                tokio::spawn(write(
                    caller.clone(),
                    Arc::clone(&contacts),
                    Arc::clone(&next),
                    Arc::clone(&acknowledged),
                ))
            })
            .collect();
        eventually("enough", async || (acknowledged.lock().len() >= enough).then_some(())).await;
        service.kill();
        for writer in writers {
            writer.await.unwrap();
        }
    }

    let service = Service::start(&arguments);
    let caller = Caller::of(&service, &token);
    all_are_there(&caller, &acknowledged).await;
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    let mut orders = Vec::new();
    for plural in ["leads", "orders", "tickets"] {
        let records = caller.all(&format!("/v1/{plural}")).await;
        versions.extend(
            records
                .iter()
                .map(|record| (text(&record["id"]), record["version"].as_u64().unwrap())),
        );
        if plural == "orders" {
            orders = records;
        }
    }
    let kept = acknowledged.lock().len();
    assert!(versions.len() >= kept, "{} of {kept}", versions.len());

    // Each version of each record is told, by one event of a type.
    let expected: BTreeSet<(String, u64)> = versions
        .iter()
        .flat_map(|(id, latest)| (1..=*latest).map(|version| (id.clone(), version)))
        .collect();
    let mut told: BTreeMap<(String, u64, String), u32> = BTreeMap::new();
    let mut after = String::new();
    eventually("an event of every change", async || {
        loop {
            let page = caller.get(&format!("/v1/events?limit=200&after={after}")).await;
            for event in page["data"].as_array().unwrap() {
                let version = event["data"]["version"].as_u64().unwrap_or(0);
                *told
                    .entry((text(&event["subject"]), version, text(&event["type"])))
                    .or_default() += 1;
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

    // The figures of every customer are those of a recount.
    for contact in contacts.iter() {
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
    println!("{kept} records kept over {ROUNDS} kills, {} events", told.len());
}

/// The functions' programs beside the host's: those of all, or of one.
fn programs_are_there(wanted: &str) {
    let beside = Path::new(env!("CARGO_BIN_EXE_host")).parent().unwrap();
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    let missing: Vec<String> = std::fs::read_dir(functions)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| wanted.is_empty() || name == wanted)
        .filter(|name| !beside.join(name).is_file())
        .collect();
    assert!(
        missing.is_empty(),
        "build the functions' programs first, by `cargo verify --only programs`: {missing:?}"
    );
}

#[tokio::test]
async fn the_service_runs_with_each_function_as_a_program_of_its_own() {
    programs_are_there("");
    let started = Instant::now();
    let service = Service::start(&["--memory", "--processes", "--instances", "2"]);
    let owner = signed_up(&service).await;
    let contact = owner
        .post(
            "/v1/contacts",
            json!({"name": "Ann Example", "email": "ann@shop.example"}),
        )
        .await;
    let id = text(&contact["id"]);
    let order = json!({"contact_id": id, "placed_on": "2026-01-05", "historic": true, "lines": [{"name": "Tea", "quantity": "2", "unit_price": "5.00"}], "payments": [{"amount": "10.00"}]});
    let order = owner.post("/v1/orders", order).await;
    assert_eq!(order["payment_status"], "paid");
    let ticket = owner
        .post(
            "/v1/tickets",
            json!({"subject": "Help", "contact_id": id, "channel": "api"}),
        )
        .await;
    let ticket = format!("/v1/tickets/{}", text(&ticket["id"]));
    assert_eq!(
        owner.post(&format!("{ticket}/resolve"), json!({})).await["status"],
        "resolved"
    );
    let found = eventually("the search", async || {
        let page = owner.get("/v1/search?q=ann").await;
        page["data"].as_array()?.first().cloned()
    });
    assert_eq!(found.await["id"], contact["id"]);
    eventually("the purchase", async || {
        let score = owner.get(&format!("/v1/contacts/{id}/score")).await;
        (score["rfm"]["monetary"]["amount"] == "10.00").then_some(())
    })
    .await;
    let job = owner.post("/v1/segments/recompute", json!({})).await;
    let path = format!("/v1/segments/jobs/{}", text(&job["id"]));
    let job = eventually("the recompute", async || {
        let job = owner.get(&path).await;
        (job["status"] == "done").then_some(job)
    });
    assert_eq!(job.await["customers"], 1);
    eventually("the events", async || {
        let page = owner.get("/v1/events?limit=200").await;
        let told: BTreeSet<String> = page["data"]
            .as_array()?
            .iter()
            .map(|event| text(&event["type"]))
            .collect();
        let expected = ["contact.created", "order.paid", "ticket.opened", "ticket.resolved"];
        expected.iter().all(|kind| told.contains(*kind)).then_some(())
    })
    .await;
    let missing = owner.try_call(Method::GET, "/v1/contacts/nobody", None).await.unwrap();
    assert_eq!((missing.0, &missing.1["code"]), (404, &json!("not_found")));
    let page = reqwest::get(format!("{}/docs", service.url)).await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(service.end());
    let took = started.elapsed();
    println!(
        "a firm's first day by programs of their own: {:.1} s",
        took.as_secs_f64()
    );
    assert!(took < Duration::from_secs(60), "{took:?}");
}

/// A build of the console, small and as it would lie on the disk.
fn console() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("assets")).unwrap();
    for (name, bytes) in [
        ("index.html", &b"<meta name=\"csp-nonce\" content=\"__NONCE__\">"[..]),
        ("assets/app-BmN3xK_2.js", b"export {}"),
        ("assets/app-BmN3xK_2.js.br", &COMPRESSED),
        ("assets/app-BmN3xK_2.woff2", &COMPRESSED),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// Bytes that are no text, as those of compressed files.
const COMPRESSED: [u8; 6] = [0x8b, 0xff, 0x00, 0x80, 0xfe, 0x03];

#[tokio::test]
async fn the_console_is_served_alike_by_one_process_and_by_many() {
    programs_are_there("console");
    let folder = console();
    let folder = folder.path().to_str().unwrap();
    for form in [&["--memory"][..], &["--memory", "--processes"]] {
        let service = Service::start(&[form, &["--console", folder]].concat());
        let http = reqwest::Client::new();
        let ask = async |path: &str, name: &str, value: &str| {
            let answer = http.get(format!("{}{path}", service.url)).header(name, value);
            let answer = answer.send().await.unwrap();
            let headers = answer.headers().clone();
            let header = move |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
            (answer.status().as_u16(), header, answer.bytes().await.unwrap())
        };
        let (status, header, script) = ask("/assets/app-BmN3xK_2.js", "accept-encoding", "gzip, br").await;
        assert_eq!((status, header("content-encoding").as_str()), (200, "br"), "{form:?}");
        assert_eq!(
            header("cache-control"),
            "public, max-age=31536000, immutable",
            "{form:?}"
        );
        assert_eq!(script[..], COMPRESSED, "{form:?}");
        let (_, header, font) = ask("/assets/app-BmN3xK_2.woff2", "accept", "*/*").await;
        assert_eq!(
            (header("content-type").as_str(), &font[..]),
            ("font/woff2", &COMPRESSED[..])
        );
        let (_, _, script) = ask("/assets/app-BmN3xK_2.js", "accept", "*/*").await;
        assert_eq!(script, "export {}", "{form:?}");
        let (status, header, page) = ask("/customers/con_1", "accept", "text/html").await;
        let policy = header("content-security-policy");
        let page = String::from_utf8(page.to_vec()).unwrap();
        let nonce = page.split('"').nth(3).unwrap();
        assert_eq!(status, 200, "{form:?}");
        assert!(
            policy.contains(&format!("'nonce-{nonce}'")),
            "{form:?}: {policy} {page}"
        );
        let (_, header, page) = ask("/", "accept-encoding", "br").await;
        assert_eq!(header("content-encoding"), "br", "{form:?}");
        assert!(!page.starts_with(b"<meta"), "{form:?}");
        for path in ["/assets/b.js", "/assets/%2e%2e%2findex.html", "/v1/b"] {
            assert_eq!(ask(path, "accept", "text/html").await.0, 404, "{form:?} {path}");
        }
        assert!(service.end());
    }
}

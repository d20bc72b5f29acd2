//! The client's side: starts servers, sends requests sixteen at a time, reads what the system says a server has used.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

/// Connections that are busy at the same time.
const ABREAST: usize = 16;
/// By how many bytes the stored record is longer than what was sent, about.
pub const STORED_MORE: usize = 560;
/// Ticks of the system's processor clock in a second.
const TICKS: f64 = 100.0;
const PASSWORD: &str = "correct horse battery staple";

/// A server as a program of its own.
pub struct Served {
    child: Mutex<(Child, Option<ChildStdin>, BufReader<ChildStdout>)>,
    id: u32,
    /// Where it answers.
    pub url: String,
    /// How long it took to answer.
    pub ready: Duration,
}

impl Served {
    pub async fn start(what: &str, folder: &Path) -> Self {
        let started = Instant::now();
        let own = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
        let mut child = Command::new(own)
            .args(["serve", what])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{error}"));
        let id = child.id();
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap_or_else(|| panic!("no output")));
        let mut line = String::new();
        output.read_line(&mut line).unwrap_or_else(|error| panic!("{error}"));
        let url = line
            .trim()
            .strip_prefix("ready ")
            .unwrap_or_else(|| panic!("{what} did not start: {line}"));
        Self {
            child: Mutex::new((child, input, output)),
            id,
            url: url.to_owned(),
            ready: started.elapsed(),
        }
    }

    /// Waits until all work behind what was answered is done.
    pub async fn settle(&self) {
        tokio::task::block_in_place(|| {
            let mut child = self.child.lock().unwrap_or_else(|error| panic!("{error}"));
            let (_, input, output) = &mut *child;
            let input = input.as_mut().unwrap_or_else(|| panic!("no input"));
            writeln!(input, "settle").unwrap_or_else(|error| panic!("{error}"));
            let mut line = String::new();
            output.read_line(&mut line).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(line.trim(), "settled");
        });
    }

    /// Processor seconds so far.
    pub fn processor(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.id)).unwrap_or_default();
        let fields: Vec<&str> = text
            .rsplit_once(") ")
            .map_or(Vec::new(), |(_, rest)| rest.split(' ').collect());
        let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / TICKS
    }

    /// Memory now (`VmRSS`) or at most (`VmHWM`), in MB.
    pub fn memory(&self, line: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.id)).unwrap_or_default();
        let found = text
            .lines()
            .find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
        let kilobytes = found.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.unwrap_or(0.0) / 1_024.0
    }

    pub fn stop(&self) {
        let mut child = self.child.lock().unwrap_or_else(|error| panic!("{error}"));
        child.1 = None;
        let _ = child.0.wait();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A tenant's owner at one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub url: String,
    tenant: String,
    token: String,
    email: String,
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A contact that is like no other.
fn contact() -> Value {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    json!({
        "given_name": format!("Given{n}"), "family_name": format!("Family{n}"), "email": format!("customer{n}@mail.example"),
        "phone": format!("+1415{:07}", 2_000_000 + n), "occupation": "teacher", "locale": "en",
    })
}

impl Client {
    pub async fn sign_up(url: &str) -> Self {
        rapport_host::cryptography();
        let http = reqwest::Client::new();
        let email = format!("owner{}@firm.example", NEXT.fetch_add(1, Ordering::Relaxed));
        let firm = json!({"company": "Firm", "name": "Owner", "email": email, "password": PASSWORD, "country": "US", "currency": "USD", "time_zone": "UTC"});
        let answer = http.post(format!("{url}/v1/signup")).json(&firm).send().await;
        let answer: Value = answer
            .unwrap_or_else(|error| panic!("{error}"))
            .json()
            .await
            .unwrap_or_default();
        let text = |value: &Value| {
            value
                .as_str()
                .unwrap_or_else(|| panic!("no sign-up: {answer}"))
                .to_owned()
        };
        Self {
            http,
            url: url.to_owned(),
            tenant: text(&answer["tenant"]["id"]),
            token: text(&answer["access_token"]),
            email,
        }
    }

    /// The same tenant at another server of the product, signed in there.
    pub async fn at(&self, url: &str) -> Self {
        let form = format!(
            "grant_type=password&username={}&password={}",
            self.email,
            PASSWORD.replace(' ', "+")
        );
        let request = self.http.post(format!("{url}/v1/auth/token"));
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let (_, text) = self.send(request).await;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        Self {
            url: url.to_owned(),
            token: answer["access_token"]
                .as_str()
                .unwrap_or_else(|| panic!("no token: {text}"))
                .to_owned(),
            ..self.clone()
        }
    }

    /// The same tenant at the bare handler, which asks for no token.
    pub fn bare(&self, url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..self.clone()
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (reqwest::header::HeaderMap, String) {
        let answer = request
            .bearer_auth(&self.token)
            .send()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.unwrap_or_default();
        assert!(status.is_success() && status.as_u16() != 207, "{status}: {text}");
        (headers, text)
    }

    pub async fn get(&self, path: &str) -> Value {
        let (_, text) = self.send(self.http.get(format!("{}{path}", self.url))).await;
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Makes contacts, a hundred a request.
    pub async fn contacts(&self, count: usize) {
        let batches = (0..count.div_ceil(100)).map(|n| {
            let size = (count - n * 100).min(100);
            let inputs: Vec<Value> = (0..size).map(|_| contact()).collect();
            self.http
                .post(format!("{}/v1/contacts/batch", self.url))
                .json(&json!({"operation": "create", "inputs": inputs}))
        });
        stream::iter(batches)
            .for_each_concurrent(4, |batch| async {
                self.send(batch).await;
            })
            .await;
    }

    pub async fn contact_ids(&self, most: usize) -> Vec<String> {
        let mut ids = Vec::new();
        let mut path = "/v1/contacts?limit=200".to_owned();
        while ids.len() < most {
            let page = self.get(&path).await;
            let found = page["data"].as_array().into_iter().flatten();
            ids.extend(found.filter_map(|contact| contact["id"].as_str().map(str::to_owned)));
            match page["next"].as_str().or_else(|| page["next_cursor"].as_str()) {
                Some(cursor) => path = format!("/v1/contacts?limit=200&cursor={cursor}"),
                None => break,
            }
        }
        ids
    }

    fn base(&self, bare: bool) -> String {
        let path = if bare { &self.tenant } else { "v1/contacts" };
        format!("{}/{path}", self.url)
    }

    /// Sends so many requests of a sort, sixteen at a time.
    pub async fn run(&self, what: &str, count: usize, ids: &[String], round: usize, bare: bool) {
        let base = self.base(bare);
        let requests = (0..count).map(|n| match what {
            "read one" => self.http.get(format!("{base}/{}", ids[(n * 7 + round) % ids.len()])),
            "list 50" => self.http.get(format!("{base}?limit=50")),
            _ => self.http.post(&base).json(&contact()),
        });
        stream::iter(requests)
            .for_each_concurrent(ABREAST, |request| async {
                self.send(request).await;
            })
            .await;
    }

    /// The write units of one create.
    pub async fn units(&self, bare: bool) -> f64 {
        let base = self.base(bare);
        let (headers, text) = self.send(self.http.post(base).json(&contact())).await;
        let cost = headers
            .get("rapport-cost")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let told = cost
            .split([',', ';', ' '])
            .find_map(|part| part.trim().strip_prefix("wru=")?.parse().ok());
        told.or_else(|| serde_json::from_str::<Value>(&text).ok()?["units"].as_f64())
            .unwrap_or(f64::NAN)
    }

    /// Recomputes the scores: how long until it was done, and what the run says.
    pub async fn recompute(&self, body: &Value) -> (f64, Value) {
        let started = Instant::now();
        let (headers, _) = self
            .send(self.http.post(format!("{}/v1/segments/recompute", self.url)).json(body))
            .await;
        let path = headers
            .get("location")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        loop {
            let run = self.get(&path).await;
            if run["status"] == "done" {
                return (started.elapsed().as_secs_f64(), run);
            }
            assert!(
                run["status"] != "failed" && started.elapsed() < Duration::from_secs(600),
                "{run}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Loads a purchase log as the README says, and shows what the loader tells at its end.
pub fn load(client: &Client, file: &Path) {
    let file = std::path::absolute(file).unwrap_or_else(|error| panic!("{error}"));
    let file = file.to_string_lossy();
    let columns = "--columns=-,customer,date,quantity,amount";
    let told = xtask(&[
        "load",
        "orders",
        &file,
        columns,
        "--source",
        "log",
        "--url",
        &client.url,
        "--email",
        &client.email,
        "--password",
        PASSWORD,
    ]);
    println!("{}", told.lines().last().unwrap_or_default());
}

/// Runs one of the workspace's tasks and gives what it tells.
pub fn xtask(arguments: &[&str]) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new("cargo")
        .arg("xtask")
        .args(arguments)
        .current_dir(root)
        .output();
    let output = output.unwrap_or_else(|error| panic!("cargo xtask: {error}"));
    let told = String::from_utf8_lossy(&output.stderr).replace('\r', "\n");
    assert!(output.status.success(), "{told}");
    told
}

/// A copy of a data folder.
pub fn copy(from: &Path) -> std::io::Result<tempfile::TempDir> {
    let to = tempfile::tempdir_in("target")?;
    for entry in std::fs::read_dir(from)?
        .flatten()
        .filter(|entry| entry.path().is_file())
    {
        std::fs::copy(entry.path(), to.path().join(entry.file_name()))?;
    }
    Ok(to)
}

/// A purchase log of made-up customers over two years: rates and amounts differ as widely as people do, and are the same
/// each time.
pub fn purchases(customers: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut log = String::new();
    for customer in 1..=customers {
        let (mut day, gap, usual) = (next() * 500.0, 20.0 + 600.0 * next() * next(), 10.0 + 90.0 * next());
        while day < 730.0 {
            let date = jiff::civil::date(2023, 1, 1).saturating_add(jiff::Span::new().days(day as i64));
            let amount = usual * (0.5 + next());
            let _ = writeln!(log, "{customer} {customer} {} 1 {amount:.2}", date.strftime("%Y%m%d"));
            day += 1.0 - gap * (1.0 - next()).ln();
            // Most leave at some time.
            if next() < 0.25 {
                break;
            }
        }
    }
    log
}

pub fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

pub fn print(what: &str, figure: f64) {
    println!("{what}: {figure:.1}");
}

//! The host as a program, and somebody who calls it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

/// How long something may take to come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A number that the environment gives.
pub(crate) fn variable(name: &str) -> Option<u64> {
    let found = std::env::vars().find(|(found, _)| found == name)?;
    Some(found.1.parse().unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// The service as a program, killed without warning when dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
}

impl Service {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, false)
    }

    /// Starts it; where `limited`, a write beyond a limit of the size of files is to fail and not to end it.
    pub(crate) fn start_with(arguments: &[&str], limited: bool) -> Self {
        rapport_host::cryptography();
        let host = env!("CARGO_BIN_EXE_host");
        let mut command = if limited {
            let mut shell = Command::new("sh");
            shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", host]);
            shell
        } else {
            Command::new(host)
        };
        let mut child = command
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
    pub(crate) fn end(mut self) -> bool {
        let told = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        told.unwrap().success() && self.child.wait().unwrap().success()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(mut self) {
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
pub(crate) struct Caller {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Caller {
    pub(crate) fn of(service: &Service, token: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: service.url.clone(),
            token: token.to_owned(),
        }
    }

    /// The status and the body, or nothing when nobody answered.
    pub(crate) async fn try_call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
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

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let what = format!("{method} {path}");
        let (status, body) = self.try_call(method, path, &[], body.as_ref()).await.unwrap();
        assert!((200..300).contains(&status), "{what}: {status} {body}");
        body
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, Some(body)).await
    }

    /// All records of a list.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
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

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) async fn signed_up(service: &Service) -> Caller {
    let person = json!({"company": "Firm", "name": "Owner", "email": "owner@firm.example", "password": "correct horse battery staple", "country": "US", "currency": "USD", "time_zone": "UTC"});
    let welcome = Caller::of(service, "").post("/v1/signup", person).await;
    Caller::of(service, &text(&welcome["access_token"]))
}

/// Waits until something is there.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The functions' programs beside the host's: those of all, or of one.
pub(crate) fn programs_are_there(wanted: &str) {
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

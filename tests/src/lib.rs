//! The world of the end-to-end tests: one host in memory for all tests of a program, a fresh tenant for each, HTTP only.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rapport_host::{Host, Options};
use rapport_runtime::Clock;
use reqwest::{Client, Method};
use serde_json::{Value, json};

pub mod calls;
pub mod fault;
pub mod recorder;
pub mod worker;

/// The running service.
pub struct World {
    /// Where it answers.
    pub url: String,
    /// Its clock.
    pub clock: Clock,
    /// Where mails land.
    pub outbox: PathBuf,
    /// Functions that the template declares and the host does not have.
    pub missing: Vec<String>,
    _folder: tempfile::TempDir,
}

/// The service, started at the first call, in a runtime of its own that outlives every test's.
pub fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for mails: {error}"));
        let outbox = folder.path().to_path_buf();
        let clock = Clock::default();
        // What a function logs helps where a test fails: RUST_LOG=warn shows it.
        if std::env::vars().any(|(name, _)| name == "RUST_LOG") {
            rapport_runtime::lambda::logs();
        }
        let (send, receive) = std::sync::mpsc::channel();
        let options = options(&outbox, clock.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|error| panic!("no runtime: {error}"));
            runtime.block_on(async {
                let host = Host::start(options)
                    .await
                    .unwrap_or_else(|error| panic!("the host does not start: {error}"));
                let _ = send.send((host.url(), host.missing().to_vec()));
                std::future::pending::<()>().await;
            });
        });
        let (url, missing) = receive.recv().unwrap_or_else(|_| panic!("the host did not start"));
        World {
            url,
            clock,
            outbox,
            missing,
            _folder: folder,
        }
    });
    &WORLD
}

/// The options of a host of which every call is noted ([`calls`]).
#[must_use]
pub fn options(outbox: &Path, clock: Clock) -> Options {
    let mut options = Options::of_test(outbox, clock);
    options.functions = calls::noted(options.functions);
    options
}

/// A text that no other test of this run has.
#[must_use]
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!(
        "{prefix}{}x{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    /// Insists on a status and gives the body.
    ///
    /// # Panics
    /// When the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Insists on a problem of a status and code.
    ///
    /// # Panics
    /// When it is another, or not written as a problem.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!(
            (self.status, self.body["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert!(
            self.body["request_id"]
                .as_str()
                .is_some_and(|id| id.starts_with("req_")),
            "{}",
            self.text
        );
        self
    }

    /// A header's text; empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Somebody who calls the API.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    url: String,
    /// The access token or API key.
    pub token: String,
}

/// A tenant and its owner.
pub struct Tenant {
    /// The owner.
    pub owner: Caller,
    /// The tenant's id.
    pub id: String,
    /// The owner's id.
    pub user: String,
    /// The owner's e-mail address.
    pub email: String,
    /// The refresh token of the sign-up.
    pub refresh: String,
}

/// Every owner's password.
pub const PASSWORD: &str = "correct horse battery staple";

impl std::ops::Deref for Tenant {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.owner
    }
}

impl Tenant {
    /// Signs a new firm up.
    pub async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// Signs a new firm up with some fields of one's own.
    ///
    /// # Panics
    /// When the service refuses.
    pub async fn with(fields: Value) -> Self {
        Self::of(&Caller::anonymous(), fields).await
    }

    /// Signs a new firm up where somebody calls.
    ///
    /// # Panics
    /// When the service refuses.
    pub async fn of(anybody: &Caller, fields: Value) -> Self {
        let email = format!("{}@firm.example", unique("owner"));
        let mut body = json!({"company": "Firm", "name": "Owner", "email": email, "password": PASSWORD, "country": "US", "currency": "USD", "time_zone": "UTC"});
        if let (Some(body), Value::Object(fields)) = (body.as_object_mut(), fields) {
            body.extend(fields);
        }
        let answer = anybody.post("/v1/signup", body).await.expect(201);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            owner: anybody.with_token(&text(&answer["access_token"])),
            id: text(&answer["tenant"]["id"]),
            user: text(&answer["user"]["id"]),
            refresh: text(&answer["refresh_token"]),
            email,
        }
    }
}

impl Caller {
    /// Somebody without credentials.
    ///
    /// # Panics
    /// When no HTTP client can be made.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::at(&world().url)
    }

    /// Somebody without credentials who calls another host than the one of all tests.
    ///
    /// # Panics
    /// When no HTTP client can be made.
    #[must_use]
    pub fn at(url: &str) -> Self {
        rapport_host::cryptography();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        Self {
            client: client.unwrap_or_else(|error| panic!("no client: {error}")),
            url: url.to_owned(),
            token: String::new(),
        }
    }

    /// Somebody with a token or key.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            client: self.client.clone(),
            url: self.url.clone(),
            token: token.to_owned(),
        }
    }

    /// Sends a request with a body of any bytes.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{path}: no answer: {error}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap_or_default().to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer {
            status,
            headers,
            bytes,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }
    }

    /// Sends JSON with headers.
    pub async fn json(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send(method, path, &all, Some(body.to_string().into_bytes())).await
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, &[], body).await
    }

    /// `PATCH` of JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PATCH, path, &[], body).await
    }

    /// `PUT` of JSON.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PUT, path, &[], body).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await
    }
}

/// Waits until something is there.
///
/// # Panics
/// When it is not within twenty seconds.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{what} did not come");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Asks until an answer fits, and gives it: long work takes its time in an unoptimised build.
///
/// # Panics
/// When none does within four minutes.
pub async fn until(caller: &Caller, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let answer = caller.get(path).await;
        if answer.status == 200 && fits(&answer.body) {
            return answer.body;
        }
        assert!(started.elapsed() < Duration::from_secs(240), "{path}: {}", answer.text);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

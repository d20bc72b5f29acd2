//! Functions as programs of their own: each instance is the binary that goes to the cloud, fed by a Lambda Runtime
//! API. An instance takes one call at a time; more are started under load, and ended when idle.
//!
//! A program notices the host's end by its connection to the Runtime API and ends too.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use parking_lot::Mutex;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::engine::REGION;
use crate::invoke::InvokeError;
use crate::template::{ACCOUNT, Function};

/// After so long without a call an instance is ended.
const IDLE: Duration = Duration::from_secs(60);
/// A program that has not asked for work by then is taken for broken.
const SLOWEST_START: Duration = Duration::from_secs(10);
/// The cloud's limit of an answer, and room for its base64 form.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

type Outcome = Result<Bytes, InvokeError>;

/// The Lambda Runtime API of all instances; each has its own path.
#[derive(Clone, Default)]
pub struct RuntimeApi {
    instances: Arc<Mutex<HashMap<u64, Arc<Link>>>>,
    next: Arc<AtomicU64>,
}

/// What the API knows of one instance.
struct Link {
    work: tokio::sync::Mutex<mpsc::Receiver<Call>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    /// Told when the program asks for work.
    asked: Notify,
    arn: String,
}

struct Call {
    id: String,
    event: Bytes,
    /// Milliseconds since 1970.
    deadline: i64,
}

impl RuntimeApi {
    /// The API as routes.
    pub fn router(&self) -> Router {
        let base = "/{instance}/2018-06-01/runtime";
        Router::new()
            .route(&format!("{base}/invocation/next"), get(next))
            .route(&format!("{base}/invocation/{{id}}/response"), post(response))
            .route(&format!("{base}/invocation/{{id}}/error"), post(error))
            .route(&format!("{base}/init/error"), post(init_error))
            .layer(DefaultBodyLimit::max(MAX_ANSWER))
            .with_state(self.clone())
    }

    fn link(&self, instance: u64) -> Option<Arc<Link>> {
        self.instances.lock().get(&instance).cloned()
    }
}

async fn next(State(api): State<RuntimeApi>, Path(instance): Path<u64>) -> Response {
    let Some(link) = api.link(instance) else {
        return StatusCode::GONE.into_response();
    };
    link.asked.notify_one();
    let call = link.work.lock().await.recv().await;
    let Some(call) = call else {
        return StatusCode::GONE.into_response();
    };
    (
        [
            ("content-type", "application/json".to_owned()),
            ("lambda-runtime-aws-request-id", call.id),
            ("lambda-runtime-deadline-ms", call.deadline.to_string()),
            ("lambda-runtime-invoked-function-arn", link.arn.clone()),
        ],
        call.event,
    )
        .into_response()
}

fn settle(api: &RuntimeApi, instance: u64, id: &str, outcome: Outcome) -> Response {
    let waiting = api.link(instance).and_then(|link| link.answers.lock().remove(id));
    match waiting {
        Some(waiting) => {
            // The caller may have stopped waiting; the program need not know.
            let _ = waiting.send(outcome);
            (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
        }
        None => (StatusCode::BAD_REQUEST, r#"{"errorType":"InvalidRequestID"}"#).into_response(),
    }
}

async fn response(State(api): State<RuntimeApi>, Path((instance, id)): Path<(u64, String)>, answer: Bytes) -> Response {
    settle(&api, instance, &id, Ok(answer))
}

async fn error(State(api): State<RuntimeApi>, Path((instance, id)): Path<(u64, String)>, problem: Bytes) -> Response {
    let text = error_text(&problem);
    settle(&api, instance, &id, Err(InvokeError::Failed(text)))
}

async fn init_error(State(api): State<RuntimeApi>, Path(instance): Path<u64>, problem: Bytes) -> Response {
    let function = api.link(instance).map(|link| link.arn.clone());
    tracing::error!(function, problem = error_text(&problem), "a function could not start");
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
}

/// The kind of an error; its message may quote what was sent, and is not logged.
fn error_text(problem: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(problem)
        .ok()
        .and_then(|problem| problem["errorType"].as_str().map(str::to_owned))
        .unwrap_or_else(|| "of unknown kind".to_owned())
}

/// The instances of one function.
pub struct Pool {
    name: String,
    program: PathBuf,
    environment: BTreeMap<String, String>,
    timeout: Duration,
    most: usize,
    /// Where the Runtime API answers: `127.0.0.1:4711`.
    api_address: String,
    api: RuntimeApi,
    waiting: Mutex<Waiting>,
    called: Notify,
    work: TaskTracker,
    stop: CancellationToken,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.name).finish()
    }
}

#[derive(Default)]
struct Waiting {
    calls: VecDeque<(Bytes, oneshot::Sender<Outcome>)>,
    instances: usize,
    idle: usize,
}

/// What all pools of a host share.
#[derive(Clone)]
pub struct Shared {
    /// The Runtime API.
    pub api: RuntimeApi,
    /// Its address.
    pub address: String,
    /// The folder of the functions' programs.
    pub programs: PathBuf,
    /// Instances of one function at most.
    pub instances: usize,
    /// The tasks to wait for at the end.
    pub work: TaskTracker,
    /// The end.
    pub stop: CancellationToken,
}

/// How long a program that is asked to end may take.
const LONGEST_END: Duration = Duration::from_secs(1);

/// Ends a program: it is asked to, and may take a moment to tell what it counted.
async fn end(child: &mut Child) {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(id) = id.and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        if tokio::time::timeout(LONGEST_END, child.wait()).await.is_ok() {
            return;
        }
    }
    let _ = child.kill().await;
}

impl Pool {
    /// The instances of a function; none is started before the first call.
    #[must_use]
    pub fn new(function: &Function, environment: BTreeMap<String, String>, shared: &Shared) -> Arc<Self> {
        Arc::new(Self {
            name: function.name.clone(),
            program: shared.programs.join(&function.name),
            environment,
            timeout: Duration::from_secs(u64::from(function.timeout)),
            most: shared.instances.max(1),
            api_address: shared.address.clone(),
            api: shared.api.clone(),
            waiting: Mutex::new(Waiting::default()),
            called: Notify::new(),
            work: shared.work.clone(),
            stop: shared.stop.clone(),
        })
    }

    /// Has one instance handle an event, and returns its answer.
    ///
    /// # Errors
    /// When the program cannot be started, ends, reports an error or takes too long.
    pub async fn invoke(self: &Arc<Self>, event: Bytes) -> Outcome {
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock();
            waiting.calls.push_back((event, answer));
            if waiting.idle >= waiting.calls.len() {
                self.called.notify_one();
            } else if waiting.instances < self.most {
                waiting.instances += 1;
                self.work.spawn(Arc::clone(self).instance());
            }
        }
        answered
            .await
            .unwrap_or_else(|_| Err(InvokeError::Failed("its instance was lost".to_owned())))
    }

    /// Runs instances one after another in one place, as long as one ends with calls waiting.
    async fn instance(self: Arc<Self>) {
        loop {
            self.one_life().await;
            let mut waiting = self.waiting.lock();
            if waiting.calls.is_empty() || self.stop.is_cancelled() {
                waiting.instances -= 1;
                return;
            }
        }
    }

    /// The life of one instance.
    async fn one_life(&self) {
        let number = self.api.next.fetch_add(1, Ordering::Relaxed) + 1;
        let (hand, work) = mpsc::channel(1);
        let link = Arc::new(Link {
            work: tokio::sync::Mutex::new(work),
            answers: Mutex::new(HashMap::new()),
            asked: Notify::new(),
            arn: format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.name),
        });
        self.api.instances.lock().insert(number, Arc::clone(&link));
        match self.start(number, &link).await {
            Ok(mut child) => {
                self.serve(&mut child, &link, &hand).await;
                end(&mut child).await;
                self.api.instances.lock().remove(&number);
            }
            Err(problem) => {
                tracing::error!(function = self.name, problem, "a function could not be started");
                self.api.instances.lock().remove(&number);
                let call = self.waiting.lock().calls.pop_front();
                if let Some((_, answer)) = call {
                    let _ = answer.send(Err(InvokeError::Failed(problem)));
                }
            }
        }
    }

    async fn start(&self, number: u64, link: &Link) -> Result<Child, String> {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(&self.environment)
            // What the host says of its own log holds for its programs.
            .env("RUST_LOG", "warn")
            .envs(
                std::env::vars()
                    .filter(|(name, _)| ["PATH", "RUST_LOG", "RUST_BACKTRACE", "TZ"].contains(&name.as_str())),
            )
            // The cloud gives host and port only; the runtime's library takes a whole address too, which needs no port
            // for each instance.
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                format!("http://{}/{number}", self.api_address),
            )
            .env("AWS_LAMBDA_LOG_STREAM_NAME", number.to_string())
            .stdin(Stdio::null())
            // The host's standard output says one line, and that is its own.
            .stdout(Stdio::from(std::io::stderr()))
            .stderr(Stdio::inherit())
            // Ctrl-C is for the host, which lets work in flight finish.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        tokio::select! {
            () = link.asked.notified() => Ok(child),
            ended = child.wait() => Err(format!("it ended at once: {}", ended.map_or_else(|error| error.to_string(), |status| status.to_string()))),
            () = tokio::time::sleep(SLOWEST_START) => Err("it did not ask for work".to_owned()),
        }
    }

    /// Hands calls to a started program until it is idle, fails to answer or ends.
    async fn serve(&self, child: &mut Child, link: &Link, hand: &mpsc::Sender<Call>) {
        loop {
            let Some((event, answer)) = self.next_call(child).await else {
                return;
            };
            let id = format!("{:032x}", rand::random::<u128>());
            let (settle, settled) = oneshot::channel();
            link.answers.lock().insert(id.clone(), settle);
            let call = Call {
                id: id.clone(),
                event,
                deadline: crate::schedule::now().as_millisecond()
                    + i64::try_from(self.timeout.as_millis()).unwrap_or(0),
            };
            if hand.send(call).await.is_err() {
                let _ = answer.send(Err(InvokeError::Failed("its instance was lost".to_owned())));
                return;
            }
            let (outcome, usable) = tokio::select! {
                outcome = settled => (
                    outcome.unwrap_or_else(|_| Err(InvokeError::Failed("it gave no answer".to_owned()))),
                    true,
                ),
                ended = child.wait() => {
                    tracing::error!(function = self.name, ?ended, "a function's program ended in a call");
                    (Err(InvokeError::Failed("its program ended".to_owned())), false)
                }
                () = tokio::time::sleep(self.timeout) => (Err(InvokeError::TimedOut), false),
            };
            link.answers.lock().remove(&id);
            let _ = answer.send(outcome);
            if !usable {
                return;
            }
        }
    }

    async fn next_call(&self, child: &mut Child) -> Option<(Bytes, oneshot::Sender<Outcome>)> {
        let started = tokio::time::Instant::now();
        loop {
            {
                let mut waiting = self.waiting.lock();
                if let Some(call) = waiting.calls.pop_front() {
                    return Some(call);
                }
                if self.stop.is_cancelled() {
                    return None;
                }
                waiting.idle += 1;
            }
            let gone = tokio::select! {
                () = self.called.notified() => false,
                _ = child.wait() => true,
                () = tokio::time::sleep_until(started + IDLE) => true,
                () = self.stop.cancelled() => false,
            };
            let mut waiting = self.waiting.lock();
            waiting.idle -= 1;
            if gone {
                // A call that came at the last moment starts another.
                return None;
            }
        }
    }
}

/// The environment of a function's program: what the template gives, and what the cloud would.
#[must_use]
pub fn environment(function: &Function, given: &BTreeMap<String, String>, engines: &str) -> BTreeMap<String, String> {
    let mut environment = given.clone();
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ENDPOINT_URL", engines),
        ("AWS_ENDPOINT_URL_DYNAMODB", engines),
        ("AWS_ENDPOINT_URL_SQS", engines),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory.to_string()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{}", function.name)),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    environment
}

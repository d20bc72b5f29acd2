//! Puts the parts together: opens the engines, makes the functions, binds routes, queues, streams and clocks to them,
//! and ends all of it in order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use rapport_runtime::{Clock, Meter};
use rapport_sqs::{Attributes, Queues, Redrive};
use rapport_store::{Store, TableNames};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::engine::{self, Engine, EngineError, InProcess, Place};
use crate::functions::{Functions, Ingredients};
use crate::gateway::{self, Routes};
use crate::invoke::{BoxError, Handler, Invoker};
use crate::pollers::{self, QueuePoller};
use crate::processes::{self, Pool, RuntimeApi};
use crate::schedule::Time;
use crate::secrets::{self, DataError};
use crate::streams;
use crate::template::{Event, Template, TemplateError};

/// How long work in flight may take to finish at the end.
const LONGEST_END: Duration = Duration::from_secs(10);

/// The operator's key where tests run.
pub const OPERATOR_OF_TESTS: &str = "ro_of-tests";

/// What to run, and how.
pub struct Options {
    /// The port on loopback; 0 takes a free one.
    pub port: u16,
    /// The data folder; `None` keeps everything in memory.
    pub data: Option<PathBuf>,
    /// The template's text.
    pub template: String,
    /// The functions that run in this process.
    pub functions: Functions,
    /// Values over those of the template, for every function that runs.
    pub environment: BTreeMap<String, String>,
    /// The time that functions, queues and schedules go by.
    pub time: Time,
    /// Functions as programs of their own.
    pub processes: Option<Processes>,
    /// Serves the engines' protocols on loopback, for programs and tests; always so with `processes`.
    pub engines: Option<u16>,
}

impl Options {
    /// The whole product in memory on a free port, for tests: mail goes to a folder, webhooks may go to loopback, and
    /// the clock may be set forward.
    #[must_use]
    pub fn of_test(outbox: &Path, clock: Clock) -> Self {
        Self {
            port: 0,
            data: None,
            template: crate::TEMPLATE.to_owned(),
            functions: crate::functions::all(),
            environment: BTreeMap::from([
                ("MAIL".to_owned(), format!("folder:{}", outbox.display())),
                ("ALLOW_PRIVATE_WEBHOOKS".to_owned(), "1".to_owned()),
                ("SIGNUP_PLAN".to_owned(), "business".to_owned()),
                (
                    "OPERATOR_KEYS".to_owned(),
                    secrets::operator_digest("test", OPERATOR_OF_TESTS),
                ),
            ]),
            time: Time::of_test(clock),
            processes: None,
            engines: None,
        }
    }
}

/// Where the functions' programs are, and how many may run.
pub struct Processes {
    /// The folder of the programs.
    pub programs: PathBuf,
    /// Instances of one function at most.
    pub instances: usize,
}

/// Why the host did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or may not be.
    #[error("port {port} cannot be used: {source}")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The data folder.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The tables.
    #[error(transparent)]
    Tables(#[from] EngineError),
    /// The queues.
    #[error("the queues cannot be used: {0}")]
    Queues(String),
    /// A function.
    #[error("the function {name} cannot be made: {source}")]
    Function {
        /// Its name.
        name: String,
        /// Why.
        source: BoxError,
    },
    /// A route.
    #[error("{0}")]
    Route(String),
}

/// A running host.
pub struct Host {
    address: SocketAddr,
    engines: Option<SocketAddr>,
    engine: Arc<Engine>,
    queues: Queues,
    routes: Arc<Routes>,
    missing: Vec<String>,
    work: TaskTracker,
    stop: CancellationToken,
    programs: (TaskTracker, CancellationToken),
    bookkeeper: Bookkeeper,
    _lock: Option<File>,
}

/// Names ring as what TLS connections of this process are made with, as the functions do: clients of HTTP want to know before they are
/// built. Doing so again changes nothing.
pub fn cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Host {
    /// Starts everything the template declares. When this returns, requests are answered.
    ///
    /// # Errors
    /// When something that is declared cannot be run. A function that the host does not have is no error: its routes
    /// answer 404 and it is named in [`Host::missing`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        cryptography();
        let listener = listen(options.port).await?;
        let address = local(&listener, options.port)?;
        let lock = options.data.as_deref().map(secrets::lock).transpose()?;

        let engines = match (&options.processes, options.engines) {
            (None, None) => None,
            (_, port) => Some(listen(port.unwrap_or(0)).await?),
        };
        let engines_address = match &engines {
            Some(listener) => Some(local(listener, 0)?),
            None => None,
        };
        let engines_url = engines_address.map(|address| format!("http://{address}"));
        let queues_url = engines_url.as_deref().unwrap_or("http://sqs.local");
        let template = Template::read(&options.template, &BTreeMap::new(), queues_url)?;

        let tables: Vec<_> = template.tables.values().cloned().collect();
        let place = match &options.data {
            Some(folder) => Place::File(folder.join("tables.sqlite")),
            None => Place::Memory,
        };
        let engine = Arc::new(Engine::open(&place, &tables)?);
        let queues = open_queues(&options, &template, queues_url).await?;

        let work = TaskTracker::new();
        let stop = CancellationToken::new();
        let programs = (TaskTracker::new(), CancellationToken::new());
        let api = RuntimeApi::default();
        if let Some(listener) = engines {
            let router = engines_router(Arc::clone(&engine), queues.clone()).merge(api.router());
            // Not among the work to wait for: programs use it to the end.
            tokio::spawn(async move {
                if let Err(error) = axum::serve(listener, router).await {
                    tracing::error!(%error, "the engines' socket ended");
                }
            });
        }
        let shared = options.processes.as_ref().map(|processes| processes::Shared {
            api,
            address: engines_address.map(|address| address.to_string()).unwrap_or_default(),
            programs: processes.programs.clone(),
            instances: processes.instances,
            work: programs.0.clone(),
            stop: programs.1.clone(),
        });

        let mut values = secrets_of(&options)?;
        values.insert("PUBLIC_URL".to_owned(), format!("http://{address}"));
        values.extend(options.environment.clone());

        let tables = TableNames::read(|name| {
            let functions = template.functions.values();
            functions
                .filter_map(|function| function.environment.get(name))
                .next()
                .cloned()
        });
        let bookkeeper = Bookkeeper {
            meter: Meter::default(),
            store: Store::new(engine::dynamodb(InProcess::tables(Arc::clone(&engine))), tables, &[]),
            time: options.time.clone(),
        };

        let mut host = Self {
            address,
            engines: engines_address,
            engine,
            queues,
            routes: Arc::default(),
            missing: Vec::new(),
            work,
            stop,
            programs,
            bookkeeper,
            _lock: lock,
        };
        host.bind(&template, &options, &values, shared.as_ref()).await?;
        host.work.spawn(gateway::serve(
            listener,
            Arc::clone(&host.routes),
            host.work.clone(),
            host.stop.clone(),
        ));
        host.work
            .spawn(pollers::sweep(Arc::clone(&host.engine), host.stop.clone()));
        host.work.spawn(host.bookkeeper.clone().run(host.stop.clone()));
        Ok(host)
    }

    async fn bind(
        &mut self,
        template: &Template,
        options: &Options,
        values: &BTreeMap<String, String>,
        shared: Option<&processes::Shared>,
    ) -> Result<(), StartError> {
        let dynamodb = engine::dynamodb(InProcess::tables(Arc::clone(&self.engine)));
        let sqs = engine::sqs(queues_in_process(self.queues.clone()));
        let dead_letters = pollers::dead_letters(self.queues.clone());
        let mut routes = Routes::default();
        let mut readers = Vec::new();
        let mut deliveries = Vec::new();
        let mut tasks: Vec<futures::future::BoxFuture<'static, ()>> = Vec::new();

        let declared: BTreeSet<&String> = template
            .functions
            .values()
            .flat_map(|function| function.environment.keys())
            .collect();
        for function in template.functions.values() {
            let mut own = function.environment.clone();
            for (name, value) in values {
                // A function that the template does not give a signing key or a way to send mail gets none here either.
                if own.contains_key(name) || !declared.contains(name) {
                    own.insert(name.clone(), value.clone());
                }
            }
            let handler = match shared {
                Some(shared) => {
                    let url = format!("http://{}", shared.address);
                    let own = processes::environment(function, &own, &url);
                    let here = shared.programs.join(&function.name).is_file();
                    here.then(|| Handler::Process(Pool::new(function, own, shared)))
                }
                None => {
                    let ingredients = Ingredients {
                        environment: own,
                        dynamodb: dynamodb.clone(),
                        of_tenant: None,
                        sqs: sqs.clone(),
                        clock: options.time.clock(),
                        meter: self.bookkeeper.meter.clone(),
                    };
                    let made = options.functions.make(&function.name, ingredients).transpose();
                    made.map_err(|source| StartError::Function {
                        name: function.name.clone(),
                        source,
                    })?
                }
            };
            let Some(handler) = handler else {
                tracing::warn!(
                    function = function.name,
                    "the template declares a function that is not here"
                );
                self.missing.push(function.name.clone());
                continue;
            };
            let timeout = Duration::from_secs(u64::from(function.timeout));
            let invoker = Invoker::new(&function.name, timeout, handler);
            for event in &function.events {
                match event {
                    Event::Http { method, path } => {
                        routes.add(method, path, invoker.clone()).map_err(StartError::Route)?;
                    }
                    Event::Queue {
                        queue,
                        batch_size,
                        window,
                        partial,
                        concurrency,
                    } => tasks.push(Box::pin(
                        QueuePoller {
                            queues: self.queues.clone(),
                            queue: queue.clone(),
                            batch_size: *batch_size,
                            window: *window,
                            partial: *partial,
                            concurrency: *concurrency,
                            invoker: invoker.clone(),
                            work: self.work.clone(),
                            stop: self.stop.clone(),
                        }
                        .run(),
                    )),
                    Event::Stream(binding) => {
                        readers.push((binding.table.clone(), function.name.clone()));
                        deliveries.push(streams::Delivery {
                            engine: Arc::clone(&self.engine),
                            binding: binding.clone(),
                            invoker: invoker.clone(),
                            dead_letters: Arc::clone(&dead_letters),
                            stop: self.stop.clone(),
                        });
                    }
                    Event::Schedule { schedule, input } => {
                        tasks.push(pollers::run_schedule(
                            invoker.clone(),
                            schedule.clone(),
                            options.time.clone(),
                            input.clone(),
                            self.stop.clone(),
                        ));
                    }
                }
            }
        }
        streams::register(&self.engine, &readers)
            .await
            .map_err(EngineError::from)?;
        let read: BTreeSet<&String> = readers.iter().map(|(table, _)| table).collect();
        for table in template.tables.values().filter(|table| table.stream) {
            if !read.contains(&table.name) {
                tasks.push(Box::pin(streams::trim_unread(
                    Arc::clone(&self.engine),
                    table.name.clone(),
                    self.stop.clone(),
                )));
            }
        }
        for delivery in deliveries {
            self.work.spawn(delivery.run());
        }
        for task in tasks {
            self.work.spawn(task);
        }
        self.routes = Arc::new(routes);
        Ok(())
    }

    /// Where requests are answered.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the engines' protocols are answered, if they are.
    #[must_use]
    pub fn engines_url(&self) -> Option<String> {
        self.engines.map(|address| format!("http://{address}"))
    }

    /// The tables.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The queues.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// The routes.
    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Functions that the template declares and this host does not have.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Takes no more work, and returns when what is in flight has finished; `false` when that took too long.
    pub async fn stop(self) -> bool {
        self.stop.cancel();
        self.work.close();
        let finished = tokio::time::timeout(LONGEST_END, self.work.wait()).await.is_ok();
        self.bookkeeper.settle().await;
        let (programs, end) = &self.programs;
        end.cancel();
        programs.close();
        let ended = tokio::time::timeout(Duration::from_secs(2), programs.wait())
            .await
            .is_ok();
        finished && ended
    }
}

/// Tells the store what the functions of this process counted, for those tenants of whom nobody calls any more.
#[derive(Clone)]
struct Bookkeeper {
    meter: Meter,
    store: Store,
    time: Time,
}

impl Bookkeeper {
    async fn settle(&self) {
        self.meter.settle_all(&self.store, self.time.now()).await;
    }

    async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(60)) => self.settle().await,
                () = stop.cancelled() => return,
            }
        }
    }
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|source| StartError::Port { port, source })
}

fn local(listener: &TcpListener, port: u16) -> Result<SocketAddr, StartError> {
    listener
        .local_addr()
        .map_err(|source| StartError::Port { port, source })
}

/// Keys that the cloud takes from its secret store. In memory they live as long as the process.
fn secrets_of(options: &Options) -> Result<BTreeMap<String, String>, StartError> {
    let secret = |file: &str| match &options.data {
        Some(folder) => secrets::kept(folder, file, secrets::fresh),
        None => Ok(secrets::fresh()),
    };
    let signing = secret("signing-key")?;
    let public = secrets::public_key(&signing).ok_or_else(|| StartError::Function {
        name: "identity".to_owned(),
        source: "the file signing-key does not hold 32 bytes in base64".into(),
    })?;
    // In memory nobody is the operator, unless the digest of a key is given.
    let operator = options.data.as_deref().map(|folder| {
        let key = secrets::kept(folder, "operator-key", secrets::operator_key)?;
        Ok::<_, DataError>(secrets::operator_digest("host", &key))
    });
    Ok(BTreeMap::from([
        ("OPERATOR_KEYS".to_owned(), operator.transpose()?.unwrap_or_default()),
        ("SIGNING_KEY".to_owned(), signing),
        ("SECRET_KEY".to_owned(), secret("secret-key")?),
        ("PUBLIC_KEYS".to_owned(), public),
    ]))
}

async fn open_queues(options: &Options, template: &Template, url: &str) -> Result<Queues, StartError> {
    let refuse = |error: rapport_sqs::Error| StartError::Queues(error.to_string());
    let queues = Queues::open_with(rapport_sqs::Options {
        path: options.data.as_ref().map(|folder| folder.join("queues.sqlite")),
        region: engine::REGION.to_owned(),
        account: crate::template::ACCOUNT.to_owned(),
        base_url: url.to_owned(),
        clock: Arc::new(options.time.clone()),
    })
    .map_err(refuse)?;
    // Dead-letter queues first: the others name them.
    let mut declared: Vec<_> = template.queues.values().collect();
    declared.sort_by_key(|queue| queue.redrive.is_some());
    for queue in declared {
        let attributes = Attributes {
            visibility_timeout: queue.visibility_timeout,
            delay: queue.delay,
            retention: queue.retention,
            receive_wait: queue.receive_wait,
            redrive: queue.redrive.as_ref().map(|(dead, count)| Redrive {
                dead_letter_queue: dead.clone(),
                max_receive_count: *count,
            }),
            ..Attributes::default()
        };
        queues.create_queue(&queue.name, attributes).await.map_err(refuse)?;
    }
    // Nobody but this host receives, and it is only starting: what was in flight at its last end is not any more.
    queues.release_in_flight().await.map_err(refuse)?;
    Ok(queues)
}

fn queues_in_process(queues: Queues) -> InProcess {
    InProcess::new(move |target, body| {
        let queues = queues.clone();
        Box::pin(async move { queues.handle(&target, &body).await })
    })
}

/// Both engines' protocols on one address, told apart by the call's target. Signatures are not checked: loopback only.
fn engines_router(engine: Arc<Engine>, queues: Queues) -> Router {
    let tables = InProcess::tables(engine);
    let queues = rapport_sqs::router(queues);
    Router::new()
        .route("/", axum::routing::post(engines_call))
        .route("/{account}/{queue}", axum::routing::post(engines_call))
        .layer(DefaultBodyLimit::max(engine::MAX_BODY))
        .with_state((tables, queues))
}

async fn engines_call(
    State((tables, queues)): State<(InProcess, Router)>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    if target.starts_with("DynamoDB") {
        let body = axum::body::to_bytes(request.into_body(), engine::MAX_BODY).await;
        let Ok(body): Result<Bytes, _> = body else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        return tables.respond(target, body).await;
    }
    match queues.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

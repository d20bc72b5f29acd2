//! Running as a Lambda function.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_types::SdkConfig;
use futures::FutureExt as _;
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::util::MapResponse;

use crate::answer::Answer;
use crate::connections::connections;
use crate::rehearsal::rehearse;
use crate::{App, BoxError, Clock, Config, Function, Meter, last_words, metered};

/// Starts a function under the Lambda runtime: the whole of every `main`. Ends the process with a message when it cannot.
///
/// Which of the ways a function is called is known where this is inlined: what serves the others is not in its program.
#[inline(always)]
pub fn run(name: &str, function: Function) -> std::process::ExitCode {
    match function {
        Function::Http { router, at_once } => start(name, serve(|app| http(app, router, at_once))),
        Function::Pages(router) => start(name, pages(router)),
        Function::Queue(handle) => start(
            name,
            serve(|app| events(move |event| metered::queue(app.clone(), event, handle).map(Ok))),
        ),
        Function::Stream(handle) => start(
            name,
            serve(|app| events(move |event| metered::stream(app.clone(), event, handle).map(Ok))),
        ),
        Function::Schedule(handle) => start(
            name,
            serve(|app| events(move |_: serde_json::Value| handle(app.clone()))),
        ),
    }
}

fn start(name: &str, work: impl Future<Output = Result<(), BoxError>>) -> std::process::ExitCode {
    logs();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(name, &error.into()),
    };
    match runtime.block_on(work) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => failed(name, &error),
    }
}

fn failed(name: &str, error: &BoxError) -> std::process::ExitCode {
    tracing::error!(function = name, error = %rapport_queue::batch::chain(&**error), "cannot run");
    std::process::ExitCode::FAILURE
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Logs as JSON lines on standard error, which Lambda collects; `RUST_LOG` sets the level.
pub fn logs() {
    use tracing::Level;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::fmt::layer;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    // Levels by target, no more: what also looks at fields brings an engine of regular expressions into every archive.
    let filter = variable("RUST_LOG").and_then(|text| text.parse::<Targets>().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let lines = layer().json().with_writer(std::io::stderr).with_current_span(true);
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

async fn serve<F: Future<Output = Result<(), BoxError>>>(answer: impl FnOnce(App) -> F) -> Result<(), BoxError> {
    let app = app()?;
    let mut end = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = answer(app.clone()) => result,
        _ = end.recv() => {
            // What was counted is told before the process ends.
            app.meter.settle_all(&app.store, app.clock.now()).await;
            Ok(())
        }
    }
}

async fn http(app: App, router: fn(App) -> axum::Router, at_once: usize) -> Result<(), BoxError> {
    let router = router(app.clone());
    if talks_tls() {
        let _ = tokio::time::timeout(Duration::from_secs(1), rehearse(&app, &router, at_once)).await;
    }
    requests(router).await
}

async fn pages(router: fn(&Config) -> axum::Router) -> Result<(), BoxError> {
    requests(router(&Config::read(variable)?)).await
}

/// Answers requests, the one that a panic breaks off too.
async fn requests(router: axum::Router) -> Result<(), BoxError> {
    if last_words::needed() {
        last_words::spoken_to(variable("AWS_LAMBDA_RUNTIME_API").ok_or("AWS_LAMBDA_RUNTIME_API is not set")?);
    }
    lambda_http::run(MapResponse::new(router, Answer)).await
}

/// Answers events that are no requests.
async fn events<E, O, F>(handle: impl Fn(E) -> F) -> Result<(), BoxError>
where
    E: DeserializeOwned,
    O: Serialize,
    F: Future<Output = Result<O, BoxError>>,
{
    lambda_runtime::run(lambda_runtime::service_fn(|event: LambdaEvent<E>| {
        handle(event.payload)
    }))
    .await
}

/// Whether the tables are asked over TLS, as everywhere but on one machine.
fn talks_tls() -> bool {
    variable("AWS_ENDPOINT_URL").is_none_or(|url| url.starts_with("https:"))
}

/// What all clients are made of. The region and the credentials come from Lambda's own variables and from nowhere else, so
/// nothing is in the archive that would look for them elsewhere. One HTTP client serves all: a tenant's client is made in the middle
/// of a request, and must not have to make connections of its own.
fn sdk() -> Result<SdkConfig, BoxError> {
    let needed = |name: &str| variable(name).ok_or_else(|| format!("{name} is not set"));
    let (key, secret) = (needed("AWS_ACCESS_KEY_ID")?, needed("AWS_SECRET_ACCESS_KEY")?);
    let credentials = Credentials::new(key, secret, variable("AWS_SESSION_TOKEN"), None, "the environment");
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(8))
        .build();
    let region = variable("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned());
    let mut sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .http_client(connections(talks_tls())?);
    sdk.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    Ok(sdk.build())
}

/// The clients, and the configuration from the environment.
fn app() -> Result<App, BoxError> {
    let config = Config::read(variable)?;
    let sdk = sdk()?;
    // A long poll or a batch to a queue may rightly take longer than a read of a key.
    let sqs = aws_sdk_sqs::Client::new(&sdk);
    let dynamodb = match variable("TENANT_ROLE") {
        Some(role) => crate::tenant::clients(&sdk, role),
        None => aws_sdk_dynamodb::Client::new(&sdk).into(),
    };
    Ok(App::new(
        config,
        Clock::default(),
        dynamodb,
        sqs,
        Some(sdk),
        Meter::default(),
    ))
}

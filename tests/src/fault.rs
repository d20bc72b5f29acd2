//! A store that fails when it is told to: it stands between the SDK and the tables, in the functions that a test names.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use parking_lot::Mutex;
use rapport_host::functions::Functions;
use serde_json::{Value, json};

/// What happens to the calls of the store, counted from the moment it is said; the first is 0. The SDK's own further
/// attempts count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    /// All are answered.
    #[default]
    Fair,
    /// From this call on none is done.
    DownFrom(u32),
    /// This call is done and its answer is lost; those after it are not done.
    LostThenDown(u32),
    /// This call is done and its answer is lost; those after it are answered.
    LostOnce(u32),
    /// This call is refused in a way of the store's own, and so many after it.
    Refuses(u32, u32, Refusal),
}

/// How the store refuses. Nothing is done then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another transaction is at work on an item. Reads meet none.
    Conflict,
    /// The table gives no more for now.
    Throughput,
    /// Too many calls.
    Throttled,
    /// A fault of the store's.
    Internal,
    /// A batch is taken, and none of it done.
    Unprocessed,
    /// No answer comes in time.
    Silent,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 6] = [
        Refusal::Conflict,
        Refusal::Throughput,
        Refusal::Throttled,
        Refusal::Internal,
        Refusal::Unprocessed,
        Refusal::Silent,
    ];

    /// Whether the store refuses this operation so.
    fn concerns(self, operation: &str) -> bool {
        match self {
            Self::Conflict => !matches!(operation, "GetItem" | "Query" | "BatchGetItem" | "BatchWriteItem"),
            Self::Unprocessed => operation.starts_with("Batch"),
            _ => true,
        }
    }

    /// The status and body of the refusal.
    fn answer(self, operation: &str, body: &[u8]) -> (u16, Value) {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let error =
            |kind: &str| json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "Not now"});
        match self {
            Self::Conflict if operation.starts_with("Transact") => {
                let items = request["TransactItems"].as_array().map_or(1, Vec::len);
                let reason = |n| json!({"Code": if n + 1 == items { "TransactionConflict" } else { "None" }});
                let mut error = error("TransactionCanceledException");
                error["CancellationReasons"] = (0..items).map(reason).collect();
                (400, error)
            }
            Self::Conflict => (400, error("TransactionConflictException")),
            Self::Throughput => (400, error("ProvisionedThroughputExceededException")),
            Self::Throttled => (400, error("ThrottlingException")),
            Self::Unprocessed if operation == "BatchGetItem" => (
                200,
                json!({"Responses": {}, "UnprocessedKeys": request["RequestItems"]}),
            ),
            Self::Unprocessed => (200, json!({"UnprocessedItems": request["RequestItems"]})),
            Self::Internal | Self::Silent => (500, error("InternalServerError")),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    weather: Weather,
    calls: u32,
    struck: bool,
}

/// The switch.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

enum Fate {
    Answered,
    Lost,
    Away,
    Refused(Refusal),
}

impl Faults {
    /// Says what happens from now on.
    pub fn set(&self, weather: Weather) {
        *self.0.lock() = State {
            weather,
            ..State::default()
        };
    }

    /// Ends the faults, and tells whether there was one.
    #[must_use]
    pub fn end(&self) -> bool {
        std::mem::take(&mut *self.0.lock()).struck
    }

    /// How many calls there were since the weather was said.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.0.lock().calls
    }

    fn next(&self, operation: &str) -> Fate {
        let mut state = self.0.lock();
        let call = state.calls;
        state.calls += 1;
        let fate = match state.weather {
            Weather::DownFrom(n) if call >= n => Fate::Away,
            Weather::LostThenDown(n) if call > n => Fate::Away,
            Weather::LostThenDown(n) | Weather::LostOnce(n) if call == n => Fate::Lost,
            Weather::Refuses(n, times, how)
                if (n..n.saturating_add(times)).contains(&call) && how.concerns(operation) =>
            {
                Fate::Refused(how)
            }
            _ => Fate::Answered,
        };
        state.struck |= !matches!(fate, Fate::Answered);
        fate
    }

    /// The functions, of which those named meet the faults.
    ///
    /// # Panics
    /// When a function's client has nothing to send with.
    #[must_use]
    pub fn between(&self, functions: Functions, named: impl Fn(&str) -> bool + Send + Sync + 'static) -> Functions {
        let faults = self.clone();
        functions.given(move |name, mut ingredients| {
            if named(name) {
                let config = ingredients.dynamodb.config();
                let inner = config.http_client().unwrap_or_else(|| panic!("{name}: no HTTP client"));
                let between = Between {
                    faults: faults.clone(),
                    inner,
                };
                // As many attempts as in the cloud, without the long pauses between them; and each function has its own
                // allowance of them, as it has in a process of its own.
                let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(5));
                let own = RetryPartition::new(format!("{name} {:016x}", rand::random::<u64>()));
                let config = config.to_builder().http_client(between).retry_config(retries);
                let config = config.retry_partition(own);
                ingredients.dynamodb = aws_sdk_dynamodb::Client::from_conf(config.build());
            }
            ingredients
        })
    }
}

#[derive(Clone, Debug)]
struct Between {
    faults: Faults,
    inner: SharedHttpClient,
}

impl HttpClient for Between {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            faults: self.faults.clone(),
            inner: self.inner.http_connector(settings, components),
        })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    faults: Faults,
    inner: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        match self.faults.next(&operation) {
            Fate::Answered => self.inner.call(request),
            Fate::Away => HttpConnectorFuture::ready(Err(ConnectorError::io("the store is away".into()))),
            Fate::Lost => {
                let done = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    done.await?;
                    Err(ConnectorError::io("the answer was lost".into()))
                })
            }
            Fate::Refused(Refusal::Silent) => {
                HttpConnectorFuture::ready(Err(ConnectorError::timeout("no answer came in time".into())))
            }
            Fate::Refused(how) => {
                let (status, body) = how.answer(&operation, request.body().bytes().unwrap_or_default());
                let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_GATEWAY);
                let mut response = HttpResponse::new(status.into(), SdkBody::from(body.to_string()));
                response
                    .headers_mut()
                    .insert("content-type", "application/x-amz-json-1.0");
                HttpConnectorFuture::ready(Ok(response))
            }
        }
    }
}

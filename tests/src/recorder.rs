//! Writes down what is asked of the store and what the store says it consumed, between the SDK and the tables; and loses
//! answers when it is told to.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use parking_lot::Mutex;
use rapport_host::functions::Functions;
use serde_json::Value;

/// A call of the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function that made it.
    pub function: String,
    /// `UpdateItem`
    pub operation: String,
    /// The request.
    pub request: Value,
    /// What each table that was touched says it consumed.
    pub consumed: Vec<(String, f64)>,
}

impl Call {
    /// Whether the call touches a table.
    #[must_use]
    pub fn touches(&self, table: &str) -> bool {
        self.request.to_string().contains(&format!("\"{table}\""))
    }
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    lose: u32,
    pause: Duration,
}

/// What was written down.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<State>>);

impl Recorder {
    /// Takes what was written down since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.lock().calls)
    }

    /// Does the next calls and loses their answers.
    pub fn lose(&self, calls: u32) {
        self.0.lock().lose = calls;
    }

    /// Has every answer take so long from now on.
    pub fn slow(&self, pause: Duration) {
        self.0.lock().pause = pause;
    }

    /// The functions, written down.
    #[must_use]
    pub fn between(&self, functions: Functions) -> Functions {
        let recorder = self.clone();
        functions.given(move |name, mut ingredients| {
            ingredients.dynamodb = recorder.client(name, &ingredients.dynamodb);
            ingredients
        })
    }

    /// A client, written down under a name.
    ///
    /// # Panics
    /// When the client has nothing to send with.
    #[must_use]
    pub fn client(&self, name: &str, client: &aws_sdk_dynamodb::Client) -> aws_sdk_dynamodb::Client {
        let config = client.config();
        let between = Between {
            recorder: self.clone(),
            function: name.to_owned(),
            inner: config.http_client().unwrap_or_else(|| panic!("{name}: no HTTP client")),
        };
        let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(5));
        let config = config.to_builder().http_client(between).retry_config(retries);
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }
}

#[derive(Clone, Debug)]
struct Between {
    recorder: Recorder,
    function: String,
    inner: SharedHttpClient,
}

impl HttpClient for Between {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            recorder: self.recorder.clone(),
            function: self.function.clone(),
            inner: self.inner.http_connector(settings, components),
        })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    recorder: Recorder,
    function: String,
    inner: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (recorder, function) = (self.recorder.clone(), self.function.clone());
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let asked = request
            .body()
            .bytes()
            .and_then(|bytes| serde_json::from_slice(bytes).ok());
        let done = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let answer = done.await?;
            let pause = recorder.0.lock().pause;
            tokio::time::sleep(pause).await;
            let said = answer
                .body()
                .bytes()
                .and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
            let mut state = recorder.0.lock();
            state.calls.push(Call {
                function,
                operation,
                request: asked.unwrap_or_default(),
                consumed: consumed(&said.unwrap_or_default()["ConsumedCapacity"]),
            });
            if state.lose > 0 {
                state.lose -= 1;
                return Err(ConnectorError::io("the answer was lost".into()));
            }
            drop(state);
            Ok(answer)
        })
    }
}

/// One table's figures, or those of several.
fn consumed(capacity: &Value) -> Vec<(String, f64)> {
    let several = capacity.as_array().cloned().unwrap_or_else(|| vec![capacity.clone()]);
    several
        .iter()
        .filter_map(|one| Some((one["TableName"].as_str()?.to_owned(), one["CapacityUnits"].as_f64()?)))
        .collect()
}

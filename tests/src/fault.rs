//! A store that fails when it is told to: it stands between the SDK and the tables, in the functions that a test names.

use std::sync::Arc;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use parking_lot::Mutex;
use rapport_host::functions::Functions;

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
    Refused,
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

    fn next(&self) -> Fate {
        let mut state = self.0.lock();
        let call = state.calls;
        state.calls += 1;
        let fate = match state.weather {
            Weather::DownFrom(n) if call >= n => Fate::Refused,
            Weather::LostThenDown(n) if call > n => Fate::Refused,
            Weather::LostThenDown(n) | Weather::LostOnce(n) if call == n => Fate::Lost,
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
    pub fn between(&self, functions: Functions, named: fn(&str) -> bool) -> Functions {
        let faults = self.clone();
        functions.given(move |name, mut ingredients| {
            if named(name) {
                let config = ingredients.dynamodb.config();
                let inner = config.http_client().unwrap_or_else(|| panic!("{name}: no HTTP client"));
                let between = Between {
                    faults: faults.clone(),
                    inner,
                };
                // As many attempts as in the cloud, without the long pauses between them.
                let retries = RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(5));
                let config = config.to_builder().http_client(between).retry_config(retries);
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
        match self.faults.next() {
            Fate::Answered => self.inner.call(request),
            Fate::Refused => HttpConnectorFuture::ready(Err(ConnectorError::io("the store is away".into()))),
            Fate::Lost => {
                let done = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    done.await?;
                    Err(ConnectorError::io("the answer was lost".into()))
                })
            }
        }
    }
}

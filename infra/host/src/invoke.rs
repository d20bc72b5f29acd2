//! Calling a function, wherever it runs: in this process or behind a Lambda Runtime API. Every call has a limit of
//! time, and a panic fails that call alone.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_lambda_events::streams::DynamoDbEventResponse;
use axum::Router;
use axum::response::Response;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::gateway::{self, GatewayRequest};
use crate::processes::Pool;

/// An error of unknown kind.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

type Work<I, O> = Arc<dyn Fn(I) -> BoxFuture<'static, O> + Send + Sync>;

/// A function that can be called.
#[derive(Clone)]
pub enum Handler {
    /// Answers HTTP requests.
    Http(Router),
    /// Takes messages of a queue.
    Queue(Work<SqsEvent, SqsBatchResponse>),
    /// Takes changes of a table.
    Stream(Work<StreamEvent, DynamoDbEventResponse>),
    /// Runs at times.
    Schedule(Work<(), Result<(), BoxError>>),
    /// Runs as a program of its own, whatever calls it.
    Process(Arc<Pool>),
}

/// A function, its name and its limit of time.
#[derive(Clone)]
pub struct Invoker {
    name: Arc<str>,
    timeout: Duration,
    handler: Handler,
}

impl fmt::Debug for Invoker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invoker").field("name", &self.name).finish()
    }
}

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// It took longer than its limit.
    #[error("the function took longer than its limit")]
    TimedOut,
    /// It panicked, ended, or answered with an error. The text is for the log.
    #[error("the function failed: {0}")]
    Failed(String),
    /// It is bound to something it does not handle.
    #[error("the function does not handle such events")]
    WrongKind,
}

impl Invoker {
    /// A function under its name; `timeout` limits each call.
    #[must_use]
    pub fn new(name: &str, timeout: Duration, handler: Handler) -> Self {
        Self {
            name: name.into(),
            timeout,
            handler,
        }
    }

    /// The function's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    async fn limited<T>(&self, work: impl Future<Output = T>) -> Result<T, InvokeError> {
        match tokio::time::timeout(self.timeout, AssertUnwindSafe(work).catch_unwind()).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(InvokeError::Failed("it panicked".to_owned())),
            Err(_) => Err(InvokeError::TimedOut),
        }
    }

    async fn process<T: DeserializeOwned>(&self, pool: &Arc<Pool>, event: Vec<u8>) -> Result<T, InvokeError> {
        let answer = pool.invoke(event.into()).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| InvokeError::Failed(format!("its answer is not understood: {error}")))
    }

    /// Answers a request.
    ///
    /// # Errors
    /// When the function gives no answer.
    pub async fn http(&self, request: GatewayRequest) -> Result<Response, InvokeError> {
        match &self.handler {
            Handler::Http(router) => {
                let answer = router.clone().oneshot(request.into_http());
                match self.limited(answer).await? {
                    Ok(response) => Ok(response),
                    Err(never) => match never {},
                }
            }
            Handler::Process(pool) => {
                let answer = self.process(pool, request.into_event()).await?;
                gateway::from_answer(answer).ok_or_else(|| InvokeError::Failed("its answer is no response".to_owned()))
            }
            _ => Err(InvokeError::WrongKind),
        }
    }

    /// Hands messages over; the ids of those that failed come back.
    ///
    /// # Errors
    /// When the whole batch failed.
    pub async fn queue(&self, event: SqsEvent) -> Result<Vec<String>, InvokeError> {
        let answer = match &self.handler {
            Handler::Queue(work) => self.limited(async { work(event).await }).await?,
            Handler::Process(pool) => self
                .process::<Option<SqsBatchResponse>>(pool, json(&event)?)
                .await?
                .unwrap_or_default(),
            _ => return Err(InvokeError::WrongKind),
        };
        let failures = answer.batch_item_failures.into_iter();
        Ok(failures.map(|failure| failure.item_identifier).collect())
    }

    /// Hands changes over, as the JSON of a stream's event; the sequence numbers of those that failed come back.
    ///
    /// # Errors
    /// When the whole batch failed.
    pub async fn stream(&self, event: String) -> Result<Vec<String>, InvokeError> {
        let answer = match &self.handler {
            Handler::Stream(work) => {
                let event = serde_json::from_str(&event).map_err(|error| InvokeError::Failed(error.to_string()))?;
                self.limited(async { work(event).await }).await?
            }
            Handler::Process(pool) => self
                .process::<Option<DynamoDbEventResponse>>(pool, event.into_bytes())
                .await?
                .unwrap_or_default(),
            _ => return Err(InvokeError::WrongKind),
        };
        let failures = answer.batch_item_failures.into_iter();
        Ok(failures.filter_map(|failure| failure.item_identifier).collect())
    }

    /// Runs a scheduled function with the event it gets in the cloud.
    ///
    /// # Errors
    /// When it failed.
    pub async fn schedule(&self, event: String) -> Result<(), InvokeError> {
        match &self.handler {
            Handler::Schedule(work) => self
                .limited(async { work(()).await })
                .await?
                .map_err(|error| InvokeError::Failed(error.to_string())),
            Handler::Process(pool) => self
                .process::<serde_json::Value>(pool, event.into_bytes())
                .await
                .map(drop),
            _ => Err(InvokeError::WrongKind),
        }
    }
}

fn json<T: serde::Serialize>(event: &T) -> Result<Vec<u8>, InvokeError> {
    serde_json::to_vec(event).map_err(|error| InvokeError::Failed(error.to_string()))
}

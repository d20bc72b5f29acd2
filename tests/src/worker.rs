//! A worker in a test's own hands: the host's notes its messages and does nothing, and the test gives it those that it wants, when it
//! wants, while the store may refuse it some.

use std::path::Path;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use rapport_host::Host;
use rapport_host::invoke::Handler;
use rapport_runtime::{App, Clock, Config, Function};
use serde_json::Value;

use crate::fault::Faults;

/// The worker.
pub struct Worker {
    /// What it works with.
    pub app: App,
    /// The messages that the host's was sent, as they are.
    pub sent: Arc<Mutex<Vec<String>>>,
    handle: fn(App, SqsEvent) -> BoxFuture<'static, SqsBatchResponse>,
}

/// A host whose worker of that name is in the test's hands; its calls of the store go through `faults`.
///
/// # Panics
/// When the function takes no messages, or the host does not start.
pub async fn by_hand(folder: &Path, name: &str, function: Function, clock: Clock, faults: &Faults) -> (Host, Worker) {
    let Function::Queue(handle) = function else {
        panic!("{name} takes no messages")
    };
    let (app, sent) = (
        Arc::<Mutex<Option<App>>>::default(),
        Arc::<Mutex<Vec<String>>>::default(),
    );
    let (kept, notes) = (Arc::clone(&app), Arc::clone(&sent));
    let mut options = crate::options(folder, clock);
    let functions = options.functions.with(name, move |given| {
        let config = Config::read(|name| given.environment.get(name).cloned())?;
        let clients = given.clients();
        *kept.lock() = Some(App::new(config, given.clock, clients, given.sqs, None, given.meter));
        let notes = Arc::clone(&notes);
        Ok(Handler::Queue(Arc::new(move |event: SqsEvent| {
            let bodies = event.records.into_iter().filter_map(|message| message.body);
            notes.lock().extend(bodies);
            async { SqsBatchResponse::default() }.boxed()
        })))
    });
    let name = name.to_owned();
    options.functions = faults.between(functions, move |other| other == name);
    let host = Host::start(options)
        .await
        .unwrap_or_else(|error| panic!("the host does not start: {error}"));
    let app = app.lock().clone().unwrap_or_else(|| panic!("the worker was not made"));
    (host, Worker { app, sent, handle })
}

impl Worker {
    /// Whether it takes a message.
    pub async fn takes(&self, body: &Value) -> bool {
        let mut message = SqsMessage::default();
        message.message_id = Some("1".to_owned());
        message.body = Some(body.to_string());
        let mut event = SqsEvent::default();
        event.records = vec![message];
        (self.handle)(self.app.clone(), event)
            .await
            .batch_item_failures
            .is_empty()
    }
}

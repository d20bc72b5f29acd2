//! What a function is given, and what a function is.

use std::ops::Deref;
use std::sync::Arc;

use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_lambda_events::streams::DynamoDbEventResponse;
use aws_types::SdkConfig;
use futures::future::BoxFuture;
use rapport_mail::Mailer;
use rapport_queue::Queues;
use rapport_queue::batch::BoxError;
use rapport_store::Store;

use crate::{Clock, Config, Meter, Tokens};

/// Everything a function works with. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The store.
    pub store: Store,
    /// The queues.
    pub queues: Queues,
    /// The keys of access tokens.
    pub tokens: Tokens,
    /// The clock.
    pub clock: Clock,
    /// What tenants use.
    pub meter: Meter,
    /// What a client of SES is made of, where there is SES.
    ses: Option<SdkConfig>,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Puts the parts together. `ses` is what a client of SES is made of, where there is SES.
    #[must_use]
    pub fn new(
        config: Config,
        clock: Clock,
        dynamodb: impl Into<rapport_store::Clients>,
        sqs: aws_sdk_sqs::Client,
        ses: Option<SdkConfig>,
        meter: Meter,
    ) -> Self {
        let store = Store::new(dynamodb, config.tables.clone(), &config.secret_key);
        let queues = Queues::new(sqs, |name| config.queues.get(name).cloned());
        let tokens = Tokens::new(&config);
        Self(Arc::new(Parts {
            config,
            store,
            queues,
            tokens,
            clock,
            meter,
            ses,
        }))
    }

    /// What mail goes out by, where a function was given a way. It is made when it is asked for and not before: whatever writes
    /// and sends mail is in the programs of those functions alone that send some.
    #[must_use]
    pub fn mailer(&self) -> Option<Mailer> {
        Mailer::new(self.config.mail.as_ref()?, &self.config.mail_from, self.ses.as_ref())
    }
}

/// What a function is: how it is called.
#[derive(Clone, Copy)]
pub enum Function {
    /// By HTTP requests.
    Http {
        /// What answers them.
        router: fn(App) -> axum::Router,
        /// How many reads of the store a request makes side by side at most: so many connections are made before the first.
        at_once: usize,
    },
    /// By HTTP requests of anybody for what is the same for everybody: nothing is asked for it, so that no client of a store or a
    /// queue is in such a program.
    Pages(fn(&Config) -> axum::Router),
    /// By batches of messages.
    Queue(fn(App, SqsEvent) -> BoxFuture<'static, SqsBatchResponse>),
    /// By batches of changes of tables.
    Stream(fn(App, StreamEvent) -> BoxFuture<'static, DynamoDbEventResponse>),
    /// By the clock.
    Schedule(fn(App) -> BoxFuture<'static, Result<(), BoxError>>),
}

impl Function {
    /// By HTTP requests that read side by side what every one does: the tenant's rules, and what it has used.
    #[must_use]
    pub const fn http(router: fn(App) -> axum::Router) -> Self {
        Self::Http { router, at_once: 2 }
    }
}

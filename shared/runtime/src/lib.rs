//! What every function starts with: configuration from the environment, clients, keys, logs, and the two ways to be
//! called — as a Lambda function ([`run`]) or by the one-machine host, which calls the same [`Function`] in its own process.

mod answer;
pub mod app;
pub mod clock;
pub mod config;
mod connections;
mod ed25519;
pub mod lambda;
pub mod last_words;
pub mod meter;
pub mod metered;
mod rehearsal;
pub mod schedule;
pub mod tenant;
pub mod token;

pub use app::{App, Function};
pub use clock::Clock;
pub use config::{Config, ConfigError, OperatorKey};
pub use lambda::run;
pub use meter::Meter;
pub use rapport_queue::batch::BoxError;
pub use schedule::schedule;
pub use token::{Claims, TokenError, Tokens};

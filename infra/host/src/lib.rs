//! The one-machine service: it runs on one computer what the SAM template declares for the cloud. Tables and queues
//! are embedded engines, functions run in this process or in their own, and the gateway speaks HTTP.
//!
//! It holds no rule of the product: what a function does is its own crate's matter.

pub mod demo;
pub mod engine;
pub mod filter;
pub mod functions;
pub mod gateway;
pub mod host;
pub mod invoke;
mod journal;
mod pollers;
pub mod processes;
pub mod schedule;
pub mod secrets;
mod streams;
pub mod template;

/// The template that this host was built with.
pub const TEMPLATE: &str = include_str!("../../template.yaml");

pub use host::{Host, OPERATOR_OF_TESTS, Options, Processes, StartError, cryptography};

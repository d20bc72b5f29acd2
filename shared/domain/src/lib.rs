//! The rules of the CRM: what a lead, a contact, an order or a ticket is and what may happen to it.
//!
//! Pure: no async, no store, no HTTP, no clock. The time, randomness and ids are arguments.

pub mod account;
pub mod actor;
pub mod archive;
pub mod company;
pub mod contact;
pub mod custom;
pub mod email;
pub mod erasure;
pub mod event;
pub mod export;
pub mod id;
pub mod import;
pub mod intake;
pub mod invalid;
pub mod lead;
pub mod login;
pub mod merge;
pub mod money;
pub mod order;
pub mod permission;
pub mod phone;
pub mod plan;
pub mod product;
pub mod record;
pub mod schedule;
pub mod score;
pub mod screening;
pub mod search;
pub mod settings;
pub mod signature;
pub mod signup;
pub mod survey;
pub mod text;
pub mod ticket;
pub mod usage;
pub mod user;
pub mod webhook;
pub mod win_back;
pub mod working_time;

pub use actor::{Actor, Via};
pub use id::{Prefix, RecordId, TenantId};
pub use invalid::{Invalid, Problem};
pub use money::{Currency, Money};
pub use record::{Common, Kind, Meta, Record, Rules, Unique};

//! How customers are scored: the exact figures of `rapport_domain::score` brought to the mathematics of
//! `rapport_analytics`, and its answers brought back as money, keys and words.
//!
//! Pure: no store, no HTTP, no clock. Gathering and writing is `functions/segment-scores`, answering is
//! `functions/segments`.
//!
//! | module | what |
//! |---|---|
//! | [`baskets`] | what is bought together, as rules |
//! | [`customer`] | what ranks and models need to know of one customer, and pages of them as bytes |
//! | [`columns`] | a customer in 32 bytes, for all at once |
//! | [`gaps`] | the gaps between purchases of many customers, counted |
//! | [`reduce`] | all customers → ranks of each and one model |
//! | [`model`] | the model as it is stored, and brought back |
//! | [`alert`] | why a customer seems to be leaving, in words |
//! | [`population`] | how many customers are what: by grade, stage of life and month |
//! | [`answer`] | a customer's score, with words that explain each number |

pub mod alert;
pub mod answer;
pub mod baskets;
pub mod columns;
pub mod customer;
pub mod gaps;
pub mod model;
pub mod population;
pub mod reduce;

pub use customer::Customer;
pub use gaps::Gaps;
pub use model::Model;
pub use population::Population;
pub use reduce::{Ranks, Reducer, reduce};

//! The mathematics of analytical CRM: who buys, how often, for how much, who is leaving, and what they say of us.
//!
//! Every function is a pure computation on slices: no I/O, no async, no clock (a day or an age is an argument), no
//! randomness. The same input in any order gives the same answer, and no input gives `NaN`.
//!
//! Amounts are `f64` because they are ranked, averaged and fed to likelihoods. They are not money: a result shown as
//! money is rounded to the tenant's currency by the caller, and sums that must balance belong to the domain crate.
//!
//! | module | question |
//! |---|---|
//! | [`rfm`] | in which cell and segment is a customer by recency, frequency and monetary value |
//! | [`pareto`] | how concentrated is revenue, and which grade has a customer |
//! | [`bg_nbd`] | is the customer still active, and how many purchases will follow |
//! | [`gamma_gamma`] | how much is spent in one purchase |
//! | [`lifetime_value`] | what the next twelve months are worth |
//! | [`churn`] | who is leaving, and at which stage of life is a customer |
//! | [`survey`] | NPS, CSAT, CES and SERVQUAL with their intervals |
//! | [`survey_sums`] | the same from sums kept by day, and the difference of two figures |

pub mod bg_nbd;
pub mod churn;
pub mod fit;
pub mod gamma_gamma;
pub mod lifetime_value;
mod optimise;
pub mod pareto;
pub mod rfm;
pub mod survey;
pub mod survey_sums;

//! The mathematics of analytical CRM: who buys, how often, for how much, who is leaving, and what they say of us.
//!
//! Every function is a pure computation on slices: no I/O, no async, no clock (a day or an age is an argument), no
//! randomness but from a seed that is an argument. The same input in any order gives the same answer, and no input gives
//! `NaN`.
//!
//! Amounts are `f64` where they are ranked, averaged and fed to likelihoods. They are not money then: a result shown as
//! money is rounded to the tenant's currency by the caller. Where amounts have to add up they are decimal ([`margin`],
//! [`turnover`]).
//!
//! | module | question |
//! |---|---|
//! | [`rfm`] | in which cell and segment is a customer by recency, frequency and monetary value |
//! | [`pareto`] | how concentrated is revenue, and which grade has a customer |
//! | [`bg_nbd`] | is the customer still active, and how many purchases will follow |
//! | [`gamma_gamma`] | how much is spent in one purchase |
//! | [`lifetime_value`] | what the next twelve months are worth |
//! | [`churn`] | who is leaving, and at which stage of life is a customer |
//! | [`association`] | what is bought together, and what to offer to whom |
//! | [`forecast`] | what the next periods will bring, and how far each method was off |
//! | [`screening`] | how good is a customer on five bases, against the others |
//! | [`margin`] | what is earned with a customer, before and after the work that it makes |
//! | [`turnover`] | how fast does the stock of a product sell |
//! | [`loyalty`] | who buys again, and how deep does loyalty go |
//! | [`survey`] | NPS, CSAT, CES and SERVQUAL with their intervals |
//! | [`survey_sums`] | the same from sums kept by day, and the difference of two figures |

pub mod association;
pub mod bg_nbd;
pub mod churn;
pub mod fit;
pub mod forecast;
pub mod gamma_gamma;
pub mod lifetime_value;
pub mod loyalty;
pub mod margin;
mod optimise;
pub mod pareto;
mod random;
pub mod rfm;
pub mod screening;
pub mod survey;
pub mod survey_sums;
pub mod turnover;

//! Reports: what each record adds to which number, and what the numbers of a report are made of.
//!
//! A [`fact`] is what one record adds. Facts lie in buckets (a day, or one of a few dozen parts of all contacts); the sums
//! of a bucket and of a whole sheet (a month, or everything) are [`cells`], which add up in any order. A [`report`] reads
//! sheets and never a record; the rows behind each of its numbers are the facts of the same cells, so that they sum to it.
//!
//! Pure: nothing here stores, sends or reads a clock.

pub mod answer;
pub mod cells;
pub mod fact;
pub mod measure;
pub mod period;
pub mod report;
pub mod sale;
pub mod stock;
pub mod table;

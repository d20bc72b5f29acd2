//! Fits and mines files again and again and says how much processor time each takes, for `tests/load/analytics.py`, which
//! does the same with the field's Python libraries and compares.
//!
//! `measure fit LOG UNTIL` reads a CDNOW log (`… customer yyyymmdd units dollars`) up to a day; `measure baskets FILE SUPPORT
//! LENGTH` reads one basket a line. The answer is one JSON object.

#![allow(clippy::print_stdout)] // What it prints is what it is for.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use rapport_analytics::association::{self, Limits};
use rapport_analytics::bg_nbd::{self, History};
use rapport_analytics::gamma_gamma::{self, Spend};
use rapport_analytics::lifetime_value::Customer;

/// Calls of each at least.
const RUNS: u32 = 3;
/// Seconds that calls take together at least: the system counts processor time in ticks.
const LONG_ENOUGH: f64 = 1.0;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["fit", log, until] => fit(&std::fs::read_to_string(log)?, until.parse()?),
        ["baskets", file, support, length] => {
            baskets(&std::fs::read_to_string(file)?, support.parse()?, length.parse()?)
        }
        _ => Err("measure fit LOG UNTIL | measure baskets FILE SUPPORT LENGTH".into()),
    }
}

/// Days since 1970 of a date written yyyymmdd, by the usual formula for a year that begins in March.
fn day(date: i64) -> i64 {
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469
}

fn fit(log: &str, until: i64) -> Result<(), Box<dyn Error>> {
    let mut purchases: BTreeMap<&str, Vec<(i64, f64)>> = BTreeMap::new();
    for line in log.lines() {
        // The sample has one column more in front, the whole log a heading.
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [.., customer, date, _, dollars] = fields[..] else {
            continue;
        };
        if let (Ok(date), Ok(dollars)) = (date.parse(), dollars.parse()) {
            purchases.entry(customer).or_default().push((day(date), dollars));
        }
    }
    let until = day(until);
    let customers: Vec<Customer> = purchases
        .values()
        .filter_map(|purchases| Customer::from_purchases(purchases, until))
        .collect();
    let histories: Vec<History> = customers.iter().map(|customer| customer.history).collect();
    let spends: Vec<Spend> = customers.iter().map(|customer| customer.spend).collect();
    let (seconds, bg_nbd) = mean(|| bg_nbd::fit(&histories));
    let bg_nbd = bg_nbd.map_err(|why| why.to_string())?;
    let (spend_seconds, spend) = mean(|| gamma_gamma::fit(&spends));
    let spend = spend.map_err(|why| why.to_string())?;
    let (m, g) = (bg_nbd.model, spend.model);
    let repeated: u32 = histories.iter().map(|history| history.frequency).sum();
    println!(
        r#"{{"customers": {}, "repeat_purchases": {repeated}, "repeaters": {},"#,
        customers.len(),
        spend.customers
    );
    println!(
        r#" "bg_nbd": {{"seconds": {seconds}, "parameters": [{}, {}, {}, {}]}},"#,
        m.r(),
        m.alpha(),
        m.a(),
        m.b()
    );
    println!(
        r#" "gamma_gamma": {{"seconds": {spend_seconds}, "parameters": [{}, {}, {}]}}}}"#,
        g.p(),
        g.q(),
        g.v()
    );
    Ok(())
}

fn baskets(text: &str, min_support: u32, max_length: usize) -> Result<(), Box<dyn Error>> {
    let mut baskets: Vec<Vec<u32>> = Vec::new();
    for line in text.lines() {
        baskets.push(line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?);
    }
    let limits = Limits {
        min_support,
        max_length,
        max_sets: usize::MAX,
    };
    let (seconds, found) = mean(|| association::item_sets(&baskets, &limits));
    let sets = found.sets.iter().map(|set| format!("[{:?}, {}]", set.items, set.count));
    let sets: Vec<String> = sets.collect();
    println!(r#"{{"seconds": {seconds}, "sets": [{}]}}"#, sets.join(", "));
    Ok(())
}

/// The mean processor time of a call, in seconds, over at least [`RUNS`] calls and [`LONG_ENOUGH`], and what it gives.
fn mean<T>(call: impl Fn() -> T) -> (f64, T) {
    black_box(call());
    let clock = Instant::now();
    let (begun, mut calls) = (processor_seconds(&clock), 0);
    loop {
        let result = black_box(call());
        calls += 1;
        let passed = processor_seconds(&clock) - begun;
        if calls >= RUNS && passed >= LONG_ENOUGH {
            return (passed / f64::from(calls), result);
        }
    }
}

/// The processor time of this program so far, in seconds; where the system does not tell, the time on the clock.
fn processor_seconds(clock: &Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| clock.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

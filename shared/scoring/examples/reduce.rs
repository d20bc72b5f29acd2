//! How long the reduction of a large tenant takes, and how much memory: `reduce CUSTOMERS`, a million unless told; with the
//! word `parts` after it, how long each part takes.
//!
//! Customers are made up from a fixed seed as BG/NBD supposes them (rates and leaving probabilities differ), two years of
//! purchases, and come as pages of bytes as they do in a recompute.

#![allow(clippy::print_stdout)] // What it prints is what it is for.

use std::hint::black_box;
use std::time::Instant;

use rapport_analytics::bg_nbd::{self, History};
use rapport_analytics::gamma_gamma;
use rapport_analytics::pareto::{self, Cuts};
use rapport_analytics::rfm;
use rapport_domain::settings::Settings;
use rapport_domain::{Prefix, RecordId};

use rapport_scoring::columns::Row;
use rapport_scoring::customer::Page;
use rapport_scoring::{Customer, Reducer};

/// Customers on a page, as in `functions/segment-scores`.
const PAGE: usize = 3_000;
/// The day looked at, and the days of purchases before it.
const AS_OF: i32 = 20_000;
const DAYS: f64 = 730.0;

/// Random numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    /// Above 0 and at most 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON
    }

    /// A waiting time with this mean.
    fn wait(&mut self, mean: f64) -> f64 {
        -mean * self.share().min(1.0).ln()
    }
}

fn customer(n: usize, random: &mut Random) -> (Customer, Vec<i64>) {
    let age = random.share() * DAYS;
    let between = 90.0 / random.wait(1.0).max(0.01);
    let leaves = random.share().powi(2);
    let first = AS_OF - age as i32;
    let mut days = vec![i64::from(first)];
    let mut at = random.wait(between);
    while at < age && days.len() < 400 {
        days.push(i64::from(first) + at as i64);
        if random.share() < leaves {
            break;
        }
        at += random.wait(between);
    }
    days.dedup();
    let usual = 500.0 + random.wait(4_000.0);
    let amounts: Vec<i64> = days.iter().map(|_| (usual * (0.5 + random.share())) as i64).collect();
    let last = days.last().map_or(first, |day| *day as i32);
    let repeats = days.len() as u32 - 1;
    let customer = Customer {
        id: RecordId::from_u128(Prefix::Contact, (n as u128) << 64),
        first,
        last,
        frequency: days.len() as u32,
        monetary: amounts.iter().sum(),
        repeats,
        repeated: amounts[1..].iter().sum(),
        rhythm: rapport_analytics::churn::own_rhythm_days(&days).map(|days| days as f32),
        usual: rapport_analytics::churn::usual_gap_days(&days).map(|days| days as f32),
        last_gap: days.len().checked_sub(2).map(|i| last - days[i] as i32),
        margin_rate: 0.3,
    };
    (customer, days)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let customers: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |n| n.parse())?;
    if std::env::args().nth(2).as_deref() == Some("parts") {
        parts(customers);
        return Ok(());
    }
    let mut random = Random(1);
    let currency = "USD".parse().map_err(|_| "no such currency")?;
    let scoring = Settings::default().scoring;
    let mut reducer = Reducer::new(AS_OF, currency, scoring);
    let mut reading = 0.0;
    for begin in (0..customers).step_by(PAGE) {
        let mut page = Page::default();
        for n in begin..(begin + PAGE).min(customers) {
            let (customer, days) = customer(n, &mut random);
            page.gaps.count(&days);
            page.customers.push(customer);
        }
        let bytes = page.encode();
        drop(page);
        let started = Instant::now();
        let page = Page::decode(&bytes).ok_or("a page is unreadable")?;
        reducer.add(&page);
        reading += started.elapsed().as_secs_f64();
    }
    println!("pages read {reading:.2} s; {} MB", memory());
    let started = Instant::now();
    let (ranks, model) = reducer.finish("2024-10-04T00:00:00Z".parse()?);
    println!(
        "{} customers reduced in {:.2} s; {} MB at most",
        ranks.len(),
        started.elapsed().as_secs_f64(),
        memory()
    );
    println!("{}", serde_json::to_string(&model)?);
    Ok(())
}

/// Each part by itself.
fn parts(customers: usize) {
    let mut random = Random(1);
    let lost_after_days = Settings::default().scoring.lost_after_days;
    let rows: Vec<Row> = (0..customers)
        .map(|n| Row::new(&customer(n, &mut random).0, lost_after_days))
        .collect();
    let row = |i: u32| &rows[i as usize];
    let seconds = |what: &str, started: Instant| println!("{what:28}{:6.2} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    black_box(rfm::nested_by_position(
        customers,
        |i| row(i).recency(AS_OF),
        |i| row(i).frequency(),
        |i| row(i).monetary,
    ));
    seconds("rfm::nested_by_position", started);
    let started = Instant::now();
    let amount = |i: u32| row(i).monetary as f64 / 100.0;
    black_box(pareto::analyse_by_position(
        customers,
        amount,
        Cuts::default(),
        |_, standing| {
            black_box(standing);
        },
    ));
    seconds("pareto::analyse_by_position", started);
    let usd = "USD".parse();
    let Ok(usd) = usd else { return };
    let models = || rows.iter().map(|row| row.customer().for_models(AS_OF, usd));
    let started = Instant::now();
    let mut histories: Vec<[u32; 3]> = rows.iter().map(|row| row.history(AS_OF)).collect();
    histories.sort_unstable();
    println!("{} distinct histories", histories.chunk_by(|l, r| l == r).count());
    seconds("histories sorted", started);
    let started = Instant::now();
    let weeks = |days: u32| f64::from(days) / 7.0;
    let counted = histories.iter().map(|[frequency, to_last, to_day]| {
        let history = History {
            frequency: *frequency,
            recency_weeks: weeks(*to_last),
            age_weeks: weeks(*to_day),
        };
        (history, 1)
    });
    let fitted = black_box(bg_nbd::fit_counted_or_prior(counted));
    seconds("bg_nbd", started);
    println!("{:?}", fitted.convergence);
    let started = Instant::now();
    let fitted = black_box(gamma_gamma::fit_each_or_prior(
        models().map(|customer| customer.spend),
        1.0,
    ));
    seconds("gamma_gamma", started);
    println!("{:?}", fitted.convergence);
}

/// The most memory so far in megabytes, where the system tells.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map_or_else(|| "unknown".to_owned(), |kilobytes| (kilobytes / 1_024).to_string())
}

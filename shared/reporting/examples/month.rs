//! What the sums of one month of a large tenant take: `cargo run --release -p rapport-reporting --example month -- 100000`.
//!
//! Made-up orders of a month, each by one of ten times as many customers; their facts are summed bucket by bucket, the
//! buckets to the sheet, as the worker does. Prints bytes, seconds and the most memory held.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::civil::Date;
use rapport_domain::{Prefix, RecordId};
use rapport_reporting::cells::{Cells, Family};
use rapport_reporting::fact::Fact;
use rapport_reporting::measure::Measure;
use rapport_reporting::sale::Sale;
use rust_decimal::Decimal;

fn sale(n: u128, day: Date, customers: u128) -> Fact {
    let amount = |values: &[(Measure, i64)]| -> BTreeMap<Measure, Decimal> {
        values
            .iter()
            .map(|(measure, value)| (*measure, Decimal::new(*value, 2)))
            .collect()
    };
    let price = 500 + (n * 7_919 % 20_000) as i64;
    let values = [
        (Measure::Revenue, price),
        (Measure::Costed, price),
        (Measure::Cost, price * 6 / 10),
        (Measure::Quantity, 100),
    ];
    let mut whole = amount(&values);
    whole.extend(amount(&[
        (Measure::Orders, 100),
        (Measure::Sales, price),
        (Measure::Paid, price),
    ]));
    Fact::Sales(Sale {
        order: RecordId::from_u128(Prefix::Order, n),
        number: Some(n.to_string()),
        day,
        currency: "USD".to_owned(),
        customer: Some(RecordId::from_u128(Prefix::Contact, n * 48_271 % customers)),
        company: None,
        owner: None,
        channel: Some("shop".to_owned()),
        whole,
        products: BTreeMap::from([(format!("sku:{}", n % 2_000), amount(&values))]),
    })
}

/// The most memory held so far, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|kb| kb.parse::<u64>().ok())
        .unwrap_or(0)
        / 1_024
}

fn main() {
    let orders: u128 = std::env::args()
        .nth(1)
        .map_or(100_000, |text| text.parse().expect("a number of orders"));
    let (mut parts, mut bytes_of_facts, mut bytes_of_parts) = (Vec::new(), 0, 0);
    let mut slowest = 0.0_f64;
    for day in 1..=30_i8 {
        let date = Date::constant(2026, 6, day);
        let own: Vec<String> = (0..orders)
            .filter(|n| n % 30 == day as u128 - 1)
            .map(|n| serde_json::to_string(&sale(n, date, orders * 10)).unwrap())
            .collect();
        bytes_of_facts += own.iter().map(String::len).sum::<usize>();
        let started = Instant::now();
        let mut sums = Cells::default();
        for doc in &own {
            sums.add(&serde_json::from_str::<Fact>(doc).unwrap().entries());
        }
        let chunks = sums.chunks(200_000);
        slowest = slowest.max(started.elapsed().as_secs_f64());
        bytes_of_parts += chunks.iter().map(String::len).sum::<usize>();
        parts.extend(chunks);
    }
    let before = peak();
    let started = Instant::now();
    let mut whole = Cells::default();
    for chunk in &parts {
        whole.read(chunk).unwrap();
    }
    let sheets: Vec<Vec<String>> = Family::Sales
        .dimensions()
        .iter()
        .map(|dimension| whole.of(*dimension).chunks(200_000))
        .collect();
    let bytes: usize = sheets.iter().flatten().map(String::len).sum();
    println!("{orders} orders of a month, {} cells", whole.len());
    println!(
        "facts {:.1} MB, {} bytes each",
        bytes_of_facts as f64 / 1e6,
        bytes_of_facts as u128 / orders.max(1)
    );
    println!(
        "sums of days {:.1} MB, the slowest day {slowest:.2} s",
        bytes_of_parts as f64 / 1e6
    );
    println!(
        "sums of the month {:.1} MB in {} items, {:.2} s, at most {} MB ({before} MB before)",
        bytes as f64 / 1e6,
        sheets.iter().map(Vec::len).sum::<usize>(),
        started.elapsed().as_secs_f64(),
        peak()
    );
}

//! What the service costs: processor time per request beside a bare handler that does the same SDK call on the same engine,
//! the rate at which a purchase log goes in, how long a recompute takes, memory, and whether writes grow dearer.
//!
//! `cargo bench --package tests`; with `-- --long` also 100,000 customers and 51,000 leads. All servers run as programs of
//! their own, so that only their time counts and not the client's. Ratios are of one run; the rest depends on the machine.

#![allow(clippy::print_stdout)] // What it prints is what it is for.

mod bare;
mod driver;
mod server;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use driver::{Client, Served, print};
use serde_json::{Value, json};

/// Contacts that are there before requests are measured.
const CONTACTS: usize = 10_000;
/// Rounds of each operation, servers in turn; the median counts.
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    // What it makes and fetches lies under the workspace's own target/; cargo starts a bench in its crate's folder.
    let top = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::env::set_current_dir(top).unwrap_or_else(|error| panic!("{top}: {error}"));
    std::fs::create_dir_all("target").unwrap_or_else(|error| panic!("no target: {error}"));
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    runtime.block_on(async {
        match words.as_slice() {
            ["serve", what, folder] => server::serve(what, Path::new(folder)).await,
            _ => measure(&words).await,
        }
    });
    ExitCode::SUCCESS
}

async fn measure(words: &[&str]) {
    let long = words.contains(&"--long");
    let chosen = |part: &str| {
        let named = words.iter().any(|word| !word.starts_with("--"));
        !named || words.contains(&part)
    };
    if chosen("requests") {
        requests().await;
    }
    if chosen("slope") {
        slope(if long { 50_000 } else { 10_000 }).await;
    }
    if chosen("load") {
        load().await;
    }
    if chosen("recompute") {
        recompute(if long { 100_000 } else { 10_000 }).await;
    }
}

/// Processor time per request: the product, the product without its workers, and the bare handler.
async fn requests() {
    let first = tempfile::tempdir_in("target").unwrap_or_else(|error| panic!("no folder: {error}"));
    let served = Served::start("product", first.path()).await;
    let mut client = Client::sign_up(&served.url).await;
    client.contacts(CONTACTS).await;
    served.settle().await;
    served.stop();
    let ids = {
        let served = Served::start("product", first.path()).await;
        print("ready on these data, ms", served.ready.as_secs_f64() * 1_000.0);
        tokio::time::sleep(Duration::from_secs(2)).await;
        print("memory when idle, MB", served.memory("VmRSS"));
        client = client.at(&served.url).await;
        let ids = client.contact_ids(2_000).await;
        served.stop();
        ids
    };
    let copies: Vec<tempfile::TempDir> = (0..2)
        .map(|_| driver::copy(first.path()).unwrap_or_else(|error| panic!("no copy: {error}")))
        .collect();
    let product = Served::start("product", first.path()).await;
    let answering = Served::start("answering", copies[0].path()).await;
    let bare = Served::start("bare", copies[1].path()).await;
    let (own, alone, plain) = (
        client.at(&product.url).await,
        client.at(&answering.url).await,
        client.bare(&bare.url),
    );
    println!("\n| request | bare handler, µs | Rapport, µs | ratio | with events and workers, µs | ratio |");
    println!("|---|---|---|---|---|---|");
    for (what, count) in [("read one", 8_000), ("list 50", 2_000), ("create", 3_000)] {
        let mut figures: [Vec<f64>; 3] = Default::default();
        for round in 0..=ROUNDS {
            let servers = [(&bare, &plain), (&answering, &alone), (&product, &own)];
            for (n, (served, client)) in servers.into_iter().enumerate() {
                let before = served.processor();
                client.run(what, count, &ids, round, n == 0).await;
                if n == 2 {
                    served.settle().await;
                }
                // The first round warms up.
                if round > 0 {
                    figures[n].push((served.processor() - before) / count as f64);
                }
            }
        }
        let [bare, answering, whole] = figures.map(|mut figures| driver::median(&mut figures) * 1e6);
        println!(
            "| {what} | {bare:.0} | {answering:.0} | {:.2} | {whole:.0} | {:.2} |",
            answering / bare,
            whole / bare
        );
    }
    print("\nwrite units of a create: bare", plain.units(true).await);
    print("write units of a create: Rapport", own.units(false).await);
    print("memory after all requests, MB", product.memory("VmRSS"));
}

/// Whether the last thousand of many creates costs what the first did, all that follows them included.
async fn slope(rows: usize) {
    let folder = tempfile::tempdir_in("target").unwrap_or_else(|error| panic!("no folder: {error}"));
    let served = Served::start("product", folder.path()).await;
    let client = Client::sign_up(&served.url).await;
    let thousand = || async {
        let before = served.processor();
        client.run("create", 1_000, &[], 0, false).await;
        served.settle().await;
        (served.processor() - before) * 1e3
    };
    client.contacts(1_000).await;
    served.settle().await;
    let early = thousand().await;
    client.contacts(rows - 2_000).await;
    served.settle().await;
    let late = thousand().await;
    println!(
        "\nprocessor time per create, with all that follows: {early:.0} µs over rows 1,000–2,000, {late:.0} µs over {rows}–{}, ratio {:.2}",
        rows + 1_000,
        late / early
    );
}

/// The public purchase log through the public API.
async fn load() {
    let log = driver::xtask(&["cdnow", "target/cdnow"]);
    print!("{log}");
    let folder = tempfile::tempdir_in("target").unwrap_or_else(|error| panic!("no folder: {error}"));
    let served = Served::start("product", folder.path()).await;
    let client = Client::sign_up(&served.url).await;
    driver::load(&client, Path::new("target/cdnow/CDNOW_sample.txt"));
    let settling = Instant::now();
    served.settle().await;
    println!(
        "all events and figures settled {:.1} s after the last answer; processor time per row {:.2} ms",
        settling.elapsed().as_secs_f64(),
        served.processor() * 1e3 / 6_919.0
    );
    for what in ["first", "unchanged"] {
        let (seconds, run) = client.recompute(&json!({})).await;
        println!(
            "recompute of 2,357 customers, {what}: {seconds:.2} s, {} changed",
            run["changed"]
        );
    }
    client.recompute(&json!({"until": "1997-09-30"})).await;
    let model = client.get("/v1/segments?until=1997-09-30").await;
    println!("model: {}", model["model"]["bg_nbd"]);
}

/// A recompute of many made-up customers.
async fn recompute(customers: usize) {
    let folder = tempfile::tempdir_in("target").unwrap_or_else(|error| panic!("no folder: {error}"));
    let file = folder.path().join("purchases.txt");
    std::fs::write(&file, driver::purchases(customers)).unwrap_or_else(|error| panic!("{error}"));
    let served = Served::start("product", &folder.path().join("data")).await;
    let client = Client::sign_up(&served.url).await;
    driver::load(&client, &file);
    let settling = Instant::now();
    served.settle().await;
    println!(
        "settled {:.1} s after the last answer",
        settling.elapsed().as_secs_f64()
    );
    print("memory before, MB", served.memory("VmRSS"));
    for what in ["first", "unchanged"] {
        let (seconds, run): (f64, Value) = client.recompute(&json!({})).await;
        println!(
            "recompute of {} customers, {what}: {seconds:.1} s, {} changed",
            run["customers"], run["changed"]
        );
        served.settle().await;
        print("memory at most, MB", served.memory("VmHWM"));
    }
}

//! `cargo xtask load orders FILE`: a purchase log goes in through the public API, in batches, several abreast.
//!
//! Each row is an order with an external id made of the file's name and the row's number: loading a file again, or going
//! on after a stop, makes nothing twice.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::{Args, Subcommand};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// What can be loaded.
#[derive(Subcommand)]
pub enum Load {
    /// A purchase log: one row a purchase.
    Orders(Orders),
}

/// How to read the file and where to send it.
#[derive(Args)]
pub struct Orders {
    /// The file: columns separated by white space or commas.
    file: PathBuf,
    /// What each column holds, in order: customer, date, quantity, amount, or - for what is left out.
    #[arg(long, default_value = "customer,date,quantity,amount")]
    columns: String,
    /// What the customers' numbers are called: the source of their external ids.
    #[arg(long, default_value = "log")]
    source: String,
    /// The currency of the amounts.
    #[arg(long, default_value = "USD")]
    currency: String,
    /// Where the service answers.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// An API key; or give an e-mail address and a password.
    #[arg(long)]
    key: Option<String>,
    /// The e-mail address to sign in with.
    #[arg(long)]
    email: Option<String>,
    /// The password to sign in with.
    #[arg(long)]
    password: Option<String>,
    /// Batches on their way at the same time.
    #[arg(long, default_value_t = 4)]
    abreast: usize,
}

/// A batch holds at most so many orders.
const BATCH: usize = 100;

struct Refused {
    row: usize,
    why: String,
}

/// One line on standard error that says how far the work is.
struct Progress {
    done: AtomicUsize,
    total: usize,
    started: Instant,
}

impl Progress {
    fn add(&self, rows: usize) {
        let done = self.done.fetch_add(rows, Ordering::Relaxed) + rows;
        let rate = done as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let filled = 40 * done / self.total.max(1);
        eprint!(
            "\r[{:<40}] {done}/{} rows, {rate:.0} a second ",
            "#".repeat(filled),
            self.total
        );
    }
}

#[derive(Default)]
struct Report {
    made: usize,
    known: usize,
    refused: Vec<Refused>,
}

impl Load {
    pub fn run(self) -> Result<bool, String> {
        let Load::Orders(orders) = self;
        orders.run()
    }
}

impl Orders {
    fn run(self) -> Result<bool, String> {
        let text = std::fs::read_to_string(&self.file).map_err(|error| format!("{}: {error}", self.file.display()))?;
        let columns: Vec<&str> = self.columns.split(',').map(str::trim).collect();
        for needed in ["customer", "date", "amount"] {
            if !columns.contains(&needed) {
                return Err(format!("--columns must name {needed}"));
            }
        }
        let name = self
            .file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or("file")
            .to_owned();
        let mut report = Report::default();
        let mut rows = VecDeque::new();
        for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match self.order(&columns, &name, n + 1, line) {
                Ok(order) => rows.push_back((n + 1, order)),
                // A heading is no purchase.
                Err(_) if n == 0 => {}
                Err(why) => report.refused.push(Refused { row: n + 1, why }),
            }
        }
        let mut batches: VecDeque<Vec<(usize, Value)>> = VecDeque::new();
        while !rows.is_empty() {
            batches.push_back(rows.drain(..rows.len().min(BATCH)).collect());
        }
        let total: usize = batches.iter().map(Vec::len).sum();
        let bar = Progress {
            done: AtomicUsize::new(0),
            total,
            started: Instant::now(),
        };
        let token = Mutex::new(self.sign_in()?);
        let started = Instant::now();
        let queue = Mutex::new(batches);
        let report = Mutex::new(report);
        let stopped = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..self.abreast.clamp(1, 16) {
                scope.spawn(|| {
                    while let Some(batch) = lock(&queue).pop_front() {
                        match self.send(&token, &batch) {
                            Ok(results) => {
                                bar.add(batch.len());
                                note(&mut lock(&report), &batch, &results);
                            }
                            Err(why) => {
                                *lock(&stopped) = Some(why);
                                lock(&queue).clear();
                            }
                        }
                    }
                });
            }
        });
        eprintln!();
        let report = lock(&report);
        self.tell(&report, total, started)?;
        match lock(&stopped).take() {
            Some(why) => Err(format!("stopped: {why}. Run the same command again to go on.")),
            None => Ok(report.refused.is_empty()),
        }
    }

    fn order(&self, columns: &[&str], name: &str, row: usize, line: &str) -> Result<Value, String> {
        let cells: Vec<&str> = if line.contains(',') {
            line.split(',').map(str::trim).collect()
        } else {
            line.split_whitespace().collect()
        };
        let cell = |column: &str| {
            columns
                .iter()
                .position(|known| *known == column)
                .and_then(|n| cells.get(n))
                .copied()
        };
        let customer = cell("customer")
            .filter(|text| !text.is_empty())
            .ok_or("there is no customer")?;
        let day = date(cell("date").unwrap_or_default()).ok_or("the date is not yyyymmdd or yyyy-mm-dd")?;
        let amount: Decimal = cell("amount")
            .and_then(|text| text.parse().ok())
            .ok_or("the amount is not a number")?;
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err("the amount is negative".to_owned());
        }
        let quantity = cell("quantity").unwrap_or("1");
        let payments = if amount.is_zero() {
            json!([])
        } else {
            json!([{"amount": amount.to_string(), "method": "other", "received_on": day}])
        };
        Ok(json!({
            "contact_ref": {"key": self.source, "value": customer},
            "placed_on": day,
            "currency": self.currency,
            "status": "fulfilled",
            "historic": true,
            // The log gives what was paid for all pieces together, so that is one line.
            "lines": [{"name": format!("{quantity} pieces"), "quantity": "1", "unit_price": amount.to_string()}],
            "payments": payments,
            "external_ids": {self.source.clone(): format!("{name}-{row}")},
        }))
    }

    fn sign_in(&self) -> Result<String, String> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        let (Some(email), Some(password)) = (&self.email, &self.password) else {
            return Err("give --key, or --email and --password".to_owned());
        };
        let body = json!({"grant_type": "password", "username": email, "password": password});
        let (status, answer) = post(&format!("{}/v1/auth/token", self.url), None, &body)?;
        answer["access_token"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("signing in was refused with {status}: {answer}"))
    }

    /// Sends a batch until it is answered; a batch sent twice makes nothing twice.
    fn send(&self, token: &Mutex<String>, batch: &[(usize, Value)]) -> Result<Vec<Value>, String> {
        let inputs: Vec<&Value> = batch.iter().map(|(_, order)| order).collect();
        let body = json!({"operation": "create", "inputs": inputs});
        let mut last = String::new();
        for attempt in 0..6u32 {
            let bearer = lock(token).clone();
            match post(&format!("{}/v1/orders/batch", self.url), Some(&bearer), &body) {
                Ok((200 | 207, answer)) => {
                    return answer["results"]
                        .as_array()
                        .cloned()
                        .ok_or_else(|| "an answer without results".to_owned());
                }
                Ok((401, _)) => *lock(token) = self.sign_in()?,
                Ok((status, answer)) if status == 429 || status >= 500 => last = format!("{status}: {answer}"),
                Ok((status, answer)) => return Err(format!("{status}: {answer}")),
                Err(error) => last = error,
            }
            std::thread::sleep(std::time::Duration::from_millis(200 << attempt));
        }
        Err(last)
    }

    fn tell(&self, report: &Report, total: usize, started: Instant) -> Result<(), String> {
        let seconds = started.elapsed().as_secs_f64();
        let rate = (report.made + report.known) as f64 / seconds.max(0.001);
        eprintln!(
            "{} of {total} rows made orders, {} were there before, {} were refused; {seconds:.1} s, {rate:.0} rows a second",
            report.made,
            report.known,
            report.refused.len()
        );
        if report.refused.is_empty() {
            return Ok(());
        }
        let path = refused_file(&self.file);
        let mut lines = String::from("row,why\n");
        for Refused { row, why } in &report.refused {
            writeln!(lines, "{row},\"{}\"", why.replace('"', "'")).map_err(|error| error.to_string())?;
        }
        std::fs::write(&path, lines).map_err(|error| format!("{}: {error}", path.display()))?;
        eprintln!("the refused rows and why: {}", path.display());
        Ok(())
    }
}

fn refused_file(file: &Path) -> PathBuf {
    file.with_extension("refused.csv")
}

fn note(report: &mut Report, batch: &[(usize, Value)], results: &[Value]) {
    for ((row, _), result) in batch.iter().zip(results) {
        let error = &result["error"];
        if error.is_null() {
            report.made += 1;
        } else if error["code"] == "conflict"
            && error["scope"]
                .as_str()
                .is_some_and(|scope| scope.starts_with("external."))
        {
            report.known += 1;
        } else {
            let why = error["errors"][0]["detail"]
                .as_str()
                .or_else(|| error["detail"].as_str())
                .or_else(|| error["title"].as_str());
            report.refused.push(Refused {
                row: *row,
                why: why.unwrap_or("no reason was given").to_owned(),
            });
        }
    }
}

fn post(url: &str, bearer: Option<&str>, body: &Value) -> Result<(u16, Value), String> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.post(url);
    if let Some(bearer) = bearer {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let mut answer = request.send_json(body).map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let value = answer
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_json()
        .unwrap_or(Value::Null);
    Ok((status, value))
}

/// `19970101` or `1997-01-01` as the latter.
fn date(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let well = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 8 || text.len() == 10);
    well.then(|| format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_both_forms() {
        for (text, expected) in [
            ("19970101", Some("1997-01-01")),
            ("1997-01-01", Some("1997-01-01")),
            ("1997", None),
            ("1997-1-01", None),
            ("customer", None),
        ] {
            assert_eq!(date(text).as_deref(), expected, "{text}");
        }
    }
}

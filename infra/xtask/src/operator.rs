//! `cargo xtask operator …`: the operator's view from a terminal, through the operator's routes like any other client.
//!
//! Tables for people, `--json` for programs. The exit status is 1 when something was refused, or is not healthy.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The operator's view.
#[derive(Args)]
pub struct Operator {
    /// Where the service answers.
    #[arg(long, global = true, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The operator's key; without it RAPPORT_OPERATOR_KEY, or else the one in the data folder.
    #[arg(long, global = true)]
    key: Option<String>,
    /// The data folder of a host on this machine.
    #[arg(long, global = true, default_value = ".rapport")]
    data: PathBuf,
    /// The answers as they came, as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// All tenants.
    Tenants {
        /// Only those with this status: open, suspended, closed, erasing.
        #[arg(long)]
        status: Option<String>,
        /// Only those on this plan.
        #[arg(long)]
        plan: Option<String>,
        /// Only those that whoever has this e-mail address signs in to. The address itself is not sent.
        #[arg(long)]
        email: Option<String>,
    },
    /// One tenant.
    Tenant {
        /// Its id.
        id: String,
    },
    /// Puts a tenant on another plan.
    Plan {
        /// Its id.
        id: String,
        /// The plan.
        plan: String,
    },
    /// Lets a tenant read but change nothing.
    Suspend {
        /// Its id.
        id: String,
        /// The reason, as the tenant is told.
        #[arg(long)]
        because: String,
    },
    /// Ends a suspension.
    Resume {
        /// Its id.
        id: String,
    },
    /// What tenants used in a month, and what that costs at list prices.
    Usage {
        /// Only this tenant, day by day.
        id: Option<String>,
        /// The month, as 2026-11; without it this one.
        #[arg(long)]
        month: Option<String>,
    },
    /// How full the queues are.
    Queues,
    /// Messages that were given up: looked at, sent back to where they came from, or deleted.
    DeadLetters {
        /// The queue; without it all that have some.
        queue: Option<String>,
        /// Sends them back.
        #[arg(long, conflicts_with = "discard")]
        replay: bool,
        /// Deletes them.
        #[arg(long, requires = "because", requires = "queue")]
        discard: bool,
        /// Why they are deleted.
        #[arg(long)]
        because: Option<String>,
        /// Only this one; may be given several times.
        #[arg(long, requires = "queue")]
        id: Vec<String>,
    },
    /// Makes a tenant's sums of reports, words of search, scores, or counts of answers to surveys anew.
    Rebuild {
        /// What: reports, search, scores or surveys.
        what: String,
        /// The tenant's id.
        tenant: String,
    },
    /// Whether all is well: the exit status is 1 when it is not.
    Health,
    /// What the operator did, newest first.
    Audit {
        /// The month, as 2026-11; without it this one.
        #[arg(long)]
        month: Option<String>,
    },
}

const TENANT: &[&str] = &[
    "id",
    "plan",
    "status",
    "created_at",
    "plan_since",
    "status_since",
    "suspended_because",
    "erased_at",
];
const USAGE: &[&str] = &[
    "tenant",
    "period",
    "calls",
    "read_units",
    "write_units",
    "ms",
    "messages",
    "mails",
    "bytes",
    "usd",
];
const LETTER: &[&str] = &["queue", "id", "type", "tenant", "ids", "sent_at", "receives"];

impl Operator {
    pub fn run(self) -> Result<bool, String> {
        let service = Service {
            agent: ureq::Agent::config_builder().http_status_as_error(false).build().into(),
            url: format!("{}/v1/operator", self.url.trim_end_matches('/')),
            key: self.key()?,
        };
        let answer = self.what.ask(&service)?;
        show(&if self.json {
            format!("{:#}", answer.value)
        } else {
            answer.table()
        });
        Ok(answer.good)
    }

    fn key(&self) -> Result<String, String> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        if let Some(key) = std::env::var_os("RAPPORT_OPERATOR_KEY").filter(|key| !key.is_empty()) {
            return key
                .into_string()
                .map_err(|_| "RAPPORT_OPERATOR_KEY is no text".to_owned());
        }
        let file = self.data.join("operator-key");
        let key = std::fs::read_to_string(&file);
        key.map(|key| key.trim().to_owned())
            .map_err(|error| format!("give --key or RAPPORT_OPERATOR_KEY; {}: {error}", file.display()))
    }
}

/// What is shown, and whether all is well.
struct Shown {
    value: Value,
    columns: &'static [&'static str],
    good: bool,
}

impl Shown {
    fn new(value: Value, columns: &'static [&'static str]) -> Self {
        Self {
            value,
            columns,
            good: true,
        }
    }

    fn table(&self) -> String {
        match &self.value {
            Value::Array(rows) => table(self.columns, rows),
            one => table(self.columns, std::slice::from_ref(one)),
        }
    }
}

impl What {
    fn ask(self, service: &Service) -> Result<Shown, String> {
        Ok(match self {
            What::Tenants { status, plan, email } => {
                let login = email.map(|email| digest(&email));
                let filters = [("status", status), ("plan", plan), ("login", login)];
                Shown::new(service.all("tenants", &filters)?, TENANT)
            }
            What::Tenant { id } => Shown::new(service.get(&format!("tenants/{id}"))?, TENANT),
            What::Plan { id, plan } => {
                let body = json!({"plan": plan});
                Shown::new(service.call("PATCH", &format!("tenants/{id}"), Some(&body))?, TENANT)
            }
            What::Suspend { id, because } => {
                let body = json!({"because": because});
                Shown::new(service.post(&format!("tenants/{id}/suspend"), &body)?, TENANT)
            }
            What::Resume { id } => Shown::new(service.post(&format!("tenants/{id}/resume"), &json!({}))?, TENANT),
            What::Usage { id, month } => {
                let rows = match id {
                    Some(id) => {
                        let month = month.map(|month| format!("?month={month}")).unwrap_or_default();
                        service.get(&format!("tenants/{id}/usage{month}"))?["data"].take()
                    }
                    None => service.all("usage", &[("month", month)])?,
                };
                Shown::new(rows, USAGE)
            }
            What::Queues => {
                let columns = &[
                    "queue",
                    "waiting",
                    "in_flight",
                    "delayed",
                    "oldest_seconds",
                    "dead_letters",
                ];
                Shown::new(service.get("queues")?["data"].take(), columns)
            }
            What::DeadLetters {
                queue,
                replay,
                discard,
                because,
                id,
            } => letters(service, queue, (replay, discard), because.as_deref(), &id)?,
            What::Rebuild { what, tenant } => {
                let body = json!({"what": what});
                let answer = service.post(&format!("tenants/{tenant}/rebuild"), &body)?;
                Shown::new(answer, &["what", "status"])
            }
            What::Health => {
                let value = service.get("health")?;
                let good = value["healthy"] == true;
                let columns = &[
                    "healthy",
                    "store",
                    "queues",
                    "oldest_seconds",
                    "dead_letters",
                    "problems",
                ];
                Shown {
                    good,
                    ..Shown::new(value, columns)
                }
            }
            What::Audit { month } => {
                let columns = &["at", "operator", "action", "tenant", "detail", "request"];
                Shown::new(service.all("audit", &[("month", month)])?, columns)
            }
        })
    }
}

fn letters(
    service: &Service,
    queue: Option<String>,
    (replay, discard): (bool, bool),
    because: Option<&str>,
    ids: &[String],
) -> Result<Shown, String> {
    let queues = match queue {
        Some(queue) => vec![queue],
        None => {
            let queues = service.get("queues")?;
            let some = queues["data"].as_array().into_iter().flatten();
            let some = some.filter(|queue| queue["dead_letters"] != 0);
            some.map(|queue| text(&queue["queue"])).collect()
        }
    };
    let mut body = json!({});
    if !ids.is_empty() {
        body["ids"] = json!(ids);
    }
    let mut rows = Vec::new();
    for queue in queues {
        let path = format!("dead-letters/{queue}");
        let mut found = if replay {
            vec![service.post(&format!("{path}/replay"), &body)?]
        } else if discard {
            body["because"] = json!(because);
            vec![service.post(&format!("{path}/discard"), &body)?]
        } else {
            let page = service.get(&path)?;
            let letters = page["data"].as_array().cloned().unwrap_or_default();
            let named = |letter: &Value| ids.is_empty() || ids.contains(&text(&letter["id"]));
            letters.into_iter().filter(named).collect()
        };
        for row in &mut found {
            row["queue"] = queue.as_str().into();
        }
        rows.append(&mut found);
    }
    let columns: &[&str] = match (replay, discard) {
        (true, _) => &["queue", "status", "replayed"],
        (_, true) => &["queue", "discarded"],
        _ => LETTER,
    };
    Ok(Shown::new(rows.into(), columns))
}

struct Service {
    agent: ureq::Agent,
    url: String,
    key: String,
}

impl Service {
    fn get(&self, path: &str) -> Result<Value, String> {
        self.call("GET", path, None)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call("POST", path, Some(body))
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .body(body.map(Value::to_string).unwrap_or_default())
            .map_err(|error| error.to_string())?;
        let mut answer = self
            .agent
            .run(request)
            .map_err(|error| format!("{}: {error}", self.url))?;
        let status = answer.status();
        let value: Value = answer.body_mut().read_json().unwrap_or_default();
        if status.is_success() {
            return Ok(value);
        }
        let why = ["detail", "title"].into_iter().find_map(|name| value[name].as_str());
        Err(format!("{status}: {}", why.unwrap_or("there is no explanation")))
    }

    /// All pages of a list.
    fn all(&self, path: &str, filters: &[(&str, Option<String>)]) -> Result<Value, String> {
        let given = filters.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let question = given.fold("limit=200".to_owned(), |text, (name, value)| {
            format!("{text}&{name}={value}")
        });
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut page = self.get(&format!("{path}?{question}{cursor}"))?;
            if let Value::Array(mut found) = page["data"].take() {
                rows.append(&mut found);
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(rows.into()),
            }
        }
    }
}

/// The name of a login: the digest of its address.
fn digest(email: &str) -> String {
    let digest = Sha256::digest(email.trim().to_lowercase().as_bytes());
    digest
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A value in a cell of a table.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join("; "),
        Value::Object(map) => {
            let pairs = map.iter().map(|(name, value)| format!("{name} {}", text(value)));
            pairs.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Rows under headings, each column as wide as what is in it. A column that is empty throughout is left out.
fn table(columns: &[&str], rows: &[Value]) -> String {
    let cells: Vec<Vec<String>> = columns
        .iter()
        .map(|name| rows.iter().map(|row| text(cell(row, name))).collect::<Vec<_>>())
        .collect();
    let mut lines = vec![String::new(); rows.len() + 1];
    for (name, column) in columns.iter().zip(&cells) {
        if column.iter().all(String::is_empty) && !rows.is_empty() {
            continue;
        }
        let heading = name.replace('_', " ");
        let width = column.iter().chain([&heading]).map(|cell| cell.chars().count()).max();
        for (line, cell) in lines.iter_mut().zip([&heading].into_iter().chain(column)) {
            let width = width.unwrap_or(0) + 2;
            line.push_str(&format!("{cell:width$}"));
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
}

/// What a column shows of a row. List prices are in dollars.
fn cell<'a>(row: &'a Value, column: &str) -> &'a Value {
    match column {
        "usd" => &row["cost"]["amount"],
        name => &row[name],
    }
}

#[allow(clippy::print_stdout)] // What was asked for.
fn show(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_what_is_in_it() {
        let rows = [
            json!({"queue": "score_runs", "waiting": 0, "oldest": null}),
            json!({"queue": "timers", "waiting": 1200, "ids": {"job": "job_1"}}),
        ];
        let expected = "queue       waiting  ids\nscore_runs  0\ntimers      1200     job job_1";
        assert_eq!(table(&["queue", "waiting", "oldest", "ids"], &rows), expected);
        assert_eq!(table(&["queue", "waiting"], &[]), "queue  waiting");
    }

    #[test]
    fn a_login_goes_by_the_digest_of_its_address() {
        // SHA-256 of "abc" as FIPS 180 gives it.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(" ABC "), known);
    }
}

//! Delivers the changes of a table to a function, in order and at least once, and trims what was delivered so that
//! the millionth write costs what the first did. How a record becomes events is the function's matter.
//!
//! The position is kept beside the records. After a crash delivery resumes behind the last batch that was taken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, REGION};
use crate::filter;
use crate::invoke::Invoker;
use crate::pollers::DeadLetters;
use crate::template::{ACCOUNT, StreamBinding};

/// Stored numbers are handed out raised by this, so that they have the 21 digits of DynamoDB's.
const SEQUENCE_OFFSET: u128 = 100_000_000_000_000_000_000;
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

struct Record {
    sequence: i64,
    json: String,
}

impl Record {
    fn public(&self) -> String {
        public_sequence(self.sequence)
    }
}

fn public_sequence(stored: i64) -> String {
    (SEQUENCE_OFFSET + u128::from(stored.unsigned_abs())).to_string()
}

/// One function's reading of one table.
pub(crate) struct Delivery {
    pub(crate) engine: Arc<Engine>,
    pub(crate) binding: StreamBinding,
    pub(crate) invoker: Invoker,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) stop: CancellationToken,
}

/// Registers who reads which table: positions of readers that are no more are forgotten, and with them what they
/// held back from trimming.
pub(crate) async fn register(engine: &Engine, readers: &[(String, String)]) -> rusqlite::Result<()> {
    engine
        .aside(|side| {
            let change = side.transaction()?;
            let known: Vec<(String, String)> = change
                .prepare("SELECT table_name, consumer FROM _host_positions")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            for (table, consumer) in known.iter().filter(|known| !readers.contains(known)) {
                change.execute(
                    "DELETE FROM _host_positions WHERE table_name = ?1 AND consumer = ?2",
                    params![table, consumer],
                )?;
            }
            for (table, consumer) in readers {
                change.execute(
                    "INSERT OR IGNORE INTO _host_positions VALUES (?1, ?2, 0)",
                    params![table, consumer],
                )?;
            }
            change.commit()
        })
        .await
}

impl Delivery {
    /// Delivers until stopped; a batch under way is finished.
    pub(crate) async fn run(self) {
        let Some(mut written) = self.engine.written(&self.binding.table) else {
            return;
        };
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            written.mark_unchanged();
            match self.step(&mut written).await {
                Ok(true) => failures = 0,
                Ok(false) => {
                    failures = 0;
                    tokio::select! {
                        changed = written.changed() => if changed.is_err() { return },
                        () = self.stop.cancelled() => return,
                    }
                }
                Err(error) => {
                    failures += 1;
                    tracing::error!(table = self.binding.table, %error, "the stream could not be read");
                    self.pause(failures).await;
                }
            }
        }
    }

    /// One batch; whether there was any.
    async fn step(&self, written: &mut watch::Receiver<u64>) -> rusqlite::Result<bool> {
        let (position, mut records) = self.read().await?;
        if records.is_empty() {
            return Ok(false);
        }
        let full = self.binding.batch_size as usize;
        if self.binding.window > 0 && records.len() < full {
            let window = Duration::from_secs(u64::from(self.binding.window));
            let _ = tokio::time::timeout(window, async {
                while records.len() < full {
                    tokio::select! {
                        changed = written.changed() => if changed.is_err() { break },
                        () = self.stop.cancelled() => break,
                    }
                    match self.read().await {
                        Ok((_, more)) => records = more,
                        Err(_) => break,
                    }
                }
            })
            .await;
        }
        let last = records.last().map_or(position, |record| record.sequence);
        if !self.binding.filters.is_empty() {
            records.retain(|record| {
                let record: Value = serde_json::from_str(&record.json).unwrap_or_default();
                let mut filters = self.binding.filters.iter();
                filters.any(|pattern| filter::matches(pattern, Some(&record)))
            });
        }
        if self.deliver(records).await? {
            self.advance(last).await?;
        }
        Ok(true)
    }

    /// Hands a batch over until all of it is taken or given up; `false` when stopped in between.
    async fn deliver(&self, records: Vec<Record>) -> rusqlite::Result<bool> {
        let mut parts = VecDeque::from([(records, 0_u32)]);
        while let Some((mut part, mut failed)) = parts.pop_front() {
            if part.is_empty() {
                continue;
            }
            let taken = match self.invoker.stream(event(&part)).await {
                Ok(failures) if failures.is_empty() || !self.binding.partial => part.len(),
                Ok(failures) => part
                    .iter()
                    .position(|record| failures.contains(&record.public()))
                    // An id nobody gave out fails the batch, as in the cloud.
                    .unwrap_or(0),
                Err(error) => {
                    tracing::warn!(function = self.invoker.name(), %error, "a batch of changes failed");
                    0
                }
            };
            let rest = part.split_off(taken);
            if let Some(last) = part.last() {
                self.advance(last.sequence).await?;
                failed = 0;
            }
            if rest.is_empty() {
                continue;
            }
            failed += 1;
            if self.stop.is_cancelled() {
                return Ok(false);
            }
            if self.binding.bisect && rest.len() > 1 && taken == 0 {
                // Halving does not count as a try.
                let mut first = rest;
                let second = first.split_off(first.len() / 2);
                parts.push_front((second, failed - 1));
                parts.push_front((first, failed - 1));
            } else if self.binding.retries.is_some_and(|retries| failed > retries) {
                if self.give_up(&rest, failed).await {
                    if let Some(last) = rest.last() {
                        self.advance(last.sequence).await?;
                    }
                } else {
                    parts.push_front((rest, failed - 1));
                    self.pause(failed).await;
                }
            } else {
                parts.push_front((rest, failed));
                self.pause(failed).await;
            }
        }
        Ok(true)
    }

    /// Tells the dead-letter queue what was given up; whether that succeeded or nobody wants to know.
    async fn give_up(&self, records: &[Record], attempts: u32) -> bool {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return true;
        };
        tracing::error!(
            function = self.invoker.name(),
            table = self.binding.table,
            records = records.len(),
            "changes were given up"
        );
        let Some(queue) = &self.binding.on_failure else {
            return true;
        };
        // The shape of the cloud, which names the records; and the records, since here nobody keeps them longer.
        let letter = json!({
            "requestContext": {
                "functionArn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.invoker.name()),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": attempts,
            },
            "version": "1.0",
            "DDBStreamBatchInfo": {
                "shardId": shard(&self.binding.table),
                "startSequenceNumber": first.public(),
                "endSequenceNumber": last.public(),
                "batchSize": records.len(),
                "streamArn": stream_arn(&self.binding.table),
            },
            "payload": event(records),
        });
        match (self.dead_letters)(queue.clone(), letter.to_string()).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(queue, error, "the dead-letter queue does not answer");
                false
            }
        }
    }

    async fn pause(&self, failed: u32) {
        let pause = Duration::from_millis(100)
            .saturating_mul(1 << failed.min(10))
            .min(LONGEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stop.cancelled() => {}
        }
    }

    async fn read(&self) -> rusqlite::Result<(i64, Vec<Record>)> {
        let table = &self.binding.table;
        self.engine
            .aside(|side| {
                let position = position(side, table, self.invoker.name())?;
                let records = records(side, table, position, self.binding.batch_size)?;
                Ok((position, records))
            })
            .await
    }

    /// Remembers how far delivery has come, and deletes what every reader of the table has taken.
    async fn advance(&self, sequence: i64) -> rusqlite::Result<()> {
        self.engine
            .aside(|side| {
                let change = side.transaction()?;
                change
                    .prepare_cached(
                        "UPDATE _host_positions SET sequence = max(sequence, ?3)
                         WHERE table_name = ?1 AND consumer = ?2",
                    )?
                    .execute(params![self.binding.table, self.invoker.name(), sequence])?;
                trim(&change, &self.binding.table)?;
                change.commit()
            })
            .await
    }
}

/// Deletes the records of a table that every reader has taken, but for the newest, from which numbering goes on.
fn trim(side: &Connection, table: &str) -> rusqlite::Result<usize> {
    side.prepare_cached(
        "DELETE FROM _stream_records
         WHERE table_name = ?1
           AND CAST(sequence_number AS INTEGER) <= coalesce(
                 (SELECT min(sequence) FROM _host_positions WHERE table_name = ?1), 9223372036854775807)
           AND CAST(sequence_number AS INTEGER) <
                 (SELECT max(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)",
    )?
    .execute(params![table])
}

/// Trims a table with a stream that nobody reads.
pub(crate) async fn trim_unread(engine: Arc<Engine>, table: String, stop: CancellationToken) {
    let Some(mut written) = engine.written(&table) else {
        return;
    };
    loop {
        if let Err(error) = engine.aside(|side| trim(side, &table)).await {
            tracing::warn!(table, %error, "the stream could not be trimmed");
        }
        let next = async {
            if written.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            // Many writes are trimmed at once.
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        tokio::select! {
            () = next => {}
            () = stop.cancelled() => return,
        }
    }
}

fn position(side: &Connection, table: &str, consumer: &str) -> rusqlite::Result<i64> {
    side.prepare_cached(
        "SELECT coalesce(max(sequence), 0) FROM _host_positions WHERE table_name = ?1 AND consumer = ?2",
    )?
    .query_row(params![table, consumer], |row| row.get(0))
}

fn records(side: &Connection, table: &str, after: i64, limit: u32) -> rusqlite::Result<Vec<Record>> {
    let mut statement = side.prepare_cached(
        "SELECT event_name, keys_json, new_image, old_image, CAST(sequence_number AS INTEGER), created_at,
                user_identity, event_id
         FROM _stream_records
         WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2
         ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?3",
    )?;
    let rows = statement.query_map(params![table, after, limit], |row| {
        let keys: String = row.get(1)?;
        let new: Option<String> = row.get(2)?;
        let old: Option<String> = row.get(3)?;
        let sequence: i64 = row.get(4)?;
        let identity: Option<String> = row.get(6)?;
        let id: Option<String> = row.get(7)?;
        Ok(Record {
            sequence,
            json: record_json(&Stored {
                table,
                name: &row.get::<_, String>(0)?,
                keys: &keys,
                new: new.as_deref(),
                old: old.as_deref(),
                sequence,
                created: row.get(5)?,
                identity: identity.as_deref(),
                id: id.as_deref(),
            }),
        })
    })?;
    rows.collect()
}

struct Stored<'a> {
    table: &'a str,
    name: &'a str,
    keys: &'a str,
    new: Option<&'a str>,
    old: Option<&'a str>,
    sequence: i64,
    created: i64,
    identity: Option<&'a str>,
    id: Option<&'a str>,
}

/// The record as Lambda gets it. Keys and images are JSON already and go in as they are.
fn record_json(record: &Stored<'_>) -> String {
    let images = [("NewImage", record.new), ("OldImage", record.old)];
    let size = record.keys.len()
        + images
            .iter()
            .filter_map(|(_, image)| *image)
            .map(str::len)
            .sum::<usize>();
    let mut json = String::with_capacity(size + 512);
    let sequence = public_sequence(record.sequence);
    json.push_str(&format!(
        r#"{{"eventID":"{id}","eventName":"{name}","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"{REGION}","eventSourceARN":"{arn}","tableName":{table},"dynamodb":{{"ApproximateCreationDateTime":{created},"Keys":{keys}"#,
        id = record.id.unwrap_or(&sequence),
        name = record.name,
        arn = stream_arn(record.table),
        table = Value::from(record.table),
        created = record.created,
        keys = record.keys,
    ));
    for (name, image) in images {
        if let Some(image) = image {
            json.push_str(&format!(r#","{name}":{image}"#));
        }
    }
    json.push_str(&format!(
        r#","SequenceNumber":"{sequence}","SizeBytes":{size},"StreamViewType":"NEW_AND_OLD_IMAGES"}}"#
    ));
    if let Some(identity) = record.identity {
        json.push_str(&format!(r#","userIdentity":{identity}"#));
    }
    json.push('}');
    json
}

fn event(records: &[Record]) -> String {
    let mut json = String::with_capacity(records.iter().map(|record| record.json.len() + 1).sum::<usize>() + 16);
    json.push_str(r#"{"Records":["#);
    for (index, record) in records.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        json.push_str(&record.json);
    }
    json.push_str("]}");
    json
}

fn stream_arn(table: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/local")
}

fn shard(table: &str) -> String {
    format!("shardId-00000001-{table}")
}

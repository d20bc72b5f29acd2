//! The embedded DynamoDB engine: opens it, answers its protocol, and offers it to the AWS SDK without
//! sockets. Streams are read and trimmed in `streams`; tables come from `template`.
//!
//! The engine is one SQLite connection behind a mutex and blocks its caller. Callers therefore queue on an asynchronous
//! gate, so that at most one worker thread of the runtime stands in the engine and the others go on serving; the call
//! itself runs where it is. Handing it to a thread for blocking work costs more than the engine does (a get: 14 us
//! here, 40 us there, by `examples/price.rs`). A write is answered once the `journal` has it on the disk.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use axum::body::{Body, Bytes};
use axum::response::Response;
use dynoxide::{Database, DynoxideError, actions};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, watch};

use crate::journal::Journal;
use crate::template;

const JSON: &str = "application/x-amz-json-1.0";
const OPERATIONS: &str = "DynamoDB_20120810.";
const STREAM_OPERATIONS: &str = "DynamoDBStreams_20120810.";
/// DynamoDB's own limit of a request body.
pub(crate) const MAX_BODY: usize = 16 * 1024 * 1024;

/// Why the engine could not be opened or prepared.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine refused.
    #[error("the table engine failed")]
    Engine(#[source] DynoxideError),
    /// The journal beside the database file could not be opened.
    #[error("the journal of the tables could not be opened")]
    Journal(#[from] std::io::Error),
    /// The database file could not be used.
    #[error("the database of the tables could not be used")]
    Sqlite(#[from] rusqlite::Error),
    /// A table exists with other keys than the template declares.
    #[error("table {0} exists with other keys or indexes than the template declares: {1}")]
    Differs(String, String),
}

impl From<DynoxideError> for EngineError {
    fn from(error: DynoxideError) -> Self {
        Self::Engine(error)
    }
}

/// An embedded DynamoDB: the tables of one host.
pub struct Engine {
    database: Database,
    /// Serialises calls, and holds the second connection, which reads and trims stream records. While the gate is
    /// held neither connection can find the other in its way.
    gate: Mutex<Connection>,
    /// What writes wait for; `None` in memory.
    journal: Option<Journal>,
    /// Woken after a write to the table.
    written: HashMap<String, Arc<watch::Sender<u64>>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

/// Where the tables live.
#[derive(Clone, Debug)]
pub enum Place {
    /// A SQLite file, kept.
    File(PathBuf),
    /// Memory, gone with the process.
    Memory,
}

impl Engine {
    /// Opens the database and makes sure that the given tables exist, with their indexes, streams and expiry.
    ///
    /// # Errors
    /// When the file cannot be opened or written, or a table exists with other keys.
    pub fn open(place: &Place, tables: &[template::Table]) -> Result<Self, EngineError> {
        static UNIQUE: AtomicU64 = AtomicU64::new(0);
        let path = match place {
            Place::File(path) => path_text(path),
            // SQLite's memory file system: two connections of one process see the same database.
            Place::Memory => format!(
                "file:/rapport-{}-{}?vfs=memdb",
                std::process::id(),
                UNIQUE.fetch_add(1, Ordering::Relaxed)
            ),
        };
        let database = Database::new(&path)?;
        let side = Connection::open(&path)?;
        side.busy_timeout(Duration::from_secs(2))?;
        // What this connection writes (positions, trimming) may be repeated after a loss of power.
        side.pragma_update(None, "synchronous", "NORMAL")?;
        side.execute_batch(
            "CREATE INDEX IF NOT EXISTS _host_stream_order
               ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
             CREATE TABLE IF NOT EXISTS _host_positions (
               table_name TEXT NOT NULL, consumer TEXT NOT NULL, sequence INTEGER NOT NULL,
               PRIMARY KEY (table_name, consumer)) WITHOUT ROWID;",
        )?;
        for table in tables {
            ensure_table(&database, table)?;
        }
        let journal = match place {
            Place::File(path) => Some(Journal::open(path)?),
            Place::Memory => None,
        };
        let written = tables
            .iter()
            .map(|table| (table.name.clone(), Arc::new(watch::Sender::new(0))))
            .collect();
        Ok(Self {
            database,
            gate: Mutex::new(side),
            journal,
            written,
        })
    }

    /// Told after each write to a table; `None` for a table the template does not declare.
    #[must_use]
    pub fn written(&self, table: &str) -> Option<watch::Receiver<u64>> {
        self.written.get(table).map(|table| table.subscribe())
    }

    /// Answers one call of DynamoDB's JSON protocol: the status and the body.
    pub async fn handle(&self, target: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let operation = target
            .strip_prefix(OPERATIONS)
            .or_else(|| target.strip_prefix(STREAM_OPERATIONS))
            .unwrap_or(target);
        match self.dispatch(operation, body).await {
            Ok(answer) => (200, answer),
            Err(Failure::Unknown) => (
                400,
                br#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#.to_vec(),
            ),
            Err(Failure::Engine(error)) => {
                if error.status_code() >= 500 {
                    tracing::error!(operation, %error, "the table engine failed");
                }
                (error.status_code(), error.to_json().into_bytes())
            }
        }
    }

    async fn dispatch(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, Failure> {
        macro_rules! call {
            ($method:ident) => {{
                let request = read(body)?;
                write(&self.run(|db| db.$method(request)).await?)
            }};
        }
        macro_rules! change {
            ($method:ident, $request:ident: $kind:ty => $($table:tt)*) => {{
                let $request: $kind = read(body)?;
                let tables = { $($table)* };
                write(&self.change(&tables, |db| db.$method($request)).await?)
            }};
        }
        match operation {
            "GetItem" => call!(get_item),
            "Query" => call!(query),
            "PutItem" => {
                change!(put_item, request: actions::put_item::PutItemRequest => self.of(&[&request.table_name]))
            }
            "UpdateItem" => {
                change!(update_item, request: actions::update_item::UpdateItemRequest => self.of(&[&request.table_name]))
            }
            "DeleteItem" => {
                change!(delete_item, request: actions::delete_item::DeleteItemRequest => self.of(&[&request.table_name]))
            }
            "TransactWriteItems" => {
                let mut request: actions::transact_write_items::TransactWriteItemsRequest = read(body)?;
                // The SDK sends a token with every transaction; the engine would walk those of the last ten minutes
                // at each. Repeated calls are told apart by the product's own idempotency items.
                request.client_request_token = None;
                let tables = self.of(&tables_of(&request));
                write(&self.change(&tables, |db| db.transact_write_items(request)).await?)
            }
            "TransactGetItems" => call!(transact_get_items),
            "BatchGetItem" => call!(batch_get_item),
            "BatchWriteItem" => {
                change!(batch_write_item, request: actions::batch_write_item::BatchWriteItemRequest => {
                    let names: Vec<&str> = request_tables(&request);
                    self.of(&names)
                })
            }
            "Scan" => call!(scan),
            "CreateTable" => call!(create_table),
            "DeleteTable" => call!(delete_table),
            "DescribeTable" => call!(describe_table),
            "ListTables" => call!(list_tables),
            "UpdateTable" => call!(update_table),
            "ListStreams" => call!(list_streams),
            "DescribeStream" => call!(describe_stream),
            "GetShardIterator" => call!(get_shard_iterator),
            "GetRecords" => call!(get_records),
            "UpdateTimeToLive" => call!(update_time_to_live),
            "DescribeTimeToLive" => call!(describe_time_to_live),
            "TagResource" => call!(tag_resource),
            "UntagResource" => call!(untag_resource),
            "ListTagsOfResource" => call!(list_tags_of_resource),
            _ => Err(Failure::Unknown),
        }
    }

    async fn run<T>(&self, call: impl FnOnce(&Database) -> dynoxide::Result<T>) -> dynoxide::Result<T> {
        let _gate = self.gate.lock().await;
        call(&self.database)
    }

    /// A call that writes: answered once it is on the disk, and then told to those who read the tables' streams.
    async fn change<T>(
        &self,
        tables: &[Arc<watch::Sender<u64>>],
        call: impl FnOnce(&Database) -> dynoxide::Result<T>,
    ) -> dynoxide::Result<T> {
        let (answer, commit) = {
            let _gate = self.gate.lock().await;
            (call(&self.database), self.journal.as_ref().map(Journal::committed))
        };
        let answer = answer?;
        if let (Some(journal), Some(commit)) = (&self.journal, commit) {
            let safe = journal.safe(commit).await;
            safe.map_err(|error| DynoxideError::InternalServerError(format!("the journal: {error}")))?;
        }
        announce(tables);
        Ok(answer)
    }

    /// How often writes waited for the disk: fewer times than there were writes when many came at once.
    #[must_use]
    pub fn disk_waits(&self) -> u64 {
        self.journal.as_ref().map_or(0, Journal::waits)
    }

    fn of(&self, names: &[&str]) -> Vec<Arc<watch::Sender<u64>>> {
        names
            .iter()
            .filter_map(|name| self.written.get(*name).cloned())
            .collect()
    }

    /// Runs a piece of work on the second connection while no call is in the engine.
    pub(crate) async fn aside<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut side = self.gate.lock().await;
        work(&mut side)
    }

    /// How many stream records of a table are kept.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn stream_records(&self, table: &str) -> Result<u64, EngineError> {
        let count = self.aside(|side| {
            side.query_row(
                "SELECT count(*) FROM _stream_records WHERE table_name = ?1",
                [table],
                |row| row.get(0),
            )
        });
        Ok(count.await?)
    }

    /// Deletes what has expired, in every table with a time to live, and returns how many items went.
    ///
    /// # Errors
    /// When the engine fails or its thread was lost.
    pub async fn sweep_expired(&self) -> Result<usize, EngineError> {
        let database = self.database.clone();
        // Long, and it steps aside for waiting calls by itself: not under the gate, not on a worker thread.
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl())
            .await
            .map_err(|error| EngineError::Engine(DynoxideError::InternalServerError(error.to_string())))??;
        if swept > 0 {
            for table in self.written.values() {
                announce(std::slice::from_ref(table));
            }
        }
        Ok(swept)
    }
}

enum Failure {
    Unknown,
    Engine(DynoxideError),
}

impl From<DynoxideError> for Failure {
    fn from(error: DynoxideError) -> Self {
        Self::Engine(error)
    }
}

fn announce(tables: &[Arc<watch::Sender<u64>>]) {
    for table in tables {
        table.send_modify(|writes| *writes = writes.wrapping_add(1));
    }
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        Failure::Engine(match text.strip_prefix("VALIDATION:") {
            Some(message) => DynoxideError::ValidationException(message.to_owned()),
            None => DynoxideError::SerializationException(text.to_owned()),
        })
    })
}

fn write<T: Serialize>(answer: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(answer).map_err(|error| Failure::Engine(DynoxideError::InternalServerError(error.to_string())))
}

fn tables_of(request: &actions::transact_write_items::TransactWriteItemsRequest) -> Vec<&str> {
    let mut names: Vec<&str> = request
        .transact_items
        .iter()
        .filter_map(|item| {
            item.put
                .as_ref()
                .map(|put| put.table_name.as_str())
                .or_else(|| item.update.as_ref().map(|update| update.table_name.as_str()))
                .or_else(|| item.delete.as_ref().map(|delete| delete.table_name.as_str()))
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn request_tables(request: &actions::batch_write_item::BatchWriteItemRequest) -> Vec<&str> {
    request.request_items.keys().map(String::as_str).collect()
}

/// Creates a table as the template declares it, or checks one that exists and switches on what it lacks.
fn ensure_table(database: &Database, table: &template::Table) -> Result<(), EngineError> {
    let described = database.describe_table(request(&serde_json::json!({"TableName": table.name})));
    match described {
        Ok(answer) => {
            let have = serde_json::to_value(&answer).unwrap_or_default();
            let have = &have["Table"];
            if have["KeySchema"] != table.create["KeySchema"] {
                return Err(EngineError::Differs(table.name.clone(), "its key schema".to_owned()));
            }
            add_missing_indexes(database, table, have)?;
            let streams = have["StreamSpecification"]["StreamEnabled"] == true;
            if table.stream && !streams {
                database.update_table(request(&serde_json::json!({
                    "TableName": table.name,
                    "StreamSpecification": table.create["StreamSpecification"],
                })))?;
            }
        }
        Err(DynoxideError::ResourceNotFoundException(_)) => {
            database.create_table(request(&table.create))?;
        }
        Err(error) => return Err(error.into()),
    }
    if let Some(attribute) = &table.time_to_live {
        let now = database.describe_time_to_live(request(&serde_json::json!({"TableName": table.name})))?;
        let now = serde_json::to_value(&now).unwrap_or_default();
        if now["TimeToLiveDescription"]["TimeToLiveStatus"] != "ENABLED" {
            database.update_time_to_live(request(&serde_json::json!({
                "TableName": table.name,
                "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": true},
            })))?;
        }
    }
    Ok(())
}

/// A new version of the template may bring an index: the engine fills it from the rows it has.
fn add_missing_indexes(
    database: &Database,
    table: &template::Table,
    have: &serde_json::Value,
) -> Result<(), EngineError> {
    let empty = Vec::new();
    let existing = have["GlobalSecondaryIndexes"].as_array().unwrap_or(&empty);
    for index in table.create["GlobalSecondaryIndexes"].as_array().unwrap_or(&empty) {
        match existing.iter().find(|one| one["IndexName"] == index["IndexName"]) {
            Some(one) if one["KeySchema"] == index["KeySchema"] => {}
            Some(_) => {
                return Err(EngineError::Differs(
                    table.name.clone(),
                    format!("its index {}", index["IndexName"]),
                ));
            }
            None => {
                database.update_table(request(&serde_json::json!({
                    "TableName": table.name,
                    "AttributeDefinitions": table.create["AttributeDefinitions"],
                    "GlobalSecondaryIndexUpdates": [{"Create": index}],
                })))?;
            }
        }
    }
    Ok(())
}

fn request<T: DeserializeOwned + Default>(value: &serde_json::Value) -> T {
    // Built from the checked template; a shape the engine cannot read is refused by it as an empty request.
    serde_json::from_value(value.clone()).unwrap_or_default()
}

/// A protocol without sockets: a call of the SDK is answered in the same process.
#[derive(Clone)]
pub struct InProcess {
    answer: Arc<Answer>,
}

/// The answer to a call, as `(status, content type, body)`.
pub(crate) type Answered = std::pin::Pin<Box<dyn Future<Output = (u16, &'static str, Vec<u8>)> + Send>>;
type Answer = dyn Fn(String, Bytes) -> Answered + Send + Sync;

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl InProcess {
    /// A connector to the tables.
    #[must_use]
    pub fn tables(engine: Arc<Engine>) -> Self {
        Self::new(move |target, body| {
            let engine = Arc::clone(&engine);
            Box::pin(async move {
                let (status, answer) = engine.handle(&target, &body).await;
                (status, JSON, answer)
            })
        })
    }

    /// A connector to whatever answers a target and a body.
    pub(crate) fn new(answer: impl Fn(String, Bytes) -> Answered + Send + Sync + 'static) -> Self {
        Self {
            answer: Arc::new(answer),
        }
    }

    /// Answers one call as an HTTP response, for a socket.
    pub(crate) async fn respond(&self, target: String, body: Bytes) -> Response {
        let (status, kind, answer) = (self.answer)(target, body).await;
        let mut response = Response::new(Body::from(answer));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
        response
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        // The SDK's bodies of these two protocols are in memory.
        let body = Bytes::copy_from_slice(request.body().bytes().unwrap_or_default());
        let answer = (self.answer)(target, body);
        HttpConnectorFuture::new(async move {
            let (status, kind, body) = answer.await;
            let status =
                StatusCode::try_from(status).unwrap_or_else(|_| StatusCode::from(http::StatusCode::BAD_GATEWAY));
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            response.headers_mut().insert("content-type", kind);
            Ok(response)
        })
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The region the host claims; it appears in names of resources only.
pub const REGION: &str = "local";

/// A DynamoDB client whose calls are answered by `tables`, in this process.
#[must_use]
pub fn dynamodb(tables: InProcess) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::from_conf(
        aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(aws_sdk_dynamodb::config::Region::new(REGION))
            .endpoint_url("http://dynamodb.local")
            .credentials_provider(credentials())
            .http_client(tables)
            .build(),
    )
}

/// An SQS client whose calls are answered by `queues`, in this process.
#[must_use]
pub fn sqs(queues: InProcess) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::from_conf(
        aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new(REGION))
            .endpoint_url("http://sqs.local")
            .credentials_provider(credentials())
            .http_client(queues)
            .build(),
    )
}

fn credentials() -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::from_keys("local", "local", None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_was_built_to_leave_the_disk_to_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tables.sqlite");
        let engine = Engine::open(&Place::File(path.clone()), &[]).unwrap();
        // What a connection has that was told nothing, as the engine's own is.
        let other = Connection::open(path).unwrap();
        let pragma = |name: &str| -> i64 {
            other
                .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
                .unwrap()
        };
        // 1 is NORMAL (https://www.sqlite.org/pragma.html#pragma_synchronous).
        assert_eq!((pragma("synchronous"), pragma("wal_autocheckpoint")), (1, 4_000));
        assert_eq!(engine.disk_waits(), 0);
    }
}

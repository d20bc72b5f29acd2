//! Queues and messages in SQLite: every statement, each cheap whatever the depth of a queue. One thread owns it
//! (`writer`), one transaction holds many operations. Operations refuse before they write, so that a refused one leaves
//! nothing behind; a failure of the store makes the writer take back the whole transaction.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Code, Error};
use crate::message::{BatchOutcome, Prepared, Received, Sent};
use crate::queue::{Attributes, MoveTask, MoveTaskStatus, QueueInfo, Redrive};
use crate::receipt::{Receipt, Receipts};

const SCHEMA_VERSION: i64 = 2;

// A message's state is a small row of its own, so that a receive does not rewrite the body with it.
const SCHEMA: &str = "
create table store (secret blob not null) strict;
create table queues (
    id integer primary key autoincrement,
    name text not null unique,
    visibility_timeout integer not null,
    delay integer not null,
    retention integer not null,
    receive_wait integer not null,
    maximum_message_bytes integer not null,
    dead_letter_queue text,
    max_receive_count integer,
    kept text not null,
    tags text not null,
    created_ms integer not null,
    modified_ms integer not null
) strict;
create table messages (
    id integer primary key autoincrement,
    queue integer not null,
    visible_at integer not null,
    sent_ms integer not null,
    receive_count integer not null default 0,
    first_receive_ms integer,
    received_ms integer,
    source integer,
    turn text not null default ''
) strict;
create index messages_by_visibility on messages (queue, visible_at);
create index messages_by_turn on messages (queue, turn, visible_at);
create index messages_by_age on messages (queue, sent_ms);
create table payloads (
    message integer primary key,
    message_id text not null,
    body text not null,
    md5_of_body text not null,
    attributes text,
    trace_header text,
    group_id text
) strict;
create table move_tasks (
    id integer primary key autoincrement,
    handle text not null,
    source text not null,
    destination text,
    status text not null,
    moved integer not null,
    to_move integer not null,
    started_ms integer not null
) strict;
";

/// From version 1, which gave messages out by their age alone.
const TURNS: &str = "
alter table messages add column turn text not null default '';
update messages set turn = coalesce((select group_id from payloads where message = messages.id), '');
create index messages_by_turn on messages (queue, turn, visible_at);
";

/// The clock may be read by two callers in another order than they arrive in; by more than this it was set back.
const SET_BACK_MS: i64 = 1_000;

/// How many messages one call moves to a dead-letter queue or expires at most; the next call goes on.
const HOUSEKEEPING_ROWS: u32 = 1_000;

const VISIBILITY_LIMIT_MS: i64 = 43_200_000;
const DELAY_LIMIT_MS: i64 = 900_000;
const PURGE_INTERVAL_MS: i64 = 60_000;

#[derive(Debug, Clone)]
struct QueueRow {
    id: i64,
    attributes: Attributes,
    kept: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    created_ms: i64,
    modified_ms: i64,
}

/// What a receive found.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub messages: Vec<Received>,
    /// When the next hidden message becomes visible, if nothing was found and one is hidden.
    pub next_visible_ms: Option<i64>,
}

/// How `create_queue` treats a queue that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Takes over the new attributes.
    Update,
    /// Refuses when one of these attributes, by name, is different.
    Refuse,
}

/// The store.
pub(crate) struct Engine {
    connection: Connection,
    queues: HashMap<String, QueueRow>,
    names: HashMap<i64, String>,
    purged_ms: HashMap<i64, i64>,
    swept_ms: HashMap<i64, i64>,
    /// By queue, the group that was served last.
    turns: HashMap<i64, String>,
    /// The latest moment that was seen.
    latest_ms: i64,
    receipts: Receipts,
    synced: bool,
    /// Queues to be looked at again by who waits, once the transaction is committed.
    pub woken: HashSet<String>,
}

impl Engine {
    /// Opens the file, or a store in memory, and makes the tables if there are none.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection.busy_timeout(Duration::from_secs(2))?;
        connection.set_prepared_statement_cache_capacity(64);
        // One process, one connection: an exclusive lock says so to a second one, and saves the shared memory file.
        connection.pragma_update(None, "locking_mode", "exclusive")?;
        connection.query_row("pragma journal_mode = wal", [], |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.query_row("pragma journal_size_limit = 67108864", [], |_| Ok(()))?;
        let version: i64 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
        match version {
            SCHEMA_VERSION => {}
            1 => {
                connection.execute_batch("begin immediate")?;
                connection.execute_batch(TURNS)?;
                connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
                connection.execute_batch("commit")?;
            }
            0 => {
                let secret = uuid::Uuid::new_v4();
                connection.execute_batch("begin immediate")?;
                connection.execute_batch(SCHEMA)?;
                connection.execute("insert into store (secret) values (?1)", [secret.as_bytes().as_slice()])?;
                connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
                connection.execute_batch("commit")?;
            }
            other => {
                tracing::error!(version = other, "the queue store was written by another version");
                return Err(Error::unavailable());
            }
        }
        let secret: [u8; 16] = connection.query_row("select secret from store", [], |row| row.get(0))?;
        let mut engine = Self {
            connection,
            queues: HashMap::new(),
            names: HashMap::new(),
            purged_ms: HashMap::new(),
            swept_ms: HashMap::new(),
            turns: HashMap::new(),
            latest_ms: 0,
            receipts: Receipts::new(secret),
            synced: true,
            woken: HashSet::new(),
        };
        engine.load()?;
        Ok(engine)
    }

    pub(crate) fn receipts(&self) -> Receipts {
        self.receipts
    }

    pub(crate) fn queue_names(&self) -> impl Iterator<Item = &String> {
        self.queues.keys()
    }

    /// Starts a transaction; a `durable` one is on disk once committed, another only safe from the end of the process.
    pub(crate) fn begin(&mut self, durable: bool) -> Result<(), Error> {
        if durable != self.synced {
            self.connection
                .pragma_update(None, "synchronous", if durable { "full" } else { "normal" })?;
            self.synced = durable;
        }
        Ok(self.connection.execute_batch("begin immediate")?)
    }

    pub(crate) fn commit(&mut self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("commit")?)
    }

    /// Takes the transaction back, and with it what was remembered of it.
    pub(crate) fn roll_back(&mut self) {
        self.woken.clear();
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("rollback")
        {
            tracing::error!(%error, "a transaction of the queue store was not taken back");
        }
        if let Err(error) = self.load() {
            tracing::error!(%error, "the queues were not read again");
        }
    }

    fn load(&mut self) -> Result<(), Error> {
        let mut statement = self.connection.prepare_cached(
            "select id, name, visibility_timeout, delay, retention, receive_wait, maximum_message_bytes,
                    dead_letter_queue, max_receive_count, kept, tags, created_ms, modified_ms from queues",
        )?;
        let rows = statement.query_map([], |row| {
            let redrive = match (row.get::<_, Option<String>>(7)?, row.get::<_, Option<u32>>(8)?) {
                (Some(dead_letter_queue), Some(max_receive_count)) => Some(Redrive {
                    dead_letter_queue,
                    max_receive_count,
                }),
                _ => None,
            };
            let attributes = Attributes {
                visibility_timeout: row.get(2)?,
                delay: row.get(3)?,
                retention: row.get(4)?,
                receive_wait: row.get(5)?,
                maximum_message_bytes: row.get(6)?,
                redrive,
            };
            let name: String = row.get(1)?;
            let queue = QueueRow {
                id: row.get(0)?,
                attributes,
                kept: read_map(&row.get::<_, String>(9)?),
                tags: read_map(&row.get::<_, String>(10)?),
                created_ms: row.get(11)?,
                modified_ms: row.get(12)?,
            };
            Ok((name, queue))
        })?;
        self.queues = rows.collect::<Result<_, _>>()?;
        self.names = self
            .queues
            .iter()
            .map(|(name, queue)| (queue.id, name.clone()))
            .collect();
        Ok(())
    }

    fn queue(&self, name: &str) -> Result<&QueueRow, Error> {
        self.queues.get(name).ok_or_else(Error::no_queue)
    }

    fn check_redrive(&self, name: &str, attributes: &Attributes) -> Result<(), Error> {
        match &attributes.redrive {
            Some(redrive)
                if redrive.dead_letter_queue == name || !self.queues.contains_key(&redrive.dead_letter_queue) =>
            {
                Err(Error::parameter(format!(
                    "Value {} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.",
                    redrive.dead_letter_queue
                )))
            }
            _ => Ok(()),
        }
    }

    /// Writes a queue's row, new or changed.
    fn write_queue(&mut self, name: &str, queue: QueueRow) -> Result<(), Error> {
        let attributes = &queue.attributes;
        let redrive = attributes.redrive.as_ref();
        self.connection
            .prepare_cached(
                "insert into queues (id, name, visibility_timeout, delay, retention, receive_wait, maximum_message_bytes,
                    dead_letter_queue, max_receive_count, kept, tags, created_ms, modified_ms)
                 values (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                 on conflict (name) do update set visibility_timeout = ?3, delay = ?4, retention = ?5, receive_wait = ?6,
                    maximum_message_bytes = ?7, dead_letter_queue = ?8, max_receive_count = ?9, kept = ?10, tags = ?11,
                    modified_ms = ?13",
            )?
            .execute(params![
                queue.id,
                name,
                attributes.visibility_timeout,
                attributes.delay,
                attributes.retention,
                attributes.receive_wait,
                attributes.maximum_message_bytes,
                redrive.map(|r| r.dead_letter_queue.as_str()),
                redrive.map(|r| r.max_receive_count),
                write_map(&queue.kept),
                write_map(&queue.tags),
                queue.created_ms,
                queue.modified_ms,
            ])?;
        let id = if queue.id == 0 {
            self.connection.last_insert_rowid()
        } else {
            queue.id
        };
        self.names.insert(id, name.to_owned());
        self.queues.insert(name.to_owned(), QueueRow { id, ..queue });
        self.woken.insert(name.to_owned());
        Ok(())
    }

    /// Makes the queue. Of one that is there, `existing` decides; `named` are the attributes the caller spoke of.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn create_queue(
        &mut self,
        name: &str,
        attributes: Attributes,
        kept: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
        named: &[String],
        existing: Existing,
        now: i64,
    ) -> Result<(), Error> {
        self.check_redrive(name, &attributes)?;
        let row = match self.queues.get(name) {
            None => QueueRow {
                id: 0,
                attributes,
                kept,
                tags,
                created_ms: now,
                modified_ms: now,
            },
            Some(row) if existing == Existing::Refuse => {
                let different = named.iter().find(|attribute| !same(attribute, row, &attributes, &kept));
                return match different {
                    None => Ok(()),
                    Some(attribute) => Err(Error::new(
                        Code::QueueNameExists,
                        format!(
                            "A queue already exists with the same name and a different value for attribute {attribute}"
                        ),
                    )),
                };
            }
            Some(row) if row.attributes == attributes => return Ok(()),
            Some(row) => QueueRow {
                attributes,
                modified_ms: now,
                ..row.clone()
            },
        };
        self.write_queue(name, row)
    }

    /// Changes attributes and tags by a function over the present ones.
    pub(crate) fn change_queue(
        &mut self,
        name: &str,
        change: impl FnOnce(
            &mut Attributes,
            &mut BTreeMap<String, String>,
            &mut BTreeMap<String, String>,
        ) -> Result<(), Error>,
        now: i64,
    ) -> Result<(), Error> {
        let mut row = self.queue(name)?.clone();
        change(&mut row.attributes, &mut row.kept, &mut row.tags)?;
        row.attributes.check()?;
        self.check_redrive(name, &row.attributes)?;
        row.modified_ms = now;
        self.write_queue(name, row)
    }

    pub(crate) fn delete_queue(&mut self, name: &str) -> Result<(), Error> {
        let id = self.queue(name)?.id;
        self.clear(id)?;
        self.connection
            .prepare_cached("delete from queues where id = ?1")?
            .execute([id])?;
        self.queues.remove(name);
        self.names.remove(&id);
        self.woken.insert(name.to_owned());
        Ok(())
    }

    fn clear(&mut self, queue: i64) -> Result<(), Error> {
        self.connection
            .prepare_cached("delete from payloads where message in (select id from messages where queue = ?1)")?
            .execute([queue])?;
        self.connection
            .prepare_cached("delete from messages where queue = ?1")?
            .execute([queue])?;
        Ok(())
    }

    pub(crate) fn purge(&mut self, name: &str, now: i64) -> Result<(), Error> {
        let id = self.queue(name)?.id;
        if self
            .purged_ms
            .get(&id)
            .is_some_and(|last| now - last < PURGE_INTERVAL_MS)
        {
            return Err(Error::new(
                Code::PurgeQueueInProgress,
                format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds."),
            ));
        }
        self.clear(id)?;
        self.purged_ms.insert(id, now);
        Ok(())
    }

    /// Makes every message that somebody received and neither deleted nor gave back visible now; how many these were.
    /// None of the others is hidden for longer than a delay can be, whatever the clock was set to when it was sent.
    pub(crate) fn release(&mut self, now: i64) -> Result<usize, Error> {
        self.connection
            .prepare_cached("update messages set visible_at = ?1 where received_ms is null and visible_at > ?1")?
            .execute([now + DELAY_LIMIT_MS])?;
        let mut statement = self
            .connection
            .prepare_cached("update messages set visible_at = ?1 where received_ms is not null and visible_at > ?1")?;
        Ok(statement.execute([now])?)
    }

    /// Names in order, those that begin with `prefix` and come after `after`, at most `limit`.
    pub(crate) fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
        let mut names: Vec<String> = self
            .queues
            .keys()
            .filter(|name| name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after))
            .cloned()
            .collect();
        names.sort_unstable();
        names.truncate(limit);
        names
    }

    /// The queues whose dead letters go to this one, in order.
    pub(crate) fn sources(&self, name: &str) -> Result<Vec<String>, Error> {
        self.queue(name)?;
        let mut names: Vec<String> = self
            .queues
            .iter()
            .filter(|(_, row)| {
                row.attributes
                    .redrive
                    .as_ref()
                    .is_some_and(|r| r.dead_letter_queue == name)
            })
            .map(|(name, _)| name.clone())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Attributes and figures. Counting walks the index of the queue.
    pub(crate) fn info(&mut self, name: &str, count: bool, now: i64) -> Result<QueueInfo, Error> {
        let row = self.queue(name)?.clone();
        let (mut visible, mut in_flight, mut delayed, mut oldest) = (0, 0, 0, None);
        if count {
            let kept_since = now - i64::from(row.attributes.retention) * 1000;
            self.expire(row.id, row.attributes.retention, now)?;
            visible = self
                .connection
                .prepare_cached("select count(*) from messages where queue = ?1 and visible_at <= ?2")?
                .query_row([row.id, now], |r| r.get(0))?;
            (in_flight, delayed) = self
                .connection
                .prepare_cached(
                    "select count(*) filter (where receive_count > 0), count(*) filter (where receive_count = 0)
                     from messages where queue = ?1 and visible_at > ?2",
                )?
                .query_row([row.id, now], |r| Ok((r.get(0)?, r.get(1)?)))?;
            oldest = self
                .connection
                .prepare_cached("select min(sent_ms) from messages where queue = ?1 and sent_ms > ?2")?
                .query_row([row.id, kept_since], |r| r.get(0))?;
        }
        Ok(QueueInfo {
            name: name.to_owned(),
            attributes: row.attributes,
            kept: row.kept,
            tags: row.tags,
            visible,
            in_flight,
            delayed,
            oldest_sent_ms: oldest,
            created_ms: row.created_ms,
            modified_ms: row.modified_ms,
        })
    }

    /// Removes messages older than the queue keeps them, a bounded number at a time.
    fn expire(&mut self, queue: i64, retention: u32, now: i64) -> Result<(), Error> {
        let kept_since = now - i64::from(retention) * 1000;
        let old: Vec<i64> = self
            .connection
            .prepare_cached(
                "select id from messages indexed by messages_by_age where queue = ?1 and sent_ms <= ?2 limit ?3",
            )?
            .query_map(params![queue, kept_since, HOUSEKEEPING_ROWS], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in old {
            self.remove(queue, id)?;
        }
        Ok(())
    }

    fn remove(&mut self, queue: i64, id: i64) -> Result<(), Error> {
        let there = self
            .connection
            .prepare_cached("delete from messages where id = ?1 and queue = ?2")?
            .execute([id, queue])?;
        if there > 0 {
            self.connection
                .prepare_cached("delete from payloads where message = ?1")?
                .execute([id])?;
        }
        Ok(())
    }

    fn accept(&mut self, name: &str, message: Prepared, now: i64) -> Result<Sent, Error> {
        let queue = self.queue(name)?;
        let limit = queue.attributes.maximum_message_bytes;
        if message.bytes > usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(Error::parameter(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
            )));
        }
        let delay = message.outgoing.delay.unwrap_or(queue.attributes.delay);
        let id = queue.id;
        let attributes = if message.outgoing.attributes.is_empty() {
            None
        } else {
            Some(serde_json::to_string(&message.outgoing.attributes).map_err(|_| Error::unavailable())?)
        };
        self.connection
            .prepare_cached("insert into messages (queue, visible_at, sent_ms, turn) values (?1, ?2, ?3, ?4)")?
            .execute(params![
                id,
                now + i64::from(delay) * 1000,
                now,
                message.outgoing.group_id.as_deref().unwrap_or_default()
            ])?;
        let row = self.connection.last_insert_rowid();
        self.connection
            .prepare_cached(
                "insert into payloads (message, message_id, body, md5_of_body, attributes, trace_header, group_id)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                row,
                message.sent.message_id,
                message.outgoing.body,
                message.sent.md5_of_body,
                attributes,
                message.outgoing.trace_header,
                message.outgoing.group_id,
            ])?;
        self.woken.insert(name.to_owned());
        Ok(message.sent)
    }

    pub(crate) fn send(&mut self, queue: &str, message: Prepared, now: i64) -> Result<Sent, Error> {
        self.accept(queue, message, now)
    }

    pub(crate) fn send_batch(
        &mut self,
        queue: &str,
        entries: Vec<(String, Result<Prepared, Error>)>,
        now: i64,
    ) -> Result<BatchOutcome<Sent>, Error> {
        self.queue(queue)?;
        let mut outcome = BatchOutcome::new();
        for (id, entry) in entries {
            match entry.and_then(|message| self.accept(queue, message, now)) {
                Ok(sent) => outcome.successful.push((id, sent)),
                Err(error) if error.is_unavailable() => return Err(error),
                Err(error) => outcome.refuse(id, &error),
            }
        }
        Ok(outcome)
    }

    // The statements here name their index: one that walked the queue would not even prepare.

    /// Where the clock was set back, what is hidden stays so as long as it would have, not until the clock has caught up.
    fn follow(&mut self, now: i64) -> Result<(), Error> {
        let back = self.latest_ms - now;
        if back > SET_BACK_MS {
            self.connection
                .prepare_cached("update messages set visible_at = visible_at - ?1 where visible_at > ?2")?
                .execute([back, now])?;
            self.swept_ms.clear();
            self.purged_ms.clear();
            self.latest_ms = now;
        }
        self.latest_ms = self.latest_ms.max(now);
        Ok(())
    }

    /// The messages that are next: each group has its turn, from the one behind that served last on, however many of
    /// another are waiting. Within a group they go by age.
    fn next(&mut self, queue: i64, most: u32, now: i64, kept_since: i64) -> Result<Vec<(i64, u32)>, Error> {
        let mut behind = self.connection.prepare_cached(
            "select min(turn) from messages indexed by messages_by_turn where queue = ?1 and turn > ?2",
        )?;
        let mut first = self
            .connection
            .prepare_cached("select min(turn) from messages indexed by messages_by_turn where queue = ?1")?;
        let mut visible = self.connection.prepare_cached(
            "select id, receive_count from messages indexed by messages_by_turn
             where queue = ?1 and turn = ?2 and visible_at <= ?3 and sent_ms > ?4
             order by visible_at, id limit ?5",
        )?;
        let wanted = usize::try_from(most).unwrap_or(usize::MAX);
        let mut at = self.turns.get(&queue).cloned().unwrap_or_default();
        let mut begun: Option<String> = None;
        let mut waiting: Vec<(String, std::vec::IntoIter<(i64, u32)>)> = Vec::new();
        while waiting.len() < wanted {
            let group: Option<String> = behind.query_row(params![queue, at], |row| row.get(0))?;
            let group: Option<String> = match group {
                None => first.query_row([queue], |row| row.get(0))?,
                group => group,
            };
            let Some(group) = group.filter(|group| begun.as_ref() != Some(group)) else {
                break;
            };
            let rows: Vec<(i64, u32)> = visible
                .query_map(params![queue, group, now, kept_since, most], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<Result<_, _>>()?;
            if !rows.is_empty() {
                waiting.push((group.clone(), rows.into_iter()));
            }
            begun.get_or_insert_with(|| group.clone());
            at = group;
        }
        let mut found = Vec::with_capacity(wanted);
        while found.len() < wanted && !waiting.is_empty() {
            waiting.retain_mut(|(group, rows)| {
                let Some(row) = rows.next().filter(|_| found.len() < wanted) else {
                    return false;
                };
                found.push(row);
                self.turns.insert(queue, group.clone());
                true
            });
        }
        Ok(found)
    }

    /// Gives out up to `most` visible messages and hides them for `visibility` seconds, by default the queue's; moves
    /// those to the dead-letter queue that have been given out too often.
    pub(crate) fn receive(
        &mut self,
        name: &str,
        most: u32,
        visibility: Option<u32>,
        now: i64,
    ) -> Result<Claimed, Error> {
        self.follow(now)?;
        let queue = self.queue(name)?;
        let id = queue.id;
        let retention = queue.attributes.retention;
        let visibility = visibility.unwrap_or(queue.attributes.visibility_timeout);
        let redrive = queue.attributes.redrive.as_ref().and_then(|redrive| {
            let target = self.queues.get(&redrive.dead_letter_queue)?;
            Some((target.id, redrive.dead_letter_queue.clone(), redrive.max_receive_count))
        });
        // Looking for expired messages once a second is enough: a receive leaves them out anyway.
        if self.swept_ms.get(&id).is_none_or(|last| now - last >= 1000) {
            self.expire(id, retention, now)?;
            self.swept_ms.insert(id, now);
        }
        let kept_since = now - i64::from(retention) * 1000;

        let mut messages = Vec::new();
        let mut moved = 0;
        loop {
            let wanted = most - u32::try_from(messages.len()).unwrap_or(most);
            let rows = self.next(id, wanted, now, kept_since)?;
            let mut moved_now = 0;
            for (message, receive_count) in rows {
                match &redrive {
                    Some((target, _, limit)) if receive_count >= *limit => {
                        self.connection
                            .prepare_cached(
                                "update messages set queue = ?1, source = ?2, visible_at = ?3 where id = ?4",
                            )?
                            .execute([*target, id, now, message])?;
                        moved_now += 1;
                    }
                    _ => messages.push(self.claim(id, message, visibility, now)?),
                }
            }
            moved += moved_now;
            // Only when some were moved can there be more; one hidden for no time at all must not be given twice.
            if moved_now == 0 || !messages.is_empty() || moved >= HOUSEKEEPING_ROWS {
                break;
            }
        }
        if moved > 0
            && let Some((_, target, _)) = redrive
        {
            self.woken.insert(target);
        }
        let next_visible_ms = if messages.is_empty() {
            let next = self
                .connection
                .prepare_cached(
                    "select min(visible_at) from messages indexed by messages_by_visibility where queue = ?1",
                )?
                .query_row([id], |row| row.get::<_, Option<i64>>(0))?;
            // Visible ones that were not given out are beyond this call's bound, or expired and not yet removed.
            let soon = if moved > 0 { now + 1 } else { now + 1000 };
            next.map(|at| if at > now { at } else { soon })
        } else {
            None
        };
        Ok(Claimed {
            messages,
            next_visible_ms,
        })
    }

    fn claim(&mut self, queue: i64, message: i64, visibility: u32, now: i64) -> Result<Received, Error> {
        let (sent_ms, receive_count, first_receive_ms, source): (i64, u32, i64, Option<i64>) = self
            .connection
            .prepare_cached(
                "update messages set visible_at = ?1, receive_count = receive_count + 1, received_ms = ?2,
                    first_receive_ms = coalesce(first_receive_ms, ?2)
                 where id = ?3 returning sent_ms, receive_count, first_receive_ms, source",
            )?
            .query_row([now + i64::from(visibility) * 1000, now, message], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
        let receipt_handle = self.receipts.write(Receipt { queue, message });
        let dead_letter_source = source.and_then(|id| self.names.get(&id).cloned());
        let received = self
            .connection
            .prepare_cached(
                "select message_id, body, md5_of_body, attributes, trace_header, group_id from payloads where message = ?1",
            )?
            .query_row([message], |row| {
                Ok(Received {
                    message_id: row.get(0)?,
                    receipt_handle,
                    body: row.get(1)?,
                    md5_of_body: row.get(2)?,
                    attributes: row
                        .get::<_, Option<String>>(3)?
                        .and_then(|text| serde_json::from_str(&text).ok())
                        .unwrap_or_default(),
                    trace_header: row.get(4)?,
                    group_id: row.get(5)?,
                    sent_ms,
                    receive_count,
                    first_receive_ms,
                    dead_letter_source,
                })
            })?;
        Ok(received)
    }

    /// Removes the message a handle of this queue names, whichever of its handles; one that is gone is success.
    pub(crate) fn delete(&mut self, name: &str, receipt: Option<Receipt>) -> Result<(), Error> {
        let queue = self.queue(name)?.id;
        match receipt {
            Some(receipt) if receipt.queue == queue => self.remove(queue, receipt.message),
            _ => Err(invalid_receipt()),
        }
    }

    pub(crate) fn change_visibility(
        &mut self,
        name: &str,
        receipt: Option<Receipt>,
        seconds: u32,
        now: i64,
    ) -> Result<(), Error> {
        let queue = self.queue(name)?.id;
        let Some(receipt) = receipt.filter(|receipt| receipt.queue == queue) else {
            return Err(invalid_receipt());
        };
        let row: Option<(i64, Option<i64>)> = self
            .connection
            .prepare_cached("select visible_at, received_ms from messages where id = ?1 and queue = ?2")?
            .query_row([receipt.message, queue], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((visible_at, received_ms)) = row else {
            return Err(Error::parameter(
                "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.",
            ));
        };
        if visible_at <= now {
            return Err(Error::new(
                Code::MessageNotInflight,
                "The specified message isn't in flight.",
            ));
        }
        let until = now + i64::from(seconds) * 1000;
        if until - received_ms.unwrap_or(now) > VISIBILITY_LIMIT_MS {
            return Err(Error::parameter(format!(
                "Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
            )));
        }
        self.connection
            .prepare_cached("update messages set visible_at = ?1 where id = ?2")?
            .execute([until, receipt.message])?;
        self.woken.insert(name.to_owned());
        Ok(())
    }

    /// Moves the visible messages of a dead-letter queue to `destination`, or each to where it came from. They become
    /// new messages there: new id, new time, no receives.
    pub(crate) fn redrive(&mut self, source: &str, destination: Option<&str>, now: i64) -> Result<MoveTask, Error> {
        let row = self.queues.get(source).ok_or_else(no_resource)?;
        let source_id = row.id;
        let target = match destination {
            Some(name) if name == source => {
                return Err(Error::parameter(
                    "Source queue and destination queue cannot be the same.",
                ));
            }
            Some(name) => Some(self.queues.get(name).ok_or_else(no_resource)?.id),
            None => None,
        };
        if self.sources(source)?.is_empty() {
            return Err(Error::parameter(
                "Source queue must be configured as a Dead Letter Queue.",
            ));
        }
        let rows: Vec<(i64, Option<i64>)> = self
            .connection
            .prepare_cached(
                "select id, source from messages where queue = ?1 and visible_at <= ?2 order by visible_at, id",
            )?
            .query_map([source_id, now], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let to_move = rows.len() as u64;
        let mut moved = 0;
        for (message, from) in rows {
            let Some((target, name)) = target
                .or(from)
                .and_then(|id| self.names.get(&id).map(|name| (id, name.clone())))
            else {
                continue;
            };
            // A new row, since the handles of the old one must not reach the message at its new place.
            self.connection
                .prepare_cached(
                    "insert into messages (queue, visible_at, sent_ms, turn)
                     select ?1, ?2, ?2, turn from messages where id = ?3",
                )?
                .execute([target, now, message])?;
            let new = self.connection.last_insert_rowid();
            self.connection
                .prepare_cached("update payloads set message = ?1, message_id = ?2 where message = ?3")?
                .execute(params![new, uuid::Uuid::new_v4().to_string(), message])?;
            self.connection
                .prepare_cached("delete from messages where id = ?1")?
                .execute([message])?;
            self.woken.insert(name);
            moved += 1;
        }
        let task = MoveTask {
            handle: uuid::Uuid::new_v4().to_string(),
            source: source.to_owned(),
            destination: destination.map(str::to_owned),
            status: if moved == to_move {
                MoveTaskStatus::Completed
            } else {
                MoveTaskStatus::Failed
            },
            moved,
            to_move,
            started_ms: now,
        };
        self.connection
            .prepare_cached(
                "insert into move_tasks (handle, source, destination, status, moved, to_move, started_ms)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                task.handle,
                task.source,
                task.destination,
                task.status.word(),
                i64::try_from(moved).unwrap_or(i64::MAX),
                i64::try_from(to_move).unwrap_or(i64::MAX),
                now,
            ])?;
        // Ten are ever shown of a queue.
        self.connection
            .prepare_cached(
                "delete from move_tasks where source = ?1 and id not in
                    (select id from move_tasks where source = ?1 order by id desc limit 10)",
            )?
            .execute([source])?;
        Ok(task)
    }

    /// The latest moves out of a queue, newest first.
    pub(crate) fn move_tasks(&mut self, source: &str, limit: u32) -> Result<Vec<MoveTask>, Error> {
        if !self.queues.contains_key(source) {
            return Err(no_resource());
        }
        let tasks = self
            .connection
            .prepare_cached(
                "select handle, destination, status, moved, to_move, started_ms from move_tasks
                 where source = ?1 order by id desc limit ?2",
            )?
            .query_map(params![source, limit], |row| {
                let status: String = row.get(2)?;
                Ok(MoveTask {
                    handle: row.get(0)?,
                    source: source.to_owned(),
                    destination: row.get(1)?,
                    status: if status == MoveTaskStatus::Completed.word() {
                        MoveTaskStatus::Completed
                    } else {
                        MoveTaskStatus::Failed
                    },
                    moved: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
                    to_move: u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0),
                    started_ms: row.get(5)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(tasks)
    }
}

fn invalid_receipt() -> Error {
    Error::new(Code::ReceiptHandleIsInvalid, "The input receipt handle is invalid.")
}

fn no_resource() -> Error {
    Error::new(
        Code::ResourceNotFound,
        "The resource that you specified for the SourceArn or DestinationArn parameter doesn't exist.",
    )
}

/// Whether the attribute of that name has the same value in both.
fn same(attribute: &str, row: &QueueRow, attributes: &Attributes, kept: &BTreeMap<String, String>) -> bool {
    let (old, new) = (&row.attributes, attributes);
    match attribute {
        "VisibilityTimeout" => old.visibility_timeout == new.visibility_timeout,
        "DelaySeconds" => old.delay == new.delay,
        "MessageRetentionPeriod" => old.retention == new.retention,
        "ReceiveMessageWaitTimeSeconds" => old.receive_wait == new.receive_wait,
        "MaximumMessageSize" => old.maximum_message_bytes == new.maximum_message_bytes,
        "RedrivePolicy" => old.redrive == new.redrive,
        other => row.kept.get(other) == kept.get(other),
    }
}

fn read_map(text: &str) -> BTreeMap<String, String> {
    serde_json::from_str(text).unwrap_or_default()
}

fn write_map(map: &BTreeMap<String, String>) -> String {
    serde_json::to_string(map).unwrap_or_else(|_| "{}".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_durable_transaction_is_synced_and_a_light_one_only_logged() {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = Engine::open(Some(&folder.path().join("queues.sqlite"))).unwrap();
        let pragma = |engine: &Engine, name: &str| -> String {
            engine
                .connection
                .query_row(&format!("select cast({name} as text) from pragma_{name}"), [], |row| {
                    row.get(0)
                })
                .unwrap()
        };
        assert_eq!(pragma(&engine, "journal_mode"), "wal");
        // 2 is FULL, 1 NORMAL (https://www.sqlite.org/pragma.html#pragma_synchronous).
        for (durable, synchronous) in [(true, "2"), (false, "1"), (true, "2")] {
            engine.begin(durable).unwrap();
            assert_eq!(pragma(&engine, "synchronous"), synchronous);
            engine.commit().unwrap();
        }
    }
}
